/* SPDX-License-Identifier: MIT
 *
 * hostfs: locks of the host's (file_ops.lock, locks_outside.c). An inode has a
 * descriptor for them alone while somebody has one, so that they are its open
 * file's and go with that, whatever else is opened and closed. A file whose
 * name is gone is ours alone, as far as we can tell.
 */
#include "kernel/fs/hostfs/hostfs.h"
#include "kernel/fs/file.h"
#include "kernel/fs/locks.h"
#include "kernel/core/hostio.h"
#include "abi/linux/errno.h"
#include "abi/linux/fcntl.h"

static int lock_descriptor(struct hostfs_inode *n)
{
    int fd = n->lock_fd;

    if (fd < 0) {
        fd = hostfs_open_again(n, O_RDWR);
        fd =
            fd == -EACCES || fd == -EROFS ? hostfs_open_again(n, O_RDONLY) : fd;
        n->lock_fd = MAX(fd, -1);
    }
    return fd;
}

void hostfs_forget_locks(struct hostfs_inode *n)
{
    if (n->lock_fd >= 0) {
        hostio_close(n->lock_fd);
        n->lock_fd = -1;
    }
}

static int flock_operation(int type)
{
    return type == F_WRLCK ? LOCK_EX : type == F_RDLCK ? LOCK_SH : LOCK_UN;
}

int hostfs_lock(struct file *f, unsigned kind, struct flock64 *fl, bool test)
{
    struct hostfs_inode *n = hostfs_inode(f->inode);
    int fd;

    if (!fl) {
        hostfs_forget_locks(n);
        return 0;
    }
    if (fl->l_type == F_UNLCK && n->lock_fd < 0) {
        return 0;
    }
    fd = lock_descriptor(n);
    if (fd < 0) {
        if (test) {
            fl->l_type = F_UNLCK;
        }
        return fd == -ESTALE ? 0 : fd == -ENOENT ? 0 : fd;
    }
    return kind == LOCK_KIND_FLOCK
               ? hostio_flock(fd, flock_operation(fl->l_type))
               : hostio_lock(fd, test, fl);
}
