/* SPDX-License-Identifier: MIT
 *
 * TCP inside: receiving. A receive ends at the urgent mark (tcp(7)), and with
 * SO_OOBINLINE the urgent byte is read in its place.
 */
#include "kernel/net/loop/loop_private.h"

static long recv_urgent(struct socket *s, struct socket_msg *msg)
{
    struct side *d = side_of(s);
    struct end *e = d->me;
    uint8_t byte = e->urgent;

    if (atomic_load_relaxed(&s->flags) & SOCKET_OOBINLINE || !e->has_urgent ||
        e->urgent_read) {
        return -EINVAL;
    }
    if (iobuf_put(msg->io, &byte, MIN(msg->io->left, 1ul)) < 0) {
        return -EFAULT;
    }
    if (!(msg->flags & MSG_PEEK)) {
        e->urgent_read = true;
    }
    msg->result |= MSG_OOB;
    return 1;
}

/* How far one receive goes from pos on: to the urgent mark at most. *inlined:
 * the byte that stands right here, with SO_OOBINLINE. */
static uint64_t reach(struct socket *s, struct end *e, uint64_t pos,
                      bool *inlined)
{
    uint64_t head = readable_to(e);

    *inlined = false;
    if (likely(!e->has_urgent) || e->mark < pos) {
        return head;
    }
    if (e->mark > pos) {
        return MIN(head, e->mark);
    }
    *inlined = is_inline(s, e);
    return head;
}

static long take_inlined(struct end *e, struct socket_msg *msg)
{
    uint8_t byte = e->urgent;

    if (iobuf_put(msg->io, &byte, 1) != 1) {
        return -EFAULT;
    }
    if (!(msg->flags & MSG_PEEK)) {
        e->urgent_read = true;
        e->has_urgent = false;
    }
    return 1;
}

/* Some bytes; 0: there are none. */
static long recv_some(struct socket *s, struct socket_msg *msg, uint64_t *peek)
{
    struct side *d = side_of(s);
    struct stream *st = &d->me->in;
    uint64_t pos, n;
    bool inlined = false;
    long moved, first = 0;

    tell_buffer(s, d->me);
    mutex_lock(&st->read_lock);
    pos = st->tail + *peek;
    n = reach(s, d->me, pos, &inlined);
    if (unlikely(inlined && msg->io->left)) {
        first = take_inlined(d->me, msg);
    }
    n = n > pos && first >= 0 ? MIN(n - pos, msg->io->left) : 0;
    if (!n) {
        moved = 0;
    } else if (unlikely(msg->flags & MSG_TRUNC)) {
        iobuf_skip(msg->io, n); /* tcp(7): discarded, or only counted */
        moved = (long)n;
    } else {
        moved = stream_copy(st, pos, msg->io, n);
    }
    if (moved > 0 && !(msg->flags & MSG_PEEK)) {
        if (d->me->has_urgent && pos >= d->me->mark) {
            d->me->has_urgent = false;
        }
        stream_skip(st, pos + moved);
    }
    mutex_unlock(&st->read_lock);
    socket_peek_moved(s, msg->flags, moved);
    if (moved > 0 && msg->flags & MSG_PEEK) {
        *peek += moved;
    } else if (moved > 0 && stream_filled(st) <= LOOP_LIMIT / 3 * 2) {
        loop_wake_writer(d, ALL_OUT);
    }
    return first && moved <= 0 ? first : first + moved;
}

static bool may_recv(struct socket *s, struct side *d, uint64_t past)
{
    return readable(d->me) > past || at_end(d) || is_inline(s, d->me) ||
           atomic_load_relaxed(&s->error);
}

long loop_recv(struct socket *s, struct socket_msg *msg)
{
    struct side *d = side_of(s);
    uint64_t deadline = socket_deadline(s->recv_timeout);
    uint64_t peek = socket_peek_start(s, msg->flags);
    long least = msg->flags & MSG_WAITALL
                     ? (long)msg->io->left
                     : MIN((long)msg->io->left, (long)s->recv_low);
    long done = 0, n = 0;

    msg->name_len = 0;
    if (unlikely(msg->flags & MSG_OOB)) {
        return recv_urgent(s, msg);
    }
    if (unlikely(msg->flags & MSG_ERRQUEUE)) {
        return -EAGAIN;
    }
    for (;;) {
        bool ended = at_end(d);

        n = recv_some(s, msg, &peek);
        if (n < 0 || (!msg->io->left && !done &&
                      readable(d->me))) { /* asked for nothing */
            break;
        }
        done += n;
        if (n && done < least) {
            continue;
        }
        if (n || done >= MAX(least, 1l)) {
            break;
        }
        if (ended) {
            n = done ? 0 : -(long)socket_take_error(s);
            if (n == -EPIPE) { /* an end is an end */
                n = 0;
            }
            break;
        }
        if (msg->nowait) {
            n = -EAGAIN;
            break;
        }
        n = socket_wait(&s->can_read, may_recv(s, d, peek), s->recv_timeout,
                        deadline);
        if (n) {
            break;
        }
    }
    if (unlikely(d->me->time) && (done || n > 0)) {
        inet_put_time(s, msg, d->me->time);
    }
    if (unlikely(inet_tells_left(inet_of(s))) && (done || n >= 0)) {
        inet_put_left(msg, readable(d->me), at_end(d));
    }
    return done ? done : n;
}
