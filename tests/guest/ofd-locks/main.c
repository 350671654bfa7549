/* SPDX-License-Identifier: MIT
 *
 * Locks that belong to the open file: two descriptors of one process
 * conflict, ranges split and merge, a sleeper gets the lock when it is free,
 * and record locks of the process conflict with them too.
 */
#include <pthread.h>
#include <signal.h>
#include "tests/guest/show.h"

static int a, b;

static long lock(int fd, int cmd, int type, off_t start, off_t len)
{
    struct flock fl = {type, SEEK_SET, start, len, 0};
    long r = RAW(fcntl, fd, cmd, &fl);

    flockfile(stdout); /* a waiter's line must not fall into another's */
    printf("%c type %d %ld+%ld: ", fd == a ? 'a' : 'b', type, (long)start,
           (long)len);
    if (r) {
        puts(strerrorname_np(errno));
    } else if (cmd == F_OFD_GETLK || cmd == F_GETLK) {
        printf("type %d %ld+%ld pid %d\n", fl.l_type, (long)fl.l_start,
               (long)fl.l_len, fl.l_pid == getpid() ? 1 : fl.l_pid);
    } else {
        puts("ok");
    }
    funlockfile(stdout);
    return r;
}

static void conflicts(void)
{
    title("conflicts");
    lock(a, F_OFD_SETLK, F_WRLCK, 0, 10);
    lock(b, F_OFD_SETLK, F_WRLCK, 5, 10);
    lock(b, F_OFD_SETLK, F_RDLCK, 9, 1);
    lock(b, F_OFD_SETLK, F_WRLCK, 10, 10);
    lock(b, F_OFD_GETLK, F_RDLCK, 0, 0);
    lock(a, F_OFD_GETLK, F_RDLCK, 0, 0);
    lock(a, F_OFD_GETLK, F_RDLCK, 0, 10);
    lock(a, F_OFD_SETLK, F_RDLCK, 0, 10);
    lock(b, F_OFD_SETLK, F_RDLCK, 0, 10);
    lock(a, F_OFD_SETLK, F_WRLCK, 0, 10);
    lock(b, F_OFD_SETLK, F_UNLCK, 0, 0);
    lock(a, F_OFD_SETLK, F_WRLCK, 0, 10);
}

static void splitting(void)
{
    title("splitting");
    lock(a, F_OFD_SETLK, F_UNLCK, 0, 0);
    lock(a, F_OFD_SETLK, F_WRLCK, 0, 100);
    lock(a, F_OFD_SETLK, F_UNLCK, 40, 20);
    lock(b, F_OFD_GETLK, F_WRLCK, 0, 0);
    lock(b, F_OFD_GETLK, F_WRLCK, 40, 0);
    lock(b, F_OFD_SETLK, F_WRLCK, 40, 20);
    lock(b, F_OFD_SETLK, F_UNLCK, 40, 20);
    lock(a, F_OFD_SETLK, F_RDLCK, 10, 10);
    lock(b, F_OFD_GETLK, F_WRLCK, 15, 1);
    lock(b, F_OFD_GETLK, F_RDLCK, 10, 11);
    lock(a, F_OFD_SETLK, F_WRLCK, 5, 50);
    lock(b, F_OFD_GETLK, F_RDLCK, 30, 1);
    lock(a, F_OFD_SETLK, F_WRLCK, 50, 0);
    lock(b, F_OFD_GETLK, F_RDLCK, 1000, 1);
}

static void *unlock_later(void *arg)
{
    struct flock fl = {F_UNLCK, SEEK_SET, 0, 0, 0};

    until_others_sleep();
    puts("unlocking");
    fcntl(a, F_OFD_SETLK, &fl);
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
    pthread_create(&t, NULL, unlock_later, NULL);
    lock(b, F_OFD_SETLKW, F_WRLCK, 0, 0);
    pthread_join(t, NULL);
    sigaction(SIGUSR1, &sa, NULL);
    pthread_create(&t, NULL, signal_later, &self);
    lock(a, F_OFD_SETLKW, F_WRLCK, 0, 0);
    pthread_join(t, NULL);
}

static void owners(void)
{
    title("owners");
    lock(b, F_OFD_SETLK, F_UNLCK, 0, 0);
    lock(a, F_SETLK, F_WRLCK, 0, 10);
    lock(b, F_OFD_SETLK, F_WRLCK, 0, 10);
    lock(b, F_OFD_GETLK, F_WRLCK, 0, 10);
    lock(a, F_OFD_SETLK, F_WRLCK, 0, 10);
    /* Closing any descriptor of the file drops the process's locks. */
    close(open("/tmp/f", O_RDONLY));
    lock(b, F_OFD_SETLK, F_WRLCK, 0, 10);
    lock(a, F_SETLK, F_WRLCK, 0, 10);
    lock(a, F_GETLK, F_WRLCK, 0, 10);
    int copy = dup(b);
    close(b);
    lock(a, F_SETLK, F_WRLCK, 0, 10);
    close(copy);
    lock(a, F_SETLK, F_WRLCK, 0, 10);
    struct flock fl = {F_WRLCK, SEEK_SET, 0, 1, 1};
    CALL(fcntl, a, F_OFD_SETLK, &fl);
    CALL(fcntl, a, F_OFD_GETLK, &fl);
}

int main(void)
{
    show_start();
    a = open("/tmp/f", O_CREAT | O_RDWR, 0600);
    b = open("/tmp/f", O_RDWR);
    conflicts();
    splitting();
    waiting();
    owners();
    return 0;
}
