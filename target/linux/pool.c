/* SPDX-License-Identifier: MIT
 *
 * The pool's rings and workers.
 *
 * A submission adds its count to the doorbell, a semaphore eventfd; each read
 * of it entitles one worker to one entry of either ring. A worker that takes
 * the last idle one's place starts another first, since any operation may
 * block; beyond IDLE_MAX they end when done.
 */
#include "target/linux/pool.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IDLE_MAX = 4, WORKERS_MAX = 64, COMPLETIONS = 16384 };

/* In memory that the kernel sees too; each index on a line of its own. */
struct shared_ring {
    _Alignas(64) uint32_t sq_head; /* ours */
    _Alignas(64) uint32_t sq_tail; /* the kernel's */
    _Alignas(64) uint32_t cq_head; /* the kernel's */
    _Alignas(64) uint32_t cq_tail; /* ours */
    _Alignas(64) uint8_t entries[];
};

struct pool_ring {
    struct shared_ring *shared; /* NULL: not the pool's */
    struct ring_sqe *sqes;
    struct ring_cqe *cqes;
    uint32_t sq_entries, cq_entries;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* all below */
static struct pool_ring rings[TARGET_RINGS];
static unsigned workers, idle;

static int doorbell = -1; /* set once */

int pool_setup(struct host_ring *ring, unsigned entries)
{
    unsigned index = ring - host_rings;
    uint64_t sqes = sizeof(struct shared_ring);
    uint64_t cqes = sqes + entries * sizeof(struct ring_sqe);
    uint64_t len = cqes + COMPLETIONS * sizeof(struct ring_cqe);
    struct shared_ring *s = mmap(NULL, len, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (doorbell < 0) {
        doorbell = eventfd(0, EFD_SEMAPHORE | EFD_CLOEXEC);
    }
    if (s == MAP_FAILED || doorbell < 0) {
        return -errno;
    }
    ring->view = (struct target_ring){
        .sq_head.addr = (uint64_t)&s->sq_head,
        .sq_tail.addr = (uint64_t)&s->sq_tail,
        .sqes.addr = (uint64_t)s + sqes,
        .cq_head.addr = (uint64_t)&s->cq_head,
        .cq_tail.addr = (uint64_t)&s->cq_tail,
        .cqes.addr = (uint64_t)s + cqes,
        .sq_entries = entries,
        .cq_entries = COMPLETIONS,
    };
    ring->fd = -1;
    ring->doorbell = doorbell;
    rings[index] = (struct pool_ring){
        .shared = s,
        .sqes = (void *)ring->view.sqes.addr,
        .cqes = (void *)ring->view.cqes.addr,
        .sq_entries = entries,
        .cq_entries = COMPLETIONS,
    };
    return 0;
}

void pool_complete(unsigned index, uint64_t user_data, int64_t res)
{
    struct pool_ring *r = &rings[index];
    uint64_t one = 1;
    uint32_t tail;

    pthread_mutex_lock(&lock);
    tail = r->shared->cq_tail;
    while (tail - atomic_load_acquire(&r->shared->cq_head) >= r->cq_entries) {
        cpu_relax(); /* the kernel allows no more requests than fit */
    }
    /* An offset may exceed an int: its upper half is in flags, see
     * HOSTOP_LSEEK. */
    r->cqes[tail & (r->cq_entries - 1)] = (struct ring_cqe){
        .user_data = user_data,
        .res = res < 0 ? res : res & 0x7fffffff,
        .flags = res < 0 ? 0 : res >> 31,
    };
    atomic_store_release(&r->shared->cq_tail, tail + 1);
    pthread_mutex_unlock(&lock);
    /* Who starts to wait looks at the rings after it has become a waiter. */
    atomic_fence();
    if (atomic_load(&host.waiters) &&
        write(host.io_eventfd, &one, sizeof(one)) < 0) {
        abort(); /* an eventfd of ours: cannot be */
    }
}

/* Takes one entry of either ring, under lock. */
static bool take_entry(unsigned *index, struct ring_sqe *e)
{
    for (unsigned i = 0; i < TARGET_RINGS; i++) {
        struct pool_ring *r = &rings[i];
        uint32_t head;

        if (!r->shared) {
            continue;
        }
        head = r->shared->sq_head;
        if (head != atomic_load_acquire(&r->shared->sq_tail)) {
            *e = r->sqes[head & (r->sq_entries - 1)];
            atomic_store_release(&r->shared->sq_head, head + 1);
            *index = i;
            return true;
        }
    }
    return false;
}

/* Does not wait for the other side of a socket: that could use up workers. */
static void execute_socket(unsigned index, const struct ring_sqe *e)
{
    bool may_wait = e->opcode == RINGOP_ACCEPT || e->opcode == RINGOP_CONNECT ||
                    !(e->op_flags & MSG_DONTWAIT);
    int64_t res = pool_try(e, true);

    if (res == -EAGAIN && may_wait) {
        pool_wait_add(index, e);
    } else {
        pool_complete(index, e->user_data, res);
    }
}

static void execute(unsigned index, const struct ring_sqe *e)
{
    if (index == 1) {
        pool_complete(index, e->user_data, pool_hostop(e));
    } else if (e->opcode == RINGOP_POLL_ADD) {
        pool_poll_add(index, e);
    } else if (e->opcode == RINGOP_TIMEOUT) {
        pool_timeout_add(index, e);
    } else if (e->opcode == RINGOP_POLL_REMOVE ||
               e->opcode == RINGOP_ASYNC_CANCEL) {
        pool_complete(index, e->user_data, pool_cancel(index, e->addr));
    } else if (pool_waits(e)) {
        execute_socket(index, e);
    } else {
        pool_complete(index, e->user_data, pool_op(e));
    }
}

static int start_worker(void);

/* Waits for an entry. False: this worker is one too many. */
static bool next_entry(unsigned *index, struct ring_sqe *e)
{
    uint64_t count;
    bool found, another;

    do {
        pthread_mutex_lock(&lock);
        if (idle >= IDLE_MAX) {
            workers--;
            pthread_mutex_unlock(&lock);
            return false;
        }
        idle++;
        pthread_mutex_unlock(&lock);
        if (read(doorbell, &count, sizeof(count)) < 0) {
            abort();
        }
        pthread_mutex_lock(&lock);
        idle--;
        found = take_entry(index, e);
        another = found && idle == 0 && workers < WORKERS_MAX;
        workers += another;
        pthread_mutex_unlock(&lock);
        if (another && start_worker()) {
            pthread_mutex_lock(&lock);
            workers--;
            pthread_mutex_unlock(&lock);
        }
    } while (!found);
    return true;
}

static void *worker(void *unused)
{
    struct ring_sqe e;
    unsigned index;

    while (next_entry(&index, &e)) {
        execute(index, &e);
    }
    return NULL;
}

/* Its signals are blocked, as its creator's are. */
static int start_worker(void)
{
    pthread_attr_t attr;
    pthread_t thread;
    int err;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 65536);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    err = pthread_create(&thread, &attr, worker, NULL);
    pthread_attr_destroy(&attr);
    return -err;
}

int pool_start(void)
{
    workers = 1;
    return start_worker();
}
