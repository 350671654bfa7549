/* SPDX-License-Identifier: MIT
 *
 * What hostfs.c and hostfs_dir.c share.
 */
#ifndef KERNEL_FS_HOSTFS_H
#define KERNEL_FS_HOSTFS_H

#include "kernel/fs/vfs.h"

/* Inode numbers of hostfs are below this. */
#define HOSTFS_INO_END (1ull << 56)

struct hostfs {
    struct superblock sb;
    int root_fd; /* the host's, O_PATH */
    uint64_t root_dev;
};

struct hostfs_name {
    uint64_t ino;
    uint32_t at; /* in hostfs_names.text */
    uint8_t type, len;
};

/* A directory as it was when it was last listed from its beginning. */
struct hostfs_names {
    uint32_t count, room;
    struct hostfs_name *names;
    char *text;
    uint32_t text_len, text_room;
};

struct hostfs_inode {
    struct inode inode;
    char *path;        /* below the root; "" is the root itself */
    int fd;            /* of the host; -1: none kept; lock */
    uint64_t blocks;   /* as the host says; only shown */
    uint64_t asked;    /* when the host was, by clock_now(); atomic */
    struct mutex lock; /* LOCK_FS_OBJECT: fd */
    struct hostfs_names *names;
};

static inline struct hostfs *hostfs_of(struct superblock *sb)
{
    return container_of(sb, struct hostfs, sb);
}

static inline struct hostfs_inode *hostfs_inode(struct inode *inode)
{
    return container_of(inode, struct hostfs_inode, inode);
}

int hostfs_readdir(struct inode *dir, struct dir_sink *sink);
void hostfs_drop_names(struct hostfs_inode *n);

#endif
