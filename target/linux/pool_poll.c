/* SPDX-License-Identifier: MIT
 *
 * Entries that wait, for any time and in any number: one thread polls for all
 * of them. It is started by the first and told of changes by an eventfd, the
 * first descriptor of its set.
 */
#include "target/linux/pool.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
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
static int changed = -1;

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

static void *poller(void *unused)
{
    static struct pollfd fds[WAITS_MAX + 1];

    for (;;) {
        uint64_t value;
        unsigned count;
        int timeout;

        pthread_mutex_lock(&lock);
        count = wait_count;
        fds[0] = (struct pollfd){changed, POLLIN, 0};
        for (unsigned i = 0; i < count; i++) {
            fds[i + 1] = (struct pollfd){waits[i].fd, waits[i].events, 0};
        }
        timeout = poll_timeout(now_ns());
        pthread_mutex_unlock(&lock);
        poll(fds, count + 1, timeout);
        if ((fds[0].revents & POLLIN) &&
            read(changed, &value, sizeof(value)) < 0) {
            abort();
        }
        finish_ready(fds + 1, count);
    }
    return NULL;
}

static int start_poller(void)
{
    pthread_t thread;

    if (changed < 0) {
        changed = eventfd(0, EFD_CLOEXEC);
        if (changed < 0) {
            return -errno;
        }
        return -pthread_create(&thread, NULL, poller, NULL);
    }
    return 0;
}

static void wait_add_entry(const struct wait *w)
{
    uint64_t one = 1;
    int err;

    pthread_mutex_lock(&lock);
    err = start_poller();
    if (!err && wait_count == WAITS_MAX) {
        err = -EAGAIN;
    }
    if (!err) {
        waits[wait_count++] = *w;
        if (write(changed, &one, sizeof(one)) < 0) {
            abort();
        }
    }
    pthread_mutex_unlock(&lock);
    if (err) {
        pool_complete(w->ring, w->user_data, err);
    }
}

void pool_wait_add(unsigned index, const struct ring_sqe *e)
{
    struct wait w = {
        .user_data = e->user_data,
        .deadline = UINT64_MAX,
        .ring = index,
        .fd = e->fd,
        .events = pool_waits(e),
        .retry = true,
        .sqe = *e,
    };

    wait_add_entry(&w);
}

void pool_poll_add(unsigned index, const struct ring_sqe *e)
{
    struct wait w = {
        .user_data = e->user_data,
        .deadline = UINT64_MAX,
        .ring = index,
        .fd = e->fd,
        .events = e->op_flags,
    };
    struct pollfd now = {e->fd, e->op_flags, 0};

    if (e->fd < 0) {
        pool_complete(index, e->user_data, -EBADF);
    } else if (poll(&now, 1, 0) > 0) {
        pool_complete(index, e->user_data, outcome(&w, now.revents, 0));
    } else {
        wait_add_entry(&w);
    }
}

void pool_timeout_add(unsigned index, const struct ring_sqe *e)
{
    const struct wire_timespec *ts = (void *)(uintptr_t)e->addr;
    struct wait w = {.user_data = e->user_data, .ring = index, .fd = -1};

    w.deadline = now_ns() + ts->sec * 1000000000ull + ts->nsec;
    wait_add_entry(&w);
}

/* A descriptor that is polled stays open whoever closes it, so the entry ends
 * only when the poller has come back. */
int pool_cancel(unsigned index, uint64_t user_data)
{
    uint64_t one = 1;
    int found = -ENOENT;

    pthread_mutex_lock(&lock);
    for (unsigned i = 0; i < wait_count; i++) {
        if (waits[i].ring == index && waits[i].user_data == user_data) {
            waits[i].canceled = true;
            found = 0;
            break;
        }
    }
    if (!found && write(changed, &one, sizeof(one)) < 0) {
        abort();
    }
    pthread_mutex_unlock(&lock);
    return found;
}
