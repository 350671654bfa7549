/* SPDX-License-Identifier: MIT
 *
 * epoll(7). A watched file's queues get an entry with a callback that puts the
 * item on the ready list and wakes whoever waits. Taking events polls each
 * ready item once more; a level-triggered one that still holds goes back.
 *
 * ep->lock (a mutex) guards the items. ready_lock guards the ready list; it
 * has a wait queue's class, since callbacks take it under one. all_lock keeps
 * an epoll and a watched file from ending past each other: an item's file is
 * not counted, the file's end takes its items away (epoll_forget). Also, it is
 * held while one epoll begins or ends to watch another.
 */
#include "kernel/fs/event/epoll.h"
#include "kernel/fs/file.h"
#include "kernel/fs/room.h"
#include "kernel/core/hostio_op.h"
#include "kernel/core/log.h"
#include "kernel/core/sched.h"
#include "kernel/mm/heap.h"
#include "lib/fmt.h"
#include "lib/rbtree.h"
#include "abi/linux/errno.h"

enum {
    QUEUES_MOST = 2, /* of one file */
    NESTED_MOST = 4,
    FLAGS = (int)(EPOLLET | EPOLLONESHOT | EPOLLEXCLUSIVE | EPOLLWAKEUP),
};

struct epoll {
    struct mutex lock; /* LOCK_FS_INODE */
    struct rb_tree items;
    struct spinlock ready_lock; /* LOCK_WAIT */
    struct list ready;
    struct wait_queue wait;
    struct file *file; /* that this is */
};

struct item {
    struct rb_node node;
    struct epoll *ep;
    struct file *file; /* not counted */
    int fd;
    struct epoll_event event; /* what to report, and when; ep->lock */
    uint32_t armed;           /* event.events, or 0: one shot was fired */
    struct list ready_node;
    struct list file_node; /* file->epolls */
    unsigned queues;
    struct poll_table pt;
    struct hook {
        struct wait_entry entry;
        struct item *item;
    } hooks[QUEUES_MOST];
};

static struct mutex all_lock; /* LOCK_FS_INODE */
static const struct file_ops epoll_ops;

void epoll_init(void)
{
    mutex_init(&all_lock, LOCK_FS_INODE);
}

static struct epoll *epoll_of(struct file *f)
{
    return f->ops == &epoll_ops ? f->private : NULL;
}

/* ---- the ready list ---- */

static void make_ready(struct item *item)
{
    struct epoll *ep = item->ep;

    spin_lock(&ep->ready_lock);
    if (list_empty(&item->ready_node)) {
        list_add_tail(&ep->ready, &item->ready_node);
    }
    spin_unlock(&ep->ready_lock);
}

/* Under the watched queue's lock. */
static bool notify(struct wait_entry *e, uint32_t events)
{
    struct item *item = container_of(e, struct hook, entry)->item;
    uint32_t armed = atomic_load_relaxed(&item->armed);
    unsigned woken;

    if (!armed || (events && !(events & armed))) {
        return false;
    }
    make_ready(item);
    woken = wait_wake(&item->ep->wait, 1, POLLIN);
    return woken || !(armed & EPOLLEXCLUSIVE);
}

static void add_hook(struct poll_table *pt, struct wait_queue *q)
{
    struct item *item = container_of(pt, struct item, pt);
    struct hook *hook;

    check(item->queues < QUEUES_MOST);
    hook = &item->hooks[item->queues++];
    hook->item = item;
    hook->entry = (struct wait_entry){
        .exclusive = item->event.events & EPOLLEXCLUSIVE,
        .notify = notify,
    };
    wait_add(q, &hook->entry);
}

/* The bits of interest that hold now. */
static uint32_t poll_item(struct item *item, struct poll_table *pt)
{
    return file_poll(item->file, pt) & item->armed & ~(uint32_t)FLAGS;
}

/* ---- items ---- */

static int order(struct file *file, int fd, const struct item *b)
{
    if (file != b->file) {
        return file < b->file ? -1 : 1;
    }
    return fd < b->fd ? -1 : fd > b->fd;
}

static int item_order(const struct rb_node *a, const struct rb_node *b)
{
    const struct item *x = rb_entry(a, struct item, node);

    return order(x->file, x->fd, rb_entry(b, struct item, node));
}

static struct item *find(struct epoll *ep, struct file *file, int fd)
{
    struct rb_node *node = ep->items.root;

    while (node) {
        struct item *item = rb_entry(node, struct item, node);
        int o = order(file, fd, item);

        if (o == 0) {
            return item;
        }
        node = o < 0 ? node->left : node->right;
    }
    return NULL;
}

static void drop(struct item *item)
{
    struct epoll *ep = item->ep;

    for (unsigned i = 0; i < item->queues; i++) {
        wait_remove(&item->hooks[i].entry);
    }
    spin_lock(&ep->ready_lock);
    list_del(&item->ready_node);
    spin_unlock(&ep->ready_lock);
    spin_lock(&item->file->lock);
    list_del(&item->file_node);
    spin_unlock(&item->file->lock);
    rb_erase(&ep->items, &item->node);
    kfree(item);
}

static void arm(struct item *item, const struct epoll_event *event)
{
    item->event = *event;
    atomic_store(&item->armed, event->events | POLLERR | POLLHUP);
    if (unlikely(event->events & POLLPRI)) {
        file_expect_urgent(item->file);
    }
}

static int add(struct epoll *ep, struct file *file, int fd,
               const struct epoll_event *event)
{
    struct item *item = kzalloc(sizeof(*item));

    if (!item) {
        return -ENOMEM;
    }
    item->ep = ep;
    item->file = file;
    item->fd = fd;
    item->pt.add = add_hook;
    list_init(&item->ready_node);
    arm(item, event);
    rb_insert(&ep->items, &item->node, item_order);
    spin_lock(&file->lock);
    list_add(&file->epolls, &item->file_node);
    atomic_store(&file->watched, 1);
    spin_unlock(&file->lock);
    if (poll_item(item, &item->pt)) {
        make_ready(item);
        wait_wake(&ep->wait, 1, POLLIN);
    }
    return 0;
}

static void modify(struct item *item, const struct epoll_event *event)
{
    arm(item, event);
    if (poll_item(item, NULL)) {
        make_ready(item);
        wait_wake(&item->ep->wait, 1, POLLIN);
    }
}

/* ---- epoll_ctl ---- */

int epoll_target(struct file *f, int fd, uint32_t off, const void **out)
{
    struct epoll *ep = epoll_of(f);
    int err = -ENOENT;

    if (!ep) {
        return -EINVAL;
    }
    mutex_lock(&ep->lock);
    for (struct rb_node *n = rb_first(&ep->items); n && err; n = rb_next(n)) {
        struct item *item = rb_entry(n, struct item, node);

        if (item->fd == fd && off-- == 0) {
            *out = item->file;
            err = 0;
        }
    }
    mutex_unlock(&ep->lock);
    return err;
}

/* How many epolls stand below ep, one below the other; more than allowed when
 * `to` is among them. all_lock is held, without which none watches another. */
static int depth_below(struct epoll *ep, struct epoll *to, int level)
{
    struct rb_node *node;
    int depth = 0;

    if (ep == to || level > NESTED_MOST) {
        return NESTED_MOST + 1;
    }
    mutex_lock(&ep->lock);
    for (node = rb_first(&ep->items); node; node = rb_next(node)) {
        struct epoll *next = epoll_of(rb_entry(node, struct item, node)->file);

        if (next) {
            depth = MAX(depth, 1 + depth_below(next, to, level + 1));
        }
    }
    mutex_unlock(&ep->lock);
    return depth;
}

/* The same upwards: epolls that watch ep. */
static int depth_above(struct epoll *ep, int level)
{
    int depth = 0;

    if (level > NESTED_MOST) {
        return NESTED_MOST + 1;
    }
    list_for_each (pos, &ep->file->epolls) {
        struct item *item = list_entry(pos, struct item, file_node);

        depth = MAX(depth, 1 + depth_above(item->ep, level + 1));
    }
    return depth;
}

static int control_locked(struct epoll *ep, int op, struct file *target, int fd,
                          const struct epoll_event *event)
{
    struct item *item = find(ep, target, fd);

    switch (op) {
    case EPOLL_CTL_ADD:
        return item ? -EEXIST : add(ep, target, fd, event);
    case EPOLL_CTL_DEL:
        if (!item) {
            return -ENOENT;
        }
        drop(item);
        return 0;
    case EPOLL_CTL_MOD:
        if (!item) {
            return -ENOENT;
        }
        if (item->event.events & EPOLLEXCLUSIVE) {
            return -EINVAL;
        }
        modify(item, event);
        return 0;
    default:
        return -EINVAL;
    }
}

static int check_exclusive(int op, struct file *target, uint32_t events)
{
    if (op == EPOLL_CTL_DEL || !(events & EPOLLEXCLUSIVE)) {
        return 0;
    }
    if (op == EPOLL_CTL_MOD || epoll_of(target) ||
        events & ~(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP |
                   EPOLLET | EPOLLEXCLUSIVE)) {
        return -EINVAL;
    }
    return 0;
}

int epoll_control(struct file *epf, int op, struct file *target, int fd,
                  const struct epoll_event *event)
{
    struct epoll *ep = epoll_of(epf), *nested = epoll_of(target);
    bool all = nested != NULL;
    int err;

    if (!target->ops->poll) {
        return -EPERM;
    }
    if (!ep || epf == target) {
        return -EINVAL;
    }
    err = check_exclusive(op, target, event->events);
    if (err) {
        return err;
    }
    if (all) {
        mutex_lock(&all_lock);
        if (op == EPOLL_CTL_ADD &&
            depth_below(nested, ep, 0) + 1 + depth_above(ep, 0) > NESTED_MOST) {
            mutex_unlock(&all_lock);
            return -ELOOP;
        }
    }
    mutex_lock(&ep->lock);
    err = control_locked(ep, op, target, fd, event);
    mutex_unlock(&ep->lock);
    if (all) {
        mutex_unlock(&all_lock);
    }
    return err;
}

/* ---- epoll_wait ---- */

/* Moves the whole ready list aside, so that what goes back is not looked at
 * twice. */
static void take_ready(struct epoll *ep, struct list *out)
{
    spin_lock(&ep->ready_lock);
    list_splice_tail(out, &ep->ready);
    spin_unlock(&ep->ready_lock);
}

static struct item *next_ready(struct epoll *ep, struct list *from)
{
    struct list *pos;

    spin_lock(&ep->ready_lock);
    pos = list_pop(from);
    spin_unlock(&ep->ready_lock);
    return pos ? list_entry(pos, struct item, ready_node) : NULL;
}

/* What was not reached goes back in front. */
static void give_back(struct epoll *ep, struct list *left)
{
    spin_lock(&ep->ready_lock);
    list_splice_tail(left, &ep->ready);
    list_splice_tail(&ep->ready, left);
    spin_unlock(&ep->ready_lock);
}

/* Reports item; level-triggered ones stay ready. */
static void report(struct item *item, uint32_t bits, struct epoll_event *out)
{
    out->events = bits;
    out->data = item->event.data;
    if (item->event.events & EPOLLONESHOT) {
        atomic_store(&item->armed, 0);
    } else if (!(item->event.events & EPOLLET)) {
        make_ready(item);
    }
}

static unsigned collect(struct epoll *ep, struct epoll_event *out,
                        unsigned count)
{
    struct list todo = LIST_INIT(todo);
    struct item *item;
    unsigned n = 0;

    mutex_lock(&ep->lock);
    take_ready(ep, &todo);
    while (n < count && (item = next_ready(ep, &todo)) != NULL) {
        uint32_t bits = poll_item(item, NULL);

        if (bits) {
            report(item, bits, &out[n++]);
        }
    }
    give_back(ep, &todo);
    mutex_unlock(&ep->lock);
    return n;
}

static bool has_ready(struct epoll *ep)
{
    return !list_empty(&ep->ready);
}

int epoll_take(struct file *epf, struct epoll_event *out, unsigned count,
               uint64_t deadline, bool poll_only)
{
    struct epoll *ep = epoll_of(epf);

    if (!ep) {
        return -EINVAL;
    }
    hostio_look();
    for (;;) {
        unsigned n = has_ready(ep) ? collect(ep, out, count) : 0;
        int err;

        if (n || poll_only) {
            if (n && has_ready(ep)) { /* there is more: wake another */
                wait_wake(&ep->wait, 1, POLLIN);
            }
            return n;
        }
        err = wait_event(&ep->wait, has_ready(ep), deadline,
                         WAIT_INTR | WAIT_EXCLUSIVE);
        if (err) {
            return err == -ETIMEDOUT ? 0 : err;
        }
    }
}

/* ---- the file ---- */

/* Readable when an item really is ready; those that are not leave the list. */
static uint32_t epoll_poll(struct file *f, struct poll_table *pt)
{
    struct epoll *ep = f->private;
    struct list todo = LIST_INIT(todo);
    struct item *item;
    uint32_t bits = 0;

    poll_wait(pt, &ep->wait);
    if (!has_ready(ep)) {
        return 0;
    }
    mutex_lock(&ep->lock);
    take_ready(ep, &todo);
    while (!bits && (item = next_ready(ep, &todo)) != NULL) {
        if (poll_item(item, NULL)) {
            bits = POLLIN | POLLRDNORM;
            make_ready(item);
        }
    }
    give_back(ep, &todo);
    mutex_unlock(&ep->lock);
    return bits;
}

static void epoll_release(struct file *f)
{
    struct epoll *ep = f->private;
    struct rb_node *node;

    mutex_lock(&all_lock);
    mutex_lock(&ep->lock);
    while ((node = rb_first(&ep->items)) != NULL) {
        drop(rb_entry(node, struct item, node));
    }
    mutex_unlock(&ep->lock);
    mutex_unlock(&all_lock);
    kfree(ep);
}

void epoll_forget(struct file *f)
{
    mutex_lock(&all_lock);
    while (!list_empty(&f->epolls)) {
        struct item *item = list_entry(f->epolls.next, struct item, file_node);
        struct epoll *ep = item->ep;

        mutex_lock(&ep->lock);
        /* epoll_ctl(2) may have been quicker. */
        if (!list_empty(&f->epolls) && f->epolls.next == &item->file_node) {
            drop(item);
        }
        mutex_unlock(&ep->lock);
    }
    mutex_unlock(&all_lock);
}

/* One line an item, as far as there is room. */
static size_t epoll_info(struct file *f, char *buf, size_t len)
{
    struct epoll *ep = f->private;
    size_t n = 0;

    mutex_lock(&ep->lock);
    for (struct rb_node *node = rb_first(&ep->items); node;
         node = rb_next(node)) {
        const struct item *item = rb_entry(node, struct item, node);

        n += fmt_scnprintf(
            buf + n, len - n,
            "tfd: %8d events: %8x data: %16lx  pos:%ld "
            "ino:%lx sdev:%lx\n",
            item->fd, item->event.events, (unsigned long)item->event.data,
            (long)item->file->pos, (unsigned long)item->file->inode->ino,
            (unsigned long)item->file->inode->sb->dev);
    }
    mutex_unlock(&ep->lock);
    return n;
}

static const struct file_ops epoll_ops = {
    .seek = seek_nowhere,
    .poll = epoll_poll,
    .release = epoll_release,
    .fdinfo = epoll_info,
};

int epoll_open(uint32_t flags, struct file **out)
{
    struct epoll *ep = kzalloc(sizeof(*ep));
    int err;

    if (!ep) {
        return -ENOMEM;
    }
    mutex_init(&ep->lock, LOCK_FS_INODE);
    ep->items = RB_TREE_INIT;
    spin_init(&ep->ready_lock, LOCK_WAIT);
    list_init(&ep->ready);
    wait_queue_init(&ep->wait);
    err = file_open_anon("anon_inode:[eventpoll]", &epoll_ops, ep,
                         O_RDWR | flags, out);
    if (err) {
        kfree(ep);
    } else {
        ep->file = *out;
    }
    return err;
}
