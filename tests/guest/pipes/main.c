/* SPDX-License-Identifier: MIT
 *
 * pipe, pipe2: order, capacity, nonblocking ends, partial writes, what
 * happens when an end goes away, readers and writers that wait.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include "tests/guest/show.h"

static char buf[200000];
static volatile sig_atomic_t got;

static void on_signal(int signo)
{
    got = signo;
}

static void basics(void)
{
    int p[2], n = -1;

    title("basics");
    CALL(pipe, p);
    printf("%d %d\n", p[0], p[1]);
    CALL(write, p[1], "hello world", 11L);
    CALL(ioctl, p[0], FIONREAD, &n);
    printf("%d to read\n", n);
    CALL(read, p[0], buf, 5L);
    CALL(read, p[0], buf, 100L);
    printf("[%.6s]\n", buf);
    CALL(read, p[1], buf, 1L);
    CALL(write, p[0], buf, 1L);
    CALL(write, p[1], buf, 0L);
    CALL(read, p[0], buf, 0L);
    CALL(fsync, p[0]);
    CALL(ftruncate, p[1], 0L);
    close(p[1]);
    CALL(read, p[0], buf, 1L);
    close(p[0]);
    CALL(pipe, BAD);
    CALL(pipe2, p, 1);
    CALL(pipe2, p, -1);
    CALL(pipe2, p, O_CLOEXEC | O_NONBLOCK);
    printf("%d %d flags %o %d\n", p[0], p[1], fcntl(p[0], F_GETFL),
           fcntl(p[1], F_GETFD));
    close(p[0]);
    close(p[1]);
}

static void capacity(void)
{
    int p[2], n;

    title("capacity");
    pipe2(p, O_NONBLOCK);
    CALL(read, p[0], buf, 1L);
    CALL(fcntl, p[0], F_GETPIPE_SZ);
    CALL(write, p[1], buf, 65536L);
    CALL(write, p[1], buf, 1L);
    CALL(read, p[0], buf, 4095L);
    CALL(write, p[1], buf, 1L);
    CALL(read, p[0], buf, 1L);
    CALL(write, p[1], buf, 100000L);
    CALL(ioctl, p[0], FIONREAD, &n);
    printf("%d\n", n);
    CALL(fcntl, p[0], F_SETPIPE_SZ, 4096);
    CALL(read, p[0], buf, 100000L);
    CALL(fcntl, p[0], F_SETPIPE_SZ, 4096);
    CALL(write, p[1], buf, 5000L);
    CALL(read, p[0], buf, 100L);
    /* No more than PIPE_BUF is never split. */
    CALL(write, p[1], buf, 4096L);
    CALL(write, p[1], buf, 200L);
    CALL(fcntl, p[0], F_SETPIPE_SZ, 1048576);
    CALL(write, p[1], buf, 200000L);
    close(p[0]);
    close(p[1]);
}

static void broken(void)
{
    struct sigaction sa = {.sa_handler = on_signal};
    int p[2];

    title("broken");
    sigaction(SIGPIPE, &sa, NULL);
    pipe(p);
    close(p[0]);
    CALL(write, p[1], "x", 1L);
    printf("signal %d\n", got);
    signal(SIGPIPE, SIG_IGN);
    CALL(write, p[1], "x", 1L);
    CALL(write, p[1], "", 0L);
    close(p[1]);
}

static int pipes;

static void on_pipe(int signo)
{
    pipes++;
}

static void *write_much(void *arg)
{
    static char much[200000];

    printf("%ld of it\n", (long)write(*(int *)arg, much, sizeof(much)));
    return NULL;
}

static void broken_half_way(void)
{
    pthread_t t;
    int p[2];

    title("broken half way");
    signal(SIGPIPE, on_pipe);
    pipe(p);
    pthread_create(&t, NULL, write_much, &p[1]);
    until_others_sleep();
    close(p[0]);
    pthread_join(t, NULL);
    printf("%d signal\n", pipes);
    signal(SIGPIPE, SIG_IGN);
    close(p[1]);
}

static void *slow_reader(void *arg)
{
    long total = 0, n;

    while ((n = read(*(int *)arg, buf, 7000)) > 0) {
        total += n;
    }
    return (void *)total;
}

static void *signal_later(void *arg)
{
    usleep(50000);
    pthread_kill(*(pthread_t *)arg, SIGUSR1);
    return NULL;
}

static void waiting(void)
{
    struct sigaction sa = {.sa_handler = on_signal};
    pthread_t t, self = pthread_self();
    static char big[300000];
    int p[2];
    void *total;

    title("waiting");
    pipe(p);
    pthread_create(&t, NULL, slow_reader, &p[0]);
    CALL(write, p[1], big, sizeof(big));
    CALL(write, p[1], big, sizeof(big));
    close(p[1]);
    pthread_join(t, &total);
    printf("read %ld\n", (long)total);
    close(p[0]);
    pipe(p);
    sigaction(SIGUSR1, &sa, NULL);
    pthread_create(&t, NULL, signal_later, &self);
    CALL(read, p[0], buf, 1L);
    pthread_join(t, NULL);
    /* What is already in the pipe counts when a signal comes. */
    pthread_create(&t, NULL, signal_later, &self);
    CALL(write, p[1], big, 100000L);
    pthread_join(t, NULL);
    close(p[0]);
    close(p[1]);
}

int main(void)
{
    show_start();
    basics();
    capacity();
    broken();
    broken_half_way();
    waiting();
    return 0;
}
