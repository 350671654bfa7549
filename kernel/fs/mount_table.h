/* SPDX-License-Identifier: MIT
 *
 * The table of mounts (mount_table.c), between mount.c, mount_bind.c and
 * mount_move.c, and how mounts are counted. The table changes with all sections
 * shut out (dcache_exclude(), dentry.h).
 */
#ifndef KERNEL_FS_MOUNT_TABLE_H
#define KERNEL_FS_MOUNT_TABLE_H

#include "kernel/fs/dentry.h"

/* After a change, with sections let in again: tells who polls /proc/mounts. */
void mount_changed(void);

extern struct list mounts; /* struct mount.node, in the order of mounting */

/* A mount that is nowhere yet and of nothing. -ENOMEM. Unused: mount_free(). */
int mount_alloc(struct mount **out);
void mount_free(struct mount *m);
/* Takes the references on sb and root. */
void mount_fill(struct mount *m, struct superblock *sb, struct dentry *root,
                uint32_t flags);

/* True when `more` mounts would be too many. Shut out or in a section. */
bool mounts_full(unsigned more);

/* With sections shut out: a filled mount joins the table, or leaves it. */
void mount_enter(struct mount *m);
void mount_leave(struct mount *m);

/* Shut out: 0 when something may be mounted on `at`, else -ENOENT. */
int mount_may_stand(const struct path *at);

/* In a section or shut out: m's tree from m on, parents first; NULL: that was
 * all. mount_after() leaves out what stands on m itself. */
struct mount *mount_next(struct mount *m, struct mount *top);
struct mount *mount_after(struct mount *m, struct mount *top);

/* ---- counting (mount_count.c) ---- */

/* Spread: each vCPU counts by itself what it gets and puts. For mounts in the
 * table, with sections shut out, or for those that stay for ever. */
void mount_spread(struct mount *m);
/* Until the next mount_spread() m->refs is exact. Always before the table's
 * reference goes. No lock is held; may switch tasks. */
void mount_settle(struct mount *m);
/* The same for many, by node: those that have left the table. */
void mount_settle_all(struct list *gone);
/* Takes a reference away; true: it was the last one. */
bool mount_uncount(struct mount *m);

/* With sections shut out: m stands on `at` (which is counted for that), or
 * nowhere any more; *from is the caller's to put. */
void mount_hang(struct mount *m, const struct path *at);
void mount_unhang(struct mount *m, struct path *from);

#endif
