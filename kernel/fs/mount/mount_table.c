/* SPDX-License-Identifier: MIT
 *
 * The table of mounts: a list of all, the tree that they make, and a hash by
 * what they stand on, which a walk looks at only where dentry->mounted says so.
 * It changes with all sections shut out (dentry.h), so readers need no lock of
 * its own. Nothing here recurses: programs stack mounts as high as they like.
 */
#include "kernel/fs/mount/mount_table.h"
#include "kernel/fs/procfs/tunable.h"
#include "kernel/mm/heap.h"
#include "lib/atomic.h"
#include "abi/linux/errno.h"

enum { BUCKETS = 2048 };

struct mount *root_mount;

struct list mounts = LIST_INIT(mounts);
static struct mount *buckets[BUCKETS];
static unsigned standing; /* mounts in the table; dcache_exclude() */
static uint32_t last_id = 20;

/* ---- one mount ---- */

int mount_alloc(struct mount **out)
{
    struct mount *m = kzalloc(sizeof(*m));

    if (!m || mount_count_init(m)) {
        kfree(m);
        return -ENOMEM;
    }
    if (share_reserve()) {
        kfree(m->counts);
        kfree(m);
        return -ENOMEM;
    }
    list_init(&m->node);
    list_init(&m->children);
    list_init(&m->sibling);
    list_init(&m->going);
    list_init(&m->peer);
    list_init(&m->slave);
    *out = m;
    return 0;
}

void mount_free(struct mount *m)
{
    share_unreserve();
    kfree(m->counts);
    kfree(m);
}

int spares_get(struct spares *s)
{
    uint32_t *section = dcache_enter();
    int err = mounts_full(s->wanted) ? -ENOSPC : 0;

    dcache_leave(section);
    while (!err && s->count < s->wanted) {
        struct mount *m;

        err = mount_alloc(&m);
        if (!err) {
            list_add(&s->list, &m->node);
            s->count++;
        }
    }
    return err;
}

void spares_put(struct spares *s)
{
    struct list *pos;

    while ((pos = list_pop(&s->list)) != NULL) {
        mount_free(list_entry(pos, struct mount, node));
    }
}

void mount_fill(struct mount *m, struct superblock *sb, struct dentry *root,
                uint32_t flags)
{
    m->sb = sb;
    m->root = root;
    m->flags = flags;
    m->id = atomic_add_fetch(&last_id, 1);
    atomic_fetch_add(&sb->mounts, 1);
}

/* ---- what stands where ---- */

static struct mount **bucket_of(const struct mount *m, const struct dentry *d)
{
    uint64_t hash = ((uintptr_t)m >> 4) * 31 + ((uintptr_t)d >> 4);

    return &buckets[hash * 0x9e3779b97f4a7c15 >> 32 & (BUCKETS - 1)];
}

struct mount *mount_on(struct mount *m, struct dentry *d)
{
    struct mount *child = *bucket_of(m, d);

    while (child && (child->point != d || child->parent != m)) {
        child = child->bucket_next;
    }
    return child;
}

void mount_hang(struct mount *m, const struct path *at)
{
    struct mount **bucket = bucket_of(at->mount, at->dentry);

    m->parent = at->mount;
    m->point = at->dentry;
    m->point->mounted++;
    m->bucket_next = *bucket;
    *bucket = m;
    list_add_tail(&m->parent->children, &m->sibling);
    mount_get(m->parent);
    dentry_get(m->point);
}

void mount_unhang(struct mount *m, struct path *from)
{
    struct mount **at = bucket_of(m->parent, m->point);

    while (*at != m) {
        at = &(*at)->bucket_next;
    }
    *at = m->bucket_next;
    list_del(&m->sibling);
    *from = (struct path){m->parent, m->point};
    m->point->mounted--;
    m->parent = NULL;
    m->point = NULL;
}

void mount_rehang(struct mount *m, const struct path *to)
{
    struct path from;

    mount_unhang(m, &from);
    mount_hang(m, to);
    dentry_put(from.dentry);
    mount_uncount(from.mount);
}

struct path mount_top(struct path p)
{
    struct mount *m;

    while (p.dentry->mounted && (m = mount_on(p.mount, p.dentry)) != NULL) {
        p = (struct path){m, m->root};
    }
    return p;
}

bool path_below(struct path p, const struct path *top)
{
    while (p.mount != top->mount) {
        if (!p.mount->parent) {
            return false;
        }
        p = (struct path){p.mount->parent, p.mount->point};
    }
    return dentry_below(p.dentry, top->dentry);
}

int mount_may_stand(const struct path *at)
{
    const struct dentry *d = at->dentry;

    if (dentry_unhashed(d) && d->parent != d) {
        return -ENOENT;
    }
    return at->mount->standing ? 0 : at->mount->adrift ? -EINVAL : -ENOENT;
}

/* ---- all of them ---- */

bool mounts_full(unsigned more)
{
    return standing + (uint64_t)more > (uint64_t)tunable(&tunable_mount_max);
}

void mount_enter(struct mount *m)
{
    list_add_tail(&mounts, &m->node);
    m->standing = true;
    m->adrift = false;
    standing++;
    mount_spread(m);
}

void mount_leave(struct mount *m)
{
    list_del(&m->node);
    m->standing = false;
    standing--;
}

struct mount *mount_after(struct mount *m, struct mount *top)
{
    while (m != top) {
        if (m->sibling.next != &m->parent->children) {
            return list_entry(m->sibling.next, struct mount, sibling);
        }
        m = m->parent;
    }
    return NULL;
}

struct mount *mount_next(struct mount *m, struct mount *top)
{
    return list_empty(&m->children)
               ? mount_after(m, top)
               : list_entry(m->children.next, struct mount, sibling);
}
