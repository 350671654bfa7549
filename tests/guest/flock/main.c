/* SPDX-License-Identifier: MIT
 *
 * flock: shared and exclusive, conversion, duplicates that share a lock,
 * waiting, signals, and descriptors on which it works or not.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include "tests/guest/show.h"

static int a, b;

static void *unlock_later(void *arg)
{
    until_others_sleep();
    CALL(flock, a, LOCK_UN);
    return NULL;
}

static void on_signal(int signo)
{
}

static void *signal_later(void *arg)
{
    until_others_sleep();
    pthread_kill(*(pthread_t *)arg, SIGUSR1);
    return NULL;
}

static void waiting(void)
{
    pthread_t t, self = pthread_self();
    struct sigaction sa = {.sa_handler = on_signal};

    title("waiting");
    flock(a, LOCK_EX);
    pthread_create(&t, NULL, unlock_later, NULL);
    long r = syscall(SYS_flock, b, LOCK_EX);
    pthread_join(t, NULL);
    printf("got it %ld\n", r);
    sigaction(SIGUSR1, &sa, NULL);
    pthread_create(&t, NULL, signal_later, &self);
    CALL(flock, a, LOCK_SH);
    pthread_join(t, NULL);
}

int main(void)
{
    int p[2];

    show_start();
    put("/tmp/f", "");
    a = open("/tmp/f", O_RDONLY);
    b = open("/tmp/f", O_RDONLY);
    CALL(flock, a, LOCK_EX);
    CALL(flock, a, LOCK_EX);
    CALL(flock, b, LOCK_EX | LOCK_NB);
    CALL(flock, b, LOCK_SH | LOCK_NB);
    CALL(flock, a, LOCK_SH);
    CALL(flock, b, LOCK_SH | LOCK_NB);
    CALL(flock, a, LOCK_EX | LOCK_NB);
    /* A conversion that fails has dropped the old lock. */
    CALL(flock, b, LOCK_EX | LOCK_NB);
    CALL(flock, b, LOCK_UN);
    CALL(flock, b, LOCK_UN);
    title("duplicates");
    CALL(flock, a, LOCK_EX | LOCK_NB);
    int copy = dup(a);
    CALL(flock, copy, LOCK_EX | LOCK_NB);
    close(a);
    CALL(flock, b, LOCK_EX | LOCK_NB);
    CALL(flock, copy, LOCK_UN);
    CALL(flock, b, LOCK_EX | LOCK_NB);
    close(b);
    CALL(flock, copy, LOCK_EX | LOCK_NB);
    close(copy);
    title("kinds");
    a = open("/tmp", O_RDONLY);
    b = open("/tmp", O_RDONLY | O_DIRECTORY);
    CALL(flock, a, LOCK_EX | LOCK_NB);
    CALL(flock, b, LOCK_EX | LOCK_NB);
    close(a);
    close(b);
    pipe(p);
    CALL(flock, p[0], LOCK_EX | LOCK_NB);
    CALL(flock, p[1], LOCK_EX | LOCK_NB);
    a = open("/tmp/f", O_PATH);
    CALL(flock, a, LOCK_EX);
    CALL(flock, 99, LOCK_EX);
    close(a);
    a = open("/tmp/f", O_RDONLY);
    b = open("/tmp/f", O_RDWR);
    CALL(flock, a, 0);
    CALL(flock, a, LOCK_SH | LOCK_EX);
    CALL(flock, a, LOCK_NB);
    CALL(flock, a, 64);
    /* Record locks are another kind: no conflict. */
    struct flock fl = {F_WRLCK, SEEK_SET, 0, 0, 0};
    CALL(flock, a, LOCK_EX | LOCK_NB);
    CALL(fcntl, b, F_SETLK, &fl);
    CALL(flock, a, LOCK_UN);
    waiting();
    return 0;
}
