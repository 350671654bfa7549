/* SPDX-License-Identifier: MIT
 *
 * A listening socket's outside half: a few accepts are with the host while the
 * backlog has room, and more of them while connections come faster than the
 * program accepts, so that the host's own backlog does not run over. What they
 * bring becomes a connection at once and receives ahead, so that a server's
 * first read finds its request.
 */
#include "kernel/net/count.h"
#include "kernel/net/host/host_private.h"
#include "kernel/core/hostio.h"
#include "kernel/mm/heap.h"
#include "abi/linux/errno.h"

enum { ACCEPTS_LEAST = 4 };

/* Where it comes from, as the host says. False: that is no address. */
static bool read_peer(struct host_op *o, int family, struct inet_addr *out)
{
    struct abi_sockaddr name;
    uint32_t len;

    hostio_receive(&o->buf, HOST_NAME_LEN_AT, &len, sizeof(len));
    hostio_receive(&o->buf, HOST_NAME_AT, &name, sizeof(name));
    return !inet_addr_get(out, family, &name, MIN(len, (uint32_t)sizeof(name)));
}

static void queue(struct inet_socket *listener, int fd,
                  const struct inet_addr *peer)
{
    struct inet_socket *conn;
    int err = inet_accepted(listener, &conn);

    if (err) {
        host_close_fd(fd);
        return;
    }
    net_count(TCP_PASSIVE_OPENS);
    conn->peer = *peer;
    conn->local = listener->local;
    err = host_stream_adopt(conn, fd);
    if (err) {
        host_close_fd(fd);
    } else {
        err = inet_listener_push(listener, conn);
        if (err) {
            conn->s.ops->release(&conn->s);
        }
    }
    if (err) {
        socket_unref(&conn->s);
    }
}

static uint64_t accepted(struct host_op *o, int32_t fd)
{
    struct host_sock *h = o->h;
    struct inet_socket *i = h->owner;
    struct inet_addr peer;

    if (h->closing || !i) {
        if (fd >= 0) {
            host_close_fd(fd);
        }
        return 0;
    }
    if (fd >= 0 && read_peer(o, i->s.family, &peer)) {
        socket_ref(&i->s);
        h->pending++; /* it stays without the lock */
        spin_unlock(&h->lock);
        queue(i, fd, &peer);
        socket_unref(&i->s);
        spin_lock(&h->lock);
        h->pending--;
        host_listen_continue(h);
        return 0;
    }
    if (fd >= 0) {
        host_close_fd(fd);
    } else if (fd != -ECONNABORTED && fd != -EINTR && fd != -ECANCELED) {
        host_starve(h); /* no descriptors, no memory: it may get better */
        return 0;
    }
    host_listen_continue(h);
    return 0;
}

static void start_accept(struct host_op *o)
{
    uint32_t len = HOSTIO_NAME_MAX;
    uint64_t at;

    if (!host_get_buffer(o, HOST_NAME_LEN_AT + sizeof(len))) {
        return;
    }
    at = o->buf.at.addr;
    hostio_provide(&o->buf, HOST_NAME_LEN_AT, &len, sizeof(len));
    o->op = (struct hostio_op){.sqe = {.opcode = RINGOP_ACCEPT,
                                       .fd = o->h->fd,
                                       .addr = at + HOST_NAME_AT,
                                       .off = at + HOST_NAME_LEN_AT,
                                       .op_flags = O_CLOEXEC},
                               .max = INT32_MAX,
                               .ring = RING_URING,
                               .parked = true};
    o->done = accepted;
    host_start(o);
}

void host_listen_continue(struct host_sock *h)
{
    unsigned wanted, live = 0;

    if (h->closing || !h->owner) {
        return;
    }
    wanted = MIN(inet_listener_room(h->owner),
                 ACCEPTS_LEAST + inet_listener_count(h->owner));
    for (int i = 0; i < HOST_ACCEPTS; i++) {
        live += h->accept_op[i].live;
    }
    for (int i = 0; i < HOST_ACCEPTS && live < wanted; i++) {
        if (!h->accept_op[i].live) {
            start_accept(&h->accept_op[i]);
            live++;
        }
    }
    if (!live) {
        host_starve(h); /* until the program has accepted some */
    }
}

/* Room for what is with the host. */
static int make_accepts(struct host_sock *h)
{
    struct host_op *ops = h->accept_op;

    if (ops) {
        return 0;
    }
    ops = kzalloc(HOST_ACCEPTS * sizeof(*ops));
    if (!ops) {
        return -ENOMEM;
    }
    for (int n = 0; n < HOST_ACCEPTS; n++) {
        ops[n].h = h;
    }
    h->accept_op = ops;
    return 0;
}

int host_listen(struct inet_socket *i, int backlog)
{
    struct host_sock *h;
    int err = 0;

    if (!i->host) {
        err = host_make_fd(i);
        if (!err) {
            err = host_bind_fd(i);
        }
        if (err) {
            if (i->host) {
                host_stop(i);
            }
            return err;
        }
    }
    if (!host_may_listen(i)) {
        return 0; /* for those inside; the host only holds the port */
    }
    h = host_of(i);
    err = make_accepts(h);
    err = err ? err : hostio_listen(h->fd, backlog);
    if (err) {
        return err;
    }
    spin_lock(&h->lock);
    h->kind = HOST_LISTENER;
    h->backlog = backlog;
    host_listen_continue(h);
    spin_unlock(&h->lock);
    hostio_look();
    return 0;
}
