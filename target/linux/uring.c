/* SPDX-License-Identifier: MIT
 *
 * Ring 0 by the host kernel's own io_uring, where it lets us: containers'
 * seccomp profiles and kernel.io_uring_disabled forbid it, old kernels lack
 * parts that hostio relies on. The pool then takes its place.
 */
#include "target/linux/host.h"
#include "abi/boundary.h"
#include <errno.h>
#include <linux/io_uring.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef IORING_SETUP_COOP_TASKRUN
#define IORING_SETUP_SUBMIT_ALL   (1U << 7)
#define IORING_SETUP_COOP_TASKRUN (1U << 8)
#define IORING_SETUP_TASKRUN_FLAG (1U << 9)
#endif

#ifndef IORING_FEAT_REG_REG_RING
#define IORING_FEAT_REG_REG_RING (1U << 13)
#endif

_Static_assert(RING_READY == (1U << 2), "IORING_SQ_TASKRUN");

/* Offset -1 is the file position; nothing that a completed submission pointed
 * to is read again; completions are never dropped. */
#define NEEDED                                                                 \
    (IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP |                            \
     IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_RW_CUR_POS |                      \
     IORING_FEAT_FAST_POLL)

/* So many operations may be with the host at once: sockets wait there. And so
 * many buffers, of which it chooses. */
enum { COMPLETIONS = 8192, BUFFERS = 1024 };

/* struct io_uring_buf_reg, and what registers it. */
struct buffers {
    uint64_t addr;
    uint32_t entries;
    uint16_t group, flags;
    uint64_t reserved[3];
};
enum { REGISTER_BUFFERS = 22 }; /* IORING_REGISTER_PBUF_RING */

/* Needs Linux 5.19, which also knows RINGOP_POLL_FIRST.
 * COOP_TASKRUN: what completes does not interrupt the vCPU that submitted it,
 * which cost a tenth of a busy server's time. A vCPU that waits is woken all
 * the same, by the host's task work; one in user code comes to the host's
 * kernel by its next tick, and one that spins sees RING_READY. So only what the
 * host's worker threads complete needs the event (EVENTFD_ASYNC): it would wake
 * a second vCPU for each completion. */
static int setup(unsigned entries, struct io_uring_params *p)
{
    int fd;

    memset(p, 0, sizeof(*p));
    p->flags = IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE |
               IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN |
               IORING_SETUP_TASKRUN_FLAG;
    p->cq_entries = COMPLETIONS;
    fd = syscall(SYS_io_uring_setup, entries, p);
    return fd < 0 ? -errno : fd;
}

static void *map(int fd, uint64_t len, uint64_t offset)
{
    void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
                   fd, offset);

    return p == MAP_FAILED ? NULL : p;
}

/* Receiving again and again by one request needs Linux 6.0, which says nothing
 * that could be asked for: 6.3 does. Without, each receive is one of its own.
 */
static void provide(int fd, const struct io_uring_params *p,
                    struct target_ring *view)
{
    uint64_t len = BUFFERS * sizeof(struct ring_buffer);
    struct buffers b = {.entries = BUFFERS};
    void *list;

    if (!(p->features & IORING_FEAT_REG_REG_RING)) {
        return;
    }
    list = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                -1, 0);
    b.addr = (uint64_t)list;
    if (list == MAP_FAILED ||
        syscall(SYS_io_uring_register, fd, REGISTER_BUFFERS, &b, 1)) {
        return;
    }
    view->buffers.addr = (uint64_t)list;
    view->buffer_entries = BUFFERS;
}

static void fill_view(struct target_ring *view, const struct io_uring_params *p,
                      uint64_t rings, uint64_t sqes)
{
    *view = (struct target_ring){
        .sq_head.addr = rings + p->sq_off.head,
        .sq_tail.addr = rings + p->sq_off.tail,
        .sqes.addr = sqes,
        .sq_array.addr = rings + p->sq_off.array,
        .sq_flags.addr = rings + p->sq_off.flags,
        .cq_head.addr = rings + p->cq_off.head,
        .cq_tail.addr = rings + p->cq_off.tail,
        .cqes.addr = rings + p->cq_off.cqes,
        .sq_entries = p->sq_entries,
        .cq_entries = p->cq_entries,
    };
}

int uring_setup(struct host_ring *ring, unsigned entries)
{
    struct io_uring_params p;
    int fd = setup(entries, &p);
    uint64_t sq_len, cq_len;
    void *rings, *sqes;

    if (fd < 0) {
        return fd;
    }
    sq_len = p.sq_off.array + p.sq_entries * sizeof(uint32_t);
    cq_len = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
    rings = map(fd, MAX(sq_len, cq_len), IORING_OFF_SQ_RING);
    sqes = map(fd, p.sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
    if ((p.features & NEEDED) != NEEDED || !rings || !sqes ||
        syscall(SYS_io_uring_register, fd, IORING_REGISTER_EVENTFD_ASYNC,
                &host.io_eventfd, 1)) {
        close(fd);
        return -EOPNOTSUPP;
    }
    fill_view(&ring->view, &p, (uint64_t)rings, (uint64_t)sqes);
    provide(fd, &p, &ring->view);
    ring->fd = fd;
    return 0;
}
