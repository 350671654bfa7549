/* SPDX-License-Identifier: MIT
 *
 * Connections of unix(7). connect(2) makes the socket that accept(2) will
 * hand out, joins it to its own and queues it at the listener; the client may
 * write from then on. When the backlog is full, clients wait on the listener's
 * `room`.
 */
#include "kernel/net/unix/unix_private.h"
#include "abi/linux/errno.h"

static void hold_peer(struct unix_socket *u, struct unix_socket *peer)
{
    socket_ref(&peer->s);
    u->peer = peer;
}

void unix_join(struct unix_socket *a, struct unix_socket *b)
{
    hold_peer(a, b);
    hold_peer(b, a);
    unix_who_set_current(&a->peer_who);
    unix_who_set_current(&b->peer_who);
    atomic_store_release(&a->state, UNIX_CONNECTED);
    atomic_store_release(&b->state, UNIX_CONNECTED);
}

/* ---- connecting ---- */

/* listener->s.lock is held. */
static int may_queue(struct unix_socket *listener)
{
    if (listener->dead ||
        atomic_load_acquire(&listener->state) != UNIX_LISTENS ||
        unix_shut(listener) & SHUT_RECV) {
        return -ECONNREFUSED;
    }
    return listener->pending_count > listener->backlog ? -EAGAIN : 0;
}

static bool room_or_end(struct unix_socket *listener)
{
    int err;

    spin_lock(&listener->s.lock);
    err = may_queue(listener);
    spin_unlock(&listener->s.lock);
    return err != -EAGAIN;
}

static int check_state(struct unix_socket *u)
{
    uint32_t state = UNIX_IDLE;

    if (atomic_cas(&u->state, &state, UNIX_CONNECTING)) {
        return 0;
    }
    return state == UNIX_CONNECTED ? -EISCONN : -EINVAL;
}

/* What an accepted socket has from its listener. */
enum { PASSED_ON = SOCKET_PASSES_WHO | SOCKET_PASSSEC | SOCKET_NO_RIGHTS };

/* u, which is CONNECTING, and new become a pair in listener's queue, or
 * nothing has happened. */
static int join_queue(struct unix_socket *u, struct unix_socket *new,
                      struct unix_socket *listener)
{
    int err;

    spin_lock(&listener->s.lock);
    err = may_queue(listener);
    if (!err) {
        struct unix_name *name = atomic_load_acquire(&listener->name);

        if (name) {
            unix_name_ref(name);
            new->name = name;
        }
        hold_peer(new, u);
        hold_peer(u, new);
        unix_who_copy(&u->peer_who, &listener->peer_who);
        unix_who_set_current(&new->peer_who);
        new->listener = listener;
        new->s.flags |= atomic_load_relaxed(&listener->s.flags) & PASSED_ON;
        atomic_store_release(&new->state, UNIX_CONNECTED);
        atomic_store_release(&u->state, UNIX_CONNECTED);
        list_add_tail(&listener->pending, &new->queued);
        listener->pending_count++;
    }
    spin_unlock(&listener->s.lock);
    return err;
}

static int connect_to(struct unix_socket *u, struct unix_socket *new,
                      const struct abi_sockaddr *name, uint32_t len,
                      bool nowait, uint64_t deadline)
{
    struct unix_socket *listener;
    int err = unix_find(u, name, len, &listener);

    if (err) {
        return err;
    }
    for (;;) {
        spin_lock(&listener->s.lock);
        err = may_queue(listener);
        spin_unlock(&listener->s.lock);
        if (!err) {
            err = check_state(u);
            if (err) {
                break;
            }
            err = join_queue(u, new, listener);
            if (!err) {
                socket_ref(&new->s);
                socket_wake_read(&listener->s, ALL_IN);
                socket_wake_write(&u->s, ALL_OUT);
                break;
            }
            atomic_store_release(&u->state, UNIX_IDLE);
        }
        if (err != -EAGAIN || nowait) {
            break;
        }
        err = socket_wait(&listener->room, room_or_end(listener),
                          u->s.send_timeout, deadline);
        if (err) {
            break;
        }
    }
    socket_unref(&listener->s);
    return err;
}

int unix_stream_connect(struct socket *s, const struct abi_sockaddr *name,
                        uint32_t len, bool nowait)
{
    struct unix_socket *u = unix_of(s), *new;
    int err = 0;

    if (len <= sizeof(name->family) || len > sizeof(struct abi_sockaddr_un) ||
        name->family != AF_UNIX) {
        return -EINVAL;
    }
    if (atomic_load_relaxed(&s->flags) & SOCKET_PASSES_WHO) {
        err = unix_autobind(u);
    }
    err = err ? err : unix_new(s->type, &new);
    if (err) {
        return err;
    }
    err =
        connect_to(u, new, name, len, nowait, socket_deadline(s->send_timeout));
    if (err) {
        unix_end(new, false);
    }
    socket_unref(&new->s); /* the queue has its own */
    return err;
}

/* ---- datagrams ---- */

static void set_peer(struct unix_socket *u, struct unix_socket *peer)
{
    struct unix_socket *old;

    spin_lock(&u->s.lock);
    old = u->peer;
    u->peer = peer;
    atomic_store_release(&u->state, peer ? UNIX_CONNECTED : UNIX_IDLE);
    spin_unlock(&u->s.lock);
    if (old) {
        spin_lock(&old->s.lock);
        list_del(&u->watching);
        spin_unlock(&old->s.lock);
        if (old != peer) {
            unix_dgram_parted(u, old);
        }
        socket_unref(&old->s);
    }
    socket_wake_write(&u->s, ALL_OUT);
}

int unix_dgram_connect(struct socket *s, const struct abi_sockaddr *name,
                       uint32_t len, bool nowait)
{
    struct unix_socket *u = unix_of(s), *to, *its;
    int err;

    if (len < sizeof(name->family)) {
        return -EINVAL;
    }
    if (name->family == AF_UNSPEC) {
        set_peer(u, NULL);
        return 0;
    }
    err = unix_find(u, name, len, &to);
    if (!err && atomic_load_relaxed(&s->flags) & SOCKET_PASSES_WHO) {
        err = unix_autobind(u);
        if (err) {
            socket_unref(&to->s);
        }
    }
    if (err) {
        return err;
    }
    spin_lock(&to->s.lock);
    its = to->peer;
    spin_unlock(&to->s.lock);
    if (its && its != u) {
        socket_unref(&to->s);
        return -EPERM;
    }
    set_peer(u, to);
    return 0;
}

/* ---- listening ---- */

int unix_listen(struct socket *s, int backlog)
{
    struct unix_socket *u = unix_of(s);
    struct unix_who old;
    uint32_t state = UNIX_IDLE;

    if (!atomic_load_acquire(&u->name)) {
        return -EINVAL;
    }
    if (!atomic_cas(&u->state, &state, UNIX_LISTENS) && state != UNIX_LISTENS) {
        return -EINVAL;
    }
    spin_lock(&s->lock);
    u->backlog = backlog;
    old = u->peer_who;
    unix_who_set_current(&u->peer_who);
    spin_unlock(&s->lock);
    unix_who_drop(&old);
    atomic_fetch_or(&s->flags, SOCKET_LISTENS);
    wait_wake_all(&u->room);
    return 0;
}

static struct unix_socket *take_pending(struct unix_socket *u)
{
    struct unix_socket *new = NULL;
    struct list *node;

    spin_lock(&u->s.lock);
    node = list_pop(&u->pending);
    if (node) {
        new = list_entry(node, struct unix_socket, queued);
        atomic_store_release(&new->listener, NULL);
        u->pending_count--;
    }
    spin_unlock(&u->s.lock);
    return new;
}

int unix_accept(struct socket *s, struct socket **out, bool nowait)
{
    struct unix_socket *u = unix_of(s), *new;
    uint64_t deadline = socket_deadline(s->recv_timeout);
    int err;

    if (atomic_load_acquire(&u->state) != UNIX_LISTENS) {
        return -EINVAL;
    }
    while ((new = take_pending(u)) == NULL) {
        if (nowait) {
            return -EAGAIN;
        }
        if (unix_shut(u) & SHUT_RECV) {
            return -EINVAL;
        }
        err =
            socket_wait(&s->can_read, !list_empty(&u->pending) || unix_shut(u),
                        s->recv_timeout, deadline);
        if (err) {
            return err;
        }
    }
    wait_wake_all(&u->room);
    *out = &new->s;
    return 0;
}

void unix_drop_pending(struct unix_socket *u)
{
    struct unix_socket *new;

    while ((new = take_pending(u)) != NULL) {
        unix_end(new, true);
        socket_unref(&new->s);
    }
}
