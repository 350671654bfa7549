/* SPDX-License-Identifier: MIT
 *
 * Control messages of datagram sockets (ip(7), ipv6(7), socket(7)): what a
 * send asks for, and what a receiver wants to be told, from the same facts
 * whether the datagram came from inside or by way of the host.
 */
#include "kernel/net/inet/inet_private.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/time.h"

enum { V4_AT = 12 };

/* ---- sending ---- */

static void set_v4(struct inet_addr *a, const uint8_t ip[4])
{
    memset(a->ip, 0, sizeof(a->ip));
    a->ip[10] = a->ip[11] = 0xff;
    memcpy(a->ip + V4_AT, ip, 4);
}

/* A number of one byte or, like all others, of four. */
static int get_number(const uint8_t *data, uint64_t len, bool may_be_byte,
                      int32_t least, int32_t most, int32_t *out)
{
    int32_t v = 0;

    if (len != sizeof(v) && !(may_be_byte && len == 1)) {
        return -EINVAL;
    }
    memcpy(&v, data, len);
    if (v < least || v > most) {
        return -EINVAL;
    }
    *out = v;
    return 0;
}

static int get_ip(const struct abi_cmsghdr *h, const uint8_t *data,
                  struct inet_control *out)
{
    uint64_t len = h->len - sizeof(*h);
    struct abi_in_pktinfo info;

    switch (h->type) {
    case IP_PKTINFO:
        if (len != sizeof(info)) {
            return -EINVAL;
        }
        memcpy(&info, data, sizeof(info));
        out->interface = info.interface;
        set_v4(&out->source, info.local);
        return 0;
    case IP_TTL:
        return get_number(data, len, false, 1, 255, &out->ttl);
    case IP_TOS:
        return get_number(data, len, true, 0, 255, &out->tos);
    default:
        return -EINVAL;
    }
}

static int get_ipv6(const struct abi_cmsghdr *h, const uint8_t *data,
                    struct inet_control *out)
{
    uint64_t len = h->len - sizeof(*h);
    struct abi_in6_pktinfo info;

    switch (h->type) {
    case IPV6_PKTINFO:
        if (len < sizeof(info)) {
            return -EINVAL;
        }
        memcpy(&info, data, sizeof(info));
        out->interface = (int32_t)info.interface;
        memcpy(out->source.ip, info.to, sizeof(info.to));
        return 0;
    case IPV6_HOPLIMIT:
        return get_number(data, len, false, -1, 255, &out->ttl);
    case IPV6_TCLASS:
        return get_number(data, len, false, -1, 255, &out->tos);
    default:
        return -EINVAL;
    }
}

/* udp(7) has it as an option: all of the message in datagrams of that size. */
static int get_udp(const struct abi_cmsghdr *h, const uint8_t *data,
                   struct inet_control *out)
{
    uint16_t size;

    if (h->type != UDP_SEGMENT || h->len != sizeof(*h) + sizeof(size)) {
        return -EINVAL;
    }
    memcpy(&size, data, sizeof(size));
    out->segment = size;
    return 0;
}

static int get_one(struct inet_socket *i, const struct abi_cmsghdr *h,
                   const uint8_t *data, struct inet_control *out)
{
    switch (h->level) {
    case SOL_SOCKET:
        return socket_check_one(h, data);
    case IPPROTO_IP:
        return i->s.family == AF_INET || h->type == IP_PKTINFO
                   ? get_ip(h, data, out)
                   : -EINVAL;
    case IPPROTO_IPV6:
        return i->s.family == AF_INET6 ? get_ipv6(h, data, out) : 0;
    case IPPROTO_UDP:
        return get_udp(h, data, out);
    default: /* for another protocol */
        return 0;
    }
}

int inet_control_get(struct inet_socket *i, const struct socket_msg *msg,
                     struct inet_control *out)
{
    struct abi_cmsghdr h;
    const uint8_t *data;
    size_t pos = 0;
    int err = 0;

    *out = (struct inet_control){.ttl = -1, .tos = -1};
    while (!err && socket_next_control(msg, &pos, &h, &data, &err)) {
        err = get_one(i, &h, data, out);
    }
    return err;
}

/* ---- receiving ---- */

static void put_time(struct socket *s, struct socket_msg *msg, int64_t ns)
{
    uint32_t flags = atomic_load_relaxed(&s->flags);
    int64_t pair[2] = {ns / NSEC_PER_SEC, ns % NSEC_PER_SEC};
    int64_t triple[6] = {pair[0], pair[1]}; /* struct scm_timestamping */

    if (flags & SOCKET_TIMESTAMPNS) {
        socket_put_control(msg, SOL_SOCKET, SO_TIMESTAMPNS, pair, sizeof(pair));
    } else if (flags & SOCKET_TIMESTAMP) {
        pair[1] /= NSEC_PER_USEC;
        socket_put_control(msg, SOL_SOCKET, SO_TIMESTAMP, pair, sizeof(pair));
    }
    if ((s->timestamping & TIMESTAMPING_SOFTWARE) == TIMESTAMPING_SOFTWARE) {
        socket_put_control(msg, SOL_SOCKET, SO_TIMESTAMPING, triple,
                           sizeof(triple));
    }
}

void inet_put_time(struct socket *s, struct socket_msg *msg, int64_t time)
{
    if (time) {
        put_time(s, msg, time);
    }
}

static void put_number(struct socket_msg *msg, int level, int type,
                       int32_t number)
{
    socket_put_control(msg, level, type, &number, sizeof(number));
}

static uint16_t in_order(uint16_t port)
{
    return (uint16_t)(port >> 8 | port << 8);
}

static bool is_zero(const uint8_t ip[4])
{
    return !(ip[0] | ip[1] | ip[2] | ip[3]);
}

static void put_ip(struct socket_msg *msg, uint32_t wants,
                   const struct inet_info *info, uint16_t port)
{
    const uint8_t *to = info->to.ip + V4_AT;
    struct abi_in_pktinfo p = {.interface = info->interface};
    struct abi_sockaddr_in name = {.family = AF_INET, .port = in_order(port)};
    uint8_t tos = (uint8_t)info->tos;

    if (wants & WANTS_PKTINFO) {
        memcpy(p.local, is_zero(info->own) ? to : info->own, 4);
        memcpy(p.to, to, 4);
        socket_put_control(msg, IPPROTO_IP, IP_PKTINFO, &p, sizeof(p));
    }
    if (wants & WANTS_TTL) {
        put_number(msg, IPPROTO_IP, IP_TTL, info->ttl);
    }
    if (wants & WANTS_TOS) {
        socket_put_control(msg, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
    }
    if (wants & WANTS_DESTINATION) {
        memcpy(name.addr, to, 4);
        socket_put_control(msg, IPPROTO_IP, IP_RECVORIGDSTADDR, &name,
                           sizeof(name));
    }
}

static void put_ipv6(struct socket_msg *msg, uint32_t wants,
                     const struct inet_info *info, bool v4, uint16_t port)
{
    struct abi_in6_pktinfo p = {.interface = (uint32_t)info->interface};

    if (wants & WANTS_PKTINFO6) {
        memcpy(p.to, info->to.ip, sizeof(p.to));
        socket_put_control(msg, IPPROTO_IPV6, IPV6_PKTINFO, &p, sizeof(p));
    }
    if (wants & WANTS_HOPS6 && !v4) {
        put_number(msg, IPPROTO_IPV6, IPV6_HOPLIMIT, info->ttl);
    }
    if (wants & WANTS_CLASS6 && !v4) {
        put_number(msg, IPPROTO_IPV6, IPV6_TCLASS, info->tos);
    }
    if (wants & WANTS_DESTINATION6 && !v4) {
        struct abi_sockaddr_in6 name = {.family = AF_INET6,
                                        .port = in_order(port)};

        memcpy(name.addr, info->to.ip, sizeof(name.addr));
        socket_put_control(msg, IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, &name,
                           sizeof(name));
    }
}

void inet_control_put(struct inet_socket *i, struct socket_msg *msg,
                      const struct arrival *a)
{
    uint32_t wants = atomic_load_relaxed(&family_of(i)->wants);
    uint32_t flags = atomic_load_relaxed(&i->s.flags);
    bool v4 = inet_addr_is_v4(&a->info.to);

    if (flags & (SOCKET_TIMESTAMP | SOCKET_TIMESTAMPNS) || i->s.timestamping) {
        put_time(&i->s, msg, a->info.time);
    }
    if (flags & SOCKET_RXQ_OVFL && a->dropped) {
        put_number(msg, SOL_SOCKET, SO_RXQ_OVFL, (int32_t)a->dropped);
    }
    if (!wants) {
        return;
    }
    if (i->s.family == AF_INET6) {
        put_ipv6(msg, wants, &a->info, v4, i->local.port);
    }
    if (v4) {
        put_ip(msg, wants, &a->info, i->local.port);
    }
}

bool inet_tells_left(struct inet_socket *i)
{
    return atomic_load_relaxed(&family_of(i)->wants) & WANTS_LEFT;
}

void inet_put_left(struct socket_msg *msg, uint64_t left, bool ended)
{
    put_number(msg, IPPROTO_TCP, TCP_INQ,
               left ? (int32_t)MIN(left, (uint64_t)INT32_MAX) : ended);
}

void inet_control_put_error(struct inet_socket *i, struct socket_msg *msg,
                            const struct arrival *a)
{
    struct {
        struct abi_extended_err e;
        struct abi_sockaddr offender;
    } m = {.e = {.error = a->error.error,
                 .origin = a->error.origin,
                 .type = a->error.type,
                 .code = a->error.code,
                 .info = a->error.info}};
    bool v6 = i->s.family == AF_INET6;
    size_t len =
        v6 ? sizeof(struct abi_sockaddr_in6) : sizeof(struct abi_sockaddr_in);

    if (!inet_addr_is_any(&a->error.offender)) {
        inet_addr_put(&m.offender, v6 ? AF_INET6 : AF_INET, &a->error.offender);
    }
    socket_put_control(msg, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
                       v6 ? IPV6_RECVERR : IP_RECVERR, &m, sizeof(m.e) + len);
}
