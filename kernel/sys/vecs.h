/* SPDX-License-Identifier: MIT
 *
 * What the calls that move bytes have in common: arrays of struct iovec from
 * user memory, checked and cut to what one call may move, and flags.
 */
#ifndef KERNEL_SYS_VECS_H
#define KERNEL_SYS_VECS_H

#include "kernel/fs/file.h"
#include "kernel/mm/uaccess.h"

enum { VECS_SMALL = 8 };

struct vecs {
    struct iobuf_vec small[VECS_SMALL];
    struct iobuf_vec *vec; /* small, or kmalloc'ed */
    unsigned count;
};

/* -EINVAL: more than IOV_MAX, or a length that is none; -ENOMEM, -EFAULT.
 * Nothing to put on failure. */
int vecs_get(struct vecs *v, struct uptr from, uint64_t count);
/* The same, of buffers that are the caller's own: -EFAULT when one cannot be
 * (mm_linux_range). */
int vecs_get_mine(struct vecs *v, struct uptr from, uint64_t count);
void vecs_put(struct vecs *v);

/* readv(2) and its like: a descriptor and its buffers. */
struct vec_io {
    struct fd fd;
    struct vecs vecs;
    struct iobuf io;
};
/* mode: FILE_READ, FILE_WRITE, or 0 (nothing is checked); at: with an offset
 * of one's own. -EBADF, -ESPIPE, -EINVAL, and as vecs_get(). Nothing to end on
 * failure. */
int vec_io_begin(struct vec_io *v, int fd, struct uptr vec, uint64_t count,
                 unsigned mode, bool at);
void vec_io_end(struct vec_io *v);

/* IO_* of RWF_*: -EOPNOTSUPP. */
int io_flags_of(unsigned rwf, int *flags);

#endif
