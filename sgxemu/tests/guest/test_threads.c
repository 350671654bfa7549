/* SPDX-License-Identifier: MIT */
/* A busy TCS; 8 threads on 4 TCSs; fork shares the enclave. */
#include "sgxemu/tests/guest/builder.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static struct enclave_under_test t;
static uint64_t busy_seen, done, wrong;

static void *worker(void *arg)
{
    struct op op = {.type = OP_NOP};
    struct run run = {0};
    uint64_t n = (uint64_t)arg;

    for (int i = 0; i < 2000; i++) {
        uint64_t at = ADDRESS(&t, DATA_AT) + n * 8;
        int err;

        op.type = i % 2 ? OP_PEEK : OP_POKE;
        op.a = at;
        op.b = (uint64_t)i + n;
        do {
            run.tcs = ADDRESS(&t, TCS_AT + (n + (uint64_t)i) % TCS_COUNT);
            err = enter_run(&run, SGX_EENTER, (uint64_t)&op);
            if (err == 13) {
                __atomic_add_fetch(&busy_seen, 1, __ATOMIC_RELAXED);
                i += 0;
                n = (uint64_t)arg;
                sched_yield();
            }
        } while (err == 13);
        if (err || (i % 2 && op.r != (uint64_t)i - 1 + n)) {
            __atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
        }
        __atomic_add_fetch(&done, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void many(void)
{
    pthread_t threads[8];

    for (uint64_t i = 0; i < 8; i++) {
        pthread_create(&threads[i], NULL, worker, (void *)i);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
    }
    ok(done == 16000 && wrong == 0, "TCS", "8 threads on 4 TCSs");
}

static volatile uint64_t stop;

static void *occupant(void *arg)
{
    struct op op = {.type = OP_PATTERN, .a = (uint64_t)&stop};
    struct run run = {.tcs = ADDRESS(&t, TCS_AT + 1)};

    (void)arg;
    /* The other thread's try may be in there just now. */
    while (enter_run(&run, SGX_EENTER, (uint64_t)&op) == 13) {
        usleep(100);
    }
    return (void *)op.r;
}

static void busy(void)
{
    struct op op = {.type = OP_NOP};
    pthread_t thread;
    void *mismatches;
    int err = 0;

    pthread_create(&thread, NULL, occupant, NULL);
    for (int i = 0; i < 1000 && err != 13; i++) {
        usleep(1000);
        err = enter(&t, 1, &op);
    }
    ok(err == 13, "EENTER", "a busy TCS is #GP");
    stop = 1;
    pthread_join(thread, &mismatches);
    ok(mismatches == NULL, "TCS", "its owner does not notice");
    ok(enter(&t, 1, &op) == 0, "EEXIT", "frees the TCS");
}

static void forked(void)
{
    uint64_t value = 0;
    int status = -1;
    pid_t child;

    poke(&t, ADDRESS(&t, DATA_AT + 3), 1);
    child = fork();
    if (child == 0) {
        _exit(peek(&t, ADDRESS(&t, DATA_AT + 3), &value) == 0 && value == 1 &&
                      poke(&t, ADDRESS(&t, DATA_AT + 3), 2) == 0
                  ? 0
                  : 1);
    }
    waitpid(child, &status, 0);
    peek(&t, ADDRESS(&t, DATA_AT + 3), &value);
    ok(status == 0 && value == 2, "driver", "a forked child has the enclave");
}

/* ---- signals from all sides ---- */
static uint64_t storm_done, storm_wrong;

static void ignore(int sig)
{
    (void)sig;
}

/* A system call keeps every register but RAX, RCX and R11. */
static bool registers_kept(void)
{
    uint64_t different;

    __asm__ volatile("mov $0x1111, %%rbx; mov $0x2222, %%rdx\n\t"
                     "mov $0x3333, %%rsi; mov $0x4444, %%rdi\n\t"
                     "mov $0x5555, %%r8;  mov $0x6666, %%r9\n\t"
                     "mov $0x7777, %%r10; mov $0x8888, %%r12\n\t"
                     "mov $0x9999, %%r13; mov $0xaaaa, %%r14\n\t"
                     "mov $0xbbbb, %%r15; movq %%r15, %%xmm9\n\t"
                     "mov $110, %%eax; syscall\n\t" /* getppid */
                     "movq %%xmm9, %%rax\n\t"
                     "xor $0xbbbb, %%rax; xor $0x1111, %%rbx\n\t"
                     "xor $0x2222, %%rdx; xor $0x3333, %%rsi\n\t"
                     "xor $0x4444, %%rdi; xor $0x5555, %%r8\n\t"
                     "xor $0x6666, %%r9;  xor $0x7777, %%r10\n\t"
                     "xor $0x8888, %%r12; xor $0x9999, %%r13\n\t"
                     "xor $0xaaaa, %%r14; xor $0xbbbb, %%r15\n\t"
                     "or %%rbx, %%rax; or %%rdx, %%rax; or %%rsi, %%rax\n\t"
                     "or %%rdi, %%rax; or %%r8, %%rax; or %%r9, %%rax\n\t"
                     "or %%r10, %%rax; or %%r12, %%rax; or %%r13, %%rax\n\t"
                     "or %%r14, %%rax; or %%r15, %%rax"
                     : "=a"(different)
                     :
                     : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10",
                       "r11", "r12", "r13", "r14", "r15", "xmm9", "memory");
    return different == 0;
}

static void *storm_worker(void *arg)
{
    uint64_t n = (uint64_t)arg;
    struct run run = {.tcs = ADDRESS(&t, TCS_AT + n)};

    for (uint64_t i = 0; i < 5000; i++) {
        struct op op = {.type = i & 1 ? OP_PEEK : OP_POKE,
                        .a = ADDRESS(&t, DATA_AT + 2) + 8 * n,
                        .b = i};

        if (enter_run(&run, SGX_EENTER, (uint64_t)&op) ||
            (i & 1 && op.r != i - 1) || !registers_kept()) {
            __atomic_add_fetch(&storm_wrong, 1, __ATOMIC_RELAXED);
        }
        __atomic_add_fetch(&storm_done, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void storm(void)
{
    struct sigaction sa = {.sa_handler = ignore, .sa_flags = SA_RESTART};
    struct itimerval it = {{0, 300}, {0, 300}}, off = {{0, 0}, {0, 0}};
    pthread_t threads[4];

    sigaction(SIGALRM, &sa, NULL);
    sigaction(SIGUSR1, &sa, NULL);
    setitimer(ITIMER_REAL, &it, NULL);
    for (uint64_t i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, storm_worker, (void *)i);
    }
    for (int i = 0; i < 20000 && storm_done < 19000; i++) {
        pthread_kill(threads[i % 4], SIGUSR1);
        usleep(50);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    setitimer(ITIMER_REAL, &off, NULL);
    ok(storm_done == 20000 && storm_wrong == 0, "signals",
       "a storm of them over four threads changes no register");
}

void test_threads(void)
{
    build(&t);
    many();
    storm();
    busy();
    forked();
    build_drop(&t);
}
