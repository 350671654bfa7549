/* SPDX-License-Identifier: MIT */
/* Figures: medians of many batches, microseconds. "sgxemu-guest time"; without
 * sgxemu it times the system call alone, to compare with. */
#include "sgxemu/tests/guest/builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BATCHES 40
#define COUNT   1000

static double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static struct enclave_under_test t;
static struct op op;
static int left;
static bool reenter;

static int again(long rdi, long rsi, long rdx, long rsp, long r8, long r9,
                 struct run *run)
{
    (void)rdi, (void)rsi, (void)rdx, (void)rsp, (void)r8, (void)r9;
    if (run->function == SGX_EEXIT || --left <= 0) {
        return 0;
    }
    if (reenter) {
        struct run inner = {.tcs = run->tcs};
        struct op nop = {.type = OP_NOP};

        enter_run(&inner, SGX_EENTER, (uint64_t)&nop);
    }
    return SGX_ERESUME;
}

/* A fault that nobody repairs, resumed COUNT times. */
static void faults(void)
{
    left = COUNT;
    t.run.handler = (uint64_t)again;
    do_op(&t, &op, OP_PEEK, ADDRESS(&t, 15), 0, 0, 0);
    t.run.handler = 0;
    skip(&t, 0, 3, NULL, NULL);
}

static void entries(void)
{
    op.type = OP_NOP;
    for (int i = 0; i < COUNT; i++) {
        enter(&t, 0, &op);
    }
}

static void calls(void)
{
    for (int i = 0; i < COUNT; i++) {
        syscall(SYS_getppid);
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void measure(const char *what, void (*run)(void))
{
    double each[BATCHES];

    for (int i = 0; i < BATCHES; i++) {
        double start = now();

        run();
        each[i] = (now() - start) / COUNT;
    }
    qsort(each, BATCHES, sizeof(*each), compare);
    printf("# %-24s median %6.2f us, best %6.2f us\n", what, each[BATCHES / 2],
           each[0]);
}

void test_time(void)
{
    measure("getppid", calls);
    if (access("/dev/sgx_enclave", R_OK) == 0) {
        build(&t);
        measure("EENTER+EEXIT", entries);
        measure("AEX+ERESUME", faults);
        reenter = true;
        measure("AEX+handler+ERESUME", faults);
        build_drop(&t);
    }
    ok(true, "time", "measured");
}
