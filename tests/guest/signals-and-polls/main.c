/* SPDX-License-Identifier: MIT
 *
 * The masks of ppoll, pselect6, epoll_pwait and sigsuspend: a signal that is
 * pending comes in only while they wait, the old mask is back afterwards,
 * readiness wins, and none of them is restarted.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include "tests/guest/show.h"

static uint64_t none, usr1 = 1ul << (SIGUSR1 - 1);
static volatile sig_atomic_t seen;
static int p[2], ep;
static struct {
    void *set;
    size_t size;
} empty = {&none, 8}, blocking = {&usr1, 8};

static void on_signal(int signo)
{
    seen++;
}

static void after(void)
{
    uint64_t mask = 0;

    syscall(SYS_rt_sigprocmask, 0, NULL, &mask, 8);
    printf("seen %d, blocked %d\n", seen, (int)(mask >> (SIGUSR1 - 1)) & 1);
    seen = 0;
}

static void pending(void)
{
    struct pollfd pfd = {p[0], POLLIN, 0};
    struct timespec second = {1, 0}, zero = {0, 0};
    struct epoll_event ev;

    title("pending when the wait begins");
    raise(SIGUSR1);
    CALL(poll, &pfd, 1, 0);
    after();
    CALL(ppoll, &pfd, 1, &second, &usr1, 8L);
    after();
    CALL(ppoll, &pfd, 1, &second, &none, 8L);
    after();
    raise(SIGUSR1);
    CALL(pselect6, 0, NULL, NULL, NULL, &second, &empty);
    after();
    raise(SIGUSR1);
    CALL(epoll_pwait, ep, &ev, 1, 1000, &none, 8L);
    after();
    raise(SIGUSR1);
    CALL(rt_sigsuspend, &none, 8L);
    after();
    title("no time to wait");
    raise(SIGUSR1);
    CALL(ppoll, &pfd, 1, &zero, &none, 8L);
    after();
    raise(SIGUSR1);
    CALL(pselect6, 0, NULL, NULL, NULL, &zero, &empty);
    after();
    raise(SIGUSR1);
    CALL(epoll_pwait, ep, &ev, 1, 0, &none, 8L);
    after();
    CALL(ppoll, NULL, 0, &second, &none, 8L);
    after();
}

static void ready(void)
{
    struct pollfd pfd = {p[0], POLLIN, 0};
    struct timespec second = {1, 0};
    struct epoll_event ev;
    fd_set in;

    title("ready and pending");
    write(p[1], "x", 1);
    raise(SIGUSR1);
    CALL(ppoll, &pfd, 1, &second, &none, 8L);
    after();
    raise(SIGUSR1);
    FD_ZERO(&in);
    FD_SET(p[0], &in);
    CALL(pselect6, p[0] + 1, &in, NULL, NULL, &second, &empty);
    after();
    raise(SIGUSR1);
    CALL(epoll_pwait, ep, &ev, 1, 1000, &none, 8L);
    after();
    read(p[0], &ev, 1);
    CALL(ppoll, &pfd, 1, &second, &none, 8L);
    after();
}

static void *signal_later(void *arg)
{
    usleep(50000);
    pthread_kill(*(pthread_t *)arg, SIGUSR1);
    return NULL;
}

#define WITH_SIGNAL(call)                                                      \
    pthread_create(&t, NULL, signal_later, &self);                             \
    call;                                                                      \
    pthread_join(t, NULL);                                                     \
    after()

/* SA_RESTART makes no difference to any of these. */
static void interrupted(void)
{
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct pollfd pfd = {p[0], POLLIN, 0};
    struct timespec ts = {5, 0};
    struct timeval tv = {5, 0};
    struct epoll_event ev;
    pthread_t t, self = pthread_self();

    title("interrupted");
    sigaction(SIGUSR1, &sa, NULL);
    syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, &usr1, NULL, 8);
    WITH_SIGNAL(CALL(poll, &pfd, 1, 5000));
    WITH_SIGNAL(CALL(ppoll, &pfd, 1, &ts, NULL, 8L));
    printf("left %d\n", ts.tv_sec == 4);
    WITH_SIGNAL(CALL(select, 0, NULL, NULL, NULL, &tv));
    printf("left %d\n", tv.tv_sec == 4);
    ts = (struct timespec){5, 0};
    WITH_SIGNAL(CALL(pselect6, 0, NULL, NULL, NULL, &ts, NULL));
    printf("left %d\n", ts.tv_sec == 4);
    WITH_SIGNAL(CALL(epoll_wait, ep, &ev, 1, 5000));
    WITH_SIGNAL(CALL(pause));
    /* While the handler runs, the wait's mask counts, not the old one. */
    WITH_SIGNAL(CALL(pselect6, 0, NULL, NULL, NULL, &ts, &empty));
    ts.tv_sec = 0;
    ts.tv_nsec = 100000000;
    WITH_SIGNAL(CALL(pselect6, 0, NULL, NULL, NULL, &ts, &blocking));
}

int main(void)
{
    struct epoll_event ev = {EPOLLIN, {0}};

    show_start();
    signal(SIGUSR1, on_signal);
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, &usr1, NULL, 8);
    pipe(p);
    ep = epoll_create1(0);
    epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev);
    pending();
    ready();
    interrupted();
    return 0;
}
