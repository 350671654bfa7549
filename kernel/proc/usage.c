/* SPDX-License-Identifier: MIT
 *
 * Sums for getrusage(2) (usage.h).
 */
#include "kernel/proc/usage.h"
#include "kernel/core/sched.h"
#include "kernel/mm/mm.h"

void usage_add(struct usage *sum, const struct usage *more)
{
    sum->peak_bytes = MAX(sum->peak_bytes, more->peak_bytes);
    sum->faults += more->faults;
    sum->switches += more->switches;
    sum->preemptions += more->preemptions;
}

void usage_add_mm(struct usage *sum, struct mm *mm)
{
    struct mm_stats s;

    mm_get_stats(mm, &s);
    sum->peak_bytes = MAX(sum->peak_bytes, s.peak_bytes);
    sum->faults += s.faults;
}

void usage_add_task(struct usage *sum, const struct task *t)
{
    sum->switches += t->switches;
    sum->preemptions += t->preemptions;
}
