/* SPDX-License-Identifier: MIT
 *
 * Stopping and going on (job control, signal(7)). The state is the process's
 * `stopped`, under its signals.lock; each of its threads, on its way to user
 * code, sleeps in stop_wait() while it is set. The parent is told by SIGCHLD
 * and finds the reason for wait4(2) in stop_signal and continue_event.
 */
#include "kernel/signal/room.h"
#include "kernel/proc/ptrace/ptrace.h"
#include "lib/atomic.h"
#include "target/target.h"

static void flush_all(struct proc *p, sigset set)
{
    struct signal_state *s = &p->signals;

    queue_flush(s, &s->pending, set);
    list_for_each (pos, &p->threads) {
        struct thread *t = list_entry(pos, struct thread, node);

        queue_flush(s, &t->signals.pending, set);
    }
}

void stop_on_send(struct proc *p, int signo)
{
    struct signal_state *s = &p->signals;

    if (sigbit(signo) & SIGSET_STOP) {
        flush_all(p, sigbit(SIGCONT));
    } else if (signo == SIGCONT) {
        flush_all(p, SIGSET_STOP);
    }
    if (signo != SIGCONT && signo != SIGKILL) {
        return;
    }
    s->stop_taken = false;
    if (signo == SIGCONT) {
        ptrace_group_continued(p);
    }
    if (s->stopped) {
        atomic_store(&s->stopped, false);
        s->stop_signal = 0;
        s->continue_event = signo == SIGCONT;
        s->tell_continued = signo == SIGCONT;
        wait_wake_all(&s->cont_wait);
    }
}

/* SIGCHLD and a wake-up of wait4(2), with proc_lock held. */
static void tell_parent(struct proc *p, int code, int status)
{
    struct proc *parent = p->parent;
    struct k_siginfo info = {.signo = SIGCHLD, .code = code};
    uint64_t user, kernel;

    if (!parent) {
        return;
    }
    proc_times_locked(p, &user, &kernel);
    info.child.utime = (int64_t)(user / (NSEC_PER_SEC / 100));
    info.child.stime = (int64_t)(kernel / (NSEC_PER_SEC / 100));
    info.child.pid = p->pid;
    info.child.uid = p->cred.uid;
    info.child.status = status;
    if (!signal_ignores_children(parent, SA_NOCLDSTOP)) {
        signal_send_proc_locked(parent, &info);
    }
    wait_wake_all(&parent->exit_wait);
}

/* Of a stop, once: SIGCONT may have come since the signal was taken. */
static bool begin_stop(struct signal_state *s, int signo)
{
    bool first;

    spin_lock(&s->lock);
    first = s->stop_taken && !s->stopped && !s->group_exit;
    if (first) {
        s->stop_signal = signo;
        s->continue_event = false;
        atomic_store(&s->stopped, true);
    }
    spin_unlock(&s->lock);
    return first;
}

static void look_for_running(struct proc *p, void *arg)
{
    *(bool *)arg |= !p->zombie && !atomic_load_relaxed(&p->signals.stopped);
}

/* Whoever waits for process 1 is outside and hears of its stop from the host,
 * which then stops everything: when the terminal asked for it, or when nothing
 * would run anyway. [L] */
static bool must_suspend(const struct proc *p, int signo)
{
    bool running = false;

    if (p->pid != 1) {
        return false;
    }
    proc_for_each_locked(look_for_running, &running);
    return signo != SIGSTOP || !running;
}

void stop_process(struct proc *p, int signo)
{
    bool suspend = false;

    spin_lock(&proc_lock);
    if (begin_stop(&p->signals, signo)) {
        list_for_each (pos, &p->threads) {
            task_interrupt(&list_entry(pos, struct thread, node)->task);
        }
        ptrace_group_stopped(p, signo);
        if (!ptrace_reports(p)) {
            tell_parent(p, CLD_STOPPED, signo);
        }
        suspend = must_suspend(p, signo);
    }
    spin_unlock(&proc_lock);
    if (suspend) {
        target_suspend();
    }
}

/* The first thread that goes on says so for all. */
static void report_continued(struct proc *p)
{
    bool tell;

    spin_lock(&proc_lock);
    spin_lock(&p->signals.lock);
    tell = p->signals.tell_continued;
    p->signals.tell_continued = false;
    spin_unlock(&p->signals.lock);
    if (tell) {
        tell_parent(p, CLD_CONTINUED, SIGCONT);
    }
    spin_unlock(&proc_lock);
}

bool stop_holds(struct thread *t)
{
    return atomic_load(&t->proc->signals.stopped) && !ptrace_traced(t);
}

void stop_wait(struct thread *t)
{
    struct signal_state *s = &t->proc->signals;

    do {
        if (unlikely(t->tracee != NULL)) {
            ptrace_work(t);
        }
        if (unlikely(stop_holds(t))) {
            wait_event(&s->cont_wait,
                       !stop_holds(t) || thread_must_exit(t) ||
                           (signal_pending_set(t) & sigbit(SIGKILL)),
                       DEADLINE_NONE, 0);
        }
    } while (ptrace_wants(t) && !thread_must_exit(t) &&
             !(signal_pending_set(t) & sigbit(SIGKILL)));
    if (unlikely(atomic_load(&s->tell_continued))) {
        report_continued(t->proc);
    }
}
