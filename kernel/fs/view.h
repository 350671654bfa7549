/* SPDX-License-Identifier: MIT
 *
 * A view: what "/", "." and the umask are for the tasks that share it
 * (CLONE_FS). root and cwd change only with all sections of the dentry cache
 * shut out, so a walk in a section may read them as they are.
 */
#ifndef KERNEL_FS_VIEW_H
#define KERNEL_FS_VIEW_H

#include "kernel/fs/dentry.h"

struct fs_view {
    struct list node;      /* all views (view.c) */
    uint32_t refs;         /* atomic */
    uint32_t umask;        /* atomic */
    struct path root, cwd; /* counted */
};

/* The first one; both paths are taken. */
int view_new(const struct path *root, const struct path *cwd, uint32_t umask,
             struct fs_view **out);

/* Takes path, gives back what was there. */
void view_set_cwd(struct fs_view *v, const struct path *path);
void view_set_root(struct fs_view *v, const struct path *path);

/* Whoever has `from` as root or cwd has `to` now (pivot_root(2)). */
void views_move(const struct path *from, const struct path *to);

/* Counted copies. */
void view_get_cwd(struct fs_view *v, struct path *out);
void view_get_root(struct fs_view *v, struct path *out);

#endif
