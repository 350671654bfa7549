// SPDX-License-Identifier: MIT
// For fault-test.sh: uses every object between processes once. A call that
// fails for want of memory says so by an errno that the call's page names;
// everything after it goes on as if it had not been.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "fault.h"

// ---- pipes ----

static void pipes(void)
{
    int p[2] = {-1, -1}, q[2] = {-1, -1};
    char buf[9000], block[9000] = "x";
    struct iovec iov = {block, 4096};

    if (MAY(pipe2(p, O_NONBLOCK), ENOMEM, ENFILE) &&
        MAY(pipe2(q, O_NONBLOCK), ENOMEM, ENFILE) &&
        MAY(write(p[1], block, sizeof(block)), ENOMEM) &&
        MAY(fcntl(p[1], F_SETPIPE_SZ, 1 << 18), ENOMEM) &&
        MAY(tee(p[0], q[1], 4096, 0), ENOMEM) &&
        MAY(vmsplice(q[1], &iov, 1, 0), ENOMEM) &&
        MAY(splice(p[0], NULL, q[1], NULL, 4096, 0), ENOMEM)) {
        IS(read(q[0], buf, sizeof(buf)) == 9000 && buf[0] == 'x');
    }
    give_back(p, 2);
    give_back(q, 2);
}

static void fifo(void)
{
    int fd[2] = {-1, -1};
    char c;

    if (MAY(mkfifo("fifo", 0600), ENOMEM, ENOSPC) &&
        MAY(fd[0] = open("fifo", O_RDONLY | O_NONBLOCK), ENOMEM, ENFILE) &&
        MAY(fd[1] = open("fifo", O_WRONLY), ENOMEM, ENFILE) &&
        MAY(write(fd[1], "f", 1), ENOMEM)) {
        IS(read(fd[0], &c, 1) == 1 && c == 'f');
    }
    give_back(fd, 2);
    unlink("fifo");
}

// ---- sockets ----

static void stream_pair(int type)
{
    int s[2] = {-1, -1}, got = -1;
    char c[2] = "ab", control[CMSG_SPACE(sizeof(int))] = "";
    struct iovec iov = {c, 2};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);

    *h = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    if (MAY(socketpair(AF_UNIX, type, 0, s), ENOMEM, ENFILE, ENOBUFS)) {
        memcpy(CMSG_DATA(h), &s[0], sizeof(int));
        if (MAY(sendmsg(s[0], &m, 0), ENOMEM, ENOBUFS) &&
            MAY(recvmsg(s[1], &m, 0), ENOMEM) && m.msg_controllen) {
            memcpy(&got, CMSG_DATA(h), sizeof(got));
            IS(c[0] == 'a');
        }
    }
    give_back(s, 2);
    give_back(&got, 1);
}

static void server(int family, const struct sockaddr *addr, socklen_t len,
                   int type)
{
    int s[3] = {-1, -1, -1};
    struct sockaddr_storage at;
    socklen_t room = sizeof(at);
    char c;

    if (MAY(s[0] = socket(family, type, 0), ENOMEM, ENFILE, ENOBUFS) &&
        MAY(s[1] = socket(family, type, 0), ENOMEM, ENFILE, ENOBUFS) &&
        MAY(bind(s[0], addr, len), ENOMEM, ENOSPC, ENOBUFS) &&
        MAY(getsockname(s[0], (struct sockaddr *)&at, &room), ENOBUFS) &&
        (type == SOCK_DGRAM || MAY(listen(s[0], 4), ENOMEM, ENOBUFS)) &&
        MAY(connect(s[1], (struct sockaddr *)&at, room), ENOMEM, ENOBUFS,
            EAGAIN) &&
        (type == SOCK_DGRAM ||
         MAY(s[2] = accept4(s[0], NULL, NULL, 0), ENOMEM, ENFILE, ENOBUFS)) &&
        MAY(send(s[1], "d", 1, 0), ENOMEM, ENOBUFS)) {
        MAY(recv(type == SOCK_DGRAM ? s[0] : s[2], &c, 1, 0), ENOMEM);
    }
    give_back(s, 3);
}

static void sockets(void)
{
    struct sockaddr_un name = {AF_UNIX, "sock"};
    struct sockaddr_un hidden = {AF_UNIX, "\0hidden"};
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    stream_pair(SOCK_STREAM);
    stream_pair(SOCK_DGRAM);
    stream_pair(SOCK_SEQPACKET);
    server(AF_UNIX, (void *)&name, sizeof(name), SOCK_STREAM);
    unlink("sock");
    server(AF_UNIX, (void *)&hidden, 9, SOCK_SEQPACKET);
    server(AF_UNIX, (void *)&hidden, 9, SOCK_DGRAM);
    server(AF_INET, (void *)&in, sizeof(in), SOCK_STREAM);
    server(AF_INET, (void *)&in, sizeof(in), SOCK_DGRAM);
}

// ---- descriptors of events ----

static void epolls(void)
{
    int fd[3] = {-1, -1, -1};
    struct epoll_event e = {EPOLLIN, {.u64 = 7}};
    struct pollfd many[40];

    if (MAY(fd[0] = epoll_create1(0), ENOMEM, ENFILE) &&
        MAY(fd[1] = epoll_create1(0), ENOMEM, ENFILE) &&
        MAY(fd[2] = eventfd(1, 0), ENOMEM, ENFILE) &&
        MAY(epoll_ctl(fd[1], EPOLL_CTL_ADD, fd[2], &e), ENOMEM, ENOSPC) &&
        MAY(epoll_ctl(fd[0], EPOLL_CTL_ADD, fd[1], &e), ENOMEM, ENOSPC)) {
        IS(epoll_wait(fd[0], &e, 1, 0) == 1 && e.data.u64 == 7);
    }
    for (int i = 0; i < 40; i++) {
        many[i] = (struct pollfd){fd[2], POLLIN};
    }
    MAY(poll(many, 40, 0), ENOMEM);
    give_back(fd, 3);
}

static void timers_and_signals(void)
{
    struct itimerspec soon = {.it_value.tv_nsec = 1};
    struct sigevent how = {.sigev_notify = SIGEV_SIGNAL,
                           .sigev_signo = SIGRTMIN};
    struct timespec no_time = {0};
    sigset_t rt;
    siginfo_t info;
    int fd[2] = {-1, -1};
    uint64_t n;
    timer_t t;

    sigemptyset(&rt);
    sigaddset(&rt, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &rt, NULL);
    if (MAY(fd[0] = timerfd_create(CLOCK_MONOTONIC, 0), ENOMEM, ENFILE) &&
        MAY(timerfd_settime(fd[0], 0, &soon, NULL), ENOMEM)) {
        IS(read(fd[0], &n, sizeof(n)) == sizeof(n));
    }
    if (MAY(timer_create(CLOCK_MONOTONIC, &how, &t), EAGAIN, ENOMEM)) {
        timer_delete(t);
    }
    if (MAY(fd[1] = signalfd(-1, &rt, SFD_NONBLOCK), ENOMEM, ENFILE) &&
        MAY(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 3}),
            EAGAIN)) {
        IS(sigtimedwait(&rt, &info, &no_time) == SIGRTMIN);
    }
    give_back(fd, 2);
}

static void watches(void)
{
    int fd[2] = {-1, -1};
    char buf[512];

    if (MAY(fd[0] = inotify_init1(IN_NONBLOCK), ENOMEM, ENFILE, EMFILE) &&
        MAY(inotify_add_watch(fd[0], ".", IN_CREATE), ENOMEM, ENOSPC) &&
        MAY(fd[1] = open("new", O_CREAT | O_RDWR, 0600), ENOMEM, ENFILE,
            ENOSPC)) {
        MAY(read(fd[0], buf, sizeof(buf)), EAGAIN, ENOMEM);
    }
    give_back(fd, 2);
    unlink("new");
}

static void terminals(void)
{
    int fd[2] = {-1, -1};
    char c;

    if (MAY(fd[0] = posix_openpt(O_RDWR | O_NOCTTY), ENOMEM, ENFILE, ENOSPC) &&
        MAY(unlockpt(fd[0]), ENOMEM) &&
        MAY(fd[1] = ioctl(fd[0], TIOCGPTPEER, O_RDWR | O_NOCTTY), ENOMEM,
            ENFILE) &&
        MAY(write(fd[1], "t", 1), ENOMEM, EAGAIN)) {
        IS(read(fd[0], &c, 1) == 1 && c == 't');
    }
    give_back(fd, 2);
}

// ---- System V and POSIX ----

static void system_v(void)
{
    struct {
        long type;
        char text[4000];
    } m = {1, "m"};
    struct sembuf up = {0, 1, SEM_UNDO};
    void *at = MAP_FAILED;
    int id;

    if (MAY(id = shmget(IPC_PRIVATE, 1 << 16, 0600), ENOMEM, ENOSPC, ENFILE)) {
        if (MAY((long)(at = shmat(id, NULL, 0)) == -1 ? -1 : 0, ENOMEM)) {
            *(char *)at = 1;
            shmdt(at);
        }
        MAY(shmctl(id, IPC_RMID, NULL), ENOMEM);
    }
    if (MAY(id = semget(IPC_PRIVATE, 20, 0600), ENOMEM, ENOSPC)) {
        MAY(semop(id, &up, 1), ENOMEM, ENOSPC);
        MAY(semctl(id, 0, IPC_RMID), ENOMEM);
    }
    if (MAY(id = msgget(IPC_PRIVATE, 0600), ENOMEM, ENOSPC)) {
        if (MAY(msgsnd(id, &m, sizeof(m.text), 0), ENOMEM)) {
            IS(msgrcv(id, &m, sizeof(m.text), 0, IPC_NOWAIT) == 4000);
        }
        MAY(msgctl(id, IPC_RMID, NULL), ENOMEM);
    }
}

static void posix(void)
{
    struct mq_attr attr = {.mq_maxmsg = 4, .mq_msgsize = 512};
    char buf[512];
    mqd_t q;

    q = mq_open("/q", O_CREAT | O_RDWR, 0600, &attr);
    if (MAY(q, ENOMEM, ENOSPC, ENFILE)) {
        if (MAY(mq_send(q, "q", 1, 3), ENOMEM)) {
            IS(mq_receive(q, buf, sizeof(buf), NULL) == 1 && buf[0] == 'q');
        }
        mq_close(q);
    }
    mq_unlink("/q");
}

// ---- memory and locks ----

static void memory(void)
{
    struct flock l = {F_WRLCK, SEEK_SET, 10, 10},
                 hole = {F_UNLCK, SEEK_SET, 13, 2};
    int fd[2] = {-1, -1};
    char *at;

    if (MAY(fd[0] = memfd_create("m", MFD_ALLOW_SEALING), ENOMEM, ENFILE) &&
        MAY(ftruncate(fd[0], 1 << 16), ENOMEM, ENOSPC)) {
        at = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_SHARED, fd[0], 0);
        if (MAY(at == MAP_FAILED ? -1 : 0, ENOMEM)) {
            MAY(madvise(at, 1 << 16, MADV_POPULATE_WRITE), ENOMEM, EFAULT);
            munmap(at, 1 << 16);
        }
        MAY(fcntl(fd[0], F_SETLK, &l), ENOLCK, ENOMEM);
        MAY(fcntl(fd[0], F_SETLK, &hole), ENOLCK, ENOMEM);
        MAY(flock(fd[0], LOCK_EX), ENOLCK, ENOMEM);
    }
    give_back(fd, 2);
}

// ---- processes ----

static void child(int *shared, int out)
{
    char *args[] = {"echo", "e", NULL};

    *shared = 1;
    dup2(out, 1);
    execv("/bin/busybox", args);
    _exit(errno == ENOMEM ? 9 : 8);
}

static void processes(void)
{
    int p[2] = {-1, -1}, pidfd = -1, status;
    int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    siginfo_t info;
    pid_t pid;

    if (!MAY(shared == MAP_FAILED ? -1 : 0, ENOMEM) ||
        !MAY(pipe(p), ENOMEM, ENFILE)) {
        return;
    }
    if (MAY(pid = fork(), ENOMEM, EAGAIN)) {
        if (!pid) {
            child(shared, p[1]);
        }
        if (MAY(pidfd = syscall(SYS_pidfd_open, pid, 0), ENOMEM, ENFILE)) {
            MAY(waitid(P_PIDFD, pidfd, &info, WEXITED | WNOWAIT), ENOMEM);
        }
        IS(waitpid(pid, &status, 0) == pid && *shared == 1);
        IS(WIFEXITED(status) || WIFSIGNALED(status));
        if (status) {
            printf("child: %x\n", status);
        }
    }
    munmap(shared, 4096);
    give_back(p, 2);
    give_back(&pidfd, 1);
}

int main(void)
{
    void (*const all[])(void) = {
        pipes,    fifo,  sockets, epolls,    timers_and_signals, watches,
        system_v, posix, memory,  processes, terminals};
    char place[] = "/tmp/ipc.XXXXXX";

    if (!MAY(mkdtemp(place) ? chdir(place) : -1, ENOMEM, ENOSPC)) {
        return 0;
    }
    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        all[i]();
    }
    rmdir(place);
    return wrong != 0;
}
