/* SPDX-License-Identifier: MIT
 *
 * TCP's states as calls tell them (shutdown, getpeername, TCP_INFO, accept
 * after a reset, a listener that was shut, a full backlog), what a receive says
 * of what is left, and names, times and full buffers of UDP.
 */
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <sys/uio.h>
#include "tests/guest/inet.h"

#ifndef SIOCGSTAMP
#define SIOCGSTAMP   0x8906
#define SIOCGSTAMPNS 0x8907
#endif

static char buf[5000];

static int connected(const char *ip, int *l, union name *n)
{
    int s;

    *l = bound(ip, SOCK_STREAM, n);
    listen(*l, 5);
    s = socket(n->any.sa_family, SOCK_STREAM, 0);
    if (connect(s, &n->any, len_of(n))) {
        printf("connect: %s\n", strerrorname_np(errno));
    }
    return s;
}

static int state_of(int s)
{
    struct tcp_info info;
    socklen_t len = sizeof(info);

    return getsockopt(s, IPPROTO_TCP, TCP_INFO, &info, &len) ? -1
                                                             : info.tcpi_state;
}

static void until(int s, int events)
{
    struct pollfd p = {s, events, 0};

    poll(&p, 1, -1);
}

static void closing(const char *ip)
{
    union name n, peer;
    socklen_t len = sizeof(peer);
    int l, s = connected(ip, &l, &n), c = accept(l, NULL, NULL);

    printf("-- closing %s\n", ip);
    printf("states %d %d\n", state_of(s), state_of(c));
    CALL(shutdown, s, SHUT_WR);
    until(c, POLLRDHUP);
    while (state_of(s) == 4) { /* until it is acknowledged */
        usleep(1000);
    }
    printf("states %d %d\n", state_of(s), state_of(c));
    CALL(shutdown, s, SHUT_WR);
    CALL(getpeername, s, &peer, &len);
    CALL(shutdown, c, SHUT_RDWR);
    until(s, POLLHUP);
    while (state_of(c) == 9) {
        usleep(1000);
    }
    printf("states %d %d\n", state_of(s), state_of(c));
    CALL(shutdown, s, SHUT_WR);
    CALL(shutdown, c, SHUT_WR);
    CALL(getpeername, s, &peer, &len);
    CALL(getpeername, c, &peer, &len);
    CALL(recvfrom, s, buf, 1L, 0, NULL, NULL);
    close(s);
    close(c);
    close(l);
}

/* Accepted all the same, with its name; what became of it is told then. */
static void reset_before(const char *ip)
{
    struct linger now = {1, 0};
    union name n, from;
    socklen_t len = sizeof(from);
    int l, s = connected(ip, &l, &n), c;

    printf("-- reset %s\n", ip);
    setsockopt(s, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(s);
    c = (int)CALL(accept, l, &from, &len);
    printf("%u %d\n", len, from.any.sa_family == n.any.sa_family);
    until(c, POLLHUP);
    CALL(getpeername, c, &from, &len);
    CALL(read, c, buf, 1L);
    CALL(read, c, buf, 1L);
    close(c);
    close(l);
}

/* A port that bind(2) named stays its own; another is free again. */
static void shut_listener(const char *ip, int named)
{
    union name n;
    int l = bound(ip, SOCK_STREAM, &n), s, other;

    printf("-- listener %s %d\n", ip, named);
    if (named) {
        close(l);
        l = socket(n.any.sa_family, SOCK_STREAM, 0);
        bind(l, &n.any, len_of(&n));
    }
    listen(l, 5);
    s = socket(n.any.sa_family, SOCK_STREAM, 0);
    other = socket(n.any.sa_family, SOCK_STREAM, 0);
    CALL(shutdown, l, SHUT_WR);
    CALL(shutdown, l, SHUT_RD);
    CALL(accept, l, NULL, NULL);
    CALL(connect, s, &n, len_of(&n));
    CALL(bind, other, &n, len_of(&n));
    CALL(listen, l, 1);
    CALL(connect, s, &n, len_of(&n));
    close(s);
    close(other);
    close(l);
}

/* A socket that connects while the backlog is full. */
static int waiting(const char *ip, int backlog, int *l, int *first,
                   union name *n)
{
    int s;

    *l = bound(ip, SOCK_STREAM, n);
    listen(*l, backlog);
    *first = socket(n->any.sa_family, SOCK_STREAM, 0);
    CALL(connect, *first, n, len_of(n));
    s = socket(n->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CALL(connect, s, n, len_of(n));
    return s;
}

static void full_backlog(const char *ip)
{
    union name n, peer;
    socklen_t len = sizeof(peer);
    struct timeval soon = {0, 50000};
    int l, first, s = waiting(ip, 0, &l, &first, &n), c, t;

    printf("-- full backlog %s\n", ip);
    bits("connecting", s);
    printf("state %d\n", state_of(s));
    CALL(connect, s, &n, len_of(&n));
    CALL(getpeername, s, &peer, &len);
    CALL(sendto, s, "x", 1L, MSG_NOSIGNAL, NULL, 0);
    CALL(recvfrom, s, buf, 1L, 0, NULL, NULL);
    t = socket(n.any.sa_family, SOCK_STREAM, 0);
    setsockopt(t, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof(soon));
    CALL(connect, t, &n, len_of(&n));
    close(t);
    c = accept(l, NULL, NULL);
    until(s, POLLOUT);
    CALL(connect, s, &n, len_of(&n));
    CALL(connect, s, &n, len_of(&n));
    CALL(sendto, s, "through", 7L, 0, NULL, 0);
    close(c);
    c = accept(l, NULL, NULL);
    printf("%ld [%s]\n", (long)recv(c, buf, 7, 0), buf);
    close(c);
    close(s);
    close(first);
    close(l);
}

static void full_and_over(const char *ip, int closes)
{
    union name n;
    int l, first, s = waiting(ip, 0, &l, &first, &n);

    printf("-- full and over %d\n", closes);
    if (closes) {
        CALL(close, l);
    } else {
        CALL(shutdown, s, SHUT_RD);
    }
    until(s, 0);
    bits("connecting", s);
    CALL(recvfrom, s, buf, 1L, 0, NULL, NULL);
    CALL(recvfrom, s, buf, 1L, 0, NULL, NULL);
    CALL(connect, s, &n, len_of(&n));
    close(s);
    close(first);
    if (!closes) {
        close(l);
    }
}

static void *accepts(void *arg)
{
    int l = *(int *)arg;

    until_others_sleep();
    close(accept(l, NULL, NULL));
    return NULL;
}

/* connect(2) waits for accept(2). */
static void blocking(void)
{
    pthread_t t;
    union name n;
    int l, first, s = waiting("127.0.0.1", 0, &l, &first, &n), c;

    title("waiting for accept");
    close(s);
    s = socket(AF_INET, SOCK_STREAM, 0);
    pthread_create(&t, NULL, accepts, &l);
    CALL(connect, s, &n, len_of(&n));
    pthread_join(t, NULL);
    c = accept(l, NULL, NULL);
    CALL(write, s, "y", 1L);
    CALL(read, c, buf, 1L);
    close(c);
    close(s);
    close(first);
    close(l);
}

static void receive(int s, long len, int flags)
{
    union {
        char raw[64];
        struct cmsghdr h;
    } c;
    struct iovec iov = {buf, len};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = c.raw,
                       .msg_controllen = sizeof(c)};
    long n = RAW(recvmsg, s, &m, flags);
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);

    printf("%ld [%.*s] flags %x", n, n > 0 ? (int)n : 0, buf, m.msg_flags);
    if (h) {
        printf(" %d %d: %d", h->cmsg_level, h->cmsg_type, *(int *)CMSG_DATA(h));
    }
    printf("\n");
}

static void left_over(void)
{
    union name n;
    int l, s = connected("127.0.0.1", &l, &n), c = accept(l, NULL, NULL),
           v = -1;
    socklen_t len = sizeof(v);

    title("what is left");
    write(s, "abcdefgh", 8);
    memset(buf, '-', sizeof(buf));
    receive(c, 4, MSG_TRUNC | MSG_PEEK);
    receive(c, 2, 0);
    memset(buf, '-', sizeof(buf));
    receive(c, 1, MSG_TRUNC);
    CALL(getsockopt, c, IPPROTO_TCP, TCP_INQ, &v, &len);
    printf("%d\n", v);
    CALL(setsockopt, c, IPPROTO_TCP, TCP_INQ, &v, 3);
    v = 2;
    CALL(setsockopt, c, IPPROTO_TCP, TCP_INQ, &v, 4);
    v = 1;
    CALL(setsockopt, c, IPPROTO_TCP, TCP_INQ, &v, 4);
    v = -1;
    CALL(getsockopt, c, IPPROTO_TCP, TCP_INQ, &v, &len);
    printf("%d\n", v);
    receive(c, 2, MSG_PEEK);
    receive(c, 2, 0);
    receive(c, 10, 0);
    close(s);
    until(c, POLLRDHUP);
    receive(c, 10, 0);
    close(c);
    close(l);
}

/* The port of a connection's end is taken, unless both sides share it. */
static void taken(const char *ip)
{
    union name n, own;
    socklen_t len = sizeof(own);
    int l, s = connected(ip, &l, &n), c = accept(l, NULL, NULL), on = 1;
    int other = socket(n.any.sa_family, SOCK_STREAM, 0);
    int v4 = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in any = {.sin_family = AF_INET};

    printf("-- ports %s\n", ip);
    getsockname(s, &own.any, &len);
    any.sin_port = own.v4.sin_port;
    CALL(bind, other, &own, len_of(&own));
    CALL(bind, v4, &any, sizeof(any));
    setsockopt(other, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    CALL(bind, other, &own, len_of(&own));
    close(l);
    close(s);
    CALL(bind, other, &n, len_of(&n));
    close(c);
    close(other);
    close(v4);
}

/* All that one sender sends reaches the same of several receivers. */
static void shared_port(void)
{
    union name n;
    int on = 1, got[3] = {0}, r[3], strays = 0;

    title("a shared port");
    r[0] = socket(AF_INET, SOCK_DGRAM, 0);
    setsockopt(r[0], SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    n = (union name){.v4 = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
    bind(r[0], &n.any, len_of(&n));
    getsockname(r[0], &n.any, &(socklen_t){sizeof(n)});
    for (int k = 1; k < 3; k++) {
        r[k] = socket(AF_INET, SOCK_DGRAM, 0);
        setsockopt(r[k], SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
        CALL(bind, r[k], &n, len_of(&n));
    }
    for (int i = 0; i < 60; i++) {
        int s = socket(AF_INET, SOCK_DGRAM, 0), receivers = 0;

        for (int k = 0; k < 5; k++) {
            sendto(s, "x", 1, 0, &n.any, len_of(&n));
        }
        close(s);
        for (int k = 0; k < 3; k++) {
            int some = 0;

            while (recv(r[k], buf, 1, MSG_DONTWAIT) == 1) {
                some++;
            }
            receivers += some > 0;
            got[k] += some;
        }
        strays += receivers != 1;
    }
    EXPECT(got[0] + got[1] + got[2] == 300 && !strays);
    EXPECT(got[0] && got[1] && got[2]);
    for (int k = 0; k < 3; k++) {
        close(r[k]);
    }
}

static void sizes(void)
{
    int s = socket(AF_INET, SOCK_DGRAM, 0), v = 0x20;

    title("room for less than a number");
    setsockopt(s, IPPROTO_IP, IP_TOS, &v, sizeof(v));
    for (socklen_t room = 0; room < 6; room++) {
        socklen_t len = room;

        v = 0;
        CALL(getsockopt, s, IPPROTO_IP, IP_TOS, &v, &len);
        printf("%u %x\n", len, v);
    }
    close(s);
}

/* What is too long is told in IPv6's error queue, too. */
static void too_long(void)
{
    static char much[65536];
    union name n;
    int s = bound("::1", SOCK_DGRAM, &n), on = 1;

    title("too long");
    setsockopt(s, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
    CALL(sendto, s, much, sizeof(much), 0, &n, len_of(&n));
    receive(s, 10, MSG_ERRQUEUE);
    receive(s, 10, MSG_ERRQUEUE | MSG_DONTWAIT);
    receive(s, 10, MSG_DONTWAIT);
    close(s);
}

static void show_own(int s)
{
    union name n;
    socklen_t len = sizeof(n);
    char text[64];

    getsockname(s, &n.any, &len);
    inet_ntop(n.any.sa_family,
              n.any.sa_family == AF_INET ? (void *)&n.v4.sin_addr
                                         : (void *)&n.v6.sin6_addr,
              text, sizeof(text));
    printf("%s%s\n", text, n.v4.sin_port ? " and a port" : "");
}

static void names(void)
{
    union name n, none = {.any.sa_family = AF_UNSPEC}, any = {0};
    socklen_t len = sizeof(n);
    int to = bound("127.0.0.1", SOCK_DGRAM, &n), on = 1;
    int s = socket(AF_INET6, SOCK_DGRAM, 0),
        t = socket(AF_INET6, SOCK_DGRAM, 0);

    title("names of either family");
    CALL(sendto, s, "x", 1L, 0, &n, sizeof(n.v4));
    CALL(sendto, s, "x", 1L, 0, &n, sizeof(n.v4) - 1);
    CALL(sendto, s, "x", 1L, 0, &none, sizeof(n.v4));
    CALL(recvfrom, to, buf, 10L, 0, NULL, NULL);
    CALL(connect, s, &n, sizeof(n.v4) - 1);
    CALL(connect, s, &n, sizeof(n.v4));
    show_own(s);
    CALL(connect, s, &none, sizeof(none));
    show_own(s);
    setsockopt(t, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    CALL(connect, t, &n, sizeof(n.v4));
    CALL(sendto, t, "x", 1L, 0, &n, sizeof(n.v4));
    close(t);
    close(s);
    title("names that were not given");
    s = bound("0.0.0.0", SOCK_DGRAM, &any);
    show_own(s);
    CALL(connect, s, &n, sizeof(n.v4));
    show_own(s);
    CALL(connect, s, &none, sizeof(none));
    close(s);
    any.v4.sin_addr.s_addr = 0;
    s = socket(AF_INET, SOCK_DGRAM, 0);
    CALL(bind, s, &any, sizeof(any.v4));
    CALL(connect, s, &n, sizeof(n.v4));
    CALL(connect, s, &none, sizeof(none));
    show_own(s);
    CALL(getpeername, s, &any, &len);
    close(s);
    close(to);
}

/* Who is bound to an address keeps to its family. */
static void kinds(void)
{
    union name n6, n4, from, mapped = {.v6 = {.sin6_family = AF_INET6}};
    socklen_t len = sizeof(from);
    int s = bound("::1", SOCK_DGRAM, &n6);
    int t = bound("127.0.0.1", SOCK_DGRAM, &n4);

    title("bound to one family");
    mapped.v6.sin6_port = n4.v4.sin_port;
    inet_pton(AF_INET6, "::ffff:127.0.0.1", &mapped.v6.sin6_addr);
    CALL(sendto, s, "x", 1L, 0, &n4, sizeof(n4.v4));
    CALL(sendto, s, "x", 1L, 0, &mapped, sizeof(mapped.v6));
    CALL(connect, s, &n4, sizeof(n4.v4));
    CALL(connect, s, &mapped, sizeof(mapped.v6));
    close(s);
    s = bound("::ffff:127.0.0.1", SOCK_DGRAM, &from);
    CALL(sendto, s, "x", 1L, 0, &n6, sizeof(n6.v6));
    CALL(connect, s, &n6, sizeof(n6.v6));
    CALL(connect, s, &n4, sizeof(n4.v4));
    close(s);
    s = socket(AF_INET6, SOCK_DGRAM, 0);
    CALL(connect, s, &n6, sizeof(n6.v6));
    CALL(sendto, s, "z", 1L, 0, &mapped, sizeof(mapped.v6));
    CALL(recvfrom, t, buf, 1L, 0, &from, &len);
    EXPECT(from.v4.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    close(s);
    close(t);
}

/* Of those with SO_REUSEADDR alone, the last one receives. */
static void last_one(void)
{
    union name n;
    int on = 1, r[3], s = socket(AF_INET, SOCK_DGRAM, 0);

    title("the last one");
    close(bound("127.0.0.1", SOCK_DGRAM, &n)); /* a free port */
    for (int k = 0; k < 3; k++) {
        r[k] = socket(AF_INET, SOCK_DGRAM, 0);
        setsockopt(r[k], SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        bind(r[k], &n.any, len_of(&n));
    }
    for (int k = 2; k >= 0; k--) {
        sendto(s, "x", 1, 0, &n.any, len_of(&n));
        CALL(recvfrom, r[k], buf, 1L, MSG_DONTWAIT, NULL, NULL);
        close(r[k]);
    }
    close(s);
}

static void stamps(void)
{
    struct timeval tv = {0}, now;
    struct timespec ts = {0};
    union name n;
    int s = bound("127.0.0.1", SOCK_DGRAM, &n), on = 1, sv[2];
    int stream = socket(AF_INET, SOCK_STREAM, 0);

    title("stamps");
    CALL(ioctl, s, SIOCGSTAMP, &tv);
    CALL(ioctl, stream, SIOCGSTAMP, &tv);
    setsockopt(s, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on));
    sendto(s, "x", 1, 0, &n.any, len_of(&n));
    CALL(read, s, buf, 1L);
    CALL(ioctl, s, SIOCGSTAMPNS, &ts);
    on = 0;
    setsockopt(s, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on));
    sendto(s, "x", 1, 0, &n.any, len_of(&n));
    CALL(read, s, buf, 1L);
    CALL(ioctl, s, SIOCGSTAMP, &tv);
    CALL(ioctl, s, SIOCGSTAMPNS, &ts);
    CALL(ioctl, s, SIOCGSTAMP, BAD);
    gettimeofday(&now, NULL);
    EXPECT(labs(now.tv_sec - tv.tv_sec) < 100 && tv.tv_usec < 1000000);
    EXPECT(labs(ts.tv_sec - tv.tv_sec) < 2 && ts.tv_nsec / 1000 <= 999999);
    socketpair(AF_UNIX, SOCK_DGRAM, 0, sv);
    CALL(ioctl, sv[0], SIOCGSTAMP, &tv);
    close(sv[0]);
    close(sv[1]);
    close(stream);
    close(s);
}

static void full(void)
{
    union name n;
    int s = bound("127.0.0.1", SOCK_DGRAM, &n), size = 4608, got = 0;

    title("a small buffer");
    setsockopt(s, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    for (int i = 0; i < 20; i++) {
        sendto(s, buf, 2304, 0, &n.any, len_of(&n));
    }
    while (recv(s, buf, sizeof(buf), MSG_DONTWAIT) > 0) {
        got++;
    }
    EXPECT(got > 1 && got < 10);
    close(s);
}

/* sendto(2) that connects (tcp(7), MSG_FASTOPEN). */
static void fast_open(const char *ip)
{
    struct sockaddr none = {AF_UNSPEC};
    union name n;
    int l = bound(ip, SOCK_STREAM, &n), s, c;

    printf("-- fast open %s\n", ip);
    listen(l, 5);
    s = socket(n.any.sa_family, SOCK_STREAM, 0);
    CALL(sendto, s, "a", 1L, MSG_FASTOPEN | MSG_NOSIGNAL, NULL, 0L);
    CALL(sendto, s, "a", 1L, MSG_FASTOPEN, &none, sizeof(none));
    CALL(sendto, s, "hello", 5L, MSG_FASTOPEN, &n, len_of(&n));
    c = (int)CALL(accept, l, NULL, NULL);
    CALL(read, c, buf, sizeof(buf));
    CALL(sendto, s, "again", 5L, MSG_FASTOPEN, &n, len_of(&n));
    CALL(sendto, s, "again", 5L, 0, &n, len_of(&n));
    CALL(read, c, buf, sizeof(buf));
    close(s);
    close(c);
    s = socket(n.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CALL(sendto, s, "hello", 5L, MSG_FASTOPEN, &n, len_of(&n));
    until(s, POLLOUT);
    CALL(sendto, s, "hello", 5L, MSG_FASTOPEN, &n, len_of(&n));
    close(l);
    close(s);
    s = socket(n.any.sa_family, SOCK_STREAM, 0);
    CALL(sendto, s, "hello", 5L, MSG_FASTOPEN, &n, len_of(&n));
    close(s);
}

/* Three megabytes that nobody reads yet; less where a buffer was set. */
static void held(int size)
{
    static char large[32768];
    union name n;
    int l, s = connected("127.0.0.1", &l, &n), c;
    long sum = 0, got;

    if (size) {
        setsockopt(s, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    }
    c = accept(l, NULL, NULL);
    for (int i = 0; sum < 3 << 20 && i < 1000;) {
        got = send(s, large, sizeof(large), MSG_DONTWAIT);
        sum += got > 0 ? got : 0;
        i += got < 0;
        usleep(got < 0 ? 100 : 0);
    }
    printf("held %d: %s\n", size,
           sum >= 3 << 20  ? "all"
           : sum < 1 << 20 ? "some"
                           : "most");
    for (got = 1; sum > 0 && got > 0; sum -= got) {
        got = recv(c, large, sizeof(large), 0);
    }
    printf("left %ld\n", sum);
    close(s);
    close(c);
    close(l);
}

static void bad_memory(void)
{
    struct iovec v[] = {{"a", 1}, {BAD, 100}};
    struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};
    union name n;
    int l, s = connected("127.0.0.1", &l, &n), p[2];

    title("bad memory");
    CALL(sendmsg, s, &m, 0);
    socketpair(AF_UNIX, SOCK_STREAM, 0, p);
    CALL(sendmsg, p[0], &m, 0);
    close(p[0]);
    close(p[1]);
    close(s);
    close(l);
}

int main(void)
{
    show_start();
    closing("127.0.0.1");
    closing("::1");
    reset_before("127.0.0.1");
    reset_before("::1");
    shut_listener("127.0.0.1", 0);
    shut_listener("127.0.0.1", 1);
    shut_listener("::1", 1);
    full_backlog("127.0.0.1");
    full_and_over("127.0.0.1", 0);
    full_and_over("::1", 1);
    blocking();
    left_over();
    taken("127.0.0.1");
    taken("::1");
    shared_port();
    sizes();
    too_long();
    names();
    kinds();
    last_one();
    stamps();
    full();
    fast_open("127.0.0.1");
    fast_open("::1");
    held(0);
    held(100000);
    bad_memory();
    return 0;
}
