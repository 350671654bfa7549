/* SPDX-License-Identifier: MIT
 *
 * Names below a directory that the user let a program have (hostfs). Whatever
 * the kernel says, nothing outside of it is reached: the way to a name is
 * walked by openat2(2) without links and without leaving, and the last step is
 * one that follows no link either.
 */
#include "target/linux/pool.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Where a name is: last, in directory fd. */
struct place {
    int fd;
    bool opened; /* fd is ours to close */
    const char *last;
    char path[PATH_MAX];
};

static int64_t result(int64_t r)
{
    return r < 0 ? -errno : r;
}

static int open_below(int fd, const char *path)
{
    struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};

    return (int)syscall(SYS_openat2, fd, path, &how, sizeof(how));
}

static bool is_dots(const char *name)
{
    return !strcmp(name, ".") || !strcmp(name, "..");
}

/* 0 or -errno; a place that was found is to be left. */
static int place_find(struct place *p, int fd, uint64_t path)
{
    const char *from = (const char *)(uintptr_t)path;
    char *slash;

    p->fd = fd;
    p->opened = false;
    p->last = p->path;
    if (snprintf(p->path, sizeof(p->path), "%s", from) >=
        (int)sizeof(p->path)) {
        return -ENAMETOOLONG;
    }
    slash = strrchr(p->path, '/');
    if (slash) {
        *slash = '\0';
        p->last = slash + 1;
        p->fd = open_below(fd, p->path);
        p->opened = p->fd >= 0;
    }
    return p->fd < 0 ? -errno : 0;
}

static void place_leave(const struct place *p)
{
    if (p->opened) {
        close(p->fd);
    }
}

/* Those that may be of fd itself, or of the directory it is. */
static int64_t change(const struct ring_sqe *e, const struct place *p)
{
    const struct timespec *times = (const void *)(uintptr_t)e->off;
    bool self = !*p->last;

    switch (e->opcode) {
    case HOSTOP_STATX:
        return syscall(SYS_statx, p->fd, p->last, e->op_flags, e->len, e->off)
                   ? -errno
                   : pool_attr_op(e, p->fd, p->last);
    case HOSTOP_CHMOD:
        return result(
            self ? fchmod(p->fd, e->op_flags)
                 : fchmodat(p->fd, p->last, e->op_flags, AT_SYMLINK_NOFOLLOW));
    case HOSTOP_CHOWN:
        return result(fchownat(p->fd, p->last, e->op_flags, e->len,
                               AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH));
    case HOSTOP_UTIMES:
        return result(
            self ? futimens(p->fd, times)
                 : utimensat(p->fd, p->last, times, AT_SYMLINK_NOFOLLOW));
    default:
        return pool_attr_op(e, p->fd, p->last);
    }
}

/* Without CAP_DAC_READ_SEARCH AT_EMPTY_PATH is not allowed. */
static int64_t link_file(const struct ring_sqe *e, const struct place *p)
{
    char file[32];

    snprintf(file, sizeof(file), "/proc/self/fd/%d", (int)e->len);
    return result(linkat(AT_FDCWD, file, p->fd, p->last, AT_SYMLINK_FOLLOW));
}

static int64_t make(const struct ring_sqe *e, const struct place *p)
{
    switch (e->opcode) {
    case HOSTOP_MKDIR:
        return result(mkdirat(p->fd, p->last, e->op_flags));
    case HOSTOP_MKNOD: /* no devices: they would open the host's; 0:0 opens
                          nothing, an overlay's whiteout */
        return S_ISFIFO(e->op_flags) || S_ISSOCK(e->op_flags) ||
                       S_ISCHR(e->op_flags)
                   ? result(mknodat(p->fd, p->last, e->op_flags, 0))
                   : -EPERM;
    case HOSTOP_SYMLINK:
        return result(
            symlinkat((const char *)(uintptr_t)e->off, p->fd, p->last));
    case HOSTOP_LINK_FILE:
        return link_file(e, p);
    case HOSTOP_UNLINK:
        return result(unlinkat(p->fd, p->last, e->op_flags));
    default:
        return change(e, p);
    }
}

static int64_t between(const struct ring_sqe *e, const struct place *from)
{
    struct place to;
    int64_t r = place_find(&to, e->fd, e->off);

    if (r) {
        return r;
    }
    if (is_dots(to.last)) {
        r = -EINVAL;
    } else if (e->opcode == HOSTOP_LINK) {
        r = result(linkat(from->fd, from->last, to.fd, to.last, 0));
    } else {
        r = result(
            renameat2(from->fd, from->last, to.fd, to.last, e->op_flags));
    }
    place_leave(&to);
    return r;
}

int64_t pool_name_op(const struct ring_sqe *e)
{
    struct place p;
    int64_t r = place_find(&p, e->fd, e->addr);

    if (r) {
        return r;
    }
    if (!strcmp(p.last, "..") || (p.opened && is_dots(p.last))) {
        r = -EINVAL;
    } else if (e->opcode == HOSTOP_LINK || e->opcode == HOSTOP_RENAME) {
        r = between(e, &p);
    } else {
        r = make(e, &p);
    }
    place_leave(&p);
    return r;
}
