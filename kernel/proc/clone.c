/* SPDX-License-Identifier: MIT
 *
 * clone(2) and clone3(2): what threads and processes (fork.c) have in common,
 * and threads. The new one leaves the kernel with a
 * copy of its maker's registers, vector state included, and 0 in RAX, on the
 * stack and with the thread pointer that it was given.
 */
#include "kernel/proc/cred.h"
#include "kernel/proc/pidfd.h"
#include "kernel/proc/policy.h"
#include "kernel/proc/ptrace/ptrace.h"
#include "kernel/proc/room.h"
#include "kernel/proc/seccomp/seccomp.h"
#include "kernel/fs/landlock/landlock.h"
#include "abi/linux/errno.h"
#include "abi/linux/prctl.h"
#include "abi/linux/resource.h"
#include "abi/linux/sched.h"
#include "abi/linux/signal.h"
#include "kernel/ipc/ipc.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"

#define NEW_NAMESPACES                                                         \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |             \
     CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME)
#define THREAD_FLAGS (CLONE_VM | CLONE_SIGHAND | CLONE_THREAD)

/* What contradicts itself (clone(2), ERRORS). */
static int check_flags(const struct clone_args *a)
{
    uint64_t f = a->flags;

    if (((f & CLONE_NEWNS) && (f & CLONE_FS)) ||
        ((f & CLONE_NEWUSER) && (f & CLONE_FS)) ||
        ((f & CLONE_THREAD) && !(f & CLONE_SIGHAND)) ||
        ((f & CLONE_SIGHAND) && !(f & CLONE_VM)) ||
        ((f & CLONE_THREAD) && (f & (CLONE_NEWUSER | CLONE_NEWPID))) ||
        ((f & CLONE_NEWIPC) && (f & CLONE_SYSVSEM)) ||
        ((f & CLONE_CLEAR_SIGHAND) && (f & CLONE_SIGHAND))) {
        return -EINVAL;
    }
    if (current_proc()->pid == 1 && (f & CLONE_PARENT)) {
        return -EINVAL; /* process 1's children have no other parent */
    }
    return f & NEW_NAMESPACES ? -EPERM : 0;
}

/* The first function of a new thread. */
void thread_begin(void *arg)
{
    struct thread *t = arg;

    if (t->set_child_tid.addr) {
        /* A bad address is the program's own loss (clone(2)). */
        (void)put_user32(t->set_child_tid, (uint32_t)t->tid);
    }
    arch_user_return();
}

static void copy_vectors(struct thread *from, struct thread *to)
{
    if (!from->task.fpu_saved) {
        fpu_save(&from->task.fpu);
    }
    memcpy(&to->task.fpu, &from->task.fpu, fpu_size());
    to->task.fpu_saved = 1;
}

static void copy_registers(const struct clone_args *a, struct thread *from,
                           struct thread *to)
{
    struct user_regs *regs = thread_regs(to);

    *regs = *thread_regs(from);
    regs->rax = 0;
    regs->orig_rax = ~0ull; /* nothing to restart */
    regs->full = 1;
    if (a->stack) {
        regs->rsp = a->stack + a->stack_size;
    }
    to->task.fs_base = a->flags & CLONE_SETTLS ? a->tls : read_fs_base();
    regs->fs_base = to->task.fs_base;
    copy_vectors(from, to);
}

static int share_files(uint64_t flags, struct thread *from,
                       struct files **files, struct fs_view **view)
{
    int err;

    *files = from->files;
    *view = from->view;
    if (flags & CLONE_FILES) {
        files_get(*files);
    } else {
        err = files_copy(from->files, files);
        if (err) {
            return err;
        }
    }
    if (flags & CLONE_FS) {
        view_get(*view);
        return 0;
    }
    err = view_copy(from->view, view);
    if (err) {
        files_put(*files);
    }
    return err;
}

static void inherit(const struct clone_args *a, struct thread *from,
                    struct thread *to)
{
    memcpy(to->comm, from->comm, sizeof(to->comm));
    to->signals.blocked = from->signals.blocked;
    policy_inherit(from, to);
    to->io_priority = from->io_priority;
    to->mce_kill = from->mce_kill;
    to->io_flusher = from->io_flusher;
    to->no_new_privs = from->no_new_privs;
    to->memory_policy = from->memory_policy;
    to->login_uid = from->login_uid;
    to->login_session = from->login_session;
    to->timer_slack = to->default_slack = from->timer_slack;
    to->task.affinity = from->task.affinity;
    if (a->flags & CLONE_CHILD_CLEARTID) {
        to->clear_child_tid = uptr(a->child_tid);
    }
    if (a->flags & CLONE_CHILD_SETTID) {
        to->set_child_tid = uptr(a->child_tid);
    }
}

/* -ERESTARTNOINTR: the process ends, the caller with it. */
static int take_tid(const struct clone_args *a, struct thread *from,
                    struct pid_claim *claim)
{
    uint64_t limit = from->proc->limits[LIMIT_NPROC].cur;
    int tid;

    if (proc_thread_total() >= limit && !cred_capable(CAP_SYS_RESOURCE)) {
        return -EAGAIN;
    }
    spin_lock(&proc_lock);
    if (from->must_exit) {
        tid = -ERESTARTNOINTR;
    } else {
        tid = a->set_tid_size ? pid_choose((int)a->set_tid) : pid_alloc();
    }
    if (tid > 0) { /* others may choose theirs before ours is in the tables */
        pid_claim(claim, tid);
    }
    spin_unlock(&proc_lock);
    return tid;
}

static void drop_tid(struct inheritance *in)
{
    spin_lock(&proc_lock);
    pid_claim_end(&in->claim);
    spin_unlock(&proc_lock);
}

int inherit_begin(const struct clone_args *a, struct inheritance *in)
{
    struct thread *from = current_thread();
    int err;

    if ((a->flags & CLONE_SETTLS) && a->tls >= USER_ADDRESS_END) {
        return -EPERM; /* as arch_prctl(2); WRFSBASE would fault on it */
    }
    if (!policy_forks(from)) {
        return -EAGAIN;
    }
    in->claim.pid = 0;
    in->tid = take_tid(a, from, &in->claim);
    if (in->tid < 0) {
        return in->tid;
    }
    err = ptrace_prepare(a, &in->tracee);
    if (!err) {
        err = share_files(a->flags, from, &in->files, &in->view);
        if (err) {
            kfree(in->tracee);
        }
    }
    if (err) {
        drop_tid(in);
    }
    return err;
}

void inherit_undo(struct inheritance *in)
{
    files_put(in->files);
    view_put(in->view);
    kfree(in->tracee);
    drop_tid(in);
}

void inherit_finish(const struct clone_args *a, const struct inheritance *in,
                    struct thread *t)
{
    t->tid = in->tid;
    t->files = in->files;
    t->view = in->view;
    inherit(a, current_thread(), t);
    seccomp_inherit(current_thread(), t);
    t->landlock = current_thread()->landlock;
    landlock_get(t->landlock);
    copy_registers(a, current_thread(), t);
    ptrace_forget_step(current_thread(), thread_regs(t));
}

/* Started under the lock: until then nobody may find and interrupt it. */
static void attach_and_start(struct thread *from, struct thread *to,
                             struct inheritance *in)
{
    spin_lock(&proc_lock);
    thread_attach(to);
    pid_claim_end(&in->claim);
    seccomp_catch_up(from, to);
    ptrace_join(to, in->tracee);
    if (from->must_exit) { /* marked since take_tid(): so are we */
        to->must_exit = true;
        to->task.interrupted = 1;
    }
    task_start(&to->task);
    spin_unlock(&proc_lock);
}

static bool has_ended(int tid)
{
    bool ended;

    spin_lock(&proc_lock);
    ended = !thread_find(tid);
    spin_unlock(&proc_lock);
    return ended;
}

/* CLONE_VFORK of a thread: until it lets go of the memory. */
static void wait_for_thread(struct thread *from, int tid)
{
    wait_event(&from->proc->thread_wait,
               has_ended(tid) || thread_must_exit(from) ||
                   (signal_pending_set(from) & sigbit(SIGKILL)),
               DEADLINE_NONE, 0);
}

/* CLONE_PIDFD: one that stands for the new thread alone. */
static int take_thread_pidfd(const struct clone_args *a, struct inheritance *in,
                             struct thread_end **end)
{
    struct file *f;
    int err;

    *end = NULL;
    in->pidfd = -1;
    if (!(a->flags & CLONE_PIDFD)) {
        return 0;
    }
    *end = thread_end_new();
    err = *end ? pidfd_new_of(current_proc(), *end, PIDFD_THREAD, &f) : -ENOMEM;
    if (!err) {
        in->pidfd = fd_install(f, 0, true);
        if (in->pidfd < 0) {
            file_put(f);
            err = in->pidfd;
        }
    }
    if (!err) {
        err = put_user32(uptr(a->pidfd), (uint32_t)in->pidfd);
    }
    if (err) {
        thread_end_put(*end);
    }
    return err;
}

static int thread_clone(const struct clone_args *a)
{
    struct thread *from = current_thread(), *t = thread_alloc();
    struct inheritance in;
    struct thread_end *end;
    int err;

    if (!t) {
        return -EAGAIN;
    }
    err = inherit_begin(a, &in);
    if (err) {
        thread_free(t);
        return err;
    }
    err = take_thread_pidfd(a, &in, &end);
    if (err) {
        if (in.pidfd >= 0) {
            (void)fd_close(in.pidfd);
        }
        inherit_undo(&in);
        thread_free(t);
        return err;
    }
    thread_init(t, from->proc, thread_begin);
    inherit_finish(a, &in, t);
    pidfd_thread_begins(t, end);
    if (a->flags & CLONE_PARENT_SETTID) {
        (void)put_user32(uptr(a->parent_tid), (uint32_t)in.tid);
    }
    attach_and_start(from, t, &in);
    if (in.tracee) {
        ptrace_event(PTRACE_EVENT_CLONE, (uint64_t)in.tid);
    }
    if (a->flags & CLONE_VFORK) {
        wait_for_thread(from, in.tid);
    }
    return in.tid;
}

int proc_clone(const struct clone_args *a)
{
    int err = check_flags(a);

    if (err) {
        return err;
    }
    mm_started(current_proc()->mm);
    return a->flags & CLONE_THREAD ? thread_clone(a) : process_clone(a);
}

/* ---- unshare ---- */

/* Whose they are alone keeps them: its locks are theirs (fcntl(2)). */
static int unshare_files(struct thread *t)
{
    struct files *shared = t->files, *own;
    int err;

    if (files_refs(shared) == 1) {
        return 0;
    }
    err = files_copy(shared, &own);
    if (!err) {
        spin_lock(&proc_lock);
        t->files = own;
        spin_unlock(&proc_lock);
        files_put(shared);
    }
    return err;
}

static int unshare_view(struct thread *t)
{
    struct fs_view *shared = t->view, *own;
    int err = view_copy(shared, &own);

    if (!err) {
        spin_lock(&proc_lock);
        t->view = own;
        spin_unlock(&proc_lock);
        view_put(shared);
    }
    return err;
}

int thread_unshare(uint64_t flags)
{
    const uint64_t known =
        CLONE_FILES | CLONE_FS | CLONE_SYSVSEM | THREAD_FLAGS | NEW_NAMESPACES;
    struct thread *t = current_thread();
    int err = 0;

    if ((flags & ~known) ||
        ((flags & THREAD_FLAGS) && t->proc->thread_count > 1)) {
        return -EINVAL;
    }
    if (((flags & (CLONE_SIGHAND | CLONE_VM)) &&
         signal_shares_actions(&t->proc->signals)) ||
        ((flags & CLONE_VM) && mm_in_use_by_others(t->proc->mm))) {
        return -EINVAL;
    }
    if (flags & NEW_NAMESPACES) {
        return -EPERM;
    }
    if (flags & CLONE_SYSVSEM && t->proc->thread_count == 1) {
        ipc_exit(t->proc);
    }
    if (flags & CLONE_FILES) {
        err = unshare_files(t);
    }
    if (!err && (flags & CLONE_FS)) {
        err = unshare_view(t);
    }
    return err;
}
