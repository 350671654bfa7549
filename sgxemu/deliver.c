/* SPDX-License-Identifier: MIT */
/*
 * Calls the program's handler the way the kernel would: a frame of pretcode,
 * ucontext, siginfo and XSAVE area on the program's stack or its alternate
 * one (sigaltstack(2), and the layout that debuggers and unwinders expect).
 * In enclave mode the enclave is left first, by an asynchronous exit.
 */
#include "sgxemu/enclave.h"

#include <errno.h>

#define UNBLOCKABLE        (1ul << (SIGKILL - 1) | 1ul << (SIGSTOP - 1))
#define PKRU_INIT          0x55555554u
#define SS_AUTODISARM_FLAG (1u << 31)
#define X86_EFLAGS_DF      0x400
#define X86_EFLAGS_TF      0x100

struct frame { /* the kernel's struct rt_sigframe */
    uint64_t pretcode;
    uint8_t uc[KERNEL_UC_SIZE];
    siginfo_t info;
};

/* Ends as the default action does: by the signal itself. */
static void die(int sig)
{
    struct ksigaction dfl = {.handler = (uint64_t)SIG_DFL};
    uint64_t one = 1ul << (sig - 1);

    if (config.stats) {
        stats_print();
    }
    sys4(SYS_rt_sigaction, sig, &dfl, 0, 8);
    sys4(SYS_rt_sigprocmask, SIG_UNBLOCK, &one, 0, 8);
    sys3(SYS_tgkill, sys0(SYS_getpid), sys0(SYS_gettid), sig);
    sys1(SYS_exit_group, 128 + sig);
}

static bool default_ignores(int sig)
{
    return sig == SIGCHLD || sig == SIGWINCH || sig == SIGURG || sig == SIGCONT;
}

static uint64_t frame_top(struct thread *t, ucontext_t *uc,
                          const struct ksigaction *a)
{
    uint64_t sp = (uint64_t)REG(uc, RSP);
    uint64_t base = (uint64_t)t->altstack.ss_sp;

    if (a->flags & SA_ONSTACK && !(t->altstack.ss_flags & SS_DISABLE) &&
        t->altstack.ss_size &&
        (t->altstack.ss_flags & (int)SS_AUTODISARM_FLAG ||
         !(sp > base && sp - base <= t->altstack.ss_size))) {
        return base + t->altstack.ss_size;
    }
    return sp - 128; /* the red zone */
}

static long build(struct thread *t, ucontext_t *uc, const siginfo_t *info,
                  const struct ksigaction *a, uint64_t *at)
{
    uint32_t bytes = frame_xstate_size(uc);
    uint64_t fp = (frame_top(t, uc, a) - bytes) & ~63ul;
    uint64_t sp = ((fp - sizeof(struct frame)) & ~15ul) - 8, mask;
    struct frame f;

    f.pretcode = a->restorer;
    f.info = *info;
    memcpy(f.uc, uc, KERNEL_UC_SIZE);
    memcpy(&mask, &uc->uc_sigmask, 8);
    mask |= t->forced_mask;
    memcpy(f.uc + offsetof(ucontext_t, uc_mcontext.fpregs), &fp, 8);
    memcpy(f.uc + offsetof(ucontext_t, uc_stack), &t->altstack,
           sizeof(t->altstack));
    memcpy(f.uc + offsetof(ucontext_t, uc_sigmask), &mask, 8);
    if (user_write(uc, fp, uc->uc_mcontext.fpregs, bytes) ||
        user_write(uc, sp, &f, sizeof(f))) {
        return -EFAULT;
    }
    *at = sp;
    return 0;
}

static void enter_handler(struct thread *t, ucontext_t *uc, int sig,
                          const struct ksigaction *a, uint64_t sp)
{
    uint64_t mask, blocked = a->mask;

    REG(uc, RIP) = (long)a->handler;
    REG(uc, RSP) = (long)sp;
    REG(uc, RDI) = sig;
    REG(uc, RSI) = (long)(sp + offsetof(struct frame, info));
    REG(uc, RDX) = (long)(sp + offsetof(struct frame, uc));
    REG(uc, RAX) = 0;
    REG(uc, EFL) &= ~(X86_EFLAGS_DF | X86_EFLAGS_TF);
    frame_set_pkru(uc, pkru_closed(PKRU_INIT));
    if (!(a->flags & SA_NODEFER)) {
        blocked |= 1ul << (sig - 1);
    }
    blocked &= ~UNBLOCKABLE;
    memcpy(&mask, &uc->uc_sigmask, 8);
    mask = (t->waiting ? t->wait_mask : mask | t->forced_mask) | blocked;
    t->waiting = false;
    t->forced_mask = mask & FORCED_SIGNALS;
    mask &= ~(FORCED_SIGNALS | UNBLOCKABLE);
    memcpy(&uc->uc_sigmask, &mask, 8);
    if (t->altstack.ss_flags & (int)SS_AUTODISARM_FLAG) {
        memset(&t->altstack, 0, sizeof(t->altstack));
        t->altstack.ss_flags = SS_DISABLE;
    }
}

/* forced: a synchronous fault, which cannot be ignored or blocked. */
void signal_deliver(struct thread *t, ucontext_t *uc, siginfo_t *info,
                    bool forced)
{
    int sig = info->si_signo;
    struct ksigaction *slot = &t->sighand->action[sig], a = *slot;
    bool blocked = forced && t->forced_mask >> (sig - 1) & 1;
    uint64_t sp;

    if (t->enclave) {
        stat_add(STAT_AEX_SIGNAL);
        aex(t, uc, NO_FAULT, false);
    }
    if (a.handler == (uint64_t)SIG_IGN && !forced) {
        return;
    }
    if (a.handler == (uint64_t)SIG_DFL && !forced && default_ignores(sig)) {
        return;
    }
    if (a.handler <= (uint64_t)SIG_IGN || blocked) {
        trace("sgxemu: killed by signal %d at %x, address %x\n", sig,
              REG(uc, RIP), (uint64_t)info->si_addr);
        die(sig);
    }
    if (build(t, uc, info, &a, &sp)) {
        trace("sgxemu: no stack for signal %d at %x\n", sig, REG(uc, RSP));
        die(SIGSEGV);
    }
    if (a.flags & SA_RESETHAND) {
        slot->handler = (uint64_t)SIG_DFL;
    }
    enter_handler(t, uc, sig, &a, sp);
}
