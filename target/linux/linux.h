/* SPDX-License-Identifier: MIT
 *
 * target/linux as the command line tool sees it: a host process in which the
 * kernel and its programs run without a TEE.
 *
 * Variables of the environment, for tests: ENCLOS_NO_IO_URING executes ring 0
 * in the thread pool, ENCLOS_NO_SUD traps system calls by seccomp.
 */
#ifndef TARGET_LINUX_LINUX_H
#define TARGET_LINUX_LINUX_H

#include "kernel/kernel.h"

/* Reserves the arena. When something of ours was put into it (unlimited
 * stack, READ_IMPLIES_EXEC), this program is executed again, once, with that
 * changed: so call it before what should not happen twice. 0, or -errno after
 * a message on stderr. */
int target_linux_reserve(void);

/* Who executes ring 0: io_uring where the host has it and else the pool of
 * threads, or always one of them. Before target_linux_run(). */
enum target_linux_ring {
    TARGET_LINUX_AUTO,
    TARGET_LINUX_URING,
    TARGET_LINUX_POOL,
};
void target_linux_use_ring(enum target_linux_ring choice);

/* A directory for what a run leaves for the next one of the same image
 * (kernel/mm/stock.h), which only this user can write to; -1: none. Takes it.
 * Before target_linux_run(). */
void target_linux_stock(int dirfd);

/* For target sgx, whose ELRANGE has the same place: changes what leads to a
 * legacy layout of the address space, for what is executed next, and executes
 * this program again when `again` says so and there was something to change.
 * 0, or -errno. */
int target_linux_fix_layout(bool again);

/* Copies *info, fills in its address fields and commit_is_lazy, starts vCPU 0
 * in the kernel and serves the host's signals on this thread; reserves if
 * that is not done. What info points to must stay. Exits with 125 after a
 * message when it cannot start. */
_Noreturn void target_linux_run(const struct boot_info *info);

/* What was ignored when the process started; signal n is bit n - 1. The first
 * call is made before any thread is: libc takes signal 33 with that. */
uint64_t signals_ignored(void);
/* Before execve(2): what was ignored then is again. */
void signals_ignore_again(void);

#endif
