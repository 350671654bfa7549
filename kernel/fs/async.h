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

/* The same for something that is no readiness: a lease is to be given back,
 * a directory has changed (POLL_MSG). */
void io_owner_message(const struct io_owner *owner);

/* The files with O_ASYNC of an object that several share (a pipe). */
struct async_list {
    struct spinlock lock; /* LOCK_POLL: guards files */
    struct list files;
};
void async_init(struct async_list *l);
/* f joins (on) or leaves; harmless when it has before. */
void async_set(struct async_list *l, struct file *f, bool on);
/* Signals the owners of those with a mode (FILE_READ, FILE_WRITE) of `mode`.
 * No lock is held. */
void async_tell(struct async_list *l, uint32_t mode, uint32_t events);
static inline void async_wake(struct async_list *l, uint32_t mode,
                              uint32_t events)
{
    if (unlikely(!list_empty(&l->files))) {
        async_tell(l, mode, events);
    }
}

/* SIGURG: urgent data came. */
void io_owner_urgent(const struct io_owner *owner);

#endif
