/* SPDX-License-Identifier: MIT
 *
 * connect(2) of streams to outside. The host connects while the caller waits
 * or not; a connection that failed may be tried again, and after a connect(2)
 * that waited and failed, also inside.
 */
#include "kernel/net/count.h"
#include "kernel/net/host/host_private.h"
#include "kernel/core/hostio.h"
#include "abi/linux/epoll.h"
#include "abi/linux/errno.h"

enum {
    ALL_IN = POLLIN | POLLRDNORM,
    ALL_OUT = POLLOUT | POLLWRNORM,
    EVERYTHING = ALL_IN | EPOLLRDHUP | POLLHUP | POLLERR,
};

static uint64_t connected(struct host_op *o, int32_t result)
{
    struct host_sock *h = o->h;

    host_drop_buffer(o);
    if (h->closing) {
        return 0;
    }
    if (result < 0) {
        net_count(TCP_ATTEMPT_FAILS);
        if (result == -ECONNREFUSED && h->owner &&
            inet_addr_is_loopback(&h->owner->peer)) {
            net_count(TCP_OUT_RSTS); /* it was this machine that said so */
        }
        h->state = HOST_NEW;
        if (h->owner) {
            atomic_store_release(&h->owner->s.error, -result);
        }
        return HOST_WAKE_READ(EVERYTHING) |
               HOST_WAKE_WRITE(ALL_OUT | POLLHUP | POLLERR);
    }
    h->state = HOST_CONNECTED;
    host_stream_continue(h);
    return HOST_WAKE_WRITE(ALL_OUT);
}

/* Locks h when it can begin to connect: -EALREADY, another thread has begun;
 * -ERESTARTSYS. What else the host is asked, and want of buffers, passes; it is
 * rare, so this looks again and again. */
static int lock_to_connect(struct inet_socket *i, struct host_sock *h,
                           uint32_t room)
{
    for (;;) {
        spin_lock(&h->lock);
        if (h->state != HOST_NEW) {
            spin_unlock(&h->lock);
            return -EALREADY;
        }
        if (!h->control.live && host_get_buffer(&h->control, room)) {
            return 0;
        }
        spin_unlock(&h->lock);
        hostio_look();
        if (wait_event(&i->s.can_write, host_state_of(h) != HOST_NEW,
                       clock_now() + NSEC_PER_MSEC, WAIT_INTR) == -EINTR) {
            return -ERESTARTSYS;
        }
    }
}

static int start_connect(struct inet_socket *i, const struct inet_addr *to)
{
    struct host_sock *h = host_of(i);
    struct host_op *o = &h->control;
    struct abi_sockaddr name;
    uint32_t len = inet_addr_put(&name, i->s.family, to);
    int err = host_may_reach(i, to);

    if (err) {
        return err;
    }
    err = lock_to_connect(i, h, sizeof(name));
    if (err) {
        return err;
    }
    hostio_provide(&o->buf, 0, &name, len);
    h->rx_end = h->tx_end = h->tx_sent_end = h->told = h->named = h->shut =
        false;
    h->state = HOST_CONNECTING;
    i->peer = *to;
    o->op = (struct hostio_op){.sqe = {.opcode = RINGOP_CONNECT,
                                       .fd = h->fd,
                                       .addr = o->buf.at.addr,
                                       .off = len},
                               .ring = RING_URING,
                               .parked = true};
    o->done = connected;
    net_count(TCP_ACTIVE_OPENS);
    host_start(o);
    spin_unlock(&h->lock);
    hostio_look();
    return 0;
}

/* What connect(2) says of a connection that was begun. */
static int wait_connected(struct inet_socket *i, struct host_sock *h,
                          bool nowait)
{
    uint64_t deadline = socket_deadline(i->s.send_timeout);
    int err;

    if (host_state_of(h) == HOST_CONNECTING) {
        if (nowait) {
            return -EINPROGRESS;
        }
        err = socket_wait(&i->s.can_write, host_state_of(h) != HOST_CONNECTING,
                          i->s.send_timeout, deadline);
        if (err) {
            return err == -EAGAIN ? -EINPROGRESS : err;
        }
    }
    if (host_state_of(h) == HOST_CONNECTED) {
        h->told = true;
        return 0;
    }
    err = socket_take_error(&i->s);
    return err ? -err : -ECONNREFUSED;
}

/* The same of one that was begun just now: without waiting, what the other side
 * says is told later, though it may be known already. */
static int first_word(struct inet_socket *i, struct host_sock *h, bool nowait)
{
    int32_t error = atomic_load_relaxed(&i->s.error);

    if (nowait && (host_state_of(h) != HOST_NEW || error == ECONNREFUSED ||
                   error == ECONNRESET)) {
        return -EINPROGRESS;
    }
    return wait_connected(i, h, nowait);
}

int host_connect(struct inet_socket *i, const struct inet_addr *to, bool nowait)
{
    const struct socket_ops *inside = i->s.ops;
    int err = host_make_fd(i);
    struct host_sock *h = host_of(i);

    if (err) {
        return err;
    }
    i->s.ops = &host_stream_ops;
    err = start_connect(i, to);
    if (!err) {
        mutex_unlock(&i->setup);
        err = first_word(i, h, nowait);
        mutex_lock(&i->setup);
    }
    if (err && err != -EINPROGRESS && host_of(i) == h &&
        host_state_of(h) == HOST_NEW) {
        i->s.ops = inside; /* it may connect elsewhere yet */
    }
    return err;
}

void host_stream_undo(struct socket *s)
{
    struct inet_socket *i = inet_of(s);

    mutex_lock(&i->setup);
    if (s->ops == &host_stream_ops) {
        if (host_state_of(host_of(i)) != HOST_NEW) {
            atomic_store_release(&s->error, ECONNRESET);
            host_undo(i);
        }
        inet_reborn(i);
    }
    mutex_unlock(&i->setup);
    socket_wake_read(s, POLLIN | POLLRDNORM | POLLHUP | EPOLLRDHUP);
    socket_wake_write(s, POLLOUT | POLLWRNORM | POLLHUP);
}

int host_stream_connect(struct socket *s, const struct abi_sockaddr *name,
                        uint32_t len, bool nowait)
{
    struct inet_socket *i = inet_of(s);
    struct host_sock *h;
    int err;

    if (len >= sizeof(name->family) && name->family == AF_UNSPEC) {
        host_stream_undo(s);
        return 0;
    }
    h = atomic_load_acquire(&i->host);
    h = h ? h : i->undone;
    switch (host_state_of(h)) {
    case HOST_CONNECTED:
        err = h->told ? -EISCONN : 0;
        h->told = true;
        return err;
    case HOST_CONNECTING:
        err = wait_connected(i, h, nowait);
        return err == -EINPROGRESS && nowait ? -EALREADY : err;
    default: /* it has failed; the next one begins anew */
        if (h->shut) {
            return -EINVAL;
        }
        err = socket_take_error(s);
        host_stream_undo(s);
        return err ? -err : -ECONNABORTED;
    }
}
