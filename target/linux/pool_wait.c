/* SPDX-License-Identifier: MIT
 *
 * Entries of the pool that wait for a descriptor, for any time and in any
 * number (vCPU side). Who hands over an entry that cannot be done waits for it:
 * the descriptor goes into the epoll set on which that vCPU sleeps, and the
 * vCPU does what has become possible when it wakes, or when it comes with other
 * entries. So no thread stands between the host's wake-up and the vCPU.
 *
 * A descriptor is in the set of one vCPU, the one that waited for it last, and
 * stays there: the edges of epoll(7) cost no call for each wait. An edge is
 * news only once, so
 * - what waits was tried before, or it is believed that nothing is there
 *   (POLL_FIRST), since less was received than asked for;
 * - a descriptor of which an edge found nobody who wanted it is added anew by
 *   who waits next: epoll then tells what there is. So is one of which an edge
 *   told more than that there are bytes: an end, or an urgent byte, stays
 *   behind what was received before it;
 * - so is one that was closed: the number comes back as another's;
 * - what a vCPU was told of a descriptor that has left its set meanwhile is
 *   old: who took it over is told what there is.
 *
 * Locks: that of the descriptor's chain, held while entries are tried; below it
 * those of the free list and of the ring.
 */
#include "target/linux/pool_ring.h"
#include <errno.h>
#include <linux/time_types.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

enum {
    WAITS_MAX = POOL_QUEUE,
    CHAINS = 4096,
    EVENTS = 64,
    FDS_MAX = 1 << 20, /* fs.nr_open, unless somebody changed it */
    EDGES = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP,
    NEWS = EPOLLIN | EPOLLERR | EPOLLHUP, /* for who waits without a try */
    BEHIND = EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI,
    MISSED = 128,
};
static_assert((int)VCPU_MAX < (int)MISSED, "owner[]");

/* In epoll's data: the rest is a descriptor with entries. */
#define OF_ENTRIES (1ull << 32)

struct wait {
    struct list link;
    uint32_t events; /* of poll(2), which are epoll's, too */
    struct ring_sqe sqe;
};

struct chain {
    uint32_t lock;     /* of what waits for these descriptors */
    struct list waits; /* next is NULL before the first */
};

static struct chain chains[CHAINS];
static uint8_t owner[FDS_MAX]; /* its vCPU + 1, MISSED; the chain's lock */
static int epolls[VCPU_MAX];
static uint32_t counts[VCPU_MAX]; /* of descriptors; atomic */

static uint32_t free_lock; /* the two below */
static struct list free_waits = LIST_INIT(free_waits);
static unsigned used; /* of waits; those before were in the free list */
static struct wait waits[WAITS_MAX];

static unsigned linux_vcpu(void)
{
    return this_vcpu()->id;
}

unsigned (*pool_vcpu)(void) = linux_vcpu;

void pool_wait_open(unsigned id, int epoll)
{
    epolls[id] = epoll;
}

static struct chain *chain_lock(int fd)
{
    struct chain *c = &chains[(unsigned)fd % CHAINS];

    pool_lock(&c->lock);
    if (!c->waits.next) {
        list_init(&c->waits);
    }
    return c;
}

/* ---- whose descriptor it is ---- */

static void disown(int fd, bool leaves)
{
    unsigned vcpu = (owner[fd] & ~MISSED) - 1u;

    if (owner[fd]) {
        if (leaves) {
            RAW(SYS_epoll_ctl, epolls[vcpu], EPOLL_CTL_DEL, fd, NULL);
        }
        atomic_fetch_sub(&counts[vcpu], 1);
        owner[fd] = 0;
    }
}

/* Files that never make one wait are in no set (EPERM, epoll_ctl(2)). */
static long enter_set(int fd, unsigned vcpu)
{
    struct epoll_event ev = {.events = EDGES | EPOLLET,
                             .data.u64 = OF_ENTRIES | (uint32_t)fd};
    long err;

    if (owner[fd] == vcpu + 1) {
        return 0;
    }
    disown(fd, true);
    err = RAW(SYS_epoll_ctl, epolls[vcpu], EPOLL_CTL_ADD, fd, &ev);
    if (!err) {
        owner[fd] = (uint8_t)(vcpu + 1);
        atomic_fetch_add(&counts[vcpu], 1);
    }
    return err == -EPERM ? 0 : err;
}

void pool_wait_forget(int fd)
{
    if (fd >= 0 && fd < FDS_MAX) {
        struct chain *c = chain_lock(fd);

        disown(fd, false);
        pool_unlock(&c->lock);
    }
}

/* ---- waiting ---- */

static struct wait *take_free(void)
{
    struct wait *w = NULL;

    pool_lock(&free_lock);
    if (!list_empty(&free_waits)) {
        w = list_entry(list_pop(&free_waits), struct wait, link);
    } else if (used < WAITS_MAX) {
        w = &waits[used++];
    }
    pool_unlock(&free_lock);
    return w;
}

/* Ends a wait. Under the chain's lock. */
static void end(struct wait *w, int64_t res)
{
    uint64_t name = w->sqe.user_data;

    list_del(&w->link);
    pool_lock(&free_lock);
    list_add(&free_waits, &w->link);
    pool_unlock(&free_lock);
    pool_ring_complete(0, name, res);
}

/* What poll(2) says now: bits, 0 or -errno. */
static long poll_now(int fd, uint32_t events)
{
    struct pollfd p = {fd, (short)events, 0};
    long n = RAW(SYS_poll, &p, 1, 0);

    return n <= 0 ? n : p.revents & POLLNVAL ? -EBADF : p.revents;
}

void pool_wait_add(const struct ring_sqe *e)
{
    bool polls = e->opcode == RINGOP_POLL_ADD;
    struct wait *w = e->fd >= 0 && e->fd < FDS_MAX ? take_free() : NULL;
    struct chain *c;
    long res;

    if (!w) {
        pool_ring_complete(0, e->user_data, e->fd < 0 ? -EBADF : -EAGAIN);
        return;
    }
    w->events = polls ? e->op_flags : (uint32_t)pool_waits(e);
    w->sqe = *e;
    c = chain_lock(e->fd);
    list_add_tail(&c->waits, &w->link);
    res = enter_set(e->fd, pool_vcpu());
    if (!res && polls) {
        res = poll_now(e->fd, w->events);
    }
    if (res) {
        end(w, res);
    }
    pool_unlock(&c->lock);
}

/* ---- events ---- */

/* Does for w what bits let be done. True: there was nothing for it. */
static bool serve_one(struct wait *w, uint32_t bits)
{
    int64_t res = bits & (w->events | EPOLLERR | EPOLLHUP);

    if (w->sqe.opcode != RINGOP_POLL_ADD) {
        res = pool_try_now(&w->sqe, false);
    }
    if (res != -EAGAIN) {
        end(w, res);
    }
    return res == -EAGAIN;
}

/* Of several that want the same, those after the first that finds nothing would
 * find nothing, either. */
static void serve_all(struct chain *c, int fd, uint32_t bits)
{
    uint32_t wanted = 0, told = bits;
    struct list *next;

    for (struct list *pos = c->waits.next; pos != &c->waits; pos = next) {
        struct wait *w = list_entry(pos, struct wait, link);

        next = pos->next;
        if (w->sqe.fd == fd && bits & (w->events | EPOLLERR | EPOLLHUP)) {
            wanted |= w->events;
            bits &= serve_one(w, bits) ? ~w->events : ~0u;
        }
    }
    if (told & BEHIND || (bits & NEWS && !(wanted & EPOLLIN))) {
        owner[fd] |= MISSED;
    }
}

static void serve(unsigned id, int fd, uint32_t bits)
{
    struct chain *c = chain_lock(fd);

    if ((owner[fd] & ~MISSED) == (int)id + 1) {
        serve_all(c, fd, bits);
    }
    pool_unlock(&c->lock);
}

/* For hosts before 5.11; a wait may end early, so long ones are cut. */
static int milliseconds(const struct __kernel_timespec *ts)
{
    if (!ts || ts->tv_sec >= 1000) {
        return 1000000;
    }
    return (int)(ts->tv_sec * 1000 + (ts->tv_nsec + 999999) / 1000000);
}

long pool_sleep(unsigned id, const struct __kernel_timespec *timeout)
{
    struct epoll_event events[EVENTS];
    long n =
        RAW(SYS_epoll_pwait2, epolls[id], events, EVENTS, timeout, NULL, 8);

    if (n == -ENOSYS) {
        n = RAW(SYS_epoll_pwait, epolls[id], events, EVENTS,
                milliseconds(timeout), NULL, 8);
    }
    for (long i = 0; i < n; i++) {
        if (events[i].data.u64 & OF_ENTRIES) {
            serve(id, (int)events[i].data.u64, events[i].events);
        }
    }
    return n;
}

void pool_wait_look(void)
{
    static const struct __kernel_timespec at_once;
    unsigned id = pool_vcpu();

    if (atomic_load(&counts[id])) {
        pool_sleep(id, &at_once);
    }
}

int pool_cancel(int fd, uint64_t name)
{
    struct chain *c = chain_lock(fd);
    int err = -ENOENT;

    list_for_each (pos, &c->waits) {
        struct wait *w = list_entry(pos, struct wait, link);

        if (w->sqe.user_data == name) {
            end(w, -ECANCELED);
            err = 0;
            break;
        }
    }
    pool_unlock(&c->lock);
    return err;
}
