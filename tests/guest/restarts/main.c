/* SPDX-License-Identifier: MIT
 *
 * Which waiting calls go on after a handler with SA_RESTART, and which say
 * EINTR all the same; and both without the flag.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/timerfd.h>
#include "tests/guest/show.h"

static pthread_t main_thread;
static volatile int seen;
static int p[2], ev, tfd, locked;

static void on_signal(int signo)
{
    seen++;
}

/* A signal; and what the call waits for when it waits again, or is over. */
static void *disturb(void *arg)
{
    void (*then)(void) = (void (*)(void))(uintptr_t)arg;

    until_others_sleep();
    pthread_kill(main_thread, SIGUSR1);
    until_others_sleep();
    then();
    return NULL;
}

static void write_pipe(void)
{
    write(p[1], "x", 1);
}

static void write_event(void)
{
    eventfd_write(ev, 1);
}

static void unlock(void)
{
    flock(locked, LOCK_UN);
}

static void expire(void)
{
    struct itimerspec at_once = {{0, 0}, {0, 1}};

    timerfd_settime(tfd, 0, &at_once, NULL);
}

static void nothing(void)
{
}

#define TRY(then, call)                                                        \
    pthread_create(&t, NULL, disturb, (void *)(uintptr_t)(then));              \
    call;                                                                      \
    pthread_join(t, NULL);                                                     \
    printf("seen %d\n", seen);                                                 \
    seen = 0

static void all(int flags)
{
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = flags};
    struct itimerspec its = {{0, 0}, {100, 0}}; /* nobody waits so long */
    struct timespec ts = {100, 0};
    sigset_t none;
    pthread_t t;
    char buf[10];
    eventfd_t value;

    sigaction(SIGUSR1, &sa, NULL);
    sigemptyset(&none);
    TRY(write_pipe, CALL(read, p[0], buf, 10L));
    struct iovec {
        void *base;
        size_t len;
    } iov = {buf, 10};
    TRY(write_pipe, CALL(readv, p[0], &iov, 1));
    TRY(write_event, CALL(read, ev, &value, 8L));
    timerfd_settime(tfd, 0, &its, NULL);
    TRY(expire, CALL(read, tfd, &value, 8L));
    int fd = open("/tmp/lock", O_RDWR);
    flock(locked, LOCK_EX);
    TRY(unlock, CALL(flock, fd, LOCK_EX));
    close(fd);
    TRY(nothing, CALL(nanosleep, &ts, NULL));
    TRY(nothing, CALL(rt_sigsuspend, &none, 8L));
    TRY(nothing, CALL(pause));
    /* Empty the pipe for the next round. */
    fcntl(p[0], F_SETFL, O_NONBLOCK);
    while (read(p[0], buf, 10) > 0) {
    }
    fcntl(p[0], F_SETFL, 0);
    fcntl(ev, F_SETFL, O_NONBLOCK);
    eventfd_read(ev, &value);
    fcntl(ev, F_SETFL, 0);
}

int main(void)
{
    show_start();
    main_thread = pthread_self();
    pipe(p);
    ev = eventfd(0, 0);
    tfd = timerfd_create(CLOCK_MONOTONIC, 0);
    locked = open("/tmp/lock", O_CREAT | O_RDWR, 0600);
    title("SA_RESTART");
    all(SA_RESTART);
    title("without");
    all(0);
    return 0;
}
