/* SPDX-License-Identifier: MIT
 *
 * What happens to names: looked up, given, taken away, moved. Every function
 * here runs with the directory's lock held (dentry.h), which is what keeps a
 * name from having two dentries.
 */
#include "kernel/fs/dcache.h"
#include "kernel/fs/event/watch.h"
#include "kernel/core/log.h"
#include "kernel/mm/heap.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "abi/linux/stat.h"

int dentry_root(struct inode *inode, struct dentry **out)
{
    int err = dentry_new(NULL, "/", 1, out);

    if (err) {
        inode_put(inode);
        return err;
    }
    (*out)->inode = inode;
    return 0;
}

int dentry_detached(struct dentry *parent, const char *name,
                    struct inode *inode, struct dentry **out)
{
    int err = dentry_new(parent, name, strlen(name), out);

    if (err) {
        inode_put(inode);
        return err;
    }
    (*out)->inode = inode;
    return 0;
}

static struct dentry *find_counted(struct dentry *dir, const char *name,
                                   size_t len, uint64_t hash)
{
    uint32_t *section = dcache_enter();
    struct dentry *d = dcache_find(dir, name, len, hash);

    if (d) {
        dentry_get(d);
        dentry_use(d);
    }
    dcache_leave(section);
    return d;
}

/* d of dir, counted, is in the cache, but the leaf has to say what is there
 * now. 0: d is right, or was made so; 1: it is another, d is out of the cache.
 * A mount point stays what it is. */
static int ask_again(struct inode *parent, struct dentry *d)
{
    struct inode *now = NULL;
    int err =
        d->mounted ? 0 : parent->ops->lookup(parent, d->name, d->len, &now);

    if (d->mounted || (err && err != -ENOENT)) {
        return err;
    }
    if (now == d->inode) {
        inode_put(now);
        return 0;
    }
    if (!d->inode) {
        dentry_fill(d, now);
        return 0;
    }
    inode_put(now);
    dcache_exclude();
    dcache_unhash(d);
    dcache_allow();
    return 1;
}

int dentry_lookup(struct dentry *dir, const char *name, size_t len,
                  struct dentry **out)
{
    struct inode *inode = NULL, *parent = dir->inode;
    uint64_t hash = name_hash(name, len);
    struct dentry *d;
    int err;

    if (len > NAME_LENGTH_MAX) {
        return -ENAMETOOLONG;
    }
    d = find_counted(dir, name, len, hash);
    if (d) {
        err = parent->flags & INODE_ASK_AGAIN ? ask_again(parent, d) : 0;
        if (!err) {
            *out = d;
            return 0;
        }
        dentry_put(d);
        if (err < 0) {
            return err;
        }
    }
    if (parent->flags & INODE_DEAD) {
        return -ENOENT;
    }
    err = dentry_new(dir, name, len, &d);
    if (err) {
        return err;
    }
    err = parent->ops->lookup(parent, name, len, &inode);
    if (err && (err != -ENOENT ||
                (parent->sb->flags & SB_NO_CACHE && !parent->ops->make))) {
        dentry_put(d);
        return err;
    }
    d->hash = hash;
    d->inode = inode;
    if (!(parent->sb->flags & SB_NO_CACHE)) {
        spin_lock(&dcache_lock);
        dcache_hash(d);
        dcache_attach(d);
        spin_unlock(&dcache_lock);
    }
    *out = d;
    return 0;
}

void dentry_fill(struct dentry *d, struct inode *inode)
{
    check(!d->inode);
    atomic_store_release(&d->inode, inode);
}

void dentry_remove(struct dentry *d)
{
    struct inode *inode = NULL;

    if (S_ISDIR(d->inode->mode)) {
        dcache_prune(d);
    }
    dcache_exclude();
    if (d->refs == 1) { /* only the caller: keep it as a negative one */
        inode = d->inode;
        d->inode = NULL;
    } else {
        dcache_unhash(d);
    }
    dcache_allow();
    if (inode && unlikely(atomic_load_relaxed(&watch_count))) {
        watch_forgotten(inode);
    }
    inode_put(inode);
}

/* ---- moving ---- */

static void swap_names(struct dentry *a, struct dentry *b)
{
    char inlined[DENTRY_INLINE + 1];
    const char *a_name = a->name, *b_name = b->name;
    uint16_t len = a->len;
    uint64_t hash = a->hash;

    memcpy(inlined, a->inline_name, sizeof(inlined));
    memcpy(a->inline_name, b->inline_name, sizeof(inlined));
    memcpy(b->inline_name, inlined, sizeof(inlined));
    a->name = b_name == b->inline_name ? a->inline_name : b_name;
    b->name = a_name == a->inline_name ? b->inline_name : a_name;
    a->len = b->len;
    b->len = len;
    a->hash = b->hash;
    b->hash = hash;
}

/* `from` gets the name of `to`, which may lose its own only when that is too
 * long to be copied without memory. */
static void take_name(struct dentry *from, struct dentry *to)
{
    if (from->name != from->inline_name || to->name != to->inline_name) {
        swap_names(from, to);
        return;
    }
    memcpy(from->inline_name, to->inline_name, sizeof(to->inline_name));
    from->len = to->len;
    from->hash = to->hash;
}

static void reattach(struct dentry *d)
{
    list_del(&d->child);
    dcache_attach(d);
    dcache_hash(d);
}

static void exchange_names(struct dentry *a, struct dentry *b)
{
    struct dentry *parent = a->parent;

    swap_names(a, b);
    a->parent = b->parent;
    b->parent = parent;
    reattach(a);
    reattach(b);
}

void dentry_move(struct dentry *from, struct dentry *to, bool exchange)
{
    struct dentry *old_parent = NULL;

    if (!exchange && to->inode && S_ISDIR(to->inode->mode)) {
        dcache_prune(to);
    }
    dcache_exclude();
    dcache_unhash(from);
    dcache_unhash(to);
    if (exchange) {
        exchange_names(from, to);
    } else {
        old_parent = from->parent;
        take_name(from, to);
        from->parent = to->parent;
        dentry_get(from->parent);
        reattach(from);
    }
    dcache_allow();
    dentry_put(old_parent);
}

bool dentry_below(struct dentry *d, struct dentry *dir)
{
    while (d != dir && d->parent != d) {
        d = d->parent;
    }
    return d == dir;
}
