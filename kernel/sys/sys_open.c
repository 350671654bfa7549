/* SPDX-License-Identifier: MIT
 *
 * Descriptors come and go: open(2), openat2(2), close(2), dup(2),
 * close_range(2).
 */
#include "kernel/sys/user_path.h"
#include "kernel/mm/user_struct.h"
#include "kernel/fs/current.h"
#include "kernel/fs/names.h"
#include "kernel/proc/proc.h"
#include "abi/linux/errno.h"
#include "abi/linux/sched.h"
#include "abi/linux/stat.h"
#include "lib/string.h"

enum {
    OPEN_FLAGS = O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND |
                 O_NONBLOCK | O_SYNC | FASYNC | O_DIRECT | O_LARGEFILE |
                 O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH |
                 O_TMPFILE,
    PATH_ONLY_FLAGS = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
};

static long open_at(int dirfd, struct uptr path, uint32_t flags, uint32_t mode,
                    unsigned walk)
{
    struct user_at at;
    struct file *f;
    int fd, err = user_at_get(&at, dirfd, path, 0);

    if (err) {
        return err;
    }
    flags |= flags & O_SYNC ? O_DSYNC : 0; /* its own bit means both */
    fd = fd_reserve(flags & O_CLOEXEC);
    if (fd >= 0) {
        err = name_open(at.start, at.path.text, flags | O_LARGEFILE, mode, walk,
                        &f);
        fd_fill(fd, err ? NULL : f);
    }
    user_at_put(&at);
    return err ? err : fd;
}

/* open(2) ignores flags that it does not know. */
static long old_open(int dirfd, struct uptr path, uint32_t flags, uint32_t mode)
{
    flags &= flags & O_PATH ? (uint32_t)PATH_ONLY_FLAGS : (uint32_t)OPEN_FLAGS;
    if (flags & (O_TMPFILE & ~O_DIRECTORY) &&
        (flags & (O_TMPFILE | O_CREAT)) != O_TMPFILE) {
        return -EINVAL;
    }
    if ((flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY)) {
        return -EINVAL;
    }
    return open_at(dirfd, path, flags, mode, 0);
}

long sys_open(const struct sysargs *a)
{
    return old_open(AT_FDCWD, arg_ptr(a, 0), arg_uint(a, 1), arg_uint(a, 2));
}

long sys_openat(const struct sysargs *a)
{
    return old_open(arg_int(a, 0), arg_ptr(a, 1), arg_uint(a, 2),
                    arg_uint(a, 3));
}

long sys_creat(const struct sysargs *a)
{
    return old_open(AT_FDCWD, arg_ptr(a, 0), O_CREAT | O_WRONLY | O_TRUNC,
                    arg_uint(a, 1));
}

static int walk_of_resolve(uint64_t resolve, unsigned *walk)
{
    static const struct {
        uint64_t resolve;
        unsigned walk;
    } pairs[] = {
        {RESOLVE_NO_XDEV, WALK_NO_XDEV},
        {RESOLVE_NO_MAGICLINKS, WALK_NO_MAGIC},
        {RESOLVE_NO_SYMLINKS, WALK_NO_LINKS | WALK_NO_MAGIC},
        {RESOLVE_BENEATH, WALK_BENEATH},
        {RESOLVE_IN_ROOT, WALK_IN_ROOT},
        {RESOLVE_CACHED, WALK_CACHED},
    };

    *walk = 0;
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        if (resolve & pairs[i].resolve) {
            *walk |= pairs[i].walk;
            resolve &= ~pairs[i].resolve;
        }
    }
    return resolve || (*walk & WALK_BENEATH && *walk & WALK_IN_ROOT) ? -EINVAL
                                                                     : 0;
}

/* openat2(2) checks what open(2) lets pass. */
static int check_how(const struct open_how *how, unsigned *walk)
{
    bool makes = how->flags & O_CREAT || (how->flags & O_TMPFILE) == O_TMPFILE;
    int err = walk_of_resolve(how->resolve, walk);

    if (err) {
        return err;
    }
    if (how->flags & ~(uint64_t)OPEN_FLAGS ||
        (how->mode && (!makes || how->mode & ~07777ull))) {
        return -EINVAL;
    }
    if (how->flags & O_PATH && how->flags & ~(uint64_t)PATH_ONLY_FLAGS) {
        return -EINVAL;
    }
    if (how->flags & (O_TMPFILE & ~O_DIRECTORY) &&
        (how->flags & (O_TMPFILE | O_CREAT)) != O_TMPFILE) {
        return -EINVAL;
    }
    if ((how->flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY)) {
        return -EINVAL;
    }
    if (*walk & WALK_CACHED && how->flags & (O_TRUNC | O_CREAT)) {
        return -EAGAIN;
    }
    return 0;
}

/* Extensible structures: what is behind the part we know must be zero. */
static int get_how(struct open_how *how, struct uptr from, size_t size)
{
    if (size < sizeof(*how)) {
        return -EINVAL;
    }
    if (size > PAGE_SIZE) {
        return -E2BIG;
    }
    return user_struct_get(how, sizeof(*how), from, size);
}

long sys_openat2(const struct sysargs *a)
{
    struct open_how how;
    unsigned walk;
    int err = get_how(&how, arg_ptr(a, 2), arg_u64(a, 3));

    if (!err) {
        err = check_how(&how, &walk);
    }
    if (err) {
        return err;
    }
    return open_at(arg_int(a, 0), arg_ptr(a, 1), how.flags, how.mode, walk);
}

/* ---- closing, duplicating ---- */

long sys_close(const struct sysargs *a)
{
    return fd_close(arg_int(a, 0));
}

long sys_close_range(const struct sysargs *a)
{
    unsigned first = arg_uint(a, 0), last = arg_uint(a, 1);
    unsigned flags = arg_uint(a, 2);
    int err;

    if (flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) || first > last) {
        return -EINVAL;
    }
    if (flags & CLOSE_RANGE_UNSHARE) {
        err = thread_unshare(CLONE_FILES);
        if (err) {
            return err;
        }
    }
    if (flags & CLOSE_RANGE_CLOEXEC) {
        fd_range_cloexec(first, last);
    } else {
        fd_range_close(first, last);
    }
    return 0;
}

static long dup_from(int fd, int min, bool cloexec)
{
    struct file *f;
    int err = file_get(fd, &f);

    if (err) {
        return err;
    }
    fd = fd_install(f, min, cloexec);
    if (fd < 0) {
        file_put(f);
    }
    return fd;
}

long sys_dup(const struct sysargs *a)
{
    return dup_from(arg_int(a, 0), 0, false);
}

static long dup_to(int from, int to, bool cloexec)
{
    struct file *f;
    int err = file_get(from, &f);

    if (err) {
        return err;
    }
    err = fd_install_at(f, to, cloexec);
    file_put(f);
    return err ? err : to;
}

long sys_dup2(const struct sysargs *a)
{
    int from = arg_int(a, 0), to = arg_int(a, 1);

    if (from == to) {
        int flag = fd_get_cloexec(from);

        return flag < 0 ? flag : to;
    }
    return dup_to(from, to, false);
}

long sys_dup3(const struct sysargs *a)
{
    int from = arg_int(a, 0), to = arg_int(a, 1);
    unsigned flags = arg_uint(a, 2);

    if (flags & ~(unsigned)O_CLOEXEC || from == to) {
        return -EINVAL;
    }
    return dup_to(from, to, flags & O_CLOEXEC);
}
