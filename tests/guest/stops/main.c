/* SPDX-License-Identifier: MIT
 *
 * Stopping and continuing children: wait statuses, SIGCHLD's siginfo,
 * SA_NOCLDSTOP, SA_NOCLDWAIT, signals that cancel each other, and signals to
 * groups.
 */
#include "tests/guest/show.h"
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static volatile sig_atomic_t news;
static siginfo_t last;
static int fds[2];

static void on_child(int signo, siginfo_t *info, void *context)
{
    last = *info;
    news++;
}

static void show_last(pid_t pid)
{
    printf("SIGCHLD %d: code %d status %d pid %d\n", news, last.si_code,
           last.si_status, last.si_pid == pid);
}

static void show_wait(pid_t pid, int options)
{
    int status = -1;
    pid_t got = waitpid(pid, &status, options);

    printf("waitpid: %s %#x\n",
           got == pid ? "child"
           : got == 0 ? "nothing"
                      : strerrorname_np(errno),
           status);
}

static void show_waitid(pid_t pid, int options)
{
    siginfo_t info = {0};
    long r = waitid(P_PID, pid, &info, options);

    printf("waitid: %ld %s signo %d code %d status %d\n", r,
           r ? strerrorname_np(errno) : "", info.si_signo, info.si_code,
           info.si_status);
}

static pid_t sleeper(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        for (;;) {
            pause();
        }
    }
    return pid;
}

static void *spin(void *arg)
{
    for (;;) {
        ++*(volatile int *)arg;
    }
    return NULL;
}

static void stop_and_go(void)
{
    pid_t pid = sleeper();

    title("stop and go");
    show_wait(pid, WNOHANG | WUNTRACED | WCONTINUED);
    kill(pid, SIGSTOP);
    show_waitid(pid, WSTOPPED | WNOWAIT);
    show_last(pid);
    show_wait(pid, WNOHANG);
    show_wait(pid, WUNTRACED);
    show_wait(pid, WNOHANG | WUNTRACED);
    kill(pid, SIGSTOP);
    kill(pid, SIGTERM);
    show_wait(pid, WNOHANG | WUNTRACED);
    kill(pid, SIGCONT);
    show_wait(pid, 0);
    pid = sleeper();
    kill(pid, SIGSTOP);
    show_wait(pid, WUNTRACED);
    kill(pid, SIGCONT);
    show_waitid(pid, WCONTINUED);
    show_wait(pid, WNOHANG | WCONTINUED);
    kill(pid, SIGTSTP);
    show_waitid(pid, WSTOPPED);
    kill(pid, SIGKILL);
    show_waitid(pid, WEXITED);
}

static void compute(void)
{
    static volatile int count[2];
    pid_t pid;
    pthread_t t;

    title("threads that compute stop");
    pid = fork();
    if (pid == 0) {
        pthread_create(&t, NULL, spin, (void *)&count[0]);
        spin((void *)&count[1]);
    }
    kill(pid, SIGSTOP);
    show_wait(pid, WUNTRACED);
    kill(pid, SIGCONT);
    show_wait(pid, WCONTINUED);
    kill(pid, SIGKILL);
    show_wait(pid, 0);
}

static void cancel(void)
{
    sigset_t set;
    pid_t pid;

    title("stop and continue cancel each other");
    pid = fork();
    if (pid == 0) {
        sigfillset(&set);
        sigprocmask(SIG_BLOCK, &set, NULL);
        raise(SIGTSTP);
        raise(SIGCONT);
        sigpending(&set);
        printf("TSTP %d CONT %d\n", sigismember(&set, SIGTSTP),
               sigismember(&set, SIGCONT));
        pthread_kill(pthread_self(), SIGTTIN);
        sigpending(&set);
        printf("TTIN %d CONT %d\n", sigismember(&set, SIGTTIN),
               sigismember(&set, SIGCONT));
        raise(SIGCONT);
        sigpending(&set);
        printf("TTIN %d CONT %d\n", sigismember(&set, SIGTTIN),
               sigismember(&set, SIGCONT));
        fflush(stdout);
        _exit(0);
    }
    show_wait(pid, 0);
}

static void flags(void)
{
    struct sigaction sa = {.sa_sigaction = on_child};
    pid_t pid;

    title("SA_NOCLDSTOP");
    sa.sa_flags = SA_SIGINFO | SA_NOCLDSTOP | SA_RESTART;
    sigaction(SIGCHLD, &sa, NULL);
    news = 0;
    pid = sleeper();
    kill(pid, SIGSTOP);
    show_wait(pid, WUNTRACED);
    kill(pid, SIGCONT);
    show_wait(pid, WCONTINUED);
    printf("news %d\n", news);
    kill(pid, SIGKILL);
    show_wait(pid, 0);
    show_last(pid);
    title("SA_NOCLDWAIT");
    sa.sa_flags = SA_SIGINFO | SA_NOCLDWAIT | SA_RESTART;
    sigaction(SIGCHLD, &sa, NULL);
    news = 0;
    pid = sleeper();
    kill(pid, SIGKILL);
    show_wait(pid, 0);
    show_last(pid);
    title("SIGCHLD ignored");
    signal(SIGCHLD, SIG_IGN);
    pid = sleeper();
    kill(pid, SIGKILL);
    show_wait(pid, 0);
    signal(SIGCHLD, SIG_DFL);
}

static pid_t member(pid_t group)
{
    pid_t pid = fork();

    if (pid == 0) {
        setpgid(0, group);
        write(fds[1], "r", 1);
        for (;;) {
            pause();
        }
    }
    setpgid(pid, group ? group : pid);
    return pid;
}

static void groups(void)
{
    pid_t a, b, c;
    char buf[3];

    title("signals to groups");
    pipe(fds);
    a = member(0);
    b = member(a);
    c = member(0);
    for (int i = 0; i < 3; i++) {
        read(fds[0], buf, 1);
    }
    SHOW(kill(-a, 0));
    SHOW(killpg(a, SIGUSR1));
    show_wait(a, 0);
    show_wait(b, 0);
    show_wait(c, WNOHANG);
    SHOW(kill(-a, 0));
    SHOW(kill(c, SIGINT));
    show_wait(c, 0);
    SHOW(kill(c, 0));
    SHOW(kill(-c, SIGINT));
    SHOW(kill(c, 99));
}

static void cores(void)
{
    struct rlimit none = {0, 0};
    int signals[] = {SIGQUIT, SIGSEGV, SIGABRT, SIGTERM};

    title("no core without a limit for it");
    setrlimit(RLIMIT_CORE, &none);
    for (size_t i = 0; i < COUNT(signals); i++) {
        pid_t pid = fork();

        if (pid == 0) {
            kill(getpid(), signals[i]);
            pause();
        }
        show_wait(pid, 0);
    }
}

int main(void)
{
    struct sigaction sa = {.sa_sigaction = on_child,
                           .sa_flags = SA_SIGINFO | SA_RESTART};

    show_start();
    sigaction(SIGCHLD, &sa, NULL);
    stop_and_go();
    compute();
    cancel();
    flags();
    groups();
    cores();
    return 0;
}
