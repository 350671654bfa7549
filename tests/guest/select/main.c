/* SPDX-License-Identifier: MIT
 *
 * select and pselect6: sets in and out, the time left that select writes
 * back, closed descriptors, high numbers, refusals.
 */
#include <pthread.h>
#include <sys/select.h>
#include "tests/guest/show.h"

static fd_set in, out, err;
static int p[2];

static void reset(void)
{
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_ZERO(&err);
}

static void result(void)
{
    printf("in");
    for (int i = 0; i < 1024; i++) {
        printf(FD_ISSET(i, &in) ? " %d" : "", i);
    }
    printf(" out");
    for (int i = 0; i < 1024; i++) {
        printf(FD_ISSET(i, &out) ? " %d" : "", i);
    }
    printf(" err");
    for (int i = 0; i < 1024; i++) {
        printf(FD_ISSET(i, &err) ? " %d" : "", i);
    }
    printf("\n");
    reset();
}

static void sets(void)
{
    struct timeval zero = {0, 0};

    title("sets");
    pipe(p);
    FD_SET(p[0], &in);
    FD_SET(p[1], &in);
    FD_SET(p[0], &out);
    FD_SET(p[1], &out);
    FD_SET(p[0], &err);
    CALL(select, 20, &in, &out, &err, &zero);
    result();
    write(p[1], "x", 1);
    FD_SET(p[0], &in);
    FD_SET(p[1], &out);
    CALL(select, 20, &in, &out, NULL, &zero);
    result();
    FD_SET(p[0], &in);
    FD_SET(p[1], &out);
    CALL(select, p[1], &in, &out, NULL, &zero);
    result();
    dup2(p[0], 900);
    FD_SET(900, &in);
    FD_SET(p[0], &in);
    CALL(select, 901, &in, NULL, NULL, &zero);
    result();
    int file = open("/tmp", O_RDONLY);
    FD_SET(file, &in);
    FD_SET(file, &out);
    FD_SET(file, &err);
    CALL(select, 20, &in, &out, &err, &zero);
    result();
    close(file);
    FD_SET(50, &in);
    CALL(select, 60, &in, NULL, NULL, &zero);
    result();
    FD_SET(50, &in);
    CALL(select, 50, &in, NULL, NULL, &zero);
    reset();
    FD_SET(1000, &in);
    CALL(select, 1024, &in, NULL, NULL, &zero);
    reset();
}

static void *write_later(void *arg)
{
    usleep(40000);
    write(p[1], "x", 1);
    return NULL;
}

static void waiting(void)
{
    struct timeval tv = {0, 30000}, odd = {0, 1030000};
    struct timespec ts = {0, 30000000};
    long long t = show_now(CLOCK_MONOTONIC);
    pthread_t thread;
    char c;

    title("waiting");
    read(p[0], &c, 1);
    reset();
    FD_SET(p[0], &in);
    CALL(select, 20, &in, NULL, NULL, &tv);
    printf("%s, left %ld.%06ld\n", passed(t, 30000000), (long)tv.tv_sec,
           (long)tv.tv_usec);
    result();
    t = show_now(CLOCK_MONOTONIC);
    CALL(pselect6, 0, NULL, NULL, NULL, &ts, NULL);
    printf("%s, left %ld\n", passed(t, 30000000), ts.tv_nsec);
    FD_SET(p[0], &in);
    tv.tv_sec = 100;
    pthread_create(&thread, NULL, write_later, NULL);
    CALL(select, 20, &in, NULL, NULL, &tv);
    pthread_join(thread, NULL);
    result();
    printf("left %d\n", tv.tv_sec > 90 && tv.tv_sec < 100);
    t = show_now(CLOCK_MONOTONIC);
    CALL(select, 0, NULL, NULL, NULL, &odd);
    puts(passed(t, 1030000000));
}

static void refusals(void)
{
    struct timeval bad = {0, -1}, negative = {-1, 0}, zero = {0, 0};
    struct timespec bad_ts = {0, 1000000000}, zero_ts = {0, 0};
    struct {
        void *set;
        size_t size;
    } mask = {&in, 4}, bad_mask = {BAD, 8}, no_mask = {NULL, 4};

    title("refusals");
    CALL(select, -1, NULL, NULL, NULL, &zero);
    CALL(select, 5, BAD, NULL, NULL, &zero);
    CALL(select, 5, NULL, NULL, NULL, BAD);
    CALL(select, 5, NULL, NULL, NULL, &bad);
    CALL(select, 5, NULL, NULL, NULL, &negative);
    CALL(select, 1 << 30, NULL, NULL, NULL, &zero);
    CALL(pselect6, 5, NULL, NULL, NULL, &bad_ts, NULL);
    CALL(pselect6, 5, NULL, NULL, NULL, &zero_ts, &mask);
    CALL(pselect6, 5, NULL, NULL, NULL, &zero_ts, &bad_mask);
    CALL(pselect6, 5, NULL, NULL, NULL, &zero_ts, &no_mask);
    CALL(pselect6, 5, NULL, NULL, NULL, &zero_ts, BAD);
}

int main(void)
{
    show_start();
    sets();
    waiting();
    refusals();
    return 0;
}
