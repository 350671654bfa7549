// SPDX-License-Identifier: MIT
// For fault-test.sh: starts programs in every way there is, and passes
// descriptors between processes. A call that fails for want of memory says so
// by an errno that its page names, and what it was to make is not half there.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "fault.h"

extern char **environ;

// ---- programs ----

static char *const echo[] = {"busybox", "true", NULL};

// 0: it ran; 9: exec failed for want of memory; 127: its loader could not go
// on; a signal: it was ended for that, after the point of no return.
static void ended(const char *how, pid_t pid)
{
    int status = 0;

    if (waitpid(pid, &status, 0) != pid ||
        (WIFEXITED(status) && WEXITSTATUS(status) != 0 &&
         WEXITSTATUS(status) != 9 && WEXITSTATUS(status) != 127) ||
        (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL &&
         WTERMSIG(status) != SIGSEGV && WTERMSIG(status) != SIGBUS)) {
        printf("wrong end of %s: %x\n", how, status);
        wrong++;
    }
    if (status) {
        failed++;
        printf("%s: %x\n", how, status);
    }
}

static int said(void)
{
    return errno == ENOMEM || errno == EAGAIN || errno == EIO ? 9 : 8;
}

static void by_vfork(void)
{
    pid_t pid = vfork();

    if (!pid) {
        execv("/bin/busybox", echo);
        _exit(said());
    }
    if (MAY(pid, ENOMEM, EAGAIN)) {
        ended("vfork", pid);
    }
}

static void by_spawn(void)
{
    posix_spawn_file_actions_t what;
    posix_spawnattr_t how;
    pid_t pid;
    int err;

    posix_spawn_file_actions_init(&what);
    posix_spawn_file_actions_addopen(&what, 5, "/dev/null", O_RDWR, 0);
    posix_spawn_file_actions_adddup2(&what, 5, 6);
    posix_spawnattr_init(&how);
    posix_spawnattr_setflags(&how,
                             POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    err = posix_spawn(&pid, "/bin/busybox", &what, &how, echo, environ);
    errno = err;
    if (MAY(err ? -1 : 0, ENOMEM, EAGAIN, ENFILE)) {
        ended("posix_spawn", pid);
    }
    posix_spawn_file_actions_destroy(&what);
    posix_spawnattr_destroy(&how);
}

static void by_script(void)
{
    static const char text[] = "#!/bin/busybox sh\nexit $#\n";
    char *const args[] = {"script", NULL};
    int fd = -1;
    pid_t pid;

    if (!MAY(fd = open("script", O_CREAT | O_WRONLY | O_CLOEXEC, 0700), ENOMEM,
             ENFILE, ENOSPC) ||
        !MAY(write(fd, text, sizeof(text) - 1), ENOMEM, ENOSPC)) {
        give_back(&fd, 1);
        unlink("script");
        return;
    }
    close(fd);
    pid = fork();
    if (!pid) {
        execv("script", args);
        _exit(said());
    }
    if (MAY(pid, ENOMEM, EAGAIN)) {
        ended("script", pid);
    }
    unlink("script");
}

// A call that failed in the middle says how far it came.
static long send_all(int to, int from, size_t len)
{
    ssize_t n = 1;

    for (; len && n > 0; len -= n > 0 ? (size_t)n : 0) {
        n = sendfile(to, from, NULL, len);
    }
    return len ? -1 : 0;
}

static void by_memfd(void)
{
    int fd[2] = {-1, -1};
    struct stat st;
    pid_t pid;

    if (MAY(fd[0] = open("/bin/busybox", O_RDONLY | O_CLOEXEC), ENOMEM,
            ENFILE) &&
        MAY(fstat(fd[0], &st), ENOMEM) &&
        MAY(fd[1] = memfd_create("m", MFD_CLOEXEC | MFD_ALLOW_SEALING), ENOMEM,
            ENFILE) &&
        MAY(send_all(fd[1], fd[0], (size_t)st.st_size), ENOMEM, ENOSPC) &&
        MAY(fcntl(fd[1], F_ADD_SEALS, F_SEAL_WRITE), ENOMEM) &&
        MAY(pid = vfork(), ENOMEM, EAGAIN)) {
        if (!pid) {
            syscall(SYS_execveat, fd[1], "", echo, environ, AT_EMPTY_PATH);
            _exit(said());
        }
        ended("memfd", pid);
    }
    give_back(fd, 2);
}

static void by_clone3(void)
{
    int pidfd = -1;
    struct clone_args args = {
        .flags = CLONE_PIDFD | CLONE_PARENT_SETTID | CLONE_CLEAR_SIGHAND,
        .pidfd = (uintptr_t)&pidfd,
        .exit_signal = SIGCHLD,
    };
    pid_t tid = 0, pid;
    struct pollfd p;

    args.parent_tid = (uintptr_t)&tid;
    pid = syscall(SYS_clone3, &args, sizeof(args));
    if (!pid) {
        execv("/bin/busybox", echo);
        _exit(said());
    }
    if (MAY(pid, ENOMEM, EAGAIN, ENFILE)) {
        IS(tid == pid);
        p = (struct pollfd){pidfd, POLLIN};
        IS(poll(&p, 1, -1) == 1 || errno == ENOMEM);
        ended("clone3", pid);
        close(pidfd);
    } else {
        IS(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
    }
}

static void *execs(void *arg)
{
    execv("/bin/busybox", echo);
    _exit(said());
}

static void by_thread(void)
{
    pid_t pid = fork();
    pthread_t t;

    if (!pid) {
        int err = pthread_create(&t, NULL, execs, NULL);

        for (errno = err; !err;) {
            pause();
        }
        _exit(said());
    }
    if (MAY(pid, ENOMEM, EAGAIN)) {
        ended("thread", pid);
    }
}

// ---- between processes ----

// Two ends that wait for each other: who fails closes none, so nobody blocks.
static void fifo(void)
{
    int fd[2] = {-1, -1};
    struct pollfd p;
    pid_t pid;
    char c;

    if (!MAY(mkfifo("fifo", 0600), ENOMEM, ENOSPC) ||
        !MAY(fd[0] = open("fifo", O_RDONLY | O_NONBLOCK), ENOMEM, ENFILE) ||
        !MAY(pid = fork(), ENOMEM, EAGAIN)) {
        give_back(fd, 2);
        unlink("fifo");
        return;
    }
    if (!pid) {
        fd[1] = open("fifo", O_WRONLY);
        _exit(fd[1] >= 0 && write(fd[1], "f", 1) == 1 ? 0 : said());
    }
    ended("fifo", pid);
    p = (struct pollfd){fd[0], POLLIN};
    if (MAY(poll(&p, 1, 0), ENOMEM) && p.revents & POLLIN) {
        IS(read(fd[0], &c, 1) == 1 && c == 'f');
    }
    give_back(fd, 2);
    unlink("fifo");
}

static long send_fds(int s, const int *fds, int count)
{
    char control[CMSG_SPACE(4 * sizeof(int))] = "", c = 'r';
    struct iovec iov = {&c, 1};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);

    *h =
        (struct cmsghdr){CMSG_LEN(count * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(h), fds, count * sizeof(int));
    return sendmsg(s, &m, MSG_DONTWAIT);
}

static long take_fds(int s, int *fds, int *count)
{
    char control[CMSG_SPACE(4 * sizeof(int))] = "", c;
    struct iovec iov = {&c, 1};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);
    long n = recvmsg(s, &m, MSG_DONTWAIT);

    *count = 0;
    if (n > 0 && m.msg_controllen) {
        *count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(fds, CMSG_DATA(h), *count * sizeof(int));
    }
    return n;
}

// What holds itself goes when nobody else has it; what was sent and never
// taken goes with its socket.
static void rights(int type)
{
    int s[2] = {-1, -1}, e[2] = {-1, -1}, got[4], count = 0;
    uint64_t n = 0;
    pid_t pid;

    if (MAY(socketpair(AF_UNIX, type, 0, s), ENOMEM, ENFILE, ENOBUFS) &&
        MAY(e[0] = eventfd(0, EFD_NONBLOCK), ENOMEM, ENFILE) &&
        MAY(pid = fork(), ENOMEM, EAGAIN)) {
        if (!pid) {
            int fds[3] = {e[0], s[0], s[1]};
            _exit(send_fds(s[0], fds, 3) == 1 ? 0
                  : errno == ENOBUFS          ? 9
                                              : said());
        }
        ended("rights", pid);
        if (MAY(take_fds(s[1], got, &count), ENOMEM, EAGAIN, ENFILE, EMFILE)) {
            IS(count >= 0 && count <= 3);
            if (count) {
                IS(write(got[0], &(uint64_t){5}, 8) == 8);
                IS(read(e[0], &n, 8) == 8 && n == 5);
            }
            give_back(got, count);
        }
        MAY(send_fds(s[0], s, 2), ENOMEM, ENOBUFS, EAGAIN, ETOOMANYREFS);
    }
    give_back(s, 2);
    give_back(e, 2);
}

static void events(void)
{
    int ep = -1, fd[3] = {-1, -1, -1};
    struct epoll_event e = {EPOLLIN | EPOLLET, {.u64 = 1}}, got[4];
    struct signalfd_siginfo info;
    sigset_t set;
    pid_t pid;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    if (MAY(ep = epoll_create1(EPOLL_CLOEXEC), ENOMEM, ENFILE) &&
        MAY(fd[0] = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK), ENOMEM, ENFILE) &&
        MAY(fd[1] = signalfd(-1, &set, SFD_NONBLOCK), ENOMEM, ENFILE) &&
        MAY(fd[2] = dup(fd[0]), EMFILE, ENOMEM) &&
        MAY(epoll_ctl(ep, EPOLL_CTL_ADD, fd[0], &e), ENOMEM, ENOSPC) &&
        MAY(epoll_ctl(ep, EPOLL_CTL_ADD, fd[1], &e), ENOMEM, ENOSPC) &&
        MAY(epoll_ctl(ep, EPOLL_CTL_ADD, fd[2], &e), ENOMEM, ENOSPC) &&
        MAY(pid = fork(), ENOMEM, EAGAIN)) {
        if (!pid) {
            kill(getppid(), SIGUSR1);
            _exit(write(fd[0], &(uint64_t){2}, 8) == 8 ? 0 : said());
        }
        ended("events", pid);
        MAY(epoll_wait(ep, got, 4, 0), ENOMEM);
        if (MAY(read(fd[1], &info, sizeof(info)), EAGAIN)) {
            IS(info.ssi_signo == SIGUSR1);
        }
        MAY(epoll_ctl(ep, EPOLL_CTL_DEL, fd[2], NULL), ENOMEM);
    }
    give_back(&ep, 1);
    give_back(fd, 3);
}

static void shared_memory(void)
{
    int fd = -1;
    volatile char *at;
    pid_t pid;

    if (MAY(fd = memfd_create("s", 0), ENOMEM, ENFILE) &&
        MAY(ftruncate(fd, 1 << 20), ENOMEM, ENOSPC)) {
        at = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (MAY(at == MAP_FAILED ? -1 : 0, ENOMEM)) {
            if (MAY(pid = fork(), ENOMEM, EAGAIN)) {
                if (!pid) {
                    at[70000] = 1;
                    _exit(0);
                }
                ended("shared", pid);
            }
            munmap((void *)at, 1 << 20);
        }
    }
    give_back(&fd, 1);
}

int main(void)
{
    char place[] = "/tmp/start.XXXXXX";

    setvbuf(stdout, NULL, _IONBF, 0);
    if (!MAY(mkdtemp(place) ? chdir(place) : -1, ENOMEM, ENOSPC)) {
        return 0;
    }
    by_vfork();
    by_spawn();
    by_script();
    by_memfd();
    by_clone3();
    by_thread();
    fifo();
    rights(SOCK_STREAM);
    rights(SOCK_DGRAM);
    rights(SOCK_SEQPACKET);
    events();
    shared_memory();
    rmdir(place);
    return wrong ? 1 : failed ? 2 : 0;
}
