/* SPDX-License-Identifier: MIT
 *
 * inotify(7): groups (the files), their watches on inodes, their queues of
 * events. watch_lock guards all three everywhere: events are short.
 *
 * A watch counts its inode. Where inodes are made anew at each look (procfs),
 * it means whatever has the same number, and is in a list of its own. Those
 * that end while an event is sent (one shot, the file is gone) are put aside
 * and freed when no lock or section is held.
 */
#include "kernel/fs/event/inotify.h"
#include "kernel/fs/event/dnotify.h"
#include "kernel/fs/file.h"
#include "kernel/fs/path.h"
#include "kernel/fs/procfs/tunable.h"
#include "kernel/fs/event/watch.h"
#include "kernel/core/timer.h"
#include "kernel/mm/heap.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/ioctl.h"
#include "abi/linux/stat.h"

enum { EVENTS_MOST = 16384, WATCHES_MOST = 65536 };

struct group {
    struct list node;   /* in groups */
    uint32_t uid;       /* whose it counts as */
    struct list events; /* oldest first */
    unsigned count;
    uint64_t bytes;
    int last_wd;
    struct list watches;
    struct wait_queue wait;
};

struct inode_watches {
    struct list watches;
};

struct watch {
    struct list in_inode, in_group;
    struct group *group;
    struct inode *inode; /* counted */
    int wd;
    uint32_t mask;
};

struct event {
    struct list node;
    struct inotify_event head;
    char name[]; /* head.len bytes */
};

uint32_t watch_count;
static struct spinlock watch_lock = SPINLOCK_INIT(LOCK_PIPE);
static uint32_t last_cookie;
static struct list by_number = LIST_INIT(by_number); /* watches; watch_lock */

/* ---- queues ---- */

static bool same(const struct event *a, const struct event *b)
{
    return a->head.wd == b->head.wd && a->head.mask == b->head.mask &&
           a->head.cookie == b->head.cookie && a->head.len == b->head.len &&
           memcmp(a->name, b->name, a->head.len) == 0;
}

/* Takes e. An event equal to the last one is told once. */
static void enqueue(struct group *g, struct event *e)
{
    struct list *last = list_last(&g->events);

    if (last && same(list_entry(last, struct event, node), e)) {
        kfree(e);
        return;
    }
    list_add_tail(&g->events, &e->node);
    g->count++;
    g->bytes += sizeof(e->head) + e->head.len;
    wait_wake(&g->wait, ~0u, POLLIN);
}

static void tell(struct group *g, int wd, uint32_t mask, uint32_t cookie,
                 const char *name)
{
    size_t len = name ? ALIGN_UP(strlen(name) + 1, 16ul) : 0;
    struct event *e;

    if (g->count >= EVENTS_MOST) {
        wd = -1;
        mask = IN_Q_OVERFLOW;
        cookie = 0;
        len = 0;
    }
    e = kzalloc(sizeof(*e) + len);
    if (!e) {
        return;
    }
    e->head = (struct inotify_event){wd, mask, cookie, len};
    if (len) {
        strlcpy(e->name, name, len);
    }
    enqueue(g, e);
}

/* ---- watches ---- */

/* The watch ends; it goes to `gone`. */
static void end_watch(struct watch *w, struct list *gone)
{
    tell(w->group, w->wd, IN_IGNORED, 0, NULL);
    list_del(&w->in_inode);
    list_del(&w->in_group);
    list_add_tail(gone, &w->in_group);
    atomic_fetch_sub(&watch_count, 1);
}

static void free_gone(struct list *gone)
{
    struct list *pos;

    while ((pos = list_pop(gone)) != NULL) {
        struct watch *w = list_entry(pos, struct watch, in_group);

        inode_put(w->inode);
        kfree(w);
    }
}

/* Where the watches on it are, among others perhaps; NULL: there are none. */
static struct list *watches_on(struct inode *inode)
{
    struct inode_watches *l = atomic_load_acquire(&inode->watches);

    if (unlikely(inode->sb->flags & SB_NO_CACHE)) {
        return &by_number;
    }
    return l ? &l->watches : NULL;
}

static bool is_on(const struct watch *w, const struct inode *inode)
{
    return w->inode == inode ||
           (w->inode->sb == inode->sb && w->inode->ino == inode->ino &&
            inode->sb->flags & SB_NO_CACHE);
}

static void send(struct inode *inode, uint32_t mask, uint32_t cookie,
                 const char *name, struct list *gone)
{
    struct list *l = watches_on(inode);
    bool unlinked;

    if (!l) {
        return;
    }
    unlinked = mask & WATCH_UNLINKED;
    mask &= ~(WATCH_RENAME | WATCH_UNLINKED);
    spin_lock(&watch_lock);
    list_for_each_safe (pos, l) {
        struct watch *w = list_entry(pos, struct watch, in_inode);

        if (!is_on(w, inode) || !(w->mask & mask & IN_ALL_EVENTS) ||
            (unlinked && w->mask & IN_EXCL_UNLINK)) {
            continue;
        }
        tell(w->group, w->wd, mask, cookie, name);
        if (w->mask & IN_ONESHOT) {
            end_watch(w, gone);
        }
    }
    spin_unlock(&watch_lock);
}

/* The inode is gone: so are its watches. */
static void end_all(struct inode *inode, struct list *gone)
{
    struct list *l = watches_on(inode);

    if (!l) {
        return;
    }
    spin_lock(&watch_lock);
    list_for_each_safe (pos, l) {
        struct watch *w = list_entry(pos, struct watch, in_inode);

        if (is_on(w, inode)) {
            end_watch(w, gone);
        }
    }
    spin_unlock(&watch_lock);
}

/* ---- what others tell (watch.h) ---- */

static uint32_t with_type(const struct inode *inode, uint32_t mask)
{
    return mask | (S_ISDIR(inode->mode) ? IN_ISDIR : 0);
}

/* The same for dnotify.c, which sends signals: under no lock. */
static void tell_dnotify(struct inode *inode, uint32_t mask)
{
    if (unlikely(atomic_load_relaxed(&dnotify_count))) {
        dnotify_tell(inode, mask);
    }
}

/* In a section: counts the inode for tell_after(), if anybody is to be told. */
static struct inode *keep(struct inode *inode)
{
    if (likely(!atomic_load_relaxed(&dnotify_count))) {
        return NULL;
    }
    inode_get(inode);
    return inode;
}

static void tell_after(struct inode *kept, uint32_t mask)
{
    if (unlikely(kept)) {
        dnotify_tell(kept, mask);
        inode_put(kept);
    }
}

void watch_send(struct dentry *d, uint32_t mask, bool by_file)
{
    struct inode *dir = NULL, *inode = NULL;
    struct list gone = LIST_INIT(gone);
    uint32_t *section = dcache_enter();

    if (d->inode) {
        mask = with_type(d->inode, mask);
        mask |= by_file && dentry_unhashed(d) && d->parent != d ? WATCH_UNLINKED
                                                                : 0;
        if (d->parent != d && d->parent->inode) {
            dir = keep(d->parent->inode);
            send(d->parent->inode, mask, 0, d->name, &gone);
        }
        inode = keep(d->inode);
        send(d->inode, mask, 0, NULL, &gone);
    }
    dcache_leave(section);
    tell_after(dir, mask);
    tell_after(inode, mask);
    free_gone(&gone);
}

void watch_send_name(struct inode *dir, uint32_t mask, uint32_t cookie,
                     const char *name)
{
    struct list gone = LIST_INIT(gone);

    send(dir, mask, cookie, name, &gone);
    tell_dnotify(dir, mask);
    free_gone(&gone);
}

uint32_t watch_cookie(void)
{
    return atomic_add_fetch(&last_cookie, 1);
}

void watch_self(struct inode *inode, uint32_t mask)
{
    struct list gone = LIST_INIT(gone);

    send(inode, mask, 0, NULL, &gone);
    tell_dnotify(inode, mask);
    free_gone(&gone);
}

void watch_unlinked(struct inode *inode)
{
    struct list gone = LIST_INIT(gone);

    if (atomic_load_relaxed(&watch_count) && !S_ISDIR(inode->mode)) {
        send(inode, IN_ATTRIB, 0, NULL, &gone);
        free_gone(&gone);
    }
}

void watch_forgotten(struct inode *inode)
{
    struct list gone = LIST_INIT(gone);

    if (atomic_load_acquire(&inode->data)->nlink == 0) {
        send(inode, IN_DELETE_SELF, 0, NULL, &gone);
        end_all(inode, &gone);
        free_gone(&gone);
    }
}

void watches_free(struct inode_watches *watches)
{
    kfree(watches); /* its list is empty: each watch counts the inode */
}

/* ---- reading ---- */

/* The oldest event if it fits; *small: it does not. */
static struct event *take(struct group *g, uint64_t room, bool *small)
{
    struct event *e = NULL;

    spin_lock(&watch_lock);
    if (!list_empty(&g->events)) {
        e = list_entry(g->events.next, struct event, node);
        *small = sizeof(e->head) + e->head.len > room;
        if (*small) {
            e = NULL;
        } else {
            list_del(&e->node);
            g->count--;
            g->bytes -= sizeof(e->head) + e->head.len;
        }
    }
    spin_unlock(&watch_lock);
    return e;
}

static long put_event(struct iobuf *io, struct event *e)
{
    size_t len = sizeof(e->head) + e->head.len;
    long n = iobuf_put(io, &e->head, sizeof(e->head));

    if (n == sizeof(e->head) && e->head.len) {
        n = iobuf_put(io, e->name, e->head.len);
        n = n == (long)e->head.len ? (long)len : -EFAULT;
    }
    kfree(e);
    return n == (long)len ? n : -EFAULT;
}

static long inotify_read(struct file *f, struct iobuf *io, uint64_t *pos,
                         int flags)
{
    struct group *g = f->private;
    long done = 0;

    for (;;) {
        bool small = false;
        struct event *e = take(g, io->left, &small);

        if (e) {
            long n = put_event(io, e);

            if (n < 0) {
                return done ? done : n;
            }
            done += n;
            continue;
        }
        if (done || small) {
            return done ? done : -EINVAL;
        }
        if (file_nonblock(f, flags)) {
            return -EAGAIN;
        }
        if (wait_event(&g->wait, atomic_load_acquire(&g->count) > 0,
                       DEADLINE_NONE, WAIT_INTR)) {
            return -ERESTARTSYS;
        }
    }
}

static uint32_t inotify_poll(struct file *f, struct poll_table *pt)
{
    struct group *g = f->private;

    poll_wait(pt, &g->wait);
    return atomic_load_acquire(&g->count) ? POLLIN | POLLRDNORM : 0;
}

static long inotify_ioctl(struct file *f, uint32_t cmd, struct uptr arg)
{
    struct group *g = f->private;

    return cmd == FIONREAD ? put_user32(arg, g->bytes) : -ENOTTY;
}

static void inotify_release(struct file *f)
{
    struct list gone = LIST_INIT(gone), *pos;
    struct group *g = f->private;

    spin_lock(&watch_lock);
    list_del(&g->node);
    while (!list_empty(&g->watches)) {
        end_watch(list_entry(g->watches.next, struct watch, in_group), &gone);
    }
    spin_unlock(&watch_lock);
    free_gone(&gone);
    while ((pos = list_pop(&g->events)) != NULL) {
        kfree(list_entry(pos, struct event, node));
    }
    kfree(g);
}

/* One line a watch, as far as there is room. */
static size_t inotify_info(struct file *f, char *buf, size_t len)
{
    struct group *g = f->private;
    size_t n = 0;

    spin_lock(&watch_lock);
    list_for_each (pos, &g->watches) {
        const struct watch *w = list_entry(pos, struct watch, in_group);

        n += fmt_scnprintf(buf + n, len - n,
                           "inotify wd:%x ino:%lx sdev:%lx mask:%x "
                           "ignored_mask:0\n",
                           w->wd, (unsigned long)w->inode->ino,
                           (unsigned long)w->inode->sb->dev,
                           w->mask &
                               (IN_ALL_EVENTS | IN_EXCL_UNLINK | IN_ONESHOT));
    }
    spin_unlock(&watch_lock);
    return n;
}

static const struct file_ops inotify_ops = {
    .seek = seek_nowhere,
    .read = inotify_read,
    .poll = inotify_poll,
    .ioctl = inotify_ioctl,
    .release = inotify_release,
    .fdinfo = inotify_info,
};

static struct list groups = LIST_INIT(groups); /* watch_lock */

/* Adds g to its user's: -EMFILE when there are enough. */
static int enlist(struct group *g)
{
    int64_t count = 0;
    int err;

    spin_lock(&watch_lock);
    list_for_each (pos, &groups) {
        count += list_entry(pos, struct group, node)->uid == g->uid;
    }
    err = count < tunable(&tunable_inotify_instances) ? 0 : -EMFILE;
    if (!err) {
        list_add(&groups, &g->node);
    }
    spin_unlock(&watch_lock);
    return err;
}

static void delist(struct group *g)
{
    spin_lock(&watch_lock);
    list_del(&g->node);
    spin_unlock(&watch_lock);
}

int inotify_open(uint32_t flags, struct file **out)
{
    struct group *g = kzalloc(sizeof(*g));
    struct fs_cred cred;
    int err;

    if (!g) {
        return -ENOMEM;
    }
    fs_current_cred(&cred);
    g->uid = cred.uid;
    err = enlist(g);
    if (err) {
        kfree(g);
        return err;
    }
    list_init(&g->events);
    list_init(&g->watches);
    wait_queue_init(&g->wait);
    err = file_open_anon("anon_inode:inotify", &inotify_ops, g,
                         O_RDONLY | (flags & IN_NONBLOCK), out);
    if (err) {
        delist(g);
        kfree(g);
    }
    return err;
}

/* ---- adding, removing ---- */

static int watches_of(struct inode *inode, struct list **out)
{
    struct inode_watches *l = atomic_load_acquire(&inode->watches);
    struct inode_watches *seen = NULL;

    if (!l && !(inode->sb->flags & SB_NO_CACHE)) {
        l = kmalloc(sizeof(*l));
        if (!l) {
            return -ENOMEM;
        }
        list_init(&l->watches);
        if (!atomic_cas(&inode->watches, &seen, l)) { /* another was first */
            kfree(l);
        }
    }
    *out = watches_on(inode);
    return 0;
}

static struct watch *find(struct group *g, struct list *l,
                          const struct inode *inode)
{
    list_for_each (pos, l) {
        struct watch *w = list_entry(pos, struct watch, in_inode);

        if (w->group == g && is_on(w, inode)) {
            return w;
        }
    }
    return NULL;
}

/* An existing watch changes its mask. */
static int change(struct watch *w, uint32_t mask)
{
    uint32_t keep = IN_ALL_EVENTS | IN_ONESHOT | IN_EXCL_UNLINK;

    if (mask & IN_MASK_CREATE) {
        return -EEXIST;
    }
    w->mask = (mask & keep) | (mask & IN_MASK_ADD ? w->mask : 0);
    return w->wd;
}

bool inotify_is(const struct file *f)
{
    return f->ops == &inotify_ops;
}

int inotify_add(struct file *f, struct inode *inode, uint32_t mask)
{
    struct group *g = f->private;
    struct watch *fresh, *w;
    struct list *l;
    int wd, err;

    if (!inotify_is(f) || !(mask & IN_ALL_EVENTS) ||
        (mask & IN_MASK_ADD && mask & IN_MASK_CREATE)) {
        return -EINVAL;
    }
    if (atomic_load_relaxed(&watch_count) >= WATCHES_MOST) {
        return -ENOSPC;
    }
    err = watches_of(inode, &l);
    fresh = err ? NULL : kzalloc(sizeof(*fresh));
    if (!fresh) {
        return -ENOMEM;
    }
    spin_lock(&watch_lock);
    w = find(g, l, inode);
    if (w) {
        wd = change(w, mask);
    } else {
        inode_get(inode);
        *fresh = (struct watch){
            .group = g, .inode = inode, .wd = ++g->last_wd, .mask = mask};
        list_add_tail(l, &fresh->in_inode);
        list_add_tail(&g->watches, &fresh->in_group);
        atomic_fetch_add(&watch_count, 1);
        wd = fresh->wd;
        fresh = NULL;
    }
    spin_unlock(&watch_lock);
    kfree(fresh);
    return wd;
}

int inotify_remove(struct file *f, int wd)
{
    struct list gone = LIST_INIT(gone);
    struct group *g = f->private;

    if (f->ops != &inotify_ops) {
        return -EINVAL;
    }
    spin_lock(&watch_lock);
    list_for_each_safe (pos, &g->watches) {
        struct watch *w = list_entry(pos, struct watch, in_group);

        if (w->wd == wd) {
            end_watch(w, &gone);
            break;
        }
    }
    spin_unlock(&watch_lock);
    if (list_empty(&gone)) {
        return -EINVAL;
    }
    free_gone(&gone);
    return 0;
}
