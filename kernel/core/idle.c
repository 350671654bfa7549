/* SPDX-License-Identifier: MIT
 *
 * What a vCPU does between tasks. An idle vCPU first spins for a while, looking
 * for work, when other vCPUs are busy and so may make some; then it waits in
 * the target.
 */
#include "kernel/core/runqueue.h"
#include "kernel/core/timer.h"
#include "kernel/core/stats.h"
#include "target/target.h"

enum {
    SPIN_NS = 15000,         /* before an idle vCPU waits in the target */
    SPIN_MISSES = 4,         /* in vain, one after the other; then ... */
    SPIN_SKIPS = 64,         /* ... so many times it does not spin */
    STEAL_AGE_CYCLES = 8000, /* what has waited less may stay where it is */
    QUIET_NS = 1000000,      /* of sleep; from then on others may be alone */
    BARRIER_SPINS = 200,     /* between two looks */
    /* Between two kicks: if they came faster than the target's handler
     * returns, they would pile up on its stack. */
    BARRIER_KICK_NS = 1000000,
};

bool (*sched_poll_io)(bool hand_over);
void (*sched_poll_signals)(void);
uint32_t sched_io_inflight;
uint64_t sched_io_flush_at;
bool sched_io_hidden;

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
           (atomic_load_relaxed(&sched_io_inflight) &&
            !atomic_load_relaxed(&sched_io_hidden));
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
        runqueue_forget_tick(&runqueues[self]);
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
            runqueue_learn_help(rq, clock_now() - now);
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
