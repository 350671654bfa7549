/* SPDX-License-Identifier: MIT
 *
 * getrusage, times and the clocks of process and thread: that they agree,
 * grow with work and not with sleep.
 */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/times.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

static long long cpu(int who)
{
    struct rusage ru;

    getrusage(who, &ru);
    return (ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1000000ll +
           ru.ru_utime.tv_usec + ru.ru_stime.tv_usec;
}

/* Computes for about so many milliseconds of this thread's own time. */
static void work(int ms)
{
    long long start = show_now(CLOCK_THREAD_CPUTIME_ID);

    while (show_now(CLOCK_THREAD_CPUTIME_ID) - start < ms * 1000000ll) {
    }
}

static const char *about(long long us, int ms)
{
    return us < ms * 1000 - 15000    ? "less"
           : us < ms * 1000 + 150000 ? "ok"
                                     : "more";
}

static void *thread(void *arg)
{
    long long start = cpu(RUSAGE_THREAD);

    work(100);
    printf("thread %s\n", about(cpu(RUSAGE_THREAD) - start, 100));
    return NULL;
}

/* What children had counts when they are waited for; the most is remembered. */
static void memory(void)
{
    enum { SIZE = 24 << 20 };
    struct rusage before, child, sum, after;
    int status;

    title("memory");
    getrusage(RUSAGE_SELF, &before);
    pid_t pid = fork();
    if (!pid) {
        if (!fork()) {
            memset(mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
                   1, SIZE);
            _exit(0);
        }
        wait(NULL);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    pid = fork();
    if (!pid) {
        _exit(0);
    }
    wait4(pid, &status, 0, &child);
    getrusage(RUSAGE_CHILDREN, &sum);
    EXPECT(child.ru_maxrss > 0 && child.ru_maxrss < SIZE / 1024);
    EXPECT(sum.ru_maxrss >= SIZE / 1024);
    void *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(p, 1, SIZE);
    munmap(p, SIZE);
    getrusage(RUSAGE_SELF, &after);
    EXPECT(after.ru_maxrss >= before.ru_maxrss + SIZE / 2048);
}

int main(void)
{
    struct rusage ru;
    struct tms a, b;
    long long start, main_start;
    pthread_t t;

    show_start();
    start = cpu(RUSAGE_SELF);
    usleep(100000);
    printf("sleep %s\n", about(cpu(RUSAGE_SELF) - start, 0));
    clock_t ticks = times(&a);
    start = cpu(RUSAGE_SELF);
    work(200);
    printf("work %s\n", about(cpu(RUSAGE_SELF) - start, 200));
    clock_t later = times(&b);
    printf("times %d %d\n", later - ticks >= 19,
           b.tms_utime + b.tms_stime - a.tms_utime - a.tms_stime >= 18);
    printf("children %ld %ld\n", (long)b.tms_cutime, (long)b.tms_cstime);
    title("threads");
    start = cpu(RUSAGE_SELF);
    main_start = cpu(RUSAGE_THREAD);
    pthread_create(&t, NULL, thread, NULL);
    pthread_join(t, NULL);
    printf("process %s main %s\n", about(cpu(RUSAGE_SELF) - start, 100),
           about(cpu(RUSAGE_THREAD) - main_start, 0));
    long long of_clock = show_now(CLOCK_PROCESS_CPUTIME_ID) / 1000;
    printf("agree %s\n", about(cpu(RUSAGE_SELF) - of_clock, 0));
    title("others");
    getrusage(RUSAGE_CHILDREN, &ru);
    printf("children %ld %ld %ld\n", (long)ru.ru_utime.tv_sec,
           (long)ru.ru_utime.tv_usec, ru.ru_maxrss);
    getrusage(RUSAGE_SELF, &ru);
    printf("resident %d faults %d switches %d\n", ru.ru_maxrss > 100,
           ru.ru_minflt + ru.ru_majflt > 0, ru.ru_nvcsw > 0);
    CALL(getrusage, RUSAGE_SELF, BAD);
    CALL(getrusage, 2, &ru);
    CALL(getrusage, -2, &ru);
    CALL(times, BAD);
    printf("times without a buffer %d\n", times(NULL) > 0);
    memory();
    return 0;
}
