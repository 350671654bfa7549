/* SPDX-License-Identifier: MIT
 *
 * What waits in a socket (inet.h): connections to be accepted or datagrams, one
 * queue under s->lock; and listening sockets, whose connections come from
 * outside (inet_listener_push) or inside (inet_listener_offer).
 *
 * A connection inside that the backlog has no room for waits in a list of its
 * own, and one that has brought nothing yet in another, with TCP_DEFER_ACCEPT.
 */
#include "kernel/net/count.h"
#include "kernel/net/host/host.h"
#include "kernel/net/inet/inet_private.h"
#include "kernel/net/loop/loop.h"
#include "kernel/fs/procfs/tunable.h"
#include "kernel/mm/heap.h"
#include "abi/linux/epoll.h"
#include "abi/linux/errno.h"

enum {
    DATAGRAM_COST = 256, /* of each that waits, besides its data */
    ALL_IN = POLLIN | POLLRDNORM,
};

/* ---- the queue ---- */

struct arrival *inet_take_arrival(struct inet_socket *i, bool peek)
{
    struct family_socket *f = family_of(i);
    struct arrival *a = NULL;

    spin_lock(&i->s.lock);
    if (!list_empty(&f->arrivals)) {
        a = list_entry(list_first(&f->arrivals), struct arrival, node);
        if (peek) {
            atomic_fetch_add(&a->refs, 1);
        } else {
            list_del(&a->node);
            f->count--;
            f->bytes -= a->len + DATAGRAM_COST;
        }
    }
    spin_unlock(&i->s.lock);
    return a;
}

void inet_put_arrival(struct arrival *a)
{
    if (atomic_sub_fetch(&a->refs, 1) == 0) {
        kfree(a);
    }
}

static void drop_arrivals(struct inet_socket *i)
{
    struct arrival *a;

    while ((a = inet_take_arrival(i, false)) != NULL) {
        if (a->conn) { /* nobody accepts it: a reset */
            a->conn->s.linger = 0;
            atomic_fetch_or(&a->conn->s.flags, SOCKET_LINGER);
            a->conn->s.ops->release(&a->conn->s);
            socket_unref(&a->conn->s);
        }
        inet_put_arrival(a);
    }
}

/* a is accepted soon, or never. s.lock is held. */
static void uncount_deferred(struct family_socket *f, struct arrival *a)
{
    f->deferred_count -= a->deferred;
    a->deferred = false;
}

/* Nobody will let them in. */
static void turn_away(struct inet_socket *i, struct list *from)
{
    struct list *node;

    for (;;) {
        struct arrival *a;

        spin_lock(&i->s.lock);
        node = list_pop(from);
        if (node) {
            uncount_deferred(family_of(i),
                             list_entry(node, struct arrival, node));
        }
        spin_unlock(&i->s.lock);
        if (!node) {
            return;
        }
        a = list_entry(node, struct arrival, node);
        loop_refused(a->conn);
        a->conn->s.ops->release(&a->conn->s);
        socket_unref(&a->conn->s);
        kfree(a);
    }
}

bool inet_has_arrival(struct inet_socket *i)
{
    return atomic_load_relaxed(&family_of(i)->count) != 0;
}

/* s.lock is held. */
static void admit(struct family_socket *f, struct arrival *a)
{
    list_add_tail(&f->arrivals, &a->node);
    f->count++;
    f->bytes += a->len + DATAGRAM_COST;
}

bool inet_queue_arrival(struct inet_socket *i, struct arrival *a)
{
    struct family_socket *f = family_of(i);
    bool room;

    spin_lock(&i->s.lock);
    /* Whoever connects has looked for room; accepts that are with the host
     * may bring a few more. */
    room = a->conn ? f->backlog != 0
                   : f->bytes < atomic_load_relaxed(&i->s.recv_buffer);
    if (room) {
        a->refs = 1;
        a->dropped = f->dropped;
        admit(f, a);
    } else {
        f->dropped++;
        net_count(UDP_RECV_ERRORS);
    }
    spin_unlock(&i->s.lock);
    if (room) {
        socket_wake_read(&i->s, ALL_IN);
    }
    return room;
}

void inet_count_dropped(struct inet_socket *i)
{
    spin_lock(&i->s.lock);
    family_of(i)->dropped++;
    spin_unlock(&i->s.lock);
}

/* ---- what comes to a listening socket ---- */

int inet_listener_push(struct inet_socket *listener, struct inet_socket *conn)
{
    struct arrival *a = kzalloc(sizeof(*a));

    if (a) {
        a->conn = conn;
        if (inet_queue_arrival(listener, a)) {
            return 0;
        }
    }
    kfree(a);
    return -EAGAIN;
}

/* As many as the backlog takes are deferred; those after them take its room, as
 * those with a cookie do on Linux. s.lock is held; f listens. */
static enum inet_offer take_in(struct family_socket *f, struct arrival *a)
{
    if (atomic_load_relaxed(&f->defer) && f->deferred_count < f->backlog) {
        a->deferred = true;
        f->deferred_count++;
        list_add_tail(&f->deferred, &a->node);
        return OFFER_DEFERRED;
    }
    if (f->count >= f->backlog) {
        list_add_tail(&f->waiting, &a->node);
        return OFFER_WAITS;
    }
    admit(f, a);
    return OFFER_TAKEN;
}

int inet_listener_offer(struct inet_socket *listener, struct inet_socket *conn,
                        enum inet_offer *out)
{
    struct family_socket *f = family_of(listener);
    struct arrival *a = kzalloc(sizeof(*a));
    bool open;

    if (!a) {
        return -ENOMEM;
    }
    a->conn = conn;
    a->refs = 1;
    spin_lock(&listener->s.lock);
    open = f->backlog != 0;
    if (open) {
        *out = take_in(f, a);
    }
    spin_unlock(&listener->s.lock);
    if (!open) {
        kfree(a);
        return -EAGAIN;
    }
    if (*out == OFFER_TAKEN) {
        socket_wake_read(&listener->s, ALL_IN);
    }
    return 0;
}

/* Takes conn off the list. s.lock is held. */
static struct arrival *take_off(struct list *list, struct inet_socket *conn)
{
    list_for_each (pos, list) {
        struct arrival *a = list_entry(pos, struct arrival, node);

        if (a->conn == conn) {
            list_del(&a->node);
            return a;
        }
    }
    return NULL;
}

bool inet_listener_withdraw(struct inet_socket *listener,
                            struct inet_socket *conn)
{
    struct family_socket *f = family_of(listener);
    struct arrival *found;

    spin_lock(&listener->s.lock);
    found = take_off(&f->waiting, conn);
    found = found ? found : take_off(&f->deferred, conn);
    if (found) {
        uncount_deferred(f, found);
    }
    spin_unlock(&listener->s.lock);
    kfree(found);
    return found != NULL;
}

/* Of those that wait, as many as there is room for. */
static void let_in(struct inet_socket *i)
{
    struct family_socket *f = family_of(i);
    struct inet_socket *conn;

    do {
        conn = NULL;
        spin_lock(&i->s.lock);
        if (!list_empty(&f->waiting) && f->count < f->backlog) {
            struct arrival *a =
                list_entry(list_pop(&f->waiting), struct arrival, node);

            conn = a->conn;
            socket_ref(&conn->s);
            uncount_deferred(f, a);
            admit(f, a);
        }
        spin_unlock(&i->s.lock);
        if (conn) {
            loop_established(conn);
            socket_unref(&conn->s);
            socket_wake_read(&i->s, ALL_IN);
        }
    } while (conn);
}

void inet_listener_ready(struct inet_socket *listener, struct inet_socket *conn)
{
    struct family_socket *f = family_of(listener);
    struct arrival *a;

    spin_lock(&listener->s.lock);
    a = take_off(&f->deferred, conn);
    if (a) {
        list_add_tail(&f->waiting, &a->node);
    }
    spin_unlock(&listener->s.lock);
    let_in(listener);
}

uint32_t inet_listener_defers(struct inet_socket *listener)
{
    return atomic_load_relaxed(&family_of(listener)->defer);
}

unsigned inet_listener_count(struct inet_socket *listener)
{
    return atomic_load_relaxed(&family_of(listener)->count);
}

unsigned inet_listener_room(struct inet_socket *listener)
{
    struct family_socket *f = family_of(listener);
    uint32_t count = atomic_load_relaxed(&f->count);

    return count < f->backlog ? f->backlog - count : 0;
}

/* ---- listening ---- */

bool inet_listens(struct inet_socket *i)
{
    return atomic_load_acquire(&family_of(i)->backlog) != 0;
}

void inet_stop_listening(struct inet_socket *i)
{
    loop_del(i);
    atomic_store_release(&family_of(i)->backlog, 0);
    family_of(i)->rx_shut = false;
    atomic_fetch_and(&i->s.flags, ~(uint32_t)SOCKET_LISTENS);
    if (i->host) {
        host_stop(i);
    }
    drop_arrivals(i);
    /* Those that something comes for now go from the first to the second. */
    turn_away(i, &family_of(i)->deferred);
    turn_away(i, &family_of(i)->waiting);
}

/* setup is held. */
static int listen_locked(struct inet_socket *i, int backlog)
{
    struct family_socket *f = family_of(i);
    uint32_t before = f->backlog;
    int err;

    if (i->s.ops != &inet_ops || f->failed) {
        return -EINVAL;
    }
    atomic_store_release(&f->backlog, (uint32_t)backlog + 1);
    err = host_listen(i, backlog);
    if (err) {
        atomic_store_release(&f->backlog, before);
        return err;
    }
    atomic_fetch_or(&i->s.flags, SOCKET_LISTENS);
    loop_add(i);
    let_in(i); /* a larger backlog */
    return 0;
}

int inet_listen(struct socket *s, int backlog)
{
    struct inet_socket *i = inet_of(s);
    int err;

    if (s->type != SOCK_STREAM) {
        return -EOPNOTSUPP;
    }
    if (backlog < 0 || backlog > tunable(&tunable_somaxconn)) {
        backlog = (int)tunable(&tunable_somaxconn);
    }
    mutex_lock(&i->setup);
    err = listen_locked(i, backlog);
    mutex_unlock(&i->setup);
    return err;
}

int inet_accept(struct socket *s, struct socket **out, bool nowait)
{
    struct inet_socket *i = inet_of(s);
    uint64_t deadline = socket_deadline(s->recv_timeout);
    struct arrival *a;

    if (s->type != SOCK_STREAM) {
        return -EOPNOTSUPP;
    }
    for (;;) {
        int err;

        if (!inet_listens(i)) {
            return -EINVAL;
        }
        a = inet_take_arrival(i, false);
        if (a) {
            break;
        }
        if (nowait) {
            return -EAGAIN;
        }
        err = socket_wait(&s->can_read, inet_has_arrival(i) || !inet_listens(i),
                          s->recv_timeout, deadline);
        if (err) {
            return err;
        }
    }
    *out = &a->conn->s;
    inet_put_arrival(a);
    if (unlikely(!list_empty(&family_of(i)->waiting))) {
        let_in(i);
    }
    return 0;
}
