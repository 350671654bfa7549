/* SPDX-License-Identifier: MIT
 *
 * mount(2) by type and flags. Permissions are the caller's.
 */
#ifndef KERNEL_FS_MOUNTING_H
#define KERNEL_FS_MOUNTING_H

#include "kernel/fs/dentry.h"

struct policy;
struct host_mount; /* kernel.h */

/* flags: MS_*; data: the type's options. -ENODEV: no such type; -EINVAL. */
int mount_at(const struct path *at, const char *source, const char *type,
             uint64_t flags, const char *data);

/* policy_mounts.c: the mounts of a checked policy, in its order; missing
 * directories are made. fds: as in boot_info. */
int policy_mounts(const struct policy *p, const int *fds);
/* The same for what the command line asks for, where it decides. */
int host_mounts(const struct host_mount *m, unsigned count);

/* Adds a type of the rooms above; boot. name is kept. -ENOMEM. */
int mount_type_add(const char *name, int (*mount)(struct superblock **out));

#endif
