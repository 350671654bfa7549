/* SPDX-License-Identifier: MIT
 *
 * eventfd, eventfd2: counting, semaphores, the largest value, short
 * buffers, readiness, waiting threads.
 */
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include "tests/guest/show.h"

static uint64_t value;
static int fd;

static long put_value(uint64_t v)
{
    return syscall(SYS_write, fd, &v, 8);
}

static void ready(void)
{
    struct pollfd p = {fd, POLLIN | POLLOUT | POLLERR, 0};

    poll(&p, 1, 0);
    printf("ready %x\n", p.revents);
}

static void counting(void)
{
    title("counting");
    fd = CALL(eventfd2, 5, EFD_NONBLOCK);
    ready();
    CALL(read, fd, &value, 8L);
    printf("%lu\n", value);
    CALL(read, fd, &value, 8L);
    ready();
    SHOW(put_value(3));
    SHOW(put_value(4));
    CALL(read, fd, &value, 100L);
    printf("%lu\n", value);
    SHOW(put_value(0));
    CALL(read, fd, &value, 8L);
    SHOW(put_value(UINT64_MAX));
    SHOW(put_value(UINT64_MAX - 1));
    ready();
    SHOW(put_value(1));
    SHOW(put_value(0));
    CALL(read, fd, &value, 7L);
    CALL(write, fd, &value, 7L);
    CALL(read, fd, BAD, 8L);
    CALL(write, fd, BAD, 8L);
    CALL(read, fd, &value, 8L);
    printf("%lx\n", value);
    CALL(lseek, fd, 0L, SEEK_SET);
    CALL(pread64, fd, &value, 8L, 0L);
    CALL(ftruncate, fd, 0L);
    CALL(fsync, fd);
    close(fd);
}

static void semaphores(void)
{
    title("semaphores");
    fd = CALL(eventfd2, 2, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC);
    CALL(fcntl, fd, F_GETFD);
    CALL(read, fd, &value, 8L);
    printf("%lu\n", value);
    CALL(read, fd, &value, 8L);
    CALL(read, fd, &value, 8L);
    close(fd);
}

static void *take(void *arg)
{
    uint64_t v;

    read(fd, &v, 8);
    return (void *)v;
}

static void waiting(void)
{
    pthread_t t[4];
    void *r;
    long sum = 0;

    title("waiting");
    fd = CALL(eventfd, 0);
    printf("flags %o\n", fcntl(fd, F_GETFL));
    pthread_create(&t[0], NULL, take, NULL);
    usleep(20000);
    put_value(7);
    pthread_join(t[0], &r);
    printf("%ld\n", (long)r);
    put_value(UINT64_MAX - 1);
    pthread_create(&t[0], NULL, take, NULL);
    SHOW(put_value(5));
    pthread_join(t[0], &r);
    CALL(read, fd, &value, 8L);
    printf("%lu\n", value);
    close(fd);
    fd = eventfd(0, EFD_SEMAPHORE);
    for (int i = 0; i < 4; i++) {
        pthread_create(&t[i], NULL, take, NULL);
    }
    put_value(4);
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], &r);
        sum += (long)r;
    }
    printf("%ld\n", sum);
    close(fd);
}

int main(void)
{
    show_start();
    counting();
    semaphores();
    waiting();
    CALL(eventfd2, 0, 2);
    CALL(eventfd2, 0, -1);
    return 0;
}
