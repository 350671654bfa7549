/* SPDX-License-Identifier: MIT
 *
 * Options of sockets one by one, on each kind of socket: what they are at the
 * start, what several values make of them, which lengths they want. Those only
 * that are the same on every host.
 */
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include "tests/guest/inet.h"

#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72
#endif

#ifndef SO_BUSY_POLL_BUDGET
#define SO_BUSY_POLL_BUDGET 70
#endif
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif
#ifndef SO_RESERVE_MEM
#define SO_RESERVE_MEM 73
#endif

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif
#ifndef IP_RECVERR_RFC4884
#define IP_RECVERR_RFC4884 26
#endif
#ifndef IPV6_RECVERR_RFC4884
#define IPV6_RECVERR_RFC4884 31
#endif
#define IPV6_FLOWINFO_SEND 33

#define OPTION(level, name)                                                    \
    {                                                                          \
#name, level, name                                                     \
    }
static const struct option {
    const char *text;
    int level, name;
} options[] = {
    OPTION(SOL_SOCKET, SO_DEBUG),
    OPTION(SOL_SOCKET, SO_REUSEADDR),
    OPTION(SOL_SOCKET, SO_REUSEPORT),
    OPTION(SOL_SOCKET, SO_DONTROUTE),
    OPTION(SOL_SOCKET, SO_BROADCAST),
    OPTION(SOL_SOCKET, SO_KEEPALIVE),
    OPTION(SOL_SOCKET, SO_OOBINLINE),
    OPTION(SOL_SOCKET, SO_NO_CHECK),
    OPTION(SOL_SOCKET, SO_PRIORITY),
    OPTION(SOL_SOCKET, SO_BSDCOMPAT),
    OPTION(SOL_SOCKET, SO_SNDLOWAT),
    OPTION(SOL_SOCKET, SO_TIMESTAMP),
    OPTION(SOL_SOCKET, SO_TIMESTAMPNS),
    OPTION(SOL_SOCKET, SO_ACCEPTCONN),
    OPTION(SOL_SOCKET, SO_MARK),
    OPTION(SOL_SOCKET, SO_RXQ_OVFL),
    OPTION(SOL_SOCKET, SO_WIFI_STATUS),
    OPTION(SOL_SOCKET, SO_NOFCS),
    OPTION(SOL_SOCKET, SO_LOCK_FILTER),
    OPTION(SOL_SOCKET, SO_SELECT_ERR_QUEUE),
    OPTION(SOL_SOCKET, SO_BUSY_POLL),
    OPTION(SOL_SOCKET, SO_MAX_PACING_RATE),
    OPTION(SOL_SOCKET, SO_BPF_EXTENSIONS),
    OPTION(SOL_SOCKET, SO_INCOMING_CPU),
    OPTION(SOL_SOCKET, SO_CNX_ADVICE),
    OPTION(SOL_SOCKET, SO_BUF_LOCK),
    OPTION(SOL_SOCKET, SO_ATTACH_BPF),
    OPTION(SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF),
    OPTION(SOL_SOCKET, SO_MEMINFO),
    OPTION(SOL_SOCKET, SO_PEERGROUPS),
    OPTION(SOL_SOCKET, SO_PASSPIDFD),
    OPTION(SOL_SOCKET, SO_ZEROCOPY),
    OPTION(SOL_SOCKET, SO_TXTIME),
    OPTION(SOL_SOCKET, SO_BUSY_POLL_BUDGET),
    OPTION(SOL_SOCKET, SO_NETNS_COOKIE),
    OPTION(SOL_SOCKET, SO_RESERVE_MEM),
    OPTION(IPPROTO_IP, IP_TOS),
    OPTION(IPPROTO_IP, IP_TTL),
    OPTION(IPPROTO_IP, IP_RECVOPTS),
    OPTION(IPPROTO_IP, IP_RETOPTS),
    OPTION(IPPROTO_IP, IP_PKTINFO),
    OPTION(IPPROTO_IP, IP_MTU_DISCOVER),
    OPTION(IPPROTO_IP, IP_RECVERR),
    OPTION(IPPROTO_IP, IP_RECVTTL),
    OPTION(IPPROTO_IP, IP_RECVTOS),
    OPTION(IPPROTO_IP, IP_FREEBIND),
    OPTION(IPPROTO_IP, IP_RECVORIGDSTADDR),
    OPTION(IPPROTO_IP, IP_MINTTL),
    OPTION(IPPROTO_IP, IP_HDRINCL),
    OPTION(IPPROTO_IP, IP_ROUTER_ALERT),
    OPTION(IPPROTO_IP, IP_PKTOPTIONS),
    OPTION(IPPROTO_IP, IP_PASSSEC),
    OPTION(IPPROTO_IP, IP_NODEFRAG),
    OPTION(IPPROTO_IP, IP_CHECKSUM),
    OPTION(IPPROTO_IP, IP_RECVFRAGSIZE),
    OPTION(IPPROTO_IP, IP_RECVERR_RFC4884),
    OPTION(IPPROTO_IP, IP_UNICAST_IF),
    OPTION(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT),
    OPTION(IPPROTO_IP, IP_MULTICAST_TTL),
    OPTION(IPPROTO_IP, IP_MULTICAST_LOOP),
    OPTION(IPPROTO_IP, IP_MULTICAST_ALL),
    OPTION(IPPROTO_IPV6, IPV6_RECVPKTINFO),
    OPTION(IPPROTO_IPV6, IPV6_RECVHOPLIMIT),
    OPTION(IPPROTO_IPV6, IPV6_RECVTCLASS),
    OPTION(IPPROTO_IPV6, IPV6_DONTFRAG),
    OPTION(IPPROTO_IPV6, IPV6_MINHOPCOUNT),
    OPTION(IPPROTO_IPV6, IPV6_RECVORIGDSTADDR),
    OPTION(IPPROTO_IPV6, IPV6_FREEBIND),
    OPTION(IPPROTO_IPV6, IPV6_2292PKTINFO),
    OPTION(IPPROTO_IPV6, IPV6_2292HOPOPTS),
    OPTION(IPPROTO_IPV6, IPV6_2292DSTOPTS),
    OPTION(IPPROTO_IPV6, IPV6_2292RTHDR),
    OPTION(IPPROTO_IPV6, IPV6_2292HOPLIMIT),
    OPTION(IPPROTO_IPV6, IPV6_ROUTER_ALERT_ISOLATE),
    OPTION(IPPROTO_IPV6, IPV6_RECVERR_RFC4884),
    OPTION(IPPROTO_IPV6, IPV6_FLOWINFO_SEND),
    OPTION(IPPROTO_IPV6, IPV6_RECVHOPOPTS),
    OPTION(IPPROTO_IPV6, IPV6_RECVRTHDR),
    OPTION(IPPROTO_IPV6, IPV6_RECVDSTOPTS),
    OPTION(IPPROTO_IPV6, IPV6_RECVPATHMTU),
    OPTION(IPPROTO_IPV6, IPV6_MULTICAST_IF),
    OPTION(IPPROTO_IPV6, IPV6_UNICAST_IF),
    OPTION(IPPROTO_IPV6, IPV6_V6ONLY),
    OPTION(IPPROTO_IPV6, 9), /* none of a socket's */
    OPTION(IPPROTO_TCP, TCP_NODELAY),
    OPTION(IPPROTO_TCP, TCP_MAXSEG),
    OPTION(IPPROTO_TCP, TCP_CORK),
    OPTION(IPPROTO_TCP, TCP_WINDOW_CLAMP),
    OPTION(IPPROTO_TCP, TCP_USER_TIMEOUT),
    OPTION(IPPROTO_TCP, TCP_FASTOPEN_CONNECT),
    OPTION(IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS),
    OPTION(IPPROTO_TCP, TCP_MD5SIG),
    OPTION(IPPROTO_TCP, TCP_THIN_DUPACK),
    OPTION(IPPROTO_TCP, TCP_REPAIR_QUEUE),
    OPTION(IPPROTO_TCP, TCP_QUEUE_SEQ),
    OPTION(IPPROTO_TCP, TCP_REPAIR_OPTIONS),
    OPTION(IPPROTO_TCP, TCP_REPAIR_WINDOW),
    OPTION(IPPROTO_TCP, TCP_TX_DELAY),
    OPTION(IPPROTO_UDP, UDP_CORK),
    OPTION(IPPROTO_UDP, UDP_NO_CHECK6_TX),
    OPTION(IPPROTO_UDP, UDP_NO_CHECK6_RX),
    OPTION(IPPROTO_UDP, UDP_SEGMENT),
    OPTION(IPPROTO_UDP, UDP_GRO),
    OPTION(IPPROTO_UDP, IP_ADD_MEMBERSHIP), /* of another level */
    OPTION(77, TCP_NODELAY),
};

static void get(int s, const struct option *o, socklen_t len)
{
    int v = 0;

    if (getsockopt(s, o->level, o->name, &v, &len)) {
        printf(" %s", strerrorname_np(errno));
    } else {
        printf(" %d=%d", (int)len, v);
    }
}

static void set(int s, const struct option *o, int v)
{
    if (setsockopt(s, o->level, o->name, &v, sizeof(v))) {
        printf(" %d:%s", v, strerrorname_np(errno));
    } else {
        printf(" %d:", v);
        get(s, o, sizeof(v));
    }
}

static void set_short(int s, const struct option *o, socklen_t len)
{
    int v = 0;
    int failed = setsockopt(s, o->level, o->name, &v, len);

    printf(" len %d:%s", (int)len, failed ? strerrorname_np(errno) : "ok");
}

/* UDP_CORK of no value would send what is there: nothing. */
static void try(int s, const struct option *o)
{
    static const int values[] = {-1, 0, 1, 2, 7, 300};

    printf("%s", o->text);
    get(s, o, sizeof(int));
    get(s, o, 1);
    get(s, o, 0);
    for (unsigned i = 0; i < COUNT(values); i++) {
        set(s, o, values[i]);
    }
    set_short(s, o, 0);
    set_short(s, o, 1);
    printf("\n");
}

static void all(const char *what, int family, int type)
{
    printf("-- %s\n", what);
    for (unsigned i = 0; i < COUNT(options); i++) {
        int s = socket(family, type, 0);

        try(s, &options[i]);
        close(s);
    }
}

/* One send, several datagrams. */
static void segments(const char *ip)
{
    union name n;
    int s = bound(ip, SOCK_DGRAM, &n), size = 100, more = 1;
    int c = socket(n.any.sa_family, SOCK_DGRAM, 0);
    static char buf[1000];
    union {
        char bytes[CMSG_SPACE(sizeof(uint16_t))];
        struct cmsghdr h;
    } control = {.h = {.cmsg_len = CMSG_LEN(sizeof(uint16_t)),
                       .cmsg_level = IPPROTO_UDP,
                       .cmsg_type = UDP_SEGMENT}};
    uint16_t other = 150;
    struct iovec iov = {buf, 400};
    struct msghdr m = {.msg_name = &n,
                       .msg_namelen = len_of(&n),
                       .msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof(control)};

    printf("-- segments %s\n", ip);
    SHOW(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &more, sizeof(more)));
    SHOW(setsockopt(c, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)));
    SHOW(sendto(c, buf, 250, 0, &n.any, len_of(&n)));
    SHOW(sendto(c, buf, 100, 0, &n.any, len_of(&n)));
    SHOW(sendto(c, buf, 0, 0, &n.any, len_of(&n)));
    memcpy(CMSG_DATA(&control.h), &other, sizeof(other));
    SHOW(sendmsg(c, &m, 0));
    for (int i = 0; i < 8; i++) {
        SHOW(recv(s, buf, sizeof(buf), 0));
    }
    SHOW(recv(s, buf, sizeof(buf), MSG_DONTWAIT));
    control.h.cmsg_len = CMSG_LEN(1);
    SHOW(sendmsg(c, &m, 0));
    close(s);
    close(c);
}

/* What is looked at first. */
static void kinds(void)
{
    static const int families[] = {-1,       AF_UNSPEC, AF_INET,
                                   AF_INET6, AF_ROSE,   AF_MAX};

    for (unsigned i = 0; i < COUNT(families); i++) {
        printf("-- family %u\n", i);
        SHOW(socket(families[i], -1, 0));
        SHOW(socket(families[i], 11, 0));
        SHOW(socket(families[i], SOCK_STREAM, -1));
        SHOW(socket(families[i], SOCK_STREAM, 300));
        SHOW(socket(families[i], SOCK_DGRAM, IPPROTO_TCP));
        SHOW(socket(families[i], SOCK_SEQPACKET, 0));
    }
}

/* What a connection over lo says of its way. */
static void way(const char *ip)
{
    union name n;
    int l = bound(ip, SOCK_STREAM, &n), v = 0;
    int c = socket(n.any.sa_family, SOCK_STREAM, 0);
    socklen_t len = sizeof(v);

    listen(l, 1);
    SHOW(connect(c, &n.any, len_of(&n)));
    SHOW(getsockopt(c, IPPROTO_IP, IP_MTU, &v, &len));
    SHOW(v);
    SHOW(getsockopt(c, IPPROTO_TCP, TCP_MAXSEG, &v, &len));
    SHOW(v);
    v = 1;
    SHOW(setsockopt(c, IPPROTO_TCP, TCP_FASTOPEN, &v, sizeof(v)));
    close(c);
    close(l);
}

int main(void)
{
    show_start();
    kinds();
    way("127.0.0.1");
    way("::1");
    all("TCP", AF_INET, SOCK_STREAM);
    all("TCP over IPv6", AF_INET6, SOCK_STREAM);
    all("UDP", AF_INET, SOCK_DGRAM);
    all("UDP over IPv6", AF_INET6, SOCK_DGRAM);
    all("unix", AF_UNIX, SOCK_STREAM);
    segments("127.0.0.1");
    segments("::1");
    return 0;
}
