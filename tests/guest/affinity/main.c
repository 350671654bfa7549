/* SPDX-License-Identifier: MIT
 *
 * sched_setaffinity, sched_getaffinity, getcpu: sizes of masks, staying
 * where one was put, refusals; who is put elsewhere while it waits for a CPU
 * goes on there. Any machine has CPU 0 here.
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

static int ask[2], answer[2], sent;

static void put_on(int tid, unsigned cpu)
{
    uint64_t one = 1u << cpu;

    syscall(SYS_sched_setaffinity, tid, sizeof(one), &one);
}

static void *wanderer(void *arg)
{
    int cpu = (int)syscall(SYS_gettid);
    char c;

    do {
        write(answer[1], &cpu, sizeof(cpu));
        read(ask[0], &c, 1);
        cpu = __atomic_load_n(&sent, __ATOMIC_ACQUIRE) ? sched_getcpu() : -1;
    } while (c);
    return NULL;
}

/* On CPU 0, as we are: woken, it waits there and is sent away meanwhile; -1: it
 * did not wait for that. */
static void put_elsewhere(int to)
{
    enum { TIMES = 200 };
    int strayed = 0, other, cpu;
    pthread_t t;

    pipe(ask);
    pipe(answer);
    pthread_create(&t, NULL, wanderer, NULL);
    read(answer[0], &other, sizeof(other));
    for (int i = 0; i < TIMES; i++) {
        put_on(other, 0);
        __atomic_store_n(&sent, 0, __ATOMIC_RELEASE);
        write(ask[1], "?", 1);
        put_on(other, to);
        __atomic_store_n(&sent, 1, __ATOMIC_RELEASE);
        read(answer[0], &cpu, sizeof(cpu));
        strayed += cpu != to && cpu != -1;
    }
    write(ask[1], "", 1);
    pthread_join(t, NULL);
    printf("strayed %d\n", strayed);
}

int main(void)
{
    unsigned cpu = 99, node = 99, second;
    pthread_t t;

    show_start();
    long n = RAW(sched_getaffinity, 0, sizeof(mask), mask);
    printf("bytes %d, cpu 0 %d\n", n > 0 && n % 8 == 0, (int)mask[0] & 1);
    second = mask[0] >> 1 & 1;
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
    put_elsewhere(second);
    return 0;
}
