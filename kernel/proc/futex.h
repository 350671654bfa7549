/* SPDX-License-Identifier: MIT
 *
 * Futexes (futex(2), futex(7)), as sys/ asks for them. Addresses are the
 * program's, in the current mm; deadlines are ns of clock_now(), 0 for none.
 * All return -EFAULT for a bad address, -EINVAL for an unaligned one.
 * Private and shared words are found by address alone as long as there is one
 * process (shared objects get keys of their own with fork).
 */
#ifndef KERNEL_PROC_FUTEX_H
#define KERNEL_PROC_FUTEX_H

#include "kernel/proc/proc.h"

/* Sleeps while the word at addr is val: 0 when woken, -EAGAIN when it is not,
 * -ETIMEDOUT, -EINTR. */
int futex_wait(struct uptr addr, uint32_t val, uint64_t deadline,
               uint32_t bitset);

/* Wakes up to `wake` waiters of from and moves up to `requeue` more to `to`.
 * cmp (NULL: none): what the word at from must hold, else -EAGAIN. Returns how
 * many were woken or moved. */
int futex_requeue(struct uptr from, struct uptr to, int wake, int requeue,
                  const uint32_t *cmp);

/* FUTEX_WAKE_OP: changes the word at addr2 as op says, wakes up to wake1 at
 * addr1 and, if the old value compares so, up to wake2 at addr2. -ENOSYS for an
 * unknown operation. */
int futex_wake_op(struct uptr addr1, struct uptr addr2, int wake1, int wake2,
                  uint32_t op);

/* FUTEX_LOCK_PI, FUTEX_TRYLOCK_PI (attempt) and FUTEX_UNLOCK_PI. Nobody's
 * priority changes: all tasks have one. -EDEADLK, -ESRCH, -EPERM, -EAGAIN. */
int futex_lock_pi(struct uptr addr, uint64_t deadline, bool attempt);
int futex_unlock_pi(struct uptr addr);

/* futex_waitv(2): sleeps until one of count (at most FUTEX_WAITV_MAX) words is
 * woken; its index. */
struct futex_want {
    struct uptr addr;
    uint32_t val;
};
int futex_wait_many(const struct futex_want *want, unsigned count,
                    uint64_t deadline);

#endif
