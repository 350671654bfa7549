/* SPDX-License-Identifier: MIT
 *
 * Advisory locks (locks.h): for each inode that ever had one, a list a kind.
 * Locks of one owner never overlap: a new one is cut out of the old ones
 * first, then joined with neighbours of the same type.
 *
 * One spinlock guards all lists, since locks are rare and searching for
 * deadlocks looks at several inodes. Waiters sleep on their inode's queue and
 * try again whenever something there is released.
 */
#include "kernel/fs/locks.h"
#include "kernel/fs/current.h"
#include "kernel/fs/file.h"
#include "kernel/mm/heap.h"
#include "abi/linux/errno.h"

struct record {
    struct list node; /* in its kind's list, by start */
    struct list any;  /* in `held` */
    struct inode *inode;
    enum lock_kind kind;
    const void *owner; /* struct files, or struct file */
    int pid;           /* shown by F_GETLK */
    bool write;
    uint64_t start, end; /* inclusive */
};

struct inode_locks {
    struct list kinds[LOCK_KINDS];
    struct wait_queue changed;
};

/* Who waits for whom, for EDEADLK (POSIX locks only). */
struct waiting {
    struct list node;
    const void *owner, *blocker;
};

static struct spinlock locks_lock = SPINLOCK_INIT(LOCK_PAGECACHE);
static struct list waiters = LIST_INIT(waiters);
static struct list held = LIST_INIT(held); /* all, the newest first */

/* The kinds that exclude each other share a list: POSIX and OFD do. */
static struct list *list_of(struct inode_locks *l, enum lock_kind kind)
{
    return &l->kinds[kind == LOCK_KIND_OFD ? LOCK_KIND_POSIX : kind];
}

static int locks_of(struct inode *inode, struct inode_locks **out)
{
    struct inode_locks *l = atomic_load_acquire(&inode->locks), *seen = NULL;

    if (!l) {
        l = kmalloc(sizeof(*l));
        if (!l) {
            return -ENOLCK;
        }
        for (int i = 0; i < LOCK_KINDS; i++) {
            list_init(&l->kinds[i]);
        }
        wait_queue_init(&l->changed);
        if (!atomic_cas(&inode->locks, &seen, l)) {
            kfree(l);
            l = seen;
        }
    }
    *out = l;
    return 0;
}

void locks_free(struct inode_locks *l)
{
    kfree(l); /* its lists are empty: every owner has gone */
}

/* ---- ranges ---- */

static bool overlaps(const struct record *r, const struct record *want)
{
    return r->start <= want->end && want->start <= r->end;
}

static struct record *find_conflict(struct list *list,
                                    const struct record *want)
{
    list_for_each (pos, list) {
        struct record *r = list_entry(pos, struct record, node);

        if (r->owner != want->owner && (r->write || want->write) &&
            overlaps(r, want)) {
            return r;
        }
    }
    return NULL;
}

static void drop(struct record *r)
{
    list_del(&r->node);
    list_del(&r->any);
    kfree(r);
}

/* An owner's lie together, by their start, and owners as they came: so Linux
 * finds the first that conflicts. */
static void insert(struct list *list, struct record *r)
{
    bool seen = false;

    list_for_each (pos, list) {
        const struct record *o = list_entry(pos, struct record, node);
        bool own = o->owner == r->owner;

        if (own ? o->start > r->start : seen) {
            list_add_tail(pos, &r->node); /* before it */
            return;
        }
        seen |= own;
    }
    list_add_tail(list, &r->node);
}

/* Cuts [want->start, want->end] out of the owner's locks. *spare becomes the
 * second half of a lock that is split, and NULL then. */
static void cut_out(struct list *list, const struct record *want,
                    struct record **spare)
{
    list_for_each_safe (pos, list) {
        struct record *r = list_entry(pos, struct record, node);

        if (r->owner != want->owner || !overlaps(r, want)) {
            continue;
        }
        if (r->start < want->start && r->end > want->end) {
            struct record *half = *spare;

            *half = *r;
            half->start = want->end + 1;
            r->end = want->start - 1;
            *spare = NULL;
            list_add(&r->node, &half->node);
            list_add(&r->any, &half->any);
        } else if (r->start < want->start) {
            r->end = want->start - 1;
        } else if (r->end > want->end) {
            r->start = want->end + 1;
        } else {
            drop(r);
        }
    }
}

/* Joins neighbours of one owner and type. */
static void join(struct list *list, struct record *r)
{
    list_for_each_safe (pos, list) {
        struct record *o = list_entry(pos, struct record, node);

        if (o == r || o->owner != r->owner || o->write != r->write) {
            continue;
        }
        if ((o->end != UINT64_MAX && o->end + 1 == r->start) ||
            (r->end != UINT64_MAX && r->end + 1 == o->start)) {
            r->start = MIN(r->start, o->start);
            r->end = MAX(r->end, o->end);
            drop(o);
        }
    }
    list_del(&r->node);
    insert(list, r);
}

/* ---- taking and waiting ---- */

/* Would waiting for blocker close a ring? locks_lock is held. */
static bool deadlocks(const void *owner, const void *blocker)
{
    for (int depth = 0; depth < 16 && blocker != owner; depth++) {
        const void *next = NULL;

        list_for_each (pos, &waiters) {
            struct waiting *w = list_entry(pos, struct waiting, node);

            if (w->owner == blocker) {
                next = w->blocker;
            }
        }
        if (!next) {
            return false;
        }
        blocker = next;
    }
    return blocker == owner;
}

struct attempt {
    struct inode_locks *locks;
    enum lock_kind kind;
    bool unlock;
    struct record want;
    struct record *fresh, *spare; /* allocated beforehand */
    struct waiting waiting;
};

/* One try under locks_lock: 0, -EAGAIN, -EDEADLK. */
static int try_lock(struct attempt *a, bool wait)
{
    struct list *list = list_of(a->locks, a->kind);
    struct record *conflict = a->unlock ? NULL : find_conflict(list, &a->want);

    if (conflict && a->kind == LOCK_KIND_FLOCK) {
        cut_out(list, &a->want, &a->spare); /* a conversion lets go first */
    }
    if (conflict) {
        if (!wait) {
            return -EAGAIN;
        }
        if (a->kind == LOCK_KIND_POSIX &&
            deadlocks(a->want.owner, conflict->owner)) {
            return -EDEADLK;
        }
        a->waiting.owner = a->want.owner;
        a->waiting.blocker = conflict->owner;
        list_add(&waiters, &a->waiting.node);
        return -EAGAIN;
    }
    cut_out(list, &a->want, &a->spare);
    if (!a->unlock) {
        *a->fresh = a->want;
        list_init(&a->fresh->node);
        list_add(&held, &a->fresh->any);
        insert(list, a->fresh);
        join(list, a->fresh);
        a->fresh = NULL;
    }
    return 0;
}

static int locked_try(struct attempt *a, bool wait)
{
    int err;

    spin_lock(&locks_lock);
    list_del(&a->waiting.node);
    err = try_lock(a, wait);
    spin_unlock(&locks_lock);
    return err;
}

static int take(struct attempt *a, bool wait)
{
    struct wait_entry entry;
    int err = locked_try(a, wait);

    if (err != -EAGAIN || !wait) {
        return err;
    }
    wait_begin(&entry, &a->locks->changed, WAIT_INTR);
    for (;;) {
        wait_prepare();
        err = locked_try(a, true);
        if (err != -EAGAIN) {
            break;
        }
        if (wait_sleep(DEADLINE_NONE, WAIT_INTR)) {
            err = -ERESTARTSYS;
            break;
        }
    }
    wait_end(&entry);
    spin_lock(&locks_lock);
    list_del(&a->waiting.node);
    spin_unlock(&locks_lock);
    return err;
}

static int apply(struct inode *inode, enum lock_kind kind,
                 const struct record *want, bool unlock, bool wait)
{
    struct attempt a = {.kind = kind, .unlock = unlock, .want = *want};
    int err;

    a.want.inode = inode;
    a.want.kind = kind;
    if (unlock && !atomic_load_acquire(&inode->locks)) {
        return 0;
    }
    err = locks_of(inode, &a.locks);
    if (err) {
        return err;
    }
    list_init(&a.waiting.node);
    a.fresh = kmalloc(sizeof(*a.fresh));
    a.spare = kmalloc(sizeof(*a.spare));
    err = a.fresh && a.spare ? take(&a, wait) : -ENOLCK;
    kfree(a.fresh);
    kfree(a.spare);
    if (!err || kind == LOCK_KIND_FLOCK) {
        wait_wake_all(&a.locks->changed); /* also after a weaker type */
    }
    return err;
}

/* ---- fcntl ---- */

/* l_whence, l_start and l_len as an inclusive range. */
static int range_of(struct file *f, const struct flock64 *fl,
                    struct record *out)
{
    int64_t start, end;

    switch (fl->l_whence) {
    case SEEK_SET:
        start = 0;
        break;
    case SEEK_CUR:
        start = f->pos;
        break;
    case SEEK_END:
        start = file_size(f);
        break;
    default:
        return -EINVAL;
    }
    if (__builtin_add_overflow(start, fl->l_start, &start)) {
        return -EOVERFLOW;
    }
    if (fl->l_len == 0) {
        out->end = UINT64_MAX;
    } else if (fl->l_len < 0) { /* the bytes before start */
        out->end = start - 1;
        if (__builtin_add_overflow(start, fl->l_len, &start)) {
            return -EINVAL;
        }
    } else if (__builtin_add_overflow(start, fl->l_len - 1, &end)) {
        return -EOVERFLOW;
    } else {
        out->end = end;
    }
    if (start < 0) {
        return -EINVAL;
    }
    out->start = start;
    return 0;
}

static const void *owner_of(struct file *f, enum lock_kind kind)
{
    return kind == LOCK_KIND_POSIX ? (const void *)current_files() : f;
}

int lock_set(struct file *f, enum lock_kind kind, const struct flock64 *fl,
             bool wait)
{
    struct record want = {.owner = owner_of(f, kind),
                          .pid =
                              kind == LOCK_KIND_OFD ? -1 : current_proc()->pid,
                          .write = fl->l_type == F_WRLCK};
    int err = range_of(f, fl, &want);

    if (err) {
        return err;
    }
    switch (fl->l_type) {
    case F_RDLCK:
        err = f->mode & FILE_READ ? 0 : -EBADF;
        break;
    case F_WRLCK:
        err = f->mode & FILE_WRITE ? 0 : -EBADF;
        break;
    case F_UNLCK:
        break;
    default:
        err = -EINVAL;
    }
    return err ? err
               : apply(f->inode, kind, &want, fl->l_type == F_UNLCK, wait);
}

int lock_test(struct file *f, enum lock_kind kind, struct flock64 *fl)
{
    struct record want = {.owner = owner_of(f, kind),
                          .write = fl->l_type == F_WRLCK};
    struct inode_locks *l = atomic_load_acquire(&f->inode->locks);
    struct record *r;
    int err = range_of(f, fl, &want);

    if (!err && fl->l_type != F_RDLCK && fl->l_type != F_WRLCK) {
        err = -EINVAL;
    }
    if (err) {
        return err;
    }
    spin_lock(&locks_lock);
    r = l ? find_conflict(list_of(l, kind), &want) : NULL;
    if (r) {
        fl->l_type = r->write ? F_WRLCK : F_RDLCK;
        fl->l_whence = SEEK_SET;
        fl->l_start = r->start;
        fl->l_len = r->end == UINT64_MAX ? 0 : r->end - r->start + 1;
        fl->l_pid = r->pid;
    } else {
        fl->l_type = F_UNLCK;
    }
    spin_unlock(&locks_lock);
    return 0;
}

/* ---- flock ---- */

int lock_flock(struct file *f, int operation)
{
    struct record want = {.owner = f, .end = UINT64_MAX};
    bool wait = !(operation & LOCK_NB), unlock = false;

    switch (operation & ~LOCK_NB) {
    case LOCK_SH:
        break;
    case LOCK_EX:
        want.write = true;
        break;
    case LOCK_UN:
        unlock = true;
        break;
    default:
        return -EINVAL;
    }
    want.pid = current_proc()->pid;
    return apply(f->inode, LOCK_KIND_FLOCK, &want, unlock, wait);
}

/* ---- release ---- */

static void drop_owner(struct inode *inode, const void *owner)
{
    struct inode_locks *l = inode->locks;

    spin_lock(&locks_lock);
    for (int i = 0; i < LOCK_KINDS; i++) {
        list_for_each_safe (pos, &l->kinds[i]) {
            struct record *r = list_entry(pos, struct record, node);

            if (r->owner == owner) {
                drop(r);
            }
        }
    }
    spin_unlock(&locks_lock);
    wait_wake_all(&l->changed);
}

void locks_close(struct file *f, struct files *files)
{
    drop_owner(f->inode, files);
}

void locks_release(struct file *f)
{
    drop_owner(f->inode, f);
}

/* ---- /proc/locks ---- */

static void tell(const struct record *r, unsigned number, bool waits,
                 void (*emit)(const struct lock_info *, void *), void *arg)
{
    struct lock_info info = {.kind = r->kind,
                             .write = r->write,
                             .waits = waits,
                             .number = number,
                             .pid = r->pid,
                             .dev = r->inode->sb->dev,
                             .ino = r->inode->ino,
                             .start = r->start,
                             .end = r->end};

    emit(&info, arg);
}

void locks_for_each(void (*emit)(const struct lock_info *, void *), void *arg)
{
    unsigned number = 0;

    spin_lock(&locks_lock);
    list_for_each (pos, &held) {
        const struct record *r = list_entry(pos, struct record, any);

        tell(r, ++number, false, emit, arg);
        list_for_each (at, &waiters) {
            struct waiting *w = list_entry(at, struct waiting, node);
            struct record *want =
                &container_of(w, struct attempt, waiting)->want;

            if (w->blocker == r->owner && want->inode == r->inode &&
                overlaps(want, r)) {
                tell(want, number, true, emit, arg);
            }
        }
    }
    spin_unlock(&locks_lock);
}
