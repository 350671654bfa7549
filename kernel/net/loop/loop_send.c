/* SPDX-License-Identifier: MIT
 *
 * TCP inside: sending. Bytes go into the stream that the other end reads; those
 * with MSG_MORE or TCP_CORK are shown with what follows them, or after a while;
 * a peer that closed can still be written to, once, and then there is a reset.
 * The urgent byte goes beside the stream.
 */
#include "kernel/net/count.h"
#include "kernel/net/loop/loop_private.h"

enum {
    HELD_MOST = 32741,           /* a segment of lo's */
    HELD_NS = 200 * 1000 * 1000, /* tcp(7): MSG_MORE waits no longer */
};

/* The peer had closed: what is written now is lost, and the answer to it ends
 * the connection. */
static long write_into_void(struct socket *s, struct iobuf *io)
{
    struct side *d = side_of(s);
    long n = (long)io->left;

    if (!n) {
        return 0;
    }
    atomic_store_release(&d->me->reset, true);
    net_count(TCP_ESTAB_RESETS);
    net_count(TCP_OUT_RSTS);
    stream_close(&d->me->in);
    socket_fail(s, EPIPE);
    return n;
}

void loop_show_held(struct timer *t)
{
    struct end *e = container_of(t, struct end, show_held);
    struct inet_socket *i;

    atomic_store(&e->held, (uint64_t)NOTHING_HELD);
    i = loop_hold(e->c, e);
    if (i) {
        socket_wake_read(&i->s, ALL_IN);
        socket_unref(&i->s);
    }
}

void loop_push(struct side *d)
{
    struct end *e = d->other;

    if (atomic_load(&e->held) != (uint64_t)NOTHING_HELD &&
        !atomic_load(&e->refused)) {
        loop_show_held(&e->show_held);
    }
}

/* Before bytes are appended: whether they are shown. write_lock is held. */
static void hold_back(struct end *e, bool more)
{
    uint64_t held = atomic_load_relaxed(&e->held);
    uint64_t head = atomic_load_relaxed(&e->in.head);

    if (more && held == (uint64_t)NOTHING_HELD) {
        atomic_store(&e->held, head);
        timer_arm(&e->show_held, clock_now() + HELD_NS);
    } else if (!more || head - held > HELD_MOST) {
        atomic_store(&e->held, (uint64_t)NOTHING_HELD);
    }
}

static long send_some(struct socket *s, struct socket_msg *msg)
{
    struct side *d = side_of(s);
    struct stream *st = &d->other->in;
    bool more = msg->flags & MSG_MORE || atomic_load_relaxed(&d->me->corked);
    long n;

    if (unlikely(is_reset(d->me) || atomic_load_relaxed(&d->me->tx_shut))) {
        int err = socket_take_error(s);

        return err ? -err : -EPIPE;
    }
    if (unlikely(other_gone(d))) {
        return write_into_void(s, msg->io);
    }
    mutex_lock(&st->write_lock);
    if (unlikely(st->closed)) {
        n = -EPIPE;
    } else if (unlikely(atomic_load_acquire(&d->other->filtered))) {
        n = loop_filter_put(d, msg->io, limit_of(s, d));
    } else {
        if (unlikely(more || atomic_load_relaxed(&d->other->held) !=
                                 (uint64_t)NOTHING_HELD)) {
            hold_back(d->other, more);
        }
        n = stream_put(st, msg->io, limit_of(s, d), NULL);
    }
    mutex_unlock(&st->write_lock);
    if (unlikely(n == -EPIPE && other_gone(d))) { /* just now */
        return write_into_void(s, msg->io);
    }
    if (n > 0) {
        loop_wake_reader(d, ALL_IN);
        if (unlikely(is_deferred(d->other))) {
            loop_arrived(d->c);
        }
    }
    return n;
}

/* The last byte of a send with MSG_OOB. */
static int send_urgent(struct socket *s, struct socket_msg *msg)
{
    struct side *d = side_of(s);
    struct inet_socket *to;
    uint8_t byte;

    if (is_reset(d->me) || other_gone(d) || d->me->tx_shut) {
        return -EPIPE;
    }
    if (iobuf_get(msg->io, &byte, 1) != 1) {
        return -EFAULT;
    }
    to = loop_hold(d->c, d->other);
    if (!to) {
        return 1;
    }
    spin_lock(&d->c->lock);
    d->other->urgent = byte;
    d->other->mark = atomic_load_acquire(&d->other->in.head);
    d->other->has_urgent = true;
    d->other->urgent_read = false;
    spin_unlock(&d->c->lock);
    socket_urgent(&to->s);
    socket_unref(&to->s);
    if (unlikely(is_deferred(d->other))) {
        loop_arrived(d->c);
    }
    return 1;
}

static bool may_send(struct socket *s, struct side *d)
{
    return stream_filled(&d->other->in) < limit_of(s, d) || other_gone(d) ||
           is_reset(d->me) || atomic_load_relaxed(&d->me->tx_shut);
}

static long send_all(struct socket *s, struct socket_msg *msg)
{
    struct side *d = side_of(s);
    uint64_t deadline = socket_deadline(s->send_timeout);
    long done = 0, n, before = (long)msg->io->left;

    for (;;) {
        n = send_some(s, msg);
        if (n > 0) {
            done += n;
        }
        if (n < 0 || !msg->io->left || done == before) {
            break;
        }
        if (msg->nowait) {
            n = -EAGAIN;
            break;
        }
        n = socket_wait(&s->can_write, may_send(s, d), s->send_timeout,
                        deadline);
        if (n) {
            break;
        }
    }
    return done ? done : n;
}

long loop_send(struct socket *s, struct socket_msg *msg)
{
    uint64_t left = msg->io->left;
    long n = 0;

    if (unlikely(msg->flags & MSG_FASTOPEN && msg->name_len)) {
        return inet_fast_open(s, msg);
    }
    if (unlikely(msg->control_len) && socket_check_control(msg)) {
        return -EINVAL;
    }
    if (likely(!(msg->flags & MSG_OOB)) || !left) {
        return send_all(s, msg);
    }
    if (left > 1) {
        struct iobuf rest = *msg->io, *whole = msg->io;

        rest.left = left - 1;
        msg->io = &rest;
        n = send_all(s, msg);
        msg->io = whole;
        if (n < (long)left - 1) {
            return n;
        }
        iobuf_skip(msg->io, left - 1);
    }
    return send_urgent(s, msg) == 1 ? (long)left : n ? n : -EPIPE;
}
