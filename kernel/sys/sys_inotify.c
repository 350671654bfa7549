/* SPDX-License-Identifier: MIT
 *
 * inotify(7): the three calls.
 */
#include "kernel/sys/user_path.h"
#include "kernel/fs/event/inotify.h"
#include "abi/linux/errno.h"
#include "abi/linux/inotify.h"
#include "abi/linux/stat.h"

static long make(uint32_t flags)
{
    struct file *f;
    int fd, err;

    if (flags & ~(uint32_t)(IN_NONBLOCK | IN_CLOEXEC)) {
        return -EINVAL;
    }
    err = inotify_open(flags, &f);
    if (err) {
        return err;
    }
    fd = fd_install(f, 0, flags & IN_CLOEXEC);
    if (fd < 0) {
        file_put(f);
    }
    return fd;
}

long sys_inotify_init(const struct sysargs *a)
{
    return make(0);
}

long sys_inotify_init1(const struct sysargs *a)
{
    return make(arg_uint(a, 0));
}

static long add_watch(struct file *f, struct uptr path, uint32_t mask)
{
    unsigned walk = (mask & IN_DONT_FOLLOW ? 0 : WALK_FOLLOW) |
                    (mask & IN_ONLYDIR ? WALK_DIRECTORY : 0);
    struct path p;
    long wd = user_find(AT_FDCWD, path, walk, &p);

    if (wd) {
        return wd;
    }
    wd = inode_may(p.dentry->inode, MAY_READ);
    if (!wd) {
        wd = inotify_add(f, p.dentry->inode, mask);
    }
    path_put(&p);
    return wd;
}

long sys_inotify_add_watch(const struct sysargs *a)
{
    struct fd fd;
    long wd;

    if (!(arg_uint(a, 2) & IN_EVERY_BIT)) {
        return -EINVAL;
    }
    wd = fd_get_io(arg_int(a, 0), &fd);
    if (!wd) {
        wd = !inotify_is(fd.file)
                 ? -EINVAL
                 : add_watch(fd.file, arg_ptr(a, 1), arg_uint(a, 2));
        fd_put(&fd);
    }
    return wd;
}

long sys_inotify_rm_watch(const struct sysargs *a)
{
    struct fd fd;
    long err = fd_get_io(arg_int(a, 0), &fd);

    if (!err) {
        err = inotify_remove(fd.file, arg_int(a, 1));
        fd_put(&fd);
    }
    return err;
}
