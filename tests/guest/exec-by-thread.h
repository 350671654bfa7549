/* SPDX-License-Identifier: MIT
 *
 * execve(2) by a thread that is not the first, in kinds: by what the others do
 * just then, and by what the program had. Each kind is a process of its own;
 * "after NAME" is the program executed.
 */
#ifndef TESTS_GUEST_EXEC_BY_THREAD_H
#define TESTS_GUEST_EXEC_BY_THREAD_H

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

struct kind {
    const char *name;
    void (*before)(void); /* in the first thread */
    void (*execer)(void); /* in the thread, before it executes; or NULL */
    void (*after)(void);  /* in the new program; or NULL */
};

static const struct kind *kinds;
static size_t kind_count;
static char *program;
static const struct kind *kind;
static pid_t first;
static int ready[2], hold[2];

/* ---- waiting for what others do ---- */

static void until_state(pid_t pid, pid_t tid, char state)
{
    char name[64], text[512], *s = NULL;

    snprintf(name, sizeof(name), "/proc/%d/task/%d/stat", pid, tid);
    while (!s || s[2] != state) {
        FILE *f = fopen(name, "r");

        s = f && fgets(text, sizeof(text), f) ? strrchr(text, ')') : NULL;
        if (f) {
            fclose(f);
        } else if (state == '-') {
            return;
        }
    }
}

static void execute(void)
{
    char *argv[] = {program, (char *)"after", (char *)kind->name, NULL};
    char *none[] = {NULL};

    execve(program, argv, none);
    printf("not executed: %s\n", strerrorname_np(errno));
}

static void *executes(void *arg)
{
    if (kind->execer) {
        kind->execer();
    }
    execute();
    return NULL;
}

static pthread_t spawn(void *(*fn)(void *), void *arg)
{
    pthread_t t;

    if (pthread_create(&t, NULL, fn, arg)) {
        exit(1);
    }
    return t;
}

static void leader_sleeps(void)
{
    until_state(getpid(), getpid(), 'S');
}

/* ---- another thread ---- */

static int sibling_tid;

static void note_sibling(void)
{
    __atomic_store_n(&sibling_tid, gettid(), __ATOMIC_SEQ_CST);
}

static void sibling_sleeps(void)
{
    int tid;

    while (!(tid = __atomic_load_n(&sibling_tid, __ATOMIC_SEQ_CST))) {
        sched_yield();
    }
    until_state(getpid(), tid, 'S');
}

static void sibling(void *(*fn)(void *))
{
    sibling_tid = 0;
    spawn(fn, NULL);
    sibling_sleeps();
}

static void block(int signo)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, signo);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* ---- the new program ---- */

static void status_line(const char *key)
{
    char line[200];
    FILE *f = fopen("/proc/self/status", "r");

    while (fgets(line, sizeof(line), f)) {
        if (!strncmp(line, key, strlen(key))) {
            printf("%s", line);
        }
    }
    fclose(f);
}

static int after(const char *name)
{
    for (size_t i = 0; i < kind_count; i++) {
        if (!strcmp(kinds[i].name, name)) {
            printf("one thread, the first: %d; parent and child agree: %d\n",
                   gettid() == getpid(), getpgrp() == getpid());
            status_line("Threads");
            if (kinds[i].after) {
                ready[0] = 40, ready[1] = 41, hold[0] = 42, hold[1] = 43;
                kinds[i].after();
            }
            return 5;
        }
    }
    return 6;
}

/* ---- the old one ---- */

static void pipes(void)
{
    int p[2];

    pipe(p);
    ready[0] = dup2(p[0], 40);
    ready[1] = dup2(p[1], 41);
    close(p[0]);
    close(p[1]);
    pipe(p);
    hold[0] = dup2(p[0], 42);
    hold[1] = dup2(p[1], 43);
    close(p[0]);
    close(p[1]);
}

static void run(void)
{
    setpgid(0, 0);
    first = getpid();
    pipes();
    if (kind->before) {
        kind->before();
    }
    spawn(executes, NULL);
    if (!kind->before) {
        syscall(SYS_exit, 3);
    }
    for (;;) {
        pause();
    }
}

static void one(const struct kind *k)
{
    int status;
    pid_t pid;

    kind = k;
    title(k->name);
    pid = fork();
    if (!pid) {
        run();
    }
    while (waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status)) {
        printf("stopped\n");
        kill(pid, SIGCONT);
    }
    printf("status %x\n", status & 0xff7f);
}

/* All kinds, or the one that is named; -1: to be gone on with. */
static int exec_by_thread(int argc, char **argv, const struct kind *all,
                          size_t count)
{
    kinds = all;
    kind_count = count;
    setvbuf(stdout, NULL, _IOLBF, 0);
    program = argv[0];
    if (argc == 3) {
        return after(argv[2]);
    }
    show_start();
    for (size_t i = 0; i < count; i++) {
        if (argc == 1 || !strcmp(argv[1], kinds[i].name)) {
            one(&kinds[i]);
        }
    }
    return -1;
}

#endif
