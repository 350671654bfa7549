/* SPDX-License-Identifier: MIT
 *
 * Core files: of whom, when, the bit in the wait status, and whose memory is in
 * them. Where a Linux's core_pattern names a program, no file is looked for.
 */
#include <elf.h>
#include <signal.h>
#include <sys/mman.h>
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

enum { MARK = 64, AREA = 1 << 16 };

/* A text that is nowhere but in the memory that it is written to. */
static void mark(char *at, char first)
{
    for (int i = 0; i < MARK; i++) {
        at[i] = (char)(first + i * 5 % 23);
    }
}

static int has_mark(const char *path, char first)
{
    char text[MARK], *all;
    int fd = open(path, O_RDONLY), found = 0;
    off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);

    mark(text, first);
    all = size ? mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    if (all && all != MAP_FAILED) {
        found = memmem(all, (size_t)size, text, MARK) != NULL;
        munmap(all, (size_t)size);
    }
    close(fd);
    memset(text, 0, sizeof(text));
    return found;
}

/* Of memory that parent or child wrote, and of what is not to be dumped. */
static void memory(void)
{
    const struct rlimit r = {RLIM_INFINITY, RLIM_INFINITY};
    char *mine, *ours, *secret;

    mine = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                -1, 0);
    ours = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                -1, 0);
    secret = mmap(NULL, AREA, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mark(ours + 5000, 'B');
    mark(secret, 'C');
    unlink("core");
    fflush(stdout);
    if (fork() == 0) {
        setrlimit(RLIMIT_CORE, &r);
        mark(mine + 9000, 'A');
        madvise(secret, AREA, MADV_DONTDUMP);
        abort();
    }
    wait(NULL);
    printf("memory: own %d parent's %d not to be dumped %d\n",
           has_mark("core", 'A'), has_mark("core", 'B'), has_mark("core", 'C'));
    munmap(mine, AREA);
    munmap(ours, AREA);
    munmap(secret, AREA);
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
    memory();
    return 0;
}
