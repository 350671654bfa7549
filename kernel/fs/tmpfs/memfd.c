/* SPDX-License-Identifier: MIT
 *
 * memfds: files of a tmpfs that is mounted nowhere, and their seals. Seals are
 * kept where the data is; writes and truncations look at them (regular.c,
 * attr.c).
 */
#include "kernel/fs/tmpfs/memfd.h"
#include "kernel/fs/current.h"
#include "kernel/fs/file.h"
#include "kernel/fs/mount/mount_table.h"
#include "kernel/fs/names.h"
#include "kernel/fs/room.h"
#include "kernel/fs/special.h"
#include "kernel/fs/tmpfs/tmpfs.h"
#include "kernel/core/log.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"
#include "abi/linux/statfs.h"

enum {
    SEALS_ALL = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |
                F_SEAL_FUTURE_WRITE | F_SEAL_EXEC,
};

static struct mount memfd_mount;

void memfd_init(void)
{
    struct superblock *sb;
    int err = tmpfs_mount(&sb);

    check(!err);
    inode_get(sb->root);
    err = dentry_root(sb->root, &memfd_mount.root);
    check(!err);
    memfd_mount.sb = sb;
    memfd_mount.hidden = true;
    list_init(&memfd_mount.node);
    err = mount_count_init(&memfd_mount);
    check(!err);
    mount_spread(&memfd_mount);
}

static int new_inode(uint32_t mode, struct inode **out)
{
    struct inode_attr attr;
    int err;

    err = attr_of_new(memfd_mount.root->inode, S_IFREG | mode, 0, &attr);
    if (err) {
        return err;
    }
    attr.mode = S_IFREG | mode;
    err = tmpfs_new(memfd_mount.sb, &attr, out);
    if (!err) {
        (*out)->nlink = 0;
    }
    return err;
}

/* Takes inode. */
static int open_inode(const char *title, struct inode *inode, struct file **out)
{
    struct path path = {.mount = &memfd_mount};
    int err = dentry_detached(memfd_mount.root, title, inode, &path.dentry);

    if (err) {
        return err;
    }
    mount_get(&memfd_mount);
    err = file_open_path(&path, O_RDWR | O_LARGEFILE, out);
    if (!err) {
        file_forget_writer(*out); /* so that it can be executed (execveat(2)) */
    }
    return err;
}

int memfd_open(const char *name, uint32_t flags, struct file **out)
{
    char title[NAME_LENGTH_MAX + 8];
    struct inode *inode;
    int err = new_inode(flags & MFD_NOEXEC_SEAL ? 0666 : 0777, &inode);

    if (err) {
        return err;
    }
    inode->seals = flags & (MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL)
                       ? (flags & MFD_NOEXEC_SEAL ? F_SEAL_EXEC : 0)
                       : F_SEAL_SEAL;
    inode->flags |= INODE_SEALABLE;
    fmt_snprintf(title, sizeof(title), "memfd:%s", name);
    return open_inode(title, inode, out);
}

int memfd_open_size(const char *title, uint64_t size, struct file **out)
{
    struct inode *inode;
    int err = new_inode(0777, &inode);

    if (err) {
        return err;
    }
    inode->size = size; /* nobody else has seen it */
    return open_inode(title, inode, out);
}

/* Other files of a tmpfs count as sealed against sealing. */
static bool is_tmpfs(struct file *f)
{
    struct inode *data = atomic_load_acquire(&f->inode->data);

    return S_ISREG(data->mode) && data->sb->magic == TMPFS_MAGIC;
}

long memfd_get_seals(struct file *f)
{
    if (f->inode->flags & INODE_SEALABLE) {
        return f->inode->seals;
    }
    return is_tmpfs(f) ? F_SEAL_SEAL : -EINVAL;
}

long memfd_add_seals(struct file *f, uint64_t seals)
{
    struct inode *inode = f->inode;
    long err = 0;

    if (!(f->mode & FILE_WRITE)) {
        return -EPERM;
    }
    if (memfd_get_seals(f) < 0 || seals & ~(uint64_t)SEALS_ALL) {
        return -EINVAL;
    }
    if (!(inode->flags & INODE_SEALABLE)) {
        return -EPERM;
    }
    mutex_lock(&inode->lock);
    if (seals & F_SEAL_EXEC && inode->mode & 0111) { /* what is executed */
        seals |=
            F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
    }
    if (inode->seals & F_SEAL_SEAL) {
        err = -EPERM;
    } else if (seals & F_SEAL_WRITE && !(inode->seals & F_SEAL_WRITE) &&
               atomic_load_acquire(&inode->pages.writable_maps)) {
        err = -EBUSY;
    } else {
        inode->seals |= seals;
    }
    mutex_unlock(&inode->lock);
    return err;
}
