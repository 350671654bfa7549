/* SPDX-License-Identifier: MIT
 *
 * setitimer, getitimer, alarm: real, virtual and profiling timers, what is
 * left, that alarm is the real one, refusals.
 */
#include <signal.h>
#include <sys/time.h>
#include "tests/guest/show.h"

static volatile sig_atomic_t seen;
static struct itimerval old;

static void on_signal(int signo)
{
    seen++;
}

static void set(int which, long ms, long interval_ms)
{
    struct itimerval it = {{interval_ms / 1000, interval_ms % 1000 * 1000},
                           {ms / 1000, ms % 1000 * 1000}};

    printf("set %d to %ld every %ld: ", which, ms, interval_ms);
    CALL(setitimer, which, &it, &old);
}

/* The timer may be over before who set it runs again. */
static void wait_for_alarm(void)
{
    sigset_t none;

    sigemptyset(&none);
    sigsuspend(&none);
}

static void real(void)
{
    long long t = show_now(CLOCK_MONOTONIC);
    sigset_t alarms;

    title("real");
    signal(SIGALRM, on_signal);
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    sigprocmask(SIG_BLOCK, &alarms, NULL);
    set(ITIMER_REAL, 20, 0);
    wait_for_alarm();
    sigprocmask(SIG_UNBLOCK, &alarms, NULL);
    printf("seen %d %s\n", seen, passed(t, 10000000));
    CALL(getitimer, ITIMER_REAL, &old);
    printf("left %ld %ld\n", (long)old.it_value.tv_sec,
           (long)old.it_value.tv_usec);
    set(ITIMER_REAL, 100000, 7);
    CALL(getitimer, ITIMER_REAL, &old);
    printf("left %d interval %ld\n", old.it_value.tv_sec >= 99,
           (long)old.it_interval.tv_usec);
    CALL(alarm, 50);
    CALL(getitimer, ITIMER_REAL, &old);
    printf("left %d interval %ld\n", old.it_value.tv_sec >= 49,
           (long)old.it_interval.tv_usec);
    set(ITIMER_REAL, 0, 5);
    printf("old %d\n", old.it_value.tv_sec >= 49);
    CALL(alarm, 0);
    CALL(alarm, 10);
    set(ITIMER_REAL, 300, 0);
    /* Less than half a second left counts as one, never as none. */
    CALL(alarm, 0);
    CALL(alarm, 0);
}

static void cpu(int which, int signo)
{
    long long t = show_now(CLOCK_THREAD_CPUTIME_ID);

    title("computing");
    seen = 0;
    signal(signo, on_signal);
    set(which, 30, 0);
    usleep(100000);
    printf("sleeping: seen %d\n", seen);
    while (!seen && show_now(CLOCK_THREAD_CPUTIME_ID) - t < 2000000000) {
    }
    printf("computing: seen %d\n", seen);
    set(which, 20, 20);
    seen = 0;
    while (seen < 3 && show_now(CLOCK_THREAD_CPUTIME_ID) - t < 4000000000) {
    }
    printf("seen %d\n", seen);
    set(which, 0, 0);
    printf("interval %ld\n", (long)old.it_interval.tv_usec);
}

static void refusals(void)
{
    struct itimerval bad = {{0, 0}, {0, 1000000}}, neg = {{0, 0}, {-1, 0}};
    struct itimerval bad2 = {{0, -1}, {0, 0}}, fine = {{0, 0}, {100, 0}};

    title("refusals");
    CALL(setitimer, 3, &fine, NULL);
    CALL(setitimer, -1, &fine, NULL);
    CALL(getitimer, 3, &old);
    CALL(setitimer, ITIMER_REAL, &bad, NULL);
    CALL(setitimer, ITIMER_REAL, &bad2, NULL);
    CALL(setitimer, ITIMER_REAL, &neg, NULL);
    CALL(setitimer, ITIMER_REAL, BAD, NULL);
    CALL(setitimer, ITIMER_REAL, &fine, BAD);
    CALL(getitimer, ITIMER_REAL, &old);
    printf("set %d\n", old.it_value.tv_sec >= 99);
    CALL(setitimer, ITIMER_REAL, NULL, &old);
    CALL(getitimer, ITIMER_REAL, &old);
    printf("left %ld\n", (long)old.it_value.tv_sec);
    CALL(getitimer, ITIMER_REAL, BAD);
}

int main(void)
{
    show_start();
    real();
    cpu(ITIMER_VIRTUAL, SIGVTALRM);
    cpu(ITIMER_PROF, SIGPROF);
    refusals();
    return 0;
}
