/* SPDX-License-Identifier: MIT
 *
 * umount2(2). What stands on a shared mount goes from where it propagated to as
 * well, unless something stands on it there that does not go. What has to be
 * put is collected while sections are shut out, and put afterwards.
 */
#include "kernel/fs/mount/mount_table.h"
#include "kernel/fs/dcache.h"
#include "abi/linux/errno.h"
#include "abi/linux/statfs.h"

void mount_take_off(struct mount *m)
{
    struct path from = {NULL, NULL};

    if (m->parent) {
        mount_unhang(m, &from);
    }
    m->left_parent = from.mount;
    m->left_point = from.dentry;
    m->adrift = false;
    share_change(m, MS_PRIVATE);
}

void mount_put_gone(struct list *gone)
{
    struct list *pos;

    if (list_empty(gone)) {
        return;
    }
    mount_settle_all(gone);
    while ((pos = list_last(gone)) != NULL) {
        struct mount *m = list_entry(pos, struct mount, node);
        struct path from = {m->left_parent, m->left_point};

        list_del(&m->node);
        path_put(&from);
        mount_put(m);
    }
}

/* ---- may it go? ---- */

static int may_remove(struct mount *m, unsigned flags)
{
    if (!m->standing || !m->parent) {
        return -EINVAL;
    }
    if (flags & MNT_DETACH) {
        return 0;
    }
    if (!list_empty(&m->children) ||
        m->refs > 2) { /* the table's, the caller's path */
        return -EBUSY;
    }
    if (flags & MNT_EXPIRE && !m->expiring) {
        m->expiring = true;
        return -EAGAIN;
    }
    return 0;
}

/* What covers all of m and nothing else stands on it, or NULL. */
static struct mount *cover_of(struct mount *m)
{
    struct list *pos = list_first(&m->children);
    struct mount *child;

    if (!pos || pos->next != &m->children) {
        return NULL;
    }
    child = list_entry(pos, struct mount, sibling);
    return child->point == m->root ? child : NULL;
}

/* The copies of m that its parent propagated. */
struct copies {
    struct mount *m;
    struct mount *spread; /* one that has to be settled first, counted */
    bool busy;
    struct list *maybe; /* those that may go, by going */
};

static struct mount *copy_on(struct mount *to, const struct copies *c)
{
    return mount_on(to, c->m->point);
}

static void look_at_copy(struct mount *to, void *arg)
{
    struct copies *c = arg;
    struct mount *copy = copy_on(to, c);

    if (!copy || (!list_empty(&copy->children) && !cover_of(copy))) {
        return;
    }
    if (copy->spread && !c->spread) {
        mount_get(copy);
        c->spread = copy;
    }
    c->busy |= !copy->spread && copy->refs > 1 + !!cover_of(copy);
}

static void spread_again(struct mount *to, void *arg)
{
    struct mount *copy = copy_on(to, arg);

    if (copy) {
        mount_spread(copy);
    }
}

/* Shut out, m settled: 0, -EBUSY; or *spread is to be settled first. */
static int copies_may_go(struct mount *m, struct mount **spread)
{
    struct copies c = {.m = m};

    share_each(m->parent, look_at_copy, &c);
    *spread = c.spread;
    if (!c.spread && c.busy) {
        share_each(m->parent, spread_again, &c);
    }
    return c.busy ? -EBUSY : 0;
}

/* ---- it goes ---- */

static bool goes(const struct mount *m)
{
    return !list_empty(&m->going);
}

static void add_maybe(struct mount *to, void *arg)
{
    struct copies *c = arg;
    struct mount *copy = copy_on(to, c);

    if (copy && !goes(copy)) {
        list_add_tail(c->maybe, &copy->going);
    }
    if (copy && to->group == c->m->parent->group) {
        copy->asked = true;
    }
}

/* Those to which what goes was propagated, but for what another of them has
 * found: all members of a group find the same. */
static void find_copies(struct list *tree, struct list *maybe)
{
    list_for_each (pos, tree) {
        struct copies c = {.m = list_entry(pos, struct mount, going),
                           .maybe = maybe};

        if (!c.m->asked) {
            share_each(c.m->parent, add_maybe, &c);
        }
        c.m->asked = false;
    }
}

static bool all_go(struct mount *m)
{
    list_for_each (pos, &m->children) {
        struct mount *child = list_entry(pos, struct mount, sibling);

        if (!goes(child) && child != cover_of(m)) {
            return false;
        }
    }
    return true;
}

/* Those stay on which something stays; until no more does. */
static void drop_kept(struct list *maybe)
{
    bool again;

    do {
        again = false;
        list_for_each_safe (pos, maybe) {
            struct mount *m = list_entry(pos, struct mount, going);

            m->asked = false;
            if (!all_go(m)) {
                list_del(pos);
                again = true;
            }
        }
    } while (again);
}

/* What covers m and stays stands in m's place then. */
static void uncover(struct mount *m)
{
    struct mount *cover = cover_of(m);
    struct path at = {m->parent, m->point};

    if (cover && !goes(cover)) {
        mount_rehang(cover, &at);
    }
}

static void take_all(struct mount *top, struct list *gone)
{
    struct list tree = LIST_INIT(tree), maybe = LIST_INIT(maybe), *pos;

    for (struct mount *m = top; m; m = mount_next(m, top)) {
        list_add_tail(&tree, &m->going);
    }
    find_copies(&tree, &maybe);
    drop_kept(&maybe);
    list_for_each (at, &maybe) {
        uncover(list_entry(at, struct mount, going));
    }
    list_splice_tail(&tree, &maybe);
    while ((pos = list_pop(&tree)) != NULL) {
        struct mount *m = list_entry(pos, struct mount, going);

        mount_leave(m);
        list_add_tail(gone, &m->node);
        mount_take_off(m);
    }
}

/* Shut out. -EBUSY and so on; *spread: to be settled, then once more. */
static int try_remove(struct mount *m, unsigned flags, struct list *gone,
                      struct mount **spread)
{
    int err = may_remove(m, flags);

    *spread = NULL;
    if (!err && !(flags & MNT_DETACH)) {
        err = copies_may_go(m, spread);
    }
    if (*spread) {
        return 0;
    }
    if (!err) {
        take_all(m, gone);
    } else if (m->standing) {
        mount_spread(m);
    }
    return err;
}

int mount_remove(const struct path *at, unsigned flags)
{
    struct list gone = LIST_INIT(gone);
    struct mount *m = at->mount, *spread;
    int err;

    if (!path_is_mounted(at) || !m->parent) {
        return -EINVAL;
    }
    do {
        mount_settle(m);
        dcache_exclude();
        err = try_remove(m, flags, &gone, &spread);
        dcache_allow();
        if (spread) {
            mount_settle(spread);
            mount_put(spread);
        }
    } while (spread);
    mount_changed();
    mount_put_gone(&gone);
    return err;
}
