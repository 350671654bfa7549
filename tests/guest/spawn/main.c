/* SPDX-License-Identifier: MIT
 * posix_spawn(3), system(3), popen(3): programs of all kinds as children, with
 * file actions and attributes, also from several threads at once. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int finish(pid_t pid)
{
    int status = -1;

    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void with_actions(void)
{
    char *argv[] = {"sh", "-c", "cat; echo $VALUE; exit 9", NULL};
    char *env[] = {"VALUE=7", "PATH=/bin:/usr/bin", NULL};
    posix_spawn_file_actions_t fa;
    posix_spawnattr_t attr;
    sigset_t set;
    int p[2];
    pid_t pid;
    int err;
    char buf[64];
    ssize_t n;

    pipe(p);
    write(p[1], "from a pipe\n", 12);
    close(p[1]);
    posix_spawn_file_actions_init(&fa);
    posix_spawn_file_actions_adddup2(&fa, p[0], 0);
    posix_spawn_file_actions_addopen(&fa, 1, "/tmp/spawned",
                                     O_CREAT | O_TRUNC | O_WRONLY, 0600);
    posix_spawnattr_init(&attr);
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    posix_spawnattr_setsigdefault(&attr, &set);
    posix_spawnattr_setpgroup(&attr, 0);
    posix_spawnattr_setflags(&attr,
                             POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    err = posix_spawn(&pid, "/bin/sh", &fa, &attr, argv, env);
    printf("err %d status %d\n", err, finish(pid));
    close(p[0]);
    p[0] = open("/tmp/spawned", O_RDONLY);
    n = read(p[0], buf, sizeof(buf));
    printf("%.*s", (int)n, buf);
    err = posix_spawn(&pid, "/bin/nothing", NULL, NULL, argv, env);
    printf("nothing: %s\n", strerror(err));
    unlink("/tmp/spawned");
}

static void *from_thread(void *arg)
{
    char *argv[] = {"true", NULL};
    long good = 0;

    for (int i = 0; i < 10; i++) {
        pid_t pid;
        if (posix_spawnp(&pid, "true", NULL, NULL, argv, environ) == 0) {
            good += finish(pid) == 0;
        }
    }
    return (void *)good;
}

static void *runs_of_one(void *program)
{
    char *argv[] = {program, "0", NULL};
    long good = 0;

    for (int i = 0; i < 500; i++) {
        pid_t pid;
        int err = posix_spawn(&pid, program, NULL, NULL, argv, environ);
        good += !err && finish(pid) == 1;
    }
    return (void *)good;
}

/* The sum of what three threads count. */
static long three(void *(*count)(void *), void *arg)
{
    pthread_t t[3];
    long sum = 0;

    for (int i = 0; i < 3; i++) {
        pthread_create(&t[i], NULL, count, arg);
    }
    for (int i = 0; i < 3; i++) {
        void *n;
        pthread_join(t[i], &n);
        sum += (long)n;
    }
    return sum;
}

/* An argument: a program with fixed addresses (nonpie) that mostly begins when
 * another run of it has its place, or gives it up just then. */
int main(int argc, char **argv)
{
    FILE *f;
    char line[64] = "";
    int in[2];
    char *wc[] = {"wc", "-c", NULL};

    setvbuf(stdout, NULL, _IONBF, 0);
    if (argc > 1) {
        printf("runs: %ld\n", three(runs_of_one, argv[1]));
        return 0;
    }
    with_actions();
    printf("from threads: %ld\n", three(from_thread, NULL));
    printf("system: %d\n", WEXITSTATUS(system("echo from system; exit 6")));
    f = popen("echo from popen | tr a-z A-Z", "r");
    fgets(line, sizeof(line), f);
    printf("%s%d\n", line, pclose(f));
    pipe(in);
    if (fork() == 0) {
        dup2(in[0], 0);
        close(in[0]);
        close(in[1]);
        execvp(wc[0], wc);
        _exit(1);
    }
    close(in[0]);
    for (int i = 0; i < 100; i++) {
        write(in[1], line, sizeof(line));
    }
    close(in[1]);
    wait(NULL);
    return 0;
}
