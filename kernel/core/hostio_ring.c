/* SPDX-License-Identifier: MIT
 *
 * Operations on the target's rings. Everything that decides anything is ours:
 * the slots, both tails' and heads' own copies, each operation's limits. From
 * the host come only its index (how far it has got) and completions, each
 * read once into a copy:
 * - an index must not run ahead of what was there to be done;
 * - user_data must name a live operation by slot and generation;
 * - a result must be 0..max or a valid -errno;
 * - one of many, and a buffer that the host chose, only where that was asked
 *   for (hostio_given.c).
 * Anything else is host_lied().
 *
 * A slot is taken when an operation enters the submission queue and given back
 * when it completes. There are no more slots, and buffers that the host may
 * choose, than entries in a completion queue, so that never overflows (that is
 * why nothing is accepted by one request for many: connections are not ours to
 * count); what finds no slot, or a submission queue
 * that the host has not emptied, waits in a list. Operations that may stay
 * with the host for long leave SLOTS_KEPT slots to others.
 *
 * Locks: `lock` guards the producer's side. Whoever drains holds `drain`,
 * whose class is below all that a callback may take.
 */
#include "kernel/core/hostio_ring.h"
#include "kernel/core/hostio.h"
#include "kernel/core/lock.h"
#include "kernel/core/log.h"
#include "kernel/core/sched.h"
#include "lib/string.h"
#include "target/target.h"
#include "abi/linux/errno.h"

enum {
    SLOTS_MAX = 8192, /* of ring 0; the other has few that wait */
    SLOTS_HOSTOP = 512,
    SLOTS_KEPT = 32,
    LOOK_NS = 20000,
    LOOK_DEAR_NS = 100000, /* where it takes an exit */
    BATCH = 32,            /* so many entries are handed over at once */
    ERRNO_MAX = 4095,
};

struct slot {
    struct hostio_op *op; /* NULL: free; atomic */
    uint32_t generation;
    uint32_t max;
    uint32_t next; /* on the free list, + 1; 0: the one behind */
    bool parked;   /* counted in ring.parked */
    bool multi;
};

struct ring {
    struct target_ring host;
    struct spinlock lock;  /* producer: slots, lists, sq_tail */
    struct spinlock drain; /* consumer: cq_head; taken by trylock only */
    struct slot *slots;
    uint32_t slot_count, live, parked;
    uint32_t free; /* first free slot + 1; beyond slot_count: none */
    uint32_t sq_tail, sq_head, cq_head; /* our own copies */
    uint32_t unsubmitted;               /* entries; atomic */
    unsigned submitter;                 /* the last vCPU that did; atomic */
    struct list queued, queued_parked;  /* operations without an entry */
    struct list canceled;               /* of these, ended before they began */
    uint32_t queued_count;              /* in the three; read without lock */
    uint64_t operations, submits;
};

static struct slot slots_uring[SLOTS_MAX], slots_hostop[SLOTS_HOSTOP];
static struct ring rings[TARGET_RINGS];

/* ---- host memory ---- */

/* By the aligned word around it: an enclave reads out there in no other unit
 * (stale data of a buffer could come along). */
static uint32_t host_index(struct hptr p)
{
    uint64_t word = atomic_load_acquire((uint64_t *)(p.addr & ~7ul));

    return (uint32_t)(word >> 8 * (p.addr & 4));
}

static void host_set_index(struct hptr p, uint32_t v)
{
    atomic_store_release((uint32_t *)p.addr, v);
}

static struct hptr at(struct hptr p, uint64_t off)
{
    return (struct hptr){p.addr + off};
}

/* ---- submission ---- */

static uint64_t name_of(const struct ring *r, const struct slot *s)
{
    return (uint64_t)s->generation << 32 | (uint64_t)(s - r->slots);
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

static bool has_room(struct ring *r, bool parked)
{
    if (r->free > r->slot_count ||
        (parked && r->parked + SLOTS_KEPT >= r->slot_count)) {
        return false;
    }
    if (host_backlog(r) < r->host.sq_entries) {
        return true;
    }
    if (r->live < r->host.sq_entries) {
        host_lied("completions of requests that it has not taken");
    }
    return false;
}

/* Under r->lock, with room. */
static void place(struct ring *r, struct hostio_op *op)
{
    uint32_t i = r->sq_tail & (r->host.sq_entries - 1);
    struct slot *s = &r->slots[r->free - 1];
    struct ring_sqe e = op->sqe;

    r->free = s->next ? s->next : r->free + 1;
    s->generation++;
    s->max = op->max;
    s->parked = op->parked;
    s->multi = op->multi;
    r->parked += op->parked;
    r->live++;
    op->name = e.user_data = name_of(r, s);
    atomic_store(&op->state, HOSTIO_LIVE);
    atomic_store(&s->op, op);
    memcpy((void *)at(r->host.sqes, i * sizeof(e)).addr, &e, sizeof(e));
    if (r->host.sq_array.addr) {
        host_set_index(at(r->host.sq_array, i * 4ul), i);
    }
    r->sq_tail++;
    host_set_index(r->host.sq_tail, r->sq_tail);
    r->operations++;
    atomic_fetch_add(&r->unsubmitted, 1);
}

/* Gives entries to what waits for them. Under r->lock. */
static void refill_from(struct ring *r, struct list *queue, bool parked)
{
    while (!list_empty(queue) && has_room(r, parked)) {
        struct hostio_op *op =
            list_entry(list_pop(queue), struct hostio_op, node);

        r->queued_count--;
        place(r, op);
    }
}

static void refill(struct ring *r)
{
    if (likely(!atomic_load_relaxed(&r->queued_count))) {
        return;
    }
    spin_lock(&r->lock);
    refill_from(r, &r->queued, false);
    refill_from(r, &r->queued_parked, true);
    spin_unlock(&r->lock);
}

/* Of each vCPU: odd while it is with the host. */
static uint32_t visits[VCPU_MAX];

static void submit(struct ring *r, uint32_t count)
{
    uint32_t *visit = &visits[this_vcpu()->id];

    atomic_fetch_add(&r->submits, 1);
    atomic_store_release(visit, *visit + 1);
    target_ring_submit((unsigned)(r - rings), count);
    atomic_store_release(visit, *visit + 1);
}

void hostio_settle(void)
{
    unsigned count = sched_vcpu_count();

    for (unsigned id = 0; id < count; id++) {
        uint32_t visit = atomic_load_acquire(&visits[id]);

        while (visit & 1 && atomic_load_acquire(&visits[id]) == visit) {
            task_yield();
        }
    }
}

static uint32_t flags_of(const struct ring *r)
{
    return r->host.sq_flags.addr ? host_index(r->host.sq_flags) : 0;
}

/* Requests wait of which the host says nothing until a vCPU comes, and it is
 * some time since this one did. */
static bool look_is_due(const struct ring *r)
{
    static uint64_t looked[VCPU_MAX];
    uint64_t *last = &looked[this_vcpu()->id], now;

    if (!(flags_of(r) & RING_WAITS)) {
        return false;
    }
    atomic_store_relaxed(&sched_io_hidden, true);
    now = clock_now();
    if (now - *last < (sched_ticks_are_dear ? LOOK_DEAR_NS : LOOK_NS)) {
        return false;
    }
    *last = now;
    return true;
}

/* The host could complete something if this vCPU came to it. */
static bool is_ready(const struct ring *r)
{
    return (flags_of(r) & RING_READY &&
            atomic_load_relaxed(&r->submitter) == this_vcpu()->id) ||
           look_is_due(r);
}

static void flush(struct ring *r)
{
    uint32_t count;

    if (!atomic_load_relaxed(&r->unsubmitted) && is_ready(r)) {
        submit(r, 0);
    }
    while (atomic_load_relaxed(&r->unsubmitted) &&
           (count = atomic_xchg(&r->unsubmitted, 0)) != 0) {
        atomic_store_relaxed(&r->submitter, this_vcpu()->id);
        submit(r, count);
        refill(r);
    }
}

/* ---- what is to be done before that ---- */

static struct spinlock later_lock = SPINLOCK_INIT(LOCK_HOSTIO);
static struct list later = LIST_INIT(later);
static uint32_t later_count; /* atomic */

/* A flush is due soon, or at once when much has gathered. */
static void want_flush(uint32_t gathered)
{
    if (gathered >= BATCH) {
        atomic_store_relaxed(&sched_io_flush_at, 1); /* with the next check */
        this_vcpu()->resched = 1;
    } else if (!atomic_load_relaxed(&sched_io_flush_at)) {
        atomic_store_relaxed(&sched_io_flush_at, clock_now() + HOSTIO_DELAY_NS);
        this_vcpu()->resched = 1;
    }
}

bool hostio_later(struct hostio_later *l)
{
    uint32_t count;

    if (atomic_xchg(&l->queued, 1)) {
        return false;
    }
    atomic_fetch_add(&sched_io_inflight, 1);
    spin_lock(&later_lock);
    list_add_tail(&later, &l->node);
    count = atomic_add_fetch(&later_count, 1);
    spin_unlock(&later_lock);
    want_flush(count);
    return true;
}

static struct hostio_later *take_later(void)
{
    struct hostio_later *l = NULL;

    if (atomic_load(&later_count)) {
        spin_lock(&later_lock);
        if (!list_empty(&later)) {
            l = list_entry(list_pop(&later), struct hostio_later, node);
            atomic_fetch_sub(&later_count, 1);
        }
        spin_unlock(&later_lock);
    }
    return l;
}

static void run_later(void)
{
    struct hostio_later *l;

    while ((l = take_later()) != NULL) {
        atomic_store(&l->queued, 0);
        l->run(l);
        atomic_fetch_sub(&sched_io_inflight, 1);
    }
}

/* Who starts an operation counts it, then looks whether a flush is due; so
 * here, that none is due must be seen before the counts are looked at. */
static void flush_all(void)
{
    do {
        run_later();
        atomic_store(&sched_io_flush_at, 0);
    } while (atomic_load(&later_count));
    for (unsigned i = 0; i < TARGET_RINGS; i++) {
        flush(&rings[i]);
    }
}

void hostio_start(struct hostio_op *op)
{
    struct ring *r = &rings[op->ring];

    check(atomic_load_relaxed(&op->state) == HOSTIO_IDLE);
    atomic_fetch_add(&sched_io_inflight, 1);
    spin_lock(&r->lock);
    if (has_room(r, op->parked)) {
        place(r, op);
    } else {
        atomic_store(&op->state, HOSTIO_QUEUED);
        list_add_tail(op->parked ? &r->queued_parked : &r->queued, &op->node);
        r->queued_count++;
    }
    spin_unlock(&r->lock);
    want_flush(atomic_load_relaxed(&r->unsubmitted));
}

static bool reads_memory;

void hostio_reads_memory(bool yes)
{
    reads_memory = yes;
}

bool hostio_may_read_memory(void)
{
    return reads_memory;
}

void hostio_cancel(struct hostio_op *op, struct hostio_op *with)
{
    struct ring *r = &rings[op->ring];

    spin_lock(&r->lock);
    if (atomic_load(&op->state) == HOSTIO_QUEUED) {
        list_del(&op->node);
        list_add_tail(&r->canceled, &op->node);
    }
    with->sqe = (struct ring_sqe){.opcode = op->sqe.opcode == RINGOP_POLL_ADD
                                                ? RINGOP_POLL_REMOVE
                                                : RINGOP_ASYNC_CANCEL,
                                  .fd = op->sqe.fd, /* a hint */
                                  .addr = op->name};
    spin_unlock(&r->lock);
    with->ring = RING_URING;
    with->max = 0;
    with->parked = false;
    hostio_start(with);
}

/* ---- completions ---- */

/* The host's answer to s, as far as it can be told from the request. */
static void check_answer(const struct slot *s, const struct ring_cqe *c)
{
    if (c->res < -ERRNO_MAX || (c->res >= 0 && (uint32_t)c->res > s->max)) {
        host_lied("a result that the request cannot have");
    }
    if (c->flags & RING_MORE && (!s->multi || c->res <= 0)) {
        host_lied("more to come of a request that is over");
    }
    if (s->multi && c->res > 0 && !(c->flags & RING_BUFFER)) {
        host_lied("data in no buffer");
    }
}

/* Gives back slot i. Under r->lock. */
static void free_slot(struct ring *r, uint32_t i)
{
    struct slot *s = &r->slots[i];

    s->op = NULL;
    r->parked -= s->parked;
    r->live--;
    s->next = r->free;
    r->free = i + 1;
}

static struct hostio_op *take_completed(struct ring *r,
                                        const struct ring_cqe *c)
{
    uint32_t i = (uint32_t)c->user_data;
    struct hostio_op *op;
    struct slot *s;
    bool chose;

    if (i >= r->slot_count) {
        host_lied("a completion of no request");
    }
    s = &r->slots[i];
    spin_lock(&r->lock);
    op = s->op;
    if (!op || c->user_data != name_of(r, s)) {
        host_lied("a completion of a request that is not under way");
    }
    check_answer(s, c);
    chose = s->multi && c->flags & RING_BUFFER;
    op->more = c->flags & RING_MORE;
    op->got.size = 0;
    if (!op->more) {
        free_slot(r, i);
    }
    spin_unlock(&r->lock);
    if (chose && !given_take(c->flags >> RING_BUFFER_SHIFT, &op->got)) {
        host_lied("a buffer that it does not have");
    }
    return op;
}

static void finish(struct hostio_op *op, int32_t result)
{
    if (!op->more) {
        atomic_fetch_sub(&sched_io_inflight, 1);
        atomic_store(&op->state, HOSTIO_IDLE);
    }
    op->done(op, result);
}

static struct hostio_op *pop_canceled(struct ring *r)
{
    struct hostio_op *op = NULL;

    spin_lock(&r->lock);
    if (!list_empty(&r->canceled)) {
        op = list_entry(list_pop(&r->canceled), struct hostio_op, node);
        r->queued_count--;
    }
    spin_unlock(&r->lock);
    return op;
}

static void finish_canceled(struct ring *r)
{
    struct hostio_op *op;

    while (unlikely(!list_empty(&r->canceled)) &&
           (op = pop_canceled(r)) != NULL) {
        op->more = false;
        op->got.size = 0;
        finish(op, -ECANCELED);
    }
}

static bool take_all(struct ring *r)
{
    bool any = false;

    for (;;) {
        uint32_t tail = host_index(r->host.cq_tail);
        struct ring_cqe c;
        uint32_t i;

        if (tail - r->cq_head > r->host.cq_entries) {
            host_lied("a completion index out of range");
        }
        if (tail == r->cq_head) {
            return any;
        }
        i = r->cq_head & (r->host.cq_entries - 1);
        host_read(&c, at(r->host.cqes, i * sizeof(c)), sizeof(c));
        atomic_store_relaxed(&r->cq_head, r->cq_head + 1);
        host_set_index(r->host.cq_head, r->cq_head);
        finish(take_completed(r, &c), c.res);
        any = true;
    }
}

/* The host says that it has completed something. */
static bool is_ahead(const struct ring *r)
{
    return host_index(r->host.cq_tail) != atomic_load_relaxed(&r->cq_head);
}

/* Takes what the host has completed. True when there was something. Who finds
 * the lock taken leaves the rest to its holder, which looks again after. */
static bool drain(struct ring *r)
{
    bool any = false;

    do {
        if (!(is_ahead(r) || atomic_load_relaxed(&r->queued_count)) ||
            !spin_trylock(&r->drain)) {
            break;
        }
        finish_canceled(r);
        any |= take_all(r);
        spin_unlock(&r->drain);
        atomic_fence();
        refill(r);
    } while (is_ahead(r));
    return any;
}

static bool poll_rings(bool hand_over)
{
    bool any;

    if (hand_over) {
        flush_all();
    } else if (look_is_due(&rings[RING_URING])) {
        submit(&rings[RING_URING], 0);
    }
    any = drain(&rings[RING_URING]);
    return drain(&rings[RING_HOSTOP]) || any;
}

void hostio_look(void)
{
    sched_looks();
    if (atomic_load_relaxed(&sched_io_inflight)) {
        poll_rings(true);
    }
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
           !(t->cq_entries & (t->cq_entries - 1)) &&
           !(t->buffer_entries & (t->buffer_entries - 1)) &&
           t->buffer_entries <= GIVEN_MAX &&
           t->buffer_entries <= t->cq_entries / 2;
}

static int init_one(unsigned index)
{
    struct ring *r = &rings[index];
    int err = target_ring_setup(index, &r->host);
    uint32_t most = index ? SLOTS_HOSTOP : SLOTS_MAX;
    uint32_t chosen = index ? 0 : r->host.buffer_entries;

    if (err) {
        return err;
    }
    if (!sizes_are_sane(&r->host)) {
        return -EINVAL;
    }
    spin_init(&r->lock, LOCK_HOSTIO);
    spin_init(&r->drain, LOCK_IO_DONE);
    list_init(&r->queued);
    list_init(&r->queued_parked);
    list_init(&r->canceled);
    if (r->slots) { /* a test begins anew */
        memset(r->slots, 0, r->slot_count * sizeof(*r->slots));
    }
    r->slots = index ? slots_hostop : slots_uring;
    r->slot_count = MIN(most, r->host.cq_entries - chosen);
    r->live = r->parked = r->queued_count = r->unsubmitted = 0;
    r->free = 1;
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
    return given_init(&rings[RING_URING].host);
}
