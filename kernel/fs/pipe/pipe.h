/* SPDX-License-Identifier: MIT
 *
 * Pipes, for those who need more than read and write: splice.c, fcntl.
 */
#ifndef KERNEL_FS_PIPE_H
#define KERNEL_FS_PIPE_H

#include "kernel/fs/file.h"

/* The pipe behind f; NULL: f is none. */
struct pipe *pipe_of(struct file *f);

/* F_GETPIPE_SZ, F_SETPIPE_SZ: the capacity in bytes, or -EBUSY, -EPERM. */
long pipe_size(struct pipe *p);
long pipe_resize(struct pipe *p, uint64_t bytes);

/* Copies up to len of what waits, without taking it; waits for something
 * unless nowait. 0: no writer is left. */
long pipe_peek(struct pipe *p, void *buf, size_t len, bool nowait);
/* The same, and nobody else takes any until pipe_return(), which follows when
 * there was something: `taken` bytes of it are gone. */
long pipe_borrow(struct pipe *p, void *buf, size_t len, bool nowait);
void pipe_return(struct pipe *p, size_t taken);
/* Bytes that a write would find room for, in whole pages; without a reader
 * there is always room. */
long pipe_room(struct pipe *p);

/* Until there is room, or no reader: 0, -ERESTARTSYS. */
int pipe_wait_writable(struct pipe *p);

#endif
