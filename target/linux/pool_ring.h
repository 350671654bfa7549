/* SPDX-License-Identifier: MIT
 *
 * The pool's rings and queues, between vCPUs (pool_ring.c, ring.c) and its
 * threads (pool.c, pool_poll.c). Everything here may be called on either side.
 */
#ifndef TARGET_LINUX_POOL_RING_H
#define TARGET_LINUX_POOL_RING_H

#include "abi/boundary.h"
#include "target/linux/host.h"

/* The queues have room for all that the rings allow to be under way. */
enum { POOL_ENTRIES = 1024, POOL_QUEUE = 16384 };

struct pool_entry {
    unsigned ring;
    struct ring_sqe sqe;
};

struct pool_queue {
    int bell;      /* an eventfd: entries were put here; set once */
    uint32_t lock; /* all below */
    uint32_t head, tail;
    struct pool_entry entries[POOL_QUEUE];
};

/* For the workers, one of whom is entitled to an entry by each read of the
 * bell; and for the poller. */
extern struct pool_queue pool_work, pool_waiting;

bool pool_queue_take(struct pool_queue *q, struct pool_entry *e);

void pool_ring_show(unsigned index, struct target_ring *view);
/* Puts a completion into ring `index`, and wakes nobody. */
void pool_ring_complete(unsigned index, uint64_t user_data, int64_t res);
/* target_ring_submit() of a ring that is the pool's. */
void pool_submit(unsigned index, unsigned count);

#endif
