/* SPDX-License-Identifier: MIT
 *
 * Entries that wait, for any time and in any number: one thread polls for all
 * of them. The first descriptor of its set is the bell of the queue by which
 * vCPUs hand them over, which also says that something else has changed.
 */
#include "target/linux/pool.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { WAITS_MAX = 16384 };

struct wait {
    uint64_t user_data;
    uint64_t deadline; /* ns of CLOCK_MONOTONIC; UINT64_MAX: none */
    unsigned ring;
    int fd; /* -1: a TIMEOUT */
    short events;
    bool canceled; /* completes when nobody polls fd any more */
    bool retry;    /* sqe is to be tried again when fd is ready */
    struct ring_sqe sqe;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* all below */
static struct wait waits[WAITS_MAX];
static unsigned wait_count;

/* A timeout as io_uring takes it: struct __kernel_timespec. */
struct wire_timespec {
    int64_t sec, nsec;
};

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static void wait_remove_at(unsigned i)
{
    waits[i] = waits[--wait_count];
}

/* What entry i has come to, given its poll bits: 0 if it still waits. */
static int64_t outcome(const struct wait *w, short revents, uint64_t now)
{
    if (w->fd >= 0 && revents) {
        return revents & POLLNVAL ? -EBADF : revents;
    }
    return now >= w->deadline ? -ETIME : 0;
}

static int poll_timeout(uint64_t now)
{
    uint64_t first = UINT64_MAX;

    for (unsigned i = 0; i < wait_count; i++) {
        first = MIN(first, waits[i].deadline);
    }
    if (first == UINT64_MAX) {
        return -1;
    }
    return first > now ? MIN((first - now + 999999) / 1000000, 60000ul) : 0;
}

/* Completes what is due. fds[1 + i] was polled for waits[i] as it was then;
 * entries may have moved since, so they are matched by what they wait for. */
static void finish_ready(const struct pollfd *fds, unsigned count)
{
    uint64_t now = now_ns();

    pthread_mutex_lock(&lock);
    for (unsigned i = wait_count; i-- > 0;) {
        struct wait w = waits[i];
        short revents = 0;
        int64_t res;

        if (i < count && fds[i].fd == w.fd && fds[i].events == w.events) {
            revents = fds[i].revents;
        }
        res = w.canceled ? -ECANCELED : outcome(&w, revents, now);
        if (res > 0 && w.retry) {
            res = pool_try(&w.sqe, false);
            if (res == -EAGAIN) {
                continue;
            }
            wait_remove_at(i);
            pool_complete(w.ring, w.user_data, res);
        } else if (res) {
            wait_remove_at(i);
            pool_complete(w.ring, w.user_data, res);
        }
    }
    pthread_mutex_unlock(&lock);
}

/* Under lock. False: there is no room for it. */
static bool add(const struct wait *w)
{
    bool fits = wait_count < WAITS_MAX;

    if (fits) {
        waits[wait_count++] = *w;
    }
    return fits;
}

static struct wait wait_of(unsigned ring, const struct ring_sqe *e)
{
    bool poll_only = e->opcode == RINGOP_POLL_ADD;

    return (struct wait){
        .user_data = e->user_data,
        .deadline = UINT64_MAX,
        .ring = ring,
        .fd = e->fd,
        .events = poll_only ? (short)e->op_flags : pool_waits(e),
        .retry = !poll_only,
        .sqe = *e,
    };
}

/* Under lock, too: pool_cancel() finds every entry in one place. */
static void take_new(void)
{
    struct pool_entry e;

    while (pool_queue_take(&pool_waiting, &e)) {
        struct wait w = wait_of(e.ring, &e.sqe);

        if (w.fd < 0) {
            pool_complete(e.ring, w.user_data, -EBADF);
        } else if (!add(&w)) {
            pool_complete(e.ring, w.user_data, -EAGAIN);
        }
    }
}

static void *poller(void *unused)
{
    static struct pollfd fds[WAITS_MAX + 1];
    uint64_t value;
    unsigned count;
    int timeout;

    for (;;) {
        pthread_mutex_lock(&lock);
        take_new();
        count = wait_count;
        fds[0] = (struct pollfd){pool_waiting.bell, POLLIN, 0};
        for (unsigned i = 0; i < count; i++) {
            fds[i + 1] = (struct pollfd){waits[i].fd, waits[i].events, 0};
        }
        timeout = poll_timeout(now_ns());
        pthread_mutex_unlock(&lock);
        poll(fds, count + 1, timeout);
        if ((fds[0].revents & POLLIN) &&
            read(pool_waiting.bell, &value, sizeof(value)) < 0) {
            abort();
        }
        finish_ready(fds + 1, count);
    }
    return NULL;
}

int pool_start_poller(void)
{
    pthread_t thread;

    return -pthread_create(&thread, NULL, poller, NULL);
}

static void tell_poller(void)
{
    uint64_t one = 1;

    if (write(pool_waiting.bell, &one, sizeof(one)) < 0) {
        abort();
    }
}

static void add_and_tell(const struct wait *w)
{
    bool fits;

    pthread_mutex_lock(&lock);
    fits = add(w);
    pthread_mutex_unlock(&lock);
    if (fits) {
        tell_poller();
    } else {
        pool_complete(w->ring, w->user_data, -EAGAIN);
    }
}

void pool_wait_add(unsigned index, const struct ring_sqe *e)
{
    struct wait w = wait_of(index, e);

    add_and_tell(&w);
}

void pool_timeout_add(unsigned index, const struct ring_sqe *e)
{
    const struct wire_timespec *ts = (void *)(uintptr_t)e->addr;
    struct wait w = {.user_data = e->user_data, .ring = index, .fd = -1};

    w.deadline = now_ns() + ts->sec * 1000000000ull + ts->nsec;
    add_and_tell(&w);
}

/* A descriptor that is polled stays open whoever closes it, so the entry ends
 * only when the poller has come back. */
int pool_cancel(unsigned index, uint64_t user_data)
{
    int found = -ENOENT;

    pthread_mutex_lock(&lock);
    take_new();
    for (unsigned i = 0; i < wait_count; i++) {
        if (waits[i].ring == index && waits[i].user_data == user_data) {
            waits[i].canceled = true;
            found = 0;
            break;
        }
    }
    pthread_mutex_unlock(&lock);
    if (!found) {
        tell_poller();
    }
    return found;
}
