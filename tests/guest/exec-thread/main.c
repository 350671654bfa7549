/* SPDX-License-Identifier: MIT
 *
 * execve from a thread that is not the first, while others sleep, compute
 * and hold locks: one thread is left, with the process's number.
 */
#include <pthread.h>
#include <signal.h>
#include "tests/guest/show.h"

static char pid[20];

static void *sleeps(void *arg)
{
    pause();
    return NULL;
}

static void *computes(void *arg)
{
    for (volatile long i = 0;; i++) {
    }
    return NULL;
}

static void *reads(void *arg)
{
    char c;

    read(*(int *)arg, &c, 1);
    return NULL;
}

static void *executes(void *arg)
{
    char *argv[] = {(char *)"exec-thread", (char *)arg, pid, NULL};
    char *none[] = {NULL};

    usleep(50000);
    printf("in the main thread %d\n", gettid() == getpid());
    execve("/test/exec-thread", argv, none);
    puts(strerrorname_np(errno));
    return NULL;
}

static void many(const char *next)
{
    static int p[2];
    pthread_t t;

    pipe(p);
    sprintf(pid, "%d", getpid());
    pthread_create(&t, NULL, sleeps, NULL);
    pthread_create(&t, NULL, computes, NULL);
    pthread_create(&t, NULL, reads, &p[0]);
    pthread_create(&t, NULL, executes, (void *)next);
}

static void look(const char *old_pid)
{
    char line[100];
    FILE *f = fopen("/proc/self/status", "r");

    while (fgets(line, sizeof(line), f)) {
        if (!strncmp(line, "Threads:", 8)) {
            printf("%s", line);
        }
    }
    fclose(f);
    printf("the same process %d, its first thread %d\n",
           getpid() == atoi(old_pid), gettid() == getpid());
}

int main(int argc, char **argv)
{
    show_start();
    if (argc == 1) {
        many("second");
        syscall(SYS_exit, 0);
    }
    look(argv[2]);
    if (argv[1][0] == 's') {
        many("third");
        for (;;) {
            usleep(10000);
        }
    }
    return 33;
}
