/* SPDX-License-Identifier: MIT
 *
 * What the files of TCP inside share: loop_connect.c begins a connection,
 * loop_defer.c is TCP_DEFER_ACCEPT,
 * loop_stream.c is what programs see of it until its end, loop_send.c and
 * loop_recv.c move what it carries.
 *
 * Either end holds the whole connection by a reference. connection.lock guards
 * what both look at: `i`, and the urgent byte.
 */
#ifndef KERNEL_NET_LOOP_PRIVATE_H
#define KERNEL_NET_LOOP_PRIVATE_H

#include "kernel/net/loop/loop.h"
#include "abi/linux/epoll.h"
#include "abi/linux/errno.h"

enum {
    ALL_IN = POLLIN | POLLRDNORM,
    ALL_OUT = POLLOUT | POLLWRNORM,
    /* What TCP would let wait in its two buffers, which grow. */
    LOOP_LIMIT = STREAM_MOST,
    RECV_DEFAULT = 131072,   /* a window that nobody has read from */
    LIMIT_LEAST = 2 * 65482, /* segments of lo's that are always on their way */
    NOTHING_HELD = -1,
};

struct end {
    struct inet_socket *i; /* NULL: closed; under connection.lock */
    struct stream in;
    bool tx_shut, rx_shut; /* shutdown(2) by its owner; atomic */
    bool reset;            /* atomic */
    bool told;             /* connect(2) has said so */
    bool connecting;       /* its listener has no room yet; atomic */
    bool corked;           /* TCP_CORK of its owner; atomic */
    bool deferred; /* of end[1]: it waits for data (loop_defer.c); atomic */
    /* The owner has a filter (filter.h), and it has refused what `held` holds
     * back. Both atomic; written under in.write_lock. */
    bool filtered, refused;
    bool has_urgent, urgent_read;
    uint8_t urgent;
    int64_t time;  /* when the last bytes came; 0: the owner does not ask */
    uint64_t mark; /* position behind which the urgent byte stood */
    /* MSG_MORE: what is in `in` from here on is not shown yet; atomic. */
    uint64_t held;
    uint32_t recv_buffer; /* 0: grows; what the owner had when it last looked */
    struct timer show_held;
    struct connection *c;
};

struct connection {
    uint32_t refs;        /* atomic */
    struct spinlock lock; /* LOCK_PIPE */
    /* Counted, under lock: where end[1] waits to be let in, or NULL. */
    struct inet_socket *listener;
    struct end end[2]; /* who connected, and who is accepted */
    struct timer defer_over;
};

/* What i->side points to. */
struct side {
    struct connection *c;
    struct end *me, *other;
    struct side *before; /* of a connection that connect(2) has undone */
};

static inline struct side *side_of(struct socket *s)
{
    return inet_of(s)->side;
}

/* ---- states ---- */

static inline bool is_reset(struct end *e)
{
    return atomic_load_acquire(&e->reset);
}

static inline bool is_connecting(struct end *e)
{
    return atomic_load_acquire(&e->connecting);
}

static inline bool other_gone(struct side *d)
{
    return !atomic_load_acquire(&d->other->i);
}

/* Nothing more comes. An end behind what a filter refuses does not come. */
static inline bool has_ended(struct end *e)
{
    return stream_is_closed(&e->in) && !atomic_load_relaxed(&e->refused);
}

static inline bool at_end(struct side *d)
{
    return has_ended(d->me) || atomic_load_relaxed(&d->me->rx_shut) ||
           is_reset(d->me);
}

/* Either end has said that it sends no more: TCP's CLOSE, or what programs see
 * of TIME_WAIT. */
static inline bool is_over(struct side *d)
{
    return is_reset(d->me) ||
           (atomic_load_relaxed(&d->me->tx_shut) && has_ended(d->me));
}

/* ---- what can be read ---- */

static inline uint64_t readable_to(struct end *e)
{
    uint64_t held = atomic_load_acquire(&e->held);

    return MIN(atomic_load_acquire(&e->in.head), held);
}

static inline uint64_t readable(struct end *e)
{
    uint64_t tail = atomic_load_acquire(&e->in.tail);
    uint64_t to = readable_to(e);

    return to > tail ? to - tail : 0;
}

/* The urgent byte is read like others, in its place. */
static inline bool is_inline(const struct socket *s, const struct end *e)
{
    return e->has_urgent && !e->urgent_read &&
           atomic_load_relaxed(&s->flags) & SOCKET_OOBINLINE;
}

/* ---- how much may be written ---- */

/* The owner of e tells the writer of its buffer. */
static inline void tell_buffer(const struct socket *s, struct end *e)
{
    bool set = atomic_load_relaxed(&s->flags) & SOCKET_RCVBUF_SET;
    uint32_t size = set ? atomic_load_relaxed(&s->recv_buffer) : 0;

    if (unlikely(size != atomic_load_relaxed(&e->recv_buffer))) {
        atomic_store_relaxed(&e->recv_buffer, size);
    }
}

/* Bytes that s may have written and the other end not read. A buffer beyond
 * what there can be still makes a little room when it is made larger, for who
 * waits for that. */
static inline uint64_t limit_of(const struct socket *s, struct side *d)
{
    uint64_t theirs = atomic_load_relaxed(&d->other->recv_buffer);
    uint64_t own, most;

    if (unlikely(is_connecting(d->me))) {
        return 0;
    }
    if (unlikely(stream_pressure() != STREAM_PLENTY)) {
        return stream_pressure() == STREAM_FULL ? PAGE_SIZE : LIMIT_LEAST;
    }
    if (likely(!(atomic_load_relaxed(&s->flags) & SOCKET_SNDBUF_SET))) {
        return LOOP_LIMIT;
    }
    own = atomic_load_relaxed(&s->send_buffer);
    most = LOOP_LIMIT - PAGE_SIZE + MIN(own / PAGE_SIZE, (uint64_t)PAGE_SIZE);
    own += theirs ? theirs : RECV_DEFAULT;
    return MIN(MAX(own, (uint64_t)LIMIT_LEAST), most);
}

/* ---- loop_connect.c ---- */

/* connect(2) once more. */
int loop_connect_again(struct socket *s, const struct abi_sockaddr *name,
                       uint32_t len, bool nowait);
/* Who closes while it connects: nobody will accept the other end. */
void loop_cancel(struct side *d);

/* ---- loop_stream.c ---- */

extern const struct socket_ops loop_stream_ops;

void loop_connection_put(struct connection *c);
/* connect(2) to AF_UNSPEC: a reset, and the socket is as new. */
void loop_disconnect(struct socket *s);

/* ---- loop_send.c ---- */

/* What d's owner has written is held back no longer. */
void loop_push(struct side *d);

/* ---- loop_defer.c ---- */

/* c's second end is in its listener's hands until something comes, or so many
 * seconds. */
void loop_defer(struct connection *c, uint32_t seconds);
/* The end of that: something came. */
void loop_arrived(struct connection *c);
void loop_defer_over(struct timer *t);

static inline bool is_deferred(struct end *e)
{
    return atomic_load_acquire(&e->deferred);
}

/* ---- loop_filter.c ---- */

/* As stream_put() to what d's other end reads, whose owner has a filter;
 * write_lock is held. */
long loop_filter_put(struct side *d, struct iobuf *io, uint64_t limit);
/* Ends what d's other end reads. What its filter refuses stays hidden. */
void loop_filter_close(struct side *d);
/* The filter of s came or went: what it refused is shown when there is none. */
void loop_filter_changed(struct socket *s);

/* ---- loop_stream.c: waking the other end ---- */

/* The owner of e, with a reference; NULL: it is closed. */
struct inet_socket *loop_hold(struct connection *c, struct end *e);
/* The same for the socket that c waits at. */
struct inet_socket *loop_hold_listener(struct connection *c);
void loop_wake_reader(struct side *d, uint32_t events);
void loop_wake_writer(struct side *d, uint32_t events);

/* ---- loop_send.c, loop_recv.c: of the table of operations ---- */

long loop_send(struct socket *s, struct socket_msg *msg);
long loop_recv(struct socket *s, struct socket_msg *msg);
/* What MSG_MORE held back is shown: e's timer. */
void loop_show_held(struct timer *t);

#endif
