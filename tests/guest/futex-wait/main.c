/* SPDX-License-Identifier: MIT
 *
 * FUTEX_WAIT, WAKE and their bitset kinds: values, timeouts relative and
 * absolute, how many are woken, signals, refusals.
 */
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include "tests/guest/show.h"

#define WAIT   FUTEX_WAIT_PRIVATE
#define WAKE   FUTEX_WAKE_PRIVATE
#define WAIT_B FUTEX_WAIT_BITSET_PRIVATE
#define WAKE_B FUTEX_WAKE_BITSET_PRIVATE

static uint32_t word;
static volatile int ready;

static void refusals(void)
{
    struct timespec bad = {0, 1000000000}, neg = {-1, 0}, soon = {0, 10000000};
    char *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    title("refusals");
    CALL(futex, &word, WAIT, 1, NULL, NULL, 0);
    CALL(futex, &word, WAIT, 0, &soon, NULL, 0);
    CALL(futex, &word, WAIT, 0, &bad, NULL, 0);
    CALL(futex, &word, WAIT, 0, &neg, NULL, 0);
    CALL(futex, &word, WAIT, 0, BAD, NULL, 0);
    CALL(futex, (char *)&word + 1, WAIT, 0, &soon, NULL, 0);
    CALL(futex, (char *)&word + 2, WAKE, 1, NULL, NULL, 0);
    CALL(futex, BAD, WAIT, 0, &soon, NULL, 0);
    CALL(futex, NULL, WAIT, 0, &soon, NULL, 0);
    CALL(futex, BAD, WAKE, 1, NULL, NULL, 0);
    CALL(futex, BAD, FUTEX_WAKE, 1, NULL, NULL, 0);
    CALL(futex, 1L << 47, WAIT, 0, &soon, NULL, 0);
    CALL(futex, p, WAIT, 0, &soon, NULL, 0);
    CALL(futex, p, FUTEX_WAIT, 0, &soon, NULL, 0);
    CALL(futex, &word, WAIT_B, 0, &soon, NULL, 0);
    CALL(futex, &word, WAKE_B, 1, NULL, NULL, 0);
    CALL(futex, &word, 99, 0, &soon, NULL, 0);
    CALL(futex, &word, FUTEX_FD, 0, &soon, NULL, 0);
    CALL(futex, &word, WAKE | FUTEX_CLOCK_REALTIME, 0, &soon, NULL, 0);
    CALL(futex, &word, WAKE, 1, NULL, NULL, 0);
    CALL(futex, &word, WAKE, 0, NULL, NULL, 0);
    CALL(futex, &word, WAKE, -1, NULL, NULL, 0);
}

static void timeouts(void)
{
    struct timespec ts = {0, 30000000};
    long long t = show_now(CLOCK_MONOTONIC);

    title("timeouts");
    CALL(futex, &word, WAIT, 0, &ts, NULL, 0);
    puts(passed(t, 30000000));
    t = show_now(CLOCK_MONOTONIC);
    CALL(futex, &word, WAIT | FUTEX_CLOCK_REALTIME, 0, &ts, NULL, 0);
    puts(passed(t, 30000000));
    t = show_now(CLOCK_MONOTONIC);
    ts.tv_sec = (t + 30000000) / 1000000000;
    ts.tv_nsec = (t + 30000000) % 1000000000;
    CALL(futex, &word, WAIT_B, 0, &ts, NULL, ~0u);
    puts(passed(t, 30000000));
    CALL(futex, &word, WAIT_B, 0, &ts, NULL, ~0u);
    long long real = show_now(CLOCK_REALTIME) + 30000000;
    t = show_now(CLOCK_MONOTONIC);
    ts.tv_sec = real / 1000000000;
    ts.tv_nsec = real % 1000000000;
    CALL(futex, &word, WAIT_B | FUTEX_CLOCK_REALTIME, 0, &ts, NULL, ~0u);
    puts(passed(t, 25000000));
}

static void *wait_bits(void *arg)
{
    __atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
    return (void *)syscall(SYS_futex, &word, WAIT_B, 0, NULL, NULL,
                           (uint32_t)(uintptr_t)arg);
}

static void waking(void)
{
    pthread_t t[4];
    void *r;

    title("waking");
    for (uintptr_t i = 0; i < 4; i++) {
        pthread_create(&t[i], NULL, wait_bits, (void *)(1ul << i));
    }
    while (ready < 4) {
        usleep(1000);
    }
    until_others_sleep();
    CALL(futex, &word, WAKE_B, 10, NULL, NULL, 0x10);
    CALL(futex, &word, WAKE_B, 10, NULL, NULL, 0x5);
    pthread_join(t[0], &r);
    pthread_join(t[2], &r);
    CALL(futex, &word, WAKE_B, 10, NULL, NULL, 0x5);
    CALL(futex, &word, WAKE, 1, NULL, NULL, 0);
    CALL(futex, &word, WAKE, 10, NULL, NULL, 0);
    CALL(futex, &word, WAKE, 10, NULL, NULL, 0);
    pthread_join(t[1], &r);
    pthread_join(t[3], &r);
    printf("%ld\n", (long)r);
    /* Private and shared are two names of one place. */
    pthread_create(&t[0], NULL, wait_bits, (void *)1);
    until_others_sleep();
    CALL(futex, &word, FUTEX_WAKE, 10, NULL, NULL, 0);
    CALL(futex, &word, WAKE, 10, NULL, NULL, 0);
    pthread_join(t[0], &r);
    pthread_create(&t[0], NULL, wait_bits, (void *)1);
    until_others_sleep();
    CALL(futex, &word, WAKE, 0, NULL, NULL, 0);
    CALL(futex, &word, WAKE, 1, NULL, NULL, 0);
    pthread_join(t[0], &r);
}

static void on_signal(int signo)
{
}

static void *signal_later(void *arg)
{
    until_others_sleep();
    pthread_kill(*(pthread_t *)arg, SIGUSR1);
    until_others_sleep();
    word = 1;
    syscall(SYS_futex, &word, WAKE, 1, NULL, NULL, 0);
    return NULL;
}

static void signals(void)
{
    struct sigaction sa = {.sa_handler = on_signal};
    struct timespec ts = {5, 0};
    pthread_t t, self = pthread_self();

    title("signals");
    sigaction(SIGUSR1, &sa, NULL);
    pthread_create(&t, NULL, signal_later, &self);
    CALL(futex, &word, WAIT, 0, NULL, NULL, 0);
    pthread_join(t, NULL);
    word = 0;
    pthread_create(&t, NULL, signal_later, &self);
    CALL(futex, &word, WAIT, 0, &ts, NULL, 0);
    pthread_join(t, NULL);
    sa.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &sa, NULL);
    word = 0;
    pthread_create(&t, NULL, signal_later, &self);
    CALL(futex, &word, WAIT, 0, NULL, NULL, 0);
    pthread_join(t, NULL);
    word = 0;
    pthread_create(&t, NULL, signal_later, &self);
    CALL(futex, &word, WAIT, 0, &ts, NULL, 0);
    pthread_join(t, NULL);
}

int main(void)
{
    show_start();
    refusals();
    timeouts();
    waking();
    signals();
    return 0;
}
