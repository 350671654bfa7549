/* SPDX-License-Identifier: MIT
 *
 * Advice on the memory of a process behind a pidfd: process_madvise(2),
 * process_mrelease(2). Of another process's memory only what changes nothing
 * that it could see, which here is nothing at all, holes aside.
 */
#include "kernel/sys/table.h"
#include "kernel/sys/vecs.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/peer.h"
#include "kernel/proc/pidfd.h"
#include "abi/linux/errno.h"
#include "abi/linux/mman.h"

enum {
    CAP_SYS_NICE = 23,
    PIDFD_SELF_THREAD = -10000, /* linux/pidfd.h, 6.14 */
    PIDFD_SELF_THREAD_GROUP = -10001,
};

/* The process behind a pidfd, with a reference. -EBADF, -ESRCH. */
static int behind(int pidfd, struct proc **out)
{
    struct fd fd;
    int err;

    if (pidfd == PIDFD_SELF_THREAD || pidfd == PIDFD_SELF_THREAD_GROUP) {
        *out = current_proc();
        proc_get(*out);
        return 0;
    }
    err = fd_get_io(pidfd, &fd);
    if (err) {
        return err;
    }
    *out = pidfd_proc(fd.file);
    if (*out) {
        proc_get(*out);
    }
    fd_put(&fd);
    return *out ? 0 : -EBADF;
}

static bool is_for_others(int advice)
{
    return advice == MADV_COLD || advice == MADV_PAGEOUT ||
           advice == MADV_WILLNEED || advice == MADV_COLLAPSE;
}

static long advise_all(struct mm *mm, const struct vecs *v, int advice)
{
    long done = 0;
    int err = 0;

    for (unsigned i = 0; i < v->count && !err; i++) {
        err = mm_advise(mm, v->vec[i].base, v->vec[i].len, advice);
        done += err ? 0 : (long)v->vec[i].len;
    }
    return done ? done : err;
}

static long advise(struct proc *p, const struct vecs *v, int advice)
{
    bool other = p != current_proc();
    struct mm *mm;
    long n;

    mm = proc_mm(p);
    if (!mm) {
        return -ESRCH;
    }
    if (other && !proc_may_trace(p)) {
        n = -EACCES;
    } else if (other && !is_for_others(advice)) {
        n = -EINVAL;
    } else if (other && !cred_capable(CAP_SYS_NICE)) {
        n = -EPERM;
    } else {
        n = advise_all(mm, v, advice);
    }
    mm_put(mm);
    return n;
}

long sys_process_madvise(const struct sysargs *a)
{
    struct vecs v;
    struct proc *p;
    long n;

    if (arg_uint(a, 4)) {
        return -EINVAL;
    }
    n = vecs_get(&v, arg_ptr(a, 1), arg_u64(a, 2));
    if (n) {
        return n;
    }
    n = behind(arg_int(a, 0), &p);
    if (!n) {
        n = advise(p, &v, arg_int(a, 3));
        proc_put(p);
    }
    vecs_put(&v);
    return n;
}

/* Its memory goes as soon as it ends, which does not wait for anybody. */
long sys_process_mrelease(const struct sysargs *a)
{
    struct proc *p;
    int err;

    if (arg_uint(a, 1)) {
        return -EINVAL;
    }
    err = behind(arg_int(a, 0), &p);
    if (err) {
        return err;
    }
    spin_lock(&proc_lock);
    err = !p->mm ? -ESRCH : p->exiting ? 0 : -EINVAL;
    spin_unlock(&proc_lock);
    proc_put(p);
    return err;
}
