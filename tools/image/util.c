/* SPDX-License-Identifier: MIT
 *
 * Messages and child processes.
 */
#include "tools/image/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COMMAND_MISSING = 127 };

int image_error(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    fputs("enclos: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    return -1;
}

static _Noreturn void child(const char *const *argv, int out)
{
    int null = open("/dev/null", O_RDWR);

    dup2(null, 0);
    dup2(out >= 0 ? out : null, 1);
    unsetenv("SOURCE_DATE_EPOCH"); /* mkfs.erofs would clamp files' times */
    execvp(argv[0], (char *const *)argv);
    _exit(COMMAND_MISSING);
}

static void read_all(int fd, char *buf, size_t len)
{
    size_t done = 0;
    ssize_t n;
    char rest[512];

    while ((n = done + 1 < len ? read(fd, buf + done, len - 1 - done)
                               : read(fd, rest, sizeof(rest))) > 0) {
        done += done + 1 < len ? (size_t)n : 0;
    }
    buf[done] = '\0';
}

int image_command(const char *const *argv, const char *package, char *output,
                  size_t len)
{
    int fds[2] = {-1, -1}, status;
    pid_t pid;

    if (output && pipe2(fds, O_CLOEXEC)) {
        return image_error("pipe: %s", strerror(errno));
    }
    pid = fork();
    if (pid == 0) {
        child(argv, fds[1]);
    }
    if (output) {
        close(fds[1]);
        read_all(fds[0], output, len);
        close(fds[0]);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        return image_error("cannot run %s: %s", argv[0], strerror(errno));
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == COMMAND_MISSING) {
        return image_error("%s is missing: install the package %s", argv[0],
                           package);
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status)) {
        return image_error("%s failed with status %d", argv[0],
                           WIFEXITED(status) ? WEXITSTATUS(status)
                                             : 128 + WTERMSIG(status));
    }
    return 0;
}

void image_remove_tree(const char *dir)
{
    image_command((const char *[]){"rm", "-rf", "--", dir, NULL}, "coreutils",
                  NULL, 0);
}
