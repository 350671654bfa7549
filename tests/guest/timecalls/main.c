/* SPDX-License-Identifier: MIT
 *
 * Clocks, sleeping and timers: refusals, and that each does what it says
 * within generous bounds.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/times.h>
#include "tests/guest/show.h"

static const struct timespec bad = {0, 1000000000}, minus = {-1, 0};
static const struct timespec zero = {0, 0}, brief = {0, 2000000};

static void clocks(void)
{
    static const int ids[] = {0,  1,  2,  3,  4,  5,  6,  7,
                              11, 10, 12, 16, 77, -1, -2, -6};
    struct timespec ts;
    struct timeval tv;
    long t;

    for (unsigned i = 0; i < COUNT(ids); i++) {
        printf("clock %d: ", ids[i]);
        CALL(clock_gettime, (long)ids[i], &ts);
        CALL(clock_getres, (long)ids[i], &ts);
        printf("%ld %ld\n", (long)ts.tv_sec, ts.tv_nsec);
        CALL(clock_getres, (long)ids[i], NULL);
    }
    CALL(clock_gettime, 0, BAD);
    CALL(clock_settime, 0, BAD);
    CALL(clock_settime, 0, &bad);
    CALL(clock_settime, 1, &zero);
    CALL(clock_settime, 77, &zero);
    CALL(gettimeofday, BAD, NULL);
    CALL(gettimeofday, NULL, BAD);
    CALL(gettimeofday, NULL, NULL);
    CALL(gettimeofday, &tv, NULL);
    CALL(time, BAD);
    EXPECT(syscall(SYS_time, &t) == t && labs(t - tv.tv_sec) < 3);
    EXPECT(syscall(SYS_times, NULL) > 0);
    CALL(times, BAD);
}

static void cpu_time(void)
{
    clockid_t process, thread;
    struct timespec a, b;
    struct tms tms;
    long long start = show_now(CLOCK_MONOTONIC);

    EXPECT(clock_getcpuclockid(0, &process) == 0);
    EXPECT(clock_getcpuclockid(getpid(), &process) == 0);
    EXPECT(clock_getcpuclockid(0x3ffffff0, &thread) == ESRCH);
    EXPECT(pthread_getcpuclockid(pthread_self(), &thread) == 0);
    while (show_now(CLOCK_MONOTONIC) < start + 50000000) {
    }
    EXPECT(clock_gettime(process, &a) == 0 && clock_gettime(thread, &b) == 0);
    EXPECT(a.tv_sec * 1000000000 + a.tv_nsec > 1000000);
    EXPECT(b.tv_sec * 1000000000 + b.tv_nsec > 1000000);
    EXPECT(show_now(CLOCK_THREAD_CPUTIME_ID) > 1000000);
    usleep(100000);
    EXPECT(show_now(CLOCK_PROCESS_CPUTIME_ID) <
           show_now(CLOCK_MONOTONIC) - start + 2000000000);
    times(&tms);
    EXPECT(tms.tms_utime + tms.tms_stime < 1000);
    EXPECT(tms.tms_cutime == 0 && tms.tms_cstime == 0);
}

static void adjusting(void)
{
    struct timex tx = {.modes = 0};

    EXPECT(syscall(SYS_adjtimex, &tx) >= 0);
    EXPECT(tx.tick >= 9000 && tx.tick <= 11000 && tx.time.tv_sec > 1000000);
    CALL(adjtimex, BAD);
    CALL(clock_adjtime, 77, &tx);
    CALL(clock_adjtime, CLOCK_MONOTONIC, &tx);
}

static void sleeping(void)
{
    struct timespec at;
    long long start = show_now(CLOCK_MONOTONIC);

    CALL(nanosleep, &bad, NULL);
    CALL(nanosleep, &minus, NULL);
    CALL(nanosleep, BAD, NULL);
    CALL(nanosleep, &zero, NULL);
    CALL(nanosleep, &brief, NULL);
    printf("%s\n", passed(start, 2000000));
    CALL(clock_nanosleep, 77, 0, &brief, NULL);
    CALL(clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &brief, NULL);
    CALL(clock_nanosleep, CLOCK_MONOTONIC_RAW, 0, &brief, NULL);
    CALL(clock_nanosleep, CLOCK_MONOTONIC, 0, &bad, NULL);
    CALL(clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &brief, NULL);
    CALL(clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &brief, NULL);
    CALL(clock_nanosleep, CLOCK_BOOTTIME, 0, &brief, NULL);
    start = show_now(CLOCK_MONOTONIC);
    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_nsec += 20000000;
    at.tv_sec += at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    CALL(clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &at, NULL);
    printf("%s\n", passed(start, 19000000));
}

/* ---- interval timers ---- */

static volatile int hits;
static volatile int last_code, last_value, last_overrun;

static void count(int signo, siginfo_t *info, void *context)
{
    hits++;
    last_code = info->si_code;
    last_value = info->si_value.sival_int;
    last_overrun = info->si_overrun;
}

static void burn(long long ns)
{
    long long end = show_now(CLOCK_MONOTONIC) + ns;

    while (show_now(CLOCK_MONOTONIC) < end) {
    }
}

static void intervals(void)
{
    struct itimerval v = {{0, 0}, {5, 0}}, old;
    struct itimerval wrong = {{0, 0}, {0, 1000000}};

    CALL(setitimer, 3, &v, &old);
    CALL(setitimer, 0, &wrong, &old);
    CALL(setitimer, 0, BAD, &old);
    CALL(getitimer, 0, BAD);
    CALL(getitimer, -1, &old);
    CALL(setitimer, ITIMER_REAL, &v, &old);
    CALL(getitimer, ITIMER_REAL, &old);
    EXPECT(old.it_value.tv_sec == 4);
    CALL(alarm, 7);
    CALL(alarm, 0);
    hits = 0;
    v = (struct itimerval){{0, 5000}, {0, 5000}};
    setitimer(ITIMER_REAL, &v, NULL);
    while (hits < 3) {
        pause();
    }
    v = (struct itimerval){{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &v, NULL);
    EXPECT(last_code == SI_KERNEL);
    v.it_value.tv_usec = 20000;
    for (int which = ITIMER_VIRTUAL; which <= ITIMER_PROF; which++) {
        hits = 0;
        setitimer(which, &v, NULL);
        usleep(60000);
        EXPECT(hits == 0);
        while (!hits) {
            burn(1000000);
        }
        getitimer(which, &old);
        EXPECT(old.it_value.tv_sec == 0 && old.it_value.tv_usec == 0);
    }
}

/* ---- POSIX timers ---- */

static int make(int clock, struct sigevent *ev)
{
    int id = -1;

    return RAW(timer_create, (long)clock, ev, &id) ? -1 : id;
}

static void timers_refuse(void)
{
    struct sigevent ev = {.sigev_notify = 99};
    struct itimerspec v = {{0, 0}, {0, 0}}, wrong = {{0, 0}, {0, 1000000000}};
    int id;

    CALL(timer_create, 77, NULL, &id);
    CALL(timer_create, CLOCK_MONOTONIC, &ev, &id);
    CALL(timer_create, CLOCK_MONOTONIC_RAW, NULL, &id);
    CALL(timer_create, CLOCK_MONOTONIC, BAD, &id);
    CALL(timer_create, CLOCK_MONOTONIC, NULL, BAD);
    ev = (struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 65};
    CALL(timer_create, CLOCK_MONOTONIC, &ev, &id);
    ev = (struct sigevent){.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = 10};
    ev._sigev_un._tid = 0x3ffffff0;
    CALL(timer_create, CLOCK_MONOTONIC, &ev, &id);
    CALL(timer_settime, 999, 0, &v, NULL);
    CALL(timer_gettime, 999, &v);
    CALL(timer_getoverrun, 999);
    CALL(timer_delete, 999);
    id = make(CLOCK_MONOTONIC, NULL);
    CALL(timer_settime, (long)id, 0, NULL, NULL);
    CALL(timer_settime, (long)id, 0, &wrong, NULL);
    CALL(timer_settime, (long)id, 0, BAD, NULL);
    CALL(timer_settime, (long)id, 0, &v, BAD);
    CALL(timer_gettime, (long)id, BAD);
    CALL(timer_delete, (long)id);
    CALL(timer_delete, (long)id);
}

static void timers_work(void)
{
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL,
                          .sigev_signo = SIGRTMIN,
                          .sigev_value.sival_int = 4711};
    struct itimerspec v = {{0, 0}, {0, 5000000}}, old;
    int id = make(CLOCK_MONOTONIC, &ev);
    sigset_t set;

    hits = 0;
    CALL(timer_settime, (long)id, 0, &v, &old);
    EXPECT(old.it_value.tv_sec == 0 && old.it_value.tv_nsec == 0);
    while (!hits) {
        pause();
    }
    printf("code %d value %d\n", last_code == SI_TIMER, last_value);
    CALL(timer_gettime, (long)id, &old);
    EXPECT(old.it_value.tv_sec == 0 && old.it_value.tv_nsec == 0);
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    v.it_interval.tv_nsec = 1000000;
    syscall(SYS_timer_settime, id, 0, &v, NULL);
    usleep(50000);
    hits = 0;
    v = (struct itimerspec){{0, 0}, {0, 0}};
    syscall(SYS_timer_settime, id, 0, &v, NULL);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    EXPECT(hits <= 1);
    v.it_value.tv_sec = 1; /* absolute: long past */
    hits = 0;
    CALL(timer_settime, (long)id, TIMER_ABSTIME, &v, NULL);
    while (!hits) {
        usleep(1000);
    }
    CALL(timer_delete, (long)id);
}

static void overruns_are_counted(void)
{
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL,
                          .sigev_signo = SIGRTMIN};
    struct itimerspec v = {{0, 1000000}, {0, 1000000}};
    int id = make(CLOCK_MONOTONIC, &ev);
    sigset_t set;
    siginfo_t info;

    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    syscall(SYS_timer_settime, id, 0, &v, NULL);
    usleep(50000);
    EXPECT(sigwaitinfo(&set, &info) == SIGRTMIN);
    EXPECT(info.si_overrun >= 30);
    EXPECT(syscall(SYS_timer_getoverrun, id) == info.si_overrun);
    CALL(timer_delete, (long)id);
    while (sigtimedwait(&set, NULL, &zero) > 0) {
    }
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void other_kinds(void)
{
    struct sigevent none = {.sigev_notify = SIGEV_NONE};
    struct sigevent tid = {.sigev_notify = SIGEV_THREAD_ID,
                           .sigev_signo = SIGRTMIN};
    struct itimerspec v = {{0, 0}, {0, 20000000}}, old;
    int id = make(CLOCK_REALTIME, &none);

    v.it_interval.tv_nsec = 20000000;
    CALL(timer_settime, (long)id, 0, &v, NULL);
    usleep(50000);
    CALL(timer_gettime, (long)id, &old);
    EXPECT(old.it_value.tv_nsec > 0 && old.it_value.tv_nsec <= 20000000);
    CALL(timer_delete, (long)id);
    tid._sigev_un._tid = (int)syscall(SYS_gettid);
    id = make(CLOCK_PROCESS_CPUTIME_ID, &tid);
    v.it_interval.tv_nsec = 0;
    hits = 0;
    CALL(timer_settime, (long)id, 0, &v, NULL);
    while (!hits) {
        burn(1000000);
    }
    CALL(timer_delete, (long)id);
    id = make(CLOCK_THREAD_CPUTIME_ID, &tid);
    hits = 0;
    CALL(timer_settime, (long)id, 0, &v, NULL);
    usleep(60000);
    EXPECT(hits == 0);
    while (!hits) {
        burn(1000000);
    }
    CALL(timer_delete, (long)id);
}

int main(void)
{
    struct sigaction sa = {.sa_sigaction = count, .sa_flags = SA_SIGINFO};

    show_start();
    sigaction(SIGALRM, &sa, NULL);
    sigaction(SIGVTALRM, &sa, NULL);
    sigaction(SIGPROF, &sa, NULL);
    sigaction(SIGRTMIN, &sa, NULL);
    clocks();
    cpu_time();
    adjusting();
    sleeping();
    intervals();
    timers_refuse();
    timers_work();
    overruns_are_counted();
    other_kinds();
    return 0;
}
