/* SPDX-License-Identifier: MIT
 *
 * epoll: the calls and what they refuse, nesting and its limits, descriptors
 * that are closed while watched, waiting with timeouts.
 */
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include "tests/guest/show.h"

static struct epoll_event ev[10];

static long ctl(int ep, int op, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event e = {events, {.u64 = data}};

    return syscall(SYS_epoll_ctl, ep, op, fd, &e);
}

static void wait_now(int ep)
{
    long n = RAW(epoll_wait, ep, ev, 10, 0);

    printf("wait = %ld", n);
    for (long i = 0; i < n; i++) {
        printf(" %x/%lu", ev[i].events, ev[i].data.u64);
    }
    printf("\n");
}

static void refusals(void)
{
    int ep = CALL(epoll_create1, 0), p[2];
    int file = open("/tmp/f", O_CREAT | O_RDWR, 0600);

    title("refusals");
    pipe(p);
    CALL(epoll_create, 0);
    CALL(epoll_create, -1);
    CALL(epoll_create1, 1);
    close(CALL(epoll_create, 1));
    int other = CALL(epoll_create1, EPOLL_CLOEXEC);
    CALL(fcntl, other, F_GETFD);
    SHOW(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
    SHOW(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
    SHOW(ctl(ep, EPOLL_CTL_MOD, p[1], EPOLLOUT, 1));
    SHOW(ctl(ep, EPOLL_CTL_DEL, p[1], 0, 1));
    SHOW(ctl(ep, EPOLL_CTL_ADD, file, EPOLLIN, 1));
    SHOW(ctl(ep, EPOLL_CTL_ADD, open("/tmp", O_RDONLY), EPOLLIN, 1));
    SHOW(ctl(ep, EPOLL_CTL_ADD, open("/tmp/f", O_PATH), EPOLLIN, 1));
    SHOW(ctl(ep, EPOLL_CTL_ADD, ep, EPOLLIN, 1));
    SHOW(ctl(ep, EPOLL_CTL_ADD, 99, EPOLLIN, 1));
    SHOW(ctl(99, EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
    SHOW(ctl(p[0], EPOLL_CTL_ADD, p[1], EPOLLIN, 1));
    SHOW(ctl(ep, 7, p[0], EPOLLIN, 1));
    SHOW(ctl(ep, 7, p[1], EPOLLIN, 1));
    CALL(epoll_ctl, ep, EPOLL_CTL_ADD, p[1], BAD);
    CALL(epoll_ctl, ep, EPOLL_CTL_DEL, p[0], NULL);
    SHOW(ctl(ep, EPOLL_CTL_DEL, p[0], 0, 1));
    CALL(epoll_wait, ep, ev, 0, 0);
    CALL(epoll_wait, ep, ev, -1, 0);
    CALL(epoll_wait, ep, ev, 1 << 30, 0);
    CALL(epoll_wait, p[0], ev, 1, 0);
    CALL(epoll_wait, 99, ev, 1, 0);
    CALL(epoll_wait, ep, BAD, 1, 0);
    SHOW(ctl(ep, EPOLL_CTL_ADD, p[1], EPOLLOUT, 1));
    CALL(epoll_wait, ep, BAD, 1, 0);
    wait_now(ep);
    CALL(read, ep, ev, 12L);
    CALL(write, ep, ev, 12L);
    CALL(lseek, ep, 0L, SEEK_SET);
    CALL(epoll_pwait, ep, ev, 1, 0, ev, 4L);
    CALL(epoll_pwait, ep, ev, 1, 0, BAD, 8L);
    CALL(epoll_pwait, ep, ev, 1, 0, NULL, 4L);
    struct timespec bad = {0, 1000000000}, zero = {0, 0};
    CALL(epoll_pwait2, ep, ev, 1, &bad, NULL, 8L);
    CALL(epoll_pwait2, ep, ev, 1, &zero, NULL, 8L);
    CALL(epoll_pwait2, ep, ev, 1, BAD, NULL, 8L);
    syscall(SYS_close_range, 3, ~0u, 0);
}

static void nesting(void)
{
    int ep[8], e = eventfd(0, 0);
    uint64_t one = 1;

    title("nesting");
    for (int i = 0; i < 8; i++) {
        ep[i] = epoll_create1(0);
    }
    SHOW(ctl(ep[0], EPOLL_CTL_ADD, e, EPOLLIN, 10));
    SHOW(ctl(ep[1], EPOLL_CTL_ADD, ep[0], EPOLLIN, 11));
    wait_now(ep[1]);
    write(e, &one, 8);
    wait_now(ep[1]);
    wait_now(ep[0]);
    SHOW(ctl(ep[0], EPOLL_CTL_ADD, ep[1], EPOLLIN, 12));
    SHOW(ctl(ep[2], EPOLL_CTL_ADD, ep[1], EPOLLIN, 12));
    SHOW(ctl(ep[3], EPOLL_CTL_ADD, ep[2], EPOLLIN, 13));
    SHOW(ctl(ep[4], EPOLL_CTL_ADD, ep[3], EPOLLIN, 14));
    SHOW(ctl(ep[5], EPOLL_CTL_ADD, ep[4], EPOLLIN, 15));
    SHOW(ctl(ep[6], EPOLL_CTL_ADD, ep[5], EPOLLIN, 16));
    SHOW(ctl(ep[0], EPOLL_CTL_ADD, ep[4], EPOLLIN, 17));
    wait_now(ep[4]);
    read(e, &one, 8);
    wait_now(ep[4]);
    syscall(SYS_close_range, 3, ~0u, 0);
}

static void closing(void)
{
    int ep = epoll_create1(0), p[2];

    title("closing");
    pipe(p);
    SHOW(ctl(ep, EPOLL_CTL_ADD, p[1], EPOLLOUT, 1));
    wait_now(ep);
    int copy = dup(p[1]);
    close(p[1]);
    /* The open file lives on in the copy, and so does its watch. */
    wait_now(ep);
    SHOW(ctl(ep, EPOLL_CTL_DEL, p[1], 0, 0));
    SHOW(ctl(ep, EPOLL_CTL_MOD, copy, EPOLLOUT, 0));
    dup2(copy, p[1]);
    SHOW(ctl(ep, EPOLL_CTL_MOD, p[1], EPOLLOUT, 2));
    wait_now(ep);
    SHOW(ctl(ep, EPOLL_CTL_ADD, copy, EPOLLOUT, 3));
    wait_now(ep);
    close(p[1]);
    close(copy);
    wait_now(ep);
    close(p[0]);
    close(ep);
}

static void *write_later(void *arg)
{
    uint64_t one = 1;

    usleep(50000);
    write(*(int *)arg, &one, 8);
    return NULL;
}

static void waiting(void)
{
    int ep = epoll_create1(0), e = eventfd(0, 0);
    long long t = show_now(CLOCK_MONOTONIC);
    struct timespec ts = {0, 40000000};
    pthread_t thread;

    title("waiting");
    CALL(epoll_wait, ep, ev, 1, 30);
    puts(passed(t, 30000000));
    t = show_now(CLOCK_MONOTONIC);
    CALL(epoll_pwait2, ep, ev, 1, &ts, NULL, 8L);
    puts(passed(t, 40000000));
    ctl(ep, EPOLL_CTL_ADD, e, EPOLLIN, 5);
    pthread_create(&thread, NULL, write_later, &e);
    CALL(epoll_wait, ep, ev, 1, -1);
    pthread_join(thread, NULL);
    /* Watched only after the wait began. */
    ctl(ep, EPOLL_CTL_DEL, e, 0, 0);
    e = eventfd(0, 0);
    pthread_create(&thread, NULL, write_later, &e);
    ctl(ep, EPOLL_CTL_ADD, e, EPOLLIN, 6);
    CALL(epoll_wait, ep, ev, 1, 5000);
    pthread_join(thread, NULL);
}

int main(void)
{
    show_start();
    refusals();
    nesting();
    closing();
    waiting();
    return 0;
}
