/* SPDX-License-Identifier: MIT
 *
 * timer_create and its family: signals with values, threads as targets, no
 * notice at all, overruns, absolute times, what is left, refusals.
 */
#include <pthread.h>
#include <signal.h>
#include "tests/guest/show.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static volatile sig_atomic_t seen, value, code, overrun, in_thread;
static struct itimerspec old;
static int id;

static void on_signal(int signo, siginfo_t *si, void *uc)
{
    seen++;
    value = si->si_value.sival_int;
    code = si->si_code;
    overrun += si->si_overrun;
    in_thread = gettid() != getpid();
}

static void set(int flags, long ms, long interval_ms)
{
    struct itimerspec its = {{interval_ms / 1000, interval_ms % 1000 * 1000000},
                             {ms / 1000, ms % 1000 * 1000000}};

    printf("set %ld every %ld: ", ms, interval_ms);
    CALL(timer_settime, id, flags, &its, &old);
}

static void wait_for(int count)
{
    for (int i = 0; i < 1000 && seen < count; i++) {
        usleep(2000);
    }
    printf("seen %s value %d code %d\n", seen >= count ? "enough" : "too few",
           value, code);
    seen = 0;
}

static void signals(void)
{
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL,
                          .sigev_signo = SIGUSR1,
                          .sigev_value.sival_int = 42};
    sigset_t usr1;

    title("signals");
    CALL(timer_create, CLOCK_MONOTONIC, &ev, &id);
    set(0, 10, 0);
    wait_for(1);
    CALL(timer_gettime, id, &old);
    printf("left %ld\n", old.it_value.tv_nsec);
    set(0, 10, 10);
    wait_for(3);
    set(0, 100000, 0);
    printf("interval %ld\n", old.it_interval.tv_nsec);
    CALL(timer_gettime, id, &old);
    printf("left %d\n", old.it_value.tv_sec >= 99);
    title("overruns");
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    sigprocmask(SIG_BLOCK, &usr1, NULL);
    set(0, 5, 5);
    usleep(100000);
    overrun = 0;
    sigprocmask(SIG_UNBLOCK, &usr1, NULL);
    printf("many %d\n", overrun >= 10);
    long n = RAW(timer_getoverrun, id);
    printf("many %d\n", n >= 0);
    set(0, 0, 0);
    CALL(timer_delete, id);
    CALL(timer_delete, id);
    CALL(timer_gettime, id, &old);
    CALL(timer_getoverrun, id);
}

static void *sleeper(void *arg)
{
    *(pid_t *)arg = gettid();
    for (int i = 0; i < 100 && !in_thread; i++) {
        usleep(10000);
    }
    return NULL;
}

static void targets(void)
{
    struct sigevent ev = {.sigev_notify = SIGEV_THREAD_ID,
                          .sigev_signo = SIGUSR1};
    volatile pid_t tid = 0;
    pthread_t t;

    title("targets");
    seen = value = 0;
    pthread_create(&t, NULL, sleeper, (void *)&tid);
    while (!tid) {
        usleep(1000);
    }
    ev.sigev_notify_thread_id = tid;
    CALL(timer_create, CLOCK_MONOTONIC, &ev, &id);
    set(0, 10, 0);
    wait_for(1);
    pthread_join(t, NULL);
    printf("in the thread %d\n", in_thread);
    CALL(timer_delete, id);
    ev.sigev_notify_thread_id = 0x3ffffff;
    CALL(timer_create, CLOCK_MONOTONIC, &ev, &id);
    ev.sigev_notify = SIGEV_NONE;
    CALL(timer_create, CLOCK_MONOTONIC, &ev, &id);
    set(0, 10, 0);
    usleep(30000);
    CALL(timer_gettime, id, &old);
    printf("seen %d left %ld\n", seen, old.it_value.tv_nsec);
    CALL(timer_delete, id);
    signal(SIGALRM, SIG_IGN);
    CALL(timer_create, CLOCK_REALTIME, NULL, &id);
    struct itimerspec past = {{0, 0}, {1, 0}};
    CALL(timer_settime, id, TIMER_ABSTIME, &past, NULL);
    CALL(timer_delete, id);
}

/* A timer's signal is queued beside the same one that somebody sent. */
static void behind_another(void)
{
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
    struct itimerspec every = {{0, 1000000}, {0, 1000000}}, never = {0};
    struct timespec zero = {0, 0}, some = {0, 30000000};
    siginfo_t si;
    sigset_t set;

    title("behind another");
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR2);
    DOES(timer_create, CLOCK_MONOTONIC, &ev, &id);
    CALL(timer_settime, id, 0, &every, NULL);
    nanosleep(&some, NULL);
    EXPECT(sigtimedwait(&set, &si, &zero) == SIGUSR2);
    EXPECT(si.si_code != SI_TIMER);
    EXPECT(sigtimedwait(&set, &si, &zero) == SIGUSR2);
    EXPECT(si.si_code == SI_TIMER && si.si_overrun >= 10);
    CALL(timer_settime, id, 0, &never, NULL);
    CALL(timer_delete, id);
}

static void refusals(void)
{
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 65};
    struct itimerspec bad = {{0, 0}, {0, 1000000000}}, fine = {{0, 0}, {1, 0}};
    struct itimerspec negative = {{0, 0}, {-1, 0}};

    title("refusals");
    CALL(timer_create, 99, NULL, &id);
    CALL(timer_create, CLOCK_MONOTONIC_RAW, NULL, &id);
    CALL(timer_create, CLOCK_MONOTONIC, &ev, &id);
    ev.sigev_signo = 10;
    ev.sigev_notify = 77;
    CALL(timer_create, CLOCK_MONOTONIC, &ev, &id);
    CALL(timer_create, CLOCK_MONOTONIC, BAD, &id);
    CALL(timer_create, CLOCK_MONOTONIC, NULL, BAD);
    CALL(timer_create, CLOCK_MONOTONIC, NULL, &id);
    CALL(timer_settime, id, 0, &bad, NULL);
    CALL(timer_settime, id, 0, &negative, NULL);
    CALL(timer_settime, id, 0, BAD, NULL);
    CALL(timer_settime, id, 0, NULL, NULL);
    CALL(timer_settime, 999, 0, &fine, NULL);
    CALL(timer_settime, -1, 0, &fine, NULL);
    CALL(timer_gettime, id, BAD);
    CALL(timer_gettime, 999, &fine);
    CALL(timer_getoverrun, id);
    CALL(timer_delete, id);
    CALL(timer_delete, -1);
}

int main(void)
{
    struct sigaction sa = {.sa_sigaction = on_signal,
                           .sa_flags = SA_SIGINFO | SA_RESTART};

    show_start();
    sigaction(SIGUSR1, &sa, NULL);
    signals();
    targets();
    behind_another();
    refusals();
    return 0;
}
