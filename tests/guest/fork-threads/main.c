/* SPDX-License-Identifier: MIT
 * fork(2) from a program with threads: the child has only the one that forked;
 * the others go on in the parent, which forks from several threads. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, FORKS = 15 };
static atomic_int stop, spins, good;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long guarded[2];

static void *spin(void *arg)
{
    while (!stop) {
        pthread_mutex_lock(&lock);
        guarded[0]++;
        guarded[1]++;
        pthread_mutex_unlock(&lock);
        spins++;
    }
    return NULL;
}

static void *child_thread(void *arg)
{
    *(int *)arg = 21;
    return NULL;
}

static void *forker(void *arg)
{
    for (int i = 0; i < FORKS; i++) {
        int status;
        pid_t pid;

        pthread_mutex_lock(&lock); /* so that the child has it */
        pid = fork();
        if (pid == 0) {
            pthread_t t;
            int value = 0;
            if (guarded[0] != guarded[1]) {
                _exit(1);
            }
            pthread_create(&t, NULL, child_thread, &value);
            pthread_join(t, NULL);
            _exit(value);
        }
        pthread_mutex_unlock(&lock);
        if (waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 21) {
            good++;
        }
    }
    return NULL;
}

int main(void)
{
    pthread_t spinners[2], forkers[THREADS];

    for (int i = 0; i < 2; i++) {
        pthread_create(&spinners[i], NULL, spin, NULL);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&forkers[i], NULL, forker, NULL);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(forkers[i], NULL);
    }
    stop = 1;
    for (int i = 0; i < 2; i++) {
        pthread_join(spinners[i], NULL);
    }
    printf("good %d of %d, threads went on %d\n", good, THREADS * FORKS,
           spins > 0 && guarded[0] == guarded[1]);
    return 0;
}
