/* SPDX-License-Identifier: MIT
 *
 * sched_setaffinity, sched_getaffinity, getcpu: sizes of masks, staying
 * where one was put, refusals. Any machine has CPU 0 here.
 */
#include <pthread.h>
#include <sched.h>
#include "tests/guest/show.h"

static uint64_t mask[128];

static void *thread(void *arg)
{
    memset(mask, 0, sizeof(mask));
    printf("%d\n", syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask) > 0);
    printf("mask %lx\n", mask[0]);
    return NULL;
}

int main(void)
{
    unsigned cpu = 99, node = 99;
    pthread_t t;

    show_start();
    long n = RAW(sched_getaffinity, 0, sizeof(mask), mask);
    printf("bytes %d, cpu 0 %d\n", n > 0 && n % 8 == 0, (int)mask[0] & 1);
    CALL(sched_getaffinity, 0, 0L, mask);
    CALL(sched_getaffinity, 0, 7L, mask);
    CALL(sched_getaffinity, 0, sizeof(mask), BAD);
    CALL(sched_getaffinity, -1, sizeof(mask), mask);
    CALL(sched_getaffinity, 0x3ffffff, sizeof(mask), mask);
    memset(mask, 0, sizeof(mask));
    CALL(sched_setaffinity, 0, sizeof(mask), mask);
    mask[100] = 1;
    CALL(sched_setaffinity, 0, sizeof(mask), mask);
    mask[0] = 1;
    CALL(sched_setaffinity, 0, sizeof(mask), mask);
    CALL(sched_setaffinity, 0, 0L, mask);
    CALL(sched_setaffinity, 0, 1L, mask);
    CALL(sched_setaffinity, 0, sizeof(mask), BAD);
    CALL(sched_setaffinity, -1, sizeof(mask), mask);
    CALL(sched_setaffinity, 0x3ffffff, sizeof(mask), mask);
    memset(mask, 0xff, sizeof(mask));
    syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask);
    printf("mask %lx\n", mask[0]);
    CALL(getcpu, &cpu, &node, NULL);
    printf("cpu %u node %u\n", cpu, node);
    CALL(getcpu, NULL, NULL, NULL);
    CALL(getcpu, BAD, NULL, NULL);
    int moved = 0;
    for (int i = 0; i < 1000; i++) {
        sched_yield();
        moved += sched_getcpu() != 0;
    }
    printf("moved %d\n", moved);
    pthread_create(&t, NULL, thread, NULL);
    pthread_join(t, NULL);
    return 0;
}
