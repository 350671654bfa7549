/* SPDX-License-Identifier: MIT
 *
 * Who ends when there is no memory under the ceiling (kernel/mm/limit.h) for a
 * page that is touched, so that no call could be refused. As on Linux that is
 * the process with the most memory, to which oom_score_adj of proc(5) adds so
 * many thousandths of all there is; never one that has -1000 there; who asks,
 * if it has as much as the largest, or nobody else may be chosen. Process 1 is
 * a process like the others, and the instance ends with it.
 */
#ifndef KERNEL_PROC_OOM_H
#define KERNEL_PROC_OOM_H

#include "lib/types.h"

/* The current task's last fault was -ENOMEM. True: another process was killed,
 * its memory is gone or is soon, and the access is made again. False: it is the
 * current one that has to end, or it was killed meanwhile. Sleeps. */
bool oom_spares_us(void);

#endif
