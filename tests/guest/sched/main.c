/* SPDX-License-Identifier: MIT
 *
 * Scheduling policies: get and set, ranges of priorities, the extensible
 * attributes, refusals. Real-time policies are not tried: Linux grants them
 * by configuration.
 */
#include <sched.h>
#include <sys/resource.h>
#include "tests/guest/show.h"

static struct sched_param sp;
static struct {
    uint32_t size, sched_policy;
    uint64_t sched_flags;
    int32_t sched_nice;
    uint32_t sched_priority;
    uint64_t runtime, deadline, period;
    uint32_t util_min, util_max;
} attr;

static void look(void)
{
    sp.sched_priority = -7;
    CALL(sched_getscheduler, 0);
    CALL(sched_getparam, 0, &sp);
    printf("priority %d\n", sp.sched_priority);
}

static void ranges(void)
{
    title("ranges");
    for (int policy = -1; policy < 7; policy++) {
        CALL(sched_get_priority_min, policy);
        CALL(sched_get_priority_max, policy);
    }
}

static void policies(void)
{
    struct sched_param zero = {0}, one = {1}, negative = {-1};

    title("policies");
    look();
    CALL(sched_setscheduler, 0, SCHED_BATCH, &zero);
    look();
    CALL(sched_setscheduler, 0, SCHED_IDLE, &zero);
    look();
    CALL(sched_setscheduler, 0, SCHED_OTHER, &zero);
    look();
    CALL(sched_setscheduler, 0, SCHED_OTHER | 0x40000000, &zero);
    CALL(sched_getscheduler, 0);
    CALL(sched_setscheduler, 0, SCHED_OTHER, &one);
    CALL(sched_setscheduler, 0, SCHED_OTHER, &negative);
    CALL(sched_setscheduler, 0, SCHED_FIFO, &zero);
    CALL(sched_setscheduler, 0, 4, &zero);
    CALL(sched_setscheduler, 0, 99, &zero);
    CALL(sched_setscheduler, 0, -1, &zero);
    CALL(sched_setscheduler, 0, SCHED_OTHER, NULL);
    CALL(sched_setscheduler, 0, SCHED_OTHER, BAD);
    CALL(sched_setscheduler, -1, SCHED_OTHER, &zero);
    CALL(sched_setscheduler, 0x3ffffff, SCHED_OTHER, &zero);
    CALL(sched_getscheduler, -1);
    CALL(sched_getscheduler, 0x3ffffff);
    CALL(sched_setparam, 0, &zero);
    CALL(sched_setparam, 0, &one);
    CALL(sched_setparam, 0, NULL);
    CALL(sched_setparam, -1, &zero);
    CALL(sched_getparam, 0, NULL);
    CALL(sched_getparam, -1, &sp);
    CALL(sched_getparam, 0x3ffffff, &sp);
    CALL(sched_getparam, 0, BAD);
}

static void attributes(void)
{
    title("attributes");
    CALL(sched_getattr, 0, &attr, sizeof(attr), 0);
    printf("size %u policy %u flags %lx nice %d priority %u\n", attr.size,
           attr.sched_policy, (long)attr.sched_flags & 1, attr.sched_nice,
           attr.sched_priority);
    CALL(sched_getattr, 0, &attr, 48, 0);
    printf("size %u\n", attr.size);
    CALL(sched_getattr, 0, &attr, 47, 0);
    CALL(sched_getattr, 0, &attr, 5000, 0);
    CALL(sched_getattr, 0, &attr, sizeof(attr), 1);
    CALL(sched_getattr, 0, NULL, sizeof(attr), 0);
    CALL(sched_getattr, -1, &attr, sizeof(attr), 0);
    CALL(sched_getattr, 0x3ffffff, &attr, sizeof(attr), 0);
    memset(&attr, 0, sizeof(attr));
    attr.size = 48;
    attr.sched_policy = SCHED_BATCH;
    attr.sched_nice = 5;
    CALL(sched_setattr, 0, &attr, 0);
    CALL(sched_getscheduler, 0);
    CALL(getpriority, 0, 0);
    attr.sched_policy = 99;
    CALL(sched_setattr, 0, &attr, 0);
    attr.sched_policy = 0;
    CALL(sched_setattr, 0, &attr, 1);
    CALL(sched_setattr, 0, NULL, 0);
    CALL(sched_setattr, -1, &attr, 0);
    attr.size = 10;
    CALL(sched_setattr, 0, &attr, 0);
    printf("size %u\n", attr.size);
    attr.size = 0;
    CALL(sched_setattr, 0, &attr, 0);
}

int main(void)
{
    struct timespec ts;

    show_start();
    setpriority(PRIO_PROCESS, 0, 0); /* whoever runs us may be nice */
    ranges();
    policies();
    attributes();
    title("others");
    CALL(sched_yield);
    CALL(sched_rr_get_interval, 0, &ts);
    CALL(sched_rr_get_interval, -1, &ts);
    CALL(sched_rr_get_interval, 0x3ffffff, &ts);
    CALL(sched_rr_get_interval, 0, BAD);
    return 0;
}
