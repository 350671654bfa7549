/* SPDX-License-Identifier: MIT
 *
 * dup, dup2, dup3: numbers, what is closed on the way, flags that are not
 * shared, and the same number twice.
 */
#include <sys/resource.h>
#include "tests/guest/show.h"

static void limits(void)
{
    struct rlimit old, small = {20, 20};

    getrlimit(RLIMIT_NOFILE, &old);
    small.rlim_max = old.rlim_max;
    title("at the limit");
    setrlimit(RLIMIT_NOFILE, &small);
    CALL(dup2, 0, 19);
    CALL(dup2, 0, 20);
    CALL(dup3, 0, 20, 0);
    CALL(fcntl, 0, F_DUPFD, 19);
    CALL(fcntl, 0, F_DUPFD, 20);
    int last = 0, fd;
    while ((fd = dup(0)) >= 0) {
        last = fd;
    }
    printf("last %d %s\n", last, strerrorname_np(errno));
    CALL(open, "/tmp", O_RDONLY);
    CALL(pipe, (int[2]){0, 0});
    close(10);
    CALL(pipe, (int[2]){0, 0});
    CALL(open, "/tmp", O_RDONLY);
    setrlimit(RLIMIT_NOFILE, &old);
    CALL(dup, 0);
}

int main(void)
{
    int p[2];
    char c;

    show_start();
    put("/tmp/a", "a");
    put("/tmp/b", "b");
    int a = open("/tmp/a", O_RDONLY | O_CLOEXEC), b = open("/tmp/b", O_RDONLY);

    CALL(dup, a);
    CALL(fcntl, 5, F_GETFD);
    CALL(dup, 99);
    CALL(dup2, a, 5);
    CALL(dup2, a, 10);
    CALL(fcntl, 10, F_GETFD);
    CALL(dup2, a, a);
    CALL(fcntl, a, F_GETFD);
    CALL(dup2, 99, 99);
    CALL(dup2, 99, 10);
    CALL(dup2, a, -1);
    CALL(dup2, a, 1 << 30);
    CALL(dup3, a, a, 0);
    CALL(dup3, a, 11, O_CLOEXEC);
    CALL(fcntl, 11, F_GETFD);
    CALL(dup3, a, 11, O_NONBLOCK);
    CALL(dup3, a, 11, -1);
    CALL(dup3, 99, 99, 0);
    CALL(dup3, 99, 11, 0);
    title("over an open file");
    CALL(dup2, a, b);
    CALL(read, b, &c, 1L);
    printf("%c\n", c);
    CALL(read, a, &c, 1L);
    pipe(p);
    CALL(dup2, a, p[1]);
    CALL(read, p[0], &c, 1L);
    title("numbers");
    close(4);
    close(3);
    CALL(dup, 0);
    CALL(dup, 0);
    CALL(dup, 0);
    CALL(dup2, 0, 1000);
    CALL(dup, 0);
    close(1000);
    syscall(SYS_close_range, 3, ~0u, 0);
    limits();
    return 0;
}
