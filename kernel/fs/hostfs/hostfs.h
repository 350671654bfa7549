/* SPDX-License-Identifier: MIT
 *
 * What the files of hostfs share:
 *
 *   hostfs.c          inodes, what the host says of them, the superblock
 *   hostfs_attrs.c    changing that; extended attributes and lists
 *   hostfs_content.c  pages, writes, the host's descriptors
 *   hostfs_inside.c   files that are mapped shared
 *   hostfs_names.c    making, moving and removing names
 *   hostfs_dir.c      listings
 *   hostfs_locks.c    locks that the host's processes see
 *   hostfs_paths.c    the paths that inodes know
 */
#ifndef KERNEL_FS_HOSTFS_H
#define KERNEL_FS_HOSTFS_H

#include "kernel/fs/vfs.h"
#include "kernel/core/wait.h"
#include "abi/linux/stat.h"

/* Inode numbers of hostfs are below this. */
#define HOSTFS_INO_END (1ull << 56)

struct hostfs {
    struct superblock sb; /* its lock guards the inodes' paths, too */
    int root_fd;          /* the host's, O_PATH */
    uint64_t root_dev;
    struct mutex move_lock; /* LOCK_FS_OBJECT: one rename at a time */
    bool moving;            /* the host is at it, paths are not right; atomic */
    uint32_t moves;         /* that are done, paths included; atomic */
    struct wait_queue moved;
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
    /* One of its names, below the root; "" is the root itself; NULL: all that
     * were known are gone. Guarded by sb->lock. */
    char *path;
    uint64_t blocks;   /* as the host says; only shown */
    uint64_t asked;    /* when the host was, by clock_now(); atomic */
    bool written;      /* by us since then: what the host says of its size and
                          time is our doing. A hint: what the host writes
                          between our write and the next look, and leaves as long
                          as it was, shows with its next change alone */
    int lock_fd;       /* of the host, for locks alone; or -1. Guarded by
                          inode.locks->outside */
    struct mutex lock; /* LOCK_FS_OBJECT: the rest */
    int fd;            /* of the host; -1: none kept */
    bool fd_writes;
    bool mapped;  /* shared and writable since the host has had it all */
    bool writing; /* the host may have what the pages have not yet; atomic */
    uint32_t opens, writers; /* files open on it, and those for writing */
    struct hostfs_names *names;
};

struct hostfs_said {
    struct linux_statx st;
    bool xattrs; /* it may have some; false in `--root host` */
};

static inline struct hostfs *hostfs_of(struct superblock *sb)
{
    return container_of(sb, struct hostfs, sb);
}

static inline struct hostfs_inode *hostfs_inode(struct inode *inode)
{
    return container_of(inode, struct hostfs_inode, inode);
}

/* ---- hostfs_paths.c ---- */

/* A copy of the inode's path, or that of a name in it; the caller's to
 * kfree(). -ESTALE: it has none; -ENAMETOOLONG, -ENOMEM. */
int hostfs_path(struct hostfs_inode *n, char **out);
int hostfs_child_path(struct inode *dir, const char *name, size_t len,
                      char **out);
/* A path is copied, then the host is asked by it, and meanwhile it may have
 * become another. seen: hostfs_moves() from before the copy. True: once more.
 * err: -ENOENT is that of a rename's half way, perhaps; others are final. */
uint32_t hostfs_moves(struct hostfs *h);
bool hostfs_moved(struct hostfs *h, uint32_t seen, int err);
/* Paths at or below `from` begin with `to` from now on; exchange: and the other
 * way round. */
void hostfs_move_paths(struct hostfs *h, const char *from, const char *to,
                       bool exchange);
/* The inode has lost the name that was at path; its lock is held. */
void hostfs_lost_name(struct inode *inode, const char *path);

/* ---- hostfs.c ---- */

/* A descriptor of the host's for what is at path, below the root; flags of
 * open(2) besides. */
int hostfs_open_at(struct hostfs *h, const char *path, int flags);
/* The same for n, whose path may become another meanwhile. -ESTALE: it has
 * none. */
int hostfs_open_again(struct hostfs_inode *n, int flags);
/* The same for O_TMPFILE, with a mode. */
int hostfs_open_to(struct hostfs_inode *n, int flags, uint32_t mode);
/* What the host says of path. -EIO: nothing sensible. */
int hostfs_ask(struct hostfs *h, const char *path, struct hostfs_said *out);
/* The inode of an open file that has no name; takes fd, also on failure. */
int hostfs_nameless(struct hostfs *h, int fd, struct inode **out);
/* The inode of what the host has at path, which it takes. */
int hostfs_find(struct hostfs *h, char *path, struct inode **out);
int hostfs_lookup(struct inode *dir, const char *name, size_t len,
                  struct inode **out);
/* Asks again; content goes that is not ours and may be old. Locks inode.
 * -ESTALE: it is another file now. */
int hostfs_refresh(struct inode *inode);
/* The same of a directory, or with a file's lock held. Errors show later. */
void hostfs_look_again(struct inode *inode);

/* ---- hostfs_attrs.c ---- */

int hostfs_setattr(struct inode *inode, const struct inode_attr *attr);
/* As drop_setid(), at the host's, too; locked. */
void hostfs_drop_setid(struct inode *inode);
long hostfs_getxattr(struct inode *inode, const char *name, void *buf,
                     size_t len);
int hostfs_setxattr(struct inode *inode, const char *name, const void *value,
                    size_t len, int flags);
long hostfs_listxattr(struct inode *inode, char *buf, size_t len);
/* The host's lists (acl.h) become inode's; any: it may have some. */
int hostfs_take_lists(struct inode *inode, bool any);

/* ---- hostfs_content.c ---- */

extern const struct file_ops hostfs_file_ops;
int hostfs_open(struct inode *inode, struct file *f);
int hostfs_read_pages(struct inode *inode, uint64_t index, unsigned count,
                      void *const pages[]);
int hostfs_fallocate(struct inode *inode, int mode, uint64_t off, uint64_t len);
/* The host gets what mappings of the file wrote, if any. */
int hostfs_write_back(struct hostfs_inode *n);
/* Of a file that is inside: whether the host's changes do not count now. */
bool hostfs_is_ours(struct hostfs_inode *n);
/* The content of one, size bytes, anew from the host; its lock is held. */
int hostfs_reload(struct inode *inode, uint64_t size);
/* The file becomes that long; its lock is held. */
int hostfs_resize(struct inode *inode, uint64_t size);
/* Before a name of it goes: who has it open goes on with a descriptor. */
void hostfs_hold(struct hostfs_inode *n);
/* fd, or -1 for none, becomes the one that is kept, open for writing. */
void hostfs_keep(struct hostfs_inode *n, int fd);

/* ---- hostfs_inside.c; fd is the host's ---- */

/* The file's content is inside from now on; it is locked. */
int hostfs_move_inside(struct inode *inode, int fd);
/* Content of that size, anew; locked. */
int hostfs_load(struct inode *inside, int fd, uint64_t size);
/* The host gets all that mappings may have written. n->lock is held. */
int hostfs_store(struct hostfs_inode *n, int fd);

/* ---- hostfs_names.c ---- */

int hostfs_make(struct inode *dir, const char *name, size_t len,
                const struct inode_attr *attr, struct inode **out);
int hostfs_tmpfile(struct inode *dir, const struct inode_attr *attr,
                   struct inode **out);
int hostfs_symlink(struct inode *dir, const char *name, size_t len,
                   const char *target, const struct inode_attr *attr,
                   struct inode **out);
int hostfs_link(struct inode *dir, const char *name, size_t len,
                struct inode *inode);
int hostfs_unlink(struct inode *dir, const char *name, size_t len,
                  struct inode *inode);
int hostfs_rmdir(struct inode *dir, const char *name, size_t len,
                 struct inode *inode);
int hostfs_rename(struct rename_args *args);

/* ---- hostfs_locks.c ---- */

struct flock64;
int hostfs_lock(struct file *f, unsigned kind, struct flock64 *fl, bool test);
void hostfs_forget_locks(struct hostfs_inode *n);

/* ---- hostfs_dir.c ---- */

int hostfs_readdir(struct inode *dir, struct dir_sink *sink);
void hostfs_drop_names(struct hostfs_inode *n);

#endif
