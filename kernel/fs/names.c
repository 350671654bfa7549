/* SPDX-License-Identifier: MIT
 *
 * Making and removing names (names.h). Moving them is in rename.c, opening in
 * open.c. Each walks to the directory, locks it, finds the last name, checks,
 * asks the leaf and tells the dentry cache.
 */
#include "kernel/fs/acl.h"
#include "kernel/fs/fileattr.h"
#include "kernel/fs/names.h"
#include "kernel/fs/landlock/landlock.h"
#include "kernel/fs/attr.h"
#include "kernel/fs/current.h"
#include "kernel/fs/names_check.h"
#include "kernel/fs/event/watch.h"
#include "kernel/core/timer.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"
#include "abi/linux/statfs.h"

static struct inode *data_of(struct inode *inode)
{
    return atomic_load_acquire(&inode->data);
}

int attr_of_new(struct inode *dir, uint32_t mode, uint64_t rdev,
                struct inode_attr *attr)
{
    struct inode *data = data_of(dir);
    struct fs_cred cred;
    bool inherits;
    int err;

    fs_current_cred(&cred);
    *attr = (struct inode_attr){
        .mode = mode, .uid = cred.uid, .gid = cred.gid, .rdev = rdev};
    if (!S_ISLNK(mode)) {
        err = acl_inherit(data, attr, &inherits);
        if (err) {
            return err;
        }
        if (!inherits) {
            attr->mode &= ~atomic_load_relaxed(&current_view()->umask);
        }
    }
    if (data->mode & S_ISGID) { /* a group's directory, inode(7) */
        attr->gid = data->gid;
        if (S_ISDIR(mode)) {
            attr->mode |= S_ISGID;
        } else if ((mode & (S_ISGID | 0010)) == (S_ISGID | 0010) &&
                   !fs_in_group(&cred, attr->gid) &&
                   !fs_capable(&cred, CAP_FSETID)) {
            attr->mode &= ~S_ISGID;
        }
    }
    return 0;
}

/* ---- checks ---- */

int may_add_to(const struct path *dir)
{
    int err = mount_writable(dir->mount);

    return err ? err : inode_may(dir->dentry->inode, MAY_WRITE | MAY_EXEC);
}

int may_remove_from(const struct path *dir, struct dentry *d)
{
    struct inode *parent = dir->dentry->inode;
    struct fs_cred cred;
    int err = mount_writable(dir->mount);

    if (err) {
        return err;
    }
    fs_current_cred(&cred);
    err = inode_permission(parent, MAY_WRITE | MAY_EXEC, &cred);
    if (err) {
        return err;
    }
    if (inode_marks(parent) & INODE_APPEND || inode_is_fixed(d->inode)) {
        return -EPERM;
    }
    if (data_of(parent)->mode & S_ISVTX && !fs_owns(&cred, d->inode) &&
        cred.uid != data_of(parent)->uid) {
        return -EPERM;
    }
    return 0;
}

/* ---- making ---- */

static int ask_leaf(struct inode *dir, struct dentry *d,
                    const struct inode_attr *attr, const char *target,
                    struct inode **out)
{
    const struct inode_ops *ops = dir->ops;

    if (target) {
        return ops->symlink
                   ? ops->symlink(dir, d->name, d->len, target, attr, out)
                   : -EPERM;
    }
    return ops->make ? ops->make(dir, d->name, d->len, attr, out) : -EPERM;
}

int name_add(struct walk *w, struct dentry *d, uint32_t mode, uint64_t rdev,
             const char *target)
{
    struct inode *dir = w->at.dentry->inode, *inode;
    struct inode_attr attr;
    int err = mount_writable(w->at.mount);

    err = err ? err : landlock_path(&w->at, landlock_make(mode));
    err = err ? err : may_add_to(&w->at);
    if (err) {
        return err;
    }
    err = attr_of_new(dir, mode, rdev, &attr);
    if (err) {
        return err;
    }
    err = ask_leaf(dir, d, &attr, target, &inode);
    attr_put(&attr);
    if (err) {
        return err;
    }
    dentry_fill(d, inode);
    watch_name(dir, IN_CREATE | (S_ISDIR(mode) ? IN_ISDIR : 0), 0, d->name);
    return 0;
}

/* A whiteout (device 0, 0) gives no access to anything. */
static int may_make(uint32_t mode, uint64_t rdev)
{
    struct fs_cred cred;

    if (!S_ISBLK(mode) && (!S_ISCHR(mode) || !rdev)) {
        return 0;
    }
    fs_current_cred(&cred);
    return fs_capable(&cred, CAP_MKNOD) ? 0 : -EPERM;
}

/* The name that w stands before, locked, free and good for a new object. */
static int lock_free_name(struct walk *w, bool directory, struct dentry **d)
{
    int err = walk_parent(w);

    if (err) {
        return err;
    }
    if (walk_last_is_dots(w)) {
        return -EEXIST;
    }
    err = walk_lock(w, d);
    if (err) {
        return err;
    }
    if ((*d)->inode) {
        err = -EEXIST;
    } else if (w->last_slash && !directory) {
        err = -ENOENT;
    }
    if (err) {
        walk_unlock(w, *d);
    }
    return err;
}

int name_make_path(const struct path *start, const char *name, uint32_t mode,
                   uint64_t rdev, struct path *out)
{
    struct dentry *d;
    struct walk w;
    int err = walk_begin(&w, start, name, 0);

    if (!err) {
        err = lock_free_name(&w, S_ISDIR(mode), &d);
    }
    if (!err) {
        err = may_make(mode, rdev);
        if (!err) {
            err = name_add(&w, d, mode, rdev, NULL);
        }
        if (!err && out) {
            *out = (struct path){w.at.mount, d};
            path_get(out);
        }
        walk_unlock(&w, d);
    }
    walk_end(&w);
    return err;
}

int name_make(const struct path *start, const char *name, uint32_t mode,
              uint64_t rdev)
{
    return name_make_path(start, name, mode, rdev, NULL);
}

int name_symlink(const struct path *start, const char *name, const char *target)
{
    struct dentry *d;
    struct walk w;
    int err = walk_begin(&w, start, name, 0);

    if (!err) {
        err = lock_free_name(&w, false, &d);
    }
    if (!err) {
        err = name_add(&w, d, S_IFLNK | 0777, 0, target);
        walk_unlock(&w, d);
    }
    walk_end(&w);
    return err;
}

/* ---- linking ---- */

/* fs.protected_hardlinks: a link to somebody else's file only where it could
 * be read and written anyway, and gives no rights (proc_sys_fs(5)). */
static bool may_link(struct inode *inode)
{
    uint32_t mode = data_of(inode)->mode;
    struct fs_cred cred;

    fs_current_cred(&cred);
    if (fs_owns(&cred, inode)) {
        return true;
    }
    return S_ISREG(mode) && !(mode & S_ISUID) &&
           (mode & (S_ISGID | 0010)) != (S_ISGID | 0010) &&
           inode_permission(inode, MAY_READ | MAY_WRITE, &cred) == 0;
}

/* A link is a second place for what has one: the directory of that. */
static int landlock_of_link(const struct walk *w, struct dentry *new,
                            const struct path *from)
{
    struct path dir = {from->mount, from->dentry->parent};
    struct landlock_move move = {
        .from = &dir, .to = &w->at, .old = from->dentry, .new = new};

    return landlock_move(&move);
}

static int link_locked(struct walk *w, struct dentry *d,
                       const struct path *from)
{
    struct inode *dir = w->at.dentry->inode, *inode = from->dentry->inode;
    int err = mount_writable(w->at.mount);

    if (err) {
        return err;
    }
    if (from->mount != w->at.mount) {
        return -EXDEV;
    }
    err = may_link(inode) ? landlock_of_link(w, d, from) : -EPERM;
    err = err ? err : may_add_to(&w->at);
    if (err) {
        return err;
    }
    if (S_ISDIR(inode->mode) || !dir->ops->link || inode_is_fixed(inode)) {
        return -EPERM;
    }
    mutex_lock(&inode->lock);
    if (data_of(inode)->nlink == 0 && !(inode->flags & INODE_LINKABLE)) {
        err = -ENOENT;
    } else if (data_of(inode)->nlink >= LINK_COUNT_MAX) {
        err = -EMLINK;
    } else {
        err = dir->ops->link(dir, d->name, d->len, inode);
    }
    mutex_unlock(&inode->lock);
    if (!err) {
        inode->flags &= ~INODE_LINKABLE;
        inode_get(inode);
        dentry_fill(d, inode);
        watch_self(inode, IN_ATTRIB);
        watch_name(dir, IN_CREATE, 0, d->name);
    }
    return err;
}

int name_link(const struct path *from, const struct path *start,
              const char *name)
{
    struct dentry *d;
    struct walk w;
    int err = walk_begin(&w, start, name, 0);

    if (!err) {
        err = lock_free_name(&w, false, &d);
    }
    if (!err) {
        err = link_locked(&w, d, from);
        walk_unlock(&w, d);
    }
    walk_end(&w);
    return err;
}

/* ---- removing ---- */

static int remove_locked(struct walk *w, struct dentry *d, bool directory)
{
    struct inode *dir = w->at.dentry->inode, *inode = d->inode;
    int (*op)(struct inode *, const char *, size_t, struct inode *) =
        directory ? dir->ops->rmdir : dir->ops->unlink;
    int err = may_remove_from(&w->at, d);

    if (err) {
        return err;
    }
    if (!op) {
        return -EPERM;
    }
    if (d->mounted) {
        return -EBUSY;
    }
    mutex_lock(&inode->lock);
    err = op(dir, d->name, d->len, inode);
    if (!err && directory) {
        inode->flags |= INODE_DEAD;
    }
    mutex_unlock(&inode->lock);
    if (!err) {
        /* In Linux's order: the directory hears of it last. */
        watch_unlinked(inode);
        dentry_remove(d);
        watch_name(dir, directory ? IN_DELETE | IN_ISDIR : IN_DELETE, 0,
                   d->name);
    }
    return err;
}

/* unlink(2) and rmdir(2) differ in what they say to "." and to the wrong
 * type. */
static int check_removal(struct walk *w, struct dentry *d, bool directory)
{
    int err;

    if (!d->inode) {
        return -ENOENT;
    }
    if (!directory && w->last_slash) {
        return S_ISDIR(d->inode->mode) ? -EISDIR : -ENOTDIR;
    }
    err = mount_writable(w->at.mount);
    err =
        err ? err
            : landlock_path(&w->at, directory ? LANDLOCK_ACCESS_FS_REMOVE_DIR
                                              : LANDLOCK_ACCESS_FS_REMOVE_FILE);
    if (err) {
        return err;
    }
    if (directory == S_ISDIR(d->inode->mode)) {
        return 0;
    }
    err = may_remove_from(&w->at, d);
    return err ? err : directory ? -ENOTDIR : -EISDIR;
}

static int dots_removal(const struct walk *w, bool directory)
{
    if (!directory) {
        return -EISDIR;
    }
    if (w->last_len == 0) {
        return -EBUSY; /* the root */
    }
    return w->last_len == 1 ? -EINVAL : -ENOTEMPTY;
}

int name_remove(const struct path *start, const char *name, bool directory)
{
    struct dentry *d;
    struct walk w;
    int err = walk_begin(&w, start, name, 0);

    if (!err) {
        err = walk_parent(&w);
    }
    if (!err && walk_last_is_dots(&w)) {
        err = dots_removal(&w, directory);
    }
    if (!err) {
        err = walk_lock(&w, &d);
    }
    if (!err) {
        err = check_removal(&w, d, directory);
        if (!err) {
            err = remove_locked(&w, d, directory);
        }
        walk_unlock(&w, d);
    }
    walk_end(&w);
    return err;
}
