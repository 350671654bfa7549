/* SPDX-License-Identifier: MIT
 *
 * What tmpfs's files share, and what memfd and the overlay need of it.
 */
#ifndef KERNEL_FS_TMPFS_H
#define KERNEL_FS_TMPFS_H

#include "kernel/fs/vfs.h"
#include "lib/rbtree.h"
#include "lib/string.h"

struct tmpfs {
    struct superblock sb;
    uint64_t last_ino;       /* atomic */
    uint64_t inodes;         /* there are; atomic */
    uint64_t inode_limit;    /* -ENOSPC beyond; 0: no limit */
    uint32_t mode, uid, gid; /* options of mount(2), for the root at first */
};

/* A name in a directory: found by hash, listed by cookie. */
struct tmpfs_entry {
    struct rb_node by_name, by_cookie;
    uint64_t hash, cookie;
    struct inode *inode; /* counted */
    uint16_t len;
    char name[];
};

struct tmpfs_xattr {
    struct list node;
    char *name;
    void *value;
    size_t len;
};

struct tmpfs_inode {
    struct inode inode;
    struct rb_tree names, cookies; /* of struct tmpfs_entry; inode.lock */
    uint64_t last_cookie, entries;
    struct list xattrs; /* of struct tmpfs_xattr; inode.lock */
};

static inline struct tmpfs_inode *tmpfs_inode(struct inode *inode)
{
    return container_of(inode, struct tmpfs_inode, inode);
}

/* A directory's st_size, as Linux's: "." and ".." count. */
static inline uint64_t tmpfs_dir_size(uint64_t entries)
{
    return (entries + 2) * 20;
}

/* Pages that a symbolic link counts as: long ones are not kept in the inode. */
static inline unsigned tmpfs_link_pages(const char *target)
{
    return strlen(target) >= 128;
}

/* tmpfs.c. A new inode, without a name. -ENOMEM, -ENOSPC. */
int tmpfs_new(struct superblock *sb, const struct inode_attr *attr,
              struct inode **out);
/* One inode more, unless there are as many as may be. Each further name of one
 * counts as one, too, as in Linux. */
bool tmpfs_count_inode(struct superblock *sb);
void tmpfs_uncount_inode(struct superblock *sb);
/* Pages that the files may hold in all; 0: no limit. */
void tmpfs_set_limit(struct superblock *sb, uint64_t pages);
/* The same for inodes, the root among them. */
void tmpfs_set_inode_limit(struct superblock *sb, uint64_t inodes);
/* tmpfs_options.c. Options of mount(2); remount: of one in use, whose root
 * stays. -EINVAL: an unknown one, or more is in use than it would allow. What
 * came before it has been set. */
int tmpfs_options(struct superblock *sb, const char *text, bool remount);
void tmpfs_show_options(struct superblock *sb, char *buf, size_t len);
/* Inode numbers go on from here (the overlay keeps clear of its lower). */
void tmpfs_set_first_ino(struct superblock *sb, uint64_t ino);

/* tmpfs_names.c */
int tmpfs_lookup(struct inode *dir, const char *name, size_t len,
                 struct inode **out);
int tmpfs_readdir(struct inode *dir, struct dir_sink *sink);
int tmpfs_make(struct inode *dir, const char *name, size_t len,
               const struct inode_attr *attr, struct inode **out);
int tmpfs_symlink(struct inode *dir, const char *name, size_t len,
                  const char *target, const struct inode_attr *attr,
                  struct inode **out);
int tmpfs_link(struct inode *dir, const char *name, size_t len,
               struct inode *inode);
int tmpfs_unlink(struct inode *dir, const char *name, size_t len,
                 struct inode *inode);
int tmpfs_rmdir(struct inode *dir, const char *name, size_t len,
                struct inode *inode);
int tmpfs_rename(struct rename_args *args);
/* Empties a directory that goes away, and those below that go with it. */
void tmpfs_drop_names(struct tmpfs_inode *dir);

/* tmpfs_xattr.c */
long tmpfs_getxattr(struct inode *inode, const char *name, void *buf,
                    size_t len);
int tmpfs_setxattr(struct inode *inode, const char *name, const void *value,
                   size_t len, int flags);
long tmpfs_listxattr(struct inode *inode, char *buf, size_t len);
void tmpfs_drop_xattrs(struct tmpfs_inode *inode);

#endif
