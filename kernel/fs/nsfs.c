/* SPDX-License-Identifier: MIT
 *
 * What a file of a namespace answers (ioctl_nsfs(2)). There is the first of
 * each kind; all belong to the first user namespace, which has no parent.
 */
#include "kernel/fs/file.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/room.h"
#include "abi/linux/errno.h"
#include "abi/linux/sched.h"

enum {
    NS_GET_USERNS = 0xb701,
    NS_GET_PARENT = 0xb702,
    NS_GET_NSTYPE = 0xb703,
    NS_GET_OWNER_UID = 0xb704,
    USER = CLONE_NEWUSER,
};

#define USER_INO 4026531837

static const struct {
    uint64_t ino;
    int type;
} kinds[] = {
    {4026531834, CLONE_NEWTIME}, {4026531835, CLONE_NEWCGROUP},
    {4026531836, CLONE_NEWPID},  {USER_INO, CLONE_NEWUSER},
    {4026531838, CLONE_NEWUTS},  {4026531839, CLONE_NEWIPC},
    {4026531840, CLONE_NEWNET},  {4026531841, CLONE_NEWNS},
};

static int type_of(const struct inode *inode)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (kinds[i].ino == inode->ino) {
            return kinds[i].type;
        }
    }
    return -ENOTTY;
}

static int open_user(void)
{
    struct path path;
    struct file *f;
    int fd, err = ns_path("user:[4026531837]", USER_INO, &path);

    if (err) {
        return err;
    }
    fd = fd_reserve(true);
    if (fd < 0) {
        path_put(&path);
        return fd;
    }
    err = file_open_path(&path, O_RDONLY, &f);
    fd_fill(fd, err ? NULL : f);
    return err ? err : fd;
}

static long ns_ioctl(struct file *f, uint32_t cmd, struct uptr arg)
{
    int type = type_of(f->inode);

    switch (cmd) {
    case NS_GET_USERNS:
        return type == USER ? -EPERM : open_user();
    case NS_GET_PARENT:
        return type == USER || type == (int)CLONE_NEWPID ? -EPERM : -EINVAL;
    case NS_GET_NSTYPE:
        return type;
    case NS_GET_OWNER_UID:
        return type == USER ? put_user32(arg, 0) : -EINVAL;
    default:
        return -ENOTTY;
    }
}

const struct file_ops ns_file_ops = {.ioctl = ns_ioctl};

uint32_t ns_kind(const struct file *f)
{
    bool is = f->inode && f->inode->file_ops == &ns_file_ops;

    return is ? (uint32_t)type_of(f->inode) : 0;
}
