/* SPDX-License-Identifier: MIT
 *
 * Scheduling: policies, nice values, affinity, membarrier. Only what does not
 * depend on how many CPUs there are, and no real-time policy.
 */
#include <linux/membarrier.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include "tests/guest/show.h"

enum { NO_PID = 0x3ffffff0, OTHER = 0, FIFO = 1, BATCH = 3, IDLE = 5 };

static void affinity(void)
{
    unsigned long mask[16] = {0}, none[16] = {0};
    unsigned cpu = 999, node = 999;

    CALL(sched_getaffinity, 0, 3, mask);
    CALL(sched_getaffinity, 0, 12, mask);
    CALL(sched_getaffinity, NO_PID, sizeof(mask), mask);
    CALL(sched_getaffinity, 0, sizeof(mask), BAD);
    EXPECT(RAW(sched_getaffinity, 0, sizeof(mask), mask) >= 8);
    EXPECT(mask[0] & 1);
    CALL(sched_setaffinity, 0, sizeof(none), none);
    CALL(sched_setaffinity, 0, sizeof(mask), BAD);
    CALL(sched_setaffinity, NO_PID, sizeof(mask), mask);
    mask[0] = 1;
    CALL(sched_setaffinity, 0, sizeof(mask), mask);
    CALL(getcpu, &cpu, &node, NULL);
    printf("cpu %u node %u\n", cpu, node);
    CALL(getcpu, NULL, NULL, NULL);
    CALL(getcpu, BAD, NULL, NULL);
}

static void policies(void)
{
    struct sched_param p = {0}, high = {100}, one = {1};
    struct timespec ts;

    CALL(sched_getscheduler, 0);
    CALL(sched_getscheduler, -1L);
    CALL(sched_getscheduler, NO_PID);
    CALL(sched_setscheduler, 0, BATCH, &p);
    CALL(sched_getscheduler, 0);
    CALL(sched_setscheduler, 0, IDLE, &p);
    CALL(sched_setscheduler, 0, OTHER, &p);
    CALL(sched_setscheduler, 0, OTHER, &one);
    CALL(sched_setscheduler, 0, FIFO, &p);
    CALL(sched_setscheduler, 0, FIFO, &high);
    CALL(sched_setscheduler, 0, 99, &p);
    CALL(sched_setscheduler, 0, -1L, &p);
    CALL(sched_setscheduler, 0, OTHER, NULL);
    CALL(sched_setscheduler, 0, OTHER, BAD);
    CALL(sched_setscheduler, NO_PID, OTHER, &p);
    CALL(sched_getparam, 0, &p);
    CALL(sched_getparam, 0, NULL);
    CALL(sched_getparam, 0, BAD);
    CALL(sched_getparam, NO_PID, &p);
    CALL(sched_setparam, 0, &p);
    CALL(sched_setparam, 0, &one);
    CALL(sched_setparam, 0, NULL);
    for (long policy = -1; policy < 7; policy++) {
        CALL(sched_get_priority_max, policy);
        CALL(sched_get_priority_min, policy);
    }
    CALL(sched_rr_get_interval, 0, BAD);
    CALL(sched_rr_get_interval, NO_PID, &ts);
    CALL(sched_yield);
}

static void attributes(void)
{
    struct {
        unsigned size, policy;
        unsigned long flags;
        int nice;
        unsigned priority;
        unsigned long runtime, deadline, period;
    } a = {.size = 0};

    CALL(sched_getattr, 0, &a, 48, 0);
    printf("size %u policy %u nice %d priority %u\n", a.size, a.policy, a.nice,
           a.priority);
    CALL(sched_getattr, 0, &a, 40, 0);
    CALL(sched_getattr, 0, &a, 5000, 0);
    CALL(sched_getattr, 0, &a, 48, 1);
    CALL(sched_getattr, 0, NULL, 48, 0);
    CALL(sched_getattr, 0, BAD, 48, 0);
    CALL(sched_getattr, NO_PID, &a, 48, 0);
    a.policy = BATCH;
    a.nice = 3;
    a.size = 48;
    CALL(sched_setattr, 0, &a, 0);
    CALL(sched_getattr, 0, &a, 48, 0);
    printf("policy %u nice %d\n", a.policy, a.nice);
    a.policy = 99;
    CALL(sched_setattr, 0, &a, 0);
    a.policy = OTHER;
    a.flags = 1 << 20;
    CALL(sched_setattr, 0, &a, 0);
    a.flags = 0;
    a.size = 16;
    CALL(sched_setattr, 0, &a, 0);
    CALL(sched_setattr, 0, BAD, 0);
    CALL(sched_setattr, 0, NULL, 0);
}

static void nice_values(void)
{
    CALL(setpriority, PRIO_PROCESS, 0, 5);
    CALL(getpriority, PRIO_PROCESS, 0);
    CALL(setpriority, PRIO_PROCESS, 0, 100);
    CALL(getpriority, PRIO_PROCESS, 0);
    CALL(setpriority, PRIO_PROCESS, 0, -100L);
    CALL(getpriority, PRIO_PROCESS, 0);
    CALL(setpriority, PRIO_PROCESS, 0, 0);
    CALL(getpriority, 3, 0);
    CALL(setpriority, -1L, 0, 0);
    CALL(getpriority, PRIO_PROCESS, NO_PID);
    CALL(getpriority, PRIO_PGRP, NO_PID);
    CALL(getpriority, PRIO_USER, NO_PID);
    CALL(setpriority, PRIO_PROCESS, NO_PID, 0);
    CALL(setpriority, PRIO_PGRP, NO_PID, 0);
}

#define PRIO(class, data) ((class) << 13 | (data))

static void io_priorities(void)
{
    CALL(ioprio_get, 1, 0);
    CALL(ioprio_get, 0, 0);
    CALL(ioprio_get, 4, 0);
    for (int which = 1; which <= 3; which++) {
        CALL(ioprio_get, which, NO_PID);
        CALL(ioprio_set, which, NO_PID, 0);
    }
    CALL(ioprio_set, 1, 0, PRIO(2, 7));
    CALL(ioprio_get, 1, 0);
    CALL(ioprio_set, 1, 0, PRIO(3, 0));
    CALL(ioprio_get, 1, 0);
    CALL(ioprio_set, 1, 0, PRIO(0, 1));
    CALL(ioprio_set, 1, 0, PRIO(4, 0));
    CALL(ioprio_set, 1, 0, 0);
    CALL(ioprio_get, 1, 0);
}

/* ---- membarrier ---- */

static volatile int stop;

static void *spin(void *arg)
{
    while (!stop) {
    }
    return NULL;
}

static void barriers(void)
{
    long known = RAW(membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
    pthread_t t;

    EXPECT(known & MEMBARRIER_CMD_PRIVATE_EXPEDITED);
    EXPECT(known & MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE);
    CALL(membarrier, 1 << 20, 0, 0);
    CALL(membarrier, MEMBARRIER_CMD_QUERY, 99, 0);
    CALL(membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
    CALL(membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0);
    CALL(membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
    CALL(membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0);
    pthread_create(&t, NULL, spin, NULL);
    usleep(10000);
    CALL(membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
    CALL(membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0);
    CALL(membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
    stop = 1;
    pthread_join(t, NULL);
}

int main(void)
{
    show_start();
    setpriority(PRIO_PROCESS, 0, 0); /* whoever runs the tests may be nice */
    affinity();
    policies();
    attributes();
    nice_values();
    io_priorities();
    barriers();
    return 0;
}
