/* SPDX-License-Identifier: MIT
 *
 * getpriority and setpriority: the kernel's 20 - nice, clamping, who may
 * raise, groups and users, threads that have their own, and those of the same
 * user that have more capabilities.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

static void *thread(void *arg)
{
    CALL(getpriority, PRIO_PROCESS, 0);
    CALL(setpriority, PRIO_PROCESS, 0, 7);
    CALL(getpriority, PRIO_PROCESS, 0);
    return NULL;
}

/* A child of the same user, but with all capabilities to be had. */
static pid_t stronger(void)
{
    int p[2];
    pid_t pid;
    char c;

    pipe(p);
    pid = fork();
    if (!pid) {
        setresuid(NOBODY, NOBODY, 0);
        for (write(p[1], "", 1);;) {
            pause();
        }
    }
    read(p[0], &c, 1);
    return pid;
}

static void refused(pid_t other)
{
    struct sched_param none = {0};
    uint64_t mask = 1;

    CALL(getpriority, PRIO_PROCESS, other);
    CALL(setpriority, PRIO_PROCESS, other, 9);
    CALL(setpriority, PRIO_PROCESS, other, -20);
    CALL(sched_setscheduler, other, SCHED_BATCH, &none);
    CALL(sched_setaffinity, other, sizeof(mask), &mask);
    CALL(ioprio_set, 1, other, 3 << 13);
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    CALL(setpriority, PRIO_PROCESS, other, 9);
}

int main(void)
{
    pthread_t t;
    pid_t other;

    show_start();
    setpriority(PRIO_PROCESS, 0, 0); /* whatever the tests were started with */
    CALL(getpriority, PRIO_PROCESS, 0);
    CALL(setpriority, PRIO_PROCESS, 0, 5);
    CALL(getpriority, PRIO_PROCESS, 0);
    CALL(getpriority, PRIO_PROCESS, getpid());
    CALL(setpriority, PRIO_PROCESS, 0, 100);
    CALL(getpriority, PRIO_PROCESS, 0);
    CALL(setpriority, PRIO_PROCESS, 0, -100);
    CALL(getpriority, PRIO_PROCESS, 0);
    CALL(setpriority, PRIO_PROCESS, 0, 2);
    title("threads");
    pthread_create(&t, NULL, thread, NULL);
    pthread_join(t, NULL);
    CALL(getpriority, PRIO_PROCESS, 0);
    title("refusals");
    CALL(getpriority, 3, 0);
    CALL(getpriority, -1, 0);
    CALL(setpriority, 3, 0, 0);
    CALL(getpriority, PRIO_PROCESS, 0x3ffffff);
    CALL(setpriority, PRIO_PROCESS, 0x3ffffff, 0);
    CALL(getpriority, PRIO_PGRP, 0x3ffffff);
    CALL(getpriority, PRIO_USER, 54321);
    CALL(setpriority, PRIO_USER, 54321, 0);
    title("a zombie");
    pid_t pid = fork();
    if (!pid) {
        _exit(0);
    }
    waitid(P_PID, pid, NULL, WEXITED | WNOWAIT);
    CALL(setpriority, PRIO_PROCESS, pid, 9);
    CALL(getpriority, PRIO_PROCESS, pid);
    title("nobody");
    other = stronger();
    setresuid(NOBODY, NOBODY, NOBODY);
    CALL(setpriority, PRIO_PROCESS, 0, 1);
    CALL(setpriority, PRIO_PROCESS, 0, 2);
    CALL(setpriority, PRIO_PROCESS, 0, 3);
    CALL(setpriority, PRIO_PROCESS, 0, 2);
    CALL(getpriority, PRIO_PROCESS, 0);
    CALL(setpriority, PRIO_PROCESS, pid, 9);
    title("who has more rights");
    refused(other);
    return 0;
}
