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
/* Takes len bytes that pipe_peek() has shown. */
void pipe_skip(struct pipe *p, size_t len);

/* Until there is room, or no reader: 0, -ERESTARTSYS. */
int pipe_wait_writable(struct pipe *p);

#endif
