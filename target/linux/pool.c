/* SPDX-License-Identifier: MIT
 *
 * The pool's workers.
 *
 * The bell of their queue is a semaphore eventfd: each read of it entitles one
 * worker to one entry. A worker that takes the last idle one's place starts
 * another first, since any operation may block; beyond IDLE_MAX they end when
 * done.
 */
#include "target/linux/pool.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { IDLE_MAX = 4, WORKERS_MAX = 64 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* all below */
static unsigned workers, idle;

int pool_setup(struct host_ring *ring)
{
    if (pool_work.bell < 0) {
        pool_work.bell = eventfd(0, EFD_SEMAPHORE | EFD_CLOEXEC);
    }
    if (pool_work.bell < 0) {
        return -errno;
    }
    ring->fd = -1;
    pool_ring_show((unsigned)(ring - host_rings), &ring->view);
    return 0;
}

static void complete(unsigned index, uint64_t user_data, int64_t res)
{
    uint64_t one = 1;

    pool_ring_complete(index, user_data, res);
    /* Who starts to wait looks at the rings after it has become a waiter. */
    atomic_fence();
    if (atomic_load(&host.waiters) &&
        write(host.io_eventfd, &one, sizeof(one)) < 0) {
        abort(); /* an eventfd of ours: cannot be */
    }
}

static void execute(unsigned index, const struct ring_sqe *e)
{
    complete(index, e->user_data, index ? pool_hostop(e) : pool_op(e));
}

static int start_worker(void);

/* Waits for an entry. False: this worker is one too many. */
static bool next_entry(struct pool_entry *e)
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
        if (read(pool_work.bell, &count, sizeof(count)) < 0) {
            abort();
        }
        pthread_mutex_lock(&lock);
        idle--;
        found = pool_queue_take(&pool_work, e);
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
    struct pool_entry e;

    while (next_entry(&e)) {
        execute(e.ring, &e.sqe);
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
    pool_has_sockets = host_rings[0].fd < 0;
    return start_worker();
}
