/* SPDX-License-Identifier: MIT
 *
 * What the kernel counts for --stats: one plain word per event and vCPU, in
 * that vCPU's own cache lines, so that counting is one increment and needs no
 * lock. Any room may count; sys/stats.c adds up and prints at the end.
 */
#ifndef KERNEL_CORE_STATS_H
#define KERNEL_CORE_STATS_H

#include "lib/types.h"
#include "arch/x86_64/vcpu.h"

enum stat {
    STAT_TRAP,        /* SYSCALL instructions that trapped instead of jumping */
    STAT_FAULT,       /* page faults of user code */
    STAT_TICK,        /* ticks and kicks that interrupted user code */
    STAT_EXCEPTION,   /* other CPU exceptions of user code */
    STAT_PREEMPT,     /* switches because a time slice was over */
    STAT_STEAL,       /* tasks taken from another vCPU's queue */
    STAT_IDLE,        /* waits of a vCPU in the target */
    STAT_SIGNAL,      /* signal frames built */
    STAT_FORK,        /* address spaces copied */
    STAT_FORK_BYTES,  /* copied for that */
    STAT_SWAP,        /* exchanges of two members of a family */
    STAT_SWAP_COPIED, /* bytes, back and forth */
    STAT_SWAP_MOVED,  /* bytes of pages, used or not */
    STAT_SWAP_NS,
    STAT_COUNT
};

struct stats_vcpu {
    _Alignas(64) uint64_t count[STAT_COUNT];
};

extern struct stats_vcpu stats_vcpus[];

/* In task context or a vCPU's idle loop; kernel code is not preempted. */
static inline void stats_count(enum stat what)
{
    stats_vcpus[this_vcpu()->id].count[what]++;
}

static inline void stats_add(enum stat what, uint64_t n)
{
    stats_vcpus[this_vcpu()->id].count[what] += n;
}

/* The sum over all vCPUs; a little stale while they run. */
uint64_t stats_sum(enum stat what);

#endif
