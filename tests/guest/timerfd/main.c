/* SPDX-License-Identifier: MIT
 *
 * timerfd: one shot and interval, absolute times, counts of expiries, what
 * is left, arming again, refusals.
 */
#include <poll.h>
#include <sys/timerfd.h>
#include "tests/guest/show.h"

static uint64_t count;
static struct itimerspec old;

static void set(int fd, int flags, long ms, long interval_ms)
{
    struct itimerspec its = {{interval_ms / 1000, interval_ms % 1000 * 1000000},
                             {ms / 1000, ms % 1000 * 1000000}};

    printf("set %ld every %ld: ", ms, interval_ms);
    CALL(timerfd_settime, fd, flags, &its, &old);
}

static void one_shot(void)
{
    long long t = show_now(CLOCK_MONOTONIC);

    title("one shot");
    int fd = CALL(timerfd_create, CLOCK_MONOTONIC, 0);
    set(fd, 0, 30, 0);
    CALL(read, fd, &count, 8L);
    printf("%lu %s\n", count, passed(t, 30000000));
    CALL(timerfd_gettime, fd, &old);
    printf("left %ld.%ld\n", old.it_value.tv_sec, old.it_value.tv_nsec);
    set(fd, 0, 100000, 500);
    CALL(timerfd_gettime, fd, &old);
    printf("left %d interval %ld\n",
           old.it_value.tv_sec == 99 || old.it_value.tv_sec == 100,
           old.it_interval.tv_nsec);
    set(fd, 0, 0, 300);
    printf("old %d interval %ld\n", old.it_value.tv_sec >= 99,
           old.it_interval.tv_nsec);
    CALL(timerfd_gettime, fd, &old);
    printf("left %ld interval %ld\n", old.it_value.tv_sec,
           old.it_interval.tv_nsec);
    close(fd);
}

static void repeating(void)
{
    struct itimerspec its = {{0, 10000000}, {0, 0}};
    long long t;

    title("repeating");
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct pollfd p = {fd, POLLIN | POLLOUT, 0};
    CALL(fcntl, fd, F_GETFD);
    CALL(read, fd, &count, 8L);
    set(fd, 0, 10, 10);
    usleep(105000);
    CALL(poll, &p, 1, 0);
    printf("%x\n", p.revents);
    CALL(read, fd, &count, 8L);
    printf("several %d\n", count >= 10);
    CALL(read, fd, &count, 7L);
    CALL(write, fd, &count, 8L);
    CALL(poll, &p, 1, 1000);
    CALL(read, fd, BAD, 8L);
    usleep(15000);
    /* Setting it forgets what expired. */
    set(fd, 0, 1000, 0);
    CALL(read, fd, &count, 8L);
    title("absolute");
    t = show_now(CLOCK_MONOTONIC) + 30000000;
    its.it_value.tv_sec = t / 1000000000;
    its.it_value.tv_nsec = t % 1000000000;
    CALL(timerfd_settime, fd, TFD_TIMER_ABSTIME, &its, NULL);
    CALL(read, fd, &count, 8L);
    CALL(poll, &p, 1, 1000);
    puts(passed(t - 30000000, 30000000));
    CALL(read, fd, &count, 8L);
    its.it_value = (struct timespec){1, 0};
    its.it_interval = (struct timespec){0, 0};
    CALL(timerfd_settime, fd, TFD_TIMER_ABSTIME, &its, NULL);
    CALL(read, fd, &count, 8L);
    printf("%lu\n", count);
    close(fd);
    fd = timerfd_create(CLOCK_REALTIME, 0);
    t = show_now(CLOCK_REALTIME) + 30000000;
    its.it_value.tv_sec = t / 1000000000;
    its.it_value.tv_nsec = t % 1000000000;
    CALL(timerfd_settime, fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &its,
         NULL);
    CALL(read, fd, &count, 8L);
    printf("%lu\n", count);
    close(fd);
}

static void refusals(void)
{
    struct itimerspec bad = {{0, 0}, {0, 1000000000}}, fine = {{0, 0}, {1, 0}};
    struct itimerspec bad2 = {{0, -1}, {1, 0}}, negative = {{0, 0}, {-1, 0}};

    title("refusals");
    CALL(timerfd_create, 99, 0);
    CALL(timerfd_create, CLOCK_PROCESS_CPUTIME_ID, 0);
    CALL(timerfd_create, CLOCK_MONOTONIC_RAW, 0);
    CALL(timerfd_create, CLOCK_MONOTONIC, 1);
    close(CALL(timerfd_create, CLOCK_BOOTTIME, 0));
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    CALL(timerfd_settime, fd, 0, &bad, NULL);
    CALL(timerfd_settime, fd, 0, &bad2, NULL);
    CALL(timerfd_settime, fd, 0, &negative, NULL);
    CALL(timerfd_settime, fd, 8, &fine, NULL);
    CALL(timerfd_settime, fd, 0, BAD, NULL);
    CALL(timerfd_settime, fd, 0, NULL, NULL);
    CALL(timerfd_settime, 99, 0, &fine, NULL);
    CALL(timerfd_settime, 0, 0, &fine, NULL);
    CALL(timerfd_gettime, 0, &fine);
    CALL(timerfd_gettime, 99, &fine);
    CALL(timerfd_gettime, fd, BAD);
    CALL(lseek, fd, 0L, SEEK_SET);
    close(fd);
}

int main(void)
{
    show_start();
    one_shot();
    repeating();
    refusals();
    return 0;
}
