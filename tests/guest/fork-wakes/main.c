/* SPDX-License-Identifier: MIT
 * fork(2), the first of a program, while its other threads wake each other.
 * Each run is one of a file of its own, so that it finds nothing of the last
 * one. */
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RUNS = 10, SLEEPERS = 3 };

extern char **environ;
static atomic_int word, stop, awake;

static long futex(int op, int val)
{
    return syscall(SYS_futex, &word, op | FUTEX_PRIVATE_FLAG, val, NULL, NULL,
                   0);
}

static void *sleeps(void *arg)
{
    while (!stop) {
        futex(FUTEX_WAIT, 0);
        awake++;
    }
    return NULL;
}

static void *wakes(void *arg)
{
    while (!stop) {
        futex(FUTEX_WAKE, 1);
    }
    return NULL;
}

/* The exit status: 0 for a child that ended well. */
static int fork_once(void)
{
    pthread_t t[SLEEPERS + 1];
    int status;
    pid_t pid;

    for (int i = 0; i < SLEEPERS; i++) {
        pthread_create(&t[i], NULL, sleeps, NULL);
    }
    pthread_create(&t[SLEEPERS], NULL, wakes, NULL);
    usleep(2000); /* mostly they are at it then */
    pid = fork();
    if (pid == 0) {
        _exit(7);
    }
    if (waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 7) {
        return 1;
    }
    status = awake;
    while (awake == status) { /* they go on */
        sched_yield();
    }
    return 0;
}

static void copy_self(const char *to)
{
    int in = open("/proc/self/exe", O_RDONLY);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    char buf[65536];
    ssize_t n;

    while ((n = read(in, buf, sizeof(buf))) > 0) {
        write(out, buf, n);
    }
    close(in);
    close(out);
}

int main(int argc, char **argv)
{
    int good = 0, status;

    if (argc > 1) {
        _exit(fork_once());
    }
    for (int i = 0; i < RUNS; i++) {
        char path[] = "/tmp/fork-wakes-x";
        char *args[] = {path, "once", NULL};
        pid_t pid;

        path[sizeof(path) - 2] = (char)('a' + i);
        copy_self(path);
        if (posix_spawn(&pid, path, NULL, NULL, args, environ) == 0 &&
            waitpid(pid, &status, 0) == pid) {
            good += status == 0;
        }
        unlink(path);
    }
    printf("%d of %d\n", good, RUNS);
    return 0;
}
