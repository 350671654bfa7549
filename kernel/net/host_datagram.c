/* SPDX-License-Identifier: MIT
 *
 * Datagrams to and from outside. What comes is received ahead: a poll waits at
 * the host without a buffer, then messages are taken until there are none, and
 * queued in the socket (inet_datagram_push), which drops what finds no room as
 * the host would. What goes is sent at once, so that the call can say what
 * became of it.
 */
#include "kernel/net/host_private.h"
#include "kernel/core/hostio.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

enum { DATAGRAM_MOST = 65507, SEND_FLAGS = MSG_DONTROUTE | MSG_CONFIRM };

static uint64_t polled(struct host_op *o, int32_t bits);
static uint64_t received(struct host_op *o, int32_t n);

static void start_poll(struct host_op *o)
{
    host_drop_buffer(o);
    o->op = (struct hostio_op){
        .sqe = {.opcode = RINGOP_POLL_ADD, .fd = o->h->fd, .op_flags = POLLIN},
        .max = 0xffff,
        .ring = RING_URING,
        .parked = true};
    o->done = polled;
    host_start(o);
}

static void start_receive(struct host_op *o)
{
    if (!host_get_buffer(o, MESSAGE_DATA + MESSAGE_MOST)) {
        return;
    }
    hostio_message_prepare(&o->buf);
    o->op = (struct hostio_op){.sqe = {.opcode = RINGOP_RECVMSG,
                                       .fd = o->h->fd,
                                       .addr = o->buf.at.addr,
                                       .len = 1,
                                       .op_flags = MSG_DONTWAIT},
                               .max = MESSAGE_MOST,
                               .ring = RING_URING};
    o->done = received;
    host_start(o);
}

void host_datagram_continue(struct host_sock *h)
{
    if (!h->closing && !h->rx_op.live && h->fd >= 0) {
        start_receive(&h->rx_op);
    }
}

static uint64_t polled(struct host_op *o, int32_t bits)
{
    if (!o->h->closing) {
        start_receive(o);
    }
    return 0;
}

/* A message that the host has put into o's buffer, n bytes of data. */
static void queue(struct inet_socket *i, struct host_op *o, uint32_t n)
{
    uint32_t name_len, control_len, flags;
    struct abi_sockaddr name;
    struct inet_addr from;
    void *data = kmalloc(MAX(n, 1u));

    hostio_message_look(&o->buf, &name_len, &control_len, &flags);
    hostio_receive(&o->buf, MESSAGE_NAME, &name, sizeof(name));
    if (data && !inet_addr_get(&from, i->s.family, &name, name_len) &&
        host_may_receive(i, &from)) {
        hostio_receive(&o->buf, MESSAGE_DATA, data, n);
        inet_datagram_push(i, &from, &i->local, data, n);
    }
    kfree(data);
}

static uint64_t received(struct host_op *o, int32_t n)
{
    struct host_sock *h = o->h;
    struct inet_socket *i = h->owner;

    if (h->closing || !i) {
        return 0;
    }
    if (n == -EAGAIN || n == -ECANCELED || n == -EINTR) {
        start_poll(o);
        return 0;
    }
    if (n < 0) { /* what ICMP has told of an earlier one */
        atomic_store_release(&i->s.error, -n);
        start_receive(o);
        return HOST_WAKE_READ(POLLIN | POLLRDNORM | POLLERR) |
               HOST_WAKE_WRITE(POLLOUT | POLLWRNORM | POLLERR);
    }
    socket_ref(&i->s);
    h->pending++; /* the buffer stays ours without the lock */
    spin_unlock(&h->lock);
    queue(i, o, (uint32_t)n);
    socket_unref(&i->s);
    spin_lock(&h->lock);
    h->pending--;
    if (!h->closing) {
        start_receive(o);
    }
    return 0;
}

/* ---- sending ---- */

/* The descriptor of i, with its port if nobody at the host has that. */
static int prepare(struct inet_socket *i)
{
    struct inet_addr local = i->local;
    struct host_sock *h = host_of(i);
    int err = 0;

    if (!h || !local.port) {
        err = host_make_fd(i);
        if (!err) {
            err = host_bind_fd(i);
        }
        if (err == -EADDRINUSE && !i->bound_port) {
            i->local.port = 0;
            err = host_bind_fd(i);
            i->local = local;
        }
    }
    if (err) {
        if (i->host) {
            host_stop(i);
        }
        return err;
    }
    h = host_of(i);
    if (!atomic_load_relaxed(&h->rx_op.live)) {
        spin_lock(&h->lock);
        host_datagram_continue(h);
        spin_unlock(&h->lock);
    }
    return 0;
}

long host_send_datagram(struct inet_socket *i, struct socket_msg *msg,
                        const struct inet_addr *to)
{
    struct abi_sockaddr name;
    struct hostio_message m = {.name = &name, .len = (uint32_t)msg->io->left};
    long n = host_may_reach(i, to);

    if (!n) {
        n = prepare(i);
    }
    if (n) {
        return n;
    }
    if (msg->io->left > DATAGRAM_MOST) {
        return -EMSGSIZE;
    }
    m.data = kmalloc(MAX(m.len, 1u));
    if (!m.data) {
        return -ENOMEM;
    }
    n = iobuf_get(msg->io, m.data, m.len);
    if (n >= 0 && (uint32_t)n < m.len) {
        n = -EFAULT;
    }
    if (n >= 0) {
        m.name_len = inet_addr_put(&name, i->s.family, to);
        n = hostio_sendmsg(host_of(i)->fd, &m,
                           (int)(msg->flags & SEND_FLAGS) | MSG_NOSIGNAL |
                               (msg->nowait ? MSG_DONTWAIT : 0));
    }
    kfree(m.data);
    return n;
}

int host_connect_datagram(struct inet_socket *i, const struct inet_addr *to)
{
    struct abi_sockaddr name = {.family = AF_UNSPEC};
    uint32_t len = sizeof(name.family) + 14;
    int err = 0;

    if (!to && !i->host) {
        return 0;
    }
    err = to ? host_may_reach(i, to) : 0;
    err = err ? err : prepare(i);
    if (err) {
        return err;
    }
    if (to) {
        len = inet_addr_put(&name, i->s.family, to);
    }
    err = hostio_connect(host_of(i)->fd, &name, len);
    if (!err && to && inet_addr_is_any(&i->local)) {
        err = host_learn_name(i); /* it sends from one address now */
    }
    return err;
}
