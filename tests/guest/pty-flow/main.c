/* SPDX-License-Identifier: MIT
 *
 * Pseudoterminals: what is flushed and what has arrived already, echo while
 * output is stopped, who may start it again, bytes typed by TIOCSTI, EXTPROC,
 * what packet mode tells of settings, and letters of ISO 8859-1.
 */
#include <asm/termbits.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include "tests/guest/show.h"

static int master, slave;
static struct termios2 sane;

/* What is there within a while; all of it comes at once here, on Linux a
 * thread of the kernel's carries it. */
static void drain(const char *what, int fd, size_t expected)
{
    unsigned char buf[6000];
    size_t n = 0;

    while (n < expected || !expected) {
        struct pollfd p = {fd, POLLIN, 0};
        ssize_t got;

        if (poll(&p, 1, expected ? 10000 : 100) <= 0) {
            break;
        }
        got = read(fd, buf + n, sizeof(buf) - n);
        if (got <= 0) {
            break;
        }
        n += (size_t)got;
    }
    printf("%s: %zu", what, n);
    for (size_t i = 0; i < n && i < 60; i++) {
        printf(buf[i] > 32 && buf[i] < 127 ? " %c" : " %02x", buf[i]);
    }
    printf("\n");
}

static void settings(unsigned iflag, unsigned oflag, unsigned lflag)
{
    struct termios2 t = sane;

    t.c_iflag = iflag;
    t.c_oflag = oflag;
    t.c_lflag = lflag;
    ioctl(slave, TCSETS2, &t);
}

static void type(const char *s)
{
    SHOW(write(master, s, strlen(s)));
}

/* Until the master can read n bytes, which stay. */
static void until_printed(int n)
{
    int there = 0;

    while (there < n) {
        ioctl(master, FIONREAD, &there);
    }
}

static void flushing(void)
{
    title("what the slave flushes has been seen already");
    settings(ICRNL | IXON, OPOST | ONLCR, ICANON | ECHO | ISIG);
    SHOW(write(slave, "prompt ", 7));
    until_printed(7);
    SHOW(ioctl(slave, TCFLSH, TCOFLUSH));
    drain("printed", master, 7);
    SHOW(write(slave, "more ", 5));
    until_printed(5);
    type("abc\003");
    drain("and the signal's echo", master, 10);
    SHOW(write(slave, "gone", 4));
    until_printed(4);
    SHOW(ioctl(master, TCFLSH, TCIFLUSH));
    drain("the master's flush", master, 0);
}

static void stopping(void)
{
    title("echo waits");
    settings(ICRNL | IXON, OPOST | ONLCR, ICANON | ECHO);
    type("ab\023cd");
    drain("stopped by what was typed with it", master, 0);
    SHOW(ioctl(slave, TCXONC, TCOON));
    drain("not started by the program", master, 0);
    type("\021");
    drain("started", master, 4);
    SHOW(ioctl(slave, TCXONC, TCOOFF));
    SHOW(ioctl(slave, TCXONC, TCION));
    type("ef\021");
    drain("stopped by the program", master, 0);
    SHOW(ioctl(slave, TCXONC, TCOON));
    SHOW(write(slave, "!", 1));
    drain("started", master, 3);
    type("\023gh\n");
    drain("the line can be read", slave, 9);
    SHOW(ioctl(master, TCXONC, TCOOFF));
    SHOW(write(master, "x", 1));
    SHOW(ioctl(master, TCXONC, TCION));
    SHOW(ioctl(master, TCXONC, TCOON));
    settings(ICRNL, OPOST | ONLCR, ICANON | ECHO);
    drain("started by new settings", master, 4);
}

static void typing_for(void)
{
    title("typed for others");
    settings(ICRNL | IXON, OPOST | ONLCR, ICANON | ECHO);
    SHOW(ioctl(slave, TIOCSTI, "q"));
    SHOW(ioctl(slave, TIOCSTI, "\n"));
    SHOW(ioctl(slave, TIOCSTI, BAD));
    drain("echoed", master, 3);
    drain("read", slave, 2);
    SHOW(ioctl(master, TIOCSTI, "m"));
    drain("the master's", master, 1);
}

static void ends(void)
{
    title("ends of lines that are none");
    settings(ICRNL, OPOST | ONLCR, ECHO | ECHOCTL);
    type("a\nb\rc");
    drain("echoed", master, 7);
    drain("read", slave, 5);
    SHOW(ioctl(slave, TIOCGPTPEER, O_RDWR));
}

static void outside(void)
{
    int n = 0;

    title("EXTPROC");
    settings(ICRNL | IXON, OPOST | ONLCR, ICANON | ECHO | EXTPROC);
    type("a\177\r\003\023b");
    drain("read as it was typed", slave, 6);
    drain("not echoed", master, 0);
    type("two\nlines\nand");
    while (n < 13) {
        ioctl(slave, FIONREAD, &n);
    }
    settings(ICRNL | IXON, OPOST | ONLCR, ICANON | ECHO);
    drain("one line now", slave, 13);
}

static void packets(void)
{
    int on = 1, off = 0;

    title("packets");
    settings(ICRNL | IXON, OPOST | ONLCR, ICANON);
    SHOW(ioctl(master, TIOCPKT, &on));
    settings(ICRNL, OPOST | ONLCR, ICANON);
    drain("no flow control", master, 1);
    settings(ICRNL | IXON, OPOST | ONLCR, ICANON);
    drain("flow control", master, 1);
    settings(ICRNL | IXON, OPOST | ONLCR, ICANON | EXTPROC);
    drain("EXTPROC", master, 1);
    settings(ICRNL | IXON, OPOST | ONLCR, ICANON);
    drain("no EXTPROC", master, 1);
    settings(ICRNL | IXON, OPOST, ICANON);
    SHOW(ioctl(slave, TCXONC, TCOOFF));
    drain("stopped", master, 1);
    SHOW(ioctl(slave, TCXONC, TCOON));
    drain("started", master, 1);
    SHOW(ioctl(slave, TCFLSH, TCIOFLUSH));
    drain("flushed", master, 1);
    SHOW(ioctl(master, TIOCPKT, &off));
}

static void letters(void)
{
    title("letters");
    settings(IUCLC, OPOST | OLCUC, ICANON | ECHO | IEXTEN);
    type("aB\xc4\xe4\xf7\xff\n");
    drain("echoed", master, 7);
    drain("read", slave, 7);
    SHOW(write(slave, "aB\xc4\xe4\xf7\xff", 6));
    drain("printed", master, 6);
    settings(0, 0, ICANON | ECHO | ECHOE | IEXTEN);
    type("a b\xe4\xd7"
         "c\027\027\n");
    drain("words erased", slave, 3);
}

int main(void)
{
    char name[40];
    int n, unlocked = 0;

    show_start();
    signal(SIGHUP, SIG_IGN);
    master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
    ioctl(master, TIOCSPTLCK, &unlocked);
    ioctl(master, TIOCGPTN, &n);
    snprintf(name, sizeof(name), "/dev/pts/%d", n);
    slave = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK);
    ioctl(slave, TCGETS2, &sane);
    flushing();
    stopping();
    typing_for();
    ends();
    outside();
    packets();
    letters();
    return 0;
}
