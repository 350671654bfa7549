/* SPDX-License-Identifier: MIT
 *
 * Pidfds of children: readable when they end, waited for, signalled after
 * their death, their descriptors taken.
 */
#include "tests/guest/show.h"
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>

static void show_poll(int fd, int timeout)
{
    struct pollfd p = {fd, POLLIN, 0};
    int n = poll(&p, 1, timeout);

    printf("poll %d %#x\n", n, p.revents);
}

static pid_t with_pidfd(int *fd)
{
    return syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, fd, NULL, 0);
}

static void show_waitid(int fd, int options)
{
    siginfo_t info = {0};
    long r = waitid(P_PIDFD, fd, &info, options);

    printf("waitid %ld %s code %d status %d\n", r,
           r ? strerrorname_np(errno) : "", info.si_code, info.si_status);
}

int main(void)
{
    struct epoll_event ev = {.events = EPOLLIN};
    int fd = -1, pipes[2], taken, ep;
    char c;
    pid_t pid;

    show_start();
    pipe(pipes);
    pid = with_pidfd(&fd);
    if (pid == 0) {
        for (;;) {
            pause();
        }
    }
    EXPECT(fd > pipes[1]);
    SHOW(fcntl(fd, F_GETFD));
    show_poll(fd, 0);
    show_waitid(fd, WEXITED | WNOHANG);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    show_waitid(fd, WEXITED);
    fcntl(fd, F_SETFL, 0);
    CALL(pidfd_send_signal, fd, SIGSTOP, NULL, 0);
    show_waitid(fd, WSTOPPED);
    show_poll(fd, 0);
    CALL(pidfd_send_signal, fd, SIGCONT, NULL, 0);
    show_waitid(fd, WCONTINUED);
    taken = RAW(pidfd_getfd, fd, pipes[1], 0);
    EXPECT(taken >= 0);
    write(taken, "x", 1);
    SHOW(read(pipes[0], &c, 1));
    ep = epoll_create1(0);
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
    SHOW(epoll_wait(ep, &ev, 1, 0));
    CALL(pidfd_send_signal, fd, SIGTERM, NULL, 0);
    show_poll(fd, 60000);
    SHOW(epoll_wait(ep, &ev, 1, 60000));
    CALL(pidfd_send_signal, fd, 0, NULL, 0);
    CALL(pidfd_getfd, fd, 0, 0);
    show_waitid(fd, WEXITED | WNOWAIT);
    show_waitid(fd, WEXITED);
    show_waitid(fd, WEXITED);
    CALL(pidfd_send_signal, fd, 0, NULL, 0);
    CALL(pidfd_getfd, fd, 0, 0);
    CALL(pidfd_open, pid, 0);
    EXPECT(poll(&(struct pollfd){fd, POLLIN, 0}, 1, 0) == 1);
    return 0;
}
