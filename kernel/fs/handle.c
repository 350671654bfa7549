/* SPDX-License-Identifier: MIT
 *
 * Handles (handle.h): made of inode numbers, found by a walk through the
 * dentries below the mount's root.
 */
#include "kernel/fs/handle.h"
#include "abi/linux/errno.h"

void handle_of(const struct path *p, struct handle *out)
{
    struct inode *inode = p->dentry->inode;

    *out = (struct handle){inode->ino, (uint32_t)inode->sb->dev};
}

/* The dentry behind d, depth first, in the tree of root; NULL: none. */
static struct dentry *next_in_tree(struct dentry *d, struct dentry *root)
{
    if (!list_empty(&d->children)) {
        return list_entry(d->children.next, struct dentry, child);
    }
    while (d != root && d->child.next == &d->parent->children) {
        d = d->parent;
    }
    return d == root ? NULL : list_entry(d->child.next, struct dentry, child);
}

int handle_find(struct mount *m, const struct handle *h, struct path *out)
{
    struct dentry *d = m->root;

    if (h->dev != (uint32_t)m->sb->dev) {
        return -ESTALE;
    }
    dcache_exclude();
    while (d && !(d->inode && d->inode->ino == h->ino && !dentry_unhashed(d)) &&
           !(d == m->root && d->inode->ino == h->ino)) {
        d = next_in_tree(d, m->root);
    }
    if (d) {
        *out = (struct path){m, d};
        path_get(out);
    }
    dcache_allow();
    return d ? 0 : -ESTALE;
}
