/* SPDX-License-Identifier: MIT
 *
 * ptrace(2)'s requests to a stopped thread, registers aside (ptrace_regs.c).
 * Each looks the thread up by its number, under proc_lock, so that one that is
 * killed meanwhile is -ESRCH and nothing worse.
 */
#include "kernel/proc/ptrace/ptrace.h"
#include "kernel/kernel.h"
#include "kernel/proc/peer.h"
#include "abi/linux/errno.h"
#include "abi/linux/mman.h"
#include "abi/linux/seccomp.h"
#include "abi/linux/signal.h"

/* [L] */
static struct tracee *tracee_of(int tid)
{
    struct thread *t = thread_find(tid);

    return t && ptrace_traced(t) && t->tracee->by == current_thread()
               ? t->tracee
               : NULL;
}

struct tracee *ptrace_stopped(int tid)
{
    struct tracee *r = tracee_of(tid);

    return r && atomic_load(&r->stopped) && !r->listening ? r : NULL;
}

/* ---- going on ---- */

/* [L] */
static void go(struct tracee *r, uint64_t signal)
{
    r->signal = (int)signal;
    r->news = false;
    atomic_store(&r->stopped, false);
    wait_wake_all(&r->thread->proc->signals.cont_wait);
}

static void set_resume(struct tracee *r, int request)
{
    bool emulate =
        request == PTRACE_SYSEMU || request == PTRACE_SYSEMU_SINGLESTEP;

    r->resume = request == PTRACE_SYSCALL ? RESUME_SYSCALL
                : emulate                 ? RESUME_EMULATE
                                          : RESUME_RUN;
    r->step =
        request == PTRACE_SINGLESTEP || request == PTRACE_SYSEMU_SINGLESTEP;
}

int ptrace_resume(int tid, int request, uint64_t signal)
{
    struct tracee *r;

    spin_lock(&proc_lock);
    r = ptrace_stopped(tid);
    if (r && signal <= NSIG) {
        set_resume(r, request);
        go(r, signal);
    }
    spin_unlock(&proc_lock);
    return !r ? -ESRCH : signal > NSIG ? -EIO : 0;
}

int ptrace_detach(int tid, uint64_t signal)
{
    struct tracee *r;

    spin_lock(&proc_lock);
    r = ptrace_stopped(tid);
    if (r && signal <= NSIG) {
        list_del(&r->node);
        r->thread->proc->traced--;
        r->interrupt = r->step = false;
        r->group_stop = 0;
        r->resume = RESUME_RUN;
        atomic_store(&r->tracer, (struct proc *)NULL);
        go(r, signal);
    }
    spin_unlock(&proc_lock);
    return !r ? -ESRCH : signal > NSIG ? -EIO : 0;
}

int ptrace_interrupt(int tid)
{
    struct tracee *r;
    int err = 0;

    spin_lock(&proc_lock);
    r = tracee_of(tid);
    if (!r) {
        err = -ESRCH;
    } else if (!r->seized) {
        err = -EIO;
    } else {
        r->interrupt = true;
        if (r->listening) {
            go(r, 0);
        }
        task_interrupt(&r->thread->task);
    }
    spin_unlock(&proc_lock);
    return err;
}

int ptrace_listen(int tid)
{
    struct tracee *r;
    int err = 0;

    spin_lock(&proc_lock);
    r = ptrace_stopped(tid);
    if (!r) {
        err = -ESRCH;
    } else if (!r->seized || r->code >> 8 != PTRACE_EVENT_STOP) {
        err = -EIO;
    } else {
        r->listening = true;
        r->news = false;
        if (r->interrupt) { /* it was continued, or interrupted, before */
            go(r, 0);
        }
    }
    spin_unlock(&proc_lock);
    return err;
}

int ptrace_kill(int tid)
{
    static const struct k_siginfo kill = {.signo = SIGKILL, .code = SI_KERNEL};
    struct tracee *r;

    spin_lock(&proc_lock);
    r = tracee_of(tid);
    if (r) {
        signal_send_proc_locked(r->thread->proc, &kill);
    }
    spin_unlock(&proc_lock);
    return r ? 0 : -ESRCH;
}

/* ---- what it stopped for ---- */

int ptrace_set_options(int tid, uint64_t options)
{
    struct tracee *r;
    bool known = !(options & ~(uint64_t)PTRACE_O_KNOWN);
    bool may = ptrace_may_set(options);

    spin_lock(&proc_lock);
    r = ptrace_stopped(tid);
    if (r && known && may) {
        r->options = (uint32_t)options;
    }
    spin_unlock(&proc_lock);
    return !r ? -ESRCH : !known ? -EINVAL : may ? 0 : -EPERM;
}

int ptrace_message(int tid, uint64_t *message)
{
    struct tracee *r;

    spin_lock(&proc_lock);
    r = ptrace_stopped(tid);
    if (r) {
        *message = r->message;
    }
    spin_unlock(&proc_lock);
    return r ? 0 : -ESRCH;
}

int ptrace_get_siginfo(int tid, struct k_siginfo *info)
{
    struct tracee *r;
    int err;

    spin_lock(&proc_lock);
    r = ptrace_stopped(tid);
    err = !r ? -ESRCH : r->has_info ? 0 : -EINVAL;
    if (!err) {
        *info = r->info;
    }
    spin_unlock(&proc_lock);
    return err;
}

int ptrace_set_siginfo(int tid, const struct k_siginfo *info)
{
    struct tracee *r;
    int err;

    spin_lock(&proc_lock);
    r = ptrace_stopped(tid);
    err = !r ? -ESRCH : r->has_info ? 0 : -EINVAL;
    if (!err) {
        r->info = *info;
    }
    spin_unlock(&proc_lock);
    return err;
}

int ptrace_peek_siginfo(int tid, bool shared, uint64_t n,
                        struct k_siginfo *info)
{
    struct tracee *r;
    int found = -ESRCH;

    spin_lock(&proc_lock);
    r = ptrace_stopped(tid);
    if (r) {
        found = signal_peek(r->thread, shared, n, info);
    }
    spin_unlock(&proc_lock);
    return found;
}

int ptrace_get_mask(int tid, sigset *mask)
{
    struct tracee *r;

    spin_lock(&proc_lock);
    r = ptrace_stopped(tid);
    if (r) {
        struct thread_signals *s = &r->thread->signals;

        *mask = s->restore_mask ? s->saved_mask : s->blocked;
    }
    spin_unlock(&proc_lock);
    return r ? 0 : -ESRCH;
}

int ptrace_set_mask(int tid, sigset mask)
{
    const sigset always = 1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1);
    struct tracee *r;

    spin_lock(&proc_lock);
    r = ptrace_stopped(tid);
    if (r) {
        struct signal_state *s = &r->thread->proc->signals;

        spin_lock(&s->lock);
        r->thread->signals.blocked = mask & ~always;
        r->thread->signals.restore_mask = false;
        spin_unlock(&s->lock);
        task_interrupt(&r->thread->task); /* to look again what is blocked */
    }
    spin_unlock(&proc_lock);
    return r ? 0 : -ESRCH;
}

static size_t fill_entry(struct ptrace_syscall_info *info,
                         const struct user_regs *regs)
{
    const uint64_t args[6] = {regs->rdi, regs->rsi, regs->rdx,
                              regs->r10, regs->r8,  regs->r9};

    info->entry.nr = regs->orig_rax;
    for (int i = 0; i < 6; i++) {
        info->entry.args[i] = args[i];
    }
    return offsetof(struct ptrace_syscall_info, entry.ret_data);
}

static size_t fill_info(struct ptrace_syscall_info *info,
                        const struct tracee *r)
{
    const struct user_regs *regs = thread_regs(r->thread);
    int64_t result = (int64_t)regs->rax;

    *info = (struct ptrace_syscall_info){
        .op = r->call,
        .arch = AUDIT_ARCH_X86_64,
        .instruction_pointer = regs->rip,
        .stack_pointer = regs->rsp,
    };
    switch (r->call) {
    case PTRACE_SYSCALL_INFO_ENTRY:
        return fill_entry(info, regs);
    case PTRACE_SYSCALL_INFO_SECCOMP:
        fill_entry(info, regs);
        info->entry.ret_data = (uint32_t)r->message;
        return offsetof(struct ptrace_syscall_info, entry.ret_data) + 4;
    case PTRACE_SYSCALL_INFO_EXIT:
        info->exit.rval = result;
        info->exit.is_error = result < 0 && result >= -4095;
        return offsetof(struct ptrace_syscall_info, exit.is_error) + 1;
    default:
        return offsetof(struct ptrace_syscall_info, entry);
    }
}

int ptrace_call_info(int tid, struct ptrace_syscall_info *info, size_t *len)
{
    struct tracee *r;

    spin_lock(&proc_lock);
    r = ptrace_stopped(tid);
    if (r) {
        *len = fill_info(info, r);
    }
    spin_unlock(&proc_lock);
    return r ? 0 : -ESRCH;
}

/* ---- memory ---- */

static int memory_of(int tid, struct mm **mm)
{
    struct tracee *r;

    spin_lock(&proc_lock);
    r = ptrace_stopped(tid);
    *mm = r ? r->thread->proc->mm : NULL;
    if (*mm) {
        mm_get(*mm);
    }
    spin_unlock(&proc_lock);
    return *mm ? 0 : -ESRCH;
}

int ptrace_peek(int tid, uint64_t addr, uint64_t *word)
{
    struct mm *mm;
    int err = memory_of(tid, &mm);

    if (!err) {
        err = peer_force_read(mm, addr, word, sizeof(*word)) == sizeof(*word)
                  ? 0
                  : -EIO;
        mm_put(mm);
    }
    return err;
}

int ptrace_poke(int tid, uint64_t addr, uint64_t word)
{
    struct mm *mm;
    int err = memory_of(tid, &mm);

    if (!err) {
        err = peer_force(mm, addr, &word, sizeof(word)) == sizeof(word) ? 0
                                                                        : -EIO;
        mm_put(mm);
    }
    return err;
}
