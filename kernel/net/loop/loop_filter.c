/* SPDX-License-Identifier: MIT
 *
 * TCP inside: the receiver's filter (filter.h). A write comes to it in
 * segments, copied once, so that what is received is what it saw; an end is
 * one, too. One that it refuses would be sent again and again and never come,
 * nor would what follows: it is in the stream, but not shown, until the filter
 * is gone.
 */
#include "kernel/net/filter.h"
#include "kernel/net/loop/loop_private.h"
#include "kernel/net/netlink/netif.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/inet.h"

enum {
    HEADER = 20,
    SEGMENT_MOST = 32741,
    TTL = 64,
    FLAGS_DATA = 0x18, /* PSH, ACK */
    FLAGS_END = 0x11,  /* FIN, ACK */
};

static void make_header(const struct inet_socket *to, uint8_t flags,
                        uint8_t *out)
{
    memset(out, 0, HEADER);
    out[0] = (uint8_t)(to->peer.port >> 8);
    out[1] = (uint8_t)to->peer.port;
    out[2] = (uint8_t)(to->local.port >> 8);
    out[3] = (uint8_t)to->local.port;
    out[12] = HEADER / 4 << 4;
    out[13] = flags;
}

/* Whether to takes the segment with these n bytes. */
static bool takes(struct inet_socket *to, uint8_t flags, const uint8_t *segment,
                  uint32_t n)
{
    const struct inet_packet p = {.from = &to->peer,
                                  .to = &to->local,
                                  .interface = NETIF_LOOPBACK,
                                  .ttl = TTL,
                                  .len = HEADER + n,
                                  .protocol = IPPROTO_TCP};
    uint8_t head[INET_HEADERS + HEADER];
    struct bpf_data data;
    uint32_t kept;

    inet_make_packet(&p, head, &data);
    make_header(to, flags, head + data.start);
    data.head_len = data.start + HEADER;
    data.payload = HEADER;
    data.body = segment;
    return socket_filter_run(&to->s, &data, HEADER, &kept) && kept == data.len;
}

/* From here on nothing is shown, unless that is so already. write_lock is held,
 * as for the next two. */
static void look(struct side *d, uint8_t flags, const uint8_t *segment,
                 uint32_t n)
{
    struct inet_socket *to = loop_hold(d->c, d->other);
    struct end *e = d->other;

    if (to && !e->refused && !takes(to, flags, segment, n)) {
        timer_cancel(&e->show_held); /* of earlier bytes */
        atomic_store(&e->held, e->in.head);
        atomic_store(&e->refused, true);
    }
    if (to) {
        socket_unref(&to->s);
    }
}

/* What was held back for more to come is shown. */
static void show_held(struct end *e)
{
    if (!e->refused) {
        atomic_store(&e->held, (uint64_t)NOTHING_HELD);
    }
}

static long put_segment(struct side *d, uint8_t *segment, struct iobuf *io,
                        uint64_t limit)
{
    struct stream *st = &d->other->in;
    uint64_t filled = stream_filled(st);
    uint64_t room = limit > filled ? limit - filled : 0;
    uint32_t n = (uint32_t)MIN(MIN(io->left, (uint64_t)SEGMENT_MOST), room);
    struct iobuf from = *io;
    long put;

    if (!n) {
        return 0;
    }
    if (iobuf_get(&from, segment, n) != (long)n) {
        return -EFAULT;
    }
    look(d, FLAGS_DATA, segment, n);
    iobuf_kernel(&from, segment, n);
    put = stream_put(st, &from, limit, NULL);
    if (put > 0) {
        iobuf_skip(io, (size_t)put);
    }
    return put;
}

long loop_filter_put(struct side *d, struct iobuf *io, uint64_t limit)
{
    uint64_t most = MIN(io->left, (uint64_t)SEGMENT_MOST);
    uint8_t *segment = kmalloc(MAX(most, 1ul));
    long done = 0, n;

    if (!segment) {
        return -ENOMEM;
    }
    show_held(d->other);
    do {
        n = put_segment(d, segment, io, limit);
        done += MAX(n, 0l);
    } while (n > 0 && io->left);
    kfree(segment);
    return done ? done : n;
}

void loop_filter_close(struct side *d)
{
    struct end *e = d->other;

    mutex_lock(&e->in.write_lock);
    show_held(e);
    if (unlikely(e->filtered) && !e->in.closed) {
        look(d, FLAGS_END, NULL, 0);
    }
    mutex_unlock(&e->in.write_lock);
    stream_close(&e->in);
}

void loop_filter_changed(struct socket *s)
{
    struct end *e = side_of(s)->me;
    bool shows;

    mutex_lock(&e->in.write_lock);
    atomic_store_release(&e->filtered, socket_has_filter(s));
    shows = !e->filtered && e->refused;
    if (shows) {
        atomic_store(&e->refused, false);
        atomic_store(&e->held, (uint64_t)NOTHING_HELD);
    }
    mutex_unlock(&e->in.write_lock);
    if (shows) {
        socket_wake_read(s, ALL_IN | (at_end(side_of(s)) ? EPOLLRDHUP : 0));
    }
}
