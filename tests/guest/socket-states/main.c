/* SPDX-License-Identifier: MIT
 *
 * States that sockets come into when something goes wrong or is undone: shut
 * before they are connected, connecting in vain, peers that are changed or
 * gone, connections that are undone; and SO_PEEK_OFF of TCP.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "tests/guest/show.h"

#ifndef SO_PEEK_OFF
#define SO_PEEK_OFF 42
#endif

static char buf[100];

static void show_state(int s)
{
    struct pollfd p = {s, POLLIN | POLLOUT | POLLRDHUP | POLLWRBAND, 0};

    poll(&p, 1, 0);
    printf("  poll %x\n", p.revents);
}

static int error_of(int s)
{
    int err = -1;
    socklen_t len = sizeof(err);

    getsockopt(s, SOL_SOCKET, SO_ERROR, &err, &len);
    return err;
}

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* A socket with a port of its own. */
static int bound(int type, struct sockaddr_in *a)
{
    socklen_t len = sizeof(*a);
    int s = socket(AF_INET, type, 0);

    *a = loopback(0);
    bind(s, (void *)a, len);
    getsockname(s, (void *)a, &len);
    return s;
}

static int undo(int s)
{
    struct sockaddr none = {.sa_family = AF_UNSPEC};

    return connect(s, &none, sizeof(none));
}

static int has_port(int s)
{
    struct sockaddr_in a = {0};
    socklen_t len = sizeof(a);

    getsockname(s, (void *)&a, &len);
    return a.sin_port != 0;
}

static void shut_early(void)
{
    int s = socket(AF_INET, SOCK_STREAM, 0), value;

    title("shut before it is connected");
    SHOW(recv(s, buf, 1, 0));
    SHOW(recv(s, buf, 1, MSG_OOB));
    SHOW(ioctl(s, FIONREAD, &value));
    SHOW(shutdown(s, SHUT_RD));
    show_state(s);
    SHOW(recv(s, buf, 1, 0));
    SHOW(undo(s));
    show_state(s);
    close(s);
    s = socket(AF_INET, SOCK_DGRAM, 0);
    show_state(s);
    SHOW(shutdown(s, SHUT_RDWR));
    show_state(s);
    SHOW(recv(s, buf, 1, MSG_DONTWAIT));
    SHOW(recv(s, buf, 1, 0));
    SHOW(send(s, "a", 1, 0));
    printf("a port: %d\n", has_port(s));
    SHOW(undo(s));
    printf("a port: %d\n", has_port(s));
    close(s);
}

static void in_vain(void)
{
    struct sockaddr_in a;
    int closed = bound(SOCK_STREAM, &a);
    int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct pollfd p = {s, POLLOUT, 0};

    title("connecting in vain");
    close(closed);
    SHOW(connect(s, (void *)&a, sizeof(a)));
    poll(&p, 1, -1);
    show_state(s);
    printf("error %d\n", error_of(s));
    show_state(s);
    SHOW(recv(s, buf, 1, 0));
    SHOW(connect(s, (void *)&a, sizeof(a)));
    show_state(s);
    SHOW(connect(s, (void *)&a, sizeof(a)));
    poll(&p, 1, -1);
    SHOW(connect(s, (void *)&a, sizeof(a)));
    show_state(s);
    close(s);
}

static void undone(void)
{
    struct sockaddr_in a;
    int l = bound(SOCK_STREAM, &a), c, s;

    title("a connection that is undone");
    listen(l, 1);
    c = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(connect(c, (void *)&a, sizeof(a)));
    s = accept(l, NULL, NULL);
    SHOW(undo(c));
    show_state(c);
    printf("error %d\n", error_of(c));
    show_state(c);
    SHOW(recv(c, buf, 1, 0));
    SHOW(recv(s, buf, 1, 0));
    SHOW(connect(c, (void *)&a, sizeof(a)));
    close(c);
    close(s);
    close(l);
}

/* A socket whose connection was refused, and to whom that was said. */
static int refused(void)
{
    struct sockaddr_in a;
    int closed = bound(SOCK_STREAM, &a);
    int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct pollfd p = {s, POLLOUT, 0};

    close(closed);
    connect(s, (void *)&a, sizeof(a));
    poll(&p, 1, -1);
    printf("error %d\n", error_of(s));
    return s;
}

static void connect_to(int s, const struct sockaddr_in *a)
{
    struct pollfd p = {s, POLLOUT, 0};

    SHOW(connect(s, (const void *)a, sizeof(*a)));
    poll(&p, 1, -1);
    show_state(s);
}

static void after_refusal(void)
{
    struct sockaddr_in a, any = loopback(0);
    int l = bound(SOCK_STREAM, &a), s;

    title("bound after it was refused");
    listen(l, 5);
    s = refused();
    SHOW(bind(s, (void *)&any, sizeof(any)));
    show_state(s);
    SHOW(recv(s, buf, 1, 0));
    SHOW(listen(s, 1));
    connect_to(s, &a);
    connect_to(s, &a);
    close(s);
    title("shut after it was refused");
    s = refused();
    SHOW(shutdown(s, SHUT_RD));
    show_state(s);
    SHOW(connect(s, (void *)&a, sizeof(a)));
    SHOW(connect(s, (void *)&a, sizeof(a)));
    SHOW(undo(s));
    show_state(s);
    connect_to(s, &a);
    close(s);
    close(l);
}

static void listening(void)
{
    struct sockaddr_in a;
    int l = bound(SOCK_STREAM, &a);

    title("listening, and no more");
    SHOW(shutdown(l, SHUT_RD));
    SHOW(listen(l, 1));
    fcntl(l, F_SETFL, O_NONBLOCK);
    SHOW(recv(l, buf, 1, 0));
    SHOW(recv(l, buf, 1, MSG_OOB));
    SHOW(undo(l));
    show_state(l);
    printf("a port: %d\n", has_port(l));
    SHOW(accept(l, NULL, NULL));
    close(l);
}

static void bound_again(void)
{
    struct sockaddr_in a, own, any = loopback(0);
    int l = bound(SOCK_STREAM, &a), s = bound(SOCK_STREAM, &own);

    title("bound again");
    listen(l, 1);
    SHOW(undo(s));
    SHOW(bind(s, (void *)&any, sizeof(any)));
    connect_to(s, &a);
    SHOW(bind(s, (void *)&any, sizeof(any)));
    SHOW(undo(s));
    printf("a port: %d\n", has_port(s));
    SHOW(bind(s, (void *)&any, sizeof(any)));
    SHOW(bind(s, (void *)&any, sizeof(any)));
    close(s);
    close(l);
    s = bound(SOCK_DGRAM, &own);
    SHOW(bind(s, (void *)&any, sizeof(any)));
    SHOW(connect(s, (void *)&own, sizeof(own)));
    SHOW(undo(s));
    printf("a port: %d\n", has_port(s));
    SHOW(bind(s, (void *)&any, sizeof(any)));
    printf("a port: %d\n", has_port(s));
    close(s);
}

static void peeking(void)
{
    struct sockaddr_in a;
    int l = bound(SOCK_STREAM, &a), c, s, off = 2, now;
    socklen_t len = sizeof(now);

    title("SO_PEEK_OFF of TCP");
    listen(l, 1);
    c = socket(AF_INET, SOCK_STREAM, 0);
    connect(c, (void *)&a, sizeof(a));
    s = accept(l, NULL, NULL);
    send(c, "abcdefgh", 8, 0);
    if (setsockopt(s, SOL_SOCKET, SO_PEEK_OFF, &off, sizeof(off))) {
        printf("the kernel has it not\n");
        return;
    }
    for (int i = 0; i < 5; i++) {
        int flags = i == 2 ? 0 : MSG_PEEK;
        long n = recv(s, buf, 3, flags | MSG_DONTWAIT);

        getsockopt(s, SOL_SOCKET, SO_PEEK_OFF, &now, &len);
        printf("%x: %ld [%.*s] then %d\n", flags, n, n > 0 ? (int)n : 0, buf,
               now);
    }
    close(c);
    close(s);
    close(l);
}

static void packets(void)
{
    struct sockaddr_un none = {.sun_family = AF_UNSPEC};
    int sv[2];

    title("datagrams and records of unix(7)");
    socketpair(AF_UNIX, SOCK_DGRAM, 0, sv);
    send(sv[0], "a", 1, 0);
    SHOW(connect(sv[1], (void *)&none, sizeof(none.sun_family)));
    show_state(sv[0]);
    printf("error %d\n", error_of(sv[0]));
    SHOW(recv(sv[1], buf, 1, MSG_DONTWAIT));
    SHOW(shutdown(sv[1], SHUT_WR));
    SHOW(send(sv[1], "a", 1, MSG_NOSIGNAL));
    close(sv[0]);
    close(sv[1]);
    socketpair(AF_UNIX, SOCK_DGRAM, 0, sv);
    send(sv[0], "a", 1, 0);
    close(sv[1]);
    SHOW(send(sv[0], "a", 1, MSG_NOSIGNAL));
    SHOW(send(sv[0], "a", 1, MSG_NOSIGNAL));
    close(sv[0]);
    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv);
    send(sv[0], "a", 1, 0);
    send(sv[1], "b", 1, 0);
    close(sv[0]);
    SHOW(recv(sv[1], buf, 1, 0));
    SHOW(recv(sv[1], buf, 1, 0));
    close(sv[1]);
}

int main(void)
{
    show_start();
    shut_early();
    in_vain();
    undone();
    after_refusal();
    listening();
    bound_again();
    peeking();
    packets();
    return 0;
}
