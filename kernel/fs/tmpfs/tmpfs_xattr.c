/* SPDX-License-Identifier: MIT
 *
 * tmpfs: extended attributes (xattr(7)), a list an inode; few files have any.
 * The inode's lock is held.
 */
#include "kernel/fs/tmpfs/tmpfs.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/acl.h"
#include "abi/linux/errno.h"
#include "abi/linux/fcntl.h"

static struct tmpfs_xattr *find(struct inode *inode, const char *name)
{
    list_for_each (pos, &tmpfs_inode(inode)->xattrs) {
        struct tmpfs_xattr *x = list_entry(pos, struct tmpfs_xattr, node);

        if (strcmp(x->name, name) == 0) {
            return x;
        }
    }
    return NULL;
}

static void drop(struct tmpfs_xattr *x)
{
    list_del(&x->node);
    kfree(x->name);
    kfree(x->value);
    kfree(x);
}

long tmpfs_getxattr(struct inode *inode, const char *name, void *buf,
                    size_t len)
{
    struct tmpfs_xattr *x = find(inode, name);

    if (!x) {
        return -ENODATA;
    }
    if (len == 0) {
        return x->len;
    }
    if (len < x->len) {
        return -ERANGE;
    }
    memcpy(buf, x->value, x->len);
    return x->len;
}

static struct tmpfs_xattr *xattr_new(const char *name)
{
    struct tmpfs_xattr *x = kzalloc(sizeof(*x));

    if (!x) {
        return NULL;
    }
    x->name = kstrdup(name);
    if (!x->name) {
        kfree(x);
        return NULL;
    }
    return x;
}

int tmpfs_setxattr(struct inode *inode, const char *name, const void *value,
                   size_t len, int flags)
{
    struct tmpfs_xattr *x = find(inode, name);
    void *copy;

    if (x && flags & XATTR_CREATE) {
        return -EEXIST;
    }
    if (!x && (flags & XATTR_REPLACE || !value)) {
        return -ENODATA;
    }
    if (!value) {
        drop(x);
        inode->capable = inode->capable && strcmp(name, XATTR_CAPABILITY) != 0;
        return 0;
    }
    copy = kmalloc(len + 1);
    if (!copy) {
        return -ENOMEM;
    }
    memcpy(copy, value, len);
    if (!x) {
        x = xattr_new(name);
        if (!x) {
            kfree(copy);
            return -ENOMEM;
        }
        list_add_tail(&tmpfs_inode(inode)->xattrs, &x->node);
    }
    kfree(x->value);
    x->value = copy;
    x->len = len;
    inode->capable |= strcmp(name, XATTR_CAPABILITY) == 0;
    return 0;
}

/* A list that is being written; len 0 only counts. */
struct names {
    char *buf;
    size_t len, total;
};

static bool add_name(struct names *l, const char *name)
{
    size_t n = strlen(name) + 1;

    if (l->len && l->total + n > l->len) {
        return false;
    }
    if (l->len) {
        memcpy(l->buf + l->total, name, n);
    }
    l->total += n;
    return true;
}

long tmpfs_listxattr(struct inode *inode, char *buf, size_t len)
{
    struct names l = {buf, len, 0};

    if ((inode->acl && !add_name(&l, ACL_XATTR_ACCESS)) ||
        (inode->default_acl && !add_name(&l, ACL_XATTR_DEFAULT))) {
        return -ERANGE;
    }
    list_for_each (pos, &tmpfs_inode(inode)->xattrs) {
        if (!add_name(&l, list_entry(pos, struct tmpfs_xattr, node)->name)) {
            return -ERANGE;
        }
    }
    return l.total;
}

void tmpfs_drop_xattrs(struct tmpfs_inode *inode)
{
    list_for_each_safe (pos, &inode->xattrs) {
        drop(list_entry(pos, struct tmpfs_xattr, node));
    }
}
