/* SPDX-License-Identifier: MIT
 *
 * Sending on connections to outside. What a program writes is queued, up to
 * TX_MOST, and sent behind, one send at a time. A send begins when the host is
 * told of what was started next, so that a header, the file behind it and more
 * that was written meanwhile go together.
 *
 * Large writes go straight into a bounce buffer, which is then sent; small
 * ones are gathered from their packets into the buffer of tx_op, or into the
 * room that a large one behind them has left in front of itself. While buffers
 * are scarce, all are gathered, and nobody whose other side does not read
 * waits with a buffer.
 */
#include "kernel/net/host/host_private.h"
#include "abi/linux/epoll.h"
#include "abi/linux/errno.h"

enum {
    TX_MOST = 512 << 10, /* bytes sent behind */
    TX_LEAST = 64 << 10,
    UNSENT_MUCH = 64 << 20, /* by all connections */
    BOUNCE_LEAST = 4 << 10, /* bytes of a write that goes into a buffer */
    HEADROOM = 1 << 10,     /* in front of them, for what was written before */
    CHUNK = 60 << 10,       /* of a packet in the kernel's memory */
    PIECE = 32 << 10,       /* that TCP takes as a whole or not at all */
    WARM_MOST = 64 << 10,   /* bytes of all writes that wait for others */
    ALL_OUT = POLLOUT | POLLWRNORM,
};

static uint64_t sent(struct host_op *o, int32_t n);

/* ---- the queue ---- */

static struct host_packet *first_packet(struct host_sock *h)
{
    return list_entry(list_first(&h->tx), struct host_packet, node);
}

static bool is_gathered(const struct host_sock *h)
{
    return h->tx_off < h->tx_len;
}

/* What the host is at counts until it says how far it got, and stays where it
 * is. */
void host_stream_drop_unsent(struct host_sock *h)
{
    bool live = h->tx_op.live && h->tx_inflight;
    struct host_packet *head = NULL;
    uint32_t kept = 0;

    if (live && is_gathered(h)) {
        kept = h->tx_len - h->tx_off;
    } else if (live) {
        head = first_packet(h);
        list_del(&head->node);
        kept = host_packet_left(head);
    }
    host_packets_free(&h->tx);
    if (head) {
        list_add_tail(&h->tx, &head->node);
    }
    if (!live) {
        h->tx_off = h->tx_len = 0;
    }
    host_count_unsent(-(int64_t)(h->tx_bytes - kept));
    h->tx_bytes = kept;
}

/* The host has taken n bytes. */
static void take_sent(struct host_sock *h, uint32_t n)
{
    if (is_gathered(h)) {
        h->tx_off += n;
    }
    h->tx_bytes -= n;
    host_count_unsent(-(int64_t)n);
    while (n && !list_empty(&h->tx)) {
        struct host_packet *p = first_packet(h);
        uint32_t part = MIN(n, host_packet_left(p));

        n -= part;
        p->off += part;
        if (p->off == p->len) {
            list_del(&p->node);
            host_packet_free(p);
        }
    }
}

static void drop_buffer(struct host_sock *h)
{
    h->tx_off = h->tx_len = 0;
    host_drop_buffer(&h->tx_op);
}

/* Copies what is next into the buffer of tx_op. It stays in its packets until
 * the host has taken it, so that the buffer can be given away at any time. */
static bool gather(struct host_sock *h)
{
    struct host_buffer *b = &h->tx_op.buf;
    uint32_t at = 0;

    if (!host_get_buffer(&h->tx_op, MIN(h->tx_bytes, (uint32_t)BUFFER_SIZE))) {
        return false;
    }
    list_for_each (pos, &h->tx) {
        struct host_packet *p = list_entry(pos, struct host_packet, node);
        uint32_t n = MIN(host_packet_left(p), b->size - at);

        if (p->buf.size) {
            break;
        }
        hostio_provide(b, at, p->data + p->off, n);
        at += n;
        if (at == b->size) {
            break;
        }
    }
    h->tx_off = 0;
    h->tx_len = at;
    return true;
}

/* Moves the packets before p into the room in front of it. */
static void absorb(struct host_sock *h, struct host_packet *p, uint32_t sum)
{
    uint32_t at = p->off - sum;

    p->off = at;
    while (first_packet(h) != p) {
        struct host_packet *before = first_packet(h);
        uint32_t n = host_packet_left(before);

        hostio_provide(&p->buf, at, before->data + before->off, n);
        at += n;
        list_del(&before->node);
        host_packet_free(before);
    }
}

/* The packet in a buffer that can be sent next, with all that comes before
 * it. NULL: none. */
static struct host_packet *next_bounced(struct host_sock *h)
{
    uint32_t sum = 0;

    list_for_each (pos, &h->tx) {
        struct host_packet *p = list_entry(pos, struct host_packet, node);

        if (p->buf.size) {
            if (sum > p->off) {
                return NULL;
            }
            absorb(h, p, sum);
            return p;
        }
        sum += host_packet_left(p);
        if (sum > HEADROOM) {
            return NULL;
        }
    }
    return NULL;
}

/* ---- sending ---- */

static void send_bytes(struct host_sock *h, uint64_t addr, uint32_t len,
                       uint32_t flags)
{
    h->tx_inflight = len;
    h->tx_op.op = (struct hostio_op){.sqe = {.opcode = RINGOP_SEND,
                                             .fd = h->fd,
                                             .addr = addr,
                                             .op_flags = MSG_NOSIGNAL | flags,
                                             .len = len},
                                     .max = len,
                                     .ring = RING_URING,
                                     .parked = true};
    h->tx_op.done = sent;
    host_start(&h->tx_op);
}

/* With room at the host. */
static void send_now(struct host_sock *h, uint32_t flags)
{
    struct host_packet *p = is_gathered(h) ? NULL : next_bounced(h);

    if (p) {
        send_bytes(h, p->buf.at.addr + p->off, host_packet_left(p), flags);
    } else if (is_gathered(h) || gather(h)) {
        send_bytes(h, h->tx_op.buf.at.addr + h->tx_off, h->tx_len - h->tx_off,
                   flags);
    }
}

static uint64_t wake_writers(struct host_sock *h)
{
    if (atomic_load(&h->tx_blocked) && host_stream_is_writable(h)) {
        atomic_store(&h->tx_blocked, false);
        return HOST_WAKE_WRITE(ALL_OUT);
    }
    return 0;
}

static uint64_t has_room(struct host_op *o, int32_t bits)
{
    struct host_sock *h = o->h;
    uint64_t events;

    atomic_store(&h->tx_full, false);
    events = wake_writers(h);
    if (bits < 0 || h->aborts || !h->tx_bytes) {
        return events | sent(o, bits < 0 ? bits : -EAGAIN);
    }
    send_now(h, MSG_DONTWAIT);
    return events;
}

/* The other side does not read: others need the buffer more. */
void host_stream_wait_room(struct host_sock *h)
{
    struct host_op *o = &h->tx_op;

    drop_buffer(h);
    h->tx_inflight = 0;
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

void host_stream_send(struct host_sock *h)
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
        host_stream_wait_room(h);
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
        events = wake_writers(h);
    } else if (n == 0 || !is_passing(n) || h->aborts) {
        host_stream_drop_unsent(h);
        events = host_stream_broken(h, n ? -n : EPIPE);
    }
    host_stream_send(h);
    return events;
}

/* ---- what programs write ---- */

/* How much may wait in one connection: less when all of them have a lot. */
uint32_t host_stream_tx_most(void)
{
    return host_unsent() < UNSENT_MUCH ? TX_MOST : TX_LEAST;
}

static bool is_writable_now(const struct host_sock *h)
{
    return !atomic_load_relaxed(&h->tx_full) &&
           atomic_load_relaxed(&h->tx_bytes) < host_stream_tx_most() / 3 * 2;
}

bool host_stream_is_writable(struct host_sock *h)
{
    if (is_writable_now(h)) {
        return true;
    }
    atomic_store(&h->tx_blocked, true); /* sent() looks at it after */
    return is_writable_now(h);
}

/* A buffer with room for *n bytes or fewer, and for what goes before them. */
static struct host_packet *bounced_packet(uint64_t *n)
{
    uint32_t want = (uint32_t)MIN(*n + HEADROOM, (uint64_t)BUFFER_LARGE);
    struct host_packet *p;
    struct host_buffer b;

    if (want > BUFFER_SIZE && buffer_is_scarce(want)) {
        want = BUFFER_SIZE;
    }
    if (buffer_is_scarce(want) || !buffer_try(want, &b)) {
        return NULL;
    }
    p = host_packet_around(&b, HEADROOM, HEADROOM);
    if (!p) {
        buffer_put(&b);
        return NULL;
    }
    *n = MIN(*n, (uint64_t)p->buf.size - HEADROOM);
    return p;
}

static struct host_packet *packet_for(uint64_t *n)
{
    struct host_packet *p = *n < BOUNCE_LEAST ? NULL : bounced_packet(n);

    if (!p) {
        *n = MIN(*n, (uint64_t)CHUNK);
        p = host_packet_new((uint32_t)*n);
    }
    return p;
}

/* The host is told of what was written while it is in the CPU's cache. */
static void keep_warm(uint64_t written)
{
    static uint64_t bytes; /* atomic; that it is told at the end is no matter */

    if (atomic_add_fetch(&bytes, written) >= WARM_MOST) {
        atomic_store(&bytes, 0);
        hostio_look();
    }
}

/* The program's memory ended behind `moved` bytes of p: as many as TCP would
 * have taken before it came there. */
static long drop_piece(struct host_packet *p, uint32_t moved)
{
    uint32_t part = moved % PIECE;

    p->len -= part;
    return moved - part ? (long)(moved - part) : -EFAULT;
}

long host_stream_put(struct host_sock *h, struct iobuf *io)
{
    uint32_t used = atomic_load_relaxed(&h->tx_bytes);
    uint32_t most = host_stream_tx_most();
    uint64_t n = MIN(io->left, (uint64_t)(used < most ? most - used : 0));
    struct host_packet *p = n ? packet_for(&n) : NULL;
    long moved;

    if (!n) {
        return 0;
    }
    moved = p ? host_packet_get(p, io, (uint32_t)n) : -ENOMEM;
    if (unlikely(moved > 0 && (uint64_t)moved < n)) {
        moved = drop_piece(p, (uint32_t)moved);
    }
    if (moved <= 0) {
        host_packet_free(p);
        return moved;
    }
    spin_lock(&h->lock);
    if (h->tx_end) {
        moved = -EPIPE;
    } else {
        list_add_tail(&h->tx, &p->node);
        h->tx_bytes += (uint32_t)moved;
        host_count_unsent(moved);
        if (!h->tx_op.live) {
            host_later(h);
        }
        p = NULL;
    }
    spin_unlock(&h->lock);
    host_packet_free(p);
    if (moved > 0) {
        keep_warm((uint64_t)moved);
    }
    return moved;
}
