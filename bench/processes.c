/* SPDX-License-Identifier: MIT
 *
 * Costs of processes: making them, executing programs in them, talking to
 * them. Prints "NAME VALUE UNIT" a line, the best of several batches, as
 * micro.c does.
 *
 * usage: processes
 */
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;
static char *self;
static int down[2], up[2];

static double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1e9 + ts.tv_nsec;
}

static void reap(pid_t pid)
{
    int status;

    if (pid < 0 || waitpid(pid, &status, 0) != pid || status) {
        perror("child");
        exit(1);
    }
}

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

static void talk(long n)
{
    char c = 0;

    while (n--) {
        if (write(down[1], &c, 1) != 1 || read(up[0], &c, 1) != 1) {
            abort();
        }
    }
    close(down[1]);
    close(up[0]);
}

static void open_pipes(void)
{
    if (pipe(down) || pipe(up)) {
        abort();
    }
}

/* With a child that has executed a program of its own. */
static void op_pipe_exec(long n)
{
    char in[16], out[16];
    pid_t pid;

    open_pipes();
    snprintf(in, sizeof(in), "%d", down[0]);
    snprintf(out, sizeof(out), "%d", up[1]);
    pid = vfork();
    if (pid == 0) {
        close(down[1]);
        close(up[0]);
        execl(self, self, in, out, (char *)NULL);
        _exit(1);
    }
    close(down[0]);
    close(up[1]);
    talk(n);
    reap(pid);
}

/* With a child that shares our addresses. */
static void op_pipe_fork(long n)
{
    pid_t pid;

    open_pipes();
    pid = fork();
    if (pid == 0) {
        close(down[1]);
        close(up[0]);
        echo();
        _exit(0);
    }
    close(down[0]);
    close(up[1]);
    talk(n);
    reap(pid);
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

int main(int argc, char **argv)
{
    cpu_set_t one;

    self = argv[0];
    if (argc > 2) {
        down[0] = atoi(argv[1]);
        up[1] = atoi(argv[2]);
        echo();
        return 0;
    }
    best("fork-exit-wait", op_fork, 50, 20);
    best("vfork-exec-wait", op_vfork_exec, 50, 20);
    best("spawn-true", op_spawn, 20, 10);
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    sched_setaffinity(0, sizeof(one), &one);
    best("pipe-processes", op_pipe_exec, 2000, 10);
    best("pipe-forked", op_pipe_fork, 500, 10);
    return 0;
}
