/* SPDX-License-Identifier: MIT
 *
 * Superblocks and inodes: birth, references, and the table of published
 * inodes in which a leaf with fixed numbers finds the one it made before.
 *
 * An inode whose count fell to zero may still stand in the table for a moment;
 * inode_find() passes over it.
 */
#include "kernel/fs/vfs.h"
#include "kernel/fs/acl.h"
#include "kernel/fs/lease.h"
#include "kernel/fs/locks.h"
#include "kernel/fs/event/watch.h"
#include "kernel/core/log.h"
#include "kernel/core/timer.h"
#include "kernel/mm/heap.h"
#include "lib/atomic.h"
#include "lib/hash.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"

static uint32_t last_minor = 24; /* device numbers of superblocks: 0:N */

void sb_init(struct superblock *sb, const struct superblock_ops *ops,
             const char *type, uint64_t magic, uint32_t flags)
{
    sb->ops = ops;
    sb->type = type;
    sb->source = type;
    sb->own_source = NULL;
    sb->dev = make_dev(0, atomic_add_fetch(&last_minor, 1));
    sb->magic = magic;
    sb->flags = flags;
    sb->holders = 1;
    sb->mounts = 0;
    sb->refs = 1;
    sb->root = NULL;
    sb->page_limit = 0;
    sb->pages_used = 0;
    spin_init(&sb->lock, LOCK_PAGECACHE);
    for (size_t i = 0; i < ARRAY_SIZE(sb->inodes); i++) {
        list_init(&sb->inodes[i]);
    }
}

int sb_set_source(struct superblock *sb, const char *source)
{
    sb->own_source = kstrdup(source);
    if (!sb->own_source) {
        return -ENOMEM;
    }
    sb->source = sb->own_source;
    return 0;
}

void sb_get(struct superblock *sb)
{
    atomic_fetch_add(&sb->holders, 1);
}

int sb_statfs(struct superblock *sb, struct fs_statfs *out)
{
    *out = (struct fs_statfs){.block_size = PAGE_SIZE};
    return sb->ops->statfs ? sb->ops->statfs(sb, out) : 0;
}

static void release(struct superblock *sb)
{
    if (vcpus_add_fetch(&sb->refs, -1) == 0) {
        kfree(sb->own_source);
        sb->ops->free(sb);
    }
}

/* Without a holder there is no way to a name: the root goes, and what only
 * names kept. Open files keep their inodes, and these the structure. */
void sb_put(struct superblock *sb)
{
    struct inode *root;

    if (atomic_sub_fetch(&sb->holders, 1) != 0) {
        return;
    }
    if (sb->ops->unmounted) {
        sb->ops->unmounted(sb);
    }
    root = sb->root;
    sb->root = NULL;
    inode_put(root);
    release(sb);
}

void inode_init(struct inode *inode, struct superblock *sb,
                const struct inode_ops *ops, uint64_t ino, uint32_t mode)
{
    int64_t now = clock_realtime();

    memset(inode, 0, sizeof(*inode));
    inode->ops = ops;
    inode->file_ops = S_ISDIR(mode) ? &directory_file_ops : &regular_file_ops;
    inode->sb = sb;
    inode->data = inode;
    inode->refs = 1;
    inode->mode = mode;
    inode->nlink = 1;
    inode->ino = ino;
    inode->atime = inode->mtime = inode->ctime = inode->btime = now;
    mutex_init(&inode->lock, S_ISDIR(mode) ? LOCK_FS_DIR : LOCK_FS_INODE);
    pagecache_init(&inode->pages, inode);
    list_init(&inode->hash_node);
    vcpus_add_fetch(&sb->refs, 1);
}

void inode_destroy(struct inode *inode)
{
    struct superblock *sb = inode->sb;

    pagecache_destroy(&inode->pages);
    locks_free(inode->locks);
    watches_free(inode->watches);
    leases_free(inode->leases);
    acl_put(inode->acl);
    acl_put(inode->default_acl);
    kfree((void *)inode->link);
    inode->sb = NULL;
    release(sb);
}

void inode_get(struct inode *inode)
{
    vcpus_add_fetch(&inode->refs, 1);
}

void inode_put(struct inode *inode)
{
    if (!inode || vcpus_add_fetch(&inode->refs, -1) != 0) {
        return;
    }
    if (inode->flags & INODE_PUBLISHED) {
        inode_retire(inode);
    }
    inode->ops->free(inode);
}

static bool get_unless_dead(struct inode *inode)
{
    uint32_t refs = atomic_load_relaxed(&inode->refs);

    while (refs != 0) {
        if (vcpus_cas(&inode->refs, &refs, refs + 1)) {
            return true;
        }
    }
    return false;
}

static struct list *bucket_of(struct superblock *sb, uint64_t ino)
{
    return &sb->inodes[hash_u64(0, ino) >> (64 - SB_HASH_BITS)];
}

static struct inode *find_locked(struct superblock *sb, uint64_t ino)
{
    list_for_each (pos, bucket_of(sb, ino)) {
        struct inode *inode = list_entry(pos, struct inode, hash_node);

        if (inode->ino == ino && get_unless_dead(inode)) {
            return inode;
        }
    }
    return NULL;
}

struct inode *inode_find(struct superblock *sb, uint64_t ino)
{
    struct inode *inode;

    spin_lock(&sb->lock);
    inode = find_locked(sb, ino);
    spin_unlock(&sb->lock);
    return inode;
}

/* *at: a bucket, and a place in it. */
struct inode *inode_next(struct superblock *sb, uint64_t *at)
{
    struct inode *found = NULL;

    spin_lock(&sb->lock);
    while (!found && *at >> 32 < ARRAY_SIZE(sb->inodes)) {
        uint64_t skip = (uint32_t)*at;

        list_for_each (pos, &sb->inodes[*at >> 32]) {
            struct inode *inode = list_entry(pos, struct inode, hash_node);

            if (skip) {
                skip--;
                continue;
            }
            ++*at;
            if (get_unless_dead(inode)) {
                found = inode;
                break;
            }
        }
        *at = found ? *at : ((*at >> 32) + 1) << 32;
    }
    spin_unlock(&sb->lock);
    return found;
}

struct inode *inode_publish(struct inode *inode)
{
    struct superblock *sb = inode->sb;
    struct inode *other;

    spin_lock(&sb->lock);
    other = find_locked(sb, inode->ino);
    if (!other) {
        inode->flags |= INODE_PUBLISHED;
        list_add(bucket_of(sb, inode->ino), &inode->hash_node);
    }
    spin_unlock(&sb->lock);
    if (other) {
        inode_put(inode);
        return other;
    }
    return inode;
}

void inode_retire(struct inode *inode)
{
    spin_lock(&inode->sb->lock);
    if (inode->flags & INODE_PUBLISHED) {
        inode->flags &= ~INODE_PUBLISHED;
        list_del(&inode->hash_node);
    }
    spin_unlock(&inode->sb->lock);
}

/* Unless it comes along, the list follows the mode. */
static int set_lists(struct inode *inode, const struct inode_attr *attr)
{
    if (attr->valid & ATTR_ACL) {
        acl_set(&inode->acl, attr->acl);
    } else if (unlikely(inode->acl) && attr->valid & ATTR_MODE) {
        struct acl *acl;
        int err = acl_with_mode(inode->acl, attr->mode, &acl);

        if (err) {
            return err;
        }
        acl_set(&inode->acl, acl);
        acl_put(acl);
    }
    if (attr->valid & ATTR_DEFAULT_ACL) {
        acl_set(&inode->default_acl, attr->default_acl);
    }
    return 0;
}

int inode_setattr(struct inode *inode, const struct inode_attr *attr)
{
    int err = set_lists(inode, attr);

    if (err) {
        return err;
    }
    if (attr->valid & ATTR_MODE) {
        inode->mode = (inode->mode & S_IFMT) | (attr->mode & 07777);
    }
    if (attr->valid & ATTR_UID) {
        inode->uid = attr->uid;
    }
    if (attr->valid & ATTR_GID) {
        inode->gid = attr->gid;
    }
    if (attr->valid & ATTR_ATIME) {
        inode->atime = attr->atime;
    }
    if (attr->valid & ATTR_MTIME) {
        inode->mtime = attr->mtime;
    }
    if (attr->valid & ATTR_CTIME) {
        inode->ctime = attr->ctime;
    }
    return 0;
}

void inode_stat(struct inode *inode, struct inode_stat *st)
{
    struct inode *data = atomic_load_acquire(&inode->data);

    st->dev = inode->sb->dev;
    st->ino = inode->ino;
    st->rdev = data->rdev;
    st->size = data->size;
    st->block_size = PAGE_SIZE;
    st->blocks = data->pages.page_count * (PAGE_SIZE / 512);
    st->mode = data->mode;
    st->uid = data->uid;
    st->gid = data->gid;
    st->nlink = data->nlink;
    st->atime = data->atime;
    st->mtime = data->mtime;
    st->ctime = data->ctime;
    st->btime = data->btime;
    if (data->ops->getattr) {
        data->ops->getattr(data, st);
    }
    if (inode != data && inode->ops->getattr) {
        inode->ops->getattr(inode, st);
    }
}
