/* SPDX-License-Identifier: MIT
 *
 * Linux's signals as a program sees them on x86-64: numbers (signal(7)),
 * siginfo codes and flags (sigaction(2), sigaltstack(2)), and the frame that a
 * handler finds on its stack. Layouts are pinned by static_assert.
 */
#ifndef ABI_LINUX_SIGNAL_H
#define ABI_LINUX_SIGNAL_H

#include "lib/types.h"

#define SIGHUP    1
#define SIGINT    2
#define SIGQUIT   3
#define SIGILL    4
#define SIGTRAP   5
#define SIGABRT   6
#define SIGBUS    7
#define SIGFPE    8
#define SIGKILL   9
#define SIGUSR1   10
#define SIGSEGV   11
#define SIGUSR2   12
#define SIGPIPE   13
#define SIGALRM   14
#define SIGTERM   15
#define SIGSTKFLT 16
#define SIGCHLD   17
#define SIGCONT   18
#define SIGSTOP   19
#define SIGTSTP   20
#define SIGTTIN   21
#define SIGTTOU   22
#define SIGURG    23
#define SIGXCPU   24
#define SIGXFSZ   25
#define SIGVTALRM 26
#define SIGPROF   27
#define SIGWINCH  28
#define SIGIO     29
#define SIGPWR    30
#define SIGSYS    31
#define SIGRTMIN  32
#define SIGRTMAX  64

/* siginfo codes: who sent it */
#define SI_USER     0
#define SI_KERNEL   0x80
#define SI_DETHREAD (-7)
#define SI_ASYNCNL  (-60)
#define SI_QUEUE    (-1)
#define SI_TIMER    (-2)
#define SI_MESGQ    (-3)
#define SI_ASYNCIO  (-4)
#define SI_SIGIO    (-5)
#define SI_TKILL    (-6)

#define ILL_ILLOPN 2
#define FPE_INTDIV 1
#define FPE_INTOVF 2
#define FPE_FLTDIV 3
#define FPE_FLTOVF 4
#define FPE_FLTUND 5
#define FPE_FLTRES 6
#define FPE_FLTINV 7

#define SEGV_MAPERR       1
#define SEGV_ACCERR       2
#define SEGV_PKUERR       4
#define BUS_ADRALN        1
#define BUS_ADRERR        2
#define SYS_SECCOMP       1
#define SYS_USER_DISPATCH 2
#define TRAP_BRKPT        1
#define TRAP_TRACE        2

#define CLD_EXITED    1
#define CLD_KILLED    2
#define CLD_DUMPED    3
#define CLD_TRAPPED   4
#define CLD_STOPPED   5
#define CLD_CONTINUED 6

/* sigaction */
#define SIG_DFL        0
#define SIG_IGN        1
#define SA_NOCLDSTOP   0x00000001
#define SA_NOCLDWAIT   0x00000002
#define SA_SIGINFO     0x00000004
#define SA_EXPOSE_TAGS 0x00000800
#define SA_RESTORER    0x04000000
#define SA_ONSTACK     0x08000000
#define SA_RESTART     0x10000000
#define SA_NODEFER     0x40000000
#define SA_RESETHAND   0x80000000u

/* sigprocmask */
#define SIG_BLOCK   0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2

/* sigaltstack */
#define SS_ONSTACK    1
#define SS_DISABLE    2
#define SS_AUTODISARM 0x80000000u
#define MINSIGSTKSZ   2048

struct linux_stack {
    uint64_t sp;
    uint32_t flags, pad;
    uint64_t size;
};

/* ---- the frame: what a handler's stack holds, lowest address first ---- */

/* uc_flags */
#define UC_FP_XSTATE         1
#define UC_SIGCONTEXT_SS     2
#define UC_STRICT_RESTORE_SS 4

struct linux_sigcontext {
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp;
    uint64_t rip, rflags;
    uint16_t cs, gs, fs, ss;
    uint64_t err, trapno, oldmask, cr2;
    uint64_t fpstate; /* address of an XSAVE area, or 0 */
    uint64_t reserved[8];
};

struct linux_ucontext {
    uint64_t flags, link;
    struct linux_stack stack;
    struct linux_sigcontext mcontext;
    uint64_t sigmask;
};

struct linux_rt_sigframe {
    uint64_t pretcode; /* the restorer's address: what the handler returns to */
    struct linux_ucontext uc;
    uint8_t info[128];
};

/* In the bytes that XSAVE leaves to software, at 464 of the area: how long it
 * is and what it holds. A second magic number follows the area. */
#define FP_XSTATE_MAGIC1 0x46505853u
#define FP_XSTATE_MAGIC2 0x46505845u
#define FP_SW_OFFSET     464

struct linux_fpx_sw {
    uint32_t magic1;
    uint32_t extended_size; /* xstate_size and the second magic number */
    uint64_t xfeatures;
    uint32_t xstate_size;
    uint32_t padding[7];
};

static_assert(sizeof(struct linux_stack) == 24, "stack_t");
static_assert(sizeof(struct linux_sigcontext) == 256, "sigcontext");
static_assert(offsetof(struct linux_sigcontext, rip) == 128, "sigcontext");
static_assert(offsetof(struct linux_sigcontext, cs) == 144, "sigcontext");
static_assert(offsetof(struct linux_sigcontext, err) == 152, "sigcontext");
static_assert(offsetof(struct linux_sigcontext, fpstate) == 184, "sigcontext");
static_assert(sizeof(struct linux_ucontext) == 304, "ucontext");
static_assert(offsetof(struct linux_ucontext, mcontext) == 40, "ucontext");
static_assert(offsetof(struct linux_ucontext, sigmask) == 296, "ucontext");
static_assert(offsetof(struct linux_rt_sigframe, uc) == 8, "rt_sigframe");
static_assert(offsetof(struct linux_rt_sigframe, info) == 312, "rt_sigframe");
static_assert(sizeof(struct linux_rt_sigframe) == 440, "rt_sigframe");
static_assert(sizeof(struct linux_fpx_sw) == 48, "_fpx_sw_bytes");

#endif
