/* SPDX-License-Identifier: MIT
 *
 * /dev: a tmpfs, filled once with a node for every driver and the links that
 * programs expect. Programs may add to it as on Linux.
 */
#include "kernel/fs/devices.h"
#include "kernel/fs/tmpfs/tmpfs.h"
#include "kernel/core/log.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"

static const struct {
    const char *name, *target;
} links[] = {
    {"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"},
    {"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"},
    {"core", "/proc/kcore"},
};

static int add(struct inode *root, const char *name, uint32_t mode,
               uint64_t rdev, const char *target)
{
    struct inode_attr attr = {.mode = mode, .rdev = rdev};
    struct inode *inode;
    int err;

    if (target) {
        err = tmpfs_symlink(root, name, strlen(name), target, &attr, &inode);
    } else {
        err = tmpfs_make(root, name, strlen(name), &attr, &inode);
    }
    if (!err) {
        inode_put(inode);
    }
    return err;
}

int devfs_mount(struct superblock **out)
{
    struct superblock *sb;
    int err = tmpfs_mount(&sb);

    if (err) {
        return err;
    }
    sb->type = "devtmpfs";
    sb->source = "devtmpfs";
    sb->root->mode = S_IFDIR | 0755;
    for (const struct device *d = devices; d->name && !err; d++) {
        err = add(sb->root, d->name, S_IFCHR | d->mode,
                  make_dev(d->major, d->minor), NULL);
    }
    for (size_t i = 0; i < ARRAY_SIZE(links) && !err; i++) {
        err = add(sb->root, links[i].name, S_IFLNK | 0777, 0, links[i].target);
    }
    if (!err) {
        err = add(sb->root, "shm", S_IFDIR | 01777, 0, NULL);
    }
    if (!err) {
        err = add(sb->root, "pts", S_IFDIR | 0755, 0, NULL);
    }
    if (err) {
        sb_put(sb);
        return err;
    }
    *out = sb;
    return 0;
}
