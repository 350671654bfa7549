/* SPDX-License-Identifier: MIT
 *
 * Urgent bytes from outside (tcp(7), MSG_OOB). The host hands out such a byte
 * by itself, and skips it where it stood; a receive there ends before it, once.
 * So it cannot be found in what was received ahead: from when a program shows
 * that it cares (it polls for POLLPRI, has an owner, SO_OOBINLINE, asks for the
 * byte or the mark), the connection is polled before each receive. When the
 * poll tells of an urgent byte, that is fetched, and then the host is asked
 * before each receive whether its place has come. What was sent before somebody
 * cared is left out of what is read.
 *
 * struct host_urgent is guarded by h->lock, but for who only looks.
 */
#include "kernel/net/host/host_private.h"
#include "kernel/core/hostio.h"
#include "abi/linux/epoll.h"
#include "abi/linux/ioctl.h"

enum { ALL_IN = POLLIN | POLLRDNORM };

bool host_urgent_is_watched(const struct host_sock *h)
{
    return h->owner &&
           atomic_load_relaxed(&h->owner->s.flags) & SOCKET_URGENT_WATCHED;
}

static bool is_inline(const struct host_sock *h)
{
    return h->owner &&
           atomic_load_relaxed(&h->owner->s.flags) & SOCKET_OOBINLINE;
}

/* The position in the stream of what is read next. */
static uint64_t position(const struct host_sock *h)
{
    return h->rx_total - h->rx_bytes;
}

/* ---- receiving ---- */

/* Its place in the stream has come. */
static uint64_t locate(struct host_sock *h)
{
    struct host_urgent *u = &h->urgent;
    struct host_packet *p;

    u->seeking = false;
    u->mark = h->rx_total;
    if (!is_inline(h)) {
        return 0;
    }
    p = host_packet_new(1);
    if (!p) {
        return host_stream_broken(h, ENOMEM);
    }
    p->data[0] = u->byte;
    p->len = 1;
    host_stream_append(h, p, 1);
    return HOST_WAKE_READ(ALL_IN);
}

static uint64_t asked(struct host_op *o, int32_t result)
{
    struct host_sock *h = o->h;
    uint64_t events = 0;
    uint32_t at_mark = 0;

    if (h->closing) {
        return 0;
    }
    if (result >= 0) {
        hostio_receive(&o->buf, 0, &at_mark, sizeof(at_mark));
    }
    if (result < 0 || at_mark) {
        events = locate(h);
    }
    host_stream_take(h);
    return events;
}

static void ask(struct host_sock *h)
{
    struct host_op *o = &h->rx_op;

    if (!host_get_buffer(o, sizeof(uint32_t))) {
        return;
    }
    o->op = (struct hostio_op){.sqe = {.opcode = HOSTOP_IOCTL,
                                       .fd = h->fd,
                                       .op_flags = SIOCATMARK,
                                       .addr = o->buf.at.addr},
                               .ring = RING_HOSTOP};
    o->done = asked;
    host_start(o);
}

static void go_on(struct host_sock *h)
{
    if (h->urgent.seeking) {
        ask(h);
    } else {
        host_stream_take(h);
    }
}

static uint64_t fetched(struct host_op *o, int32_t n)
{
    struct host_sock *h = o->h;
    struct host_urgent *u = &h->urgent;

    if (h->closing) {
        return 0;
    }
    if (n == 1) {
        hostio_receive(&o->buf, 0, &u->byte, 1);
        u->read = false;
        u->seeking = true;
        atomic_store_release(&u->there, true);
    }
    go_on(h);
    return n == 1 ? HOST_WAKE_READ(POLLPRI) : 0;
}

static void fetch(struct host_sock *h)
{
    struct host_op *o = &h->rx_op;

    if (!host_get_buffer(o, 1)) {
        return;
    }
    o->op = (struct hostio_op){.sqe = {.opcode = RINGOP_RECV,
                                       .fd = h->fd,
                                       .addr = o->buf.at.addr,
                                       .op_flags = MSG_OOB | MSG_DONTWAIT,
                                       .len = 1},
                               .max = 1,
                               .ring = RING_URING};
    o->done = fetched;
    host_start(o);
}

bool host_urgent_seek(struct host_sock *h)
{
    if (!h->urgent.seeking || h->urgent.dry) {
        return false;
    }
    ask(h);
    return true;
}

void host_urgent_polled(struct host_sock *h, int32_t bits)
{
    h->urgent.dry = false;
    if (bits & POLLPRI) {
        fetch(h);
    } else {
        go_on(h);
    }
}

/* ---- what programs see ---- */

uint64_t host_urgent_reach(struct host_sock *h)
{
    const struct host_urgent *u = &h->urgent;
    uint64_t most = UINT64_MAX;

    spin_lock(&h->lock);
    if (u->there && !u->seeking && u->mark > position(h)) {
        most = u->mark - position(h);
    }
    spin_unlock(&h->lock);
    return most;
}

bool host_urgent_at_mark(struct host_sock *h)
{
    const struct host_urgent *u = &h->urgent;
    bool at;

    spin_lock(&h->lock);
    at = u->there && !u->seeking && u->mark == position(h);
    spin_unlock(&h->lock);
    return at;
}

/* All before the mark was read, and the host is being asked for it. */
static bool is_uncertain(struct host_sock *h)
{
    const struct host_urgent *u = &h->urgent;
    bool is;

    spin_lock(&h->lock);
    is = u->there && u->seeking && !u->dry && !h->rx_bytes && !h->rx_end;
    spin_unlock(&h->lock);
    return is;
}

bool host_urgent_find_mark(struct host_sock *h, struct socket *s)
{
    while (is_uncertain(h)) {
        hostio_look();
        if (wait_event(&s->can_read, !is_uncertain(h),
                       clock_now() + NSEC_PER_MSEC, WAIT_INTR) == -EINTR) {
            break;
        }
    }
    return host_urgent_at_mark(h);
}

void host_urgent_passed(struct host_sock *h)
{
    struct host_urgent *u = &h->urgent;

    if (!u->seeking && position(h) > u->mark) {
        atomic_store_release(&u->there, false);
    }
}

long host_urgent_recv(struct host_sock *h, struct socket *s,
                      struct socket_msg *msg)
{
    struct host_urgent *u = &h->urgent;
    uint8_t byte;
    bool has;

    socket_watch_urgent(s);
    spin_lock(&h->lock);
    has = u->there && !u->read && !is_inline(h);
    byte = u->byte;
    spin_unlock(&h->lock);
    if (!has) {
        return -EINVAL;
    }
    if (iobuf_put(msg->io, &byte, MIN(msg->io->left, 1ul)) < 0) {
        return -EFAULT;
    }
    if (!(msg->flags & MSG_PEEK)) {
        atomic_store_release(&u->read, true);
    }
    msg->result |= MSG_OOB;
    return 1;
}
