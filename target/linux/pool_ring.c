/* SPDX-License-Identifier: MIT
 *
 * The pool's rings as vCPUs use them (vCPU side). Who submits takes the
 * entries, and does at once what need not wait: a send for which there is room,
 * a receive of what is there, an accept of who has come. What waits for a
 * socket stays with this vCPU (pool_wait.c); all else goes to the workers.
 */
#include "target/linux/pool_ring.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/socket.h>
#include <sys/syscall.h>

enum { COMPLETIONS = 16384 };

/* The kernel sees it, too; each index is on a line of its own. */
struct pool_ring {
    uint32_t lock;                 /* of who completes */
    _Alignas(64) uint32_t sq_head; /* ours */
    _Alignas(64) uint32_t sq_tail; /* the kernel's */
    _Alignas(64) uint32_t cq_head; /* the kernel's */
    _Alignas(64) uint32_t cq_tail; /* ours */
    _Alignas(64) uint32_t flags;   /* ours: RING_WAITS */
    _Alignas(64) struct ring_cqe cqes[COMPLETIONS];
    struct ring_sqe sqes[POOL_ENTRIES];
};

static struct pool_ring rings[TARGET_RINGS];
struct pool_queue pool_work = {.bell = -1};

void pool_ring_show(unsigned index, struct target_ring *view)
{
    struct pool_ring *r = &rings[index];

    *view = (struct target_ring){
        .sq_head.addr = (uint64_t)&r->sq_head,
        .sq_tail.addr = (uint64_t)&r->sq_tail,
        .sqes.addr = (uint64_t)r->sqes,
        .sq_flags.addr = (uint64_t)&r->flags,
        .cq_head.addr = (uint64_t)&r->cq_head,
        .cq_tail.addr = (uint64_t)&r->cq_tail,
        .cqes.addr = (uint64_t)r->cqes,
        .sq_entries = POOL_ENTRIES,
        .cq_entries = COMPLETIONS,
    };
}

/* ---- locks and the queue ---- */

/* 0: free, 1: taken, 2: taken and waited for. */
void pool_lock(uint32_t *lock)
{
    uint32_t free = 0;

    if (atomic_cas(lock, &free, 1)) {
        return;
    }
    while (atomic_xchg(lock, 2)) {
        RAW(SYS_futex, lock, FUTEX_WAIT_PRIVATE, 2, NULL);
    }
}

void pool_unlock(uint32_t *lock)
{
    if (atomic_xchg(lock, 0) == 2) {
        RAW(SYS_futex, lock, FUTEX_WAKE_PRIVATE, 1);
    }
}

static void queue_put(struct pool_queue *q, unsigned ring,
                      const struct ring_sqe *e)
{
    pool_lock(&q->lock);
    q->entries[q->tail++ % POOL_QUEUE] = (struct pool_entry){ring, *e};
    pool_unlock(&q->lock);
}

bool pool_queue_take(struct pool_queue *q, struct pool_entry *e)
{
    bool any;

    pool_lock(&q->lock);
    any = q->head != q->tail;
    if (any) {
        *e = q->entries[q->head++ % POOL_QUEUE];
    }
    pool_unlock(&q->lock);
    return any;
}

/* ---- completions ---- */

void pool_ring_complete(unsigned index, uint64_t user_data, int64_t res)
{
    struct pool_ring *r = &rings[index];

    pool_lock(&r->lock);
    while (r->cq_tail - atomic_load_acquire(&r->cq_head) >= COMPLETIONS) {
        cpu_relax(); /* the kernel allows no more requests than fit */
    }
    /* An offset may exceed an int: its upper half is in flags, see
     * HOSTOP_LSEEK. */
    r->cqes[r->cq_tail % COMPLETIONS] = (struct ring_cqe){
        .user_data = user_data,
        .res = (int32_t)(res < 0 ? res : res & 0x7fffffff),
        .flags = (uint32_t)(res < 0 ? 0 : res >> 31),
    };
    atomic_store_release(&r->cq_tail, r->cq_tail + 1);
    pool_unlock(&r->lock);
}

/* ---- submission ---- */

/* Several vCPUs may take entries at a time. One that was read is as it was if
 * nobody else has taken it meanwhile: the kernel writes to none before. */
static bool take_entry(struct pool_ring *r, struct ring_sqe *e)
{
    uint32_t head = atomic_load_acquire(&r->sq_head);

    do {
        if (head == atomic_load_acquire(&r->sq_tail)) {
            return false;
        }
        *e = r->sqes[head % POOL_ENTRIES];
    } while (!atomic_cas(&r->sq_head, &head, head + 1));
    return true;
}

/* It does not wait, nor does the socket afterwards. */
static long connect_now(const struct ring_sqe *e)
{
    long flags = RAW(SYS_fcntl, e->fd, F_GETFL);
    long res;

    RAW(SYS_fcntl, e->fd, F_SETFL, flags | O_NONBLOCK);
    res = RAW(SYS_connect, e->fd, e->addr, e->off);
    RAW(SYS_fcntl, e->fd, F_SETFL, flags);
    return res;
}

/* A second connect(2) tells what became of the first, and readies the socket
 * for another try, which SO_ERROR does not. */
static long try_connect(const struct ring_sqe *e, bool first)
{
    long res = connect_now(e);

    if (!first && res == -EISCONN) {
        return 0;
    }
    return res == -EINPROGRESS || (!first && res == -EALREADY) ? -EAGAIN : res;
}

/* A listening socket here does not wait by itself. */
long pool_try_now(const struct ring_sqe *e, bool first)
{
    uint32_t flags = e->op_flags | MSG_DONTWAIT;

    switch (e->opcode) {
    case RINGOP_SEND:
        return RAW(SYS_sendto, e->fd, e->addr, e->len, flags | MSG_NOSIGNAL);
    case RINGOP_SENDMSG:
        return RAW(SYS_sendmsg, e->fd, e->addr, flags | MSG_NOSIGNAL);
    case RINGOP_RECV:
        return first && e->ioprio & RINGOP_POLL_FIRST
                   ? -EAGAIN
                   : RAW(SYS_recvfrom, e->fd, e->addr, e->len, flags);
    case RINGOP_RECVMSG:
        return RAW(SYS_recvmsg, e->fd, e->addr, flags);
    case RINGOP_CONNECT:
        return try_connect(e, first);
    default:
        return RAW(SYS_accept4, e->fd, e->addr, e->off, e->op_flags);
    }
}

static void wait_for(const struct ring_sqe *e)
{
    if (!atomic_load_relaxed(&rings[0].flags)) {
        atomic_store(&rings[0].flags, RING_WAITS);
    }
    pool_wait_add(e);
}

/* False: a worker has to do it. */
static bool begin(const struct ring_sqe *e)
{
    long res;

    if (e->opcode == RINGOP_CLOSE) {
        pool_wait_forget(e->fd);
        return false;
    }
    if (e->opcode == RINGOP_POLL_ADD) {
        wait_for(e);
    } else if (e->opcode == RINGOP_POLL_REMOVE ||
               e->opcode == RINGOP_ASYNC_CANCEL) {
        res = pool_cancel(e->fd, e->addr);
        pool_ring_complete(0, e->user_data, res);
    } else if (!pool_waits(e)) {
        return false;
    } else if ((res = pool_try_now(e, true)) == -EAGAIN &&
               !(e->op_flags & MSG_DONTWAIT)) {
        wait_for(e);
    } else {
        pool_ring_complete(0, e->user_data, res);
    }
    return true;
}

void pool_submit(unsigned index, unsigned count)
{
    uint64_t work = 0;
    struct ring_sqe e;

    while (count-- && take_entry(&rings[index], &e)) {
        if (index != 0 || !begin(&e)) {
            queue_put(&pool_work, index, &e);
            work++;
        }
    }
    if (work) {
        RAW(SYS_write, pool_work.bell, &work, sizeof(work));
    }
    if (index == 0) {
        pool_wait_look();
    }
}
