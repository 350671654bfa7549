/* SPDX-License-Identifier: MIT
 *
 * Control data and options of internet sockets: what a receiver of datagrams
 * is told and a sender asks for, the error queue, corked datagrams, options
 * that are refused, ports that want a capability.
 */
#include <time.h> /* for the next */
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include "tests/guest/inet.h"

static char buf[70000];
static union {
    char bytes[512];
    struct cmsghdr align;
} control;

static void set(int s, int level, int name, int v)
{
    if (setsockopt(s, level, name, &v, sizeof(v))) {
        printf("set %d %d %d: %s\n", level, name, v, strerrorname_np(errno));
    }
}

static void show_number(const struct cmsghdr *c)
{
    int n = 0;

    memcpy(&n, CMSG_DATA(c), c->cmsg_len - sizeof(*c) < 4 ? 1 : 4);
    printf(" number %d", n);
}

static void show_error(const struct cmsghdr *c)
{
    struct sock_extended_err e;
    struct sockaddr_in name;

    memcpy(&e, CMSG_DATA(c), sizeof(e));
    memcpy(&name, CMSG_DATA(c) + sizeof(e), sizeof(name));
    printf(" %s origin %d type %d code %d info %u from %d",
           strerrorname_np((int)e.ee_errno), e.ee_origin, e.ee_type, e.ee_code,
           e.ee_info, name.sin_family);
}

static void show_control(const struct cmsghdr *c)
{
    char text[INET6_ADDRSTRLEN];

    printf("  %d %d len %zu", c->cmsg_level, c->cmsg_type, c->cmsg_len);
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
        struct in_pktinfo p;

        memcpy(&p, CMSG_DATA(c), sizeof(p));
        printf(" %d", p.ipi_ifindex);
        printf(" %s", inet_ntop(AF_INET, &p.ipi_spec_dst, text, sizeof(text)));
        printf(" %s", inet_ntop(AF_INET, &p.ipi_addr, text, sizeof(text)));
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
        struct in6_pktinfo p;

        memcpy(&p, CMSG_DATA(c), sizeof(p));
        printf(" %d", p.ipi6_ifindex);
        printf(" %s", inet_ntop(AF_INET6, &p.ipi6_addr, text, sizeof(text)));
    } else if (c->cmsg_level == SOL_SOCKET) {
        long t[2];

        memcpy(t, CMSG_DATA(c), sizeof(t));
        printf(" %s", labs(t[0] - time(NULL)) < 100 ? "now" : "another time");
    } else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
               (c->cmsg_level == IPPROTO_IPV6 &&
                c->cmsg_type == IPV6_RECVERR)) {
        show_error(c);
    } else if (c->cmsg_type != IP_RECVORIGDSTADDR &&
               c->cmsg_type != IPV6_RECVORIGDSTADDR) {
        show_number(c);
    }
    printf("\n");
}

static void receive(int s, int flags, size_t room)
{
    struct iovec iov = {buf, sizeof(buf)};
    union name from;
    struct msghdr m = {.msg_name = &from,
                       .msg_namelen = sizeof(from),
                       .msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = room};
    long n = RAW(recvmsg, s, &m, flags);

    if (n < 0) {
        printf("recvmsg: %s\n", strerrorname_np(errno));
        return;
    }
    printf("got %ld [%.10s] flags %x name %u control %zu\n", n, buf,
           m.msg_flags, m.msg_namelen, m.msg_controllen);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        show_control(c);
    }
}

static void told(const char *ip)
{
    union name n;
    int s = bound(ip, SOCK_DGRAM, &n),
        c = socket(n.any.sa_family, SOCK_DGRAM, 0);

    printf("-- told %s\n", ip);
    set(s, SOL_SOCKET, SO_TIMESTAMP, 1);
    if (n.any.sa_family == AF_INET) {
        set(s, IPPROTO_IP, IP_PKTINFO, 7);
        set(s, IPPROTO_IP, IP_RECVTTL, 1);
        set(s, IPPROTO_IP, IP_RECVTOS, 1);
        set(s, IPPROTO_IP, IP_RECVORIGDSTADDR, 1);
        set(c, IPPROTO_IP, IP_TTL, 7);
        set(c, IPPROTO_IP, IP_TOS, 0x10);
    } else {
        set(s, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
        set(s, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
        set(s, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
        set(s, IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, 1);
        set(c, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 7);
        set(c, IPPROTO_IPV6, IPV6_TCLASS, 0x10);
    }
    sendto(c, "abc", 4, 0, &n.any, len_of(&n));
    receive(s, MSG_PEEK, sizeof(control));
    receive(s, 0, sizeof(control));
    sendto(c, "def", 4, 0, &n.any, len_of(&n));
    receive(s, 0, 40);
    sendto(c, "ghi", 4, 0, &n.any, len_of(&n));
    receive(s, 0, 0);
    set(s, SOL_SOCKET, SO_TIMESTAMP, 0);
    set(s, SOL_SOCKET, SO_TIMESTAMPNS, 1);
    set(s, SOL_SOCKET, SO_TIMESTAMPING,
        SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE);
    sendto(c, "jkl", 4, 0, &n.any, len_of(&n));
    receive(s, 0, sizeof(control));
    close(s);
    close(c);
}

/* A group on lo: where it was sent, and by which address it came. */
static void group(void)
{
    struct in_addr lo = {htonl(INADDR_LOOPBACK)};
    struct ip_mreq of = {.imr_interface = lo};
    union name n;
    int s = bound("0.0.0.0", SOCK_DGRAM, &n),
        c = socket(AF_INET, SOCK_DGRAM, 0);

    printf("-- group\n");
    inet_pton(AF_INET, "239.1.2.3", &of.imr_multiaddr);
    n.v4.sin_addr = of.imr_multiaddr;
    CALL(setsockopt, s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &of, sizeof(of));
    CALL(setsockopt, c, IPPROTO_IP, IP_MULTICAST_IF, &lo, sizeof(lo));
    set(s, IPPROTO_IP, IP_PKTINFO, 1);
    SHOW(sendto(c, "abc", 4, 0, &n.any, len_of(&n)));
    receive(s, 0, sizeof(control));
    close(s);
    close(c);
}

static void send_with(int s, const union name *to, int level, int type,
                      const void *data, size_t len)
{
    struct iovec iov = {"asked", 6};
    struct msghdr m = {.msg_name = (void *)to,
                       .msg_namelen = len_of(to),
                       .msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = CMSG_SPACE(len)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);

    memset(&control, 0, sizeof(control));
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(len);
    memcpy(CMSG_DATA(c), data, len);
    printf("%d %d: ", level, type);
    CALL(sendmsg, s, &m, 0);
}

static void asked(void)
{
    union name n;
    int s = bound("127.0.0.1", SOCK_DGRAM, &n),
        c = socket(AF_INET, SOCK_DGRAM, 0), v = 9;
    struct in_pktinfo p = {.ipi_spec_dst = {htonl(0x7f000005)}};
    union name from;
    socklen_t len = sizeof(from);

    title("asked");
    set(s, IPPROTO_IP, IP_RECVTTL, 1);
    set(s, IPPROTO_IP, IP_RECVTOS, 1);
    send_with(c, &n, IPPROTO_IP, IP_TTL, &v, sizeof(v));
    receive(s, MSG_DONTWAIT, sizeof(control));
    send_with(c, &n, IPPROTO_IP, IP_TOS, &v, sizeof(v));
    receive(s, MSG_DONTWAIT, sizeof(control));
    send_with(c, &n, IPPROTO_IP, IP_PKTINFO, &p, sizeof(p));
    CALL(recvfrom, s, buf, 10L, MSG_DONTWAIT, &from, &len);
    printf("%s\n", inet_ntoa(from.v4.sin_addr));
    v = 256;
    send_with(c, &n, IPPROTO_IP, IP_TTL, &v, sizeof(v));
    send_with(c, &n, IPPROTO_IP, IP_TTL, &v, 1);
    send_with(c, &n, IPPROTO_IP, 99, &v, sizeof(v));
    send_with(c, &n, IPPROTO_IP, IP_PKTINFO, &p, 5);
    send_with(c, &n, SOL_SOCKET, 99, &v, sizeof(v));
    send_with(c, &n, IPPROTO_TCP, 1, &v, sizeof(v));
    receive(s, MSG_DONTWAIT, sizeof(control));
    close(s);
    close(c);
}

/* What every socket takes with a message; of a stream it is checked, too. */
static void of_sockets(const char *what, int s, const union name *to)
{
    static const struct {
        int level, type;
        long value;
        size_t len;
    } all[] = {
        {SOL_SOCKET, SO_MARK, 1, 4},
        {SOL_SOCKET, SO_MARK, 1, 8},
        {SOL_SOCKET, SO_PRIORITY, 6, 4},
        {SOL_SOCKET, SO_PRIORITY, 7, 4},
        {SOL_SOCKET, SO_PRIORITY, 6, 2},
        {SOL_SOCKET, SO_TIMESTAMPING, SOF_TIMESTAMPING_TX_SOFTWARE, 4},
        {SOL_SOCKET, SO_TIMESTAMPING, SOF_TIMESTAMPING_TX_ACK, 4},
        {SOL_SOCKET, SO_TIMESTAMPING, SOF_TIMESTAMPING_RX_SOFTWARE, 4},
        {SOL_SOCKET, SO_TIMESTAMPING, 0, 8},
        {SOL_SOCKET, SCM_TXTIME, 1, 4},
        {SOL_SOCKET, SCM_TXTIME, 1, 8},
        {SOL_SOCKET, SCM_RIGHTS, 0, 4},
        {SOL_SOCKET, SO_SNDBUF, 5000, 4},
        {IPPROTO_UDP, 77, 1, 4},
        {999, 1, 1, 4},
    };

    title(what);
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        printf("%ld %zu ", all[i].value, all[i].len);
        send_with(s, to, all[i].level, all[i].type, &all[i].value, all[i].len);
    }
}

static void streams(void)
{
    union name n;
    int l = bound("127.0.0.1", SOCK_STREAM, &n),
        s = socket(AF_INET, SOCK_STREAM, 0), d = socket(AF_INET, SOCK_DGRAM, 0);

    of_sockets("not connected", s, &n);
    listen(l, 1);
    connect(s, &n.any, len_of(&n));
    of_sockets("a stream", s, &n);
    of_sockets("datagrams", d, &n);
    if (!fork()) {
        setresuid(NOBODY, NOBODY, NOBODY);
        of_sockets("another user's stream", s, &n);
        of_sockets("another user's datagrams", d, &n);
        _exit(0);
    }
    wait(NULL);
    close(l);
    close(s);
    close(d);
}

/* The error comes when it comes. */
static void wait_error(int s)
{
    struct pollfd p = {s, 0, 0};

    poll(&p, 1, 10000);
    printf("poll: %x\n", p.revents);
}

static void errors(const char *ip)
{
    union name n;
    int s = bound(ip, SOCK_DGRAM, &n),
        c = socket(n.any.sa_family, SOCK_DGRAM, 0);
    int err = -1;
    socklen_t len = sizeof(err);

    printf("-- errors %s\n", ip);
    close(s);
    if (n.any.sa_family == AF_INET) {
        set(c, IPPROTO_IP, IP_RECVERR, 1);
    } else {
        set(c, IPPROTO_IPV6, IPV6_RECVERR, 1);
    }
    receive(c, MSG_ERRQUEUE, sizeof(control));
    CALL(sendto, c, "nobody", 7L, 0, &n, len_of(&n));
    wait_error(c);
    receive(c, MSG_ERRQUEUE, sizeof(control));
    receive(c, MSG_ERRQUEUE, sizeof(control));
    CALL(getsockopt, c, SOL_SOCKET, SO_ERROR, &err, &len);
    printf("%d\n", err);
    CALL(sendto, c, "again", 6L, 0, &n, len_of(&n));
    wait_error(c);
    CALL(recvfrom, c, buf, 10L, MSG_DONTWAIT, NULL, NULL);
    wait_error(c);
    receive(c, MSG_ERRQUEUE, 0);
    close(c);
}

static void corked(void)
{
    union name n;
    int s = bound("127.0.0.1", SOCK_DGRAM, &n),
        c = socket(AF_INET, SOCK_DGRAM, 0);

    title("corked");
    CALL(sendto, c, "one ", 4L, MSG_MORE, &n, 16);
    CALL(recvfrom, s, buf, 10L, MSG_DONTWAIT, NULL, NULL);
    CALL(sendto, c, "two", 4L, 0, &n, 16);
    receive(s, MSG_DONTWAIT, 0);
    connect(c, &n.any, 16);
    set(c, IPPROTO_UDP, UDP_CORK, 1);
    CALL(write, c, "a", 1L);
    CALL(write, c, "b", 2L);
    CALL(recvfrom, s, buf, 10L, MSG_DONTWAIT, NULL, NULL);
    set(c, IPPROTO_UDP, UDP_CORK, 0);
    receive(s, MSG_DONTWAIT, 0);
    CALL(sendto, c, buf, 60000L, MSG_MORE, NULL, 0);
    CALL(sendto, c, buf, 6000L, MSG_MORE, NULL, 0);
    CALL(sendto, c, "last", 5L, 0, NULL, 0);
    receive(s, MSG_DONTWAIT, 0);
    close(s);
    close(c);
}

/* Bytes of a stream that more will follow. */
static void more(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(a);
    int l = socket(AF_INET, SOCK_STREAM, 0), k;
    int c = socket(AF_INET, SOCK_STREAM, 0);
    struct pollfd p = {.events = POLLIN};

    title("more");
    bind(l, (struct sockaddr *)&a, sizeof(a));
    listen(l, 1);
    getsockname(l, (struct sockaddr *)&a, &len);
    connect(c, (struct sockaddr *)&a, len);
    k = p.fd = accept(l, NULL, NULL);
    CALL(sendto, c, "abc", 3L, MSG_MORE, NULL, 0);
    CALL(recvfrom, k, buf, 10L, MSG_DONTWAIT, NULL, NULL);
    CALL(poll, &p, 1, 0);
    CALL(sendto, c, "d", 1L, 0, NULL, 0);
    CALL(recvfrom, k, buf, 10L, MSG_DONTWAIT, NULL, NULL);
    CALL(sendto, c, "ef", 2L, MSG_MORE, NULL, 0);
    CALL(poll, &p, 1, 5000);
    CALL(recvfrom, k, buf, 10L, MSG_DONTWAIT, NULL, NULL);
    CALL(sendto, c, "gh", 2L, MSG_MORE, NULL, 0);
    CALL(shutdown, c, SHUT_WR);
    CALL(recvfrom, k, buf, 10L, MSG_WAITALL, NULL, NULL);
    close(l);
    close(c);
    close(k);
}

static void option(int s, int level, int name, int v, long len)
{
    int back = -77;
    socklen_t size = sizeof(back);

    printf("%d %d %d:", level, name, v);
    errno = 0;
    if (RAW(setsockopt, s, level, name, &v, len)) {
        printf(" set %s", strerrorname_np(errno));
    }
    errno = 0;
    if (RAW(getsockopt, s, level, name, &back, &size)) {
        printf(" get %s\n", strerrorname_np(errno));
    } else {
        printf(" get %d len %u\n", back, size);
    }
}

static void options(void)
{
    static const int values[] = {-2, -1, 0, 1, 63, 127, 128, 255, 256, 32768};
    static const int names[][2] = {{IPPROTO_IP, IP_TTL},
                                   {IPPROTO_IP, IP_MINTTL},
                                   {IPPROTO_IP, IP_MTU_DISCOVER},
                                   {IPPROTO_IP, IP_PKTINFO},
                                   {IPPROTO_IP, IP_RECVERR},
                                   {IPPROTO_IP, IP_MULTICAST_ALL},
                                   {IPPROTO_TCP, TCP_NODELAY},
                                   {IPPROTO_TCP, TCP_KEEPIDLE},
                                   {IPPROTO_TCP, TCP_KEEPCNT},
                                   {IPPROTO_TCP, TCP_SYNCNT},
                                   {IPPROTO_TCP, TCP_KEEPINTVL},
                                   {IPPROTO_UDP, UDP_CORK},
                                   {IPPROTO_IPV6, IPV6_RECVPKTINFO},
                                   {IPPROTO_IPV6, IPV6_UNICAST_HOPS},
                                   {500, 1}};

    for (int kind = 0; kind < 3; kind++) {
        int s = socket(kind == 2 ? AF_INET6 : AF_INET,
                       kind ? SOCK_DGRAM : SOCK_STREAM, 0);

        printf("-- options %d\n", kind);
        for (unsigned n = 0; n < COUNT(names); n++) {
            for (unsigned v = 0; v < COUNT(values); v++) {
                option(s, names[n][0], names[n][1], values[v], 4);
            }
        }
        option(s, IPPROTO_IP, IP_TOS, 8, 1);
        option(s, IPPROTO_IP, IP_TOS, 8, 0);
        option(s, IPPROTO_IP, IP_TTL, 8, 0);
        option(s, IPPROTO_IP, IP_MTU, 8, 4);
        option(s, IPPROTO_IP, 120, 8, 4);
        option(s, IPPROTO_TCP, TCP_NODELAY, 1, 3);
        option(s, IPPROTO_TCP, 9999, 1, 4);
        option(s, IPPROTO_UDP, 9999, 1, 4);
        close(s);
    }
}

static void others(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(80),
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int s = socket(AF_INET, SOCK_STREAM, 0), d = socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq r = {.ifr_name = "lo"};
    int v = 1;
    socklen_t len = sizeof(v);
    char name[16] = "x";

    title("others");
    CALL(ioctl, d, SIOCATMARK, &v);
    CALL(ioctl, s, SIOCATMARK, &v);
    CALL(ioctl, d, TIOCOUTQ, &v);
    CALL(ioctl, d, SIOCSIFFLAGS, BAD);
    ioctl(d, SIOCGIFFLAGS, &r);
    CALL(ioctl, d, SIOCSIFFLAGS, &r);
    CALL(setsockopt, s, IPPROTO_TCP, 31, "nothing", 7);
    CALL(getsockopt, s, SOL_SOCKET, SO_BINDTODEVICE, name, &len);
    printf("%u\n", len);
    CALL(setsockopt, s, SOL_SOCKET, SO_DETACH_FILTER, &v, sizeof(v));
    len = sizeof(name);
    CALL(getsockopt, s, SOL_SOCKET, SO_PEERNAME, name, &len);
    CALL(getsockopt, s, SOL_SOCKET, SO_ATTACH_FILTER, name, &len);
    printf("%u\n", len);
    len = sizeof(name);
    CALL(getsockopt, s, SOL_SOCKET, SO_PEERCRED, name, &len);
    printf("%u %d %d\n", len, name[0], name[4]);
    len = sizeof(v);
    CALL(getsockopt, s, SOL_SOCKET, SO_INCOMING_NAPI_ID, &v, &len);
    printf("%u %d\n", len, v);
    len = sizeof(name);
    memset(name, 0, sizeof(name));
    CALL(getsockopt, s, SOL_SOCKET, SO_COOKIE, name, &len);
    EXPECT(len == 8 && memcmp(name, name + 8, 8));
    v = 1;
    setresuid(NOBODY, NOBODY, NOBODY);
    CALL(bind, s, &a, 16);
    CALL(bind, d, &a, 16);
    CALL(setsockopt, s, SOL_SOCKET, SO_BINDTODEVICE, "nosuch", 7);
}

int main(void)
{
    show_start();
    told("127.0.0.1");
    told("::1");
    group();
    asked();
    streams();
    errors("127.0.0.1");
    errors("::1");
    corked();
    more();
    options();
    others();
    return 0;
}
