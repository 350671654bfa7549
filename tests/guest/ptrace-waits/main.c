/* SPDX-License-Identifier: MIT
 *
 * In which order wait(2) tells of children and of those that are traced:
 * children first, oldest first, also those that we trace; then other tracees,
 * the newest first. A tracee whose parent we become is told of once. Also who
 * is the tracer, which is one thread, and what its end does.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include "tests/guest/traced.h"

enum { COUNT = 4 };
static const int order[COUNT] = {1, 3, 0, 2};

static int sleeper(void)
{
    int pid = fork();

    while (!pid) {
        pause();
    }
    return pid;
}

/* Until pid is in this state, as ps(1) shows it. */
static void until(int pid, char state)
{
    char name[64], text[256], *s = NULL;

    snprintf(name, sizeof(name), "/proc/%d/stat", pid);
    while (!s || s[2] != state) {
        FILE *f = fopen(name, "r");

        s = f && fgets(text, sizeof(text), f) ? strrchr(text, ')') : NULL;
        if (f) {
            fclose(f);
        }
    }
}

static void tell(const char *what, const int *pids, int options)
{
    int status, got = waitpid(-1, &status, options);

    for (int i = 0; i < COUNT; i++) {
        if (got > 0 && pids[i] == got) {
            printf("%s: %d, status %x\n", what, i, status);
            return;
        }
    }
    printf("%s: %s\n", what,
           got < 0 ? strerrorname_np(errno)
           : got   ? "another"
                   : "nobody");
}

static void attach_all(const int *pids)
{
    for (int i = 0; i < COUNT; i++) {
        PT(PTRACE_ATTACH, pids[order[i]], 0, 0);
        until(pids[order[i]], 't');
    }
}

static void kill_all(const int *pids)
{
    for (int i = 0; i < COUNT; i++) {
        kill(pids[order[i]], SIGKILL);
        until(pids[order[i]], 'Z');
    }
}

static void children(void)
{
    int pids[COUNT];

    for (int i = 0; i < COUNT; i++) {
        pids[i] = sleeper();
    }
    attach_all(pids);
    tell("a child stopped, not for WCLONE", pids, WNOHANG | __WCLONE);
    for (int i = 0; i < COUNT; i++) {
        tell("a child stopped", pids, WNOHANG);
    }
    kill_all(pids);
    for (int i = 0; i < COUNT; i++) {
        tell("a child ended", pids, WNOHANG);
    }
    tell("no more", pids, WNOHANG);
}

/* A child with children of its own. */
static int middle(int *grandchildren)
{
    int p[2], pid;

    if (pipe(p)) {
        exit(1);
    }
    pid = fork();
    if (!pid) {
        for (int i = 0; i < COUNT; i++) {
            grandchildren[i] = sleeper();
        }
        for (write(p[1], grandchildren, COUNT * sizeof(int));;) {
            pause();
        }
    }
    if (read(p[0], grandchildren, COUNT * sizeof(int)) < 0) {
        exit(1);
    }
    return pid;
}

static void others(void)
{
    int pids[COUNT], child, status;

    child = middle(pids);
    attach_all(pids);
    kill(child, SIGSTOP);
    until(child, 'T');
    printf("the child first: %d\n",
           waitpid(-1, &status, WNOHANG | WUNTRACED) == child);
    for (int i = 0; i < COUNT; i++) {
        tell("a grandchild stopped", pids, WNOHANG);
    }
    kill_all(pids);
    for (int i = 0; i < COUNT / 2; i++) {
        tell("a grandchild ended", pids, WNOHANG);
    }
    kill(child, SIGKILL);
    until(child, 'Z');
    printf("the child first: %d\n", waitpid(-1, &status, WNOHANG) == child);
    /* The rest are our own now; those that were told of already come, too. */
    for (int i = 0, left = 0; i < COUNT; i++) {
        left += waitpid(pids[i], &status, WNOHANG) == pids[i];
        printf("up to number %d: %d\n", i, left);
    }
    tell("no more", pids, WNOHANG);
}

/* ---- the tracer is a thread ---- */

static int traced;

static void *asks(void *arg)
{
    int status;

    PT(PTRACE_PEEKUSER, traced, 0, 0);
    PT(PTRACE_CONT, traced, 0, 0);
    printf("not waited for with WNOTHREAD: %d\n",
           waitpid(traced, &status, WNOHANG | __WNOTHREAD | __WALL));
    printf("waited for: %d\n", waitpid(traced, &status, WNOHANG) == traced);
    return NULL;
}

static void *attaches(void *arg)
{
    PT(PTRACE_SEIZE, traced, 0, PTRACE_O_EXITKILL * (arg != NULL));
    PT(PTRACE_INTERRUPT, traced, 0, 0);
    until(traced, 't');
    return NULL;
}

static void by_thread(void *(*fn)(void *), void *arg)
{
    pthread_t thread;

    pthread_create(&thread, NULL, fn, arg);
    pthread_join(thread, NULL);
}

static void threads(void)
{
    traced = sleeper();
    PT(PTRACE_ATTACH, traced, 0, 0);
    until(traced, 't');
    by_thread(asks, NULL);
    PT(PTRACE_DETACH, traced, 0, 0);
    by_thread(attaches, NULL);
    until(traced, 'S');
    by_thread(attaches, traced ? &traced : NULL);
    wait_for(traced);
}

/* ---- ends ---- */

/* Who ignores its children still waits for those that it traces. */
static void ignored(void)
{
    int pids[COUNT], child;

    signal(SIGCHLD, SIG_IGN);
    child = middle(pids);
    attach_all(pids);
    PT(PTRACE_ATTACH, child, 0, 0);
    until(child, 't');
    kill_all(pids);
    kill(child, SIGKILL);
    until(child, 'Z');
    wait_for(child);
    for (int i = 0; i < COUNT; i++) {
        tell("a grandchild ended", pids, WNOHANG);
    }
    tell("no more", pids, WNOHANG);
    signal(SIGCHLD, SIG_DFL);
}

static void ends(void)
{
    syscall(SYS_exit, 5);
}

/* The last thread's exit is the process's: nothing changes its status. */
static void killed_late(void)
{
    int pid = start(ends);

    PT(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXIT);
    PT(PTRACE_CONT, pid, 0, 0);
    wait_for(pid);
    SHOW(kill(pid, SIGKILL));
    PT(PTRACE_CONT, pid, 0, 0);
    wait_for(pid);
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    children();
    others();
    threads();
    ignored();
    killed_late();
    return 0;
}
