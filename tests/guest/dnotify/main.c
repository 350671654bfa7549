/* SPDX-License-Identifier: MIT
 *
 * Signals about a directory (F_NOTIFY) and about pipes (O_ASYNC): which come,
 * and what they say.
 */
#include <poll.h>
#include <signal.h>
#include "tests/guest/show.h"

static sigset_t set;

static void take(const char *what, int fd)
{
    siginfo_t info;

    memset(&info, 0, sizeof(info));
    if (sigtimedwait(&set, &info, &(struct timespec){0, 50000000}) < 0) {
        printf("%s: nothing\n", what);
        return;
    }
    printf("%s: ours %d, code %d\n", what, info.si_fd == fd, info.si_code);
}

static void directory(void)
{
    int dir = open("/tmp/d", O_RDONLY), file = open("/tmp/f", O_RDONLY);

    title("directory");
    fcntl(dir, F_SETSIG, SIGRTMIN);
    CALL(fcntl, file, F_NOTIFY, DN_CREATE);
    CALL(fcntl, 99, F_NOTIFY, DN_CREATE);
    CALL(fcntl, dir, F_NOTIFY, DN_CREATE);
    put("/tmp/d/a", "1");
    take("create", dir);
    put("/tmp/d/b", "1");
    take("create again", dir);
    CALL(fcntl, dir, F_NOTIFY, DN_MULTISHOT | DN_MODIFY | DN_DELETE);
    put("/tmp/d/a", "12");
    take("modify", dir);
    unlink("/tmp/d/b");
    while (sigtimedwait(&set, NULL, &(struct timespec){0, 0}) > 0) {
    }
    rename("/tmp/d/a", "/tmp/d/c");
    take("rename, unasked", dir);
    CALL(fcntl, dir, F_NOTIFY, DN_MULTISHOT | DN_RENAME);
    rename("/tmp/d/c", "/tmp/d/a");
    take("rename", dir);
    rename("/tmp/d/a", "/tmp/a");
    CALL(fcntl, dir, F_NOTIFY, 0);
    while (sigtimedwait(&set, NULL, &(struct timespec){0, 0}) > 0) {
    }
    put("/tmp/d/e", "1");
    take("none asked for", dir);
    close(dir);
    close(file);
}

static void pipes(void)
{
    char c;
    int p[2];

    title("pipes");
    pipe(p);
    fcntl(p[0], F_SETSIG, SIGRTMIN);
    fcntl(p[0], F_SETOWN, getpid());
    CALL(fcntl, p[0], F_SETFL, O_ASYNC);
    write(p[1], "x", 1);
    take("written", p[0]);
    read(p[0], &c, 1);
    fcntl(p[0], F_SETFL, 0);
    write(p[1], "x", 1);
    take("off", p[0]);
    close(p[0]);
    close(p[1]);
}

int main(void)
{
    show_start();
    mkdir("/tmp/d", 0755);
    put("/tmp/f", "text");
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    directory();
    pipes();
    return 0;
}
