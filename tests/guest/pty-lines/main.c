/* SPDX-License-Identifier: MIT
 *
 * The line discipline, from both sides of a pty in one process: editing, echo,
 * output processing, raw reads, switching modes with bytes pending.
 */
#include "tests/guest/show.h"
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <termios.h>

static int master, slave;
static struct termios sane;

static void show_bytes(const char *what, const char *buf, long n)
{
    printf("%s %ld [", what, n);
    for (long i = 0; i < n; i++) {
        unsigned char c = buf[i];

        if (c == '\n') {
            printf("\\n");
        } else if (c == '\r') {
            printf("\\r");
        } else if (c == '\b') {
            printf("\\b");
        } else if (c < 32 || c > 126) {
            printf("\\x%02x", c);
        } else {
            putchar(c);
        }
    }
    printf("]%s%s\n", n < 0 ? " " : "", n < 0 ? strerrorname_np(errno) : "");
}

static void type(const char *text)
{
    write(master, text, strlen(text));
}

/* What the master reads until it ends with `end`, or for half a minute. */
static void screen(const char *end)
{
    char buf[20000];
    size_t n = 0, len = strlen(end);
    struct pollfd p = {master, POLLIN, 0};

    while (n < len || memcmp(buf + n - len, end, len)) {
        if (poll(&p, 1, 30000) != 1) {
            printf("(nothing more) ");
            break;
        }
        long got = read(master, buf + n, sizeof(buf) - n);

        if (got <= 0) {
            break;
        }
        n += got;
    }
    if (n > 300) {
        printf("screen %zu bytes\n", n);
    } else {
        show_bytes("screen", buf, n);
    }
}

static long get(size_t len)
{
    static char buf[10000];
    long n = read(slave, buf, len);

    show_bytes("read", buf, n);
    return n;
}

static struct termios mode(tcflag_t iflag, tcflag_t oflag, tcflag_t lflag)
{
    struct termios t = sane;

    t.c_iflag = iflag;
    t.c_oflag = oflag;
    t.c_lflag = lflag;
    tcsetattr(slave, TCSANOW, &t);
    return t;
}

/* Waits until n bytes are there to be read. */
static void there(int n)
{
    int have = 0;

    for (int i = 0; i < 30000 && (ioctl(slave, FIONREAD, &have), have < n);
         i++) {
        usleep(1000);
    }
    printf("there %d\n", have);
}

static void lines(void)
{
    title("lines");
    type("hello\n");
    get(100);
    screen("\r\n");
    type("one\ntwo\n");
    there(8);
    get(100);
    get(2);
    get(100);
    screen("two\r\n");
    type("cr\r");
    get(100);
    screen("\r\n");
    type("abc\x7f\x7fxyz\n");
    get(100);
    screen("\r\n");
    type("one two  \x17three\n");
    get(100);
    screen("\r\n");
    type("gone\x15kept\n");
    get(100);
    screen("\r\n");
    type("\x7f\x15\x17"
         "begin\n");
    get(100);
    screen("\r\n");
    type("a\x01\x02\x7f\x7f"
         "b\n");
    get(100);
    screen("\r\n");
    type("\tx\ty\t\x7f\x7f\x7f\x7f.\n");
    get(100);
    screen("\r\n");
    type("lit\x16\x03\x16\x7f\x16\n.\n");
    get(100);
    screen("\r\n");
    type("again\x12!\n");
    get(100);
    screen("!\r\n");
    type("end\x04");
    get(100);
    type("\x04");
    get(100);
    screen("end");
    type("abc\x04");
    there(3);
    get(3);
    type("next\n");
    get(100);
    screen("\r\n");
}

static void long_line(void)
{
    static char text[6001];

    title("a line too long");
    mode(sane.c_iflag, sane.c_oflag, ICANON);
    memset(text, 'x', 6000);
    type(text);
    type("y\n");
    there(4096);
    static char buf[10000];
    long n = read(slave, buf, sizeof(buf));

    printf("%ld, ends with %d %d\n", n, buf[n - 2], buf[n - 1]);
}

static void echo_modes(void)
{
    struct termios t;

    title("no echo but newlines");
    mode(sane.c_iflag, sane.c_oflag, ICANON | ECHONL);
    type("secret\n");
    get(100);
    screen("\r\n");
    title("echo without control characters");
    mode(sane.c_iflag, sane.c_oflag, ICANON | ECHO | ECHOE);
    type("a\x01z\x7f\x7f\n");
    get(100);
    screen("\r\n");
    title("kill without erasing");
    mode(sane.c_iflag, sane.c_oflag, ICANON | ECHO | ECHOK | ECHOCTL);
    type("gone\x15kept\x7f\n");
    get(100);
    screen("^?\r\n");
    title("printing erase");
    mode(sane.c_iflag, sane.c_oflag, ICANON | ECHO | ECHOE | ECHOPRT | ECHOCTL);
    type("word\x7f\x7f"
         "x\n");
    get(100);
    screen("\r\n");
    title("UTF-8");
    mode(sane.c_iflag | IUTF8, sane.c_oflag, sane.c_lflag);
    type("a\xc3\xa4\xe2\x82\xac\x7f\x7f"
         "b\n");
    get(100);
    screen("\r\n");
    title("other ends of line");
    t = sane;
    t.c_cc[VEOL] = ';';
    t.c_cc[VEOL2] = '.';
    tcsetattr(slave, TCSANOW, &t);
    type("a;b.c\n");
    there(6);
    get(100);
    get(100);
    get(100);
    screen("\r\n");
}

static void translations(void)
{
    title("input translations");
    mode(INLCR, sane.c_oflag, 0);
    type("a\n");
    get(100);
    mode(IGNCR, sane.c_oflag, 0);
    type("a\rb");
    there(2);
    get(100);
    mode(ICRNL | ISTRIP, sane.c_oflag, 0);
    type("\xe1\r");
    there(2);
    get(100);
    mode(IUCLC, sane.c_oflag, IEXTEN);
    type("ABc");
    there(3);
    get(100);
    mode(PARMRK, sane.c_oflag, 0);
    type("\xff.");
    there(3);
    get(100);
    title("output processing");
    mode(sane.c_iflag, OPOST | ONLCR | XTABS, sane.c_lflag);
    write(slave, "a\tb\n\tc\b\td#", 10);
    screen("#");
    mode(sane.c_iflag, OPOST | OCRNL, sane.c_lflag);
    write(slave, "a\rb\n#", 5);
    screen("#");
    mode(sane.c_iflag, OPOST | ONOCR | OLCUC, sane.c_lflag);
    write(slave, "\n", 1);
    write(slave, "\rab\r\r#", 6);
    screen("#");
    mode(sane.c_iflag, 0, sane.c_lflag);
    write(slave, "a\n\tb#", 5);
    screen("#");
}

static void raw_mode(int min, int time)
{
    struct termios t = sane;

    cfmakeraw(&t);
    t.c_cc[VMIN] = min;
    t.c_cc[VTIME] = time;
    tcsetattr(slave, TCSANOW, &t);
    printf("MIN %d TIME %d\n", min, time);
}

static void *later(void *text)
{
    usleep(100000);
    type(text);
    return NULL;
}

static void raw(void)
{
    struct pollfd p = {slave, POLLIN, 0};
    long long start;
    pthread_t t;

    title("raw");
    raw_mode(1, 0);
    type("\x03\x04\r\n\x7f");
    there(5);
    get(100);
    pthread_create(&t, NULL, later, "late");
    get(1);
    pthread_join(t, NULL);
    there(3);
    get(100);
    raw_mode(0, 0);
    get(100);
    raw_mode(0, 1);
    start = show_now(CLOCK_MONOTONIC);
    get(100);
    printf("%s\n", passed(start, 90000000));
    raw_mode(3, 0);
    type("ab");
    there(2);
    printf("poll %d\n", poll(&p, 1, 0));
    type("c");
    there(3);
    printf("poll %d\n", poll(&p, 1, 0));
    get(100);
    type("ab");
    pthread_create(&t, NULL, later, "cd");
    get(3);
    pthread_join(t, NULL);
    get(1);
}

static void raw_rest(void)
{
    raw_mode(5, 1);
    type("xy");
    get(100);
    raw_mode(1, 0);
    fcntl(slave, F_SETFL, O_NONBLOCK);
    get(100);
    raw_mode(0, 0);
    get(100);
    tcsetattr(slave, TCSANOW, &sane);
    get(100);
    fcntl(slave, F_SETFL, 0);
}

static void switching(void)
{
    int n;

    title("switching modes");
    raw_mode(1, 0);
    type("raw");
    there(3);
    tcsetattr(slave, TCSANOW, &sane);
    there(3);
    get(100);
    mode(sane.c_iflag, sane.c_oflag, ICANON);
    type("half");
    usleep(50000);
    ioctl(slave, FIONREAD, &n);
    printf("%d\n", n);
    raw_mode(1, 0);
    there(4);
    get(100);
    title("flushing");
    type("away");
    there(4);
    SHOW(tcflush(slave, TCIFLUSH));
    ioctl(slave, FIONREAD, &n);
    printf("%d\n", n);
    type("away");
    there(4);
    tcsetattr(slave, TCSAFLUSH, &sane);
    type("kept\n");
    get(100);
    screen("kept\r\n");
    title("stop and go");
    type("\x13");
    usleep(50000);
    fcntl(slave, F_SETFL, O_NONBLOCK);
    SHOW(write(slave, "held#", 5));
    type("\x11");
    usleep(50000);
    fcntl(slave, F_SETFL, 0);
    SHOW(write(slave, "held#", 5));
    screen("#");
    SHOW(tcflow(slave, TCOOFF));
    fcntl(slave, F_SETFL, O_NONBLOCK);
    SHOW(write(slave, "off#", 4));
    SHOW(tcflow(slave, TCOON));
    SHOW(write(slave, "on#", 3));
    fcntl(slave, F_SETFL, 0);
    screen("on#");
    SHOW(tcflow(slave, TCIOFF));
    SHOW(tcflow(slave, TCION));
    screen("\x11");
}

/* More than a line is typed before anybody reads: it waits, in its order. */
static void ahead(void)
{
    static char buf[10000];
    struct termios t = sane;
    struct pollfd p = {slave, POLLOUT, 0};
    long n, all = 0;

    title("typed ahead");
    t.c_lflag &= ~ECHO;
    tcsetattr(slave, TCSANOW, &t);
    memset(buf, 'm', sizeof(buf));
    for (int i = 0; i < 2; i++) {
        SHOW(write(master, buf, 4100));
        SHOW(write(master, "\n", 1));
    }
    there(4096);
    SHOW(read(slave, buf, sizeof(buf)));
    there(4096);
    SHOW(read(slave, buf, sizeof(buf)));
    raw_mode(1, 0);
    SHOW(write(master, buf, 4100));
    there(4095);
    SHOW(read(slave, buf, sizeof(buf)));
    there(5);
    SHOW(read(slave, buf, sizeof(buf)));
    title("printed ahead");
    fcntl(slave, F_SETFL, O_NONBLOCK);
    while ((n = write(slave, buf, 1)) == 1) {
        all++;
    }
    printf("%ld %s, poll %d\n", n, strerrorname_np(errno), poll(&p, 1, 0));
    EXPECT(all > 16000);
    fcntl(master, F_SETFL, O_NONBLOCK);
    while (all > 0 && (n = read(master, buf, sizeof(buf))) != 0) {
        all -= n > 0 ? n : 0;
        usleep(n > 0 ? 0 : 1000);
    }
    printf("%ld, poll %d\n", all, poll(&p, 1, 30000));
    fcntl(slave, F_SETFL, 0);
    fcntl(master, F_SETFL, 0);
}

/* What the master flushes is no news in packet mode, and a line that is there
 * stays; the slave's flushes are. */
static void flushing(void)
{
    struct pollfd p = {master, POLLIN | POLLPRI, 0};
    int on = 1, off = 0;

    title("flushing from either side");
    type("abc");
    there(3);
    SHOW(ioctl(master, TIOCPKT, &on));
    for (int queue = TCIFLUSH; queue <= TCIOFLUSH; queue++) {
        SHOW(tcflush(master, queue));
        printf("poll %d\n", poll(&p, 1, 0));
    }
    there(3);
    for (int queue = TCIFLUSH; queue <= TCIOFLUSH; queue++) {
        char c = 0;

        SHOW(tcflush(slave, queue));
        printf("poll %d ", poll(&p, 1, 0));
        printf("read %zd: %d\n", read(master, &c, 1), c);
    }
    SHOW(ioctl(master, TIOCPKT, &off));
    SHOW(ioctl(master, TIOCNOTTY));
}

int main(void)
{
    show_start();
    master = posix_openpt(O_RDWR | O_NOCTTY);
    grantpt(master);
    unlockpt(master);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    tcgetattr(slave, &sane);
    lines();
    long_line();
    tcsetattr(slave, TCSANOW, &sane);
    echo_modes();
    translations();
    raw();
    raw_rest();
    switching();
    ahead();
    flushing();
    return 0;
}
