/* SPDX-License-Identifier: MIT
 *
 * Dentries, the cache of names: (directory, name) -> inode, or "no such name".
 * Mounts and paths stand here too, because a walk crosses all three.
 *
 * Reading runs in a section (dcache_enter .. dcache_leave) that costs one
 * uncontended atomic on the vCPU's own line. Within one, everything that is
 * reachable stays allocated, parents and mounts do not change, and nothing may
 * block. What frees or moves anything first shuts all sections out
 * (dcache_exclude). New dentries need only dcache_lock.
 *
 * A dentry's count keeps it and its inode beyond a section. At zero it stays
 * in the cache until memory is wanted; unhashed, the last put frees it. A
 * positive dentry that somebody counts stays positive.
 */
#ifndef KERNEL_FS_DENTRY_H
#define KERNEL_FS_DENTRY_H

#include "kernel/fs/vfs.h"

enum {
    DENTRY_UNHASHED = 1u << 31, /* in refs: no longer (or never) in the hash */
    DENTRY_INLINE = 39,         /* longest name kept inside */
};

struct dentry {
    struct dentry *hash_next; /* dcache_lock; readers in sections */
    struct dentry *parent;    /* counted; the root's own is itself */
    uint64_t hash;            /* of the name alone */
    const char *name;         /* NUL-terminated, for printing */
    struct inode *inode;      /* counted; NULL: no such name */
    uint32_t refs;            /* count | DENTRY_UNHASHED; atomic */
    uint32_t mounted;         /* mounts that stand on it; dcache_exclude() */
    uint16_t len;
    uint8_t used;      /* looked up since the last shrink */
    uint8_t pruned;    /* dcache_prune_tree() has been here */
    struct list child; /* in parent->children; dcache_lock */
    struct list children;
    char inline_name[DENTRY_INLINE + 1];
};

struct mount {
    struct superblock *sb;     /* counted */
    struct dentry *root;       /* counted */
    struct mount *parent;      /* counted; NULL: the root mount, or detached */
    struct dentry *point;      /* counted, on parent */
    struct mount *left_parent; /* the same two of one that left, until put */
    struct dentry *left_point;
    uint32_t refs;              /* atomic; the table has one; mount_count.c */
    bool spread;                /* each vCPU counts by itself; atomic */
    struct mount_count *counts; /* one a vCPU */
    uint32_t flags;             /* ST_* of abi/linux/statfs.h; atomic */
    uint32_t writers;           /* files open for writing; atomic */
    uint32_t id;
    bool hidden;   /* the kernel's own: stands nowhere, root "/" */
    bool settling; /* mount_settle_all()'s own */
    bool asked;    /* mount_remove()'s own */
    /* The rest: dcache_exclude(). */
    bool expiring;        /* MNT_EXPIRE has asked once */
    bool standing;        /* in the table */
    bool adrift;          /* in a tree that only a descriptor knows */
    bool unbindable;      /* mount_share.c has the rest of propagation */
    struct list node;     /* all mounts, in order; not standing: the owner's */
    struct list children; /* by sibling, in the order of mounting */
    struct list sibling;  /* in parent->children */
    struct list going;    /* mount_remove()'s */
    struct peer_group *group, *master; /* shared; slave of; or NULL */
    struct list peer;                  /* in group->members */
    struct list slave;                 /* in master->slaves */
    struct mount *bucket_next;         /* hashed by (parent, point) */
};

/* Both counted, or neither. */
struct path {
    struct mount *mount;
    struct dentry *dentry;
};

/* ---- sections ---- */

uint32_t *dcache_enter(void);
void dcache_leave(uint32_t *section);
void dcache_exclude(void);
void dcache_allow(void);

/* ---- names ---- */

void dcache_init(void);

uint64_t name_hash(const char *name, size_t len);

/* In a section: the cached dentry, not counted; NULL: not known. */
struct dentry *dcache_find(struct dentry *dir, const char *name, size_t len,
                           uint64_t hash);

/* The dentry of a name, counted, positive or not. The directory's lock is
 * held; asks the leaf when the cache does not know. May block. */
int dentry_lookup(struct dentry *dir, const char *name, size_t len,
                  struct dentry **out);

/* A root without a name. Takes the reference on inode. */
int dentry_root(struct inode *inode, struct dentry **out);

/* A dentry outside the cache, for O_TMPFILE, memfd and pipes: name is what
 * /proc/PID/fd shows. parent may be NULL. Takes the reference on inode. */
int dentry_detached(struct dentry *parent, const char *name,
                    struct inode *inode, struct dentry **out);

void dentry_get(struct dentry *d); /* counted already, or in a section */
void dentry_put(struct dentry *d); /* may free; takes spinlocks only */

/* The directory's lock is held in all of these. */
/* A new inode has the name now; takes the reference on it. */
void dentry_fill(struct dentry *d, struct inode *inode);
/* The name is gone; d is counted by the caller. */
void dentry_remove(struct dentry *d);
/* `from` takes the place of `to` (which is removed), or swaps with it. */
void dentry_move(struct dentry *from, struct dentry *to, bool exchange);

static inline bool dentry_unhashed(const struct dentry *d)
{
    return __atomic_load_n(&d->refs, __ATOMIC_RELAXED) & DENTRY_UNHASHED;
}

/* True when d is dir or lies below it. */
bool dentry_below(struct dentry *d, struct dentry *dir);

/* Frees unused dentries: `count` at most, or those right below dir, or all
 * below root, where nothing moves any more and nobody looks again. */
void dcache_shrink(uint64_t count);
void dcache_prune(struct dentry *dir);
void dcache_prune_tree(struct dentry *root);

/* ---- mounts (mount.c) ---- */

extern struct mount *root_mount;

/* Mounts sb (its reference is taken, also on failure) on `at`; at NULL: the
 * root. flags: ST_*. */
int mount_add(struct superblock *sb, const struct path *at, uint32_t flags,
              struct mount **out);
/* A bind mount of `from` on `at`; recursive: with the mounts below it, all or
 * none. -ENOSPC: too many mounts. */
int mount_bind(const struct path *from, const struct path *at, uint32_t flags,
               bool recursive);
/* umount2(2) with MNT_*. -EBUSY, -EINVAL when `at` is not the root of a mount,
 * -EAGAIN (MNT_EXPIRE). */
int mount_remove(const struct path *at, unsigned flags);
/* MS_MOVE, move_mount(2): of a standing mount, or of a tree that is adrift.
 * beneath: below what is topmost on `at`. -EINVAL, -ELOOP, -ENOSPC. */
int mount_move(const struct path *from, const struct path *at, bool beneath);
/* MOVE_MOUNT_SET_GROUP: to gets the group and the master of from. -EINVAL. */
int mount_set_group(const struct path *from, const struct path *to);
/* MS_SHARED and so on; recursive: with all that stands on it. -EINVAL: not
 * the root of a mount. */
int mount_propagate(const struct path *at, uint64_t type, bool recursive);
/* ST_* flags taken away and added; recursive: likewise. -EINVAL. */
int mount_set_flags(const struct path *at, uint32_t clear, uint32_t set,
                    bool recursive);
/* remount: the new flags of a mount; alone: not those of the same file system.
 * -EBUSY: it would be read-only, and somebody writes. */
int mount_change_flags(struct mount *mount, uint32_t flags, bool alone);
/* What /proc/PID/mountinfo tells of propagation: ids of groups, or 0. */
struct mount_sharing {
    uint32_t group, master;
    bool unbindable;
};
void mount_get_sharing(struct mount *m, struct mount_sharing *out);
/* pivot_root(2) by who has that root. -EBUSY, -EINVAL, -ENOTDIR. */
int mount_pivot(const struct path *top, const struct path *put_old,
                const struct path *root);
/* With one reference; *m is zero. -ENOMEM. */
int mount_count_init(struct mount *m);
/* In a section: what stands on (m, d), or NULL. */
struct mount *mount_on(struct mount *m, struct dentry *d);
/* In a section: the root of the topmost of the mounts that are stacked on p. */
struct path mount_top(struct path p);
/* p becomes the root of the topmost of the mounts that are stacked on it. A
 * walk crosses to that by itself, but not from "." and from descriptors. */
void path_to_top(struct path *p);
void mount_get(struct mount *m); /* counted already, or in a section */
void mount_put(struct mount *m);
/* -EROFS when the mount or its file system is read-only. */
int mount_writable(const struct mount *m);
/* Where in its file system m's root lies: "/", but for bind mounts. buf has
 * PATH_LENGTH_MAX bytes; the length, or -ENAMETOOLONG. */
int mount_root_string(struct mount *m, char *buf);
/* Calls fn for each mount; a copy of the list is made first. */
int mount_for_each(int (*fn)(struct mount *m, void *arg), void *arg);

/* ---- paths ---- */

static inline void path_get(const struct path *p)
{
    mount_get(p->mount);
    dentry_get(p->dentry);
}
void path_put(const struct path *p);

/* The absolute path from root (NULL: the root mount), at buf's start with its
 * NUL; returns its length. -ENAMETOOLONG. Removed files get " (deleted)"
 * behind. *reached (or NULL): whether p lies below root; else the path is that
 * from the top of all that p lies in. */
int path_string(const struct path *p, const struct path *root, char *buf,
                size_t len, bool *reached);

#endif
