/* SPDX-License-Identifier: MIT
 *
 * Mounts that go with what stands on them: umount2(2), MS_MOVE, pivot_root(2).
 * What has to be put is collected while sections are shut out, and put
 * afterwards.
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

/* ---- umount2 ---- */

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

/* Shut out: all of the tree leaves the table and goes to gone, by node. */
static void take_out(struct mount *top, struct list *gone)
{
    for (struct mount *m = top; m; m = mount_next(m, top)) {
        mount_leave(m);
        list_add_tail(gone, &m->node);
    }
}

/* Each goes on its own: what was detached is a tree no more. */
static void take_apart(struct list *gone)
{
    struct list *pos;

    mount_settle_all(gone);
    while ((pos = list_last(gone)) != NULL) {
        struct mount *m = mount_of(pos);
        struct path from;

        list_del(&m->node);
        dcache_exclude();
        mount_unhang(m, &from);
        dcache_allow();
        path_put(&from);
        mount_put(m);
    }
}

int mount_remove(const struct path *at, unsigned flags)
{
    struct list gone = LIST_INIT(gone);
    struct mount *m = at->mount;
    int err;

    if (!is_mount_root(at) || !m->parent) {
        return -EINVAL;
    }
    mount_settle(m);
    dcache_exclude();
    err = may_remove(m, flags);
    if (!err) {
        take_out(m, &gone);
    } else if (m->standing) {
        mount_spread(m);
    }
    dcache_allow();
    mount_changed();
    if (!err) {
        take_apart(&gone);
    }
    return err;
}

/* ---- MS_MOVE ---- */

int mount_move(const struct path *from, const struct path *at)
{
    struct mount *m = from->mount;
    struct path old = {NULL, NULL}, top;
    int err;

    dcache_exclude();
    top = mount_top(*at);
    err = mount_may_stand(&top);
    if (!err && (!is_mount_root(from) || !m->parent || !m->standing)) {
        err = -EINVAL;
    }
    if (!err && S_ISDIR(from->dentry->inode->mode) !=
                    S_ISDIR(at->dentry->inode->mode)) {
        err = -ENOTDIR;
    }
    if (!err && path_below(top, from)) {
        err = -ELOOP;
    }
    if (!err) {
        mount_unhang(m, &old);
        mount_hang(m, &top);
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
    if (!top->mount->standing || !put_old->mount->standing ||
        !root->mount->standing) {
        return -EINVAL;
    }
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
    struct path from = {NULL, NULL}, below = {NULL, NULL}, old;
    int err;

    if (!S_ISDIR(top->dentry->inode->mode) ||
        !S_ISDIR(put_old->dentry->inode->mode)) {
        return -ENOTDIR;
    }
    dcache_exclude();
    old = mount_top(*put_old);
    err = may_pivot(top, &old, root);
    if (!err) {
        mount_unhang(top->mount, &from);
        if (root->mount->parent) {
            mount_unhang(root->mount, &below);
            mount_hang(top->mount, &below);
        } else {
            root_mount = top->mount;
        }
        mount_hang(root->mount, &old);
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
