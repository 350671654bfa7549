/* SPDX-License-Identifier: MIT
 *
 * The clocks of clock_gettime(2), CPU time included, by Linux's numbers.
 * Nanoseconds everywhere; sys/ converts.
 */
#ifndef KERNEL_PROC_CLOCK_H
#define KERNEL_PROC_CLOCK_H

#include "lib/types.h"

struct proc;

/* The program that runs sees the clock as it is now, by itself too. Blocks. */
void clock_refresh(void);

/* Reads a clock as process p sees it: 0 or -EINVAL (unknown, or no such
 * process or thread). CLOCK_THREAD_CPUTIME_ID is the current thread's. */
int clock_read_for(struct proc *p, int clock, int64_t *ns);
/* As the current process sees it. */
int clock_read(int clock, int64_t *ns);
/* The number that names the same clock from any thread; -EINVAL for none. */
int clock_absolute(int clock);
/* Its resolution; -EINVAL. */
int clock_resolution(int clock, int64_t *ns);
/* -EINVAL (cannot be set), -EPERM. */
int clock_set(int clock, int64_t ns);

/* Whether a clock counts CPU time. */
bool clock_is_cpu(int clock);
/* Whether it is the calling thread's by its number: that stands still while
 * the thread sleeps. */
bool clock_is_own(int clock);

/* How long until the clock has grown by left ns. For a CPU clock of p at the
 * earliest, if all its threads run: look again then. */
uint64_t clock_distance(struct proc *p, int clock, int64_t left);

/* When the clock will show target ns, as a deadline of clock_now(), never 0.
 * Not for CPU clocks. */
uint64_t clock_deadline(int clock, int64_t target);

/* Sleeps until the clock shows target ns: 0, -EINTR, -EINVAL. */
int clock_sleep(int clock, int64_t target);

#endif
