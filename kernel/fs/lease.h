/* SPDX-License-Identifier: MIT
 *
 * Leases on files (fcntl(2), F_SETLEASE): the holder hears by a signal when
 * somebody opens the file in a way that does not go with the lease, and has
 * lease-break-time seconds to give it back; until then the opener waits.
 */
#ifndef KERNEL_FS_LEASE_H
#define KERNEL_FS_LEASE_H

#include "kernel/fs/file.h"

/* F_SETLEASE on f by its descriptor fd: type F_RDLCK, F_WRLCK or F_UNLCK.
 * -EINVAL, -EACCES, -EAGAIN, -ENOMEM. */
int lease_set(struct file *f, int fd, int type);
/* F_GETLEASE: the type; while it is being broken, what is to become of it. */
int lease_get(struct file *f);

/* Before inode is opened, or cut to a size: waits until no lease is against
 * it. -EWOULDBLOCK (nonblock), -ERESTARTSYS. */
int lease_break_slow(struct inode *inode, bool writes, bool nonblock);
static inline int lease_break(struct inode *inode, bool writes, bool nonblock)
{
    return unlikely(atomic_load_relaxed(&inode->leases) != NULL)
               ? lease_break_slow(inode, writes, nonblock)
               : 0;
}

/* f ends: its lease goes. */
void lease_release(struct file *f);
void leases_free(struct inode_leases *leases);

#endif
