/* SPDX-License-Identifier: MIT
 *
 * Trees of mounts that stand nowhere, but go to where a program wants them:
 * open_tree(2), fsmount(2), move_mount(2). Whoever has one owns it until it
 * stands; with the descriptor that leads to it, it ends.
 */
#ifndef KERNEL_FS_MOUNT_ADRIFT_H
#define KERNEL_FS_MOUNT_ADRIFT_H

#include "kernel/fs/dentry.h"

struct file;

/* A copy of what `from` names. -EINVAL: it stands nowhere, or is not to be
 * bound; -ENOSPC, -ENOMEM. */
int mount_copy(const struct path *from, bool recursive, struct mount **out);
/* A mount of sb (taken, also on failure) alone. flags: ST_*. */
int mount_make(struct superblock *sb, uint32_t flags, struct mount **out);
/* Shut out: all of the tree is adrift. */
void mount_set_adrift(struct mount *tree);
/* The end of a tree, unless it stands meanwhile. */
void mount_dissolve(struct mount *tree);
/* A file, as of O_PATH, on the tree's root; takes the tree, also on failure. */
int mount_open_adrift(struct mount *tree, struct file **out);

#endif
