/* SPDX-License-Identifier: MIT
 *
 * Regular files in the page cache: what leaves with file operations of their
 * own share with regular_file_ops.
 */
#ifndef KERNEL_FS_REGULAR_H
#define KERNEL_FS_REGULAR_H

#include "kernel/fs/file.h"

long regular_read(struct file *f, struct iobuf *io, uint64_t *pos, int flags);
int64_t regular_seek(struct file *f, int64_t off, int whence);
long regular_ioctl(struct file *f, uint32_t cmd, struct uptr arg);
/* Cuts io to what limits and seals allow at pos: 0, -EPERM or -EFBIG. data is
 * locked. */
int regular_may_write(struct inode *data, struct iobuf *io, uint64_t pos);

#endif
