/* SPDX-License-Identifier: MIT
 *
 * The system calls of processes and threads: making, running, waiting,
 * ending, and their ids. Mechanism is in kernel/proc/.
 */
#include "kernel/sys/table.h"
#include "kernel/mm/user_struct.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/peer.h"
#include "kernel/proc/pidfd.h"
#include "kernel/proc/proc.h"
#include "abi/linux/errno.h"
#include "abi/linux/fcntl.h"
#include "abi/linux/futex.h"
#include "abi/linux/resource.h"
#include "abi/linux/sched.h"
#include "abi/linux/signal.h"
#include "abi/linux/wait.h"
#include "kernel/sys/convert.h"

enum { PATH_BYTES = 4096 };

/* ---- the end ---- */

long sys_exit(const struct sysargs *a)
{
    thread_exit(WSTATUS_EXIT(arg_int(a, 0)));
}

long sys_exit_group(const struct sysargs *a)
{
    proc_exit_group(WSTATUS_EXIT(arg_int(a, 0)));
}

/* ---- clone ---- */

long sys_clone(const struct sysargs *a)
{
    uint64_t flags = arg_u64(a, 0) & 0xffffffff;
    struct clone_args args = {
        .flags = flags & ~(uint64_t)CSIGNAL,
        .pidfd = arg_u64(a, 2),
        .parent_tid = arg_u64(a, 2),
        .child_tid = arg_u64(a, 3),
        .exit_signal = flags & CSIGNAL,
        .stack = arg_u64(a, 1),
        .tls = arg_u64(a, 4),
    };

    if ((flags & CLONE_PIDFD) &&
        (flags & (CLONE_DETACHED | CLONE_PARENT_SETTID))) {
        return -EINVAL;
    }
    return proc_clone(&args);
}

/* The one number that a process can have here: there is one row of them. */
static int take_set_tid(struct clone_args *c)
{
    uint32_t tid;

    if ((c->set_tid == 0) != (c->set_tid_size == 0) || c->set_tid_size > 32) {
        return -EINVAL;
    }
    if (c->set_tid_size == 0) {
        return 0;
    }
    if (get_user32(&tid, uptr(c->set_tid))) {
        return -EFAULT;
    }
    c->set_tid = tid;
    return c->set_tid_size > 1 ? -EINVAL : 0;
}

/* What clone3(2) checks beyond clone(2). */
static int check_clone3(const struct clone_args *c)
{
    const uint64_t known =
        0xffffffffull | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP;

    if ((c->flags & ~known) ||
        (c->flags & (CLONE_DETACHED | (CSIGNAL & ~CLONE_NEWTIME))) ||
        ((c->flags & (CLONE_THREAD | CLONE_PARENT)) && c->exit_signal) ||
        (c->stack == 0) != (c->stack_size == 0) || c->exit_signal > NSIG) {
        return -EINVAL;
    }
    if (c->stack && !mm_user_range(c->stack, c->stack_size)) {
        return -EINVAL;
    }
    if (c->flags & CLONE_INTO_CGROUP) {
        return c->cgroup > INT32_MAX ? -EINVAL : -EBADF;
    }
    return 0;
}

long sys_clone3(const struct sysargs *a)
{
    struct clone_args args = {.flags = 0};
    uint64_t size = arg_u64(a, 1);
    int err;

    if (size > PAGE_SIZE) {
        return -E2BIG;
    }
    if (size < CLONE_ARGS_SIZE_VER0) {
        return -EINVAL;
    }
    err = user_struct_get(&args, sizeof(args), arg_ptr(a, 0), size);
    if (!err) {
        err = take_set_tid(&args);
    }
    if (!err) {
        err = check_clone3(&args);
    }
    return err ? err : proc_clone(&args);
}

long sys_fork(const struct sysargs *a)
{
    struct clone_args args = {.exit_signal = SIGCHLD};

    return proc_clone(&args);
}

long sys_vfork(const struct sysargs *a)
{
    struct clone_args args = {
        .flags = CLONE_VM | CLONE_VFORK,
        .exit_signal = SIGCHLD,
    };

    return proc_clone(&args);
}

long sys_unshare(const struct sysargs *a)
{
    return thread_unshare(arg_u64(a, 0));
}

/* ---- exec ---- */

static long exec(int dirfd, struct uptr path, struct uptr argv,
                 struct uptr envp, int flags)
{
    struct exec_args args;
    char *name = kmalloc(PATH_BYTES);
    long err;

    if (!name) {
        return -ENOMEM;
    }
    exec_args_init(&args, exec_args_limit(current_proc()));
    err = strncpy_from_user(name, path, PATH_BYTES);
    if (err == 0 && !(flags & AT_EMPTY_PATH)) {
        err = -ENOENT;
    }
    if (err >= 0) {
        err = exec_args_add_user(&args, argv, false);
    }
    if (!err) {
        err = exec_args_add_user(&args, envp, true);
    }
    if (!err) {
        err = proc_exec(dirfd, name, flags, &args);
    }
    exec_args_free(&args);
    kfree(name);
    return err;
}

long sys_execve(const struct sysargs *a)
{
    return exec(AT_FDCWD, arg_ptr(a, 0), arg_ptr(a, 1), arg_ptr(a, 2), 0);
}

long sys_execveat(const struct sysargs *a)
{
    int flags = arg_int(a, 4);

    if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) {
        return -EINVAL;
    }
    return exec(arg_int(a, 0), arg_ptr(a, 1), arg_ptr(a, 2), arg_ptr(a, 3),
                flags);
}

/* ---- wait ---- */

static int put_child_usage(struct uptr to, const struct wait_result *r)
{
    struct abi_rusage usage = rusage_of(&r->usage, r->user_ns, r->kernel_ns);

    return to.addr ? copy_to_user(to, &usage, sizeof(usage)) : 0;
}

long sys_wait4(const struct sysargs *a)
{
    const unsigned known = WNOHANG | WUNTRACED | WCONTINUED | ABI_WNOTHREAD |
                           ABI_WCLONE | ABI_WALL;
    int pid = arg_int(a, 0);
    struct wait_filter f = {.type = ABI_P_ALL, .options = arg_uint(a, 2)};
    struct wait_result r = {.pid = 0};
    int result;

    if (f.options & ~known) {
        return -EINVAL;
    }
    if (pid == INT32_MIN) {
        return -ESRCH;
    }
    if (pid > 0) {
        f.type = ABI_P_PID;
        f.id = pid;
    } else if (pid != -1) {
        f.type = ABI_P_PGID;
        f.id = pid ? -pid : current_proc()->pgid;
    }
    f.options |= WEXITED;
    result = proc_wait(&f, &r);
    if (result > 0) {
        if (arg_ptr(a, 1).addr &&
            put_user32(arg_ptr(a, 1), (uint32_t)r.status)) {
            return -EFAULT;
        }
        if (put_child_usage(arg_ptr(a, 3), &r)) {
            return -EFAULT;
        }
    }
    return result;
}

static struct k_siginfo child_info(const struct wait_result *r)
{
    struct k_siginfo info = {.signo = 0};

    if (r->pid) {
        info.signo = SIGCHLD;
        info.code = r->trapped ? CLD_TRAPPED : wait_code(r->status);
        info.child.pid = r->pid;
        info.child.uid = r->uid;
        info.child.status = wait_siginfo_status(r->status);
    }
    return info;
}

/* The child behind a pidfd, by its number. */
static int pidfd_filter(struct wait_filter *f, bool *nonblock)
{
    struct proc *p;
    struct fd fd;
    int err = f->id < 0 ? -EINVAL : fd_get_io(f->id, &fd);

    if (err) {
        return err;
    }
    p = pidfd_proc(fd.file);
    if (!p) {
        err = -EBADF;
    } else if (atomic_load(&p->reaped)) {
        err = -ECHILD;
    } else {
        *nonblock = file_nonblock(fd.file, 0) && !(f->options & WNOHANG);
        f->options |= *nonblock ? WNOHANG : 0;
        f->type = ABI_P_PID;
        f->id = pidfd_number(fd.file);
    }
    fd_put(&fd);
    return err;
}

/* *nonblock: the descriptor says not to wait, rather than the caller. */
static int waitid_filter(struct wait_filter *f, bool *nonblock)
{
    const unsigned known = WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED |
                           ABI_WNOTHREAD | ABI_WCLONE | ABI_WALL;

    if ((f->options & ~known) ||
        !(f->options & (WEXITED | WSTOPPED | WCONTINUED))) {
        return -EINVAL;
    }
    switch (f->type) {
    case ABI_P_ALL:
        return 0;
    case ABI_P_PID:
        return f->id > 0 ? 0 : -EINVAL;
    case ABI_P_PGID:
        f->id = f->id ? f->id : current_proc()->pgid;
        return f->id > 0 ? 0 : -EINVAL;
    case ABI_P_PIDFD:
        return pidfd_filter(f, nonblock);
    default:
        return -EINVAL;
    }
}

/* Also what failed is written, as nothing: Linux does so, too. */
static int put_child_info(struct uptr to, const struct wait_result *r)
{
    struct k_siginfo info = child_info(r);

    /* All that Linux writes; the rest of the structure stays as it was. */
    return to.addr
               ? copy_to_user(to, &info, offsetof(struct k_siginfo, child.pad))
               : 0;
}

long sys_waitid(const struct sysargs *a)
{
    struct wait_filter f = {
        .type = arg_int(a, 0), .id = arg_int(a, 1), .options = arg_uint(a, 3)};
    struct wait_result r = {.pid = 0};
    bool nonblock = false;
    int result = waitid_filter(&f, &nonblock);

    if (!result) {
        result = proc_wait(&f, &r);
        result = result == 0 && nonblock ? -EAGAIN : result;
    }
    if (result > 0) {
        result = put_child_usage(arg_ptr(a, 4), &r) ? -EFAULT : 0;
    }
    return put_child_info(arg_ptr(a, 2), &r) ? -EFAULT : result;
}

/* ---- ids ---- */

long sys_getpid(const struct sysargs *a)
{
    return current_proc()->pid;
}

long sys_gettid(const struct sysargs *a)
{
    return current_thread()->tid;
}

long sys_getppid(const struct sysargs *a)
{
    int pid;

    spin_lock(&proc_lock);
    pid = current_proc()->parent ? current_proc()->parent->pid : 0;
    spin_unlock(&proc_lock);
    return pid;
}

long sys_getpgrp(const struct sysargs *a)
{
    return current_proc()->pgid;
}

long sys_getpgid(const struct sysargs *a)
{
    return proc_getpgid(arg_int(a, 0));
}

long sys_getsid(const struct sysargs *a)
{
    return proc_getsid(arg_int(a, 0));
}

long sys_setpgid(const struct sysargs *a)
{
    return proc_setpgid(arg_int(a, 0), arg_int(a, 1));
}

long sys_setsid(const struct sysargs *a)
{
    return proc_setsid();
}

/* ---- what a thread leaves behind ---- */

long sys_set_tid_address(const struct sysargs *a)
{
    current_thread()->clear_child_tid = arg_ptr(a, 0);
    return current_thread()->tid;
}

long sys_set_robust_list(const struct sysargs *a)
{
    if (arg_u64(a, 1) != sizeof(struct abi_robust_list_head)) {
        return -EINVAL;
    }
    current_thread()->robust_list = arg_ptr(a, 0);
    return 0;
}

long sys_get_robust_list(const struct sysargs *a)
{
    int tid = arg_int(a, 0);
    struct thread *t;
    uint64_t head = 0;
    int err = 0;

    spin_lock(&proc_lock);
    t = tid ? thread_find(tid) : current_thread();
    if (!t) {
        err = -ESRCH;
    } else if (!proc_may_trace_locked(t->proc)) {
        err = -EPERM;
    } else {
        head = t->robust_list.addr;
    }
    spin_unlock(&proc_lock);
    if (!err) {
        err = put_user64(arg_ptr(a, 2), sizeof(struct abi_robust_list_head));
    }
    return err ? err : put_user64(arg_ptr(a, 1), head);
}
