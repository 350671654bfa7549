/* SPDX-License-Identifier: MIT
 *
 * splice and vmsplice: file to pipe, pipe to file, pipe to pipe, offsets,
 * and what they refuse. Into a pipe goes what there is room for.
 */
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include "tests/guest/show.h"

static char buf[100000];

static void files(void)
{
    loff_t off = 2, out = 5;
    int p[2];

    title("files");
    put("/tmp/in", "0123456789");
    int in = open("/tmp/in", O_RDONLY);
    int dst = open("/tmp/out", O_CREAT | O_RDWR, 0600);
    pipe2(p, O_NONBLOCK);
    CALL(splice, in, NULL, p[1], NULL, 4L, 0);
    CALL(lseek, in, 0L, SEEK_CUR);
    CALL(splice, in, &off, p[1], NULL, 3L, 0);
    printf("offset %ld\n", (long)off);
    CALL(lseek, in, 0L, SEEK_CUR);
    CALL(read, p[0], buf, 100L);
    printf("[%.7s]\n", buf);
    CALL(splice, in, NULL, p[1], NULL, 100L, 0);
    CALL(splice, in, NULL, p[1], NULL, 100L, 0);
    CALL(splice, p[0], NULL, dst, &out, 4L, 0);
    printf("offset %ld\n", (long)out);
    CALL(splice, p[0], NULL, dst, NULL, 100L, 0);
    CALL(splice, p[0], NULL, dst, NULL, 100L, 0);
    CALL(splice, p[0], NULL, dst, NULL, 100L, SPLICE_F_NONBLOCK);
    CALL(lseek, dst, 0L, SEEK_CUR);
    CALL(pread64, dst, buf, 100L, 0L);
    printf("[%.2s] %d [%.4s]\n", buf, buf[2] + buf[3] + buf[4], buf + 5);
    close(in);
    close(dst);
    close(p[0]);
    close(p[1]);
}

static void pipes(void)
{
    int a[2], b[2];
    struct iovec iov[] = {{"vm", 2}, {"splice", 6}};

    title("pipes");
    pipe2(a, O_NONBLOCK);
    pipe2(b, O_NONBLOCK);
    CALL(write, a[1], "from a to b", 11L);
    CALL(splice, a[0], NULL, b[1], NULL, 6L, 0);
    CALL(splice, a[0], NULL, b[1], NULL, 100L, 0);
    CALL(splice, a[0], NULL, b[1], NULL, 100L, 0);
    CALL(read, b[0], buf, 100L);
    printf("[%.11s]\n", buf);
    CALL(splice, a[0], NULL, a[1], NULL, 1L, 0);
    CALL(vmsplice, a[1], iov, 2L, 0);
    CALL(read, a[0], buf, 100L);
    printf("[%.8s]\n", buf);
    CALL(vmsplice, a[1], iov, 2L, SPLICE_F_GIFT);
    iov[0].iov_base = buf;
    iov[0].iov_len = 4;
    CALL(vmsplice, a[0], iov, 1L, 0);
    printf("[%.4s]\n", buf);
    CALL(vmsplice, a[1], iov, 1025L, 0);
    CALL(vmsplice, a[1], BAD, 1L, 0);
    CALL(vmsplice, a[1], iov, 1L, 0x100);
    CALL(vmsplice, 99, iov, 1L, 0);
    CALL(vmsplice, 0, iov, 1L, 0);
    CALL(vmsplice, a[1], iov, 0L, 0);
    CALL(vmsplice, 0, iov, 0L, 0);
    CALL(vmsplice, 0, BAD, 1L, 0);
    CALL(read, a[0], buf, 100L);
    CALL(vmsplice, a[0], iov, 1L, SPLICE_F_NONBLOCK);
    close(a[1]);
    CALL(splice, a[0], NULL, b[1], NULL, 100L, 0);
    CALL(splice, a[0], NULL, b[1], NULL, 100L, 0);
    close(a[0]);
    close(b[0]);
    close(b[1]);
}

/* A pipe takes what there is room for, also from who waits, and what it does
 * not take is not lost. */
static void room(void)
{
    int p[2], q[2], in = open("/tmp/large", O_CREAT | O_RDWR, 0600);

    title("room");
    pipe(p);
    pipe(q);
    write(in, buf, sizeof(buf));
    CALL(lseek, in, 0L, SEEK_SET);
    CALL(write, p[1], buf, 40000L);
    CALL(splice, in, NULL, p[1], NULL, 65536L, 0);
    CALL(lseek, in, 0L, SEEK_CUR);
    CALL(splice, in, NULL, p[1], NULL, 65536L, SPLICE_F_NONBLOCK);
    CALL(read, p[0], buf, sizeof(buf));
    CALL(sendfile, p[1], in, NULL, 100000L);
    CALL(write, q[1], buf, 50000L);
    CALL(splice, p[0], NULL, q[1], NULL, 65536L, 0);
    CALL(tee, p[0], q[1], 65536L, SPLICE_F_NONBLOCK);
    CALL(read, p[0], buf, sizeof(buf));
    CALL(read, q[0], buf, sizeof(buf));
    CALL(write, p[1], buf, 20000L);
    CALL(write, q[1], buf, 60000L);
    CALL(tee, p[0], q[1], 65536L, 0);
    CALL(read, p[0], buf, sizeof(buf));
    CALL(read, q[0], buf, sizeof(buf));
    close(in);
    close(q[0]);
    close(q[1]);
    close(p[0]);
    close(p[1]);
}

static void sockets(void)
{
    int p[2], s[2];
    long n;

    title("sockets");
    pipe(p);
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    CALL(write, s[0], buf, 100L);
    CALL(splice, s[1], NULL, p[1], NULL, 65536L, 0);
    CALL(read, p[0], buf, sizeof(buf));
    CALL(write, p[1], buf, 61440L);
    CALL(write, s[0], buf, 30000L);
    n = RAW(splice, s[1], NULL, p[1], NULL, 65536L, SPLICE_F_NONBLOCK);
    EXPECT(n > 0 && n <= 4096);
    EXPECT(n + recv(s[1], buf, sizeof(buf), MSG_DONTWAIT) == 30000);
    EXPECT(read(p[0], buf, sizeof(buf)) == 61440 + n);
    CALL(splice, s[1], NULL, p[1], NULL, 65536L, SPLICE_F_NONBLOCK);
    CALL(write, p[1], buf, 1000L);
    close(p[1]);
    CALL(splice, p[0], NULL, s[0], NULL, 65536L, 0);
    CALL(splice, p[0], NULL, s[0], NULL, 65536L, 0);
    CALL(read, s[1], buf, sizeof(buf));
    close(p[0]);
    close(s[0]);
    close(s[1]);
}

static void refusals(void)
{
    loff_t off = 0, negative = -1;
    int p[2], in = open("/tmp/in", O_RDWR), dir = open("/tmp", O_RDONLY);
    int ap = open("/tmp/in", O_RDWR | O_APPEND), wr = open("/tmp/in", O_WRONLY);

    title("refusals");
    pipe2(p, O_NONBLOCK);
    CALL(splice, in, NULL, ap, NULL, 1L, 0);
    CALL(splice, in, NULL, p[1], &off, 1L, 0);
    CALL(splice, p[0], &off, in, NULL, 1L, 0);
    CALL(splice, in, &negative, p[1], NULL, 1L, 0);
    CALL(splice, in, BAD, p[1], NULL, 1L, 0);
    CALL(splice, in, NULL, p[0], NULL, 1L, 0);
    CALL(splice, wr, NULL, p[1], NULL, 1L, 0);
    CALL(splice, in, NULL, p[1], NULL, 1L, 0x100);
    CALL(splice, in, NULL, p[1], NULL, 0L, 0);
    CALL(splice, 99, NULL, p[1], NULL, 1L, 0);
    CALL(splice, in, NULL, 99, NULL, 1L, 0);
    CALL(splice, 99, NULL, 99, NULL, 0L, 0);
    CALL(splice, dir, NULL, p[1], NULL, 1L, 0);
    CALL(write, p[1], "x", 1L);
    CALL(splice, p[0], NULL, ap, NULL, 1L, 0);
    CALL(splice, p[0], NULL, dir, NULL, 1L, 0);
}

static void devices(void)
{
    int p[2], zero = open("/dev/zero", O_RDWR),
              null = open("/dev/null", O_RDWR);

    title("devices");
    pipe2(p, O_NONBLOCK);
    CALL(splice, zero, NULL, p[1], NULL, 5000L, 0);
    CALL(splice, p[0], NULL, null, NULL, 5000L, 0);
    CALL(splice, null, NULL, p[1], NULL, 5000L, 0);
    CALL(read, p[0], buf, 1L);
    close(zero);
    close(null);
}

/* What is no stream takes no part, and nobody waits for it. */
static void values(void)
{
    int p[2], event = eventfd(1, 0), ep = epoll_create1(0),
              timer = timerfd_create(CLOCK_MONOTONIC, 0);

    title("values");
    pipe(p);
    CALL(splice, p[0], NULL, event, NULL, 8L, 0);
    CALL(splice, event, NULL, p[1], NULL, 8L, 0);
    CALL(splice, p[0], NULL, ep, NULL, 1L, 0);
    CALL(splice, timer, NULL, p[1], NULL, 8L, 0);
    close(event);
    close(ep);
    close(timer);
}

int main(void)
{
    show_start();
    files();
    pipes();
    room();
    sockets();
    refusals();
    devices();
    values();
    return 0;
}
