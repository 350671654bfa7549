/* SPDX-License-Identifier: MIT
 *
 * Between exec_find.c, which decides what is to run, and exec.c, which makes
 * the process run it.
 */
#ifndef KERNEL_PROC_EXEC_H
#define KERNEL_PROC_EXEC_H

#include "kernel/proc/exec/elf.h"
#include "kernel/proc/exec/exec_cred.h"
#include "kernel/proc/proc.h"
#include "kernel/proc/exec/script.h"

struct exec {
    struct file *file;   /* the ELF file to run */
    struct file *interp; /* its dynamic linker, or NULL */
    bool hidden; /* by a descriptor that closes: no script can be named so */
    struct exec_grant grant;
    struct exec_args *args;
    struct elf_image image, interp_image;
    char head[SCRIPT_LINE_MAX];
    char name[4096 + 32]; /* as the caller named it: AT_EXECFN */
    char path[4096 + 32]; /* of the interpreter in question */
};

/* Opens and checks everything; a script's arguments are put in order in args.
 * Changes nothing else. Errors of execve(2). *out ends in exec_free(). */
int exec_find(int dirfd, const char *path, int flags, struct exec_args *args,
              struct exec **out);
void exec_free(struct exec *x);

#endif
