/* SPDX-License-Identifier: MIT
 *
 * The table of inet_option.h (ip(7), ipv6(7), tcp(7), udp(7)). What is not
 * here is not done, and refused with ENOPROTOOPT: options and extension
 * headers of one's own making, IPsec, MD5 and AO signatures, repair mode,
 * zero-copy receiving, BPF.
 */
#include "kernel/net/inet/inet_option.h"
#include "kernel/net/inet/inet_private.h"

#define ANY INT32_MIN, INT32_MAX

static const struct inet_option_row rows[] = {
    {IPPROTO_IP, IP_TOS, 0, ANY, 0},
    {IPPROTO_IP, IP_TTL, NOT_EMPTY, -1, 255, 0},
    {IPPROTO_IP, IP_RECVOPTS, SWITCH | LOCAL, ANY, 0},
    {IPPROTO_IP, IP_RETOPTS, SWITCH | LOCAL, ANY, 0},
    {IPPROTO_IP, IP_PKTINFO, SWITCH, ANY, WANTS_PKTINFO},
    {IPPROTO_IP, IP_MTU_DISCOVER, 0, 0, 5, 0},
    {IPPROTO_IP, IP_RECVERR, SWITCH, ANY, WANTS_ERRORS},
    {IPPROTO_IP, IP_RECVTTL, SWITCH, ANY, WANTS_TTL},
    {IPPROTO_IP, IP_RECVTOS, SWITCH, ANY, WANTS_TOS},
    {IPPROTO_IP, IP_MTU, GET_ONLY, ANY, 0},
    {IPPROTO_IP, IP_FREEBIND, SWITCH | NOT_EMPTY, ANY, 0},
    {IPPROTO_IP, IP_TRANSPARENT, SWITCH | NOT_EMPTY, ANY, 0},
    {IPPROTO_IP, IP_RECVORIGDSTADDR, SWITCH, ANY, WANTS_DESTINATION},
    {IPPROTO_IP, IP_MINTTL, NOT_EMPTY, 0, 255, 0},
    {IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, SWITCH, ANY, 0},
    {IPPROTO_IP, IP_MULTICAST_IF, BYTES, ANY, 0},
    {IPPROTO_IP, IP_MULTICAST_TTL, DATAGRAM | NOT_EMPTY, -1, 255, 0},
    {IPPROTO_IP, IP_MULTICAST_LOOP, SWITCH | NOT_EMPTY, ANY, 0},
    {IPPROTO_IP, IP_MULTICAST_ALL, NOT_EMPTY, 0, 1, 0},
    {IPPROTO_IP, IP_LOCAL_PORT_RANGE, AT_ONCE | NO_BYTE, ANY, 0},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, NO_BYTE, -1, 255, 0},
    {IPPROTO_IPV6, IPV6_MULTICAST_IF, NO_BYTE | DATAGRAM, ANY, 0},
    {IPPROTO_IPV6, IPV6_MULTICAST_HOPS, NO_BYTE | DATAGRAM, -1, 255, 0},
    {IPPROTO_IPV6, IPV6_MULTICAST_LOOP, NO_BYTE, 0, 1, 0},
    {IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, AT_ONCE, ANY, 0},
    {IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP, AT_ONCE, ANY, 0},
    {IPPROTO_IPV6, IPV6_MTU_DISCOVER, NO_BYTE, 0, 5, 0},
    {IPPROTO_IPV6, IPV6_MTU, AT_ONCE | NO_BYTE, ANY, 0},
    {IPPROTO_IPV6, IPV6_RECVERR, SWITCH | NO_BYTE, ANY, WANTS_ERRORS6},
    {IPPROTO_IPV6, IPV6_MULTICAST_ALL, SWITCH | NO_BYTE, ANY, 0},
    {IPPROTO_IPV6, IPV6_RECVPKTINFO, SWITCH | NO_BYTE, ANY, WANTS_PKTINFO6},
    {IPPROTO_IPV6, IPV6_RECVHOPLIMIT, SWITCH | NO_BYTE, ANY, WANTS_HOPS6},
    {IPPROTO_IPV6, IPV6_DONTFRAG, SWITCH, ANY, 0},
    {IPPROTO_IPV6, IPV6_RECVTCLASS, SWITCH | NO_BYTE, ANY, WANTS_CLASS6},
    {IPPROTO_IPV6, IPV6_TCLASS, NO_BYTE, -1, 255, 0},
    {IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, SWITCH, ANY, 0},
    {IPPROTO_IPV6, IPV6_ADDR_PREFERENCES, AT_ONCE | NO_BYTE, ANY, 0},
    {IPPROTO_IPV6, IPV6_MINHOPCOUNT, NO_BYTE, 0, 255, 0},
    {IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, SWITCH | NO_BYTE, ANY,
     WANTS_DESTINATION6},
    {IPPROTO_IPV6, IPV6_TRANSPARENT, SWITCH | NO_BYTE, ANY, 0},
    {IPPROTO_IPV6, IPV6_FREEBIND, SWITCH | NO_BYTE, ANY, 0},
    {IPPROTO_TCP, TCP_NODELAY, SWITCH, ANY, 0},
    {IPPROTO_TCP, TCP_MAXSEG, ZERO_RESETS, 88, 32767, 0},
    {IPPROTO_TCP, TCP_CORK, SWITCH | LOCAL, ANY, 0},
    {IPPROTO_TCP, TCP_KEEPIDLE, 0, 1, 32767, 0},
    {IPPROTO_TCP, TCP_KEEPINTVL, 0, 1, 32767, 0},
    {IPPROTO_TCP, TCP_KEEPCNT, 0, 1, 127, 0},
    {IPPROTO_TCP, TCP_SYNCNT, 0, 1, 127, 0},
    {IPPROTO_TCP, TCP_LINGER2, ZERO_RESETS, ANY, 0},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT, 0, ANY, 0},
    {IPPROTO_TCP, TCP_WINDOW_CLAMP, 0, ANY, 0},
    {IPPROTO_TCP, TCP_INFO, GET_ONLY, ANY, 0},
    {IPPROTO_TCP, TCP_QUICKACK, SWITCH, ANY, 0},
    {IPPROTO_TCP, TCP_CONGESTION, AT_ONCE | BYTES, ANY, 0},
    {IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, 0, 0, 1, 0},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, 0, 0, INT32_MAX, 0},
    {IPPROTO_TCP, TCP_FASTOPEN, 0, 0, INT32_MAX, 0},
    {IPPROTO_TCP, TCP_TIMESTAMP, GET_ONLY, ANY, 0},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT, 0, ANY, 0},
    {IPPROTO_TCP, TCP_CC_INFO, GET_ONLY, ANY, 0},
    /* Without a cookie from an earlier connection it changes nothing. */
    {IPPROTO_TCP, TCP_FASTOPEN_CONNECT, LOCAL, 0, 1, 0},
    {IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 0, 0, 1, 0},
    {IPPROTO_TCP, TCP_INQ, LOCAL, 0, 1, WANTS_LEFT},
    {IPPROTO_TCP, TCP_SAVE_SYN, LOCAL, 0, 2, 0},
    {IPPROTO_TCP, TCP_RTO_MAX_MS, 0, 1000, 120000, 0},
    {IPPROTO_TCP, TCP_RTO_MIN_US, 0, 1, INT32_MAX, 0},
    {IPPROTO_TCP, TCP_DELACK_MAX_US, 0, 1, INT32_MAX, 0},
    {IPPROTO_UDP, UDP_NO_CHECK6_TX, SWITCH, ANY, 0},
    {IPPROTO_UDP, UDP_NO_CHECK6_RX, SWITCH, ANY, 0},
    {IPPROTO_UDP, UDP_SEGMENT, LOCAL, 0, 65535, 0},
    /* That datagrams may come as one does not mean that they do. */
    {IPPROTO_UDP, UDP_GRO, SWITCH | LOCAL, ANY, 0},
    {IPPROTO_UDPLITE, UDPLITE_SEND_CSCOV, 0, ANY, 0},
    {IPPROTO_UDPLITE, UDPLITE_RECV_CSCOV, 0, ANY, 0},
};

/* Joining and leaving: IPv4's by number, and those of either family. */
static bool is_membership(int level, int name)
{
    return ((level == IPPROTO_IP || level == IPPROTO_IPV6) &&
            name >= MCAST_JOIN_GROUP && name <= MCAST_LEAVE_SOURCE_GROUP) ||
           (level == IPPROTO_IP && name >= IP_ADD_MEMBERSHIP &&
            name <= IP_DROP_SOURCE_MEMBERSHIP);
}

const struct inet_option_row *inet_option_row(int level, int name)
{
    static const struct inet_option_row membership = {0, 0, AT_ONCE | BYTES,
                                                      ANY, 0};

    if (is_membership(level, name)) {
        return &membership;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].level == level && rows[i].name == name) {
            return &rows[i];
        }
    }
    return NULL;
}

enum {
    ECN = 3,             /* of a stream's TOS: TCP's own */
    LINGER_MOST = 120,   /* seconds */
    WINDOW_LEAST = 1152, /* half of the smallest SO_RCVBUF */
    RESENT_MOST = 120,   /* seconds between what TCP sends again */
};

/* Linux counts how often it would say again that it has heard, which it does
 * after one second, two more, four more. */
static int32_t settle_defer(int32_t seconds)
{
    int64_t period = seconds > 0, step = 1;

    for (int n = 1; n < UINT8_MAX && seconds > period; n++) {
        step = MIN(step * 2, (int64_t)RESENT_MOST);
        period += step;
    }
    return (int32_t)period;
}

static int32_t settle_tcp(int name, int32_t number)
{
    switch (name) {
    case TCP_LINGER2:
        return MIN(MAX(number, -1), (int32_t)LINGER_MOST);
    case TCP_WINDOW_CLAMP:
        return number ? MAX(number, (int32_t)WINDOW_LEAST) : 0;
    case TCP_DEFER_ACCEPT:
        return settle_defer(number);
    case TCP_FASTOPEN:
        return MIN(number, SOMAXCONN);
    default:
        return number;
    }
}

int32_t inet_option_settle(const struct inet_option_row *row, bool stream,
                           int32_t number)
{
    if (row->flags & SWITCH) {
        return number != 0;
    }
    if (row->level == IPPROTO_IP && row->name == IP_TOS) {
        return number & 0xff & (stream ? ~ECN : ~0);
    }
    if (row->level == IPPROTO_IPV6 && row->name == IPV6_TCLASS && stream) {
        return number < 0 ? 0 : number & ~ECN;
    }
    if (row->level == IPPROTO_UDPLITE) { /* bytes, or at least the header */
        return !number ? 0 : MIN(MAX(number, 8), 65535); /* RFC 3828 */
    }
    return row->level == IPPROTO_TCP ? settle_tcp(row->name, number) : number;
}
