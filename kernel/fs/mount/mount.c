/* SPDX-License-Identifier: MIT
 *
 * Mounts as they come, are looked at and end, and paths as text.
 */
#include "kernel/fs/mount/mount_adrift.h"
#include "kernel/fs/mount/mount_table.h"
#include "kernel/fs/procfs/pseudo.h"
#include "kernel/core/log.h"
#include "kernel/mm/heap.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/statfs.h"
#include "abi/linux/stat.h"

static void attach_root(struct mount *m)
{
    dcache_exclude();
    check(!root_mount);
    root_mount = m;
    mount_enter(m);
    dcache_allow();
}

struct pseudo_changes mount_changes = PSEUDO_CHANGES(mount_changes);

void mount_changed(void)
{
    atomic_add_fetch(&mount_changes.count, 1);
    wait_wake_all(&mount_changes.wait);
}

int mount_add(struct superblock *sb, const struct path *at, uint32_t flags,
              struct mount **out)
{
    struct mount *m;
    int err = mount_make(sb, flags, &m);

    if (err) {
        return err;
    }
    if (at) {
        err = mount_attach(m, at);
    } else {
        attach_root(m);
    }
    if (err) {
        mount_dissolve(m);
    } else if (out) {
        *out = m;
    }
    return err;
}

/* With the last mount of a file system the names go that only the cache has:
 * nobody is left who could move one. m's root is such a name then, too, when
 * it is not that of the file system. */
static void forget_names(struct mount *m)
{
    struct dentry *top = m->root;

    if (atomic_sub_fetch(&m->sb->mounts, 1) != 0) {
        dentry_put(m->root);
        return;
    }
    while (top->parent != top) {
        top = top->parent;
    }
    dentry_get(top);
    dentry_put(m->root);
    dcache_prune_tree(top);
    dentry_put(top);
}

void mount_put(struct mount *m)
{
    struct superblock *sb;

    if (!m || !mount_uncount(m)) {
        return;
    }
    sb = m->sb;
    forget_names(m);
    dcache_exclude(); /* a walk may still look at it */
    dcache_allow();
    mount_free(m);
    sb_put(sb);
}

int mount_writable(const struct mount *m)
{
    return (m->sb->flags & SB_READ_ONLY) || (m->flags & ST_RDONLY) ? -EROFS : 0;
}

/* Counts the mounts, up to `most` of them into copy; how many there are. */
static unsigned copy_mounts(struct mount **copy, unsigned most)
{
    uint32_t *section = dcache_enter();
    unsigned count = 0;

    list_for_each (pos, &mounts) {
        if (copy && count < most) {
            copy[count] = list_entry(pos, struct mount, node);
            mount_get(copy[count]);
        }
        count++;
    }
    dcache_leave(section);
    return count;
}

int mount_root_string(struct mount *m, char *buf)
{
    struct mount whole = {.root = m->root};
    struct path p = {&whole, m->root}, top = {&whole, m->root};
    uint32_t *section = dcache_enter();

    while (top.dentry->parent != top.dentry) {
        top.dentry = top.dentry->parent;
    }
    dcache_leave(section);
    whole.root = top.dentry; /* counted, by those below it */
    return path_string(&p, &top, buf, PATH_LENGTH_MAX, NULL);
}

int mount_for_each(int (*fn)(struct mount *m, void *arg), void *arg)
{
    enum { SPARE = 8 }; /* may come meanwhile; more are left out */
    unsigned most = copy_mounts(NULL, 0) + SPARE, count;
    struct mount **copy = kmalloc(most * sizeof(struct mount *));
    int err = 0;

    if (!copy) {
        return -ENOMEM;
    }
    count = MIN(copy_mounts(copy, most), most);
    for (unsigned i = 0; i < count; i++) {
        err = err ? err : fn(copy[i], arg);
        mount_put(copy[i]);
    }
    kfree(copy);
    return err;
}

static int sync_one(struct mount *m, void *arg)
{
    if (m->sb->ops->sync) {
        m->sb->ops->sync(m->sb);
    }
    return 0;
}

void fs_sync(void)
{
    mount_for_each(sync_one, NULL);
}

/* ---- paths ---- */

void path_to_top(struct path *p)
{
    uint32_t *section = dcache_enter();
    struct path old = *p;

    *p = mount_top(old);
    path_get(p);
    dcache_leave(section);
    path_put(&old);
}

void path_put(const struct path *p)
{
    dentry_put(p->dentry);
    mount_put(p->mount);
}

/* Text that grows towards the front. */
struct back {
    char *buf;
    size_t at; /* where it begins */
    bool full;
};

static void prepend(struct back *b, const char *text, size_t len)
{
    if (b->full || len > b->at) {
        b->full = true;
        return;
    }
    b->at -= len;
    memcpy(b->buf + b->at, text, len);
}

static bool is_root(const struct path *p, const struct path *root)
{
    return p->dentry == root->dentry && p->mount == root->mount;
}

/* Everything from p up to root; true when root was met. In a section. */
static bool prepend_path(struct back *b, struct path p, const struct path *root)
{
    while (!is_root(&p, root)) {
        if (p.dentry == p.mount->root) {
            if (!p.mount->parent) {
                return p.mount->hidden;
            }
            p = (struct path){p.mount->parent, p.mount->point};
            continue;
        }
        if (p.dentry->parent == p.dentry) {
            /* Detached: a pipe or the like says its own name. */
            prepend(b, p.dentry->name, p.dentry->len);
            return true;
        }
        prepend(b, p.dentry->name, p.dentry->len);
        prepend(b, "/", 1);
        p.dentry = p.dentry->parent;
    }
    return true;
}

int path_string(const struct path *p, const struct path *root, char *buf,
                size_t len, bool *reached)
{
    static const char deleted[] = " (deleted)";
    struct path top = {root_mount, root_mount->root};
    struct back b = {.buf = buf, .at = len};
    uint32_t *section = dcache_enter();
    struct dentry *d = p->dentry;
    bool gone = dentry_unhashed(d) && d->parent != d && p->mount &&
                d != p->mount->root &&
                !(d->inode && d->inode->sb->flags & SB_NO_CACHE);
    bool met;
    size_t end, n;

    prepend(&b, "", 1);
    if (gone) {
        prepend(&b, deleted, sizeof(deleted) - 1);
    }
    end = b.at;
    met = prepend_path(&b, *p, root ? root : &top);
    if (b.at == end) {
        prepend(&b, "/", 1);
    }
    dcache_leave(section);
    if (b.full) {
        return -ENAMETOOLONG;
    }
    if (reached) {
        *reached = met;
    }
    n = len - b.at;
    memmove(buf, buf + b.at, n);
    return n - 1;
}
