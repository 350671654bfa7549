/* SPDX-License-Identifier: MIT
 *
 * How busy the system is, for sysinfo(2) and /proc's loadavg, stat and uptime.
 */
#ifndef KERNEL_PROC_LOAD_H
#define KERNEL_PROC_LOAD_H

#include "lib/types.h"

/* Of all tasks of programs: CPU time of those that live and that have ended,
 * and how many there are, and run or wait for a vCPU. */
struct system_times {
    uint64_t user_ns, kernel_ns;
    unsigned running, total;
};
void system_times(struct system_times *out);

/* The load of the last 1, 5 and 15 minutes, in parts of LOAD_ONE (proc(5),
 * /proc/loadavg). There is no tick that could count who runs, so it is the CPU
 * time that was used; who waited for a vCPU counts as long as all are busy and
 * somebody asks. */
enum { SYSTEM_LOADS = 3, LOAD_ONE = 2048 };
void system_load(uint32_t out[SYSTEM_LOADS]);

#endif
