/* SPDX-License-Identifier: MIT
 *
 * What the files of the layered file system share; see layered.c.
 *
 * These are the overlays that programs mount (mount -t overlay), in Linux's
 * form; the root of the instance is the other, simpler one, and overlay.h says
 * what they have in common.
 */
#ifndef KERNEL_FS_LAYERED_H
#define KERNEL_FS_LAYERED_H

#include "kernel/fs/vfs.h"
#include "lib/atomic.h"
#include "lib/rbtree.h"

struct layer {
    struct superblock *sb; /* held */
    struct inode *root;    /* counted */
};

struct layered {
    struct superblock sb;
    struct layer upper;  /* sb NULL: nothing can change */
    struct layer *lower; /* the first is on top */
    unsigned lower_count;
    unsigned depth;     /* how many such stand on each other: at most 2 */
    struct inode *work; /* hidden directory beside the upper layer; counted */
    /* LOCK_FS_COPY (or _TOP2_COPY), after all locks of inodes here, before
     * those of layers: an inode's way to the upper layer. */
    struct mutex copying;
    const char *opaque;           /* names of attributes */
    const char *origin, *private; /* private: what they begin with */
    char *lower_text, *upper_text, *work_text; /* options of mount(2) */
    bool user_names;                           /* option userxattr */
};

struct layered_list; /* layered_list.c */

struct layered_inode {
    struct inode inode;
    struct inode *upper; /* counted; set once, under `copying` */
    /* Where it is if it has no upper: a name stays where it is until then. The
     * parent is counted; NULL for the root. */
    struct inode *parent;
    char *name;
    uint16_t name_len;
    /* A name of it is, for good if it has no upper; under the lock of the
     * directory of the upper layer. */
    bool gone;
    struct layered_list *list; /* a directory's, or NULL; under inode.lock */
    unsigned lower_count;
    struct inode *lower[]; /* counted; of a file at most one */
};

static inline struct layered *layered_of(struct superblock *sb)
{
    return container_of(sb, struct layered, sb);
}

static inline struct layered_inode *layered_inode(struct inode *inode)
{
    return container_of(inode, struct layered_inode, inode);
}

static inline struct inode *layered_upper(struct inode *inode)
{
    return atomic_load_acquire(&layered_inode(inode)->upper);
}

/* ---- layered.c ---- */

extern const struct inode_ops layered_inode_ops;

/* A name's inode over these: references are taken, also on failure. parent
 * NULL: the root. */
struct layered_found {
    struct inode *parent;
    const char *name;
    size_t len;
    struct inode *upper, **lower;
    unsigned lower_count;
};
int layered_get(struct layered *fs, struct layered_found *f,
                struct inode **out);
/* What stands for number ino of a layer's file system. */
uint64_t layered_number(const struct layered *fs, const struct superblock *sb,
                        uint64_t ino);

/* ---- layered_options.c ---- */

bool layered_is(const struct superblock *sb);
/* An empty one: options come next, and then it is made ready. */
int layered_mount(struct superblock **out);
int layered_options(struct superblock *sb, const char *text, bool remount);
int layered_ready(struct superblock *sb);
void layered_show_options(struct superblock *sb, char *buf, size_t len);

/* ---- layered_copy.c ---- */

/* Makes inode->upper, and those of the directories above. with_data false: the
 * content is about to go. -EROFS. */
int layered_copy_up(struct inode *inode, bool with_data);

/* ---- layered_names.c ---- */

bool layered_is_whiteout(const struct inode *real);
/* A layer's own lookup, under its lock. */
int layered_look(struct inode *real, const char *name, size_t len,
                 struct inode **out);
/* In `up`, of the upper layer and locked; *out NULL: nothing. */
int layered_find(struct inode *up, const char *name, size_t len,
                 struct inode **out);
bool layered_lower_has(struct inode *dir, const char *name, size_t len);
/* In `up`, a directory of the upper layer that is locked: a new object, in one
 * step with what it replaces (old, locked; or NULL). opaque: a directory that
 * hides what is below. */
struct layered_new {
    const char *target; /* a symbolic link's, or NULL */
    const struct inode_attr *attr;
    struct inode *link; /* or another name of this */
    bool opaque;
};
int layered_place(struct layered *fs, struct inode *up, const char *name,
                  size_t len, const struct layered_new *what, struct inode *old,
                  struct inode **out);
/* upper is locked, or nobody knows it yet. */
int layered_set_opaque(struct layered *fs, struct inode *upper);
int layered_lookup(struct inode *dir, const char *name, size_t len,
                   struct inode **out);
int layered_make(struct inode *dir, const char *name, size_t len,
                 const struct inode_attr *attr, struct inode **out);
int layered_symlink(struct inode *dir, const char *name, size_t len,
                    const char *target, const struct inode_attr *attr,
                    struct inode **out);
int layered_link(struct inode *dir, const char *name, size_t len,
                 struct inode *inode);

/* ---- layered_remove.c ---- */

int layered_unlink(struct inode *dir, const char *name, size_t len,
                   struct inode *inode);
int layered_rmdir(struct inode *dir, const char *name, size_t len,
                  struct inode *inode);
int layered_rename(struct rename_args *args);

/* ---- layered_list.c ---- */

int layered_readdir(struct inode *dir, struct dir_sink *sink);
int layered_check_empty(struct inode *dir);     /* -ENOTEMPTY */
void layered_list_free(struct layered_list *l); /* NULL is nothing */

#endif
