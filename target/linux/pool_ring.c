/* SPDX-License-Identifier: MIT
 *
 * The pool's rings as vCPUs use them (vCPU side). Who submits takes the
 * entries, and does at once what need not wait: a send for which there is room,
 * a receive of what is there, an accept of who has come. The rest goes to the
 * pool's threads: what waits for a socket to the poller, all else to the
 * workers.
 */
#include "target/linux/pool_ring.h"
#include <errno.h>
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
    _Alignas(64) struct ring_cqe cqes[COMPLETIONS];
    struct ring_sqe sqes[POOL_ENTRIES];
};

static struct pool_ring rings[TARGET_RINGS];
struct pool_queue pool_work = {.bell = -1}, pool_waiting = {.bell = -1};

void pool_ring_show(unsigned index, struct target_ring *view)
{
    struct pool_ring *r = &rings[index];

    *view = (struct target_ring){
        .sq_head.addr = (uint64_t)&r->sq_head,
        .sq_tail.addr = (uint64_t)&r->sq_tail,
        .sqes.addr = (uint64_t)r->sqes,
        .cq_head.addr = (uint64_t)&r->cq_head,
        .cq_tail.addr = (uint64_t)&r->cq_tail,
        .cqes.addr = (uint64_t)r->cqes,
        .sq_entries = POOL_ENTRIES,
        .cq_entries = COMPLETIONS,
    };
}

/* ---- locks and queues ---- */

/* 0: free, 1: taken, 2: taken and waited for. */
static void lock_take(uint32_t *lock)
{
    uint32_t free = 0;

    if (atomic_cas(lock, &free, 1)) {
        return;
    }
    while (atomic_xchg(lock, 2)) {
        RAW(SYS_futex, lock, FUTEX_WAIT_PRIVATE, 2, NULL);
    }
}

static void lock_drop(uint32_t *lock)
{
    if (atomic_xchg(lock, 0) == 2) {
        RAW(SYS_futex, lock, FUTEX_WAKE_PRIVATE, 1);
    }
}

static void queue_put(struct pool_queue *q, unsigned ring,
                      const struct ring_sqe *e)
{
    lock_take(&q->lock);
    q->entries[q->tail++ % POOL_QUEUE] = (struct pool_entry){ring, *e};
    lock_drop(&q->lock);
}

bool pool_queue_take(struct pool_queue *q, struct pool_entry *e)
{
    bool any;

    lock_take(&q->lock);
    any = q->head != q->tail;
    if (any) {
        *e = q->entries[q->head++ % POOL_QUEUE];
    }
    lock_drop(&q->lock);
    return any;
}

/* ---- completions ---- */

void pool_ring_complete(unsigned index, uint64_t user_data, int64_t res)
{
    struct pool_ring *r = &rings[index];

    lock_take(&r->lock);
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
    lock_drop(&r->lock);
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

/* -EAGAIN: it has to wait. A listening socket here does not by itself. */
static long try_now(const struct ring_sqe *e)
{
    uint32_t flags = e->op_flags | MSG_DONTWAIT;

    switch (e->opcode) {
    case RINGOP_SEND:
        return RAW(SYS_sendto, e->fd, e->addr, e->len, flags | MSG_NOSIGNAL);
    case RINGOP_SENDMSG:
        return RAW(SYS_sendmsg, e->fd, e->addr, flags | MSG_NOSIGNAL);
    case RINGOP_RECV:
        return e->ioprio & RINGOP_POLL_FIRST
                   ? -EAGAIN
                   : RAW(SYS_recvfrom, e->fd, e->addr, e->len, flags);
    case RINGOP_RECVMSG:
        return RAW(SYS_recvmsg, e->fd, e->addr, flags);
    case RINGOP_ACCEPT:
        return RAW(SYS_accept4, e->fd, e->addr, e->off, e->op_flags);
    default:
        return -EAGAIN;
    }
}

/* Who has to do it; NULL: it is done. */
static struct pool_queue *begin(unsigned index, const struct ring_sqe *e)
{
    long res;

    if (index != 0) {
        return &pool_work;
    }
    switch (e->opcode) {
    case RINGOP_SEND:
    case RINGOP_SENDMSG:
    case RINGOP_RECV:
    case RINGOP_RECVMSG:
    case RINGOP_ACCEPT:
        res = try_now(e);
        if (res == -EAGAIN && !(e->op_flags & MSG_DONTWAIT)) {
            return &pool_waiting;
        }
        pool_ring_complete(index, e->user_data, res);
        return NULL;
    case RINGOP_POLL_ADD:
        return &pool_waiting;
    default:
        return &pool_work;
    }
}

static void ring_bell(const struct pool_queue *q, uint64_t entries)
{
    if (entries) {
        RAW(SYS_write, q->bell, &entries, sizeof(entries));
    }
}

void pool_submit(unsigned index, unsigned count)
{
    unsigned work = 0, waiting = 0;
    struct ring_sqe e;

    while (count-- && take_entry(&rings[index], &e)) {
        struct pool_queue *q = begin(index, &e);

        if (q) {
            queue_put(q, index, &e);
            work += q == &pool_work;
            waiting += q == &pool_waiting;
        }
    }
    ring_bell(&pool_work, work);
    ring_bell(&pool_waiting, waiting);
}
