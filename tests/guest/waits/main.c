/* SPDX-License-Identifier: MIT
 * wait4(2) and waitid(2): who is waited for, by which options, what is told,
 * and what is left. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t child(int code)
{
    pid_t pid = fork();

    if (pid == 0) {
        if (code < 0) {
            for (;;) {
                pause();
            }
        }
        _exit(code);
    }
    return pid;
}

static void show(const char *what, int result, const siginfo_t *i, pid_t pid)
{
    printf("%s: %d", what, result < 0 ? -errno : 0);
    if (result == 0) {
        printf(" signo %d code %d status %d pid %d", i->si_signo, i->si_code,
               i->si_status, i->si_pid == pid);
    }
    printf("\n");
}

static void by_id(void)
{
    pid_t a = child(1), b = child(2);
    siginfo_t i;
    int status, r;

    memset(&i, 0, sizeof(i));
    r = waitid(P_PID, (id_t)b, &i, WEXITED | WNOWAIT);
    show("NOWAIT", r, &i, b);
    r = waitid(P_PID, (id_t)b, &i, WEXITED);
    show("again", r, &i, b);
    r = waitid(P_PID, (id_t)b, &i, WEXITED);
    show("gone", r, &i, b);
    printf("a: %d, status %d\n", waitpid(a, &status, 0) == a,
           WEXITSTATUS(status));
    printf("none: %d %s\n", wait(NULL), strerror(errno));
    printf("none, WNOHANG: %d %s\n", waitpid(-1, NULL, WNOHANG),
           strerror(errno));
}

static void by_group(void)
{
    pid_t a = child(-1), b = child(-1);
    int status;

    setpgid(a, a);
    setpgid(b, a);
    printf("nobody yet: %d\n", waitpid(-a, NULL, WNOHANG));
    kill(-a, SIGTERM);
    for (int n = 0; n < 2; n++) {
        pid_t got = waitpid(-a, &status, 0);
        printf("of the group: %d by %d\n", got == a || got == b,
               WTERMSIG(status));
    }
    printf("group gone: %d %s\n", waitpid(-a, NULL, 0), strerror(errno));
}

static void stopping(void)
{
    pid_t a = child(-1);
    siginfo_t i;
    int status;

    kill(a, SIGSTOP);
    printf("stopped: %d %d by %d\n", waitpid(a, &status, WUNTRACED) == a,
           WIFSTOPPED(status), WSTOPSIG(status));
    printf("once: %d\n", waitpid(a, &status, WUNTRACED | WNOHANG));
    kill(a, SIGCONT);
    memset(&i, 0, sizeof(i));
    show("continued", waitid(P_PID, (id_t)a, &i, WCONTINUED), &i, a);
    kill(a, SIGKILL);
    show("killed", waitid(P_ALL, 0, &i, WEXITED), &i, a);
}

static void usage(void)
{
    struct rusage u;
    int status;
    pid_t a = fork();

    if (a == 0) {
        volatile unsigned long n = 0;
        while (n < 30000000) {
            n++;
        }
        _exit(0);
    }
    wait4(a, &status, 0, &u);
    printf("used time: %d",
           u.ru_utime.tv_sec * 1000000 + u.ru_utime.tv_usec > 0);
    getrusage(RUSAGE_CHILDREN, &u);
    printf(", in sum: %d\n",
           u.ru_utime.tv_sec * 1000000 + u.ru_utime.tv_usec > 0);
}

static void refusals(void)
{
    siginfo_t i;
    pid_t child = fork();

    if (child == 0) {
        _exit(0);
    }
    waitid(P_PID, child, &i, WEXITED | WNOWAIT);
    errno = 0; /* of a zombie there is nothing but its end to wait for */
    printf("%d", waitid(P_ALL, 0, &i, WSTOPPED));
    printf(" %s\n", strerror(errno));
    printf("%d\n", waitid(P_PID, child, &i, WEXITED));
    errno = 0;
    printf("%d", waitid(P_ALL, 0, &i, 0));
    printf(" %s\n", strerror(errno));
    printf("%d", waitpid(-1, NULL, 0x100));
    printf(" %s\n", strerror(errno));
    printf("%d", waitid((idtype_t)77, 0, &i, WEXITED));
    printf(" %s\n", strerror(errno));
    printf("%d", waitpid(1 << 21, NULL, 0));
    printf(" %s\n", strerror(errno));
}

static void say(const char *what, int result)
{
    printf("%s: %s\n", what, result < 0 ? strerror(errno) : "found");
}

static int go[2];
static bool found_own;

/* Waits for the first of its children, and lets others have the second when
 * they said so. */
static void *makes_two(void *arg)
{
    pid_t first = child(1);
    char c;

    found_own = waitpid(first, NULL, __WNOTHREAD) == first;
    child(2);
    write(*(int *)arg, "", 1);
    read(go[0], &c, 1);
    return NULL;
}

/* __WNOTHREAD: no children of other threads. Those of one that ended are
 * another's. */
static void by_thread(void)
{
    pthread_t t;
    int made[2];
    siginfo_t i;
    char c;

    pipe(go);
    pipe(made);
    for (int n = 0; n < 2; n++) {
        pthread_create(&t, NULL, makes_two, &made[1]);
        read(made[0], &c, 1);
        say("before it ends",
            waitid(P_ALL, 0, &i, WEXITED | WNOWAIT | __WNOTHREAD));
        write(go[1], "", 1);
        pthread_join(t, NULL);
        printf("its own: %d\n", found_own);
        /* It is gone some time after the join. */
        while (n ? waitid(P_ALL, 0, &i, WEXITED | __WNOTHREAD)
                 : waitpid(-1, NULL, __WNOTHREAD) < 0) {
            usleep(1000);
        }
        say("after that", waitpid(-1, NULL, __WNOTHREAD));
    }
}

static void *waits_for(void *arg)
{
    siginfo_t i;

    say("another's", waitpid(*(pid_t *)arg, NULL, __WNOTHREAD));
    say("another's, by waitid",
        waitid(P_PID, *(pid_t *)arg, &i, WEXITED | __WNOTHREAD));
    say("anybody's", waitpid(*(pid_t *)arg, NULL, 0));
    return NULL;
}

/* Whom it traces a process finds whatever its signal is. */
static void traced(void)
{
    pthread_t t;
    siginfo_t i;
    pid_t pid = child(4);

    pthread_create(&t, NULL, waits_for, &pid);
    pthread_join(t, NULL);
    pid = fork();
    if (!pid) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        _exit(0);
    }
    waitid(P_PID, pid, &i, WEXITED | WNOWAIT);
    say("traced", waitpid(pid, NULL, __WCLONE));
    pid = child(5);
    say("not traced", waitpid(pid, NULL, __WCLONE));
    say("at all", waitpid(pid, NULL, 0));
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    by_id();
    by_group();
    stopping();
    usage();
    refusals();
    by_thread();
    traced();
    return 0;
}
