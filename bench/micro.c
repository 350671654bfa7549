/* SPDX-License-Identifier: MIT
 *
 * Costs of single operations, seen by a program. Prints "NAME VALUE UNIT" a
 * line; each value is the best of many short batches, so that a noisy machine
 * adds little. Run natively and in our kernel by bench/run.py.
 *
 * usage: micro [NAME...]   (default: all)
 */
#include "bench/bench.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* ns an iteration of fn(iterations), best of the batches. */
static double best(void (*fn)(long), long iterations, int batches)
{
    double least = 1e18;

    for (int i = 0; i < batches; i++) {
        double t = now();

        fn(iterations);
        t = (now() - t) / iterations;
        least = t < least ? t : least;
    }
    return least;
}

static char page[65536];
static int null_fd, file_fd, event_fd, pipe_fd[2][2];

static void op_getpid(long n)
{
    while (n--) {
        syscall(SYS_getpid);
    }
}

static void op_getpid_raw(long n)
{
    while (n--) {
        long ret;

        __asm__ volatile("mov $39, %%eax\n\tsyscall"
                         : "=a"(ret)::"rcx", "r11", "memory");
    }
}

static void op_getppid(long n)
{
    while (n--) {
        getppid();
    }
}

static void op_clock(long n)
{
    struct timespec ts;

    while (n--) {
        clock_gettime(CLOCK_MONOTONIC, &ts);
    }
}

static void op_write(long n)
{
    while (n--) {
        if (write(null_fd, page, 1) != 1) {
            abort();
        }
    }
}

static void op_pread(long n)
{
    while (n--) {
        if (pread(file_fd, page, 4096, 0) != 4096) {
            abort();
        }
    }
}

static void op_stat(long n)
{
    struct stat st;

    while (n--) {
        if (stat("/tmp/bench-file", &st)) {
            abort();
        }
    }
}

static void op_open(long n)
{
    while (n--) {
        close(open("/tmp/bench-file", O_RDONLY));
    }
}

static void op_create(long n)
{
    while (n--) {
        close(open("/tmp/bench-new", O_RDWR | O_CREAT, 0600));
        unlink("/tmp/bench-new");
    }
}

static void op_poll(long n)
{
    struct pollfd p = {event_fd, POLLIN, 0};

    while (n--) {
        if (poll(&p, 1, 0) != 1) {
            abort();
        }
    }
}

static void op_mmap(long n)
{
    while (n--) {
        char *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        for (int i = 0; i < 65536; i += 4096) {
            p[i] = 1;
        }
        munmap(p, 65536);
    }
}

static void op_fault(long n)
{
    size_t len = (size_t)n * 4096;
    char *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    madvise(p, len, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < len; i += 4096) {
        p[i] = 1;
    }
    munmap(p, len);
}

static void on_signal(int signo)
{
}

static void op_signal(long n)
{
    pid_t pid = getpid(), tid = syscall(SYS_gettid);

    while (n--) {
        syscall(SYS_tgkill, pid, tid, SIGUSR1);
    }
}

static void *nothing(void *arg)
{
    return NULL;
}

static void op_thread(long n)
{
    pthread_t t;

    while (n--) {
        pthread_create(&t, NULL, nothing, NULL);
        pthread_join(t, NULL);
    }
}

/* ---- two threads in turn ---- */

static uint32_t word[2];
static long turns;

static void futex_pass(uint32_t *w)
{
    __atomic_store_n(w, 1, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, w, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void futex_take(uint32_t *w)
{
    while (!__atomic_exchange_n(w, 0, __ATOMIC_SEQ_CST)) {
        syscall(SYS_futex, w, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    }
}

static void *futex_partner(void *arg)
{
    for (long i = 0; i < turns; i++) {
        futex_take(&word[0]);
        futex_pass(&word[1]);
    }
    return NULL;
}

static void op_futex(long n)
{
    pthread_t t;

    turns = n;
    pthread_create(&t, NULL, futex_partner, NULL);
    while (n--) {
        futex_pass(&word[0]);
        futex_take(&word[1]);
    }
    pthread_join(t, NULL);
}

static void *pipe_partner(void *arg)
{
    char c;

    for (long i = 0; i < turns; i++) {
        if (read(pipe_fd[0][0], &c, 1) != 1 ||
            write(pipe_fd[1][1], &c, 1) != 1) {
            abort();
        }
    }
    return NULL;
}

static void op_pipe(long n)
{
    pthread_t t;
    char c = 0;

    turns = n;
    pthread_create(&t, NULL, pipe_partner, NULL);
    while (n--) {
        if (write(pipe_fd[0][1], &c, 1) != 1 ||
            read(pipe_fd[1][0], &c, 1) != 1) {
            abort();
        }
    }
    pthread_join(t, NULL);
}

/* ---- computation ---- */

static volatile uint64_t sink;

static void op_cpu(long n)
{
    uint64_t a = 88172645463325252ull, table[256] = {0};

    while (n--) {
        for (int i = 0; i < 1000; i++) {
            a ^= a << 13;
            a ^= a >> 7;
            a ^= a << 17;
            table[a & 255] += a;
        }
    }
    sink = table[7] + a;
}

struct operation {
    const char *name;
    void (*fn)(long);
    long iterations;
    int batches;
    bool one_cpu; /* both partners on one CPU, where the host allows it */
};

static const struct operation operations[] = {
    {"getpid", op_getpid, 2000, 50},
    {"getpid-raw", op_getpid_raw, 2000, 50},
    {"getppid-libc", op_getppid, 2000, 50},
    {"clock_gettime", op_clock, 2000, 50},
    {"write-null", op_write, 2000, 50},
    {"pread-4k", op_pread, 1000, 50},
    {"stat", op_stat, 1000, 50},
    {"open-close", op_open, 1000, 30},
    {"create-unlink", op_create, 200, 30},
    {"poll-1", op_poll, 1000, 50},
    {"mmap-64k", op_mmap, 100, 30},
    {"page-fault", op_fault, 1000, 20},
    {"signal-self", op_signal, 500, 30},
    {"pthread-create-join", op_thread, 50, 20},
    {"futex-round-trip", op_futex, 2000, 15, true},
    {"pipe-round-trip", op_pipe, 2000, 15, true},
    {"cpu", op_cpu, 20000, 7},
};

static void prepare(void)
{
    if (pipe(pipe_fd[0]) || pipe(pipe_fd[1])) {
        abort();
    }
    null_fd = open("/dev/null", O_WRONLY);
    file_fd = open("/tmp/bench-file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    event_fd = eventfd(1, 0);
    if (null_fd < 0 || write(file_fd, page, sizeof(page)) != sizeof(page)) {
        perror("prepare");
        exit(1);
    }
    signal(SIGUSR1, on_signal);
}

static bool wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], name)) {
            return true;
        }
    }
    return argc == 1;
}

int main(int argc, char **argv)
{
    cpu_set_t all, one;

    prepare();
    sched_getaffinity(0, sizeof(all), &all);
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++) {
        const struct operation *o = &operations[i];

        if (!wanted(o->name, argc, argv)) {
            continue;
        }
        if (o->one_cpu) {
            sched_setaffinity(0, sizeof(one), &one);
        }
        o->fn(o->iterations / 10 + 1);
        printf("%s %.1f ns\n", o->name, best(o->fn, o->iterations, o->batches));
        fflush(stdout);
        if (o->one_cpu) {
            sched_setaffinity(0, sizeof(all), &all);
        }
    }
    unlink("/tmp/bench-file");
    return 0;
}
