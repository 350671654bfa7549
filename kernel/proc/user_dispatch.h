/* SPDX-License-Identifier: MIT
 *
 * Syscall User Dispatch (prctl(2), PR_SET_SYSCALL_USER_DISPATCH): calls that a
 * thread makes outside a range of its code become SIGSYS, as long as a byte of
 * its memory says so. For programs that run those of another system. A thread
 * starts without, and so does a new program.
 */
#ifndef KERNEL_PROC_USER_DISPATCH_H
#define KERNEL_PROC_USER_DISPATCH_H

#include "kernel/proc/proc.h"

/* For the current thread. Calls from [from, from + len) are made in any case;
 * a selector at NULL always says so. -EINVAL: no such mode, or range; -EFAULT:
 * no address for a selector. */
int user_dispatch_set(uint64_t mode, uint64_t from, uint64_t len,
                      struct uptr selector);

/* Before the call in regs: true when it became a signal. */
bool user_dispatch_check(struct thread *t, struct user_regs *regs);

/* As an execve(2) leaves it: off. */
void user_dispatch_reset(struct thread *t);

#endif
