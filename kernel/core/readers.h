/* SPDX-License-Identifier: MIT
 *
 * Reading what others change, without a lock and without a count. Who reads
 * enters, looks and leaves; meanwhile it blocks nobody and must not block. Who
 * takes something away first makes it unreachable, then waits for the readers
 * that may have seen it, then frees it:
 *
 *     enter: own word becomes odd      unlink
 *            full fence                full fence
 *            load the pointer          words that are odd: until they change
 *            use it                    free
 *     leave: own word becomes even
 *
 * Of the two, either the reader does not find it any more or the other sees
 * the reader's word. Each vCPU writes a cache line of its own, so readers do
 * not slow each other down.
 */
#ifndef KERNEL_CORE_READERS_H
#define KERNEL_CORE_READERS_H

#include "arch/x86_64/vcpu.h"
#include "kernel/core/lock.h"
#include "kernel/kernel.h"

struct reader {
    _Alignas(128) uint32_t word; /* odd: its vCPU reads; atomic */
};

extern struct reader readers[VCPU_MAX];

/* Not within itself, nor around any lock. */
static inline struct reader *reader_enter(void)
{
    struct reader *r = &readers[this_vcpu()->id];

    lock_check_acquire(LOCK_HEAP, false);
    vcpus_xchg(&r->word, r->word + 1);
    return r;
}

static inline void reader_leave(struct reader *r)
{
    lock_check_release(LOCK_HEAP, false);
    atomic_store_release(&r->word, r->word + 1);
}

/* Returns when nobody reads who began before; spins. The caller may hold any
 * lock and is not a reader itself. */
void readers_wait(void);

#endif
