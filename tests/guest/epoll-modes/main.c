/* SPDX-License-Identifier: MIT
 *
 * Level, edge, one shot, exclusive: what epoll_wait reports, and when again;
 * hang-up and errors, which come unasked; turns among many ready ones.
 */
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include "tests/guest/show.h"

static struct epoll_event ev[20];
static int ep;
static char buf[70000];

static long ctl(int op, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event e = {events, {.u64 = data}};

    return syscall(SYS_epoll_ctl, ep, op, fd, &e);
}

static void wait_now(const char *what)
{
    long n = RAW(epoll_wait, ep, ev, 20, 0);

    printf("%s: %ld", what, n);
    for (long i = 0; i < n; i++) {
        printf(" %x/%lu", ev[i].events, ev[i].data.u64);
    }
    printf("\n");
}

static void level(void)
{
    int p[2];

    title("level");
    pipe(p);
    ctl(EPOLL_CTL_ADD, p[0], EPOLLIN, 1);
    wait_now("empty");
    write(p[1], "xy", 2);
    wait_now("written");
    wait_now("again");
    read(p[0], buf, 1);
    wait_now("one left");
    read(p[0], buf, 1);
    wait_now("empty");
    ctl(EPOLL_CTL_MOD, p[0], 0, 2);
    write(p[1], "x", 1);
    wait_now("nothing asked");
    ctl(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLRDNORM, 3);
    wait_now("asked");
    close(p[1]);
    wait_now("no writer");
    read(p[0], buf, 1);
    ctl(EPOLL_CTL_MOD, p[0], 0, 4);
    wait_now("hang-up comes unasked");
    close(p[0]);
    wait_now("closed");
}

static void edge(void)
{
    int p[2];

    title("edge");
    pipe2(p, O_NONBLOCK);
    ctl(EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLET, 1);
    write(p[1], "xy", 2);
    wait_now("written");
    wait_now("again");
    write(p[1], "z", 1);
    wait_now("more");
    read(p[0], buf, 1);
    wait_now("read one");
    ctl(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET, 2);
    wait_now("modified");
    wait_now("again");
    read(p[0], buf, 10);
    ctl(EPOLL_CTL_ADD, p[1], EPOLLOUT | EPOLLET, 3);
    wait_now("writable");
    wait_now("again");
    write(p[1], buf, 65536);
    wait_now("full");
    read(p[0], buf, 65536);
    wait_now("emptied");
    close(p[0]);
    wait_now("no reader");
    close(p[1]);
}

static void one_shot(void)
{
    int p[2];

    title("one shot");
    pipe(p);
    ctl(EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLONESHOT, 1);
    write(p[1], "x", 1);
    wait_now("written");
    wait_now("again");
    write(p[1], "y", 1);
    wait_now("more");
    ctl(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT, 2);
    wait_now("modified");
    close(p[1]);
    wait_now("hung up");
    SHOW(ctl(EPOLL_CTL_DEL, p[0], 0, 0));
    close(p[0]);
}

static void exclusive(void)
{
    int e = eventfd(1, 0), inner = epoll_create1(0);

    title("exclusive");
    SHOW(ctl(EPOLL_CTL_ADD, e, EPOLLIN | EPOLLEXCLUSIVE, 1));
    wait_now("ready");
    SHOW(ctl(EPOLL_CTL_MOD, e, EPOLLIN, 1));
    SHOW(ctl(EPOLL_CTL_MOD, e, EPOLLIN | EPOLLEXCLUSIVE, 1));
    SHOW(ctl(EPOLL_CTL_DEL, e, 0, 0));
    SHOW(ctl(EPOLL_CTL_ADD, e, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 1));
    SHOW(ctl(EPOLL_CTL_ADD, e, EPOLLPRI | EPOLLEXCLUSIVE, 1));
    SHOW(ctl(EPOLL_CTL_ADD, inner, EPOLLIN | EPOLLEXCLUSIVE, 1));
    SHOW(ctl(EPOLL_CTL_ADD, e, EPOLLIN | EPOLLET | EPOLLEXCLUSIVE, 1));
    wait_now("edge");
    wait_now("again");
    close(e);
    close(inner);
}

/* Every one of many ready descriptors gets its turn. */
static void turns(void)
{
    int seen[10] = {0};

    title("turns");
    for (int i = 0; i < 10; i++) {
        ctl(EPOLL_CTL_ADD, eventfd(1, 0), EPOLLIN, i);
    }
    for (int i = 0; i < 10; i++) {
        epoll_wait(ep, ev, 2, 0);
        seen[ev[0].data.u64]++;
        seen[ev[1].data.u64]++;
    }
    for (int i = 0; i < 10; i++) {
        printf("%d ", seen[i]);
    }
    printf("\n");
}

int main(void)
{
    show_start();
    ep = epoll_create1(0);
    signal(SIGPIPE, SIG_IGN);
    level();
    edge();
    one_shot();
    exclusive();
    turns();
    return 0;
}
