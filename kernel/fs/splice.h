/* SPDX-License-Identifier: MIT
 *
 * Moving bytes between files inside the kernel: sendfile(2), splice(2),
 * tee(2), copy_file_range(2). Offsets: NULL means the file's own position.
 */
#ifndef KERNEL_FS_SPLICE_H
#define KERNEL_FS_SPLICE_H

#include "kernel/fs/file.h"

/* Bytes moved, or -errno when there were none. May block: for what comes first,
 * then only for what out takes; a pipe takes what it has room for. */
long splice_copy(struct file *in, uint64_t *in_pos, struct file *out,
                 uint64_t *out_pos, size_t len);

/* The same where one of them is a pipe, else -EINVAL. nowait: does not wait for
 * in, nor for room in a pipe. */
long splice_files(struct file *in, uint64_t *in_pos, struct file *out,
                  uint64_t *out_pos, size_t len, bool nowait);
/* From pipe to pipe, and stays in the first. */
long splice_tee(struct file *in, struct file *out, size_t len, bool nowait);

/* Regular files only: -EINVAL, -EISDIR, -EBADF, -EOVERFLOW. */
long splice_range(struct file *in, uint64_t *in_pos, struct file *out,
                  uint64_t *out_pos, size_t len);

#endif
