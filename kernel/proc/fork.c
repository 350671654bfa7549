/* SPDX-License-Identifier: MIT
 *
 * New processes: fork(2), vfork(2), clone(2) without CLONE_THREAD. Either the
 * child lives in its maker's address space (CLONE_VM), or it gets a copy and
 * runs first, in place, while the maker's tasks wait for their memory to come
 * back (mm/family/fork.c). With CLONE_VFORK the maker waits in any case until
 * the child has executed a program or ended.
 *
 * Signal handlers are copied also with CLONE_SIGHAND; two processes never
 * share a table.
 */
#include "kernel/proc/exec/exec_text.h"
#include "kernel/proc/pidfd.h"
#include "kernel/proc/keys/keys.h"
#include "kernel/proc/ptrace/ptrace.h"
#include "kernel/proc/room.h"
#include "kernel/proc/timers.h"
#include "abi/linux/errno.h"
#include "abi/linux/resource.h"
#include "abi/linux/sched.h"
#include "abi/linux/signal.h"
#include "kernel/ipc/ipc.h"
#include "lib/string.h"

static void copy_proc(const struct clone_args *a, struct proc *from,
                      struct proc *to)
{
    to->cred = *current_cred();
    cred_hold(&to->cred);
    memcpy(to->limits, from->limits, sizeof(to->limits));
    memcpy(to->comm, from->comm, sizeof(to->comm));
    to->exe = proc_exe(from);
    memcpy(to->auxv, from->auxv, sizeof(to->auxv));
    to->auxv_len = from->auxv_len;
    to->text = exec_text_of(from);
    to->dumpable = from->dumpable;
    to->thp_disabled = from->thp_disabled;
    to->personality = from->personality;
    to->oom_score_adj = from->oom_score_adj;
    to->oom_least = from->oom_least;
    to->membarriers = from->membarriers;
    to->exit_signal = (int)a->exit_signal;
    to->borrowed = a->flags & CLONE_VFORK;
}

/* What they may have in common with their maker. */
static int share_proc(const struct clone_args *a, struct proc *from,
                      struct proc *to)
{
    int err = 0;

    if (a->flags & CLONE_SIGHAND) {
        err = signal_share_actions(&to->signals);
    } else {
        signal_copy_actions(&to->signals, a->flags & CLONE_CLEAR_SIGHAND);
    }
    if (!err && a->flags & CLONE_SYSVSEM) {
        err = ipc_share_undo(from, to);
    }
    return err;
}

static int take_mm(const struct clone_args *a, struct proc *from,
                   struct proc *to)
{
    if (!(a->flags & CLONE_VM)) {
        return mm_fork(from->mm, &to->mm);
    }
    to->mm = from->mm;
    mm_use(to->mm);
    return 0;
}

/* Into tree and tables, and off it goes. Started under the lock: until then
 * nobody may find and interrupt it. */
static void attach(const struct clone_args *a, struct proc *p, struct thread *t,
                   struct inheritance *in)
{
    struct thread *self = current_thread();
    struct proc *parent = self->proc;

    spin_lock(&proc_lock);
    if (a->flags & CLONE_PARENT) {
        p->exit_signal = parent->exit_signal;
        p->parent_tid = parent->parent_tid;
        p->parent_exec_id = parent->parent_exec_id;
        parent = parent->parent;
    } else {
        p->parent_tid = self->tid;
        p->parent_exec_id = parent->exec_id;
    }
    p->pid = t->tid;
    p->pgid = self->proc->pgid;
    p->sid = self->proc->sid;
    p->sees_terminal = self->proc->sees_terminal;
    p->exec_id = self->proc->exec_id;
    p->parent = parent;
    list_add_tail(&parent->children, &p->sibling);
    pid_insert_proc(p);
    thread_attach(t);
    pid_claim_end(&in->claim);
    ptrace_join(t, in->tracee);
    task_start(&t->task);
    spin_unlock(&proc_lock);
}

void vfork_release(struct proc *p)
{
    if (atomic_load(&p->borrowed)) {
        atomic_store(&p->borrowed, false);
        wait_wake_all(&p->vfork_wait);
    }
}

/* Only what kills the maker ends its wait. */
static void wait_for_vfork(struct proc *p)
{
    current_thread()->deep_sleep = true;
    wait_event(&p->vfork_wait,
               !atomic_load(&p->borrowed) || signal_kills(current_thread()),
               DEADLINE_NONE, 0);
    current_thread()->deep_sleep = false;
}

/* In memory that both have the child finds them at its start; in a copy of it
 * they are the maker's alone. */
static void tell_numbers(const struct clone_args *a,
                         const struct inheritance *in)
{
    if (a->flags & CLONE_PARENT_SETTID) {
        (void)put_user32(uptr(a->parent_tid), (uint32_t)in->tid);
    }
    if (a->flags & CLONE_PIDFD) {
        (void)put_user32(uptr(a->pidfd), (uint32_t)in->pidfd);
    }
}

static void finish(const struct clone_args *a, struct proc *p,
                   const struct inheritance *in)
{
    if (!(a->flags & CLONE_VM)) {
        mm_fork_done(current_proc()->mm);
        tell_numbers(a, in);
    }
    ptrace_event(ptrace_event_of(a), (uint64_t)in->tid);
    if (a->flags & CLONE_VFORK) {
        wait_for_vfork(p);
        ptrace_event(PTRACE_EVENT_VFORK_DONE, (uint64_t)in->tid);
    }
    proc_put(p);
}

/* Whether its number can be stored is asked now; tell_numbers() does it. */
static int take_pidfd(const struct clone_args *a, struct proc *p,
                      struct inheritance *in)
{
    uint32_t before;
    struct file *f;
    int err;

    in->pidfd = -1;
    if (!(a->flags & CLONE_PIDFD)) {
        return 0;
    }
    err = pidfd_new(p, 0, &f);
    if (err) {
        return err;
    }
    in->pidfd = fd_install(f, 0, true);
    if (in->pidfd < 0) {
        file_put(f);
        return in->pidfd;
    }
    err = get_user32(&before, uptr(a->pidfd));
    return err ? err : put_user32(uptr(a->pidfd), before);
}

static void give_up(const struct clone_args *a, struct inheritance *in)
{
    if (in->pidfd >= 0) {
        (void)fd_close(in->pidfd);
    }
    inherit_undo(in);
}

/* In the order in which things can fail; mm comes last, since it cannot be
 * undone. */
static int make(const struct clone_args *a, struct inheritance *in,
                struct proc **out_p, struct thread **out_t)
{
    struct thread *t = thread_alloc();
    struct proc *p;
    int err;

    if (!t || proc_alloc(&p)) {
        if (t) {
            thread_free(t);
        }
        return t ? -ENOMEM : -EAGAIN;
    }
    copy_proc(a, current_proc(), p);
    err = share_proc(a, current_proc(), p);
    err = err ? err : timers_limit_cpu(p, p->limits[LIMIT_CPU].cur);
    err = err ? err : inherit_begin(a, in);
    if (!err) {
        err = take_pidfd(a, p, in);
        if (!err) {
            err = take_mm(a, current_proc(), p);
        }
        if (err) {
            give_up(a, in);
        }
    }
    if (err) {
        thread_free(t);
        timers_exit(p);
        ipc_exit(p);
        p->mm = NULL;
        proc_put(p);
        return err;
    }
    *out_p = p;
    *out_t = t;
    return 0;
}

int process_clone(const struct clone_args *a)
{
    struct inheritance in;
    struct thread *t;
    struct proc *p;
    int err;

    err = make(a, &in, &p, &t);
    if (err) {
        return err;
    }
    thread_init(t, p, thread_begin);
    inherit_finish(a, &in, t);
    if (!(a->flags & CLONE_VM) || a->flags & CLONE_VFORK) {
        struct thread_signals *from = &current_thread()->signals;
        t->signals.alt_sp = from->alt_sp;
        t->signals.alt_size = from->alt_size;
        t->signals.alt_flags = from->alt_flags;
    }
    keys_fork(current_proc(), p);
    proc_get(p); /* one is the table's */
    if (a->flags & CLONE_VM) {
        tell_numbers(a, &in);
    }
    attach(a, p, t, &in);
    finish(a, p, &in);
    return in.tid;
}
