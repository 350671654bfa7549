/* SPDX-License-Identifier: MIT
 *
 * What a vCPU does between tasks, and how it comes back from user code in
 * time. There is no periodic tick: a vCPU asks for one only when somebody
 * waits for it to stop what it does (a queued task, a timer, a completion).
 *
 * An idle vCPU first spins for a while, looking for work, when other vCPUs
 * are busy and so may make some; then it waits in the target.
 */
#include "kernel/core/runqueue.h"
#include "kernel/core/timer.h"
#include "kernel/core/stats.h"
#include "target/target.h"

enum {
    SLICE_NS = 3000000,      /* of a task when others wait */
    TURN_NS = 100000,        /* at least, when one waits that has slept */
    HELP_NS = 100000,        /* a queued task waits so long for an idle vCPU, */
    HELP_VAIN_MAX = 3,       /* up to that, times 2 to the power of it, */
    HELP_GOOD_MAX = 2,       /* or divided by 2 to the power of it */
    HELP_CALM_MAX = 2,       /* the first where all is calm: CALM_SWITCHES */
    IO_POLL_NS = 500000,     /* completions are looked at so often */
    IO_CALM_MAX = 2,         /* up to that, times 2 to the power of it */
    SPIN_NS = 15000,         /* before an idle vCPU waits in the target */
    SPIN_MISSES = 4,         /* in vain, one after the other; then ... */
    SPIN_SKIPS = 64,         /* ... so many times it does not spin */
    STEAL_AGE_CYCLES = 8000, /* what has waited less may stay where it is */
    QUIET_NS = 1000000,      /* of sleep; from then on others may be alone */
    BARRIER_SPINS = 200,     /* between two looks */
    MARGIN_NS = 20000,       /* a tick may come so much early */
    CALM_SWITCHES = 64, /* between two ticks; then they come half as often */
    CALM_MAX = 5,       /* up to SLICE_NS times 2 to the power of it */
    /* Between two kicks: if they came faster than the target's handler
     * returns, they would pile up on its stack. */
    BARRIER_KICK_NS = 1000000,
};

/* TSC cycles in 1024 ns, for durations that need no precision. */
static uint64_t cycles_per_1024ns;

bool (*sched_poll_io)(bool hand_over);
void (*sched_poll_signals)(void);
uint32_t sched_io_inflight;
uint64_t sched_io_flush_at;

bool sched_poll(bool idle)
{
    uint64_t at = atomic_load_relaxed(&sched_io_flush_at);
    bool any = false;

    /* Who asks for a flush may come too late for it, when another vCPU has
     * flushed and it is all over: then the wish is to be taken back. */
    if (sched_poll_io && (at || atomic_load_relaxed(&sched_io_inflight))) {
        any = sched_poll_io(idle || (at && at <= clock_now()));
    }
    if (sched_poll_signals) {
        sched_poll_signals();
    }
    timer_run();
    return any;
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

static void learn_help(struct runqueue *rq, uint64_t ran_ns)
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

/* How often a busy vCPU looks for completions: what it submitted is completed
 * when it comes to the host's kernel, and the host interrupts it only when it
 * waits. While others are idle, and so look at what they submitted, rarely if
 * nothing comes. */
static uint64_t io_poll(const struct runqueue *rq)
{
    return atomic_load_relaxed(&idle_vcpus)
               ? (uint64_t)IO_POLL_NS << rq->io_calm
               : IO_POLL_NS;
}

static void learn_patience(struct runqueue *rq)
{
    rq->patience[false] =
        (struct patience){cycles(slice(rq)), cycles(IO_POLL_NS)};
    rq->patience[true] = (struct patience){
        cycles(longest_help(rq)), cycles((uint64_t)IO_POLL_NS << rq->io_calm)};
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

/* When this vCPU must be brought out of user code at the latest. */
static uint64_t next_tick(struct runqueue *rq, struct task *t, uint64_t now,
                          uint64_t tsc)
{
    uint64_t tick = timer_next();

    if (rq->count) {
        uint64_t left = turn_left(rq, t, tsc);

        if (!t->slice_end) {
            t->slice_end = now + slice(rq);
        }
        tick = MIN(tick, MIN(t->slice_end, now + longest_wait(rq)));
        if (left != UINT64_MAX) {
            tick = MIN(tick, now + sched_cycles_to_ns(left));
        }
    }
    if (atomic_load_relaxed(&sched_io_inflight)) {
        tick = MIN(tick, now + io_poll(rq));
    }
    if (atomic_load_relaxed(&sched_io_flush_at)) {
        tick = MIN(tick, atomic_load_relaxed(&sched_io_flush_at));
    }
    return tick;
}

/* A tick that is due may have come unseen: it is no longer relied on. */
static bool forget_tick(struct runqueue *rq)
{
    if (clock_tsc() >= rq->tick_tsc) {
        rq->tick_tsc = 0;
        return true;
    }
    return false;
}

/* Completions are looked for because a tick may have come. */
static void poll_busy(struct runqueue *rq)
{
    bool ticked = forget_tick(rq);

    if (sched_poll(false)) {
        rq->io_calm = 0;
    } else if (ticked) {
        rq->io_calm = MIN(rq->io_calm + 1, (unsigned)IO_CALM_MAX);
    }
}

/* now and tsc are one moment, tsc read first: the host may stop this vCPU
 * between the two for longer than the tick takes, and a tick that has come
 * must not count as still to come. */
static void arm_tick(struct runqueue *rq, uint64_t tick, uint64_t now,
                     uint64_t tsc)
{
    /* An armed tick that comes earlier is left alone: re-arming costs more
     * than one early tick. */
    if (tick != UINT64_MAX && !runqueue_tick_by(rq, tick, clock_tsc())) {
        uint64_t wait = tick > now ? tick - now : 0;
        unsigned calm = rq->calm;

        learn_calm(rq);
        if (rq->calm != calm) {
            learn_patience(rq);
        }
        rq->tick = tick;
        rq->tick_tsc = tsc + cycles(wait - MIN(wait, (uint64_t)MARGIN_NS));
        target_vcpu_tick(tick);
    }
}

void sched_check(void)
{
    struct task *t = current_task();
    struct runqueue *rq = this_runqueue();
    uint64_t now, tsc;

    this_vcpu()->resched = 0;
    alone_look();
    runqueue_pass(rq);
    poll_busy(rq);
    tsc = clock_tsc();
    now = clock_now();
    if (!(t->affinity >> this_vcpu()->id & 1) || gate_closed(t) || rq->urgent) {
        rq->urgent = false;
        task_give_way();
    } else if (rq->count && ((t->slice_end && t->slice_end <= now) ||
                             !turn_left(rq, t, tsc))) {
        stats_count(STAT_PREEMPT);
        task_give_way();
        tsc = clock_tsc();
        now = clock_now();
    } else if (rq->count && t->slice_end) {
        call_for_help(rq);
    }
    rq = this_runqueue();
    learn_patience(rq);
    /* Last, and the flag stays as it is: the tick may come at once, and then
     * finds kernel code. */
    arm_tick(rq, next_tick(rq, t, now, tsc), now, tsc);
}

void sched_barrier(void)
{
    for (unsigned id = 0; id < sched_vcpu_count(); id++) {
        struct runqueue *rq = &runqueues[id];
        uint64_t before = atomic_load(&rq->passes), kick_at = 0;

        /* Whoever waits here passes too: two barriers do not block. While we
         * are alone the others are in alone_sleep(), idle, and those that have
         * woken wait for us. */
        while (id != this_vcpu()->id && !one_vcpu &&
               atomic_load(&rq->passes) == before &&
               !(atomic_load(&idle_vcpus) >> id & 1)) {
            if (clock_now() >= kick_at) {
                target_vcpu_kick(id);
                kick_at = clock_now() + BARRIER_KICK_NS;
            }
            for (int i = 0; i < BARRIER_SPINS; i++) {
                cpu_relax();
            }
            task_yield(); /* passes */
        }
    }
    atomic_fence();
}

void task_yield(void)
{
    alone_look();
    runqueue_pass(this_runqueue());
    sched_poll(false);
    task_give_way();
}

/* ---- the idle loop ---- */

static bool run_something(uint64_t min_age)
{
    struct runqueue *rq = this_runqueue();
    struct task *next;

    spin_lock(&rq->lock);
    next = runqueue_pick(rq, min_age);
    if (!next) {
        uint32_t after = rq->after;
        rq->after = 0;
        spin_unlock(&rq->lock);
        if (unlikely(after)) {
            sched_gate_event();
        }
        return false;
    }
    runqueue_switch(rq, next);
    return true;
}

/* Somebody else is awake and may soon have work for us. */
static bool work_may_come(unsigned self)
{
    uint64_t all = (1ull << (sched_vcpu_count() - 1) << 1) - 1;
    uint64_t others = all & ~(1ull << self);

    return (atomic_load_relaxed(&idle_vcpus) & others) != others ||
           atomic_load_relaxed(&sched_io_inflight);
}

/* Spinning pays where work is made on other CPUs meanwhile; what makes it may
 * as well need this one. So it is given up for a while when it was in vain
 * several times. */
static bool may_spin(struct runqueue *rq)
{
    if (rq->spins_missed >= SPIN_MISSES && ++rq->spins_skipped < SPIN_SKIPS) {
        return false;
    }
    rq->spins_skipped = 0;
    return work_may_come((unsigned)(rq - runqueues));
}

static bool work_is_queued(void)
{
    for (unsigned i = 0; i < sched_vcpu_count(); i++) {
        if (atomic_load(&runqueues[i].count)) {
            return true;
        }
    }
    return false;
}

/* It is quiet from quiet_at on. */
static void sleep(uint64_t now, uint64_t quiet_at)
{
    uint64_t deadline = timer_next();

    if (now >= quiet_at) {
        alone_sleep(deadline);
    } else {
        target_vcpu_wait(MIN(deadline, quiet_at));
    }
}

static void wait_for_work(unsigned self, uint64_t now, uint64_t quiet_at)
{
    alone_end();
    atomic_fetch_or(&idle_vcpus, 1ull << self);
    /* The last look at completions may have started more operations. */
    if (!work_is_queued() && !atomic_load(&sched_io_flush_at)) {
        stats_count(STAT_IDLE);
        sleep(now, quiet_at);
        forget_tick(&runqueues[self]);
    }
    atomic_fetch_and(&idle_vcpus, ~(1ull << self));
}

void sched_idle(void)
{
    unsigned self = this_vcpu()->id;
    struct runqueue *rq = &runqueues[self];
    uint64_t spin_until = 0; /* 0: this does not spin */
    uint64_t quiet_at = 0;   /* 0: there was something to do */

    for (;;) {
        uint64_t now = clock_now();

        this_vcpu()->resched = 0;
        alone_look();
        runqueue_pass(rq);
        sched_poll(true);
        if (run_something(STEAL_AGE_CYCLES)) {
            learn_help(rq, clock_now() - now);
            rq->spins_missed = spin_until ? 0 : rq->spins_missed;
            spin_until = quiet_at = 0;
        } else if (!quiet_at && !spin_until && may_spin(rq)) {
            spin_until = now + SPIN_NS;
        } else if (now < spin_until && work_may_come(self)) {
            cpu_relax();
        } else {
            rq->spins_missed += spin_until != 0;
            spin_until = 0;
            if (!quiet_at) {
                quiet_at = sched_vcpu_count() > 1 ? now + QUIET_NS : now;
            }
            wait_for_work(self, now, quiet_at);
            quiet_at = now >= quiet_at ? 0 : quiet_at;
        }
    }
}
