// SPDX-License-Identifier: MIT
// For family-test.sh: a process with more than half of the mappings that a host
// allows (vm.max_map_count), and its child, which gives them up and makes as
// many elsewhere; each looks through its own when it is its turn.
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, PAIRS = 17000 };
static char *const low = (char *)0x700000000, *const high = (char *)0x780000000;

static void must(int yes, const char *what)
{
    if (!yes) {
        perror(what);
        exit(1);
    }
}

/* Every other page can be written to. */
static void make(char *at, char mark)
{
    must(mmap(at, (size_t)PAIRS * 2 * PAGE, PROT_READ,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at,
         "mmap");
    for (int i = 0; i < PAIRS; i++) {
        char *page = at + (size_t)i * 2 * PAGE;
        must(!mprotect(page, PAGE, PROT_READ | PROT_WRITE), "mprotect");
        if (i % 64 == 0) {
            page[i % PAGE] = mark;
        }
    }
}

static int wrong(const char *at, char mark)
{
    int n = 0;

    for (int i = 0; i < PAIRS; i += 64) {
        n += at[(size_t)i * 2 * PAGE + i % PAGE] != mark;
        n += at[(size_t)i * 2 * PAGE + PAGE] != 0;
    }
    return n;
}

static void turn(char *at, char mark, int in, int out)
{
    char c;

    must(read(in, &c, 1) == 1, "read");
    must(!wrong(at, mark), "what was written");
    must(write(out, "", 1) == 1, "write");
}

int main(void)
{
    int up[2], down[2], status;
    pid_t child;

    must(!pipe(up) && !pipe(down), "pipe");
    make(low, 1);
    child = fork();
    must(child >= 0, "fork");
    if (!child) {
        must(!munmap(low, (size_t)PAIRS * 2 * PAGE), "munmap");
        make(high, 2);
        must(write(up[1], "", 1) == 1, "write");
        turn(high, 2, down[0], up[1]);
        return 0;
    }
    turn(low, 1, up[0], down[1]);
    must(waitpid(child, &status, 0) == child && !status, "child");
    puts(wrong(low, 1) ? "wrong" : "all there");
    return 0;
}
