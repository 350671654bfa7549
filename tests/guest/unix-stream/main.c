/* SPDX-License-Identifier: MIT
 *
 * unix(7) streams: pairs, listening and connecting, backlog, half close,
 * peeking, waiting for all, timeouts, resets, SIGPIPE, errors of every call.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include "tests/guest/show.h"

#define PATH "/tmp/unix-stream"

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

static struct sockaddr_un name_of(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    strcpy(a.sun_path, path);
    return a;
}

static int listener(int backlog)
{
    struct sockaddr_un a = name_of(PATH);
    int s = socket(AF_UNIX, SOCK_STREAM, 0);

    unlink(PATH);
    bind(s, (void *)&a, sizeof(a));
    listen(s, backlog);
    return s;
}

static void making(void)
{
    int sv[2];

    title("making");
    CALL(socket, AF_UNIX, SOCK_STREAM, 0);
    CALL(socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, AF_UNIX);
    printf("%d %o\n", fcntl(4, F_GETFD), fcntl(4, F_GETFL));
    CALL(socket, AF_UNIX, SOCK_STREAM, 7);
    CALL(socket, AF_UNIX, SOCK_RDM, 0);
    CALL(socket, AF_UNIX, 11, 0);
    CALL(socket, AF_UNIX, 0, 0);
    CALL(socket, AF_UNIX, SOCK_STREAM | 0x100, 0);
    CALL(socket, 45, SOCK_STREAM, 0);
    CALL(socket, -1, SOCK_STREAM, 0);
    CALL(socket, 1000, SOCK_STREAM, 0);
    CALL(socketpair, AF_UNIX, SOCK_STREAM, 0, BAD);
    CALL(socketpair, AF_UNIX, SOCK_RDM, 0, sv);
    CALL(socketpair, AF_UNIX, SOCK_STREAM, 3, sv);
    CALL(socketpair, AF_UNIX, SOCK_STREAM, 0, sv);
    printf("%d %d\n", sv[0], sv[1]);
    CALL(lseek, sv[0], 0L, SEEK_SET);
    CALL(pread64, sv[0], buf, 1L, 0L);
    CALL(ftruncate, sv[0], 0L);
    CALL(fsync, sv[0]);
    CALL(mmap, NULL, 4096L, 1L, 1L, (long)sv[0], 0L);
    CALL(bind, 0, BAD, 2);
    CALL(bind, 99, BAD, 2);
    for (int i = 3; i < 8; i++) {
        close(i);
    }
}

static void unconnected(void)
{
    struct sockaddr_un a = name_of("/tmp/unix-none");
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    socklen_t len = sizeof(a);

    title("unconnected");
    CALL(read, s, buf, 1L);
    CALL(write, s, buf, 1L);
    CALL(sendto, s, buf, 1L, MSG_NOSIGNAL, NULL, 0);
    CALL(sendto, s, buf, 1L, 0, &a, sizeof(a));
    CALL(accept, s, NULL, NULL);
    CALL(listen, s, 1);
    CALL(getpeername, s, &a, &len);
    CALL(getsockname, s, &a, &len);
    printf("%u %u\n", len, a.sun_family);
    CALL(shutdown, s, 3);
    CALL(shutdown, s, SHUT_WR);
    CALL(write, s, buf, 1L);
    printf("SIGPIPE %d\n", pipes);
    a = name_of("/tmp/unix-none");
    CALL(connect, s, &a, sizeof(a));
    CALL(connect, s, &a, 2);
    CALL(connect, s, &a, 200);
    CALL(connect, s, BAD, 20);
    a.sun_family = AF_INET;
    CALL(connect, s, &a, sizeof(a));
    a = name_of("/etc/passwd");
    CALL(connect, s, &a, sizeof(a));
    a = name_of("/etc/passwd/x");
    CALL(connect, s, &a, sizeof(a));
    close(s);
}

static void pair(void)
{
    struct sockaddr_un a;
    socklen_t len = sizeof(a);
    int sv[2], n;

    title("pair");
    socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
    CALL(write, sv[0], "hello", 5L);
    CALL(ioctl, sv[1], FIONREAD, &n);
    printf("%d\n", n);
    got(CALL(recvfrom, sv[1], buf, 2L, MSG_PEEK, &a, &len));
    printf("name length %u\n", len);
    got(CALL(recvfrom, sv[1], buf, 100L, MSG_TRUNC, NULL, NULL));
    CALL(recvfrom, sv[1], buf, 1L, MSG_DONTWAIT, NULL, NULL);
    CALL(recvfrom, sv[1], buf, 0L, MSG_DONTWAIT, NULL, NULL);
    CALL(read, sv[1], buf, 0L);
    CALL(write, sv[1], buf, 0L);
    CALL(sendto, sv[1], "x", 1L, 0, &a, sizeof(a));
    CALL(write, sv[1], BAD, 5L);
    CALL(write, sv[1], "x", 1L);
    CALL(read, sv[0], BAD, 5L);
    got(CALL(read, sv[0], buf, 5L));
    CALL(connect, sv[0], &a, 3);
    CALL(listen, sv[0], 3);
    CALL(accept, sv[0], NULL, NULL);
    CALL(sendto, sv[0], "abc", 3L, MSG_MORE, NULL, 0);
    CALL(sendto, sv[0], "def", 3L, MSG_EOR | MSG_DONTROUTE, NULL, 0);
    got(CALL(recvfrom, sv[1], buf, 4L, MSG_WAITALL, NULL, NULL));
    got(CALL(recvfrom, sv[1], buf, 4L, 0, NULL, NULL));
    CALL(shutdown, sv[0], SHUT_WR);
    CALL(write, sv[0], buf, 1L);
    printf("SIGPIPE %d\n", pipes);
    CALL(sendto, sv[0], buf, 1L, MSG_NOSIGNAL, NULL, 0);
    printf("SIGPIPE %d\n", pipes);
    CALL(read, sv[1], buf, 5L);
    CALL(write, sv[1], "back", 4L);
    got(CALL(read, sv[0], buf, 5L));
    CALL(write, sv[1], "rest", 4L);
    CALL(shutdown, sv[0], SHUT_RD);
    got(CALL(read, sv[0], buf, 5L));
    CALL(read, sv[0], buf, 5L);
    CALL(write, sv[1], "more", 4L);
    printf("SIGPIPE %d\n", pipes);
    close(sv[0]);
    CALL(write, sv[1], "more", 4L);
    CALL(read, sv[1], buf, 5L);
    close(sv[1]);
}

static void reset(void)
{
    int sv[2], error;
    socklen_t len = sizeof(error);

    title("reset");
    socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
    CALL(write, sv[0], "unread", 6L);
    CALL(write, sv[1], "there", 5L);
    close(sv[1]);
    got(CALL(read, sv[0], buf, 50L));
    CALL(read, sv[0], buf, 50L);
    CALL(read, sv[0], buf, 50L);
    CALL(write, sv[0], buf, 50L);
    close(sv[0]);
    socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
    CALL(write, sv[0], "unread", 6L);
    close(sv[1]);
    CALL(getsockopt, sv[0], SOL_SOCKET, SO_ERROR, &error, &len);
    EXPECT(error == ECONNRESET);
    CALL(read, sv[0], buf, 50L);
    close(sv[0]);
}

static void connecting(void)
{
    struct sockaddr_un a = name_of(PATH), b;
    socklen_t len = sizeof(b);
    int l = listener(1), c[4], s;

    title("connecting");
    fcntl(l, F_SETFL, O_NONBLOCK);
    CALL(accept, l, NULL, NULL);
    CALL(read, l, buf, 1L);
    CALL(write, l, buf, 1L);
    CALL(connect, l, &a, sizeof(a));
    for (int i = 0; i < 4; i++) {
        c[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        CALL(connect, c[i], &a, sizeof(a));
    }
    CALL(connect, c[0], &a, sizeof(a));
    CALL(write, c[0], "early", 5L);
    CALL(getsockopt, l, SOL_SOCKET, SO_ACCEPTCONN, &s, &(socklen_t){4});
    EXPECT(s == 1);
    s = CALL(accept, l, &b, &len);
    printf("%u\n", len);
    printf("%o %o\n", fcntl(s, F_GETFL), fcntl(s, F_GETFD));
    got(CALL(read, s, buf, 10L));
    len = sizeof(b);
    CALL(getsockname, s, &b, &len);
    printf("%u %s\n", len, b.sun_path);
    len = sizeof(b);
    CALL(getpeername, c[0], &b, &len);
    printf("%u %s\n", len, b.sun_path);
    CALL(write, s, "answer", 6L);
    memset(&b, 0, sizeof(b));
    len = 8;
    got(CALL(recvfrom, c[0], buf, 10L, 0, &b, &len));
    printf("%u %.4s\n", len, b.sun_path);
    CALL(connect, c[2], &a, sizeof(a));
    close(s);
    s = CALL(accept4, l, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    printf("%o %o\n", fcntl(s, F_GETFL), fcntl(s, F_GETFD));
    close(s);
    CALL(accept4, l, NULL, NULL, 1);
    CALL(accept, l, BAD, &len);
    CALL(accept, l, NULL, NULL);
    len = -1;
    CALL(connect, c[3], &a, sizeof(a));
    CALL(accept, l, &b, &len);
    for (int i = 0; i < 4; i++) {
        close(c[i]);
    }
    c[0] = socket(AF_UNIX, SOCK_STREAM, 0);
    c[1] = socket(AF_UNIX, SOCK_DGRAM, 0);
    CALL(connect, c[1], &a, sizeof(a));
    CALL(connect, c[0], &a, sizeof(a));
    close(l);
    CALL(read, c[0], buf, 1L);
    CALL(connect, c[1], &a, sizeof(a));
    close(c[0]);
    c[0] = socket(AF_UNIX, SOCK_STREAM, 0);
    CALL(connect, c[0], &a, sizeof(a));
    close(c[0]);
    close(c[1]);
    unlink(PATH);
}

static void *write_much(void *arg)
{
    long n = write(*(int *)arg, buf, sizeof(buf));

    return (void *)n;
}

static void waiting(void)
{
    struct timeval tv = {0, 50000};
    static char in[sizeof(buf)];
    pthread_t t;
    long n, all = 0;
    void *r;
    int sv[2];

    title("waiting");
    for (unsigned i = 0; i < sizeof(buf); i++) {
        buf[i] = (char)(i * 7 + i / 4096);
    }
    socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
    pthread_create(&t, NULL, write_much, &sv[0]);
    while (all < (long)sizeof(buf)) {
        n = recv(sv[1], in + all, sizeof(in) - all, all ? 0 : MSG_PEEK);
        if (all || n < 10) {
            all += n > 0 ? n : 1000000;
        } else {
            n = recv(sv[1], in, 10, 0);
            all += n;
        }
    }
    pthread_join(t, &r);
    printf("%ld %ld %d\n", all, (long)r, memcmp(in, buf, sizeof(buf)));
    pthread_create(&t, NULL, write_much, &sv[0]);
    printf("%ld\n", (long)recv(sv[1], in, sizeof(in), MSG_WAITALL));
    pthread_join(t, &r);
    printf("%d\n", memcmp(in, buf, sizeof(buf)));
    CALL(setsockopt, sv[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
    CALL(setsockopt, sv[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
    CALL(read, sv[1], in, 1L);
    n = write(sv[0], buf, sizeof(buf));
    EXPECT(n > 0 && n < (long)sizeof(buf));
    CALL(write, sv[0], buf, 1L);
    close(sv[0]);
    close(sv[1]);
}

static void vectors(void)
{
    struct iovec out[3] = {{"ab", 2}, {NULL, 0}, {"cde", 3}};
    struct iovec in[2] = {{buf, 3}, {buf + 10, 10}};
    struct msghdr m = {.msg_iov = out, .msg_iovlen = 3};
    struct mmsghdr mm[3];
    int sv[2];

    title("vectors");
    socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
    CALL(sendmsg, sv[0], &m, 0);
    m = (struct msghdr){.msg_iov = in, .msg_iovlen = 2, .msg_flags = 99};
    memset(buf, '.', 20);
    CALL(recvmsg, sv[1], &m, 0);
    printf("%.15s %x %zu\n", buf, m.msg_flags, m.msg_controllen);
    CALL(writev, sv[0], out, 3);
    CALL(readv, sv[1], in, 2);
    m.msg_iovlen = 2000;
    CALL(sendmsg, sv[0], &m, 0);
    CALL(sendmsg, sv[0], BAD, 0);
    m = (struct msghdr){.msg_iov = BAD, .msg_iovlen = 1};
    CALL(recvmsg, sv[1], &m, 0);
    memset(mm, 0, sizeof(mm));
    for (int i = 0; i < 3; i++) {
        mm[i].msg_hdr.msg_iov = out + (i == 2 ? 0 : i);
        mm[i].msg_hdr.msg_iovlen = 1;
    }
    CALL(sendmmsg, sv[0], mm, 3, 0);
    printf("%u %u %u\n", mm[0].msg_len, mm[1].msg_len, mm[2].msg_len);
    for (int i = 0; i < 3; i++) {
        mm[i].msg_hdr.msg_iov = in;
    }
    CALL(recvmmsg, sv[1], mm, 3, MSG_DONTWAIT, NULL);
    printf("%u %u\n", mm[0].msg_len, mm[1].msg_len);
    CALL(recvmmsg, sv[1], mm, 3, MSG_DONTWAIT, NULL);
    CALL(sendmmsg, sv[0], mm, 0, 0);
    close(sv[0]);
    close(sv[1]);
}

int main(void)
{
    struct sigaction sa = {.sa_handler = on_pipe};

    show_start();
    sigaction(SIGPIPE, &sa, NULL);
    making();
    unconnected();
    pair();
    reset();
    connecting();
    waiting();
    vectors();
    return 0;
}
