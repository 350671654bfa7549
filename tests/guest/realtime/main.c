/* SPDX-License-Identifier: MIT
 *
 * Real-time policies: set, read back, inherited, reset, and refused to others.
 */
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

struct attr {
    unsigned size, policy;
    unsigned long flags;
    int nice;
    unsigned priority;
    unsigned long runtime, deadline, period;
};

static struct sched_param param(int priority)
{
    return (struct sched_param){.sched_priority = priority};
}

static void show_policy(const char *who)
{
    struct sched_param p;
    struct timespec slice;

    sched_getparam(0, &p);
    sched_rr_get_interval(0, &slice);
    printf("%s: policy %x priority %d", who, sched_getscheduler(0),
           p.sched_priority);
    if (sched_getscheduler(0) != SCHED_OTHER) {
        printf(" slice %ld.%09ld", (long)slice.tv_sec, slice.tv_nsec);
    }
    printf("\n");
}

static void child(void)
{
    fflush(stdout);
    if (fork() == 0) {
        show_policy("child");
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
}

static void setting(void)
{
    struct sched_param one = param(1), ten = param(10), many = param(100),
                       zero = param(0);
    struct attr a = {sizeof(a), SCHED_RR, 1, 0, 5, 0, 0, 0};

    title("setting");
    CALL(sched_setscheduler, 0, SCHED_FIFO, &ten);
    show_policy("self");
    child();
    CALL(sched_setparam, 0, &one);
    CALL(sched_setparam, 0, &zero);
    CALL(sched_setparam, 0, &many);
    show_policy("self");
    CALL(sched_setscheduler, 0, SCHED_RR | SCHED_RESET_ON_FORK, &one);
    show_policy("self");
    child();
    CALL(sched_setattr, 0, &a, 0);
    memset(&a, 0, sizeof(a));
    CALL(sched_getattr, 0, &a, sizeof(a), 0);
    printf("policy %u flags %lx priority %u\n", a.policy, a.flags, a.priority);
    CALL(sched_setscheduler, 0, SCHED_OTHER, &zero);
    show_policy("self");
}

static void deadline(void)
{
    struct attr a = {sizeof(a), 6, 1, 0, 0, 10000000, 30000000, 0};

    title("deadline");
    a.runtime = 100;
    CALL(sched_setattr, 0, &a, 0);
    a.runtime = 40000000;
    CALL(sched_setattr, 0, &a, 0);
    a.runtime = 10000000;
    a.deadline = 0;
    CALL(sched_setattr, 0, &a, 0);
}

static void show_attr(const char *what, struct attr set)
{
    struct attr now = {0};
    long r = RAW(sched_setattr, 0, &set, 0);

    printf("%s: %s", what, r ? strerrorname_np(errno) : "done");
    syscall(SYS_sched_getattr, 0, &now, sizeof(now), 0);
    printf(", policy %u flags %lx nice %d priority %u\n", now.policy, now.flags,
           now.nice, now.priority);
}

/* SCHED_FLAG_KEEP_*: what stays, and what SCHED_IDLE does not take. */
static void keeping(void)
{
    enum { RESET = 1, KEEP_POLICY = 8, KEEP_PARAMS = 16 };
    const unsigned size = sizeof(struct attr);

    title("what is kept");
    show_attr("nice 5", (struct attr){size, SCHED_OTHER, 0, 5});
    show_attr("all, with a flag",
              (struct attr){size, 0, RESET | KEEP_POLICY | KEEP_PARAMS, 7});
    show_attr("the policy", (struct attr){size, 0, KEEP_POLICY, 7});
    show_attr("idle", (struct attr){size, SCHED_IDLE, 0, 9});
    show_attr("another policy",
              (struct attr){size, SCHED_FIFO, KEEP_PARAMS, 0, 20});
    show_attr("its parameters",
              (struct attr){size, SCHED_RR, KEEP_PARAMS, 0, 30});
    show_attr("back", (struct attr){size, SCHED_OTHER});
}

static void as_nobody(void)
{
    struct sched_param one = param(1), zero = param(0);

    title("nobody");
    setresuid(NOBODY, NOBODY, NOBODY);
    CALL(sched_setscheduler, 0, SCHED_FIFO, &one);
    one.sched_priority = 6;
    CALL(sched_setscheduler, 0, SCHED_FIFO, &one);
    CALL(sched_setscheduler, 0, SCHED_OTHER, &zero);
    CALL(sched_setscheduler, getppid(), SCHED_BATCH, &zero);
    CALL(setpriority, PRIO_PROCESS, getppid(), 5);
    CALL(ioprio_set, 1, getppid(), 2 << 13);
    CALL(ioprio_set, 1, 0, 2 << 13 | 3);
    CALL(ioprio_get, 1, 0);
}

int main(void)
{
    show_start();
    setting();
    deadline();
    keeping();
    fflush(stdout);
    if (fork() == 0) {
        as_nobody();
        _exit(0);
    }
    wait(NULL);
    return 0;
}
