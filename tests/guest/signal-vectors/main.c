/* SPDX-License-Identifier: MIT
 *
 * Vector registers around signal handlers: what a handler finds in them and in
 * its frame, what it may change there, and that all of it comes back.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

struct vectors {
    _Alignas(64) uint8_t zmm[32][64];
    uint64_t k[8];
    uint32_t mxcsr;
};

static struct vectors in, out, in_handler;
static int wide; /* AVX-512 */
static void (*change)(struct _libc_fpstate *);

#define EACH16(f)                                                              \
    f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7) f(8) f(9) f(10) f(11) f(12) f(13)  \
        f(14) f(15)
#define EACH_HIGH(f)                                                           \
    f(16) f(17) f(18) f(19) f(20) f(21) f(22) f(23) f(24) f(25) f(26) f(27)    \
        f(28) f(29) f(30) f(31)
#define EACH8(f)      f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7)
#define LOAD_XMM(n)   "movups 64*" #n "(%0), %%xmm" #n "\n"
#define SAVE_XMM(n)   "movups %%xmm" #n ", 64*" #n "(%0)\n"
#define LOAD_ZMM(n)   "vmovdqu64 64*" #n "(%0), %%zmm" #n "\n"
#define SAVE_ZMM(n)   "vmovdqu64 %%zmm" #n ", 64*" #n "(%0)\n"
#define LOAD_MASK(n)  "kmovq 2048+8*" #n "(%0), %%k" #n "\n"
#define SAVE_MASK(n)  "kmovq %%k" #n ", 2048+8*" #n "(%0)\n"
#define MOVE(text, v) __asm__ volatile(text ::"r"(v) : "memory")

static inline __attribute__((always_inline)) void load(const struct vectors *v)
{
    __asm__ volatile("ldmxcsr %0" ::"m"(v->mxcsr));
    if (wide) {
        MOVE(EACH16(LOAD_ZMM) EACH_HIGH(LOAD_ZMM) EACH8(LOAD_MASK), v);
    } else {
        MOVE(EACH16(LOAD_XMM), v);
    }
}

static inline __attribute__((always_inline)) void save(struct vectors *v)
{
    if (wide) {
        MOVE(EACH16(SAVE_ZMM) EACH_HIGH(SAVE_ZMM) EACH8(SAVE_MASK), v);
    } else {
        MOVE(EACH16(SAVE_XMM), v);
    }
    __asm__ volatile("stmxcsr %0" : "=m"(v->mxcsr));
}

static void fill(struct vectors *v, int seed)
{
    memset(v, 0, sizeof(*v));
    srand(seed);
    for (int i = 0; i < 32; i++) {
        for (int j = 0; j < (wide ? 64 : 16) && (wide || i < 16); j++) {
            v->zmm[i][j] = rand() >> 8;
        }
    }
    for (int i = 0; i < 8 && wide; i++) {
        v->k[i] = (uint64_t)rand() << 32 | rand();
    }
    v->mxcsr = 0x1f80 | 3 << 13; /* round towards zero */
}

static int initial(const struct vectors *v)
{
    static const struct vectors zero;

    return v->mxcsr == 0x1f80 && !memcmp(v->zmm, zero.zmm, sizeof(v->zmm)) &&
           !memcmp(v->k, zero.k, sizeof(v->k));
}

static void handler(int signo, siginfo_t *si, void *context)
{
    static struct vectors noise;
    ucontext_t *uc = context;

    save(&in_handler);
    fill(&noise, 99);
    noise.mxcsr = 0x1fa0;
    if (change) {
        change(uc->uc_mcontext.fpregs);
    }
    load(&noise);
}

/* Nothing of C stands between the registers and the signal. */
static __attribute__((noinline)) void signal_self(void)
{
    long pid = getpid(), tid = syscall(SYS_gettid), nr = SYS_tgkill;

    load(&in);
    __asm__ volatile("syscall"
                     : "+a"(nr)
                     : "D"(pid), "S"(tid), "d"(SIGUSR1)
                     : "rcx", "r11", "memory");
    save(&out);
    __asm__ volatile("ldmxcsr %0" ::"m"((const uint32_t){0x1f80}));
}

static void check(const char *what, int seed)
{
    fill(&in, seed);
    memset(&in_handler, 0xee, sizeof(in_handler));
    memset(in_handler.zmm, 0, sizeof(in_handler.zmm));
    memset(in_handler.k, 0, sizeof(in_handler.k));
    signal_self();
    printf("%s: handler starts with the initial state: %d\n", what,
           initial(&in_handler));
    printf("%s: all is as before: %d\n", what,
           !memcmp(in.zmm, out.zmm, sizeof(in.zmm)) &&
               !memcmp(in.k, out.k, sizeof(in.k)) && in.mxcsr == out.mxcsr);
}

/* ---- what the frame holds ---- */

static void change_xmm5(struct _libc_fpstate *fp)
{
    uint32_t sw[4];
    uint64_t bv;

    memcpy(sw, (char *)fp + 464, sizeof(sw));
    memcpy(&bv, (char *)fp + 512, sizeof(bv));
    printf("frame: magic %x, x87 and SSE present: %d, control word %x, "
           "xmm3 is ours: %d, mxcsr %x\n",
           sw[0], (int)(bv & 3), fp->cwd, !memcmp(&fp->_xmm[3], in.zmm[3], 16),
           fp->mxcsr);
    memset(&fp->_xmm[5], 0x55, 16);
    fp->mxcsr = 0x1f80 | 1 << 13;
}

static void drop_sse(struct _libc_fpstate *fp)
{
    uint64_t bv;

    memcpy(&bv, (char *)fp + 512, sizeof(bv));
    bv &= ~2ull;
    memcpy((char *)fp + 512, &bv, sizeof(bv));
}

static void load_pi(struct _libc_fpstate *fp)
{
    __asm__ volatile("fldpi" ::: "st");
}

static void changes(void)
{
    static const uint8_t fives[16] = {[0 ... 15] = 0x55};
    static const uint8_t zeros[16];

    change = change_xmm5;
    fill(&in, 7);
    signal_self();
    printf("changed: xmm5 %d, mxcsr %x, xmm6 as before: %d\n",
           !memcmp(out.zmm[5], fives, 16), out.mxcsr,
           !memcmp(out.zmm[6], in.zmm[6], 16));
    change = drop_sse;
    signal_self();
    printf("without SSE: xmm6 is zero: %d\n", !memcmp(out.zmm[6], zeros, 16));
    change = NULL;
}

static void x87(void)
{
    long double pi = 0;
    uint16_t fsw;

    __asm__ volatile("fldpi" ::: "st");
    check("x87 in use", 8);
    __asm__ volatile("fstpt %0" : "=m"(pi)::"st");
    printf("x87: %.6Lf\n", pi);
    __asm__ volatile("fninit");
    change = load_pi;
    check("x87 used by the handler", 9);
    __asm__ volatile("fnstsw %0" : "=m"(fsw));
    printf("x87 afterwards: status %x\n", fsw);
    change = NULL;
}

/* ---- stacks ---- */

static jmp_buf back;

static void on_segv(int signo)
{
    siglongjmp(back, 1);
}

static void stacks(void)
{
    size_t size = 65536;
    char *stack = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct sigaction act = {.sa_sigaction = handler,
                            .sa_flags = SA_SIGINFO | SA_ONSTACK};
    struct sigaction segv = {.sa_handler = on_segv};
    stack_t ss = {.ss_sp = stack, .ss_size = size};

    sigaltstack(&ss, NULL);
    sigaction(SIGUSR1, &act, NULL);
    check("a stack that nobody has touched", 10);
    madvise(stack, size, MADV_DONTNEED);
    check("a stack that is there no longer", 11);
    /* The frame's lower part is there, its upper part is not. */
    mprotect(stack + size - 4096, 4096, PROT_READ);
    sigaction(SIGSEGV, &segv, NULL);
    fill(&in, 12);
    if (!sigsetjmp(back, 1)) {
        signal_self();
        printf("no SIGSEGV\n");
    } else {
        printf("a stack that is no stack: SIGSEGV\n");
    }
}

int main(void)
{
    struct sigaction act = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};

    setvbuf(stdout, NULL, _IONBF, 0);
    wide = __builtin_cpu_supports("avx512bw") != 0;
    printf("AVX-512: %d\n", wide);
    sigaction(SIGUSR1, &act, NULL);
    for (int seed = 1; seed < 4; seed++) {
        check("plain", seed);
    }
    changes();
    x87();
    stacks();
    return 0;
}
