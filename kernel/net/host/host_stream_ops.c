/* SPDX-License-Identifier: MIT
 *
 * Connections to outside as programs see them: reading what was received
 * ahead, queueing what is to be sent (host_stream.c), and the rest of a
 * stream's operations.
 */
#include "kernel/net/host/host_private.h"
#include "kernel/core/hostio.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/diag.h"
#include "abi/linux/epoll.h"
#include "abi/linux/errno.h"
#include "abi/linux/ioctl.h"

enum {
    ALL_IN = POLLIN | POLLRDNORM,
    ALL_OUT = POLLOUT | POLLWRNORM,
};

/* Whoever found this table when the connection was undone goes on with what is
 * left of it. */
static struct host_sock *sock_of(struct socket *s)
{
    struct inet_socket *i = inet_of(s);
    struct host_sock *h = atomic_load_acquire(&i->host);

    return h ? h : i->undone;
}

/* ---- recvmsg ---- */

/* Takes n bytes of p off the queue. read_lock is held. */
static void consume(struct host_sock *h, struct host_packet *p, uint32_t n)
{
    bool over;

    spin_lock(&h->lock);
    p->off += n;
    h->rx_bytes -= n;
    if (unlikely(h->urgent.there)) {
        host_urgent_passed(h);
    }
    over = p->off == p->len;
    if (over) {
        list_del(&p->node);
    }
    if (h->rx_bytes < HOST_RX_MOST / 2) {
        host_stream_receive(h);
    }
    spin_unlock(&h->lock);
    if (over) {
        host_packet_free(p);
    }
}

/* What is looked at must be there unchanged when it is read. -ENOMEM. */
static int own(struct host_sock *h, struct host_packet **p)
{
    struct host_packet *mine = host_packet_own(*p);

    if (!mine) {
        return -ENOMEM;
    }
    spin_lock(&h->lock);
    list_add(&(*p)->node, &mine->node);
    list_del(&(*p)->node);
    spin_unlock(&h->lock);
    host_packet_free(*p);
    *p = mine;
    return 0;
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

/* Moves what is there behind `skip` bytes, which only a peek leaves out.
 * read_lock is held. */
static long take(struct host_sock *h, struct socket_msg *msg, uint64_t skip)
{
    bool peek = msg->flags & MSG_PEEK;
    struct iobuf *io = msg->io;
    struct host_packet *p = packet_after(h, NULL);
    uint64_t most = unlikely(atomic_load_acquire(&h->urgent.there))
                        ? host_urgent_reach(h)
                        : UINT64_MAX;
    long done = 0;

    while (p && io->left && (uint64_t)done < most) {
        uint32_t over = (uint32_t)MIN(skip, (uint64_t)(p->len - p->off));

        struct host_packet *next = packet_after(h, p);
        uint32_t n = (uint32_t)MIN((uint64_t)(p->len - p->off - over),
                                   MIN(io->left, most - (uint64_t)done));
        long moved = n;

        skip -= over;
        if (!n) {
            p = next;
            continue;
        }
        if (peek && p->buf.size && own(h, &p)) {
            return done ? done : -ENOMEM;
        }
        if (msg->flags & MSG_TRUNC) {
            iobuf_skip(io, n);
        } else {
            moved = host_packet_put(p, over, io, n);
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

/* SO_RCVLOWAT, as far as that much is received ahead. */
static uint32_t least_of(const struct socket *s)
{
    return MIN((uint32_t)atomic_load_relaxed(&s->recv_low),
               (uint32_t)HOST_RX_MOST / 2);
}

static bool has_input(struct host_sock *h, struct socket *s, uint64_t skip)
{
    return atomic_load_relaxed(&h->rx_bytes) > skip ||
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
    if (h->rx_end || host_state_of(h) == HOST_NEW) {
        return 0;
    }
    return -EAGAIN;
}

static long receive(struct socket *s, struct socket_msg *msg)
{
    struct host_sock *h = sock_of(s);
    uint64_t deadline = socket_deadline(s->recv_timeout);
    uint64_t least = msg->flags & MSG_WAITALL ? msg->io->left : least_of(s);
    uint64_t skip = socket_peek_start(s, msg->flags);
    long done = 0, n;

    if (unlikely(msg->flags & (MSG_OOB | MSG_ERRQUEUE))) {
        return msg->flags & MSG_OOB ? host_urgent_recv(h, s, msg) : -EAGAIN;
    }
    msg->name_len = 0;
    while (msg->io->left) {
        bool empty;

        mutex_lock(&h->read_lock);
        n = take(h, msg, skip);
        socket_peek_moved(s, msg->flags, n);
        empty = atomic_load_relaxed(&h->rx_bytes) <= skip;
        mutex_unlock(&h->read_lock);
        if (n > 0) {
            done += n;
            if ((uint64_t)done >= least || msg->flags & MSG_PEEK ||
                (unlikely(atomic_load_acquire(&h->urgent.there)) &&
                 host_urgent_at_mark(h))) {
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
        n = socket_wait(&s->can_read, has_input(h, s, skip), s->recv_timeout,
                        deadline);
        if (n) {
            return done ? done : n;
        }
    }
    return done;
}

static long stream_recvmsg(struct socket *s, struct socket_msg *msg)
{
    struct host_sock *h = sock_of(s);
    long n = receive(s, msg);

    if (unlikely(h->rx_time) && n > 0) {
        inet_put_time(s, msg, h->rx_time);
    }
    if (unlikely(inet_tells_left(inet_of(s))) && n >= 0) {
        inet_put_left(msg, atomic_load_relaxed(&h->rx_bytes),
                      atomic_load_acquire(&h->rx_end));
    }
    return n;
}

/* ---- sendmsg ---- */

static bool has_room(struct host_sock *h, struct socket *s)
{
    return (host_state_of(h) == HOST_CONNECTED &&
            !atomic_load_relaxed(&h->tx_full) &&
            atomic_load_relaxed(&h->tx_bytes) < host_stream_tx_most()) ||
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
    if (has_room(h, s)) {
        return 0;
    }
    atomic_store(&h->tx_blocked, true); /* who has sent looks at it after */
    return has_room(h, s) ? 0 : -EAGAIN;
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

/* The last byte, out of band: behind everything else, by the host's own call.
 */
static long send_urgent(struct host_sock *h, struct socket *s,
                        struct socket_msg *msg)
{
    uint8_t byte;
    struct hostio_message m = {.data = &byte, .len = 1};
    long n = wait_sent(
        h, s, s->send_timeout ? clock_now() + s->send_timeout : UINT64_MAX);

    if (n) {
        return n;
    }
    n = iobuf_get(msg->io, &byte, 1);
    return n <= 0 ? n : hostio_sendmsg(h->fd, &m, MSG_OOB | MSG_NOSIGNAL);
}

static long send_queued(struct socket *s, struct socket_msg *msg)
{
    struct host_sock *h = sock_of(s);
    uint64_t deadline = socket_deadline(s->send_timeout);
    long done = 0, n;

    while (msg->io->left || !done) {
        n = may_send(h, s);
        if (!n && msg->io->left) {
            n = host_stream_put_direct(h, msg->io);
            n = n ? n : host_stream_put(h, msg->io);
        }
        if (n > 0) {
            done += n;
            continue;
        }
        if (n == 0 && !msg->io->left) {
            break;
        }
        if (n != -EAGAIN && n != 0) { /* it may have ended just now: by what? */
            return done ? done : n == -EPIPE ? may_send(h, s) : n;
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

static long stream_sendmsg(struct socket *s, struct socket_msg *msg)
{
    struct host_sock *h = sock_of(s);
    struct iobuf *whole = msg->io, rest = *whole;
    long n = 0, last;

    if (unlikely(msg->flags & MSG_FASTOPEN && msg->name_len)) {
        return inet_fast_open(s, msg);
    }
    if (unlikely(msg->control_len) && socket_check_control(msg)) {
        return -EINVAL;
    }
    if (likely(!(msg->flags & MSG_OOB)) || !whole->left) {
        return send_queued(s, msg);
    }
    rest.left--;
    if (rest.left) {
        msg->io = &rest;
        n = send_queued(s, msg);
        msg->io = whole;
        if (n < 0 || (uint64_t)n < whole->left - 1) {
            return n;
        }
        iobuf_skip(whole, (size_t)n);
    }
    last = may_send(h, s);
    last = last ? last : send_urgent(h, s, msg);
    return last < 0 ? (n ? n : last) : n + last;
}

/* ---- the rest ---- */

static uint32_t stream_poll(struct socket *s)
{
    struct host_sock *h = sock_of(s);
    bool error = atomic_load_relaxed(&s->error);
    uint32_t bits = error ? POLLERR : 0;

    switch (host_state_of(h)) {
    case HOST_NEW: /* connecting has failed */
        return bits | ALL_OUT | POLLHUP | ALL_IN | EPOLLRDHUP;
    case HOST_CONNECTING:
        return bits;
    default:
        break;
    }
    if (h->rx_end) {
        bits |= ALL_IN | EPOLLRDHUP | (h->tx_end ? POLLHUP : 0);
    }
    if (atomic_load_relaxed(&h->rx_bytes) >= least_of(s)) {
        bits |= ALL_IN;
    }
    if (host_stream_is_writable(h) || h->tx_end) {
        bits |= ALL_OUT;
    }
    if (unlikely(atomic_load_acquire(&h->urgent.there)) &&
        !atomic_load_relaxed(&h->urgent.read)) {
        bits |= POLLPRI;
    }
    return bits;
}

static int stream_shutdown(struct socket *s, int how)
{
    struct host_sock *h = sock_of(s);
    uint64_t events = 0;

    if (host_state_of(h) == HOST_CONNECTING) {
        host_stream_undo(s);
        return 0;
    }
    if (host_state_of(h) != HOST_CONNECTED) {
        h->shut = true;
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
        host_stream_send(h);
    }
    if (h->rx_end && h->tx_end) {
        events |= HOST_WAKE_READ(POLLHUP);
    }
    spin_unlock(&h->lock);
    host_wake(inet_of(s), events);
    return 0;
}

static int stream_getname(struct socket *s, int whose, struct abi_sockaddr *out)
{
    struct inet_socket *i = inet_of(s);
    struct host_sock *h = sock_of(s);
    int err;

    if (whose != NAME_OWN) {
        if (whose == NAME_PEER && host_state_of(h) != HOST_CONNECTED) {
            return -ENOTCONN;
        }
        return (int)inet_addr_put(out, s->family, &i->peer);
    }
    if (!h->named) {
        err = host_learn_name_of(i, h);
        if (err) {
            return err;
        }
        h->named = host_state_of(h) == HOST_CONNECTED;
    }
    return (int)inet_addr_put(out, s->family, &i->local);
}

static uint8_t tcp_state(const struct host_sock *h)
{
    static const uint8_t connected[2][2] = {
        {TCP_STATE_ESTABLISHED, TCP_STATE_FIN_WAIT2},
        {TCP_STATE_CLOSE_WAIT, TCP_STATE_CLOSE}};

    return h->state == HOST_NEW          ? TCP_STATE_CLOSE
           : h->state == HOST_CONNECTING ? TCP_STATE_SYN_SENT
                                         : connected[h->rx_end][h->tx_end];
}

void host_look_at(struct inet_socket *i, struct inet_look *out)
{
    struct host_sock *h;

    out->state = TCP_STATE_CLOSE;
    spin_lock(&i->s.lock); /* it stays (host_part) */
    h = atomic_load_acquire(&i->host);
    if (h) {
        out->state = tcp_state(h);
        out->rx = atomic_load_relaxed(&h->rx_bytes);
        out->tx = atomic_load_relaxed(&h->tx_bytes);
        out->shut = (uint8_t)(h->rx_end | h->tx_end << 1);
    }
    spin_unlock(&i->s.lock);
}

bool host_lacks_name(struct inet_socket *i)
{
    struct host_sock *h;
    bool lacks;

    spin_lock(&i->s.lock);
    h = i->s.ops == &host_stream_ops ? atomic_load_acquire(&i->host) : NULL;
    lacks = h && !h->named && host_state_of(h) == HOST_CONNECTED;
    spin_unlock(&i->s.lock);
    return lacks;
}

/* The socket is in use: by a lock of its own, h stays while the host is asked.
 */
void host_ask_name(struct inet_socket *i)
{
    struct host_sock *h;

    spin_lock(&i->s.lock);
    h = i->s.ops == &host_stream_ops ? atomic_load_acquire(&i->host) : NULL;
    if (h) {
        host_hold(h);
    }
    spin_unlock(&i->s.lock);
    if (h) {
        host_learn_name_of(i, h);
        h->named = true;
        host_drop(h);
    }
}

static long stream_ioctl(struct socket *s, uint32_t cmd, struct uptr arg)
{
    struct host_sock *h = sock_of(s);

    switch (cmd) {
    case FIONREAD:
        return put_user32(arg, atomic_load_relaxed(&h->rx_bytes));
    case TIOCOUTQ:
        return put_user32(arg, atomic_load_relaxed(&h->tx_bytes));
    case SIOCATMARK:
        socket_watch_urgent(s);
        return put_user32(arg, host_urgent_find_mark(h, s));
    default:
        return inet_ioctl(s, cmd, arg);
    }
}

/* What is received ahead just now is called back. */
static void stream_watch_urgent(struct socket *s)
{
    struct host_sock *h = sock_of(s);

    spin_lock(&h->lock);
    host_stream_call_back(h);
    spin_unlock(&h->lock);
}

static void stream_release(struct socket *s)
{
    struct inet_socket *i = inet_of(s);
    struct host_sock *h = host_of(i);
    bool reset = atomic_load_relaxed(&s->flags) & SOCKET_LINGER && !s->linger;

    if (!reset && atomic_load_relaxed(&s->flags) & SOCKET_LINGER) {
        wait_sent(h, s, clock_now() + (uint64_t)s->linger * NSEC_PER_SEC);
    }
    host_part(i);
    host_close(h, reset);
}

/* What only sockets do that are not connected yet. */
static int stream_bind(struct socket *s, const struct abi_sockaddr *name,
                       uint32_t len)
{
    if (host_state_of(sock_of(s)) != HOST_NEW) {
        return -EINVAL;
    }
    host_stream_undo(s);
    inet_failed(inet_of(s));
    return s->ops->bind(s, name, len);
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
    .watch_urgent = stream_watch_urgent,
    .release = stream_release,
    .free = inet_free,
};
