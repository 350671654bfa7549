/* SPDX-License-Identifier: MIT
 *
 * seccomp_unotify: calls that wait for who has the listener, answers, files
 * given, signals, the end of either side, and the errors of each request. What
 * is newer than Linux 5.14 is shown by words alone where it is not there.
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "tests/guest/newer.h"
#include "tests/guest/show.h"

#define KILLABLE 32u
#define SEND_FD  2u

static int listener;

/* getppid and getpgrp are asked about. */
static long listen_with(unsigned flags)
{
    struct sock_filter insns[] = {
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr)},
        {BPF_JMP | BPF_JEQ | BPF_K, 1, 0, SYS_getppid},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_getpgrp},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_USER_NOTIF},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    };
    struct sock_fprog prog = {COUNT(insns), insns};

    errno = 0;
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
}

static struct seccomp_notif receive(void)
{
    struct seccomp_notif n = {0};

    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &n)) {
        printf("receive: %s\n", strerrorname_np(errno));
    }
    return n;
}

static long answer(uint64_t id, long value, int error, unsigned flags)
{
    struct seccomp_notif_resp r = {id, value, error, flags};

    errno = 0;
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &r);
}

static long add(uint64_t id, unsigned flags, int from, unsigned to,
                unsigned fd_flags)
{
    struct seccomp_notif_addfd a = {id, flags, from, to, fd_flags};

    errno = 0;
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &a);
}

static void end(int pid)
{
    int status;

    waitpid(pid, &status, 0);
    if (WIFSIGNALED(status)) {
        printf("child: killed by %d\n", WTERMSIG(status));
    } else {
        printf("child: exited with %d\n", WEXITSTATUS(status));
    }
}

static int asks(long (*fn)(void))
{
    int pid = fork();

    if (!pid) {
        close(listener);
        _exit((int)fn());
    }
    return pid;
}

static long call_once(void)
{
    return RAW(getppid) == -1 ? 100 + errno : RAW(getpgrp) == 7;
}

static void answers(void)
{
    struct seccomp_notif n;
    uint64_t id;
    int pid = asks(call_once);

    title("answers");
    n = receive();
    EXPECT(n.pid == (unsigned)pid && n.data.nr == SYS_getppid &&
           n.data.arch == AUDIT_ARCH_X86_64 && !n.flags);
    id = n.id;
    SHOW(ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id));
    SHOW(answer(id, 1, 0, 1));
    SHOW(answer(id, 0, -EPERM, 1));
    SHOW(answer(id, 0, 0, 2));
    id++;
    SHOW(ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id));
    SHOW(answer(id, 0, 0, 0));
    SHOW(answer(n.id, 0, 0, 1));
    n = receive();
    EXPECT(n.data.nr == SYS_getpgrp);
    SHOW(answer(n.id, 7, 0, 0));
    end(pid);
    pid = asks(call_once);
    n = receive();
    SHOW(answer(n.id, 0, -EXDEV, 0));
    end(pid);
    SHOW(answer(n.id, 0, 0, 0));
}

static void polls(void)
{
    struct pollfd p = {listener, POLLIN | POLLOUT, 0};
    int pid = asks(call_once);
    struct seccomp_notif n;

    title("polls");
    SHOW(poll(&p, 1, -1));
    EXPECT(p.revents == POLLIN);
    n = receive();
    SHOW(poll(&p, 1, 0));
    EXPECT(p.revents == POLLOUT);
    SHOW(answer(n.id, 0, -ENOMEM, 0));
    SHOW(poll(&p, 1, 0));
    end(pid);
}

static long use_files(void)
{
    char text[8] = "";
    long fd = RAW(getppid);

    if (read(41, text, 8) != 5 || fcntl(41, F_GETFD) != FD_CLOEXEC) {
        return 1;
    }
    return fd < 0 ? 2 : lseek(fd, 0, SEEK_SET) ? 3 : read(fd, text, 8);
}

static void files(void)
{
    struct seccomp_notif n;
    int pid, fd;

    title("files");
    put("/tmp/given", "given");
    fd = open("/tmp/given", O_RDONLY);
    pid = asks(use_files);
    n = receive();
    SHOW(add(n.id, 0, 99, 0, 0));
    SHOW(add(n.id, 0, fd, 41, 0));
    SHOW(add(n.id, 8, fd, 0, 0));
    SHOW(add(n.id, 0, fd, 0, O_NONBLOCK));
    SHOW(add(n.id + 1, 0, fd, 0, 0));
    SHOW(add(n.id, SECCOMP_ADDFD_FLAG_SETFD, fd, 41, O_CLOEXEC));
    SHOW(add(n.id, SECCOMP_ADDFD_FLAG_SETFD, fd, 1 << 30, 0));
    old = older_than(5, 14);
    must("sent", add(n.id, SEND_FD, fd, 0, 0) >= 0);
    if (old) {
        answer(n.id, 41, 0, 0);
    }
    end(pid);
    must("after", add(n.id, 0, fd, 0, 0) == -1 && errno == ENOENT);
    close(fd);
}

static int told[2];

static void on_signal(int sig)
{
    write(told[1], "s", 1);
}

static long waits(void)
{
    struct sigaction a = {.sa_handler = on_signal};

    sigaction(SIGUSR1, &a, NULL);
    sigaction(
        SIGUSR2,
        &(struct sigaction){.sa_handler = on_signal, .sa_flags = SA_RESTART},
        NULL);
    write(told[1], "r", 1);
    return RAW(getppid) == -1 ? errno : 0;
}

/* A handler ends the call, or it is made anew. */
static void signals(void)
{
    struct seccomp_notif n, m;
    char c;
    int pid = asks(waits);

    title("signals");
    n = receive();
    read(told[0], &c, 1);
    kill(pid, SIGUSR1);
    end(pid);
    read(told[0], &c, 1);
    SHOW(answer(n.id, 0, 0, 0));
    pid = asks(waits);
    n = receive();
    read(told[0], &c, 1);
    kill(pid, SIGUSR2);
    read(told[0], &c, 1);
    m = receive();
    EXPECT(m.id != n.id && m.data.nr == n.data.nr);
    SHOW(answer(n.id, 0, 0, 0));
    SHOW(answer(m.id, 0, -EIO, 0));
    end(pid);
    pid = asks(waits);
    receive();
    read(told[0], &c, 1);
    kill(pid, SIGKILL);
    end(pid);
}

static void errors(void)
{
    struct {
        struct seccomp_notif_addfd a;
        uint64_t more;
    } big = {{.id = 1}, 1};
    struct seccomp_notif n = {.id = 1};
    uint16_t sizes[3];

    title("errors");
    CALL(seccomp, SECCOMP_GET_NOTIF_SIZES, 0, sizes);
    printf("%u %u %u\n", sizes[0], sizes[1], sizes[2]);
    CALL(seccomp, SECCOMP_GET_NOTIF_SIZES, 1, sizes);
    CALL(seccomp, SECCOMP_GET_NOTIF_SIZES, 0, BAD);
    CALL(seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &(unsigned){0x7fc00000});
    SHOW(listen_with(SECCOMP_FILTER_FLAG_NEW_LISTENER));
    SHOW(listen_with(SECCOMP_FILTER_FLAG_NEW_LISTENER |
                     SECCOMP_FILTER_FLAG_TSYNC));
    SHOW(listen_with(KILLABLE));
    SHOW(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &n));
    SHOW(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, BAD));
    SHOW(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, BAD));
    SHOW(ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, BAD));
    SHOW(ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, BAD));
    SHOW(ioctl(listener, _IOW('!', 3, big), &big));
    SHOW(ioctl(listener, _IOW('!', 3, uint64_t), &big));
    SHOW(ioctl(listener, _IOW('!', 99, uint64_t), &big));
    SHOW(fcntl(listener, F_GETFD));
    SHOW(read(listener, &n, sizeof(n)));
}

/* Nobody listens any more, or nobody asks. */
static void ends(void)
{
    struct pollfd p;
    int pid, pair[2];

    title("ends");
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    pid = fork();
    if (!pid) {
        struct seccomp_notif n;
        int asker;

        listener = listen_with(SECCOMP_FILTER_FLAG_NEW_LISTENER);
        asker = asks(call_once);
        n = receive();
        EXPECT(n.data.nr == SYS_getppid);
        close(listener);
        end(asker);
        SHOW(RAW(getppid));
        _exit(0);
    }
    end(pid);
    pid = fork();
    if (!pid) {
        struct msghdr msg = {0};
        char control[CMSG_SPACE(sizeof(int))], byte = 0;
        struct iovec iov = {&byte, 1};

        listener = listen_with(SECCOMP_FILTER_FLAG_NEW_LISTENER);
        msg = (struct msghdr){.msg_iov = &iov,
                              .msg_iovlen = 1,
                              .msg_control = control,
                              .msg_controllen = sizeof(control)};
        *CMSG_FIRSTHDR(&msg) =
            (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
        memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)), &listener, sizeof(int));
        sendmsg(pair[1], &msg, 0);
        _exit(0);
    }
    char control[CMSG_SPACE(sizeof(int))], byte;
    struct iovec iov = {&byte, 1};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control,
                         .msg_controllen = sizeof(control)};

    recvmsg(pair[0], &msg, 0);
    memcpy(&listener, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
    end(pid);
    p = (struct pollfd){listener, POLLIN, 0};
    SHOW(poll(&p, 1, -1));
    EXPECT(p.revents == POLLHUP);
    close(listener);
}

static char state_of(int pid)
{
    char path[64], text[256] = "";
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    fd = open(path, O_RDONLY);
    read(fd, text, sizeof(text) - 1);
    close(fd);
    return strrchr(text, ')') ? strrchr(text, ')')[2] : '?';
}

/* Once taken, a call is not ended by a handler (Linux 5.19). */
static void killable(void)
{
    int status, pid;
    struct seccomp_notif n;
    char c;

    title("killable");
    old = older_than(5, 19);
    if (old) {
        must("waits", 1);
        must("answered", 1);
        must("killed", 1);
        return;
    }
    listener = listen_with(SECCOMP_FILTER_FLAG_NEW_LISTENER | KILLABLE);
    pid = asks(waits);
    n = receive();
    read(told[0], &c, 1);
    kill(pid, SIGUSR1);
    while (state_of(pid) != 'D') {
        usleep(1000);
    }
    must("waits", !answer(n.id, 0, -ENXIO, 0));
    read(told[0], &c, 1);
    waitpid(pid, &status, 0);
    must("answered", status == ENXIO << 8);
    pid = asks(call_once);
    receive();
    kill(pid, SIGTERM);
    waitpid(pid, &status, 0);
    must("killed", status == SIGTERM);
    close(listener);
}

static void in_child(void (*fn)(void))
{
    int pid = fork();

    if (!pid) {
        fn();
        _exit(0);
    }
    end(pid);
}

int main(void)
{
    show_start();
    pipe(told);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    in_child(ends);
    in_child(killable);
    listener = listen_with(SECCOMP_FILTER_FLAG_NEW_LISTENER);
    EXPECT(listener >= 0);
    answers();
    polls();
    files();
    signals();
    errors();
    return 0;
}
