/* SPDX-License-Identifier: MIT
 *
 * TCP between sockets of one machine: connecting in both families, half
 * close, resets, urgent data, what poll says in every state, options.
 */
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include "tests/guest/inet.h"

static char buf[1 << 20];
static int pipes;

static void on_pipe(int signo)
{
    pipes++;
}

static void got(long n)
{
    printf("[%.*s]\n", n > 0 ? (int)n : 0, buf);
}

static void show_name(const char *what, int fd, int peer, int port)
{
    union name n;
    socklen_t len = sizeof(n);
    char text[64] = "";
    long r =
        peer ? RAW(getpeername, fd, &n, &len) : RAW(getsockname, fd, &n, &len);

    if (r) {
        printf("%s: %s\n", what, strerrorname_np(errno));
        return;
    }
    inet_ntop(n.any.sa_family,
              n.any.sa_family == AF_INET ? (void *)&n.v4.sin_addr
                                         : (void *)&n.v6.sin6_addr,
              text, sizeof(text));
    printf("%s: %s, %u bytes, the port %s\n", what, text, len,
           ntohs(n.v4.sin_port) == port ? "is the listener's" : "is another");
}

static void pair(int *sv)
{
    union name n;
    int l = bound("127.0.0.1", SOCK_STREAM, &n);

    listen(l, 1);
    sv[0] = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(sv[0], &n.any, len_of(&n))) {
        perror("connect");
    }
    sv[1] = accept(l, NULL, NULL);
    close(l);
}

/* Buffers that were set hold no more than about that; nothing is lost. */
static void small_buffers(void)
{
    int l, sv[2], size = 4096, most = 300000;
    static char block[1000], all[400000];
    ssize_t n, done = 0, got = 0;
    union name name;

    title("small buffers");
    l = bound("127.0.0.1", SOCK_STREAM, &name);
    setsockopt(l, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    listen(l, 1);
    sv[0] = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(sv[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    connect(sv[0], &name.any, len_of(&name));
    sv[1] = accept(l, NULL, NULL);
    fcntl(sv[0], F_SETFL, O_NONBLOCK);
    while (done < most && (n = write(sv[0], block, sizeof(block))) > 0) {
        done += n;
    }
    printf("filled %d\n", done < most);
    while (got < done && (n = read(sv[1], all, sizeof(all))) > 0) {
        got += n;
    }
    printf("all came %d\n", got == done);
    poll(&(struct pollfd){sv[0], POLLOUT, 0}, 1, 10000);
    bits("empty", sv[0]);
    close(sv[1]);
    CALL(sendto, sv[0], block, 0L, 0, NULL, 0);
    CALL(sendto, sv[0], block, 0L, 0, NULL, 0);
    close(sv[0]);
    close(l);
}

static void families(const char *ip, const char *to)
{
    union name n, m;
    int l = bound(ip, SOCK_STREAM, &n), c, s, port = ntohs(n.v4.sin_port);

    printf("-- %s from %s\n", ip, to);
    CALL(listen, l, 3);
    c = bound(to, SOCK_STREAM, &m);
    close(c);
    c = socket(m.any.sa_family, SOCK_STREAM, 0);
    m.v4.sin_port = htons(port);
    if (CALL(connect, c, &m, len_of(&m)) == 0) {
        s = accept(l, NULL, NULL);
        show_name("client's own", c, 0, port);
        show_name("client's peer", c, 1, port);
        show_name("server's own", s, 0, port);
        show_name("server's peer", s, 1, port);
        CALL(write, c, "ping", 4L);
        got(CALL(read, s, buf, 10L));
        CALL(write, s, "pong", 4L);
        got(CALL(read, c, buf, 10L));
        CALL(connect, c, &m, len_of(&m));
        CALL(bind, c, &m, len_of(&m));
        CALL(listen, c, 1);
        CALL(accept, c, NULL, NULL);
        close(s);
        close(c);
    }
    c = socket(m.any.sa_family, SOCK_STREAM, 0);
    close(l);
    CALL(connect, c, &m, len_of(&m));
    show_name("refused, peer", c, 1, port);
    close(c);
}

static void later_connect(void)
{
    union name n;
    int l = bound("127.0.0.1", SOCK_STREAM, &n), c, s, error = -1;
    struct pollfd p;
    socklen_t len = 4;

    title("without waiting");
    c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    bits("new", c);
    CALL(write, c, "x", 1L);
    CALL(read, c, buf, 1L);
    CALL(accept, l, NULL, NULL);
    bits("bound", l);
    listen(l, 2);
    bits("listening", l);
    fcntl(l, F_SETFL, O_NONBLOCK);
    CALL(accept, l, NULL, NULL);
    CALL(connect, c, &n, len_of(&n));
    p = (struct pollfd){c, POLLOUT, 0};
    CALL(poll, &p, 1, 5000);
    CALL(getsockopt, c, SOL_SOCKET, SO_ERROR, &error, &len);
    printf("%d\n", error);
    CALL(connect, c, &n, len_of(&n));
    CALL(connect, c, &n, len_of(&n));
    bits("connected", c);
    bits("with a client", l);
    s = CALL(accept4, l, NULL, NULL, SOCK_CLOEXEC);
    bits("accepted", s);
    close(s);
    bits("its peer", c);
    CALL(shutdown, l, SHUT_RDWR);
    CALL(accept, l, NULL, NULL);
    close(l);
    close(c);
}

static void ends(void)
{
    int sv[2];

    title("half close");
    pair(sv);
    CALL(shutdown, sv[0], SHUT_WR);
    CALL(write, sv[0], "x", 1L);
    bits("who closed", sv[0]);
    bits("the other", sv[1]);
    CALL(read, sv[1], buf, 1L);
    CALL(write, sv[1], "still", 5L);
    got(CALL(read, sv[0], buf, 10L));
    CALL(shutdown, sv[1], SHUT_WR);
    bits("both", sv[0]);
    CALL(read, sv[0], buf, 10L);
    close(sv[0]);
    close(sv[1]);
    printf("SIGPIPE %d\n", pipes);

    title("peer closed");
    pair(sv);
    write(sv[1], "last", 4);
    close(sv[1]);
    bits("after it", sv[0]);
    got(CALL(read, sv[0], buf, 10L));
    CALL(read, sv[0], buf, 10L);
    CALL(write, sv[0], "into the void", 13L);
    bits("after a write", sv[0]);
    CALL(write, sv[0], "x", 1L);
    CALL(write, sv[0], "x", 1L);
    CALL(read, sv[0], buf, 10L);
    show_name("peer", sv[0], 1, 0);
    close(sv[0]);
    printf("SIGPIPE %d\n", pipes);

    title("peer closed with unread data");
    pair(sv);
    write(sv[0], "unread", 6);
    usleep(20000);
    write(sv[1], "lost", 4);
    usleep(20000);
    close(sv[1]);
    bits("after it", sv[0]);
    CALL(read, sv[0], buf, 10L);
    CALL(read, sv[0], buf, 10L);
    CALL(write, sv[0], "x", 1L);
    close(sv[0]);
    printf("SIGPIPE %d\n", pipes);

    title("linger of no time");
    pair(sv);
    struct linger no = {1, 0};
    CALL(setsockopt, sv[1], SOL_SOCKET, SO_LINGER, &no, sizeof(no));
    close(sv[1]);
    bits("after it", sv[0]);
    CALL(write, sv[0], "x", 1L);
    CALL(write, sv[0], "x", 1L);
    CALL(read, sv[0], buf, 10L);
    close(sv[0]);

    title("shut for reading");
    pair(sv);
    write(sv[1], "there", 5);
    usleep(20000);
    CALL(shutdown, sv[0], SHUT_RD);
    got(CALL(read, sv[0], buf, 10L));
    CALL(read, sv[0], buf, 10L);
    bits("it", sv[0]);
    CALL(write, sv[1], "more", 4L);
    close(sv[0]);
    close(sv[1]);
    printf("SIGPIPE %d\n", pipes);

    title("never accepted");
    union name n;
    int l = bound("127.0.0.1", SOCK_STREAM, &n);
    listen(l, 1);
    sv[0] = socket(AF_INET, SOCK_STREAM, 0);
    CALL(connect, sv[0], &n, len_of(&n));
    close(l);
    usleep(20000);
    CALL(read, sv[0], buf, 1L);
    close(sv[0]);
}

static void flags(void)
{
    struct timeval tv = {0, 50000};
    int sv[2], n;

    title("flags");
    pair(sv);
    CALL(sendto, sv[0], "abcdef", 6L, MSG_MORE | MSG_NOSIGNAL, NULL, 0);
    CALL(sendto, sv[0], "gh", 2L, 0, NULL, 0);
    usleep(20000);
    CALL(ioctl, sv[1], FIONREAD, &n);
    printf("%d\n", n);
    got(CALL(recvfrom, sv[1], buf, 3L, MSG_PEEK, NULL, NULL));
    CALL(recvfrom, sv[1], NULL, 2L, MSG_TRUNC, NULL, NULL);
    got(CALL(recvfrom, sv[1], buf, 4L, MSG_WAITALL, NULL, NULL));
    union name from;
    socklen_t len = sizeof(from);
    got(CALL(recvfrom, sv[1], buf, 9L, 0, &from, &len));
    printf("%u\n", len);
    CALL(recvfrom, sv[1], buf, 4L, MSG_DONTWAIT, NULL, NULL);
    CALL(recvfrom, sv[1], buf, 0L, MSG_DONTWAIT, NULL, NULL);
    CALL(recvfrom, sv[1], buf, 4L, MSG_OOB, NULL, NULL);
    CALL(write, sv[1], BAD, 4L);
    CALL(setsockopt, sv[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
    CALL(read, sv[1], buf, 1L);
    close(sv[0]);
    close(sv[1]);

    title("urgent");
    pair(sv);
    write(sv[0], "before", 6);
    CALL(sendto, sv[0], "xU", 2L, MSG_OOB, NULL, 0);
    write(sv[0], "after", 5);
    bits("it", sv[1]);
    CALL(recvfrom, sv[1], buf, 4L, MSG_OOB | MSG_PEEK, NULL, NULL);
    got(CALL(recvfrom, sv[1], buf, 4L, MSG_OOB, NULL, NULL));
    CALL(recvfrom, sv[1], buf, 4L, MSG_OOB, NULL, NULL);
    got(CALL(read, sv[1], buf, 20L));
    CALL(ioctl, sv[1], SIOCATMARK, &n);
    printf("%d\n", n);
    got(CALL(read, sv[1], buf, 20L));
    CALL(ioctl, sv[1], SIOCATMARK, &n);
    printf("%d\n", n);
    n = 1;
    CALL(setsockopt, sv[1], SOL_SOCKET, SO_OOBINLINE, &n, 4);
    CALL(sendto, sv[0], "V", 1L, MSG_OOB, NULL, 0);
    bits("inline", sv[1]);
    CALL(ioctl, sv[1], FIONREAD, &n);
    printf("%d\n", n);
    got(CALL(read, sv[1], buf, 20L));
    bits("read", sv[1]);
    CALL(sendto, sv[0], "aV", 2L, MSG_OOB, NULL, 0);
    write(sv[0], "bc", 2);
    bits("with more", sv[1]);
    got(CALL(read, sv[1], buf, 20L));
    got(CALL(read, sv[1], buf, 20L));
    bits("read", sv[1]);
    close(sv[0]);
    close(sv[1]);
}

static void options(void)
{
    static const int tcp[] = {TCP_NODELAY, TCP_KEEPIDLE, TCP_KEEPINTVL,
                              TCP_KEEPCNT, TCP_QUICKACK, TCP_USER_TIMEOUT};
    static const int sol[] = {SO_TYPE,      SO_DOMAIN,    SO_PROTOCOL,
                              SO_REUSEADDR, SO_KEEPALIVE, SO_ACCEPTCONN,
                              SO_OOBINLINE, SO_ERROR,     SO_BROADCAST,
                              SO_RCVLOWAT,  SO_REUSEPORT};
    struct linger l = {1, 5};
    struct timeval tv = {1, 500000};
    socklen_t len;
    int sv[2], v, on = 1;

    title("options");
    pair(sv);
    CALL(setsockopt, sv[0], IPPROTO_TCP, TCP_NODELAY, &on, 4);
    CALL(setsockopt, sv[0], SOL_SOCKET, SO_KEEPALIVE, &on, 4);
    CALL(setsockopt, sv[0], SOL_SOCKET, SO_KEEPALIVE, &on, 3);
    CALL(setsockopt, sv[0], SOL_SOCKET, SO_TYPE, &on, 4);
    CALL(setsockopt, sv[0], SOL_SOCKET, 9999, &on, 4);
    CALL(setsockopt, sv[0], SOL_SOCKET, SO_LINGER, &l, sizeof(l));
    CALL(setsockopt, sv[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
    CALL(setsockopt, sv[0], SOL_SOCKET, SO_REUSEADDR, BAD, 4);
    for (unsigned i = 0; i < COUNT(tcp); i++) {
        len = 4;
        v = -1;
        CALL(getsockopt, sv[0], IPPROTO_TCP, tcp[i], &v, &len);
        if (tcp[i] != TCP_QUICKACK) {
            printf("%d: %d %u\n", tcp[i], v, len);
        }
    }
    for (unsigned i = 0; i < COUNT(sol); i++) {
        len = 4;
        v = -1;
        CALL(getsockopt, sv[0], SOL_SOCKET, sol[i], &v, &len);
        printf("%d: %d %u\n", sol[i], v, len);
    }
    len = sizeof(l);
    CALL(getsockopt, sv[0], SOL_SOCKET, SO_LINGER, &l, &len);
    printf("%d %d %u\n", l.l_onoff, l.l_linger, len);
    len = sizeof(tv);
    CALL(getsockopt, sv[0], SOL_SOCKET, SO_SNDTIMEO, &tv, &len);
    printf("%ld %ld %u\n", (long)tv.tv_sec, (long)tv.tv_usec, len);
    len = 2;
    v = -1;
    CALL(getsockopt, sv[0], SOL_SOCKET, SO_TYPE, &v, &len);
    printf("%x %u\n", v, len);
    len = -1;
    CALL(getsockopt, sv[0], SOL_SOCKET, SO_TYPE, &v, &len);
    close(sv[0]);
    close(sv[1]);
    CALL(socket, AF_INET, SOCK_STREAM, IPPROTO_UDP);
    CALL(socket, AF_INET, SOCK_SEQPACKET, 0);
    CALL(socketpair, AF_INET, SOCK_STREAM, 0, sv);
}

static void *send_all(void *arg)
{
    long n = 0, r;

    for (int i = 0; i < 8; i++) {
        r = write(*(int *)arg, buf, sizeof(buf));
        n += r > 0 ? r : 0;
    }
    close(*(int *)arg);
    return (void *)n;
}

static void bulk(void)
{
    static unsigned char in[100000];
    unsigned long sum = 0, expect = 0;
    long all = 0, n;
    pthread_t t;
    void *sent;
    int sv[2];

    title("bulk");
    for (unsigned i = 0; i < sizeof(buf); i++) {
        buf[i] = (char)(i ^ i >> 8);
        expect += (unsigned char)buf[i] * (i % 7 + 1ul);
    }
    pair(sv);
    pthread_create(&t, NULL, send_all, &sv[0]);
    while ((n = read(sv[1], in, sizeof(in))) > 0) {
        for (long i = 0; i < n; i++) {
            sum += in[i] * ((all + i) % (long)sizeof(buf) % 7 + 1ul);
        }
        all += n;
    }
    pthread_join(t, &sent);
    printf("%ld of %ld, %s\n", all, (long)sent,
           sum == 8 * expect ? "the same" : "different");
    close(sv[1]);
}

/* Reads n bytes, and says which control message came with them. */
static void told(int s, size_t n, int flags)
{
    char data[16], control[200];
    struct iovec v = {data, n};
    struct msghdr m = {.msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};
    struct cmsghdr *c;

    CALL(recvmsg, s, &m, flags);
    c = CMSG_FIRSTHDR(&m);
    printf("%zu: %d %zu\n", m.msg_controllen, c ? c->cmsg_type : 0,
           c ? (size_t)c->cmsg_len : 0);
}

/* Linux begins to note times a moment after somebody has asked. */
static void until_told(int s, int c)
{
    char byte, control[200];
    struct iovec v = {&byte, 1};
    struct msghdr m;

    do {
        m = (struct msghdr){.msg_iov = &v,
                            .msg_iovlen = 1,
                            .msg_control = control,
                            .msg_controllen = sizeof(control)};
        write(s, ".", 1);
        recvmsg(c, &m, 0);
    } while (!m.msg_controllen);
}

/* When bytes came, as SO_TIMESTAMP and SO_TIMESTAMPNS tell it. */
static void stamps(const char *ip)
{
    union name n;
    int l = bound(ip, SOCK_STREAM, &n), s, c, on = 1, off = 0;

    printf("-- stamps %s\n", ip);
    listen(l, 1);
    s = socket(n.any.sa_family, SOCK_STREAM, 0);
    connect(s, &n.any, len_of(&n));
    c = accept(l, NULL, NULL);
    setsockopt(c, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on));
    until_told(s, c);
    write(s, "abcdef", 6);
    told(c, 1, MSG_PEEK);
    told(c, 2, 0);
    setsockopt(c, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
    told(c, 1, 0);
    setsockopt(c, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on));
    told(c, 1, 0);
    setsockopt(c, SOL_SOCKET, SO_TIMESTAMPNS, &off, sizeof(off));
    told(c, 1, 0);
    setsockopt(c, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on));
    told(c, 16, 0);
    shutdown(s, SHUT_WR);
    told(c, 1, 0);
    close(s);
    close(c);
    close(l);
}

int main(void)
{
    struct sigaction sa = {.sa_handler = on_pipe};

    show_start();
    sigaction(SIGPIPE, &sa, NULL);
    small_buffers();
    families("127.0.0.1", "127.0.0.1");
    families("0.0.0.0", "127.0.0.1");
    families("0.0.0.0", "0.0.0.0");
    families("127.0.0.1", "127.0.0.2");
    families("127.0.0.2", "127.0.0.2");
    families("::1", "::1");
    families("::", "::1");
    families("::", "127.0.0.1");
    families("127.0.0.1", "::ffff:127.0.0.1");
    later_connect();
    ends();
    flags();
    options();
    bulk();
    stamps("127.0.0.1");
    stamps("::1");
    return 0;
}
