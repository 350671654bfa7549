/* SPDX-License-Identifier: MIT
 *
 * Pidfds of the process itself: opening, signalling, taking descriptors, and
 * what refuses to be one.
 */
#include "tests/guest/show.h"
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

static volatile sig_atomic_t got, code;
static siginfo_t seen;

static void handler(int signo, siginfo_t *info, void *context)
{
    got = signo;
    code = info->si_code;
    seen = *info;
}

static void *thread(void *tid)
{
    *(pid_t *)tid = gettid();
    SHOW(syscall(SYS_pidfd_open, gettid(), 0));
    return NULL;
}

static void sending(int fd)
{
    siginfo_t info = {.si_signo = SIGUSR2, .si_code = SI_QUEUE};

    title("sending");
    CALL(pidfd_send_signal, fd, 0, NULL, 0);
    CALL(pidfd_send_signal, fd, SIGUSR1, NULL, 0);
    printf("got %d code %d %d\n", got, code, seen.si_pid == getpid());
    info.si_value.sival_int = 77;
    CALL(pidfd_send_signal, fd, SIGUSR2, &info, 0);
    printf("got %d code %d value %d\n", got, code, seen.si_value.sival_int);
    CALL(pidfd_send_signal, fd, SIGUSR1, &info, 0);
    info.si_code = SI_USER;
    CALL(pidfd_send_signal, fd, SIGUSR2, &info, 0);
    CALL(pidfd_send_signal, fd, SIGUSR2, BAD, 0);
    CALL(pidfd_send_signal, fd, 65, NULL, 0);
    CALL(pidfd_send_signal, fd, -1, NULL, 0);
    CALL(pidfd_send_signal, fd, SIGUSR1, NULL, 64);
    CALL(pidfd_send_signal, 0, 0, NULL, 0);
    CALL(pidfd_send_signal, -1, 0, NULL, 0);
}

static void taking(int fd)
{
    char text[10] = "";
    int pipes[2], copy;

    title("taking descriptors");
    pipe(pipes);
    copy = RAW(pidfd_getfd, fd, pipes[1], 0);
    EXPECT(copy > pipes[1]);
    SHOW(fcntl(copy, F_GETFD));
    write(copy, "through", 7);
    SHOW(read(pipes[0], text, 10));
    printf("%s\n", text);
    CALL(pidfd_getfd, fd, 99, 0);
    CALL(pidfd_getfd, fd, -1, 0);
    CALL(pidfd_getfd, fd, 0, 1);
    CALL(pidfd_getfd, pipes[0], 0, 0);
    CALL(pidfd_getfd, -1, 0, 0);
}

/* The directory of a process is as good as a pidfd. */
static void by_directory(void)
{
    int self = open("/proc/self", O_RDONLY | O_DIRECTORY);
    int task = open("/proc/self/task", O_RDONLY | O_DIRECTORY);

    title("directory");
    CALL(pidfd_send_signal, self, 0, NULL, 0);
    CALL(pidfd_send_signal, self, 999, NULL, 0);
    CALL(pidfd_send_signal, self, 0, NULL, 99);
    CALL(pidfd_send_signal, task, 0, NULL, 0);
    close(self);
    close(task);
}

/* ---- of one thread ---- */

enum { OF_THREAD = O_EXCL }; /* PIDFD_THREAD */
static int go[2], at_work[2];
static volatile pid_t got_tid;

static void who(int signo, siginfo_t *info, void *context)
{
    got_tid = gettid();
    code = info->si_code;
}

/* Tells its number, and lives until it can read or the end of a file comes. */
static void *works(void *arg)
{
    pid_t tid = gettid();
    char c;

    write(at_work[1], &tid, sizeof(tid));
    while (read(go[0], &c, 1) < 0) {
    }
    return NULL;
}

static int works_alone(void *arg)
{
    pid_t tid = (pid_t)syscall(SYS_gettid);
    char c;

    syscall(SYS_write, at_work[1], &tid, sizeof(tid));
    syscall(SYS_read, go[0], &c, 1);
    return 0;
}

static void bits_of(int fd, int timeout)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int n = poll(&p, 1, timeout);

    printf("poll %d bits %x\n", n, p.revents);
}

/* Until nothing of the thread is left: it may be seen to have ended before. */
static void until_gone(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    for (int i = 0; i < 10000 && !(p.revents & POLLHUP); i++) {
        poll(&p, 1, 10000);
        usleep(1000);
    }
    printf("gone: bits %x\n", p.revents);
}

/* A signal to what fd stands for, and which thread had it. */
static void send_to(int fd, int flags, pid_t tid)
{
    got_tid = 0;
    CALL(pidfd_send_signal, fd, SIGUSR1, NULL, flags);
    for (int i = 0; flags != 4 && !got_tid && i < 1000; i++) {
        usleep(10000);
    }
    printf("flags %d: %s code %d\n", flags,
           got_tid == tid ? "the thread"
           : got_tid      ? "another"
                          : "nobody",
           code);
}

static void show_number(int fd, pid_t tid)
{
    char path[64], line[100];
    int pid = 0;

    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    FILE *f = fopen(path, "r");
    while (fgets(line, sizeof(line), f)) {
        sscanf(line, "Pid: %d", &pid);
    }
    fclose(f);
    printf("number %s\n", pid == tid ? "its own" : pid == -1 ? "-1" : "other");
}

static void of_threads(void)
{
    struct sigaction sa = {.sa_sigaction = who, .sa_flags = SA_SIGINFO};
    siginfo_t info;
    pthread_t t;
    pid_t tid;

    title("one thread");
    sigaction(SIGUSR1, &sa, NULL);
    pipe(go);
    pipe(at_work);
    pthread_create(&t, NULL, works, NULL);
    read(at_work[0], &tid, sizeof(tid));
    CALL(pidfd_open, tid, 0);
    CALL(pidfd_open, tid, OF_THREAD | 1);
    int fd = RAW(pidfd_open, tid, OF_THREAD);
    EXPECT(fd >= 3 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
    EXPECT(fcntl(fd, F_GETFL) == (O_RDWR | O_EXCL));
    show_number(fd, tid);
    bits_of(fd, 0);
    send_to(fd, 0, tid);
    send_to(fd, 1, tid);
    CALL(pidfd_send_signal, fd, 0, NULL, 2);
    send_to(fd, 4, tid);
    SHOW(waitid(P_PIDFD, fd, &info, WEXITED | WNOHANG));
    write(go[1], "", 1);
    until_gone(fd);
    pthread_join(t, NULL);
    show_number(fd, tid);
    CALL(pidfd_send_signal, fd, 0, NULL, 0);
    CALL(pidfd_send_signal, fd, 0, NULL, 1);
    SHOW(waitid(P_PIDFD, fd, &info, WEXITED | WNOHANG));
    close(fd);
    title("the first thread");
    fd = RAW(pidfd_open, getpid(), OF_THREAD);
    bits_of(fd, 0);
    show_number(fd, getpid());
    send_to(fd, 0, getpid());
    close(fd);
}

/* The thread's memory is ours for good: nobody joins it. */
static void made_with_one(void)
{
    static char stack[65536] __attribute__((aligned(16)));
    int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
                CLONE_THREAD | CLONE_SYSVSEM | CLONE_PIDFD,
        fd = -1;
    pid_t tid, made;

    title("made with one");
    made = clone(works_alone, stack + sizeof(stack), flags, NULL, &fd);
    EXPECT(made > 0 && fcntl(fd, F_GETFL) == (O_RDWR | O_EXCL));
    read(at_work[0], &tid, sizeof(tid));
    EXPECT(tid == made);
    show_number(fd, tid);
    bits_of(fd, 0);
    write(go[1], "", 1);
    until_gone(fd);
    close(fd);
}

/* Another process's, which is killed. */
static void of_another(void)
{
    int first, other;
    pthread_t t;
    pid_t tid;

    title("another process");
    pid_t pid = fork();
    if (!pid) {
        pthread_create(&t, NULL, works, NULL);
        for (;;) {
            pause();
        }
    }
    read(at_work[0], &tid, sizeof(tid));
    first = RAW(pidfd_open, pid, OF_THREAD);
    other = RAW(pidfd_open, tid, OF_THREAD);
    bits_of(first, 0);
    bits_of(other, 0);
    kill(pid, SIGKILL);
    until_gone(other);
    bits_of(first, 10000);
    waitpid(pid, NULL, 0);
    bits_of(first, 0);
    CALL(setns, first, CLONE_NEWNET);
    CALL(setns, first, 0);
    CALL(setns, first, 1);
}

int main(void)
{
    struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    struct pollfd p = {.events = POLLIN};
    siginfo_t info;
    pthread_t t;
    pid_t tid;

    show_start();
    sigaction(SIGUSR1, &sa, NULL);
    sigaction(SIGUSR2, &sa, NULL);
    title("opening");
    int fd = RAW(pidfd_open, getpid(), 0);
    EXPECT(fd >= 3);
    SHOW(fcntl(fd, F_GETFD));
    CALL(pidfd_open, 0, 0);
    CALL(pidfd_open, -1, 0);
    CALL(pidfd_open, 1 << 30, 0);
    CALL(pidfd_open, 1, 4);
    pthread_create(&t, NULL, thread, &tid);
    pthread_join(t, NULL);
    p.fd = fd;
    SHOW(poll(&p, 1, 0));
    SHOW(read(fd, &info, sizeof(info)));
    SHOW(write(fd, &info, sizeof(info)));
    sending(fd);
    taking(fd);
    title("waiting");
    SHOW(waitid(P_PIDFD, fd, &info, WEXITED));
    SHOW(waitid(P_PIDFD, 0, &info, WEXITED));
    SHOW(waitid(P_PIDFD, 99, &info, WEXITED));
    SHOW(waitid(P_PIDFD, -1, &info, WEXITED));
    int fd2 = RAW(pidfd_open, getpid(), O_NONBLOCK);
    EXPECT(fcntl(fd2, F_GETFL) & O_NONBLOCK);
    SHOW(waitid(P_PIDFD, fd2, &info, WEXITED));
    by_directory();
    of_threads();
    made_with_one();
    of_another();
    return 0;
}
