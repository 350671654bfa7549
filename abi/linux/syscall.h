/* SPDX-License-Identifier: MIT
 *
 * The few system call numbers of x86-64 that code other than the table needs
 * by name. All numbers stand in kernel/sys/calls.h, which is compared with
 * these when the table is compiled.
 */
#ifndef ABI_LINUX_SYSCALL_H
#define ABI_LINUX_SYSCALL_H

#define NR_read            0
#define NR_write           1
#define NR_mmap            9
#define NR_mprotect        10
#define NR_rt_sigreturn    15
#define NR_exit            60
#define NR_gettimeofday    96
#define NR_time            201
#define NR_restart_syscall 219
#define NR_clock_gettime   228
#define NR_clock_getres    229
#define NR_getcpu          309

#endif
