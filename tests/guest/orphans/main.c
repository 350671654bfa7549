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

int main(void)
{
    pthread_t t;
    int status;

    setvbuf(stdout, NULL, _IONBF, 0);
    adopted();
    death_signal();
    pthread_create(&t, NULL, fork_and_end, NULL);
    pthread_join(t, NULL);
    wait(&status);
    printf("a thread's child: %d\n", WEXITSTATUS(status));
    return 0;
}
