/* SPDX-License-Identifier: MIT
 *
 * SCM_RIGHTS and SCM_CREDENTIALS: what arrives with which bytes, what does not
 * fit, who may claim what, circles of descriptors, options that show the peer.
 */
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "tests/guest/newer.h"
#include "tests/guest/show.h"

union control {
    char raw[1200];
    struct cmsghdr align;
};

static char buf[100];

static long send_fds(int s, const char *text, long len, const int *fds,
                     int count)
{
    struct iovec iov = {(void *)text, len};
    union control c = {0};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

    if (count) {
        m.msg_control = c.raw;
        m.msg_controllen = CMSG_SPACE(count * sizeof(int));
        c.align.cmsg_level = SOL_SOCKET;
        c.align.cmsg_type = SCM_RIGHTS;
        c.align.cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(&c.align), fds, count * sizeof(int));
    }
    return RAW(sendmsg, s, &m, 0);
}

/* Prints and closes what comes. */
static void receive(int s, long len, size_t room, int flags)
{
    struct iovec iov = {buf, len};
    union control c;
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = room ? c.raw : NULL,
                       .msg_controllen = room};
    long n = RAW(recvmsg, s, &m, flags | MSG_DONTWAIT);

    if (n < 0) {
        printf("recvmsg: %s\n", strerrorname_np(errno));
        return;
    }
    printf("%ld [%.*s] flags %x control %zu", n, (int)n, buf, m.msg_flags,
           m.msg_controllen);
    for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
        printf(" (%zu %d %d", (size_t)h->cmsg_len, h->cmsg_level, h->cmsg_type);
        if (h->cmsg_type == SCM_RIGHTS) {
            int count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);

            for (int i = 0; i < count; i++) {
                int fd = ((int *)CMSG_DATA(h))[i];

                printf(" %d:%d", fd, fcntl(fd, F_GETFD));
                close(fd);
            }
        } else if (h->cmsg_len == CMSG_LEN(sizeof(struct ucred))) {
            struct ucred *u = (void *)CMSG_DATA(h);

            printf(" %s %u %u",
                   u->pid == getpid() ? "me"
                   : u->pid           ? "?"
                                      : "0",
                   u->uid, u->gid);
        }
        printf(")");
    }
    printf("\n");
}

static void rights(int type)
{
    int sv[2], p[2], many[300];
    const size_t one = CMSG_SPACE(sizeof(int));

    title(type == SOCK_STREAM ? "stream rights" : "datagram rights");
    socketpair(AF_UNIX, type, 0, sv);
    pipe(p);
    printf("%ld\n", send_fds(sv[0], "a", 1, p, 2));
    receive(sv[1], 10, sizeof(union control), 0);
    send_fds(sv[0], "abc", 3, p, 1);
    receive(sv[1], 1, sizeof(union control), 0);
    receive(sv[1], 10, sizeof(union control), 0);
    send_fds(sv[0], "abc", 3, p, 1);
    receive(sv[1], 10, sizeof(union control), MSG_CMSG_CLOEXEC);
    send_fds(sv[0], "x", 1, NULL, 0);
    send_fds(sv[0], "y", 1, p, 1);
    send_fds(sv[0], "z", 1, NULL, 0);
    receive(sv[1], 10, sizeof(union control), 0);
    receive(sv[1], 10, sizeof(union control), 0);
    receive(sv[1], 10, sizeof(union control), 0);
    send_fds(sv[0], "x", 1, p, 1);
    send_fds(sv[0], "y", 1, p, 2);
    receive(sv[1], 10, sizeof(union control), 0);
    receive(sv[1], 10, sizeof(union control), 0);
    send_fds(sv[0], "k", 1, p, 1);
    receive(sv[1], 10, sizeof(union control), MSG_PEEK);
    receive(sv[1], 10, sizeof(union control), 0);
    title("no bytes asked for");
    receive(sv[1], 0, sizeof(union control), 0);
    send_fds(sv[0], "none", 4, p, 1);
    receive(sv[1], 0, sizeof(union control), MSG_PEEK);
    receive(sv[1], 0, sizeof(union control), 0);
    receive(sv[1], 10, sizeof(union control), 0);
    send_fds(sv[0], "plain", 5, NULL, 0);
    receive(sv[1], 0, sizeof(union control), 0);
    receive(sv[1], 10, sizeof(union control), 0);
    title("no room");
    send_fds(sv[0], "1", 1, p, 2);
    receive(sv[1], 10, one, 0);
    send_fds(sv[0], "2", 1, p, 2);
    receive(sv[1], 10, CMSG_LEN(sizeof(int)), 0);
    send_fds(sv[0], "3", 1, p, 2);
    receive(sv[1], 10, 16, 0);
    send_fds(sv[0], "4", 1, p, 2);
    receive(sv[1], 10, 3, 0);
    send_fds(sv[0], "5", 1, p, 2);
    receive(sv[1], 10, 0, 0);
    send_fds(sv[0], "6", 1, p, 2);
    printf("%ld\n", RAW(read, sv[1], buf, 10L));
    title("bad ones");
    for (int i = 0; i < 300; i++) {
        many[i] = p[0];
    }
    printf("%ld\n", send_fds(sv[0], "6", 1, many, 253));
    receive(sv[1], 10, one, 0);
    SHOW(send_fds(sv[0], "7", 1, many, 254));
    many[1] = 99;
    SHOW(send_fds(sv[0], "8", 1, many, 2));
    SHOW(send_fds(sv[0], "", 0, many, 1));
    receive(sv[1], 10, sizeof(union control), 0);
    printf("%d\n", dup(0));
    close(7);
    close(p[0]);
    close(p[1]);
    close(sv[0]);
    close(sv[1]);
}

static void layout(void)
{
    struct iovec iov = {"x", 1};
    union control c = {0};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = c.raw};
    int sv[2];

    title("layout");
    socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
    m.msg_controllen = 8;
    CALL(sendmsg, sv[0], &m, 0);
    m.msg_controllen = 32;
    CALL(sendmsg, sv[0], &m, 0);
    c.align.cmsg_len = 40;
    CALL(sendmsg, sv[0], &m, 0);
    c.align.cmsg_len = 20;
    CALL(sendmsg, sv[0], &m, 0);
    c.align.cmsg_level = SOL_SOCKET;
    c.align.cmsg_type = 77;
    CALL(sendmsg, sv[0], &m, 0);
    c.align.cmsg_type = SCM_CREDENTIALS;
    CALL(sendmsg, sv[0], &m, 0);
    m.msg_control = BAD;
    CALL(sendmsg, sv[0], &m, 0);
    m.msg_controllen = 0;
    CALL(sendmsg, sv[0], &m, 0);
    m.msg_controllen = 1 << 20;
    CALL(sendmsg, sv[0], &m, 0);
    CALL(close, sv[0]);
    CALL(close, sv[1]);
}

static long send_cred(int s, struct ucred u)
{
    struct iovec iov = {"c", 1};
    union control c = {0};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = c.raw,
                       .msg_controllen = CMSG_SPACE(sizeof(u))};

    c.align.cmsg_level = SOL_SOCKET;
    c.align.cmsg_type = SCM_CREDENTIALS;
    c.align.cmsg_len = CMSG_LEN(sizeof(u));
    memcpy(CMSG_DATA(&c.align), &u, sizeof(u));
    return RAW(sendmsg, s, &m, 0);
}

static void credentials(int type)
{
    struct ucred u = {getpid(), 0, 0}, peer;
    socklen_t len = sizeof(peer);
    int sv[2], on = 1;

    title("credentials");
    socketpair(AF_UNIX, type, 0, sv);
    CALL(getsockopt, sv[0], SOL_SOCKET, SO_PEERCRED, &peer, &len);
    EXPECT(peer.pid == getpid() && peer.uid == getuid() && len == 12);
    SHOW(send_cred(sv[0], u));
    receive(sv[1], 10, sizeof(union control), 0);
    send_fds(sv[0], "before", 6, NULL, 0);
    send_fds(sv[0], "files", 5, sv, 1);
    send_cred(sv[0], u);
    CALL(setsockopt, sv[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
    send_fds(sv[0], "after", 5, NULL, 0);
    send_fds(sv[0], "more", 4, NULL, 0);
    receive(sv[1], 20, sizeof(union control), 0);
    receive(sv[1], 20, sizeof(union control), 0);
    receive(sv[1], 20, sizeof(union control), 0);
    receive(sv[1], 20, sizeof(union control), 0);
    receive(sv[1], 20, sizeof(union control), 0);
    SHOW(send_cred(sv[0], (struct ucred){-1, 0, 0}));
    SHOW(send_cred(sv[0], (struct ucred){0, 0, 0}));
    SHOW(send_cred(sv[0], (struct ucred){4000000, -1, 0}));
    SHOW(send_cred(sv[0], (struct ucred){getpid(), -1, 0}));
    SHOW(send_cred(sv[0], (struct ucred){getpid(), 0, -1}));
    u.uid = 5;
    SHOW(send_cred(sv[0], u));
    send_fds(sv[0], "mine", 4, NULL, 0);
    receive(sv[1], 3, sizeof(union control), MSG_PEEK);
    receive(sv[1], 20, sizeof(union control), 0);
    receive(sv[1], 20, sizeof(union control), 0);
    receive(sv[1], 20, sizeof(union control), 0);
    send_fds(sv[0], "with", 4, sv, 1);
    receive(sv[1], 20, sizeof(union control), 0);
    receive(sv[1], 0, sizeof(union control), 0);
    send_fds(sv[0], "nothing", 7, NULL, 0);
    receive(sv[1], 0, sizeof(union control), 0);
    receive(sv[1], 20, sizeof(union control), 0);
    send_fds(sv[0], "short", 5, sv, 1);
    receive(sv[1], 20, CMSG_LEN(4), 0);
    RAW(setresuid, NOBODY, NOBODY, 0);
    SHOW(send_cred(sv[0], u));
    u.uid = NOBODY;
    SHOW(send_cred(sv[0], u));
    u.gid = 7;
    SHOW(send_cred(sv[0], u));
    u = (struct ucred){1000000, NOBODY, 0};
    SHOW(send_cred(sv[0], u));
    RAW(setresuid, 0, 0, 0);
    receive(sv[1], 20, sizeof(union control), 0);
    receive(sv[1], 20, sizeof(union control), 0);
    close(sv[0]);
    close(sv[1]);
    sv[0] = socket(AF_UNIX, type, 0);
    CALL(getsockopt, sv[0], SOL_SOCKET, SO_PEERCRED, &peer, &len);
    printf("%d %d %d\n", peer.pid, (int)peer.uid, (int)peer.gid);
    close(sv[0]);
}

/* Since 6.16, accepted sockets have SO_PASSCRED from their listener. */
static void inherited(int type)
{
    struct sockaddr_un name = {AF_UNIX, "\0unix-rights"};
    int on = 1, got = 0, from, to, s = socket(AF_UNIX, type, 0);
    socklen_t len = sizeof(got);

    setsockopt(s, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
    bind(s, (void *)&name, sizeof(name));
    listen(s, 1);
    from = socket(AF_UNIX, type, 0);
    CALL(connect, from, &name, sizeof(name));
    CALL(write, from, "early", 5L);
    on = 0;
    setsockopt(s, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
    to = accept(s, NULL, NULL);
    getsockopt(to, SOL_SOCKET, SO_PASSCRED, &got, &len);
    must("who accepts learns who sent", got == 1);
    on = 1;
    setsockopt(to, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
    receive(to, 10, sizeof(union control), 0);
    close(to);
    close(from);
    close(s);
}

/* A closing socket makes the kernel look for circles, sooner or later. */
static void wait_end(int fd)
{
    struct pollfd p = {fd, POLLIN, 0};
    int sv[2];

    for (int i = 0; i < 2000 && poll(&p, 1, i ? 10 : 0) == 0; i++) {
        socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
        close(sv[0]);
        close(sv[1]);
    }
    CALL(read, fd, buf, 1L);
}

/* Sockets that only their own queues still hold must not keep anything. */
static void circles(void)
{
    int p[2], a[2], b[2];

    title("circles");
    for (int i = 0; i < 300; i++) {
        pipe(p);
        socketpair(AF_UNIX, i % 2 ? SOCK_STREAM : SOCK_DGRAM, 0, a);
        socketpair(AF_UNIX, SOCK_STREAM, 0, b);
        send_fds(a[0], "a", 1, a, 2);
        send_fds(a[0], "p", 1, p + 1, 1);
        send_fds(b[0], "b", 1, a, 2);
        send_fds(a[1], "c", 1, b, 2);
        close(a[0]);
        close(a[1]);
        close(b[0]);
        close(b[1]);
        close(p[1]);
        if (i % 100 == 0) {
            fcntl(p[0], F_SETFL, O_NONBLOCK);
            wait_end(p[0]);
        }
        close(p[0]);
    }
    socketpair(AF_UNIX, SOCK_STREAM, 0, a);
    socketpair(AF_UNIX, SOCK_STREAM, 0, b);
    send_fds(a[0], "1", 1, b, 1);
    send_fds(b[1], "2", 1, a, 1);
    close(b[0]);
    close(a[0]);
    socketpair(AF_UNIX, SOCK_STREAM, 0, p);
    close(p[0]);
    close(p[1]);
    receive(b[1], 5, sizeof(union control), 0);
    receive(a[1], 5, 0, 0);
    receive(b[1], 5, sizeof(union control), 0);
    close(a[1]);
    close(b[1]);
    /* A long chain. */
    socketpair(AF_UNIX, SOCK_STREAM, 0, a);
    for (int i = 0; i < 3000; i++) {
        socketpair(AF_UNIX, SOCK_STREAM, 0, b);
        send_fds(b[0], "x", 1, &a[0], 1);
        send_fds(b[0], "x", 1, &a[1], 1);
        close(a[0]);
        close(a[1]);
        a[0] = b[0];
        a[1] = b[1];
    }
    close(a[0]);
    close(a[1]);
    printf("%d\n", dup(0));
}

int main(void)
{
    show_start();
    old = older_than(6, 16);
    rights(SOCK_STREAM);
    rights(SOCK_DGRAM);
    layout();
    credentials(SOCK_STREAM);
    credentials(SOCK_DGRAM);
    inherited(SOCK_STREAM);
    inherited(SOCK_SEQPACKET);
    circles();
    return 0;
}
