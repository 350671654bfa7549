/* SPDX-License-Identifier: MIT
 *
 * What entry.S, trap.c and the system call dispatcher know of each other.
 */
#ifndef KERNEL_TRAP_H
#define KERNEL_TRAP_H

struct user_regs;

/* Everything that is due before the current task goes back to user code:
 * rescheduling, signals, the end of its process. sys/dispatch.c. */
void user_return_work(struct user_regs *regs);

/* The slow way out; entry.S calls it until the short one is open. */
void arch_exit_work(struct user_regs *regs);

#endif
