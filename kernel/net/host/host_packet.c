/* SPDX-License-Identifier: MIT
 *
 * What lies in the queues of a connection: bytes in the kernel's memory, or
 * still (already) in the bounce buffer that the host filled (will read), which
 * saves the larger ones a copy. Such a packet owns its buffer.
 *
 * The host can write to a bounce buffer at any time. So each byte there is
 * fetched once, by the read that uses it up; who looks at bytes that are to
 * stay takes them in first (host_packet_own()).
 */
#include "kernel/net/host/host_private.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

/* Bytes that pass between a program and a bounce buffer at once, over the
 * stack: the program's memory may fault, the host's wants aligned words. */
enum { STAGE = 2048, LINE = 64 };

struct host_packet *host_packet_new(uint32_t room)
{
    struct host_packet *p = kmalloc(sizeof(*p) + room);

    if (p) {
        p->off = p->len = 0;
        p->buf.size = 0;
    }
    return p;
}

struct host_packet *host_packet_around(struct host_buffer *b, uint32_t off,
                                       uint32_t len)
{
    struct host_packet *p = kmalloc(sizeof(*p));

    if (p) {
        p->off = off;
        p->len = len;
        p->buf = *b;
        b->size = 0;
    }
    return p;
}

void host_packet_free(struct host_packet *p)
{
    if (p && p->buf.size) {
        buffer_put(&p->buf);
    }
    kfree(p);
}

struct host_packet *host_packet_own(const struct host_packet *p)
{
    struct host_packet *own = host_packet_new(p->len);

    if (own) {
        own->off = p->off;
        own->len = p->len;
        hostio_receive(&p->buf, 0, own->data, p->len);
    }
    return own;
}

long host_packet_put(const struct host_packet *p, uint32_t over,
                     struct iobuf *io, uint32_t n)
{
    _Alignas(LINE) uint8_t stage[STAGE];
    uint32_t done = 0;
    long moved = 0;

    if (!p->buf.size) {
        return iobuf_put(io, p->data + p->off + over, n);
    }
    while (done < n) {
        uint32_t at = p->off + over + done, skip = at % 8;
        uint32_t part = MIN(n - done, STAGE - skip);

        buffer_read(&p->buf, at - skip, stage, skip + part);
        moved = iobuf_put(io, stage + skip, part);
        if (moved <= 0) {
            break;
        }
        done += (uint32_t)moved;
        if (moved < part) {
            break;
        }
    }
    hostio_count(done, 0); /* once: it waits until all is stored */
    return done || !n ? (long)done : moved;
}

long host_packet_get(struct host_packet *p, struct iobuf *io, uint32_t n)
{
    _Alignas(LINE) uint8_t stage[STAGE];
    uint32_t done = 0;
    long moved = 0;
    void *plain;

    if (!p->buf.size) {
        moved = iobuf_get(io, p->data + p->len, n);
        p->len += moved > 0 ? (uint32_t)moved : 0;
        return moved;
    }
    plain = buffer_plain(&p->buf, p->len, n);
    if (plain) {
        moved = iobuf_get(io, plain, n);
        p->len += moved > 0 ? (uint32_t)moved : 0;
        hostio_count(0, moved > 0 ? (uint64_t)moved : 0);
        return moved;
    }
    while (done < n) {
        /* As far from a line as where it goes: else copying takes twice as
         * long. */
        uint32_t skip = p->len % LINE, part = MIN(n - done, STAGE - skip);

        moved = iobuf_get(io, stage + skip, part);
        if (moved <= 0) {
            break;
        }
        buffer_write(&p->buf, p->len, stage + skip, (size_t)moved);
        p->len += (uint32_t)moved;
        done += (uint32_t)moved;
        if (moved < part) {
            break;
        }
    }
    hostio_count(0, done);
    return done || !n ? (long)done : moved;
}

uint32_t host_packet_left(const struct host_packet *p)
{
    return p->len - p->off;
}

void host_packets_free(struct list *packets)
{
    while (!list_empty(packets)) {
        host_packet_free(
            list_entry(list_pop(packets), struct host_packet, node));
    }
}
