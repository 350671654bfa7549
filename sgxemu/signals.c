/* SPDX-License-Identifier: MIT */
/*
 * The program's signal state. Dispositions "default" and "ignore" are the
 * kernel's own; a handler of the program's is kept in struct sighand while
 * the kernel calls ours, with the program's SA_RESTART. FORCED_SIGNALS are
 * always ours, never blocked in the kernel: that the program blocked one is
 * kept in forced_mask, and an asynchronous one waits in held.
 *
 * A signal that interrupts our own code is put off (signal_defer): at most
 * one, since the rest is then masked until we return. See entry.S.
 */
#include "sgxemu/enclave.h"

#include <errno.h>

#define UNBLOCKABLE (1ul << (SIGKILL - 1) | 1ul << (SIGSTOP - 1))

static bool is_forced(int sig)
{
    return sig >= 1 && sig <= 31 && FORCED_SIGNALS >> (sig - 1) & 1;
}

/* The synchronous ones let all others through, which are put off: system
 * calls run in SIGSYS's handler, and fast_return() restores no mask. */
static void install(int sig, uint64_t flags)
{
    struct ksigaction a = {
        .handler = (uint64_t)trap_handler,
        .flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | KSA_RESTORER | flags,
        .restorer = (uint64_t)trap_return,
        .mask = is_forced(sig) ? 0 : ~FORCED_SIGNALS,
    };

    sys4(SYS_rt_sigaction, sig, &a, 0, 8);
}

void signal_sync_install(int sig)
{
    install(sig, 0);
}

void signals_init(void)
{
    uint64_t none = FORCED_SIGNALS;
    struct sighand *table = thread_new()->sighand;

    for (int sig = 1; sig <= 64; sig++) {
        struct ksigaction old = {0};

        sys4(SYS_rt_sigaction, sig, 0, &old, 8);
        table->action[sig].handler = old.handler; /* SIG_IGN survives exec */
        if (is_forced(sig)) {
            install(sig, 0);
        }
    }
    sys4(SYS_rt_sigprocmask, SIG_UNBLOCK, &none, 0, 8);
}

static bool in(uint64_t rip, const char *start, const char *end)
{
    return rip >= (uint64_t)start && rip < (uint64_t)end;
}

void signal_defer(struct thread *t, ucontext_t *uc, siginfo_t *info)
{
    uint64_t rip = (uint64_t)REG(uc, RIP), all = ~FORCED_SIGNALS;

    if (thread_head(t)->deferred) { /* a forced one: those are never masked */
        t->held |= 1ul << (info->si_signo - 1);
        t->held_info[info->si_signo & 31] = *info;
        return;
    }
    t->deferred = *info;
    __atomic_store_n(&thread_head(t)->deferred, 1, __ATOMIC_RELEASE);
    memcpy(&uc->uc_sigmask, &all, 8);
    if (in(rip, gate_check, gate_end)) {
        REG(uc, RIP) = (long)gate_abort;
    } else if (in(rip, trap_return, trap_return_end)) {
        REG(uc, RIP) = (long)trap_return;
    } else if (in(rip, fast_return_begin, fast_return_end)) {
        REG(uc, RIP) = (long)fast_return_begin;
        REG(uc, RSP) = (REG(uc, RSP) + 15) & ~15l; /* between PUSH and POP */
    }
}

void signal_deferred(ucontext_t *uc)
{
    struct thread *t = thread_current();
    siginfo_t info = t->deferred;

    thread_head(t)->deferred = 0;
    if (t->abort_register) {
        abort_finish(t, uc, &info);
    }
    signal_arrive(t, uc, &info);
}

/* Which FORCED_SIGNALS the program has blocked just now. */
static uint64_t forced_blocked(const struct thread *t)
{
    return t->waiting ? t->wait_mask & FORCED_SIGNALS : t->forced_mask;
}

/* An asynchronous signal for the program, which is at uc. */
void signal_arrive(struct thread *t, ucontext_t *uc, siginfo_t *info)
{
    int sig = info->si_signo;

    if (is_forced(sig) && forced_blocked(t) >> (sig - 1) & 1) {
        t->held |= 1ul << (sig - 1);
        t->held_info[sig] = *info;
        return;
    }
    signal_deliver(t, uc, info, false);
}

void signal_release_held(struct thread *t, ucontext_t *uc)
{
    uint64_t ready = t->held & ~forced_blocked(t);

    if (ready) {
        int sig = __builtin_ctzl(ready) + 1;
        siginfo_t info = t->held_info[sig];

        t->held &= ~(1ul << (sig - 1));
        signal_deliver(t, uc, &info, false);
    }
}

/* ---- system calls ---- */
static long sys_sigaction(struct thread *t, ucontext_t *uc)
{
    uint64_t new_at = (uint64_t)REG(uc, RSI), old_at = (uint64_t)REG(uc, RDX);
    int sig = (int)REG(uc, RDI);
    struct ksigaction new, old;

    if (sig < 1 || sig > 64 || REG(uc, R10) != 8) {
        return -EINVAL;
    }
    if (new_at && (sig == SIGKILL || sig == SIGSTOP)) {
        return -EINVAL;
    }
    if (new_at && user_read(uc, &new, new_at, sizeof(new))) {
        return -EFAULT;
    }
    process_lock();
    old = t->sighand->action[sig];
    if (new_at) {
        new.mask &= ~UNBLOCKABLE;
        t->sighand->action[sig] = new;
        if (is_forced(sig) || new.handler > (uint64_t)SIG_IGN) {
            install(sig, new.flags &(SA_RESTART | SA_NOCLDSTOP | SA_NOCLDWAIT));
        } else {
            struct ksigaction plain = {.handler = new.handler,
                                       .flags = new.flags & ~SA_ONSTACK};

            sys4(SYS_rt_sigaction, sig, &plain, 0, 8);
        }
    }
    process_unlock();
    return old_at && user_write(uc, old_at, &old, sizeof(old)) ? -EFAULT : 0;
}

static long sys_sigprocmask(struct thread *t, ucontext_t *uc)
{
    uint64_t set, now, new_at = (uint64_t)REG(uc, RSI);
    uint64_t old_at = (uint64_t)REG(uc, RDX);

    if (REG(uc, R10) != 8) {
        return -EINVAL;
    }
    memcpy(&now, &uc->uc_sigmask, 8);
    now = (now & ~FORCED_SIGNALS) | t->forced_mask;
    if (new_at) {
        uint64_t next;

        if (user_read(uc, &set, new_at, 8)) {
            return -EFAULT;
        }
        switch ((int)REG(uc, RDI)) {
        case SIG_BLOCK:
            next = now | set;
            break;
        case SIG_UNBLOCK:
            next = now & ~set;
            break;
        case SIG_SETMASK:
            next = set;
            break;
        default:
            return -EINVAL;
        }
        next &= ~UNBLOCKABLE;
        t->forced_mask = next & FORCED_SIGNALS;
        next &= ~FORCED_SIGNALS;
        memcpy(&uc->uc_sigmask, &next, 8);
    }
    return old_at && user_write(uc, old_at, &now, 8) ? -EFAULT : 0;
}

static long sys_altstack(struct thread *t, ucontext_t *uc)
{
    uint64_t sp = (uint64_t)REG(uc, RSP), base = (uint64_t)t->altstack.ss_sp;
    bool on = !(t->altstack.ss_flags & SS_DISABLE) &&
              !(t->altstack.ss_flags & (1 << 31)) && sp > base &&
              sp - base <= t->altstack.ss_size;
    stack_t old = t->altstack, new;

    old.ss_flags |= on ? SS_ONSTACK : 0;
    if (REG(uc, RDI)) {
        int mode;

        if (user_read(uc, &new, (uint64_t)REG(uc, RDI), sizeof(new))) {
            return -EFAULT;
        }
        if (on) {
            return -EPERM;
        }
        mode = new.ss_flags & ~(int)(1u << 31); /* SS_AUTODISARM */
        if (mode != 0 && mode != SS_DISABLE && mode != SS_ONSTACK) {
            return -EINVAL;
        }
        if (mode == SS_DISABLE) {
            new.ss_sp = NULL;
            new.ss_size = 0;
        } else if (new.ss_size < 2048) {
            return -ENOMEM;
        }
        new.ss_flags &= ~SS_ONSTACK;
        t->altstack = new;
    }
    if (REG(uc, RSI) &&
        user_write(uc, (uint64_t)REG(uc, RSI), &old, sizeof(old))) {
        return -EFAULT;
    }
    return 0;
}

/* The frame that deliver.c built, as the handler left it. */
static bool sys_sigreturn(struct thread *t, ucontext_t *uc)
{
    ucontext_t whole, *saved = &whole; /* the kernel's part of it */
    void *fp = uc->uc_mcontext.fpregs;
    uint32_t bytes = frame_xstate_size(uc);
    uint64_t mask, segments, keep_flags = uc->uc_flags;
    stack_t stack = uc->uc_stack;

    segments = (uint64_t)REG(uc, CSGSFS);
    if (user_read(uc, saved, (uint64_t)REG(uc, RSP), KERNEL_UC_SIZE)) {
        return false;
    }
    if (saved->uc_mcontext.fpregs &&
        user_read(uc, fp, (uint64_t)saved->uc_mcontext.fpregs, bytes)) {
        return false;
    }
    memcpy(uc, saved, KERNEL_UC_SIZE);
    t->altstack = saved->uc_stack;
    t->altstack.ss_flags &= ~SS_ONSTACK;
    uc->uc_mcontext.fpregs = fp;
    uc->uc_flags = keep_flags;
    uc->uc_stack = stack;
    REG(uc, CSGSFS) = (long)segments;
    frame_set_pkru(uc, pkru_closed(frame_pkru(uc)));
    memcpy(&mask, &uc->uc_sigmask, 8);
    t->forced_mask = mask & FORCED_SIGNALS;
    mask &= ~FORCED_SIGNALS;
    memcpy(&uc->uc_sigmask, &mask, 8);
    return true;
}

static long sys_sigpending(struct thread *t, ucontext_t *uc)
{
    uint64_t pending = 0;

    sys2(SYS_rt_sigpending, &pending, 8);
    pending |= t->held;
    return user_write(uc, (uint64_t)REG(uc, RDI), &pending, 8);
}

bool signal_syscall(struct thread *t, ucontext_t *uc, long nr, long *result)
{
    switch (nr) {
    case SYS_rt_sigaction:
        *result = sys_sigaction(t, uc);
        return true;
    case SYS_rt_sigprocmask:
        *result = sys_sigprocmask(t, uc);
        return true;
    case SYS_sigaltstack:
        *result = sys_altstack(t, uc);
        return true;
    case SYS_rt_sigpending:
        *result = sys_sigpending(t, uc);
        return true;
    case SYS_rt_sigreturn:
        if (!sys_sigreturn(t, uc)) {
            siginfo_t info = {.si_signo = SIGSEGV, .si_code = SI_KERNEL};

            signal_deliver(t, uc, &info, true);
        }
        *result = REG(uc, RAX); /* whatever was restored */
        return true;
    default:
        return false;
    }
}
