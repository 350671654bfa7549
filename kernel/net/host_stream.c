/* SPDX-License-Identifier: MIT
 *
 * Connections to outside. The host's bytes are received ahead, into packets
 * of the kernel's own, up to RX_MOST: then the host's window closes and the
 * other side waits. What a program writes is queued up to TX_MOST and sent
 * behind, one send at a time, many writes in one. So a read of what is there
 * and a write of what fits cost no host transition.
 *
 * One receive is always with the host while there is room; it notices the
 * other side's end and reset, too.
 */
#include "kernel/net/host_private.h"
#include "kernel/core/hostio.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/epoll.h"
#include "abi/linux/errno.h"
#include "abi/linux/ioctl.h"

enum {
    RX_MOST = 256 << 10, /* bytes received ahead */
    TX_MOST = 512 << 10, /* bytes sent behind */
    CHUNK = 60 << 10,    /* of a packet to be sent */
    ALL_IN = POLLIN | POLLRDNORM,
    ALL_OUT = POLLOUT | POLLWRNORM,
    EVERYTHING = ALL_IN | EPOLLRDHUP | POLLHUP | POLLERR,
};

static struct host_sock *sock_of(struct socket *s)
{
    return inet_of(s)->host;
}

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
           h->rx_bytes < RX_MOST;
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

static void fill_buffer(struct host_sock *h)
{
    struct host_buffer *b = &h->tx_op.buf;
    uint32_t at = 0;

    while (!list_empty(&h->tx) && at < b->size) {
        struct host_packet *p =
            list_entry(list_first(&h->tx), struct host_packet, node);
        uint32_t n = MIN(p->len - p->off, b->size - at);

        hostio_provide(b, at, p->data + p->off, n);
        at += n;
        p->off += n;
        if (p->off == p->len) {
            list_del(&p->node);
            kfree(p);
        }
    }
    h->tx_off = 0;
    h->tx_len = at;
}

static void send_buffer(struct host_sock *h)
{
    struct host_op *o = &h->tx_op;
    uint32_t len = h->tx_len - h->tx_off;

    o->op = (struct hostio_op){.sqe = {.opcode = RINGOP_SEND,
                                       .fd = h->fd,
                                       .addr = o->buf.at.addr + h->tx_off,
                                       .op_flags = MSG_NOSIGNAL,
                                       .len = len},
                               .max = len,
                               .ring = RING_URING,
                               .parked = true};
    o->done = sent;
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
    struct host_op *o = &h->tx_op;

    if (o->live || h->state != HOST_CONNECTED || h->aborts) {
        return;
    }
    if (h->tx_off < h->tx_len) {
        send_buffer(h);
    } else if (h->tx_bytes) {
        if (host_get_buffer(o, MIN(h->tx_bytes, (uint32_t)BUFFER_SIZE))) {
            fill_buffer(h);
            send_buffer(h);
        }
    } else {
        host_drop_buffer(o);
        if (h->tx_end && !h->tx_sent_end && !h->control.live) {
            send_end(h);
        }
    }
}

static bool is_writable(const struct host_sock *h)
{
    return h->tx_bytes < TX_MOST / 3 * 2;
}

static uint64_t sent(struct host_op *o, int32_t n)
{
    struct host_sock *h = o->h;
    bool full = !is_writable(h);
    uint64_t events = 0;

    if (n > 0 && !h->aborts) {
        h->tx_off += (uint32_t)n;
        h->tx_bytes -= (uint32_t)n;
        host_count_unsent(-(int64_t)n);
        if (full && is_writable(h)) {
            events = HOST_WAKE_WRITE(ALL_OUT);
        }
    } else if (n == 0 || !is_passing(n) || h->aborts) {
        drop_unsent(h);
        events = broken(h, n ? -n : EPIPE);
    }
    send_more(h);
    return events;
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

/* ---- recvmsg ---- */

/* Takes n bytes of p off the queue. read_lock is held. */
static void consume(struct host_sock *h, struct host_packet *p, uint32_t n)
{
    bool over;

    spin_lock(&h->lock);
    p->off += n;
    h->rx_bytes -= n;
    over = p->off == p->len;
    if (over) {
        list_del(&p->node);
    }
    if (h->rx_bytes < RX_MOST / 2) {
        receive_more(h);
    }
    spin_unlock(&h->lock);
    if (over) {
        kfree(p);
    }
}

static struct host_packet *packet_after(struct host_sock *h,
                                        struct host_packet *p)
{
    struct list *next;

    spin_lock(&h->lock);
    next = p ? p->node.next : h->rx.next;
    spin_unlock(&h->lock);
    return next == &h->rx ? NULL : list_entry(next, struct host_packet, node);
}

/* Moves what is there. read_lock is held. */
static long take(struct host_sock *h, struct socket_msg *msg)
{
    bool peek = msg->flags & MSG_PEEK;
    struct iobuf *io = msg->io;
    struct host_packet *p = packet_after(h, NULL);
    long done = 0;

    while (p && io->left) {
        struct host_packet *next = packet_after(h, p);
        uint32_t n = (uint32_t)MIN((uint64_t)(p->len - p->off), io->left);
        long moved = n;

        if (msg->flags & MSG_TRUNC) {
            iobuf_skip(io, n);
        } else {
            moved = iobuf_put(io, p->data + p->off, n);
        }
        if (moved <= 0) {
            return done ? done : moved;
        }
        done += moved;
        if (!peek) {
            consume(h, p, (uint32_t)moved);
        }
        if (moved < n) {
            break;
        }
        p = next;
        if (!p && !peek) {
            p = packet_after(h, NULL);
        }
    }
    return done;
}

static bool has_input(struct host_sock *h, struct socket *s)
{
    return atomic_load_relaxed(&h->rx_bytes) ||
           atomic_load_acquire(&h->rx_end) || atomic_load_relaxed(&s->error) ||
           host_state_of(h) == HOST_NEW;
}

/* Nothing is there: why not? -EAGAIN: it may still come. */
static long no_input(struct host_sock *h, struct socket *s)
{
    int err = socket_take_error(s);

    if (err) {
        return -err;
    }
    if (h->rx_end) {
        return 0;
    }
    return host_state_of(h) == HOST_NEW ? -ENOTCONN : -EAGAIN;
}

static long stream_recvmsg(struct socket *s, struct socket_msg *msg)
{
    struct host_sock *h = sock_of(s);
    bool all = msg->flags & MSG_WAITALL && !(msg->flags & MSG_PEEK);
    uint64_t deadline = socket_deadline(s->recv_timeout);
    long done = 0, n;

    if (msg->flags & (MSG_OOB | MSG_ERRQUEUE)) {
        return msg->flags & MSG_OOB ? -EINVAL : -EAGAIN;
    }
    msg->name_len = 0;
    while (msg->io->left) {
        bool empty;

        mutex_lock(&h->read_lock);
        n = take(h, msg);
        empty = !atomic_load_relaxed(&h->rx_bytes);
        mutex_unlock(&h->read_lock);
        if (n > 0) {
            done += n;
            if (!all) {
                break;
            }
            continue;
        }
        if (n == 0 && empty) {
            n = no_input(h, s);
        }
        if (n != -EAGAIN || msg->nowait) {
            return done ? done : n;
        }
        n = socket_wait(&s->can_read, has_input(h, s), s->recv_timeout,
                        deadline);
        if (n) {
            return done ? done : n;
        }
    }
    return done;
}

/* ---- sendmsg ---- */

static bool has_room(struct host_sock *h, struct socket *s)
{
    return (host_state_of(h) == HOST_CONNECTED &&
            atomic_load_relaxed(&h->tx_bytes) < TX_MOST) ||
           host_state_of(h) == HOST_NEW || atomic_load_acquire(&h->tx_end) ||
           atomic_load_relaxed(&s->error);
}

/* 0, or why nothing can be written now; -EAGAIN: later. */
static int may_send(struct host_sock *h, struct socket *s)
{
    int err = socket_take_error(s);

    if (err) {
        return -err;
    }
    if (h->tx_end || host_state_of(h) == HOST_NEW) {
        return -EPIPE;
    }
    return has_room(h, s) ? 0 : -EAGAIN;
}

/* Queues the next bytes of io. */
static long put(struct host_sock *h, struct iobuf *io)
{
    uint32_t used = atomic_load_relaxed(&h->tx_bytes);
    uint32_t room = used < TX_MOST ? TX_MOST - used : 0;
    size_t n = MIN(MIN(io->left, (uint64_t)CHUNK), (uint64_t)room);
    struct host_packet *p = n ? kmalloc(sizeof(*p) + n) : NULL;
    long moved;

    if (!n) {
        return 0;
    }
    moved = p ? iobuf_get(io, p->data, n) : -ENOMEM;
    if (moved <= 0) {
        kfree(p);
        return moved;
    }
    p->off = 0;
    p->len = (uint32_t)moved;
    spin_lock(&h->lock);
    if (h->tx_end) {
        moved = -EPIPE;
    } else {
        list_add_tail(&h->tx, &p->node);
        h->tx_bytes += p->len;
        host_count_unsent(p->len);
        send_more(h);
        p = NULL;
    }
    spin_unlock(&h->lock);
    kfree(p);
    return moved;
}

/* Until the host has all that was written. Rare, so it looks again and again
 * rather than to be woken: who waits for room must not be. */
static int wait_sent(struct host_sock *h, struct socket *s, uint64_t until)
{
    while (atomic_load_relaxed(&h->tx_bytes)) {
        if (clock_now() >= until) {
            return -EAGAIN;
        }
        if (wait_event(&s->can_write, !atomic_load_relaxed(&h->tx_bytes),
                       clock_now() + NSEC_PER_MSEC, WAIT_INTR) == -EINTR) {
            return -ERESTARTSYS;
        }
    }
    return 0;
}

/* Out of band: behind everything else, by the host's own call. */
static long send_urgent(struct host_sock *h, struct socket *s,
                        struct socket_msg *msg)
{
    uint8_t data[64];
    struct hostio_message m = {.data = data};
    long n = wait_sent(
        h, s, s->send_timeout ? clock_now() + s->send_timeout : UINT64_MAX);

    if (n) {
        return n;
    }
    n = iobuf_get(msg->io, data, MIN(msg->io->left, sizeof(data)));
    if (n <= 0) {
        return n;
    }
    m.len = (uint32_t)n;
    return hostio_sendmsg(h->fd, &m, MSG_OOB | MSG_NOSIGNAL);
}

static long stream_sendmsg(struct socket *s, struct socket_msg *msg)
{
    struct host_sock *h = sock_of(s);
    uint64_t deadline = socket_deadline(s->send_timeout);
    long done = 0, n;

    if (msg->flags & MSG_OOB) {
        n = may_send(h, s);
        return n ? n : send_urgent(h, s, msg);
    }
    while (msg->io->left || !done) {
        n = may_send(h, s);
        if (!n && msg->io->left) {
            n = put(h, msg->io);
        }
        if (n > 0) {
            done += n;
            continue;
        }
        if (n == 0 && !msg->io->left) {
            break;
        }
        if (n != -EAGAIN && n != 0) {
            return done ? done : n;
        }
        if (msg->nowait) {
            return done ? done : -EAGAIN;
        }
        n = socket_wait(&s->can_write, has_room(h, s), s->send_timeout,
                        deadline);
        if (n) {
            return done ? done : n;
        }
    }
    return done;
}

/* ---- the rest ---- */

static uint32_t stream_poll(struct socket *s)
{
    struct host_sock *h = sock_of(s);
    bool error = atomic_load_relaxed(&s->error);
    uint32_t bits = error ? POLLERR : 0;

    switch (host_state_of(h)) {
    case HOST_NEW:
        return bits | ALL_OUT | POLLHUP | (error ? ALL_IN | EPOLLRDHUP : 0);
    case HOST_CONNECTING:
        return bits;
    default:
        break;
    }
    if (h->rx_end) {
        bits |= ALL_IN | EPOLLRDHUP | (h->tx_end ? POLLHUP : 0);
    }
    if (atomic_load_relaxed(&h->rx_bytes)) {
        bits |= ALL_IN;
    }
    if (is_writable(h) || h->tx_end) {
        bits |= ALL_OUT;
    }
    return bits;
}

static int stream_shutdown(struct socket *s, int how)
{
    struct host_sock *h = sock_of(s);
    uint64_t events = 0;

    if (host_state_of(h) != HOST_CONNECTED) {
        return -ENOTCONN;
    }
    spin_lock(&h->lock);
    if (how != SHUT_WR) {
        h->rx_end = h->rx_shut = true;
        events |= HOST_WAKE_READ(ALL_IN | EPOLLRDHUP);
    }
    if (how != SHUT_RD) {
        h->tx_end = true;
        events |= HOST_WAKE_WRITE(ALL_OUT);
        send_more(h);
    }
    if (h->rx_end && h->tx_end) {
        events |= HOST_WAKE_READ(POLLHUP);
    }
    spin_unlock(&h->lock);
    host_wake(inet_of(s), events);
    return 0;
}

static int stream_getname(struct socket *s, bool peer, struct abi_sockaddr *out)
{
    struct inet_socket *i = inet_of(s);
    struct host_sock *h = host_of(i);
    int err;

    if (peer) {
        if (host_state_of(h) != HOST_CONNECTED) {
            return -ENOTCONN;
        }
        return (int)inet_addr_put(out, s->family, &i->peer);
    }
    if (!h->named) {
        err = host_learn_name(i);
        if (err) {
            return err;
        }
        h->named = host_state_of(h) == HOST_CONNECTED;
    }
    return (int)inet_addr_put(out, s->family, &i->local);
}

static long stream_ioctl(struct socket *s, uint32_t cmd, struct uptr arg)
{
    struct host_sock *h = sock_of(s);

    switch (cmd) {
    case FIONREAD:
        return put_user32(arg, atomic_load_relaxed(&h->rx_bytes));
    case TIOCOUTQ:
        return put_user32(arg, atomic_load_relaxed(&h->tx_bytes));
    default:
        return inet_ioctl(s, cmd, arg);
    }
}

static void stream_release(struct socket *s)
{
    struct inet_socket *i = inet_of(s);
    struct host_sock *h = host_of(i);
    bool reset = atomic_load_relaxed(&s->flags) & SOCKET_LINGER && !s->linger;

    if (!reset && atomic_load_relaxed(&s->flags) & SOCKET_LINGER) {
        wait_sent(h, s, clock_now() + (uint64_t)s->linger * NSEC_PER_SEC);
    }
    i->host = NULL;
    host_close(h, reset);
}

/* What only sockets do that are not connected yet. */
static int stream_bind(struct socket *s, const struct abi_sockaddr *name,
                       uint32_t len)
{
    return -EINVAL;
}

static int stream_listen(struct socket *s, int backlog)
{
    return -EINVAL;
}

static int stream_accept(struct socket *s, struct socket **out, bool nowait)
{
    return -EINVAL;
}

const struct socket_ops host_stream_ops = {
    .bind = stream_bind,
    .listen = stream_listen,
    .accept = stream_accept,
    .connect = host_stream_connect,
    .sendmsg = stream_sendmsg,
    .recvmsg = stream_recvmsg,
    .shutdown = stream_shutdown,
    .getname = stream_getname,
    .setsockopt = inet_setsockopt,
    .getsockopt = inet_getsockopt,
    .ioctl = stream_ioctl,
    .poll = stream_poll,
    .release = stream_release,
    .free = inet_free,
};
