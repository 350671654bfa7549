/* SPDX-License-Identifier: MIT
 *
 * The system calls of scheduling, but for policies (sys_policy.c). Nice values
 * are kept and of no weight.
 */
#include "kernel/sys/table.h"
#include "kernel/core/timer.h"
#include "kernel/proc/clock.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/membarrier.h"
#include "kernel/proc/policy.h"
#include "kernel/sys/convert.h"
#include "abi/linux/prctl.h"
#include "abi/linux/resource.h"
#include "abi/linux/sched.h"

enum { NICE_MAX = 19 };

long sys_sched_yield(const struct sysargs *a)
{
    task_yield_to_all();
    return 0;
}

/* ---- affinity ---- */

static uint64_t all_vcpus(void)
{
    unsigned count = sched_vcpu_count();

    return count >= 64 ? ~0ull : (1ull << count) - 1;
}

/* pid 0: the caller. [proc_lock] */
static struct thread *named(int pid)
{
    return pid ? thread_find(pid) : current_thread();
}

long sys_sched_getaffinity(const struct sysargs *a)
{
    uint64_t mask = 0, len = arg_uint(a, 1);
    int err = -ESRCH;

    if (len < sizeof(mask) || len % sizeof(mask)) {
        return -EINVAL;
    }
    spin_lock(&proc_lock);
    struct thread *t = named(arg_int(a, 0));
    if (t) {
        mask = t->task.affinity & all_vcpus();
        err = 0;
    }
    spin_unlock(&proc_lock);
    if (!err) {
        err = put_user64(arg_ptr(a, 2), mask);
    }
    return err ? err : (long)sizeof(mask);
}

long sys_sched_setaffinity(const struct sysargs *a)
{
    uint64_t mask = 0, len = MIN(arg_uint(a, 1), (unsigned)sizeof(mask));
    int err = -ESRCH;

    if (copy_from_user(&mask, arg_ptr(a, 2), len)) {
        return -EFAULT;
    }
    spin_lock(&proc_lock);
    struct thread *t = named(arg_int(a, 0));
    if (t) {
        mask &= all_vcpus();
        err = !policy_may_touch(t) ? -EPERM : mask ? 0 : -EINVAL;
        if (!err) {
            task_set_affinity(&t->task, mask);
        }
    }
    spin_unlock(&proc_lock);
    return err;
}

long sys_getcpu(const struct sysargs *a)
{
    int err = 0;

    if (arg_ptr(a, 0).addr) {
        err = put_user32(arg_ptr(a, 0), this_vcpu()->id);
    }
    if (!err && arg_ptr(a, 1).addr) {
        err = put_user32(arg_ptr(a, 1), 0);
    }
    return err;
}

/* ---- nice values ---- */

static int nice_of(int pid, int *nice)
{
    struct policy p;
    int err = policy_get(pid, &p);

    *nice = err ? 0 : p.nice;
    return err;
}

static int set_nice(int pid, int nice)
{
    int err = -ESRCH;

    spin_lock(&proc_lock);
    struct thread *t = named(pid);
    if (t) {
        err = policy_nice(t, nice);
    } else {
        err = policy_nice_dead(pid, nice);
    }
    spin_unlock(&proc_lock);
    return err;
}

/* Groups and users: every thread of every process that fits. */
struct nice_query {
    int which, who;
    bool set;
    int nice;   /* to set */
    int lowest; /* found; NICE_MAX + 1: nobody */
    int err;
};

static void visit(struct proc *p, void *arg)
{
    struct nice_query *q = arg;
    bool fits = q->which == ABI_PRIO_PGRP ? p->pgid == q->who
                                          : p->cred.uid == (uint32_t)q->who;

    if (!fits) {
        return;
    }
    list_for_each (pos, &p->threads) {
        struct thread *t = list_entry(pos, struct thread, node);
        if (q->set) {
            int err = policy_nice(t, q->nice);
            q->err = err ? err : q->err;
        }
        q->lowest = MIN(q->lowest, t->nice);
    }
    if (!thread_find(p->pid)) { /* a zombie, or its first thread ended */
        if (q->set) {
            int err = policy_nice_dead(p->pid, q->nice);
            q->err = err ? err : q->err;
        }
        q->lowest = MIN(q->lowest, p->dead_nice);
    }
}

static int visit_all(struct nice_query *q)
{
    struct proc *self = current_proc();

    if (q->which == ABI_PRIO_PGRP) {
        q->who = q->who ? q->who : self->pgid;
    } else {
        q->who = q->who ? q->who : (int)self->cred.uid;
    }
    proc_for_each(visit, q);
    return q->lowest > NICE_MAX ? -ESRCH : q->err;
}

long sys_getpriority(const struct sysargs *a)
{
    struct nice_query q = {.which = arg_int(a, 0), .who = arg_int(a, 1)};
    int nice, err;

    q.lowest = NICE_MAX + 1;
    switch (q.which) {
    case ABI_PRIO_PROCESS:
        err = nice_of(q.who, &nice);
        break;
    case ABI_PRIO_PGRP:
    case ABI_PRIO_USER:
        err = visit_all(&q);
        nice = q.lowest;
        break;
    default:
        return -EINVAL;
    }
    return err ? err : 20 - nice;
}

long sys_setpriority(const struct sysargs *a)
{
    struct nice_query q = {.which = arg_int(a, 0), .who = arg_int(a, 1)};

    q.set = true;
    q.nice = arg_int(a, 2);
    q.lowest = NICE_MAX + 1;
    switch (q.which) {
    case ABI_PRIO_PROCESS:
        return set_nice(q.who, q.nice);
    case ABI_PRIO_PGRP:
    case ABI_PRIO_USER:
        return visit_all(&q);
    default:
        return -EINVAL;
    }
}

long sys_membarrier(const struct sysargs *a)
{
    return membarrier(arg_int(a, 0), arg_uint(a, 1));
}
