/* SPDX-License-Identifier: MIT
 *
 * What a file system ("leaf") gives the VFS: superblocks and inodes, each with
 * a table of operations. A leaf knows inodes and names in a directory; it
 * never sees dentries, mounts, paths or descriptors (dentry.h, path.h,
 * file.h), so one leaf can stand below another (overlay.c).
 *
 * Locks. inode->lock is a mutex: LOCK_FS_DIR for directories, LOCK_FS_INODE
 * for the rest. Operations on names run with the directory locked, setattr and
 * fallocate with the inode locked, by the VFS or by the layer above. Fields
 * are read without it: each is one word.
 *
 * Names: not NUL-terminated, 1..255 bytes, no '/', never "." or "..".
 * Errors: -errno. Operations may block unless they say otherwise.
 */
#ifndef KERNEL_FS_VFS_H
#define KERNEL_FS_VFS_H

#include "lib/types.h"
#include "lib/list.h"
#include "kernel/core/lock.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/pagecache/pagecache.h"

struct acl; /* acl.h */
struct inode;
struct superblock;
struct rename_args;
struct file;
struct file_ops; /* file.h */
struct path;     /* dentry.h */

enum { NAME_LENGTH_MAX = 255, PATH_LENGTH_MAX = 4096, LINK_COUNT_MAX = 65000 };

/* ---- superblocks ---- */

enum {
    SB_READ_ONLY = 1, /* every change is -EROFS before the leaf is asked */
    SB_NO_CACHE = 2,  /* names come and go by themselves: no dentry is kept */
    SB_NO_ATIME = 4,
    SB_KEEPS_FLAGS = 8, /* of inodes: fileattr.h */
    SB_ASK_AGAIN = 16,  /* others change it too: its inodes are ASK_AGAIN, and
                           code is rewritten for each mapping */
    SB_TABLES = 32,     /* procfs, sysfs: nothing is stored */
    SB_ACLS = 64,       /* its inodes may have lists: acl.h */
    SB_WHITEOUTS = 128, /* its rename knows RENAME_WHITEOUT */
};

struct fs_statfs { /* statfs(2) */
    uint64_t block_size, blocks, free, available, files, files_free;
};

struct superblock_ops {
    /* Required. The last reference is gone, no inode is left: frees sb. */
    void (*free)(struct superblock *sb);
    /* Optional (all zeros but the block size). *out comes as if absent. */
    int (*statfs)(struct superblock *sb, struct fs_statfs *out);
    /* Optional (nothing to do). */
    int (*sync)(struct superblock *sb);
    /* Optional: the last holder is gone, the root will go; open files may
     * still use sb. */
    void (*unmounted)(struct superblock *sb);
    /* Optional (none): what mount(2) was told, as /proc/mounts has it, each
     * with a comma in front; len is at least 128. */
    void (*options)(struct superblock *sb, char *buf, size_t len);
};

#define XATTR_CAPABILITY "security.capability"

enum { SB_HASH_BITS = 8 };

/* Embedded in the leaf's own. */
struct superblock {
    const struct superblock_ops *ops;
    const char *type;     /* as in /proc/filesystems */
    const char *source;   /* first field of /proc/mounts */
    char *own_source;     /* that, if it is to be freed with this; or NULL */
    uint64_t dev;         /* st_dev; given by sb_init() */
    uint64_t magic;       /* statfs's f_type */
    uint32_t flags;       /* SB_* */
    uint32_t holders;     /* mounts, and overlays above; atomic */
    uint32_t mounts;      /* of these; atomic */
    uint32_t refs;        /* one an inode, one for all holders; atomic */
    struct inode *root;   /* a reference; goes with the last holder */
    uint64_t page_limit;  /* pages that its files without read_pages may hold
                             in all: -ENOSPC beyond; 0: no limit */
    uint64_t pages_used;  /* atomic */
    uint32_t read_batch;  /* pages that its read_pages reads in hardly more
                             time than one; 0: many */
    struct spinlock lock; /* guards inodes */
    struct list inodes[1 << SB_HASH_BITS]; /* published, by number */
};

/* Fills everything but root; the caller is its one holder. */
void sb_init(struct superblock *sb, const struct superblock_ops *ops,
             const char *type, uint64_t magic, uint32_t flags);
/* What mount(2) was told; copied. Once, before sb is mounted. -ENOMEM. */
int sb_set_source(struct superblock *sb, const char *source);
void sb_get(struct superblock *sb);
void sb_put(struct superblock *sb);
/* Fills *out whatever the file system says of itself. */
int sb_statfs(struct superblock *sb, struct fs_statfs *out);

/* ---- inodes ---- */

enum {
    ATTR_MODE = 1,
    ATTR_UID = 2,
    ATTR_GID = 4,
    ATTR_SIZE = 8,
    ATTR_ATIME = 16,
    ATTR_MTIME = 32,
    ATTR_CTIME = 64,
    ATTR_ACL = 128,
    ATTR_DEFAULT_ACL = 256,
};

/* A change (valid: which) or the beginnings of a new inode (valid unused;
 * mode with its S_IFMT). Times in ns since the epoch. Lists (acl.h) are
 * borrowed by who is given a change, and NULL: none. */
struct inode_attr {
    uint32_t valid;
    uint32_t mode, uid, gid;
    uint64_t rdev, size;
    int64_t atime, mtime, ctime;
    struct acl *acl, *default_acl;
};

struct inode_stat { /* statx(2) */
    uint64_t dev, ino, rdev, size, blocks, block_size;
    uint32_t mode, uid, gid, nlink;
    int64_t atime, mtime, ctime, btime;
};

/* Receives a directory's entries. pos: in, the cookie to begin at (0: the
 * first); out, that of the first entry not taken. */
struct dir_sink {
    /* False: full, this entry was not taken and readdir returns 0. next: the
     * cookie behind it. type: DT_* of abi/linux/dirent.h. */
    bool (*emit)(struct dir_sink *sink, const char *name, size_t len,
                 uint64_t ino, uint8_t type, uint64_t next);
    uint64_t pos;
};

struct inode_ops {
    /* Required. The last reference is gone: frees what embeds the inode,
     * after inode_destroy(). */
    void (*free)(struct inode *inode);

    /* Directories. lookup and readdir are required. *out: a reference.
     * Cookies are the leaf's own, below 2^62, and stay good while the
     * directory does not change. "." and ".." are the VFS's affair. */
    int (*lookup)(struct inode *dir, const char *name, size_t len,
                  struct inode **out); /* -ENOENT */
    int (*readdir)(struct inode *dir, struct dir_sink *sink);

    /* Optional (-EROFS when read-only, else -EPERM). The VFS has checked
     * permissions and that the name does not (or does) exist. make: files,
     * directories, devices, FIFOs, sockets, by attr->mode. */
    int (*make)(struct inode *dir, const char *name, size_t len,
                const struct inode_attr *attr, struct inode **out);
    int (*symlink)(struct inode *dir, const char *name, size_t len,
                   const char *target, const struct inode_attr *attr,
                   struct inode **out);
    int (*link)(struct inode *dir, const char *name, size_t len,
                struct inode *inode);
    int (*unlink)(struct inode *dir, const char *name, size_t len,
                  struct inode *inode);
    int (*rmdir)(struct inode *dir, const char *name, size_t len,
                 struct inode *inode); /* -ENOTEMPTY */
    int (*rename)(struct rename_args *args);
    /* A file without a name, nlink 0 (O_TMPFILE). -EOPNOTSUPP when absent. */
    int (*tmpfile)(struct inode *dir, const struct inode_attr *attr,
                   struct inode **out);

    /* Symbolic links. readlink: required unless inode->link is set; the text
     * without NUL, returns its length. follow: optional, for links of procfs
     * that lead to an object rather than a text; *out: references. */
    int (*readlink)(struct inode *inode, char *buf, size_t len);
    int (*follow)(struct inode *inode, struct path *out);

    /* Regular files. Fills pages [index, index + count) of the content into
     * page-aligned memory, zeros past the end; count <= PAGECACHE_BATCH.
     * Returns how many from the first on are good (at least 1), or -EIO. No
     * lock of the VFS is held. Absent: pages that are not there are holes. */
    int (*read_pages)(struct inode *inode, uint64_t index, unsigned count,
                      void *const pages[]);
    /* Optional. Of which blocks of a verified image pages [index, index +
     * *count) of the content are, whole and as they are: the first, and how
     * many follow it. STOCK_NONE (mm/stock.h): of none, and *count says for how
     * many that is so. Does not block. */
    uint64_t (*blocks)(struct inode *inode, uint64_t index, uint64_t *count);
    /* fallocate(2). -EOPNOTSUPP when absent. */
    int (*fallocate)(struct inode *inode, int mode, uint64_t off, uint64_t len);

    /* Optional: before f (flags O_*) is handed out. May set f->ops and
     * f->private; -errno refuses. Runs without locks. */
    int (*open)(struct inode *inode, struct file *f);

    /* Optional: corrects what inode_stat() has filled. Must not block, and
     * takes no lock that comes before LOCK_DENTRY, unless locks_getattr says
     * so: then nobody calls it in a section of the dentry cache. */
    void (*getattr)(struct inode *inode, struct inode_stat *st);
    bool locks_getattr;
    /* Optional (-EROFS, -EPERM). Applies attr->valid, size included. */
    int (*setattr)(struct inode *inode, const struct inode_attr *attr);

    /* Extended attributes. Optional (-EOPNOTSUPP; list: none). get and list
     * return the length, buf may be short: -ERANGE, len 0 only asks. list:
     * names, each with its NUL. set: value NULL removes; flags XATTR_*. */
    long (*getxattr)(struct inode *inode, const char *name, void *buf,
                     size_t len); /* -ENODATA */
    int (*setxattr)(struct inode *inode, const char *name, const void *value,
                    size_t len, int flags);
    long (*listxattr)(struct inode *inode, char *buf, size_t len);
};

struct rename_args {
    struct inode *from_dir, *to_dir;
    const char *from_name, *to_name;
    size_t from_len, to_len;
    struct inode *inode;  /* what moves */
    struct inode *target; /* what is replaced or exchanged; or NULL */
    bool to_above;        /* from_dir lies in to_dir, which is locked first */
    /* RENAME_EXCHANGE; with SB_WHITEOUTS also RENAME_WHITEOUT: a character
     * device 0:0 takes the old name. NOREPLACE is done by the VFS. */
    unsigned flags;
};

/* Embedded in the leaf's own. Leaves fill what inode_init() did not. */
struct inode {
    const struct inode_ops *ops;
    const struct file_ops *file_ops; /* of a file opened on it */
    struct superblock *sb;           /* a reference */
    /* Where mode, owner, size, times and pages are: itself, except in the
     * overlay, where it is the inode of a layer. Load once per use. */
    struct inode *data;
    struct acl *acl; /* a slot, beside the mode; or NULL */
    uint32_t refs;
    uint32_t mode, uid, gid, nlink;
    uint32_t flags; /* INODE_* */
    uint64_t ino;
    uint64_t rdev;    /* devices: makedev(3) */
    uint64_t size;    /* bytes; changes under lock */
    uint64_t version; /* a directory's: changes with its names */
    int64_t atime, mtime, ctime, btime; /* ns since the epoch */
    struct acl *default_acl;            /* a slot */
    const char *link; /* a symbolic link's text, NUL-terminated, kmalloc'ed */
    struct mutex lock;
    struct pagecache pages;
    struct list hash_node;     /* sb->inodes */
    struct inode_locks *locks; /* fcntl and flock locks (locks.c), or NULL */
    struct inode_watches *watches; /* inotify (inotify.c), or NULL */
    struct inode_leases *leases;   /* fcntl(2)'s (lease.c), or NULL */
    uint32_t seals;                /* fcntl(2)'s F_SEAL_*; under lock */
    bool keeps_atime; /* data is another file system's, which only reads it */
    bool capable;     /* has security.capability; under lock, a layer's own */
    void *object;     /* a FIFO's pipe, a bound socket: guarded by its room */
    int32_t writers;  /* how many write; negative: how many execute; atomic */
};

enum {
    INODE_PUBLISHED = 1,
    INODE_DEAD = 2,       /* a removed directory: takes no new names */
    INODE_IMMUTABLE = 16, /* writing is -EPERM */
    INODE_SEALABLE = 8,   /* a memfd */
    INODE_APPEND = 32,    /* writing is appending; fileattr.h */
    INODE_NODUMP = 64,    /* both for other programs to see */
    INODE_NOATIME = 128,
    INODE_ASK_AGAIN = 256, /* a directory: names that are known are looked up
                              all the same */
    INODE_LINKABLE = 4,    /* has no name, but may get one (O_TMPFILE) */
    INODE_SECRET = 512,    /* of memfd_secret(2): its size is set once, and it
                              is not opened again: -ENXIO */
};

/* One reference, the caller's; data is itself; times are now; nlink 1. */
void inode_init(struct inode *inode, struct superblock *sb,
                const struct inode_ops *ops, uint64_t ino, uint32_t mode);
/* Undoes it: pages, link, lists, locks, the reference on sb. */
void inode_destroy(struct inode *inode);
void inode_get(struct inode *inode);
void inode_put(struct inode *inode); /* NULL is nothing */

/* The published inode of that number with a reference, or NULL. */
struct inode *inode_find(struct superblock *sb, uint64_t ino);
/* Publishes inode under its number; when another was quicker, puts inode and
 * returns the other. Either way the result is the caller's reference. */
struct inode *inode_publish(struct inode *inode);
/* Published inodes one after the other, with a reference; *at begins as 0.
 * NULL: no more. What comes or goes meanwhile may be missed or met twice. */
struct inode *inode_next(struct superblock *sb, uint64_t *at);
/* Its number is another's from now on: nobody finds it any more. */
void inode_retire(struct inode *inode);

/* All that stat(2) tells. Does not block. */
void inode_stat(struct inode *inode, struct inode_stat *st);
/* For ops->setattr where nothing else knows: all but the size. -ENOMEM: a
 * list cannot follow the mode. */
int inode_setattr(struct inode *inode, const struct inode_attr *attr);

/* File operations of regular files that live in the page cache, and of
 * directories; a leaf's inode->file_ops points to one of them. */
extern const struct file_ops regular_file_ops, directory_file_ops;

/* ---- the leaves ---- */

/* Each: *out is a superblock with one reference, root set. */
int tmpfs_mount(struct superblock **out);
/* Both layers are taken (also on failure); upper must be writable. */
int overlay_mount(struct superblock *upper, struct superblock *lower,
                  struct superblock **out);
/* erofs.c: a verified image behind host_fd, from offset at of it. read_ahead:
 * as boot_info's. -EIO: does not match root_hash; -EINVAL: not an image. */
int erofs_mount_image(int host_fd, uint64_t at, uint64_t size,
                      const uint8_t root_hash[32], bool read_ahead,
                      struct superblock **out);
/* flags: SB_READ_ONLY, SB_ASK_AGAIN. */
int hostfs_mount(int host_root_fd, uint32_t flags, struct superblock **out);
int devfs_mount(struct superblock **out);
int procfs_mount(struct superblock **out);
/* Options of mount(2); remount: of one in use. -EINVAL. */
int procfs_options(struct superblock *sb, const char *text, bool remount);
int sysfs_mount(struct superblock **out);

#endif
