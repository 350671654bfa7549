/* SPDX-License-Identifier: MIT
 *
 * What names.c and rename.c share: may the current task change a directory?
 */
#ifndef KERNEL_FS_NAMES_CHECK_H
#define KERNEL_FS_NAMES_CHECK_H

#include "kernel/fs/path.h"

/* 0, -EROFS, -EACCES. dir is counted. */
int may_add_to(const struct path *dir);
/* The same for removing d, positive, from dir: also -EPERM (sticky). */
int may_remove_from(const struct path *dir, struct dentry *d);

#endif
