/* SPDX-License-Identifier: MIT
 *
 * nanosleep and clock_nanosleep: how long, what is left after a signal,
 * restarting after a stop, absolute times, refusals.
 */
#include <pthread.h>
#include <signal.h>
#include "tests/guest/show.h"

static volatile sig_atomic_t seen;

static void on_signal(int signo)
{
    seen++;
}

static void *signal_later(void *arg)
{
    usleep(50000);
    pthread_kill(*(pthread_t *)arg, SIGUSR1);
    return NULL;
}

static void durations(void)
{
    struct timespec ts = {0, 30000000}, rem = {7, 7}, zero = {0, 0};
    long long t = show_now(CLOCK_MONOTONIC);

    title("durations");
    CALL(nanosleep, &ts, &rem);
    printf("%s, left %ld %ld\n", passed(t, 30000000), rem.tv_sec, rem.tv_nsec);
    CALL(nanosleep, &zero, NULL);
    t = show_now(CLOCK_MONOTONIC);
    CALL(clock_nanosleep, CLOCK_REALTIME, 0, &ts, NULL);
    puts(passed(t, 30000000));
    t = show_now(CLOCK_MONOTONIC);
    ts.tv_sec = (t + 40000000) / 1000000000;
    ts.tv_nsec = (t + 40000000) % 1000000000;
    CALL(clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
    puts(passed(t, 40000000));
    CALL(clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
    t = show_now(CLOCK_BOOTTIME);
    ts.tv_sec = (t + 40000000) / 1000000000;
    ts.tv_nsec = (t + 40000000) % 1000000000;
    CALL(clock_nanosleep, CLOCK_BOOTTIME, TIMER_ABSTIME, &ts, NULL);
    t = show_now(CLOCK_REALTIME);
    ts.tv_sec = (t + 40000000) / 1000000000;
    ts.tv_nsec = (t + 40000000) % 1000000000;
    CALL(clock_nanosleep, CLOCK_TAI, TIMER_ABSTIME, &zero, NULL);
    CALL(clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &ts, NULL);
    printf("%d\n", show_now(CLOCK_REALTIME) >= t + 40000000);
}

static void interrupted(void)
{
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct timespec ts = {5, 0}, rem = {7, 7};
    pthread_t t, self = pthread_self();

    title("interrupted");
    sigaction(SIGUSR1, &sa, NULL);
    pthread_create(&t, NULL, signal_later, &self);
    CALL(nanosleep, &ts, &rem);
    pthread_join(t, NULL);
    printf("left %ld, seen %d\n", rem.tv_sec, seen);
    pthread_create(&t, NULL, signal_later, &self);
    CALL(nanosleep, &ts, NULL);
    pthread_join(t, NULL);
    pthread_create(&t, NULL, signal_later, &self);
    CALL(nanosleep, &ts, BAD);
    pthread_join(t, NULL);
    pthread_create(&t, NULL, signal_later, &self);
    CALL(clock_nanosleep, CLOCK_MONOTONIC, 0, &ts, &rem);
    pthread_join(t, NULL);
    printf("left %ld, seen %d\n", rem.tv_sec, seen);
    clock_gettime(CLOCK_MONOTONIC, &ts);
    ts.tv_sec += 5;
    rem.tv_sec = 7;
    pthread_create(&t, NULL, signal_later, &self);
    CALL(clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, &rem);
    pthread_join(t, NULL);
    printf("left %ld, seen %d\n", rem.tv_sec, seen);
    /* An ignored signal does not wake. */
    signal(SIGUSR1, SIG_IGN);
    ts = (struct timespec){0, 100000000};
    long long start = show_now(CLOCK_MONOTONIC);
    pthread_create(&t, NULL, signal_later, &self);
    CALL(nanosleep, &ts, &rem);
    puts(passed(start, 100000000));
    pthread_join(t, NULL);
}

static void refusals(void)
{
    struct timespec bad = {0, 1000000000}, neg = {-1, 0}, neg2 = {0, -1};
    struct timespec fine = {0, 1};

    title("refusals");
    CALL(nanosleep, &bad, NULL);
    CALL(nanosleep, &neg, NULL);
    CALL(nanosleep, &neg2, NULL);
    CALL(nanosleep, BAD, NULL);
    CALL(nanosleep, NULL, NULL);
    CALL(clock_nanosleep, 99, 0, &fine, NULL);
    CALL(clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &fine, NULL);
    CALL(clock_nanosleep, CLOCK_MONOTONIC_RAW, 0, &fine, NULL);
    CALL(clock_nanosleep, CLOCK_MONOTONIC_COARSE, 0, &fine, NULL);
    CALL(clock_nanosleep, CLOCK_MONOTONIC, 0, &bad, NULL);
    CALL(clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &neg, NULL);
    CALL(clock_nanosleep, CLOCK_MONOTONIC, 0, BAD, NULL);
    CALL(clock_nanosleep, CLOCK_MONOTONIC, 8, &fine, NULL);
}

int main(void)
{
    show_start();
    durations();
    interrupted();
    refusals();
    return 0;
}
