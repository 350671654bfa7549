/* SPDX-License-Identifier: MIT
 *
 * Datagrams to and from outside. What comes is received ahead: a poll waits at
 * the host without a buffer, then messages are taken until there are none, and
 * queued in the socket (inet_datagram_push), which drops what finds no room as
 * the host would. What goes is sent at once, so that the call can say what
 * became of it. Errors: the host's error queue is emptied into the socket's,
 * and then the error is told, so that who hears of it finds its message.
 */
#include "kernel/net/host/host_private.h"
#include "kernel/core/hostio.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

enum { SEND_FLAGS = MSG_DONTROUTE | MSG_CONFIRM };

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

static void start_message(struct host_op *o, uint32_t flags,
                          uint64_t (*done)(struct host_op *o, int32_t n))
{
    if (!host_get_buffer(o, MESSAGE_DATA + MESSAGE_MOST)) {
        return;
    }
    hostio_message_prepare(&o->buf);
    o->op = (struct hostio_op){.sqe = {.opcode = RINGOP_RECVMSG,
                                       .fd = o->h->fd,
                                       .addr = o->buf.at.addr,
                                       .len = 1,
                                       .op_flags = MSG_DONTWAIT | flags},
                               .max = MESSAGE_MOST,
                               .ring = RING_URING};
    o->done = done;
    host_start(o);
}

static void start_receive(struct host_op *o)
{
    start_message(o, 0, received);
}

void host_datagram_continue(struct host_sock *h)
{
    if (!h->closing && !h->rx_op.live && h->fd >= 0) {
        start_receive(&h->rx_op);
    }
}

/* A message that the host has put into o's buffer, n bytes of data, without
 * the lock: fn is given copies. */
struct copy {
    struct abi_sockaddr name;
    uint8_t control[HOSTIO_CONTROL];
    uint32_t name_len, control_len;
    uint8_t data[];
};

static struct copy *copy_message(struct host_op *o, uint32_t n)
{
    struct copy *c = kmalloc(sizeof(*c) + n);
    uint32_t flags;

    if (!c) {
        return NULL;
    }
    hostio_message_look(&o->buf, &c->name_len, &c->control_len, &flags);
    c->name_len = MIN(c->name_len, (uint32_t)sizeof(c->name));
    hostio_receive(&o->buf, MESSAGE_NAME, &c->name, sizeof(c->name));
    hostio_receive(&o->buf, MESSAGE_CONTROL, c->control, c->control_len);
    hostio_receive(&o->buf, MESSAGE_DATA, c->data, n);
    return c;
}

static void queue(struct inet_socket *i, struct host_op *o, uint32_t n)
{
    struct copy *c = copy_message(o, n);
    struct inet_info info;
    struct inet_addr from;

    if (c && !inet_addr_get(&from, i->s.family, &c->name, c->name_len) &&
        host_may_receive(i, &from)) {
        host_control_get(i, c->control, c->control_len, &info);
        inet_datagram_push(i, &from, &info, c->data, n);
    }
    kfree(c);
}

static void queue_error(struct inet_socket *i, struct host_op *o, uint32_t n)
{
    struct copy *c = copy_message(o, n);
    struct inet_error error;
    struct inet_addr to;

    if (c && host_control_error(c->control, c->control_len, &error)) {
        if (inet_addr_get(&to, i->s.family, &c->name, c->name_len)) {
            to = i->peer;
        }
        o->h->error = 0; /* told with it */
        inet_error_push(i, &to, &error, c->data, n);
    }
    kfree(c);
}

/* Calls fn without the lock; the buffer and the socket stay. */
static void unlocked(struct host_op *o, uint32_t n,
                     void (*fn)(struct inet_socket *i, struct host_op *o,
                                uint32_t n))
{
    struct host_sock *h = o->h;
    struct inet_socket *i = h->owner;

    socket_ref(&i->s);
    h->pending++;
    spin_unlock(&h->lock);
    fn(i, o, n);
    socket_unref(&i->s);
    spin_lock(&h->lock);
    h->pending--;
}

static uint64_t error_received(struct host_op *o, int32_t n)
{
    struct host_sock *h = o->h;
    int32_t error = h->error;

    if (h->closing || !h->owner) {
        return 0;
    }
    if (n >= 0) {
        unlocked(o, (uint32_t)n, queue_error);
        if (!h->closing) {
            start_message(o, MSG_ERRQUEUE, error_received);
        }
        return 0;
    }
    h->error = 0;
    start_receive(o);
    if (!error) {
        return 0;
    }
    atomic_store_release(&h->owner->s.error, error);
    return HOST_WAKE_READ(POLLIN | POLLRDNORM | POLLERR) |
           HOST_WAKE_WRITE(POLLOUT | POLLWRNORM | POLLERR);
}

static uint64_t polled(struct host_op *o, int32_t bits)
{
    if (o->h->closing) {
        return 0;
    }
    if (bits > 0 && bits & POLLERR) {
        start_message(o, MSG_ERRQUEUE, error_received);
    } else {
        start_receive(o);
    }
    return 0;
}

static uint64_t received(struct host_op *o, int32_t n)
{
    struct host_sock *h = o->h;

    if (h->closing || !h->owner) {
        return 0;
    }
    if (n == -EAGAIN || n == -ECANCELED || n == -EINTR) {
        start_poll(o);
        return 0;
    }
    if (n < 0) { /* what ICMP has told of an earlier one */
        h->error = -n;
        start_message(o, MSG_ERRQUEUE, error_received);
        return 0;
    }
    unlocked(o, (uint32_t)n, queue);
    if (!h->closing) {
        start_receive(o);
    }
    return 0;
}

/* ---- sending ---- */

/* The descriptor of i, with its port if nobody at the host has that. i->setup
 * is held. */
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

/* The descriptor stays until host_drop(), though another thread may undo what
 * connect(2) has made. */
static int prepare_and_hold(struct inet_socket *i, struct host_sock **out)
{
    int err;

    mutex_lock(&i->setup);
    err = prepare(i);
    if (!err) {
        *out = host_of(i);
        host_hold(*out);
    }
    mutex_unlock(&i->setup);
    return err;
}

long host_send_datagram(struct inet_socket *i, struct socket_msg *msg,
                        const struct inet_addr *to,
                        const struct inet_control *control)
{
    struct abi_sockaddr name;
    uint8_t room[HOSTIO_CONTROL];
    struct hostio_message m = {
        .name = &name, .control = room, .len = (uint32_t)msg->io->left};
    struct host_sock *h;
    long n = host_may_reach(i, to);

    if (n) {
        return n;
    }
    n = prepare_and_hold(i, &h);
    if (n) {
        return n;
    }
    m.data = msg->io->left > DATAGRAM_MOST ? NULL : kmalloc(MAX(m.len, 1u));
    if (!m.data) {
        host_drop(h);
        return msg->io->left > DATAGRAM_MOST ? -EMSGSIZE : -ENOMEM;
    }
    n = iobuf_get(msg->io, m.data, m.len);
    if (n >= 0 && (uint32_t)n < m.len) {
        n = -EFAULT;
    }
    if (n >= 0) {
        m.name_len = inet_addr_put(&name, i->s.family, to);
        m.control_len = host_control_put(i, to, control, room);
        n = hostio_sendmsg(h->fd, &m,
                           (int)(msg->flags & SEND_FLAGS) | MSG_NOSIGNAL |
                               (msg->nowait ? MSG_DONTWAIT : 0));
    }
    kfree(m.data);
    host_drop(h);
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
