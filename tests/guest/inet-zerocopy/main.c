/* SPDX-License-Identifier: MIT
 *
 * What a sender is told and what it can hold back: SO_ZEROCOPY and MSG_ZEROCOPY
 * with the error queue, TCP_CORK, and what TCP_INFO says of a connection.
 */
#include <time.h>

#include <linux/errqueue.h>
#include <netinet/tcp.h>
#include "tests/guest/inet.h"

static char buf[4096];

struct pair {
    int from, to;
};

static struct pair connected(const char *ip, int type)
{
    union name n;
    struct pair p = {socket(strchr(ip, ':') ? AF_INET6 : AF_INET, type, 0),
                     bound(ip, type, &n)};
    int l = p.to;

    if (type == SOCK_STREAM) {
        listen(l, 1);
    }
    SHOW(connect(p.from, &n.any, len_of(&n)));
    if (type == SOCK_STREAM) {
        p.to = accept(l, NULL, NULL);
        close(l);
    }
    return p;
}

static void done(struct pair p)
{
    close(p.from);
    close(p.to);
}

/* All that was sent has come: the sender's memory is its own again. */
static void drain(int fd, size_t bytes)
{
    while (bytes) {
        ssize_t n = recv(fd, buf, sizeof(buf), 0);

        if (n <= 0) {
            printf("recv: %s\n", strerrorname_np(errno));
            return;
        }
        bytes -= (size_t)n;
    }
}

/* One message of the error queue. True: there was one. */
static int next_told(int fd, unsigned *first, unsigned *last, int show)
{
    char control[256];
    struct sockaddr_in6 name;
    struct iovec v = {buf, sizeof(buf)};
    struct msghdr m = {&name, sizeof(name), &v, 1, control, sizeof(control), 0};
    struct cmsghdr *c;
    struct sock_extended_err e;

    if (recvmsg(fd, &m, MSG_ERRQUEUE)) {
        return 0;
    }
    c = CMSG_FIRSTHDR(&m);
    memcpy(&e, CMSG_DATA(c), sizeof(e));
    *first = e.ee_info;
    *last = e.ee_data;
    if (show) {
        printf("flags %x name %u: level %d type %d, %u %u %u %u\n", m.msg_flags,
               m.msg_namelen, c->cmsg_level, c->cmsg_type, e.ee_errno,
               e.ee_origin, e.ee_type, e.ee_code);
    }
    return 1;
}

/* How many of the sends have been told of, one after the other. */
static void all_told(int fd, unsigned from, unsigned count)
{
    unsigned next = from, first, last;
    int show = 1;

    while (next < from + count) {
        struct pollfd p = {fd, 0, 0};

        poll(&p, 1, -1);
        if (p.revents != POLLERR || !next_told(fd, &first, &last, show) ||
            first != next) {
            printf("poll %x, %u to %u after %u\n", p.revents, first, last,
                   next);
            return;
        }
        next = last + 1;
        show = 0;
    }
    printf("told of %u\n", count);
}

static void sends(struct pair p, int flags)
{
    SHOW(send(p.from, buf, 100, flags));
    SHOW(send(p.from, buf, 1000, flags));
    drain(p.to, 1100);
}

static void zerocopy(const char *ip, int type)
{
    struct pair p = connected(ip, type);
    struct iovec v[2] = {{buf, 10}, {buf, 20}};
    struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};

    printf("-- zerocopy %s %d\n", ip, type);
    sends(p, MSG_ZEROCOPY); /* not asked for: as any other */
    bits("nothing", p.from);
    CALL(recvmsg, p.from, &m, MSG_ERRQUEUE);
    CALL(setsockopt, p.from, SOL_SOCKET, SO_ZEROCOPY, (int[]){2}, 4);
    CALL(setsockopt, p.from, SOL_SOCKET, SO_ZEROCOPY, (int[]){-1}, 4);
    CALL(setsockopt, p.from, SOL_SOCKET, SO_ZEROCOPY, (int[]){1}, 4);
    sends(p, MSG_ZEROCOPY);
    all_told(p.from, 0, 2);
    sends(p, 0);
    CALL(recvmsg, p.from, &m, MSG_ERRQUEUE);
    SHOW(sendmsg(p.from, &m, MSG_ZEROCOPY));
    drain(p.to, 30);
    all_told(p.from, 2, 1);
    bits("after", p.from);
    CALL(recvmsg, p.to, &m, MSG_ERRQUEUE | MSG_DONTWAIT);
    CALL(setsockopt, p.from, SOL_SOCKET, SO_ZEROCOPY, (int[]){0}, 4);
    sends(p, MSG_ZEROCOPY);
    CALL(recvmsg, p.from, &m, MSG_ERRQUEUE);
    done(p);
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What is held back comes by itself after 200 ms: who was too slow to see that
 * it had not begins anew. */
static int holds_back(struct pair p, int flags)
{
    int64_t before;
    ssize_t n;

    for (int tries = 0; tries < 100; tries++) {
        before = now_ms();
        if (send(p.from, "abc", 3, flags) != 3) {
            return -1;
        }
        n = recv(p.to, buf, sizeof(buf), MSG_DONTWAIT);
        if (now_ms() - before < 100) {
            return n < 0;
        }
        if (n < 3) {
            drain(p.to, n < 0 ? 3 : (size_t)(3 - n));
        }
    }
    return -1;
}

static void cork(const char *ip)
{
    struct pair p = connected(ip, SOCK_STREAM);

    printf("-- cork %s\n", ip);
    CALL(setsockopt, p.from, IPPROTO_TCP, TCP_CORK, (int[]){1}, 4);
    SHOW(holds_back(p, 0));
    CALL(setsockopt, p.from, IPPROTO_TCP, TCP_CORK, (int[]){0}, 4);
    drain(p.to, 3);
    SHOW(holds_back(p, MSG_MORE));
    CALL(setsockopt, p.from, IPPROTO_TCP, TCP_NODELAY, (int[]){1}, 4);
    drain(p.to, 3);
    CALL(setsockopt, p.from, IPPROTO_TCP, TCP_CORK, (int[]){1}, 4);
    SHOW(holds_back(p, 0));
    SHOW(shutdown(p.from, SHUT_WR));
    drain(p.to, 3);
    done(p);
}

static void info(const char *ip)
{
    struct pair p = connected(ip, SOCK_STREAM);
    struct tcp_info i;
    socklen_t len = sizeof(i);

    printf("-- info %s\n", ip);
    SHOW(send(p.from, buf, 100, 0));
    drain(p.to, 100);
    CALL(getsockopt, p.from, IPPROTO_TCP, TCP_INFO, &i, &len);
    printf("%u: state %d, ca %d, options %d, cwnd %d, rto %d, mss %d %d, "
           "ssthresh %x, retransmitted %u\n",
           len, i.tcpi_state, i.tcpi_ca_state, i.tcpi_options & 7,
           i.tcpi_snd_cwnd > 0, i.tcpi_rto > 0, i.tcpi_snd_mss > 536,
           i.tcpi_advmss > 536, i.tcpi_snd_ssthresh, i.tcpi_total_retrans);
    CALL(setsockopt, p.from, IPPROTO_TCP, TCP_WINDOW_CLAMP, (int[]){0}, 4);
    CALL(setsockopt, p.from, IPPROTO_TCP, TCP_WINDOW_CLAMP, (int[]){1}, 4);
    done(p);
}

int main(void)
{
    zerocopy("127.0.0.1", SOCK_STREAM);
    zerocopy("127.0.0.1", SOCK_DGRAM);
    zerocopy("::1", SOCK_STREAM);
    zerocopy("::1", SOCK_DGRAM);
    cork("127.0.0.1");
    cork("::1");
    info("127.0.0.1");
    info("::1");
    return 0;
}
