/* SPDX-License-Identifier: MIT
 *
 * The twelve calls of extended attributes (xattr(7)): get, set, list, remove;
 * by path, by path without following, by descriptor.
 */
#include "kernel/sys/user_path.h"
#include "kernel/fs/xattr.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

enum xattr_by { BY_PATH, BY_LINK, BY_FD };

/* The object that argument 0 names; *out is counted. */
static int find(const struct sysargs *a, enum xattr_by by, struct path *out)
{
    struct fd fd;
    int err;

    if (by != BY_FD) {
        return user_find(AT_FDCWD, arg_ptr(a, 0),
                         by == BY_PATH ? WALK_FOLLOW : 0, out);
    }
    err = fd_get_io(arg_int(a, 0), &fd);
    if (!err) {
        *out = fd.file->path;
        path_get(out);
        fd_put(&fd);
    }
    return err;
}

/* 1..255 bytes: -ERANGE. */
static int get_name(char *name, struct uptr from)
{
    long n = strncpy_from_user(name, from, XATTR_NAME_MAX + 1);

    if (n == -ENAMETOOLONG || n == 0) {
        return -ERANGE;
    }
    return MIN(n, 0l);
}

static long get_value(const struct path *p, const char *name, struct uptr to,
                      size_t size)
{
    void *buf = NULL;
    long n;

    size = MIN(size, (size_t)XATTR_SIZE_MAX);
    if (size) {
        buf = kmalloc(size);
        if (!buf) {
            return -ENOMEM;
        }
    }
    n = xattr_get(p, name, buf, size);
    if (n > 0 && size && copy_to_user(to, buf, n)) {
        n = -EFAULT;
    }
    kfree(buf);
    return n;
}

static long get(const struct sysargs *a, enum xattr_by by)
{
    char name[XATTR_NAME_MAX + 1];
    struct path p;
    long n = get_name(name, arg_ptr(a, 1));

    n = n ? n : find(a, by, &p);
    if (!n) {
        n = get_value(&p, name, arg_ptr(a, 2), arg_u64(a, 3));
        path_put(&p);
    }
    return n;
}

/* The value comes before the path, as on Linux. */
static long set_found(const struct sysargs *a, enum xattr_by by,
                      const char *name, int flags)
{
    size_t size = arg_u64(a, 3);
    char *buf = kmalloc(size + 1);
    struct path p;
    long err;

    if (!buf) {
        return -ENOMEM;
    }
    err = copy_from_user(buf, arg_ptr(a, 2), size);
    err = err ? err : find(a, by, &p);
    if (!err) {
        err = xattr_set(&p, name, buf, size, flags);
        path_put(&p);
    }
    kfree(buf);
    return err;
}

static long set(const struct sysargs *a, enum xattr_by by)
{
    int flags = arg_int(a, 4);
    char name[XATTR_NAME_MAX + 1];
    long err;

    if (flags & ~(XATTR_CREATE | XATTR_REPLACE)) {
        return -EINVAL;
    }
    err = get_name(name, arg_ptr(a, 1));
    if (!err && arg_u64(a, 3) > XATTR_SIZE_MAX) {
        err = -E2BIG;
    }
    return err ? err : set_found(a, by, name, flags);
}

static long list_names(const struct path *p, struct uptr to, size_t size)
{
    char *buf = NULL;
    long n;

    size = MIN(size, (size_t)XATTR_LIST_MAX);
    if (size) {
        buf = kmalloc(size);
        if (!buf) {
            return -ENOMEM;
        }
    }
    n = xattr_list(p, buf, size);
    if (n > 0 && size && copy_to_user(to, buf, n)) {
        n = -EFAULT;
    }
    kfree(buf);
    return n;
}

static long list(const struct sysargs *a, enum xattr_by by)
{
    struct path p;
    long n = find(a, by, &p);

    if (!n) {
        n = list_names(&p, arg_ptr(a, 1), arg_u64(a, 2));
        path_put(&p);
    }
    return n;
}

static long drop(const struct sysargs *a, enum xattr_by by)
{
    char name[XATTR_NAME_MAX + 1];
    struct path p;
    long err = get_name(name, arg_ptr(a, 1));

    err = err ? err : find(a, by, &p);
    if (!err) {
        err = xattr_set(&p, name, NULL, 0, 0);
        path_put(&p);
    }
    return err;
}

long sys_getxattr(const struct sysargs *a)
{
    return get(a, BY_PATH);
}

long sys_lgetxattr(const struct sysargs *a)
{
    return get(a, BY_LINK);
}

long sys_fgetxattr(const struct sysargs *a)
{
    return get(a, BY_FD);
}

long sys_setxattr(const struct sysargs *a)
{
    return set(a, BY_PATH);
}

long sys_lsetxattr(const struct sysargs *a)
{
    return set(a, BY_LINK);
}

long sys_fsetxattr(const struct sysargs *a)
{
    return set(a, BY_FD);
}

long sys_listxattr(const struct sysargs *a)
{
    return list(a, BY_PATH);
}

long sys_llistxattr(const struct sysargs *a)
{
    return list(a, BY_LINK);
}

long sys_flistxattr(const struct sysargs *a)
{
    return list(a, BY_FD);
}

long sys_removexattr(const struct sysargs *a)
{
    return drop(a, BY_PATH);
}

long sys_lremovexattr(const struct sysargs *a)
{
    return drop(a, BY_LINK);
}

long sys_fremovexattr(const struct sysargs *a)
{
    return drop(a, BY_FD);
}
