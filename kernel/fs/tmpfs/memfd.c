/* SPDX-License-Identifier: MIT
 *
 * memfds: files of a tmpfs that is mounted nowhere, and their seals. Seals are
 * kept where the data is; writes and truncations look at them (regular.c,
 * attr.c). Secret ones (memfd_secret(2)) are on another, where they can be
 * mapped and sized once, and no more.
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
#include "abi/linux/mman.h"
#include "abi/linux/stat.h"
#include "abi/linux/statfs.h"

enum {
    SEALS_ALL = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |
                F_SEAL_FUTURE_WRITE | F_SEAL_EXEC,
};

static struct mount memfd_mount, secret_mount;

static void init(struct mount *m)
{
    struct superblock *sb;
    int err = tmpfs_mount(&sb);

    check(!err);
    inode_get(sb->root);
    err = dentry_root(sb->root, &m->root);
    check(!err);
    m->sb = sb;
    m->hidden = true;
    list_init(&m->node);
    err = mount_count_init(m);
    check(!err);
    mount_spread(m);
}

void memfd_init(void)
{
    init(&memfd_mount);
    init(&secret_mount);
    secret_mount.sb->magic = SECRETMEM_MAGIC;
    secret_mount.flags |= ST_NOEXEC;
}

static int new_inode(struct mount *m, uint32_t mode, struct inode **out)
{
    struct inode_attr attr;
    int err;

    err = attr_of_new(m->root->inode, S_IFREG | mode, 0, &attr);
    if (err) {
        return err;
    }
    attr.mode = S_IFREG | mode;
    err = tmpfs_new(m->sb, &attr, out);
    if (!err) {
        (*out)->nlink = 0;
    }
    return err;
}

/* Takes inode. */
static int open_inode(struct mount *m, const char *title, struct inode *inode,
                      struct file **out)
{
    struct path path = {.mount = m};
    int err = dentry_detached(m->root, title, inode, &path.dentry);

    if (err) {
        return err;
    }
    mount_get(m);
    err = file_open_path(&path, O_RDWR | O_LARGEFILE, out);
    if (!err) {
        file_forget_writer(*out); /* so that it can be executed (execveat(2)) */
    }
    return err;
}

static int secret_map(struct file *f, int prot, int flags,
                      struct vm_object **out)
{
    *out = &f->shared;
    return (flags & MAP_TYPE) == MAP_PRIVATE ? -EINVAL : 0;
}

/* No reading, no writing, no position. */
static const struct file_ops secret_ops = {.map = secret_map};

int memfd_open_secret(struct file **out)
{
    struct inode *inode;
    int err = new_inode(&secret_mount, 0600, &inode);

    if (err) {
        return err;
    }
    inode->nlink = 1;
    inode->flags |= INODE_SECRET;
    err = open_inode(&secret_mount, "secretmem", inode, out);
    if (!err) {
        (*out)->ops = &secret_ops;
    }
    return err;
}

bool memfd_is_secret(const struct file *f)
{
    return f->ops == &secret_ops;
}

int memfd_open(const char *name, uint32_t flags, struct file **out)
{
    char title[NAME_LENGTH_MAX + 8];
    struct inode *inode;
    int err =
        new_inode(&memfd_mount, flags & MFD_NOEXEC_SEAL ? 0666 : 0777, &inode);

    if (err) {
        return err;
    }
    inode->seals = flags & (MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL)
                       ? (flags & MFD_NOEXEC_SEAL ? F_SEAL_EXEC : 0)
                       : F_SEAL_SEAL;
    inode->flags |= INODE_SEALABLE;
    fmt_snprintf(title, sizeof(title), "memfd:%s", name);
    return open_inode(&memfd_mount, title, inode, out);
}

int memfd_open_size(const char *title, uint64_t size, struct file **out)
{
    struct inode *inode;
    int err = new_inode(&memfd_mount, 0777, &inode);

    if (err) {
        return err;
    }
    inode->size = size; /* nobody else has seen it */
    return open_inode(&memfd_mount, title, inode, out);
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
