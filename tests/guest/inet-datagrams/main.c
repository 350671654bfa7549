/* SPDX-License-Identifier: MIT
 *
 * UDP between sockets of one machine: boundaries, truncation, connected and
 * not, refusals, both families, what poll says.
 */
#include <pthread.h>
#include <sys/ioctl.h>
#include "tests/guest/inet.h"

static char buf[70000];

static void got(long n)
{
    printf("[%.*s]\n", n > 0 ? (int)n : 0, buf);
}

static void talk(const char *ip)
{
    union name n, from;
    socklen_t len = sizeof(from);
    int s = bound(ip, SOCK_DGRAM, &n),
        c = socket(n.any.sa_family, SOCK_DGRAM, 0), k;
    struct iovec iov = {buf, 3};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

    printf("-- %s\n", ip);
    bits("fresh", s);
    CALL(recvfrom, s, buf, 10L, MSG_DONTWAIT, NULL, NULL);
    CALL(write, c, "x", 1L);
    CALL(sendto, c, "hello", 5L, 0, &n, len_of(&n));
    bits("sent", s);
    CALL(ioctl, s, FIONREAD, &k);
    printf("%d\n", k);
    got(CALL(recvfrom, s, buf, 3L, MSG_PEEK | MSG_TRUNC, NULL, NULL));
    got(CALL(recvfrom, s, buf, 10L, 0, &from, &len));
    printf("%u %d\n", len, from.any.sa_family);
    CALL(sendto, s, "reply", 5L, 0, &from, len);
    got(CALL(read, c, buf, 10L));
    CALL(sendto, c, "", 0L, 0, &n, len_of(&n));
    CALL(read, s, buf, 10L);
    CALL(sendto, c, "truncated", 9L, 0, &n, len_of(&n));
    got(CALL(recvmsg, s, &m, 0));
    printf("%x\n", m.msg_flags);
    CALL(sendto, c, buf, 65507L, 0, &n, len_of(&n));
    CALL(read, s, buf, 70000L);
    CALL(sendto, c, buf, 65536L, 0, &n, len_of(&n));
    CALL(sendto, c, "x", 1L, MSG_OOB, &n, len_of(&n));
    CALL(connect, c, &n, len_of(&n));
    CALL(write, c, "connected", 9L);
    got(CALL(read, s, buf, 10L));
    len = sizeof(from);
    CALL(getpeername, c, &from, &len);
    printf("%u %d\n", len, from.v4.sin_port == n.v4.sin_port);
    CALL(getpeername, s, &from, &len);
    CALL(shutdown, s, SHUT_RD);
    CALL(listen, c, 1);
    CALL(accept, c, NULL, NULL);
    k = bound(ip, SOCK_DGRAM, &from);
    len = sizeof(from);
    getsockname(c, &from.any, &len);
    CALL(sendto, k, "stranger", 8L, 0, &from, len);
    CALL(sendto, s, "friend", 6L, 0, &from, len);
    got(CALL(read, c, buf, 10L));
    CALL(recvfrom, c, buf, 10L, MSG_DONTWAIT, NULL, NULL);
    close(k);
    close(s);
    CALL(write, c, "refused", 7L);
    /* The error comes when it comes. */
    poll(&(struct pollfd){c, 0, 0}, 1, 10000);
    bits("refused", c);
    CALL(write, c, "again", 5L);
    CALL(read, c, buf, 0L);
    from.any.sa_family = AF_UNSPEC;
    CALL(connect, c, &from, 16);
    CALL(getpeername, c, &from, &len);
    CALL(write, c, "x", 1L);
    close(c);
}

/* Ports of its own, and how much of a datagram its checksum covers; on kernels
 * that have it. */
static void lite(void)
{
    union name n;
    socklen_t len = sizeof(n);
    int s = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE), t, u, v;

    title("UDP-Lite");
    if (s < 0) {
        return;
    }
    t = bound("127.0.0.1", SOCK_DGRAM, &n);
    CALL(bind, s, &n, 16);
    u = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE);
    for (v = -1; v < 70000; v += v < 10 ? 3 : 35000) {
        setsockopt(u, IPPROTO_UDPLITE, 10, &v, sizeof(v));
        int got = -1;
        len = sizeof(got);
        getsockopt(u, IPPROTO_UDPLITE, 10, &got, &len);
        printf("coverage %d: %d\n", v, got);
    }
    CALL(setsockopt, t, IPPROTO_UDPLITE, 10, &v, 4);
    CALL(getsockopt, u, IPPROTO_UDPLITE, 12, &v, &len);
    CALL(setsockopt, u, IPPROTO_UDPLITE, 11, &v, 3);
    CALL(sendto, u, "lite", 4L, 0, &n, 16);
    CALL(recvfrom, t, buf, 10L, MSG_DONTWAIT, NULL, NULL);
    got(CALL(read, s, buf, 10L));
    len = sizeof(v);
    CALL(getsockopt, u, SOL_SOCKET, SO_PROTOCOL, &v, &len);
    printf("protocol %d\n", v);
    close(s);
    close(t);
    close(u);
}

static void bad(void)
{
    union name n, m;
    int s = bound("127.0.0.1", SOCK_DGRAM, &n), t;

    title("bad");
    CALL(bind, s, &n, 16);
    t = socket(AF_INET, SOCK_DGRAM, 0);
    CALL(bind, t, &n, 16);
    CALL(bind, t, &n, 15);
    n.any.sa_family = AF_INET6;
    CALL(bind, t, &n, 16);
    n.any.sa_family = AF_INET;
    CALL(sendto, t, "x", 1L, 0, &n, 15);
    m = n;
    m.v4.sin_port = 0;
    CALL(sendto, t, "x", 1L, 0, &m, 16);
    m.v4.sin_addr.s_addr = htonl(0x08080808);
    CALL(bind, t, &m, 16);
    CALL(socket, AF_INET, SOCK_DGRAM, IPPROTO_TCP);
    CALL(socket, AF_INET, SOCK_RDM, 0);
    close(s);
    close(t);
}

static pthread_barrier_t both;
static union name target;
static int shared;

static void *sends(void *arg)
{
    pthread_barrier_wait(&both);
    return (void *)sendto(shared, "x", 1, 0, &target.any, len_of(&target));
}

/* Two threads send at once what is the socket's first: it gets one port. */
static void first_sends(void)
{
    int s = bound("127.0.0.1", SOCK_DGRAM, &target), failed = 0, others = 0;

    title("first sends");
    pthread_barrier_init(&both, NULL, 2);
    for (int k = 0; k < 300; k++) {
        union name a = {.any.sa_family = 0}, b = a;
        socklen_t len = sizeof(a);
        pthread_t t;
        void *r;

        shared = socket(AF_INET, SOCK_DGRAM, 0);
        pthread_create(&t, NULL, sends, NULL);
        failed += sends(NULL) != (void *)1;
        pthread_join(t, &r);
        failed += r != (void *)1;
        recvfrom(s, buf, 1, MSG_DONTWAIT, &a.any, &len);
        len = sizeof(b);
        recvfrom(s, buf, 1, MSG_DONTWAIT, &b.any, &len);
        others += a.v4.sin_port != b.v4.sin_port;
        close(shared);
    }
    printf("%d failed, %d from another port\n", failed, others);
    close(s);
}

int main(void)
{
    show_start();
    talk("127.0.0.1");
    talk("0.0.0.0");
    talk("127.0.0.9");
    talk("::1");
    talk("::");
    lite();
    bad();
    first_sends();
    return 0;
}
