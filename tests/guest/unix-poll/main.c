/* SPDX-License-Identifier: MIT
 *
 * Readiness of unix(7) sockets: the exact bits in every state, for poll,
 * select and epoll, level- and edge-triggered; signal-driven I/O.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "tests/guest/show.h"

static char buf[300000];
static volatile sig_atomic_t signals, last_fd, last_code, last_band;

static void bits(const char *what, int fd)
{
    struct pollfd p = {fd, 0x3fff, 0};

    poll(&p, 1, 0);
    printf("%s: %x\n", what, p.revents);
}

static void both(const char *what, int *sv)
{
    printf("%s, ", what);
    bits("one", sv[0]);
    printf("%s, ", what);
    bits("two", sv[1]);
}

static void states(int type)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "\0upoll"};
    int sv[2], l, c;

    printf("-- type %d\n", type);
    l = socket(AF_UNIX, type, 0);
    bits("new", l);
    bind(l, (void *)&a, 8);
    bits("bound", l);
    if (type != SOCK_DGRAM) {
        listen(l, 5);
        bits("listening", l);
        c = socket(AF_UNIX, type, 0);
        connect(c, (void *)&a, 8);
        bits("connected", c);
        bits("with a client", l);
        shutdown(l, SHUT_RD);
        bits("shut listener", l);
        close(l);
        bits("reset", c);
        close(c);
    } else {
        shutdown(l, SHUT_RD);
        bits("shut for reading", l);
        shutdown(l, SHUT_WR);
        bits("shut for both", l);
        close(l);
    }
    socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, sv);
    both("fresh", sv);
    write(sv[0], "x", 1);
    both("written", sv);
    read(sv[1], buf, 1);
    both("read", sv);
    while (write(sv[0], buf, 1000) > 0) {
    }
    both("full", sv);
    read(sv[1], buf, 1000);
    both("a little read", sv);
    while (read(sv[1], buf, 1000) > 0) {
    }
    both("drained", sv);
    shutdown(sv[0], SHUT_WR);
    both("half closed", sv);
    shutdown(sv[1], SHUT_WR);
    both("closed both ways", sv);
    close(sv[0]);
    close(sv[1]);
    socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, sv);
    shutdown(sv[0], SHUT_RD);
    both("shut for reading", sv);
    close(sv[1]);
    bits("left alone", sv[0]);
    close(sv[0]);
    socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, sv);
    write(sv[0], "x", 1);
    write(sv[1], "x", 1);
    close(sv[1]);
    bits("left with data", sv[0]);
    close(sv[0]);
}

static void wait_events(const char *what, int ep)
{
    struct epoll_event e[4];
    int n = epoll_wait(ep, e, 4, 0);

    printf("%s: %d", what, n);
    for (int i = 0; i < n; i++) {
        printf(" %d:%x", e[i].data.fd, e[i].events);
    }
    printf("\n");
}

static void edges(void)
{
    int sv[2], ep = epoll_create1(0);
    struct epoll_event e;

    title("edges");
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv);
    e = (struct epoll_event){EPOLLIN | EPOLLRDHUP | EPOLLET, {.fd = sv[0]}};
    CALL(epoll_ctl, ep, EPOLL_CTL_ADD, sv[0], &e);
    wait_events("nothing", ep);
    write(sv[1], "a", 1);
    wait_events("one byte", ep);
    wait_events("no news", ep);
    write(sv[1], "b", 1);
    wait_events("another", ep);
    read(sv[0], buf, 1);
    wait_events("half read", ep);
    read(sv[0], buf, 1);
    wait_events("all read", ep);
    write(sv[1], "c", 1);
    read(sv[0], buf, 1);
    wait_events("written and read", ep);
    e.events = EPOLLIN | EPOLLOUT | EPOLLET;
    CALL(epoll_ctl, ep, EPOLL_CTL_MOD, sv[0], &e);
    wait_events("modified", ep);
    wait_events("no news", ep);
    while (write(sv[0], buf, 4096) > 0) {
    }
    wait_events("full", ep);
    while (read(sv[1], buf, 4096) > 0) {
    }
    wait_events("drained", ep);
    shutdown(sv[1], SHUT_WR);
    wait_events("half closed", ep);
    wait_events("no news", ep);
    close(sv[1]);
    wait_events("closed", ep);
    wait_events("no news", ep);
    close(sv[0]);
    wait_events("gone", ep);
    close(ep);
}

static void levels(void)
{
    int sv[2], ep = epoll_create1(0);
    struct epoll_event e = {EPOLLIN, {0}};
    fd_set in, out;
    struct timeval tv = {0, 0};

    title("levels");
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv);
    e.data.fd = sv[0];
    epoll_ctl(ep, EPOLL_CTL_ADD, sv[0], &e);
    write(sv[1], "a", 1);
    wait_events("ready", ep);
    wait_events("still", ep);
    e.events = EPOLLIN | EPOLLONESHOT;
    epoll_ctl(ep, EPOLL_CTL_MOD, sv[0], &e);
    wait_events("once", ep);
    wait_events("fired", ep);
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(sv[0], &in);
    FD_SET(sv[1], &in);
    FD_SET(sv[0], &out);
    printf("select %d", select(sv[1] + 1, &in, &out, NULL, &tv));
    printf(" %d %d %d\n", FD_ISSET(sv[0], &in) != 0, FD_ISSET(sv[1], &in) != 0,
           FD_ISSET(sv[0], &out) != 0);
    close(sv[0]);
    close(sv[1]);
    close(ep);
}

static void *later(void *arg)
{
    usleep(20000);
    return (void *)write(*(int *)arg, "x", 1);
}

static void waiting(void)
{
    struct epoll_event e = {EPOLLIN, {0}};
    struct pollfd p;
    pthread_t t;
    int sv[2], ep = epoll_create1(0);

    title("waiting");
    socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
    p = (struct pollfd){sv[0], POLLIN, 0};
    pthread_create(&t, NULL, later, &sv[1]);
    CALL(poll, &p, 1, 20000);
    pthread_join(t, NULL);
    read(sv[0], buf, 1);
    epoll_ctl(ep, EPOLL_CTL_ADD, sv[0], &e);
    pthread_create(&t, NULL, later, &sv[1]);
    CALL(epoll_wait, ep, &e, 1, 20000);
    pthread_join(t, NULL);
    close(sv[0]);
    close(sv[1]);
    close(ep);
}

static void on_io(int signo, siginfo_t *info, void *ctx)
{
    signals++;
    last_code = info->si_code;
    if (info->si_code > 0 && info->si_code < SI_KERNEL) {
        last_band = info->si_band;
        last_fd = info->si_fd;
    }
}

static void driven(void)
{
    struct sigaction sa = {.sa_sigaction = on_io, .sa_flags = SA_SIGINFO};
    int sv[2];

    title("signal-driven");
    sigaction(SIGIO, &sa, NULL);
    sigaction(SIGRTMIN + 2, &sa, NULL);
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv);
    CALL(fcntl, sv[0], F_SETFL, O_ASYNC | O_NONBLOCK);
    write(sv[1], "x", 1);
    printf("no owner: %d\n", signals);
    RAW(fcntl, sv[0], F_SETOWN, getpid());
    EXPECT(RAW(fcntl, sv[0], F_GETOWN) == getpid());
    write(sv[1], "x", 1);
    printf("written: %d %x\n", signals, last_code);
    read(sv[0], buf, 100);
    CALL(fcntl, sv[0], F_SETSIG, SIGRTMIN + 2);
    signals = 0;
    write(sv[1], "x", 1);
    printf("with a signal: %d code %d band %x fd %d\n", signals, last_code,
           last_band, last_fd);
    CALL(fcntl, sv[0], F_SETFL, O_NONBLOCK);
    signals = 0;
    write(sv[1], "x", 1);
    printf("off: %d\n", signals);
    close(sv[0]);
    close(sv[1]);
}

int main(void)
{
    show_start();
    signal(SIGPIPE, SIG_IGN);
    states(SOCK_STREAM);
    states(SOCK_DGRAM);
    states(SOCK_SEQPACKET);
    edges();
    levels();
    waiting();
    driven();
    return 0;
}
