/* SPDX-License-Identifier: MIT
 *
 * Reading and setting the flags of fileattr.h. What they forbid is asked where
 * it happens: perm.c (writing to what is immutable), open.c, attr.c, xattr.c
 * and names.c.
 */
#include "kernel/fs/fileattr.h"
#include "kernel/core/timer.h"
#include "kernel/fs/path.h"
#include "abi/linux/errno.h"
#include "abi/linux/fileattr.h"
#include "abi/linux/stat.h"

static const struct {
    uint32_t inode, flag;
} pairs[] = {
    {INODE_IMMUTABLE, FS_IMMUTABLE_FL},
    {INODE_APPEND, FS_APPEND_FL},
    {INODE_NODUMP, FS_NODUMP_FL},
    {INODE_NOATIME, FS_NOATIME_FL},
};

static bool keeps_flags(const struct inode *inode)
{
    return inode->sb->flags & SB_KEEPS_FLAGS &&
           (S_ISREG(inode->mode) || S_ISDIR(inode->mode));
}

int fileattr_get(struct inode *inode, uint32_t *flags)
{
    *flags = 0;
    if (!keeps_flags(inode)) {
        return -EOPNOTSUPP;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(pairs); i++) {
        *flags |= inode_marks(inode) & pairs[i].inode ? pairs[i].flag : 0;
    }
    return 0;
}

/* The bits of inode.flags for flags. -EOPNOTSUPP: some are unknown. */
static int translate(uint32_t flags, uint32_t *bits, uint32_t *all)
{
    *bits = *all = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(pairs); i++) {
        *bits |= flags & pairs[i].flag ? pairs[i].inode : 0;
        *all |= pairs[i].inode;
        flags &= ~pairs[i].flag;
    }
    return flags ? -EOPNOTSUPP : 0;
}

static int may_set(struct inode *inode, uint32_t bits)
{
    struct fs_cred cred;

    fs_current_cred(&cred);
    if (!fs_owns(&cred, inode)) {
        return -EPERM;
    }
    return (inode_marks(inode) ^ bits) & (INODE_IMMUTABLE | INODE_APPEND) &&
                   !fs_capable(&cred, CAP_LINUX_IMMUTABLE)
               ? -EPERM
               : 0;
}

int fileattr_set(const struct path *p, uint32_t flags)
{
    struct inode_attr now = {.valid = ATTR_CTIME, .ctime = clock_realtime()};
    struct inode *inode = p->dentry->inode;
    uint32_t bits, all;
    int err = mount_writable(p->mount);

    if (!err) {
        err = keeps_flags(inode) ? translate(flags, &bits, &all) : -EOPNOTSUPP;
    }
    if (err) {
        return err;
    }
    mutex_lock(&inode->lock);
    err = may_set(inode, bits);
    err = err ? err : inode->ops->setattr(inode, &now); /* copies it up */
    if (!err) {
        struct inode *data = atomic_load_acquire(&inode->data);

        data->flags = (data->flags & ~all) | bits;
    }
    mutex_unlock(&inode->lock);
    return err;
}
