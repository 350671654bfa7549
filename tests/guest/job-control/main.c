/* SPDX-License-Identifier: MIT
 *
 * Sessions on a pseudoterminal: getting and losing the terminal, who is in
 * front, SIGTTIN and SIGTTOU behind, signals by typing, hangup, and groups
 * that nobody is left to continue.
 */
#include "tests/guest/show.h"
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>

static int master, tell[2], go[2];
static char name[64];

/* What a child says is printed by the test's first process, in order. */
static void say(const char *text)
{
    write(tell[1], text, strlen(text));
}

static void say_result(const char *what, long r)
{
    char line[200];

    snprintf(line, sizeof(line), "%s %ld %s\n", what, r,
             r < 0 ? strerrorname_np(errno) : "");
    say(line);
}

/* Prints what was said, up to a line that is "." */
static void listen_to(void)
{
    char line[4096], c;
    size_t n = 0;
    struct pollfd p = {tell[0], POLLIN, 0};

    while (poll(&p, 1, 60000) == 1 && read(tell[0], &c, 1) == 1) {
        line[n++] = c;
        if (c == '\n') {
            if (n == 2 && line[0] == '.') {
                return;
            }
            printf("%.*s", (int)n, line);
            n = 0;
        }
    }
    printf("(silence)\n");
}

static void show_status(const char *what, int status)
{
    if (WIFEXITED(status)) {
        printf("%s exits %d\n", what, WEXITSTATUS(status));
    } else if (WIFSTOPPED(status)) {
        printf("%s stops by %d\n", what, WSTOPSIG(status));
    } else if (WIFCONTINUED(status)) {
        printf("%s goes on\n", what);
    } else {
        printf("%s dies of %d%s\n", what, WTERMSIG(status),
               WCOREDUMP(status) ? " and dumps" : "");
    }
}

static void wait_for(const char *what, pid_t pid, int options)
{
    int status = 0;

    if (waitpid(pid, &status, options) != pid) {
        printf("%s: no news\n", what);
    } else {
        show_status(what, status);
    }
}

static void new_pty(void)
{
    master = posix_openpt(O_RDWR | O_NOCTTY);
    grantpt(master);
    unlockpt(master);
    ptsname_r(master, name, sizeof(name));
}

/* A leader of a new session with the terminal as its own. */
static pid_t leader(void (*fn)(int slave))
{
    pid_t pid;

    new_pty();
    pid = fork();
    if (pid == 0) {
        int slave;

        setsid();
        slave = open(name, O_RDWR);
        close(master);
        fn(slave);
        _exit(0);
    }
    return pid;
}

/* ---- whose terminal ---- */

static void getting(int slave)
{
    int n, other;
    pid_t pid;

    say_result("TIOCGSID", ioctl(slave, TIOCGSID, &n));
    say_result("is mine", n == getpid());
    say_result("TIOCGPGRP", ioctl(slave, TIOCGPGRP, &n));
    say_result("is mine", n == getpid());
    say_result("/dev/tty", open("/dev/tty", O_RDWR) >= 0);
    say_result("setsid", setsid());
    say_result("TIOCSCTTY", ioctl(slave, TIOCSCTTY, 0));
    n = 1 << 22;
    say_result("no such group", ioctl(slave, TIOCSPGRP, &n));
    n = -1;
    say_result("negative group", ioctl(slave, TIOCSPGRP, &n));
    n = getppid();
    say_result("another session's", tcsetpgrp(slave, getpgid(getppid())));
    say_result("bad address", ioctl(slave, TIOCSPGRP, BAD));
    pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        say_result("child is in front", tcgetpgrp(slave) == getpid());
        say_result("child's TIOCSCTTY", ioctl(slave, TIOCSCTTY, 0));
        _exit(0);
    }
    waitpid(pid, &n, 0);
    signal(SIGHUP, SIG_IGN);
    say_result("TIOCNOTTY", ioctl(slave, TIOCNOTTY));
    say_result("/dev/tty", open("/dev/tty", O_RDWR));
    say_result("TIOCGPGRP", ioctl(slave, TIOCGPGRP, &n));
    other = open(name, O_RDWR | O_NOCTTY);
    say_result("/dev/tty", open("/dev/tty", O_RDWR));
    say_result("TIOCSCTTY", ioctl(other, TIOCSCTTY, 0));
    say_result("/dev/tty", open("/dev/tty", O_RDWR) >= 0);
    say(".\n");
}

/* ---- behind ---- */

static pid_t background(int slave, void (*fn)(int))
{
    pid_t pid = fork();

    if (pid == 0) {
        setpgid(0, 0);
        fn(slave);
        _exit(0);
    }
    setpgid(pid, pid);
    return pid;
}

static void read_it(int slave)
{
    char c;

    say_result("read", read(slave, &c, 1));
}

static void write_it(int slave)
{
    say_result("write", write(slave, "x", 1));
}

static void set_it(int slave)
{
    struct termios t;

    say_result("get", tcgetattr(slave, &t));
    say_result("set", tcsetattr(slave, TCSANOW, &t));
}

static void read_ignoring(int slave)
{
    signal(SIGTTIN, SIG_IGN);
    read_it(slave);
}

static void read_orphaned(int slave)
{
    pid_t pid = fork();

    if (pid == 0) {
        char c;

        read(go[0], &c, 1); /* the parent is gone */
        read_it(slave);
        say_result("SIGTSTP", raise(SIGTSTP));
        say(".\n");
        _exit(0);
    }
}

static void say_news(const char *what, pid_t pid)
{
    char line[100];
    int status;

    waitpid(pid, &status, WUNTRACED);
    snprintf(line, sizeof(line), "%s: %s %d\n", what,
             WIFSTOPPED(status)  ? "stops by"
             : WIFEXITED(status) ? "exits"
                                 : "dies of",
             WIFSTOPPED(status)  ? WSTOPSIG(status)
             : WIFEXITED(status) ? WEXITSTATUS(status)
                                 : WTERMSIG(status));
    say(line);
}

static void behind(int slave)
{
    struct termios t;
    int done[2];
    char c;
    pid_t pid = background(slave, read_it);

    say_news("reader", pid);
    kill(pid, SIGKILL);
    say_news("reader", pid);
    say_news("writer", background(slave, write_it));
    tcgetattr(slave, &t);
    t.c_lflag |= TOSTOP;
    tcsetattr(slave, TCSANOW, &t);
    pid = background(slave, write_it);
    say_news("writer with TOSTOP", pid);
    say_result("to the front", tcsetpgrp(slave, pid));
    kill(pid, SIGCONT);
    say_news("writer", pid);
    signal(SIGTTOU, SIG_IGN);
    say_result("back", tcsetpgrp(slave, getpid()));
    signal(SIGTTOU, SIG_DFL);
    pid = background(slave, set_it);
    say_news("setter", pid);
    kill(pid, SIGKILL);
    say_news("setter", pid);
    say_news("reader that ignores", background(slave, read_ignoring));
    pipe(done);
    pipe(go);
    say_news("parent", background(slave, read_orphaned));
    write(go[1], "g", 1);
    close(done[1]);
    read(done[0], &c, 1); /* until the orphan is gone, too */
}

/* ---- typing ---- */

static volatile sig_atomic_t caught;

static void on_signal(int signo)
{
    caught = signo;
}

static void typing(int slave)
{
    char buf[10];
    struct sigaction sa = {.sa_handler = on_signal};

    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGQUIT, &sa, NULL);
    sigaction(SIGTSTP, &sa, NULL);
    sigaction(SIGWINCH, &sa, NULL);
    sigaction(SIGHUP, &sa, NULL);
    say("ready\n.\n");
    for (int i = 0; i < 4; i++) {
        long n = read(slave, buf, 10);
        int e = errno;

        say_result("signal", caught);
        errno = e;
        say_result("read", n);
        say(".\n");
    }
    pause();
    say_result("signal", caught);
    say_result("read", read(slave, buf, 10));
    say_result("write", write(slave, "x", 1));
    say_result("/dev/tty", open("/dev/tty", O_RDWR));
    say(".\n");
}

/* Until the process waits in a call. */
static void asleep(pid_t pid)
{
    char path[64], text[512] = "";
    const char *state = NULL;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    for (int i = 0; i < 60000 && !(state && state[2] == 'S'); i++) {
        int fd = open(path, O_RDONLY);

        usleep(1000);
        read(fd, text, sizeof(text) - 1);
        close(fd);
        state = strrchr(text, ')');
    }
}

static void type_signals(void)
{
    struct winsize size = {.ws_row = 7, .ws_col = 8};
    const char *keys[] = {"\x03", "\x1c", "\x1a"};
    pid_t pid = leader(typing);

    listen_to();
    for (int i = 0; i < 3; i++) {
        asleep(pid);
        write(master, keys[i], 1);
        listen_to();
    }
    asleep(pid);
    ioctl(master, TIOCSWINSZ, &size);
    listen_to();
    asleep(pid);
    close(master);
    listen_to();
    wait_for("leader", pid, 0);
}

/* ---- the leader goes ---- */

static void leave_behind(int slave)
{
    pid_t pid = fork();

    if (pid == 0) {
        struct sigaction sa = {.sa_handler = on_signal};
        sigset_t hup, old;

        sigaction(SIGHUP, &sa, NULL);
        sigemptyset(&hup);
        sigaddset(&hup, SIGHUP);
        sigprocmask(SIG_BLOCK, &hup, &old);
        say(".\n");
        sigsuspend(&old);
        say_result("signal", caught);
        say_result("write", write(slave, "x", 1));
        say_result("/dev/tty", open("/dev/tty", O_RDWR));
        say(".\n");
        _exit(0);
    }
    pause();
}

static void stop_and_leave(int slave)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        struct sigaction sa = {.sa_handler = on_signal};

        setpgid(0, 0);
        sigaction(SIGHUP, &sa, NULL);
        raise(SIGSTOP);
        say_result("went on with", caught);
        say(".\n");
        _exit(0);
    }
    waitpid(pid, &status, WUNTRACED);
    say_result("stopped", WIFSTOPPED(status));
    _exit(0);
}

int main(void)
{
    pid_t pid;

    show_start();
    signal(SIGTTOU, SIG_DFL);
    signal(SIGTTIN, SIG_DFL);
    pipe(tell);
    title("getting and losing a terminal");
    pid = leader(getting);
    listen_to();
    wait_for("leader", pid, 0);
    close(master);
    title("behind");
    pid = leader(behind);
    wait_for("leader", pid, 0);
    listen_to();
    close(master);
    title("typing and hanging up");
    type_signals();
    title("the leader ends");
    pid = leader(leave_behind);
    listen_to();
    kill(pid, SIGKILL);
    wait_for("leader", pid, 0);
    listen_to();
    close(master);
    title("a stopped group is left alone");
    pid = leader(stop_and_leave);
    wait_for("leader", pid, 0);
    listen_to();
    return 0;
}
