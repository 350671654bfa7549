/* SPDX-License-Identifier: MIT
 *
 * Shared memory that comes after a fork: one child maps it and has a child of
 * its own, while its brother has private memory at the same address. With an
 * argument, both leave the address to the kernel.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 1 << 16 };
static int to[2], from[2], fixed = MAP_FIXED;

static void step(int in, int out)
{
    char c = 0;

    if (out >= 0) {
        write(out, &c, 1);
    }
    if (in >= 0) {
        read(in, &c, 1);
    }
}

static int all(const char *p, char c)
{
    for (int i = 0; i < SIZE; i++) {
        if (p[i] != c) {
            return 0;
        }
    }
    return 1;
}

/* Its own child writes; the brother does in between. */
static void sharer(char *at)
{
    char *p = mmap(at, SIZE, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS | fixed, -1, 0);

    memset(p, 'a', SIZE);
    if (fork() == 0) {
        memset(p, 's', SIZE);
        _exit(0);
    }
    wait(NULL);
    step(from[0], to[1]);
    printf("shared memory is %s\n", all(p, 's') ? "whole" : "damaged");
    exit(0);
}

static void brother(char *at)
{
    char *p = mmap(at, SIZE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | fixed, -1, 0);

    step(to[0], -1);
    printf("private memory %s\n", all(p, 0) ? "is empty" : "has something");
    memset(p, 'p', SIZE);
    step(-1, from[1]);
    exit(0);
}

int main(int argc, char **argv)
{
    char *at = mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (argc > 1) {
        at = NULL;
        fixed = 0;
    }
    setvbuf(stdout, NULL, _IONBF, 0);
    pipe(to);
    pipe(from);
    if (fork() == 0) {
        sharer(at);
    }
    if (fork() == 0) {
        brother(at);
    }
    while (wait(NULL) > 0) {
    }
    return 0;
}
