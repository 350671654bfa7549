/* SPDX-License-Identifier: MIT
 *
 * quotactl(2), quotactl_fd(2): no file system here has quotas, so what is left
 * is which error says so.
 */
#include "kernel/sys/user_path.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"

enum { Q_SYNC = 0x800001, TYPES = 3 };

/* What a block device is, nothing is mounted from. */
static int check_device(struct uptr special)
{
    struct path p;
    int err;

    if (!special.addr) {
        return -ENODEV;
    }
    err = user_find(AT_FDCWD, special, WALK_FOLLOW, &p);
    if (!err) {
        err = S_ISBLK(p.dentry->inode->mode) ? -ENODEV : -ENOTBLK;
        path_put(&p);
    }
    return err;
}

long sys_quotactl(const struct sysargs *a)
{
    uint32_t cmd = arg_uint(a, 0);

    if ((cmd & 0xff) >= TYPES) {
        return -EINVAL;
    }
    return cmd >> 8 == Q_SYNC && !arg_ptr(a, 1).addr
               ? 0
               : check_device(arg_ptr(a, 1));
}

long sys_quotactl_fd(const struct sysargs *a)
{
    struct fd fd;
    int err = fd_get(arg_int(a, 0), &fd);

    if (err) {
        return err;
    }
    fd_put(&fd);
    return (arg_uint(a, 1) & 0xff) >= TYPES ? -EINVAL : -ENOSYS;
}
