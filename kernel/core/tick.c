/* SPDX-License-Identifier: MIT
 *
 * How a vCPU comes back from user code in time. There is no periodic tick: it
 * asks for one only when somebody waits for it to stop what it does (a queued
 * task, a timer, a completion), and when it comes back, sched_check() decides
 * whether its task goes on. Where tasks give way by themselves all the time,
 * ticks become rare.
 */
#include "kernel/core/runqueue.h"
#include "kernel/core/timer.h"
#include "kernel/core/stats.h"
#include "target/target.h"

enum {
    SLICE_NS = 3000000,   /* of a task when others wait */
    TURN_NS = 100000,     /* at least, when one waits that has slept */
    HELP_NS = 100000,     /* a queued task waits so long for an idle vCPU, */
    HELP_VAIN_MAX = 3,    /* up to that, times 2 to the power of it, */
    HELP_GOOD_MAX = 2,    /* or divided by 2 to the power of it */
    HELP_CALM_MAX = 2,    /* the first where all is calm: CALM_SWITCHES */
    IO_POLL_NS = 500000,  /* completions are looked at so often; */
    IO_LEAST_NS = 50000,  /* by who computes, from this ... */
    IO_MOST_NS = 2000000, /* ... to this, */
    IO_PATIENCE = 32,     /* a share of the time since something came */
    MARGIN_NS = 20000,    /* a tick may come so much early */
    CALM_SWITCHES = 64,   /* between two ticks; then they come half as often */
    CALM_MAX = 5,         /* up to SLICE_NS times 2 to the power of it */
};

/* TSC cycles in 1024 ns, for durations that need no precision. */
static uint64_t cycles_per_1024ns;

void sched_set_rate(uint64_t per_1024ns)
{
    cycles_per_1024ns = per_1024ns;
}

void sched_timer_changed(uint64_t deadline)
{
    if (!runqueue_tick_by(this_runqueue(), deadline, clock_tsc())) {
        this_vcpu()->resched = 1;
    }
}

/* TSC cycles of a duration in ns. */
static uint64_t cycles(uint64_t ns)
{
    if (unlikely(!cycles_per_1024ns)) {
        sched_tick_init(); /* the target may learn the rate after boot */
    }
    return ns * cycles_per_1024ns / 1024;
}

uint64_t sched_cycles_to_ns(uint64_t n)
{
    return cycles_per_1024ns
               ? n / cycles_per_1024ns * 1024 +
                     n % cycles_per_1024ns * 1024 / cycles_per_1024ns
               : 0;
}

__attribute__((noinline)) void sched_tick_init(void)
{
    struct target_clock clock;

    target_clock_info(&clock);
    if (clock.mult) {
        cycles_per_1024ns = (1024ull << clock.shift) / clock.mult;
    }
}

/* How long a task runs while others wait. Where they give way by themselves
 * all the time, as two that wake each other, a tick has nothing to do and
 * comes ever more rarely. */
static uint64_t slice(const struct runqueue *rq)
{
    return (uint64_t)SLICE_NS << rq->calm;
}

uint64_t runqueue_fair(void)
{
    return cycles(SLICE_NS);
}

/* How often in a row an idle vCPU was called for a task that slept again before
 * it had run for as long as such a task waits, as a parent that was held up by
 * its child's start and then waits for its end: to wake a vCPU for that costs
 * more than it gives. Below 0: how often in a row it had more to do, as where
 * threads share work out; then the next one need not wait so long. Atomic. */
static int32_t help_vain;

static uint64_t help_after(void)
{
    int32_t vain = atomic_load_relaxed(&help_vain);

    return vain > 0 ? (uint64_t)HELP_NS << vain : (uint64_t)HELP_NS >> -vain;
}

void runqueue_learn_help(struct runqueue *rq, uint64_t ran_ns)
{
    int32_t vain = atomic_load_relaxed(&help_vain);

    if (!atomic_load_relaxed(&rq->called)) {
        return;
    }
    atomic_store_relaxed(&rq->called, false);
    if (ran_ns < HELP_NS) {
        vain = MIN(MAX(vain, 0) + 1, (int32_t)HELP_VAIN_MAX);
    } else {
        vain = MAX(MIN(vain, 0) - 1, -(int32_t)HELP_GOOD_MAX);
    }
    atomic_store_relaxed(&help_vain, vain);
}

/* Where tasks give way all the time, who waits has its turn before help could
 * come: a timer that is set anew each HELP_NS is then a twentieth of it all.
 * Not so where help was of use. */
static uint64_t longest_help(const struct runqueue *rq)
{
    uint64_t ns = help_after();

    if (rq->calm && atomic_load_relaxed(&help_vain) >= 0) {
        unsigned calm = MIN(rq->calm, (unsigned)HELP_CALM_MAX);

        ns = MAX(ns, (uint64_t)HELP_NS << calm);
    }
    return ns;
}

static uint64_t longest_wait(const struct runqueue *rq)
{
    return atomic_load_relaxed(&idle_vcpus) ? longest_help(rq) : slice(rq);
}

static void learn_calm(struct runqueue *rq)
{
    bool calm = rq->switches - rq->switches_armed >= CALM_SWITCHES;

    rq->calm = calm ? MIN(rq->calm + 1, (unsigned)CALM_MAX) : 0;
    rq->switches_armed = rq->switches;
}

bool sched_ticks_are_dear;

/* How often a busy vCPU looks for completions: what it submitted is completed
 * when it comes to the host's kernel, and the host interrupts it only when it
 * waits. Who computes keeps those waiting that sleep for the host; so the
 * sooner after the last completion the more often: where something comes every
 * 5 ms it is late by a tenth of a millisecond, for two percent of the time. */
static uint64_t io_poll(const struct runqueue *rq, bool computes, uint64_t now)
{
    uint64_t most = atomic_load_relaxed(&idle_vcpus) ? IO_MOST_NS : IO_POLL_NS;
    uint64_t least = sched_ticks_are_dear ? IO_POLL_NS : IO_LEAST_NS;

    return computes ? MAX(MIN((now - rq->io_came) / IO_PATIENCE, most), least)
                    : IO_POLL_NS;
}

static void learn_patience(struct runqueue *rq, uint64_t now)
{
    uint64_t busy = io_poll(rq, true, now), io = io_poll(rq, false, now);
    uint64_t busiest = MIN(busy, IO_POLL_NS);

    rq->patience[false] =
        (struct patience){cycles(slice(rq)), cycles(io), cycles(busiest)};
    rq->patience[true] =
        (struct patience){cycles(longest_help(rq)), cycles(io), cycles(busy)};
}

/* Where the tasks may run that wait here for more than the end of a call. */
static uint64_t who_may_help(struct runqueue *rq)
{
    uint64_t mask = 0, now = clock_tsc(), age = cycles(help_after() / 2);

    spin_lock(&rq->lock);
    list_for_each (pos, &rq->queue) {
        const struct task *t = list_entry(pos, struct task, run_node);

        mask |= now - t->queued_at > age ? t->affinity : 0;
    }
    spin_unlock(&rq->lock);
    return mask;
}

/* TSC cycles until t, which runs and computes, gives way to the first of the
 * queue, one that has slept; UINT64_MAX: there is none, or t does not compute,
 * or an idle vCPU may take it. */
static uint64_t turn_left(struct runqueue *rq, const struct task *t,
                          uint64_t tsc)
{
    uint64_t ran = tsc - t->account_mark, most = cycles(SLICE_NS);
    uint64_t turn =
        MAX(t->computes ? MIN(rq->passed, most) : 0, cycles(TURN_NS));
    struct list *first;
    bool woken = false;

    if (!rq->count || t->priority || (!t->computes && ran < most)) {
        return UINT64_MAX;
    }
    spin_lock(&rq->lock);
    first = list_first(&rq->queue);
    if (first) {
        const struct task *next = list_entry(first, struct task, run_node);

        woken = !next->computes &&
                !(next->affinity & atomic_load_relaxed(&idle_vcpus));
    }
    spin_unlock(&rq->lock);
    return !woken ? UINT64_MAX : ran < turn ? turn - ran : 0;
}

/* One idle vCPU is called to take a task that waits here. A tick that finds
 * none which has waited for long was in vain, too. */
static void call_for_help(struct runqueue *rq)
{
    uint64_t idle = atomic_load_relaxed(&idle_vcpus);
    uint64_t waiting = idle ? who_may_help(rq) : 0;
    int32_t vain = atomic_load_relaxed(&help_vain);
    uint64_t bit;

    if (idle && !waiting && vain >= 0) {
        atomic_store_relaxed(&help_vain, MIN(vain + 1, (int32_t)HELP_VAIN_MAX));
    }
    idle = atomic_load_relaxed(&idle_vcpus) & waiting;
    bit = idle & -idle;
    if (bit && (atomic_fetch_and(&idle_vcpus, ~bit) & bit)) {
        unsigned id = (unsigned)__builtin_ctzll(bit);

        atomic_store_relaxed(&runqueues[id].called, true);
        alone_kick(id);
    }
}

/* What sched_check() decides by: one moment, tsc read first, for the host may
 * stop this vCPU between the two for longer than a tick takes, and one that has
 * come must not count as still to come. left: turn_left(). */
struct moment {
    struct runqueue *rq;
    uint64_t tsc, now, left;
};

static struct moment look(const struct task *t)
{
    struct moment m = {.rq = this_runqueue(), .tsc = clock_tsc()};

    m.now = clock_now();
    m.left = turn_left(m.rq, t, m.tsc);
    return m;
}

/* When this vCPU must be brought out of user code at the latest. */
static uint64_t next_tick(const struct moment *m, struct task *t)
{
    uint64_t tick = timer_next();

    if (m->rq->count) {
        if (!t->slice_end) {
            t->slice_end = m->now + slice(m->rq);
        }
        tick = MIN(tick, MIN(t->slice_end, m->now + longest_wait(m->rq)));
        if (m->left != UINT64_MAX) {
            tick = MIN(tick, m->now + sched_cycles_to_ns(m->left));
        }
    }
    if (atomic_load_relaxed(&sched_io_inflight)) {
        tick = MIN(tick, m->now + io_poll(m->rq, t->computes, m->now));
    }
    if (atomic_load_relaxed(&sched_io_flush_at)) {
        tick = MIN(tick, atomic_load_relaxed(&sched_io_flush_at));
    }
    return tick;
}

bool runqueue_forget_tick(struct runqueue *rq)
{
    if (clock_tsc() >= rq->tick_tsc) {
        rq->tick_tsc = 0;
        return true;
    }
    return false;
}

void sched_looks(void)
{
    current_task()->looked = true;
}

/* Who has run for so long, and asked nobody what is ready since the last tick,
 * computes. */
static void learn_looks(struct task *t)
{
    if (!t->looked && clock_tsc() - t->account_mark > cycles(IO_POLL_NS)) {
        t->computes = true;
    }
    t->looked = false;
}

/* Completions are looked for because a tick may have come. */
static void poll_busy(struct runqueue *rq, struct task *t)
{
    if (rq->tick_tsc && runqueue_forget_tick(rq)) {
        learn_looks(t);
    }
    if (sched_poll(false)) {
        rq->io_came = clock_now();
    }
}

static void arm_tick(const struct moment *m, uint64_t tick)
{
    struct runqueue *rq = m->rq;

    /* An armed tick that comes earlier is left alone: re-arming costs more
     * than one early tick. */
    if (tick != UINT64_MAX && !runqueue_tick_by(rq, tick, clock_tsc())) {
        uint64_t wait = tick > m->now ? tick - m->now : 0;
        unsigned calm = rq->calm;

        learn_calm(rq);
        if (rq->calm != calm) {
            learn_patience(rq, m->now);
        }
        rq->tick = tick;
        rq->tick_tsc = m->tsc + cycles(wait - MIN(wait, (uint64_t)MARGIN_NS));
        target_vcpu_tick(tick);
    }
}

/* Whatever else there is to run: t may not stay, or somebody may not wait. */
static bool must_leave(const struct task *t, struct runqueue *rq)
{
    bool urgent = rq->urgent;

    rq->urgent = false;
    return !(t->affinity >> this_vcpu()->id & 1) || gate_closed(t) || urgent;
}

static bool turn_is_over(const struct task *t, const struct moment *m)
{
    return m->rq->count &&
           ((t->slice_end && t->slice_end <= m->now) || !m->left);
}

void sched_check(void)
{
    struct task *t = current_task();
    struct moment m;

    this_vcpu()->resched = 0;
    alone_look();
    runqueue_pass(this_runqueue());
    poll_busy(this_runqueue(), t);
    m = look(t);
    if (must_leave(t, m.rq)) {
        task_give_way();
        m = look(t);
    } else if (turn_is_over(t, &m)) {
        stats_count(STAT_PREEMPT);
        task_give_way();
        m = look(t);
    } else if (m.rq->count && t->slice_end) {
        call_for_help(m.rq);
    }
    learn_patience(m.rq, m.now);
    /* Last, and the flag stays as it is: the tick may come at once, and then
     * finds kernel code. */
    arm_tick(&m, next_tick(&m, t));
}
