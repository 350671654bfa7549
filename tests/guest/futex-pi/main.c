/* SPDX-License-Identifier: MIT
 *
 * Futexes with priority inheritance: the owner's number in the word, try,
 * wait, unlock, the dead owner, wait-and-requeue; and pthread mutexes on
 * top.
 */
#include <linux/futex.h>
#include <pthread.h>
#include "tests/guest/show.h"

#define P(op) (FUTEX_##op | FUTEX_PRIVATE_FLAG)

static uint32_t word, cond;
static volatile int ready, waits;

static const char *state(void)
{
    uint32_t owner = word & FUTEX_TID_MASK;

    return !word ? "free"
           : owner == (uint32_t)gettid()
               ? word & FUTEX_WAITERS ? "ours, wanted" : "ours"
           : word & FUTEX_WAITERS ? "another's, wanted"
                                  : "another's";
}

static void alone(void)
{
    title("alone");
    CALL(futex, &word, P(LOCK_PI), 0, NULL, NULL, 0);
    puts(state());
    CALL(futex, &word, P(LOCK_PI), 0, NULL, NULL, 0);
    CALL(futex, &word, P(TRYLOCK_PI), 0, NULL, NULL, 0);
    CALL(futex, &word, P(UNLOCK_PI), 0, NULL, NULL, 0);
    puts(state());
    CALL(futex, &word, P(UNLOCK_PI), 0, NULL, NULL, 0);
    CALL(futex, &word, P(TRYLOCK_PI), 0, NULL, NULL, 0);
    puts(state());
    word = 0x3ffffff;
    CALL(futex, &word, P(LOCK_PI), 0, NULL, NULL, 0);
    CALL(futex, &word, P(TRYLOCK_PI), 0, NULL, NULL, 0);
    CALL(futex, &word, P(UNLOCK_PI), 0, NULL, NULL, 0);
    word = FUTEX_OWNER_DIED;
    CALL(futex, &word, P(LOCK_PI), 0, NULL, NULL, 0);
    printf("%s, died %d\n", state(), !!(word & FUTEX_OWNER_DIED));
    word = gettid();
    CALL(futex, &word, P(UNLOCK_PI), 0, NULL, NULL, 0);
    CALL(futex, BAD, P(LOCK_PI), 0, NULL, NULL, 0);
    CALL(futex, (char *)&word + 1, P(LOCK_PI), 0, NULL, NULL, 0);
}

static void *holder(void *arg)
{
    syscall(SYS_futex, &word, P(LOCK_PI), 0, NULL, NULL, 0);
    ready = 1;
    while (!waits) {
        usleep(1000);
    }
    until_others_sleep();
    printf("holder: %s\n", state());
    CALL(futex, &word, P(UNLOCK_PI), 0, NULL, NULL, 0);
    return NULL;
}

static void waiting(void)
{
    struct timespec ts;
    pthread_t t;

    title("waiting");
    word = 0;
    pthread_create(&t, NULL, holder, NULL);
    while (!ready) {
        usleep(1000);
    }
    long r = RAW(futex, &word, P(TRYLOCK_PI), 0, NULL, NULL, 0);
    printf("try: %ld %s, %s\n", r, strerrorname_np(errno), state());
    clock_gettime(CLOCK_REALTIME, &ts);
    ts.tv_nsec += 20000000;
    if (ts.tv_nsec >= 1000000000) {
        ts.tv_nsec -= 1000000000;
        ts.tv_sec++;
    }
    r = RAW(futex, &word, P(LOCK_PI), 0, &ts, NULL, 0);
    printf("lock with timeout: %ld %s\n", r, strerrorname_np(errno));
    waits = 1;
    r = RAW(futex, &word, P(LOCK_PI), 0, NULL, NULL, 0);
    pthread_join(t, NULL);
    printf("lock: %ld, %s\n", r, state());
    CALL(futex, &word, P(UNLOCK_PI), 0, NULL, NULL, 0);
    puts(state());
}

static void *wait_requeue(void *arg)
{
    ready = 1;
    CALL(futex, &cond, P(WAIT_REQUEUE_PI), 0, NULL, &word, 0);
    puts(state());
    syscall(SYS_futex, &word, P(UNLOCK_PI), 0, NULL, NULL, 0);
    return NULL;
}

static void requeue(void)
{
    struct timespec past = {1, 0};
    pthread_t t;

    title("requeue");
    ready = 0;
    pthread_create(&t, NULL, wait_requeue, NULL);
    while (!ready) {
        usleep(1000);
    }
    until_others_sleep();
    syscall(SYS_futex, &word, P(LOCK_PI), 0, NULL, NULL, 0);
    CALL(futex, &cond, P(CMP_REQUEUE_PI), 1, 10L, &word, 5);
    CALL(futex, &cond, P(CMP_REQUEUE_PI), 2, 10L, &word, 0);
    long r, unlocked;
    while ((r = RAW(futex, &cond, P(CMP_REQUEUE_PI), 1, 10L, &word, 0)) == 0) {
        usleep(1000); /* until the thread waits */
    }
    printf("requeued %ld, %s\n", r, state());
    unlocked = RAW(futex, &word, P(UNLOCK_PI), 0, NULL, NULL, 0);
    pthread_join(t, NULL);
    printf("unlocked %ld\n", unlocked);
    CALL(futex, &cond, P(WAIT_REQUEUE_PI), 5, NULL, &word, 0);
    CALL(futex, &cond, P(WAIT_REQUEUE_PI), 0, &past, &word, 0);
    CALL(futex, &cond, P(WAIT_REQUEUE_PI), 0, &past, &cond, 0);
}

static pthread_mutex_t mutex;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static long counter;

static void *add(void *arg)
{
    for (int i = 0; i < 10000; i++) {
        pthread_mutex_lock(&mutex);
        counter++;
        pthread_mutex_unlock(&mutex);
    }
    pthread_mutex_lock(&mutex);
    ready++;
    pthread_cond_broadcast(&condition);
    pthread_mutex_unlock(&mutex);
    return NULL;
}

static void library(void)
{
    pthread_mutexattr_t attr;
    pthread_t t[4];

    title("mutexes");
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
    SHOW(pthread_mutex_init(&mutex, &attr));
    ready = 0;
    for (int i = 0; i < 4; i++) {
        pthread_create(&t[i], NULL, add, NULL);
    }
    pthread_mutex_lock(&mutex);
    while (ready < 4) {
        pthread_cond_wait(&condition, &mutex);
    }
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], NULL);
    }
    printf("%ld\n", counter);
}

int main(void)
{
    show_start();
    alone();
    waiting();
    requeue();
    library();
    return 0;
}
