/* SPDX-License-Identifier: MIT
 *
 * Pipes with O_DIRECT: each write is a packet, a short read loses the rest;
 * and how the mode comes and goes with F_SETFL.
 */
#include <poll.h>
#include <sys/ioctl.h>
#include "tests/guest/show.h"

static char buf[20000];

int main(void)
{
    int p[2], n;

    show_start();
    CALL(pipe2, p, O_DIRECT | O_NONBLOCK);
    printf("flags %o %o\n", fcntl(p[0], F_GETFL), fcntl(p[1], F_GETFL));
    CALL(write, p[1], "one", 3L);
    CALL(write, p[1], "second", 6L);
    CALL(write, p[1], "3", 1L);
    CALL(ioctl, p[0], FIONREAD, &n);
    printf("%d\n", n);
    CALL(read, p[0], buf, 100L);
    CALL(read, p[0], buf, 2L);
    printf("[%.2s]\n", buf);
    CALL(read, p[0], buf, 100L);
    printf("[%.1s]\n", buf);
    CALL(read, p[0], buf, 100L);
    title("long packets");
    CALL(write, p[1], buf, 10000L);
    CALL(read, p[0], buf, 20000L);
    CALL(read, p[0], buf, 20000L);
    CALL(read, p[0], buf, 20000L);
    title("switching");
    CALL(fcntl, p[1], F_SETFL, O_NONBLOCK);
    CALL(write, p[1], "ab", 2L);
    CALL(write, p[1], "cd", 2L);
    CALL(fcntl, p[1], F_SETFL, O_NONBLOCK | O_DIRECT);
    CALL(write, p[1], "ef", 2L);
    CALL(write, p[1], "gh", 2L);
    CALL(read, p[0], buf, 3L);
    CALL(read, p[0], buf, 3L);
    CALL(read, p[0], buf, 3L);
    CALL(read, p[0], buf, 3L);
    title("how many");
    n = 0;
    while (write(p[1], "x", 1) == 1) {
        n++;
    }
    printf("%d packets, %s\n", n, strerrorname_np(errno));
    struct pollfd pfd = {p[1], POLLOUT, 0};
    printf("poll %d\n", poll(&pfd, 1, 0));
    CALL(read, p[0], buf, 100L);
    printf("poll %d\n", poll(&pfd, 1, 0));
    return 0;
}
