/* SPDX-License-Identifier: MIT
 *
 * mount(2) by type and flags. Permissions are the caller's.
 */
#ifndef KERNEL_FS_MOUNTING_H
#define KERNEL_FS_MOUNTING_H

#include "kernel/fs/dentry.h"

struct policy;
struct host_mount; /* kernel.h */

/* Whether the current task may mount: 0 or -EPERM. */
int mounting_allowed(void);
/* The same for what changes the tree of mounts, or one that stands in it: not
 * for who is restricted in files (landlock.h). */
int mount_tree_may_change(void);
/* flags: MS_*; data: the type's options. -ENODEV: no such type; -EINVAL. */
int mount_at(const struct path *at, const char *source, const char *type,
             uint64_t flags, const char *data);

/* The parts of that. ST_* of MS_*; -ENODEV: no such type; options set before a
 * wrong one stay set (-EINVAL); the first field of /proc/mounts, of file
 * systems that each mount has its own of. */
uint32_t mount_flags_of(uint64_t ms);
/* The same of MOUNT_ATTR_*, and back, without those about times of access. */
uint32_t mount_attr_flags(uint64_t attrs);
uint64_t mount_attrs_of(uint32_t flags);
int mount_type_make(const char *type, struct superblock **out);
int mount_options(struct superblock *sb, const char *data, bool remount);
/* After its options, before it is mounted. */
int mount_ready(struct superblock *sb);
int mount_name_source(struct superblock *sb, const char *source);

/* policy_mounts.c: the mounts of a checked policy, in its order; missing
 * directories are made. fds: as in boot_info. */
int policy_mounts(const struct policy *p, const int *fds);
/* The same for what the command line asks for, where it decides. */
int host_mounts(const struct host_mount *m, unsigned count);

/* Adds a type of the rooms above; boot. name is kept. -ENOMEM. */
int mount_type_add(const char *name, int (*mount)(struct superblock **out));

#endif
