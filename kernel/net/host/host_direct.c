/* SPDX-License-Identifier: MIT
 *
 * Large writes where the host can read the memory of programs: it takes the
 * bytes from where they lie, while the call is under way, as natively. That
 * saves the copy into a bounce buffer. It is done when nothing is queued, so
 * that order is kept, and with what the host takes at once. What it has no room
 * for is not queued either: the socket is full until the host says otherwise,
 * and the program's next write goes the same way.
 *
 * Memory that is mapped and not there yet is the host's EFAULT: then the bytes
 * take the usual way, which brings it in.
 */
#include "kernel/net/host/host_private.h"
#include "kernel/core/hostio.h"
#include "kernel/mm/mm.h"
#include "abi/linux/epoll.h"
#include "abi/linux/errno.h"

enum {
    DIRECT_LEAST = 32 << 10,
    DIRECT_MOST = 256 << 10, /* the vCPU does nothing else meanwhile */
    PIECES = 8,
};

/* What the host is shown, and what it says, on the caller's stack: the next
 * writer may begin before this one has looked. */
struct direct {
    struct iobuf_vec pieces[PIECES]; /* struct iovec */
    struct abi_msghdr header;
    uint32_t len;
    int32_t result;
    bool over; /* atomic: the last that is touched of it */
};

static uint64_t taken(struct host_op *o, int32_t n)
{
    struct host_sock *h = o->h;
    struct direct *d = h->direct;
    uint64_t events = 0;

    if (n < 0 && n != -EFAULT && !is_passing(n)) {
        host_stream_drop_unsent(h);
        events = host_stream_broken(h, -n);
    }
    if (n == -EAGAIN || (n > 0 && (uint32_t)n < d->len)) {
        /* The program need not ask again: it is told. */
        atomic_store(&h->tx_blocked, true);
        atomic_store(&h->tx_full, true);
        host_stream_wait_room(h);
    } else {
        host_stream_send(h); /* what others have written meanwhile */
    }
    d->result = n;
    atomic_store_release(&d->over, true);
    return events;
}

static void look_at(struct direct *d, const struct iobuf *io)
{
    unsigned count =
        iobuf_pieces(io, DIRECT_MOST, d->pieces, ARRAY_SIZE(d->pieces));

    d->header =
        (struct abi_msghdr){.iov = (uint64_t)d->pieces, .iov_count = count};
    d->len = 0;
    d->over = false;
    for (unsigned i = 0; i < count; i++) {
        const struct iobuf_vec *v = &d->pieces[i];

        if (io->user && !mm_user_range(v->base, v->len)) {
            d->len = 0;
            return;
        }
        d->len += (uint32_t)v->len;
    }
}

static void start_direct(struct host_sock *h, struct direct *d)
{
    struct ring_sqe e = {.opcode = RINGOP_SEND,
                         .fd = h->fd,
                         .addr = d->pieces[0].base,
                         .op_flags = MSG_NOSIGNAL | MSG_DONTWAIT,
                         .len = d->len};

    if (d->header.iov_count > 1) {
        e.opcode = RINGOP_SENDMSG;
        e.addr = (uint64_t)&d->header;
        e.len = 1;
    }
    h->direct = d;
    h->tx_inflight = 0; /* of what is queued */
    h->tx_op.op =
        (struct hostio_op){.sqe = e, .max = d->len, .ring = RING_URING};
    h->tx_op.done = taken;
    host_start(&h->tx_op);
}

static bool begin(struct host_sock *h, struct direct *d)
{
    bool may;

    spin_lock(&h->lock);
    may = !h->tx_bytes && !h->tx_op.live && !h->tx_end && !h->aborts &&
          h->state == HOST_CONNECTED;
    if (may) {
        start_direct(h, d);
    }
    spin_unlock(&h->lock);
    return may;
}

long host_stream_put_direct(struct host_sock *h, struct iobuf *io)
{
    struct direct d;

    if (!hostio_may_read_memory() || io->left < DIRECT_LEAST ||
        atomic_load_relaxed(&h->tx_bytes)) {
        return 0;
    }
    look_at(&d, io);
    if (d.len < DIRECT_LEAST || !begin(h, &d)) {
        return 0;
    }
    for (;;) {
        hostio_look();
        if (atomic_load_acquire(&d.over)) {
            break;
        }
        cpu_relax();
    }
    if (d.result > 0) {
        iobuf_skip(io, (uint64_t)d.result);
        hostio_count(0, (uint64_t)d.result);
    }
    return d.result > 0 || d.result == -EAGAIN ? d.result : 0;
}
