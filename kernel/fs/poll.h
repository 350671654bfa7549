/* SPDX-License-Identifier: MIT
 *
 * Readiness. A file's poll() returns the POLL* bits that hold now and, when
 * pt is not NULL, first puts pt on every queue that is woken when they change
 * (poll_wait). Changes are told by wait_wake() with the bits that came true.
 */
#ifndef KERNEL_FS_POLL_H
#define KERNEL_FS_POLL_H

#include "kernel/core/wait.h"
#include "abi/linux/poll.h"

struct poll_table {
    void (*add)(struct poll_table *pt, struct wait_queue *q);
};

static inline void poll_wait(struct poll_table *pt, struct wait_queue *q)
{
    if (pt) {
        pt->add(pt, q);
    }
}

enum { POLL_ALWAYS = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM };

#endif
