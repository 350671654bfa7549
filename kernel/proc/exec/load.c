/* SPDX-License-Identifier: MIT
 *
 * load.h: an average that decays by a fixed part every five seconds, brought
 * up to date when somebody looks.
 */
#include "kernel/proc/exec/load.h"
#include "kernel/core/lock.h"
#include "kernel/core/sched.h"
#include "kernel/core/timer.h"
#include "kernel/proc/proc.h"

#define STEP_NS (5 * NSEC_PER_SEC)

enum { STEPS_MOST = 2000 }; /* then nothing is left of what was before */

static struct spinlock load_lock = SPINLOCK_INIT(LOCK_TASK_LIST);
static struct {
    uint64_t until, used; /* ns: what has been counted */
    uint32_t of[SYSTEM_LOADS];
} load;

static void add_times(struct task *task, void *arg)
{
    struct system_times *sum = arg;
    uint64_t user, kernel;

    if (!task->thread) {
        return;
    }
    task_times(task, &user, &kernel);
    sum->user_ns += user;
    sum->kernel_ns += kernel;
    sum->total++;
    sum->running += task->state == TASK_RUNNING;
}

void system_times(struct system_times *out)
{
    *out = (struct system_times){0};
    proc_times_ended(&out->user_ns, &out->kernel_ns);
    sched_for_each_task(add_times, out);
}

/* How many ran, in parts of LOAD_ONE, when `used` of `passed` ns was. */
static uint32_t active(const struct system_times *now, uint64_t used,
                       uint64_t passed)
{
    unsigned vcpus = sched_vcpu_count();
    uint32_t ran = (uint32_t)(used / (passed / LOAD_ONE));

    if (ran >= vcpus * LOAD_ONE / 16 * 15) {
        return MAX(ran, now->running * LOAD_ONE);
    }
    return ran;
}

/* load_lock is held. */
static void step(uint32_t ran)
{
    /* e to the power of -5/60, -5/300 and -5/900 */
    static const uint32_t kept[SYSTEM_LOADS] = {1884, 2014, 2037};

    for (int i = 0; i < SYSTEM_LOADS; i++) {
        uint64_t sum = (uint64_t)load.of[i] * kept[i] +
                       (uint64_t)ran * (LOAD_ONE - kept[i]);

        sum += ran >= load.of[i] ? LOAD_ONE - 1 : 0; /* or it never arrives */
        load.of[i] = (uint32_t)(sum / LOAD_ONE);
    }
}

void system_load(uint32_t out[SYSTEM_LOADS])
{
    struct system_times sum;
    uint64_t now = clock_now(), used, steps;

    system_times(&sum);
    used = sum.user_ns + sum.kernel_ns;
    spin_lock(&load_lock);
    steps = now > load.until ? (now - load.until) / STEP_NS : 0;
    if (steps) {
        uint32_t ran = active(&sum, used > load.used ? used - load.used : 0,
                              now - load.until);

        load.until += steps * STEP_NS;
        load.used = used;
        for (uint64_t n = MIN(steps, (uint64_t)STEPS_MOST); n; n--) {
            step(ran);
        }
    }
    for (int i = 0; i < SYSTEM_LOADS; i++) {
        out[i] = load.of[i];
    }
    spin_unlock(&load_lock);
}
