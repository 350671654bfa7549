/* SPDX-License-Identifier: MIT
 *
 * Connections to outside. The host's bytes are received ahead, up to
 * HOST_RX_MOST: then the host's window closes and the other side waits. So a
 * read of what is there costs no host transition. Small pieces are copied into
 * packets of the kernel's own, large ones stay in their bounce buffer until
 * somebody reads them (host_packet.c).
 *
 * One receive is always with the host while there is room; it notices the
 * other side's end and reset, too. Where the host can, that is one for many
 * pieces, each in a small buffer that the host chooses from those of all
 * (hostio_chooses()): who waits has none, and goes on without asking again.
 * When several of them come full, it is ended for receives into larger ones.
 * Elsewhere each receive has its own buffer, and while these are scarce, nobody
 * waits with one: a poll comes first.
 *
 * Sending is host_send.c, what programs see of both host_stream_ops.c.
 */
#include "kernel/net/count.h"
#include "kernel/net/host/host_private.h"
#include "kernel/core/hostio.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/epoll.h"
#include "abi/linux/errno.h"

enum {
    KEEP_LEAST = 2 << 10, /* bytes that may stay in their buffer */
    FULL_MOST = 3,        /* small buffers, full ones, before a larger one */
    ALL_IN = POLLIN | POLLRDNORM,
    ALL_OUT = POLLOUT | POLLWRNORM,
    EVERYTHING = ALL_IN | EPOLLRDHUP | POLLHUP | POLLERR,
};

/* ---- errors ---- */

/* The connection is no more. h->lock is held. */
uint64_t host_stream_broken(struct host_sock *h, int error)
{
    if (error == ECONNRESET) {
        net_count(TCP_ESTAB_RESETS);
    }
    h->rx_end = h->tx_end = h->tx_sent_end = true;
    if (h->owner && error) {
        atomic_store_release(&h->owner->s.error, error);
    }
    return HOST_WAKE_READ(EVERYTHING) |
           HOST_WAKE_WRITE(ALL_OUT | POLLHUP | POLLERR);
}

void host_stream_drop(struct host_sock *h)
{
    if (h->kind != HOST_STREAM) {
        return;
    }
    if (h->state == HOST_CONNECTED && h->rx_bytes) {
        h->aborts = true; /* unread bytes: the other side learns of it */
    }
    host_packets_free(&h->rx);
    h->rx_bytes = 0;
    if (h->aborts || h->state != HOST_CONNECTED) {
        host_stream_drop_unsent(h);
    }
}

/* ---- receiving ---- */

static uint64_t received(struct host_op *o, int32_t n);

static bool may_receive(const struct host_sock *h)
{
    return !h->closing && h->state == HOST_CONNECTED && !h->rx_end &&
           h->rx_bytes < HOST_RX_MOST;
}

/* All that comes, until it is canceled. */
static void start_receives(struct host_sock *h)
{
    struct host_op *o = &h->rx_op;
    uint16_t how = RINGOP_MULTISHOT;

    host_drop_buffer(o);
    h->rx_full = 0;
    o->op = (struct hostio_op){
        .sqe = {.opcode = RINGOP_RECV,
                .flags = RING_SELECTS,
                .ioprio = how | (h->rx_drained ? RINGOP_POLL_FIRST : 0),
                .fd = h->fd},
        .max = BUFFER_SMALL,
        .ring = RING_URING,
        .parked = true,
        .multi = true};
    o->done = received;
    host_start(o);
}

static void start_receive(struct host_sock *h, uint32_t flags)
{
    struct host_op *o = &h->rx_op;
    bool wait_first = h->rx_drained && !flags;

    if (!host_get_buffer(o, h->rx_size)) {
        return;
    }
    o->op =
        (struct hostio_op){.sqe = {.opcode = RINGOP_RECV,
                                   .ioprio = wait_first ? RINGOP_POLL_FIRST : 0,
                                   .fd = h->fd,
                                   .addr = o->buf.at.addr,
                                   .op_flags = flags,
                                   .len = o->buf.size},
                           .max = o->buf.size,
                           .ring = RING_URING,
                           .parked = true};
    o->done = received;
    host_start(o);
}

static uint64_t polled(struct host_op *o, int32_t bits)
{
    struct host_sock *h = o->h;

    if (bits < 0 || !may_receive(h)) {
        return received(o, bits < 0 ? bits : -EAGAIN);
    }
    if (host_urgent_is_watched(h)) {
        host_urgent_polled(h, bits);
    } else {
        start_receive(h, MSG_DONTWAIT);
    }
    return 0;
}

/* Waits without a buffer. */
static void start_poll(struct host_sock *h, uint32_t events)
{
    struct host_op *o = &h->rx_op;

    host_drop_buffer(o);
    o->op = (struct hostio_op){
        .sqe = {.opcode = RINGOP_POLL_ADD, .fd = h->fd, .op_flags = events},
        .max = 0xffff,
        .ring = RING_URING,
        .parked = true};
    o->done = polled;
    host_start(o);
}

void host_stream_receive(struct host_sock *h)
{
    if (h->rx_op.live || !may_receive(h)) {
        return;
    }
    while (h->rx_size > BUFFER_SMALL && buffer_is_scarce(h->rx_size)) {
        h->rx_size = h->rx_size > BUFFER_SIZE ? BUFFER_SIZE : BUFFER_SMALL;
    }
    if (unlikely(host_urgent_is_watched(h))) {
        if (!host_urgent_seek(h)) {
            start_poll(h, POLLIN | POLLPRI);
        }
    } else if (h->rx_size == BUFFER_SMALL && hostio_chooses()) {
        start_receives(h);
    } else if (buffer_is_scarce(h->rx_size)) {
        h->rx_size = BUFFER_SMALL;
        start_poll(h, POLLIN); /* somebody else needs the buffer more */
    } else {
        start_receive(h, 0);
    }
}

void host_stream_take(struct host_sock *h)
{
    if (!h->rx_op.live && may_receive(h)) {
        start_receive(h, MSG_DONTWAIT);
    }
}

void host_stream_append(struct host_sock *h, struct host_packet *p, uint32_t n)
{
    list_add_tail(&h->rx, &p->node);
    h->rx_bytes += n;
    h->rx_total += n;
}

/* Where a buffer is large for what it holds, or others want it, it is freed
 * at once. */
static bool keep(struct host_sock *h, struct host_buffer *b, uint32_t n)
{
    struct host_packet *p;

    if (n > KEEP_LEAST && n >= b->size / 4 && !buffer_is_scarce(b->size)) {
        p = host_packet_around(b, 0, n);
    } else {
        p = host_packet_new(n);
        if (p) {
            p->len = n;
            hostio_receive(b, 0, p->data, n);
        }
    }
    if (!p) {
        return false;
    }
    h->rx_time = inet_stamp(&h->owner->s);
    host_stream_append(h, p, n);
    return true;
}

/* A buffer that was filled is followed by a larger one. size: what it had. */
static void adapt_size(struct host_sock *h, uint32_t n, uint32_t size)
{
    h->rx_drained = n < size;
    if (n == size) {
        h->rx_size = size < BUFFER_SIZE ? BUFFER_SIZE : BUFFER_LARGE;
    } else if (n <= BUFFER_SMALL / 2) {
        h->rx_size = BUFFER_SMALL;
    } else if (n <= BUFFER_SIZE / 2) {
        h->rx_size = MIN(h->rx_size, (uint32_t)BUFFER_SIZE);
    }
    if (h->rx_op.buf.size > h->rx_size) {
        host_drop_buffer(&h->rx_op);
    }
}

/* The same where the host chose a small one: nothing that is under way is
 * larger. It takes more than one, for to end that costs as much as to begin. */
static void adapt_chosen(struct host_sock *h, uint32_t n)
{
    h->rx_full = n == BUFFER_SMALL ? h->rx_full + 1 : 0;
    h->rx_drained = n < BUFFER_SMALL;
    if (h->rx_full == FULL_MOST) {
        h->rx_size = BUFFER_SIZE;
        host_cancel(&h->rx_op);
    }
}

/* n bytes came into b. Whom to wake. */
static uint64_t arrived(struct host_sock *h, struct host_buffer *b, uint32_t n)
{
    bool chosen = b == &h->rx_op.got;
    uint32_t size = b->size;

    if (!keep(h, b, n)) {
        return host_stream_broken(h, ENOMEM);
    }
    if (chosen) {
        adapt_chosen(h, n);
    } else {
        adapt_size(h, n, size);
    }
    if (h->rx_op.live && h->rx_bytes >= HOST_RX_MOST) {
        host_cancel(&h->rx_op);
    }
    return HOST_WAKE_READ(ALL_IN);
}

static uint64_t received(struct host_op *o, int32_t n)
{
    struct host_sock *h = o->h;
    uint64_t events = 0;

    if (h->closing) {
        return 0;
    }
    if (n > 0 && !h->rx_shut) {
        events = arrived(h, o->got.size ? &o->got : &o->buf, (uint32_t)n);
    } else if (n == 0) {
        h->rx_end = true;
        events =
            HOST_WAKE_READ(ALL_IN | EPOLLRDHUP | (h->tx_end ? POLLHUP : 0));
        host_drop_buffer(o);
    } else if (n == -ENOBUFS && o->op.multi) {
        h->rx_drained = false;
        hostio_give_more();
    } else if (n < 0 && !is_passing(n)) {
        events = host_stream_broken(h, -n);
        host_stream_drop_unsent(h);
        host_drop_buffer(o);
    }
    h->urgent.dry = n == -EAGAIN;
    host_stream_receive(h);
    return events;
}

void host_stream_continue(struct host_sock *h)
{
    host_stream_receive(h);
    host_stream_send(h);
}

/* ---- what others begin ---- */

int host_stream_adopt(struct inet_socket *i, int fd)
{
    struct host_sock *h;
    int err = host_new(i, HOST_STREAM, &h);

    if (err) {
        return err;
    }
    h->fd = fd;
    h->state = HOST_CONNECTED;
    h->told = true;
    i->s.ops = &host_stream_ops;
    spin_lock(&h->lock);
    host_stream_continue(h);
    spin_unlock(&h->lock);
    return 0;
}
