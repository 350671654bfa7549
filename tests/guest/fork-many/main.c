/* SPDX-License-Identifier: MIT
 * Many at a time and many in a row: processes that live together and know
 * their own number, forks one after the other, threads that live together.
 *
 * usage: fork-many [ALIVE [FORKS [THREADS]]] */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STACK = 64 << 10 };
static int number;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t go = PTHREAD_COND_INITIALIZER;
static int started, going;

static int read_int(int fd)
{
    int value = -1;

    return read(fd, &value, sizeof(value)) == sizeof(value) ? value : -1;
}

/* All are there when the last one tells, and go when the pipe is closed. */
static void alive(int count)
{
    int hold[2], told[2], i, right = 0, reaped = 0, status;
    char c;

    pipe(hold);
    pipe(told);
    for (i = 0; i < count; i++) {
        pid_t pid = fork();

        if (pid < 0) {
            break;
        }
        if (pid == 0) {
            number = i;
            close(hold[1]);
            write(told[1], &number, sizeof(number));
            read(hold[0], &c, 1);
            _exit(number == i ? 7 : 1);
        }
    }
    for (int n = 0; n < i; n++) {
        right += read_int(told[0]) >= 0;
    }
    close(hold[1]);
    while (waitpid(-1, &status, 0) > 0) {
        reaped += WIFEXITED(status) && WEXITSTATUS(status) == 7;
    }
    printf("alive at once: %d, told %d, right %d, own number %d\n", i, right,
           reaped, number);
    close(hold[0]);
    close(told[0]);
    close(told[1]);
}

static void in_a_row(int count)
{
    int good = 0, status;

    for (int i = 0; i < count; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            number = i;
            _exit(i & 63);
        }
        good += pid > 0 && waitpid(pid, &status, 0) == pid &&
                WIFEXITED(status) && WEXITSTATUS(status) == (i & 63);
    }
    printf("in a row: %d of %d\n", good, count);
}

static void *wait_to_go(void *arg)
{
    pthread_mutex_lock(&lock);
    started++;
    while (!going) {
        pthread_cond_wait(&go, &lock);
    }
    pthread_mutex_unlock(&lock);
    return arg;
}

static void threads(int count)
{
    pthread_t *t = calloc(count, sizeof(*t));
    pthread_attr_t attr;
    int i, seen = 0;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK);
    started = going = 0;
    for (i = 0; i < count && !pthread_create(&t[i], &attr, wait_to_go, t);
         i++) {
    }
    while (seen < i) {
        pthread_mutex_lock(&lock);
        seen = started;
        pthread_mutex_unlock(&lock);
        usleep(1000);
    }
    pthread_mutex_lock(&lock);
    going = 1;
    pthread_cond_broadcast(&go);
    pthread_mutex_unlock(&lock);
    for (int n = 0; n < i; n++) {
        pthread_join(t[n], NULL);
    }
    printf("threads at once: %d\n", i);
    free(t);
}

int main(int argc, char **argv)
{
    int count[3] = {100, 500, 500};

    setvbuf(stdout, NULL, _IONBF, 0);
    for (int i = 1; i < argc && i <= 3; i++) {
        count[i - 1] = atoi(argv[i]);
    }
    alive(count[0]);
    in_a_row(count[1]);
    threads(count[2]);
    return 0;
}
