// SPDX-License-Identifier: MIT
// What the programs of fault-test.sh share: calls that may fail for want of
// memory, with an errno that their page names, and what must be so regardless.
#ifndef TESTS_CLI_FAULT_H
#define TESTS_CLI_FAULT_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int wrong, failed;

static bool named(int err, const int *may)
{
    for (; *may; may++) {
        if (err == *may) {
            return true;
        }
    }
    return false;
}

// Whether the call went well. What may be said: the list, up to 0.
static bool went(const char *what, long result, const int *may)
{
    if (result < 0) {
        bool fits = named(errno, may);

        wrong += !fits;
        failed++;
        printf("%s%s: %s\n", fits ? "" : "wrong ", what, strerror(errno));
    }
    return result >= 0;
}

#define MAY(call, ...) went(#call, (long)(call), (const int[]){__VA_ARGS__, 0})

static void is(const char *what, bool yes)
{
    if (!yes) {
        printf("wrong %s\n", what);
        wrong++;
    }
}

#define IS(cond) is(#cond, cond)

static void give_back(int *fds, int count)
{
    for (int i = 0; i < count; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
}

#endif
