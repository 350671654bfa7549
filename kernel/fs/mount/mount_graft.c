/* SPDX-License-Identifier: MIT
 *
 * Trees of mounts: how they are copied, and how one comes to stand somewhere,
 * with copies of it on all that the place propagates to. It is counted with
 * sections shut out what that takes; when there are too few spares, the caller
 * gets more outside and tries again.
 */
#include "kernel/fs/mount/mount_table.h"
#include "kernel/fs/dcache.h"
#include "kernel/core/log.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"

/* ---- copies ---- */

/* The mount after m in what is copied of the tree at from. */
static struct mount *next_copied(const struct path *from, bool recursive,
                                 struct mount *m)
{
    struct mount *top = from->mount;

    m = recursive ? mount_next(m, top) : NULL;
    while (m && (m->unbindable ||
                 (m->parent == top && !dentry_below(m->point, from->dentry)))) {
        m = mount_after(m, top);
    }
    return m;
}

unsigned mount_tree_size(const struct path *from, bool recursive)
{
    unsigned n = 0;

    for (struct mount *m = from->mount; m;
         m = next_copied(from, recursive, m)) {
        n++;
    }
    return n;
}

static struct mount *take_spare(struct spares *s)
{
    struct list *pos = list_pop(&s->list);

    check(pos);
    s->count--;
    return list_entry(pos, struct mount, node);
}

static void share_copy(struct mount *copy, const struct mount *m,
                       enum mount_copy how)
{
    if (how == COPY_PEER) {
        copy->unbindable = m->unbindable;
        if (m->group) {
            share_join(copy, m->group);
        }
        share_set_master(copy, m->master);
        return;
    }
    share_set_master(copy, m->group);
    if (how == COPY_SHARED_SLAVE) {
        share_new(copy);
    }
}

static struct mount *copy_of(const struct mount *m, struct dentry *root,
                             enum mount_copy how, struct spares *s)
{
    struct mount *copy = take_spare(s);

    sb_get(m->sb);
    dentry_get(root);
    mount_fill(copy, m->sb, root, m->flags);
    share_copy(copy, m, how);
    return copy;
}

struct mount *mount_copy_tree(const struct path *from, bool recursive,
                              enum mount_copy how, struct spares *s)
{
    struct mount *m = from->mount, *next, *copy, *first;

    first = copy = copy_of(m, from->dentry, how, s);
    while ((next = next_copied(from, recursive, m)) != NULL) {
        for (; m != next->parent; m = m->parent) {
            copy = copy->parent;
        }
        struct path on = {copy, next->point};

        copy = copy_of(next, next->root, how, s);
        mount_hang(copy, &on);
        m = next;
    }
    return first;
}

/* ---- standing ---- */

/* Before it hangs: then what it will cover is not part of it. */
static void enter_tree(struct mount *tree)
{
    for (struct mount *m = tree; m; m = mount_next(m, tree)) {
        if (!m->standing) {
            mount_enter(m);
        }
    }
}

/* tree goes between the place and what stands there already, which is so only
 * for copies that propagate and for MOVE_MOUNT_BENEATH. */
static void hang_below(struct mount *tree, const struct path *at)
{
    struct mount *upper = mount_on(at->mount, at->dentry);
    struct path on = {tree, tree->root};

    if (upper) {
        mount_rehang(upper, &on);
    }
    mount_hang(tree, at);
}

/* ---- propagation ---- */

struct graft {
    struct mount *tree;
    const struct path *at;
    struct spares *spares;
    struct list made; /* copies, by node */
    unsigned places;
};

static bool is_seen(const struct mount *to, const struct graft *g)
{
    return dentry_below(g->at->dentry, to->root);
}

static void count_place(struct mount *to, void *arg)
{
    struct graft *g = arg;

    g->places += is_seen(to, g);
}

/* Masters that do not see the place got nothing: then it is theirs, in turn,
 * at the latest that of the group that all comes from. */
static struct mount *source_of_master(const struct mount *to)
{
    const struct peer_group *g = to->master;

    while (!g->source) {
        g = list_entry(g->members.next, struct mount, peer)->master;
    }
    return g->source;
}

/* A peer gets a peer of what its group got, a slave a slave of what its
 * master's got. */
static void copy_to(struct mount *to, void *arg)
{
    struct graft *g = arg;
    struct mount *source = to->group ? to->group->source : NULL;
    enum mount_copy how = COPY_PEER;
    struct path from;
    struct mount *copy;

    if (!is_seen(to, g)) {
        return;
    }
    if (!source) {
        source = source_of_master(to);
        how = to->group ? COPY_SHARED_SLAVE : COPY_SLAVE;
    }
    from = (struct path){source, source->root};
    copy = mount_copy_tree(&from, true, how, g->spares);
    if (how == COPY_SHARED_SLAVE) {
        to->group->source = copy;
    }
    copy->left_parent = to; /* until it hangs there */
    list_add_tail(&g->made, &copy->node);
}

static void forget_source(struct mount *to, void *arg)
{
    if (to->group) {
        to->group->source = NULL;
    }
}

static bool has_unbindable(struct mount *tree)
{
    for (struct mount *m = tree; m; m = mount_next(m, tree)) {
        if (m->unbindable) {
            return true;
        }
    }
    return false;
}

static void propagate(struct graft *g)
{
    struct mount *on = g->at->mount;

    for (struct mount *m = g->tree; m; m = mount_next(m, g->tree)) {
        if (!m->group) {
            share_new(m);
        }
    }
    on->group->source = g->tree;
    share_each(on, copy_to, g);
    share_each(on, forget_source, NULL);
    on->group->source = NULL;
}

/* All copies hang only now, so that none was copied itself. */
static void hang_copies(struct graft *g)
{
    struct list *pos;

    while ((pos = list_pop(&g->made)) != NULL) {
        struct mount *copy = list_entry(pos, struct mount, node);
        struct path at = {copy->left_parent, g->at->dentry};

        copy->left_parent = NULL;
        enter_tree(copy);
        hang_below(copy, &at);
    }
}

int mount_graft(struct mount *tree, const struct path *at, struct spares *s)
{
    struct graft g = {tree, at, s, LIST_INIT(g.made), 0};
    struct path from = {tree, tree->root};
    bool shared = at->mount->standing && at->mount->group;
    unsigned size = mount_tree_size(&from, true);

    if (shared && has_unbindable(tree)) {
        return -EINVAL;
    }
    if (shared) {
        share_each(at->mount, count_place, &g);
    }
    if (mounts_full((tree->standing ? 0 : size) + size * g.places)) {
        return -ENOSPC;
    }
    if (s->count < size * g.places) {
        s->wanted = size * g.places;
        return -EAGAIN;
    }
    if (shared) {
        propagate(&g);
    }
    if (tree->parent) {
        struct path left;

        mount_unhang(tree, &left);
        tree->left_parent = left.mount;
        tree->left_point = left.dentry;
    }
    if (at->mount->standing) {
        enter_tree(tree);
    }
    hang_below(tree, at);
    hang_copies(&g);
    return 0;
}

static int try_attach(struct mount *tree, const struct path *at,
                      struct spares *s)
{
    struct path top;
    int err;

    dcache_exclude();
    top = mount_top(*at);
    err = mount_may_stand(&top);
    if (!err &&
        S_ISDIR(tree->root->inode->mode) != S_ISDIR(top.dentry->inode->mode)) {
        err = -ENOTDIR;
    }
    err = err ? err : mount_graft(tree, &top, s);
    dcache_allow();
    return err;
}

int mount_attach(struct mount *tree, const struct path *at)
{
    struct spares s = {LIST_INIT(s.list), 0, 0};
    int err;

    do {
        err = spares_get(&s);
        err = err ? err : try_attach(tree, at, &s);
    } while (err == -EAGAIN);
    spares_put(&s);
    mount_changed();
    return err;
}
