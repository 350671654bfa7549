/* SPDX-License-Identifier: MIT
 *
 * ioctl: the ones that every descriptor knows, FIONREAD, and ENOTTY for
 * terminal requests on what is no terminal.
 */
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <termios.h>
#include "tests/guest/show.h"

static struct termios tio;
static struct winsize ws;

static void on(const char *what, int fd)
{
    int n = -1, on = 1, off = 0;

    title(what);
    CALL(ioctl, fd, TCGETS, &tio);
    CALL(ioctl, fd, TIOCGWINSZ, &ws);
    CALL(ioctl, fd, TIOCGPGRP, &n);
    CALL(ioctl, fd, FIONREAD, &n);
    printf("%d\n", n);
    CALL(ioctl, fd, FIONBIO, &on);
    printf("nonblocking %d\n", !!(fcntl(fd, F_GETFL) & O_NONBLOCK));
    CALL(ioctl, fd, FIONBIO, &off);
    printf("nonblocking %d\n", !!(fcntl(fd, F_GETFL) & O_NONBLOCK));
    CALL(ioctl, fd, FIOCLEX);
    CALL(fcntl, fd, F_GETFD);
    CALL(ioctl, fd, FIONCLEX);
    CALL(fcntl, fd, F_GETFD);
    CALL(ioctl, fd, 0x12345678, &n);
    CALL(ioctl, fd, FIONBIO, BAD);
    CALL(ioctl, fd, FIONREAD, BAD);
}

int main(void)
{
    int p[2], n;

    show_start();
    put("/tmp/f", "0123456789");
    int fd = open("/tmp/f", O_RDWR);
    lseek(fd, 3, SEEK_SET);
    on("file", fd);
    CALL(ioctl, fd, FIOQSIZE, BAD);
    lseek(fd, 30, SEEK_SET);
    CALL(ioctl, fd, FIONREAD, &n);
    printf("%d\n", n);
    on("directory", open("/tmp", O_RDONLY));
    on("null", open("/dev/null", O_RDWR));
    pipe(p);
    write(p[1], "abc", 3);
    on("pipe", p[0]);
    CALL(ioctl, 99, FIONREAD, &n);
    CALL(ioctl, 99, 0x12345678, &n);
    int path = open("/tmp", O_PATH);
    CALL(ioctl, path, FIOCLEX);
    on("standard input", 0);
    SHOW(isatty(0));
    return 0;
}
