/* SPDX-License-Identifier: MIT
 *
 * Internet protocols: addresses and options (ip(7), ipv6(7), tcp(7), udp(7)),
 * and the ioctls of interfaces (netdevice(7)).
 */
#ifndef ABI_LINUX_INET_H
#define ABI_LINUX_INET_H

#include <stdint.h>

#define IPPROTO_IP      0
#define IPPROTO_ICMP    1
#define IPPROTO_TCP     6
#define IPPROTO_UDP     17
#define IPPROTO_UDPLITE 136
#define IPPROTO_IPV6    41
#define IPPROTO_ICMPV6  58
#define IPPROTO_MAX     263

#define UDP_CORK           1
#define UDP_ENCAP          100
#define UDP_NO_CHECK6_TX   101
#define UDP_NO_CHECK6_RX   102
#define UDP_SEGMENT        103
#define UDP_GRO            104
#define UDPLITE_SEND_CSCOV 10
#define UDPLITE_RECV_CSCOV 11

struct abi_sockaddr_in {
    uint16_t family, port; /* port in network order */
    uint8_t addr[4], zero[8];
};
_Static_assert(sizeof(struct abi_sockaddr_in) == 16, "struct sockaddr_in");

struct abi_sockaddr_in6 {
    uint16_t family, port;
    uint32_t flowinfo;
    uint8_t addr[16];
    uint32_t scope_id;
};
_Static_assert(sizeof(struct abi_sockaddr_in6) == 28, "struct sockaddr_in6");

#define TCP_NODELAY              1
#define TCP_MAXSEG               2
#define TCP_CORK                 3
#define TCP_KEEPIDLE             4
#define TCP_KEEPINTVL            5
#define TCP_KEEPCNT              6
#define TCP_SYNCNT               7
#define TCP_LINGER2              8
#define TCP_DEFER_ACCEPT         9
#define TCP_WINDOW_CLAMP         10
#define TCP_INFO                 11
#define TCP_QUICKACK             12
#define TCP_CONGESTION           13
#define TCP_MD5SIG               14
#define TCP_THIN_LINEAR_TIMEOUTS 16
#define TCP_THIN_DUPACK          17
#define TCP_USER_TIMEOUT         18
#define TCP_REPAIR               19
#define TCP_REPAIR_QUEUE         20
#define TCP_QUEUE_SEQ            21
#define TCP_REPAIR_OPTIONS       22
#define TCP_FASTOPEN             23
#define TCP_TIMESTAMP            24
#define TCP_NOTSENT_LOWAT        25
#define TCP_CC_INFO              26
#define TCP_REPAIR_WINDOW        29
#define TCP_FASTOPEN_CONNECT     30
#define TCP_ULP                  31
#define TCP_MD5SIG_EXT           32
#define TCP_FASTOPEN_KEY         33
#define TCP_FASTOPEN_NO_COOKIE   34
#define TCP_ZEROCOPY_RECEIVE     35
#define TCP_SAVE_SYN             27
#define TCP_SAVED_SYN            28
#define TCP_INQ                  36
#define TCP_TX_DELAY             37
#define TCP_IS_MPTCP             43
#define TCP_RTO_MAX_MS           44
#define TCP_RTO_MIN_US           45
#define TCP_DELACK_MAX_US        46

#define IP_TOS                    1
#define IP_TTL                    2
#define IP_HDRINCL                3
#define IP_OPTIONS                4
#define IP_ROUTER_ALERT           5
#define IP_RECVOPTS               6
#define IP_RETOPTS                7
#define IP_PKTINFO                8
#define IP_PKTOPTIONS             9
#define IP_MTU_DISCOVER           10
#define IP_RECVERR                11
#define IP_RECVTTL                12
#define IP_RECVTOS                13
#define IP_MTU                    14
#define IP_FREEBIND               15
#define IP_IPSEC_POLICY           16
#define IP_XFRM_POLICY            17
#define IP_PASSSEC                18
#define IP_TRANSPARENT            19
#define IP_RECVORIGDSTADDR        20
#define IP_MINTTL                 21
#define IP_NODEFRAG               22
#define IP_CHECKSUM               23
#define IP_BIND_ADDRESS_NO_PORT   24
#define IP_RECVFRAGSIZE           25
#define IP_RECVERR_RFC4884        26
#define IP_MULTICAST_IF           32
#define IP_MULTICAST_TTL          33
#define IP_MULTICAST_LOOP         34
#define IP_ADD_MEMBERSHIP         35
#define IP_DROP_MEMBERSHIP        36
#define IP_UNBLOCK_SOURCE         37
#define IP_BLOCK_SOURCE           38
#define IP_ADD_SOURCE_MEMBERSHIP  39
#define IP_DROP_SOURCE_MEMBERSHIP 40
#define IP_MSFILTER               41
#define MCAST_JOIN_GROUP          42
#define MCAST_LEAVE_SOURCE_GROUP  47
#define MCAST_MSFILTER            48
#define IP_MULTICAST_ALL          49
#define IP_UNICAST_IF             50
#define IP_LOCAL_PORT_RANGE       51
#define IP_PROTOCOL               52

#define IPV6_ADDRFORM         1
#define IPV6_2292PKTINFO      2
#define IPV6_2292HOPOPTS      3
#define IPV6_2292DSTOPTS      4
#define IPV6_2292RTHDR        5
#define IPV6_2292HOPLIMIT     8
#define IPV6_FLOWINFO         11
#define IPV6_UNICAST_HOPS     16
#define IPV6_MULTICAST_IF     17
#define IPV6_MULTICAST_HOPS   18
#define IPV6_MULTICAST_LOOP   19
#define IPV6_ADD_MEMBERSHIP   20
#define IPV6_DROP_MEMBERSHIP  21
#define IPV6_ROUTER_ALERT     22
#define IPV6_MTU_DISCOVER     23
#define IPV6_MTU              24
#define IPV6_RECVERR          25
#define IPV6_V6ONLY           26
#define IPV6_MULTICAST_ALL    29
#define IPV6_ALERT_ISOLATE    30 /* IPV6_ROUTER_ALERT_ISOLATE */
#define IPV6_RECVERR_RFC4884  31
#define IPV6_FLOWINFO_SEND    33
#define IPV6_IPSEC_POLICY     34
#define IPV6_XFRM_POLICY      35
#define IPV6_RECVPKTINFO      49
#define IPV6_PKTINFO          50
#define IPV6_RECVHOPLIMIT     51
#define IPV6_HOPLIMIT         52
#define IPV6_RECVHOPOPTS      53
#define IPV6_HOPOPTS          54
#define IPV6_RTHDRDSTOPTS     55
#define IPV6_RECVRTHDR        56
#define IPV6_RTHDR            57
#define IPV6_RECVDSTOPTS      58
#define IPV6_DSTOPTS          59
#define IPV6_RECVPATHMTU      60
#define IPV6_DONTFRAG         62
#define IPV6_RECVTCLASS       66
#define IPV6_TCLASS           67
#define IPV6_AUTOFLOWLABEL    70
#define IPV6_ADDR_PREFERENCES 72
#define IPV6_MINHOPCOUNT      73
#define IPV6_RECVORIGDSTADDR  74
#define IPV6_TRANSPARENT      75
#define IPV6_UNICAST_IF       76
#define IPV6_RECVFRAGSIZE     77
#define IPV6_FREEBIND         78

/* ---- control messages ---- */

struct abi_in_pktinfo {
    int32_t interface;
    uint8_t local[4], to[4];
};
_Static_assert(sizeof(struct abi_in_pktinfo) == 12, "struct in_pktinfo");

struct abi_in6_pktinfo {
    uint8_t to[16];
    uint32_t interface;
};
_Static_assert(sizeof(struct abi_in6_pktinfo) == 20, "struct in6_pktinfo");

/* struct tcp_info, as far as anything of it is told. */
struct abi_tcp_info {
    uint8_t state, ca_state, retransmits, probes, backoff, options, scales,
        bits;
    uint32_t rto, ato, snd_mss, rcv_mss;
    uint32_t unacked, sacked, lost, retrans, fackets;
    uint32_t last_data_sent, last_ack_sent, last_data_recv, last_ack_recv;
    uint32_t pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd, advmss;
    uint32_t reordering, rcv_rtt, rcv_space, total_retrans;
    uint64_t pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
    uint32_t segs_out, segs_in, notsent_bytes, min_rtt;
    uint32_t data_segs_in, data_segs_out;
    uint64_t delivery_rate, busy_time, rwnd_limited, sndbuf_limited;
    uint32_t delivered, delivered_ce;
    uint64_t bytes_sent, bytes_retrans;
    uint32_t dsack_dups, reord_seen, rcv_ooopack, snd_wnd, rcv_wnd, rehash;
};
_Static_assert(sizeof(struct abi_tcp_info) == 240, "struct tcp_info");

#define SO_EE_ORIGIN_ZEROCOPY      5
#define SO_EE_CODE_ZEROCOPY_COPIED 1

/* struct sock_extended_err; the offender's address follows it. */
struct abi_extended_err {
    uint32_t error;
    uint8_t origin, type, code, pad;
    uint32_t info, data;
};
_Static_assert(sizeof(struct abi_extended_err) == 16, "sock_extended_err");

/* ---- interfaces ---- */

#define IFNAMSIZ 16

struct abi_ifreq {
    char name[IFNAMSIZ];
    union {
        struct abi_sockaddr_in addr;
        int16_t flags;
        int32_t number; /* index, MTU, metric, queue length */
        struct {
            uint16_t family;
            uint8_t data[14];
        } hardware;
        char text[IFNAMSIZ];
        uint64_t room[3];
    };
};
_Static_assert(sizeof(struct abi_ifreq) == 40, "struct ifreq");

struct abi_ifconf {
    int32_t len, pad;
    uint64_t buf;
};

#define SIOCGIFNAME    0x8910
#define SIOCGIFCONF    0x8912
#define SIOCGIFFLAGS   0x8913
#define SIOCSIFFLAGS   0x8914
#define SIOCGIFADDR    0x8915
#define SIOCGIFDSTADDR 0x8917
#define SIOCGIFBRDADDR 0x8919
#define SIOCGIFNETMASK 0x891b
#define SIOCGIFMETRIC  0x891d
#define SIOCGIFMTU     0x8921
#define SIOCGIFHWADDR  0x8927
#define SIOCGIFINDEX   0x8933
#define SIOCGIFTXQLEN  0x8942
#define SIOCETHTOOL    0x8946
#define SIOCGARP       0x8954
#define SIOCGIFMAP     0x8970

#define IFF_UP        0x1
#define IFF_BROADCAST 0x2
#define IFF_LOOPBACK  0x8
#define IFF_RUNNING   0x40
#define IFF_MULTICAST 0x1000
#define IFF_LOWER_UP  0x10000

#define ARPHRD_ETHER    1
#define ARPHRD_LOOPBACK 772

#endif
