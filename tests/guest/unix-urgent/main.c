/* SPDX-License-Identifier: MIT
 *
 * Urgent bytes on streams of unix(7): MSG_OOB, where reads stop, SIOCATMARK,
 * POLLPRI, SIGURG, SO_OOBINLINE, looking without taking.
 */
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include "tests/guest/show.h"

static char buf[100];
static int sv[2], urgent_signals;

static void on_urgent(int signo)
{
    urgent_signals++;
}

static void state(void)
{
    struct pollfd p = {sv[1], POLLIN | POLLPRI, 0};
    int mark = -1;

    poll(&p, 1, 0);
    ioctl(sv[1], SIOCATMARK, &mark);
    printf("  poll %x mark %d\n", p.revents, mark);
}

static void take(int flags, size_t most)
{
    long n = recv(sv[1], buf, most, flags | MSG_DONTWAIT);

    printf("recv %x: %ld %s [%.*s]\n", flags, n, n < 0 ? strerror(errno) : "",
           n > 0 ? (int)n : 0, buf);
    state();
}

static void give(const char *text, int flags)
{
    long n = send(sv[0], text, strlen(text), flags);

    printf("send %s %x: %ld %s\n", text, flags, n,
           n < 0 ? strerror(errno) : "");
    state();
}

static void begin(const char *what)
{
    title(what);
    socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
}

static void finish(void)
{
    close(sv[0]);
    close(sv[1]);
}

static void reading(void)
{
    begin("the byte itself, and where reads stop");
    take(MSG_OOB, 1);
    give("ab!", MSG_OOB);
    give("cd", 0);
    take(MSG_OOB | MSG_PEEK, 1);
    take(0, 100);
    take(MSG_OOB, 1);
    take(MSG_OOB, 1);
    take(0, 100);
    take(0, 100);
    finish();
    begin("nobody asks for it");
    give("ab!", MSG_OOB);
    give("cd", 0);
    take(0, 100);
    take(0, 100);
    take(MSG_OOB, 1);
    finish();
    begin("a second one makes the first a byte like others");
    give("a!", MSG_OOB);
    give("b?", MSG_OOB);
    take(0, 100);
    take(MSG_OOB, 1);
    take(0, 100);
    finish();
    begin("one behind another that was read");
    give("a!", MSG_OOB);
    take(MSG_OOB, 1);
    give("b?", MSG_OOB);
    take(0, 100);
    take(MSG_OOB, 1);
    take(0, 100);
    finish();
}

static void looking(void)
{
    begin("looking");
    give("a!", MSG_OOB);
    give("b", 0);
    take(MSG_PEEK, 100);
    take(MSG_PEEK, 1);
    take(0, 1);
    take(MSG_PEEK, 100);
    take(0, 100);
    finish();
}

static void inlined(void)
{
    int one = 1;

    begin("in line");
    setsockopt(sv[1], SOL_SOCKET, SO_OOBINLINE, &one, sizeof(one));
    give("ab!", MSG_OOB);
    give("cd", 0);
    take(MSG_OOB, 1);
    take(0, 100);
    take(0, 100);
    finish();
}

static void signals(void)
{
    struct sigaction sa = {.sa_handler = on_urgent};

    begin("signals, messages and ends");
    sigaction(SIGURG, &sa, NULL);
    SHOW(fcntl(sv[1], F_SETOWN, getpid()));
    give("a!", MSG_OOB);
    printf("%d signals\n", urgent_signals);
    SHOW(send(sv[0], "", 0, MSG_OOB));
    {
        struct iovec v = {buf, 1};
        struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};

        SHOW(recvmsg(sv[1], &m, MSG_OOB));
        printf("%x\n", m.msg_flags);
    }
    SHOW(recv(sv[1], buf, 0, MSG_OOB));
    shutdown(sv[0], SHUT_WR);
    SHOW(send(sv[0], "x", 1, MSG_OOB | MSG_NOSIGNAL));
    finish();
    socketpair(AF_UNIX, SOCK_DGRAM, 0, sv);
    SHOW(send(sv[0], "x", 1, MSG_OOB));
    SHOW(recv(sv[1], buf, 1, MSG_OOB));
    SHOW(ioctl(sv[1], SIOCATMARK, buf));
    finish();
}

int main(void)
{
    show_start();
    reading();
    looking();
    inlined();
    signals();
    return 0;
}
