/* SPDX-License-Identifier: MIT
 *
 * Mounts that change their place: MS_MOVE, move_mount(2), pivot_root(2). What
 * has to be put is collected while sections are shut out, and put afterwards.
 */
#include "kernel/fs/mount/mount_table.h"
#include "kernel/fs/dcache.h"
#include "kernel/fs/current.h"
#include "kernel/fs/view.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"

/* ---- MS_MOVE, move_mount ---- */

/* A tree that is adrift may go onto another such, too. */
static int may_leave(const struct mount *m, const struct path *to)
{
    if (m->standing) {
        return m->parent && !m->parent->group && to->mount->standing ? 0
                                                                     : -EINVAL;
    }
    return m->adrift && !m->parent ? 0 : -EINVAL;
}

static int may_take(const struct path *to)
{
    return to->mount->adrift ? 0 : mount_may_stand(to);
}

static int may_move(const struct path *from, const struct path *to)
{
    int err = may_take(to);

    if (!err && !path_is_mounted(from)) {
        err = -EINVAL;
    }
    err = err ? err : may_leave(from->mount, to);
    if (!err && S_ISDIR(from->dentry->inode->mode) !=
                    S_ISDIR(to->dentry->inode->mode)) {
        err = -EINVAL;
    }
    return !err && path_below(*to, from) ? -ELOOP : err;
}

/* Where what goes beneath the topmost there has to go. */
static int go_beneath(struct path *to, const struct mount *m)
{
    struct path root, own = {to->mount, to->mount->root};
    bool below =
        m->parent && path_below((struct path){m->parent, m->point}, &own);

    root = current_view()->root;
    if (!path_is_mounted(to) || !to->mount->parent || to->mount == m ||
        to->mount == root.mount || below) {
        return -EINVAL;
    }
    *to = (struct path){to->mount->parent, to->mount->point};
    return 0;
}

/* Where m was, for the caller to put. */
static struct path take_left(struct mount *m)
{
    struct path left = {m->left_parent, m->left_point};

    m->left_parent = NULL;
    m->left_point = NULL;
    return left;
}

static int try_move(const struct path *from, const struct path *at,
                    bool beneath, struct spares *s, struct path *left)
{
    struct path to;
    int err = 0;

    dcache_exclude();
    to = mount_top(*at);
    if (beneath) {
        err = go_beneath(&to, from->mount);
    }
    err = err ? err : may_move(from, &to);
    err = err ? err : mount_graft(from->mount, &to, s);
    if (!err) {
        *left = take_left(from->mount);
    }
    dcache_allow();
    return err;
}

int mount_move(const struct path *from, const struct path *at, bool beneath)
{
    struct spares s = {LIST_INIT(s.list), 0, 0};
    struct path left = {NULL, NULL};
    int err;

    do {
        err = spares_get(&s);
        err = err ? err : try_move(from, at, beneath, &s, &left);
    } while (err == -EAGAIN);
    spares_put(&s);
    mount_changed();
    path_put(&left);
    return err;
}

/* ---- MOVE_MOUNT_SET_GROUP ---- */

static int may_set_group(const struct path *from, const struct path *to)
{
    struct mount *f = from->mount, *t = to->mount;

    return path_is_mounted(from) && path_is_mounted(to) &&
                   (f->standing || f->adrift) && (t->standing || t->adrift) &&
                   f->sb == t->sb && dentry_below(t->root, f->root) &&
                   !t->group && !t->master && (f->group || f->master)
               ? 0
               : -EINVAL;
}

int mount_set_group(const struct path *from, const struct path *to)
{
    int err;

    dcache_exclude();
    err = may_set_group(from, to);
    if (!err) {
        share_set_master(to->mount, from->mount->master);
        if (from->mount->group) {
            share_join(to->mount, from->mount->group);
        }
    }
    dcache_allow();
    mount_changed();
    return err;
}

/* ---- pivot_root ---- */

static int may_pivot(const struct path *top, const struct path *put_old,
                     const struct path *root)
{
    if (!top->mount->standing || !put_old->mount->standing ||
        !root->mount->standing || put_old->mount->group ||
        (top->mount->parent && top->mount->parent->group) ||
        (root->mount->parent && root->mount->parent->group)) {
        return -EINVAL;
    }
    if (top->mount == root->mount || put_old->mount == root->mount) {
        return -EBUSY;
    }
    if (!path_is_mounted(root) || !path_is_mounted(top) ||
        !top->mount->parent || !path_below(*put_old, top) ||
        !path_below(*top, root)) {
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
