/* SPDX-License-Identifier: MIT
 *
 * Threads of libc: mutexes, condition variables, barriers, thread-local
 * storage, semaphores, timed waits, cancellation, detached threads.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 16, ROUNDS = 2000 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static __thread int local;
static long counter, turns;
static sem_t sem;

static void *count(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&mutex);
        counter++;
        pthread_mutex_unlock(&mutex);
        local++;
    }
    pthread_barrier_wait(&barrier);
    return (void *)(long)(local == ROUNDS);
}

static void *take_turns(void *arg)
{
    long me = (long)arg;

    for (int i = 0; i < 500; i++) {
        pthread_mutex_lock(&mutex);
        while (turns % 2 != me) {
            pthread_cond_wait(&cond, &mutex);
        }
        turns++;
        pthread_cond_broadcast(&cond);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void cleanup(void *arg)
{
    puts("cleaned up");
}

static void *wait_forever(void *arg)
{
    pthread_cleanup_push(cleanup, NULL);
    sem_post(&sem);
    for (;;) {
        pause();
    }
    pthread_cleanup_pop(0);
    return NULL;
}

static void *post_later(void *arg)
{
    usleep(20000);
    sem_post(&sem);
    return NULL;
}

int main(void)
{
    pthread_t t[THREADS];
    struct timespec ts;
    void *ret;
    long good = 0;
    pthread_attr_t attr;

    pthread_barrier_init(&barrier, NULL, THREADS);
    sem_init(&sem, 0, 0);
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&t[i], NULL, count, NULL)) {
            perror("pthread_create");
            return 1;
        }
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(t[i], &ret);
        good += (long)ret;
    }
    printf("counter %ld locals %ld\n", counter, good);

    pthread_create(&t[0], NULL, take_turns, (void *)0);
    pthread_create(&t[1], NULL, take_turns, (void *)1);
    pthread_join(t[0], NULL);
    pthread_join(t[1], NULL);
    printf("turns %ld\n", turns);

    clock_gettime(CLOCK_REALTIME, &ts);
    ts.tv_nsec += 10000000;
    if (ts.tv_nsec >= 1000000000) {
        ts.tv_nsec -= 1000000000;
        ts.tv_sec++;
    }
    pthread_mutex_lock(&mutex);
    printf("timedwait %s\n",
           strerror(pthread_cond_timedwait(&cond, &mutex, &ts)));
    pthread_mutex_unlock(&mutex);

    pthread_create(&t[0], NULL, wait_forever, NULL);
    sem_wait(&sem);
    pthread_cancel(t[0]);
    pthread_join(t[0], &ret);
    printf("cancelled %d\n", ret == PTHREAD_CANCELED);

    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, 65536);
    pthread_create(&t[0], &attr, post_later, NULL);
    printf("sem %d\n", sem_wait(&sem));
    for (int i = 0; i < 300; i++) {
        pthread_create(&t[0], NULL, post_later, NULL);
        pthread_detach(t[0]);
    }
    for (int i = 0; i < 300; i++) {
        sem_wait(&sem);
    }
    puts("300 detached");
    return 0;
}
