/* SPDX-License-Identifier: MIT
 *
 * Pseudoterminals by their calls: making and opening, settings, size, packet
 * mode, readiness, what the end of either side does, and errors.
 */
#include "tests/guest/show.h"
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <termios.h>

static int master, slave;
static char name[64];

static void show_poll(const char *what, int fd)
{
    struct pollfd p = {fd, POLLIN | POLLPRI | POLLOUT | POLLRDNORM, 0};

    /* Bytes may be on their way for a moment. */
    usleep(50000);
    poll(&p, 1, 0);
    printf("poll %s: %#x\n", what, p.revents);
}

static void making(void)
{
    struct statfs fs;
    struct stat st;
    int n = 1;

    title("making");
    master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    EXPECT(master >= 0);
    SHOW(ioctl(master, TIOCGPTLCK, &n));
    printf("locked %d\n", n);
    SHOW(ptsname_r(master, name, sizeof(name)));
    SHOW(open(name, O_RDWR | O_NOCTTY));
    show_poll("master, slave never open", master);
    n = 0;
    SHOW(ioctl(master, TIOCSPTLCK, &n));
    SHOW(ioctl(master, TIOCSPTLCK, BAD));
    SHOW(ioctl(master, TIOCGPTN, BAD));
    slave = open(name, O_RDWR | O_NOCTTY);
    EXPECT(slave >= 0);
    stat(name, &st);
    printf("uid %u\n", st.st_uid);
    EXPECT(major(st.st_rdev) == 136 || major(st.st_rdev) == 137);
    fstatfs(slave, &fs);
    printf("type %#lx\n", (long)fs.f_type);
    SHOW(isatty(master));
    SHOW(isatty(slave));
    EXPECT(!strcmp(ttyname(slave), name));
    SHOW(fchmod(slave, 0600));
    SHOW(fchown(slave, 5, 6));
    stat(name, &st);
    printf("mode %o owner %u:%u\n", st.st_mode, st.st_uid, st.st_gid);
    SHOW(lseek(slave, 0, SEEK_SET));
    SHOW(pread(slave, &n, 1, 0));
    SHOW(ftruncate(slave, 0));
    SHOW(ioctl(slave, TIOCGPTN, &n));
    SHOW(ioctl(slave, TIOCSPTLCK, &n));
    SHOW(ioctl(slave, TIOCPKT, &n));
    SHOW(open("/dev/pts/9999", O_RDWR));
    SHOW(open("/dev/pts/x", O_RDWR));
    n = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    EXPECT(n >= 0);
    SHOW(fcntl(n, F_GETFD));
    EXPECT(!strcmp(ttyname(n), name));
    close(n);
}

static void show_termios(const struct termios *t)
{
    printf("%#x %#x %#x %#x line %d cc", t->c_iflag, t->c_oflag, t->c_cflag,
           t->c_lflag, t->c_line);
    for (int i = 0; i < 19; i++) {
        printf(" %d", t->c_cc[i]);
    }
    printf("\n");
}

/* What is locked stays, whoever sets it; by who may, from either side. */
static void locked(void)
{
    struct termios was, t, lock = {0};

    title("locked settings");
    SHOW(ioctl(slave, TIOCGLCKTRMIOS, &lock));
    show_termios(&lock);
    tcgetattr(slave, &was);
    lock.c_lflag = ECHO | ICANON;
    lock.c_iflag = ICRNL;
    lock.c_cc[VINTR] = 1;
    SHOW(ioctl(slave, TIOCSLCKTRMIOS, &lock));
    SHOW(ioctl(master, TIOCGLCKTRMIOS, &t));
    show_termios(&t);
    t = was;
    cfmakeraw(&t);
    t.c_cc[VINTR] = 7;
    t.c_cc[VQUIT] = 8;
    SHOW(tcsetattr(master, TCSANOW, &t));
    tcgetattr(slave, &t);
    show_termios(&t);
    SHOW(ioctl(slave, TIOCSLCKTRMIOS, BAD));
    SHOW(ioctl(slave, TIOCGLCKTRMIOS, BAD));
    memset(&lock, 0, sizeof(lock));
    SHOW(ioctl(master, TIOCSLCKTRMIOS, &lock));
    seteuid(NOBODY);
    SHOW(ioctl(slave, TIOCGLCKTRMIOS, &lock));
    SHOW(ioctl(slave, TIOCSLCKTRMIOS, &lock));
    SHOW(ioctl(slave, TIOCSLCKTRMIOS, BAD));
    seteuid(0);
    SHOW(tcsetattr(slave, TCSANOW, &was));
}

static void settings(void)
{
    struct winsize size = {0};
    struct termios t;
    int n = 7;

    title("settings");
    SHOW(tcgetattr(slave, &t));
    show_termios(&t);
    printf("speed %d %d\n", cfgetispeed(&t) == B38400,
           cfgetospeed(&t) == B38400);
    cfsetspeed(&t, B115200);
    t.c_cflag |= PARENB | CS5;
    t.c_cflag &= ~CREAD;
    SHOW(tcsetattr(master, TCSANOW, &t));
    SHOW(tcgetattr(master, &t));
    show_termios(&t);
    SHOW(ioctl(slave, TCGETS, BAD));
    SHOW(ioctl(slave, TCSETS, BAD));
    SHOW(ioctl(slave, TIOCGWINSZ, &size));
    printf("size %d %d\n", size.ws_row, size.ws_col);
    size.ws_row = 50;
    size.ws_col = 132;
    SHOW(ioctl(master, TIOCSWINSZ, &size));
    memset(&size, 0, sizeof(size));
    SHOW(ioctl(slave, TIOCGWINSZ, &size));
    printf("size %d %d\n", size.ws_row, size.ws_col);
    SHOW(ioctl(slave, TIOCSWINSZ, BAD));
    SHOW(ioctl(slave, TIOCGETD, &n));
    printf("discipline %d\n", n);
    SHOW(ioctl(slave, TIOCSETD, &n));
    SHOW(ioctl(slave, TIOCOUTQ, &n));
    SHOW(ioctl(slave, TIOCEXCL));
    SHOW(ioctl(slave, TIOCGEXCL, &n));
    printf("exclusive %d\n", n);
    SHOW(ioctl(slave, TIOCNXCL));
    SHOW(tcdrain(slave));
    SHOW(tcsendbreak(slave, 0));
    SHOW(ioctl(slave, TCFLSH, 9));
    SHOW(ioctl(slave, TCXONC, 9));
    SHOW(ioctl(slave, 0x5499, 0));
    SHOW(ioctl(master, 0x5499, 0));
    SHOW(ioctl(master, TIOCSIG, 99));
}

static void foreign(void)
{
    int n;

    title("a terminal that is not ours");
    SHOW(ioctl(slave, TIOCGPGRP, &n));
    SHOW(ioctl(slave, TIOCGSID, &n));
    n = getpgrp();
    SHOW(ioctl(slave, TIOCSPGRP, &n));
    SHOW(ioctl(slave, TIOCNOTTY));
    SHOW(ioctl(master, TIOCGPGRP, &n));
    printf("in front %d\n", n);
    SHOW(ioctl(master, TIOCGSID, &n));
    SHOW(tcsetpgrp(STDIN_FILENO, getpgrp()));
}

static void read_packet(void)
{
    unsigned char buf[64];
    struct pollfd p = {master, POLLIN, 0};

    poll(&p, 1, 30000);
    long n = read(master, buf, sizeof(buf));

    printf("packet %ld:", n);
    for (long i = 0; i < n; i++) {
        printf(" %02x", buf[i]);
    }
    printf("\n");
}

static void packets(void)
{
    struct termios t;
    int on = 1;

    title("packet mode");
    tcgetattr(slave, &t);
    t.c_lflag &= ~ECHO;
    tcsetattr(slave, TCSANOW, &t);
    SHOW(ioctl(master, TIOCPKT, &on));
    SHOW(ioctl(master, TIOCGPKT, &on));
    write(slave, "out", 3);
    read_packet();
    SHOW(tcflow(slave, TCOOFF));
    show_poll("news", master);
    read_packet();
    SHOW(tcflow(slave, TCOON));
    read_packet();
    SHOW(tcflush(slave, TCIFLUSH));
    read_packet();
    on = 0;
    SHOW(ioctl(master, TIOCPKT, &on));
}

static void readiness(void)
{
    char buf[100];

    title("readiness");
    show_poll("slave", slave);
    show_poll("master", master);
    write(master, "half", 4);
    show_poll("slave with half a line", slave);
    write(master, "\n", 1);
    show_poll("slave with a line", slave);
    read(slave, buf, sizeof(buf));
    write(slave, "x", 1);
    show_poll("master with output", master);
    read(master, buf, sizeof(buf));
}

static void ends(void)
{
    char buf[100];

    title("the slave is closed");
    write(slave, "last", 4);
    usleep(50000);
    close(slave);
    show_poll("master", master);
    SHOW(read(master, buf, sizeof(buf)));
    SHOW(read(master, buf, sizeof(buf)));
    show_poll("master", master);
    SHOW(write(master, "kept\n", 5));
    slave = open(name, O_RDWR | O_NOCTTY);
    show_poll("master again", master);
    SHOW(read(slave, buf, sizeof(buf)));
    title("the master is closed");
    SHOW(write(master, "lost\n", 5));
    usleep(50000);
    close(master);
    show_poll("slave", slave);
    SHOW(read(slave, buf, sizeof(buf)));
    SHOW(write(slave, "x", 1));
    SHOW(ioctl(slave, TIOCGWINSZ, buf));
    SHOW(ioctl(slave, TIOCSPGRP, buf));
    SHOW(open(name, O_RDWR | O_NOCTTY));
    SHOW(access(name, F_OK));
    close(slave);
}

int main(void)
{
    show_start();
    making();
    settings();
    locked();
    foreign();
    packets();
    readiness();
    ends();
    return 0;
}
