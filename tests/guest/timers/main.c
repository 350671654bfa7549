/* SPDX-License-Identifier: MIT
 *
 * Clocks and timers: order and resolution of clocks, sleeping, interval
 * timers, POSIX timers with signals and overruns, timeouts of poll.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t alarms;

static void on_alarm(int signo)
{
    alarms++;
}

static long long now(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static const char *about(long long ns, long long want)
{
    return ns >= want && ns < want + 500000000 ? "ok" : "off";
}

static void clocks(void)
{
    static const clockid_t ids[] = {CLOCK_REALTIME,
                                    CLOCK_MONOTONIC,
                                    CLOCK_MONOTONIC_RAW,
                                    CLOCK_BOOTTIME,
                                    CLOCK_REALTIME_COARSE,
                                    CLOCK_MONOTONIC_COARSE,
                                    CLOCK_PROCESS_CPUTIME_ID,
                                    CLOCK_THREAD_CPUTIME_ID,
                                    CLOCK_TAI};
    struct timespec ts;
    struct timeval tv;

    for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        long long a = now(ids[i]), b = now(ids[i]);

        printf("clock %d forward %d\n", ids[i], a > 0 && b >= a);
    }
    printf("bad clock %d", clock_gettime(99, &ts));
    printf(" %d\n", errno);
    gettimeofday(&tv, NULL);
    long long diff =
        now(CLOCK_REALTIME) - (tv.tv_sec * 1000000000ll + tv.tv_usec * 1000ll);
    printf("gettimeofday agrees %d\n", diff >= 0 && diff < 1000000000);
    printf("after 2024 %d\n", time(NULL) > 1704067200);
}

static void sleeps(void)
{
    struct timespec ts = {0, 20000000};
    long long t = now(CLOCK_MONOTONIC);

    nanosleep(&ts, NULL);
    printf("nanosleep %s\n", about(now(CLOCK_MONOTONIC) - t, 20000000));
    t = now(CLOCK_MONOTONIC);
    ts.tv_sec = (t + 30000000) / 1000000000;
    ts.tv_nsec = (t + 30000000) % 1000000000;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
    printf("absolute %s\n", about(now(CLOCK_MONOTONIC) - t, 30000000));
    ts.tv_nsec = 1000000000;
    printf("bad nsec %d", nanosleep(&ts, NULL));
    printf(" %d\n", errno);
    t = now(CLOCK_MONOTONIC);
    printf("poll %d", poll(NULL, 0, 25));
    printf(" %s\n", about(now(CLOCK_MONOTONIC) - t, 25000000));
}

static void wait_alarms(int count)
{
    sigset_t set, old;

    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    sigprocmask(SIG_BLOCK, &set, &old);
    while (alarms < count) {
        sigsuspend(&old);
    }
    sigprocmask(SIG_SETMASK, &old, NULL);
}

static void intervals(void)
{
    struct itimerval it = {{0, 5000}, {0, 5000}}, zero = {{0, 0}, {0, 0}};
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    struct itimerspec its = {{0, 3000000}, {0, 3000000}}, old;
    timer_t id;

    signal(SIGALRM, on_alarm);
    setitimer(ITIMER_REAL, &it, NULL);
    wait_alarms(5);
    setitimer(ITIMER_REAL, &zero, &it);
    printf("setitimer interval %ld\n", (long)it.it_interval.tv_usec);
    alarms = 0;
    printf("timer_create %d\n", timer_create(CLOCK_MONOTONIC, &ev, &id));
    timer_settime(id, 0, &its, NULL);
    wait_alarms(5);
    timer_gettime(id, &old);
    printf("interval %ld\n", old.it_interval.tv_nsec);
    printf("delete %d", timer_delete(id));
    printf(" again %d\n", timer_delete(id));
    printf("alarm %u\n", alarm(100));
    printf("alarm left %d\n", alarm(0) > 98);
}

/* A timer must reach a thread that only computes. */
static void compute(void)
{
    struct itimerval it = {{0, 0}, {0, 20000}};

    alarms = 0;
    setitimer(ITIMER_REAL, &it, NULL);
    while (!alarms) {
    }
    puts("compute interrupted");
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    clocks();
    sleeps();
    intervals();
    compute();
    return 0;
}
