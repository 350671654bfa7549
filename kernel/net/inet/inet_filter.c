/* SPDX-License-Identifier: MIT
 *
 * The filter of a datagram socket (filter.h), which looks at packets: the
 * headers that a datagram would have had are made up, but for checksums.
 */
#include "kernel/net/filter.h"
#include "kernel/net/inet/inet_private.h"
#include "kernel/net/netlink/netif.h"
#include "lib/string.h"

enum { LINK = 14, IP4_HEADER = 20, IP6_HEADER = 40, UDP_HEADER = 8 };

static_assert(LINK + IP6_HEADER == INET_HEADERS, "as the header says");

static void put16(uint8_t *at, uint32_t number)
{
    at[0] = (uint8_t)(number >> 8);
    at[1] = (uint8_t)number;
}

void inet_make_packet(const struct inet_packet *p, uint8_t *out,
                      struct bpf_data *data)
{
    bool v4 = inet_addr_is_v4(p->from), lo = p->interface == NETIF_LOOPBACK;
    uint32_t start = LINK + (v4 ? IP4_HEADER : IP6_HEADER);
    uint8_t *ip = out + LINK;

    *data = (struct bpf_data){
        .head = out,
        .net = LINK,
        .start = start,
        .len = p->len,
        .is_packet = true,
        .protocol = v4 ? 0x0800 : 0x86dd, /* ETH_P_* */
        .hardware = lo ? ARPHRD_LOOPBACK : ARPHRD_ETHER,
        .interface = (uint32_t)p->interface,
    };
    memset(out, 0, start);
    put16(out + 12, data->protocol);
    if (v4) {
        ip[0] = 0x45; /* version and length */
        ip[1] = (uint8_t)p->tos;
        put16(ip + 2, IP4_HEADER + p->len);
        ip[6] = 0x40; /* not to be taken apart */
        ip[8] = (uint8_t)p->ttl;
        ip[9] = p->protocol;
        memcpy(ip + 12, p->from->ip + 12, 4);
        memcpy(ip + 16, p->to->ip + 12, 4);
    } else {
        ip[0] = 0x60;
        put16(ip + 4, p->len);
        ip[6] = p->protocol;
        ip[7] = (uint8_t)p->ttl;
        memcpy(ip + 8, p->from->ip, 16);
        memcpy(ip + 24, p->to->ip, 16);
    }
}

/* What to's filter takes of a: false, nothing. */
static bool pass_filter(struct inet_socket *to, struct arrival *a)
{
    const struct inet_packet p = {.from = &a->from,
                                  .to = &a->info.to,
                                  .interface = a->info.interface,
                                  .ttl = a->info.ttl,
                                  .tos = a->info.tos,
                                  .len = UDP_HEADER + a->len,
                                  .protocol = (uint8_t)to->s.protocol};
    uint8_t head[INET_HEADERS + UDP_HEADER];
    struct bpf_data d;
    uint32_t kept;
    bool taken;

    inet_make_packet(&p, head, &d);
    put16(head + d.start, a->from.port);
    put16(head + d.start + 2, to->local.port);
    put16(head + d.start + 4, p.len);
    put16(head + d.start + 6, 0); /* no checksum */
    d.head_len = d.start + UDP_HEADER;
    d.payload = UDP_HEADER;
    d.body = a->data;
    taken = socket_filter_run(&to->s, &d, UDP_HEADER, &kept);
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
