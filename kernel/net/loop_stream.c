/* SPDX-License-Identifier: MIT
 *
 * TCP inside: a connection is a pair of sockets, each with the stream that the
 * other writes. What programs see of TCP's states: a peer that closed can
 * still be written to, once, and then there is a reset; bytes that nobody read
 * make close(2) a reset at once, as does SO_LINGER with no time.
 *
 * Either end holds the whole connection by a reference. ends guards what both
 * look at: `gone`, and the urgent byte.
 */
#include "kernel/net/loop.h"
#include "kernel/fs/async.h"
#include "kernel/net/host.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/epoll.h"
#include "abi/linux/errno.h"
#include "abi/linux/inet.h"
#include "abi/linux/ioctl.h"

enum {
    ALL_IN = POLLIN | POLLRDNORM,
    ALL_OUT = POLLOUT | POLLWRNORM,
    GONE = POLLHUP | POLLERR | EPOLLRDHUP,
    PORT_FIRST = 32768,
    PORT_COUNT = 28232,
    TCP_INFO_SIZE = 104,
    TCP_ESTABLISHED = 1,
    TCP_CLOSE_ = 7,
    HELD_MOST = 32741,           /* a segment of lo's */
    HELD_NS = 200 * 1000 * 1000, /* tcp(7): MSG_MORE waits no longer */
    /* What TCP would let wait in its two buffers, which grow. */
    LIMIT = STREAM_MOST,
};

struct end {
    struct inet_socket *i; /* NULL: closed; under connection.lock */
    struct stream in;
    bool tx_shut, rx_shut; /* shutdown(2) by its owner; atomic */
    bool reset;            /* atomic */
    bool told;             /* connect(2) has said so */
    bool has_urgent, urgent_read;
    uint8_t urgent;
    uint64_t mark; /* position behind which the urgent byte stood */
    /* MSG_MORE: what is in `in` from here on is not shown yet; atomic. */
    uint64_t held;
    uint32_t recv_buffer; /* 0: grows; what the owner had when it last looked */
    struct timer show_held;
    struct connection *c;
};

struct connection {
    uint32_t refs;        /* atomic */
    struct spinlock lock; /* LOCK_PIPE */
    struct end end[2];
};

/* What i->side points to. */
struct side {
    struct connection *c;
    struct end *me, *other;
    struct side *before; /* of a connection that connect(2) has undone */
};

static const struct socket_ops loop_stream_ops;
static uint32_t next_port;

static struct side *side_of(struct socket *s)
{
    return inet_of(s)->side;
}

/* ---- what can be read ---- */

enum { NOTHING_HELD = -1 };

static uint64_t readable_to(struct end *e)
{
    uint64_t held = atomic_load_acquire(&e->held);

    return MIN(atomic_load_acquire(&e->in.head), held);
}

static uint64_t readable(struct end *e)
{
    uint64_t tail = atomic_load_acquire(&e->in.tail);
    uint64_t to = readable_to(e);

    return to > tail ? to - tail : 0;
}

/* The urgent byte is read like others, in its place. */
static bool is_inline(const struct socket *s, const struct end *e)
{
    return e->has_urgent && !e->urgent_read &&
           atomic_load_relaxed(&s->flags) & SOCKET_OOBINLINE;
}

/* ---- how much may be written ---- */

/* The owner of e tells the writer of its buffer. */
static void tell_buffer(const struct socket *s, struct end *e)
{
    bool set = atomic_load_relaxed(&s->flags) & SOCKET_RCVBUF_SET;
    uint32_t size = set ? atomic_load_relaxed(&s->recv_buffer) : 0;

    if (unlikely(size != atomic_load_relaxed(&e->recv_buffer))) {
        atomic_store_relaxed(&e->recv_buffer, size);
    }
}

/* Bytes that s may have written and the other end not read. */
static uint64_t limit_of(const struct socket *s, struct side *d)
{
    uint64_t theirs = atomic_load_relaxed(&d->other->recv_buffer);

    if (likely(!theirs) ||
        !(atomic_load_relaxed(&s->flags) & SOCKET_SNDBUF_SET)) {
        return LIMIT;
    }
    return MIN(atomic_load_relaxed(&s->send_buffer) + theirs, (uint64_t)LIMIT);
}

/* ---- waking the other end ---- */

static struct inet_socket *hold(struct connection *c, struct end *e)
{
    struct inet_socket *i;

    spin_lock(&c->lock);
    i = e->i;
    if (i) {
        socket_ref(&i->s);
    }
    spin_unlock(&c->lock);
    return i;
}

/* e's owner cannot go away while we hold the connection's lock only; waking
 * needs no reference to the file. */
static void wake_reader(struct side *d, uint32_t events)
{
    struct inet_socket *i = hold(d->c, d->other);

    if (i) {
        socket_wake_read(&i->s, events);
        socket_unref(&i->s);
    }
}

static void wake_writer(struct side *d, uint32_t events)
{
    struct inet_socket *i = hold(d->c, d->other);

    if (i) {
        socket_wake_write(&i->s, events);
        socket_unref(&i->s);
    }
}

/* ---- sending ---- */

static bool is_reset(struct end *e)
{
    return atomic_load_acquire(&e->reset);
}

static bool other_gone(struct side *d)
{
    return !atomic_load_acquire(&d->other->i);
}

/* The peer had closed: what is written now is lost, and the answer to it ends
 * the connection. */
static long write_into_void(struct socket *s, struct iobuf *io)
{
    struct side *d = side_of(s);
    long n = (long)io->left;

    if (!n) {
        return 0;
    }
    atomic_store_release(&d->me->reset, true);
    stream_close(&d->me->in);
    socket_fail(s, EPIPE);
    return n;
}

static void show_held(struct timer *t)
{
    struct end *e = container_of(t, struct end, show_held);
    struct inet_socket *i;

    atomic_store(&e->held, (uint64_t)NOTHING_HELD);
    i = hold(e->c, e);
    if (i) {
        socket_wake_read(&i->s, ALL_IN);
        socket_unref(&i->s);
    }
}

/* Before bytes are appended: whether they are shown. write_lock is held. */
static void hold_back(struct end *e, bool more)
{
    uint64_t held = atomic_load_relaxed(&e->held);
    uint64_t head = atomic_load_relaxed(&e->in.head);

    if (more && held == (uint64_t)NOTHING_HELD) {
        atomic_store(&e->held, head);
        timer_arm(&e->show_held, clock_now() + HELD_NS);
    } else if (!more || head - held > HELD_MOST) {
        atomic_store(&e->held, (uint64_t)NOTHING_HELD);
    }
}

static long send_some(struct socket *s, struct socket_msg *msg)
{
    struct side *d = side_of(s);
    struct stream *st = &d->other->in;
    bool more = msg->flags & MSG_MORE;
    long n;

    if (unlikely(is_reset(d->me) || atomic_load_relaxed(&d->me->tx_shut))) {
        int err = socket_take_error(s);

        return err ? -err : -EPIPE;
    }
    if (unlikely(other_gone(d))) {
        return write_into_void(s, msg->io);
    }
    mutex_lock(&st->write_lock);
    if (unlikely(more || atomic_load_relaxed(&d->other->held) !=
                             (uint64_t)NOTHING_HELD)) {
        hold_back(d->other, more);
    }
    n = st->closed ? -EPIPE : stream_put(st, msg->io, limit_of(s, d), NULL);
    mutex_unlock(&st->write_lock);
    if (unlikely(n == -EPIPE && other_gone(d))) { /* just now */
        return write_into_void(s, msg->io);
    }
    if (n > 0) {
        wake_reader(d, ALL_IN);
    }
    return n;
}

/* The last byte of a send with MSG_OOB. */
static int send_urgent(struct socket *s, struct socket_msg *msg)
{
    struct side *d = side_of(s);
    struct io_owner owner = {0};
    struct inet_socket *to;
    uint8_t byte;

    if (is_reset(d->me) || other_gone(d) || d->me->tx_shut) {
        return -EPIPE;
    }
    if (iobuf_get(msg->io, &byte, 1) != 1) {
        return -EFAULT;
    }
    to = hold(d->c, d->other);
    if (!to) {
        return 1;
    }
    spin_lock(&d->c->lock);
    d->other->urgent = byte;
    d->other->mark = atomic_load_acquire(&d->other->in.head);
    d->other->has_urgent = true;
    d->other->urgent_read = false;
    spin_unlock(&d->c->lock);
    spin_lock(&to->s.lock);
    if (to->s.file) {
        io_owner_get(to->s.file, &owner);
    }
    spin_unlock(&to->s.lock);
    if (owner.pid) {
        io_owner_urgent(&owner);
    }
    socket_wake_read(&to->s, POLLPRI | ALL_IN);
    socket_unref(&to->s);
    return 1;
}

static bool may_send(struct socket *s, struct side *d)
{
    return stream_filled(&d->other->in) < limit_of(s, d) || other_gone(d) ||
           is_reset(d->me) || atomic_load_relaxed(&d->me->tx_shut);
}

static long send_all(struct socket *s, struct socket_msg *msg)
{
    struct side *d = side_of(s);
    uint64_t deadline = socket_deadline(s->send_timeout);
    long done = 0, n, before = (long)msg->io->left;

    for (;;) {
        n = send_some(s, msg);
        if (n > 0) {
            done += n;
        }
        if (n < 0 || !msg->io->left || done == before) {
            break;
        }
        if (msg->nowait) {
            n = -EAGAIN;
            break;
        }
        n = socket_wait(&s->can_write, may_send(s, d), s->send_timeout,
                        deadline);
        if (n) {
            break;
        }
    }
    return done ? done : n;
}

static long loop_send(struct socket *s, struct socket_msg *msg)
{
    uint64_t left = msg->io->left;
    long n = 0;

    if (likely(!(msg->flags & MSG_OOB)) || !left) {
        return send_all(s, msg);
    }
    if (left > 1) {
        struct iobuf rest = *msg->io, *whole = msg->io;

        rest.left = left - 1;
        msg->io = &rest;
        n = send_all(s, msg);
        msg->io = whole;
        if (n < (long)left - 1) {
            return n;
        }
        iobuf_skip(msg->io, left - 1);
    }
    return send_urgent(s, msg) == 1 ? (long)left : n ? n : -EPIPE;
}

/* ---- receiving ---- */

static long recv_urgent(struct socket *s, struct socket_msg *msg)
{
    struct side *d = side_of(s);
    struct end *e = d->me;
    uint8_t byte = e->urgent;

    if (atomic_load_relaxed(&s->flags) & SOCKET_OOBINLINE || !e->has_urgent ||
        e->urgent_read) {
        return -EINVAL;
    }
    if (iobuf_put(msg->io, &byte, MIN(msg->io->left, 1ul)) < 0) {
        return -EFAULT;
    }
    if (!(msg->flags & MSG_PEEK)) {
        e->urgent_read = true;
    }
    msg->result |= MSG_OOB;
    return 1;
}

/* How far one receive goes from pos on: to the urgent mark at most. *inlined:
 * the byte that stands right here, with SO_OOBINLINE. */
static uint64_t reach(struct socket *s, struct end *e, uint64_t pos,
                      bool *inlined)
{
    uint64_t head = readable_to(e);

    *inlined = false;
    if (likely(!e->has_urgent) || e->mark < pos) {
        return head;
    }
    if (e->mark > pos) {
        return MIN(head, e->mark);
    }
    *inlined = is_inline(s, e);
    return head;
}

static long take_inlined(struct end *e, struct socket_msg *msg)
{
    uint8_t byte = e->urgent;

    if (iobuf_put(msg->io, &byte, 1) != 1) {
        return -EFAULT;
    }
    if (!(msg->flags & MSG_PEEK)) {
        e->urgent_read = true;
        e->has_urgent = false;
    }
    return 1;
}

/* Some bytes; 0: there are none. */
static long recv_some(struct socket *s, struct socket_msg *msg, uint64_t *peek)
{
    struct side *d = side_of(s);
    struct stream *st = &d->me->in;
    uint64_t pos, n;
    bool inlined = false;
    long moved, first = 0;

    tell_buffer(s, d->me);
    mutex_lock(&st->read_lock);
    pos = st->tail + *peek;
    n = reach(s, d->me, pos, &inlined);
    if (unlikely(inlined && msg->io->left)) {
        first = take_inlined(d->me, msg);
    }
    n = n > pos && first >= 0 ? MIN(n - pos, msg->io->left) : 0;
    if (!n) {
        moved = 0;
    } else if (unlikely(msg->flags & MSG_TRUNC && !(msg->flags & MSG_PEEK))) {
        iobuf_skip(msg->io, n); /* tcp(7): discarded */
        moved = (long)n;
    } else {
        moved = stream_copy(st, pos, msg->io, n);
    }
    if (moved > 0 && !(msg->flags & MSG_PEEK)) {
        if (d->me->has_urgent && pos >= d->me->mark) {
            d->me->has_urgent = false;
        }
        stream_skip(st, pos + moved);
    }
    mutex_unlock(&st->read_lock);
    if (moved > 0 && msg->flags & MSG_PEEK) {
        *peek += moved;
    } else if (moved > 0 && stream_filled(st) <= LIMIT / 3 * 2) {
        wake_writer(d, ALL_OUT);
    }
    return first && moved <= 0 ? first : first + moved;
}

static bool at_end(struct side *d)
{
    return stream_is_closed(&d->me->in) ||
           atomic_load_relaxed(&d->me->rx_shut) || is_reset(d->me);
}

static bool may_recv(struct socket *s, struct side *d, uint64_t past)
{
    return readable(d->me) > past || at_end(d) || is_inline(s, d->me) ||
           atomic_load_relaxed(&s->error);
}

static long loop_recv(struct socket *s, struct socket_msg *msg)
{
    struct side *d = side_of(s);
    uint64_t deadline = socket_deadline(s->recv_timeout), peek = 0;
    long least = msg->flags & MSG_WAITALL
                     ? (long)msg->io->left
                     : MIN((long)msg->io->left, (long)s->recv_low);
    long done = 0, n = 0;

    msg->name_len = 0;
    if (unlikely(msg->flags & MSG_OOB)) {
        return recv_urgent(s, msg);
    }
    if (unlikely(msg->flags & MSG_ERRQUEUE)) {
        return -EAGAIN;
    }
    for (;;) {
        bool ended = at_end(d);

        n = recv_some(s, msg, &peek);
        if (n < 0 || (!msg->io->left && !done &&
                      readable(d->me))) { /* asked for nothing */
            break;
        }
        done += n;
        if (n && done < least) {
            continue;
        }
        if (n || done >= MAX(least, 1l)) {
            break;
        }
        if (ended) {
            n = done ? 0 : -(long)socket_take_error(s);
            if (n == -EPIPE) { /* an end is an end */
                n = 0;
            }
            break;
        }
        if (msg->nowait) {
            n = -EAGAIN;
            break;
        }
        n = socket_wait(&s->can_read, may_recv(s, d, peek), s->recv_timeout,
                        deadline);
        if (n) {
            break;
        }
    }
    return done ? done : n;
}

/* ---- ends ---- */

static int loop_shutdown(struct socket *s, int how)
{
    struct side *d = side_of(s);

    if (is_reset(d->me)) {
        return -ENOTCONN;
    }
    if (how != SHUT_WR) {
        atomic_store_release(&d->me->rx_shut, true);
        socket_wake_read(s, ALL_IN | EPOLLRDHUP);
    }
    if (how != SHUT_RD) {
        atomic_store_release(&d->me->tx_shut, true);
        atomic_store(&d->other->held, (uint64_t)NOTHING_HELD);
        stream_close(&d->other->in);
        socket_wake_write(s, ALL_OUT);
        wake_reader(d, ALL_IN | EPOLLRDHUP);
    }
    return 0;
}

static void connection_put(struct connection *c)
{
    if (atomic_sub_fetch(&c->refs, 1) == 0) {
        timer_cancel(&c->end[0].show_held);
        timer_cancel(&c->end[1].show_held);
        stream_destroy(&c->end[0].in);
        stream_destroy(&c->end[1].in);
        kfree(c);
    }
}

/* This end is no more. */
static void leave(struct socket *s, bool abort)
{
    struct side *d = side_of(s);
    struct inet_socket *other;

    spin_lock(&d->c->lock);
    atomic_store_release(&d->me->i, NULL);
    spin_unlock(&d->c->lock);
    abort |= stream_discard(&d->me->in) != 0;
    atomic_store(&d->other->held, (uint64_t)NOTHING_HELD);
    stream_close(&d->other->in);
    other = hold(d->c, d->other);
    if (other && abort && !is_reset(d->other)) {
        atomic_store_release(&d->other->reset, true);
        socket_fail(&other->s, ECONNRESET);
    }
    if (other) {
        socket_wake_read(&other->s, ALL_IN | EPOLLRDHUP);
        socket_wake_write(&other->s, ALL_OUT);
        socket_unref(&other->s);
    }
}

static void loop_release(struct socket *s)
{
    struct inet_socket *i = inet_of(s);

    leave(s, atomic_load_relaxed(&s->flags) & SOCKET_LINGER && !s->linger);
    if (i->host) {
        host_stop(i);
    }
    loop_forget(i);
}

void loop_forget(struct inet_socket *i)
{
    while (i->side) {
        struct side *d = i->side;

        i->side = d->before;
        connection_put(d->c);
        kfree(d);
    }
}

/* connect(2) to AF_UNSPEC: a reset, and the socket is as new. Others may be in
 * a call on it: what they look at stays until the socket's end. */
static void disconnect(struct socket *s)
{
    struct side *d = side_of(s);

    leave(s, true);
    atomic_store_release(&d->me->reset, true);
    socket_wake_read(s, ALL_IN | GONE);
    socket_wake_write(s, ALL_OUT | GONE);
    inet_reborn(inet_of(s));
}

static uint32_t loop_poll(struct socket *s)
{
    struct side *d = side_of(s);
    struct end *e = d->me;
    bool rx_end = at_end(d), tx_end = atomic_load_relaxed(&e->tx_shut);
    uint64_t filled = readable(e) + is_inline(s, e);
    uint32_t bits = 0;

    if (is_reset(e)) {
        tx_end = true;
    }
    bits |= rx_end ? ALL_IN | EPOLLRDHUP : 0;
    bits |= rx_end && tx_end ? POLLHUP : 0;
    bits |= filled >= (uint64_t)s->recv_low ? ALL_IN : 0;
    bits |= tx_end || stream_filled(&d->other->in) <= limit_of(s, d) / 3 * 2
                ? ALL_OUT
                : 0;
    bits |= e->has_urgent && !e->urgent_read ? POLLPRI : 0;
    bits |= atomic_load_acquire(&s->error) ? POLLERR : 0;
    return bits;
}

/* ---- the rest ---- */

static int loop_getname(struct socket *s, bool peer, struct abi_sockaddr *out)
{
    struct inet_socket *i = inet_of(s);

    if (peer && is_reset(side_of(s)->me)) {
        return -ENOTCONN;
    }
    return (int)inet_addr_put(out, s->family, peer ? &i->peer : &i->local);
}

static int refuse_bind(struct socket *s, const struct abi_sockaddr *name,
                       uint32_t len)
{
    return -EINVAL;
}

static int refuse_listen(struct socket *s, int backlog)
{
    return -EINVAL;
}

static int refuse_accept(struct socket *s, struct socket **out, bool nowait)
{
    return -EINVAL;
}

static int loop_connect_again(struct socket *s, const struct abi_sockaddr *name,
                              uint32_t len, bool nowait)
{
    struct end *e = side_of(s)->me;
    bool told = e->told;

    if (len >= sizeof(name->family) && name->family == AF_UNSPEC) {
        mutex_lock(&inet_of(s)->setup);
        if (s->ops == &loop_stream_ops) {
            disconnect(s);
        }
        mutex_unlock(&inet_of(s)->setup);
        return 0;
    }
    e->told = true;
    return told ? -EISCONN : 0;
}

static int loop_getsockopt(struct socket *s, int level, int name, void *value,
                           uint32_t *len)
{
    uint8_t info[TCP_INFO_SIZE] = {0};
    uint32_t mss = 32741, window = 10;

    if (level != IPPROTO_TCP || name != TCP_INFO) {
        return inet_getsockopt(s, level, name, value, len);
    }
    info[0] = is_reset(side_of(s)->me) ? TCP_CLOSE_ : TCP_ESTABLISHED;
    memcpy(info + 16, &mss, sizeof(mss)); /* tcpi_snd_mss */
    memcpy(info + 20, &mss, sizeof(mss));
    memcpy(info + 80, &window, sizeof(window)); /* tcpi_snd_cwnd */
    *len = MIN(*len, (uint32_t)sizeof(info));
    memcpy(value, info, *len);
    return 0;
}

static long loop_ioctl(struct socket *s, uint32_t cmd, struct uptr arg)
{
    struct end *e = side_of(s)->me;

    switch (cmd) {
    case FIONREAD:
        return put_user32(arg, (uint32_t)readable(e) + is_inline(s, e));
    case TIOCOUTQ:
        return put_user32(arg, 0);
    case SIOCATMARK:
        return put_user32(arg, e->has_urgent && e->in.tail == e->mark);
    default:
        return inet_ioctl(s, cmd, arg);
    }
}

static const struct socket_ops loop_stream_ops = {
    .bind = refuse_bind,
    .connect = loop_connect_again,
    .listen = refuse_listen,
    .accept = refuse_accept,
    .sendmsg = loop_send,
    .recvmsg = loop_recv,
    .shutdown = loop_shutdown,
    .getname = loop_getname,
    .setsockopt = inet_setsockopt,
    .getsockopt = loop_getsockopt,
    .ioctl = loop_ioctl,
    .poll = loop_poll,
    .release = loop_release,
    .free = inet_free,
};

/* ---- beginning ---- */

static struct connection *connection_new(struct side *side[2])
{
    struct connection *c = kzalloc(sizeof(*c));

    side[0] = kzalloc(sizeof(*side[0]));
    side[1] = kzalloc(sizeof(*side[1]));
    if (!c || !side[0] || !side[1]) {
        kfree(side[0]);
        kfree(side[1]);
        kfree(c);
        return NULL;
    }
    c->refs = 2;
    spin_init(&c->lock, LOCK_PIPE);
    for (int k = 0; k < 2; k++) {
        stream_init(&c->end[k].in);
        c->end[k].held = (uint64_t)NOTHING_HELD;
        c->end[k].c = c;
        timer_init(&c->end[k].show_held, show_held);
        *side[k] =
            (struct side){.c = c, .me = &c->end[k], .other = &c->end[!k]};
    }
    return c;
}

static uint16_t client_port(void)
{
    return PORT_FIRST + atomic_fetch_add(&next_port, 1) % PORT_COUNT;
}

int loop_connect(struct inet_socket *i, struct inet_socket *listener,
                 const struct inet_addr *dest, const struct inet_addr *source,
                 bool nowait)
{
    struct inet_addr local = i->local, peer = i->peer;
    struct inet_socket *conn;
    struct connection *c;
    struct side *side[2];
    int err;

    if (!inet_listener_room(listener)) {
        return -EAGAIN;
    }
    err = inet_accepted(listener, &conn);
    if (err) {
        return err;
    }
    c = connection_new(side);
    if (!c) {
        socket_unref(&conn->s);
        return -ENOMEM;
    }
    i->local = *source;
    if (!i->local.port) {
        i->local.port = client_port();
    }
    i->peer = conn->local = *dest;
    conn->peer = i->local;
    c->end[0].i = i;
    c->end[1].i = conn;
    c->end[0].told = !nowait;
    c->end[1].told = true;
    tell_buffer(&i->s, &c->end[0]);
    tell_buffer(&conn->s, &c->end[1]);
    conn->side = side[1];
    conn->s.ops = &loop_stream_ops;
    err = inet_listener_push(listener, conn);
    if (err) {
        i->local = local;
        i->peer = peer;
        conn->side = NULL;
        socket_unref(&conn->s);
        kfree(side[0]);
        kfree(side[1]);
        c->refs = 1;
        connection_put(c);
        return err;
    }
    side[0]->before = i->side;
    i->side = side[0];
    atomic_store_release(&i->s.ops, &loop_stream_ops);
    if (readable(&c->end[0]) || at_end(side[0])) { /* since it was pushed */
        socket_wake_read(&i->s, ALL_IN);
    }
    socket_wake_write(&i->s, ALL_OUT);
    return nowait ? -EINPROGRESS : 0;
}
