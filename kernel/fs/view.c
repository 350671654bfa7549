/* SPDX-License-Identifier: MIT
 *
 * Views (view.h).
 */
#include "kernel/fs/view.h"
#include "kernel/fs/dcache.h"
#include "kernel/mm/heap.h"
#include "lib/atomic.h"
#include "abi/linux/errno.h"

static struct list views = LIST_INIT(views); /* under dcache_lock */

int view_new(const struct path *root, const struct path *cwd, uint32_t umask,
             struct fs_view **out)
{
    struct fs_view *v = kmalloc(sizeof(*v));

    if (!v) {
        path_put(root);
        path_put(cwd);
        return -ENOMEM;
    }
    v->refs = 1;
    v->umask = umask & 0777;
    v->root = *root;
    v->cwd = *cwd;
    spin_lock(&dcache_lock);
    list_add(&views, &v->node);
    spin_unlock(&dcache_lock);
    *out = v;
    return 0;
}

int view_copy(struct fs_view *from, struct fs_view **out)
{
    struct path root, cwd;

    view_get_root(from, &root);
    view_get_cwd(from, &cwd);
    return view_new(&root, &cwd, from->umask, out);
}

void view_get(struct fs_view *v)
{
    atomic_fetch_add(&v->refs, 1);
}

void view_put(struct fs_view *v)
{
    if (atomic_sub_fetch(&v->refs, 1) == 0) {
        spin_lock(&dcache_lock);
        list_del(&v->node);
        spin_unlock(&dcache_lock);
        path_put(&v->root);
        path_put(&v->cwd);
        kfree(v);
    }
}

static void set(struct path *slot, const struct path *path)
{
    struct path old;

    dcache_exclude();
    old = *slot;
    *slot = *path;
    dcache_allow();
    path_put(&old);
}

void view_set_cwd(struct fs_view *v, const struct path *path)
{
    set(&v->cwd, path);
}

void view_set_root(struct fs_view *v, const struct path *path)
{
    set(&v->root, path);
}

static unsigned move_one(struct path *slot, const struct path *from,
                         const struct path *to)
{
    if (slot->mount != from->mount || slot->dentry != from->dentry) {
        return 0;
    }
    path_get(to);
    *slot = *to;
    return 1;
}

/* The caller counts `from`, so none of the puts is the last. */
void views_move(const struct path *from, const struct path *to)
{
    unsigned moved = 0;

    dcache_exclude(); /* takes the lock, too */
    list_for_each (pos, &views) {
        struct fs_view *v = list_entry(pos, struct fs_view, node);

        moved += move_one(&v->root, from, to) + move_one(&v->cwd, from, to);
    }
    dcache_allow();
    while (moved--) {
        path_put(from);
    }
}

static void get(const struct path *slot, struct path *out)
{
    uint32_t *section = dcache_enter();

    *out = *slot;
    path_get(out);
    dcache_leave(section);
}

void view_get_cwd(struct fs_view *v, struct path *out)
{
    get(&v->cwd, out);
}

void view_get_root(struct fs_view *v, struct path *out)
{
    get(&v->root, out);
}
