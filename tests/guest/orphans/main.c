/* SPDX-License-Identifier: MIT
 * Orphans: they go to the nearest subreaper, which reaps them; what a parent's
 * death sends; children of a thread that ends. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void adopted(void)
{
    pid_t middle, pid;
    int p[2], status, parent_is_us;
    pid_t us = getpid();
    char c;

    pipe(p);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    middle = fork();
    if (middle == 0) {
        int up[2];
        pipe(up);
        if (fork() == 0) {
            close(up[1]);
            read(up[0], &c, 1); /* until the middle one has gone */
            while (getppid() != us) {
                usleep(1000);
            }
            parent_is_us = getppid() == us;
            write(p[1], &parent_is_us, sizeof(int));
            _exit(33);
        }
        _exit(1);
    }
    read(p[0], &parent_is_us, sizeof(int));
    printf("adopted: %d\n", parent_is_us);
    waitpid(middle, &status, 0);
    printf("middle: %d\n", WEXITSTATUS(status));
    pid = wait(&status);
    printf("orphan: %d\n", pid > 0 ? WEXITSTATUS(status) : -1);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
}

static void death_signal(void)
{
    int p[2];
    char c = 0;

    pipe(p);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (fork() == 0) {
        int ready[2];
        pipe(ready);
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            write(ready[1], &c, 1);
            close(p[0]);
            for (;;) {
                pause();
            }
        }
        read(ready[0], &c, 1);
        _exit(0);
    }
    close(p[1]);
    printf("end of file when both have gone: %zd\n", read(p[0], &c, 1));
    while (wait(NULL) > 0) {
    }
}

static void *fork_and_end(void *arg)
{
    if (fork() == 0) {
        usleep(2000);
        _exit(8);
    }
    return NULL;
}

/* A child that leaves a zombie of its own behind: its number. */
static pid_t leave_a_zombie(void)
{
    siginfo_t info;
    pid_t pid;
    int p[2];

    pipe(p);
    if (fork() == 0) {
        signal(SIGCHLD, SIG_DFL);
        pid = fork();
        if (pid == 0) {
            _exit(7);
        }
        waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
        write(p[1], &pid, sizeof(pid));
        _exit(3);
    }
    read(p[0], &pid, sizeof(pid));
    close(p[0]);
    close(p[1]);
    return pid;
}

static int wait_for_all(void)
{
    int count = 0;

    while (wait(NULL) > 0) {
        count++;
    }
    return errno == ECHILD ? count : -1;
}

/* Zombies are news to who adopts them; who ignores SIGCHLD never sees them,
 * nor any child that sends it. */
static void inherited_zombies(void)
{
    sigset_t chld, old;
    siginfo_t info;
    pid_t pid;

    prctl(PR_SET_CHILD_SUBREAPER, 1);
    sigemptyset(&chld);
    sigaddset(&chld, SIGCHLD);
    sigprocmask(SIG_BLOCK, &chld, &old);
    pid = leave_a_zombie();
    sigwaitinfo(&chld, &info);
    printf("first news: %s, status %d\n",
           info.si_pid == pid ? "the zombie" : "the child", info.si_status);
    printf("waited for: %d\n", wait_for_all());
    signal(SIGCHLD, SIG_IGN);
    leave_a_zombie();
    printf("ignored: %d\n", wait_for_all());
    pid = syscall(SYS_clone, 0, NULL, NULL, NULL, 0);
    if (pid == 0) {
        _exit(9);
    }
    printf("without a signal: %d\n", waitpid(pid, NULL, __WCLONE) == pid);
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_SETMASK, &old, NULL);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
}

int main(void)
{
    pthread_t t;
    int status;

    setvbuf(stdout, NULL, _IONBF, 0);
    adopted();
    death_signal();
    inherited_zombies();
    pthread_create(&t, NULL, fork_and_end, NULL);
    pthread_join(t, NULL);
    wait(&status);
    printf("a thread's child: %d\n", WEXITSTATUS(status));
    return 0;
}
