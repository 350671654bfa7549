/* SPDX-License-Identifier: MIT
 *
 * The table of mounts, between mount.c and mount_move.c. It changes with all
 * sections shut out (dcache_exclude(), dentry.h).
 */
#ifndef KERNEL_FS_MOUNT_TABLE_H
#define KERNEL_FS_MOUNT_TABLE_H

#include "kernel/fs/dentry.h"

/* After a change, with sections let in again: tells who polls /proc/mounts. */
void mount_changed(void);

extern struct list mounts; /* struct mount.node, in the order of mounting */

/* A bind mount of `from` alone on `at`. -ENOMEM, -ENOENT. */
int mount_bind_one(const struct path *from, const struct path *at,
                   uint32_t flags, struct mount **out);

/* With sections shut out: m stands on `at` (which is counted for that), or
 * nowhere any more; *from is the caller's to put. */
void mount_hang(struct mount *m, const struct path *at);
void mount_unhang(struct mount *m, struct path *from);

#endif
