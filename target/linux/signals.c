/* SPDX-License-Identifier: MIT
 *
 * The host's signals to the instance, and the service thread that takes them:
 * the process's first thread, once the kernel runs. vCPU threads block all of
 * them. It also corrects the clock.
 *
 * Job control that the terminal does to the process itself (SIGTTIN, SIGTTOU)
 * keeps its default action. What was ignored when the process started is what
 * process 1 ignores at first (nohup(1), `command &` of a script); an enclave
 * whose policy does not want to hear that is sent none of it.
 */
#include "target/linux/host.h"
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Not blocked on a vCPU: faults, the kick, and stopping by the terminal. */
static const int vcpu_signals[] = {SIGSEGV, SIGBUS,  SIGFPE,   SIGILL,  SIGTRAP,
                                   SIGSYS,  SIGTTIN, SIG_KICK, SIG_TICK};
static const int forwarded[] = {SIGHUP,  SIGINT,  SIGQUIT,   SIGABRT, SIGUSR1,
                                SIGUSR2, SIGPIPE, SIGALRM,   SIGTERM, SIGTSTP,
                                SIGCONT, SIGURG,  SIGSTKFLT, SIGXCPU, SIGXFSZ,
                                SIGIO,   SIGPWR,  SIGWINCH};

enum { FIRST_RT = 34, LAST_RT = 64 }; /* but glibc's own */

static sigset_t served;

static uint64_t first_ignored; /* when somebody first asked */
static bool asked;

struct kernel_sigaction { /* rt_sigaction(2) */
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

/* libc's sigaction(3) tells nothing of 32 and 33, which it keeps to itself. */
static bool is_ignored(int signo)
{
    struct kernel_sigaction sa;

    return !syscall(SYS_rt_sigaction, signo, NULL, &sa, sizeof(sa.mask)) &&
           sa.handler == SIG_IGN;
}

/* sigtimedwait(2) would take SIGINT before gdb sees it; and a breakpoint in a
 * thread that blocks SIGTRAP costs its handler. */
static bool is_debuggers(int signo)
{
    return (signo == SIGINT || signo == SIGTRAP) && getenv("ENCLOS_GDB");
}

uint64_t signals_ignored(void)
{
    for (int signo = 1; signo <= 64 && !asked; signo++) {
        first_ignored |= is_ignored(signo) ? 1ull << (signo - 1) : 0;
    }
    asked = true;
    return first_ignored;
}

void signals_ignore_again(void)
{
    const struct kernel_sigaction ignore = {.handler = SIG_IGN};

    for (int signo = 1; signo <= 64; signo++) {
        if (first_ignored >> (signo - 1) & 1) {
            syscall(SYS_rt_sigaction, signo, &ignore, NULL,
                    sizeof(ignore.mask));
        }
    }
}

void signals_block(bool with_ignored)
{
    sigset_t set;

    vcpu_sigmask = ~0ull;
    for (unsigned i = 0; i < ARRAY_SIZE(vcpu_signals); i++) {
        vcpu_sigmask &= ~(1ull << (vcpu_signals[i] - 1));
    }
    sigemptyset(&served);
    for (unsigned i = 0; i < ARRAY_SIZE(forwarded); i++) {
        if ((with_ignored || !is_ignored(forwarded[i])) &&
            !is_debuggers(forwarded[i])) {
            sigaddset(&served, forwarded[i]);
        }
    }
    for (int signo = FIRST_RT; signo <= LAST_RT; signo++) {
        sigaddset(&served, signo);
    }
    sigfillset(&set);
    for (unsigned i = 0; i < ARRAY_SIZE(vcpu_signals); i++) {
        sigdelset(&set, vcpu_signals[i]);
    }
    sigaddset(&set, SIG_KICK);
    sigaddset(&set, SIG_TICK);
    sigdelset(&set, SIGTTOU);
    if (is_debuggers(SIGINT)) {
        sigdelset(&set, SIGINT);
    }
    pthread_sigmask(SIG_SETMASK, &set, NULL);
}

void signals_leave_faults(void)
{
    sigset_t set;

    sigemptyset(&set);
    for (unsigned i = 0; i < ARRAY_SIZE(vcpu_signals); i++) {
        if (!is_debuggers(vcpu_signals[i]) && vcpu_signals[i] != SIGTTIN) {
            sigaddset(&set, vcpu_signals[i]);
        }
    }
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

void signals_serve(void (*deliver)(int signo))
{
    uint64_t due = now_ns() + 5000000;

    for (;;) {
        uint64_t now = now_ns();
        struct timespec ts = {0};
        int signo;

        if (now >= due) {
            due = now + calibrate_step();
        }
        ts.tv_sec = (due - now) / 1000000000;
        ts.tv_nsec = (due - now) % 1000000000;
        signo = sigtimedwait(&served, NULL, &ts);
        if (signo > 0) {
            deliver(signo);
        }
    }
}
