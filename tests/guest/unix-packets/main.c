/* SPDX-License-Identifier: MIT
 *
 * unix(7) datagrams and records: boundaries, truncation, senders' names,
 * connected and not, full queues, ends.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include "tests/guest/show.h"

static char buf[300000];
static int pipes;

static void on_pipe(int signo)
{
    pipes++;
}

static void got(long n)
{
    printf("[%.*s]\n", n > 0 ? (int)n : 0, buf);
}

static socklen_t name_of(struct sockaddr_un *a, const char *name)
{
    memset(a, 0, sizeof(*a));
    a->sun_family = AF_UNIX;
    strcpy(a->sun_path + 1, name);
    return 3 + strlen(name);
}

static int bound(const char *name)
{
    struct sockaddr_un a;
    int s = socket(AF_UNIX, SOCK_DGRAM, 0);

    if (bind(s, (void *)&a, name_of(&a, name))) {
        printf("bind %s: %s\n", name, strerrorname_np(errno));
    }
    return s;
}

static void pairs(int type)
{
    struct sockaddr_un a;
    socklen_t len = sizeof(a);
    struct iovec iov = {buf, 4};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    int sv[2], n;

    title(type == SOCK_DGRAM ? "datagram pair" : "record pair");
    CALL(socketpair, AF_UNIX, type, 0, sv);
    CALL(write, sv[0], "one", 3L);
    CALL(write, sv[0], "second", 6L);
    CALL(write, sv[0], "", 0L);
    CALL(write, sv[0], "last", 4L);
    CALL(ioctl, sv[1], FIONREAD, &n);
    printf("%d\n", n);
    got(CALL(recvfrom, sv[1], buf, 10L, MSG_PEEK, NULL, NULL));
    got(CALL(recvfrom, sv[1], buf, 10L, 0, &a, &len));
    printf("name length %u\n", len);
    got(CALL(recvfrom, sv[1], buf, 2L, MSG_PEEK | MSG_TRUNC, NULL, NULL));
    got(CALL(recvmsg, sv[1], &m, 0));
    printf("%x\n", m.msg_flags);
    CALL(read, sv[1], buf, 10L);
    got(CALL(recvmsg, sv[1], &m, MSG_TRUNC));
    printf("%x\n", m.msg_flags);
    CALL(recvfrom, sv[1], buf, 10L, MSG_DONTWAIT, NULL, NULL);
    CALL(write, sv[0], buf, 212992L);
    CALL(write, sv[0], buf, 300000L);
    CALL(sendto, sv[0], buf, 1L, MSG_OOB, NULL, 0);
    CALL(recvfrom, sv[1], buf, 1L, MSG_OOB, NULL, NULL);
    CALL(write, sv[1], BAD, 3L);
    CALL(write, sv[1], "text", 4L);
    CALL(read, sv[0], BAD, 10L);
    CALL(recvfrom, sv[0], buf, 10L, MSG_DONTWAIT, NULL, NULL);
    CALL(listen, sv[0], 1);
    CALL(accept, sv[0], NULL, NULL);
    CALL(write, sv[0], "kept", 4L);
    CALL(shutdown, sv[0], SHUT_WR);
    CALL(write, sv[0], buf, 1L);
    got(CALL(read, sv[1], buf, 10L));
    CALL(recvfrom, sv[1], buf, 10L, MSG_DONTWAIT, NULL, NULL);
    CALL(shutdown, sv[1], SHUT_RD);
    CALL(read, sv[1], buf, 10L);
    CALL(recvfrom, sv[1], buf, 10L, MSG_DONTWAIT, NULL, NULL);
    CALL(write, sv[1], "x", 1L);
    close(sv[1]);
    CALL(write, sv[0], "x", 1L);
    CALL(recvfrom, sv[0], buf, 10L, MSG_DONTWAIT, NULL, NULL);
    CALL(recvfrom, sv[0], buf, 10L, MSG_DONTWAIT, NULL, NULL);
    printf("SIGPIPE %d\n", pipes);
    close(sv[0]);
}

static void gone(int type)
{
    int sv[2];

    title("peer gone");
    socketpair(AF_UNIX, type, 0, sv);
    write(sv[0], "x", 1);
    close(sv[1]);
    CALL(write, sv[0], "x", 1L);
    CALL(write, sv[0], "x", 1L);
    CALL(recvfrom, sv[0], buf, 10L, MSG_DONTWAIT, NULL, NULL);
    CALL(recvfrom, sv[0], buf, 10L, MSG_DONTWAIT, NULL, NULL);
    printf("SIGPIPE %d\n", pipes);
    close(sv[0]);
}

static void named(void)
{
    struct sockaddr_un a, b;
    socklen_t len, alen;
    int s = bound("up-one"), t = bound("up-two"), u;

    title("named");
    bound("up-one");
    close(5);
    alen = name_of(&a, "up-one");
    CALL(sendto, t, "hello", 5L, 0, &a, alen);
    len = sizeof(b);
    got(CALL(recvfrom, s, buf, 10L, 0, &b, &len));
    printf("%u %.*s\n", len, len - 3, b.sun_path + 1);
    u = socket(AF_UNIX, SOCK_DGRAM, 0);
    CALL(write, u, "x", 1L);
    CALL(getpeername, u, &b, &len);
    CALL(sendto, u, "nameless", 8L, 0, &a, alen);
    len = sizeof(b);
    got(CALL(recvfrom, s, buf, 10L, 0, &b, &len));
    printf("%u\n", len);
    CALL(sendto, u, "x", 1L, 0, &a, alen - 1);
    CALL(sendto, u, "x", 1L, 0, &a, 1);
    CALL(connect, u, &a, alen);
    CALL(write, u, "connected", 9L);
    got(CALL(read, s, buf, 10L));
    CALL(connect, s, &b, 2);
    len = name_of(&b, "up-two");
    CALL(connect, s, &b, len);
    CALL(write, u, "refused", 7L);
    CALL(sendto, u, "refused", 7L, 0, &a, alen);
    CALL(connect, u, &a, alen);
    CALL(sendto, t, "passes", 6L, 0, &a, alen);
    got(CALL(read, s, buf, 10L));
    CALL(write, s, "back", 4L);
    got(CALL(read, t, buf, 10L));
    b.sun_family = AF_UNSPEC;
    CALL(connect, s, &b, 2);
    CALL(write, s, "x", 1L);
    CALL(connect, s, &b, 1);
    CALL(write, u, "again", 5L);
    got(CALL(read, s, buf, 10L));
    close(s);
    CALL(write, u, "x", 1L);
    CALL(write, u, "x", 1L);
    CALL(sendto, u, "x", 1L, 0, &a, alen);
    CALL(sendto, t, "self", 4L, 0, &b, len);
    close(t);
    close(u);
}

static void *read_one(void *arg)
{
    char c;

    usleep(30000);
    return (void *)read(*(int *)arg, &c, 1);
}

static void full(void)
{
    struct sockaddr_un a;
    socklen_t len = name_of(&a, "up-full");
    struct timeval tv = {0, 30000};
    int s = bound("up-full"), c = socket(AF_UNIX, SOCK_DGRAM, 0), n = 0, m = 0;
    struct pollfd p = {c, POLLOUT, 0};
    pthread_t t;

    title("full");
    CALL(connect, c, &a, len);
    while (send(c, "x", 1, MSG_DONTWAIT) == 1) {
        n++;
    }
    EXPECT(n > 1 && errno == EAGAIN);
    CALL(poll, &p, 1, 0);
    CALL(setsockopt, c, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
    CALL(write, c, "x", 1L);
    tv.tv_usec = 0;
    CALL(setsockopt, c, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
    pthread_create(&t, NULL, read_one, &s);
    CALL(poll, &p, 1, 10000);
    printf("%x\n", p.revents & POLLOUT);
    pthread_join(t, NULL);
    CALL(write, c, "x", 1L);
    pthread_create(&t, NULL, read_one, &s);
    CALL(write, c, "x", 1L);
    pthread_join(t, NULL);
    while (recv(s, buf, 1, MSG_DONTWAIT) == 1) {
        m++;
    }
    EXPECT(m == n);
    close(s);
    close(c);
}

static void records(void)
{
    struct sockaddr_un a;
    socklen_t len = name_of(&a, "up-rec");
    int l = socket(AF_UNIX, SOCK_SEQPACKET, 0), c, s;

    title("records");
    CALL(read, l, buf, 1L);
    CALL(write, l, buf, 1L);
    CALL(listen, l, 1);
    CALL(bind, l, &a, len);
    CALL(listen, l, 1);
    CALL(read, l, buf, 1L);
    c = socket(AF_UNIX, SOCK_STREAM, 0);
    CALL(connect, c, &a, len);
    close(c);
    c = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    CALL(connect, c, &a, len);
    CALL(sendto, c, "name ignored", 12L, 0, &a, 99);
    s = CALL(accept, l, NULL, NULL);
    got(CALL(read, s, buf, 5L));
    CALL(write, s, "a", 1L);
    CALL(write, s, "b", 1L);
    close(s);
    got(CALL(read, c, buf, 5L));
    got(CALL(read, c, buf, 5L));
    CALL(read, c, buf, 5L);
    CALL(write, c, buf, 5L);
    printf("SIGPIPE %d\n", pipes);
    close(c);
    close(l);
}

int main(void)
{
    struct sigaction sa = {.sa_handler = on_pipe};

    show_start();
    sigaction(SIGPIPE, &sa, NULL);
    pairs(SOCK_DGRAM);
    pairs(SOCK_SEQPACKET);
    gone(SOCK_DGRAM);
    gone(SOCK_SEQPACKET);
    named();
    full();
    records();
    return 0;
}
