/* SPDX-License-Identifier: MIT
 *
 * Delivery: what a thread does with its signals on its way to user code.
 * signal_deliver() takes one after another: a handler gets a frame, and the
 * next signal's frame then lies on top of it; a default action is carried out
 * on the spot. A system call that was interrupted leaves a restart code in
 * rax, which becomes -EINTR or a second try here and nowhere else.
 *
 * A thread's `interrupted` flag says "come here"; signal_recalc() clears it
 * first and then looks, so that a sender in between is never lost.
 */
#include "kernel/proc/core_dump.h"
#include "kernel/signal/room.h"
#include "kernel/kernel.h"
#include "kernel/core/log.h"
#include "kernel/core/stats.h"
#include "kernel/proc/ptrace/ptrace.h"
#include "kernel/proc/session.h"
#include "kernel/proc/timers.h"
#include "abi/linux/errno.h"
#include "abi/linux/syscall.h"
#include "abi/linux/wait.h"
#include "lib/atomic.h"

void (*signal_trace)(const struct k_siginfo *info);

enum { SYSCALL_LEN = 2, NOT_IN_SYSCALL = -1 };

/* ---- what is pending ---- */

sigset signal_pending_set(struct thread *t)
{
    return atomic_load_relaxed(&t->signals.pending.set) |
           atomic_load_relaxed(&t->proc->signals.pending.set);
}

bool signal_pending(struct thread *t)
{
    return thread_must_exit(t) || (signal_pending_set(t) & ~t->signals.blocked);
}

/* By what no other signal comes before. */
bool signal_kills(struct thread *t)
{
    int doom = t->proc->signals.doom;
    sigset fatal = sigbit(SIGKILL);

    if (doom) {
        fatal |= sigbit(doom) & ~t->signals.blocked;
    }
    return thread_must_exit(t) || signal_pending_set(t) & fatal;
}

bool task_is_killed(struct task *t)
{
    return t->thread && signal_kills(t->thread);
}

void signal_recalc(struct thread *t)
{
    struct signal_state *s = &t->proc->signals;

    vcpus_xchg(&t->task.interrupted, 0);
    if (signal_pending(t) || stop_holds(t) || atomic_load(&s->tell_continued) ||
        ptrace_wants(t)) {
        atomic_store(&t->task.interrupted, 1);
    }
}

int signal_take(struct thread *t, sigset mask, struct k_siginfo *info)
{
    struct signal_state *s = &t->proc->signals;
    int signo = 0;

    if (unlikely(s->doom)) {
        sigset first = mask & sigbit(s->doom);

        signo = queue_take(s, &t->signals.pending, first, info);
        signo = signo ? signo : queue_take(s, &s->pending, first, info);
    }
    signo = signo ? signo : queue_take(s, &t->signals.pending, mask, info);
    signo = signo ? signo : queue_take(s, &s->pending, mask, info);
    if (signo && (sigbit(signo) & SIGSET_STOP)) {
        s->stop_taken = true;
    }
    if (signo && info->from_timer) {
        info->from_timer = 0;
        ptimer_taken(t->proc, info->timer.timer_id, info->timer.overrun);
    }
    return signo;
}

int signal_dequeue(struct thread *t, sigset mask, struct k_siginfo *info)
{
    struct signal_state *s = &t->proc->signals;
    int signo;

    spin_lock(&s->lock);
    signo = signal_take(t, mask & ~SIGSET_ALWAYS, info);
    spin_unlock(&s->lock);
    return signo;
}

bool signal_peek(struct thread *t, bool shared, uint64_t n,
                 struct k_siginfo *info)
{
    struct signal_state *s = &t->proc->signals;
    bool found;

    spin_lock(&s->lock);
    found = queue_peek(shared ? &s->pending : &t->signals.pending, n, info);
    spin_unlock(&s->lock);
    return found;
}

/* ---- restart codes ---- */

static bool is_restart_code(int64_t rax)
{
    return rax <= -ERESTARTSYS && rax >= -ERESTART_RESTARTBLOCK;
}

/* Where the program's SYSCALL was there is one still, or a jump to the slot
 * that serves it (arch/x86_64/patch.h): running it again is going there with
 * the number in rax. */
static void restart_call(struct user_regs *regs, uint64_t number)
{
    regs->rax = number;
    regs->rip = kernel_user_rip(regs->rip) - SYSCALL_LEN;
}

/* The SYSCALL would trap; its slot does not. A handler's frame says nothing
 * of slots, so there sigreturn does this. */
static void restart_in_slot(struct user_regs *regs)
{
    uint64_t slot;

    if (mm_moved_insn(regs->rip, &slot)) {
        regs->rip = slot;
    }
}

static bool left_by_restart(const struct user_regs *regs)
{
    return regs->orig_rax != (uint64_t)NOT_IN_SYSCALL &&
           is_restart_code((int64_t)regs->rax);
}

static void restart_for_handler(struct user_regs *regs, uint64_t flags)
{
    int64_t code = -(int64_t)regs->rax;

    if (!left_by_restart(regs)) {
        return;
    }
    if (code == ERESTARTNOINTR ||
        (code == ERESTARTSYS && (flags & SA_RESTART))) {
        restart_call(regs, regs->orig_rax);
    } else {
        regs->rax = (uint64_t)-EINTR;
    }
}

static void restart_without_handler(struct user_regs *regs)
{
    if (!left_by_restart(regs)) {
        return;
    }
    if ((int64_t)regs->rax == -ERESTART_RESTARTBLOCK) {
        restart_call(regs, NR_restart_syscall);
    } else {
        restart_call(regs, regs->orig_rax);
    }
    restart_in_slot(regs);
}

/* ---- actions ---- */

static _Noreturn void die(struct thread *t, const struct k_siginfo *info)
{
    int status = WSTATUS_SIGNAL(info->signo);

    if (sigbit(info->signo) & SIGSET_SYNC) {
        log_info("process %d (%s) dies of signal %d, code %d, at %lx, "
                 "address %lx",
                 t->proc->pid, t->comm, info->signo, info->code,
                 thread_regs(t)->rip, t->signals.address);
    }
    if (sigbit(info->signo) & SIGSET_CORE && core_dump(info)) {
        status |= WSTATUS_CORE;
    }
    proc_exit_group(status);
}

static void default_action(struct thread *t, const struct k_siginfo *info)
{
    sigset bit = sigbit(info->signo);

    if (bit & SIGSET_IGNORE) {
        return;
    }
    if (bit & SIGSET_STOP) {
        /* Nobody would be there to continue it (signal(7), setpgid(2)). */
        if (info->signo != SIGSTOP && group_is_orphaned()) {
            return;
        }
        stop_process(t->proc, info->signo);
        stop_wait(t);
        thread_exit_check();
        return;
    }
    die(t, info);
}

/* Takes one signal with its siginfo: its number, or 0. A tracer may have made
 * another of it, or taken it away: then it is 0 with *again set. */
static int take_one(struct thread *t, struct k_siginfo *info, bool *again)
{
    struct signal_state *s = &t->proc->signals;
    int signo;

    spin_lock(&s->lock);
    signo = signal_take(t, ~t->signals.blocked, info);
    spin_unlock(&s->lock);
    *again = signo && ptrace_traced(t) && signo != t->signals.fatal;
    if (!*again) {
        return signo;
    }
    signo = ptrace_signal(t, info);
    thread_exit_check();
    return signo;
}

/* What to do for it, as things stand now. */
static void look_up(struct thread *t, int signo, struct k_sigaction *act)
{
    struct signal_state *s = &t->proc->signals;

    spin_lock(&s->lock);
    actions_lock(s);
    *act = s->actions[signo - 1];
    if (signo == s->doom) { /* whatever was asked for since it was sent */
        act->handler = SIG_DFL;
    }
    if (act->handler > SIG_IGN && (act->flags & SA_RESETHAND)) {
        s->actions[signo - 1].handler = SIG_DFL;
    }
    actions_unlock(s);
    s->stop_taken |= ptrace_traced(t) && sigbit(signo) & SIGSET_STOP;
    spin_unlock(&s->lock);
}

/* Takes signals until one has a handler; false: none left. */
static bool next_handled(struct thread *t, struct k_siginfo *info,
                         struct k_sigaction *act)
{
    for (;;) {
        bool again;
        int signo = take_one(t, info, &again);

        if (!signo && !again) {
            return false;
        }
        if (!signo) {
            continue;
        }
        look_up(t, signo, act);
        if (signal_trace) {
            signal_trace(info);
        }
        if (act->handler > SIG_IGN) {
            return true;
        }
        if (act->handler == SIG_DFL) {
            default_action(t, info);
        }
    }
}

/* The stack cannot take a frame: SIGSEGV, and when that was SIGSEGV's own
 * frame, without a handler. */
static void frame_failed(struct thread *t, int signo)
{
    struct k_siginfo info = {.signo = SIGSEGV, .code = SI_KERNEL};
    struct signal_state *s = &t->proc->signals;

    if (signo == SIGSEGV) {
        spin_lock(&s->lock);
        s->actions[SIGSEGV - 1].handler = SIG_DFL;
        spin_unlock(&s->lock);
    }
    signal_force(&info);
}

static void handle(struct thread *t, struct user_regs *regs,
                   const struct k_siginfo *info, const struct k_sigaction *act)
{
    struct thread_signals *ts = &t->signals;
    sigset old = ts->restore_mask ? ts->saved_mask : ts->blocked;
    sigset mask = ts->blocked | act->mask;

    restart_for_handler(regs, act->flags);
    regs->orig_rax = (uint64_t)NOT_IN_SYSCALL;
    ptrace_forget_step(t, regs);
    if (frame_build(t, regs, act, info, old)) {
        frame_failed(t, info->signo);
        return;
    }
    stats_count(STAT_SIGNAL);
    ts->restore_mask = false;
    if (!(act->flags & SA_NODEFER)) {
        mask |= sigbit(info->signo);
    }
    signal_set_mask(mask);
    ptrace_handler(t, regs);
}

void signal_deliver(struct user_regs *regs)
{
    struct thread *t = current_thread();
    struct k_sigaction act;
    struct k_siginfo info;

    thread_exit_check();
    stop_wait(t);
    thread_exit_check();
    while (next_handled(t, &info, &act)) {
        handle(t, regs, &info, &act);
    }
    restart_without_handler(regs);
    regs->orig_rax = (uint64_t)NOT_IN_SYSCALL;
    if (t->signals.restore_mask) {
        t->signals.restore_mask = false;
        signal_set_mask(t->signals.saved_mask);
    }
    signal_recalc(t);
}
