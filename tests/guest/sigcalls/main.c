/* SPDX-License-Identifier: MIT
 *
 * The system calls of signals without libc in between: what each one refuses,
 * and the corners that a C library hides (sizes of sets, dispositions of
 * ignored signals, frames seen from inside a handler).
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum { NOBODY = 0x3ffffffe };

static void *const BAD = (void *)16;

struct ksa {
    void *handler;
    unsigned long flags;
    void *restorer;
    uint64_t mask;
};

#define SHOW(call, ...)                                                        \
    do {                                                                       \
        errno = 0;                                                             \
        long r_ = syscall(SYS_##call, __VA_ARGS__);                            \
        printf("%s(%s) = %ld %d\n", #call, #__VA_ARGS__, r_, errno);           \
    } while (0)

static void refusals(void)
{
    struct ksa sa = {SIG_IGN, 0, NULL, 0};
    uint64_t set = 0;
    siginfo_t si = {.si_code = SI_USER};
    siginfo_t queued = {.si_code = SI_QUEUE};
    struct timespec bad_ts = {0, 1000000000}, zero = {0, 0};
    long pid = getpid(), tid = syscall(SYS_gettid);

    SHOW(rt_sigaction, SIGUSR1, &sa, NULL, 4);
    SHOW(rt_sigaction, 0, &sa, NULL, 8);
    SHOW(rt_sigaction, 65, &sa, NULL, 8);
    SHOW(rt_sigaction, SIGKILL, &sa, NULL, 8);
    SHOW(rt_sigaction, SIGSTOP, &sa, NULL, 8);
    SHOW(rt_sigaction, SIGKILL, NULL, &sa, 8);
    SHOW(rt_sigaction, SIGUSR1, BAD, NULL, 8);
    SHOW(rt_sigaction, SIGUSR1, NULL, BAD, 8);
    SHOW(rt_sigprocmask, SIG_BLOCK, &set, NULL, 7);
    SHOW(rt_sigprocmask, 3, &set, NULL, 8);
    SHOW(rt_sigprocmask, 3, NULL, NULL, 8);
    SHOW(rt_sigprocmask, SIG_BLOCK, BAD, NULL, 8);
    SHOW(rt_sigprocmask, SIG_BLOCK, NULL, BAD, 8);
    SHOW(rt_sigpending, &set, 9);
    SHOW(rt_sigpending, &set, 4);
    SHOW(rt_sigpending, BAD, 8);
    SHOW(rt_sigsuspend, &set, 4);
    SHOW(rt_sigsuspend, BAD, 8);
    SHOW(rt_sigtimedwait, &set, NULL, &zero, 4);
    SHOW(rt_sigtimedwait, &set, NULL, &bad_ts, 8);
    SHOW(rt_sigtimedwait, &set, NULL, &zero, 8);
    SHOW(rt_sigtimedwait, BAD, NULL, &zero, 8);
    SHOW(rt_sigtimedwait, &set, NULL, BAD, 8);
    SHOW(restart_syscall, 0);
    SHOW(kill, NOBODY, 0);
    SHOW(kill, NOBODY, 65);
    SHOW(kill, pid, 65);
    SHOW(kill, pid, -1);
    SHOW(kill, pid, 0);
    SHOW(kill, 0, 0);
    SHOW(kill, -NOBODY, 0);
    SHOW(kill, INT32_MIN, 0);
    SHOW(tkill, 0, 0);
    SHOW(tkill, -1, 0);
    SHOW(tkill, tid, 65);
    SHOW(tkill, tid, 0);
    SHOW(tkill, NOBODY, 0);
    SHOW(tgkill, pid, 0, 0);
    SHOW(tgkill, 0, tid, 0);
    SHOW(tgkill, pid, tid, 0);
    SHOW(tgkill, NOBODY, tid, 0);
    SHOW(tgkill, pid, NOBODY, 0);
    SHOW(tgkill, pid, tid, 65);
    SHOW(rt_sigqueueinfo, NOBODY, SIGUSR1, &si);
    SHOW(rt_sigqueueinfo, NOBODY, SIGUSR1, &queued);
    SHOW(rt_sigqueueinfo, -1, SIGUSR1, &queued);
    SHOW(rt_sigqueueinfo, pid, 65, &queued);
    SHOW(rt_sigqueueinfo, pid, 0, &queued);
    SHOW(rt_sigqueueinfo, pid, SIGUSR1, BAD);
    SHOW(rt_tgsigqueueinfo, pid, 0, SIGUSR1, &queued);
    SHOW(rt_tgsigqueueinfo, pid, NOBODY, SIGUSR1, &si);
    SHOW(rt_tgsigqueueinfo, pid, NOBODY, SIGUSR1, &queued);
    SHOW(rt_tgsigqueueinfo, pid, tid, 65, &queued);
    SHOW(rt_tgsigqueueinfo, pid, tid, SIGUSR1, BAD);
}

static void altstacks(void)
{
    stack_t ss = {.ss_sp = NULL, .ss_size = 2047}, old;

    SHOW(sigaltstack, &ss, NULL);
    ss.ss_flags = 4;
    SHOW(sigaltstack, &ss, NULL);
    ss.ss_flags = SS_DISABLE;
    SHOW(sigaltstack, &ss, &old);
    printf("flags %d size %zu\n", old.ss_flags, old.ss_size);
    ss.ss_flags = SS_ONSTACK;
    ss.ss_size = 65536;
    ss.ss_sp = malloc(65536);
    SHOW(sigaltstack, &ss, NULL);
    SHOW(sigaltstack, NULL, &old);
    printf("flags %d size %zu\n", old.ss_flags, old.ss_size);
    SHOW(sigaltstack, BAD, NULL);
    SHOW(sigaltstack, NULL, BAD);
    ss.ss_flags = SS_DISABLE;
    SHOW(sigaltstack, &ss, NULL);
}

static volatile int seen;

static void on_any(int signo)
{
    seen += signo;
}

/* Unknown sa_flags are not remembered; SIGKILL leaves a mask silently. */
static void what_is_remembered(void)
{
    struct ksa sa = {on_any, 0x04000000 | 0x400 | SA_NODEFER, NULL, ~0ul}, old;
    uint64_t set = ~0ul, was;

    syscall(SYS_rt_sigaction, SIGUSR2, &sa, NULL, 8);
    syscall(SYS_rt_sigaction, SIGUSR2, NULL, &old, 8);
    printf("flags %lx mask %lx\n", old.flags, old.mask);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &set, &was, 8);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &was, &set, 8);
    printf("all blocked %lx\n", set);
}

static uint64_t pending(void)
{
    uint64_t set = 0;

    syscall(SYS_rt_sigpending, &set, 8);
    return set;
}

static void block(int how, int signo)
{
    uint64_t set = 1ul << (signo - 1);

    syscall(SYS_rt_sigprocmask, how, &set, NULL, 8);
}

static void ignoring(void)
{
    kill(getpid(), SIGCHLD);
    printf("SIGCHLD, default: pending %lx\n", pending());
    block(SIG_BLOCK, SIGCHLD);
    kill(getpid(), SIGCHLD);
    printf("SIGCHLD, blocked: pending %lx\n", pending());
    signal(SIGCHLD, SIG_IGN);
    printf("SIGCHLD, ignored: pending %lx\n", pending());
    kill(getpid(), SIGCHLD);
    printf("SIGCHLD, blocked and ignored: pending %lx\n", pending());
    signal(SIGCHLD, SIG_DFL);
    printf("SIGCHLD, default again: pending %lx\n", pending());
    block(SIG_UNBLOCK, SIGCHLD);
    block(SIG_BLOCK, SIGTSTP);
    block(SIG_BLOCK, SIGCONT);
    kill(getpid(), SIGTSTP);
    printf("stop: pending %lx\n", pending());
    kill(getpid(), SIGCONT);
    printf("continue: pending %lx\n", pending());
    block(SIG_UNBLOCK, SIGCONT);
    block(SIG_UNBLOCK, SIGTSTP);
}

/* sigtimedwait takes what is not blocked, too, when it comes meanwhile. */
static void *send_later(void *arg)
{
    usleep(30000);
    pthread_kill(*(pthread_t *)arg, SIGUSR1);
    return NULL;
}

static void waiting(void)
{
    pthread_t self = pthread_self(), t;
    uint64_t set = 1ul << (SIGUSR1 - 1), other = 1ul << (SIGUSR2 - 1);
    struct timespec second = {1, 0}, some = {0, 20000000};
    siginfo_t si;

    signal(SIGUSR1, on_any);
    SHOW(rt_sigtimedwait, &set, NULL, &some, 8);
    block(SIG_BLOCK, SIGUSR1);
    pthread_create(&t, NULL, send_later, &self);
    SHOW(rt_sigtimedwait, &set, &si, &second, 8);
    printf("code %d, from us %d\n", si.si_code, si.si_pid == getpid());
    pthread_join(t, NULL);
    block(SIG_UNBLOCK, SIGUSR1);
    seen = 0;
    pthread_create(&t, NULL, send_later, &self);
    SHOW(rt_sigtimedwait, &other, NULL, &second, 8);
    pthread_join(t, NULL);
    printf("handler saw %d\n", seen);
    seen = 0;
    pthread_create(&t, NULL, send_later, &self);
    SHOW(pause, 0);
    pthread_join(t, NULL);
    printf("handler saw %d\n", seen);
}

/* What a handler can see and change of the frame. */
static uintptr_t body_sp;

static void on_frame(int signo, siginfo_t *si, void *arg)
{
    ucontext_t *uc = arg;
    uint32_t *sw = (uint32_t *)((char *)uc->uc_mcontext.fpregs + 464);
    uint32_t magic2;

    memcpy(&magic2, (char *)uc->uc_mcontext.fpregs + sw[4], 4);
    printf("uc_flags %lx, cs %llx, ss %llx\n", uc->uc_flags,
           uc->uc_mcontext.gregs[REG_CSGSFS] & 0xffff,
           uc->uc_mcontext.gregs[REG_CSGSFS] >> 48);
    printf("magic %x %x, sizes %d, fpregs aligned %d\n", sw[0], magic2,
           (int)(sw[1] - sw[4]), (int)((uintptr_t)uc->uc_mcontext.fpregs % 64));
    printf("below the red zone %d\n", (uintptr_t)uc < body_sp - 128);
    printf("link %p, mask %lx\n", uc->uc_link, uc->uc_sigmask.__val[0]);
    uc->uc_sigmask.__val[0] |= 1ul << (SIGHUP - 1);
    uc->uc_mcontext.gregs[REG_RAX] = 4711;
}

static void frames(void)
{
    struct sigaction sa = {.sa_sigaction = on_frame, .sa_flags = SA_SIGINFO};
    sigset_t now;
    long rax = SYS_tgkill;

    sigaction(SIGUSR1, &sa, NULL);
    body_sp = (uintptr_t)__builtin_frame_address(0);
    /* The handler runs when this very call returns. */
    __asm__ volatile("syscall"
                     : "+a"(rax)
                     : "D"(getpid()), "S"(syscall(SYS_gettid)), "d"(SIGUSR1)
                     : "rcx", "r11", "memory");
    sigprocmask(SIG_BLOCK, NULL, &now);
    printf("rax %ld, SIGHUP blocked %d\n", rax, sigismember(&now, SIGHUP));
}

/* A vector register and the direction flag around a handler that uses both. */
static void on_clobber(int signo)
{
    double x = signo;

    __asm__ volatile("pxor %%xmm6, %%xmm6\n\tmulsd %%xmm7, %0"
                     : "+x"(x)::"xmm6");
    seen = (int)x;
}

static void vectors(void)
{
    double in = 1.25, out;
    long rax = SYS_tgkill;

    signal(SIGUSR1, on_clobber);
    __asm__ volatile("movsd %4, %%xmm6\n\t"
                     "syscall\n\t"
                     "movsd %%xmm6, %1"
                     : "+a"(rax), "=m"(out)
                     : "D"(getpid()), "S"(syscall(SYS_gettid)), "m"(in),
                       "d"(SIGUSR1)
                     : "rcx", "r11", "xmm6", "memory");
    printf("xmm6 %g\n", out);
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    refusals();
    altstacks();
    what_is_remembered();
    ignoring();
    waiting();
    frames();
    vectors();
    return 0;
}
