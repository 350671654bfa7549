/* SPDX-License-Identifier: MIT
 *
 * Core files: of whom, when, and the bit in the wait status. Where a Linux's
 * core_pattern names a program, no file is looked for.
 */
#include <elf.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

static int is_core(const char *path)
{
    Elf64_Ehdr h;
    int fd = open(path, O_RDONLY), yes;

    yes = fd >= 0 && read(fd, &h, sizeof(h)) == sizeof(h) &&
          memcmp(h.e_ident, ELFMAG, SELFMAG) == 0 && h.e_type == ET_CORE &&
          h.e_phnum > 2;
    close(fd);
    return yes;
}

static void die(const char *how, int signo, rlim_t limit, int dumpable)
{
    struct rlimit r = {limit, RLIM_INFINITY};
    int status;

    unlink("core");
    fflush(stdout);
    if (fork() == 0) {
        setrlimit(RLIMIT_CORE, &r);
        prctl(PR_SET_DUMPABLE, dumpable);
        raise(signo);
        _exit(0);
    }
    wait(&status);
    printf("%s: signal %d core %d file %d\n", how, WTERMSIG(status),
           WCOREDUMP(status) != 0, is_core("core"));
}

int main(void)
{
    char pattern[200] = "";
    int fd;

    show_start();
    fd = open("/proc/sys/kernel/core_pattern", O_RDONLY);
    read(fd, pattern, sizeof(pattern) - 1);
    close(fd);
    if (strcmp(pattern, "core\n") != 0) {
        printf("core_pattern is %s", pattern);
        return 0;
    }
    chdir("/tmp");
    die("abort", SIGABRT, RLIM_INFINITY, 1);
    die("quit", SIGQUIT, RLIM_INFINITY, 1);
    die("terminate", SIGTERM, RLIM_INFINITY, 1);
    die("no limit left", SIGABRT, 0, 1);
    die("not dumpable", SIGABRT, RLIM_INFINITY, 0);
    return 0;
}
