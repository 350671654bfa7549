/* SPDX-License-Identifier: MIT
 *
 * Flags of an inode beyond its mode: nobody changes it, one may only append,
 * and two that say something to other programs (chattr(1)). File systems that
 * keep them have SB_KEEPS_FLAGS; others know none.
 */
#ifndef KERNEL_FS_FILEATTR_H
#define KERNEL_FS_FILEATTR_H

#include "kernel/fs/dentry.h"
#include "lib/atomic.h"

/* FS_*_FL of abi/linux/fileattr.h. -EOPNOTSUPP. */
int fileattr_get(struct inode *inode, uint32_t *flags);
/* -EOPNOTSUPP: also a flag that is not kept; -EROFS, -EPERM. */
int fileattr_set(const struct path *p, uint32_t flags);

/* INODE_*: of the overlay's inodes those of the layer. */
static inline uint32_t inode_marks(struct inode *inode)
{
    return atomic_load_acquire(&inode->data)->flags;
}

/* Whether inode's flags forbid to change what it is: its mode, owner, names;
 * that is -EPERM. */
static inline bool inode_is_fixed(struct inode *inode)
{
    return inode_marks(inode) & (INODE_IMMUTABLE | INODE_APPEND);
}

#endif
