/* SPDX-License-Identifier: MIT
 *
 * TCP inside: connecting. Where the backlog has room, a connection is there at
 * once. Else both its ends are made all the same, but the one that connects
 * says that it is not connected yet, and the other waits at the listener
 * (inet.c) until it is let in (loop_established) or turned away (loop_refused).
 */
#include "kernel/net/loop/loop_private.h"
#include "kernel/net/count.h"
#include "kernel/net/filter.h"
#include "kernel/net/inet/inet_private.h"
#include "kernel/fs/procfs/tunable.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"

enum {
    /* What either end has once it is connected. */
    SEND_BUFFER = 3939840,
};

static uint32_t next_port;

/* ---- waiting for room ---- */

/* c waits no more. */
static void settle(struct connection *c)
{
    struct inet_socket *listener;

    spin_lock(&c->lock);
    listener = c->listener;
    c->listener = NULL;
    spin_unlock(&c->lock);
    atomic_store_release(&c->end[0].connecting, false);
    if (listener) {
        socket_unref(&listener->s);
    }
}

void loop_established(struct inet_socket *conn)
{
    struct side *d = conn->side;

    settle(d->c);
    loop_wake_writer(d, ALL_OUT);
}

void loop_refused(struct inet_socket *conn)
{
    struct side *d = conn->side;
    struct inet_socket *i = loop_hold(d->c, d->other);

    atomic_store_release(&d->other->reset, true);
    settle(d->c);
    if (i) {
        socket_fail(&i->s, ECONNREFUSED);
        socket_unref(&i->s);
    }
}

void loop_cancel(struct side *d)
{
    struct connection *c = d->c;
    struct inet_socket *listener = loop_hold_listener(c), *conn;

    if (!listener) {
        return;
    }
    conn = loop_hold(c, d->other);
    if (conn) {
        if (inet_listener_withdraw(listener, conn)) {
            settle(c);
            conn->s.ops->release(&conn->s);
            socket_unref(&conn->s); /* as it was queued */
        }
        socket_unref(&conn->s);
    }
    socket_unref(&listener->s);
}

/* ---- what connect(2) says ---- */

bool loop_has(const struct socket *s)
{
    return s->ops == &loop_stream_ops;
}

static void undo(struct socket *s)
{
    mutex_lock(&inet_of(s)->setup);
    if (loop_has(s)) {
        loop_disconnect(s);
    }
    mutex_unlock(&inet_of(s)->setup);
}

/* Of a connection that waits no more. */
static int tell(struct socket *s)
{
    struct end *e = side_of(s)->me;
    int err;

    if (is_reset(e)) { /* the next one begins anew */
        err = socket_take_error(s);
        undo(s);
        return err ? -err : -ECONNABORTED;
    }
    e->told = true;
    return 0;
}

int loop_wait_connect(struct socket *s)
{
    struct end *e = side_of(s)->me;
    int err = socket_wait(&s->can_write, !is_connecting(e), s->send_timeout,
                          socket_deadline(s->send_timeout));

    if (err) {
        return err == -EAGAIN ? -EINPROGRESS : err;
    }
    return tell(s);
}

int loop_connect_again(struct socket *s, const struct abi_sockaddr *name,
                       uint32_t len, bool nowait)
{
    struct end *e = side_of(s)->me;

    if (len >= sizeof(name->family) && name->family == AF_UNSPEC) {
        undo(s);
        return 0;
    }
    if (is_connecting(e)) {
        return nowait ? -EALREADY : loop_wait_connect(s);
    }
    return e->told ? -EISCONN : tell(s);
}

/* ---- ports ---- */

struct port_query {
    struct inet_socket *i;
    const struct inet_addr *wanted;
    bool taken;
};

/* `a` is to be bound to; any address of one family takes what is the other's,
 * unless the IPv6 socket of the two keeps to itself. */
static bool addresses_meet(const struct inet_addr *a, bool v6only,
                           const struct inet_addr *b)
{
    if (inet_addr_is_v4(a) != inet_addr_is_v4(b)) {
        return inet_addr_is_any(a) && !v6only;
    }
    return inet_addr_is_any(a) || inet_addr_is_any(b) ||
           !memcmp(a->ip, b->ip, sizeof(a->ip));
}

/* j stays while the list of sockets is locked, and so does its side. */
static void ask_port(struct inet_socket *j, void *arg)
{
    struct port_query *q = arg;
    const uint32_t reuse = SOCKET_REUSEADDR;

    if (j->local.port != q->wanted->port || !loop_has(&j->s) ||
        !atomic_load_acquire(&side_of(&j->s)->me->i) ||
        is_over(side_of(&j->s))) {
        return;
    }
    q->taken |=
        addresses_meet(q->wanted, q->i->v6only || j->v6only, &j->local) &&
        !(atomic_load_relaxed(&j->s.flags) &
          atomic_load_relaxed(&q->i->s.flags) & reuse);
}

bool loop_port_taken(struct inet_socket *i, const struct inet_addr *wanted)
{
    struct port_query q = {.i = i, .wanted = wanted};

    inet_for_each(ask_port, &q);
    return q.taken;
}

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
    timer_init(&c->defer_over, loop_defer_over);
    for (int k = 0; k < 2; k++) {
        stream_init(&c->end[k].in);
        c->end[k].held = (uint64_t)NOTHING_HELD;
        c->end[k].c = c;
        timer_init(&c->end[k].show_held, loop_show_held);
        *side[k] =
            (struct side){.c = c, .me = &c->end[k], .other = &c->end[!k]};
    }
    return c;
}

static uint16_t client_port(void)
{
    uint32_t first = (uint32_t)tunable(&tunable_port_first);
    uint32_t last = (uint32_t)tunable(&tunable_port_last);
    uint32_t count = last < first ? 1 : last - first + 1; /* being changed */

    return (uint16_t)(first + atomic_fetch_add(&next_port, 1) % count);
}

static void begin_end(struct inet_socket *i, struct end *e)
{
    e->i = i;
    if (!(atomic_load_relaxed(&i->s.flags) & SOCKET_SNDBUF_SET)) {
        i->s.send_buffer = SEND_BUFFER;
    }
    tell_buffer(&i->s, e);
    e->filtered = socket_has_filter(&i->s);
    e->corked = inet_option_number(i, IPPROTO_TCP, TCP_CORK, 0);
}

/* Offers conn, c's second end, to listener. *waits: it is to be let in. */
static int offer(struct connection *c, struct inet_socket *conn,
                 struct inet_socket *listener, bool *waits)
{
    enum inet_offer what = OFFER_TAKEN;
    int err;

    socket_ref(&listener->s);
    c->listener = listener;
    c->end[0].connecting = true; /* before anybody can let it in */
    err = inet_listener_offer(listener, conn, &what);
    *waits = what == OFFER_WAITS;
    if (err || what == OFFER_TAKEN) {
        settle(c);
    } else if (what == OFFER_DEFERRED) {
        loop_defer(c, inet_listener_defers(listener));
    }
    return err;
}

int loop_connect(struct inet_socket *i, struct inet_socket *listener,
                 const struct inet_addr *dest, const struct inet_addr *source,
                 bool nowait)
{
    struct inet_addr local = i->local, peer = i->peer;
    struct inet_socket *conn;
    struct connection *c;
    struct side *side[2];
    bool waits;
    int err;

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
    begin_end(i, &c->end[0]);
    begin_end(conn, &c->end[1]);
    c->end[1].told = true;
    conn->side = side[1];
    atomic_store_release(&conn->s.ops, &loop_stream_ops);
    err = offer(c, conn, listener, &waits);
    if (err) {
        i->local = local;
        i->peer = peer;
        socket_unref(&conn->s); /* its side goes with it: others may look */
        kfree(side[0]);
        loop_connection_put(c);
        return err;
    }
    net_count(TCP_ACTIVE_OPENS);
    net_count(TCP_PASSIVE_OPENS);
    c->end[0].told = !nowait && !waits;
    side[0]->before = i->side;
    i->side = side[0];
    atomic_store(&i->s.ops, &loop_stream_ops);
    if (unlikely(socket_has_filter(&i->s))) { /* maybe since begin_end() */
        loop_filter_changed(&i->s);
    }
    if (readable(&c->end[0]) || at_end(side[0])) { /* since it was offered */
        socket_wake_read(&i->s, ALL_IN);
    }
    if (!is_connecting(&c->end[0])) {
        socket_wake_write(&i->s, ALL_OUT);
    }
    return nowait || waits ? -EINPROGRESS : 0;
}
