/* SPDX-License-Identifier: MIT
 *
 * ioprio_set(2) and ioprio_get(2). The host orders its own I/O, so a priority
 * is a hint that is kept and reported.
 */
#include "kernel/sys/table.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/policy.h"
#include "abi/linux/errno.h"
#include "abi/linux/sched.h"
#include "abi/linux/prctl.h"

enum { WHO_PROCESS = 1, WHO_PGRP = 2, WHO_USER = 3 };
enum { CLASS_NONE, CLASS_REALTIME, CLASS_BEST_EFFORT, CLASS_IDLE };
enum { CLASS_SHIFT = 13, DATA_MASK = (1 << CLASS_SHIFT) - 1 };

struct query {
    int which, who;
    bool set;
    int value; /* to set, or the best found */
    bool found;
    int err; /* of setting: the first, which ends it */
};

/* What a thread that was given none is served by, which is told of groups and
 * users alone (ioprio_set(2), NOTES). */
static int effective(const struct thread *t)
{
    int class = t->policy == SCHED_IDLE ? CLASS_IDLE
                : t->rt_priority        ? CLASS_REALTIME
                                        : CLASS_BEST_EFFORT;

    return t->io_priority >> CLASS_SHIFT
               ? t->io_priority
               : class << CLASS_SHIFT | (t->nice + 20) / 5;
}

static bool may_set(const struct thread *t)
{
    const struct cred *me = current_cred();

    return ((t->cred.uid == me->euid || t->cred.uid == me->uid) &&
            !policy_outranked(&t->cred)) ||
           cred_capable(CAP_SYS_NICE);
}

static void visit_thread(struct thread *t, struct query *q)
{
    int has = q->which == WHO_PROCESS ? t->io_priority : effective(t);

    if (q->set) {
        q->err = q->err ? q->err : may_set(t) ? 0 : -EPERM;
        t->io_priority = q->err ? t->io_priority : q->value;
    } else if (!q->found || has < q->value) {
        q->value = has;
    }
    q->found = true;
}

static void visit(struct proc *p, void *arg)
{
    struct query *q = arg;
    bool fits = q->which == WHO_PGRP ? p->pgid == q->who
                                     : p->cred.uid == (uint32_t)q->who;

    if (!fits) {
        return;
    }
    list_for_each (pos, &p->threads) {
        visit_thread(list_entry(pos, struct thread, node), q);
    }
}

static int run(struct query *q)
{
    struct proc *self = current_proc();

    switch (q->which) {
    case WHO_PROCESS:
        spin_lock(&proc_lock);
        struct thread *t = q->who ? thread_find(q->who) : current_thread();
        if (t) {
            visit_thread(t, q);
        }
        spin_unlock(&proc_lock);
        break;
    case WHO_PGRP:
        q->who = q->who ? q->who : self->pgid;
        proc_for_each(visit, q);
        break;
    case WHO_USER:
        q->who = q->who ? q->who : (int)self->cred.uid;
        proc_for_each(visit, q);
        break;
    default:
        return -EINVAL;
    }
    return q->found ? q->err : -ESRCH;
}

long sys_ioprio_get(const struct sysargs *a)
{
    struct query q = {.which = arg_int(a, 0), .who = arg_int(a, 1)};
    int err = run(&q);

    return err ? err : q.value;
}

long sys_ioprio_set(const struct sysargs *a)
{
    struct query q = {.which = arg_int(a, 0), .who = arg_int(a, 1)};
    unsigned value = arg_uint(a, 2), class = value >> CLASS_SHIFT;

    if (class > CLASS_IDLE || (class == CLASS_NONE && (value & DATA_MASK))) {
        return -EINVAL;
    }
    if (class == CLASS_REALTIME && !cred_capable(CAP_SYS_NICE) &&
        !cred_capable(CAP_SYS_ADMIN)) {
        return -EPERM;
    }
    q.set = true;
    q.value = (int)value;
    return run(&q);
}
