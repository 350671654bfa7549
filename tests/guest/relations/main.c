/* SPDX-License-Identifier: MIT
 *
 * What processes are to each other: whose stopped group is woken when somebody
 * ends, who sees the session's terminal, whose children come first, whose
 * rights suffice, what is left of a group of zombies.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

static int ended(pid_t pid)
{
    int status = -1;

    return waitpid(pid, &status, 0) == pid ? status : -errno;
}

static void await(pid_t pid, int options)
{
    siginfo_t i;

    waitid(P_PID, (id_t)pid, &i, options | WNOWAIT);
}

/* fn in a child; the status it ends with. */
static int in_child(void (*fn)(void))
{
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        fn();
        fflush(stdout);
        _exit(0);
    }
    return ended(pid);
}

static void sleep_for_ever(void)
{
    for (;;) {
        pause();
    }
}

/* A child in group `group` (0: its own). */
static pid_t sleeper(pid_t group)
{
    pid_t pid = fork();

    if (pid == 0) {
        setpgid(0, group);
        sleep_for_ever();
    }
    setpgid(pid, group);
    return pid;
}

/* ---- orphaned groups ---- */

/* What a stopped process gets when `who` ends. */
static void tell_stopped(const char *what, pid_t stopped)
{
    siginfo_t i = {.si_pid = 0};
    int status = 0;

    waitid(P_PID, (id_t)stopped, &i, WCONTINUED | WEXITED | WNOHANG | WNOWAIT);
    printf("%s: %s", what, i.si_pid ? "woken" : "left alone");
    kill(stopped, SIGKILL);
    waitpid(stopped, &status, 0);
    printf(", %s\n",
           WTERMSIG(status) == SIGHUP ? "hung up" : strsignal(status));
}

/* The group has no link to another one of its session any more. */
static void member_ends(void)
{
    pid_t first, second;

    setsid();
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    first = sleeper(getpid());
    second = sleeper(getpid());
    kill(first, SIGSTOP);
    await(first, WSTOPPED);
    kill(second, SIGKILL);
    ended(second);
    tell_stopped("a member of an orphaned group ended", first);
}

static void other_ends(void)
{
    pid_t first, other;

    setsid();
    first = sleeper(getpid());
    other = sleeper(0);
    kill(first, SIGSTOP);
    await(first, WSTOPPED);
    kill(other, SIGKILL);
    ended(other);
    tell_stopped("somebody of the session ended", first);
}

/* The middle one is what the last one's group has in another group. */
static void link_ends(void)
{
    int tell[2];
    pid_t middle, last;

    setsid();
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    pipe(tell);
    middle = fork();
    if (middle == 0) {
        setpgid(0, 0);
        last = sleeper(0);
        setpgid(last, last);
        kill(last, SIGSTOP);
        await(last, WSTOPPED);
        write(tell[1], &last, sizeof(last));
        setpgid(0, getppid()); /* still another group */
        _exit(0);
    }
    read(tell[0], &last, sizeof(last));
    ended(middle);
    printf("its link ended, its new parent is one, too");
    fflush(stdout);
    tell_stopped("", last);
}

/* ---- terminals ---- */

static int master, slave;

static void say_terminal(const char *what)
{
    int fd = open("/dev/tty", O_RDWR);

    printf("%s: /dev/tty %s, group %d\n", what,
           fd < 0 ? strerrorname_np(errno) : "opens", tcgetpgrp(slave) > 0);
    fflush(stdout);
    close(fd);
}

static void step(int fd, char c)
{
    write(fd, &c, 1);
}

static void look_before_and_after(int from, int to)
{
    char c;

    say_terminal("a child of before");
    step(to, 'x');
    read(from, &c, 1);
    say_terminal("when the leader has it");
    _exit(0);
}

static void terminals(void)
{
    int go[2], back[2];
    pid_t pid;
    char c;

    setsid();
    pipe(go);
    pipe(back);
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        look_before_and_after(go[0], back[1]);
    }
    read(back[0], &c, 1);
    SHOW(ioctl(slave, TIOCSCTTY, 0));
    say_terminal("the leader");
    step(go[1], 'x');
    ended(pid);
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        say_terminal("a child");
        SHOW(ioctl(slave, TIOCNOTTY));
        SHOW(ioctl(slave, TIOCNOTTY));
        say_terminal("without it");
        if (fork() == 0) {
            say_terminal("its child");
            _exit(0);
        }
        wait(NULL);
        _exit(0);
    }
    ended(pid);
    say_terminal("the leader still");
    SHOW(tcsetpgrp(slave, -1));
    SHOW(tcsetpgrp(slave, 0x3fffff));
    pid = sleeper(getpid());
    SHOW(tcsetpgrp(slave, pid)); /* a process, and no group */
    kill(pid, SIGKILL);
    ended(pid);
}

/* ---- threads' children ---- */

static pid_t early;

static void *waits(void *arg)
{
    pid_t late = fork();
    siginfo_t i;

    if (late == 0) {
        _exit(2);
    }
    await(late, WEXITED);
    waitid(P_PGID, 0, &i, WEXITED);
    printf("the thread's own comes first: %d\n", i.si_pid == late);
    waitid(P_PGID, 0, &i, WEXITED);
    printf("then the others: %d\n", i.si_pid == early);
    return NULL;
}

static void own_first(void)
{
    pthread_t t;

    fflush(stdout);
    early = fork();
    if (early == 0) {
        _exit(1);
    }
    await(early, WEXITED);
    pthread_create(&t, NULL, waits, NULL);
    pthread_join(t, NULL);
}

static void *asks_death_signal(void *arg)
{
    int signo = -1;

    prctl(PR_GET_PDEATHSIG, &signo);
    printf("a thread's own death signal: %d\n", signo);
    return NULL;
}

static void death_signal(void)
{
    pthread_t t;
    int signo = -1;

    prctl(PR_SET_PDEATHSIG, SIGUSR1);
    pthread_create(&t, NULL, asks_death_signal, NULL);
    pthread_join(t, NULL);
    prctl(PR_GET_PDEATHSIG, &signo);
    printf("the first one's: %d\n", signo);
}

/* A thread's end leaves its children to another one, behind that one's own. */
static void *leaves_one(void *arg)
{
    early = fork();
    if (early == 0) {
        _exit(1);
    }
    await(early, WEXITED);
    return NULL;
}

static void left_last(void)
{
    pthread_t t;
    siginfo_t i;
    pid_t own;
    int go[2];
    char c;

    pipe(go);
    fflush(stdout);
    own = fork();
    if (own == 0) {
        close(go[1]);
        _exit((int)read(go[0], &c, 1));
    }
    pthread_create(&t, NULL, leaves_one, NULL);
    pthread_join(t, NULL);
    close(go[1]);
    await(own, WEXITED);
    waitid(P_PGID, 0, &i, WEXITED);
    printf("what a thread left comes last: %d\n", i.si_pid == own);
}

/* ---- signals of children ---- */

static void say_pending(const char *what)
{
    sigset_t set;

    sigpending(&set);
    printf("%s: SIGCHLD %d\n", what, sigismember(&set, SIGCHLD));
}

/* What is ignored is not even pending. */
static void deaf(void)
{
    sigset_t set;
    pid_t pid;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGCHLD, SIG_IGN);
    fflush(stdout);
    pid = sleeper(0);
    kill(pid, SIGSTOP);
    await(pid, WSTOPPED);
    say_pending("stopped");
    kill(pid, SIGKILL);
    printf("ended: %s\n", strerrorname_np(-ended(pid)));
    say_pending("ended");
    signal(SIGCHLD, SIG_DFL);
    pid = sleeper(0);
    kill(pid, SIGKILL);
    await(pid, WEXITED);
    say_pending("by default");
    ended(pid);
}

/* ---- tracers ---- */

static void await_state(pid_t pid, char state)
{
    char path[32], line[512], *end;
    ssize_t n;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    do {
        fd = open(path, O_RDONLY);
        n = read(fd, line, sizeof(line) - 1);
        close(fd);
        line[n > 0 ? n : 0] = '\0';
        end = strrchr(line, ')');
    } while (end && end[2] != state);
}

static void traces_and_dies(pid_t pid, int waits)
{
    siginfo_t i;

    ptrace(PTRACE_ATTACH, pid, 0, 0);
    await_state(pid, 't');
    if (waits) {
        waitpid(pid, NULL, __WALL);
    }
    ptrace(PTRACE_GETSIGINFO, pid, 0, &i);
    printf("attached: signal %d code %d\n", i.si_signo, i.si_code);
    fflush(stdout);
    _exit(0);
}

/* The stop that nobody was told of is the process's own. */
static void tracer_ends(void)
{
    for (int waits = 0; waits < 2; waits++) {
        pid_t pid, tracer;

        fflush(stdout);
        pid = sleeper(0);
        await_state(pid, 'S');
        tracer = fork();
        if (tracer == 0) {
            traces_and_dies(pid, waits);
        }
        ended(tracer);
        await_state(pid, waits ? 'S' : 'T');
        printf("its tracer ended: %s\n", waits ? "goes on" : "stops");
        kill(pid, SIGKILL);
        ended(pid);
    }
}

static void dead_tracee(void)
{
    pid_t pid = sleeper(0);

    kill(pid, SIGKILL);
    await(pid, WEXITED);
    CALL(ptrace, PTRACE_ATTACH, pid, 0, 0);
    CALL(ptrace, PTRACE_SEIZE, pid, 0, 0);
    ended(pid);
    CALL(ptrace, PTRACE_ATTACH, pid, 0, 0);
}

/* ---- rights ---- */

static int pidfd_of(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

static void descriptors_of_others(void)
{
    pid_t pid = sleeper(0);
    int fd = pidfd_of(pid);

    CALL(pidfd_getfd, fd, 99, 0);
    setresuid(1000, 1000, 1000);
    CALL(pidfd_getfd, fd, 99, 0);
    CALL(pidfd_getfd, fd, 0, 0);
    setpgid(pid, pid);
    _exit(0);
}

static void groups_of_others(void)
{
    int tell[2];
    pid_t pid;
    char c;

    pipe2(tell, O_CLOEXEC);
    pid = fork();
    if (pid == 0) {
        setsid();
        execl("/proc/self/exe", "relations", "sleep", NULL);
        _exit(1);
    }
    close(tell[1]);
    read(tell[0], &c, 1); /* it is another program */
    CALL(setpgid, pid, 0);
    kill(pid, SIGKILL);
    ended(pid);
}

/* ---- zombies ---- */

static void dead_group(void)
{
    pid_t pid = sleeper(0);

    setpriority(PRIO_PROCESS, (id_t)pid, 3);
    kill(pid, SIGKILL);
    await(pid, WEXITED);
    CALL(getpriority, PRIO_PGRP, pid);
    CALL(setpriority, PRIO_PGRP, pid, 5);
    CALL(getpriority, PRIO_PGRP, pid);
    CALL(getpriority, PRIO_PROCESS, pid);
    ended(pid);
    CALL(getpriority, PRIO_PGRP, pid);
}

/* ---- what is one's own already ---- */

static void keeps_locks(void)
{
    struct flock all = {.l_type = F_WRLCK};
    int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);

    SHOW(fcntl(fd, F_SETLK, &all));
    CALL(unshare, CLONE_FILES);
    fflush(stdout);
    if (fork() == 0) {
        all.l_type = F_WRLCK;
        SHOW(fcntl(fd, F_SETLK, &all));
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        sleep_for_ever();
    }
    show_start();
    master = posix_openpt(O_RDWR | O_NOCTTY);
    grantpt(master);
    unlockpt(master);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    title("stopped groups");
    in_child(member_ends);
    in_child(other_ends);
    in_child(link_ends);
    title("terminals");
    in_child(terminals);
    title("threads' children");
    in_child(own_first);
    in_child(left_last);
    in_child(death_signal);
    title("signals of children");
    in_child(deaf);
    title("tracers");
    in_child(tracer_ends);
    in_child(dead_tracee);
    title("rights");
    in_child(descriptors_of_others);
    in_child(groups_of_others);
    title("zombies");
    in_child(dead_group);
    title("locks");
    in_child(keeps_locks);
    return 0;
}
