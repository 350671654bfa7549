/* SPDX-License-Identifier: MIT
 *
 * The table of mounts, between mount.c and mount_move.c, and how mounts are
 * counted. The table changes with all sections shut out (dcache_exclude(),
 * dentry.h).
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

/* ---- counting (mount_count.c) ---- */

/* Spread: each vCPU counts by itself what it gets and puts. For mounts in the
 * table, with sections shut out, or for those that stay for ever. */
void mount_spread(struct mount *m);
/* Until the next mount_spread() m->refs is exact. Always before the table's
 * reference goes. No lock is held; may switch tasks. */
void mount_settle(struct mount *m);
/* Takes a reference away; true: it was the last one. */
bool mount_uncount(struct mount *m);

/* With sections shut out: m stands on `at` (which is counted for that), or
 * nowhere any more; *from is the caller's to put. */
void mount_hang(struct mount *m, const struct path *at);
void mount_unhang(struct mount *m, struct path *from);

#endif
