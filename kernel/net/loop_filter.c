/* SPDX-License-Identifier: MIT
 *
 * TCP inside: the receiver's filter (filter.h). Each write is a segment to it.
 * One that it refuses would be sent again and again and never come, nor would
 * what follows: it is in the stream, but not shown, until the filter is gone.
 */
#include "kernel/net/filter.h"
#include "kernel/net/loop_private.h"
#include "kernel/net/netif.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"

enum { HEADER = 20, SEGMENT_MOST = 32741, ETH_P_IP = 0x0800 };

static void make_header(const struct inet_socket *to, uint8_t *out)
{
    memset(out, 0, HEADER);
    out[0] = (uint8_t)(to->peer.port >> 8);
    out[1] = (uint8_t)to->peer.port;
    out[2] = (uint8_t)(to->local.port >> 8);
    out[3] = (uint8_t)to->local.port;
    out[12] = HEADER / 4 << 4;
    out[13] = 0x18; /* PSH, ACK */
}

/* Whether to takes the segment with these n bytes behind its header. */
static bool takes(struct inet_socket *to, uint8_t *segment, uint32_t n)
{
    const struct bpf_data data = {.head = segment,
                                  .head_len = HEADER + n,
                                  .len = HEADER + n,
                                  .is_packet = true,
                                  .protocol = ETH_P_IP,
                                  .hardware = ARPHRD_LOOPBACK,
                                  .interface = NETIF_LOOPBACK};
    uint32_t kept;

    make_header(to, segment);
    return socket_filter_run(&to->s, &data, HEADER, &kept) && kept == data.len;
}

static bool passes(struct side *d, uint8_t *segment, uint32_t n)
{
    struct inet_socket *to = loop_hold(d->c, d->other);
    bool taken = !to || takes(to, segment, n);

    if (to) {
        socket_unref(&to->s);
    }
    return taken;
}

long loop_filter(struct side *d, const struct iobuf *io)
{
    uint32_t n = (uint32_t)MIN(io->left, (uint64_t)SEGMENT_MOST);
    uint8_t *segment = kmalloc(HEADER + n);
    struct iobuf look = *io;
    struct end *e = d->other;
    long err = 0;

    if (!segment) {
        return -ENOMEM;
    }
    if (iobuf_get(&look, segment + HEADER, n) != (long)n) {
        err = -EFAULT;
    } else if (!passes(d, segment, n) &&
               atomic_load_relaxed(&e->held) == (uint64_t)NOTHING_HELD) {
        atomic_store(&e->held, atomic_load_relaxed(&e->in.head));
    }
    kfree(segment);
    return err;
}
