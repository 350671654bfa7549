/* SPDX-License-Identifier: MIT
 *
 * Mounts that come and go with what stands on them: bind mounts, umount2(2),
 * MS_MOVE, pivot_root(2). What has to be put is collected while sections are
 * shut out, and put afterwards.
 */
#include "kernel/fs/mount_table.h"
#include "kernel/fs/view.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"
#include "abi/linux/statfs.h"

static struct mount *mount_of(struct list *pos)
{
    return list_entry(pos, struct mount, node);
}

/* True when p is top or lies below it. In a section, or shut out. */
static bool path_below(struct path p, const struct path *top)
{
    while (p.mount != top->mount) {
        if (!p.mount->parent) {
            return false;
        }
        p = (struct path){p.mount->parent, p.mount->point};
    }
    return dentry_below(p.dentry, top->dentry);
}

static bool is_mount_root(const struct path *p)
{
    return p->dentry == p->mount->root;
}

/* ---- bind mounts ---- */

/* The next mount right on `from`'s tree after `last`, counted. */
static struct mount *next_on(const struct path *from, struct mount *last)
{
    bool passed = !last;
    struct mount *found = NULL;
    uint32_t *section = dcache_enter();

    list_for_each (pos, &mounts) {
        struct mount *m = mount_of(pos);

        if (passed && m->parent == from->mount &&
            dentry_below(m->point, from->dentry)) {
            mount_get(m);
            found = m;
            break;
        }
        passed |= m == last;
    }
    dcache_leave(section);
    return found;
}

static int bind_tree(const struct path *from, const struct path *at,
                     uint32_t flags);

/* What stands on `from` stands on its copy, too. */
static int bind_children(const struct path *from, struct mount *copy)
{
    struct mount *m = next_on(from, NULL), *next;
    int err = 0;

    while (m) {
        struct path below = {m, m->root}, at = {copy, m->point};

        /* A copy that lies in its own source is not copied again. */
        if (!err && m != copy) {
            err = bind_tree(&below, &at, m->flags);
        }
        next = next_on(from, m);
        mount_put(m);
        m = next;
    }
    return err;
}

static int bind_tree(const struct path *from, const struct path *at,
                     uint32_t flags)
{
    struct mount *copy;
    int err = mount_bind_one(from, at, flags, &copy);

    return err ? err : bind_children(from, copy);
}

int mount_bind(const struct path *from, const struct path *at, uint32_t flags,
               bool recursive)
{
    struct mount *copy;

    if (S_ISDIR(from->dentry->inode->mode) !=
        S_ISDIR(at->dentry->inode->mode)) {
        return -ENOTDIR;
    }
    return recursive ? bind_tree(from, at, flags)
                     : mount_bind_one(from, at, flags, &copy);
}

/* ---- umount2 ---- */

static struct mount *child_of(struct mount *m)
{
    list_for_each (pos, &mounts) {
        if (mount_of(pos)->parent == m) {
            return mount_of(pos);
        }
    }
    return NULL;
}

static int may_remove(struct mount *m, unsigned flags)
{
    if (list_empty(&m->node)) {
        return -EINVAL;
    }
    if (flags & MNT_DETACH) {
        return 0;
    }
    if (child_of(m) || m->refs > 2) { /* the table's, the caller's path */
        return -EBUSY;
    }
    if (flags & MNT_EXPIRE && !m->expiring) {
        m->expiring = true;
        return -EAGAIN;
    }
    return 0;
}

int mount_remove(const struct path *at, unsigned flags)
{
    struct mount *m = at->mount, *leaf;
    struct path from;
    int err;

    if (!is_mount_root(at) || !m->parent) {
        return -EINVAL;
    }
    mount_settle(m);
    do { /* with MNT_DETACH, from the leaves on */
        dcache_exclude();
        err = may_remove(m, flags);
        for (leaf = m; !err && child_of(leaf);) {
            leaf = child_of(leaf);
        }
        if (!err) {
            list_del(&leaf->node);
            mount_unhang(leaf, &from);
        } else if (!list_empty(&m->node)) {
            mount_spread(m);
        }
        dcache_allow();
        mount_changed();
        if (!err) {
            path_put(&from);
            mount_settle(leaf);
            mount_put(leaf);
        }
    } while (!err && leaf != m);
    return err;
}

/* ---- MS_MOVE ---- */

int mount_move(const struct path *from, const struct path *at)
{
    struct mount *m = from->mount;
    struct path old = {NULL, NULL};
    int err = 0;

    dcache_exclude();
    if (!is_mount_root(from) || !m->parent || list_empty(&m->node)) {
        err = -EINVAL;
    } else if (path_below(*at, from)) {
        err = -ELOOP;
    } else if (S_ISDIR(from->dentry->inode->mode) !=
               S_ISDIR(at->dentry->inode->mode)) {
        err = -ENOTDIR;
    } else {
        mount_unhang(m, &old);
        mount_hang(m, at);
    }
    dcache_allow();
    mount_changed();
    if (!err) {
        path_put(&old);
    }
    return err;
}

/* ---- pivot_root ---- */

static int may_pivot(const struct path *top, const struct path *put_old,
                     const struct path *root)
{
    if (top->mount == root->mount || put_old->mount == root->mount) {
        return -EBUSY;
    }
    if (!is_mount_root(root) || !is_mount_root(top) || !top->mount->parent ||
        !path_below(*put_old, top) || !path_below(*top, root)) {
        return -EINVAL;
    }
    return 0;
}

int mount_pivot(const struct path *top, const struct path *put_old,
                const struct path *root)
{
    struct path from = {NULL, NULL}, below = {NULL, NULL};
    int err;

    if (!S_ISDIR(top->dentry->inode->mode) ||
        !S_ISDIR(put_old->dentry->inode->mode)) {
        return -ENOTDIR;
    }
    dcache_exclude();
    err = may_pivot(top, put_old, root);
    if (!err) {
        mount_unhang(top->mount, &from);
        if (root->mount->parent) {
            mount_unhang(root->mount, &below);
            mount_hang(top->mount, &below);
        } else {
            root_mount = top->mount;
        }
        mount_hang(root->mount, put_old);
    }
    dcache_allow();
    mount_changed();
    if (!err) {
        path_put(&from);
        path_put(&below);
        views_move(root, top);
    }
    return err;
}
