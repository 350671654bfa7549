/* SPDX-License-Identifier: MIT
 *
 * signalfd: what it reads, in which order, changing the set, readiness, and
 * that a signal is taken once, whoever takes it. An epoll may watch one for
 * longer than the process lives that asked for it.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

static struct signalfd_siginfo info[5];
static uint64_t both = 1ul << (SIGUSR1 - 1) | 1ul << (SIGUSR2 - 1);
static uint64_t real;

static void taken(int fd, size_t room)
{
    long n = RAW(read, fd, info, room * sizeof(info[0]));

    if (show_failed("read", n)) {
        return;
    }
    for (unsigned i = 0; i < n / sizeof(info[0]); i++) {
        printf("signal %u code %d us %d value %d\n", info[i].ssi_signo,
               info[i].ssi_code, info[i].ssi_pid == (unsigned)getpid(),
               info[i].ssi_int);
    }
}

static void *read_one(void *arg)
{
    taken(*(int *)arg, 1);
    return NULL;
}

/* A child has the parent's epoll watch a signalfd, and ends; others come in its
 * place; then the watch ends. */
static void outlived(void)
{
    struct epoll_event e = {.events = EPOLLIN};
    enum { OTHERS = 4 };
    pid_t pid[OTHERS];
    int p[2];

    for (int round = 0; round < 4; round++) {
        int ep = epoll_create1(0), fd = signalfd(-1, (sigset_t *)&both, 0);

        if (fork() == 0) {
            _exit(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
        }
        wait(NULL);
        pipe(p);
        for (int i = 0; i < OTHERS; i++) {
            pid[i] = fork();
            if (pid[i] == 0) {
                close(p[1]);
                _exit(read(p[0], info, 1));
            }
        }
        if (round % 2) {
            CALL(epoll_ctl, ep, EPOLL_CTL_DEL, fd, NULL);
        }
        close(fd);
        close(ep);
        close(p[0]);
        close(p[1]);
        for (int i = 0; i < OTHERS; i++) {
            waitpid(pid[i], NULL, 0);
        }
    }
}

int main(void)
{
    union sigval v = {.sival_int = 42};
    pthread_t t;

    show_start();
    real = 1ul << (SIGRTMIN - 1);
    uint64_t all = both | real;
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, NULL, 8);
    int fd = CALL(signalfd4, -1, &both, 8L, SFD_NONBLOCK | SFD_CLOEXEC);
    struct pollfd p = {fd, POLLIN | POLLOUT, 0};
    CALL(fcntl, fd, F_GETFD);
    taken(fd, 1);
    CALL(poll, &p, 1, 0);
    raise(SIGUSR2);
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR1);
    CALL(poll, &p, 1, 0);
    printf("%x\n", p.revents);
    taken(fd, 5);
    taken(fd, 5);
    title("real-time");
    CALL(signalfd4, fd, &real, 8L, 0);
    for (v.sival_int = 1; v.sival_int < 4; v.sival_int++) {
        sigqueue(getpid(), SIGRTMIN, v);
    }
    taken(fd, 2);
    taken(fd, 5);
    title("only what the set has");
    raise(SIGUSR1);
    taken(fd, 5);
    CALL(signalfd4, fd, &both, 8L, 0);
    CALL(read, fd, info, 127L);
    CALL(read, fd, BAD, 128L);
    taken(fd, 1);
    title("taken once");
    raise(SIGUSR1);
    struct timespec zero = {0, 0};
    CALL(rt_sigtimedwait, &both, NULL, &zero, 8L);
    taken(fd, 1);
    title("waiting");
    int wait = CALL(signalfd, -1, &both, 8L);
    pthread_create(&t, NULL, read_one, &wait);
    usleep(30000);
    kill(getpid(), SIGUSR2);
    pthread_join(t, NULL);
    title("outlived");
    outlived();
    title("refusals");
    CALL(signalfd4, -1, &both, 4L, 0);
    CALL(signalfd4, -1, &both, 8L, 1);
    CALL(signalfd4, -1, BAD, 8L, 0);
    CALL(signalfd4, 0, &both, 8L, 0);
    CALL(signalfd4, 99, &both, 8L, 0);
    CALL(signalfd4, -2, &both, 8L, 0);
    CALL(write, fd, info, 128L);
    /* SIGKILL and SIGSTOP are left out without a word. */
    uint64_t kill_stop = 1ul << (SIGKILL - 1) | 1ul << (SIGSTOP - 1);
    CALL(signalfd4, -1, &kill_stop, 8L, 0);
    return 0;
}
