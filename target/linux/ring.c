/* SPDX-License-Identifier: MIT
 *
 * The rings' vCPU side: both were made before the kernel started; here they
 * are handed over and rung. Ring 0 is io_uring's or the pool's, ring 1 always
 * the pool's.
 */
#include "target/linux/pool_ring.h"
#include <errno.h>
#include <sys/syscall.h>

struct host_ring host_rings[TARGET_RINGS];
uint64_t bounce_base, bounce_len;

int target_ring_setup(unsigned index, struct target_ring *out)
{
    if (index >= TARGET_RINGS) {
        return -EINVAL;
    }
    *out = host_rings[index].view;
    return 0;
}

/* io_uring takes fewer than count only when the host is short of memory
 * (EAGAIN; hostio never lets the completion queue overflow, so not EBUSY). */
static void submit_all(int fd, unsigned count)
{
    do {
        long n = RAW(SYS_io_uring_enter, fd, count, 0, 0, NULL, 0);

        if (n >= 0) {
            count -= MIN((unsigned)n, count);
        } else if (n == -EAGAIN || n == -EBUSY) {
            RAW(SYS_sched_yield, 0);
        } else if (n != -EINTR) {
            return;
        }
    } while (count);
}

void target_ring_submit(unsigned index, unsigned count)
{
    struct host_ring *ring = &host_rings[index];

    if (ring->fd < 0) {
        pool_submit(index, count);
    } else {
        submit_all(ring->fd, count);
    }
}

bool ring_has_completions(void)
{
    for (unsigned i = 0; i < TARGET_RINGS; i++) {
        const struct target_ring *t = &host_rings[i].view;

        if (atomic_load((uint32_t *)t->cq_tail.addr) !=
            atomic_load((uint32_t *)t->cq_head.addr)) {
            return true;
        }
    }
    return false;
}

int target_bounce(struct hptr *base, uint64_t *len)
{
    base->addr = bounce_base;
    *len = bounce_len;
    return 0;
}
