/* SPDX-License-Identifier: MIT
 *
 * Counting mounts. Every open file counts the mount that it is on, so two
 * vCPUs that open files would pass that word back and forth. While a mount
 * stands in the table nobody can be the last, and nobody needs to know how
 * many there are: each vCPU then has a number of its own, for what it got less
 * what it put, and refs has BIAS on top.
 *
 * Kernel code is not preempted, so to look at `spread` and count is one step
 * for its vCPU. Who wants to know clears it and lets every vCPU pass through
 * the scheduler: then all such steps are over, none begins, and the sum of the
 * numbers goes to refs. BIAS keeps refs from zero meanwhile.
 */
#include "kernel/fs/mount/mount_table.h"
#include "kernel/core/log.h"
#include "kernel/core/sched.h"
#include "kernel/mm/heap.h"
#include "lib/atomic.h"
#include "abi/linux/errno.h"

enum { BIAS = 1 << 30 };

struct mount_count {
    _Alignas(64) int64_t n; /* its vCPU writes it, atomically for who adds up */
};

static void count(struct mount *m, int by)
{
    int64_t *n = &m->counts[this_vcpu()->id].n;

    atomic_store_relaxed(n, *n + by);
}

void mount_get(struct mount *m)
{
    if (likely(atomic_load_acquire(&m->spread))) {
        count(m, 1);
    } else {
        atomic_fetch_add(&m->refs, 1);
    }
}

bool mount_uncount(struct mount *m)
{
    if (likely(atomic_load_acquire(&m->spread))) {
        count(m, -1);
        return false;
    }
    return atomic_sub_fetch(&m->refs, 1) == 0;
}

int mount_count_init(struct mount *m)
{
    m->refs = 1;
    m->counts = kzalloc(sched_vcpu_count() * sizeof(*m->counts));
    return m->counts ? 0 : -ENOMEM;
}

/* Who settles it just now has what is settled. */
void mount_spread(struct mount *m)
{
    if (!atomic_load(&m->spread) && atomic_load(&m->refs) < BIAS / 2) {
        atomic_fetch_add(&m->refs, BIAS);
        atomic_store(&m->spread, true);
    }
}

/* False: it is settled already. */
static bool settle_begin(struct mount *m)
{
    while (!atomic_xchg(&m->spread, false)) {
        if (atomic_load(&m->refs) < BIAS / 2) {
            return false;
        }
        task_yield(); /* another one is at it */
    }
    return true;
}

/* After sched_barrier(). */
static void settle_end(struct mount *m)
{
    int64_t sum = -BIAS;

    for (unsigned id = 0; id < sched_vcpu_count(); id++) {
        sum += m->counts[id].n;
        m->counts[id].n = 0;
    }
    atomic_fetch_add(&m->refs, (uint32_t)sum);
}

void mount_settle(struct mount *m)
{
    if (settle_begin(m)) {
        sched_barrier();
        settle_end(m);
    }
}

void mount_settle_all(struct list *gone)
{
    bool any = false;

    list_for_each (pos, gone) {
        struct mount *m = list_entry(pos, struct mount, node);

        m->settling = settle_begin(m);
        any |= m->settling;
    }
    if (any) {
        sched_barrier();
    }
    list_for_each (pos, gone) {
        struct mount *m = list_entry(pos, struct mount, node);

        if (m->settling) {
            settle_end(m);
        }
    }
}
