/* SPDX-License-Identifier: MIT
 *
 * What locks.c (who has which lock) and locks_outside.c (what the host's
 * processes are told of it) share.
 */
#ifndef KERNEL_FS_LOCKS_PRIVATE_H
#define KERNEL_FS_LOCKS_PRIVATE_H

#include "kernel/fs/locks.h"
#include "kernel/fs/file.h"
#include "kernel/core/lock.h"
#include "kernel/core/wait.h"

struct record {
    struct list node; /* in its kind's list, by start */
    struct list any;  /* in `held` */
    struct inode *inode;
    enum lock_kind kind;
    const void *owner; /* struct files, or struct file */
    int pid;           /* shown by F_GETLK */
    bool write;
    uint64_t start, end; /* inclusive */
};

struct inode_locks {
    struct list kinds[LOCK_KINDS]; /* locks_lock */
    struct wait_queue changed;
    uint32_t changes;     /* atomic: how often `changed` was woken */
    struct mutex outside; /* LOCK_FS_OBJECT: of files that ask the host */
};

extern struct spinlock locks_lock; /* LOCK_PAGECACHE */

/* The kinds that exclude each other share a list: POSIX and OFD do. */
static inline struct list *locks_list(struct inode_locks *l,
                                      enum lock_kind kind)
{
    return &l->kinds[kind == LOCK_KIND_OFD ? LOCK_KIND_POSIX : kind];
}

/* ---- locks_outside.c: files with ops->lock; l->outside is held ---- */

/* want becomes ours as a whole, whoever of us has it. -EAGAIN: one of the
 * host's processes has it; others are final. */
int outside_lock(struct file *f, const struct record *want);
/* Locks here have gone, in that range: what nobody here has is let go. */
void outside_follow(struct file *f, struct inode_locks *l,
                    const struct record *range);
/* As lock_test(), for who found nobody here; takes no lock. */
int outside_test(struct file *f, const struct record *want, struct flock64 *fl);

#endif
