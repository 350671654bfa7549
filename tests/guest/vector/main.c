/* SPDX-License-Identifier: MIT
 *
 * Vector registers, flags and FS survive what the kernel does behind a
 * program's back: preemption, system calls that block or make code, signal
 * handlers. Every thread fills its registers with a pattern of its own and
 * looks again and again whether they still hold it.
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

enum { THREADS = 6, SECONDS = 2, CODE = 48 << 10 };

static volatile int stop;
static volatile long handled;
static volatile double sink = 1.5;

static void on_tick(int signo)
{
    /* Dirties the registers that the pattern uses. */
    double x = sink;

    for (int i = 0; i < 50; i++) {
        x = x * 1.0001 + 0.5;
    }
    sink = x;
    handled++;
}

#define LOAD                                                                   \
    "movdqu 0x00(%0), %%xmm0\n movdqu 0x10(%0), %%xmm1\n"                      \
    "movdqu 0x20(%0), %%xmm2\n movdqu 0x30(%0), %%xmm3\n"                      \
    "movdqu 0x40(%0), %%xmm4\n movdqu 0x50(%0), %%xmm5\n"                      \
    "movdqu 0x60(%0), %%xmm6\n movdqu 0x70(%0), %%xmm7\n"                      \
    "movdqu 0x80(%0), %%xmm8\n movdqu 0x90(%0), %%xmm9\n"                      \
    "movdqu 0xa0(%0), %%xmm10\n movdqu 0xb0(%0), %%xmm11\n"                    \
    "movdqu 0xc0(%0), %%xmm12\n movdqu 0xd0(%0), %%xmm13\n"                    \
    "movdqu 0xe0(%0), %%xmm14\n movdqu 0xf0(%0), %%xmm15\n"
#define STORE                                                                  \
    "movdqu %%xmm0, 0x00(%1)\n movdqu %%xmm1, 0x10(%1)\n"                      \
    "movdqu %%xmm2, 0x20(%1)\n movdqu %%xmm3, 0x30(%1)\n"                      \
    "movdqu %%xmm4, 0x40(%1)\n movdqu %%xmm5, 0x50(%1)\n"                      \
    "movdqu %%xmm6, 0x60(%1)\n movdqu %%xmm7, 0x70(%1)\n"                      \
    "movdqu %%xmm8, 0x80(%1)\n movdqu %%xmm9, 0x90(%1)\n"                      \
    "movdqu %%xmm10, 0xa0(%1)\n movdqu %%xmm11, 0xb0(%1)\n"                    \
    "movdqu %%xmm12, 0xc0(%1)\n movdqu %%xmm13, 0xd0(%1)\n"                    \
    "movdqu %%xmm14, 0xe0(%1)\n movdqu %%xmm15, 0xf0(%1)\n"
#define VECTORS                                                                \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",    \
        "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

/* Loads xmm0-15 from in, spins with an optional system call, stores to out. */
static void hold(const uint64_t in[16][2], uint64_t out[16][2], long spins,
                 long nr)
{
    __asm__ volatile(LOAD "1: dec %2\n jnz 1b\n"
                          "test %3, %3\n js 2f\n mov %3, %%rax\n syscall\n"
                          "2:\n" STORE
                     : "+r"(in), "+r"(out), "+r"(spins)
                     : "r"(nr)
                     : "rax", "rcx", "r11", "memory", VECTORS);
}

/* The same around an mprotect(2). */
static long hold_protect(const uint64_t in[16][2], uint64_t out[16][2], void *p,
                         long len, long prot)
{
    long ret = SYS_mprotect;

    __asm__ volatile(LOAD "syscall\n" STORE
                     : "+r"(in), "+r"(out), "+a"(ret)
                     : "D"(p), "S"(len), "d"(prot)
                     : "rcx", "r11", "memory", VECTORS);
    return ret;
}

static void pattern(uint64_t in[16][2], long n)
{
    for (int r = 0; r < 16; r++) {
        in[r][0] = 0x1111111111111111ul * (n + 1) + r;
        in[r][1] = ~in[r][0];
    }
}

/* Memory that becomes code: a kernel may search it. */
static long check_new_code(void)
{
    uint64_t in[16][2], out[16][2];
    unsigned char *code = mmap(NULL, CODE, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    long bad = 0;

    for (int i = 0; i < CODE; i++) {
        code[i] = i % 97 ? 0x90 : 0xc3;
    }
    for (int i = 0; i < 8; i++) {
        pattern(in, i);
        bad += hold_protect(in, out, code, CODE, PROT_READ | PROT_EXEC) != 0;
        bad += memcmp(in, out, sizeof(in)) != 0;
        ((void (*)(void))(code + 97 * i + 1))();
        bad += hold_protect(in, out, code, CODE, PROT_READ | PROT_WRITE) != 0;
        code[97 * i] = 0x0f;
        code[97 * i + 1] = 0x05;
        code[97 * i + 98] = 0xc3;
    }
    munmap(code, CODE);
    return bad;
}

static void *check(void *arg)
{
    long me = (long)arg, bad = 0, i = 0;
    uint64_t in[16][2], out[16][2];

    pattern(in, me);
    while (!stop) {
        memset(out, 0, sizeof(out));
        hold(in, out, 1 + i % 20000, i % 3 ? -1 : SYS_sched_yield);
        bad += memcmp(in, out, sizeof(in)) != 0;
        i++;
    }
    return (void *)bad;
}

int main(void)
{
    pthread_t t[THREADS];
    struct itimerval it = {{0, 500}, {0, 500}}, zero = {{0, 0}, {0, 0}};
    long bad = check_new_code();
    void *ret;

    signal(SIGALRM, on_tick);
    for (long i = 0; i < THREADS; i++) {
        pthread_create(&t[i], NULL, check, (void *)i);
    }
    setitimer(ITIMER_REAL, &it, NULL);
    for (int i = 0; i < SECONDS * 100; i++) {
        usleep(10000);
    }
    setitimer(ITIMER_REAL, &zero, NULL);
    stop = 1;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(t[i], &ret);
        bad += (long)ret;
    }
    printf("corrupted %ld, handlers ran %d\n", bad, handled > 10);
    return bad != 0;
}
