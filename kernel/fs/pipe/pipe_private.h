/* SPDX-License-Identifier: MIT
 *
 * What pipe.c (moving bytes), pipe_open.c (ends of pipes and FIFOs) and
 * pipe_size.c share.
 */
#ifndef KERNEL_FS_PIPE_PRIVATE_H
#define KERNEL_FS_PIPE_PRIVATE_H

#include "kernel/fs/async.h"
#include "kernel/fs/pipe/pipe.h"

enum {
    PIPE_SLOTS = 16,
    PIPE_BYTES_MOST = 1 << 30,
    PIPE_SPARES = 2,
    PIPE_IN = POLLIN | POLLRDNORM,
    PIPE_OUT = POLLOUT | POLLWRNORM,
};

struct pipe_slot {
    char *page;
    uint16_t off, len;
    bool packet; /* O_DIRECT: ends a read; nothing joins it */
};

struct pipe {
    struct mutex lock; /* LOCK_FS_INODE */
    struct pipe_slot *ring;
    uint32_t slots;      /* a power of two */
    uint32_t head, tail; /* count up; head - tail slots are in use */
    uint32_t readers, writers;
    uint32_t reader_opens, writer_opens; /* ever; for FIFOs' open and poll */
    uint32_t files;
    bool borrowed; /* who splices has what is in it; atomic */
    char *spare[PIPE_SPARES];
    unsigned spares;
    struct wait_queue can_read, can_write;
    struct async_list async;
};

static inline bool pipe_is_empty(struct pipe *p)
{
    return atomic_load_acquire(&p->head) == atomic_load_acquire(&p->tail);
}

static inline bool pipe_is_full(struct pipe *p)
{
    return atomic_load_acquire(&p->head) - atomic_load_acquire(&p->tail) >=
           p->slots;
}

/* Whether there is something to take. */
static inline bool pipe_has_data(struct pipe *p)
{
    return !pipe_is_empty(p) && !atomic_load_acquire(&p->borrowed);
}

/* Nothing is in it and nothing will be. The order counts: a writer writes
 * before it goes. */
static inline bool pipe_at_end(struct pipe *p)
{
    return !atomic_load_acquire(&p->writers) && pipe_is_empty(p);
}

static inline struct pipe_slot *pipe_slot(struct pipe *p, uint32_t i)
{
    return &p->ring[i & (p->slots - 1)];
}

/* pipe.c. The oldest slot goes; pipe->lock is held. */
void pipe_drop_slot(struct pipe *p);
/* Until there is something, or no writer: 0, -ERESTARTSYS. */
int pipe_wait_readable(struct pipe *p);
void pipe_wake_writers(struct pipe *p);
void pipe_wake_readers(struct pipe *p);

/* pipe_size.c. FIONREAD. */
long pipe_ioctl(struct file *f, uint32_t cmd, struct uptr arg);
/* pipe_open.c. The end f is closed. */
void pipe_release(struct file *f);

extern const struct file_ops pipe_ops;

#endif
