/* SPDX-License-Identifier: MIT
 *
 * Comes first where Frama-C reads the sources, which knows neither alignment
 * nor the compiler's built-ins: lib/atomic.h's names, for one CPU.
 */
#ifndef LIB_ATOMIC_H
#define LIB_ATOMIC_H

#define _Alignas(n)

#include "lib/types.h"

#define atomic_load(p)         (*(p))
#define atomic_load_acquire(p) (*(p))
#define atomic_load_relaxed(p) (*(p))

#define atomic_store(p, v)         ((void)(*(p) = (v)))
#define atomic_store_release(p, v) ((void)(*(p) = (v)))
#define atomic_store_relaxed(p, v) ((void)(*(p) = (v)))

#define CHANGE_(p, new)                                                        \
    ({                                                                         \
        __typeof__(*(p)) was_ = *(p);                                          \
        *(p) = (new);                                                          \
        was_;                                                                  \
    })
#define atomic_xchg(p, v)         CHANGE_(p, v)
#define atomic_xchg_acquire(p, v) CHANGE_(p, v)
#define atomic_fetch_add(p, v)    CHANGE_(p, was_ + (v))
#define atomic_fetch_sub(p, v)    CHANGE_(p, was_ - (v))
#define atomic_fetch_or(p, v)     CHANGE_(p, was_ | (v))
#define atomic_fetch_and(p, v)    CHANGE_(p, was_ &(v))

#define atomic_add_fetch(p, v)         (*(p) += (v))
#define atomic_sub_fetch(p, v)         (*(p) -= (v))
#define atomic_add_fetch_relaxed(p, v) (*(p) += (v))

#define atomic_cas(p, expected, new)                                           \
    (*(p) == *(expected) ? (*(p) = (new), true) : (*(expected) = *(p), false))
#define atomic_cas_acquire(p, expected, new) atomic_cas(p, expected, new)
#define atomic_cas_release(p, expected, new) atomic_cas(p, expected, new)

#define atomic_fence()          ((void)0)
#define atomic_fence_acquire()  ((void)0)
#define atomic_compiler_fence() ((void)0)

static inline void cpu_relax(void)
{
}

#endif
