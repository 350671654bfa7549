/* SPDX-License-Identifier: MIT
 *
 * tmpfs: files that live in the page cache and nowhere else (tmpfs(5)). Names
 * are in tmpfs_names.c, extended attributes in tmpfs_xattr.c.
 *
 * An inode is counted once by each of its names.
 */
#include "kernel/fs/tmpfs/tmpfs.h"
#include "kernel/fs/acl.h"
#include "kernel/mm/heap.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/fcntl.h"
#include "abi/linux/stat.h"
#include "abi/linux/statfs.h"

enum { NOMINAL_PAGES = 1 << 22 }; /* what statfs shows without a limit */

static const struct inode_ops tmpfs_inode_ops;

static struct tmpfs *tmpfs_of(struct superblock *sb)
{
    return container_of(sb, struct tmpfs, sb);
}

bool tmpfs_count_inode(struct superblock *sb)
{
    struct tmpfs *fs = tmpfs_of(sb);
    uint64_t count = atomic_add_fetch(&fs->inodes, 1);
    bool fits = !fs->inode_limit || count <= fs->inode_limit;

    if (!fits) {
        atomic_fetch_sub(&fs->inodes, 1);
    }
    return fits;
}

void tmpfs_uncount_inode(struct superblock *sb)
{
    atomic_fetch_sub(&tmpfs_of(sb)->inodes, 1);
}

int tmpfs_new(struct superblock *sb, const struct inode_attr *attr,
              struct inode **out)
{
    struct tmpfs_inode *t;
    struct inode *inode;

    if (!tmpfs_count_inode(sb)) {
        return -ENOSPC;
    }
    t = kmalloc(sizeof(*t));
    if (!t) {
        tmpfs_uncount_inode(sb);
        return -ENOMEM;
    }
    inode = &t->inode;
    inode_init(inode, sb, &tmpfs_inode_ops,
               atomic_add_fetch(&tmpfs_of(sb)->last_ino, 1), attr->mode);
    inode->uid = attr->uid;
    inode->gid = attr->gid;
    inode->rdev = attr->rdev;
    if (S_ISDIR(attr->mode)) {
        inode->nlink = 2;
        inode->size = tmpfs_dir_size(0);
    }
    t->names = t->cookies = RB_TREE_INIT;
    t->last_cookie = t->entries = 0;
    list_init(&t->xattrs);
    acl_set(&inode->acl, attr->acl);
    acl_set(&inode->default_acl, attr->default_acl);
    *out = inode;
    return 0;
}

static void tmpfs_free_inode(struct inode *inode)
{
    struct tmpfs_inode *t = tmpfs_inode(inode);

    tmpfs_drop_names(t);
    tmpfs_drop_xattrs(t);
    tmpfs_uncount_inode(inode->sb);
    if (inode->link && tmpfs_link_pages(inode->link)) {
        page_uncharge(inode->sb);
    }
    inode_destroy(inode);
    kfree(t);
}

static int tmpfs_tmpfile(struct inode *dir, const struct inode_attr *attr,
                         struct inode **out)
{
    int err = tmpfs_new(dir->sb, attr, out);

    if (!err) {
        (*out)->nlink = 0;
    }
    return err;
}

/* ---- attributes and space ---- */

static int resize(struct inode *inode, uint64_t size)
{
    uint64_t old = inode->size;
    int err = size > old ? pagecache_extend(&inode->pages, size) : 0;

    if (err) {
        return err;
    }
    atomic_store_release(&inode->size, size);
    if (size < old) {
        pagecache_truncate(&inode->pages, size);
    }
    return 0;
}

static int tmpfs_setattr(struct inode *inode, const struct inode_attr *attr)
{
    if (attr->valid & ATTR_SIZE) {
        int err = resize(inode, attr->size);

        if (err) {
            return err;
        }
    }
    return inode_setattr(inode, attr);
}

static int tmpfs_fallocate(struct inode *inode, int mode, uint64_t off,
                           uint64_t len)
{
    int err;

    if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE)) {
        return -EOPNOTSUPP;
    }
    if (mode & FALLOC_FL_PUNCH_HOLE) {
        pagecache_punch(&inode->pages, off, len);
        return 0;
    }
    err = mode & FALLOC_FL_KEEP_SIZE
              ? 0
              : pagecache_extend(&inode->pages, off + len);
    err = err ? err : pagecache_allocate(&inode->pages, off, len);
    if (!err && !(mode & FALLOC_FL_KEEP_SIZE) && off + len > inode->size) {
        atomic_store_release(&inode->size, off + len);
    }
    return err;
}

static int tmpfs_readlink(struct inode *inode, char *buf, size_t len)
{
    size_t n = MIN(strlen(inode->link), len);

    memcpy(buf, inode->link, n);
    return n;
}

static const struct inode_ops tmpfs_inode_ops = {
    .free = tmpfs_free_inode,
    .lookup = tmpfs_lookup,
    .readdir = tmpfs_readdir,
    .make = tmpfs_make,
    .symlink = tmpfs_symlink,
    .link = tmpfs_link,
    .unlink = tmpfs_unlink,
    .rmdir = tmpfs_rmdir,
    .rename = tmpfs_rename,
    .tmpfile = tmpfs_tmpfile,
    .readlink = tmpfs_readlink,
    .fallocate = tmpfs_fallocate,
    .setattr = tmpfs_setattr,
    .getxattr = tmpfs_getxattr,
    .setxattr = tmpfs_setxattr,
    .listxattr = tmpfs_listxattr,
};

/* ---- the superblock ---- */

static void tmpfs_free_sb(struct superblock *sb)
{
    kfree(tmpfs_of(sb));
}

static int tmpfs_statfs(struct superblock *sb, struct fs_statfs *out)
{
    uint64_t used = atomic_load_relaxed(&sb->pages_used);
    uint64_t pages = sb->page_limit ? sb->page_limit : NOMINAL_PAGES;
    uint64_t inodes = atomic_load_relaxed(&tmpfs_of(sb)->inodes);
    uint64_t limit = tmpfs_of(sb)->inode_limit;

    out->blocks = pages;
    out->free = out->available = pages - MIN(used, pages);
    out->files = limit ? limit : pages;
    out->files_free = out->files - MIN(inodes, out->files);
    return 0;
}

static const struct superblock_ops tmpfs_sb_ops = {
    .free = tmpfs_free_sb,
    .statfs = tmpfs_statfs,
    .options = tmpfs_show_options,
};

void tmpfs_set_limit(struct superblock *sb, uint64_t pages)
{
    sb->page_limit = pages;
}

void tmpfs_set_inode_limit(struct superblock *sb, uint64_t inodes)
{
    tmpfs_of(sb)->inode_limit = inodes;
}

void tmpfs_set_first_ino(struct superblock *sb, uint64_t ino)
{
    tmpfs_of(sb)->last_ino = ino;
}

int tmpfs_mount(struct superblock **out)
{
    struct inode_attr attr = {.mode = S_IFDIR | 01777};
    struct tmpfs *t = kmalloc(sizeof(*t));
    struct inode *root;
    int err;

    if (!t) {
        return -ENOMEM;
    }
    sb_init(&t->sb, &tmpfs_sb_ops, "tmpfs", TMPFS_MAGIC,
            SB_KEEPS_FLAGS | SB_ACLS | SB_WHITEOUTS);
    t->last_ino = t->inodes = t->inode_limit = 0;
    t->mode = 01777;
    t->uid = t->gid = 0;
    err = tmpfs_new(&t->sb, &attr, &root);
    if (err) {
        sb_put(&t->sb);
        return err;
    }
    t->sb.root = root;
    *out = &t->sb;
    return 0;
}
