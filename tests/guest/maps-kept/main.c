/* SPDX-License-Identifier: MIT
 *
 * A descriptor of /proc/PID/maps or smaps is of the address space that was
 * there when it was opened: after execve(2) or the end it shows nothing.
 */
#include <sys/wait.h>
#include "tests/guest/show.h"

static const char *const names[] = {"maps", "smaps", "smaps_rollup"};
static int fds[COUNT(names)];

static void open_all(const char *of)
{
    char path[100];

    for (size_t i = 0; i < COUNT(names); i++) {
        snprintf(path, sizeof(path), "/proc/%s/%s", of, names[i]);
        fds[i] = open(path, O_RDONLY);
    }
}

static void show_all(const char *when)
{
    char buf[64];

    for (size_t i = 0; i < COUNT(names); i++) {
        long n = pread(fds[i], buf, sizeof(buf), 0);

        printf("%s %s: %s\n", when, names[i],
               n < 0   ? strerrorname_np(errno)
               : n > 0 ? "something"
                       : "nothing");
    }
}

int main(int argc, char **argv)
{
    int go[2], back[2], status;
    char number[20], c;
    pid_t pid;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 2) { /* the child, as another program */
        write(atoi(argv[2]), "x", 1);
        read(atoi(argv[1]), &c, 1);
        return 0;
    }
    if (argc > 1) {
        fds[0] = 3, fds[1] = 4, fds[2] = 5;
        show_all("own, after exec");
        return 0;
    }
    pipe(go);
    pipe(back);
    pid = fork();
    if (!pid) {
        write(back[1], "x", 1);
        read(go[0], &c, 1);
        dup2(go[0], 100);
        dup2(back[1], 101);
        execl(argv[0], argv[0], "100", "101", NULL);
        _exit(1);
    }
    read(back[0], &c, 1);
    snprintf(number, sizeof(number), "%d", pid);
    open_all(number);
    show_all("before exec");
    write(go[1], "x", 1);
    read(back[0], &c, 1);
    show_all("after exec");
    for (size_t i = 0; i < COUNT(fds); i++) {
        close(fds[i]);
    }
    open_all(number);
    show_all("opened then");
    write(go[1], "x", 1);
    waitpid(pid, &status, 0);
    show_all("after the end");
    show_start();
    open_all("self");
    show_all("own");
    execl(argv[0], argv[0], "again", NULL);
    return 1;
}
