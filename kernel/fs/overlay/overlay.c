/* SPDX-License-Identifier: MIT
 *
 * The overlay: a writable tree (upper, a tmpfs) over one that never changes
 * (lower). An overlay inode stands for what a layer has under a number, and
 * shows the upper's attributes and pages once there is one (inode->data).
 *
 * Numbers are the layers' own; the upper's begin above the lower's, and a copy
 * gets the number of its original, so what stat(2) shows never changes. That
 * number also is the key: as long as an object has both sides its overlay
 * inode is kept (pinned), so a copy needs no name in the upper. It gets one
 * only when the lower has none for it: after a rename or a link. Hard links of
 * the lower so stay links of one file.
 *
 * Whiteouts are character devices 0:0 in the upper, as Linux has them. The
 * layers' own locks are taken only where data is concerned: each name of
 * theirs is reached through one overlay directory, whose lock is held.
 */
#include "kernel/fs/overlay/overlay.h"
#include "kernel/fs/acl.h"
#include "kernel/fs/file.h"
#include "kernel/core/log.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"
#include "abi/linux/statfs.h"

/* ---- inodes ---- */

static struct inode *real_of(struct inode *inode)
{
    return atomic_load_acquire(&inode->data);
}

int overlay_get(struct overlay *o, struct inode *upper, struct inode *lower,
                struct inode **out)
{
    struct inode *real = upper ? upper : lower;
    struct overlay_inode *n;
    struct inode *inode;

    check(real);
    inode = inode_find(&o->sb, real->ino);
    if (inode) {
        inode_put(upper);
        inode_put(lower);
        *out = inode;
        return 0;
    }
    n = kmalloc(sizeof(*n));
    if (!n) {
        inode_put(upper);
        inode_put(lower);
        return -ENOMEM;
    }
    inode_init(&n->inode, &o->sb, &overlay_inode_ops, real->ino, real->mode);
    n->inode.rdev = real->rdev;
    n->inode.data = real;
    n->upper = upper;
    n->lower = lower;
    n->pinned = false;
    *out = inode_publish(&n->inode);
    return 0;
}

static void overlay_free(struct inode *inode)
{
    struct overlay_inode *n = overlay_inode(inode);
    struct inode *upper = n->upper, *lower = n->lower;

    inode_destroy(inode);
    kfree(n);
    inode_put(upper);
    inode_put(lower);
}

void overlay_pin(struct inode *inode)
{
    struct overlay_inode *n = overlay_inode(inode);

    if (!n->pinned) {
        inode_get(inode);
        n->pinned = true;
    }
}

void overlay_unpin(struct inode *inode)
{
    struct overlay_inode *n = overlay_inode(inode);

    if (n->pinned && real_of(inode)->nlink == 0) {
        n->pinned = false;
        inode_put(inode);
    }
}

/* ---- attributes ---- */

static int overlay_setattr(struct inode *inode, const struct inode_attr *attr)
{
    bool empty = attr->valid & ATTR_SIZE && attr->size == 0;
    struct inode *upper;
    int err = overlay_copy_up(inode, !empty);

    if (err) {
        return err;
    }
    upper = upper_of(inode);
    mutex_lock(&upper->lock);
    err = upper->ops->setattr ? upper->ops->setattr(upper, attr) : -EPERM;
    mutex_unlock(&upper->lock);
    return err;
}

static int overlay_fallocate(struct inode *inode, int mode, uint64_t off,
                             uint64_t len)
{
    struct inode *upper;
    int err = overlay_copy_up(inode, true);

    if (err) {
        return err;
    }
    upper = upper_of(inode);
    if (!upper->ops->fallocate) {
        return -EOPNOTSUPP;
    }
    mutex_lock(&upper->lock);
    err = upper->ops->fallocate(upper, mode, off, len);
    mutex_unlock(&upper->lock);
    return err;
}

/* Writing begins with a copy; one that will be truncated stays empty. */
static int overlay_open(struct inode *inode, struct file *f)
{
    int err = 0;

    if (S_ISREG(inode->mode) && f->mode & FILE_WRITE && !upper_of(inode)) {
        mutex_lock(&inode->lock);
        err = overlay_copy_up(inode, true);
        mutex_unlock(&inode->lock);
    }
    if (!err && S_ISREG(inode->mode)) {
        struct inode *real = real_of(inode);

        err = real->ops->open ? real->ops->open(real, f) : 0;
    }
    return err;
}

static int overlay_readlink(struct inode *inode, char *buf, size_t len)
{
    struct inode *real = real_of(inode);
    size_t n;

    if (!real->link) {
        return real->ops->readlink(real, buf, len);
    }
    n = MIN(strlen(real->link), len);
    memcpy(buf, real->link, n);
    return n;
}

/* ---- extended attributes ---- */

/* Under the layer's lock, too: writing drops capabilities there. */
static long overlay_getxattr(struct inode *inode, const char *name, void *buf,
                             size_t len)
{
    struct inode *real = real_of(inode);
    long n;

    if (!real->ops->getxattr) {
        return -EOPNOTSUPP;
    }
    mutex_lock(&real->lock);
    n = real->ops->getxattr(real, name, buf, len);
    mutex_unlock(&real->lock);
    return n;
}

static long overlay_listxattr(struct inode *inode, char *buf, size_t len)
{
    struct inode *real = real_of(inode);
    long n;

    if (!real->ops->listxattr) {
        return 0;
    }
    mutex_lock(&real->lock);
    n = real->ops->listxattr(real, buf, len);
    mutex_unlock(&real->lock);
    return n;
}

static int overlay_setxattr(struct inode *inode, const char *name,
                            const void *value, size_t len, int flags)
{
    struct inode *upper;
    int err = overlay_copy_up(inode, true);

    if (err) {
        return err;
    }
    upper = upper_of(inode);
    if (!upper->ops->setxattr) {
        return -EOPNOTSUPP;
    }
    mutex_lock(&upper->lock);
    err = upper->ops->setxattr(upper, name, value, len, flags);
    mutex_unlock(&upper->lock);
    return err;
}

static int overlay_tmpfile(struct inode *dir, const struct inode_attr *attr,
                           struct inode **out)
{
    struct overlay *o = overlay_of(dir->sb);
    struct inode *upper;
    int err = o->work->ops->tmpfile(o->work, attr, &upper);

    return err ? err : overlay_get(o, upper, NULL, out);
}

const struct inode_ops overlay_inode_ops = {
    .free = overlay_free,
    .lookup = overlay_lookup,
    .readdir = overlay_readdir,
    .make = overlay_make,
    .symlink = overlay_symlink,
    .link = overlay_link,
    .unlink = overlay_unlink,
    .rmdir = overlay_rmdir,
    .rename = overlay_rename,
    .tmpfile = overlay_tmpfile,
    .readlink = overlay_readlink,
    .fallocate = overlay_fallocate,
    .open = overlay_open,
    .setattr = overlay_setattr,
    .getxattr = overlay_getxattr,
    .setxattr = overlay_setxattr,
    .listxattr = overlay_listxattr,
};

/* ---- the superblock ---- */

static void overlay_free_sb(struct superblock *sb)
{
    struct overlay *o = overlay_of(sb);

    inode_put(o->work);
    sb_put(o->upper);
    sb_put(o->lower);
    kfree(o);
}

/* Takes the pin off one of the bucket's inodes; it is the caller's. */
static struct inode *unpin_one(struct superblock *sb, struct list *bucket)
{
    struct inode *found = NULL;

    spin_lock(&sb->lock);
    list_for_each (pos, bucket) {
        struct inode *inode = list_entry(pos, struct inode, hash_node);

        if (overlay_inode(inode)->pinned) {
            overlay_inode(inode)->pinned = false;
            found = inode;
            break;
        }
    }
    spin_unlock(&sb->lock);
    return found;
}

/* Nobody can ask for names any more: copies need not be found. */
static void overlay_unmounted(struct superblock *sb)
{
    for (size_t i = 0; i < ARRAY_SIZE(sb->inodes); i++) {
        struct inode *inode;

        while ((inode = unpin_one(sb, &sb->inodes[i])) != NULL) {
            inode_put(inode);
        }
    }
}

/* What the lower has in use is in use, on top of the upper's room. */
static int overlay_statfs(struct superblock *sb, struct fs_statfs *out)
{
    struct superblock *upper = overlay_of(sb)->upper;
    struct superblock *lower = overlay_of(sb)->lower;
    struct fs_statfs below = {0};
    int err = sb_statfs(upper, out);

    if (!err) {
        err = sb_statfs(lower, &below);
    }
    if (!err) {
        out->blocks += (below.blocks - MIN(below.free, below.blocks)) *
                       below.block_size / out->block_size;
        out->files += below.files - MIN(below.files_free, below.files);
    }
    return err;
}

static int overlay_sync(struct superblock *sb)
{
    struct superblock *upper = overlay_of(sb)->upper;

    return upper->ops->sync ? upper->ops->sync(upper) : 0;
}

static const struct superblock_ops overlay_sb_ops = {
    .free = overlay_free_sb,
    .statfs = overlay_statfs,
    .sync = overlay_sync,
    .unmounted = overlay_unmounted,
};

/* The root is merged from the start, under the lower root's number. */
static int make_root(struct overlay *o)
{
    struct inode *upper = o->upper->root, *lower = o->lower->root;

    upper->ino = lower->ino;
    upper->nlink = lower->nlink;
    upper->mode = lower->mode;
    upper->uid = lower->uid;
    upper->gid = lower->gid;
    upper->atime = lower->atime;
    upper->mtime = lower->mtime;
    upper->ctime = lower->ctime;
    acl_set(&upper->acl, lower->acl);
    acl_set(&upper->default_acl, lower->default_acl);
    inode_get(upper);
    inode_get(lower);
    return overlay_get(o, upper, lower, &o->sb.root);
}

static int make_work(struct overlay *o)
{
    struct inode_attr attr = {.mode = S_IFDIR | 0700};
    struct inode *root = o->upper->root, *work;
    int err = root->ops->make(root, "work", 4, &attr, &work);

    if (err) {
        return err;
    }
    o->work = work;
    /* It keeps its place in the upper file system, but no name there. */
    return root->ops->rmdir(root, "work", 4, work);
}

int overlay_mount(struct superblock *upper, struct superblock *lower,
                  struct superblock **out)
{
    struct overlay *o = kzalloc(sizeof(*o));
    int err;

    if (!o) {
        sb_put(upper);
        sb_put(lower);
        return -ENOMEM;
    }
    sb_init(&o->sb, &overlay_sb_ops, "overlay", OVERLAYFS_MAGIC,
            SB_KEEPS_FLAGS | SB_ACLS);
    mutex_init(&o->staging, LOCK_FS_INODE);
    o->upper = upper;
    o->lower = lower;
    err = make_work(o);
    if (!err) {
        err = make_root(o);
    }
    if (err) {
        sb_put(&o->sb);
        return err;
    }
    *out = &o->sb;
    return 0;
}
