/* SPDX-License-Identifier: MIT
 *
 * Atomic access to plain objects of 1 to 8 bytes: thin names for the
 * compiler's __atomic built-ins. A name without a suffix is sequentially
 * consistent; _relaxed, _acquire and _release say less. On x86-64 only a
 * sequentially consistent store costs more than a plain one.
 */
#ifndef LIB_ATOMIC_H
#define LIB_ATOMIC_H

#include "lib/types.h"

#define atomic_load(p)         __atomic_load_n(p, __ATOMIC_SEQ_CST)
#define atomic_load_acquire(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define atomic_load_relaxed(p) __atomic_load_n(p, __ATOMIC_RELAXED)

#define atomic_store(p, v)         __atomic_store_n(p, v, __ATOMIC_SEQ_CST)
#define atomic_store_release(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)
#define atomic_store_relaxed(p, v) __atomic_store_n(p, v, __ATOMIC_RELAXED)

/* Return the old value. */
#define atomic_xchg(p, v)         __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define atomic_xchg_acquire(p, v) __atomic_exchange_n(p, v, __ATOMIC_ACQUIRE)
#define atomic_fetch_add(p, v)    __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST)
#define atomic_fetch_sub(p, v)    __atomic_fetch_sub(p, v, __ATOMIC_SEQ_CST)
#define atomic_fetch_or(p, v)     __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST)
#define atomic_fetch_and(p, v)    __atomic_fetch_and(p, v, __ATOMIC_SEQ_CST)

/* Return the new value. */
#define atomic_add_fetch(p, v) __atomic_add_fetch(p, v, __ATOMIC_SEQ_CST)
#define atomic_sub_fetch(p, v) __atomic_sub_fetch(p, v, __ATOMIC_SEQ_CST)
#define atomic_add_fetch_relaxed(p, v)                                         \
    __atomic_add_fetch(p, v, __ATOMIC_RELAXED)

/* *p = new if *p == *expected; else *expected = *p. True when stored. */
#define atomic_cas(p, expected, new)                                           \
    __atomic_compare_exchange_n(p, expected, new, false, __ATOMIC_SEQ_CST,     \
                                __ATOMIC_SEQ_CST)
#define atomic_cas_acquire(p, expected, new)                                   \
    __atomic_compare_exchange_n(p, expected, new, false, __ATOMIC_ACQUIRE,     \
                                __ATOMIC_RELAXED)
#define atomic_cas_release(p, expected, new)                                   \
    __atomic_compare_exchange_n(p, expected, new, false, __ATOMIC_RELEASE,     \
                                __ATOMIC_RELAXED)

#define atomic_fence()         __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define atomic_fence_acquire() __atomic_thread_fence(__ATOMIC_ACQUIRE)
/* Costs nothing: for a signal handler on this CPU, or nobody. */
#define atomic_compiler_fence() __atomic_signal_fence(__ATOMIC_SEQ_CST)

/* In the body of every loop that waits for another CPU. */
static inline void cpu_relax(void)
{
    __builtin_ia32_pause();
}

#endif
