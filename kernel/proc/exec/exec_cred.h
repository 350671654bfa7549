/* SPDX-License-Identifier: MIT
 *
 * What execve(2) does to credentials: set-user-ID programs, capabilities of
 * files, and what root's programs get (credentials(7), capabilities(7)).
 */
#ifndef KERNEL_PROC_EXEC_CRED_H
#define KERNEL_PROC_EXEC_CRED_H

#include "kernel/proc/proc.h"

/* What a program's file lends to whoever executes it. */
struct exec_grant {
    uint32_t mode, uid, gid; /* no set-ID bits on a mount that has none */
    bool has_caps, effective;
    uint64_t permitted, inheritable;
    bool unreadable; /* by the caller: its memory is nobody's to see */
};

/* Of f, for the current thread. -EPERM: it insists on more than the caller may
 * have; -ENOMEM, -EIO. */
int exec_grant_get(struct file *f, struct exec_grant *out);
/* Whether two users' runs of it differ in rights. */
bool exec_grants(const struct exec_grant *g);
/* Past the point of no return: the current thread's rights from now on. Returns
 * whether AT_SECURE is set. */
bool exec_grant_take(const struct exec_grant *g);

#endif
