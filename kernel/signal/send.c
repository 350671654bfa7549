/* SPDX-License-Identifier: MIT
 *
 * Sending: what is dropped, where a signal waits, and who is interrupted to
 * take it. A signal whose action is to ignore it is dropped at once, unless
 * it is blocked: the action may change before it is unblocked.
 *
 * A process-directed signal is left with the process and one thread is
 * interrupted, the main one if it can take it. Another may take it first.
 */
#include "kernel/signal/room.h"
#include "kernel/proc/ptrace/ptrace.h"
#include "abi/linux/resource.h"
#include "lib/atomic.h"

bool signal_ignored(const struct signal_state *s, int signo)
{
    uint64_t handler = s->actions[signo - 1].handler;

    return handler == SIG_IGN ||
           (handler == SIG_DFL && (sigbit(signo) & SIGSET_IGNORE));
}

bool signal_ignores_children(struct proc *p, uint64_t flag)
{
    struct signal_state *s = &p->signals;
    const struct k_sigaction *act;
    bool yes;

    spin_lock(&s->lock);
    act = &s->actions[SIGCHLD - 1];
    yes = act->handler == SIG_IGN || (act->flags & flag);
    spin_unlock(&s->lock);
    return yes;
}

static bool blocks(const struct thread *t, int signo)
{
    return t->signals.blocked & ~SIGSET_ALWAYS & sigbit(signo);
}

/* The common part: 1 when it was queued and somebody should be interrupted,
 * 0 when it was dropped. [S] */
static int queue_signal(struct proc *p, struct signal_queue *q, bool blocked,
                        const struct k_siginfo *info)
{
    struct signal_state *s = &p->signals;
    int err;

    stop_on_send(p, info->signo);
    if (!blocked && signal_ignored(s, info->signo) &&
        (!ptrace_any(p) || info->signo == SIGKILL)) {
        return 0;
    }
    err = queue_add(s, q, info, p->limits[LIMIT_SIGPENDING].cur);
    if (err) {
        return err;
    }
    if (info->signo == SIGKILL) {
        wait_wake_all(&s->cont_wait); /* also those that a tracer holds */
    }
    wait_wake_all(&s->signalfds);
    wait_wake_all(signal_poll_queue(p));
    return 1;
}

/* The thread to interrupt for signo: the first that does not block it, by
 * preference one that has no other signal work. Also says whether any blocks
 * it. */
static struct thread *choose(struct proc *p, int signo, bool *any_blocks)
{
    struct thread *best = NULL;

    *any_blocks = false;
    list_for_each (pos, &p->threads) {
        struct thread *t = list_entry(pos, struct thread, node);

        if (blocks(t, signo)) {
            *any_blocks = true;
        } else if (!best || (atomic_load_relaxed(&best->task.interrupted) &&
                             !atomic_load_relaxed(&t->task.interrupted))) {
            best = t;
        }
    }
    return best;
}

/* Who sleeps and has another signal already takes them in their order. */
static bool has_time(const struct task *t)
{
    return atomic_load_relaxed(&t->on_vcpu) ||
           !atomic_load_relaxed(&t->interrupted);
}

/* What ends the whole process at once: none of its threads gets back to its
 * code, not even the sender. Who is stopped takes nothing but SIGKILL. [S] */
static bool is_fatal(struct proc *p, const struct thread *to, int signo)
{
    const sigset others = SIGSET_CORE | SIGSET_IGNORE | SIGSET_STOP;
    const struct signal_state *s = &p->signals;

    return signo == SIGKILL ||
           (s->actions[signo - 1].handler == SIG_DFL && !s->stopped &&
            !(sigbit(signo) & others) && !ptrace_any(p) && has_time(&to->task));
}

/* [S] */
static void doom(struct signal_state *s, int signo)
{
    s->doom = s->doom ? s->doom : signo;
}

int signal_send_thread(struct thread *t, const struct k_siginfo *info)
{
    struct signal_state *s = &t->proc->signals;
    int done;

    spin_lock(&s->lock);
    done = queue_signal(t->proc, &t->signals.pending, blocks(t, info->signo),
                        info);
    if (done > 0 && !blocks(t, info->signo)) {
        if (is_fatal(t->proc, t, info->signo)) {
            doom(s, info->signo);
        }
        task_interrupt(&t->task);
    }
    spin_unlock(&s->lock);
    return done < 0 ? done : 0;
}

/* Whoever takes it first stops the others, too. [S] */
static bool is_stop(const struct proc *p, int signo)
{
    return sigbit(signo) & SIGSET_STOP &&
           p->signals.actions[signo - 1].handler == SIG_DFL;
}

static void interrupt_all(struct proc *p)
{
    list_for_each (pos, &p->threads) {
        task_interrupt(&list_entry(pos, struct thread, node)->task);
    }
}

/* Somebody is there to take signo: `to`, if it is one thread's affair. [S] */
static void interrupt(struct proc *p, struct thread *to, int signo)
{
    struct signal_state *s = &p->signals;
    bool fatal = is_fatal(p, to, signo);

    if (fatal) {
        doom(s, signo);
    }
    if (fatal || is_stop(p, signo)) {
        interrupt_all(p);
    } else {
        task_interrupt(&to->task);
    }
}

int signal_send_proc_locked(struct proc *p, const struct k_siginfo *info)
{
    struct signal_state *s = &p->signals;
    struct thread *to;
    bool any_blocks;
    int done;

    spin_lock(&s->lock);
    to = choose(p, info->signo, &any_blocks);
    done = queue_signal(p, &s->pending, any_blocks, info);
    if (done > 0 && to) {
        interrupt(p, to, info->signo);
    }
    spin_unlock(&s->lock);
    if (info->signo == SIGKILL) {
        mm_hurry(p->mm);
    }
    return done < 0 ? done : 0;
}

int signal_send_proc(struct proc *p, const struct k_siginfo *info)
{
    int err;

    spin_lock(&proc_lock);
    err = signal_send_proc_locked(p, info);
    spin_unlock(&proc_lock);
    return err;
}

void signal_force(const struct k_siginfo *info)
{
    struct thread *t = current_thread();
    struct signal_state *s = &t->proc->signals;
    struct k_sigaction *act;
    sigset bit = sigbit(info->signo);

    spin_lock(&s->lock);
    actions_lock(s);
    act = &s->actions[info->signo - 1];
    if (act->handler == SIG_IGN || (t->signals.blocked & bit)) {
        act->handler = SIG_DFL;
        t->signals.blocked &= ~bit;
    }
    actions_unlock(s);
    spin_unlock(&s->lock);
    signal_send_thread(t, info);
}

void signal_force_end(const struct k_siginfo *info)
{
    struct thread *t = current_thread();
    struct signal_state *s = &t->proc->signals;

    spin_lock(&s->lock);
    actions_lock(s);
    s->actions[info->signo - 1].handler = SIG_DFL;
    actions_unlock(s);
    spin_unlock(&s->lock);
    t->signals.fatal = info->signo;
    signal_force(info);
}
