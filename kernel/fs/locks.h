/* SPDX-License-Identifier: MIT
 *
 * Advisory locks on files: POSIX record locks (owner: a descriptor table),
 * open-file-description locks and flock(2) (owner: a struct file). fcntl(2),
 * flock(2).
 */
#ifndef KERNEL_FS_LOCKS_H
#define KERNEL_FS_LOCKS_H

#include "lib/types.h"

struct inode;
struct inode_locks;
struct file;
struct files;
struct flock64;

enum lock_kind { LOCK_KIND_POSIX, LOCK_KIND_OFD, LOCK_KIND_FLOCK, LOCK_KINDS };

/* fcntl's F_SETLK, F_SETLKW (wait) and F_GETLK on f. type is F_RDLCK... of
 * fl, whose range is checked here. -EAGAIN, -EDEADLK, -ERESTARTSYS, -EBADF,
 * -EINVAL, -EOVERFLOW, -ENOLCK. */
int lock_set(struct file *f, enum lock_kind kind, const struct flock64 *fl,
             bool wait);
int lock_test(struct file *f, enum lock_kind kind, struct flock64 *fl);

/* flock(2): operation of abi/linux/fcntl.h. */
int lock_flock(struct file *f, int operation);

/* A descriptor of `files` on f was closed: its record locks go. */
void locks_close(struct file *f, struct files *files);
/* f ends: its own locks go. */
void locks_release(struct file *f);

void locks_free(struct inode_locks *locks);

/* /proc/locks: calls emit, which must not block, for each lock, and behind it
 * for each that waits for it, with the same number. */
struct lock_info {
    enum lock_kind kind;
    bool write, waits;
    unsigned number;
    int pid; /* -1: a lock of an open file description */
    uint64_t dev, ino, start, end;
};
void locks_for_each(void (*emit)(const struct lock_info *, void *), void *arg);

#endif
