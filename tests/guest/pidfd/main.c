/* SPDX-License-Identifier: MIT
 *
 * Pidfds of the process itself: opening, signalling, taking descriptors, and
 * what refuses to be one.
 */
#include "tests/guest/show.h"
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

static volatile sig_atomic_t got, code;
static siginfo_t seen;

static void handler(int signo, siginfo_t *info, void *context)
{
    got = signo;
    code = info->si_code;
    seen = *info;
}

static void *thread(void *tid)
{
    *(pid_t *)tid = gettid();
    SHOW(syscall(SYS_pidfd_open, gettid(), 0));
    return NULL;
}

static void sending(int fd)
{
    siginfo_t info = {.si_signo = SIGUSR2, .si_code = SI_QUEUE};

    title("sending");
    CALL(pidfd_send_signal, fd, 0, NULL, 0);
    CALL(pidfd_send_signal, fd, SIGUSR1, NULL, 0);
    printf("got %d code %d %d\n", got, code, seen.si_pid == getpid());
    info.si_value.sival_int = 77;
    CALL(pidfd_send_signal, fd, SIGUSR2, &info, 0);
    printf("got %d code %d value %d\n", got, code, seen.si_value.sival_int);
    CALL(pidfd_send_signal, fd, SIGUSR1, &info, 0);
    info.si_code = SI_USER;
    CALL(pidfd_send_signal, fd, SIGUSR2, &info, 0);
    CALL(pidfd_send_signal, fd, SIGUSR2, BAD, 0);
    CALL(pidfd_send_signal, fd, 65, NULL, 0);
    CALL(pidfd_send_signal, fd, -1, NULL, 0);
    CALL(pidfd_send_signal, fd, SIGUSR1, NULL, 64);
    CALL(pidfd_send_signal, 0, 0, NULL, 0);
    CALL(pidfd_send_signal, -1, 0, NULL, 0);
}

static void taking(int fd)
{
    char text[10] = "";
    int pipes[2], copy;

    title("taking descriptors");
    pipe(pipes);
    copy = RAW(pidfd_getfd, fd, pipes[1], 0);
    EXPECT(copy > pipes[1]);
    SHOW(fcntl(copy, F_GETFD));
    write(copy, "through", 7);
    SHOW(read(pipes[0], text, 10));
    printf("%s\n", text);
    CALL(pidfd_getfd, fd, 99, 0);
    CALL(pidfd_getfd, fd, -1, 0);
    CALL(pidfd_getfd, fd, 0, 1);
    CALL(pidfd_getfd, pipes[0], 0, 0);
    CALL(pidfd_getfd, -1, 0, 0);
}

/* The directory of a process is as good as a pidfd. */
static void by_directory(void)
{
    int self = open("/proc/self", O_RDONLY | O_DIRECTORY);
    int task = open("/proc/self/task", O_RDONLY | O_DIRECTORY);

    title("directory");
    CALL(pidfd_send_signal, self, 0, NULL, 0);
    CALL(pidfd_send_signal, self, 999, NULL, 0);
    CALL(pidfd_send_signal, self, 0, NULL, 99);
    CALL(pidfd_send_signal, task, 0, NULL, 0);
    close(self);
    close(task);
}

int main(void)
{
    struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    struct pollfd p = {.events = POLLIN};
    siginfo_t info;
    pthread_t t;
    pid_t tid;

    show_start();
    sigaction(SIGUSR1, &sa, NULL);
    sigaction(SIGUSR2, &sa, NULL);
    title("opening");
    int fd = RAW(pidfd_open, getpid(), 0);
    EXPECT(fd >= 3);
    SHOW(fcntl(fd, F_GETFD));
    CALL(pidfd_open, 0, 0);
    CALL(pidfd_open, -1, 0);
    CALL(pidfd_open, 1 << 30, 0);
    CALL(pidfd_open, 1, 4);
    pthread_create(&t, NULL, thread, &tid);
    pthread_join(t, NULL);
    p.fd = fd;
    SHOW(poll(&p, 1, 0));
    SHOW(read(fd, &info, sizeof(info)));
    SHOW(write(fd, &info, sizeof(info)));
    sending(fd);
    taking(fd);
    title("waiting");
    SHOW(waitid(P_PIDFD, fd, &info, WEXITED));
    SHOW(waitid(P_PIDFD, 0, &info, WEXITED));
    SHOW(waitid(P_PIDFD, 99, &info, WEXITED));
    SHOW(waitid(P_PIDFD, -1, &info, WEXITED));
    int fd2 = RAW(pidfd_open, getpid(), O_NONBLOCK);
    EXPECT(fcntl(fd2, F_GETFL) & O_NONBLOCK);
    SHOW(waitid(P_PIDFD, fd2, &info, WEXITED));
    by_directory();
    return 0;
}
