/* SPDX-License-Identifier: MIT
 *
 * ioctl: the ones that every descriptor knows, FIONREAD, and ENOTTY for
 * terminal requests on what is no terminal.
 */
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <asm/sockios.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
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

static void ask(int fd, const char *name, unsigned command)
{
    struct ethtool_value link = {.cmd = ETHTOOL_GLINK};
    struct ifreq r = {0};

    strcpy(r.ifr_name, name);
    if (command == SIOCETHTOOL) {
        r.ifr_data = (void *)&link;
    }
    printf("%s %x:", name, command);
    SHOW(ioctl(fd, command, &r));
    if (command == SIOCETHTOOL) {
        printf("link %u\n", link.data);
    }
}

/* What would change interfaces, addresses or routes, of who may not. */
static void interfaces(int family)
{
    static const unsigned commands[] = {
        SIOCADDRT,          SIOCDELRT,      SIOCSIFFLAGS,   SIOCGIFADDR,
        SIOCSIFADDR,        SIOCSIFDSTADDR, SIOCSIFBRDADDR, SIOCSIFNETMASK,
        SIOCSIFMETRIC,      SIOCSIFMTU,     SIOCSIFNAME,    SIOCSIFHWADDR,
        SIOCGIFSLAVE,       SIOCSIFSLAVE,   SIOCADDMULTI,   SIOCDELMULTI,
        SIOCSIFHWBROADCAST, SIOCSIFTXQLEN,  SIOCETHTOOL,    SIOCGMIIPHY,
        SIOCGMIIREG,        SIOCSMIIREG,    SIOCDARP,       SIOCGARP,
        SIOCSARP,           SIOCGIFMAP,     SIOCSIFMAP,     SIOCBRADDBR,
        SIOCBRDELBR,        SIOCBRADDIF,    SIOCSHWTSTAMP,  SIOCGHWTSTAMP,
        SIOCDEVPRIVATE,     0x89fe,
    };
    int fd = socket(family, SOCK_DGRAM, 0);

    title(family == AF_UNIX ? "unix" : "interfaces");
    if (fork() == 0) {
        setresuid(NOBODY, NOBODY, NOBODY);
        for (unsigned i = 0; i < COUNT(commands); i++) {
            ask(fd, "lo", commands[i]);
            ask(fd, "nope0", commands[i]);
        }
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
    close(fd);
}

/* The owner of a socket by ioctl(2), and of what is none (socket(7)). */
static void owners(void)
{
    int pair[2], me = getpid(), group = -getpgrp(), nobody = 0, n = 1;
    int least = -2147483647 - 1, none = 0x3ffffff, p[2];

    title("owners");
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    CALL(ioctl, pair[0], FIOGETOWN, &n);
    EXPECT(n == 0);
    CALL(ioctl, pair[0], FIOSETOWN, &me);
    CALL(ioctl, pair[0], SIOCGPGRP, &n);
    EXPECT(n == me);
    CALL(ioctl, pair[0], SIOCSPGRP, &group);
    CALL(ioctl, pair[0], FIOGETOWN, &n);
    EXPECT(n == group);
    CALL(ioctl, pair[0], FIOSETOWN, &none);
    CALL(ioctl, pair[0], FIOSETOWN, &least);
    CALL(fcntl, pair[0], F_SETOWN, least);
    CALL(ioctl, pair[0], FIOSETOWN, BAD);
    CALL(ioctl, pair[0], FIOGETOWN, BAD);
    CALL(ioctl, pair[0], FIOSETOWN, &nobody);
    CALL(fcntl, pair[0], F_GETOWN);
    pipe(p);
    CALL(ioctl, p[0], FIOSETOWN, &me);
    CALL(ioctl, p[0], FIOGETOWN, &n);
    CALL(ioctl, p[0], SIOCGPGRP, &n);
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
    owners();
    interfaces(AF_INET);
    interfaces(AF_UNIX);
    return 0;
}
