/* SPDX-License-Identifier: MIT
 *
 * open_tree(2), move_mount(2), mount_setattr(2), open_tree_attr(2): mounts by
 * descriptors; fsopen(2) and its relatives are in sys_fsopen.c.
 */
#include "kernel/sys/user_path.h"
#include "kernel/mm/user_struct.h"
#include "kernel/fs/mount/mount_adrift.h"
#include "kernel/fs/mount/mounting.h"
#include "kernel/fs/view.h"
#include "abi/linux/errno.h"
#include "abi/linux/mount_info.h"
#include "abi/linux/statfs.h"

enum { AT_RECURSIVE = 0x8000 };

static const uint64_t propagations =
    MS_PRIVATE | MS_SLAVE | MS_SHARED | MS_UNBINDABLE;

/* ---- attributes ---- */

struct change {
    uint32_t set, clear; /* ST_* */
    uint64_t propagation;
};

static bool is_no_change(const struct mount_attr *a)
{
    return !a->attr_set && !a->attr_clr && !a->propagation;
}

/* How times of access are kept is one choice of three: all bits of it are to be
 * cleared when one is set. */
static int atime_change(const struct mount_attr *a, struct change *c)
{
    uint64_t set = a->attr_set & MOUNT_ATTR_ATIMES;

    if (!(a->attr_clr & MOUNT_ATTR_ATIMES)) {
        return set ? -EINVAL : 0;
    }
    if ((a->attr_clr & MOUNT_ATTR_ATIMES) != MOUNT_ATTR_ATIMES) {
        return -EINVAL;
    }
    if (set && set != MOUNT_ATTR_NOATIME && set != MOUNT_ATTR_STRICTATIME) {
        return -EINVAL;
    }
    c->clear |= ST_NOATIME | ST_RELATIME;
    c->set |= set == 0                    ? ST_RELATIME
              : set == MOUNT_ATTR_NOATIME ? ST_NOATIME
                                          : 0;
    return 0;
}

/* Nothing is a user namespace here, so no mount can get one's ids. */
static int id_map(const struct mount_attr *a)
{
    struct fd fd;

    if (!((a->attr_set | a->attr_clr) & MOUNT_ATTR_IDMAP)) {
        return 0;
    }
    if (a->attr_clr & MOUNT_ATTR_IDMAP || a->userns_fd > INT32_MAX) {
        return -EINVAL;
    }
    if (fd_get_io((int)a->userns_fd, &fd)) {
        return -EBADF;
    }
    fd_put(&fd);
    return -EINVAL;
}

static int read_change(const struct mount_attr *a, struct change *c)
{
    const uint64_t known =
        MOUNT_ATTR_SETTABLE | MOUNT_ATTR_ATIMES | MOUNT_ATTR_IDMAP;
    int err;

    if (a->propagation & ~propagations ||
        a->propagation & (a->propagation - 1) ||
        (a->attr_set | a->attr_clr) & ~known) {
        return -EINVAL;
    }
    c->set = mount_attr_flags(a->attr_set);
    c->clear = mount_attr_flags(a->attr_clr);
    c->propagation = a->propagation;
    err = atime_change(a, c);
    return err ? err : id_map(a);
}

/* *any false: there is nothing to do, and nobody looks at the path. */
static int get_change(struct uptr from, uint64_t size, struct change *c,
                      bool *any)
{
    struct mount_attr a;
    int err;

    *any = false;
    if (size > PAGE_SIZE) {
        return -E2BIG;
    }
    if (size < MOUNT_ATTR_SIZE_VER0) {
        return -EINVAL;
    }
    err = mounting_allowed();
    err = err ? err : user_struct_get(&a, sizeof(a), from, size);
    if (err || is_no_change(&a)) {
        return err;
    }
    *any = true;
    return read_change(&a, c);
}

static int apply(const struct path *at, const struct change *c, bool recursive)
{
    int err = mount_set_flags(at, c->clear, c->set, recursive);

    return err || !c->propagation
               ? err
               : mount_propagate(at, c->propagation, recursive);
}

long sys_mount_setattr(const struct sysargs *a)
{
    const unsigned known =
        AT_EMPTY_PATH | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
    unsigned flags = arg_uint(a, 2);
    struct change c = {0, 0, 0};
    struct path at;
    bool any;
    int err;

    if (flags & ~known) {
        return -EINVAL;
    }
    err = get_change(arg_ptr(a, 3), arg_u64(a, 4), &c, &any);
    if (err || !any) {
        return err;
    }
    err = user_find(arg_int(a, 0), arg_ptr(a, 1), walk_of_at(flags), &at);
    if (!err) {
        err = apply(&at, &c, flags & AT_RECURSIVE);
        path_put(&at);
    }
    return err;
}

/* ---- open_tree ---- */

static int check_tree_flags(unsigned flags)
{
    const unsigned known = AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_RECURSIVE |
                           AT_SYMLINK_NOFOLLOW | OPEN_TREE_CLONE | O_CLOEXEC;

    if (flags & ~known ||
        (flags & AT_RECURSIVE && !(flags & OPEN_TREE_CLONE))) {
        return -EINVAL;
    }
    return flags & OPEN_TREE_CLONE ? mounting_allowed() : 0;
}

/* at is taken. */
static int open_at(struct path *at, unsigned flags, struct file **out)
{
    struct mount *tree;
    int err;

    if (!(flags & OPEN_TREE_CLONE)) {
        return file_open_path(at, O_PATH, out);
    }
    err = mount_copy(at, flags & AT_RECURSIVE, &tree);
    path_put(at);
    return err ? err : mount_open_adrift(tree, out);
}

static int open_tree(const struct sysargs *a, struct file **out)
{
    unsigned flags = arg_uint(a, 2);
    struct path at;
    int err = check_tree_flags(flags);

    if (!err) {
        err = user_find(arg_int(a, 0), arg_ptr(a, 1), walk_of_at(flags), &at);
    }
    return err ? err : open_at(&at, flags, out);
}

long sys_open_tree(const struct sysargs *a)
{
    struct file *f;
    int err = open_tree(a, &f);

    return err ? err : user_file_install(f, arg_uint(a, 2) & O_CLOEXEC);
}

long sys_open_tree_attr(const struct sysargs *a)
{
    struct uptr attr = arg_ptr(a, 3);
    struct change c = {0, 0, 0};
    bool any = false;
    struct file *f;
    int err;

    if (!attr.addr && arg_u64(a, 4)) {
        return -EINVAL;
    }
    err = open_tree(a, &f);
    if (err) {
        return err;
    }
    if (attr.addr) {
        err = get_change(attr, arg_u64(a, 4), &c, &any);
    }
    if (!err && any) {
        err = apply(&f->path, &c, arg_uint(a, 2) & AT_RECURSIVE);
    }
    if (err) {
        file_put(f);
        return err;
    }
    return user_file_install(f, arg_uint(a, 2) & O_CLOEXEC);
}

/* ---- move_mount ---- */

/* The mount's root that (dirfd, path) names; "" is the descriptor's own, which
 * may be what no walk leads to. */
static int find_end(int dirfd, struct uptr path, bool follow, bool empty,
                    struct path *out)
{
    struct fd fd;
    int err;

    if (!empty || dirfd < 0 || !user_path_is_empty(path, AT_EMPTY_PATH)) {
        return user_find(dirfd, path,
                         (follow ? WALK_FOLLOW : 0) | (empty ? WALK_EMPTY : 0),
                         out);
    }
    err = fd_get(dirfd, &fd);
    if (!err) {
        *out = fd.file->path;
        path_get(out);
        fd_put(&fd);
    }
    return err;
}

static int move(const struct path *from, const struct path *to, unsigned flags)
{
    return flags & MOVE_MOUNT_SET_GROUP
               ? mount_set_group(from, to)
               : mount_move(from, to, flags & MOVE_MOUNT_BENEATH);
}

long sys_move_mount(const struct sysargs *a)
{
    const unsigned one = MOVE_MOUNT_SET_GROUP | MOVE_MOUNT_BENEATH;
    unsigned flags = arg_uint(a, 4);
    struct path from, to;
    int err = mount_tree_may_change();

    if (!err && (flags & ~MOVE_MOUNT_MASK || (flags & one) == one)) {
        err = -EINVAL;
    }
    if (!err) {
        err = find_end(arg_int(a, 2), arg_ptr(a, 3),
                       flags & MOVE_MOUNT_T_SYMLINKS,
                       flags & MOVE_MOUNT_T_EMPTY_PATH, &to);
    }
    if (err) {
        return err;
    }
    err = find_end(arg_int(a, 0), arg_ptr(a, 1), flags & MOVE_MOUNT_F_SYMLINKS,
                   flags & MOVE_MOUNT_F_EMPTY_PATH, &from);
    if (!err) {
        err = move(&from, &to, flags);
        path_put(&from);
    }
    path_put(&to);
    return err;
}
