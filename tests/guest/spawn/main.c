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

int main(void)
{
    pthread_t t[3];
    long good = 0;
    FILE *f;
    char line[64] = "";
    int in[2];
    char *argv[] = {"wc", "-c", NULL};

    setvbuf(stdout, NULL, _IONBF, 0);
    with_actions();
    for (int i = 0; i < 3; i++) {
        pthread_create(&t[i], NULL, from_thread, NULL);
    }
    for (int i = 0; i < 3; i++) {
        void *n;
        pthread_join(t[i], &n);
        good += (long)n;
    }
    printf("from threads: %ld\n", good);
    printf("system: %d\n", WEXITSTATUS(system("echo from system; exit 6")));
    f = popen("echo from popen | tr a-z A-Z", "r");
    fgets(line, sizeof(line), f);
    printf("%s%d\n", line, pclose(f));
    pipe(in);
    if (fork() == 0) {
        dup2(in[0], 0);
        close(in[0]);
        close(in[1]);
        execvp(argv[0], argv);
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
