/* SPDX-License-Identifier: MIT
 *
 * File systems that are configured step by step: fsopen(2), fspick(2),
 * fsconfig(2), fsmount(2). Permissions are the caller's.
 */
#ifndef KERNEL_FS_CONTEXT_H
#define KERNEL_FS_CONTEXT_H

#include "kernel/fs/dentry.h"

struct file;
struct fs_context;

enum { CONTEXT_WORD_MAX = 256 }; /* of a key or a value, with its NUL */

/* A descriptor for a new file system, or to change the one that stands at
 * `root`, the root of a mount. -ENODEV: no such type. */
int context_open(const char *type, struct file **out);
int context_pick(const struct path *root, struct file **out);
/* What f is one of; NULL: it is something else. */
struct fs_context *context_of(struct file *f);

/* One option; value NULL: a flag. -EINVAL: unknown or wrong; -EBUSY: it is too
 * late for options. */
int context_set(struct fs_context *c, const char *key, const char *value);
/* Options of other kinds, which no file system here has: -EINVAL, -EBUSY. */
int context_set_other(struct fs_context *c);
/* FSCONFIG_CMD_*; excl: only if it is a new one. -EBUSY, -EINVAL. */
int context_create(struct fs_context *c, bool excl);
int context_reconfigure(struct fs_context *c);
/* A mount of it that stands nowhere, as an open file (mount_adrift.h). flags:
 * ST_*. -EINVAL: not created; -EBUSY: mounted already. */
int context_mount(struct fs_context *c, uint32_t flags, struct file **out);

#endif
