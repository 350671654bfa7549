/* SPDX-License-Identifier: MIT
 *
 * Costs of processes: making them, executing programs in them, talking to
 * them. Prints "NAME VALUE UNIT" a line, the best of several batches, as
 * micro.c does.
 *
 * usage: processes (by itself with more: the other end)
 */
#include "bench/bench.h"
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 65536 };

extern char **environ;
static char *self;
static int down[2], up[2];

static void op_fork(long n)
{
    while (n--) {
        pid_t pid = fork();

        if (pid == 0) {
            _exit(0);
        }
        reap(pid);
    }
}

static void op_vfork_exec(long n)
{
    while (n--) {
        pid_t pid = vfork();

        if (pid == 0) {
            execl("/test/tiny", "tiny", (char *)NULL);
            _exit(1);
        }
        reap(pid);
    }
}

static void op_spawn(long n)
{
    char *argv[] = {"true", NULL};

    while (n--) {
        pid_t pid;

        if (posix_spawn(&pid, "/usr/bin/true", NULL, NULL, argv, environ)) {
            perror("spawn");
            exit(1);
        }
        reap(pid);
    }
}

static void echo(void)
{
    char c;

    while (read(down[0], &c, 1) == 1) {
        if (write(up[1], &c, 1) != 1) {
            break;
        }
    }
}

/* One that ends when it has read `down` to its end. */
static void swallow(void)
{
    static char block[BLOCK];

    while (read(down[0], block, BLOCK) > 0) {
    }
}

static void talk(long n)
{
    char c = 0;

    while (n--) {
        if (write(down[1], &c, 1) != 1 || read(up[0], &c, 1) != 1) {
            abort();
        }
    }
}

static void pour(long n)
{
    static char block[BLOCK];

    while (n--) {
        if (write(down[1], block, BLOCK) != BLOCK) {
            abort();
        }
    }
}

static void open_pipes(void)
{
    if (pipe(down) || pipe(up)) {
        abort();
    }
}

static void open_sockets(void)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || pipe(up)) {
        abort();
    }
    down[0] = pair[0];
    down[1] = pair[1];
}

static void keep_ours(void)
{
    close(down[0]);
    close(up[1]);
}

static void keep_childs(void)
{
    close(down[1]);
    close(up[0]);
}

/* A child that has executed a program of its own: role is its argument. */
static pid_t start_exec(const char *role)
{
    char in[16], out[16];
    pid_t pid;

    snprintf(in, sizeof(in), "%d", down[0]);
    snprintf(out, sizeof(out), "%d", up[1]);
    pid = vfork();
    if (pid == 0) {
        keep_childs();
        execl(self, self, in, out, role, (char *)NULL);
        _exit(1);
    }
    keep_ours();
    return pid;
}

/* One that shares our addresses. */
static pid_t start_fork(const char *role)
{
    pid_t pid = fork();

    if (pid == 0) {
        keep_childs();
        echo();
        _exit(0);
    }
    keep_ours();
    return pid;
}

static void best(const char *name, void (*fn)(long), long n, int batches)
{
    double least = 1e18;

    fn(n / 10 + 1);
    for (int i = 0; i < batches; i++) {
        double t = now();

        fn(n);
        t = (now() - t) / n;
        least = t < least ? t : least;
    }
    printf("%s %.1f ns\n", name, least);
    fflush(stdout);
}

/* What goes on between two processes, once both run. */
static void between(const char *name, void (*open)(void),
                    pid_t (*start)(const char *), const char *role,
                    void (*fn)(long), long n, int batches)
{
    pid_t pid;

    open();
    pid = start(role);
    best(name, fn, n, batches);
    keep_childs();
    reap(pid);
}

int main(int argc, char **argv)
{
    cpu_set_t one;

    self = argv[0];
    if (argc > 3) {
        down[0] = atoi(argv[1]);
        up[1] = atoi(argv[2]);
        (*argv[3] == 'e' ? echo : swallow)();
        return 0;
    }
    best("fork-exit-wait", op_fork, 50, 20);
    best("vfork-exec-wait", op_vfork_exec, 50, 20);
    best("spawn-true", op_spawn, 20, 10);
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    sched_setaffinity(0, sizeof(one), &one);
    between("pipe-processes", open_pipes, start_exec, "echo", talk, 1000, 20);
    between("pipe-64k-block", open_pipes, start_exec, "swallow", pour, 500, 20);
    between("unix-64k-block", open_sockets, start_exec, "swallow", pour, 500,
            20);
    between("pipe-forked", open_pipes, start_fork, NULL, talk, 500, 10);
    return 0;
}
