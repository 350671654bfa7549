/* SPDX-License-Identifier: MIT
 *
 * What a process made by clone(2) shares with its maker, and what it does not:
 * descriptors, working directory, handlers, what SEM_UNDO owes; which numbers
 * are stored in whose memory; the signal that tells of its end; a number of
 * choice (set_tid).
 */
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

static char stack[65536] __attribute__((aligned(16)));
static int tell[2];
static volatile int seen;

static long forked(unsigned long flags)
{
    fflush(stdout);
    return syscall(SYS_clone, flags, 0L, 0L, 0L, 0L);
}

static int ended(pid_t pid)
{
    int status = -1;

    return waitpid(pid, &status, __WALL) == pid ? status : -errno;
}

/* fn in a process of its own that shares memory. */
static pid_t beside(int (*fn)(void *), unsigned long flags, long arg)
{
    fflush(stdout);
    return clone(fn, stack + sizeof(stack), flags | CLONE_VM | SIGCHLD,
                 (void *)arg);
}

/* ---- the signal of the end ---- */

static void told_by(int signo)
{
    struct timespec none = {0, 0};
    siginfo_t i;
    sigset_t all;
    pid_t pid;
    int got;

    sigfillset(&all);
    pid = forked((unsigned long)signo);
    if (pid == 0) {
        _exit(signo & 15);
    }
    printf("end told by %d: %x", signo, ended(pid));
    got = sigtimedwait(&all, &i, &none);
    printf(", signal %d", got);
    if (got > 0) {
        printf(" code %d status %d, of it: %d", i.si_code, i.si_status,
               i.si_pid == pid);
    }
    printf("\n");
}

/* Runs another program, and then its child ends, by a signal that would end
 * that program. */
static void waits_as_another(void)
{
    char number[16], c;
    int gone[2];
    pid_t pid;

    pipe2(gone, O_CLOEXEC);
    pid = forked(SIGUSR1);
    if (pid == 0) {
        close(gone[1]);
        _exit((int)read(gone[0], &c, 1));
    }
    snprintf(number, sizeof(number), "%d", pid);
    execl("/proc/self/exe", "clone-shares", "reap", number, NULL);
    _exit(1);
}

/* Another program, or a parent that runs another one, means SIGCHLD. */
static void told_after_exec(void)
{
    siginfo_t i;
    pid_t pid;

    signal(SIGUSR1, SIG_DFL);
    pid = forked(SIGUSR1);
    if (pid == 0) {
        execl("/proc/self/exe", "clone-shares", "exit", NULL);
        _exit(1);
    }
    waitid(P_PID, (id_t)pid, &i, WEXITED | WNOWAIT | __WALL);
    printf("of a new program: %d", waitpid(pid, NULL, 0) == pid);
    pid = forked(SIGCHLD);
    if (pid == 0) {
        waits_as_another();
    }
    printf(", to a new program: %x\n", ended(pid));
}

static void ends(void)
{
    static const int signals[] = {0, SIGTERM, SIGCHLD, 64, 65, 100, 255};
    sigset_t all, old;

    title("the signal that tells of the end");
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &old);
    for (unsigned i = 0; i < COUNT(signals); i++) {
        told_by(signals[i]);
    }
    sigprocmask(SIG_SETMASK, &old, NULL);
    told_after_exec();
}

/* ---- handlers ---- */

static void nothing(int signo)
{
}

static const char *action_of(int signo)
{
    struct sigaction sa;

    sigaction(signo, NULL, &sa);
    return sa.sa_handler == SIG_DFL   ? "default"
           : sa.sa_handler == SIG_IGN ? "ignored"
                                      : "handled";
}

static int changes(void *arg)
{
    signal(SIGUSR2, nothing);
    signal(SIGWINCH, SIG_IGN);
    return 3;
}

static int looks_when_told(void *arg)
{
    char c;

    read(tell[0], &c, 1);
    seen = action_of(SIGUSR1)[0];
    return 0;
}

static int executes(void *arg)
{
    execl("/proc/self/exe", "clone-shares", "exit", NULL);
    return 1;
}

static void unshares(void)
{
    pid_t pid = forked(SIGCHLD);

    if (pid == 0) {
        pid_t other = beside(looks_when_told, CLONE_SIGHAND, 0);

        CALL(unshare, CLONE_SIGHAND);
        CALL(unshare, CLONE_VM);
        CALL(unshare, CLONE_THREAD);
        write(tell[1], "x", 1);
        ended(other);
        CALL(unshare, CLONE_SIGHAND);
        CALL(unshare, CLONE_VM);
        fflush(stdout);
        _exit(0);
    }
    ended(pid);
}

static void handlers(void)
{
    struct clone_args cleared = {.flags = CLONE_CLEAR_SIGHAND,
                                 .exit_signal = SIGCHLD};
    pid_t pid;

    title("handlers");
    printf("shared: %x", ended(beside(changes, CLONE_SIGHAND, 0)));
    printf(" %s %s\n", action_of(SIGUSR2), action_of(SIGWINCH));
    signal(SIGUSR2, SIG_DFL);
    signal(SIGWINCH, SIG_DFL);
    printf("not shared: %x", ended(beside(changes, 0, 0)));
    printf(" %s %s\n", action_of(SIGUSR2), action_of(SIGWINCH));
    pid = beside(looks_when_told, CLONE_SIGHAND, 0);
    signal(SIGUSR1, SIG_IGN);
    write(tell[1], "x", 1);
    printf("seen by the other: %x", ended(pid));
    printf(" %c\n", seen);
    signal(SIGUSR1, nothing);
    printf("not by a new program: %x",
           ended(beside(executes, CLONE_SIGHAND, 0)));
    printf(" %s\n", action_of(SIGUSR1));
    signal(SIGUSR2, SIG_IGN);
    fflush(stdout);
    pid = syscall(SYS_clone3, &cleared, sizeof(cleared));
    if (pid == 0) {
        printf("cleared: %s %s\n", action_of(SIGUSR1), action_of(SIGUSR2));
        fflush(stdout);
        _exit(0);
    }
    printf("%x, here %s %s\n", ended(pid), action_of(SIGUSR1),
           action_of(SIGUSR2));
    unshares();
}

/* ---- files ---- */

static void in_child(unsigned long flags, void (*fn)(void))
{
    pid_t pid = forked(flags | SIGCHLD);

    if (pid == 0) {
        fn();
        _exit(0);
    }
    ended(pid);
}

static void opens_100(void)
{
    dup2(1, 100);
    fcntl(tell[0], F_SETFD, FD_CLOEXEC);
}

static void executes_true(void)
{
    executes(NULL);
}

static void closes_own_100(void)
{
    unshare(CLONE_FILES);
    close(100);
}

static void moves(void)
{
    chdir("/tmp");
    umask(077);
}

static void moves_alone(void)
{
    unshare(CLONE_FS);
    moves();
}

static void show_place(const char *what)
{
    char cwd[100];
    unsigned mask = umask(022);

    printf("%s: %s %o\n", what, getcwd(cwd, sizeof(cwd)), mask);
    chdir("/");
}

static void files(void)
{
    title("descriptors");
    in_child(CLONE_FILES, opens_100);
    SHOW(fcntl(100, F_GETFD));
    SHOW(fcntl(tell[0], F_GETFD));
    fcntl(100, F_SETFD, FD_CLOEXEC);
    in_child(CLONE_FILES, executes_true);
    SHOW(fcntl(100, F_GETFD));
    in_child(CLONE_FILES, closes_own_100);
    SHOW(fcntl(100, F_GETFD));
    title("directory and mask");
    chdir("/");
    umask(022);
    in_child(CLONE_FS, moves);
    show_place("shared");
    in_child(CLONE_FS, moves_alone);
    show_place("unshared");
    in_child(0, moves);
    show_place("copied");
}

/* ---- SEM_UNDO ---- */

static int adds_one(void *arg)
{
    struct sembuf op = {0, 1, SEM_UNDO};

    return semop((int)(long)arg, &op, 1);
}

static void undone(void)
{
    int id = semget(IPC_PRIVATE, 1, 0600);
    pid_t pid;

    title("SEM_UNDO");
    printf("shared: %x", ended(beside(adds_one, CLONE_SYSVSEM, id)));
    printf(" %d\n", semctl(id, 0, GETVAL));
    printf("own: %x", ended(beside(adds_one, 0, id)));
    printf(" %d\n", semctl(id, 0, GETVAL));
    pid = forked(SIGCHLD);
    if (pid == 0) {
        pid = forked(CLONE_SYSVSEM | SIGCHLD);
        if (pid == 0) {
            _exit(adds_one((void *)(long)id));
        }
        printf("of a pair: %x", ended(pid));
        printf(" %d", semctl(id, 0, GETVAL));
        unshare(CLONE_SYSVSEM);
        printf(", alone %d\n", semctl(id, 0, GETVAL));
        fflush(stdout);
        _exit(0);
    }
    ended(pid);
    printf("at the end: %d\n", semctl(id, 0, GETVAL));
    semctl(id, 0, IPC_RMID);
}

/* ---- numbers ---- */

static volatile int to_parent, to_child, pidfd;

static void numbers(void)
{
    pid_t pid;

    title("numbers");
    fflush(stdout);
    pid = syscall(SYS_clone, CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD,
                  0L, &to_parent, &to_child, 0L);
    if (pid == 0) {
        printf("child: %d %d\n", to_parent, to_child == getpid());
        fflush(stdout);
        _exit(0);
    }
    ended(pid);
    printf("parent: %d %d\n", to_parent == pid, to_child);
    pidfd = -5;
    fflush(stdout);
    pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0L, &pidfd, 0L, 0L);
    if (pid == 0) {
        printf("child: %d\n", pidfd);
        fflush(stdout);
        _exit(0);
    }
    printf("parent: %d %x\n", pidfd > 0, ended(pid));
    close(pidfd);
    CALL(clone, CLONE_PIDFD | SIGCHLD, 0L, BAD, 0L, 0L);
    CALL(clone, CLONE_PIDFD | SIGCHLD, 0L, "constant", 0L, 0L);
}

static long with_tid(struct clone_args *a)
{
    long r;

    fflush(stdout);
    r = RAW(clone3, a, sizeof(*a));
    if (r == 0) {
        _exit(0);
    }
    return r;
}

static void chosen(void)
{
    pid_t tid[2] = {0, 0}, free_one;
    struct clone_args a = {
        .exit_signal = SIGCHLD, .set_tid = (uintptr_t)tid, .set_tid_size = 1};

    title("a number of choice");
    free_one = tid[0] = fork();
    if (free_one == 0) {
        _exit(0);
    }
    show("while it has it", with_tid(&a));
    ended(free_one);
    printf("free: %d\n", with_tid(&a) == free_one);
    show("while it is a zombie", with_tid(&a));
    ended(free_one);
    tid[0] = 1;
    show("1", with_tid(&a));
    tid[0] = 0;
    show("0", with_tid(&a));
    tid[0] = -4;
    show("-4", with_tid(&a));
    tid[0] = 1 << 30;
    show("2^30", with_tid(&a));
    a.set_tid = 16;
    show("nowhere", with_tid(&a));
    a.set_tid = (uintptr_t)tid;
    a.set_tid_size = 33;
    show("33 of them", with_tid(&a));
    a.set_tid_size = 1;
    tid[0] = free_one;
    fflush(stdout);
    if (fork() == 0) {
        setuid(1000);
        show("as somebody else", with_tid(&a));
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
}

int main(int argc, char **argv)
{
    show_start();
    if (argc > 1) { /* "exit", or "reap" and whom */
        return argc > 2 ? ended(atoi(argv[2])) : 0;
    }
    pipe(tell);
    ends();
    handlers();
    files();
    undone();
    numbers();
    chosen();
    return 0;
}
