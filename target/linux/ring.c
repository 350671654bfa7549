/* SPDX-License-Identifier: MIT
 *
 * The rings' vCPU side: both were made before the kernel started; here they
 * are handed over and rung. Ring 0 is io_uring's or the pool's, ring 1 always
 * the pool's.
 */
#include "target/linux/host.h"
#include <errno.h>
#include <linux/io_uring.h>
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
    while (count) {
        long n = RAW(SYS_io_uring_enter, fd, count, 0, 0, NULL, 0);

        if (n > 0) {
            count -= MIN((unsigned)n, count);
        } else if (n == -EAGAIN || n == -EBUSY) {
            RAW(SYS_sched_yield, 0);
        } else if (n != -EINTR) {
            return;
        }
    }
}

/* What completes before io_uring_enter(2) returns needs no event: who submits
 * looks next, and an event would wake an idle vCPU for nothing. Nor does what
 * completes while no vCPU waits: they look by themselves. */
static void submit_quietly(struct host_ring *ring, unsigned count)
{
    if (!ring->cq_flags) {
        submit_all(ring->fd, count);
        return;
    }
    if (atomic_fetch_add(&ring->submitting, 1) == 0) {
        atomic_fetch_or(ring->cq_flags, IORING_CQ_EVENTFD_DISABLED);
    }
    submit_all(ring->fd, count);
    if (atomic_fetch_sub(&ring->submitting, 1) == 1 &&
        atomic_load(&host.waiters)) {
        atomic_fetch_and(ring->cq_flags, ~IORING_CQ_EVENTFD_DISABLED);
    }
}

void ring_want_events(void)
{
    struct host_ring *ring = &host_rings[0];

    if (ring->cq_flags && !atomic_load(&ring->submitting) &&
        atomic_load_relaxed(ring->cq_flags) & IORING_CQ_EVENTFD_DISABLED) {
        atomic_fetch_and(ring->cq_flags, ~IORING_CQ_EVENTFD_DISABLED);
    }
}

void target_ring_submit(unsigned index, unsigned count)
{
    struct host_ring *ring = &host_rings[index];
    uint64_t entries = count;

    if (ring->fd < 0) {
        RAW(SYS_write, ring->doorbell, &entries, sizeof(entries));
        return;
    }
    submit_quietly(ring, count);
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
