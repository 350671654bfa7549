/* SPDX-License-Identifier: MIT
 *
 * futex_waitv: several words at once, which one woke, timeouts, refusals.
 */
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include "tests/guest/show.h"

#define P32 (FUTEX_32 | FUTEX_PRIVATE_FLAG)

static uint32_t words[200];
static struct futex_waitv v[200];

static void reset(void)
{
    for (int i = 0; i < 200; i++) {
        v[i] = (struct futex_waitv){0, (uintptr_t)&words[i], P32, 0};
        words[i] = 0;
    }
}

static void *wake_later(void *arg)
{
    until_others_sleep();
    syscall(SYS_futex, &words[(intptr_t)arg], FUTEX_WAKE_PRIVATE, 1);
    return NULL;
}

static void on_signal(int signo)
{
}

static void *signal_later(void *arg)
{
    until_others_sleep();
    pthread_kill(*(pthread_t *)arg, SIGUSR1);
    return NULL;
}

int main(void)
{
    struct timespec ts, bad = {0, 1000000000}, past = {0, 1};
    struct sigaction sa = {.sa_handler = on_signal};
    pthread_t t, self = pthread_self();

    show_start();
    reset();
    pthread_create(&t, NULL, wake_later, (void *)0);
    CALL(futex_waitv, v, 3, 0, NULL, 0);
    pthread_join(t, NULL);
    pthread_create(&t, NULL, wake_later, (void *)2);
    CALL(futex_waitv, v, 3, 0, NULL, 0);
    pthread_join(t, NULL);
    pthread_create(&t, NULL, wake_later, (void *)127);
    CALL(futex_waitv, v, 128, 0, NULL, 0);
    pthread_join(t, NULL);
    title("timeouts");
    long long start = show_now(CLOCK_MONOTONIC);
    ts.tv_sec = (start + 30000000) / 1000000000;
    ts.tv_nsec = (start + 30000000) % 1000000000;
    CALL(futex_waitv, v, 3, 0, &ts, CLOCK_MONOTONIC);
    puts(passed(start, 30000000));
    CALL(futex_waitv, v, 3, 0, &past, CLOCK_MONOTONIC);
    CALL(futex_waitv, v, 3, 0, &past, CLOCK_REALTIME);
    sigaction(SIGUSR1, &sa, NULL);
    pthread_create(&t, NULL, signal_later, &self);
    CALL(futex_waitv, v, 3, 0, NULL, 0);
    pthread_join(t, NULL);
    title("refusals");
    CALL(futex_waitv, v, 0, 0, NULL, 0);
    CALL(futex_waitv, v, 129, 0, NULL, 0);
    CALL(futex_waitv, v, 3, 1, NULL, 0);
    CALL(futex_waitv, NULL, 3, 0, NULL, 0);
    CALL(futex_waitv, BAD, 3, 0, NULL, 0);
    CALL(futex_waitv, v, 3, 0, &bad, CLOCK_MONOTONIC);
    CALL(futex_waitv, v, 3, 0, BAD, CLOCK_MONOTONIC);
    CALL(futex_waitv, v, 3, 0, &past, CLOCK_BOOTTIME);
    CALL(futex_waitv, v, 3, 0, &past, 99);
    words[1] = 5;
    CALL(futex_waitv, v, 3, 0, &past, CLOCK_MONOTONIC);
    reset();
    v[1].__reserved = 1;
    CALL(futex_waitv, v, 3, 0, &past, CLOCK_MONOTONIC);
    reset();
    v[1].flags = 0x1000;
    CALL(futex_waitv, v, 3, 0, &past, CLOCK_MONOTONIC);
    reset();
    v[1].uaddr = 16;
    CALL(futex_waitv, v, 3, 0, &past, CLOCK_MONOTONIC);
    reset();
    v[1].uaddr = (uintptr_t)words + 1;
    CALL(futex_waitv, v, 3, 0, &past, CLOCK_MONOTONIC);
    return 0;
}
