/* SPDX-License-Identifier: MIT
 *
 * What execve(2) is asked to run: follows scripts to their interpreter, reads
 * ELF headers, opens the dynamic linker. All of it before the old program is
 * touched, so that every error here is only an error.
 */
#include "kernel/proc/exec/exec.h"
#include "kernel/fs/file.h"
#include "abi/linux/errno.h"
#include "abi/linux/fcntl.h"
#include "kernel/mm/heap.h"
#include "lib/fmt.h"
#include "lib/string.h"

enum { SCRIPT_DEPTH = 5 }; /* execve(2) */

void exec_free(struct exec *x)
{
    if (x->file) {
        file_put(x->file);
    }
    if (x->interp) {
        file_put(x->interp);
    }
    kfree(x);
}

/* The name that the program can open itself by (execveat(2)). */
static int choose_name(struct exec *x, int dirfd, const char *path)
{
    int len;

    if (path[0] == '/' || dirfd == AT_FDCWD) {
        len = fmt_snprintf(x->name, sizeof(x->name), "%s", path);
    } else if (path[0] == '\0') {
        len = fmt_snprintf(x->name, sizeof(x->name), "/dev/fd/%d", dirfd);
    } else {
        len = fmt_snprintf(x->name, sizeof(x->name), "/dev/fd/%d/%s", dirfd,
                           path);
    }
    return len < (int)sizeof(x->name) ? 0 : -ENAMETOOLONG;
}

/* Interpreter, its argument and the script's own name replace argv[0]. */
static int rewrite_args(struct exec *x, const char *script, char *arg)
{
    struct exec_args *a = x->args;
    int err;

    exec_args_drop_first(a);
    err = exec_args_push_front(a, script);
    if (!err && arg) {
        err = exec_args_push_front(a, arg);
    }
    return err ? err : exec_args_push_front(a, x->path);
}

/* One step from a script to its interpreter; script is its name. */
static int follow_script(struct exec *x, size_t len, const char *script)
{
    char *interp, *arg;
    char name[SCRIPT_LINE_MAX];
    int err = script_parse(x->head, len, &interp, &arg);

    if (!err && x->hidden) {
        err = -ENOENT; /* the interpreter could not open it (execveat(2)) */
    }
    if (err) {
        return err;
    }
    strlcpy(name, interp, sizeof(name));
    if (script == x->path) { /* about to be overwritten: args copied first */
        char old[SCRIPT_LINE_MAX];

        strlcpy(old, x->path, sizeof(old));
        strlcpy(x->path, name, sizeof(x->path));
        err = rewrite_args(x, old, arg);
    } else {
        strlcpy(x->path, name, sizeof(x->path));
        err = rewrite_args(x, script, arg);
    }
    if (err) {
        return err;
    }
    file_put(x->file);
    x->file = NULL;
    return file_open_exec(AT_FDCWD, x->path, 0, &x->file);
}

static int follow_scripts(struct exec *x)
{
    const char *script = x->name;

    for (int depth = 0;; depth++) {
        long len = file_pread_kernel(x->file, x->head, sizeof(x->head) - 1, 0);
        int err;

        if (len < 0) {
            return (int)len;
        }
        if (!script_is(x->head, (size_t)len)) {
            return 0;
        }
        if (depth == SCRIPT_DEPTH) {
            return -ELOOP;
        }
        err = follow_script(x, (size_t)len, script);
        if (err) {
            return err;
        }
        script = x->path;
    }
}

static int open_linker(struct exec *x)
{
    int err = elf_interp_path(x->file, &x->image, x->path);

    if (!err && !x->path[0]) {
        err = -EACCES; /* the working directory, to Linux */
    }
    if (!err) {
        err = file_open_exec(AT_FDCWD, x->path, 0, &x->interp);
    }
    if (!err) {
        err = elf_read(x->interp, &x->interp_image);
        err = err == -ENOEXEC ? -ELIBBAD : err;
    }
    return err;
}

int exec_find(int dirfd, const char *path, int flags, struct exec_args *args,
              struct exec **out)
{
    struct exec *x = kzalloc(sizeof(*x));
    int err;

    if (!x) {
        return -ENOMEM;
    }
    x->args = args;
    x->hidden = dirfd != AT_FDCWD && path[0] != '/' &&
                fd_get_cloexec(dirfd) == FD_CLOEXEC;
    err = choose_name(x, dirfd, path);
    if (!err) {
        err = file_open_exec(dirfd, path, flags, &x->file);
    }
    /* A program may rely on argv[0]; Linux gives it an empty one too. */
    if (!err && args->argc == 0) {
        err = exec_args_push_front(args, "");
    }
    if (!err) {
        err = follow_scripts(x);
    }
    if (!err) {
        err = elf_read(x->file, &x->image);
    }
    if (!err) {
        err = exec_grant_get(x->file, &x->grant);
    }
    if (!err && x->image.interp >= 0) {
        err = open_linker(x);
    }
    if (err) {
        exec_free(x);
        return err;
    }
    *out = x;
    return 0;
}
