/* SPDX-License-Identifier: MIT
 *
 * The waiting side of readers.h.
 */
#include "kernel/core/readers.h"
#include "kernel/core/sched.h"

struct reader readers[VCPU_MAX];

static void wait_for(const struct reader *r)
{
    uint32_t word = atomic_load_acquire(&r->word);

    while (word & 1 && atomic_load_acquire(&r->word) == word) {
        cpu_relax();
    }
}

void readers_wait(void)
{
    unsigned count = one_vcpu ? 0 : sched_vcpu_count();

    vcpus_fence();
    for (unsigned id = 0; id < count; id++) {
        if (id != this_vcpu()->id) {
            wait_for(&readers[id]);
        }
    }
}
