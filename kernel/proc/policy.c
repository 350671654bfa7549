/* SPDX-License-Identifier: MIT
 *
 * Scheduling policies (policy.h). A thread's settings are changed under
 * proc_lock; the scheduler sees one number of them (task.priority).
 */
#include "kernel/proc/policy.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/room.h"
#include "abi/linux/errno.h"
#include "abi/linux/prctl.h"
#include "abi/linux/resource.h"
#include "abi/linux/sched.h"

enum { PRIORITY_MOST = 99, NICE_MIN = -20, NICE_MAX = 19 };
enum { RUNTIME_LEAST = 1024 };
#define PERIOD_LEAST 100000ull
#define PERIOD_MOST  (1ull << 42)

bool policy_is_realtime(int policy)
{
    return policy == SCHED_FIFO || policy == SCHED_RR;
}

bool policy_is_known(int policy)
{
    return (policy >= SCHED_OTHER && policy <= SCHED_BATCH) ||
           policy == SCHED_IDLE || policy == SCHED_DEADLINE;
}

/* SCHED_IDLE keeps the one that was there. */
static bool has_nice(int policy)
{
    return policy == SCHED_OTHER || policy == SCHED_BATCH;
}

/* ---- rights ---- */

static bool is_owner(const struct cred *c)
{
    uint32_t euid = current_cred()->euid;

    return euid == c->euid || euid == c->uid || cred_capable(CAP_SYS_NICE);
}

bool policy_outranked(const struct cred *c)
{
    return c->cap_permitted & ~current_cred()->cap_permitted &&
           !cred_capable(CAP_SYS_NICE);
}

static bool may_lower(const struct proc *p, int from, int nice)
{
    uint64_t lowest = p->limits[LIMIT_NICE].cur; /* 20 - nice */

    return nice >= from || (uint64_t)(20 - nice) <= lowest ||
           cred_capable(CAP_SYS_NICE);
}

bool policy_may_touch(const struct thread *t)
{
    return is_owner(&t->cred) && !policy_outranked(&t->cred);
}

/* May it be lowered: RLIMIT_NICE. */
static bool may_nice(const struct thread *t, int nice)
{
    return may_lower(t->proc, t->nice, nice);
}

int policy_nice(struct thread *t, int nice)
{
    nice = MAX(MIN(nice, (int)NICE_MAX), (int)NICE_MIN);
    if (!is_owner(&t->cred)) {
        return -EPERM;
    }
    if (!may_nice(t, nice)) {
        return -EACCES;
    }
    if (policy_outranked(&t->cred)) {
        return -EPERM;
    }
    t->nice = nice;
    return 0;
}

/* Whether p may be set without CAP_SYS_NICE. */
static bool is_free(const struct thread *t, const struct policy *p)
{
    int old = t->policy & ~SCHED_RESET_ON_FORK;
    uint64_t most = t->proc->limits[LIMIT_RTPRIO].cur;
    bool resets = t->policy & SCHED_RESET_ON_FORK;

    if (p->policy == SCHED_DEADLINE || (resets && !p->reset) ||
        !policy_may_touch(t)) {
        return false;
    }
    if (policy_is_realtime(p->policy)) {
        return (p->policy == old || most) &&
               (p->priority <= t->rt_priority || (uint64_t)p->priority <= most);
    }
    if (old == SCHED_IDLE && p->policy != SCHED_IDLE &&
        (uint64_t)(20 - t->nice) > t->proc->limits[LIMIT_NICE].cur) {
        return false;
    }
    return !has_nice(p->policy) || may_nice(t, p->nice);
}

/* ---- setting ---- */

static bool deadline_is_good(const struct policy *p)
{
    uint64_t period = p->period ? p->period : p->deadline;

    return p->deadline && p->runtime >= RUNTIME_LEAST && !(p->deadline >> 63) &&
           !(p->period >> 63) && p->runtime <= p->deadline &&
           p->deadline <= period && period >= PERIOD_LEAST &&
           period <= PERIOD_MOST;
}

static int check_policy(const struct policy *p)
{
    if (!policy_is_known(p->policy) || p->priority < 0 ||
        p->priority > PRIORITY_MOST) {
        return -EINVAL;
    }
    if (p->policy == SCHED_DEADLINE && !deadline_is_good(p)) {
        return -EINVAL;
    }
    return policy_is_realtime(p->policy) == (p->priority != 0) ? 0 : -EINVAL;
}

/* What the scheduler goes by. */
static uint8_t priority_of(const struct thread *t)
{
    int policy = t->policy & ~SCHED_RESET_ON_FORK;

    return policy == SCHED_DEADLINE ? PRIORITY_MOST + 1
                                    : (uint8_t)t->rt_priority;
}

static void apply(struct thread *t, const struct policy *p)
{
    if (p->checked_only) {
        t->policy &= ~SCHED_RESET_ON_FORK;
        t->policy |= p->reset ? SCHED_RESET_ON_FORK : 0;
        return;
    }
    t->policy = p->policy | (p->reset ? SCHED_RESET_ON_FORK : 0);
    t->rt_priority = p->priority;
    if (p->policy == SCHED_DEADLINE) {
        t->dl_runtime = p->runtime;
        t->dl_deadline = p->deadline;
        t->dl_period = p->period ? p->period : p->deadline;
    } else if (has_nice(p->policy)) {
        t->nice = MAX(MIN(p->nice, (int)NICE_MAX), (int)NICE_MIN);
    }
    atomic_store_relaxed(&t->task.priority, priority_of(t));
}

static struct thread *named(int tid)
{
    return tid ? thread_find(tid) : current_thread();
}

int policy_set(int tid, struct policy *p)
{
    struct thread *t;
    int err = -ESRCH;

    spin_lock(&proc_lock);
    t = named(tid);
    if (t) {
        if (p->policy < 0) {
            p->policy = t->policy & ~SCHED_RESET_ON_FORK;
            p->reset = t->policy & SCHED_RESET_ON_FORK;
        }
        p->nice = p->keep_nice ? t->nice : p->nice;
        err = check_policy(p);
        if (!err && !is_free(t, p) && !cred_capable(CAP_SYS_NICE)) {
            err = -EPERM;
        }
        if (!err) {
            apply(t, p);
        }
    }
    spin_unlock(&proc_lock);
    return err;
}

/* A zombie still tells what it had. [proc_lock] */
static int get_dead(int tid, struct policy *out)
{
    struct proc *p = proc_lookup(tid);

    if (!p) {
        return -ESRCH;
    }
    *out = (struct policy){
        .policy = p->dead_policy & ~SCHED_RESET_ON_FORK,
        .reset = p->dead_policy & SCHED_RESET_ON_FORK,
        .priority = p->dead_priority,
        .nice = p->dead_nice,
    };
    return 0;
}

int policy_nice_dead(int pid, int nice)
{
    struct proc *p = proc_lookup(pid);

    if (!p) {
        return -ESRCH;
    }
    if (!is_owner(&p->cred)) {
        return -EPERM;
    }
    nice = MAX(MIN(nice, (int)NICE_MAX), (int)NICE_MIN);
    if (!may_lower(p, p->dead_nice, nice)) {
        return -EACCES;
    }
    if (policy_outranked(&p->cred)) {
        return -EPERM;
    }
    p->dead_nice = nice;
    return 0;
}

int policy_get(int tid, struct policy *out)
{
    struct thread *t;
    int err = 0;

    spin_lock(&proc_lock);
    t = named(tid);
    if (!t) {
        err = get_dead(tid, out);
    } else {
        *out = (struct policy){
            .policy = t->policy & ~SCHED_RESET_ON_FORK,
            .reset = t->policy & SCHED_RESET_ON_FORK,
            .priority = t->rt_priority,
            .nice = t->nice,
            .runtime = t->dl_runtime,
            .deadline = t->dl_deadline,
            .period = t->dl_period,
        };
    }
    spin_unlock(&proc_lock);
    return err;
}

bool policy_forks(const struct thread *t)
{
    return t->policy != SCHED_DEADLINE;
}

void policy_inherit(const struct thread *from, struct thread *to)
{
    int policy = from->policy & ~SCHED_RESET_ON_FORK;
    bool reset = from->policy & SCHED_RESET_ON_FORK;

    to->nice = reset ? MAX(from->nice, 0) : from->nice;
    to->policy = policy;
    to->rt_priority = from->rt_priority;
    if (reset && (policy_is_realtime(policy) || policy == SCHED_DEADLINE)) {
        to->policy = SCHED_OTHER;
        to->rt_priority = 0;
        to->nice = 0;
    }
    to->task.priority = priority_of(to);
}
