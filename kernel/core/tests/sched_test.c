/* SPDX-License-Identifier: MIT
 *
 * The scheduler as an ordinary program: one vCPU, a target whose clock jumps
 * to the next deadline whenever the vCPU waits, and the lock order checked.
 * Kernel stacks are real, so no ASan here; the tests of single files have it.
 */
#include "kernel/core/runqueue.h"
#include "kernel/core/wait.h"
#include "kernel/core/log.h"
#include "target/target.h"
#include "abi/linux/errno.h"

#include <asm/prctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- the target ---- */

static uint64_t fake_now = 1000;
static unsigned waits, kicks;

uint64_t target_clock(void)
{
    return fake_now += 10;
}

void target_clock_info(struct target_clock *out)
{
    memset(out, 0, sizeof(*out));
    out->realtime_offset = 5000000000000;
}

static void (*on_wait)(void), (*on_kick)(unsigned id);

void target_vcpu_wait(uint64_t deadline)
{
    waits++;
    if (on_wait) {
        on_wait();
    }
    if (deadline == UINT64_MAX) {
        puts("not ok core sched: everybody sleeps for ever");
        exit(1);
    }
    if (deadline > fake_now) {
        fake_now = deadline;
    }
}

void target_vcpu_kick(unsigned id)
{
    kicks++;
    if (on_kick) {
        on_kick(id);
    }
}

void target_vcpu_tick(uint64_t deadline)
{
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

/* ---- helpers ---- */

static unsigned failures;

static void expect(bool good, const char *name)
{
    printf("%s core sched: %s\n", good ? "ok" : "not ok", name);
    failures += !good;
}

enum { TASKS = 8 };
static struct task tasks[TASKS + 1];
static unsigned ended;

static void on_dead(struct task *t)
{
    free((void *)(t->kstack_top - KSTACK_SIZE));
    ended++;
}

static void spawn(unsigned i, void (*fn)(void *), void *arg)
{
    memset(&tasks[i], 0, sizeof(tasks[i]));
    task_init(&tasks[i], aligned_alloc(4096, KSTACK_SIZE), "test", fn, arg);
    tasks[i].dead = on_dead;
    task_start(&tasks[i]);
}

static void join(unsigned count)
{
    while (ended < count) {
        uint64_t until = clock_now() + NSEC_PER_MSEC;

        task_prepare_sleep();
        task_sleep_until(until);
    }
    ended = 0;
}

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
    for (unsigned i = 0; i < TASKS; i++) {
        spawn(i, count_locked, NULL);
    }
    join(TASKS);
    expect(counter == TASKS * 100, "a mutex lets one in at a time");
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
        baton = (baton + 1) % TASKS;
        wait_wake_all(&queue);
    }
}

static void test_wait(void)
{
    wait_queue_init(&queue);
    for (long i = 0; i < TASKS; i++) {
        spawn((unsigned)i, pass_baton, (void *)i);
    }
    join(TASKS);
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

static void settle(void)
{
    uint64_t until = clock_now() + NSEC_PER_MSEC;

    task_prepare_sleep();
    task_sleep_until(until);
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
    task_interrupt(&tasks[0]);
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

    for (unsigned i = 0; i < TASKS; i++) {
        spawn(i, yield_often, &done);
    }
    join(TASKS);
    expect(done == TASKS, "all who yield come back");
}

static void test_clock(void)
{
    int64_t ahead = clock_realtime() - (int64_t)clock_now();
    uint32_t turns = clock_turns();
    uint64_t before;

    expect(ahead > 4999999000000 && ahead < 5000000001000,
           "realtime is the clock plus the target's offset");
    before = clock_now();
    fake_now -= 500;
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
    unsigned before = kicks;

    sched_limit_vcpus(2);
    on_kick = passes;
    sched_barrier();
    expect(kicks == before + 1, "a barrier waits for a vCPU that runs");
    one_vcpu = true;
    sched_barrier();
    expect(kicks == before + 1, "and for none that waits for us");
    on_kick = NULL;
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
    on_kick = watches;
    sched_barrier();
    expect(runqueues[0].passes > before, "who waits for a barrier passes");
    expect(!this_vcpu()->pid, "and knows then what it is to ask for");
    on_kick = NULL;
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
    on_kick = watches_and_leaves;
    sched_gate_drain(&gate);
    expect(!this_vcpu()->pid, "nor does who drains a gate keep an answer");
    on_kick = NULL;
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
    on_wait = second_leaves;
    this_vcpu()->resched = 0;
    sched_gate_drain(&gate);
    expect(!vcpu_by_id(1)->task, "who drains a gate waits in the target");
    expect(this_vcpu()->resched, "and a kick that came then is not forgotten");
    on_wait = NULL;
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
    unsigned before = waits;

    for (int i = 0; i < 100; i++) {
        task_yield_to_all();
    }
    expect(waits > before, "who yields for nobody lets the host's threads run");
    expect(waits < before + 50, "which is not done each time");
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
    expect(waits > 0, "an idle vCPU waits in the target");
    exit(failures != 0);
}

int main(void)
{
    struct vcpu *v = vcpu_by_id(0);

    setvbuf(stdout, NULL, _IONBF, 0);
    v->self = v;
    syscall(SYS_arch_prctl, ARCH_SET_GS, v);
    fpu_init();
    sched_init(1);
    sched_vcpu_init(0);
    spawn(TASKS, run_tests, NULL);
    sched_idle();
}
