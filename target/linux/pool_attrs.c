/* SPDX-License-Identifier: MIT
 *
 * Extended attributes of what a name below a directory stands for (hostfs): by
 * way of /proc, since most of their calls take no directory. pool_names.c has
 * walked to the directory; the last step follows no link.
 */
#include "target/linux/pool.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/xattr.h>

static int64_t result(ssize_t r)
{
    return r < 0 ? -errno : r;
}

int64_t pool_attr_op(const struct ring_sqe *e, int fd, const char *last)
{
    const char *name = (const char *)(uintptr_t)e->addr + HOSTOP_NAME_AT;
    void *value = (void *)(uintptr_t)e->off;
    bool self = !*last; /* a link of /proc, to be followed */
    char path[PATH_MAX + 32];
    int flags = (int)e->op_flags;

    snprintf(path, sizeof(path), "/proc/self/fd/%d%s%s", fd, self ? "" : "/",
             last);
    switch (e->opcode) {
    case HOSTOP_STATX:
        return (self ? listxattr(path, NULL, 0) : llistxattr(path, NULL, 0)) >
               0;
    case HOSTOP_GETXATTR:
        return result(self ? getxattr(path, name, value, e->len)
                           : lgetxattr(path, name, value, e->len));
    case HOSTOP_SETXATTR:
        return result(self ? setxattr(path, name, value, e->len, flags)
                           : lsetxattr(path, name, value, e->len, flags));
    case HOSTOP_LISTXATTR:
        return result(self ? listxattr(path, value, e->len)
                           : llistxattr(path, value, e->len));
    case HOSTOP_REMOVEXATTR:
        return result(self ? removexattr(path, name)
                           : lremovexattr(path, name));
    default:
        return -EINVAL;
    }
}
