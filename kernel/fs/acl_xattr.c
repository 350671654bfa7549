/* SPDX-License-Identifier: MIT
 *
 * Access control lists as extended attributes (acl.h). Only an inode's owner
 * sets them, and XATTR_CREATE or XATTR_REPLACE mean nothing (acl(5), xattr(7)).
 */
#include "kernel/fs/acl.h"
#include "kernel/fs/current.h"
#include "kernel/fs/fileattr.h"
#include "kernel/fs/path.h"
#include "kernel/core/timer.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "abi/linux/acl.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"

struct acl **acl_slot(struct inode *inode, const char *name)
{
    if (strcmp(name, ACL_XATTR_ACCESS) == 0) {
        return &inode->acl;
    }
    return strcmp(name, ACL_XATTR_DEFAULT) == 0 ? &inode->default_acl : NULL;
}

static bool may_have(const struct inode *inode)
{
    return inode->sb->flags & SB_ACLS && !S_ISLNK(inode->mode);
}

long acl_xattr_get(struct inode *inode, const char *name, void *buf, size_t len)
{
    struct acl *acl;
    long n;

    if (!may_have(inode)) {
        return -EOPNOTSUPP;
    }
    acl = acl_get(acl_slot(atomic_load_acquire(&inode->data), name));
    n = acl ? acl_to_xattr(acl, buf, len) : -ENODATA;
    acl_put(acl);
    return n;
}

/* The access list decides the mode, and is not kept if that says as much. */
static void set_access(struct inode *inode, struct acl *acl,
                       const struct fs_cred *cred, struct inode_attr *attr)
{
    struct inode *data = atomic_load_acquire(&inode->data);

    attr->valid |= ATTR_MODE | ATTR_ACL;
    attr->mode = data->mode;
    attr->acl = acl_to_mode(acl, &attr->mode) ? NULL : acl;
    if (!fs_in_group(cred, data->gid) && !fs_capable(cred, CAP_FSETID)) {
        attr->mode &= ~S_ISGID;
    }
}

static int set(struct inode *inode, bool access, struct acl *acl)
{
    struct inode_attr attr = {.valid = ATTR_CTIME, .ctime = clock_realtime()};
    struct fs_cred cred;
    int err;

    if (!access && !S_ISDIR(inode->mode)) {
        return acl ? -EACCES : 0;
    }
    fs_current_cred(&cred);
    if (!fs_owns(&cred, inode)) {
        return -EPERM;
    }
    if (acl && !acl_valid(acl)) {
        return -EINVAL;
    }
    /* What an overlay has not copied yet, and has no list to lose, stays. */
    if (!acl && inode->keeps_atime &&
        !*acl_slot(atomic_load_acquire(&inode->data),
                   access ? ACL_XATTR_ACCESS : ACL_XATTR_DEFAULT)) {
        return -ENODATA;
    }
    mutex_lock(&inode->lock);
    if (access) {
        set_access(inode, acl, &cred, &attr);
    } else {
        attr.valid |= ATTR_DEFAULT_ACL;
        attr.default_acl = acl;
    }
    err = inode->ops->setattr ? inode->ops->setattr(inode, &attr) : -EPERM;
    mutex_unlock(&inode->lock);
    return err;
}

int acl_xattr_set(struct inode *inode, const char *name, const void *value,
                  size_t len)
{
    bool access = acl_slot(inode, name) == &inode->acl;
    struct acl *acl = NULL;
    int err = len ? acl_from_xattr(value, len, &acl) : 0;

    if (!err && inode_is_fixed(inode)) {
        err = -EPERM;
    }
    if (!err) {
        err = may_have(inode) ? set(inode, access, acl) : -EOPNOTSUPP;
    }
    acl_put(acl);
    return err;
}
