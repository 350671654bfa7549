/* SPDX-License-Identifier: MIT
 *
 * How threads and processes end. A thread always ends itself, on its own
 * kernel stack: others only mark it (must_exit) and interrupt it. The last
 * one ends its process, which stays as a zombie until its parent has waited
 * for it (wait.c); process 1 takes the whole instance with it.
 *
 * Order within a thread: what user memory is owed first, while the address
 * space is there; then files; then the lists.
 */
#include "kernel/proc/proc.h"
#include "kernel/ipc/ipc.h"
#include "kernel/proc/keys/keys.h"
#include "kernel/proc/pidfd.h"
#include "kernel/proc/ptrace/ptrace.h"
#include "kernel/proc/room.h"
#include "kernel/proc/seccomp/seccomp.h"
#include "kernel/fs/landlock/landlock.h"
#include "kernel/proc/session.h"
#include "abi/linux/errno.h"
#include "abi/linux/futex.h"
#include "abi/linux/signal.h"
#include "abi/linux/wait.h"
#include "kernel/core/log.h"
#include "kernel/fs/aio.h"
#include "lib/fmt.h"

void thread_leave_mm(struct thread *t)
{
    robust_list_exit(t);
    futex_pi_owner_exit(t);
    if (t->clear_child_tid.addr) {
        /* A bad address is the program's own loss (set_tid_address(2)). */
        if ((atomic_load(&t->proc->thread_count) > 1 ||
             mm_in_use_by_others(t->proc->mm)) &&
            put_user32(t->clear_child_tid, 0) == 0) {
            futex_wake((struct futex_word){t->clear_child_tid, true}, 1,
                       FUTEX_BITSET_MATCH_ANY);
        }
        t->clear_child_tid = uptr(0);
    }
}

/* CPU time of every thread that ended; LOCK_PROC. */
static uint64_t ended_user_ns, ended_kernel_ns;

void proc_times_ended(uint64_t *user_ns, uint64_t *kernel_ns)
{
    spin_lock(&proc_lock);
    *user_ns = ended_user_ns;
    *kernel_ns = ended_kernel_ns;
    spin_unlock(&proc_lock);
}

/* prctl(2), PR_SET_PDEATHSIG. [L] */
static void tell_child(struct proc *from, struct proc *child)
{
    struct k_siginfo info = {.code = SI_USER};

    info.kill.pid = from->pid;
    info.kill.uid = from->cred.uid;
    list_for_each (pos, &child->threads) {
        info.signo = list_entry(pos, struct thread, node)->pdeath_signal;
        if (info.signo) {
            signal_send_proc_locked(child, &info);
        }
    }
}

/* A thread that the process lives with; there is one. [L] */
static int any_tid(const struct proc *p)
{
    return list_entry(p->threads.next, struct thread, node)->tid;
}

/* The children that t made are another thread's now, when there is one. [L] */
static void tell_children(struct thread *t)
{
    struct list moved = LIST_INIT(moved);
    struct proc *p = t->proc;

    if (list_empty(&p->threads)) {
        return;
    }
    list_for_each_safe (pos, &p->children) {
        struct proc *child = list_entry(pos, struct proc, sibling);

        if (child->parent_tid == t->tid) {
            child->parent_tid = any_tid(p);
            tell_child(p, child);
            list_del(pos);
            list_add_tail(&moved, pos);
        }
    }
    list_splice_tail(&p->children, &moved); /* it waits for its own first */
}

/* Takes t off its process's list; true when it was the last. */
static bool detach(struct thread *t, int status)
{
    struct proc *p = t->proc;
    uint64_t user, kernel;
    bool last;

    task_times(&t->task, &user, &kernel);
    spin_lock(&proc_lock);
    p->dead_user_ns += user;
    p->dead_kernel_ns += kernel;
    ended_user_ns += user;
    ended_kernel_ns += kernel;
    io_counts_add(&p->dead_io, &t->task.io);
    usage_add_task(&p->past, &t->task);
    list_del(&t->node);
    pidfd_thread_ends(t);
    ptrace_thread_exit(t, status);
    tell_children(t);
    if (t->tid == p->pid) {
        p->dead_nice = t->nice;
        p->dead_policy = t->policy;
        p->dead_priority = t->rt_priority;
    }
    pid_remove_thread(t);
    atomic_store(&p->thread_count, p->thread_count - 1);
    p->leaving--;
    last = p->thread_count == 0;
    spin_unlock(&proc_lock);
    return last;
}

/* A process-directed signal may have been left to the thread that ends. */
static void pass_on_signals(struct proc *p)
{
    spin_lock(&proc_lock);
    list_for_each (pos, &p->threads) {
        struct thread *t = list_entry(pos, struct thread, node);
        if (signal_pending(t)) {
            task_interrupt(&t->task);
        }
    }
    spin_unlock(&proc_lock);
}

/* Children go to the nearest subreaper above, or to process 1. */
static struct proc *new_parent(struct proc *p)
{
    for (struct proc *up = p->parent; up; up = up->parent) {
        if (up->subreaper && !up->exiting) {
            return up;
        }
    }
    return proc_lookup(1);
}

/* A parent that runs another program by now did not ask for another signal. */
static int exit_signal_to(const struct proc *p, const struct proc *parent)
{
    return p->exit_signal && p->parent_exec_id != parent->exec_id
               ? SIGCHLD
               : p->exit_signal;
}

/* Before anybody can find the zombie: SIGCHLD is pending when wait(2) returns.
 * [L] */
static void tell_parent(struct proc *p, struct proc *parent)
{
    struct k_siginfo info = {.signo = exit_signal_to(p, parent)};
    uint64_t user, kernel;

    proc_times_locked(p, &user, &kernel);
    info.code = wait_code(p->exit_status);
    info.child.pid = p->pid;
    info.child.uid = p->cred.uid;
    info.child.status = wait_siginfo_status(p->exit_status);
    info.child.utime = (int64_t)(user / (NSEC_PER_SEC / 100));
    info.child.stime = (int64_t)(kernel / (NSEC_PER_SEC / 100));
    if (info.signo && info.signo <= NSIG && /* clone(2) checks none */
        !(info.signo == SIGCHLD && signal_ignores_children(parent, 0))) {
        signal_send_proc_locked(parent, &info);
    }
    wait_wake_all(&parent->exit_wait);
}

/* Who ignores SIGCHLD does not wait for those that send it (wait(2)). [L] */
static bool reaps_itself(const struct proc *p, struct proc *parent)
{
    return !p->died_traced && exit_signal_to(p, parent) == SIGCHLD &&
           signal_ignores_children(parent, SA_NOCLDWAIT);
}

/* A zombie that `from` has not waited for is news to its new parent, which may
 * want none: then it goes to reaped, with the table's reference. [L] */
static void hand_over(struct proc *from, struct proc *child, struct proc *to,
                      struct list *reaped)
{
    child->parent = to;
    child->parent_tid = list_empty(&to->threads) ? to->pid : any_tid(to);
    child->exit_signal = SIGCHLD;
    tell_child(from, child);
    if (child->hidden) {
        ptrace_adopted(child, to);
    }
    if (child->zombie && !child->hidden) {
        if (reaps_itself(child, to)) {
            proc_unlink(child);
            list_add_tail(reaped, &child->sibling);
        }
        tell_parent(child, to);
    }
    session_reparented(from, child);
}

static void reparent_children(struct proc *p)
{
    struct list reaped = LIST_INIT(reaped), *gone;

    spin_lock(&proc_lock);
    if (!list_empty(&p->children)) {
        struct proc *to = new_parent(p);

        list_for_each_safe (pos, &p->children) {
            hand_over(p, list_entry(pos, struct proc, sibling), to, &reaped);
        }
        list_splice_tail(&to->children, &p->children);
        wait_wake_all(&to->exit_wait); /* what it waited for may be there */
    }
    spin_unlock(&proc_lock);
    while ((gone = list_pop(&reaped)) != NULL) {
        proc_put(list_entry(gone, struct proc, sibling));
    }
}

/* The parent learns that p has ended; true when it does not want to wait for
 * it, and p is out of the tables. [L] */
static bool announce(struct proc *p)
{
    bool reap = reaps_itself(p, p->parent);

    p->zombie = !reap;
    if (reap) {
        proc_unlink(p);
    }
    tell_parent(p, p->parent);
    return reap;
}

void proc_reveal(struct proc *p)
{
    bool reap;

    spin_lock(&proc_lock);
    p->hidden = false;
    reap = announce(p);
    spin_unlock(&proc_lock);
    proc_put(p);
    if (reap) {
        proc_put(p);
    }
}

static void become_zombie(struct proc *p)
{
    bool reap = false;

    ptrace_tracer_exit(p, NULL);
    reparent_children(p);
    session_exit(p);
    spin_lock(&proc_lock);
    p->zombie = true;
    atomic_store(&p->ended, true);
    wait_wake_all(&p->ended_wait);
    if (!ptrace_hides(p)) {
        reap = announce(p);
    }
    spin_unlock(&proc_lock);
    if (reap) {
        proc_put(p);
    }
}

void proc_leaves(struct proc *p, struct mm *mm)
{
    struct usage u = {.faults = 0};

    usage_add_mm(&u, mm);
    if (atomic_load(&p->borrowed)) {
        u.faults = 0; /* its maker counts them */
    }
    spin_lock(&proc_lock);
    usage_add(&p->past, &u);
    spin_unlock(&proc_lock);
}

static bool reports;

void proc_set_reports(bool on)
{
    reports = on;
}

/* --stats: of processes that forked or took turns, a line each. */
static void report(const struct proc *p)
{
    struct mm_stats m;
    char line[240];
    size_t n;

    mm_get_stats(p->mm, &m);
    if (m.forks || m.swaps > 2) {
        n = fmt_scnprintf(line, sizeof(line),
                          "[%d] %s: %lu forks, %lu KiB copied; %lu times "
                          "swapped in, %lu KiB copied, %lu KiB moved, %lu us; "
                          "%lu writes made common pages its own\n",
                          p->pid, p->comm, m.forks, m.fork_bytes >> 10, m.swaps,
                          m.swap_bytes >> 10, m.moved_bytes >> 10,
                          m.swap_ns / 1000, m.guard_faults);
        log_raw(line, n);
    }
}

static void end_other(struct proc *p, void *arg)
{
    static const struct k_siginfo kill = {.signo = SIGKILL, .code = SI_KERNEL};

    if (p->pid != 1) {
        signal_send_proc_locked(p, &kill);
    }
}

void proc_end_others(void)
{
    proc_for_each(end_other, NULL);
}

/* The last thread's work, in its own context. */
static void end_process(struct proc *p)
{
    struct mm *mm = p->mm;

    if (reports) {
        report(p);
    }
    timers_exit(p);
    keys_proc_exit(p);
    ipc_exit(p);
    if (p->pid == 1) {
        kernel_stop(p->exit_status);
    }
    sched_gate_enter(mm_gate(mm));
    if (p->exit_status & 0x7f) { /* a signal: the next run is elsewhere */
        mm_leave_nothing(mm);
    }
    if (mm_leave(mm)) {
        aio_end(mm);
    }
    sched_gate_enter(NULL);
    proc_leaves(p, mm);
    spin_lock(&proc_lock);
    p->mm = NULL;
    spin_unlock(&proc_lock);
    current_task()->mm = NULL;
    mm_put(mm);
    proc_set_exe(p, NULL);
    vfork_release(p);
    become_zombie(p);
}

/* Others look at a thread's files under proc_lock. */
static void drop_files(struct thread *t)
{
    struct files *files = t->files;
    struct fs_view *view = t->view;

    spin_lock(&proc_lock);
    t->files = NULL;
    t->view = NULL;
    spin_unlock(&proc_lock);
    if (files) {
        files_put(files);
    }
    if (view) {
        view_put(view);
    }
}

/* Nobody may have ended the group: then the last thread does, and nothing that
 * comes later changes what it ends with. */
static void begin_exit(struct thread *t, int status)
{
    struct proc *p = t->proc;

    spin_lock(&proc_lock);
    if (++p->leaving == p->thread_count && !p->exiting) {
        p->exiting = true;
        p->exit_status = status;
        p->signals.group_exit = true;
    }
    spin_unlock(&proc_lock);
}

/* What ends all of the process is what its threads end with, even if they were
 * about to end by themselves. */
static int last_word(struct thread *t, int status)
{
    struct proc *p = t->proc;

    spin_lock(&proc_lock);
    if (p->exiting) {
        status = p->exit_status;
    } else if (signal_pending_set(t) & sigbit(SIGKILL)) {
        status = SIGKILL;
    }
    spin_unlock(&proc_lock);
    return status;
}

void thread_exit(int status)
{
    struct thread *t = current_thread();
    struct proc *p = t->proc;

    begin_exit(t, status);
    ptrace_exiting((uint64_t)status);
    status = last_word(t, status);
    thread_leave_mm(t);
    seccomp_release(t);
    keys_thread_exit(t);
    drop_files(t);
    sched_gate_enter(
        NULL); /* the address space may go when we are off the list */
    if (detach(t, status)) {
        end_process(p);
    } else {
        ptrace_tracer_exit(p, t);
        if (!thread_must_exit(t)) {
            pass_on_signals(p);
        }
        wait_wake_all(&p->thread_wait);
    }
    landlock_put(t->landlock); /* nobody looks for us any more */
    task_exit();
}

/* Marks all threads but one. [L] */
static void mark_others(struct proc *p, struct thread *but)
{
    list_for_each (pos, &p->threads) {
        struct thread *t = list_entry(pos, struct thread, node);
        if (t != but) {
            atomic_store(&t->must_exit, true);
            task_interrupt(&t->task);
        }
    }
    wait_wake_all(&p->signals.cont_wait); /* those that a tracer holds */
}

void proc_exit_group(int status)
{
    struct thread *t = current_thread();
    struct proc *p = t->proc;

    spin_lock(&proc_lock);
    if (!p->exiting && !t->must_exit) {
        p->exiting = true;
        p->exit_status = status;
        p->signals.group_exit = true;
        mark_others(p, t);
    }
    spin_unlock(&proc_lock);
    thread_exit(p->exit_status);
}

void thread_exit_check(void)
{
    struct thread *t = current_thread();

    if (thread_must_exit(t)) {
        thread_exit(t->proc->exit_status);
    }
}

/* [L] */
static void rename_parent(struct proc *p, int from, int to)
{
    list_for_each (pos, &p->children) {
        struct proc *child = list_entry(pos, struct proc, sibling);

        if (child->parent_tid == from) {
            child->parent_tid = to;
        }
    }
}

int proc_kill_siblings(void)
{
    struct thread *t = current_thread();
    struct proc *p = t->proc;

    spin_lock(&proc_lock);
    if (p->exiting || t->must_exit) {
        spin_unlock(&proc_lock);
        return -EAGAIN;
    }
    p->exec_thread = t;
    mark_others(p, t);
    spin_unlock(&proc_lock);
    wait_event(&p->thread_wait, atomic_load(&p->thread_count) == 1,
               DEADLINE_NONE, 0);
    spin_lock(&proc_lock);
    p->exec_thread = NULL;
    if (t->tid != p->pid) {
        pidfd_thread_ends(t);
        pid_remove_thread(t);
        rename_parent(p, t->tid, p->pid);
        t->tid = p->pid;
        pid_insert_thread(t);
        ptrace_take_over(t);
    }
    spin_unlock(&proc_lock);
    return 0;
}
