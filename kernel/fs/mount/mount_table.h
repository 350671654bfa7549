/* SPDX-License-Identifier: MIT
 *
 * The table of mounts (mount_table.c), between the files of that name, and how
 * mounts are counted. The table changes with all sections shut out
 * (dcache_exclude(), dentry.h).
 */
#ifndef KERNEL_FS_MOUNT_TABLE_H
#define KERNEL_FS_MOUNT_TABLE_H

#include "kernel/fs/dentry.h"

/* Mounts without contents, for what makes some with sections shut out. */
struct spares {
    struct list list; /* by node */
    unsigned count, wanted;
};

/* After a change, with sections let in again: tells who polls /proc/mounts. */
void mount_changed(void);

extern struct list mounts; /* struct mount.node, in the order of mounting */

/* A mount that is nowhere yet and of nothing. -ENOMEM. Unused: mount_free(). */
int mount_alloc(struct mount **out);
void mount_free(struct mount *m);
/* Takes the references on sb and root. */
void mount_fill(struct mount *m, struct superblock *sb, struct dentry *root,
                uint32_t flags);

/* As many as are wanted; -ENOMEM, -ENOSPC. No lock is held. */
int spares_get(struct spares *s);
void spares_put(struct spares *s);

/* True when `more` mounts would be too many. Shut out or in a section. */
bool mounts_full(unsigned more);

/* With sections shut out: a filled mount joins the table, or leaves it. */
void mount_enter(struct mount *m);
void mount_leave(struct mount *m);

/* Shut out: 0 when something may be mounted on `at`, else -ENOENT. */
int mount_may_stand(const struct path *at);

/* In a section or shut out: m's tree from m on, parents first; NULL: that was
 * all. mount_after() leaves out what stands on m itself. */
struct mount *mount_next(struct mount *m, struct mount *top);
struct mount *mount_after(struct mount *m, struct mount *top);

/* In a section or shut out: p is top or lies below it. */
bool path_below(struct path p, const struct path *top);
static inline bool path_is_mounted(const struct path *p)
{
    return p->dentry == p->mount->root;
}

/* ---- trees (mount_graft.c); shut out ---- */

enum mount_copy {
    COPY_PEER, /* as the original: in its group, of its master */
    COPY_SLAVE,
    COPY_SHARED_SLAVE,
};
/* A copy of what stands below `from` and may be bound, with as many spares as
 * there are mounts; it stands nowhere. */
struct mount *mount_copy_tree(const struct path *from, bool recursive,
                              enum mount_copy how, struct spares *s);
unsigned mount_tree_size(const struct path *from, bool recursive);
/* Puts tree on `at`, under what is there, and copies of it wherever that
 * propagates; what does not stand yet comes to stand, if `at` does. A tree that
 * has a place leaves it: tree->left_* are the caller's to put. All or nothing:
 * -EAGAIN: s->wanted spares are needed; -ENOSPC; -EINVAL. */
int mount_graft(struct mount *tree, const struct path *at, struct spares *s);
/* The same with all that goes with it, of a tree that stands nowhere.
 * -ENOENT, -EINVAL, -ENOTDIR, -ENOSPC, -ENOMEM. */
int mount_attach(struct mount *tree, const struct path *at);

/* Shut out: m, which is in the table no more, leaves its place and group, and
 * what it counted there is put with it: mount_put_gone() of a list by node,
 * with sections let in again. */
void mount_take_off(struct mount *m);
void mount_put_gone(struct list *gone);

/* ---- propagation (mount_share.c) ---- */

/* A peer group: what is mounted on one is mounted on all, and on slaves. */
struct peer_group {
    struct list members, slaves; /* mounts, by peer, by slave */
    struct list queue;           /* share_each()'s */
    struct mount *source;        /* mount_graft()'s */
    uint32_t id;
};

/* Memory for one group comes and goes with each mount. -ENOMEM. */
int share_reserve(void);
void share_unreserve(void);
/* Shut out, all of these. Into g; into a new one; NULL: of no master. */
void share_join(struct mount *m, struct peer_group *g);
void share_new(struct mount *m);
void share_set_master(struct mount *m, struct peer_group *master);
/* MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE. */
void share_change(struct mount *m, uint64_t type);
/* Each standing mount that gets what is mounted on m, but m. */
void share_each(struct mount *m, void (*fn)(struct mount *to, void *arg),
                void *arg);

/* ---- counting (mount_count.c) ---- */

/* Spread: each vCPU counts by itself what it gets and puts. For mounts in the
 * table, with sections shut out, or for those that stay for ever. */
void mount_spread(struct mount *m);
/* Until the next mount_spread() m->refs is exact. Always before the table's
 * reference goes. No lock is held; may switch tasks. */
void mount_settle(struct mount *m);
/* The same for many, by node: those that have left the table. */
void mount_settle_all(struct list *gone);
/* Takes a reference away; true: it was the last one. */
bool mount_uncount(struct mount *m);

/* With sections shut out: m stands on `at` (which is counted for that), or
 * nowhere any more; *from is the caller's to put. */
void mount_hang(struct mount *m, const struct path *at);
void mount_unhang(struct mount *m, struct path *from);
/* From one place to another; others count the first, too. */
void mount_rehang(struct mount *m, const struct path *to);

#endif
