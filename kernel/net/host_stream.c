/* SPDX-License-Identifier: MIT
 *
 * Connections to outside. The host's bytes are received ahead, into packets
 * of the kernel's own, up to HOST_RX_MOST: then the host's window closes and
 * the other side waits. What a program writes is queued up to TX_MOST and sent
 * behind, one send at a time, many writes in one. So a read of what is there
 * and a write of what fits cost no host transition.
 *
 * One receive is always with the host while there is room; it notices the
 * other side's end and reset, too. While bounce buffers are scarce, nobody
 * waits with one: a poll comes first.
 *
 * What programs see of it is host_stream_ops.c.
 */
#include "kernel/net/host_private.h"
#include "kernel/core/hostio.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/epoll.h"
#include "abi/linux/errno.h"

enum {
    TX_MOST = 512 << 10, /* bytes sent behind */
    TX_LEAST = 64 << 10,
    UNSENT_MUCH = 64 << 20, /* by all connections */
    ALL_IN = POLLIN | POLLRDNORM,
    ALL_OUT = POLLOUT | POLLWRNORM,
    EVERYTHING = ALL_IN | EPOLLRDHUP | POLLHUP | POLLERR,
};

/* ---- errors ---- */

/* The connection is no more. h->lock is held. */
static uint64_t broken(struct host_sock *h, int error)
{
    h->rx_end = h->tx_end = h->tx_sent_end = true;
    if (h->owner && error) {
        atomic_store_release(&h->owner->s.error, error);
    }
    return HOST_WAKE_READ(EVERYTHING) |
           HOST_WAKE_WRITE(ALL_OUT | POLLHUP | POLLERR);
}

/* Results that say nothing about the connection. */
static bool is_passing(int32_t result)
{
    return result == -EINTR || result == -EAGAIN || result == -ECANCELED;
}

static void drop_list(struct list *packets)
{
    while (!list_empty(packets)) {
        kfree(list_entry(list_pop(packets), struct host_packet, node));
    }
}

/* What the host is at counts until it says how far it got. */
static void drop_unsent(struct host_sock *h)
{
    uint32_t kept = h->tx_op.live ? h->tx_len - h->tx_off : 0;

    drop_list(&h->tx);
    if (!h->tx_op.live) {
        h->tx_off = h->tx_len = 0;
    }
    host_count_unsent(-(int64_t)(h->tx_bytes - kept));
    h->tx_bytes = kept;
}

void host_stream_drop(struct host_sock *h)
{
    if (h->kind != HOST_STREAM) {
        return;
    }
    if (h->state == HOST_CONNECTED && h->rx_bytes) {
        h->aborts = true; /* unread bytes: the other side learns of it */
    }
    drop_list(&h->rx);
    h->rx_bytes = 0;
    if (h->aborts || h->state != HOST_CONNECTED) {
        drop_unsent(h);
    }
}

/* ---- receiving ---- */

static uint64_t received(struct host_op *o, int32_t n);

static bool may_receive(const struct host_sock *h)
{
    return !h->closing && h->state == HOST_CONNECTED && !h->rx_end &&
           h->rx_bytes < HOST_RX_MOST;
}

static void start_receive(struct host_sock *h, uint32_t flags)
{
    struct host_op *o = &h->rx_op;

    if (!host_get_buffer(o, h->rx_size)) {
        return;
    }
    o->op = (struct hostio_op){.sqe = {.opcode = RINGOP_RECV,
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
    start_receive(h, MSG_DONTWAIT);
    return 0;
}

/* Waits without a buffer, which somebody else needs more. */
static void start_poll(struct host_sock *h)
{
    struct host_op *o = &h->rx_op;

    host_drop_buffer(o);
    h->rx_size = BUFFER_SMALL;
    o->op = (struct hostio_op){
        .sqe = {.opcode = RINGOP_POLL_ADD, .fd = h->fd, .op_flags = POLLIN},
        .max = 0xffff,
        .ring = RING_URING,
        .parked = true};
    o->done = polled;
    host_start(o);
}

static void receive_more(struct host_sock *h)
{
    if (h->rx_op.live || !may_receive(h)) {
        return;
    }
    if (buffer_is_scarce(h->rx_size)) {
        start_poll(h);
    } else {
        start_receive(h, 0);
    }
}

static bool keep(struct host_sock *h, uint32_t n)
{
    struct host_packet *p = kmalloc(sizeof(*p) + n);

    if (!p) {
        return false;
    }
    p->off = 0;
    p->len = n;
    hostio_receive(&h->rx_op.buf, 0, p->data, n);
    list_add_tail(&h->rx, &p->node);
    h->rx_bytes += n;
    return true;
}

/* A buffer that was filled is followed by a larger one. */
static void adapt_size(struct host_sock *h, uint32_t n)
{
    if (n == h->rx_op.buf.size) {
        h->rx_size = BUFFER_SIZE;
    } else if (n <= BUFFER_SMALL / 2 && h->rx_size != BUFFER_SMALL) {
        h->rx_size = BUFFER_SMALL;
        host_drop_buffer(&h->rx_op);
    }
}

static uint64_t received(struct host_op *o, int32_t n)
{
    struct host_sock *h = o->h;
    uint64_t events = 0;

    if (h->closing) {
        return 0;
    }
    if (n > 0 && !h->rx_shut) {
        if (keep(h, (uint32_t)n)) {
            events = HOST_WAKE_READ(ALL_IN);
        } else {
            events = broken(h, ENOMEM);
        }
        adapt_size(h, (uint32_t)n);
    } else if (n == 0) {
        h->rx_end = true;
        events =
            HOST_WAKE_READ(ALL_IN | EPOLLRDHUP | (h->tx_end ? POLLHUP : 0));
        host_drop_buffer(o);
    } else if (n < 0 && !is_passing(n)) {
        events = broken(h, -n);
        drop_unsent(h);
        host_drop_buffer(o);
    }
    receive_more(h);
    return events;
}

/* ---- sending ---- */

static uint64_t sent(struct host_op *o, int32_t n);

/* Copies what is next into the buffer. It stays in its packets until the host
 * has taken it, so that the buffer can be given away at any time. */
static void fill_buffer(struct host_sock *h)
{
    struct host_buffer *b = &h->tx_op.buf;
    uint32_t at = 0;

    list_for_each (pos, &h->tx) {
        struct host_packet *p = list_entry(pos, struct host_packet, node);
        uint32_t n = MIN(p->len - p->off, b->size - at);

        hostio_provide(b, at, p->data + p->off, n);
        at += n;
        if (at == b->size) {
            break;
        }
    }
    h->tx_off = 0;
    h->tx_len = at;
}

static void drop_buffer(struct host_sock *h)
{
    h->tx_off = h->tx_len = 0;
    host_drop_buffer(&h->tx_op);
}

/* The host has taken n bytes. */
static void take_sent(struct host_sock *h, uint32_t n)
{
    h->tx_off += n;
    h->tx_bytes -= n;
    host_count_unsent(-(int64_t)n);
    while (n && !list_empty(&h->tx)) {
        struct host_packet *p =
            list_entry(list_first(&h->tx), struct host_packet, node);
        uint32_t part = MIN(n, p->len - p->off);

        n -= part;
        p->off += part;
        if (p->off == p->len) {
            list_del(&p->node);
            kfree(p);
        }
    }
}

static void send_buffer(struct host_sock *h, uint32_t flags)
{
    struct host_op *o = &h->tx_op;
    uint32_t len = h->tx_len - h->tx_off;

    o->op = (struct hostio_op){.sqe = {.opcode = RINGOP_SEND,
                                       .fd = h->fd,
                                       .addr = o->buf.at.addr + h->tx_off,
                                       .op_flags = MSG_NOSIGNAL | flags,
                                       .len = len},
                               .max = len,
                               .ring = RING_URING,
                               .parked = true};
    o->done = sent;
    host_start(o);
}

/* With room at the host. */
static void send_now(struct host_sock *h, uint32_t flags)
{
    uint32_t len = MIN(h->tx_bytes, (uint32_t)BUFFER_SIZE);

    if (h->tx_off == h->tx_len) {
        if (!host_get_buffer(&h->tx_op, len)) {
            return;
        }
        fill_buffer(h);
    }
    send_buffer(h, flags);
}

static uint64_t has_room(struct host_op *o, int32_t bits)
{
    struct host_sock *h = o->h;

    if (bits < 0 || h->aborts || !h->tx_bytes) {
        return sent(o, bits < 0 ? bits : -EAGAIN);
    }
    send_now(h, MSG_DONTWAIT);
    return 0;
}

/* The other side does not read: others need the buffer more. */
static void wait_room(struct host_sock *h)
{
    struct host_op *o = &h->tx_op;

    drop_buffer(h);
    o->op = (struct hostio_op){
        .sqe = {.opcode = RINGOP_POLL_ADD, .fd = h->fd, .op_flags = POLLOUT},
        .max = 0xffff,
        .ring = RING_URING,
        .parked = true};
    o->done = has_room;
    host_start(o);
}

static uint64_t shut_done(struct host_op *o, int32_t result)
{
    return 0;
}

static void send_end(struct host_sock *h)
{
    h->tx_sent_end = true;
    h->control.op = (struct hostio_op){
        .sqe = {.opcode = HOSTOP_SHUTDOWN, .fd = h->fd, .len = SHUT_WR},
        .ring = RING_HOSTOP};
    h->control.done = shut_done;
    host_start(&h->control);
}

static void send_more(struct host_sock *h)
{
    if (h->tx_op.live || h->state != HOST_CONNECTED || h->aborts) {
        return;
    }
    if (!h->tx_bytes) {
        drop_buffer(h);
        if (h->tx_end && !h->tx_sent_end && !h->control.live) {
            send_end(h);
        }
    } else if (buffer_is_scarce(MIN(h->tx_bytes, (uint32_t)BUFFER_SIZE))) {
        wait_room(h);
    } else {
        send_now(h, 0);
    }
}

static uint64_t sent(struct host_op *o, int32_t n)
{
    struct host_sock *h = o->h;
    uint64_t events = 0;

    if (n > 0 && !h->aborts) {
        take_sent(h, (uint32_t)n);
        if (atomic_load(&h->tx_blocked) && host_stream_is_writable(h)) {
            atomic_store(&h->tx_blocked, false);
            events = HOST_WAKE_WRITE(ALL_OUT);
        }
    } else if (n == 0 || !is_passing(n) || h->aborts) {
        drop_unsent(h);
        events = broken(h, n ? -n : EPIPE);
    }
    send_more(h);
    return events;
}

/* How much may wait in one connection: less when all of them have a lot. */
uint32_t host_stream_tx_most(void)
{
    return host_unsent() < UNSENT_MUCH ? TX_MOST : TX_LEAST;
}

static bool is_writable_now(const struct host_sock *h)
{
    return atomic_load_relaxed(&h->tx_bytes) < host_stream_tx_most() / 3 * 2;
}

bool host_stream_is_writable(struct host_sock *h)
{
    if (is_writable_now(h)) {
        return true;
    }
    atomic_store(&h->tx_blocked, true); /* sent() looks at it after */
    return is_writable_now(h);
}

void host_stream_receive(struct host_sock *h)
{
    receive_more(h);
}

void host_stream_send(struct host_sock *h)
{
    send_more(h);
}

void host_stream_continue(struct host_sock *h)
{
    receive_more(h);
    send_more(h);
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
