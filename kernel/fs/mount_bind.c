/* SPDX-License-Identifier: MIT
 *
 * Bind mounts: of one mount, or of a tree of them, which comes to stand as a
 * whole. It is counted in a section, then there is memory for so many mounts,
 * then it is copied with sections shut out; when it grew meanwhile, again.
 */
#include "kernel/fs/mount_table.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"

struct binding {
    const struct path *from, *at;
    uint32_t flags; /* of the first; others keep their own */
    bool recursive;
    struct list spare; /* mounts without contents, by node */
    unsigned spares;
};

/* The mount after m that stands on what is bound. */
static struct mount *next_bound(const struct binding *b, struct mount *m)
{
    struct mount *top = b->from->mount;

    m = b->recursive ? mount_next(m, top) : NULL;
    while (m && m->parent == top && !dentry_below(m->point, b->from->dentry)) {
        m = mount_after(m, top);
    }
    return m;
}

static unsigned count(const struct binding *b)
{
    unsigned n = 0;

    for (struct mount *m = b->from->mount; m; m = next_bound(b, m)) {
        n++;
    }
    return n;
}

static struct mount *take_spare(struct binding *b)
{
    struct mount *m = list_entry(list_first(&b->spare), struct mount, node);

    list_del(&m->node);
    b->spares--;
    return m;
}

static struct mount *copy_of(struct binding *b, const struct mount *m,
                             struct dentry *root, uint32_t flags)
{
    struct mount *copy = take_spare(b);

    sb_get(m->sb);
    dentry_get(root);
    mount_fill(copy, m->sb, root, flags);
    return copy;
}

/* Shut out, with spares for all. The copies stand nowhere before all are made,
 * so that none is copied where the tree is bound into itself. */
static void copy_tree(struct binding *b, const struct path *top)
{
    struct mount *m = b->from->mount, *next, *copy, *first;

    first = copy = copy_of(b, m, b->from->dentry, b->flags);
    while ((next = next_bound(b, m)) != NULL) {
        for (; m != next->parent; m = m->parent) {
            copy = copy->parent;
        }
        struct path on = {copy, next->point};

        copy = copy_of(b, next, next->root, next->flags);
        mount_hang(copy, &on);
        m = next;
    }
    mount_hang(first, top);
    for (m = first; m; m = mount_next(m, first)) {
        mount_enter(m);
    }
}

/* -EAGAIN: more spares are needed. */
static int try_bind(struct binding *b)
{
    struct path top;
    int err;

    dcache_exclude();
    top = mount_top(*b->at);
    err = mount_may_stand(&top);
    if (!err && !b->from->mount->standing) {
        err = -EINVAL;
    }
    if (!err && S_ISDIR(b->from->dentry->inode->mode) !=
                    S_ISDIR(top.dentry->inode->mode)) {
        err = -ENOTDIR;
    }
    if (!err) {
        unsigned n = count(b);

        err = mounts_full(n) ? -ENOSPC : b->spares < n ? -EAGAIN : 0;
    }
    if (!err) {
        copy_tree(b, &top);
    }
    dcache_allow();
    return err;
}

/* Not more than may stand, however many there are. */
static int get_spares(struct binding *b)
{
    uint32_t *section = dcache_enter();
    unsigned n = count(b);
    int err = mounts_full(n) ? -ENOSPC : 0;

    dcache_leave(section);
    while (!err && b->spares < n) {
        struct mount *m;

        err = mount_alloc(&m);
        if (!err) {
            list_add(&b->spare, &m->node);
            b->spares++;
        }
    }
    return err;
}

int mount_bind(const struct path *from, const struct path *at, uint32_t flags,
               bool recursive)
{
    struct binding b = {.from = from,
                        .at = at,
                        .flags = flags,
                        .recursive = recursive,
                        .spare = LIST_INIT(b.spare)};
    int err;

    do {
        err = get_spares(&b);
        err = err ? err : try_bind(&b);
    } while (err == -EAGAIN);
    while (b.spares) {
        mount_free(take_spare(&b));
    }
    mount_changed();
    return err;
}
