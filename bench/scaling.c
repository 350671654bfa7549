/* SPDX-License-Identifier: MIT
 *
 * What a second CPU adds: each path run by one thread and by two at once, on
 * files, words and mappings of their own, each thread pinned to a CPU. Prints
 * "scale-NAME FACTOR x": how many times the work of one two do.
 *
 * All turns do the same work, of some hundred microseconds, so that many of
 * them fall between two interruptions of a busy machine; of each kind the
 * shortest counts. The second thread spins when it has no turn, so that the
 * CPUs run at the same speed in all of them. A pair begins when both are
 * there, and the slower one is its time.
 *
 * usage: scaling [NAME...]   (default: all)
 */
#include "bench/bench.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
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

enum {
    THREADS = 2,
    TURNS = 100,      /* of each kind */
    TURNS_LEAST = 10, /* even when they take this long: */
    MOST_NS = 1000000000,
    TURN_NS = 150000,
    SPINS = 5000, /* then others may run, where CPUs are too few */
};

struct worker {
    _Alignas(128) pthread_t thread;
    int id, fd;
    uint32_t word;
    char path[64];
    double ns; /* of the last turn */
};

static struct worker workers[THREADS];
static void (*path)(struct worker *);
static long ops; /* of a turn */

/* The turn that is on: its number, and below it who takes part (bit a
 * worker). */
static _Alignas(128) uint32_t turn;
static uint32_t arrived_at; /* members in all turns up to this one */
static _Alignas(128) uint32_t arrived, done; /* of them */

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

/* Returns what the word is when it is no longer this. */
static uint32_t wait_while(const uint32_t *word, uint32_t value)
{
    uint32_t v;

    for (int i = 0; (v = __atomic_load_n(word, __ATOMIC_ACQUIRE)) == value;
         i++) {
        if (i == SPINS) {
            i = 0;
            sched_yield();
        }
        __builtin_ia32_pause();
    }
    return v;
}

static void wait_for(const uint32_t *word, uint32_t value)
{
    uint32_t v = __atomic_load_n(word, __ATOMIC_ACQUIRE);

    while (v != value) {
        v = wait_while(word, v);
    }
}

/* Together with whoever else takes part; all are there at `there`. */
static void take_part(struct worker *w, uint32_t there)
{
    double start;

    __atomic_fetch_add(&arrived, 1, __ATOMIC_ACQ_REL);
    wait_for(&arrived, there);
    start = now();
    for (long i = 0; i < ops; i++) {
        path(w);
    }
    w->ns = now() - start;
    __atomic_fetch_add(&done, 1, __ATOMIC_ACQ_REL);
}

static void pin(int id)
{
    cpu_set_t own;

    CPU_ZERO(&own);
    CPU_SET(id, &own);
    if (sched_setaffinity(0, sizeof(own), &own)) {
        perror("scaling: two CPUs are needed");
        exit(1);
    }
}

/* The other one may miss turns that are not its own. */
static void *run(void *arg)
{
    struct worker *w = arg;
    uint32_t seen = 0;

    pin(w->id);
    for (;;) {
        seen = wait_while(&turn, seen);
        if (!path) {
            return NULL;
        }
        if (seen >> w->id & 1) {
            take_part(w, arrived_at);
        }
    }
}

/* Runs one, from worker 0's thread; the slowest member's time. */
static double take_turn(uint32_t who)
{
    static uint32_t number;
    double most = 0;

    arrived_at += (uint32_t)__builtin_popcount(who);
    __atomic_store_n(&turn, ++number << THREADS | who, __ATOMIC_RELEASE);
    take_part(&workers[0], arrived_at);
    wait_for(&done, arrived_at);
    for (int i = 0; i < THREADS; i++) {
        if (who >> i & 1 && workers[i].ns > most) {
            most = workers[i].ns;
        }
    }
    return most;
}

static double shortest(uint32_t who, double so_far)
{
    double t = take_turn(who);

    return so_far == 0 || t < so_far ? t : so_far;
}

/* Grows a turn to its length. */
static void choose_ops(void)
{
    ops = 16;
    while (take_turn(1) < TURN_NS && ops < 1 << 20) {
        ops *= 2;
    }
}

static void measure(const char *name)
{
    double end = now() + MOST_NS, one = 0, both = 0;

    choose_ops();
    for (int i = 0; i < TURNS && (i < TURNS_LEAST || now() < end); i++) {
        one = shortest(1, one);
        both = shortest(1 | 2, both);
    }
    printf("scale-%s %.3f x\n", name, THREADS * one / both);
    fflush(stdout);
}

static void start(struct worker *w, int id)
{
    static const char block[4096];

    w->id = id;
    snprintf(w->path, sizeof(w->path), "/tmp/scaling-%d-%d", (int)getpid(), id);
    w->fd = open(w->path, O_RDWR | O_CREAT, 0600);
    if (w->fd < 0 || write(w->fd, block, sizeof(block)) < 0 ||
        (id && pthread_create(&w->thread, NULL, run, w))) {
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
    for (int i = 0; i < THREADS; i++) {
        start(&workers[i], i);
    }
    pin(0);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        path = paths[i].fn;
        if (is_wanted(argc, argv, paths[i].name)) {
            measure(paths[i].name);
        }
    }
    path = NULL;
    __atomic_store_n(&turn, ~0u, __ATOMIC_RELEASE);
    pthread_join(workers[1].thread, NULL);
    for (int i = 0; i < THREADS; i++) {
        unlink(workers[i].path);
    }
    return 0;
}
