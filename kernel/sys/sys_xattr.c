/* SPDX-License-Identifier: MIT
 *
 * The calls of extended attributes (xattr(7)): get, set, list, remove; by path,
 * by path without following, by descriptor, and by all of these in the four
 * that end in "at".
 */
#include "kernel/sys/user_path.h"
#include "kernel/mm/user_struct.h"
#include "kernel/fs/xattr.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

/* Whose attributes a call is about. */
struct object {
    bool by_fd;
    int fd; /* or the directory */
    struct uptr path;
    unsigned walk; /* WALK_* */
    bool is_cwd;   /* in the place of all these */
};

static struct object by_path(const struct sysargs *a)
{
    return (struct object){
        .fd = AT_FDCWD, .path = arg_ptr(a, 0), .walk = WALK_FOLLOW};
}

static struct object by_link(const struct sysargs *a)
{
    return (struct object){.fd = AT_FDCWD, .path = arg_ptr(a, 0)};
}

static struct object by_fd(const struct sysargs *a)
{
    return (struct object){.by_fd = true, .fd = arg_int(a, 0)};
}

/* Arguments 0, 1 and 2. */
static int by_at(const struct sysargs *a, struct object *out)
{
    int flags = arg_int(a, 2);

    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) {
        return -EINVAL;
    }
    *out = (struct object){.by_fd = user_path_is_empty(arg_ptr(a, 1), flags),
                           .fd = arg_int(a, 0),
                           .path = arg_ptr(a, 1),
                           .walk = walk_of_at(flags)};
    return 0;
}

/* The same for two of the four, which take AT_FDCWD for a descriptor, too. */
static int by_at_or_cwd(const struct sysargs *a, struct object *out)
{
    int err = by_at(a, out);

    out->is_cwd = !err && out->by_fd && out->fd == AT_FDCWD;
    return err;
}

/* *out is counted. */
static int find(const struct object *o, struct path *out)
{
    if (o->is_cwd) {
        return path_find(NULL, "", WALK_EMPTY, out);
    }
    return o->by_fd ? user_find_fd(o->fd, out)
                    : user_find(o->fd, o->path, o->walk, out);
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

static long get(struct object o, struct uptr from, struct uptr to, size_t size)
{
    char name[XATTR_NAME_MAX + 1];
    struct path p;
    long n = get_name(name, from);

    n = n ? n : find(&o, &p);
    if (!n) {
        n = get_value(&p, name, to, size);
        path_put(&p);
    }
    return n;
}

/* The value comes before the path, as on Linux. */
static long set_found(const struct object *o, const char *name,
                      struct uptr value, size_t size, int flags)
{
    char *buf = kmalloc(size + 1);
    struct path p;
    long err;

    if (!buf) {
        return -ENOMEM;
    }
    err = copy_from_user(buf, value, size);
    err = err ? err : find(o, &p);
    if (!err) {
        err = xattr_set(&p, name, buf, size, flags);
        path_put(&p);
    }
    kfree(buf);
    return err;
}

static long set(struct object o, struct uptr from, struct uptr value,
                size_t size, int flags)
{
    char name[XATTR_NAME_MAX + 1];
    long err;

    if (flags & ~(XATTR_CREATE | XATTR_REPLACE)) {
        return -EINVAL;
    }
    err = get_name(name, from);
    if (!err && size > XATTR_SIZE_MAX) {
        err = -E2BIG;
    }
    return err ? err : set_found(&o, name, value, size, flags);
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

static long list(struct object o, struct uptr to, size_t size)
{
    struct path p;
    long n = find(&o, &p);

    if (!n) {
        n = list_names(&p, to, size);
        path_put(&p);
    }
    return n;
}

static long drop(struct object o, struct uptr from)
{
    char name[XATTR_NAME_MAX + 1];
    struct path p;
    long err = get_name(name, from);

    err = err ? err : find(&o, &p);
    if (!err) {
        err = xattr_set(&p, name, NULL, 0, 0);
        path_put(&p);
    }
    return err;
}

/* ---- the calls ---- */

long sys_getxattr(const struct sysargs *a)
{
    return get(by_path(a), arg_ptr(a, 1), arg_ptr(a, 2), arg_u64(a, 3));
}

long sys_lgetxattr(const struct sysargs *a)
{
    return get(by_link(a), arg_ptr(a, 1), arg_ptr(a, 2), arg_u64(a, 3));
}

long sys_fgetxattr(const struct sysargs *a)
{
    return get(by_fd(a), arg_ptr(a, 1), arg_ptr(a, 2), arg_u64(a, 3));
}

long sys_setxattr(const struct sysargs *a)
{
    return set(by_path(a), arg_ptr(a, 1), arg_ptr(a, 2), arg_u64(a, 3),
               arg_int(a, 4));
}

long sys_lsetxattr(const struct sysargs *a)
{
    return set(by_link(a), arg_ptr(a, 1), arg_ptr(a, 2), arg_u64(a, 3),
               arg_int(a, 4));
}

long sys_fsetxattr(const struct sysargs *a)
{
    return set(by_fd(a), arg_ptr(a, 1), arg_ptr(a, 2), arg_u64(a, 3),
               arg_int(a, 4));
}

long sys_listxattr(const struct sysargs *a)
{
    return list(by_path(a), arg_ptr(a, 1), arg_u64(a, 2));
}

long sys_llistxattr(const struct sysargs *a)
{
    return list(by_link(a), arg_ptr(a, 1), arg_u64(a, 2));
}

long sys_flistxattr(const struct sysargs *a)
{
    return list(by_fd(a), arg_ptr(a, 1), arg_u64(a, 2));
}

long sys_removexattr(const struct sysargs *a)
{
    return drop(by_path(a), arg_ptr(a, 1));
}

long sys_lremovexattr(const struct sysargs *a)
{
    return drop(by_link(a), arg_ptr(a, 1));
}

long sys_fremovexattr(const struct sysargs *a)
{
    return drop(by_fd(a), arg_ptr(a, 1));
}

/* ---- those with a directory ---- */

/* Arguments 4 and 5: a structure that may grow. */
static int get_args(const struct sysargs *a, struct abi_xattr_args *args)
{
    uint64_t size = arg_u64(a, 5);

    if (size < XATTR_ARGS_SIZE_VER0) {
        return -EINVAL;
    }
    return size > PAGE_SIZE
               ? -E2BIG
               : user_struct_get(args, sizeof(*args), arg_ptr(a, 4), size);
}

long sys_getxattrat(const struct sysargs *a)
{
    struct abi_xattr_args args;
    struct object o;
    int err = get_args(a, &args);

    if (!err && args.flags) {
        err = -EINVAL;
    }
    err = err ? err : by_at_or_cwd(a, &o);
    return err ? err : get(o, arg_ptr(a, 3), uptr(args.value), args.size);
}

long sys_setxattrat(const struct sysargs *a)
{
    struct abi_xattr_args args;
    struct object o;
    int err = get_args(a, &args);

    err = err ? err : by_at_or_cwd(a, &o);
    return err ? err
               : set(o, arg_ptr(a, 3), uptr(args.value), args.size,
                     (int)args.flags);
}

long sys_listxattrat(const struct sysargs *a)
{
    struct object o;
    int err = by_at(a, &o);

    return err ? err : list(o, arg_ptr(a, 3), arg_u64(a, 4));
}

long sys_removexattrat(const struct sysargs *a)
{
    struct object o;
    int err = by_at(a, &o);

    return err ? err : drop(o, arg_ptr(a, 3));
}
