/* SPDX-License-Identifier: MIT
 *
 * The machine of the scheduler's tests: target.h, and a task for the tests.
 */
#include "kernel/core/tests/machine.h"
#include "kernel/core/log.h"
#include "target/target.h"

#include <asm/prctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct machine machine = {.now = 1000, .step = 10};
struct task machine_tasks[MACHINE_TASKS + 1];

static bool owns_time;
static unsigned ended;

/* ---- the target ---- */

uint64_t target_clock(void)
{
    return machine.now += machine.step;
}

/* The line over the TSC that this is comes with machine_own_time(). */
void target_clock_info(struct target_clock *out)
{
    memset(out, 0, sizeof(*out));
    out->realtime_offset = 5000000000000;
    if (owns_time) {
        out->mult = 1024;
        out->shift = 10;
    }
}

void target_vcpu_wait(uint64_t deadline)
{
    machine.waits++;
    if (machine.on_wait) {
        machine.on_wait();
    }
    if (deadline == UINT64_MAX) {
        puts("not ok core sched: everybody sleeps for ever");
        exit(1);
    }
    if (deadline > machine.now) {
        machine.now = deadline;
    }
}

void target_vcpu_kick(unsigned id)
{
    machine.kicks++;
    if (machine.on_kick) {
        machine.on_kick(id);
    }
}

void target_vcpu_tick(uint64_t deadline)
{
    machine.tick = deadline;
}

void target_log(const char *line, size_t len)
{
    fwrite(line, 1, len, stdout);
}

_Noreturn void target_stop(int status)
{
    exit(status >> 8);
}

void target_cpuid(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
    __asm__ volatile("cpuid"
                     : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
                     : "a"(leaf), "c"(sub));
    if (leaf == 0xd && sub == 0) {
        __asm__ volatile("xgetbv" : "=a"(r[0]), "=d"(r[3]) : "c"(0));
    }
}

_Noreturn void target_user_resume(const struct user_regs *regs,
                                  const struct fpu_area *fpu)
{
    abort();
}

const void *kernel_text_start(void)
{
    return NULL;
}

/* entry.S and its partners are not linked. */
void arch_syscall_entry(void)
{
}

/* ---- time ---- */

static uint64_t own_tsc(void)
{
    return machine.now;
}

void machine_own_time(void)
{
    machine.step = 0;
    owns_time = true;
    clock_set_tsc(own_tsc);
    sched_tick_init();
    /* What was noted by the other one would lie ahead for ever. */
    this_runqueue()->tick_tsc = 0;
    current_task()->account_mark = machine.now;
}

void machine_advance(uint64_t ns)
{
    machine.now += ns;
    if (machine.tick && machine.tick <= machine.now) {
        machine.tick = 0;
        this_vcpu()->resched = 1;
    }
}

/* ---- tasks ---- */

void expect(bool good, const char *name)
{
    printf("%s core sched: %s\n", good ? "ok" : "not ok", name);
    machine.failures += !good;
}

static void on_dead(struct task *t)
{
    free((void *)(t->kstack_top - KSTACK_SIZE));
    ended++;
}

void spawn(unsigned i, void (*fn)(void *), void *arg)
{
    struct task *t = &machine_tasks[i];

    memset(t, 0, sizeof(*t));
    task_init(t, aligned_alloc(4096, KSTACK_SIZE), "test", fn, arg);
    t->dead = on_dead;
    task_start(t);
}

void settle(void)
{
    uint64_t until = clock_now() + NSEC_PER_MSEC;

    task_prepare_sleep();
    task_sleep_until(until);
}

void join(unsigned count)
{
    while (ended < count) {
        settle();
    }
    ended = 0;
}

void machine_run(void (*fn)(void *))
{
    struct vcpu *v = vcpu_by_id(0);

    setvbuf(stdout, NULL, _IONBF, 0);
    v->self = v;
    syscall(SYS_arch_prctl, ARCH_SET_GS, v);
    fpu_init();
    sched_init(1);
    sched_vcpu_init(0);
    spawn(MACHINE_TASKS, fn, NULL);
    sched_idle();
}
