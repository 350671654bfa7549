/* SPDX-License-Identifier: MIT
 *
 * The system calls of scheduling policies: sched_setscheduler(2),
 * sched_setattr(2) and relatives. Who may what is in proc/policy.c.
 */
#include "kernel/sys/table.h"
#include "kernel/mm/user_struct.h"
#include "kernel/sys/convert.h"
#include "kernel/proc/policy.h"
#include "abi/linux/sched.h"

enum { SLICE_NS = 3000000, SLICE_RR_NS = 100000000 };

static long set_plain(int pid, int policy, struct uptr param)
{
    struct policy p = {.policy = policy, .keep_nice = true};
    uint32_t priority;

    if (!param.addr || pid < 0) {
        return -EINVAL;
    }
    if (get_user32(&priority, param)) {
        return -EFAULT;
    }
    if (policy >= 0) {
        p.policy = policy & ~SCHED_RESET_ON_FORK;
        p.reset = policy & SCHED_RESET_ON_FORK;
    }
    p.priority = priority > INT32_MAX ? INT32_MAX : (int)priority;
    return policy_set(pid, &p);
}

long sys_sched_setscheduler(const struct sysargs *a)
{
    return arg_int(a, 1) < 0
               ? -EINVAL
               : set_plain(arg_int(a, 0), arg_int(a, 1), arg_ptr(a, 2));
}

long sys_sched_setparam(const struct sysargs *a)
{
    return set_plain(arg_int(a, 0), -1, arg_ptr(a, 1));
}

static int get(int pid, struct policy *p)
{
    return pid < 0 ? -EINVAL : policy_get(pid, p);
}

long sys_sched_getscheduler(const struct sysargs *a)
{
    struct policy p;
    int err = get(arg_int(a, 0), &p);

    return err ? err : p.policy | (p.reset ? SCHED_RESET_ON_FORK : 0);
}

long sys_sched_getparam(const struct sysargs *a)
{
    struct policy p;
    int err = arg_ptr(a, 1).addr ? get(arg_int(a, 0), &p) : -EINVAL;

    return err ? err : put_user32(arg_ptr(a, 1), (uint32_t)p.priority);
}

long sys_sched_get_priority_max(const struct sysargs *a)
{
    if (!policy_is_known(arg_int(a, 0))) {
        return -EINVAL;
    }
    return policy_is_realtime(arg_int(a, 0)) ? 99 : 0;
}

long sys_sched_get_priority_min(const struct sysargs *a)
{
    if (!policy_is_known(arg_int(a, 0))) {
        return -EINVAL;
    }
    return policy_is_realtime(arg_int(a, 0)) ? 1 : 0;
}

long sys_sched_rr_get_interval(const struct sysargs *a)
{
    struct policy p;
    int err = get(arg_int(a, 0), &p);

    if (err) {
        return err;
    }
    return put_user_timespec(arg_ptr(a, 1), p.policy == SCHED_RR ? SLICE_RR_NS
                                            : p.policy == SCHED_FIFO ||
                                                    p.policy == SCHED_DEADLINE
                                                ? 0
                                                : SLICE_NS);
}

long sys_sched_getattr(const struct sysargs *a)
{
    unsigned size = arg_uint(a, 2);
    struct abi_sched_attr attr = {.size = 0};
    struct policy p;
    int err;

    if (!arg_ptr(a, 1).addr || arg_uint(a, 3) || size > PAGE_SIZE ||
        size < SCHED_ATTR_SIZE_VER0) {
        return -EINVAL;
    }
    err = get(arg_int(a, 0), &p);
    if (err) {
        return err;
    }
    attr.policy = (uint32_t)p.policy;
    attr.flags = p.reset ? SCHED_FLAG_RESET_ON_FORK : 0;
    if (p.policy == SCHED_DEADLINE) {
        attr.runtime = p.runtime;
        attr.deadline = p.deadline;
        attr.period = p.period;
    } else if (policy_is_realtime(p.policy)) {
        attr.priority = (uint32_t)p.priority;
    } else {
        attr.nice = p.nice;
    }
    attr.size = MIN(size, (unsigned)sizeof(attr));
    return copy_to_user(arg_ptr(a, 1), &attr, attr.size);
}

static int copy_attr(struct abi_sched_attr *attr, struct uptr from)
{
    uint32_t size;
    int err;

    if (get_user32(&size, from)) {
        return -EFAULT;
    }
    size = size ? size : SCHED_ATTR_SIZE_VER0;
    if (size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE) {
        goto too_big;
    }
    err = user_struct_get(attr, sizeof(*attr), from, size);
    if (err == -E2BIG) {
        goto too_big;
    }
    if (err) {
        return err;
    }
    return attr->flags & SCHED_FLAG_UTIL_CLAMP && size < SCHED_ATTR_SIZE_VER1
               ? -EINVAL
               : 0;
too_big:
    (void)put_user32(from, sizeof(*attr)); /* its own loss if it cannot */
    return -E2BIG;
}

/* Those that the present policy goes by, and no others. */
static void keep_params(struct policy *p, const struct policy *old)
{
    if (old->policy == SCHED_DEADLINE) {
        p->runtime = old->runtime;
        p->deadline = old->deadline;
        p->period = old->period;
    } else if (policy_is_realtime(old->policy)) {
        p->priority = old->priority;
    } else {
        p->nice = old->nice;
    }
}

long sys_sched_setattr(const struct sysargs *a)
{
    struct abi_sched_attr attr = {.size = 0};
    struct policy p = {.policy = -1}, old;
    int err;

    if (!arg_ptr(a, 1).addr || arg_int(a, 0) < 0 || arg_uint(a, 2)) {
        return -EINVAL;
    }
    err = copy_attr(&attr, arg_ptr(a, 1));
    if (err) {
        return err;
    }
    if ((int)attr.policy < 0 || attr.flags & ~(uint64_t)SCHED_FLAG_ALL) {
        return -EINVAL;
    }
    err = policy_get(arg_int(a, 0), &old);
    if (err) {
        return err;
    }
    if (attr.flags & SCHED_FLAG_UTIL_CLAMP) {
        return -EOPNOTSUPP;
    }
    p.priority = attr.priority > INT32_MAX ? INT32_MAX : (int)attr.priority;
    p.nice = attr.nice;
    p.runtime = attr.runtime;
    p.deadline = attr.deadline;
    p.period = attr.period;
    if (attr.flags & SCHED_FLAG_KEEP_PARAMS) {
        keep_params(&p, &old);
        p.checked_only = true; /* not even another policy */
    }
    p.policy = attr.flags & SCHED_FLAG_KEEP_POLICY ? -1 : (int)attr.policy;
    p.reset = attr.flags & SCHED_FLAG_RESET_ON_FORK;
    return policy_set(arg_int(a, 0), &p);
}
