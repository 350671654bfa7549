/* SPDX-License-Identifier: MIT
 *
 * Changing the current process's credentials by the rules of credentials(7)
 * and capabilities(7). ids are 32-bit; ID_KEEP leaves one as it is.
 * Credentials belong to the process, not to the thread as on Linux: libcs
 * change them in all threads at once anyway.
 */
#ifndef KERNEL_PROC_CRED_H
#define KERNEL_PROC_CRED_H

#include "kernel/proc/proc.h"

#define ID_KEEP 0xffffffffu

/* Whether the current process has capability cap (CAP_*) in effect. */
bool cred_capable(int cap);

/* setuid(2), setreuid(2), setresuid(2) and the same for groups: 0, -EPERM,
 * -EINVAL. */
int cred_setuid(uint32_t uid);
int cred_setreuid(uint32_t ruid, uint32_t euid);
int cred_setresuid(uint32_t ruid, uint32_t euid, uint32_t suid);
int cred_setgid(uint32_t gid);
int cred_setregid(uint32_t rgid, uint32_t egid);
int cred_setresgid(uint32_t rgid, uint32_t egid, uint32_t sgid);
/* Return the old value, changed or not. */
uint32_t cred_setfsuid(uint32_t uid);
uint32_t cred_setfsgid(uint32_t gid);
/* -EPERM; -EINVAL for more than fit. */
int cred_setgroups(const uint32_t *groups, unsigned count);

/* capset(2); -EPERM. */
int cred_capset(uint64_t effective, uint64_t permitted, uint64_t inheritable);
/* PR_CAPBSET_DROP and PR_CAP_AMBIENT_*: -EPERM, -EINVAL. */
int cred_drop_bounding(int cap);
int cred_ambient(int how, int cap);
/* PR_SET_SECUREBITS. */
int cred_set_securebits(uint32_t bits);
/* PR_GET_KEEPCAPS and PR_SET_KEEPCAPS; -EPERM. */
bool cred_keeps_caps(void);
int cred_keep_caps(bool keep);

#endif
