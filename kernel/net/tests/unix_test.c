/* SPDX-License-Identifier: MIT
 *
 * unix(7) over the small world of kernel/fs/tests: one task, so nothing waits.
 * Every allocation fails in turn; the address sanitizer finds what leaks, and
 * debug builds of the locks what is taken in the wrong order.
 */
#include "kernel/fs/tests/support.h"
#include "kernel/fs/current.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/limit.h"
#include "kernel/net/netlink/netif.h"
#include "kernel/net/unix/unix_private.h"
#include "abi/linux/errno.h"
#include <string.h>

static char buf[300000];

/* ---- the rooms above ---- */

long netif_ioctl(uint32_t cmd, struct uptr arg, bool inet)
{
    return -ENOTTY;
}

/* ---- and below: no ceiling ---- */

uint64_t limit_ceiling(void)
{
    return 0;
}

/* ---- calls ---- */

static int install(struct socket *s)
{
    struct file *f;
    int err = socket_open_file(s, O_NONBLOCK, &f), fd;

    if (err) {
        return err;
    }
    fd = fd_install(f, 0, false);
    if (fd < 0) {
        file_put(f);
    }
    return fd;
}

static int t_socket(int type)
{
    struct socket *s;
    int err = unix_family.create(AF_UNIX, type, 0, &s);

    return err ? err : install(s);
}

static int t_pair(int type, int fd[2])
{
    struct socket *s[2];
    int err = unix_family.pair(type, 0, s);

    if (err) {
        return err;
    }
    fd[0] = install(s[0]);
    fd[1] = install(s[1]);
    if (fd[0] >= 0 && fd[1] >= 0) {
        return 0;
    }
    err = MIN(fd[0], fd[1]);
    for (int i = 0; i < 2; i++) {
        if (fd[i] >= 0) {
            fd_close(fd[i]);
        }
    }
    return err;
}

static struct socket *t_sock(int fd)
{
    return socket_of(t_file(fd));
}

static uint32_t name_of(struct abi_sockaddr *name, const char *text)
{
    memset(name, 0, sizeof(*name));
    name->family = AF_UNIX;
    strcpy((char *)name->data, text);
    return sizeof(name->family) + (uint32_t)strlen(text) + 1;
}

static int t_bind(int fd, const char *text)
{
    struct abi_sockaddr name;
    uint32_t len = name_of(&name, text);

    return t_sock(fd)->ops->bind(t_sock(fd), &name, len);
}

static int t_connect(int fd, const char *text)
{
    struct abi_sockaddr name;
    uint32_t len = name_of(&name, text);

    return t_sock(fd)->ops->connect(t_sock(fd), &name, len, true);
}

static int t_accept(int fd)
{
    struct socket *s;
    int err = t_sock(fd)->ops->accept(t_sock(fd), &s, true);

    return err ? err : install(s);
}

/* Sends text with descriptors. */
static long t_send(int fd, const char *text, const int *fds, unsigned count)
{
    uint64_t control[64];
    struct abi_cmsghdr h = {sizeof(h) + count * 4, SOL_SOCKET, SCM_RIGHTS};
    struct iobuf io;
    struct socket_msg msg = {.io = &io, .control = (uint8_t *)control};

    iobuf_kernel(&io, (void *)text, strlen(text));
    if (count) {
        memcpy(control, &h, sizeof(h));
        memcpy((uint8_t *)control + sizeof(h), fds, count * 4);
        msg.control_len = ALIGN_UP(h.len, 8ul);
    }
    return socket_send(t_file(fd), &msg);
}

/* Receives; descriptors that come go to fds. *count: how many. */
static long t_recv(int fd, int *fds, unsigned *count, uint32_t flags)
{
    uint64_t control[64];
    struct abi_cmsghdr h;
    struct iobuf io;
    struct socket_msg msg = {.io = &io,
                             .flags = flags,
                             .control = (uint8_t *)control,
                             .control_room = sizeof(control)};
    long n;

    iobuf_kernel(&io, buf, sizeof(buf));
    n = socket_recv(t_file(fd), &msg);
    *count = 0;
    if (n >= 0 && msg.control_len) {
        memcpy(&h, control, sizeof(h));
        EXPECT_EQ(h.type, SCM_RIGHTS);
        *count = (h.len - sizeof(h)) / 4;
        memcpy(fds, (uint8_t *)control + sizeof(h), *count * 4);
    }
    return n;
}

/* ---- tests ---- */

static void streams_hold_what_fits(void)
{
    int p[2];
    long n;

    EXPECT_EQ(t_pair(SOCK_STREAM, p), 0);
    EXPECT_EQ(t_read(p[0], buf, 1), -EAGAIN);
    n = t_write(p[0], buf, sizeof(buf));
    EXPECT_EQ(n, 212992);
    EXPECT_EQ(t_write(p[0], buf, 1), -EAGAIN);
    EXPECT_EQ(file_poll(t_file(p[0]), NULL) & POLLOUT, 0);
    EXPECT_EQ(t_read(p[1], buf, sizeof(buf)), n);
    EXPECT_EQ(file_poll(t_file(p[0]), NULL) & POLLOUT, POLLOUT);
    fd_close(p[1]);
    EXPECT_EQ(t_write(p[0], buf, 1), -EPIPE);
    EXPECT_EQ(last_signal(), 13);
    EXPECT_EQ(t_read(p[0], buf, 1), 0);
    fd_close(p[0]);
}

static void a_ring_wraps(void)
{
    uint8_t next_in = 0, next_out = 0;
    int p[2];

    EXPECT_EQ(t_pair(SOCK_STREAM, p), 0);
    for (int i = 0; i < 200; i++) {
        for (int k = 0; k < 7777; k++) {
            buf[k] = (char)next_in++;
        }
        EXPECT_EQ(t_write(p[0], buf, 7777), 7777);
        if (i % 3 == 2) {
            long n = t_read(p[1], buf, sizeof(buf));

            EXPECT_EQ(n, 3 * 7777);
            for (long k = 0; k < n; k++) {
                EXPECT_EQ((uint8_t)buf[k], next_out);
                next_out++;
            }
        }
    }
    fd_close(p[0]); /* with bytes inside */
    fd_close(p[1]);
}

static void travel(int type)
{
    int p[2], fds[64], e = t_open("/file", O_CREAT | O_RDWR);
    unsigned n;

    EXPECT_EQ(t_pair(type, p), 0);
    EXPECT_EQ(t_send(p[0], "plain", NULL, 0), 5);
    EXPECT_EQ(t_send(p[0], "with", (int[]){e, p[0]}, 2), 4);
    EXPECT_EQ(t_send(p[0], "after", NULL, 0), 5);
    if (type != SOCK_STREAM) {
        EXPECT_EQ(t_recv(p[1], fds, &n, 0), 5);
        EXPECT_EQ(n, 0);
    }
    EXPECT_EQ(t_recv(p[1], fds, &n, MSG_PEEK), type == SOCK_STREAM ? 9 : 4);
    EXPECT_EQ(n, 2);
    fd_close(fds[0]);
    fd_close(fds[1]);
    EXPECT_EQ(t_recv(p[1], fds, &n, 0), type == SOCK_STREAM ? 9 : 4);
    EXPECT_EQ(n, 2);
    EXPECT(t_file(fds[0]) == t_file(e) && t_file(fds[1]) == t_file(p[0]));
    fd_close(fds[0]);
    fd_close(fds[1]);
    EXPECT_EQ(t_recv(p[1], fds, &n, 0), 5);
    EXPECT_EQ(n, 0);
    EXPECT_EQ(t_send(p[0], "x", (int[]){99}, 1), -EBADF);
    EXPECT_EQ(t_send(p[0], "left inside", (int[]){e}, 1), 11);
    fd_close(p[0]);
    fd_close(p[1]);
    fd_close(e);
}

/* What only queues hold is found at the next release of any socket. */
static void circles_are_collected(void)
{
    int a[2], b[2], e;
    struct file *f;

    e = t_open("/circle", O_CREAT | O_RDWR);
    f = t_file(e);
    file_ref(f);
    EXPECT_EQ(t_pair(SOCK_STREAM, a), 0);
    EXPECT_EQ(t_pair(SOCK_DGRAM, b), 0);
    EXPECT_EQ(t_send(a[0], "a", a, 2), 1);
    EXPECT_EQ(t_send(a[0], "b", b, 2), 1);
    EXPECT_EQ(t_send(b[0], "c", a, 2), 1);
    EXPECT_EQ(t_send(b[0], "e", &e, 1), 1);
    fd_close(e);
    for (int i = 0; i < 2; i++) {
        fd_close(a[i]);
        fd_close(b[i]);
    }
    EXPECT_EQ(f->refs, 2);
    fd_close(t_socket(SOCK_STREAM));
    EXPECT_EQ(f->refs, 1);
    file_put(f);
}

static void names_are_found(void)
{
    int l = t_socket(SOCK_STREAM), c = t_socket(SOCK_STREAM), s;

    EXPECT_EQ(t_connect(c, "/sock"), -ENOENT);
    EXPECT_EQ(t_bind(l, "/sock"), 0);
    EXPECT_EQ(t_bind(c, "/sock"), -EADDRINUSE);
    EXPECT_EQ(t_connect(c, "/sock"), -ECONNREFUSED);
    EXPECT_EQ(t_sock(l)->ops->listen(t_sock(l), 0), 0);
    EXPECT_EQ(t_accept(l), -EAGAIN);
    EXPECT_EQ(t_connect(c, "/sock"), 0);
    EXPECT_EQ(t_connect(c, "/sock"), -EAGAIN); /* the backlog counts first */
    EXPECT_EQ(t_write(c, "early", 5), 5);
    s = t_accept(l);
    EXPECT_EQ(t_read(s, buf, 10), 5);
    EXPECT_EQ(t_connect(c, "/sock"), -EISCONN);
    fd_close(s);
    fd_close(c);
    c = t_socket(SOCK_STREAM);
    EXPECT_EQ(t_connect(c, "/sock"), 0);
    fd_close(l);
    EXPECT_EQ(t_read(c, buf, 1), -ECONNRESET);
    fd_close(c);
    c = t_socket(SOCK_STREAM);
    EXPECT_EQ(t_connect(c, "/sock"), -ECONNREFUSED);
    fd_close(c);
    EXPECT_EQ(t_unlink("/sock"), 0);
}

static long t_urgent(int fd, const char *text)
{
    struct iobuf io;
    struct socket_msg msg = {.io = &io, .flags = MSG_OOB};

    iobuf_kernel(&io, (void *)text, strlen(text));
    return socket_send(t_file(fd), &msg);
}

/* Who sends an urgent byte may have to wait for its memory. */
static void an_urgent_byte_that_is_announced_is_not_there(void)
{
    struct unix_urgent *e = unix_urgent_new();
    struct unix_socket *u;
    int p[2];

    EXPECT_EQ(t_pair(SOCK_STREAM, p), 0);
    u = unix_of(t_sock(p[1]));
    unix_urgent_add(u, e);
    EXPECT_EQ(t_read(p[1], buf, 10), -EAGAIN);
    EXPECT_EQ(stream_filled(&u->in), 0);
    EXPECT(!unix_at_mark(u));
    EXPECT_EQ(file_poll(t_file(p[1]), NULL) & (POLLIN | POLLPRI), 0);
    unix_urgent_added(u, e, false);
    unix_urgent_free(e);
    fd_close(p[0]);
    fd_close(p[1]);
}

/* The reader is faster than the sender's last step. */
static void an_urgent_byte_may_be_read_at_once(void)
{
    struct unix_urgent *e = unix_urgent_new();
    struct unix_socket *u;
    int p[2];

    EXPECT_EQ(t_pair(SOCK_STREAM, p), 0);
    u = unix_of(t_sock(p[1]));
    EXPECT_EQ(t_urgent(p[0], "a"), 1);
    unix_urgent_add(u, e);
    EXPECT(unix_has_urgent(u));
    EXPECT_EQ(t_write(p[0], "b", 1), 1);
    EXPECT_EQ(t_read(p[1], buf, 10), 1);
    EXPECT_EQ(buf[0], 'a');
    EXPECT_EQ(t_read(p[1], buf, 10), -EAGAIN); /* drops it, and e */
    unix_urgent_added(u, e, true);
    EXPECT(!unix_has_urgent(u));
    EXPECT(list_empty(&u->urgent));
    fd_close(p[0]);
    fd_close(p[1]);
}

/* ---- memory that runs out ---- */

static void scenario(int type)
{
    int p[2], l, c, s, fds[64];
    unsigned n;

    if (t_pair(type, p) == 0) {
        t_write(p[0], buf, 5000);
        t_send(p[0], "some", (int[]){p[0], p[1]}, 2);
        t_recv(p[1], fds, &n, MSG_PEEK);
        for (unsigned i = 0; i < n; i++) {
            fd_close(fds[i]);
        }
        t_recv(p[1], fds, &n, 0);
        for (unsigned i = 0; i < n; i++) {
            fd_close(fds[i]);
        }
        fd_close(p[0]);
        fd_close(p[1]);
    }
    l = t_socket(type);
    c = t_socket(type);
    if (l >= 0 && c >= 0 && !t_bind(l, "/fault") &&
        (type == SOCK_DGRAM || !t_sock(l)->ops->listen(t_sock(l), 1)) &&
        !t_connect(c, "/fault") && type != SOCK_DGRAM) {
        s = t_accept(l);
        if (s >= 0) {
            fd_close(s);
        }
    }
    if (l >= 0) {
        fd_close(l);
    }
    if (c >= 0) {
        fd_close(c);
    }
    t_unlink("/fault");
}

static void fail_in_turn(int type)
{
    for (uint64_t n = 1; n < 60; n++) {
        heap_fail_after(n);
        scenario(type);
        heap_fail_after(0);
        fd_close(t_socket(SOCK_STREAM)); /* collects what is left */
    }
}

static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

static void descriptors_travel(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
        travel(types[i]);
    }
}

static void every_allocation_fails_in_turn(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
        fail_in_turn(types[i]);
    }
}

int main(void)
{
    world_start();
    RUN(streams_hold_what_fits);
    RUN(a_ring_wraps);
    RUN(descriptors_travel);
    RUN(circles_are_collected);
    RUN(names_are_found);
    RUN(an_urgent_byte_that_is_announced_is_not_there);
    RUN(an_urgent_byte_may_be_read_at_once);
    RUN(every_allocation_fails_in_turn);
    return unit_result();
}
