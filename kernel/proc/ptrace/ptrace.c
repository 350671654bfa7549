/* SPDX-License-Identifier: MIT
 *
 * Who traces whom (ptrace.h). Everything here is under proc_lock. A thread's
 * record is made when it is first attached to and used again when it is
 * attached to once more; when the thread ends while it is traced, the record
 * goes to the tracer alone, who frees it by waiting.
 *
 * A process that its parent traces is its child as any other when it has
 * ended. One that somebody else traces is hidden from its parent (p->hidden)
 * until the tracer has waited for it or is gone.
 */
#include "kernel/proc/ptrace/ptrace.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/peer.h"
#include "kernel/proc/room.h"
#include "kernel/proc/seccomp/seccomp.h"
#include "abi/linux/errno.h"
#include "abi/linux/prctl.h"
#include "abi/linux/sched.h"
#include "abi/linux/signal.h"
#include "abi/linux/wait.h"
#include "lib/string.h"

/* ---- beginning ---- */

void ptrace_join(struct thread *t, struct tracee *r)
{
    struct tracee *by = current_thread()->tracee;

    if (!r) {
        return;
    }
    if (!by || !by->tracer) { /* detached meanwhile */
        kfree(r);
        return;
    }
    r->tracer = by->tracer;
    r->by = by->by;
    r->options = by->options;
    r->seized = by->seized;
    r->interrupt = by->seized;
    r->thread = t;
    r->tid = t->tid;
    t->tracee = r;
    list_add(&r->tracer->tracees, &r->node);
    t->proc->traced++;
    if (!r->seized) {
        t->signals.pending.set |= sigbit(SIGSTOP);
    }
    t->task.interrupted = 1;
}

/* t becomes r's, which was its or is fresh. */
static void tie(struct thread *t, struct tracee *r, struct thread *by)
{
    memset(r, 0, sizeof(*r));
    r->thread = t;
    r->tid = t->tid;
    r->by = by;
    list_add(&by->proc->tracees, &r->node);
    t->tracee = r;
    t->proc->traced++;
    atomic_store(&r->tracer, by->proc);
}

int ptrace_traceme(void)
{
    struct tracee *fresh = kzalloc(sizeof(*fresh));
    struct thread *t = current_thread(), *maker;
    int err = 0;

    if (!fresh) {
        return -ENOMEM;
    }
    spin_lock(&proc_lock);
    maker = thread_find(t->proc->parent_tid);
    if (ptrace_traced(t) || !t->proc->parent) {
        err = -EPERM;
    } else if (!maker || t->proc->parent->exiting) {
        /* It may have let its tracees go already: as if it did so now. */
    } else if (!proc_may_be_tracer(t->proc->parent)) {
        err = -EPERM;
    } else if (t->tracee) {
        tie(t, t->tracee, maker);
    } else {
        tie(t, fresh, maker);
        fresh = NULL;
    }
    spin_unlock(&proc_lock);
    kfree(fresh);
    return err;
}

static int may_attach(const struct thread *t, int tid)
{
    if (!t) {
        return proc_lookup(tid) ? -EPERM /* a zombie */ : -ESRCH;
    }
    return t->proc == current_proc() || t->proc->exiting ||
                   !proc_may_trace_locked(t->proc) || ptrace_traced(t)
               ? -EPERM
               : 0;
}

/* A process that is stopped already stops once more, for its tracer. */
static void begin(struct thread *t, bool seize, uint32_t options)
{
    static const struct k_siginfo stop = {.signo = SIGSTOP, .code = SI_KERNEL};
    struct tracee *r = t->tracee;
    struct signal_state *s = &t->proc->signals;

    r->seized = seize;
    r->options = options;
    if (atomic_load(&s->stopped)) {
        r->group_stop = s->stop_signal ? s->stop_signal : SIGSTOP;
        task_interrupt(&t->task);
        wait_wake_all(&s->cont_wait);
    }
    if (!seize) {
        signal_send_thread(t, &stop);
    }
}

/* Whether the stop that begin() asked for is there. */
static bool has_stopped(int tid)
{
    struct thread *t;
    bool yes;

    spin_lock(&proc_lock);
    t = thread_find(tid);
    yes = !t || !ptrace_traced(t) || !t->tracee->group_stop;
    spin_unlock(&proc_lock);
    return yes;
}

bool ptrace_may_set(uint64_t options)
{
    return !(options & PTRACE_O_SUSPEND_SECCOMP) ||
           (cred_capable(CAP_SYS_ADMIN) &&
            atomic_load_relaxed(&current_thread()->seccomp_mode) ==
                SECCOMP_MODE_DISABLED);
}

int ptrace_attach(int tid, bool seize, uint64_t addr, uint64_t options)
{
    struct tracee *fresh;
    struct thread *t;
    int err;

    if (seize && (addr || options & ~(uint64_t)PTRACE_O_KNOWN)) {
        return -EIO;
    }
    if (seize && !ptrace_may_set(options)) {
        return -EPERM;
    }
    fresh = kzalloc(sizeof(*fresh));
    if (!fresh) {
        return -ENOMEM;
    }
    spin_lock(&proc_lock);
    t = thread_find(tid);
    err = may_attach(t, tid);
    if (!err) {
        tie(t, t->tracee ? t->tracee : fresh, current_thread());
        fresh = t->tracee == fresh ? NULL : fresh;
        begin(t, seize, seize ? (uint32_t)options : 0);
    }
    spin_unlock(&proc_lock);
    kfree(fresh);
    if (!err) {
        wait_event(&current_proc()->exit_wait, has_stopped(tid), DEADLINE_NONE,
                   WAIT_INTR);
    }
    return err;
}

int ptrace_event_of(const struct clone_args *a)
{
    if (a->flags & CLONE_UNTRACED) {
        return 0;
    }
    if (a->flags & CLONE_VFORK) {
        return PTRACE_EVENT_VFORK;
    }
    return a->exit_signal == SIGCHLD ? PTRACE_EVENT_FORK : PTRACE_EVENT_CLONE;
}

int ptrace_prepare(const struct clone_args *a, struct tracee **out)
{
    struct thread *t = current_thread();
    int event = ptrace_event_of(a);

    *out = NULL;
    if (!ptrace_traced(t) || !event ||
        (!(a->flags & CLONE_PTRACE) &&
         !(t->tracee->options & PTRACE_O_EVENT(event)))) {
        return 0;
    }
    *out = kzalloc(sizeof(**out));
    return *out ? 0 : -ENOMEM;
}

bool ptrace_any(struct proc *p)
{
    return atomic_load_relaxed(&p->traced) != 0;
}

/* ---- the end of a traced thread ---- */

/* SIGCHLD and a wake-up of wait(2): r's thread has ended with status. */
static void tell_end(struct tracee *r, int status)
{
    struct k_siginfo info = {.signo = SIGCHLD, .code = wait_code(status)};

    info.child.pid = r->tid;
    info.child.uid = r->uid;
    info.child.status = wait_siginfo_status(status);
    signal_send_proc_locked(r->tracer, &info);
    wait_wake_all(&r->tracer->exit_wait);
}

/* r is dead. A tracer waits for it even if it wants no zombies otherwise. */
static void publish(struct tracee *r, int status)
{
    r->status = status;
    r->news = true;
    tell_end(r, status);
}

void ptrace_thread_exit(struct thread *t, int status)
{
    struct tracee *r = t->tracee;
    struct proc *p = t->proc;

    if (!r) {
        return;
    }
    t->tracee = NULL;
    if (!r->tracer) {
        kfree(r);
        return;
    }
    p->traced--;
    r->thread = NULL;
    r->stopped = false;
    r->uid = t->cred.uid;
    if (t->tid != p->pid) {
        publish(r, status);
    } else if (r->tracer == p->parent) {
        p->died_traced = true;
        list_del(&r->node);
        kfree(r);
    } else {
        p->obituary = r; /* when all of it has ended */
        r->owner = p;
    }
}

void ptrace_take_over(struct thread *t)
{
    struct tracee *r = t->proc->obituary;

    t->proc->obituary = NULL;
    if (r) {
        list_del(&r->node);
        kfree(r);
    }
    if (t->tracee) {
        t->tracee->tid = t->tid;
    }
}

bool ptrace_hides(struct proc *p)
{
    struct tracee *r = p->obituary;

    p->obituary = NULL;
    if (!r) {
        return false;
    }
    r->owner = NULL;
    if (r->tracer == p->parent) { /* by now */
        p->died_traced = true;
        list_del(&r->node);
        kfree(r);
        return false;
    }
    publish(r, p->exit_status);
    r->zombie = p;
    proc_get(p);
    p->hidden = true;
    return true;
}

void ptrace_adopted(struct proc *p, struct proc *by)
{
    list_for_each_safe (pos, &by->tracees) {
        struct tracee *r = list_entry(pos, struct tracee, node);

        if (r->zombie == p) {
            p->hidden = false;
            p->died_traced = true;
            list_del(&r->node);
            kfree(r);
            proc_put(p); /* the table has it still */
        }
    }
}

bool ptrace_reports(struct proc *p)
{
    struct thread *t = thread_find(p->pid);

    return t && ptrace_traced(t) && t->tracee->tracer == p->parent;
}

/* ---- the end of a tracer ---- */

static void let_go(struct tracee *r)
{
    static const struct k_siginfo kill = {.signo = SIGKILL, .code = SI_KERNEL};
    struct thread *t = r->thread;

    t->proc->traced--;
    r->group_stop = 0;
    r->interrupt = r->step = false;
    r->resume = RESUME_RUN;
    if (r->stopped && r->news && r->has_info && r->code == r->info.signo) {
        r->signal = r->info.signo; /* nobody was told: it is taken after all */
    }
    atomic_store(&r->tracer, (struct proc *)NULL);
    atomic_store(&r->stopped, false);
    if (r->options & PTRACE_O_EXITKILL) {
        signal_send_proc_locked(t->proc, &kill);
    }
    wait_wake_all(&t->proc->signals.cont_wait);
}

static struct tracee *first_of(struct proc *p, const struct thread *by)
{
    list_for_each (pos, &p->tracees) {
        struct tracee *r = list_entry(pos, struct tracee, node);

        if (!by || r->by == by) {
            return r;
        }
    }
    return NULL;
}

/* Takes the first record off p's list: a zombie that may be shown now. False:
 * there was none. */
static bool release_one(struct proc *p, struct thread *by, struct proc **zombie)
{
    struct tracee *r = first_of(p, by);

    *zombie = NULL;
    if (!r) {
        return false;
    }
    list_del(&r->node);
    if (r->thread) {
        let_go(r);
        return true;
    }
    *zombie = r->zombie;
    if (r->owner) {
        r->owner->obituary = NULL;
    }
    kfree(r);
    return true;
}

void ptrace_tracer_exit(struct proc *p, struct thread *by)
{
    struct proc *zombie;
    bool more;

    do {
        spin_lock(&proc_lock);
        more = release_one(p, by, &zombie);
        spin_unlock(&proc_lock);
        if (zombie) {
            proc_reveal(zombie);
        }
    } while (more);
}

/* ---- wait(2) ---- */

static bool fits(const struct tracee *r, const struct wait_filter *f)
{
    struct proc *p = r->thread ? r->thread->proc : r->zombie;

    return f->type == ABI_P_ALL || (f->type == ABI_P_PID && f->id == r->tid) ||
           (f->type == ABI_P_PGID && p && p->pgid == f->id);
}

static bool has_news(const struct tracee *r, const struct wait_filter *f)
{
    return r->news && (r->thread || f->options & WEXITED);
}

static void tell(struct tracee *r, const struct wait_filter *f,
                 struct wait_result *out)
{
    out->pid = r->tid;
    out->uid = r->thread ? r->thread->cred.uid : r->uid;
    out->status = r->thread ? WSTATUS_EVENT(r->code) : r->status;
    out->trapped = r->thread != NULL;
    if (!(f->options & WNOWAIT)) {
        r->news = false;
    }
}

bool ptrace_child_tells(struct proc *child, const struct wait_filter *f,
                        struct wait_result *out)
{
    struct thread *t = ptrace_any(child) ? thread_find(child->pid) : NULL;
    struct tracee *r = t ? t->tracee : NULL;

    if (!r || r->tracer != child->parent || !has_news(r, f)) {
        return false;
    }
    tell(r, f, out);
    return true;
}

int ptrace_look(struct proc *p, const struct wait_filter *f,
                struct wait_result *out, struct proc **zombie)
{
    int result = -ECHILD;

    *zombie = NULL;
    list_for_each (pos, &p->tracees) {
        struct tracee *r = list_entry(pos, struct tracee, node);

        if (!fits(r, f) ||
            (f->options & ABI_WNOTHREAD && r->by != current_thread())) {
            continue;
        }
        result = 0;
        if (!has_news(r, f)) {
            continue;
        }
        tell(r, f, out);
        result = r->tid;
        if (!r->thread && !r->news) {
            *zombie = r->zombie;
            list_del(&r->node);
            kfree(r);
        }
        break;
    }
    return result;
}
