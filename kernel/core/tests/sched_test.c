/* SPDX-License-Identifier: MIT
 *
 * The scheduler as an ordinary program (machine.h): waiting, locks, timers,
 * gates, barriers.
 */
#include "kernel/core/tests/machine.h"
#include "kernel/core/wait.h"
#include "abi/linux/errno.h"

#include <stdlib.h>
#include <string.h>

/* ---- tests ---- */

static struct mutex mutex;
static long counter;

static void count_locked(void *arg)
{
    for (int i = 0; i < 100; i++) {
        mutex_lock(&mutex);
        long before = counter;
        task_yield(); /* somebody else tries to get in */
        counter = before + 1;
        mutex_unlock(&mutex);
    }
}

static void test_mutex(void)
{
    mutex_init(&mutex, LOCK_FS_INODE);
    for (unsigned i = 0; i < MACHINE_TASKS; i++) {
        spawn(i, count_locked, NULL);
    }
    join(MACHINE_TASKS);
    expect(counter == MACHINE_TASKS * 100, "a mutex lets one in at a time");
    mutex_lock(&mutex);
    expect(mutex_held(&mutex), "a mutex knows its holder");
    mutex_unlock(&mutex);
}

static struct wait_queue queue;
static int baton;

static void pass_baton(void *arg)
{
    int me = (int)(long)arg;

    for (int i = 0; i < 50; i++) {
        wait_event(&queue, baton == me, DEADLINE_NONE, 0);
        baton = (baton + 1) % MACHINE_TASKS;
        wait_wake_all(&queue);
    }
}

static void test_wait(void)
{
    wait_queue_init(&queue);
    for (long i = 0; i < MACHINE_TASKS; i++) {
        spawn((unsigned)i, pass_baton, (void *)i);
    }
    join(MACHINE_TASKS);
    expect(baton == 0, "wait_event sees every change");
}

static void sleep_locked(void *arg)
{
    mutex_lock(&mutex);
    baton = 1;
    wait_event(&queue, baton == 2, DEADLINE_NONE, 0);
    mutex_unlock(&mutex);
}

static void test_mutex_of_a_sleeper(void)
{
    mutex_init(&mutex, LOCK_FS_INODE);
    wait_queue_init(&queue);
    baton = 0;
    expect(mutex_lock_if_awake(&mutex), "a free mutex is taken");
    expect(mutex_held(&mutex), "and then held");
    mutex_unlock(&mutex);
    spawn(0, sleep_locked, NULL);
    while (!baton) {
        task_yield();
    }
    expect(!mutex_lock_if_awake(&mutex), "nobody waits for a sleeper");
    baton = 2;
    wait_wake_all(&queue);
    join(1);
    baton = 0;
    mutex_lock(&mutex);
    mutex_unlock(&mutex);
}

static unsigned exclusive_woken;

static void wait_exclusive(void *arg)
{
    volatile bool *go = arg;

    wait_event(&queue, *go, DEADLINE_NONE, WAIT_EXCLUSIVE);
    exclusive_woken++;
}

static void test_exclusive(void)
{
    static volatile bool go;

    for (unsigned i = 0; i < 4; i++) {
        spawn(i, wait_exclusive, (void *)&go);
    }
    settle();
    go = true;
    wait_wake(&queue, 1, 0);
    settle();
    expect(exclusive_woken == 1, "one exclusive waiter is woken");
    wait_wake(&queue, 2, 0);
    settle();
    expect(exclusive_woken == 3, "then two");
    wait_wake_all(&queue);
    join(4);
}

static int results[2];

static void wait_interruptibly(void *arg)
{
    results[0] = wait_event(&queue, false, DEADLINE_NONE, WAIT_INTR);
    results[1] = wait_event(&queue, false, clock_now() + NSEC_PER_SEC, 0);
}

static void test_ends_of_waiting(void)
{
    uint64_t start;

    spawn(0, wait_interruptibly, NULL);
    settle();
    task_interrupt(&machine_tasks[0]);
    start = clock_now();
    join(1);
    expect(results[0] == -EINTR, "an interruptible wait ends with -EINTR");
    expect(results[1] == -ETIMEDOUT && clock_now() - start >= NSEC_PER_SEC,
           "a deadline ends a wait, and not before");
}

static char fired[8];
static struct timer timers[4];

static void on_fire(struct timer *t)
{
    size_t n = strlen(fired);

    fired[n] = (char)('a' + (t - timers));
    if (n == 1) {
        timer_arm(&timers[3], clock_now() + NSEC_PER_MSEC);
    }
}

static void test_timers(void)
{
    uint64_t now = clock_now();

    for (int i = 0; i < 4; i++) {
        timer_init(&timers[i], on_fire);
    }
    timer_arm(&timers[0], now + 3 * NSEC_PER_MSEC);
    timer_arm(&timers[1], now + 1 * NSEC_PER_MSEC);
    timer_arm(&timers[2], now + 9 * NSEC_PER_MSEC);
    timer_arm(&timers[2], now + 2 * NSEC_PER_MSEC); /* moved */
    expect(timer_cancel(&timers[0]), "an armed timer is cancelled");
    expect(!timer_cancel(&timers[0]), "but once");
    for (int i = 0; i < 12; i++) {
        settle();
    }
    expect(!strcmp(fired, "bcd"), "timers fire in order, callbacks re-arm");
}

/* Nobody else runs, and the vCPU does not come to its idle loop. */
static void test_timer_in_a_loop(void)
{
    fired[0] = 0;
    timer_arm(&timers[0], clock_now() + NSEC_PER_MSEC);
    for (int i = 0; i < 1000000 && !fired[0]; i++) {
        task_yield();
    }
    expect(fired[0] == 'a', "timers fire for who yields until they do");
}

static void yield_often(void *arg)
{
    for (int i = 0; i < 1000; i++) {
        task_yield();
    }
    *(int *)arg += 1;
}

static void test_yield(void)
{
    int done = 0;

    for (unsigned i = 0; i < MACHINE_TASKS; i++) {
        spawn(i, yield_often, &done);
    }
    join(MACHINE_TASKS);
    expect(done == MACHINE_TASKS, "all who yield come back");
}

static void test_clock(void)
{
    int64_t ahead = clock_realtime() - (int64_t)clock_now();
    uint32_t turns = clock_turns();
    uint64_t before;

    expect(ahead > 4999999000000 && ahead < 5000000001000,
           "realtime is the clock plus the target's offset");
    before = clock_now();
    machine.now -= 500;
    expect(clock_now() >= before, "a clock that steps back stands still");
    clock_set_realtime(42 * (int64_t)NSEC_PER_SEC);
    expect(clock_realtime() / (int64_t)NSEC_PER_SEC == 42,
           "realtime can be set");
    expect(clock_turns() != turns, "and all who have the line hear of it");
}

/* ---- a second vCPU, of which there is but the structure ---- */

static void passes(unsigned id)
{
    atomic_fetch_add(&runqueues[id].passes, 1);
}

static void test_barrier_alone(void)
{
    unsigned before = machine.kicks;

    sched_limit_vcpus(2);
    machine.on_kick = passes;
    sched_barrier();
    expect(machine.kicks == before + 1, "a barrier waits for a vCPU that runs");
    one_vcpu = true;
    sched_barrier();
    expect(machine.kicks == before + 1, "and for none that waits for us");
    machine.on_kick = NULL;
    sched_limit_vcpus(1);
}

/* What sched_watch_calls() there does to the task here. */
static void watches(unsigned id)
{
    atomic_store_relaxed(&current_task()->pid, 0);
    passes(id);
}

static void watches_and_leaves(unsigned id)
{
    watches(id);
    vcpu_by_id(id)->task = NULL;
}

static void test_barrier_passes(void)
{
    uint64_t before = runqueues[0].passes;

    sched_limit_vcpus(2);
    current_task()->pid = this_vcpu()->pid = 7;
    machine.on_kick = watches;
    sched_barrier();
    expect(runqueues[0].passes > before, "who waits for a barrier passes");
    expect(!this_vcpu()->pid, "and knows then what it is to ask for");
    machine.on_kick = NULL;
    sched_limit_vcpus(1);
}

static void test_barrier_in_drain(void)
{
    struct sched_gate gate;
    struct task there = {.gate = &gate};

    sched_gate_init(&gate);
    sched_limit_vcpus(2);
    vcpu_by_id(1)->task = &there;
    current_task()->pid = this_vcpu()->pid = 7;
    machine.on_kick = watches_and_leaves;
    sched_gate_drain(&gate);
    expect(!this_vcpu()->pid, "nor does who drains a gate keep an answer");
    machine.on_kick = NULL;
    sched_limit_vcpus(1);
}

static void second_leaves(void)
{
    vcpu_by_id(1)->task = NULL;
}

static void test_drain(void)
{
    struct sched_gate gate;
    struct task there = {.gate = &gate};

    sched_gate_init(&gate);
    sched_limit_vcpus(2);
    vcpu_by_id(1)->task = &there;
    machine.on_wait = second_leaves;
    this_vcpu()->resched = 0;
    sched_gate_drain(&gate);
    expect(!vcpu_by_id(1)->task, "who drains a gate waits in the target");
    expect(this_vcpu()->resched, "and a kick that came then is not forgotten");
    machine.on_wait = NULL;
    sched_limit_vcpus(1);
}

/* Who sleeps before somebody waits for it has left nobody knows when: not
 * before it came in. */
static void test_left(void)
{
    struct sched_gate gate;
    uint64_t before = clock_tsc();

    sched_gate_init(&gate);
    expect(gate.left_at >= before, "a new gate was left when it was made");
    gate.left_at = 1;
    sched_gate_close(&gate);
    sched_gate_open(&gate);
    expect(gate.left_at >= before, "one that opens was left then");
}

/* What a program waits for by sched_yield(2) may be made on a vCPU that the
 * host does not run. */
static void test_yield_to_all(void)
{
    unsigned before = machine.waits;

    for (int i = 0; i < 100; i++) {
        task_yield_to_all();
    }
    expect(machine.waits > before,
           "who yields for nobody lets the host's threads run");
    expect(machine.waits < before + 50, "which is not done each time");
}

static void run_tests(void *arg)
{
    test_yield();
    test_yield_to_all();
    test_mutex();
    test_wait();
    test_mutex_of_a_sleeper();
    test_exclusive();
    test_ends_of_waiting();
    test_timers();
    test_timer_in_a_loop();
    test_clock();
    test_barrier_alone();
    test_barrier_passes();
    test_barrier_in_drain();
    test_drain();
    test_left();
    expect(machine.waits > 0, "an idle vCPU waits in the target");
    exit(machine.failures != 0);
}

int main(void)
{
    machine_run(run_tests);
}
