/* SPDX-License-Identifier: MIT
 *
 * membarrier(2).
 */
#ifndef KERNEL_PROC_MEMBARRIER_H
#define KERNEL_PROC_MEMBARRIER_H

/* command, flags: as membarrier(2). -EINVAL, -EPERM. May block. */
int membarrier(int command, unsigned flags);

#endif
