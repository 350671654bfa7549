/* SPDX-License-Identifier: MIT
 *
 * The system calls of scheduling. There is one scheduling class: policies and
 * nice values of the ordinary kind are kept and reported, real-time ones are
 * refused (EPERM), as in a container without CAP_SYS_NICE.
 */
#include "kernel/sys/table.h"
#include "kernel/core/timer.h"
#include "kernel/proc/clock.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/membarrier.h"
#include "kernel/sys/convert.h"
#include "abi/linux/prctl.h"
#include "abi/linux/resource.h"
#include "abi/linux/sched.h"

enum { SLICE_NS = 3000000, NICE_MIN = -20, NICE_MAX = 19 };

long sys_sched_yield(const struct sysargs *a)
{
    task_yield();
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
        err = mask ? 0 : -EINVAL;
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

/* ---- policies ---- */

static bool is_policy(int policy)
{
    return (policy >= SCHED_OTHER && policy <= SCHED_BATCH) ||
           policy == SCHED_IDLE || policy == SCHED_DEADLINE;
}

static bool is_realtime(int policy)
{
    return policy == SCHED_FIFO || policy == SCHED_RR;
}

static int set_policy(int pid, int policy, int priority)
{
    int plain = policy & ~SCHED_RESET_ON_FORK;
    int err = -ESRCH;

    if (pid < 0 || !is_policy(plain) || plain == SCHED_DEADLINE) {
        return -EINVAL;
    }
    if (is_realtime(plain) ? priority < 1 || priority > 99 : priority != 0) {
        return -EINVAL;
    }
    spin_lock(&proc_lock);
    struct thread *t = named(pid);
    if (t) {
        err = is_realtime(plain) ? -EPERM : 0;
        if (!err) {
            t->policy = policy;
        }
    }
    spin_unlock(&proc_lock);
    return err;
}

/* The thread's policy with SCHED_RESET_ON_FORK, or -ESRCH, -EINVAL. */
static int get_policy(int pid)
{
    int policy = -ESRCH;

    if (pid < 0) {
        return -EINVAL;
    }
    spin_lock(&proc_lock);
    struct thread *t = named(pid);
    if (t) {
        policy = t->policy;
    }
    spin_unlock(&proc_lock);
    return policy;
}

long sys_sched_setscheduler(const struct sysargs *a)
{
    uint32_t priority;

    if (arg_int(a, 1) < 0 || !arg_ptr(a, 2).addr) {
        return -EINVAL;
    }
    if (get_user32(&priority, arg_ptr(a, 2))) {
        return -EFAULT;
    }
    return set_policy(arg_int(a, 0), arg_int(a, 1), (int)priority);
}

long sys_sched_getscheduler(const struct sysargs *a)
{
    return get_policy(arg_int(a, 0));
}

long sys_sched_setparam(const struct sysargs *a)
{
    uint32_t priority;
    int policy;

    if (!arg_ptr(a, 1).addr) {
        return -EINVAL;
    }
    if (get_user32(&priority, arg_ptr(a, 1))) {
        return -EFAULT;
    }
    policy = get_policy(arg_int(a, 0));
    return policy < 0 ? policy
                      : set_policy(arg_int(a, 0), policy, (int)priority);
}

long sys_sched_getparam(const struct sysargs *a)
{
    int policy = get_policy(arg_int(a, 0));

    if (!arg_ptr(a, 1).addr) {
        return -EINVAL;
    }
    return policy < 0 ? policy : put_user32(arg_ptr(a, 1), 0);
}

long sys_sched_get_priority_max(const struct sysargs *a)
{
    if (!is_policy(arg_int(a, 0))) {
        return -EINVAL;
    }
    return is_realtime(arg_int(a, 0)) ? 99 : 0;
}

long sys_sched_get_priority_min(const struct sysargs *a)
{
    if (!is_policy(arg_int(a, 0))) {
        return -EINVAL;
    }
    return is_realtime(arg_int(a, 0)) ? 1 : 0;
}

long sys_sched_rr_get_interval(const struct sysargs *a)
{
    int policy = get_policy(arg_int(a, 0));

    return policy < 0 ? policy : put_user_timespec(arg_ptr(a, 1), SLICE_NS);
}

static int nice_of(int pid, int *nice)
{
    int err = -ESRCH;

    spin_lock(&proc_lock);
    struct thread *t = named(pid);
    if (t) {
        *nice = t->nice;
        err = 0;
    }
    spin_unlock(&proc_lock);
    return err;
}

long sys_sched_getattr(const struct sysargs *a)
{
    int pid = arg_int(a, 0), policy = get_policy(pid), nice = 0;
    unsigned size = arg_uint(a, 2);
    struct abi_sched_attr attr = {.size = 0};

    if (!arg_ptr(a, 1).addr || arg_uint(a, 3) || size > PAGE_SIZE ||
        size < SCHED_ATTR_SIZE_VER0) {
        return -EINVAL;
    }
    if (policy < 0 || nice_of(pid, &nice)) {
        return policy < 0 ? policy : -ESRCH;
    }
    attr.policy = (uint32_t)(policy & ~SCHED_RESET_ON_FORK);
    attr.flags = policy & SCHED_RESET_ON_FORK ? SCHED_FLAG_RESET_ON_FORK : 0;
    attr.nice = nice;
    attr.size = MIN(size, (unsigned)sizeof(attr));
    return copy_to_user(arg_ptr(a, 1), &attr, attr.size);
}

static int set_nice(int pid, int nice);

long sys_sched_setattr(const struct sysargs *a)
{
    struct abi_sched_attr attr;
    int policy, err;

    if (!arg_ptr(a, 1).addr || arg_int(a, 0) < 0 || arg_uint(a, 2)) {
        return -EINVAL;
    }
    if (copy_from_user(&attr, arg_ptr(a, 1), SCHED_ATTR_SIZE_VER0)) {
        return -EFAULT;
    }
    if (attr.size && attr.size < SCHED_ATTR_SIZE_VER0) {
        (void)put_user32(arg_ptr(a, 1), sizeof(attr));
        return -E2BIG;
    }
    if (attr.flags & ~(uint64_t)SCHED_FLAG_ALL) {
        return -EINVAL;
    }
    if (attr.policy == SCHED_DEADLINE) {
        return -EPERM;
    }
    policy = (int)attr.policy;
    if (attr.flags & SCHED_FLAG_RESET_ON_FORK) {
        policy |= SCHED_RESET_ON_FORK;
    }
    err = set_policy(arg_int(a, 0), policy, (int)attr.priority);
    return err ? err : set_nice(arg_int(a, 0), attr.nice);
}

/* ---- nice values ---- */

static int set_nice_locked(struct thread *t, int nice)
{
    uint64_t lowest = t->proc->limits[LIMIT_NICE].cur; /* 20 - nice */

    nice = MAX(MIN(nice, (int)NICE_MAX), (int)NICE_MIN);
    if (nice < t->nice && (uint64_t)(20 - nice) > lowest &&
        !cred_capable(CAP_SYS_NICE)) {
        return -EACCES;
    }
    t->nice = nice;
    return 0;
}

static int set_nice(int pid, int nice)
{
    int err = -ESRCH;

    spin_lock(&proc_lock);
    struct thread *t = named(pid);
    if (t) {
        err = set_nice_locked(t, nice);
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
            int err = set_nice_locked(t, q->nice);
            q->err = err ? err : q->err;
        }
        q->lowest = MIN(q->lowest, t->nice);
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
