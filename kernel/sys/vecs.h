/* SPDX-License-Identifier: MIT
 *
 * Arrays of struct iovec from user memory, checked and cut to what one call
 * may move.
 */
#ifndef KERNEL_SYS_VECS_H
#define KERNEL_SYS_VECS_H

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
void vecs_put(struct vecs *v);

#endif
