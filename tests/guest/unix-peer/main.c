/* SPDX-License-Identifier: MIT
 *
 * Who the other side of a unix socket is (unix(7)): its groups and a pidfd of
 * it (SO_PEERGROUPS, SO_PEERPIDFD), also when it has ended; the sender's pidfd
 * with what he sends (SO_PASSPIDFD); no descriptors for who wants none
 * (SO_PASSRIGHTS).
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif
#define SCM_PIDFD_ 4

static const char *result(long n)
{
    static char buf[32];

    if (n < 0) {
        return strerrorname_np(errno);
    }
    snprintf(buf, sizeof(buf), "%ld", n);
    return buf;
}

/* "Pid:" of a pidfd's fdinfo. */
static int pid_of(int fd)
{
    char path[64], line[100];
    int pid = -2;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    f = fopen(path, "r");
    while (f && fgets(line, sizeof(line), f)) {
        sscanf(line, "Pid:\t%d", &pid);
    }
    if (f) {
        fclose(f);
    }
    return pid;
}

static void show_pidfd(const char *what, int fd, int pid)
{
    struct pollfd p = {fd, POLLIN, 0};

    printf("%s: right %d, cloexec %d, ended %d\n", what, pid_of(fd) == pid,
           fcntl(fd, F_GETFD), poll(&p, 1, 0));
}

static void groups(int s)
{
    gid_t list[8] = {0};
    socklen_t len = sizeof(list);
    int n = getsockopt(s, SOL_SOCKET, SO_PEERGROUPS, list, &len);

    printf("groups: %s len %d: %d %d %d\n", result(n), (int)len, (int)list[0],
           (int)list[1], (int)list[2]);
    len = 4;
    n = getsockopt(s, SOL_SOCKET, SO_PEERGROUPS, list, &len);
    printf("little room: %s len %d\n", result(n), (int)len);
}

static int peer_pidfd(int s)
{
    int fd = -1;
    socklen_t len = sizeof(fd);
    int n = getsockopt(s, SOL_SOCKET, SO_PEERPIDFD, &fd, &len);

    printf("pidfd: %s len %d\n", result(n), (int)len);
    return fd;
}

static struct sockaddr_un name_of(const char *name)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    strcpy(a.sun_path + 1, name);
    return a;
}

/* A client with other groups than its server has. */
static void connection(void)
{
    struct sockaddr_un a = name_of("unix-peer");
    int l = socket(AF_UNIX, SOCK_STREAM, 0), s, fd, pid;
    gid_t mine[] = {7, 8}, its[] = {11, 12, 13};
    char c;

    printf("groups set: %s\n", result(setgroups(2, mine)));
    bind(l, (void *)&a, sizeof(a));
    peer_pidfd(l);
    listen(l, 1);
    pid = fork();
    if (!pid) {
        s = socket(AF_UNIX, SOCK_STREAM, 0);
        setgroups(3, its);
        connect(s, (void *)&a, sizeof(a));
        groups(s);
        fd = peer_pidfd(s);
        show_pidfd("server", fd, getppid());
        fflush(stdout);
        write(s, "x", 1);
        read(s, &c, 1);
        _exit(0);
    }
    s = accept(l, NULL, NULL);
    read(s, &c, 1);
    groups(s);
    fd = peer_pidfd(s);
    show_pidfd("client", fd, pid);
    close(s);
    waitpid(pid, NULL, 0);
    show_pidfd("ended client", fd, -1);
    close(fd);
    close(l);
}

static void show_message(int s, size_t room)
{
    char byte, control[256] = {0};
    struct iovec iov = {&byte, 1};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = room};
    long n = recvmsg(s, &m, 0);

    printf("received %s, flags %x:", result(n), m.msg_flags);
    for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
        printf(" type %d len %d", h->cmsg_type, (int)h->cmsg_len);
        if (h->cmsg_type == SCM_PIDFD_) {
            int fd;

            memcpy(&fd, CMSG_DATA(h), sizeof(fd));
            printf(" own %d", pid_of(fd) == getpid());
            close(fd);
        }
    }
    printf("\n");
}

static void send_descriptor(int s)
{
    char byte = 'd';
    struct iovec iov = {&byte, 1};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr h;
    } control = {.h = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof(control)};

    memset(CMSG_DATA(&control.h), 0, sizeof(int));
    printf("sent a descriptor: %s\n", result(sendmsg(s, &m, 0)));
}

static void passing(const char *what, int type)
{
    int sv[2], one = 1, zero = 0;

    printf("-- %s\n", what);
    socketpair(AF_UNIX, type, 0, sv);
    close(peer_pidfd(sv[0]));
    write(sv[0], "a", 1);
    printf("pass: %s\n", result(setsockopt(sv[1], SOL_SOCKET, SO_PASSPIDFD,
                                           &one, sizeof(one))));
    show_message(sv[1], 256);
    write(sv[0], "b", 1);
    show_message(sv[1], 256);
    write(sv[0], "c", 1);
    show_message(sv[1], 8);
    setsockopt(sv[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one));
    send_descriptor(sv[0]);
    show_message(sv[1], 256);
    printf("no rights: %s\n",
           result(setsockopt(sv[1], SOL_SOCKET, SO_PASSRIGHTS, &zero,
                             sizeof(zero))));
    send_descriptor(sv[0]);
    send_descriptor(sv[1]);
    close(sv[0]);
    close(sv[1]);
}

enum { ROUNDS = 2000 };

/* Each listen(2) makes the caller who the socket belongs to. */
static void *listen_again(void *arg)
{
    const int *fd = arg;

    for (gid_t i = 0; i < ROUNDS; i++) {
        gid_t groups[2] = {1000 + i, 5000 + i};

        syscall(SYS_setgroups, 2, groups); /* of this thread alone */
        listen(*fd, 5);
    }
    return NULL;
}

static void listening_again(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0again"};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), wrong = 0;
    pthread_t other;

    bind(fd, (void *)&name, sizeof(name));
    listen(fd, 5);
    pthread_create(&other, NULL, listen_again, &fd);
    for (int i = 0; i < ROUNDS; i++) {
        gid_t groups[64] = {0};
        socklen_t len = sizeof(groups);

        if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) ||
            (groups[0] >= 1000 && groups[0] < 1000 + ROUNDS &&
             (len != 2 * sizeof(gid_t) || groups[1] != groups[0] + 4000))) {
            wrong++;
        }
    }
    pthread_join(other, NULL);
    close(fd);
    printf("listening again: %d wrong\n", wrong);
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    connection();
    passing("stream", SOCK_STREAM);
    passing("datagrams", SOCK_DGRAM);
    passing("records", SOCK_SEQPACKET);
    listening_again();
    return 0;
}
