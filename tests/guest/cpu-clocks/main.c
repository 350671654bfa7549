/* SPDX-License-Identifier: MIT
 *
 * Clocks of CPU time: of this and other threads, of processes by number,
 * timers on them, sleeping on them.
 */
#include <pthread.h>
#include <signal.h>
#include "tests/guest/show.h"

static volatile sig_atomic_t seen;
static volatile int stop;

static void on_signal(int signo)
{
    seen++;
}

static void *spin(void *arg)
{
    while (!stop) {
    }
    return NULL;
}

static long long now(clockid_t id)
{
    struct timespec ts = {-1, 0};

    clock_gettime(id, &ts);
    return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

int main(void)
{
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec its = {{0, 0}, {0, 50000000}};
    struct timespec ts = {0, 50000000};
    clockid_t own, other, process;
    pthread_t t;
    timer_t timer;

    show_start();
    pthread_create(&t, NULL, spin, NULL);
    SHOW(pthread_getcpuclockid(pthread_self(), &own));
    SHOW(pthread_getcpuclockid(t, &other));
    SHOW(clock_getcpuclockid(0, &process));
    SHOW(clock_getcpuclockid(getpid(), &process));
    long long mine = now(own), theirs = now(other), all = now(process);
    for (int i = 0; i < 600 && now(other) - theirs <= 50000000; i++) {
        usleep(100000);
    }
    printf("own %d other %d process %d\n",
           now(own) - mine<1000000000, now(other) - theirs> 50000000,
           now(process) - all > 50000000);
    printf("same %d\n", now(own) <= now(CLOCK_THREAD_CPUTIME_ID));
    title("a timer on the process's time");
    signal(SIGUSR1, on_signal);
    SHOW(timer_create(CLOCK_PROCESS_CPUTIME_ID, &ev, &timer));
    SHOW(timer_settime(timer, 0, &its, NULL));
    for (int i = 0; i < 6000 && !seen; i++) {
        usleep(10000);
    }
    printf("seen %d\n", seen);
    SHOW(timer_delete(timer));
    title("sleeping on it");
    CALL(clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0, &ts, NULL);
    stop = 1;
    pthread_join(t, NULL);
    title("a timer on a thread that sleeps");
    seen = 0;
    SHOW(timer_create(CLOCK_THREAD_CPUTIME_ID, &ev, &timer));
    SHOW(timer_settime(timer, 0, &its, NULL));
    usleep(100000);
    printf("seen %d\n", seen);
    while (!seen) {
    }
    printf("seen %d\n", seen);
    title("refusals");
    CALL(clock_gettime, other, &ts);
    CALL(clock_gettime, ~0x3ffffff << 3 | 2, &ts);
    CALL(clock_getres, own, &ts);
    CALL(clock_settime, own, &ts);
    CALL(clock_nanosleep, own, 0, &ts, NULL);
    return 0;
}
