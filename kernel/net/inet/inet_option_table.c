/* SPDX-License-Identifier: MIT
 *
 * The table of inet_option.h (ip(7), ipv6(7), tcp(7), udp(7)). What is not
 * here is not done, and refused: extension headers of one's own making, IPsec,
 * MD5 and AO signatures, repair mode, zero-copy receiving, BPF. What asks for
 * news that never comes here, as of headers that nobody sends, is kept.
 */
#include "kernel/net/inet/inet_option.h"
#include "kernel/net/inet/inet_private.h"
#include "abi/linux/errno.h"

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
    {IPPROTO_IP, IP_MULTICAST_IF, BYTES | ASK | DATAGRAM, ANY, 0},
    {IPPROTO_IP, IP_MULTICAST_TTL, DATAGRAM | NOT_EMPTY, -1, 255, 0},
    {IPPROTO_IP, IP_MULTICAST_LOOP, SWITCH | NOT_EMPTY, ANY, 0},
    {IPPROTO_IP, IP_MULTICAST_ALL, NOT_EMPTY, 0, 1, 0},
    {IPPROTO_IP, IP_LOCAL_PORT_RANGE, AT_ONCE | NO_BYTE, ANY, 0},
    {IPPROTO_IP, IP_UNICAST_IF, ASK | NO_BYTE, ANY, 0},
    {IPPROTO_IP, IP_OPTIONS, BYTES | ASK, ANY, 0},
    {IPPROTO_IP, IP_PASSSEC, SWITCH | LOCAL, ANY, 0},
    {IPPROTO_IP, IP_CHECKSUM, SWITCH | LOCAL, ANY, 0},
    {IPPROTO_IP, IP_RECVFRAGSIZE, SWITCH | LOCAL | DATAGRAM, ANY, 0},
    {IPPROTO_IP, IP_RECVERR_RFC4884, LOCAL, 0, 1, 0},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, NO_BYTE, -1, 255, 0},
    {IPPROTO_IPV6, IPV6_MULTICAST_IF, NO_BYTE | DATAGRAM | ASK, ANY, 0},
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
    {IPPROTO_IPV6, IPV6_UNICAST_IF, ASK | NO_BYTE, ANY, 0},
    {IPPROTO_IPV6, IPV6_2292PKTINFO, SWITCH | LOCAL | NO_BYTE, ANY, 0},
    {IPPROTO_IPV6, IPV6_2292HOPOPTS, SWITCH | LOCAL | NO_BYTE, ANY, 0},
    {IPPROTO_IPV6, IPV6_2292DSTOPTS, SWITCH | LOCAL | NO_BYTE, ANY, 0},
    {IPPROTO_IPV6, IPV6_2292RTHDR, SWITCH | LOCAL | NO_BYTE, ANY, 0},
    {IPPROTO_IPV6, IPV6_2292HOPLIMIT, SWITCH | LOCAL | NO_BYTE, ANY, 0},
    {IPPROTO_IPV6, IPV6_FLOWINFO, SWITCH | LOCAL | NO_BYTE, ANY, 0},
    {IPPROTO_IPV6, IPV6_FLOWINFO_SEND, SWITCH | LOCAL | NO_BYTE, ANY, 0},
    {IPPROTO_IPV6, IPV6_ALERT_ISOLATE, SWITCH | LOCAL | NO_BYTE, ANY, 0},
    {IPPROTO_IPV6, IPV6_RECVERR_RFC4884, LOCAL | NO_BYTE, 0, 1, 0},
    {IPPROTO_IPV6, IPV6_RECVHOPOPTS, SWITCH | LOCAL | NO_BYTE, ANY, 0},
    {IPPROTO_IPV6, IPV6_RECVRTHDR, SWITCH | LOCAL | NO_BYTE, ANY, 0},
    {IPPROTO_IPV6, IPV6_RECVDSTOPTS, SWITCH | LOCAL | NO_BYTE, ANY, 0},
    {IPPROTO_IPV6, IPV6_RECVPATHMTU, SWITCH | LOCAL | NO_BYTE, ANY, 0},
    {IPPROTO_IPV6, IPV6_RECVFRAGSIZE, SWITCH | LOCAL, ANY, 0},
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
    {IPPROTO_TCP, TCP_THIN_DUPACK, LOCAL, 0, 1, 0},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, 0, 0, INT32_MAX, 0},
    {IPPROTO_TCP, TCP_FASTOPEN, CLOSED, 0, INT32_MAX, 0},
    {IPPROTO_TCP, TCP_TX_DELAY, LOCAL, 0, INT32_MAX, 0},
    {IPPROTO_TCP, TCP_TIMESTAMP, GET_ONLY, ANY, 0},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT, 0, ANY, 0},
    {IPPROTO_TCP, TCP_CC_INFO, GET_ONLY, ANY, 0},
    /* Without a cookie from an earlier connection it changes nothing. */
    {IPPROTO_TCP, TCP_FASTOPEN_CONNECT, LOCAL | CLOSED, 0, 1, 0},
    {IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, CLOSED, 0, 1, 0},
    {IPPROTO_TCP, TCP_INQ, LOCAL, 0, 1, WANTS_LEFT},
    {IPPROTO_TCP, TCP_SAVE_SYN, LOCAL, 0, 2, 0},
    {IPPROTO_TCP, TCP_RTO_MAX_MS, 0, 1000, 120000, 0},
    {IPPROTO_TCP, TCP_RTO_MIN_US, ASK, 1, INT32_MAX, 0},
    {IPPROTO_TCP, TCP_DELACK_MAX_US, ASK, 1, INT32_MAX, 0},
    {IPPROTO_UDP, UDP_NO_CHECK6_TX, SWITCH, ANY, 0},
    {IPPROTO_UDP, UDP_NO_CHECK6_RX, SWITCH, ANY, 0},
    {IPPROTO_UDP, UDP_SEGMENT, LOCAL, 0, 65535, 0},
    /* That datagrams may come as one does not mean that they do. */
    {IPPROTO_UDP, UDP_GRO, SWITCH | LOCAL, ANY, 0},
    {IPPROTO_UDPLITE, UDPLITE_SEND_CSCOV, 0, ANY, 0},
    {IPPROTO_UDPLITE, UDPLITE_RECV_CSCOV, 0, ANY, 0},
};

static const struct inet_refusal refusals[] = {
    /* Of raw sockets, and of IPsec. */
    {IPPROTO_IP, IP_HDRINCL, -ENOPROTOOPT, READS_ZERO, 0},
    {IPPROTO_IP, IP_NODEFRAG, -ENOPROTOOPT, READS_ZERO, 0},
    {IPPROTO_IP, IP_PROTOCOL, -ENOPROTOOPT, READS_ZERO, 0},
    {IPPROTO_IP, IP_ROUTER_ALERT, -EINVAL, READS_ZERO, 0},
    {IPPROTO_IP, IP_PKTOPTIONS, -ENOPROTOOPT, READS_EMPTY, 0},
    {IPPROTO_IP, IP_IPSEC_POLICY, -EOPNOTSUPP, -ENOPROTOOPT, 0},
    {IPPROTO_IP, IP_XFRM_POLICY, -EINVAL, -ENOPROTOOPT, 0},
    /* Lists of sources, which are joined one by one here. */
    {IPPROTO_IP, IP_MSFILTER, -EINVAL, -EINVAL, 0},
    {IPPROTO_IP, MCAST_MSFILTER, -EINVAL, -EINVAL, 0},
    {IPPROTO_IPV6, MCAST_MSFILTER, -EINVAL, -EINVAL, 4},
    {IPPROTO_IPV6, IPV6_ROUTER_ALERT, -ENOPROTOOPT, READS_ZERO, 0},
    {IPPROTO_IPV6, IPV6_IPSEC_POLICY, -EOPNOTSUPP, -ENOPROTOOPT, 0},
    {IPPROTO_IPV6, IPV6_XFRM_POLICY, -EINVAL, -ENOPROTOOPT, 0},
    /* Headers of one's own making. */
    {IPPROTO_IPV6, IPV6_HOPOPTS, -EPERM, READS_EMPTY, 0},
    {IPPROTO_IPV6, IPV6_RTHDRDSTOPTS, -EPERM, READS_EMPTY, 0},
    {IPPROTO_IPV6, IPV6_RTHDR, -EINVAL, READS_EMPTY, 0},
    {IPPROTO_IPV6, IPV6_DSTOPTS, -EPERM, READS_EMPTY, 0},
    /* Signatures, and a connection that is put together by hand (tcp.h), for
     * which nobody has the right here. */
    {IPPROTO_TCP, TCP_MD5SIG, -EINVAL, -ENOPROTOOPT, 4},
    {IPPROTO_TCP, TCP_MD5SIG_EXT, -EINVAL, -ENOPROTOOPT, 4},
    {IPPROTO_TCP, TCP_REPAIR, -EPERM, READS_ZERO, 4},
    {IPPROTO_TCP, TCP_REPAIR_QUEUE, -EPERM, -EINVAL, 4},
    {IPPROTO_TCP, TCP_QUEUE_SEQ, -EINVAL, -EINVAL, 4},
    {IPPROTO_TCP, TCP_REPAIR_OPTIONS, -EINVAL, -ENOPROTOOPT, 4},
    {IPPROTO_TCP, TCP_REPAIR_WINDOW, -EPERM, -EINVAL, 4},
    {IPPROTO_TCP, TCP_FASTOPEN_KEY, -EINVAL, READS_EMPTY, 4},
    {IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, -ENOPROTOOPT, -EINVAL, 4},
};

const struct inet_refusal *inet_refusal(int level, int name)
{
    for (unsigned i = 0; i < ARRAY_SIZE(refusals); i++) {
        if (refusals[i].level == level && refusals[i].name == name) {
            return &refusals[i];
        }
    }
    return NULL;
}

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
    case TCP_THIN_DUPACK: /* no more in use */
        return 0;
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
