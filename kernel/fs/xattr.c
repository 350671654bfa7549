/* SPDX-License-Identifier: MIT
 *
 * Extended attributes: who may touch which namespace (xattr.h).
 */
#include "kernel/fs/acl.h"
#include "kernel/fs/fileattr.h"
#include "kernel/fs/xattr.h"
#include "kernel/fs/path.h"
#include "kernel/fs/event/watch.h"
#include "kernel/core/timer.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/fcntl.h"
#include "abi/linux/stat.h"

static bool has_prefix(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

static int check_user(struct inode *inode, bool write,
                      const struct fs_cred *cred)
{
    uint32_t mode = inode->mode;

    if (!S_ISREG(mode) && !S_ISDIR(mode)) {
        return write ? -EPERM : -ENODATA;
    }
    if (write && S_ISDIR(mode) && inode->data->mode & S_ISVTX &&
        !fs_owns(cred, inode)) {
        return -EPERM;
    }
    return inode_permission(inode, write ? MAY_WRITE : MAY_READ, cred);
}

/* Whether the task may touch such a name at all: xattr_permission() of Linux
 * comes before the question who keeps it. */
static int check_rights(struct inode *inode, const char *name, bool write)
{
    struct fs_cred cred;

    if (write && inode_is_fixed(inode)) {
        return -EPERM;
    }
    fs_current_cred(&cred);
    if (has_prefix(name, "user.")) {
        return check_user(inode, write, &cred);
    }
    if (has_prefix(name, "trusted.")) {
        return fs_capable(&cred, CAP_SYS_ADMIN) ? 0 : write ? -EPERM : -ENODATA;
    }
    if (strcmp(name, XATTR_CAPABILITY) == 0) {
        return !write || fs_capable(&cred, CAP_SETFCAP) ? 0 : -EPERM;
    }
    if (has_prefix(name, "security.")) {
        return !write || fs_capable(&cred, CAP_SYS_ADMIN) ? 0 : -EPERM;
    }
    if (has_prefix(name, "system.")) {
        return 0;
    }
    return inode_permission(inode, write ? MAY_WRITE : MAY_READ, &cred);
}

static int check_name(struct inode *inode, const char *name, bool write)
{
    int err = check_rights(inode, name, write);

    if (err) {
        return err;
    }
    if (strcmp(name, "user.") == 0 || strcmp(name, "trusted.") == 0 ||
        strcmp(name, "security.") == 0) {
        return -EINVAL;
    }
    return has_prefix(name, "user.") || has_prefix(name, "trusted.") ||
                   has_prefix(name, "security.")
               ? 0
               : -EOPNOTSUPP;
}

/* Of struct vfs_cap_data, in revision 2 or 3 (capabilities(7)). */
static bool is_capability(const void *value, size_t len)
{
    uint32_t magic;

    if (len < sizeof(magic)) {
        return false;
    }
    memcpy(&magic, value, sizeof(magic));
    return (len == 20 && magic >> 24 == 2) || (len == 24 && magic >> 24 == 3);
}

long xattr_get(const struct path *p, const char *name, void *buf, size_t len)
{
    struct inode *inode = p->dentry->inode;
    long n;

    if (acl_slot(inode, name)) {
        return acl_xattr_get(inode, name, buf, len);
    }
    n = check_name(inode, name, false);
    if (n) {
        return n;
    }
    if (!inode->ops->getxattr) {
        return -EOPNOTSUPP;
    }
    mutex_lock(&inode->lock);
    n = inode->ops->getxattr(inode, name, buf, len);
    mutex_unlock(&inode->lock);
    return n;
}

static int set(struct inode *inode, const char *name, const void *value,
               size_t len, int flags)
{
    int err = 0;

    if (acl_slot(inode, name)) {
        return acl_xattr_set(inode, name, value, len);
    }
    if (len && strcmp(name, XATTR_CAPABILITY) == 0 &&
        !is_capability(value, len)) {
        err = -EINVAL;
    }
    err = err ? err : check_name(inode, name, true);
    if (err) {
        return err;
    }
    if (!inode->ops->setxattr) {
        return -EOPNOTSUPP;
    }
    mutex_lock(&inode->lock);
    err = inode->ops->setxattr(inode, name, value, len, flags);
    if (!err) {
        atomic_load_acquire(&inode->data)->ctime = clock_realtime();
    }
    mutex_unlock(&inode->lock);
    return err;
}

int xattr_set(const struct path *p, const char *name, const void *value,
              size_t len, int flags)
{
    struct inode *inode = p->dentry->inode;
    int err = mount_writable(p->mount);

    err = err ? err : set(inode, name, value, len, flags);
    if (!err) {
        watch_change(p->dentry, IN_ATTRIB);
    }
    return err;
}

/* Takes names out that the task may not know of. */
static long hide_trusted(char *buf, long len)
{
    struct fs_cred cred;
    long kept = 0;

    fs_current_cred(&cred);
    if (fs_capable(&cred, CAP_SYS_ADMIN)) {
        return len;
    }
    for (long at = 0; at < len;) {
        size_t n = strlen(buf + at) + 1;

        if (!has_prefix(buf + at, "trusted.")) {
            memmove(buf + kept, buf + at, n);
            kept += n;
        }
        at += n;
    }
    return kept;
}

long xattr_list(const struct path *p, char *buf, size_t len)
{
    struct inode *inode = p->dentry->inode;
    long n;

    if (!inode->ops->listxattr) {
        return 0;
    }
    mutex_lock(&inode->lock);
    n = inode->ops->listxattr(inode, buf, len);
    mutex_unlock(&inode->lock);
    return n > 0 && len ? hide_trusted(buf, n) : n;
}
