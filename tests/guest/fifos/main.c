/* SPDX-License-Identifier: MIT
 *
 * Named pipes: which opens wait for the other end, nonblocking opens, end
 * of file and new writers, one fifo under two names.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include "tests/guest/show.h"

static char buf[100];

static void *open_writer(void *arg)
{
    usleep(50000);
    int fd = open("/tmp/fifo", O_WRONLY);
    write(fd, "from thread", 11);
    close(fd);
    return NULL;
}

static void *open_reader(void *arg)
{
    usleep(50000);
    int fd = open("/tmp/fifo", O_RDONLY);
    read(fd, buf, sizeof(buf));
    close(fd);
    return NULL;
}

static void on_signal(int signo)
{
}

static void *signal_later(void *arg)
{
    usleep(50000);
    pthread_kill(*(pthread_t *)arg, SIGUSR1);
    return NULL;
}

static void nonblocking(void)
{
    title("nonblocking");
    CALL(open, "/tmp/fifo", O_WRONLY | O_NONBLOCK);
    int rd = CALL(open, "/tmp/fifo", O_RDONLY | O_NONBLOCK);
    CALL(read, rd, buf, 10L);
    struct pollfd pfd = {rd, POLLIN, 0};
    printf("poll %d %x\n", poll(&pfd, 1, 0), pfd.revents);
    int wr = CALL(open, "/tmp/fifo", O_WRONLY | O_NONBLOCK);
    CALL(read, rd, buf, 10L);
    CALL(write, wr, "text", 4L);
    printf("poll %d %x\n", poll(&pfd, 1, 0), pfd.revents);
    CALL(read, rd, buf, 10L);
    close(wr);
    CALL(read, rd, buf, 10L);
    printf("poll %d %x\n", poll(&pfd, 1, 0), pfd.revents);
    wr = open("/tmp/fifo", O_WRONLY);
    CALL(read, rd, buf, 10L);
    printf("poll %d %x\n", poll(&pfd, 1, 0), pfd.revents);
    close(rd);
    signal(SIGPIPE, SIG_IGN);
    CALL(write, wr, "x", 1L);
    close(wr);
}

static void both(void)
{
    title("both ends at once");
    int fd = CALL(open, "/tmp/fifo", O_RDWR);
    CALL(write, fd, "self", 4L);
    link("/tmp/fifo", "/tmp/other");
    int other = CALL(open, "/tmp/other", O_RDONLY);
    CALL(read, other, buf, 10L);
    unlink("/tmp/fifo");
    CALL(write, fd, "again", 5L);
    CALL(read, other, buf, 10L);
    CALL(lseek, fd, 0L, SEEK_SET);
    close(fd);
    CALL(read, other, buf, 10L);
    close(other);
    rename("/tmp/other", "/tmp/fifo");
    /* What was left in it is gone with the last descriptor. */
    fd = open("/tmp/fifo", O_RDWR | O_NONBLOCK);
    CALL(read, fd, buf, 10L);
    close(fd);
}

static void waiting(void)
{
    struct sigaction sa = {.sa_handler = on_signal};
    pthread_t t, self = pthread_self();

    title("waiting");
    pthread_create(&t, NULL, open_writer, NULL);
    int rd = CALL(open, "/tmp/fifo", O_RDONLY);
    CALL(read, rd, buf, 100L);
    printf("[%.11s]\n", buf);
    CALL(read, rd, buf, 100L);
    pthread_join(t, NULL);
    close(rd);
    pthread_create(&t, NULL, open_reader, NULL);
    int wr = CALL(open, "/tmp/fifo", O_WRONLY);
    CALL(write, wr, "to thread", 9L);
    pthread_join(t, NULL);
    printf("[%.9s]\n", buf);
    close(wr);
    sigaction(SIGUSR1, &sa, NULL);
    pthread_create(&t, NULL, signal_later, &self);
    CALL(open, "/tmp/fifo", O_RDONLY);
    pthread_join(t, NULL);
}

int main(void)
{
    show_start();
    CALL(mknod, "/tmp/fifo", S_IFIFO | 0600, 0);
    nonblocking();
    both();
    waiting();
    return 0;
}
