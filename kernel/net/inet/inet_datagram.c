/* SPDX-License-Identifier: MIT
 *
 * Datagrams of AF_INET and AF_INET6 (inet.h): to a socket inside, else by way
 * of the host; put together by several sends while the socket is corked
 * (udp(7)); received from the one queue; and the error queue (ip(7),
 * IP_RECVERR), which has what the host told of datagrams that were sent.
 */
#include "kernel/net/count.h"
#include "kernel/net/host/host.h"
#include "kernel/net/inet/inet_private.h"
#include "kernel/core/hostio_op.h"
#include "kernel/net/netlink/netif.h"
#include "kernel/net/loop/loop.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/epoll.h"
#include "abi/linux/errno.h"

enum {
    ERRORS_MOST = 64,    /* that wait in one socket */
    SEGMENTS_MOST = 128, /* of one send, udp(7)'s UDP_SEGMENT */
    ORIGIN_LOCAL = 1,    /* SO_EE_ORIGIN_LOCAL */
    MTU = 65536,         /* of lo */
    TTL_DEFAULT = 64,
    ALL_IN = POLLIN | POLLRDNORM,
    ALL_OUT = POLLOUT | POLLWRNORM,
};

/* ---- sending ---- */

/* What the receiver inside is told of the datagram. */
static void describe(struct inet_socket *i, const struct inet_addr *to,
                     const struct inet_control *c, struct inet_info *out)
{
    bool v4 = inet_addr_is_v4(to);
    int level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
    int32_t ttl = c->ttl, tos = c->tos;

    if (ttl < 0) {
        ttl = inet_option_number(i, level, v4 ? IP_TTL : IPV6_UNICAST_HOPS, -1);
    }
    if (tos < 0) {
        tos = inet_option_number(i, level, v4 ? IP_TOS : IPV6_TCLASS, -1);
    }
    *out = (struct inet_info){.to = *to,
                              .interface = 1, /* lo */
                              .ttl = ttl < 0 ? TTL_DEFAULT : ttl,
                              .tos = tos < 0 ? 0 : tos & 0xff,
                              .time = clock_realtime()};
}

/* Queues what msg has in a socket inside. What it has no room for is lost. */
static long give(struct inet_socket *to, const struct inet_addr *from,
                 const struct inet_info *info, struct socket_msg *msg)
{
    size_t len = msg->io->left;
    struct arrival *a = kmalloc(sizeof(*a) + len);

    if (!a) {
        return -ENOBUFS;
    }
    if (iobuf_get(msg->io, a->data, len) < (long)len) {
        kfree(a);
        return -EFAULT;
    }
    a->conn = NULL;
    a->from = *from;
    a->info = *info;
    a->len = (uint32_t)len;
    if (!inet_hand_over(to, a)) {
        kfree(a);
    }
    return (long)len;
}

/* The host chooses a port that is free there, too. */
static int bind_any(struct inet_socket *i)
{
    int err = 0;

    mutex_lock(&i->setup);
    if (!i->local.port) {
        err = host_bind(i);
        if (!err) {
            loop_add(i);
        }
    }
    mutex_unlock(&i->setup);
    return err;
}

/* -EAGAIN: no socket inside is meant. */
static long send_inside(struct inet_socket *i, struct socket_msg *msg,
                        const struct inet_addr *to,
                        const struct inet_control *c)
{
    struct inet_addr dest, source;
    struct inet_socket *target;
    struct inet_info info;
    long n = 0;

    if (msg->io->left > DATAGRAM_MOST || inet_addr_is_multicast(to)) {
        return -EAGAIN; /* who has joined a group, the host knows */
    }
    loop_route(i, to, &dest, &source);
    target = loop_find(i->s.protocol, &dest, &source);
    if (!target) {
        return -EAGAIN;
    }
    if (!source.port) { /* another thread may have given it one since */
        n = bind_any(i);
        if (!n) {
            loop_route(i, to, &dest, &source);
        }
    }
    if (!n && !inet_addr_is_any(&c->source)) {
        n = host_owns_address(&c->source) ? 0 : -EINVAL;
        memcpy(source.ip, c->source.ip, sizeof(source.ip));
    }
    if (!n) {
        describe(i, &dest, c, &info);
        n = give(target, &source, &info, msg);
    }
    socket_unref(&target->s);
    return n;
}

static long transmit(struct inet_socket *i, struct socket_msg *msg,
                     const struct inet_addr *to, const struct inet_control *c)
{
    long n = send_inside(i, msg, to, c);

    n = n == -EAGAIN ? host_send_datagram(i, msg, to, c) : n;
    if (n >= 0) {
        net_count(UDP_OUT);
    }
    return n;
}

/* ---- corked ---- */

/* Sends what was gathered. cork_lock is held. */
static long flush(struct inet_socket *i)
{
    struct family_socket *f = family_of(i);
    struct inet_control c = {.ttl = -1, .tos = -1};
    struct socket_msg msg = {0};
    struct iobuf io;
    long n;

    if (!f->cork) {
        return 0;
    }
    iobuf_kernel(&io, f->cork, f->cork_len);
    msg.io = &io;
    n = transmit(i, &msg, &f->cork_to, &c);
    kfree(f->cork);
    f->cork = NULL;
    f->cork_len = 0;
    return n;
}

static void drop_cork(struct family_socket *f)
{
    kfree(f->cork);
    f->cork = NULL;
    f->cork_len = 0;
}

/* Where the datagram goes, its first piece says. */
static long gather(struct inet_socket *i, struct socket_msg *msg,
                   const struct inet_addr *to, bool more)
{
    struct family_socket *f = family_of(i);
    size_t len = msg->io->left;
    long n;

    if (!f->cork) {
        f->cork = kmalloc(DATAGRAM_MOST);
        if (!f->cork) {
            return -ENOBUFS;
        }
        f->cork_to = *to;
    }
    if (len > DATAGRAM_MOST - f->cork_len) {
        drop_cork(f);
        return -EMSGSIZE;
    }
    if (iobuf_get(msg->io, f->cork + f->cork_len, len) < (long)len) {
        drop_cork(f);
        return -EFAULT;
    }
    f->cork_len += len;
    n = more ? 0 : flush(i);
    return n < 0 ? n : (long)len;
}

static long send_corked(struct inet_socket *i, struct socket_msg *msg,
                        const struct inet_addr *to)
{
    struct family_socket *f = family_of(i);
    long n;

    mutex_lock(&f->cork_lock);
    n = gather(i, msg, to, msg->flags & MSG_MORE || f->corked);
    mutex_unlock(&f->cork_lock);
    return n;
}

long inet_datagram_uncork(struct inet_socket *i)
{
    struct family_socket *f = family_of(i);
    long n;

    mutex_lock(&f->cork_lock);
    n = flush(i);
    mutex_unlock(&f->cork_lock);
    return n;
}

void inet_datagram_end(struct inet_socket *i)
{
    struct family_socket *f = family_of(i);

    drop_cork(f);
    while (!list_empty(&f->errors)) {
        kfree(list_entry(list_pop(&f->errors), struct arrival, node));
    }
}

/* ---- several at once ---- */

/* As many datagrams of so many bytes as it takes; what went before an error is
 * what was sent. */
static long send_segments(struct inet_socket *i, struct socket_msg *msg,
                          const struct inet_addr *to,
                          const struct inet_control *c, uint32_t size)
{
    uint64_t left = msg->io->left, sent = 0;

    if (left > (uint64_t)size * SEGMENTS_MOST || left > DATAGRAM_MOST) {
        return left > DATAGRAM_MOST ? -EMSGSIZE : -EINVAL;
    }
    while (left) {
        long n;

        msg->io->left = MIN(left, (uint64_t)size);
        left -= msg->io->left;
        n = transmit(i, msg, to, c);
        if (n < 0) {
            return sent ? (long)sent : n;
        }
        sent += (uint64_t)n;
    }
    return (long)sent;
}

static uint32_t segment_size(struct inet_socket *i,
                             const struct inet_control *c)
{
    return c->segment
               ? c->segment
               : (uint32_t)inet_option_number(i, IPPROTO_UDP, UDP_SEGMENT, 0);
}

/* ---- */

/* IPv6 takes AF_UNSPEC for none. */
static bool is_no_name(struct inet_socket *i, const struct socket_msg *msg)
{
    return i->s.family == AF_INET6 &&
           msg->name_len >= sizeof(msg->name->family) &&
           msg->name->family == AF_UNSPEC;
}

/* Where msg goes. */
static int find_target(struct inet_socket *i, const struct socket_msg *msg,
                       struct inet_addr *to)
{
    int err;

    *to = i->peer;
    if (msg->name_len && !is_no_name(i, msg)) {
        err = inet_target(i, to, msg->name, msg->name_len);
        if (err) {
            return err == -EAFNOSUPPORT && msg->name->family == AF_INET
                       ? -ENETUNREACH
                       : err;
        }
        return to->port ? 0 : -EINVAL;
    }
    return to->port || family_of(i)->cork ? 0 : -EDESTADDRREQ;
}

/* IPv6 says so in the error queue, too. */
static void tell_too_long(struct inet_socket *i, const struct inet_addr *to)
{
    struct inet_error e = {
        .error = EMSGSIZE, .origin = ORIGIN_LOCAL, .info = MTU};

    if (!inet_addr_is_v4(to) &&
        atomic_load_relaxed(&family_of(i)->wants) & WANTS_ERRORS6) {
        inet_error_push(i, to, &e, NULL, 0);
    }
}

long inet_datagram_send(struct socket *s, struct socket_msg *msg)
{
    struct inet_socket *i = inet_of(s);
    struct family_socket *f = family_of(i);
    struct inet_control control;
    struct inet_addr to;
    uint32_t size;
    long n;
    int err;

    if (unlikely(!i->local.port)) { /* whatever becomes of it */
        err = bind_any(i);
        if (err) {
            return err;
        }
    }
    if (msg->flags & MSG_OOB && s->family == AF_INET) {
        return -EOPNOTSUPP;
    }
    err = find_target(i, msg, &to);
    if (!err) {
        err = inet_control_get(i, msg, &control);
    }
    if (!err) {
        err = -socket_take_error(s);
    }
    if (!err && f->tx_shut) {
        err = -EPIPE;
    }
    if (err) {
        return err;
    }
    if (unlikely(msg->flags & MSG_MORE || f->corked || f->cork)) {
        return send_corked(i, msg, &to);
    }
    size = segment_size(i, &control);
    n = size && size < msg->io->left
            ? send_segments(i, msg, &to, &control, size)
            : transmit(i, msg, &to, &control);
    if (unlikely(n == -EMSGSIZE)) {
        tell_too_long(i, &to);
    }
    return n;
}

/* ---- receiving ---- */

int inet_datagram_push(struct inet_socket *i, const struct inet_addr *from,
                       const struct inet_info *info, const void *data,
                       size_t len)
{
    struct arrival *a = kmalloc(sizeof(*a) + len);

    if (!a) {
        return -ENOBUFS;
    }
    a->conn = NULL;
    a->from = *from;
    a->info = *info;
    a->len = (uint32_t)len;
    memcpy(a->data, data, len);
    if (!inet_hand_over(i, a)) {
        kfree(a);
        return -ENOBUFS;
    }
    return 0;
}

/* The next datagram, with a reference, or why there is none; NULL and 0: the
 * end. */
static int next_datagram(struct socket *s, struct socket_msg *msg,
                         struct arrival **out)
{
    struct inet_socket *i = inet_of(s);
    struct family_socket *f = family_of(i);
    uint64_t deadline = socket_deadline(s->recv_timeout);
    bool looked = false;

    for (;;) {
        int err = socket_take_error(s);

        if (err) {
            return -err;
        }
        *out = inet_take_arrival(i, msg->flags & MSG_PEEK);
        if (*out) {
            return 0;
        }
        if (msg->nowait && (looked || !i->host)) {
            return -EAGAIN;
        }
        if (msg->nowait) { /* what was sent to us just now has come */
            hostio_look();
            looked = true;
            continue;
        }
        if (f->rx_shut) {
            return 0;
        }
        err =
            socket_wait(&s->can_read,
                        inet_has_arrival(i) || atomic_load_relaxed(&s->error) ||
                            atomic_load_relaxed(&f->rx_shut),
                        s->recv_timeout, deadline);
        if (err) {
            return err;
        }
    }
}

/* The data of a and where it came from: bytes, or -EFAULT. */
static long put_datagram(struct socket *s, struct socket_msg *msg,
                         const struct arrival *a)
{
    uint64_t fits = MIN((uint64_t)a->len, msg->io->left);
    long n = iobuf_put(msg->io, a->data, fits);

    if (n >= 0 && fits < a->len) {
        msg->result |= MSG_TRUNC;
        n = msg->flags & MSG_TRUNC ? (long)a->len : n;
    }
    if (msg->want_name) {
        msg->name_len = inet_addr_put(msg->name, s->family, &a->from);
    }
    return n;
}

/* ---- the error queue ---- */

void inet_error_push(struct inet_socket *i, const struct inet_addr *to,
                     const struct inet_error *error, const void *data,
                     size_t len)
{
    struct family_socket *f = family_of(i);
    struct arrival *a = kzalloc(sizeof(*a) + len);
    bool room;

    if (!a) {
        return;
    }
    if (error->error == ECONNREFUSED) {
        net_count(UDP_NO_PORTS);
    }
    a->from = *to;
    a->error = *error;
    a->info.time = clock_realtime();
    a->len = (uint32_t)len;
    memcpy(a->data, data, len);
    spin_lock(&i->s.lock);
    room = f->error_count < ERRORS_MOST;
    if (room) {
        list_add_tail(&f->errors, &a->node);
        f->error_count++;
        if (error->origin != ORIGIN_LOCAL) {
            atomic_store(&i->s.error, (int32_t)error->error);
        }
    }
    spin_unlock(&i->s.lock);
    if (!room) {
        kfree(a);
        return;
    }
    socket_wake_read(&i->s, ALL_IN | POLLERR);
    socket_wake_write(&i->s, ALL_OUT | POLLERR);
}

/* The first error; SO_ERROR becomes what the one behind it says. */
static struct arrival *take_error(struct inet_socket *i)
{
    struct family_socket *f = family_of(i);
    struct arrival *a = NULL, *next = NULL;

    spin_lock(&i->s.lock);
    if (!list_empty(&f->errors)) {
        a = list_entry(list_pop(&f->errors), struct arrival, node);
        f->error_count--;
        if (!list_empty(&f->errors)) {
            next = list_entry(list_first(&f->errors), struct arrival, node);
        }
        atomic_store(&i->s.error, next ? (int32_t)next->error.error : 0);
    }
    spin_unlock(&i->s.lock);
    return a;
}

static long recv_error(struct socket *s, struct socket_msg *msg)
{
    struct inet_socket *i = inet_of(s);
    struct arrival *a = take_error(i);
    long n;

    if (!a) {
        return -EAGAIN;
    }
    n = put_datagram(s, msg, a);
    msg->result |= MSG_ERRQUEUE;
    inet_control_put_error(i, msg, a);
    kfree(a);
    return n;
}

/* For SIOCGSTAMP, unless the time is told in another way. */
static void note_time(struct inet_socket *i, const struct arrival *a)
{
    const uint32_t told =
        SOCKET_TIMESTAMP | SOCKET_TIMESTAMPNS | SOCKET_RXQ_OVFL;

    if (!(atomic_load_relaxed(&i->s.flags) & told) && !i->s.timestamping) {
        atomic_store_relaxed(&family_of(i)->stamp, a->info.time);
    }
}

long inet_datagram_recv(struct socket *s, struct socket_msg *msg)
{
    struct inet_socket *i = inet_of(s);
    struct arrival *a;
    long n;

    msg->name_len = 0;
    if (msg->flags & MSG_ERRQUEUE) {
        return recv_error(s, msg);
    }
    n = next_datagram(s, msg, &a);
    if (n || !a) {
        return n;
    }
    n = put_datagram(s, msg, a);
    if (n >= 0) {
        net_count(UDP_IN);
        inet_control_put(i, msg, a);
        note_time(i, a);
    }
    inet_put_arrival(a);
    return n;
}
