/* SPDX-License-Identifier: MIT
 *
 * Leases: who may take which, and that opening and truncating break them.
 */
#include <signal.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

static void taking(void)
{
    int rd = open("/tmp/f", O_RDONLY), dir = open("/tmp", O_RDONLY), p[2];

    title("taking");
    pipe(p);
    CALL(fcntl, rd, F_GETLEASE);
    CALL(fcntl, rd, F_SETLEASE, F_RDLCK);
    CALL(fcntl, rd, F_GETLEASE);
    CALL(fcntl, rd, F_SETLEASE, F_WRLCK);
    CALL(fcntl, rd, F_GETLEASE);
    CALL(fcntl, rd, F_SETLEASE, F_UNLCK);
    CALL(fcntl, rd, F_SETLEASE, F_UNLCK);
    CALL(fcntl, rd, F_SETLEASE, 99);
    CALL(fcntl, dir, F_SETLEASE, F_RDLCK);
    CALL(fcntl, p[0], F_SETLEASE, F_RDLCK);
    CALL(fcntl, 99, F_SETLEASE, F_RDLCK);
    int other = open("/tmp/f", O_RDONLY);
    CALL(fcntl, rd, F_SETLEASE, F_WRLCK);
    CALL(fcntl, rd, F_SETLEASE, F_RDLCK);
    CALL(fcntl, other, F_SETLEASE, F_RDLCK);
    close(other);
    close(rd);
    int wr = open("/tmp/f", O_RDWR);
    CALL(fcntl, wr, F_SETLEASE, F_RDLCK);
    CALL(fcntl, wr, F_SETLEASE, F_WRLCK);
    close(wr);
    close(dir);
    close(p[0]);
    close(p[1]);
}

/* Opens from a child, which waits until the holder gives way. */
static void breaking(int type, int flags, const char *how)
{
    siginfo_t info;
    sigset_t set;
    int status;

    title(how);
    int fd = open("/tmp/f", type == F_WRLCK ? O_RDWR : O_RDONLY);
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    fcntl(fd, F_SETSIG, SIGRTMIN);
    CALL(fcntl, fd, F_SETLEASE, type);
    errno = 0;
    int now = open("/tmp/f", flags | O_NONBLOCK);
    printf("at once: %s\n", now < 0 ? strerrorname_np(errno) : "open");
    close(now);
    pid_t pid = fork();
    if (!pid) {
        close(fd);
        _exit(open("/tmp/f", flags) < 0);
    }
    if (sigtimedwait(&set, &info, &(struct timespec){5, 0}) == SIGRTMIN) {
        printf("signal, descriptor %d, code %d\n", info.si_fd == fd,
               info.si_code);
    }
    CALL(fcntl, fd, F_GETLEASE);
    CALL(fcntl, fd, F_SETLEASE, F_UNLCK);
    waitpid(pid, &status, 0);
    printf("child %d\n", WEXITSTATUS(status));
    close(fd);
}

static int signals_waiting(void)
{
    sigset_t set;
    int n = 0;

    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    while (sigtimedwait(&set, NULL, &(struct timespec){0, 0}) == SIGRTMIN) {
        n++;
    }
    return n;
}

static int lease(int type)
{
    int fd = open("/tmp/f", type == F_WRLCK ? O_RDWR : O_RDONLY);

    fcntl(fd, F_SETSIG, SIGRTMIN);
    CALL(fcntl, fd, F_SETLEASE, type);
    return fd;
}

static void try_open(int flags)
{
    int fd = open("/tmp/f", flags | O_NONBLOCK);

    printf("%d: %s\n", flags, fd < 0 ? strerrorname_np(errno) : "open");
    close(fd);
}

/* A lease that is to go for a writer does not stay for a reader; one that is
 * lowered for readers is to go for a writer. Every holder hears of it. */
static void many(void)
{
    int fd, fds[20];

    title("one after another");
    fd = lease(F_WRLCK);
    try_open(O_RDONLY);
    CALL(fcntl, fd, F_GETLEASE);
    try_open(O_WRONLY);
    CALL(fcntl, fd, F_GETLEASE);
    try_open(O_RDONLY);
    CALL(fcntl, fd, F_GETLEASE);
    CALL(fcntl, fd, F_SETLEASE, F_RDLCK);
    printf("%d signals\n", signals_waiting());
    close(fd);
    title("many holders");
    for (unsigned i = 0; i < COUNT(fds); i++) {
        fds[i] = lease(F_RDLCK);
    }
    try_open(O_RDONLY);
    try_open(O_WRONLY);
    try_open(O_RDWR);
    printf("%d signals\n", signals_waiting());
    CALL(fcntl, fds[COUNT(fds) - 1], F_GETLEASE);
    for (unsigned i = 0; i < COUNT(fds); i++) {
        close(fds[i]);
    }
    try_open(O_WRONLY);
}

int main(void)
{
    show_start();
    put("/tmp/f", "text");
    taking();
    breaking(F_WRLCK, O_RDONLY, "a write lease and a reader");
    breaking(F_WRLCK, O_WRONLY, "a write lease and a writer");
    breaking(F_RDLCK, O_WRONLY, "a read lease and a writer");
    many();
    title("others");
    int fd = open("/tmp/f", O_RDONLY);
    setresuid(NOBODY, NOBODY, NOBODY);
    CALL(fcntl, fd, F_SETLEASE, F_RDLCK);
    return 0;
}
