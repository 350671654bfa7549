/* SPDX-License-Identifier: MIT
 *
 * The pool's rings and queue, between vCPUs (pool_ring.c, pool_wait.c, ring.c)
 * and its threads (pool.c), and what the vCPUs' files share.
 */
#ifndef TARGET_LINUX_POOL_RING_H
#define TARGET_LINUX_POOL_RING_H

#include <poll.h>
#include "abi/boundary.h"
#include "lib/list.h"
#include "target/linux/host.h"

/* The queue has room for all that the rings allow to be under way. */
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
 * bell. */
extern struct pool_queue pool_work;

/* ---- on either side ---- */

/* A word that is 0 at first; who waits sleeps. */
void pool_lock(uint32_t *lock);
void pool_unlock(uint32_t *lock);

bool pool_queue_take(struct pool_queue *q, struct pool_entry *e);

void pool_ring_show(unsigned index, struct target_ring *view);
/* Puts a completion into ring `index`, and wakes nobody. */
void pool_ring_complete(unsigned index, uint64_t user_data, int64_t res);

/* The poll bits that a socket operation may wait for; 0: it is none. */
static inline short pool_waits(const struct ring_sqe *e)
{
    switch (e->opcode) {
    case RINGOP_ACCEPT:
    case RINGOP_RECV:
    case RINGOP_RECVMSG:
        return POLLIN;
    case RINGOP_CONNECT:
    case RINGOP_SEND:
    case RINGOP_SENDMSG:
        return POLLOUT;
    default:
        return 0;
    }
}

/* ---- vCPUs only ---- */

/* The number of the vCPU whose thread this is: target/linux's, until
 * target/sgx/host says otherwise. */
extern unsigned (*pool_vcpu)(void);

/* target_ring_submit() of a ring that is the pool's. */
void pool_submit(unsigned index, unsigned count);
/* Does what a socket operation can do without waiting: its result, -EAGAIN
 * when it has to. first: a connect that was not tried before. */
long pool_try_now(const struct ring_sqe *e, bool first);

/* Before a vCPU's first wait: what it sleeps on (epoll(7)). Events of others
 * there must have data below 2^32. */
void pool_wait_open(unsigned id, int epoll);
/* e waits, on this vCPU, for what it needs, and completes then. */
void pool_wait_add(const struct ring_sqe *e);
/* Sleeps on vCPU id's epoll set and completes what is ready: as
 * epoll_pwait2(2), the number of events or -errno. */
struct __kernel_timespec;
long pool_sleep(unsigned id, const struct __kernel_timespec *timeout);
/* Completes what is ready of what waits on this vCPU. */
void pool_wait_look(void);
/* Ends an entry that waits for fd by -ECANCELED: 0, or -ENOENT. */
int pool_cancel(int fd, uint64_t name);
/* fd, for which nothing waits, is about to be closed. */
void pool_wait_forget(int fd);

#endif
