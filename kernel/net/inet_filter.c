/* SPDX-License-Identifier: MIT
 *
 * The filter of a datagram socket (filter.h), which looks at packets: the
 * headers that a datagram would have had are made up, but for checksums.
 */
#include "kernel/net/filter.h"
#include "kernel/net/inet_private.h"
#include "kernel/net/netif.h"
#include "lib/string.h"

enum { IP4_HEADER = 20, IP6_HEADER = 40, UDP_HEADER = 8, ETHERNET = 1 };

static void put16(uint8_t *at, uint32_t number)
{
    at[0] = (uint8_t)(number >> 8);
    at[1] = (uint8_t)number;
}

/* The headers that a would have had. Returns where UDP's begins. */
static uint32_t make_headers(const struct inet_socket *to,
                             const struct arrival *a, uint8_t *out)
{
    bool v4 = inet_addr_is_v4(&a->from);
    uint32_t at = v4 ? IP4_HEADER : IP6_HEADER, len = UDP_HEADER + a->len;

    memset(out, 0, at + UDP_HEADER);
    if (v4) {
        out[0] = 0x45; /* version and length */
        out[1] = (uint8_t)a->info.tos;
        put16(out + 2, at + len);
        out[6] = 0x40; /* not to be taken apart */
        out[8] = (uint8_t)a->info.ttl;
        out[9] = (uint8_t)to->s.protocol;
        memcpy(out + 12, a->from.ip + 12, 4);
        memcpy(out + 16, a->info.to.ip + 12, 4);
    } else {
        out[0] = 0x60;
        put16(out + 4, len);
        out[6] = (uint8_t)to->s.protocol;
        out[7] = (uint8_t)a->info.ttl;
        memcpy(out + 8, a->from.ip, 16);
        memcpy(out + 24, a->info.to.ip, 16);
    }
    put16(out + at, a->from.port);
    put16(out + at + 2, to->local.port);
    put16(out + at + 4, len);
    return at;
}

/* What to's filter takes of a: false, nothing. */
static bool pass_filter(struct inet_socket *to, struct arrival *a)
{
    uint8_t head[IP6_HEADER + UDP_HEADER];
    uint32_t at = make_headers(to, a, head), kept;
    bool lo = a->info.interface == NETIF_LOOPBACK;
    const struct bpf_data d = {
        .head = head,
        .body = a->data,
        .head_len = at + UDP_HEADER,
        .start = at,
        .len = UDP_HEADER + a->len,
        .is_packet = true,
        .protocol = at == IP4_HEADER ? 0x0800 : 0x86dd, /* ETH_P_* */
        .hardware = lo ? ARPHRD_LOOPBACK : ETHERNET,
        .interface = (uint32_t)a->info.interface,
    };
    bool taken = socket_filter_run(&to->s, &d, UDP_HEADER, &kept);

    a->len = kept - UDP_HEADER;
    return taken;
}

bool inet_hand_over(struct inet_socket *to, struct arrival *a)
{
    if (socket_has_filter(&to->s) && !pass_filter(to, a)) {
        inet_count_dropped(to);
        return false;
    }
    return inet_queue_arrival(to, a);
}
