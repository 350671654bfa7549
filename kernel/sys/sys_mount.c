/* SPDX-License-Identifier: MIT
 *
 * mount(2), umount2(2): tmpfs, proc, sysfs, devtmpfs, and bind mounts, for
 * those with CAP_SYS_ADMIN. There is one mount namespace.
 */
#include "kernel/sys/user_path.h"
#include "kernel/fs/current.h"
#include "kernel/fs/mount/mounting.h"
#include "kernel/fs/view.h"
#include "abi/linux/errno.h"
#include "abi/linux/statfs.h"
#include "lib/string.h"

/* A string argument that may be missing. */
static int optional(struct user_path *p, struct uptr from)
{
    if (!from.addr) {
        p->text = "";
        p->memory = NULL;
        return 0;
    }
    return user_path_get(p, from);
}

static long mount_strings(const struct sysargs *a, const struct path *at,
                          const char *source, const char *type)
{
    struct user_path data;
    int err = optional(&data, arg_ptr(a, 4));

    if (!err) {
        err = mount_at(at, source, type, arg_u64(a, 3), data.text);
        user_path_put(&data);
    }
    return err;
}

long sys_mount(const struct sysargs *a)
{
    struct user_path source, type;
    struct path at;
    int err = mount_tree_may_change();

    err = err ? err : optional(&source, arg_ptr(a, 0));
    if (err) {
        return err;
    }
    err = optional(&type, arg_ptr(a, 2));
    if (!err) {
        err = user_find(AT_FDCWD, arg_ptr(a, 1), WALK_FOLLOW, &at);
        if (!err) {
            err = mount_strings(a, &at, source.text, type.text);
            path_put(&at);
        }
        user_path_put(&type);
    }
    user_path_put(&source);
    return err;
}

long sys_umount2(const struct sysargs *a)
{
    unsigned flags = arg_uint(a, 1);
    struct path at;
    int err;

    if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW) ||
        (flags & MNT_EXPIRE && flags & (MNT_FORCE | MNT_DETACH))) {
        return -EINVAL;
    }
    err = user_find(AT_FDCWD, arg_ptr(a, 0),
                    flags & UMOUNT_NOFOLLOW ? 0 : WALK_FOLLOW, &at);
    if (!err) {
        err = mount_tree_may_change();
        path_to_top(&at);
        err = err ? err : mount_remove(&at, flags);
        path_put(&at);
    }
    return err;
}

static int pivot(const struct path *top, struct uptr put_old)
{
    struct path old, root;
    int err = user_find(AT_FDCWD, put_old, WALK_FOLLOW | WALK_DIRECTORY, &old);

    if (err) {
        return err;
    }
    view_get_root(current_view(), &root);
    err = mount_pivot(top, &old, &root);
    path_put(&root);
    path_put(&old);
    return err;
}

long sys_pivot_root(const struct sysargs *a)
{
    struct path top;
    int err = mount_tree_may_change();

    if (!err) {
        err = user_find(AT_FDCWD, arg_ptr(a, 0), WALK_FOLLOW | WALK_DIRECTORY,
                        &top);
    }
    if (!err) {
        err = pivot(&top, arg_ptr(a, 1));
        path_put(&top);
    }
    return err;
}
