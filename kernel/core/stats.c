/* SPDX-License-Identifier: MIT
 *
 * The event counters of stats.h.
 */
#include "kernel/core/stats.h"
#include "kernel/kernel.h"

struct stats_vcpu stats_vcpus[VCPU_MAX];

uint64_t stats_sum(enum stat what)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < VCPU_MAX; i++) {
        sum += stats_vcpus[i].count[what];
    }
    return sum;
}
