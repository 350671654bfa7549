/* SPDX-License-Identifier: MIT
 *
 * hostfs: changing attributes, extended ones, and access control lists. The
 * host keeps them all; lists are known here, too, since permissions are decided
 * here (hostfs_take_lists()). `--root host` has neither.
 */
#include "kernel/fs/hostfs/hostfs.h"
#include "kernel/fs/acl.h"
#include "kernel/fs/attr.h"
#include "kernel/core/hostio.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/acl.h"
#include "abi/linux/errno.h"
#include "abi/linux/fcntl.h"

enum { NS = 1000000000, LIST_BYTES = 1024, VALUE_MAX = 65536 };

/* ---- attributes ---- */

static void split_ns(int64_t ns, int64_t *seconds, int64_t *rest)
{
    *seconds = ns / NS - (ns % NS < 0);
    *rest = ns - *seconds * NS;
}

static int set_times(int fd, const char *path, const struct inode_attr *attr)
{
    struct host_times t = {.atime_ns = UTIME_OMIT, .mtime_ns = UTIME_OMIT};

    if (attr->valid & ATTR_ATIME) {
        split_ns(attr->atime, &t.atime, &t.atime_ns);
    }
    if (attr->valid & ATTR_MTIME) {
        split_ns(attr->mtime, &t.mtime, &t.mtime_ns);
    }
    return hostio_utimes(fd, path, &t);
}

/* Where to change the attributes of n: a path below *fd, the caller's. One
 * without a name has a descriptor if it is open (hostfs_hold()). */
static int place_of(struct hostfs_inode *n, int *fd, char **path)
{
    int err = hostfs_path(n, path);

    *fd = hostfs_of(n->inode.sb)->root_fd;
    if (err == -ESTALE && n->fd >= 0) {
        *fd = n->fd;
        *path = kstrdup("");
        return *path ? 0 : -ENOMEM;
    }
    if (!err && !**path) {
        strlcpy(*path, ".", PATH_LENGTH_MAX);
    }
    return err;
}

static int set_list(int fd, const char *path, const char *name,
                    const struct acl *acl)
{
    long len = acl ? acl_to_xattr(acl, NULL, 0) : 0;
    char *value;
    int err;

    if (!acl) {
        err = hostio_setxattr(fd, path, name, NULL, 0, 0);
        return err == -ENODATA ? 0 : err;
    }
    value = kmalloc(len);
    if (!value) {
        return -ENOMEM;
    }
    acl_to_xattr(acl, value, len);
    err = hostio_setxattr(fd, path, name, value, len, 0);
    kfree(value);
    return err;
}

static int change_once(struct inode *inode, const struct inode_attr *attr)
{
    char *path;
    int fd, err = place_of(hostfs_inode(inode), &fd, &path);

    if (err) {
        return err;
    }
    if (attr->valid & (ATTR_UID | ATTR_GID)) {
        err = hostio_chown(fd, path,
                           attr->valid & ATTR_UID ? attr->uid : UINT32_MAX,
                           attr->valid & ATTR_GID ? attr->gid : UINT32_MAX);
    }
    if (!err && attr->valid & ATTR_ACL) {
        err = set_list(fd, path, ACL_XATTR_ACCESS, attr->acl);
    }
    if (!err && attr->valid & ATTR_DEFAULT_ACL) {
        err = set_list(fd, path, ACL_XATTR_DEFAULT, attr->default_acl);
    }
    if (!err && attr->valid & ATTR_MODE) {
        err = hostio_chmod(fd, path, attr->mode & 07777);
    }
    if (!err && attr->valid & (ATTR_ATIME | ATTR_MTIME)) {
        err = set_times(fd, path, attr);
    }
    kfree(path);
    return err;
}

static int change(struct inode *inode, const struct inode_attr *attr)
{
    struct hostfs *h = hostfs_of(inode->sb);
    uint32_t seen;
    int err;

    do {
        seen = hostfs_moves(h);
        err = change_once(inode, attr);
    } while (err && hostfs_moved(h, seen, err));
    if (err == -ESTALE && inode->data->nlink == 0) { /* it is ours alone */
        err = inode_setattr(inode->data, attr);
    }
    return err;
}

int hostfs_setattr(struct inode *inode, const struct inode_attr *attr)
{
    struct inode_attr rest = *attr;
    int err = 0;

    if (attr->valid & ATTR_SIZE) { /* the host sets the times */
        err = hostfs_resize(inode, attr->size);
        rest.valid &= ~(ATTR_SIZE | ATTR_MTIME);
    }
    err = err ? err : change(inode, &rest);
    if (!err && rest.valid & ATTR_MTIME) {
        hostfs_inode(inode)->written = true; /* the content is what it was */
    }
    hostfs_look_again(inode);
    return err;
}

void hostfs_drop_setid(struct inode *inode)
{
    struct inode_attr attr = {.valid = ATTR_MODE};
    uint32_t old = inode->data->mode;

    if (old & (S_ISUID | S_ISGID)) {
        drop_setid(inode->data);
        attr.mode = inode->data->mode;
        if (attr.mode != old) {
            change(inode, &attr);
        }
    }
}

/* ---- extended attributes ---- */

/* One call of the host about inode: a value of len bytes or a list of names
 * (name NULL) comes, or a value goes (to set or, if it is NULL, to remove). */
struct xattr_call {
    const char *name;
    void *to;
    const void *from;
    size_t len;
    int flags;
    bool set;
};

static long ask_once(struct inode *inode, const struct xattr_call *c)
{
    char *path;
    int fd;
    long n = place_of(hostfs_inode(inode), &fd, &path);

    if (n) {
        return n;
    }
    if (c->set) {
        n = hostio_setxattr(fd, path, c->name, c->from, c->len, c->flags);
    } else if (c->name) {
        n = hostio_getxattr(fd, path, c->name, c->to, c->len);
    } else {
        n = hostio_listxattr(fd, path, c->to, c->len);
    }
    kfree(path);
    return n;
}

static long ask(struct inode *inode, const struct xattr_call *c)
{
    struct hostfs *h = hostfs_of(inode->sb);
    uint32_t seen;
    long n;

    if (!(h->sb.flags & SB_ASK_AGAIN)) {
        return c->set || c->name ? -EOPNOTSUPP : 0;
    }
    do {
        seen = hostfs_moves(h);
        n = ask_once(inode, c);
    } while (n < 0 && hostfs_moved(h, seen, (int)n));
    return n;
}

long hostfs_getxattr(struct inode *inode, const char *name, void *buf,
                     size_t len)
{
    return ask(inode,
               &(struct xattr_call){.name = name, .to = buf, .len = len});
}

int hostfs_setxattr(struct inode *inode, const char *name, const void *value,
                    size_t len, int flags)
{
    int err = (int)ask(inode, &(struct xattr_call){.name = name,
                                                   .from = value,
                                                   .len = len,
                                                   .flags = flags,
                                                   .set = true});

    if (!err) {
        hostfs_look_again(inode);
    }
    return err;
}

/* Names end where the host says that the list does. */
long hostfs_listxattr(struct inode *inode, char *buf, size_t len)
{
    long n = ask(inode, &(struct xattr_call){.to = buf, .len = len});

    return n > 0 && len && buf[n - 1] ? -EIO : n;
}

/* ---- access control lists ---- */

static long get_list(struct inode *inode, const char *name, char **out)
{
    size_t len = LIST_BYTES;
    long n = -ERANGE;

    while (n == -ERANGE && len <= VALUE_MAX) {
        *out = kmalloc(len);
        if (!*out) {
            return -ENOMEM;
        }
        n = hostfs_getxattr(inode, name, *out, len);
        if (n < 0) {
            kfree(*out);
        }
        len *= VALUE_MAX / LIST_BYTES;
    }
    return n;
}

static int take_list(struct inode *inode, const char *name, struct acl **slot)
{
    struct acl *acl = NULL;
    char *value;
    long n = get_list(inode, name, &value);
    int err;

    if (n == -ENODATA || n == -EOPNOTSUPP) {
        acl_set(slot, NULL);
        return 0;
    }
    if (n < 0) {
        return (int)n;
    }
    err = acl_from_xattr(value, n, &acl);
    kfree(value);
    if (!err && acl && !acl_valid(acl)) {
        err = -EIO;
    }
    if (!err) {
        acl_set(slot, acl);
    }
    acl_put(acl);
    return err;
}

int hostfs_take_lists(struct inode *inode, bool any)
{
    struct inode *data = inode->data;
    int err = 0;

    if (!any || S_ISLNK(inode->mode)) {
        acl_set(&data->acl, NULL);
        acl_set(&data->default_acl, NULL);
        return 0;
    }
    err = take_list(inode, ACL_XATTR_ACCESS, &data->acl);
    if (!err && S_ISDIR(inode->mode)) {
        err = take_list(inode, ACL_XATTR_DEFAULT, &data->default_acl);
    }
    return err;
}
