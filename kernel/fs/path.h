/* SPDX-License-Identifier: MIT
 *
 * Walking paths (path_resolution(7)). A walk stays in one section of the
 * dentry cache (dentry.h) as long as the cache knows all names; otherwise it
 * counts where it stands, asks the leaf and goes on.
 *
 * path_find() gives what a path names. Callers that make or remove a name use
 * a struct walk: walk_begin(), walk_parent(), walk_lock(), then the change,
 * walk_unlock() and walk_end().
 */
#ifndef KERNEL_FS_PATH_H
#define KERNEL_FS_PATH_H

#include "kernel/fs/dentry.h"
#include "kernel/fs/view.h"
#include "abi/linux/prctl.h"

enum {
    WALK_FOLLOW = 1,    /* also a symbolic link at the end */
    WALK_DIRECTORY = 2, /* -ENOTDIR when the result is none */
    WALK_EMPTY = 4,     /* "" is the start itself (AT_EMPTY_PATH) */
    WALK_NO_XDEV = 8,   /* openat2(2)'s RESOLVE_* */
    WALK_NO_LINKS = 16,
    WALK_NO_MAGIC = 32,
    WALK_BENEATH = 64,
    WALK_IN_ROOT = 128,
    WALK_CACHED = 256,   /* -EAGAIN rather than ask a leaf */
    WALK_REAL_IDS = 512, /* access(2) */

    MAY_EXEC = 1, /* for inode_permission(): as in a mode's digits */
    MAY_WRITE = 2,
    MAY_READ = 4,
};

struct walk {
    const char *rest;         /* what is left; NUL-terminated */
    struct path at;           /* where we are; good in the section */
    struct path pin;          /* counted, or NULLs */
    uint32_t *section;        /* NULL: outside */
    struct fs_view *view;     /* borrowed */
    const struct path *scope; /* BENEATH, IN_ROOT: &scope_path, else NULL */
    struct path scope_path;
    unsigned flags, links;
    char *text;       /* kmalloc'ed; rest points into it, or NULL */
    const char *last; /* walk_parent(): the last name */
    size_t last_len;  /* 0: the path was only slashes */
    bool last_slash;  /* slashes follow it */
    bool have_cred;
    struct fs_cred cred;
};

/* Begins at start (borrowed until walk_end; NULL: the view's cwd). name is
 * borrowed, too. -ENOENT for an empty name without WALK_EMPTY. */
int walk_begin(struct walk *w, const struct path *start, const char *name,
               unsigned flags);
void walk_end(struct walk *w);

/* Walks to the end; the result is w->at, in a section, for a look only. */
int walk_all(struct walk *w);

/* Counts w->at and leaves the section; walk_take() hands it out. */
int walk_pin(struct walk *w);
void walk_take(struct walk *w, struct path *out);

/* Walks to the directory of the last name. */
int walk_parent(struct walk *w);
/* True when the last name is ".", ".." or missing. */
bool walk_last_is_dots(const struct walk *w);

/* After walk_parent(): locks that directory and finds the last name in it;
 * *d is counted. walk_unlock() undoes both. */
int walk_lock(struct walk *w, struct dentry **d);
void walk_unlock(struct walk *w, struct dentry *d);

/* After walk_lock(), with the directory unlocked again: d is a symbolic link;
 * takes it and goes on with its text, for another walk_parent(). */
int walk_follow(struct walk *w, struct dentry *d);

/* All at once; *out is counted. */
int path_find(const struct path *start, const char *name, unsigned flags,
              struct path *out);

/* MAY_* of inode for cred: 0 or -EACCES. Does not look at mounts. */
int inode_permission(struct inode *inode, unsigned may,
                     const struct fs_cred *cred);
/* The same for the current task. */
int inode_may(struct inode *inode, unsigned may);

/* True when cred owns inode, or may do as if (CAP_FOWNER). */
bool fs_owns(const struct fs_cred *cred, struct inode *inode);
bool fs_in_group(const struct fs_cred *cred, uint32_t gid);
bool fs_capable(const struct fs_cred *cred, unsigned cap);

#endif
