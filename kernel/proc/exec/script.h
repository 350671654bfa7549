/* SPDX-License-Identifier: MIT
 *
 * The first line of an interpreter script (execve(2)).
 */
#ifndef KERNEL_PROC_SCRIPT_H
#define KERNEL_PROC_SCRIPT_H

#include "lib/types.h"

enum { SCRIPT_LINE_MAX = 256 };

/* head: the file's first len (at most SCRIPT_LINE_MAX - 1) bytes, changed in
 * place; head[len] is ours to write. True for "#!". */
static inline bool script_is(const char *head, size_t len)
{
    return len >= 2 && head[0] == '#' && head[1] == '!';
}

/* *interp and *arg (NULL: none) point into head: -ENOEXEC. */
int script_parse(char *head, size_t len, char **interp, char **arg);

#endif
