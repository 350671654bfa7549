/* SPDX-License-Identifier: MIT
 *
 * The system calls on pidfds. Signals through them are in sys_signal.c, waiting
 * in sys_proc.c.
 */
#include "kernel/sys/table.h"
#include "kernel/proc/peer.h"
#include "kernel/proc/pidfd.h"
#include "kernel/proc/proc.h"
#include "abi/linux/errno.h"
#include "abi/linux/fcntl.h"

static bool is_thread(int tid)
{
    bool yes;

    spin_lock(&proc_lock);
    yes = thread_find(tid);
    spin_unlock(&proc_lock);
    return yes;
}

static int make(int pid, uint32_t flags, struct file **out)
{
    struct proc *p = proc_find(pid);
    int err;

    if (!p && flags & PIDFD_THREAD) {
        return pidfd_new_thread(pid, flags, out);
    }
    if (!p) {
        return is_thread(pid) ? -ENOENT : -ESRCH;
    }
    err = pidfd_new(p, flags, out);
    proc_put(p);
    return err;
}

long sys_pidfd_open(const struct sysargs *a)
{
    int pid = arg_int(a, 0);
    uint32_t flags = arg_uint(a, 1);
    struct file *f;
    long fd;

    if (flags & ~(uint32_t)(PIDFD_NONBLOCK | PIDFD_THREAD) || pid <= 0) {
        return -EINVAL;
    }
    fd = make(pid, flags, &f);
    if (fd) {
        return fd;
    }
    fd = fd_install(f, 0, true);
    if (fd < 0) {
        file_put(f);
    }
    return fd;
}

/* [proc_lock] */
static int look_for_file(struct proc *p, int n, struct file **out)
{
    if (!proc_may_trace_locked(p)) {
        return -EPERM;
    }
    list_for_each (pos, &p->threads) {
        struct thread *t = list_entry(pos, struct thread, node);

        if (t->files) {
            *out = files_peek(t->files, n, NULL);
            return *out ? 0 : -EBADF;
        }
    }
    return -ESRCH;
}

/* p's descriptor n with a reference. */
static int take_file(struct proc *p, int n, struct file **out)
{
    int err;

    spin_lock(&proc_lock);
    err = look_for_file(p, n, out);
    spin_unlock(&proc_lock);
    return err;
}

static long get_from(struct file *pidfd, int n)
{
    struct proc *p = pidfd_proc(pidfd);
    struct file *f;
    long fd;

    if (!p) {
        return -EBADF;
    }
    fd = take_file(p, n, &f);
    if (!fd) {
        fd = fd_install(f, 0, true);
        if (fd < 0) {
            file_put(f);
        }
    }
    return fd;
}

long sys_pidfd_getfd(const struct sysargs *a)
{
    struct fd fd;
    long result;

    if (arg_uint(a, 2)) {
        return -EINVAL;
    }
    result = fd_get_io(arg_int(a, 0), &fd);
    if (!result) {
        result = get_from(fd.file, arg_int(a, 1));
        fd_put(&fd);
    }
    return result;
}
