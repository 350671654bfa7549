/* SPDX-License-Identifier: MIT
 *
 * close_range: what is closed, what only gets FD_CLOEXEC, and a table of
 * descriptors that a thread takes for itself.
 */
#include <linux/close_range.h>
#include <pthread.h>
#include "tests/guest/show.h"

static void open_ones(void)
{
    for (int fd = 3; fd < 130; fd++) {
        printf(fcntl(fd, F_GETFD) < 0 ? ""
               : fcntl(fd, F_GETFD)   ? "%d* "
                                      : "%d ",
               fd);
    }
    printf("\n");
}

static void fill(void)
{
    static const int at[] = {3, 4, 5, 6, 10, 63, 64, 65, 100, 127, 128};

    for (unsigned i = 0; i < COUNT(at); i++) {
        dup2(0, at[i]);
    }
    open_ones();
}

static void *apart(void *arg)
{
    CALL(close_range, 5, 100, CLOSE_RANGE_UNSHARE);
    open_ones();
    CALL(dup2, 0, 20);
    return NULL;
}

static void *apart_cloexec(void *arg)
{
    CALL(close_range, 5, ~0u, CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC);
    open_ones();
    return NULL;
}

static void *together(void *arg)
{
    CALL(close_range, 5, 10, 0);
    return NULL;
}

static void in_thread(void *(*body)(void *))
{
    pthread_t t;

    pthread_create(&t, NULL, body, NULL);
    pthread_join(t, NULL);
    open_ones();
}

int main(void)
{
    show_start();
    fill();
    CALL(close_range, 4, 63, 0);
    open_ones();
    CALL(close_range, 64, 64, 0);
    open_ones();
    CALL(close_range, 66, 99, 0);
    CALL(close_range, 5000, 6000, 0);
    CALL(close_range, 10, 5, 0);
    CALL(close_range, 10, 20, 1);
    CALL(close_range, 10, 20, 8);
    CALL(close_range, 100, ~0u, CLOSE_RANGE_CLOEXEC);
    open_ones();
    CALL(close_range, 3, ~0u, 0);
    fill();
    title("threads");
    in_thread(apart);
    in_thread(apart_cloexec);
    in_thread(together);
    return 0;
}
