/* SPDX-License-Identifier: MIT
 *
 * getrusage, times and the clocks of process and thread: that they agree,
 * grow with work and not with sleep.
 */
#include <pthread.h>
#include <stdbool.h>
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

/* What is measured, in us, of one attempt. */
enum { TAKEN_MOST = 3 };
struct taken {
    long long us[TAKEN_MOST];
};

/* Other load can lengthen any attempt, and nothing shortens one: so each value
 * is never below what it should be, and close to it once in a while. */
static void measure(const char *const *names, const int *ms, int count,
                    void (*once)(struct taken *t))
{
    enum { ATTEMPTS = 100, LESS = 15000, MORE = 50000 };
    bool less[TAKEN_MOST] = {false}, close[TAKEN_MOST] = {false};
    int open = count;

    for (int n = 0; n < ATTEMPTS && open; n++) {
        struct taken t;

        once(&t);
        for (int i = 0; i < count; i++) {
            less[i] |= t.us[i] < ms[i] * 1000 - LESS;
            if (!close[i] && t.us[i] < ms[i] * 1000 + MORE) {
                close[i] = true;
                open--;
            }
        }
    }
    for (int i = 0; i < count; i++) {
        printf("%s %s\n", names[i],
               less[i]    ? "less"
               : close[i] ? "ok"
                          : "more");
    }
}

static void sleeps(struct taken *t)
{
    long long start = cpu(RUSAGE_SELF);

    usleep(100000);
    t->us[0] = cpu(RUSAGE_SELF) - start;
}

static void works(struct taken *t)
{
    long long start = cpu(RUSAGE_SELF);

    work(200);
    t->us[0] = cpu(RUSAGE_SELF) - start;
}

static void *thread(void *arg)
{
    long long start = cpu(RUSAGE_THREAD);

    work(100);
    *(long long *)arg = cpu(RUSAGE_THREAD) - start;
    return NULL;
}

static void has_thread(struct taken *t)
{
    long long start = cpu(RUSAGE_SELF), main_start = cpu(RUSAGE_THREAD);
    pthread_t other;

    pthread_create(&other, NULL, thread, &t->us[0]);
    pthread_join(other, NULL);
    t->us[1] = cpu(RUSAGE_SELF) - start;
    t->us[2] = cpu(RUSAGE_THREAD) - main_start;
}

static void agrees(struct taken *t)
{
    long long of_clock = show_now(CLOCK_PROCESS_CPUTIME_ID) / 1000;

    t->us[0] = cpu(RUSAGE_SELF) - of_clock;
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
    static const char *const of_threads[] = {"thread", "process", "main"};
    struct rusage ru;
    struct tms a, b;

    show_start();
    measure(&(const char *){"sleep"}, &(int){0}, 1, sleeps);
    clock_t ticks = times(&a);
    measure(&(const char *){"work"}, &(int){200}, 1, works);
    clock_t later = times(&b);
    printf("times %d %d\n", later - ticks >= 19,
           b.tms_utime + b.tms_stime - a.tms_utime - a.tms_stime >= 18);
    printf("children %ld %ld\n", (long)b.tms_cutime, (long)b.tms_cstime);
    title("threads");
    measure(of_threads, (const int[]){100, 100, 0}, 3, has_thread);
    measure(&(const char *){"agree"}, &(int){0}, 1, agrees);
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
