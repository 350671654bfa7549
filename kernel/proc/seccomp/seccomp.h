/* SPDX-License-Identifier: MIT
 *
 * seccomp(2): what a thread may still ask for. A thread has a mode and, in
 * filter mode, a chain of filters that it shares with the threads it made;
 * neither can be taken back. The dispatcher asks seccomp_check() before each
 * call of a thread that has one.
 */
#ifndef KERNEL_PROC_SECCOMP_H
#define KERNEL_PROC_SECCOMP_H

#include "kernel/proc/proc.h"
#include "abi/linux/seccomp.h"

struct listener; /* listener.h */

/* Strict mode, for the current thread. -EINVAL: it has another already. */
int seccomp_strict(void);
/* Adds a filter of len instructions at `insns` in user memory to the current
 * thread, with SECCOMP_FILTER_FLAG_TSYNC to its siblings, too. listener:
 * listener.h, or NULL. 0; the id of a thread whose filters are not a part of
 * ours; -EINVAL, -EACCES, -EFAULT, -ENOMEM, -EBUSY. */
int seccomp_add(struct uptr insns, unsigned len, unsigned flags,
                struct listener *listener);
/* Whether a filter may return this action. */
bool seccomp_knows(uint32_t action);

/* Before the call in regs: 0 to make it; 1: not to, and rax has the result.
 * May not return. */
int seccomp_check(struct thread *t, struct user_regs *regs);

/* How many filters t has. */
unsigned seccomp_filters(const struct thread *t);
/* A new thread has its maker's. */
void seccomp_inherit(struct thread *from, struct thread *to);
/* Under proc_lock, when the new thread becomes one of the process's: what a
 * sibling has put on its maker since. */
void seccomp_catch_up(struct thread *from, struct thread *to);
void seccomp_release(struct thread *t);

#endif
