/* SPDX-License-Identifier: MIT
 *
 * fcntl record locks within one process: they never conflict with
 * themselves, whoever asks; ranges, whence, refusals, and lockf.
 */
#include <pthread.h>
#include "tests/guest/show.h"

static int fd;

static void lock(int cmd, int type, int whence, off_t start, off_t len)
{
    struct flock fl = {type, whence, start, len, 0};
    long r = RAW(fcntl, fd, cmd, &fl);

    printf("cmd %d type %d whence %d %ld+%ld: ", cmd, type, whence, (long)start,
           (long)len);
    if (r) {
        printf("%s\n", strerrorname_np(errno));
    } else if (cmd == F_GETLK) {
        printf("type %d whence %d %ld+%ld pid %d\n", fl.l_type, fl.l_whence,
               (long)fl.l_start, (long)fl.l_len, fl.l_pid);
    } else {
        printf("ok\n");
    }
}

static void *in_thread(void *arg)
{
    lock(F_GETLK, F_WRLCK, SEEK_SET, 0, 0);
    lock(F_SETLK, F_WRLCK, SEEK_SET, 0, 0);
    lock(F_SETLKW, F_RDLCK, SEEK_SET, 0, 50);
    return NULL;
}

static void ranges(void)
{
    title("ranges");
    lock(F_SETLK, F_WRLCK, SEEK_SET, 0, 10);
    lock(F_SETLK, F_RDLCK, SEEK_SET, 5, 10);
    lock(F_GETLK, F_WRLCK, SEEK_SET, 0, 0);
    lock(F_GETLK, F_RDLCK, SEEK_SET, 0, 0);
    lock(F_SETLK, F_UNLCK, SEEK_SET, 3, 4);
    lock(F_SETLKW, F_WRLCK, SEEK_SET, 0, 0);
    lseek(fd, 50, SEEK_SET);
    lock(F_SETLK, F_WRLCK, SEEK_CUR, -10, 20);
    lock(F_SETLK, F_WRLCK, SEEK_END, -5, 0);
    lock(F_SETLK, F_WRLCK, SEEK_SET, 10, -5);
    lock(F_GETLK, F_UNLCK, SEEK_SET, 0, 0);
    lock(F_SETLK, F_UNLCK, SEEK_SET, 0, 0);
}

static void refusals(void)
{
    int rw = fd;

    title("refusals");
    lock(F_SETLK, F_WRLCK, SEEK_SET, -1, 5);
    lock(F_SETLK, F_WRLCK, SEEK_SET, 4, -5);
    lock(F_SETLK, F_WRLCK, SEEK_CUR, -100, 5);
    lock(F_SETLK, F_WRLCK, 7, 0, 5);
    lock(F_SETLK, 7, SEEK_SET, 0, 5);
    lock(F_GETLK, 7, SEEK_SET, 0, 5);
    lock(F_SETLK, F_WRLCK, SEEK_SET, INT64_MAX, 1);
    lock(F_SETLK, F_WRLCK, SEEK_SET, INT64_MAX, 2);
    lock(F_SETLK, F_WRLCK, SEEK_END, INT64_MAX, 1);
    CALL(fcntl, fd, F_SETLK, BAD);
    CALL(fcntl, fd, F_GETLK, BAD);
    fd = open("/tmp/f", O_RDONLY);
    lock(F_SETLK, F_WRLCK, SEEK_SET, 0, 5);
    lock(F_SETLK, F_RDLCK, SEEK_SET, 0, 5);
    lock(F_GETLK, F_WRLCK, SEEK_SET, 0, 5);
    close(fd);
    fd = open("/tmp/f", O_WRONLY);
    lock(F_SETLK, F_RDLCK, SEEK_SET, 0, 5);
    lock(F_SETLK, F_WRLCK, SEEK_SET, 0, 5);
    close(fd);
    fd = open("/tmp/f", O_PATH);
    lock(F_SETLK, F_RDLCK, SEEK_SET, 0, 5);
    close(fd);
    fd = open("/tmp", O_RDONLY);
    lock(F_SETLK, F_RDLCK, SEEK_SET, 0, 5);
    lock(F_SETLK, F_WRLCK, SEEK_SET, 0, 5);
    close(fd);
    fd = 99;
    lock(F_SETLK, F_RDLCK, SEEK_SET, 0, 5);
    fd = rw;
}

int main(void)
{
    pthread_t t;

    show_start();
    fd = open("/tmp/f", O_CREAT | O_RDWR, 0600);
    ftruncate(fd, 100);
    ranges();
    refusals();
    title("another thread is the same owner");
    lock(F_SETLK, F_WRLCK, SEEK_SET, 0, 100);
    pthread_create(&t, NULL, in_thread, NULL);
    pthread_join(t, NULL);
    title("lockf");
    lseek(fd, 0, SEEK_SET);
    SHOW(lockf(fd, F_TLOCK, 10));
    SHOW(lockf(fd, F_TEST, 10));
    SHOW(lockf(fd, F_ULOCK, 0));
    return 0;
}
