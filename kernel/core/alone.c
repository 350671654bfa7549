/* SPDX-License-Identifier: MIT
 *
 * While one vCPU runs and all others sleep in the target, which is most of the
 * time of most programs, nobody is there for a locked instruction to shut out:
 * one_vcpu is set, and locks are plain moves (lock.h).
 *
 * Who sleeps for long says so in `vcpus`, and from then on touches nothing
 * that vCPUs share until it has been let in:
 *
 *     alone_look: claim it             alone_sleep, awake: own bit cleared
 *                 full fence                               full fence
 *                 all others asleep?                       claimed?
 *                 one_vcpu = true
 *
 * Either the one that wants to be alone sees that it is not, or the one that
 * wakes sees the claim, asks that vCPU to look and waits until it is given up.
 * So one_vcpu is set only when nobody else runs, nor will before it is cleared:
 * were it the claim, who has just woken could see it set by a vCPU that is
 * about to find itself not alone.
 *
 * It looks in sched_check(), in task_yield() and in the idle loop, hence never
 * between the load and the store that take a lock; what it stored before is
 * seen by whoever sees the claim given up, as stores are seen in their order.
 * Only the vCPU that is alone writes one_vcpu, so to all code that runs it is
 * an ordinary variable, which changes in no call but these. What the host does
 * (wake whom it likes, when it likes, or nobody) decides how long somebody
 * waits, no more.
 *
 * Who is alone must not wait for who sleeps, but by a look (sched_barrier).
 *
 * Being asked costs a vCPU a kick, and who asks some microseconds. So sleeps
 * that end within QUIET_NS change nothing: idle.c.
 */
#include "kernel/core/runqueue.h"
#include "target/target.h"

enum {
    SPINS = 100,     /* between two looks, before it waits in the target */
    WAIT_NS = 50000, /* there; as long again each time, up to ... */
    WAIT_MAX_NS = 1000000,
};

static struct {
    _Alignas(64) uint64_t vcpus; /* bit a vCPU; atomic */
    uint32_t claim; /* 1 + who is alone, or finds out; 0: nobody; atomic */
} asleep;

static uint64_t others_than(unsigned self)
{
    uint64_t all = (1ull << (sched_vcpu_count() - 1) << 1) - 1;

    return all & ~(1ull << self);
}

static bool all_sleep(uint64_t vcpus)
{
    return (atomic_load(&asleep.vcpus) & vcpus) == vcpus;
}

void alone_end(void)
{
    if (one_vcpu && sched_vcpu_count() > 1) {
        this_vcpu()->alone = 0;
        atomic_store_relaxed(&one_vcpu, false);
        atomic_store_release(&asleep.claim, 0);
    }
}

void alone_look(void)
{
    unsigned self = this_vcpu()->id;
    uint64_t others = others_than(self);

    if (!others || one_vcpu == all_sleep(others)) {
        return;
    }
    if (one_vcpu) {
        alone_end();
        return;
    }
    atomic_store(&asleep.claim, self + 1); /* with a fence */
    if (all_sleep(others)) {
        atomic_store_relaxed(&one_vcpu, true);
        this_vcpu()->alone = 1;
    } else {
        atomic_store_release(&asleep.claim, 0);
    }
}

/* It wakes, so there is no use in being alone until it sleeps again. */
void alone_kick(unsigned id)
{
    if (sched_vcpu_count() > 1) {
        atomic_fetch_and(&asleep.vcpus, ~(1ull << id));
        alone_end();
    }
    target_vcpu_kick(id);
}

/* If a single vCPU is left, it may as well know. */
static void tell_the_last(unsigned self)
{
    uint64_t awake = others_than(self) & ~atomic_load(&asleep.vcpus);

    if (awake && !(awake & (awake - 1))) {
        struct vcpu *v = vcpu_by_id((unsigned)__builtin_ctzll(awake));

        atomic_store_relaxed(&v->resched, 1);
    }
}

static void wait_to_be_let_in(void)
{
    uint64_t ns = WAIT_NS;
    uint32_t claim;

    while ((claim = atomic_load_acquire(&asleep.claim)) != 0) {
        target_vcpu_kick(claim - 1);
        for (int i = 0; i < SPINS && atomic_load_acquire(&asleep.claim); i++) {
            cpu_relax();
        }
        /* It may need this very CPU. */
        if (atomic_load_acquire(&asleep.claim)) {
            target_vcpu_wait(clock_now() + ns);
            ns = MIN(2 * ns, (uint64_t)WAIT_MAX_NS);
        }
    }
}

void alone_sleep(uint64_t deadline)
{
    unsigned self = this_vcpu()->id;

    if (sched_vcpu_count() == 1) {
        target_vcpu_wait(deadline);
        return;
    }
    atomic_fetch_or(&asleep.vcpus, 1ull << self);
    tell_the_last(self);
    target_vcpu_wait(deadline);
    atomic_fetch_and(&asleep.vcpus, ~(1ull << self));
    wait_to_be_let_in();
}
