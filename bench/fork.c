/* SPDX-License-Identifier: MIT
 *
 * What fork(2) costs a program that has written much memory: when the child
 * exits, when it executes a program, and a turn when both run on: the first,
 * in which pages are written for the first time, and later ones. Prints
 * "NAME VALUE UNIT" a line, the median.
 *
 * usage: fork [MB...]
 */
#include "bench/bench.h"
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 5, TURNS = 10, PAGE = 4096 };
static char *memory;
static size_t size;
static int down[2], up[2];

static double exits(void)
{
    double t = now();
    pid_t pid = fork();

    if (pid == 0) {
        _exit(0);
    }
    reap(pid);
    return now() - t;
}

static double executes(void)
{
    double t = now();
    pid_t pid = fork();

    if (pid == 0) {
        execl("/test/tiny", "tiny", (char *)NULL);
        _exit(1);
    }
    reap(pid);
    return now() - t;
}

/* As a program does that has something to do: writes to 5% of its pages. */
static void work(void)
{
    for (size_t at = 0; at < size; at += 20 * PAGE) {
        memory[at]++;
    }
}

static void round_trip(void)
{
    char c = 0;

    if (write(down[1], &c, 1) != 1 || read(up[0], &c, 1) != 1) {
        abort();
    }
    work();
}

/* A turn of the first `turns`, after `before` that do not count. */
static double runs_on(int before, int turns)
{
    char c = 0;
    double t;
    pid_t pid;

    if (pipe(down) || pipe(up)) {
        abort();
    }
    pid = fork();
    if (pid == 0) {
        close(down[1]);
        while (read(down[0], &c, 1) == 1) {
            work();
            if (write(up[1], &c, 1) != 1) {
                break;
            }
        }
        _exit(0);
    }
    for (int i = 0; i < before / 2; i++) {
        round_trip();
    }
    t = now();
    for (int i = 0; i < turns / 2; i++) {
        round_trip();
    }
    t = (now() - t) / turns;
    close(down[0]);
    close(down[1]);
    close(up[0]);
    close(up[1]);
    reap(pid);
    return t;
}

static double first_turn(void)
{
    return runs_on(0, 2);
}

static double later_turn(void)
{
    return runs_on(4, TURNS);
}

static int compare(const void *a, const void *b)
{
    double d = *(const double *)a - *(const double *)b;

    return (d > 0) - (d < 0);
}

static void median(const char *what, int mb, double (*fn)(void))
{
    double t[ROUNDS];

    fn();
    for (int i = 0; i < ROUNDS; i++) {
        t[i] = fn();
    }
    qsort(t, ROUNDS, sizeof(t[0]), compare);
    printf("fork-%dMB-%s %.0f ns\n", mb, what, t[ROUNDS / 2]);
    fflush(stdout);
}

static void measure(int mb)
{
    size = (size_t)mb << 20;
    memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    madvise(memory, size, MADV_NOHUGEPAGE);
    memset(memory, 1, size);
    median("exits", mb, exits);
    median("execs", mb, executes);
    median("first-turn", mb, first_turn);
    median("turn", mb, later_turn);
    munmap(memory, size);
}

int main(int argc, char **argv)
{
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET(0, &one);
    sched_setaffinity(0, sizeof(one), &one);
    for (int i = 1; i < argc; i++) {
        measure(atoi(argv[i]));
    }
    if (argc == 1) {
        measure(1);
        measure(10);
        measure(100);
    }
    return 0;
}
