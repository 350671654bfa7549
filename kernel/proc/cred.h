/* SPDX-License-Identifier: MIT
 *
 * Changing the current thread's credentials by the rules of credentials(7)
 * and capabilities(7). ids are 32-bit; ID_KEEP leaves one as it is. libcs
 * change them in all threads of a process at once; what others see of the
 * process are its first thread's.
 */
#ifndef KERNEL_PROC_CRED_H
#define KERNEL_PROC_CRED_H

#include "kernel/proc/proc.h"

#define ID_KEEP 0xffffffffu

/* Whether the current thread has capability cap (CAP_*) in effect. */
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
/* A list with one reference, to be filled; NULL: no memory. */
struct group_list *group_list_new(unsigned count);
/* Takes a reference of its own, and sorts. -EPERM. */
int cred_setgroups(struct group_list *groups);

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
