/* SPDX-License-Identifier: MIT
 *
 * Changing what stat(2) shows, with the checks that Linux makes: chmod(2),
 * chown(2), utimensat(2), truncate(2). Paths are counted by the caller.
 */
#ifndef KERNEL_FS_ATTR_H
#define KERNEL_FS_ATTR_H

#include "kernel/fs/dentry.h"

int attr_chmod(const struct path *p, uint32_t mode);
/* uid, gid UINT32_MAX: leave. */
int attr_chown(const struct path *p, uint32_t uid, uint32_t gid);

/* Nanoseconds since the epoch, or one of these. */
#define ATTR_NOW  INT64_MIN
#define ATTR_OMIT INT64_MAX
int attr_times(const struct path *p, int64_t atime, int64_t mtime);

/* truncate(2): checks the type; ftruncate(2) has checked the mode. */
int attr_truncate(const struct path *p, uint64_t size);

/* fallocate(2) on an inode open for writing. */
int attr_allocate(const struct path *p, int mode, uint64_t off, uint64_t len);

/* A write by somebody without CAP_FSETID takes S_ISUID and S_ISGID away. */
void drop_setid(struct inode *data);
/* The same for capabilities(7) of the file, whoever changes it. data's lock is
 * held. */
void drop_capabilities(struct inode *data);

struct file;
void touch_atime(struct file *f);
/* The same for a link on m that is followed or read. */
void touch_link_atime(const struct mount *m, struct inode *inode);

#endif
