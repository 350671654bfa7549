/* SPDX-License-Identifier: MIT
 *
 * What the system calls of files share: path arguments and the descriptors
 * that they are relative to.
 */
#ifndef KERNEL_SYS_USER_PATH_H
#define KERNEL_SYS_USER_PATH_H

#include "kernel/fs/file.h"
#include "kernel/fs/path.h"
#include "kernel/sys/table.h"

/* A path from user memory; short ones need no allocation. */
struct user_path {
    const char *text;
    char *memory; /* kmalloc'ed, or NULL */
    char small[232];
};

/* -EFAULT, -ENAMETOOLONG, -ENOMEM. Nothing to put on failure. */
int user_path_get(struct user_path *p, struct uptr from);
void user_path_put(struct user_path *p);

/* A path and where it starts. */
struct user_at {
    struct user_path path;
    struct fd fd;             /* dirfd's, or none */
    const struct path *start; /* NULL: the cwd; only for relative paths */
};

/* -EBADF, too; before it -ENOENT for an empty path without WALK_EMPTY. */
int user_at_get(struct user_at *at, int dirfd, struct uptr path, unsigned walk);
void user_at_put(struct user_at *at);

/* Finds what (dirfd, path) names; *out is counted. flags: WALK_*. */
int user_find(int dirfd, struct uptr path, unsigned flags, struct path *out);

/* The file that descriptor fd has open, counted. -EBADF, also for O_PATH. */
int user_find_fd(int fd, struct path *out);

/* A descriptor of f, which is taken, also on failure. */
long user_file_install(struct file *f, bool cloexec);

/* AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH as WALK_*. */
static inline unsigned walk_of_at(int flags)
{
    return (flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) |
           (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0);
}

/* AT_EMPTY_PATH, and the path is "" or NULL: for calls that take that for the
 * descriptor itself. */
bool user_path_is_empty(struct uptr path, int flags);

#endif
