/* SPDX-License-Identifier: MIT
 *
 * Core files (core(5)): what a process leaves that dies of a signal whose
 * default action says so.
 */
#ifndef KERNEL_PROC_CORE_DUMP_H
#define KERNEL_PROC_CORE_DUMP_H

#include "kernel/proc/proc.h"

/* The current process dies of info: its other threads end, then it writes its
 * core, where it may and is to have one. True when there is one. May block. */
bool core_dump(const struct k_siginfo *info);

/* /proc/sys/kernel/core_pattern: a path with %p, %e, %s, %u, %g, %t and %%.
 * set: -EINVAL for a program to pipe to, or a text that is too long. */
enum { CORE_PATTERN_BYTES = 128, CORE_NAME_BYTES = 256 };
void core_pattern_get(char text[CORE_PATTERN_BYTES]);
int core_pattern_set(const char *text, size_t len);
/* The name for the current process, which dies of signo; "": none. */
void core_name(int signo, char name[CORE_NAME_BYTES]);

#endif
