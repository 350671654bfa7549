/* SPDX-License-Identifier: MIT
 *
 * Whose turn it is, by a clock that the test moves (machine.h): who computes
 * (gives its vCPU away and does not sleep) and who sleeps in between, in the
 * same queue; timers while kernel code gives way but never sleeps; and how
 * often who computes looks for completions.
 */
#include "kernel/core/tests/machine.h"
#include "kernel/core/wait.h"

#include <stdlib.h>
#include <string.h>

enum {
    TURN_NS = 100000, /* tick.c: of who computes, when one waits that slept */
    SLICE_NS = 3000000,
    STEP_NS = 10000,
};

static struct wait_queue queue;
static volatile bool stop, go;
static char order[64]; /* who had a turn: a letter each */

static void note(char who)
{
    size_t n = strlen(order);

    if (n < sizeof(order) - 1) {
        order[n] = who;
    }
}

static void begin(void)
{
    memset(order, 0, sizeof(order));
    stop = go = false;
}

/* Computes, in kernel code: gives way again and again. */
static void give_way(void *name)
{
    while (!stop) {
        note(*(const char *)name);
        task_yield();
    }
}

/* Sleeps until somebody says go, once. */
static void sleep_once(void *name)
{
    wait_event(&queue, go, DEADLINE_NONE, 0);
    note(*(const char *)name);
}

static void test_computes(void)
{
    struct task *t = current_task();

    begin();
    settle();
    expect(!t->computes, "who has slept does not compute");
    task_yield();
    expect(!t->computes, "nor does who gives way to nobody");
    spawn(0, give_way, "a");
    task_yield();
    expect(t->computes, "who gives its vCPU to another one computes");
    stop = true;
    join(1);
    expect(!t->computes, "until it sleeps");
}

static void test_passing(void)
{
    begin();
    spawn(2, sleep_once, "w");
    settle();
    spawn(0, give_way, "a");
    spawn(1, give_way, "b");
    task_yield();
    task_yield(); /* both have given way */
    order[0] = 0;
    go = true;
    wait_wake_all(&queue);
    task_yield();
    expect(order[0] == 'w', "who slept passes those who compute");
    stop = true;
    join(3);
}

/* Two that wake each other beside one that computes: how long they go on
 * before it has a turn. */
static uint64_t began, passed_at;
static int turn_of;

static void in_turn(void *arg)
{
    int me = (int)(long)arg;

    while (!stop) {
        wait_event(&queue, turn_of == me || stop, DEADLINE_NONE, 0);
        machine_advance(STEP_NS);
        stop = stop || machine.now - began > 2 * SLICE_NS;
        turn_of = 1 - me;
        wait_wake_all(&queue);
    }
}

static void compute_once(void *started)
{
    for (int turns = 0; turns < 2; turns++) {
        passed_at = machine.now;
        task_yield(); /* the second time it is one that computes */
    }
    stop = true;
    wait_wake_all(&queue);
    *(bool *)started = true;
}

static void test_passed(void)
{
    bool done = false;

    begin();
    turn_of = 0;
    spawn(0, in_turn, (void *)0l);
    spawn(1, in_turn, (void *)1l);
    spawn(2, compute_once, &done);
    began = machine.now;
    join(3);
    expect(done && passed_at - began >= SLICE_NS &&
               passed_at - began <= SLICE_NS + 4 * STEP_NS,
           "up to a slice: then who computes has its turn");
}

/* How long this task, which computes, goes on beside one that it wakes. */
static uint64_t turn_beside_woken(uint64_t passed)
{
    begin();
    spawn(0, sleep_once, "w");
    settle();
    spawn(1, give_way, "a");
    task_yield(); /* this computes from here on */
    stop = true;
    while (machine_tasks[1].state != TASK_DEAD) {
        task_yield();
    }
    order[0] = 0;
    this_runqueue()->passed = passed;
    current_task()->account_mark = began = machine.now;
    go = true;
    wait_wake_all(&queue);
    while (!order[0] && machine.now - began < 2 * SLICE_NS) {
        machine_advance(STEP_NS);
        sched_check();
    }
    began = machine.now - began;
    join(2);
    return began;
}

static void test_turns(void)
{
    uint64_t shortest, longer, longest;

    shortest = turn_beside_woken(0);
    longer = turn_beside_woken(5 * TURN_NS);
    longest = turn_beside_woken(2 * SLICE_NS);
    expect(shortest == TURN_NS, "a turn beside one that slept is short");
    expect(longer == 5 * TURN_NS, "as long as they passed it before");
    expect(longest == SLICE_NS, "and a slice at most");
}

static volatile bool fired;

static void on_fire(struct timer *t)
{
    fired = true;
}

static bool fires_while_giving_way(void)
{
    struct timer timer;

    fired = false;
    timer_init(&timer, on_fire);
    timer_arm(&timer, clock_now() + NSEC_PER_MSEC);
    for (int i = 0; i < 1000 && !fired; i++) {
        machine_advance(STEP_NS);
        task_yield();
    }
    timer_cancel(&timer);
    return fired;
}

static void test_timers_of_who_gives_way(void)
{
    begin();
    expect(fires_while_giving_way(), "a timer of who gives way to nobody");
    spawn(0, give_way, "a");
    expect(fires_while_giving_way(), "and where two give way to each other");
    stop = true;
    join(1);
}

static uint64_t comes_at, latest; /* a completion, found how late; ns */
static unsigned looks;

static bool look(bool hand_over)
{
    bool came = comes_at && machine.now >= comes_at;

    looks++;
    if (came) {
        latest = MAX(latest, machine.now - comes_at);
        comes_at = 0;
    }
    return came;
}

static void compute(uint64_t ns)
{
    for (uint64_t until = machine.now + ns; machine.now < until;) {
        machine_advance(STEP_NS);
        if (this_vcpu()->resched) {
            sched_check();
        }
    }
}

static void test_looks(void)
{
    settle();
    sched_poll_io = look;
    sched_io_inflight = 1;
    this_vcpu()->resched = 1;
    compute(NSEC_PER_MSEC);
    expect(current_task()->computes, "who has run for long computes");
    for (int i = 0; i < 20; i++) {
        latest = 0;
        comes_at = machine.now + 5 * NSEC_PER_MSEC;
        compute(6 * NSEC_PER_MSEC);
    }
    expect(!comes_at && latest <= 200000, "what comes often is seen soon");
    looks = 0;
    compute(100 * NSEC_PER_MSEC);
    expect(looks < 400, "where nothing comes, looks are rare");
    sched_io_inflight = 0;
    sched_poll_io = NULL;
}

static void run_tests(void *unused)
{
    machine_own_time();
    wait_queue_init(&queue);
    test_computes();
    test_passing();
    test_passed();
    test_turns();
    test_timers_of_who_gives_way();
    test_looks();
    exit(machine.failures != 0);
}

int main(void)
{
    machine_run(run_tests);
}
