/* SPDX-License-Identifier: MIT
 *
 * alone.c in every order of its steps, with up to so many changes of the vCPU
 * where it need not: each access of what vCPUs share is a step, vCPUs are
 * fibers, and the host wakes whom it wants (a sleep ends at once, a kick does
 * nothing).
 */
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>
#include "kernel/core/runqueue.h"

enum {
    VCPUS = 2,
    CHANGES = 5,
    STEPS_MAX = 2000, /* of one order; more: it hangs */
    STACK = 65536
};

bool one_vcpu;
static struct vcpu all_vcpus[VCPUS];
static struct {
    ucontext_t context;
    _Alignas(16) char stack[STACK];
    bool sleeps, done;
} fibers[VCPUS];
static ucontext_t explorer;
static unsigned running;

/* Who goes on after each step: 0 the same vCPU, n the nth after it. */
static unsigned char chosen[STEPS_MAX];
static bool forced[STEPS_MAX]; /* there is no choice */
static unsigned steps, changes;
static unsigned word, added; /* by all, and what it should be */
static unsigned disturbed, lost, hung;

static void go_on_with(unsigned id)
{
    unsigned before = running;

    running = id;
    swapcontext(&fibers[before].context, &fibers[id].context);
}

static void change(unsigned n)
{
    unsigned id = running;

    for (n %= VCPUS; n; n--) {
        do {
            id = (id + 1) % VCPUS;
        } while (fibers[id].done && id != running);
    }
    if (id != running) {
        go_on_with(id);
    }
}

static void step(void)
{
    if (steps >= STEPS_MAX) {
        hung++;
        setcontext(&explorer);
    }
    changes += chosen[steps] != 0;
    forced[steps] = false;
    change(chosen[steps++]);
}

/* In vain: another one goes on. */
static void relax(void)
{
    if (steps >= STEPS_MAX) {
        step();
    }
    forced[steps++] = true;
    change(1);
}

#undef atomic_load
#undef atomic_load_acquire
#undef atomic_store
#undef atomic_store_release
#undef atomic_store_relaxed
#undef atomic_fetch_or
#undef atomic_fetch_and
#define atomic_load(p)             (step(), *(p))
#define atomic_load_acquire(p)     (step(), *(p))
#define atomic_store(p, v)         (step(), *(p) = (v))
#define atomic_store_release(p, v) (step(), *(p) = (v))
#define atomic_store_relaxed(p, v) (step(), *(p) = (v))
#define atomic_fetch_or(p, v)      (step(), *(p) |= (v))
#define atomic_fetch_and(p, v)     (step(), *(p) &= (v))
#define cpu_relax()                relax()
#define this_vcpu()                (&all_vcpus[running])

#include "kernel/core/alone.c"

unsigned sched_vcpu_count(void)
{
    return VCPUS;
}

struct vcpu *vcpu_by_id(unsigned id)
{
    return &all_vcpus[id];
}

uint64_t clock_now(void)
{
    return 0;
}

void target_vcpu_kick(unsigned id)
{
}

void target_vcpu_wait(uint64_t deadline)
{
    step();
}

static void add(unsigned id)
{
    unsigned was;

    step();
    added++;
    if (!one_vcpu) {
        step();
        word++;
        return;
    }
    for (unsigned i = 0; i < VCPUS; i++) {
        disturbed += i != id && !fibers[i].sleeps;
    }
    was = word;
    step();
    word = was + 1;
}

static void sleep_once(unsigned id)
{
    alone_end();
    fibers[id].sleeps = true;
    alone_sleep(UINT64_MAX);
    fibers[id].sleeps = false;
}

static void run(void)
{
    unsigned id = running;

    sleep_once(id);
    add(id);
    alone_look();
    add(id);
    alone_look();
    alone_end();
    fibers[id].done = true;
    change(1);
    setcontext(&explorer);
}

static void run_order(void)
{
    static volatile bool ended;

    steps = changes = word = added = running = 0;
    one_vcpu = false;
    asleep = (__typeof__(asleep)){0};
    for (unsigned id = 0; id < VCPUS; id++) {
        all_vcpus[id].id = id;
        fibers[id].sleeps = fibers[id].done = false;
        getcontext(&fibers[id].context);
        fibers[id].context.uc_stack.ss_sp = fibers[id].stack;
        fibers[id].context.uc_stack.ss_size = STACK;
        makecontext(&fibers[id].context, run, 0);
    }
    ended = false;
    getcontext(&explorer);
    if (!ended) {
        ended = true;
        setcontext(&fibers[0].context);
    }
    lost += word != added;
}

/* The next order: the last step that can choose another vCPU does. */
static bool next_order(void)
{
    while (steps > 0) {
        unsigned char *last = &chosen[--steps];

        changes -= *last != 0;
        if (!forced[steps] && *last + 1 < VCPUS && changes < CHANGES) {
            ++*last;
            return true;
        }
        *last = 0;
    }
    return false;
}

static unsigned failures;

static void expect(bool ok, const char *what)
{
    printf("%s core alone in steps: %s\n", ok ? "ok" : "not ok", what);
    failures += !ok;
}

int main(void)
{
    unsigned orders = 0;

    do {
        run_order();
        orders++;
    } while (!hung && next_order());
    printf("%u orders\n", orders);
    expect(orders > 1000, "there are many orders");
    expect(!hung, "everybody is let in");
    expect(!disturbed, "who sees that it is alone is, or will wait for none");
    expect(!lost, "no plain addition is lost");
    return failures != 0;
}
