/* SPDX-License-Identifier: MIT
 *
 * Descriptors that stand for a process (pidfd_open(2)): readable once it has
 * ended. They count it, so its number is never mistaken for another's.
 */
#ifndef KERNEL_PROC_PIDFD_H
#define KERNEL_PROC_PIDFD_H

#include "kernel/fs/file.h"

struct proc;

/* flags: O_NONBLOCK or 0. *out: one reference. */
int pidfd_new(struct proc *p, uint32_t flags, struct file **out);

/* The process behind f, borrowed from it; NULL: f is no pidfd. */
struct proc *pidfd_proc(struct file *f);

#endif
