/* SPDX-License-Identifier: MIT
 *
 * fcntl: descriptor flags, status flags, duplicates at or above a number,
 * owners, and the commands that some kinds of file refuse.
 */
#include <signal.h>
#include "tests/guest/show.h"

static void descriptor_flags(int fd)
{
    title("descriptor flags");
    CALL(fcntl, fd, F_GETFD);
    CALL(fcntl, fd, F_SETFD, FD_CLOEXEC);
    CALL(fcntl, fd, F_GETFD);
    CALL(fcntl, fd, F_SETFD, 0xfffe);
    CALL(fcntl, fd, F_GETFD);
    CALL(fcntl, 99, F_GETFD);
    CALL(fcntl, -1, F_GETFD);
}

static void status_flags(int fd)
{
    int p[2];

    pipe(p);
    title("status flags");
    printf("%o\n", fcntl(fd, F_GETFL));
    CALL(fcntl, fd, F_SETFL, -1);
    printf("%o\n", fcntl(fd, F_GETFL));
    CALL(fcntl, fd, F_SETFL, O_WRONLY | O_CREAT | O_NONBLOCK);
    printf("%o\n", fcntl(fd, F_GETFL));
    CALL(fcntl, fd, F_SETFL, 0);
    printf("%o\n", fcntl(fd, F_GETFL));
    printf("pipe %o %o\n", fcntl(p[0], F_GETFL), fcntl(p[1], F_GETFL));
    CALL(fcntl, p[0], F_SETFL, O_NONBLOCK);
    printf("pipe %o %o\n", fcntl(p[0], F_GETFL), fcntl(p[1], F_GETFL));
    int copy = dup(p[0]);
    printf("copy %o\n", fcntl(copy, F_GETFL));
    CALL(fcntl, p[0], F_SETFL, O_DIRECT);
    printf("pipe %o\n", fcntl(p[0], F_GETFL));
    CALL(fcntl, p[1], F_SETFL, O_APPEND | O_ASYNC | O_NOATIME);
    printf("pipe %o\n", fcntl(p[1], F_GETFL));
    close(copy);
    close(p[0]);
    close(p[1]);
    int path = open("/tmp/f", O_PATH);
    printf("path %o\n", fcntl(path, F_GETFL));
    CALL(fcntl, path, F_SETFL, O_NONBLOCK);
    CALL(fcntl, path, F_GETFD);
    close(CALL(fcntl, path, F_DUPFD, 20));
    CALL(fcntl, path, F_GETOWN);
    close(path);
}

static void duplicates(int fd)
{
    title("duplicates");
    close(CALL(fcntl, fd, F_DUPFD, 0));
    close(CALL(fcntl, fd, F_DUPFD, 10));
    int a = CALL(fcntl, fd, F_DUPFD, 10);
    int b = CALL(fcntl, fd, F_DUPFD_CLOEXEC, 10);
    CALL(fcntl, a, F_GETFD);
    CALL(fcntl, b, F_GETFD);
    CALL(fcntl, fd, F_DUPFD, -1);
    CALL(fcntl, fd, F_DUPFD, 1 << 30);
    CALL(fcntl, 99, F_DUPFD, 0);
    CALL(fcntl, 99, F_DUPFD, -1);
    close(a);
    close(b);
}

static void owners(int fd)
{
    struct f_owner_ex ex = {F_OWNER_PGRP, 0};

    title("owners");
    CALL(fcntl, fd, F_GETOWN);
    CALL(fcntl, fd, F_SETOWN, getpid());
    printf("%d\n", fcntl(fd, F_GETOWN) == getpid());
    CALL(fcntl, fd, F_SETOWN, 0x3ffffff);
    CALL(fcntl, fd, F_SETOWN, 0);
    CALL(fcntl, fd, F_SETOWN, INT32_MIN);
    CALL(fcntl, fd, F_GETOWN);
    ex.type = F_OWNER_TID;
    ex.pid = gettid();
    CALL(fcntl, fd, F_SETOWN_EX, &ex);
    memset(&ex, 0, sizeof(ex));
    CALL(fcntl, fd, F_GETOWN_EX, &ex);
    printf("type %d, us %d\n", ex.type, ex.pid == gettid());
    ex.type = 9;
    CALL(fcntl, fd, F_SETOWN_EX, &ex);
    CALL(fcntl, fd, F_SETOWN_EX, BAD);
    CALL(fcntl, fd, F_GETSIG);
    CALL(fcntl, fd, F_SETSIG, SIGUSR1);
    CALL(fcntl, fd, F_GETSIG);
    CALL(fcntl, fd, F_SETSIG, 65);
    CALL(fcntl, fd, F_SETSIG, 0);
}

static void others(int fd)
{
    int p[2], path = open("/tmp/f", O_PATH);

    title("others");
    pipe(p);
    CALL(fcntl, fd, 999);
    CALL(fcntl, fd, F_GETPIPE_SZ);
    CALL(fcntl, fd, F_SETPIPE_SZ, 4096);
    CALL(fcntl, p[0], F_GETPIPE_SZ);
    CALL(fcntl, p[0], F_SETPIPE_SZ, 5000);
    CALL(fcntl, p[0], F_SETPIPE_SZ, 0);
    CALL(fcntl, p[1], F_GETPIPE_SZ);
    CALL(fcntl, p[1], F_SETPIPE_SZ, -1);
    CALL(fcntl, p[1], F_SETPIPE_SZ, 65536);
    CALL(fcntl, 0, F_GET_SEALS);
    CALL(fcntl, 0, F_ADD_SEALS, F_SEAL_WRITE);
    CALL(fcntl, p[0], F_GET_SEALS);
    CALL(fcntl, path, F_GETPIPE_SZ);
    CALL(fcntl, path, 999);
    CALL(fcntl, 99, 999);
    CALL(fcntl, fd, F_NOTIFY, 0);
    close(p[0]);
    close(p[1]);
    close(path);
}

int main(void)
{
    show_start();
    int fd = open("/tmp/f", O_CREAT | O_RDWR, 0600);

    descriptor_flags(fd);
    status_flags(fd);
    duplicates(fd);
    owners(fd);
    others(fd);
    return 0;
}
