/* SPDX-License-Identifier: MIT
 *
 * alone.c with threads as vCPUs, which sleep, wake and kick each other all the
 * time: two that take a lock without a locked instruction at once would lose
 * some of what is counted under it.
 */
#include <asm/prctl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "kernel/core/runqueue.h"

enum {
    VCPUS = 3,
    ROUNDS = 20000,
    STEPS = 40,
    SLEEP_NS = 30000,
    YIELDS_MAX = 3000000
};

bool one_vcpu;
static struct vcpu vcpus[VCPUS];
static struct {
    _Alignas(64) uint32_t wake, done; /* atomic */
    unsigned seed;
    uint64_t rounds_alone;
} of[VCPUS];

static struct spinlock lock = SPINLOCK_INIT(LOCK_NONE);
static volatile uint64_t under_lock; /* under lock */
static uint64_t by_cas;              /* atomic, between vCPUs */
static uint64_t at_work;             /* bit a vCPU; atomic */
static uint64_t disturbed; /* steps of one alone that was not; atomic */

unsigned sched_vcpu_count(void)
{
    return VCPUS;
}

struct vcpu *vcpu_by_id(unsigned id)
{
    return &vcpus[id];
}

uint64_t clock_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

void target_vcpu_kick(unsigned id)
{
    atomic_store(&vcpus[id].resched, 1);
    atomic_store(&of[id].wake, 1);
}

void target_vcpu_wait(uint64_t deadline)
{
    unsigned id = this_vcpu()->id;

    while (!atomic_load(&of[id].wake) && clock_now() < deadline) {
        sched_yield();
    }
    atomic_store(&of[id].wake, 0);
}

void spin_lock_slow(void *taken)
{
    struct spinlock *l = taken;

    for (int i = 0; atomic_xchg(&l->locked, 1); i++) {
        sched_yield();
        if (i > YIELDS_MAX) {
            puts("not ok core alone: a lock was taken twice, and not left");
            exit(1);
        }
    }
}

static unsigned failures;

static void expect(bool ok, const char *what)
{
    printf("%s core alone: %s\n", ok ? "ok" : "not ok", what);
    failures += !ok;
}

static void count(void)
{
    uint64_t n = atomic_load_relaxed(&by_cas);

    spin_lock(&lock);
    under_lock++;
    spin_unlock(&lock);
    while (!vcpus_cas(&by_cas, &n, n + 1)) {
        cpu_relax();
    }
}

/* Where there is but one CPU for all, the others get it in mid-step. */
static void step(unsigned id, bool give_way)
{
    uint64_t self = 1ull << id;

    atomic_fetch_or(&at_work, self);
    if (one_vcpu && (atomic_load(&at_work) & ~self)) {
        atomic_fetch_add(&disturbed, 1);
    }
    count();
    if (give_way) {
        sched_yield();
    }
    atomic_fetch_and(&at_work, ~self);
}

/* As sched_check(). */
static void look(unsigned id)
{
    if (atomic_load_relaxed(&vcpus[id].resched)) {
        atomic_store_relaxed(&vcpus[id].resched, 0);
        alone_look();
    }
}

static void sleep_for_a_while(void)
{
    alone_end();
    alone_sleep(clock_now() + SLEEP_NS);
}

static void round_of(unsigned id)
{
    unsigned dice = (unsigned)rand_r(&of[id].seed) / 16 % 64;

    of[id].rounds_alone += one_vcpu;
    for (int i = 0; i < STEPS; i++) {
        step(id, i == dice);
    }
    look(id);
    if (dice < 4) {
        sleep_for_a_while();
    } else if (dice < 6) {
        alone_kick((id + 1 + dice % (VCPUS - 1)) % VCPUS);
    } else if (dice < 12) {
        alone_look();
    }
}

static bool all_done(void)
{
    for (unsigned id = 0; id < VCPUS; id++) {
        if (!atomic_load(&of[id].done)) {
            return false;
        }
    }
    return true;
}

static void *run(void *arg)
{
    struct vcpu *v = arg;

    v->self = v;
    syscall(SYS_arch_prctl, ARCH_SET_GS, v);
    for (int i = 0; i < ROUNDS; i++) {
        round_of(v->id);
    }
    atomic_store(&of[v->id].done, 1);
    while (!all_done()) {
        sleep_for_a_while();
    }
    alone_end(); /* for who still waits to be let in */
    return NULL;
}

int main(void)
{
    pthread_t threads[VCPUS];
    uint64_t all = (uint64_t)VCPUS * ROUNDS * STEPS, rounds_alone = 0;

    for (unsigned id = 0; id < VCPUS; id++) {
        vcpus[id].id = of[id].seed = id;
        if (pthread_create(&threads[id], NULL, run, &vcpus[id])) {
            abort();
        }
    }
    for (unsigned id = 0; id < VCPUS; id++) {
        pthread_join(threads[id], NULL);
        rounds_alone += of[id].rounds_alone;
    }
    expect(under_lock == all, "no step under a lock is lost");
    expect(by_cas == all, "nor one by compare and exchange");
    expect(disturbed == 0, "who is alone is alone");
    expect(rounds_alone > 0, "some were made without locked instructions");
    return failures != 0;
}
