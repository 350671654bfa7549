/* SPDX-License-Identifier: MIT
 *
 * rename(2), renameat2(2). Two directories are locked, the upper one first;
 * rename_lock keeps the tree's shape still meanwhile, so that "which is the
 * upper one" and "would it move below itself" have an answer.
 */
#include "kernel/fs/names.h"
#include "kernel/fs/landlock/landlock.h"
#include "kernel/fs/names_check.h"
#include "kernel/fs/room.h"
#include "kernel/fs/event/watch.h"
#include "lib/atomic.h"
#include "abi/linux/errno.h"
#include "abi/linux/fcntl.h"
#include "abi/linux/stat.h"

/* LOCK_FS_RENAME: held while a name moves between directories. */
static struct mutex rename_lock;

void rename_init(void)
{
    mutex_init(&rename_lock, LOCK_FS_RENAME);
}

struct move {
    struct walk from, to;
    struct dentry *old, *new; /* counted */
    unsigned flags;
};

/* ---- locks ---- */

static void lock_dirs(struct move *m)
{
    struct dentry *a = m->from.at.dentry, *b = m->to.at.dentry;

    if (a == b) {
        mutex_lock(&a->inode->lock);
        return;
    }
    mutex_lock(&rename_lock);
    if (a->inode == b->inode) { /* the host shows it at two places (hostfs) */
        mutex_lock(&a->inode->lock);
    } else if (dentry_below(a, b)) {
        mutex_lock(&b->inode->lock);
        mutex_lock(&a->inode->lock);
    } else {
        mutex_lock(&a->inode->lock);
        mutex_lock(&b->inode->lock);
    }
}

static void unlock_dirs(struct move *m)
{
    struct dentry *a = m->from.at.dentry, *b = m->to.at.dentry;

    mutex_unlock(&a->inode->lock);
    if (a->inode != b->inode) {
        mutex_unlock(&b->inode->lock);
    }
    if (a != b) {
        mutex_unlock(&rename_lock);
    }
}

static int find_names(struct move *m)
{
    int err = dentry_lookup(m->from.at.dentry, m->from.last, m->from.last_len,
                            &m->old);

    if (err) {
        m->old = NULL;
        return err;
    }
    if (!m->old->inode) {
        return -ENOENT;
    }
    err = dentry_lookup(m->to.at.dentry, m->to.last, m->to.last_len, &m->new);
    if (err) {
        m->new = NULL;
    }
    return err;
}

/* ---- checks ---- */

/* A slash behind a name asks for a directory. */
static int check_slashes(struct move *m)
{
    bool from_dir = S_ISDIR(m->old->inode->mode);

    if (m->flags & RENAME_EXCHANGE) {
        if (!S_ISDIR(m->new->inode->mode) && m->to.last_slash) {
            return -ENOTDIR;
        }
        return !from_dir && m->from.last_slash ? -ENOTDIR : 0;
    }
    return !from_dir && (m->from.last_slash || m->to.last_slash) ? -ENOTDIR : 0;
}

/* Files replace files, directories directories. */
static int check_types(struct move *m)
{
    bool from_dir = S_ISDIR(m->old->inode->mode);

    if (!m->new->inode || m->flags & RENAME_EXCHANGE ||
        from_dir == S_ISDIR(m->new->inode->mode)) {
        return 0;
    }
    return from_dir ? -ENOTDIR : -EISDIR;
}

/* A directory that changes its parent must be writable: its ".." changes. */
static int check_moved_dir(struct move *m, struct dentry *d)
{
    if (m->from.at.dentry == m->to.at.dentry || !S_ISDIR(d->inode->mode)) {
        return 0;
    }
    return inode_may(d->inode, MAY_WRITE);
}

static int check_permissions(struct move *m)
{
    int err = may_remove_from(&m->from.at, m->old);

    if (!err) {
        err = m->new->inode ? may_remove_from(&m->to.at, m->new)
                            : may_add_to(&m->to.at);
    }
    if (!err) {
        err = check_types(m);
    }
    if (!err) {
        err = check_moved_dir(m, m->old);
    }
    if (!err && m->flags & RENAME_EXCHANGE) {
        err = check_moved_dir(m, m->new);
    }
    return err;
}

static int check_move(struct move *m)
{
    int err;

    if (m->flags & RENAME_NOREPLACE && m->new->inode) {
        return -EEXIST;
    }
    if (m->flags & RENAME_EXCHANGE && !m->new->inode) {
        return -ENOENT;
    }
    err = check_slashes(m);
    if (err) {
        return err;
    }
    if (m->from.at.dentry == m->to.at.dentry) {
        return 0; /* without rename_lock: nobody looks upwards */
    }
    if (dentry_below(m->to.at.dentry, m->old)) {
        return -EINVAL;
    }
    if (dentry_below(m->from.at.dentry, m->new)) {
        return m->flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
    }
    return 0;
}

/* ---- the move ---- */

static void tell_watches(struct move *m, bool directory)
{
    uint32_t is_dir = directory ? IN_ISDIR : 0;
    uint32_t cookie = watch_cookie();

    bool stays = m->from.at.dentry == m->to.at.dentry;

    watch_name(m->from.at.dentry->inode,
               IN_MOVED_FROM | is_dir | (stays ? WATCH_RENAME : 0), cookie,
               m->old->name);
    watch_name(m->to.at.dentry->inode, IN_MOVED_TO | is_dir, cookie,
               m->new->name);
    watch_self(m->old->inode, IN_MOVE_SELF);
}

/* rename_lock is held where it matters. */
static bool goes_up(const struct move *m)
{
    struct dentry *from = m->from.at.dentry, *to = m->to.at.dentry;

    return from != to && dentry_below(from, to);
}

static int ask_leaf(struct move *m)
{
    struct rename_args args = {
        .from_dir = m->from.at.dentry->inode,
        .to_dir = m->to.at.dentry->inode,
        .from_name = m->old->name,
        .to_name = m->new->name,
        .from_len = m->old->len,
        .to_len = m->new->len,
        .inode = m->old->inode,
        .target = m->new->inode,
        .to_above = goes_up(m),
        .flags = m->flags &(RENAME_EXCHANGE | RENAME_WHITEOUT),
    };

    if (args.flags & RENAME_WHITEOUT &&
        !(args.from_dir->sb->flags & SB_WHITEOUTS)) {
        return -EINVAL;
    }
    return args.from_dir->ops->rename ? args.from_dir->ops->rename(&args)
                                      : -EPERM;
}

static int move_locked(struct move *m)
{
    bool exchange = m->flags & RENAME_EXCHANGE;
    struct inode *target = m->new->inode;
    struct landlock_move rights = {.from = &m->from.at,
                                   .to = &m->to.at,
                                   .old = m->old,
                                   .new = m->new,
                                   .removes = true,
                                   .exchanges = exchange};
    int err = check_move(m);

    err = err ? err : landlock_move(&rights);
    if (err) {
        return err;
    }
    if (m->old->inode == target) {
        return 0; /* two names of one file: nothing happens */
    }
    err = check_permissions(m);
    if (!err && (m->old->mounted || m->new->mounted)) {
        err = -EBUSY;
    }
    if (err) {
        return err;
    }
    if (target && !exchange) {
        mutex_lock(&target->lock);
    }
    err = ask_leaf(m);
    if (target && !exchange) {
        if (!err && S_ISDIR(target->mode)) {
            target->flags |= INODE_DEAD;
        }
        mutex_unlock(&target->lock);
    }
    if (err) {
        return err;
    }
    if (unlikely(atomic_load_relaxed(&watch_count))) {
        tell_watches(m, S_ISDIR(m->old->inode->mode));
    }
    dentry_move(m->old, m->new, exchange);
    return 0;
}

static int check_ends(struct move *m)
{
    int err = mount_writable(m->from.at.mount);

    if (walk_last_is_dots(&m->from) || walk_last_is_dots(&m->to)) {
        return m->flags & RENAME_NOREPLACE && walk_last_is_dots(&m->to)
                   ? -EEXIST
                   : -EBUSY;
    }
    if (m->from.at.mount != m->to.at.mount) {
        return -EXDEV;
    }
    return err;
}

static int rename_between(struct move *m)
{
    int err;

    m->old = m->new = NULL;
    walk_pin(&m->from);
    walk_pin(&m->to);
    err = check_ends(m);
    if (err) {
        return err;
    }
    lock_dirs(m);
    err = find_names(m);
    if (!err) {
        err = move_locked(m);
    }
    unlock_dirs(m);
    dentry_put(m->old);
    dentry_put(m->new);
    return err;
}

bool name_rename_flags(unsigned flags)
{
    const unsigned one = RENAME_NOREPLACE | RENAME_WHITEOUT;

    return !(flags & ~(one | RENAME_EXCHANGE)) &&
           !(flags & RENAME_EXCHANGE && flags & one);
}

int name_rename(const struct path *from_start, const char *from,
                const struct path *to_start, const char *to, unsigned flags)
{
    struct move m = {.flags = flags};
    int err;

    if (!name_rename_flags(flags)) {
        return -EINVAL;
    }
    err = walk_begin(&m.from, from_start, from, 0);
    if (!err) {
        err = walk_parent(&m.from);
    }
    if (!err) {
        walk_pin(&m.from);
        err = walk_begin(&m.to, to_start, to, 0);
        if (!err) {
            err = walk_parent(&m.to);
        }
        if (!err) {
            err = rename_between(&m);
        }
        walk_end(&m.to);
    }
    walk_end(&m.from);
    return err;
}

int name_check_parent(const struct path *start, const char *name)
{
    struct walk w;
    int err = walk_begin(&w, start, name, 0);

    err = err ? err : walk_parent(&w);
    walk_end(&w);
    return err;
}
