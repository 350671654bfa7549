/* SPDX-License-Identifier: MIT
 *
 * futex(2) without libc: refusals of every operation, and each operation doing
 * its work between threads.
 */
#include <linux/futex.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include "../show.h"

static uint32_t word, other;

static long futex(void *addr, int op, uint32_t val, const void *timeout,
                  void *addr2, uint32_t val3)
{
    return syscall(SYS_futex, addr, op, val, timeout, addr2, val3);
}

static void refusals(void)
{
    struct timespec bad = {0, 1000000000}, minus = {-1, 0}, short_ = {0, 1000};
    char *odd = (char *)&word + 1;

    CALL(futex, &word, FUTEX_WAIT, 1, NULL, NULL, 0);
    CALL(futex, &word, FUTEX_WAIT, 0, &short_, NULL, 0);
    CALL(futex, &word, FUTEX_WAIT, 0, &bad, NULL, 0);
    CALL(futex, &word, FUTEX_WAIT, 0, &minus, NULL, 0);
    CALL(futex, &word, FUTEX_WAIT, 0, BAD, NULL, 0);
    CALL(futex, odd, FUTEX_WAIT, 0, NULL, NULL, 0);
    CALL(futex, BAD, FUTEX_WAIT, 0, NULL, NULL, 0);
    CALL(futex, BAD, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    CALL(futex, &word, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0);
    CALL(futex, &word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0);
    CALL(futex, &word, FUTEX_WAIT_BITSET, 0, &short_, NULL, 1);
    CALL(futex, &word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &short_,
         NULL, 1);
    CALL(futex, &word, FUTEX_WAKE, 1, NULL, NULL, 0);
    CALL(futex, odd, FUTEX_WAKE, 1, NULL, NULL, 0);
    CALL(futex, BAD, FUTEX_WAKE, 1, NULL, NULL, 0);
    CALL(futex, &word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0);
    CALL(futex, &word, FUTEX_REQUEUE, 1, -1, &other, 0);
    CALL(futex, &word, FUTEX_CMP_REQUEUE, 1, 1, &other, 5);
    CALL(futex, &word, FUTEX_CMP_REQUEUE, 1, 1, odd, 0);
    CALL(futex, &word, FUTEX_WAKE_OP, 1, 1, &other, 5u << 28);
    CALL(futex, &word, FUTEX_WAKE_OP, 1, 1, &other, 6 << 24);
    CALL(futex, &word, FUTEX_WAKE_OP, 1, 1, BAD, 0);
    CALL(futex, &word, 77, 1, NULL, NULL, 0);
    CALL(futex, &word, FUTEX_FD, 1, NULL, NULL, 0);
}

static void pi_refusals(void)
{
    uint32_t tid = (uint32_t)syscall(SYS_gettid);

    word = tid;
    CALL(futex, &word, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
    CALL(futex, &word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0);
    word = 0x3ffffff0;
    CALL(futex, &word, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
    CALL(futex, &word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
    word = 0;
    CALL(futex, &word, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
    EXPECT(word == tid);
    CALL(futex, &word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
    EXPECT(word == 0);
    CALL(futex, &word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0);
    word |= FUTEX_WAITERS;
    CALL(futex, &word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
    EXPECT(word == 0);
    CALL(futex, BAD, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
}

static void waitv_refusals(void)
{
    struct futex_waitv v[2] = {{.val = 0, .uaddr = (uintptr_t)&word},
                               {.val = 0, .uaddr = (uintptr_t)&other}};
    struct timespec past = {0, 1000};

    CALL(futex_waitv, v, 2, 0, &past, CLOCK_MONOTONIC);
    v[0].flags = v[1].flags = FUTEX_32;
    CALL(futex_waitv, v, 2, 0, &past, CLOCK_MONOTONIC);
    CALL(futex_waitv, v, 2, 0, &past, CLOCK_BOOTTIME);
    CALL(futex_waitv, v, 0, 0, NULL, 0);
    CALL(futex_waitv, v, 129, 0, NULL, 0);
    CALL(futex_waitv, v, 2, 1, NULL, 0);
    CALL(futex_waitv, NULL, 2, 0, NULL, 0);
    v[1].val = 1;
    CALL(futex_waitv, v, 2, 0, NULL, 0);
    v[1].__reserved = 1;
    CALL(futex_waitv, v, 2, 0, NULL, 0);
}

/* ---- at work ---- */

static volatile int sleeping;

static void *wait_word(void *arg)
{
    __atomic_add_fetch(&sleeping, 1, __ATOMIC_SEQ_CST);
    return (void *)futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL,
                         (uint32_t)(long)arg);
}

static void start(pthread_t *t, int count)
{
    sleeping = 0;
    word = 0;
    for (int i = 0; i < count; i++) {
        pthread_create(&t[i], NULL, wait_word, (void *)(1l << i % 2));
    }
    while (sleeping < count) {
        usleep(1000);
    }
    until_others_sleep();
}

static void join(pthread_t *t, int count)
{
    for (int i = 0; i < count; i++) {
        void *result;
        pthread_join(t[i], &result);
        EXPECT(result == NULL);
    }
}

static void wakes_and_requeues(void)
{
    pthread_t t[6];

    start(t, 6);
    printf("wake bit 2: %ld\n",
           futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 9, NULL, NULL, 2));
    printf("wake 1: %ld\n", futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
    printf("wake rest: %ld\n",
           futex(&word, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0));
    join(t, 6);
    start(t, 6);
    printf("requeue: %ld\n",
           futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)3, &other, 0));
    printf("left: %ld\n", futex(&word, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0));
    printf("moved: %ld\n", futex(&other, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0));
    join(t, 6);
    start(t, 4);
    other = 5;
    printf("wake op: %ld\n",
           futex(&word, FUTEX_WAKE_OP_PRIVATE, 2, (void *)9, &other,
                 FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ, 5)));
    printf("other: %u\n", other);
    printf("rest: %ld\n", futex(&word, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0));
    other = 0;
    join(t, 4);
}

static void *wait_many(void *arg)
{
    struct futex_waitv v[2] = {
        {.uaddr = (uintptr_t)&word, .flags = FUTEX_32 | FUTEX_PRIVATE_FLAG},
        {.uaddr = (uintptr_t)&other, .flags = FUTEX_32 | FUTEX_PRIVATE_FLAG}};

    return (void *)syscall(SYS_futex_waitv, v, 2, 0, NULL, 0);
}

static void many(void)
{
    pthread_t t;
    void *result;

    word = other = 0;
    pthread_create(&t, NULL, wait_many, NULL);
    until_others_sleep();
    printf("wake second: %ld\n",
           futex(&other, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
    pthread_join(t, &result);
    printf("woken: %ld\n", (long)result);
}

static long counter;
static volatile int failed;

static void *count_pi(void *arg)
{
    uint32_t tid = (uint32_t)syscall(SYS_gettid);

    for (int i = 0; i < 20000; i++) {
        uint32_t free = 0, mine = tid;
        if (!__atomic_compare_exchange_n(&word, &free, tid, 0, __ATOMIC_SEQ_CST,
                                         __ATOMIC_SEQ_CST)) {
            failed |=
                futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0) != 0;
        }
        counter++;
        if (i % 100 == 0) {
            sched_yield();
        }
        if (!__atomic_compare_exchange_n(&word, &mine, 0, 0, __ATOMIC_SEQ_CST,
                                         __ATOMIC_SEQ_CST)) {
            failed |=
                futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0) != 0;
        }
    }
    return NULL;
}

static void owned(void)
{
    pthread_t t[6];

    word = 0;
    for (int i = 0; i < 6; i++) {
        pthread_create(&t[i], NULL, count_pi, NULL);
    }
    join(t, 6);
    printf("counter %ld, word %u, failed %d\n", counter, word, failed);
}

static void *lock_late(void *arg)
{
    struct timespec at;

    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_nsec += 30000000;
    at.tv_sec += at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    return (void *)futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, &at, NULL, 0) ==
                   (void *)-1
               ? (void *)(long)errno
               : NULL;
}

static void a_lock_times_out(void)
{
    pthread_t t;
    void *result;

    word = 0;
    EXPECT(futex(&word, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL, NULL, 0) == 0);
    pthread_create(&t, NULL, lock_late, NULL);
    pthread_join(t, &result);
    printf("late: %ld\n", (long)result);
    EXPECT(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0) == 0);
    EXPECT(word == 0);
}

int main(void)
{
    show_start();
    refusals();
    pi_refusals();
    waitv_refusals();
    wakes_and_requeues();
    many();
    owned();
    a_lock_times_out();
    return 0;
}
