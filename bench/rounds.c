/* SPDX-License-Identifier: MIT
 *
 * Work that should not leave an enclave: two threads that wake each other, or
 * one that computes. For bench/enclave.py, which counts how often it does.
 *
 * usage: rounds pipe|futex ROUNDS, rounds compute SECONDS
 */
#include "bench/bench.h"
#include <linux/futex.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int down[2], up[2];
static long rounds;
static int turn; /* futex: whose it is */

static void must(int ok, const char *what)
{
    if (!ok) {
        perror(what);
        exit(1);
    }
}

static void *echo_pipe(void *arg)
{
    char c;

    for (long i = 0; i < rounds; i++) {
        must(read(down[0], &c, 1) == 1 && write(up[1], &c, 1) == 1, "echo");
    }
    return NULL;
}

static void by_pipe(void)
{
    char c = 'x';

    for (long i = 0; i < rounds; i++) {
        must(write(down[1], &c, 1) == 1 && read(up[0], &c, 1) == 1, "round");
    }
}

/* 0: who counts the rounds; 1: the other. */
static void wait_turn(int mine)
{
    while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != mine) {
        syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, !mine, NULL);
    }
}

static void give_turn(int to)
{
    __atomic_store_n(&turn, to, __ATOMIC_RELEASE);
    syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1);
}

static void *echo_futex(void *arg)
{
    for (long i = 0; i < rounds; i++) {
        wait_turn(1);
        give_turn(0);
    }
    return NULL;
}

static void by_futex(void)
{
    for (long i = 0; i < rounds; i++) {
        give_turn(1);
        wait_turn(0);
    }
}

static void compute(double seconds)
{
    double end = now() + seconds * 1e9;
    volatile unsigned long sum = 0;

    while (now() < end) {
        for (int i = 0; i < 1000000; i++) {
            sum = sum * 6364136223846793005ul + 1;
        }
    }
}

int main(int argc, char **argv)
{
    int futex = argc > 2 && !strcmp(argv[1], "futex");
    pthread_t other;

    must(argc > 2, "usage: rounds pipe|futex ROUNDS, compute SECONDS");
    if (!strcmp(argv[1], "compute")) {
        compute(atof(argv[2]));
        return 0;
    }
    rounds = atol(argv[2]);
    must(!pipe(down) && !pipe(up), "pipe");
    must(!pthread_create(&other, NULL, futex ? echo_futex : echo_pipe, NULL),
         "thread");
    (futex ? by_futex : by_pipe)();
    pthread_join(other, NULL);
    return 0;
}
