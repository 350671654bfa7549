/* SPDX-License-Identifier: MIT
 *
 * hostfs: making, moving and removing names. The host does it by path, and the
 * paths that inodes know follow. Directories are locked (vfs.h), so that names
 * inside do not change meanwhile but by the host.
 *
 * What is made belongs to whom the host says: one that does not run as root
 * keeps its own user, as a share that maps owners does.
 */
#include "kernel/fs/hostfs.h"
#include "kernel/core/hostio.h"
#include "kernel/mm/heap.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/fcntl.h"

/* ---- paths ---- */

/* Whether path is at or below top; *rest: what follows. */
static bool is_below(const char *path, const char *top, const char **rest)
{
    size_t len = strlen(top);

    if (strncmp(path, top, len) || (path[len] && path[len] != '/')) {
        return false;
    }
    *rest = path + len;
    return true;
}

/* n's path becomes to and rest, or is lost without memory. The lock is held. */
static void repath(struct hostfs_inode *n, const char *to, const char *rest)
{
    size_t len = strlen(to) + strlen(rest) + 1;
    char *path = kmalloc(len);

    if (path) {
        fmt_snprintf(path, len, "%s%s", to, rest);
    }
    kfree(n->path);
    n->path = path;
}

static void move_path(struct hostfs_inode *n, const char *from, const char *to,
                      bool exchange)
{
    const char *rest;

    if (!n->path) {
        return;
    }
    if (is_below(n->path, from, &rest)) {
        repath(n, to, rest);
    } else if (exchange && is_below(n->path, to, &rest)) {
        repath(n, from, rest);
    }
}

static void move_paths(struct hostfs *h, const char *from, const char *to,
                       bool exchange)
{
    spin_lock(&h->sb.lock);
    for (size_t i = 0; i < ARRAY_SIZE(h->sb.inodes); i++) {
        list_for_each (pos, &h->sb.inodes[i]) {
            move_path(hostfs_inode(list_entry(pos, struct inode, hash_node)),
                      from, to, exchange);
        }
    }
    spin_unlock(&h->sb.lock);
}

/* The inode has lost the name that was at path; its lock is held. */
static void lost_name(struct inode *inode, const char *path)
{
    struct hostfs_inode *n = hostfs_inode(inode);
    struct inode *data = inode->data;
    char *old = NULL;

    spin_lock(&inode->sb->lock);
    if (n->path && !strcmp(n->path, path)) {
        old = n->path;
        n->path = NULL;
    }
    spin_unlock(&inode->sb->lock);
    kfree(old);
    data->nlink -= S_ISDIR(inode->mode) ? data->nlink : MIN(data->nlink, 1u);
    if (data->nlink == 0) {
        inode_retire(inode);
    }
}

/* ---- making ---- */

/* What was made at path, which it takes, gets its owner and mode. */
static int settle(struct hostfs *h, char *path, const struct inode_attr *attr,
                  struct inode **out)
{
    struct linux_statx st;
    bool owned, moded;
    int err = hostfs_ask(h, path, &st);

    if (err) {
        kfree(path);
        return err;
    }
    owned = st.stx_uid == attr->uid && st.stx_gid == attr->gid;
    moded =
        S_ISLNK(st.stx_mode) || (st.stx_mode & 07777) == (attr->mode & 07777);
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

static int make_file(struct hostfs *h, char *path,
                     const struct inode_attr *attr, struct inode **out)
{
    int fd = hostio_open_below(h->root_fd, path,
                               O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC,
                               attr->mode & 07777);
    int err;

    if (fd < 0) {
        kfree(path);
        return fd;
    }
    err = settle(h, path, attr, out);
    if (err) {
        hostio_close(fd);
    } else {
        hostfs_keep(hostfs_inode(*out), fd);
    }
    return err;
}

int hostfs_make(struct inode *dir, const char *name, size_t len,
                const struct inode_attr *attr, struct inode **out)
{
    struct hostfs *h = hostfs_of(dir->sb);
    char *path;
    int err;

    if (S_ISCHR(attr->mode) || S_ISBLK(attr->mode)) {
        return -EPERM; /* they would be the host's */
    }
    err = hostfs_child_path(dir, name, len, &path);
    if (err) {
        return err;
    }
    if (S_ISREG(attr->mode)) {
        err = make_file(h, path, attr, out);
    } else {
        err = hostio_make(h->root_fd, path, attr->mode);
        if (err) {
            kfree(path);
        }
        err = err ? err : settle(h, path, attr, out);
    }
    hostfs_look_again(dir);
    return err;
}

int hostfs_symlink(struct inode *dir, const char *name, size_t len,
                   const char *target, const struct inode_attr *attr,
                   struct inode **out)
{
    struct hostfs *h = hostfs_of(dir->sb);
    char *path;
    int err = hostfs_child_path(dir, name, len, &path);

    if (err) {
        return err;
    }
    err = hostio_symlink(h->root_fd, path, target);
    if (err) {
        kfree(path);
        return err;
    }
    err = settle(h, path, attr, out);
    hostfs_look_again(dir);
    return err;
}

int hostfs_link(struct inode *dir, const char *name, size_t len,
                struct inode *inode)
{
    char *from, *to;
    int err = hostfs_path(hostfs_inode(inode), &from);

    if (err) {
        return err == -ESTALE ? -ENOENT : err;
    }
    err = hostfs_child_path(dir, name, len, &to);
    if (!err) {
        err = hostio_link(hostfs_of(dir->sb)->root_fd, from, to);
        kfree(to);
    }
    kfree(from);
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
    char *path;
    int err = hostfs_child_path(dir, name, len, &path);

    if (err) {
        return err;
    }
    hostfs_hold(hostfs_inode(inode));
    err = hostio_unlink(hostfs_of(dir->sb)->root_fd, path, flags);
    if (!err) {
        lost_name(inode, path);
        hostfs_look_again(dir);
    }
    kfree(path);
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

static int move(struct rename_args *a, const char *from, const char *to)
{
    struct hostfs *h = hostfs_of(a->from_dir->sb);
    bool exchange = a->flags & RENAME_EXCHANGE;
    int err;

    if (a->target && !exchange) {
        hostfs_hold(hostfs_inode(a->target));
    }
    err = hostio_rename(h->root_fd, from, to, a->flags & RENAME_EXCHANGE);
    if (err) {
        return err;
    }
    if (a->target && !exchange) {
        lost_name(a->target, to);
    }
    move_paths(h, from, to, exchange);
    hostfs_look_again(a->from_dir);
    hostfs_look_again(a->to_dir);
    return 0;
}

int hostfs_rename(struct rename_args *a)
{
    char *from, *to;
    int err = hostfs_child_path(a->from_dir, a->from_name, a->from_len, &from);

    if (err) {
        return err;
    }
    err = hostfs_child_path(a->to_dir, a->to_name, a->to_len, &to);
    if (!err) {
        err = move(a, from, to);
        kfree(to);
    }
    kfree(from);
    return err;
}
