/* SPDX-License-Identifier: MIT
 *
 * The nameless file system: inodes of pipes, eventfds, epolls, sockets... that
 * stand in no directory. It is mounted nowhere that a path could reach.
 */
#include "kernel/fs/file.h"
#include "kernel/fs/mount/mount_table.h"
#include "kernel/fs/room.h"
#include "kernel/core/log.h"
#include "kernel/mm/heap.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"
#include "abi/linux/statfs.h"

static struct superblock anon_sb, pipe_sb, sock_sb, ns_sb;
static struct mount anon_mount;
static struct inode *shared; /* of all files that need none of their own */
static uint64_t last_ino;    /* atomic */

static void anon_free_sb(struct superblock *sb)
{
}

static const struct superblock_ops anon_sb_ops = {.free = anon_free_sb};

struct anon_inode {
    struct inode inode;
    int (*reopen)(struct file *f);
};

static void anon_free_inode(struct inode *inode)
{
    inode_destroy(inode);
    kfree(container_of(inode, struct anon_inode, inode));
}

static int anon_reopen(struct inode *inode, struct file *f)
{
    struct anon_inode *a = container_of(inode, struct anon_inode, inode);

    return a->reopen ? a->reopen(f) : -ENXIO;
}

/* A stream of ours that is the host's regular file: open(2) with O_TRUNC of
 * /dev/stdout passes while nothing was written, and is refused then. */
static int anon_setattr(struct inode *inode, const struct inode_attr *attr)
{
    if (inode == shared) {
        return -EOPNOTSUPP;
    }
    if (attr->valid & ATTR_SIZE) {
        return attr->size == inode->size ? 0 : -EPERM;
    }
    return inode_setattr(inode, attr);
}

static const struct inode_ops anon_inode_ops = {
    .free = anon_free_inode,
    .open = anon_reopen,
    .setattr = anon_setattr,
};

static int inode_new(struct superblock *sb, uint32_t mode,
                     int (*reopen)(struct file *f), struct inode **out)
{
    struct anon_inode *a = kmalloc(sizeof(*a));

    if (!a) {
        return -ENOMEM;
    }
    inode_init(&a->inode, sb, &anon_inode_ops, atomic_add_fetch(&last_ino, 1),
               mode);
    a->reopen = reopen;
    *out = &a->inode;
    return 0;
}

static int owned_inode(struct superblock *sb, uint32_t mode,
                       int (*reopen)(struct file *f), struct inode **out)
{
    struct fs_cred cred;
    int err = inode_new(sb, mode, reopen, out);

    if (!err) {
        fs_current_cred(&cred);
        (*out)->uid = cred.uid;
        (*out)->gid = cred.gid;
    }
    return err;
}

int anon_inode(uint32_t mode, int (*reopen)(struct file *f), struct inode **out)
{
    return owned_inode(&anon_sb, mode, reopen, out);
}

int pipe_inode(int (*reopen)(struct file *f), struct inode **out)
{
    return owned_inode(&pipe_sb, S_IFIFO | 0600, reopen, out);
}

int sock_inode(struct inode **out)
{
    return owned_inode(&sock_sb, S_IFSOCK | 0777, NULL, out);
}

/* It can be opened, and there is nothing in it to read. */
static int ns_open(struct file *f)
{
    return 0;
}

int ns_path(const char *name, uint64_t ino, struct path *out)
{
    struct inode *inode;
    int err = inode_new(&ns_sb, S_IFREG | 0444, ns_open, &inode);

    if (err) {
        return err;
    }
    inode->ino = ino;
    inode->file_ops = &ns_file_ops;
    inode->flags |= INODE_IMMUTABLE;
    err = dentry_detached(NULL, name, inode, &out->dentry);
    if (!err) {
        out->mount = &anon_mount;
        mount_get(&anon_mount);
    }
    return err;
}

int file_open_inode(const char *name, struct inode *inode, uint32_t flags,
                    struct file **out)
{
    struct path path = {.mount = &anon_mount};
    int err = dentry_detached(NULL, name, inode, &path.dentry);

    if (err) {
        return err;
    }
    mount_get(&anon_mount);
    return file_make(&path, flags, out);
}

int file_open_anon(const char *name, const struct file_ops *ops, void *private,
                   uint32_t flags, struct file **out)
{
    int err;

    inode_get(shared);
    err = file_open_inode(name, shared, flags, out);
    if (!err) {
        (*out)->ops = ops;
        (*out)->mode |= FILE_NO_POS_LOCK | FILE_NO_PREAD;
        (*out)->private = private;
    }
    return err;
}

/* Before the first task: no credentials to take. */
void anon_init(void)
{
    struct dentry *root;
    int err;

    sb_init(&anon_sb, &anon_sb_ops, "anon_inodefs", ANON_INODE_MAGIC,
            SB_NO_ATIME);
    sb_init(&pipe_sb, &anon_sb_ops, "pipefs", PIPEFS_MAGIC, SB_NO_ATIME);
    sb_init(&sock_sb, &anon_sb_ops, "sockfs", SOCKFS_MAGIC, SB_NO_ATIME);
    sb_init(&ns_sb, &anon_sb_ops, "nsfs", NSFS_MAGIC, SB_NO_ATIME);
    err = inode_new(&anon_sb, 0600, NULL, &shared);
    check(!err);
    inode_get(shared);
    err = dentry_root(shared, &root);
    check(!err);
    anon_mount.sb = &anon_sb;
    anon_mount.root = root;
    anon_mount.hidden = true;
    list_init(&anon_mount.node);
    err = mount_count_init(&anon_mount);
    check(!err);
    mount_spread(&anon_mount);
}
