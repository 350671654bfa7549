/* SPDX-License-Identifier: MIT
 *
 * In place of the scheduler, for tests with one task: a sleep lets happen
 * whatever can end it, until something does.
 */
#include "target/fake/fake.h"
#include "kernel/core/dump.h"
#include "kernel/core/log.h"
#include "kernel/core/sched.h"

bool (*sched_poll_io)(bool hand_over);
void (*sched_poll_signals)(void);
uint32_t sched_io_inflight;
uint64_t sched_io_flush_at;
bool sched_io_hidden;
bool sched_ticks_are_dear;

void sched_looks(void)
{
}

void dump_tasks(void)
{
}

const void *kernel_text_start(void)
{
    return NULL;
}

uint32_t fake_passes[FAKE_VCPUS];

unsigned sched_vcpu_count(void)
{
    return FAKE_VCPUS;
}

void sched_for_each_task(void (*fn)(struct task *t, void *arg), void *arg)
{
    fn(fake_task(), arg);
}

void sched_timer_changed(uint64_t deadline)
{
}

void sched_check(void)
{
}

/* The other one passes when it calls task_yield(), or ends. */
void sched_barrier(void)
{
    unsigned self = this_vcpu()->id;
    uint32_t *other = &fake_passes[!self], before = atomic_load(other);

    while (atomic_load(&fake_running) > 1 && atomic_load(other) == before) {
        atomic_fetch_add(&fake_passes[self], 1);
        cpu_relax();
    }
}

void task_yield(void)
{
    lock_check_may_sleep();
    atomic_fetch_add(&fake_passes[this_vcpu()->id], 1);
    if (atomic_load(&fake_running) == 1) {
        timer_run();
    }
}

void task_prepare_sleep(void)
{
    fake_task()->state = TASK_PREPARED;
}

void task_cancel_sleep(void)
{
    fake_task()->state = TASK_RUNNING;
}

static bool something_happens(void)
{
    uint64_t next;
    bool any;

    if (sched_poll_io) {
        sched_poll_io(true);
    }
    any = fake_ring_progress();
    any |= sched_poll_io && sched_poll_io(false);
    next = timer_run();
    if (!any && next != UINT64_MAX) {
        target_vcpu_wait(next); /* moves the clock */
        timer_run();
        any = true;
    }
    return any;
}

void task_sleep(void)
{
    struct task *t = fake_task();

    lock_check_may_sleep();
    if (t->state == TASK_PREPARED) {
        t->state = TASK_SLEEPING;
    }
    while (t->state == TASK_SLEEPING) {
        if (!something_happens() && t->state == TASK_SLEEPING) {
            panic("the only task sleeps and nobody can wake it");
        }
    }
}

static void sleep_timeout(struct timer *timer)
{
    struct task *t = container_of(timer, struct task, sleep_timer);

    t->timed_out = true;
    task_wake(t);
}

bool task_sleep_until(uint64_t deadline)
{
    struct task *t = fake_task();

    t->timed_out = false;
    timer_init(&t->sleep_timer, sleep_timeout);
    timer_arm(&t->sleep_timer, deadline);
    task_sleep();
    timer_cancel(&t->sleep_timer);
    return !t->timed_out;
}

bool task_wake(struct task *t)
{
    if (t->state != TASK_PREPARED && t->state != TASK_SLEEPING) {
        return false;
    }
    t->state = TASK_RUNNING;
    return true;
}

void task_interrupt(struct task *t)
{
    t->interrupted = 1;
    task_wake(t);
}
