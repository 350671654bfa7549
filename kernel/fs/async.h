/* SPDX-License-Identifier: MIT
 *
 * Signal-driven I/O: who gets SIGIO for a file with O_ASYNC (fcntl(2),
 * F_SETOWN, F_SETSIG). Kinds that support it tell the owner where they wake
 * their queues.
 */
#ifndef KERNEL_FS_ASYNC_H
#define KERNEL_FS_ASYNC_H

#include "kernel/fs/file.h"

struct io_owner {
    int type, pid, signal; /* F_OWNER_*; pid 0: nobody */
    int fd;
};

/* A copy, to be used when f may be gone. */
void io_owner_get(struct file *f, struct io_owner *out);

/* Sends the signal for events (POLL* bits). No lock is held. */
void io_owner_signal(const struct io_owner *owner, uint32_t events);

/* SIGURG: urgent data came. */
void io_owner_urgent(const struct io_owner *owner);

#endif
