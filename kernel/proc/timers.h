/* SPDX-License-Identifier: MIT
 *
 * A process's timers that send signals: interval timers (setitimer(2)) and
 * POSIX timers (timer_create(2)), of the current process. Times in ns.
 */
#ifndef KERNEL_PROC_TIMERS_H
#define KERNEL_PROC_TIMERS_H

#include "abi/linux/time.h"
#include "kernel/proc/proc.h"

struct timer_value {
    uint64_t left;     /* until it expires; 0: disarmed */
    uint64_t interval; /* 0: once */
};

/* which: ITIMER_*. old, new may be NULL. -EINVAL, -ENOMEM. */
int itimer_exchange(int which, const struct timer_value *new,
                    struct timer_value *old);

/* RLIMIT_CPU of p is that many seconds, LIMIT_INFINITY: none. -ENOMEM. */
int timers_limit_cpu(struct proc *p, uint64_t seconds);

/* The new timer's id; -EINVAL, -EAGAIN. ev NULL: SIGALRM with the id. */
int ptimer_create(int clock, const struct abi_sigevent *ev);
int ptimer_delete(int id);
/* new->left is a time of the timer's clock when absolute. old may be NULL. */
int ptimer_set(int id, bool absolute, const struct timer_value *new,
               struct timer_value *old);
int ptimer_get(int id, struct timer_value *out);
int ptimer_overrun(int id);

/* The signal room took a SIGEV_SIGNAL's record; p's signals.lock is held. */
void ptimer_taken(struct proc *p, int id, int overrun);

#endif
