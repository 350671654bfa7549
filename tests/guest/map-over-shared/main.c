// SPDX-License-Identifier: MIT
// MAP_FIXED puts a private mapping of one file in the place of a shared one
// of another: what autoconf's AC_FUNC_MMAP asks.
#include <sys/mman.h>

#include "../show.h"

static char zeroes[4096], text[4096], back[4096];

int main(void)
{
    int shared = open("/tmp/shared", O_RDWR | O_CREAT, 0600);
    int private = open("/tmp/private", O_RDWR | O_CREAT, 0600);
    char *at, *over;

    memset(text, 'x', sizeof(text));
    SHOW(write(shared, "", 1));
    SHOW(write(private, text, sizeof(text)));
    at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0);
    SHOW(memcmp(at, zeroes, 4096));
    over = mmap(at, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED,
                private, 0);
    SHOW(over == at);
    if (over != at) {
        return 1;
    }
    SHOW(memcmp(over, text, 4096));
    memset(over, 'y', 4096);
    SHOW(pread(private, back, 4096, 0));
    SHOW(memcmp(back, text, 4096));
    at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0);
    SHOW(at != over && memcmp(at, zeroes, 4096) == 0);
    return 0;
}
