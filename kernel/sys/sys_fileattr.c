/* SPDX-License-Identifier: MIT
 *
 * Flags of inodes: file_getattr(2), file_setattr(2), and the ioctls of
 * chattr(1) and lsattr(1), for which a file system without flags is -ENOTTY.
 */
#include "kernel/sys/table.h"
#include "kernel/sys/fileattr.h"
#include "kernel/sys/user_path.h"
#include "kernel/mm/user_struct.h"
#include "kernel/fs/file.h"
#include "kernel/fs/fileattr.h"
#include "abi/linux/errno.h"
#include "abi/linux/fcntl.h"
#include "abi/linux/fileattr.h"
#include "abi/linux/stat.h"

/* ---- the two forms ---- */

static const struct {
    uint32_t flag, xflag;
} forms[] = {
    {FS_IMMUTABLE_FL, FS_XFLAG_IMMUTABLE},
    {FS_APPEND_FL, FS_XFLAG_APPEND},
    {FS_NODUMP_FL, FS_XFLAG_NODUMP},
    {FS_NOATIME_FL, FS_XFLAG_NOATIME},
};

static uint32_t to_xflags(uint32_t flags)
{
    uint32_t xflags = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(forms); i++) {
        xflags |= flags & forms[i].flag ? forms[i].xflag : 0;
    }
    return xflags;
}

static int from_xflags(uint64_t xflags, uint32_t *flags)
{
    *flags = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(forms); i++) {
        *flags |= xflags & forms[i].xflag ? forms[i].flag : 0;
        xflags &= ~(uint64_t)forms[i].xflag;
    }
    return xflags ? -EOPNOTSUPP : 0;
}

/* ---- ioctls ---- */

static long get_flags(struct file *f, uint32_t cmd, struct uptr to)
{
    struct abi_fsxattr x = {0};
    uint32_t flags;
    int err = fileattr_get(f->inode, &flags);

    if (err) {
        return err;
    }
    x.xflags = to_xflags(flags);
    return cmd == FS_IOC_GETFLAGS ? put_user32(to, flags)
                                  : copy_to_user(to, &x, sizeof(x));
}

static long set_flags(struct file *f, uint32_t cmd, struct uptr from)
{
    struct abi_fsxattr x;
    uint32_t flags;
    int err;

    if (cmd == FS_IOC_SETFLAGS) {
        err = get_user32(&flags, from);
    } else {
        err = copy_from_user(&x, from, sizeof(x));
        err = err ? err : from_xflags(x.xflags, &flags);
        err = err ? err : x.extsize || x.projid || x.cowextsize ? -EINVAL : 0;
    }
    return err ? err : fileattr_set(&f->path, flags);
}

long fileattr_ioctl(struct file *f, uint32_t cmd, struct uptr arg)
{
    long err;

    if (!S_ISREG(f->inode->mode) && !S_ISDIR(f->inode->mode)) {
        return -ENOTTY;
    }
    err = cmd == FS_IOC_GETFLAGS || cmd == FS_IOC_FSGETXATTR
              ? get_flags(f, cmd, arg)
              : set_flags(f, cmd, arg);
    return err == -EOPNOTSUPP && !(f->inode->sb->flags & SB_KEEPS_FLAGS)
               ? -ENOTTY
               : err;
}

/* ---- file_getattr, file_setattr ---- */

static int check_args(const struct sysargs *a)
{
    if (arg_uint(a, 4) & ~(unsigned)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) ||
        arg_u64(a, 3) < FILE_ATTR_SIZE_VER0) {
        return -EINVAL;
    }
    return arg_u64(a, 3) > PAGE_SIZE ? -E2BIG : 0;
}

static int find(const struct sysargs *a, struct path *out)
{
    int dirfd = arg_int(a, 0), flags = arg_int(a, 4);

    if (!user_path_is_empty(arg_ptr(a, 1), flags)) {
        return user_find(dirfd, arg_ptr(a, 1), walk_of_at(flags), out);
    }
    return dirfd == AT_FDCWD ? path_find(NULL, "", WALK_EMPTY, out)
                             : user_find_fd(dirfd, out);
}

long sys_file_getattr(const struct sysargs *a)
{
    struct abi_file_attr attr = {0};
    uint64_t size = arg_u64(a, 3);
    struct path p;
    uint32_t flags;
    long err = check_args(a);

    err = err ? err : find(a, &p);
    if (err) {
        return err;
    }
    err = fileattr_get(p.dentry->inode, &flags);
    path_put(&p);
    if (err) {
        return err;
    }
    attr.xflags = to_xflags(flags);
    err = copy_to_user(arg_ptr(a, 2), &attr, sizeof(attr));
    return err ? err
               : zero_user(uptr_add(arg_ptr(a, 2), sizeof(attr)),
                           size - sizeof(attr));
}

long sys_file_setattr(const struct sysargs *a)
{
    struct abi_file_attr attr;
    uint32_t flags;
    struct path p;
    long err = check_args(a);

    err = err ? err
              : user_struct_get(&attr, sizeof(attr), arg_ptr(a, 2),
                                arg_u64(a, 3));
    err = err ? err : find(a, &p);
    if (err) {
        return err;
    }
    err = from_xflags(attr.xflags, &flags);
    if (!err && (attr.extsize || attr.projid || attr.cowextsize)) {
        err = -EINVAL;
    }
    err = err ? err : fileattr_set(&p, flags);
    path_put(&p);
    return err;
}
