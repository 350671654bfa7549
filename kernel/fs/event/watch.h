/* SPDX-License-Identifier: MIT
 *
 * What happens to files, told to inotify(7). Everybody who changes something
 * calls one of these; without watches it costs two loads.
 */
#ifndef KERNEL_FS_WATCH_H
#define KERNEL_FS_WATCH_H

#include "kernel/fs/dentry.h"
#include "abi/linux/inotify.h"

struct inode_watches;

/* With IN_MOVED_FROM: to another name in the same directory. For dnotify.c. */
#define WATCH_RENAME 0x08000000u

/* What names the file is gone: not for watches with IN_EXCL_UNLINK. */
#define WATCH_UNLINKED 0x00800000u

extern uint32_t watch_count; /* watches in the whole kernel; atomic */

void watch_send(struct dentry *d, uint32_t mask, bool by_file);
void watch_send_name(struct inode *dir, uint32_t mask, uint32_t cookie,
                     const char *name);
uint32_t watch_cookie(void);
/* To the watches on inode itself. */
void watch_self(struct inode *inode, uint32_t mask);
/* inode lost a name. */
void watch_unlinked(struct inode *inode);

/* An open file of d was used: tells d's watches and its directory's. */
static inline void watch_event(struct dentry *d, uint32_t mask)
{
    if (unlikely(__atomic_load_n(&watch_count, __ATOMIC_RELAXED))) {
        watch_send(d, mask, true);
    }
}

/* The same when the inode was changed: IN_EXCL_UNLINK does not matter. */
static inline void watch_change(struct dentry *d, uint32_t mask)
{
    if (unlikely(__atomic_load_n(&watch_count, __ATOMIC_RELAXED))) {
        watch_send(d, mask, false);
    }
}

/* A name in dir came or went. */
static inline void watch_name(struct inode *dir, uint32_t mask, uint32_t cookie,
                              const char *name)
{
    if (unlikely(__atomic_load_n(&watch_count, __ATOMIC_RELAXED))) {
        watch_send_name(dir, mask, cookie, name);
    }
}

/* The last dentry of inode goes; if it has no name left, it is gone. */
void watch_forgotten(struct inode *inode);

void watches_free(struct inode_watches *watches);

#endif
