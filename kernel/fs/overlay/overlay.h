/* SPDX-License-Identifier: MIT
 *
 * What the files of the root's overlay share; see overlay.c.
 *
 * There are two overlays. This one is the instance's root: one tmpfs over one
 * tree that never changes, whose layers nobody else sees, so that a copy keeps
 * its original's number and links and whiteouts are the kernel's own affair.
 * layered/ is what programs mount: any number of layers, which they see and
 * change besides, in the form that Linux writes. What is one thing for both,
 * content and attributes of a copy, and emptying a directory of whiteouts, is
 * here (overlay_copy_data() and its neighbours).
 */
#ifndef KERNEL_FS_OVERLAY_H
#define KERNEL_FS_OVERLAY_H

#include "kernel/fs/vfs.h"
#include "lib/atomic.h"

struct overlay {
    struct superblock sb;
    struct superblock *upper, *lower; /* counted */
    struct inode *work;   /* hidden directory of upper: what is made waits there
                             for its place; counted */
    struct mutex staging; /* LOCK_FS_INODE: names in work */
};

struct overlay_inode {
    struct inode inode;
    struct inode *upper, *lower; /* counted; either may be NULL, not both.
                                    upper is set once, under inode.lock */
    bool pinned; /* counted by itself: overlay_pin(); under inode.lock */
};

static inline struct overlay *overlay_of(struct superblock *sb)
{
    return container_of(sb, struct overlay, sb);
}

static inline struct overlay_inode *overlay_inode(struct inode *inode)
{
    return container_of(inode, struct overlay_inode, inode);
}

static inline struct inode *upper_of(struct inode *inode)
{
    return atomic_load_acquire(&overlay_inode(inode)->upper);
}

extern const struct inode_ops overlay_inode_ops;

/* The overlay's inode over these; takes both references, also on failure. */
int overlay_get(struct overlay *o, struct inode *upper, struct inode *lower,
                struct inode **out);
/* Keeps an inode in memory for as long as its object has names, and lets go
 * when it has none. */
void overlay_pin(struct inode *inode);
void overlay_unpin(struct inode *inode);

/* overlay_copy.c: makes inode->upper. Its lock is held. with_data false: the
 * content is about to go (truncation to 0). */
int overlay_copy_up(struct inode *inode, bool with_data);

/* overlay_names.c */
bool overlay_is_whiteout(const struct inode *upper);
/* A layer's own lookup; dir NULL has no names. *out NULL on failure. */
int overlay_layer_lookup(struct inode *dir, const char *name, size_t len,
                         struct inode **out);
bool overlay_lower_has(struct inode *dir, const char *name, size_t len);
/* Puts a whiteout at a name of dir's upper directory, which is there: free, or
 * taken by old, an inode of the upper, which loses it. All or nothing. */
int overlay_cover(struct inode *dir, const char *name, size_t len,
                  struct inode *old);
int overlay_lookup(struct inode *dir, const char *name, size_t len,
                   struct inode **out);
int overlay_readdir(struct inode *dir, struct dir_sink *sink);
int overlay_make(struct inode *dir, const char *name, size_t len,
                 const struct inode_attr *attr, struct inode **out);
int overlay_symlink(struct inode *dir, const char *name, size_t len,
                    const char *target, const struct inode_attr *attr,
                    struct inode **out);
int overlay_link(struct inode *dir, const char *name, size_t len,
                 struct inode *inode);

/* For layered/, too: content and attributes of a copy, but names that begin
 * with `private` (NULL: all). */
int overlay_copy_data(struct inode *to, struct inode *from);
int overlay_copy_xattrs(struct inode *to, struct inode *from,
                        const char *private);

/* overlay_remove.c */

/* Takes whiteouts, and nothing else is there, out of a layer's directory. */
int overlay_drop_whiteouts(struct inode *upper);
int overlay_unlink(struct inode *dir, const char *name, size_t len,
                   struct inode *inode);
int overlay_rmdir(struct inode *dir, const char *name, size_t len,
                  struct inode *inode);
int overlay_rename(struct rename_args *args);

#endif
