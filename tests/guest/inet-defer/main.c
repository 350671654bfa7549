/* SPDX-License-Identifier: MIT
 *
 * TCP_DEFER_ACCEPT (tcp(7)): a connection is accepted when it has brought
 * bytes or an end, or when the time is over; and the value of the option.
 */
#include <netinet/tcp.h>
#include "tests/guest/inet.h"

static char buf[100];

static int deferring(const char *ip, int seconds, union name *n)
{
    int l = bound(ip, SOCK_STREAM, n);

    setsockopt(l, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds));
    listen(l, 16);
    fcntl(l, F_SETFL, O_NONBLOCK);
    return l;
}

static int client(const union name *n)
{
    int s = socket(n->any.sa_family, SOCK_STREAM, 0);

    CALL(connect, s, n, len_of(n));
    return s;
}

static int wait_accept(int l)
{
    struct pollfd p = {l, POLLIN, 0};

    poll(&p, 1, -1);
    return (int)CALL(accept4, l, NULL, NULL, 0);
}

static void by_data(const char *ip)
{
    union name n;
    int l = deferring(ip, 100, &n), s = client(&n), c, v;
    socklen_t len = sizeof(v);

    printf("-- data %s\n", ip);
    bits("listener", l);
    bits("client", s);
    CALL(accept4, l, NULL, NULL, 0);
    CALL(getpeername, s, &n, (socklen_t[]){sizeof(n)});
    CALL(write, s, "hello", 5L);
    c = wait_accept(l);
    CALL(read, c, buf, sizeof(buf));
    CALL(getsockopt, c, IPPROTO_TCP, TCP_DEFER_ACCEPT, &v, &len);
    printf("%d\n", v);
    CALL(write, c, "you", 3L);
    CALL(read, s, buf, sizeof(buf));
    close(c);
    close(s);
    close(l);
}

static void by_end(const char *ip)
{
    struct linger now = {1, 0};
    union name n;
    int l = deferring(ip, 100, &n), s = client(&n), c;

    printf("-- end %s\n", ip);
    CALL(shutdown, s, SHUT_WR);
    c = wait_accept(l);
    CALL(read, c, buf, 1L);
    CALL(write, c, "a", 1L);
    CALL(read, s, buf, 1L);
    close(s);
    close(c);
    s = client(&n);
    close(s);
    c = wait_accept(l);
    CALL(read, c, buf, 1L);
    close(c);
    s = client(&n);
    setsockopt(s, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(s);
    bits("after a reset", l);
    close(l);
}

static void many(const char *ip)
{
    union name n;
    int l = deferring(ip, 100, &n), s[6], c;

    printf("-- many %s\n", ip);
    for (unsigned i = 0; i < COUNT(s); i++) {
        s[i] = client(&n);
    }
    bits("listener", l);
    for (unsigned i = 0; i < COUNT(s); i++) {
        CALL(write, s[i], "x", 1L);
        c = wait_accept(l);
        CALL(read, c, buf, sizeof(buf));
        close(c);
        close(s[i]);
    }
    close(l);
}

/* Whoever comes and goes at once costs the listener no more than its backlog
 * says. How many it takes is a matter of time natively. */
static void come_and_go(void)
{
    union name n;
    int l = bound("127.0.0.1", SOCK_STREAM, &n), seconds = 100, count = 0, c;

    title("come and go");
    setsockopt(l, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds));
    listen(l, 4);
    fcntl(l, F_SETFL, O_NONBLOCK);
    for (int i = 0; i < 100; i++) {
        int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

        connect(s, &n.any, len_of(&n));
        close(s);
    }
    close(wait_accept(l));
    while ((c = accept(l, NULL, NULL)) >= 0) {
        close(c);
        count++;
    }
    EXPECT(count < 20);
    close(l);
}

static void by_time(void)
{
    union name n;
    int l = deferring("127.0.0.1", 1, &n), s, c;
    long long start = show_now(CLOCK_MONOTONIC);

    title("time");
    s = client(&n);
    c = wait_accept(l);
    EXPECT(show_now(CLOCK_MONOTONIC) - start >= 900000000ll);
    CALL(write, s, "late", 4L);
    CALL(read, c, buf, sizeof(buf));
    close(c);
    close(s);
    close(l);
}

static void values(void)
{
    static const int tried[] = {-5, 0, 1, 2, 3, 4, 63, 64, 127, 128, 1000};
    int s = socket(AF_INET, SOCK_STREAM, 0), v;
    socklen_t len = sizeof(v);

    title("values");
    for (unsigned i = 0; i < COUNT(tried); i++) {
        setsockopt(s, IPPROTO_TCP, TCP_DEFER_ACCEPT, &tried[i],
                   sizeof(tried[i]));
        getsockopt(s, IPPROTO_TCP, TCP_DEFER_ACCEPT, &v, &len);
        printf("%d: %d\n", tried[i], v);
    }
    close(s);
}

int main(void)
{
    show_start();
    values();
    by_data("127.0.0.1");
    by_data("::1");
    by_end("127.0.0.1");
    many("127.0.0.1");
    come_and_go();
    by_time();
    return 0;
}
