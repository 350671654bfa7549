/* SPDX-License-Identifier: MIT
 *
 * Futexes (futex(2), futex(7)), as sys/ asks for them. Words are the
 * program's, in the current mm; deadlines are ns of clock_now(), 0 for none.
 * All return -EFAULT for a bad address, -EINVAL for an unaligned one.
 */
#ifndef KERNEL_PROC_FUTEX_H
#define KERNEL_PROC_FUTEX_H

#include "kernel/proc/proc.h"

/* Sleeps while the word is val: 0 when woken, -EAGAIN when it is not,
 * -ETIMEDOUT, -EINTR. */
int futex_wait(struct futex_word word, uint32_t val, uint64_t deadline,
               uint32_t bitset);

/* Wakes up to `wake` waiters of from and moves up to `requeue` more to `to`.
 * cmp (NULL: none): what the word at from must hold, else -EAGAIN. Returns how
 * many were woken or moved. */
int futex_requeue(struct futex_word from, struct futex_word to, int wake,
                  int requeue, const uint32_t *cmp);

/* FUTEX_WAKE_OP: changes word2 as op says, wakes up to wake1 of word1 and,
 * if the old value compares so, up to wake2 of word2. -ENOSYS for an
 * unknown operation. */
int futex_wake_op(struct futex_word word1, struct futex_word word2, int wake1,
                  int wake2, uint32_t op);

/* FUTEX_LOCK_PI, FUTEX_TRYLOCK_PI (attempt) and FUTEX_UNLOCK_PI. Nobody's
 * priority changes: all tasks have one. -EDEADLK, -ESRCH, -EPERM, -EAGAIN. */
int futex_lock_pi(struct futex_word word, uint64_t deadline, bool attempt);
int futex_unlock_pi(struct futex_word word);

/* FUTEX_WAIT_REQUEUE_PI: sleeps while the word at cond is val, and returns 0
 * as the owner of lock. -EAGAIN, -ETIMEDOUT, -EINTR (nobody moved us). */
int futex_wait_requeue_pi(struct futex_word cond, uint32_t val,
                          struct futex_word lock, uint64_t deadline);

/* FUTEX_CMP_REQUEUE_PI: the first waiter of cond gets lock if it is free; it,
 * or else all, up to 1 + requeue, wait for lock from now on. How many. */
int futex_requeue_pi(struct futex_word cond, struct futex_word lock, int wake,
                     int requeue, uint32_t cmp);

/* futex_waitv(2): sleeps until one of count (at most FUTEX_WAITV_MAX) words is
 * woken; its index. */
struct futex_want {
    struct futex_word word;
    uint32_t val;
};
int futex_wait_many(const struct futex_want *want, unsigned count,
                    uint64_t deadline);

#endif
