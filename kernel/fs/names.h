/* SPDX-License-Identifier: MIT
 *
 * Making, removing and moving names, as the system calls of that name do,
 * with their checks. start: where a relative name begins (NULL: the cwd).
 * Names are NUL-terminated kernel memory.
 */
#ifndef KERNEL_FS_NAMES_H
#define KERNEL_FS_NAMES_H

#include "kernel/fs/path.h"

/* mkdir(2), mknod(2): mode with S_IFMT; the umask is applied here. */
int name_make(const struct path *start, const char *name, uint32_t mode,
              uint64_t rdev);
/* The same; *out is the new object's path, counted (a socket's bind). */
int name_make_path(const struct path *start, const char *name, uint32_t mode,
                   uint64_t rdev, struct path *out);
int name_symlink(const struct path *start, const char *name,
                 const char *target);
int name_link(const struct path *from, const struct path *start,
              const char *name);
int name_remove(const struct path *start, const char *name, bool directory);
int name_rename(const struct path *from_start, const char *from,
                const struct path *to_start, const char *to, unsigned flags);
/* Whether rename(2) knows these flags, together. */
bool name_rename_flags(unsigned flags);
/* The errors of walking to the directory of name's last part. */
int name_check_parent(const struct path *start, const char *name);

/* openat2(2): O_* flags, mode of a new file, WALK_* of resolve. */
int name_open(const struct path *start, const char *name, uint32_t flags,
              uint32_t mode, unsigned walk, struct file **out);

/* For name_open() and name_make(): adds a name below the locked walk. */
int name_add(struct walk *w, struct dentry *d, uint32_t mode, uint64_t rdev,
             const char *target);
/* What a new inode in dir begins with; attr_put() it (acl.h). -ENOMEM. */
int attr_of_new(struct inode *dir, uint32_t mode, uint64_t rdev,
                struct inode_attr *attr);

#endif
