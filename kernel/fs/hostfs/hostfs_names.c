/* SPDX-License-Identifier: MIT
 *
 * hostfs: making, moving and removing names. The host does it by path, and the
 * paths that inodes know follow. Directories are locked (vfs.h), so that names
 * inside do not change meanwhile but by the host.
 *
 * What is made belongs to whom the host says: one that does not run as root
 * keeps its own user, as a share that maps owners does.
 */
#include "kernel/fs/hostfs/hostfs.h"
#include "kernel/core/hostio.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/fcntl.h"

/* ---- making ---- */

/* What was made at path, which it takes, gets its owner and mode. */
static int settle(struct hostfs *h, char *path, const struct inode_attr *attr,
                  struct inode **out)
{
    struct hostfs_said said;
    const struct linux_statx *st = &said.st;
    bool owned, moded;
    int err = hostfs_ask(h, path, &said);

    if (err) {
        kfree(path);
        return err;
    }
    owned = st->stx_uid == attr->uid && st->stx_gid == attr->gid;
    moded = S_ISLNK(st->stx_mode) ||
            ((st->stx_mode & 07777) == (attr->mode & 07777) &&
             (owned || !(attr->mode & (S_ISUID | S_ISGID))));
    if (!owned) {
        hostio_chown(h->root_fd, path, attr->uid, attr->gid);
    }
    if (!moded) {
        err = hostio_chmod(h->root_fd, path, attr->mode & 07777);
    }
    if (err) {
        kfree(path);
        return err;
    }
    return hostfs_find(h, path, out);
}

/* At path; target: a symbolic link's. *fd: a file is open. */
static int make_name(struct hostfs *h, const char *path, const char *target,
                     uint32_t mode, int *fd)
{
    if (target) {
        return hostio_symlink(h->root_fd, path, target);
    }
    if (!S_ISREG(mode)) {
        return hostio_make(h->root_fd, path, mode);
    }
    *fd = hostio_open_below(
        h->root_fd, path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, mode & 07777);
    return MIN(*fd, 0);
}

/* Directories above may move between the steps: none is done twice. */
static int make_and_settle(struct inode *dir, const char *name, size_t len,
                           const char *target, const struct inode_attr *attr,
                           int *fd, struct inode **out)
{
    struct hostfs *h = hostfs_of(dir->sb);
    bool made = false;
    uint32_t seen;
    char *path;
    int err;

    do {
        seen = hostfs_moves(h);
        err = hostfs_child_path(dir, name, len, &path);
        if (!err && !made) {
            err = make_name(h, path, target, attr->mode, fd);
            made = !err;
            if (err) {
                kfree(path);
            }
        }
        err = err ? err : settle(h, path, attr, out);
    } while (err && hostfs_moved(h, seen, err));
    if (!err && hostfs_moved(h, seen, 0)) { /* its path may be the old one */
        inode_put(*out);
        err = hostfs_lookup(dir, name, len, out);
    }
    return err;
}

static int make(struct inode *dir, const char *name, size_t len,
                const char *target, const struct inode_attr *attr,
                struct inode **out)
{
    int fd = -1;
    int err = make_and_settle(dir, name, len, target, attr, &fd, out);

    if (fd >= 0 && err) {
        hostio_close(fd);
    } else if (fd >= 0) {
        hostfs_keep(hostfs_inode(*out), fd);
    }
    hostfs_look_again(dir);
    return err;
}

int hostfs_make(struct inode *dir, const char *name, size_t len,
                const struct inode_attr *attr, struct inode **out)
{
    bool whiteout = S_ISCHR(attr->mode) && attr->rdev == 0;

    if ((S_ISCHR(attr->mode) && !whiteout) || S_ISBLK(attr->mode)) {
        return -EPERM; /* they would be the host's */
    }
    return make(dir, name, len, NULL, attr, out);
}

int hostfs_symlink(struct inode *dir, const char *name, size_t len,
                   const char *target, const struct inode_attr *attr,
                   struct inode **out)
{
    return make(dir, name, len, target, attr, out);
}

/* The open file fd gets its owner and mode, as settle() does it. */
static int settle_file(int fd, const struct inode_attr *attr)
{
    hostio_chown(fd, "", attr->uid, attr->gid);
    return hostio_chmod(fd, "", attr->mode & 07777);
}

int hostfs_tmpfile(struct inode *dir, const struct inode_attr *attr,
                   struct inode **out)
{
    int fd = hostfs_open_to(hostfs_inode(dir), O_TMPFILE | O_RDWR,
                            attr->mode & 07777);
    int err = fd < 0 ? fd : settle_file(fd, attr);

    if (err && fd >= 0) {
        hostio_close(fd);
    }
    return err ? err : hostfs_nameless(hostfs_of(dir->sb), fd, out);
}

/* By its descriptor: it has no name that is known. */
static int link_nameless(struct hostfs_inode *n, struct inode *dir,
                         const char *name, size_t len)
{
    char *to, *old;
    int err = n->fd < 0 ? -ENOENT : hostfs_child_path(dir, name, len, &to);

    if (err) {
        return err;
    }
    err = hostio_link_file(hostfs_of(dir->sb)->root_fd, n->fd, to);
    if (err) {
        kfree(to);
        return err;
    }
    spin_lock(&dir->sb->lock);
    old = n->path;
    n->path = to;
    spin_unlock(&dir->sb->lock);
    kfree(old);
    return 0;
}

static int link_once(struct inode *dir, const char *name, size_t len,
                     struct inode *inode)
{
    char *from, *to;
    int err = hostfs_path(hostfs_inode(inode), &from);

    if (err == -ESTALE) {
        return link_nameless(hostfs_inode(inode), dir, name, len);
    }
    if (err) {
        return err;
    }
    err = hostfs_child_path(dir, name, len, &to);
    if (!err) {
        err = hostio_link(hostfs_of(dir->sb)->root_fd, from, to);
        kfree(to);
    }
    kfree(from);
    return err;
}

int hostfs_link(struct inode *dir, const char *name, size_t len,
                struct inode *inode)
{
    struct hostfs *h = hostfs_of(dir->sb);
    uint32_t seen;
    int err;

    do {
        seen = hostfs_moves(h);
        err = link_once(dir, name, len, inode);
    } while (err && hostfs_moved(h, seen, err));
    if (!err) {
        hostfs_look_again(inode);
        hostfs_look_again(dir);
    }
    return err;
}

/* ---- removing and moving ---- */

static int remove(struct inode *dir, const char *name, size_t len,
                  struct inode *inode, int flags)
{
    struct hostfs *h = hostfs_of(dir->sb);
    uint32_t seen;
    char *path;
    int err;

    hostfs_hold(hostfs_inode(inode));
    do {
        seen = hostfs_moves(h);
        err = hostfs_child_path(dir, name, len, &path);
        if (!err) {
            err = hostio_unlink(h->root_fd, path, flags);
            if (!err) {
                hostfs_lost_name(inode, path);
            }
            kfree(path);
        }
    } while (err && hostfs_moved(h, seen, err));
    if (!err) {
        hostfs_look_again(dir);
    }
    return err;
}

int hostfs_unlink(struct inode *dir, const char *name, size_t len,
                  struct inode *inode)
{
    return remove(dir, name, len, inode, 0);
}

int hostfs_rmdir(struct inode *dir, const char *name, size_t len,
                 struct inode *inode)
{
    return remove(dir, name, len, inode, AT_REMOVEDIR);
}

/* The host moves it, then the paths follow. */
static int move(struct hostfs *h, struct rename_args *a, const char *from,
                const char *to)
{
    bool exchange = a->flags & RENAME_EXCHANGE;
    int err;

    atomic_store(&h->moving, true);
    err = hostio_rename(h->root_fd, from, to, a->flags);
    if (!err && a->target && !exchange) {
        hostfs_lost_name(a->target, to);
    }
    if (!err) {
        hostfs_move_paths(h, from, to, exchange);
    }
    atomic_store(&h->moving, false);
    wait_wake_all(&h->moved);
    return err;
}

/* move_lock is held: both paths stay right. */
static int move_by_paths(struct hostfs *h, struct rename_args *a)
{
    char *from, *to;
    int err = hostfs_child_path(a->from_dir, a->from_name, a->from_len, &from);

    if (err) {
        return err;
    }
    err = hostfs_child_path(a->to_dir, a->to_name, a->to_len, &to);
    if (!err) {
        err = move(h, a, from, to);
        kfree(to);
    }
    kfree(from);
    return err;
}

int hostfs_rename(struct rename_args *a)
{
    struct hostfs *h = hostfs_of(a->from_dir->sb);
    int err;

    if (a->target && !(a->flags & RENAME_EXCHANGE)) {
        hostfs_hold(hostfs_inode(a->target));
    }
    mutex_lock(&h->move_lock);
    err = move_by_paths(h, a);
    mutex_unlock(&h->move_lock);
    if (!err) {
        hostfs_look_again(a->from_dir);
        hostfs_look_again(a->to_dir);
    }
    return err;
}
