/* SPDX-License-Identifier: MIT
 *
 * What a second thread adds: each path run by one thread and by two at once,
 * on files, words and mappings of their own. Prints "scale-NAME FACTOR x": how
 * many times the work of one two do, the best of several short turns of each.
 *
 * usage: scaling [NAME...]   (default: all)
 */
#include "bench/bench.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 2, TURNS = 40, TURN_NS = 4000000, ONCE = 16 };

struct worker {
    pthread_t thread;
    int id, fd;
    uint32_t word;
    char path[64];
    uint64_t ops;
    double ns;
};

static struct worker workers[THREADS];
static void (*path)(struct worker *);
static int turn_of; /* threads that take part */
static pthread_barrier_t begin, end;

/* ---- the paths ---- */

static void read_file(struct worker *w)
{
    char block[4096];

    if (pread(w->fd, block, sizeof(block), 0) != sizeof(block)) {
        abort();
    }
}

static void write_file(struct worker *w)
{
    static const char block[4096];

    if (pwrite(w->fd, block, sizeof(block), 0) != sizeof(block)) {
        abort();
    }
}

static void stat_file(struct worker *w)
{
    struct stat st;

    if (stat(w->path, &st)) {
        abort();
    }
}

static void open_file(struct worker *w)
{
    int fd = open(w->path, O_RDONLY);

    if (fd < 0) {
        abort();
    }
    close(fd);
}

static void wake(struct worker *w)
{
    syscall(SYS_futex, &w->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void wait_not(struct worker *w)
{
    syscall(SYS_futex, &w->word, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
}

static void map(struct worker *w)
{
    char *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED) {
        abort();
    }
    p[0] = p[4096] = 1;
    munmap(p, 65536);
}

static const struct {
    const char *name;
    void (*fn)(struct worker *);
} paths[] = {
    {"read", read_file}, {"write", write_file}, {"stat", stat_file},
    {"open", open_file}, {"futex-wake", wake},  {"futex-wait", wait_not},
    {"mmap", map},
};

/* ---- turns ---- */

static void work(struct worker *w)
{
    double start = now(), t = start;

    for (w->ops = 0; t - start < TURN_NS; t = now()) {
        for (int i = 0; i < ONCE; i++) {
            path(w);
        }
        w->ops += ONCE;
    }
    w->ns = t - start;
}

static void *run(void *arg)
{
    struct worker *w = arg;

    for (;;) {
        pthread_barrier_wait(&begin);
        if (!path) {
            return NULL;
        }
        if (w->id < turn_of) {
            work(w);
        }
        pthread_barrier_wait(&end);
    }
}

/* Operations a ns of n threads together. */
static double turn(int n)
{
    double sum = 0;

    turn_of = n;
    pthread_barrier_wait(&begin);
    pthread_barrier_wait(&end);
    for (int i = 0; i < n; i++) {
        sum += (double)workers[i].ops / workers[i].ns;
    }
    return sum;
}

static void measure(const char *name)
{
    double most[THREADS + 1] = {0};

    for (int i = 0; i < TURNS; i++) {
        for (int n = 1; n <= THREADS; n++) {
            double rate = turn(n);

            most[n] = rate > most[n] ? rate : most[n];
        }
    }
    printf("scale-%s %.3f x\n", name, most[THREADS] / most[1]);
    fflush(stdout);
}

static void start(struct worker *w, int id)
{
    static const char block[4096];

    w->id = id;
    snprintf(w->path, sizeof(w->path), "/tmp/scaling-%d-%d", (int)getpid(), id);
    w->fd = open(w->path, O_RDWR | O_CREAT, 0600);
    if (w->fd < 0 || write(w->fd, block, sizeof(block)) < 0 ||
        pthread_create(&w->thread, NULL, run, w)) {
        perror("scaling");
        exit(1);
    }
}

static bool is_wanted(int argc, char **argv, const char *name)
{
    bool wanted = argc < 2;

    for (int i = 1; i < argc; i++) {
        wanted |= !strcmp(argv[i], name);
    }
    return wanted;
}

int main(int argc, char **argv)
{
    pthread_barrier_init(&begin, NULL, THREADS + 1);
    pthread_barrier_init(&end, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++) {
        start(&workers[i], i);
    }
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        path = paths[i].fn;
        if (is_wanted(argc, argv, paths[i].name)) {
            measure(paths[i].name);
        }
    }
    path = NULL;
    pthread_barrier_wait(&begin);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        unlink(workers[i].path);
    }
    return 0;
}
