/* SPDX-License-Identifier: MIT
 *
 * Scheduling policies of threads (sched(7)): who may set which, and what the
 * scheduler makes of it. Real-time threads run before ordinary ones, by
 * priority, and share time with them only as far as those wait for long
 * (sched.h); SCHED_DEADLINE runs before both, and reserves nothing.
 */
#ifndef KERNEL_PROC_POLICY_H
#define KERNEL_PROC_POLICY_H

#include "kernel/proc/proc.h"

struct policy {
    int policy;   /* SCHED_*; -1: as it is */
    bool reset;   /* children begin as SCHED_OTHER */
    int priority; /* 1..99 of SCHED_FIFO and SCHED_RR, else 0 */
    int nice;     /* of the ordinary ones */
    bool keep_nice;
    bool checked_only;                  /* but for what is reset by fork(2) */
    uint64_t runtime, deadline, period; /* of SCHED_DEADLINE, ns */
};

bool policy_is_realtime(int policy);
/* What there is. */
bool policy_is_known(int policy);

/* By thread number, 0: the caller. -ESRCH; set: -EINVAL, -EPERM. */
int policy_set(int tid, struct policy *p);
int policy_get(int tid, struct policy *out);

/* clone(2): `to` begins as `from` is. SCHED_DEADLINE has no children, unless
 * they begin as SCHED_OTHER. */
void policy_inherit(const struct thread *from, struct thread *to);
bool policy_forks(const struct thread *t);

/* Whether the caller may set what concerns the scheduling of t: the owner who
 * has all of its capabilities, or CAP_SYS_NICE. [proc_lock] */
bool policy_may_touch(const struct thread *t);
/* Whether who has these credentials has capabilities that the caller has not.
 * [proc_lock] */
bool policy_outranked(const struct cred *c);

/* setpriority(2): -EPERM, -EACCES. [proc_lock] */
int policy_nice(struct thread *t, int nice);
/* The same of a zombie; -ESRCH. [proc_lock] */
int policy_nice_dead(int pid, int nice);

#endif
