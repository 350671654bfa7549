/* SPDX-License-Identifier: MIT
 *
 * Clocks. Three sources: the kernel's monotonic clock (boot time and raw are
 * the same here: nothing suspends or slews), the same plus an offset, and CPU
 * time of a task or a process. A negative number names a CPU clock of some
 * process or thread (clock_getcpuclockid(3)).
 */
#include "kernel/proc/clock.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/room.h"
#include "abi/linux/errno.h"
#include "abi/linux/prctl.h"
#include "abi/linux/time.h"

enum { COARSE_NS = 4000000, CPU_LOOK_NS = 1000000 };

/* What a negative clock number says. */
struct cpu_clock {
    int pid; /* 0: the caller's */
    int which;
    bool thread;
};

bool clock_is_cpu(int clock)
{
    return clock < 0 || clock == CLOCK_PROCESS_CPUTIME_ID ||
           clock == CLOCK_THREAD_CPUTIME_ID;
}

static struct cpu_clock decode(int clock)
{
    if (clock >= 0) {
        return (struct cpu_clock){0, CPUCLOCK_SCHED,
                                  clock == CLOCK_THREAD_CPUTIME_ID};
    }
    /* The number is ~pid in the bits above the three below. */
    return (struct cpu_clock){(int)(~(unsigned)clock >> 3),
                              clock & CPUCLOCK_WHICH,
                              clock & CPUCLOCK_PERTHREAD};
}

bool clock_is_own(int clock)
{
    struct cpu_clock c = decode(clock);

    return clock < 0 && c.thread &&
           (c.pid == 0 || c.pid == current_thread()->tid);
}

static int64_t pick(int which, uint64_t user, uint64_t kernel)
{
    return (int64_t)(which == CPUCLOCK_VIRT ? user : user + kernel);
}

static int read_thread(struct proc *p, const struct cpu_clock *c, int64_t *ns)
{
    uint64_t user, kernel;
    int err = 0;

    if (c->pid == 0) {
        task_times(current_task(), &user, &kernel);
    } else {
        spin_lock(&proc_lock);
        struct thread *t = thread_find(c->pid);
        if (t && t->proc == p) {
            task_times(&t->task, &user, &kernel);
        } else {
            err = -EINVAL;
        }
        spin_unlock(&proc_lock);
    }
    if (!err) {
        *ns = pick(c->which, user, kernel);
    }
    return err;
}

static int read_process(struct proc *p, const struct cpu_clock *c, int64_t *ns)
{
    bool other = c->pid && c->pid != p->pid;
    uint64_t user, kernel;

    if (other && !(p = proc_find(c->pid))) {
        return -EINVAL;
    }
    proc_times(p, &user, &kernel);
    if (other) {
        proc_put(p);
    }
    *ns = pick(c->which, user, kernel);
    return 0;
}

static int read_cpu(struct proc *p, int clock, int64_t *ns)
{
    struct cpu_clock c = decode(clock);

    if (c.which > CPUCLOCK_SCHED) {
        return -EINVAL; /* a dynamic clock: a device's, of which we have none */
    }
    return c.thread ? read_thread(p, &c, ns) : read_process(p, &c, ns);
}

int clock_absolute(int clock)
{
    struct cpu_clock c;
    int64_t now;

    if (clock_read(clock, &now)) {
        return -EINVAL;
    }
    if (!clock_is_cpu(clock)) {
        return clock;
    }
    c = decode(clock);
    if (c.pid == 0) {
        c.pid = c.thread ? current_thread()->tid : current_proc()->pid;
    }
    return ~c.pid * 8 | c.which | (c.thread ? CPUCLOCK_PERTHREAD : 0);
}

int clock_read_for(struct proc *p, int clock, int64_t *ns)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_TAI:
        *ns = clock_realtime();
        return 0;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
        *ns = (int64_t)clock_now();
        return 0;
    default:
        return clock_is_cpu(clock) ? read_cpu(p, clock, ns) : -EINVAL;
    }
}

void clock_refresh(void)
{
    vdso_refresh();
}

int clock_read(int clock, int64_t *ns)
{
    if (!clock_is_cpu(clock)) {
        clock_refresh();
    }
    return clock_read_for(current_proc(), clock, ns);
}

int clock_resolution(int clock, int64_t *ns)
{
    int64_t now;
    int err = clock_read(clock, &now);

    *ns = clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE
              ? COARSE_NS
              : 1;
    return err;
}

int clock_set(int clock, int64_t ns)
{
    if (clock_is_cpu(clock)) {
        return -EPERM;
    }
    if (clock != CLOCK_REALTIME) {
        return -EINVAL;
    }
    if (!cred_capable(CAP_SYS_TIME)) {
        return -EPERM;
    }
    if (ns < (int64_t)clock_now()) {
        return -EINVAL; /* before the epoch at boot (clock_settime(2)) */
    }
    clock_set_realtime(ns);
    vdso_update();
    return 0;
}

uint64_t clock_distance(struct proc *p, int clock, int64_t left)
{
    unsigned runners = 1;

    if (!clock_is_cpu(clock)) {
        return (uint64_t)left;
    }
    if (!decode(clock).thread) {
        runners =
            MIN(atomic_load_relaxed(&p->thread_count), sched_vcpu_count());
    }
    return MAX((uint64_t)left / MAX(runners, 1u), (uint64_t)CPU_LOOK_NS);
}

uint64_t clock_deadline(int clock, int64_t target)
{
    int64_t now;

    if (clock_read(clock, &now) || now >= target) {
        return 1; /* long past */
    }
    return clock_now() + (uint64_t)(target - now);
}

int clock_sleep(int clock, int64_t target)
{
    for (;;) {
        int64_t now;
        int err = clock_read(clock, &now);

        if (err || now >= target) {
            return err;
        }
        wait_prepare();
        err = wait_sleep(
            clock_now() + clock_distance(current_proc(), clock, target - now),
            WAIT_INTR);
        if (err == -EINTR) {
            task_cancel_sleep();
            return err;
        }
    }
}
