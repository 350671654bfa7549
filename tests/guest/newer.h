/* SPDX-License-Identifier: MIT
 *
 * For what a Linux of today has and the one that tests run on may not: there,
 * only the words are printed.
 */
#ifndef TESTS_GUEST_NEWER_H
#define TESTS_GUEST_NEWER_H

#include <stdio.h>
#include <sys/utsname.h>

static int old; /* set by main(): older_than() what it is about */

static inline int older_than(int major, int minor)
{
    struct utsname u;
    int is[2] = {0, 0};

    uname(&u);
    sscanf(u.release, "%d.%d", &is[0], &is[1]);
    return is[0] < major || (is[0] == major && is[1] < minor);
}

static inline void must(const char *what, int ok)
{
    printf("%s%s\n", what, old || ok ? "" : ": NOT SO");
}

#endif
