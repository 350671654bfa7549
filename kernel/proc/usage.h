/* SPDX-License-Identifier: MIT
 *
 * What getrusage(2) tells beside the times. A process adds up what its threads
 * and memories leave when they go, and what its children had when it waits for
 * them; the living are asked when somebody wants to know.
 */
#ifndef KERNEL_PROC_USAGE_H
#define KERNEL_PROC_USAGE_H

#include "lib/types.h"

struct mm;
struct task;

struct usage {
    uint64_t peak_bytes; /* the most memory at once; of several, the largest */
    uint64_t faults, switches, preemptions;
};

void usage_add(struct usage *sum, const struct usage *more);
void usage_add_mm(struct usage *sum, struct mm *mm);
void usage_add_task(struct usage *sum, const struct task *t);

#endif
