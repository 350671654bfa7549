/* SPDX-License-Identifier: MIT
 *
 * Attributes (attr.h): who may change what, then the leaf's setattr under the
 * inode's lock.
 */
#include "kernel/fs/attr.h"
#include "kernel/fs/current.h"
#include "kernel/fs/fileattr.h"
#include "kernel/fs/path.h"
#include "kernel/fs/special.h"
#include "kernel/fs/event/watch.h"
#include "kernel/core/timer.h"
#include "lib/atomic.h"
#include "abi/linux/errno.h"
#include "abi/linux/fcntl.h"
#include "abi/linux/stat.h"

static struct inode *data_of(struct inode *inode)
{
    return atomic_load_acquire(&inode->data);
}

/* Applies attr; the inode's lock is held. */
static int apply(struct inode *inode, const struct inode_attr *attr)
{
    return inode->ops->setattr ? inode->ops->setattr(inode, attr) : -EPERM;
}

static int change(const struct path *p, const struct inode_attr *attr,
                  uint32_t event)
{
    struct inode *inode = p->dentry->inode;
    int err;

    mutex_lock(&inode->lock);
    err = apply(inode, attr);
    mutex_unlock(&inode->lock);
    if (!err) {
        watch_change(p->dentry, event);
    }
    return err;
}

static void forget_capabilities(struct inode *data)
{
    mutex_lock(&data->lock);
    drop_capabilities(data);
    mutex_unlock(&data->lock);
}

int attr_chmod(const struct path *p, uint32_t mode)
{
    struct inode *inode = p->dentry->inode;
    struct inode_attr attr = {.valid = ATTR_MODE | ATTR_CTIME};
    struct fs_cred cred;
    int err = mount_writable(p->mount);

    if (err) {
        return err;
    }
    if (S_ISLNK(inode->mode)) {
        return -EOPNOTSUPP;
    }
    fs_current_cred(&cred);
    if (!fs_owns(&cred, inode) || inode_is_fixed(inode)) {
        return -EPERM;
    }
    attr.mode = (mode & 07777) | (inode->mode & S_IFMT);
    if (!fs_in_group(&cred, data_of(inode)->gid) &&
        !fs_capable(&cred, CAP_FSETID)) {
        attr.mode &= ~S_ISGID;
    }
    attr.ctime = clock_realtime();
    return change(p, &attr, IN_ATTRIB);
}

static bool may_chown(const struct fs_cred *cred, struct inode *data,
                      uint32_t uid, uint32_t gid)
{
    if (fs_capable(cred, CAP_CHOWN)) {
        return true;
    }
    return cred->uid == data->uid && (uid == UINT32_MAX || uid == data->uid) &&
           (gid == UINT32_MAX || fs_in_group(cred, gid));
}

int attr_chown(const struct path *p, uint32_t uid, uint32_t gid)
{
    struct inode *data = data_of(p->dentry->inode);
    struct inode_attr attr = {.valid = ATTR_CTIME};
    struct fs_cred cred;
    int err = mount_writable(p->mount);

    if (err) {
        return err;
    }
    fs_current_cred(&cred);
    if (uid != UINT32_MAX) {
        attr.valid |= ATTR_UID;
        attr.uid = uid;
    }
    if (gid != UINT32_MAX) {
        attr.valid |= ATTR_GID;
        attr.gid = gid;
    }
    if (!S_ISDIR(data->mode)) { /* who owns it now did not set these bits */
        attr.mode = data->mode & ~S_ISUID;
        if (data->mode & 0010 || (!fs_in_group(&cred, data->gid) &&
                                  !fs_capable(&cred, CAP_FSETID))) {
            attr.mode &= ~S_ISGID;
        }
        attr.valid |= attr.mode != data->mode ? ATTR_MODE : 0;
    }
    /* Whoever changes nothing needs no right to. */
    if (attr.valid != ATTR_CTIME && (inode_is_fixed(p->dentry->inode) ||
                                     !may_chown(&cred, data, uid, gid))) {
        return -EPERM;
    }
    attr.ctime = clock_realtime();
    err = change(p, &attr, IN_ATTRIB);
    if (!err && !S_ISDIR(data->mode)) {
        forget_capabilities(data_of(p->dentry->inode));
    }
    return err;
}

int attr_times(const struct path *p, int64_t atime, int64_t mtime)
{
    struct inode *inode = p->dentry->inode;
    struct inode_attr attr = {.valid = ATTR_CTIME};
    bool now = atime == ATTR_NOW && mtime == ATTR_NOW;
    struct fs_cred cred;
    int err;

    if (atime == ATTR_OMIT && mtime == ATTR_OMIT) {
        return 0;
    }
    err = mount_writable(p->mount);
    if (err) {
        return err;
    }
    if (inode_marks(inode) & INODE_IMMUTABLE ||
        (!now && inode_is_fixed(inode))) {
        return -EPERM;
    }
    fs_current_cred(&cred);
    if (!fs_owns(&cred, inode)) {
        if (!now) {
            return -EPERM;
        }
        err = inode_permission(inode, MAY_WRITE, &cred);
        if (err) {
            return err;
        }
    }
    attr.ctime = clock_realtime();
    attr.atime = atime == ATTR_NOW ? attr.ctime : atime;
    attr.mtime = mtime == ATTR_NOW ? attr.ctime : mtime;
    attr.valid |= (atime != ATTR_OMIT ? ATTR_ATIME : 0) |
                  (mtime != ATTR_OMIT ? ATTR_MTIME : 0);
    return change(p, &attr,
                  atime == ATTR_OMIT   ? IN_MODIFY
                  : mtime == ATTR_OMIT ? IN_ACCESS
                                       : IN_ATTRIB);
}

static int may_resize(struct inode *data, uint64_t size)
{
    if (data->flags & INODE_SECRET && data->size) {
        return -EINVAL;
    }
    if (size > data->size && data->seals & F_SEAL_GROW) {
        return -EPERM;
    }
    if (size < data->size && data->seals & F_SEAL_SHRINK) {
        return -EPERM;
    }
    if (size > data->size && size > current_limit(FS_LIMIT_FSIZE)) {
        current_signal(25); /* SIGXFSZ */
        return -EFBIG;
    }
    return 0;
}

int attr_truncate(const struct path *p, uint64_t size)
{
    struct inode *inode = p->dentry->inode;
    struct inode *data = data_of(inode);
    struct inode_attr attr = {.valid = ATTR_SIZE | ATTR_MTIME | ATTR_CTIME};
    int err = mount_writable(p->mount);

    if (err) {
        return err;
    }
    err = inode_marks(inode) & INODE_APPEND ? -EPERM : may_resize(data, size);
    if (err) {
        return err;
    }
    attr.size = size;
    attr.mtime = attr.ctime = clock_realtime();
    err = change(p, &attr, IN_MODIFY);
    if (!err) {
        mappings_withdraw(inode, size, UINT64_MAX, true);
    }
    data = data_of(inode);
    if (!err && data->mode & (S_ISUID | S_ISGID)) {
        drop_setid(data);
    }
    if (!err) {
        forget_capabilities(data);
    }
    return err;
}

int attr_allocate(const struct path *p, int mode, uint64_t off, uint64_t len)
{
    struct inode *inode = p->dentry->inode, *data = data_of(inode);
    int err = 0;

    if (!inode->ops->fallocate || inode->flags & INODE_SECRET) {
        return -EOPNOTSUPP;
    }
    if (inode_marks(inode) & INODE_IMMUTABLE ||
        (inode_marks(inode) & INODE_APPEND && mode & ~FALLOC_FL_KEEP_SIZE)) {
        return -EPERM;
    }
    if (mode & FALLOC_FL_PUNCH_HOLE) {
        err = data->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE) ? -EPERM : 0;
    } else if (!(mode & FALLOC_FL_KEEP_SIZE)) {
        err = off + len > data->size ? may_resize(data, off + len) : 0;
    }
    if (err) {
        return err;
    }
    mutex_lock(&inode->lock);
    err = inode->ops->fallocate(inode, mode, off, len);
    mutex_unlock(&inode->lock);
    if (!err && mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE |
                        FALLOC_FL_WRITE_ZEROES)) {
        mappings_withdraw(inode, off, ALIGN_UP(off + len, PAGE_SIZE), false);
    } else if (!err &&
               mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_UNSHARE_RANGE)) {
        mappings_withdraw(inode, off, UINT64_MAX, false);
    }
    if (!err) {
        watch_event(p->dentry, IN_MODIFY);
    }
    return err;
}

void drop_capabilities(struct inode *data)
{
    if (unlikely(data->capable)) {
        data->ops->setxattr(data, XATTR_CAPABILITY, NULL, 0, 0);
    }
}

void drop_setid(struct inode *data)
{
    struct fs_cred cred;
    uint32_t mode = data->mode;

    if (!S_ISREG(mode)) {
        return;
    }
    fs_current_cred(&cred);
    if (fs_capable(&cred, CAP_FSETID)) {
        return;
    }
    mode &= ~S_ISUID;
    if (mode & 0010) {
        mode &= ~S_ISGID;
    }
    data->mode = mode;
}
