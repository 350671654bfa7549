/* SPDX-License-Identifier: MIT
 *
 * Advisory locks (locks.h): for each inode that ever had one, a list a kind.
 * Locks of one owner never overlap: a new one is cut out of the old ones
 * first, then joined with neighbours of the same type.
 *
 * What the host's processes lock, too, is asked of it first: locks_outside.c.
 *
 * One spinlock guards all lists, since locks are rare and searching for
 * deadlocks looks at several inodes. Waiters sleep on their inode's queue and
 * try again whenever something there is released.
 */
#include "kernel/fs/locks_private.h"
#include "kernel/fs/current.h"
#include "kernel/fs/file.h"
#include "kernel/core/timer.h"
#include "kernel/mm/heap.h"
#include "abi/linux/errno.h"

/* So long a lock that the host's processes have is not asked for again, ns. */
enum { PAUSE_LEAST = 500000, PAUSE_MOST = 50000000 };

/* Who waits for whom, for EDEADLK (POSIX locks only). */
struct waiting {
    struct list node;
    const void *owner, *blocker;
};

struct spinlock locks_lock = SPINLOCK_INIT(LOCK_PAGECACHE);
static struct list waiters = LIST_INIT(waiters);
static struct list held = LIST_INIT(held); /* all, the newest first */

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
        mutex_init(&l->outside, LOCK_FS_OBJECT);
        l->changes = 0;
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

/* ---- one try ---- */

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
    struct file *file;
    struct inode_locks *locks;
    enum lock_kind kind;
    bool unlock;
    struct record want;
    struct record *fresh, *spare; /* allocated beforehand */
    struct waiting waiting;
};

static void changed(struct inode_locks *l)
{
    atomic_fetch_add(&l->changes, 1);
    wait_wake_all(&l->changed);
}

/* One try under locks_lock: 0, -EAGAIN, -EDEADLK. */
static int try_lock(struct attempt *a, bool wait)
{
    struct list *list = locks_list(a->locks, a->kind);
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

/* ---- taking with the host ---- */

/* Whether nobody here is in the way. */
static bool is_free(struct attempt *a)
{
    bool free;

    spin_lock(&locks_lock);
    free = !find_conflict(locks_list(a->locks, a->kind), &a->want);
    spin_unlock(&locks_lock);
    return free;
}

/* The host's processes did not let it go: a conversion of flock(2)'s is lost.
 */
static void give_up(struct attempt *a)
{
    if (a->kind == LOCK_KIND_FLOCK) {
        spin_lock(&locks_lock);
        cut_out(locks_list(a->locks, a->kind), &a->want, &a->spare);
        spin_unlock(&locks_lock);
    }
}

/* As locked_try(). Who holds `outside` decides here and there in one step. */
static int try_both(struct attempt *a, bool wait)
{
    int err = 0;

    mutex_lock(&a->locks->outside);
    if (!a->unlock && is_free(a)) {
        err = outside_lock(a->file, &a->want);
        if (err) {
            give_up(a);
        }
    }
    if (!err) {
        err = locked_try(a, wait);
    }
    if (a->unlock || a->kind == LOCK_KIND_FLOCK) {
        outside_follow(a->file, a->locks, &a->want);
    }
    mutex_unlock(&a->locks->outside);
    return err;
}

/* The host's processes do not tell when they let go: ask again. */
static int take_both(struct attempt *a, bool wait)
{
    uint64_t pause = PAUSE_LEAST;
    uint32_t seen;
    int err;

    for (;;) {
        seen = atomic_load(&a->locks->changes);
        err = try_both(a, wait);
        if (err != -EAGAIN || !wait) {
            break;
        }
        err = wait_event(&a->locks->changed,
                         atomic_load(&a->locks->changes) != seen,
                         clock_now() + pause, WAIT_INTR);
        if (err && err != -ETIMEDOUT) {
            err = -ERESTARTSYS;
            break;
        }
        pause = MIN(2 * pause, (uint64_t)PAUSE_MOST);
    }
    spin_lock(&locks_lock);
    list_del(&a->waiting.node);
    spin_unlock(&locks_lock);
    return err;
}

/* ---- taking ---- */

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

static int apply(struct file *f, enum lock_kind kind, const struct record *want,
                 bool unlock, bool wait)
{
    struct attempt a = {
        .file = f, .kind = kind, .unlock = unlock, .want = *want};
    struct inode *inode = f->inode;
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
    err = !a.fresh || !a.spare ? -ENOLCK
          : f->ops->lock       ? take_both(&a, wait)
                               : take(&a, wait);
    kfree(a.fresh);
    kfree(a.spare);
    if (!err || kind == LOCK_KIND_FLOCK) {
        changed(a.locks); /* also after a weaker type */
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
    return err ? err : apply(f, kind, &want, fl->l_type == F_UNLCK, wait);
}

int lock_test(struct file *f, enum lock_kind kind, struct flock64 *fl)
{
    struct record want = {.owner = owner_of(f, kind),
                          .write = fl->l_type == F_WRLCK};
    struct inode_locks *l = atomic_load_acquire(&f->inode->locks);
    struct record *r;
    int err = range_of(f, fl, &want);

    want.kind = kind;
    if (!err && fl->l_type != F_RDLCK && fl->l_type != F_WRLCK) {
        err = -EINVAL;
    }
    if (err) {
        return err;
    }
    spin_lock(&locks_lock);
    r = l ? find_conflict(locks_list(l, kind), &want) : NULL;
    if (r) {
        fl->l_type = r->write ? F_WRLCK : F_RDLCK;
        fl->l_whence = SEEK_SET;
        fl->l_start = r->start;
        fl->l_len = r->end == UINT64_MAX ? 0 : r->end - r->start + 1;
        fl->l_pid = r->pid;
    }
    spin_unlock(&locks_lock);
    if (!r && f->ops->lock) {
        return outside_test(f, &want, fl);
    }
    if (!r) {
        fl->l_type = F_UNLCK;
    }
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
    return apply(f, LOCK_KIND_FLOCK, &want, unlock, wait);
}

/* ---- release ---- */

/* How many of its locks went. */
static unsigned drop_records(struct inode_locks *l, const void *owner)
{
    unsigned dropped = 0;

    spin_lock(&locks_lock);
    for (int i = 0; i < LOCK_KINDS; i++) {
        list_for_each_safe (pos, &l->kinds[i]) {
            struct record *r = list_entry(pos, struct record, node);

            if (r->owner == owner) {
                drop(r);
                dropped++;
            }
        }
    }
    spin_unlock(&locks_lock);
    return dropped;
}

static void drop_owner(struct file *f, const void *owner)
{
    struct inode_locks *l = f->inode->locks;
    const struct record all = {.end = UINT64_MAX};

    if (!f->ops->lock) {
        drop_records(l, owner);
    } else {
        mutex_lock(&l->outside);
        if (drop_records(l, owner)) {
            outside_follow(f, l, &all);
        }
        mutex_unlock(&l->outside);
    }
    changed(l);
}

void locks_close(struct file *f, struct files *files)
{
    drop_owner(f, files);
}

void locks_release(struct file *f)
{
    drop_owner(f, f);
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
