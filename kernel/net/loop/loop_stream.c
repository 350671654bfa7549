/* SPDX-License-Identifier: MIT
 *
 * TCP inside: a connection is a pair of sockets, each with the stream that the
 * other writes (loop_private.h). What programs see of TCP's states: bytes that
 * nobody read make close(2) a reset at once, as does SO_LINGER with no time.
 */
#include "kernel/net/loop/loop_private.h"
#include "kernel/net/count.h"
#include "kernel/net/host/host.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/diag.h"
#include "abi/linux/inet.h"
#include "abi/linux/ioctl.h"

enum {
    GONE = POLLHUP | POLLERR | EPOLLRDHUP,
    /* lo's numbers, in bytes, microseconds and segments. */
    LO_MTU = 65536,
    LO_MSS = 32741,
    LO_MSS6 = 32732,
    LO_ADVMSS = 65483,
    LO_WINDOW = 65483,
    LO_SCALE = 7,
    LO_RTO = 201000,
    LO_ATO = 40000,
    LO_RTT = 20,
    LO_CWND = 10,
    TCPI_OPTIONS = 7, /* timestamps, SACK, scaled windows */
};

/* ---- waking the other end ---- */

static struct inet_socket *hold(struct connection *c, struct inet_socket **at)
{
    struct inet_socket *i;

    spin_lock(&c->lock);
    i = *at;
    if (i) {
        socket_ref(&i->s);
    }
    spin_unlock(&c->lock);
    return i;
}

struct inet_socket *loop_hold(struct connection *c, struct end *e)
{
    return hold(c, &e->i);
}

struct inet_socket *loop_hold_listener(struct connection *c)
{
    return hold(c, &c->listener);
}

/* e's owner cannot go away while we hold the connection's lock only; waking
 * needs no reference to the file. */
void loop_wake_reader(struct side *d, uint32_t events)
{
    struct inet_socket *i = loop_hold(d->c, d->other);

    if (i) {
        d->other->time = inet_stamp(&i->s);
        socket_wake_read(&i->s, events);
        socket_unref(&i->s);
    }
}

void loop_wake_writer(struct side *d, uint32_t events)
{
    struct inet_socket *i = loop_hold(d->c, d->other);

    if (i) {
        socket_wake_write(&i->s, events);
        socket_unref(&i->s);
    }
}

/* ---- ends ---- */

static int loop_shutdown(struct socket *s, int how)
{
    struct side *d = side_of(s);

    if (is_connecting(d->me)) {
        mutex_lock(&inet_of(s)->setup);
        if (s->ops == &loop_stream_ops) {
            loop_disconnect(s);
        }
        mutex_unlock(&inet_of(s)->setup);
        return 0;
    }
    if (is_over(d)) {
        return -ENOTCONN;
    }
    if (how != SHUT_WR) {
        atomic_store_release(&d->me->rx_shut, true);
        socket_wake_read(s, ALL_IN | EPOLLRDHUP);
    }
    if (how != SHUT_RD) {
        atomic_store_release(&d->me->tx_shut, true);
        loop_filter_close(d);
        socket_wake_write(s, ALL_OUT);
        loop_wake_reader(d, ALL_IN | EPOLLRDHUP);
        if (unlikely(is_deferred(d->other))) {
            loop_arrived(d->c);
        }
    }
    return 0;
}

void loop_connection_put(struct connection *c)
{
    if (atomic_sub_fetch(&c->refs, 1) == 0) {
        timer_cancel(&c->defer_over);
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
    if (unlikely(is_connecting(d->me) || (abort && is_deferred(d->other)))) {
        loop_cancel(d);
    }
    abort |= stream_discard(&d->me->in) != 0;
    loop_filter_close(d);
    other = loop_hold(d->c, d->other);
    if (abort && !is_over(d)) {
        net_count(TCP_ESTAB_RESETS);
        net_count(TCP_OUT_RSTS);
    }
    if (other && abort && !is_reset(d->other)) {
        net_count(TCP_ESTAB_RESETS); /* theirs */
        atomic_store_release(&d->other->reset, true);
        socket_fail(&other->s, ECONNRESET);
    }
    if (other) {
        socket_wake_read(&other->s, ALL_IN | EPOLLRDHUP);
        socket_wake_write(&other->s, ALL_OUT);
        socket_unref(&other->s);
    }
    if (unlikely(is_deferred(d->other))) {
        loop_arrived(d->c);
    }
}

static void loop_release(struct socket *s)
{
    struct inet_socket *i = inet_of(s);

    leave(s, atomic_load_relaxed(&s->flags) & SOCKET_LINGER && !s->linger);
    if (i->host) { /* its side stays: others may look at it (inet_for_each) */
        host_stop(i);
    }
}

void loop_forget(struct inet_socket *i)
{
    while (i->side) {
        struct side *d = i->side;

        i->side = d->before;
        loop_connection_put(d->c);
        kfree(d);
    }
}

/* Others may be in a call on it: what they look at stays until the socket's
 * end. */
void loop_disconnect(struct socket *s)
{
    struct side *d = side_of(s);
    bool over = is_reset(d->me) || (d->me->tx_shut && at_end(d));

    leave(s, true);
    atomic_store_release(&d->me->reset, true);
    if (!over) { /* tcp(7) says so of itself, too */
        atomic_store_release(&s->error, ECONNRESET);
    }
    socket_wake_read(s, ALL_IN | GONE);
    socket_wake_write(s, ALL_OUT | GONE);
    if (inet_of(s)->host && !inet_of(s)->bound_port) {
        host_stop(inet_of(s)); /* it kept the port */
    }
    inet_reborn(inet_of(s));
}

/* SO_RCVLOWAT, as far as that much may be on its way: no more than a part of
 * it comes when memory is scarce (limit_of()). */
static uint64_t least_of(const struct socket *s)
{
    int32_t least = atomic_load_relaxed(&s->recv_low);

    return stream_pressure() == STREAM_PLENTY
               ? MIN((uint64_t)least, (uint64_t)LOOP_LIMIT / 2)
               : 1;
}

static uint32_t loop_poll(struct socket *s)
{
    struct side *d = side_of(s);
    struct end *e = d->me;
    bool rx_end = at_end(d), tx_end = atomic_load_relaxed(&e->tx_shut);
    uint64_t filled = readable(e) + is_inline(s, e);
    uint32_t bits = 0;

    if (unlikely(is_connecting(e))) {
        return atomic_load_acquire(&s->error) ? POLLERR : 0;
    }
    if (is_reset(e)) {
        tx_end = true;
    }
    bits |= rx_end ? ALL_IN | EPOLLRDHUP : 0;
    bits |= rx_end && tx_end ? POLLHUP : 0;
    bits |= filled >= least_of(s) ? ALL_IN : 0;
    bits |= tx_end || stream_filled(&d->other->in) <= limit_of(s, d) / 3 * 2
                ? ALL_OUT
                : 0;
    bits |= e->has_urgent && !e->urgent_read ? POLLPRI : 0;
    bits |= atomic_load_acquire(&s->error) ? POLLERR : 0;
    return bits;
}

/* ---- the rest ---- */

static int loop_getname(struct socket *s, int whose, struct abi_sockaddr *out)
{
    struct inet_socket *i = inet_of(s);

    struct side *d = side_of(s);

    if (whose == NAME_PEER && (is_over(d) || is_connecting(d->me))) {
        return -ENOTCONN;
    }
    return (int)inet_addr_put(out, s->family,
                              whose == NAME_OWN ? &i->local : &i->peer);
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

static uint8_t state_of(struct side *d)
{
    if (is_over(d)) {
        return TCP_STATE_CLOSE;
    }
    if (is_connecting(d->me)) {
        return TCP_STATE_SYN_SENT;
    }
    if (atomic_load_relaxed(&d->me->tx_shut)) {
        return TCP_STATE_FIN_WAIT2;
    }
    return has_ended(d->me) ? TCP_STATE_CLOSE_WAIT : TCP_STATE_ESTABLISHED;
}

void loop_look_at(struct inet_socket *i, struct inet_look *out)
{
    struct side *d = i->side;

    out->state = state_of(d);
    out->rx = (uint32_t)readable(d->me);
    out->shut =
        (uint8_t)((atomic_load_relaxed(&d->me->rx_shut) || has_ended(d->me)) |
                  atomic_load_relaxed(&d->me->tx_shut) << 1);
}

/* There are no segments, and so nothing is lost, measured or waited for: what a
 * connection over lo says that has just begun, and what it has carried. */
static void fill_info(struct side *d, struct abi_tcp_info *info)
{
    uint64_t sent = atomic_load_acquire(&d->other->in.head);
    uint64_t received = atomic_load_acquire(&d->me->in.head);

    *info = (struct abi_tcp_info){
        .state = state_of(d),
        .options = TCPI_OPTIONS,
        .scales = LO_SCALE << 4 | LO_SCALE,
        .rto = LO_RTO,
        .ato = LO_ATO,
        .snd_mss = LO_MSS,
        .rcv_mss = LO_MSS,
        .pmtu = LO_MTU,
        .rcv_ssthresh = LO_WINDOW,
        .rtt = LO_RTT,
        .rttvar = LO_RTT / 2,
        .snd_ssthresh = INT32_MAX,
        .snd_cwnd = LO_CWND,
        .advmss = LO_ADVMSS,
        .reordering = 3,
        .rcv_space = LO_WINDOW,
        .max_pacing_rate = UINT64_MAX,
        .bytes_acked = sent + 1, /* and the SYN */
        .bytes_received = received,
        .min_rtt = LO_RTT,
        .bytes_sent = sent,
        .snd_wnd = LO_WINDOW,
        .rcv_wnd = LO_WINDOW,
    };
}

/* The socket stays, and what it is connected by (inet_for_each). */
bool loop_tell_info(struct inet_socket *i, struct abi_tcp_info *out)
{
    bool has = i->s.ops == &loop_stream_ops && i->side;

    if (has) {
        fill_info(i->side, out);
    }
    return has;
}

/* What a connection over lo says of its way; 0: it is not asked that. */
static int32_t number_of_way(const struct socket *s, int level, int name)
{
    bool v6 = s->family == AF_INET6;

    if (level == IPPROTO_TCP && name == TCP_MAXSEG) {
        return v6 ? LO_MSS6 : LO_MSS;
    }
    if (level == IPPROTO_IP && name == IP_MTU) {
        return v6 ? LO_MTU : LO_MTU - 1; /* IPv4 has no larger packets */
    }
    return level == IPPROTO_IPV6 && name == IPV6_MTU && v6 ? LO_MTU : 0;
}

static int loop_getsockopt(struct socket *s, int level, int name, void *value,
                           uint32_t *len)
{
    int32_t number = number_of_way(s, level, name);
    struct abi_tcp_info info;

    if (number) {
        *len = MIN(*len, (uint32_t)sizeof(number));
        memcpy(value, &number, *len);
        return 0;
    }
    if (level != IPPROTO_TCP || name != TCP_INFO) {
        return inet_getsockopt(s, level, name, value, len);
    }
    fill_info(side_of(s), &info);
    *len = MIN(*len, (uint32_t)sizeof(info));
    memcpy(value, &info, *len);
    return 0;
}

/* What tcp(7) lets out at once: the end of TCP_CORK, TCP_NODELAY. */
static void note_option(struct side *d, int name, int32_t number)
{
    if (name == TCP_CORK) {
        atomic_store_relaxed(&d->me->corked, number != 0);
    }
    if ((name == TCP_CORK && !number) || (name == TCP_NODELAY && number)) {
        loop_push(d);
    }
}

static int loop_setsockopt(struct socket *s, int level, int name,
                           const void *value, uint32_t len)
{
    int32_t number = 0;
    int err;

    if (level == SOL_SOCKET &&
        (name == SO_ATTACH_FILTER || name == SO_DETACH_FILTER)) {
        loop_filter_changed(s);
        return 0;
    }
    memcpy(&number, value, MIN(len, (uint32_t)sizeof(number)));
    if (level == IPPROTO_TCP && name == TCP_WINDOW_CLAMP && !number &&
        !is_over(side_of(s))) {
        return -EINVAL;
    }
    err = inet_setsockopt(s, level, name, value, len);
    if (!err && level == IPPROTO_TCP) {
        note_option(side_of(s), name, number);
    }
    return err;
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

const struct socket_ops loop_stream_ops = {
    .bind = refuse_bind,
    .connect = loop_connect_again,
    .listen = refuse_listen,
    .accept = refuse_accept,
    .sendmsg = loop_send,
    .recvmsg = loop_recv,
    .shutdown = loop_shutdown,
    .getname = loop_getname,
    .setsockopt = loop_setsockopt,
    .getsockopt = loop_getsockopt,
    .ioctl = loop_ioctl,
    .poll = loop_poll,
    .release = loop_release,
    .free = inet_free,
};
