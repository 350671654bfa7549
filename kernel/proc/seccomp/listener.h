/* SPDX-License-Identifier: MIT
 *
 * seccomp_unotify(2): calls that a filter does not decide, but the holder of a
 * descriptor. A call waits in the list of its filter's listener until somebody
 * takes it (RECV), gives its thread files (ADDFD) and answers it (SEND).
 */
#ifndef KERNEL_PROC_LISTENER_H
#define KERNEL_PROC_LISTENER_H

#include "kernel/proc/proc.h"
#include "abi/linux/seccomp.h"

struct file;
struct listener; /* counted: by its file, by its filter */

/* killable: once a call was taken, only what kills its thread ends its wait.
 * *out is the file's, which has the only reference. -ENOMEM. */
int listener_open(bool killable, struct listener **out, struct file **f);
void listener_get(struct listener *l);
/* No thread has the filter any more. Takes the reference. */
void listener_unused(struct listener *l);

/* The current thread's call waits for an answer: 0 to make it; 1: not to, and
 * rax has the result. */
int listener_ask(struct listener *l, const struct seccomp_data *data,
                 struct user_regs *regs);

#endif
