/* SPDX-License-Identifier: MIT
 *
 * The fake target's rings: entries are executed one by one, with the real
 * system calls of target/linux's pool, in target_ring_submit() or (deferred)
 * when the test's task sleeps. A poll that is not ready waits for that too.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include "abi/linux/socket.h"
#include "target/fake/fake.h"
#include "target/fake/fake_socket.h"
#include "target/linux/pool.h"

enum {
    ENTRIES = 64,
    COMPLETIONS = 128,
    WAITING_MAX = 64,
    CHOSEN = 16, /* buffers that the host may have, if it chooses */
    BOUNCE_LEN = 2 << 20,
    POLL_MS = 20, /* how long a sleeping task's polls are given */
};

struct fake_ring {
    struct fake_indices at; /* what the room sees */
    uint32_t taken;         /* the true sq_head */
    struct ring_sqe sqes[ENTRIES];
    struct ring_cqe cqes[COMPLETIONS];
    struct ring_buffer buffers[CHOSEN];
    uint16_t chosen; /* of these, so far */
};

struct held {
    unsigned ring;
    struct ring_sqe sqe;
};

static struct fake_ring rings[TARGET_RINGS];
static struct held held[WAITING_MAX]; /* deferred entries and polls */
static unsigned held_count;
static bool deferring, choosing;
static void (*hook)(unsigned ring, const struct ring_sqe *sqe,
                    struct ring_cqe *cqe);
static uint8_t bounce[BOUNCE_LEN] __attribute__((aligned(4096)));

int target_ring_setup(unsigned index, struct target_ring *out)
{
    struct fake_ring *r = &rings[index];

    if (fake_fails_now()) {
        return -ENOMEM;
    }
    memset(r, 0, sizeof(*r));
    held_count = 0;
    *out = (struct target_ring){
        .sq_head.addr = (uint64_t)&r->at.sq_head,
        .sq_tail.addr = (uint64_t)&r->at.sq_tail,
        .sqes.addr = (uint64_t)r->sqes,
        .cq_head.addr = (uint64_t)&r->at.cq_head,
        .cq_tail.addr = (uint64_t)&r->at.cq_tail,
        .cqes.addr = (uint64_t)r->cqes,
        .sq_entries = ENTRIES,
        .cq_entries = COMPLETIONS,
    };
    if (choosing && index == 0) {
        out->buffers.addr = (uint64_t)r->buffers;
        out->buffer_entries = CHOSEN;
    }
    return 0;
}

int target_bounce(struct hptr *base, uint64_t *len)
{
    if (fake_fails_now()) {
        return -ENOMEM;
    }
    base->addr = (uint64_t)bounce;
    *len = sizeof(bounce);
    return 0;
}

void fake_defer(bool defer)
{
    deferring = defer;
}

void fake_choose(bool choose)
{
    choosing = choose;
}

void fake_on_complete(void (*fn)(unsigned ring, const struct ring_sqe *sqe,
                                 struct ring_cqe *cqe))
{
    hook = fn;
}

struct fake_indices *fake_indices(unsigned ring)
{
    return &rings[ring].at;
}

static void post(unsigned ring, const struct ring_cqe *cqe)
{
    struct fake_ring *r = &rings[ring];

    r->cqes[r->at.cq_tail % COMPLETIONS] = *cqe;
    r->at.cq_tail++;
}

void fake_post(unsigned ring, uint64_t user_data, int32_t res)
{
    struct ring_cqe cqe = {.user_data = user_data, .res = res};

    post(ring, &cqe);
}

static void finish_with(unsigned ring, const struct ring_sqe *sqe, int64_t res,
                        uint32_t flags)
{
    struct ring_cqe cqe = {
        .user_data = sqe->user_data, .res = res, .flags = flags};

    if (hook) {
        hook(ring, sqe, &cqe);
    }
    post(ring, &cqe);
}

static void finish(unsigned ring, const struct ring_sqe *sqe, int64_t res)
{
    finish_with(ring, sqe, res, 0);
}

static void hold(unsigned ring, const struct ring_sqe *sqe)
{
    if (held_count == WAITING_MAX) {
        abort();
    }
    held[held_count++] = (struct held){ring, *sqe};
}

static struct ring_sqe release(unsigned i)
{
    struct ring_sqe sqe = held[i].sqe;

    memmove(&held[i], &held[i + 1], (--held_count - i) * sizeof(held[0]));
    return sqe;
}

/* Its poll bits, or 0. */
static int poll_ready(const struct ring_sqe *sqe, int ms)
{
    short waits = pool_waits(sqe);
    struct pollfd fd = {sqe->fd, waits ? waits : sqe->op_flags, 0};

    return poll(&fd, 1, ms) > 0 ? fd.revents : 0;
}

static int64_t remove_poll(const struct ring_sqe *remove)
{
    for (unsigned i = 0; i < held_count; i++) {
        if (held[i].sqe.user_data == remove->addr) {
            struct ring_sqe sqe = release(i);

            finish(0, &sqe, -ECANCELED);
            return 0;
        }
    }
    return -ENOENT;
}

/* Receives into the next buffer that was given, and goes on. */
static void receive_chosen(const struct ring_sqe *sqe)
{
    struct fake_ring *r = &rings[0];
    struct ring_buffer *b = &r->buffers[r->chosen % CHOSEN];
    struct ring_sqe one = *sqe;
    int64_t res = -ENOBUFS;

    if (!poll_ready(sqe, 0)) {
        hold(0, sqe);
        return;
    }
    if (r->chosen != r->buffers[0].tail) {
        one.addr = b->addr;
        one.len = b->len;
        res = fake_try(&one, true);
    }
    if (res > 0) {
        r->chosen++;
        finish_with(0, &one, res,
                    RING_BUFFER | RING_MORE |
                        (uint32_t)b->number << RING_BUFFER_SHIFT);
        hold(0, sqe);
    } else {
        finish(0, sqe, res);
    }
}

static void execute(unsigned ring, const struct ring_sqe *sqe)
{
    int bits;

    if (fake_fails_now()) {
        finish(ring, sqe, -EIO);
    } else if (ring == 1) {
        finish(ring, sqe, pool_hostop(sqe));
    } else if (sqe->opcode == RINGOP_POLL_REMOVE ||
               sqe->opcode == RINGOP_ASYNC_CANCEL) {
        finish(ring, sqe, remove_poll(sqe));
    } else if (sqe->opcode == RINGOP_POLL_ADD) {
        bits = poll_ready(sqe, 0);
        if (bits) {
            finish(ring, sqe, bits);
        } else {
            hold(ring, sqe);
        }
    } else if (sqe->flags & RING_SELECTS) {
        receive_chosen(sqe);
    } else if (pool_waits(sqe)) {
        int64_t res = fake_try(sqe, true);
        bool may_wait = sqe->opcode == RINGOP_ACCEPT ||
                        sqe->opcode == RINGOP_CONNECT ||
                        !(sqe->op_flags & MSG_DONTWAIT);

        if (res == -EAGAIN && may_wait) {
            hold(ring, sqe);
        } else {
            finish(ring, sqe, res);
        }
    } else {
        finish(ring, sqe, pool_op(sqe));
    }
}

void target_ring_submit(unsigned index, unsigned count)
{
    struct fake_ring *r = &rings[index];

    while (count--) {
        struct ring_sqe sqe = r->sqes[r->taken++ % ENTRIES];

        r->at.sq_head = r->taken;
        if (deferring) {
            hold(index, &sqe);
        } else {
            execute(index, &sqe);
        }
    }
}

/* Whether the entry was held because it waits for something. */
static bool waits_for_ready(const struct held *h)
{
    return h->ring == 0 &&
           (h->sqe.opcode == RINGOP_POLL_ADD || pool_waits(&h->sqe));
}

/* A held socket operation is not begun again: connect(2) would notice. */
static void resume(unsigned ring, const struct ring_sqe *sqe)
{
    if (ring == 0 && sqe->opcode == RINGOP_CONNECT && !deferring) {
        finish(ring, sqe, fake_try(sqe, false));
    } else {
        execute(ring, sqe);
    }
}

bool fake_ring_progress(void)
{
    for (unsigned i = 0; i < held_count; i++) {
        bool waits = waits_for_ready(&held[i]);

        if (!waits || poll_ready(&held[i].sqe, POLL_MS)) {
            unsigned ring = held[i].ring;
            struct ring_sqe sqe = release(i);

            resume(ring, &sqe);
            return true;
        }
    }
    return false;
}
