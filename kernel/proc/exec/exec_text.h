/* SPDX-License-Identifier: MIT
 *
 * The strings of a process's execve(2), for procfs (exec_text.c).
 */
#ifndef KERNEL_PROC_EXEC_TEXT_H
#define KERNEL_PROC_EXEC_TEXT_H

#include "kernel/proc/proc.h"

struct exec_text {
    uint32_t refs;    /* atomic */
    size_t args, env; /* bytes of each, NULs included; env stands behind */
    char text[];
};

/* NULL is nothing. */
void exec_text_get(struct exec_text *x);
void exec_text_put(struct exec_text *x);
/* p executes a program with these. */
void exec_text_set(struct proc *p, const struct exec_args *a);
/* Counted, or NULL. */
struct exec_text *exec_text_of(struct proc *p);

#endif
