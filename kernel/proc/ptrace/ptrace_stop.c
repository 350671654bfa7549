/* SPDX-License-Identifier: MIT
 *
 * The traced thread's part of ptrace(2): where it stops, and what it finds
 * changed when it goes on. A stop sleeps on the process's signals.cont_wait,
 * as job control's does, and only SIGKILL or the end of the process end it
 * without the tracer.
 *
 * What the tracer sees as RIP is the program's own (kernel_user_rip()). A
 * thread that was not moved goes on in the slot where it was; one that was
 * goes where the program's instruction is now (mm_moved_insn()).
 *
 * A single step is RFLAGS.TF. It cannot follow into the kernel, and stepping
 * through the slot of a rewritten call is nobody's affair: the target goes on
 * by itself there (target/linux/trap.c), and the step ends behind the call,
 * in ptrace_call_exit().
 */
#include "kernel/proc/ptrace/ptrace.h"
#include "kernel/kernel.h"
#include "abi/linux/errno.h"
#include "abi/linux/prctl.h"
#include "abi/linux/signal.h"

enum { MESSAGE_ENTRY = 1, MESSAGE_EXIT = 2, SYSGOOD = 0x80 };

/* What to stop with. */
struct stop {
    int code;                     /* wait status >> 8 */
    const struct k_siginfo *info; /* NULL: none to be had */
    uint64_t message;
    uint8_t call;
    bool group; /* job control's */
    bool exits; /* of who is about to exit */
};

/* ---- stopping ---- */

/* SIGCHLD, unless the tracer does not want it for stops, and a wake-up. [L] */
static void tell_tracer(struct thread *t, const struct stop *s)
{
    struct proc *tracer = t->tracee->tracer;
    struct k_siginfo info = {.signo = SIGCHLD,
                             .code = s->group ? CLD_STOPPED : CLD_TRAPPED};

    info.child.pid = t->tid;
    info.child.uid = t->cred.uid;
    info.child.status = s->code & 0x7f;
    if (!signal_ignores_children(tracer, SA_NOCLDSTOP)) {
        signal_send_proc_locked(tracer, &info);
    }
    wait_wake_all(&tracer->exit_wait);
}

static bool is_killed(struct thread *t)
{
    return thread_must_exit(t) || (signal_pending_set(t) & sigbit(SIGKILL));
}

/* Whether a stop ends without its tracer. What ends a thread has been taken
 * from its signals when it exits; then only another SIGKILL counts, and none
 * once all of the process exits. */
static bool is_over(struct thread *t, const struct stop *s)
{
    return s->exits ? !atomic_load(&t->proc->exiting) &&
                          (signal_pending_set(t) & sigbit(SIGKILL))
                    : is_killed(t);
}

/* False: there is no tracer any more, or no time to stop. */
static bool begin(struct thread *t, const struct stop *s)
{
    struct tracee *r = t->tracee;
    bool on;

    spin_lock(&proc_lock);
    on = r->tracer && !is_over(t, s);
    if (on) {
        r->code = s->code;
        r->has_info = s->info != NULL;
        if (s->info) {
            r->info = *s->info;
        }
        r->message = s->message;
        r->call = s->call;
        r->signal = 0;
        r->listening = false;
        r->news = true;
        atomic_store(&r->stopped, true);
        tell_tracer(t, s);
    }
    spin_unlock(&proc_lock);
    return on;
}

/* The tracer left an address where no program can be. */
static void lost(uint64_t rip)
{
    struct k_siginfo info = {.signo = SIGSEGV, .code = SI_KERNEL};

    info.fault.addr = rip;
    signal_force(&info);
}

static void settle_rip(struct user_regs *regs, uint64_t kept, uint64_t shown)
{
    uint64_t rip = regs->rip, moved;

    if (rip == shown) {
        regs->rip = kept;
    } else if (!mm_user_range(rip, 1)) {
        regs->rip = kept;
        lost(rip);
    } else if (mm_moved_insn(rip, &moved)) {
        regs->rip = moved;
    }
}

static void settle_step(struct tracee *r, struct user_regs *regs)
{
    if (r->step) {
        regs->rflags |= RFLAGS_TF;
    } else if (r->trap_flag) {
        regs->rflags &= ~(uint64_t)RFLAGS_TF;
    }
    r->trap_flag = r->step;
}

/* Returns the signal to go on with. */
static int stop(struct thread *t, const struct stop *s)
{
    struct user_regs *regs = thread_regs(t);
    uint64_t kept = regs->rip, shown = kernel_user_rip(kept);
    struct tracee *r = t->tracee;
    int signo;

    if (!t->task.fpu_saved) {
        fpu_save(&t->task.fpu);
        t->task.fpu_saved = 1;
    }
    regs->fs_base = read_fs_base();
    regs->rip = shown;
    if (!regs->full && regs->orig_rax != ~0ull) {
        regs->rcx = shown; /* as SYSCALL leaves them */
        regs->r11 = regs->rflags;
    }
    if (begin(t, s)) {
        wait_event(&t->proc->signals.cont_wait,
                   !atomic_load(&r->stopped) || is_over(t, s), DEADLINE_NONE,
                   0);
    }
    spin_lock(&proc_lock);
    atomic_store(&r->stopped, false);
    r->news = r->listening = r->has_info = false;
    signo = r->signal;
    r->signal = 0;
    settle_step(r, regs);
    spin_unlock(&proc_lock);
    settle_rip(regs, kept, shown);
    write_fs_base(regs->fs_base);
    return signo;
}

/* A stop that is no signal's has a siginfo all the same. */
static int stop_for(struct thread *t, const struct stop *s)
{
    struct k_siginfo info = {.signo = s->code & 0x7f, .code = s->code};
    struct stop told = *s;

    told.info = &info;
    info.kill.pid = t->tid;
    info.kill.uid = t->cred.uid;
    return stop(t, &told);
}

/* The signal that a stop outside of signal delivery ended with. */
static void send_self(struct thread *t, int signo)
{
    struct k_siginfo info = {.signo = signo, .code = SI_USER};

    if (signo) {
        info.kill.pid = t->tid;
        info.kill.uid = t->cred.uid;
        spin_lock(&proc_lock);
        signal_send_thread(t, &info);
        spin_unlock(&proc_lock);
    }
}

/* ---- before user code ---- */

bool ptrace_wants(struct thread *t)
{
    return ptrace_traced(t) && (t->tracee->interrupt || t->tracee->group_stop);
}

void ptrace_work(struct thread *t)
{
    struct tracee *r = t->tracee;

    while (ptrace_wants(t) && !is_killed(t)) {
        struct stop s = {.group = true};

        spin_lock(&proc_lock);
        s.code = r->group_stop ? r->group_stop : SIGTRAP;
        s.code |= r->seized ? PTRACE_EVENT_STOP << 8 : 0;
        r->group_stop = 0;
        r->interrupt = false;
        spin_unlock(&proc_lock);
        if (r->seized) {
            stop_for(t, &s);
        } else {
            stop(t, &s);
        }
    }
}

void ptrace_group_stopped(struct proc *p, int signo)
{
    list_for_each (pos, &p->threads) {
        struct thread *t = list_entry(pos, struct thread, node);

        if (ptrace_traced(t)) {
            t->tracee->group_stop = signo;
        }
    }
}

/* Who was seized hears of it by another stop, at once if it listens. */
static void tell_continued(struct thread *t)
{
    struct tracee *r = t->tracee;

    r->group_stop = 0;
    if (!r->seized) {
        return;
    }
    r->interrupt = true;
    if (r->listening) {
        atomic_store(&r->stopped, false);
        wait_wake_all(&t->proc->signals.cont_wait);
    }
    task_interrupt(&t->task);
}

void ptrace_group_continued(struct proc *p)
{
    list_for_each (pos, &p->threads) {
        struct thread *t = list_entry(pos, struct thread, node);

        if (ptrace_traced(t)) {
            tell_continued(t);
        }
    }
}

/* ---- signals ---- */

/* The tracer chose another signal, or changed what comes with it. */
static void exchange(struct thread *t, struct k_siginfo *info, int signo,
                     const struct k_siginfo *changed)
{
    if (signo == info->signo) {
        *info = *changed;
        info->signo = signo;
        return;
    }
    *info = (struct k_siginfo){.signo = signo, .code = SI_USER};
    info->kill.pid = t->tracee->tracer ? t->tracee->by->tid : 0;
}

int ptrace_signal(struct thread *t, struct k_siginfo *info)
{
    struct stop s = {.code = info->signo, .info = info};
    struct tracee *r = t->tracee;
    int signo;

    if (!ptrace_traced(t) || info->signo == SIGKILL) {
        return info->signo;
    }
    signo = stop(t, &s);
    if (!signo || is_killed(t)) {
        return 0;
    }
    spin_lock(&proc_lock);
    exchange(t, info, signo, &r->info);
    if (t->signals.blocked & sigbit(signo)) {
        signal_send_thread(t, info);
        signo = 0;
    }
    spin_unlock(&proc_lock);
    return signo;
}

void ptrace_forget_step(struct thread *t, struct user_regs *regs)
{
    if (unlikely(t->tracee != NULL) && t->tracee->trap_flag) {
        regs->rflags &= ~(uint64_t)RFLAGS_TF;
    }
}

void ptrace_handler(struct thread *t, struct user_regs *regs)
{
    struct stop s = {.code = SIGTRAP};

    if (ptrace_traced(t) && t->tracee->step) {
        send_self(t, stop_for(t, &s));
    }
}

/* ---- events ---- */

static bool asked(struct thread *t, int event)
{
    return ptrace_traced(t) && event &&
           t->tracee->options & PTRACE_O_EVENT(event);
}

void ptrace_event(int event, uint64_t message)
{
    struct thread *t = current_thread();
    struct stop s = {.code = SIGTRAP | event << 8, .message = message};

    if (asked(t, event)) {
        send_self(t, stop_for(t, &s));
    }
}

void ptrace_exiting(uint64_t status)
{
    struct thread *t = current_thread();
    struct stop s = {.code = SIGTRAP | PTRACE_EVENT_EXIT << 8,
                     .message = status,
                     .exits = true};

    if (asked(t, PTRACE_EVENT_EXIT)) {
        stop_for(t, &s);
    }
}

bool ptrace_by_weaker(const struct thread *t)
{
    return ptrace_traced(t) &&
           !(t->tracee->tracer->cred.cap_effective >> CAP_SYS_PTRACE & 1);
}

void ptrace_exec(struct thread *t, int former)
{
    if (asked(t, PTRACE_EVENT_EXEC)) {
        ptrace_event(PTRACE_EVENT_EXEC, (uint64_t)former);
    } else if (ptrace_traced(t) && !t->tracee->seized) {
        send_self(t, SIGTRAP);
    }
}

/* ---- system calls ---- */

static void stop_at_call(struct thread *t, uint8_t call, uint64_t message)
{
    struct stop s = {.code = SIGTRAP, .call = call, .message = message};

    if (t->tracee->options & PTRACE_O_TRACESYSGOOD) {
        s.code |= SYSGOOD;
    }
    send_self(t, stop_for(t, &s));
}

bool ptrace_call_enter(struct thread *t, struct user_regs *regs)
{
    enum ptrace_resume how;

    if (!ptrace_traced(t) || t->tracee->resume == RESUME_RUN) {
        return false;
    }
    how = t->tracee->resume;
    regs->rax = (uint64_t)-ENOSYS;
    stop_at_call(t, PTRACE_SYSCALL_INFO_ENTRY, MESSAGE_ENTRY);
    return how == RESUME_EMULATE || (int32_t)regs->orig_rax == -1;
}

void ptrace_call_exit(struct thread *t, struct user_regs *regs)
{
    struct k_siginfo step = {.signo = SIGTRAP, .code = TRAP_BRKPT};

    if (!ptrace_traced(t)) {
        return;
    }
    if (t->tracee->resume == RESUME_SYSCALL) {
        stop_at_call(t, PTRACE_SYSCALL_INFO_EXIT, MESSAGE_EXIT);
    } else if (t->tracee->step) {
        step.fault.addr = kernel_user_rip(regs->rip);
        signal_force(&step);
    }
}

bool ptrace_seccomp(struct thread *t, struct user_regs *regs, uint32_t data)
{
    struct stop s = {.code = SIGTRAP | PTRACE_EVENT_SECCOMP << 8,
                     .call = PTRACE_SYSCALL_INFO_SECCOMP,
                     .message = data};

    if (!asked(t, PTRACE_EVENT_SECCOMP)) {
        return false;
    }
    regs->rax = (uint64_t)-ENOSYS;
    send_self(t, stop_for(t, &s));
    return true;
}
