/* SPDX-License-Identifier: MIT
 *
 * What one process may see of another, and its memory: process_vm_readv(2),
 * kcmp(2), pidfd_getfd(2).
 */
#ifndef KERNEL_PROC_PEER_H
#define KERNEL_PROC_PEER_H

#include "kernel/proc/proc.h"

/* As ptrace(2) has it for attaching: the same user and group throughout, or
 * the right to it. */
bool proc_may_trace(const struct proc *p);
/* The same under proc_lock. */
bool proc_may_trace_locked(const struct proc *p);
/* Whether p may get signals of the current thread (landlock.h). [proc_lock] */
bool proc_in_scope_locked(const struct proc *p);
/* Whether p may trace the current thread, which wants it to. [proc_lock] */
bool proc_may_be_tracer(const struct proc *p);

/* p's address space with a reference, or NULL: it has none left. */
struct mm *proc_mm(struct proc *p);

/* Copies len bytes between buf, the kernel's, and addr of mm, up to the first
 * byte that cannot be reached; returns how many. May block. */
size_t peer_read(struct mm *mm, uint64_t addr, void *buf, size_t len);
size_t peer_write(struct mm *mm, uint64_t addr, const void *buf, size_t len);
/* The same for a debugger, who also writes what the program cannot: its own
 * copy of a private page. */
size_t peer_force(struct mm *mm, uint64_t addr, const void *buf, size_t len);
/* And reads what the program cannot. */
size_t peer_force_read(struct mm *mm, uint64_t addr, void *buf, size_t len);

#endif
