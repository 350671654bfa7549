/* SPDX-License-Identifier: MIT
 *
 * Requests on the target's rings. Everything that decides anything is ours:
 * the slots, both tails' and heads' own copies, each request's limits. From
 * the host come only its index (how far it has got) and completions, each
 * read once into a copy:
 * - an index must not run ahead of what was there to be done;
 * - user_data must name a live request by slot and generation;
 * - a result must be 0..max or a valid -errno.
 * Anything else is host_lied().
 *
 * A slot is taken and given back by the task that waits for it; whoever
 * drains a completion queue (that task, the scheduler, another vCPU) fills in
 * the result and wakes it. There are no more slots than entries in a
 * submission queue, and a completion queue has at least as many, so neither
 * overflows.
 */
#include "kernel/core/hostio_ring.h"
#include "kernel/core/lock.h"
#include "kernel/core/log.h"
#include "kernel/core/sched.h"
#include "kernel/core/wait.h"
#include "lib/string.h"
#include "target/target.h"
#include "abi/linux/errno.h"

enum {
    SLOTS = 256,     /* of a ring */
    SLOTS_KEPT = 32, /* that polls leave to others: cancelling needs one */
    ERRNO_MAX = 4095,
    CANCELED_TRIES = 1000,
};

enum slot_state { SLOT_FREE, SLOT_LIVE, SLOT_DONE };

struct slot {
    uint32_t state; /* atomic */
    uint32_t generation;
    uint32_t max;
    int32_t result; /* written before DONE */
    uint16_t next;  /* on the free list, + 1 */
    bool poll;      /* counted in polls */
    struct wait_queue done;
};

struct ring {
    struct target_ring host;
    struct spinlock lock;  /* producer: slots, sq_tail */
    struct spinlock drain; /* consumer: cq_head; taken by trylock only */
    struct slot slots[SLOTS];
    uint32_t slot_count, polls;
    uint16_t free;                      /* first free slot + 1 */
    uint32_t sq_tail, sq_head, cq_head; /* our own copies */
    struct wait_queue freed;
    uint64_t operations, submits;
};

static struct ring rings[TARGET_RINGS];

/* ---- host memory ---- */

static uint32_t host_index(struct hptr p)
{
    return atomic_load_acquire((uint32_t *)p.addr);
}

static void host_set_index(struct hptr p, uint32_t v)
{
    atomic_store_release((uint32_t *)p.addr, v);
}

static struct hptr at(struct hptr p, uint64_t off)
{
    return (struct hptr){p.addr + off};
}

/* ---- completions ---- */

static uint64_t name_of(const struct ring *r, const struct slot *s)
{
    return (uint64_t)s->generation << 32 | (uint64_t)(s - r->slots);
}

static void complete(struct ring *r, const struct ring_cqe *c)
{
    uint32_t i = (uint32_t)c->user_data;
    struct slot *s;

    if (i >= r->slot_count) {
        host_lied("a completion of no request");
    }
    s = &r->slots[i];
    if (atomic_load(&s->state) != SLOT_LIVE || c->user_data != name_of(r, s)) {
        host_lied("a completion of a request that is not under way");
    }
    if (c->res < -ERRNO_MAX || (c->res >= 0 && (uint32_t)c->res > s->max)) {
        host_lied("a result that the request cannot have");
    }
    s->result = c->res;
    atomic_fetch_sub(&sched_io_inflight, 1);
    atomic_store_release(&s->state, SLOT_DONE);
    wait_wake_all(&s->done);
}

/* Takes what the host has completed. True when there was something. */
static bool drain(struct ring *r)
{
    uint32_t tail = host_index(r->host.cq_tail);
    bool any = false;

    if (tail == atomic_load_relaxed(&r->cq_head) || !spin_trylock(&r->drain)) {
        return false;
    }
    for (;;) {
        struct ring_cqe c;
        uint32_t i;

        tail = host_index(r->host.cq_tail);
        if (tail - r->cq_head > r->host.cq_entries) {
            host_lied("a completion index out of range");
        }
        if (tail == r->cq_head) {
            break;
        }
        i = r->cq_head & (r->host.cq_entries - 1);
        host_read(&c, at(r->host.cqes, i * sizeof(c)), sizeof(c));
        atomic_store_relaxed(&r->cq_head, r->cq_head + 1);
        host_set_index(r->host.cq_head, r->cq_head);
        complete(r, &c);
        any = true;
    }
    spin_unlock(&r->drain);
    return any;
}

static bool poll_rings(void)
{
    bool any = drain(&rings[RING_URING]);

    return drain(&rings[RING_HOSTOP]) || any;
}

/* ---- submission ---- */

static bool has_slot(const struct ring *r, bool poll)
{
    return r->free && !(poll && r->polls + SLOTS_KEPT >= r->slot_count);
}

static struct slot *take_slot(struct ring *r, const struct request *q)
{
    bool poll = q->sqe.opcode == RINGOP_POLL_ADD;
    struct slot *s = NULL;

    spin_lock(&r->lock);
    if (has_slot(r, poll)) {
        s = &r->slots[r->free - 1];
        r->free = s->next;
        r->polls += poll;
        s->poll = poll;
        s->generation++;
        s->max = q->max;
        atomic_store(&s->state, SLOT_LIVE);
    }
    spin_unlock(&r->lock);
    return s;
}

static struct slot *get_slot(struct ring *r, const struct request *q)
{
    bool poll = q->sqe.opcode == RINGOP_POLL_ADD;

    for (;;) {
        struct slot *s = take_slot(r, q);

        if (s) {
            return s;
        }
        wait_event(&r->freed, has_slot(r, poll), DEADLINE_NONE, 0);
    }
}

static void give_slot(struct ring *r, struct slot *s)
{
    spin_lock(&r->lock);
    check(s->state == SLOT_DONE);
    atomic_store(&s->state, SLOT_FREE);
    r->polls -= s->poll;
    s->next = r->free;
    r->free = (uint16_t)(s - r->slots + 1);
    spin_unlock(&r->lock);
    wait_wake_all(&r->freed); /* a poll may have to leave it to another */
}

/* How many entries the host has not taken yet. */
static uint32_t host_backlog(struct ring *r)
{
    uint32_t head = host_index(r->host.sq_head);

    if (head - r->sq_head > r->sq_tail - r->sq_head) {
        host_lied("a submission index out of range");
    }
    r->sq_head = head;
    return r->sq_tail - head;
}

/* Under r->lock. */
static void push(struct ring *r, const struct ring_sqe *e)
{
    uint32_t i = r->sq_tail & (r->host.sq_entries - 1);

    /* Fewer requests are under way than there are entries, so a full queue
     * holds requests that were completed without being taken. */
    if (host_backlog(r) >= r->host.sq_entries) {
        host_lied("completions of requests that it has not taken");
    }
    memcpy((void *)at(r->host.sqes, i * sizeof(*e)).addr, e, sizeof(*e));
    if (r->host.sq_array.addr) {
        host_set_index(at(r->host.sq_array, i * 4ul), i);
    }
    r->sq_tail++;
    host_set_index(r->host.sq_tail, r->sq_tail);
}

static void submit(struct ring *r, const struct slot *s,
                   const struct request *q)
{
    struct ring_sqe e = q->sqe;

    e.user_data = name_of(r, s);
    atomic_fetch_add(&sched_io_inflight, 1);
    spin_lock(&r->lock);
    push(r, &e);
    r->operations++;
    r->submits++;
    spin_unlock(&r->lock);
    target_ring_submit((unsigned)(r - rings), 1);
    drain(r);
}

static bool is_done(const struct slot *s)
{
    return atomic_load_acquire(&s->state) == SLOT_DONE;
}

/* Ends a poll that the task no longer waits for. The host may complete it
 * first all the same; either way it completes. */
static void cancel(struct slot *s, uint64_t name)
{
    struct request q = {
        .ring = RING_URING,
        .sqe = {.opcode = RINGOP_POLL_REMOVE, .fd = -1, .addr = name},
    };

    ring_call(&q);
    wait_event(&s->done, is_done(s), DEADLINE_NONE, 0);
}

static int64_t call_once(const struct request *q)
{
    struct ring *r = &rings[q->ring];
    struct slot *s = get_slot(r, q);
    int64_t result;
    int err;

    submit(r, s, q);
    err = wait_event(&s->done, is_done(s), DEADLINE_NONE,
                     q->interruptible ? WAIT_INTR : 0);
    if (err) {
        cancel(s, name_of(r, s));
    }
    result = s->result;
    if (err && result < 0) {
        result = -EINTR;
    }
    give_slot(r, s);
    return result;
}

static uint64_t fail_countdown;

void ring_fail_after(uint64_t n)
{
    fail_countdown = n;
}

/* io_uring gives an operation that it was about to hand to a worker thread
 * back as -ECANCELED, not begun, when signals keep it from making the worker;
 * and our ticks are signals. */
int64_t ring_call(const struct request *q)
{
    int64_t result = -ECANCELED;

    if (unlikely(fail_countdown) && --fail_countdown == 0) {
        return -EIO;
    }

    for (int i = 0; i < CANCELED_TRIES && result == -ECANCELED; i++) {
        result = call_once(q);
    }
    return result == -ECANCELED ? -EIO : result;
}

uint64_t ring_operations(void)
{
    return rings[0].operations + rings[1].operations;
}

uint64_t ring_submits(void)
{
    return rings[0].submits + rings[1].submits;
}

/* ---- the start ---- */

static bool sizes_are_sane(const struct target_ring *t)
{
    return t->sq_entries >= 2 * SLOTS_KEPT && t->sq_entries <= 32768 &&
           !(t->sq_entries & (t->sq_entries - 1)) &&
           t->cq_entries >= t->sq_entries && t->cq_entries <= 65536 &&
           !(t->cq_entries & (t->cq_entries - 1));
}

static int init_one(unsigned index)
{
    struct ring *r = &rings[index];
    int err = target_ring_setup(index, &r->host);

    if (err) {
        return err;
    }
    if (!sizes_are_sane(&r->host)) {
        return -EINVAL;
    }
    spin_init(&r->lock, LOCK_HOSTIO);
    spin_init(&r->drain, LOCK_HOSTIO);
    wait_queue_init(&r->freed);
    r->slot_count = MIN((uint32_t)SLOTS, r->host.sq_entries);
    for (uint32_t i = r->slot_count; i > 0; i--) {
        wait_queue_init(&r->slots[i - 1].done);
        r->slots[i - 1].next = r->free;
        r->free = (uint16_t)i;
    }
    r->sq_tail = r->sq_head = host_index(r->host.sq_tail);
    r->cq_head = host_index(r->host.cq_head);
    return 0;
}

int ring_init(void)
{
    for (unsigned i = 0; i < TARGET_RINGS; i++) {
        int err = init_one(i);

        if (err) {
            return err;
        }
    }
    sched_poll_io = poll_rings;
    return 0;
}
