/* SPDX-License-Identifier: MIT
 *
 * Waiting for several files at once: poll(2) and select(2).
 */
#ifndef KERNEL_FS_POLL_WAIT_H
#define KERNEL_FS_POLL_WAIT_H

#include "kernel/fs/poll.h"

/* Fills revents of each; descriptors < 0 are skipped, closed ones POLLNVAL.
 * deadline in ns of clock_now(), 0: none; now: do not wait. Returns how many
 * have revents, -EINTR or -ENOMEM. */
int poll_files(struct pollfd *fds, unsigned count, uint64_t deadline, bool now);

#endif
