/* SPDX-License-Identifier: MIT
 *
 * poll and ppoll: readiness of every kind of descriptor, closed ones,
 * negative ones, timeouts, limits, refusals.
 */
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include "tests/guest/show.h"

enum { ALL = POLLIN | POLLPRI | POLLOUT | POLLRDNORM | POLLWRNORM | POLLRDHUP };

static void look(const char *what, int fd, int events)
{
    struct pollfd p = {fd, events, 0x7fff};
    long n = RAW(poll, &p, 1, 0);

    printf("%s: %ld %x\n", what, n, p.revents);
}

static void kinds(void)
{
    int p[2];

    title("kinds");
    pipe(p);
    put("/tmp/f", "");
    look("file", open("/tmp/f", O_RDONLY), ALL);
    look("directory", open("/tmp", O_RDONLY), ALL);
    look("path", open("/tmp", O_PATH), ALL);
    look("null", open("/dev/null", O_RDWR), ALL);
    look("zero", open("/dev/zero", O_RDWR), ALL);
    look("eventfd", eventfd(0, 0), ALL);
    look("eventfd with a value", eventfd(1, 0), ALL);
    look("timerfd", timerfd_create(CLOCK_MONOTONIC, 0), ALL);
    look("proc", open("/proc/self/status", O_RDONLY), ALL);
    look("not open", 99, ALL);
    look("negative", -1, ALL);
    look("pipe, read end", p[0], ALL);
    look("pipe, write end", p[1], ALL);
    look("nothing asked", p[1], 0);
    write(p[1], "x", 1);
    look("pipe, read end", p[0], ALL);
    look("asked for writing", p[0], POLLOUT);
    close(p[1]);
    look("hung up with data", p[0], ALL);
    look("nothing asked", p[0], 0);
    close(p[0]);
    pipe(p);
    close(p[0]);
    look("no reader", p[1], ALL);
    look("nothing asked", p[1], 0);
}

static void *write_later(void *arg)
{
    usleep(40000);
    write(*(int *)arg, "x", 1);
    return NULL;
}

static void waiting(void)
{
    struct timespec ts = {0, 30000000}, bad = {0, -1}, negative = {-1, 0};
    long long t = show_now(CLOCK_MONOTONIC);
    int p[2];
    pthread_t thread;

    title("waiting");
    pipe(p);
    struct pollfd set[] = {{p[0], POLLIN, 0}, {-1, POLLIN, 5}, {p[0], 0, 0}};
    CALL(poll, set, 3, 30);
    puts(passed(t, 30000000));
    t = show_now(CLOCK_MONOTONIC);
    CALL(ppoll, set, 3, &ts, NULL, 8L);
    puts(passed(t, 30000000));
    printf("%d %d %d\n", set[0].revents, set[1].revents, set[2].revents);
    pthread_create(&thread, NULL, write_later, &p[1]);
    CALL(poll, set, 3, -1);
    pthread_join(thread, NULL);
    printf("%d %d %d\n", set[0].revents, set[1].revents, set[2].revents);
    CALL(poll, set, 3, -1);
    CALL(poll, set, 0, 0);
    CALL(poll, NULL, 0, 1);
    CALL(poll, NULL, 1, 0);
    CALL(poll, BAD, 1, 0);
    CALL(ppoll, set, 3, &bad, NULL, 8L);
    CALL(ppoll, set, 3, &negative, NULL, 8L);
    CALL(ppoll, set, 3, BAD, NULL, 8L);
    CALL(ppoll, set, 3, &ts, BAD, 8L);
    CALL(ppoll, set, 3, &ts, set, 4L);
}

static void limits(void)
{
    static struct pollfd many[1000];
    struct rlimit small = {100, 100}, old;

    title("limits");
    for (int i = 0; i < 1000; i++) {
        many[i] = (struct pollfd){1, POLLOUT, 0};
    }
    int null = open("/dev/null", O_RDWR);
    for (int i = 0; i < 1000; i++) {
        many[i].fd = i % 2 ? null : -1;
    }
    CALL(poll, many, 1000, 0);
    getrlimit(RLIMIT_NOFILE, &old);
    small.rlim_max = old.rlim_max;
    setrlimit(RLIMIT_NOFILE, &small);
    CALL(poll, many, 100, 0);
    CALL(poll, many, 101, 0);
    CALL(poll, many, -1, 0);
}

/* Ready, but for something else: a wait ends when it is over. */
static void not_wanted(void)
{
    struct pollfd p[2] = {{.fd = 0}, {.fd = 0, .events = POLLPRI}};
    fd_set none;

    title("input that is there and not asked for");
    CALL(poll, p, 1, 20L);
    CALL(poll, p, 2, 20L);
    FD_ZERO(&none);
    FD_SET(0, &none);
    struct timeval tv = {0, 20000};
    CALL(select, 1, NULL, NULL, &none, &tv);
}

int main(void)
{
    show_start();
    kinds();
    not_wanted();
    waiting();
    limits();
    return 0;
}
