/* SPDX-License-Identifier: MIT
 *
 * tmpfs: the names in a directory. An entry stands in two trees: by the hash
 * of its name (equal hashes side by side) and by its cookie, which grows with
 * each new name, so that a listing in progress is not confused by changes.
 *
 * The directories' locks are held throughout (vfs.h).
 */
#include "kernel/fs/tmpfs/tmpfs.h"
#include "kernel/core/log.h"
#include "kernel/core/timer.h"
#include "kernel/mm/heap.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/fcntl.h"
#include "abi/linux/stat.h"

static struct tmpfs_entry *by_name(struct rb_node *node)
{
    return node ? rb_entry(node, struct tmpfs_entry, by_name) : NULL;
}

static struct tmpfs_entry *by_cookie(struct rb_node *node)
{
    return node ? rb_entry(node, struct tmpfs_entry, by_cookie) : NULL;
}

static int compare_names(const struct tmpfs_entry *a, uint64_t hash,
                         const char *name, size_t len)
{
    if (a->hash != hash) {
        return a->hash < hash ? -1 : 1;
    }
    if (a->len != len) {
        return a->len < len ? -1 : 1;
    }
    return memcmp(a->name, name, len);
}

static int name_order(const struct rb_node *a, const struct rb_node *b)
{
    const struct tmpfs_entry *e = by_name((struct rb_node *)b);

    return compare_names(by_name((struct rb_node *)a), e->hash, e->name,
                         e->len);
}

static int cookie_order(const struct rb_node *a, const struct rb_node *b)
{
    uint64_t x = by_cookie((struct rb_node *)a)->cookie;
    uint64_t y = by_cookie((struct rb_node *)b)->cookie;

    return x < y ? -1 : x > y;
}

static struct tmpfs_entry *find(struct tmpfs_inode *dir, const char *name,
                                size_t len)
{
    uint64_t hash = hash_bytes(0, name, len);
    struct rb_node *node = dir->names.root;

    while (node) {
        int order = compare_names(by_name(node), hash, name, len);

        if (order == 0) {
            return by_name(node);
        }
        node = order < 0 ? node->right : node->left;
    }
    return NULL;
}

/* ---- entries ---- */

static int entry_new(const char *name, size_t len, struct tmpfs_entry **out)
{
    struct tmpfs_entry *e = kmalloc(sizeof(*e) + len);

    if (!e) {
        return -ENOMEM;
    }
    memcpy(e->name, name, len);
    e->len = len;
    e->hash = hash_bytes(0, name, len);
    *out = e;
    return 0;
}

static void changed(struct tmpfs_inode *dir)
{
    dir->inode.size = tmpfs_dir_size(dir->entries);
    dir->inode.version++;
    dir->inode.mtime = dir->inode.ctime = clock_realtime();
}

/* Takes the reference on inode. */
static void insert(struct tmpfs_inode *dir, struct tmpfs_entry *e,
                   struct inode *inode)
{
    e->inode = inode;
    e->cookie = ++dir->last_cookie;
    rb_insert(&dir->names, &e->by_name, name_order);
    rb_insert(&dir->cookies, &e->by_cookie, cookie_order);
    dir->entries++;
    if (S_ISDIR(inode->mode)) {
        dir->inode.nlink++;
    }
    changed(dir);
}

/* The reference on the inode is the caller's. */
static struct inode *erase(struct tmpfs_inode *dir, struct tmpfs_entry *e)
{
    struct inode *inode = e->inode;

    rb_erase(&dir->names, &e->by_name);
    rb_erase(&dir->cookies, &e->by_cookie);
    dir->entries--;
    if (S_ISDIR(inode->mode)) {
        dir->inode.nlink--;
    }
    changed(dir);
    kfree(e);
    return inode;
}

/* ---- operations ---- */

int tmpfs_lookup(struct inode *dir, const char *name, size_t len,
                 struct inode **out)
{
    struct tmpfs_entry *e = find(tmpfs_inode(dir), name, len);

    if (!e) {
        return -ENOENT;
    }
    inode_get(e->inode);
    *out = e->inode;
    return 0;
}

/* The entry with the lowest cookie above `after`. */
static struct tmpfs_entry *next_entry(struct tmpfs_inode *dir, uint64_t after)
{
    struct rb_node *node = dir->cookies.root, *best = NULL;

    while (node) {
        if (by_cookie(node)->cookie > after) {
            best = node;
            node = node->left;
        } else {
            node = node->right;
        }
    }
    return by_cookie(best);
}

int tmpfs_readdir(struct inode *dir, struct dir_sink *sink)
{
    struct tmpfs_inode *t = tmpfs_inode(dir);
    struct tmpfs_entry *e = next_entry(t, sink->pos);

    while (e) {
        if (!sink->emit(sink, e->name, e->len, e->inode->ino,
                        (e->inode->mode & S_IFMT) >> 12, e->cookie)) {
            break;
        }
        sink->pos = e->cookie;
        e = by_cookie(rb_next(&e->by_cookie));
    }
    return 0;
}

int tmpfs_make(struct inode *dir, const char *name, size_t len,
               const struct inode_attr *attr, struct inode **out)
{
    struct tmpfs_entry *e;
    struct inode *inode;
    int err = entry_new(name, len, &e);

    if (err) {
        return err;
    }
    err = tmpfs_new(dir->sb, attr, &inode);
    if (err) {
        kfree(e);
        return err;
    }
    insert(tmpfs_inode(dir), e, inode);
    inode_get(inode);
    *out = inode;
    return 0;
}

int tmpfs_symlink(struct inode *dir, const char *name, size_t len,
                  const char *target, const struct inode_attr *attr,
                  struct inode **out)
{
    char *text = kstrdup(target);
    int err;

    if (!text) {
        return -ENOMEM;
    }
    if (tmpfs_link_pages(target) && !page_charge(dir->sb)) {
        kfree(text);
        return -ENOSPC;
    }
    err = tmpfs_make(dir, name, len, attr, out);
    if (err) {
        if (tmpfs_link_pages(target)) {
            page_uncharge(dir->sb);
        }
        kfree(text);
        return err;
    }
    (*out)->link = text;
    (*out)->size = strlen(text);
    return 0;
}

int tmpfs_link(struct inode *dir, const char *name, size_t len,
               struct inode *inode)
{
    struct tmpfs_entry *e;
    bool counts = inode->nlink;
    int err;

    if (counts && !tmpfs_count_inode(dir->sb)) {
        return -ENOSPC;
    }
    err = entry_new(name, len, &e);
    if (err) {
        if (counts) {
            tmpfs_uncount_inode(dir->sb);
        }
        return err;
    }
    inode_get(inode);
    insert(tmpfs_inode(dir), e, inode);
    inode->nlink++;
    inode->ctime = clock_realtime();
    return 0;
}

/* inode loses the name that e was. */
static void lose_name(struct inode *inode)
{
    if (!S_ISDIR(inode->mode) && inode->nlink > 1) {
        tmpfs_uncount_inode(inode->sb);
    }
    inode->nlink -= S_ISDIR(inode->mode) ? MIN(inode->nlink, 2u) : 1;
    inode->ctime = clock_realtime();
    inode_put(inode);
}

int tmpfs_unlink(struct inode *dir, const char *name, size_t len,
                 struct inode *inode)
{
    struct tmpfs_entry *e = find(tmpfs_inode(dir), name, len);

    if (!e) {
        return -ENOENT;
    }
    lose_name(erase(tmpfs_inode(dir), e));
    return 0;
}

int tmpfs_rmdir(struct inode *dir, const char *name, size_t len,
                struct inode *inode)
{
    if (tmpfs_inode(inode)->entries != 0) {
        return -ENOTEMPTY;
    }
    return tmpfs_unlink(dir, name, len, inode);
}

static int exchange(struct rename_args *a)
{
    struct tmpfs_inode *from = tmpfs_inode(a->from_dir);
    struct tmpfs_inode *to = tmpfs_inode(a->to_dir);
    struct tmpfs_entry *x = find(from, a->from_name, a->from_len);
    struct tmpfs_entry *y = find(to, a->to_name, a->to_len);
    struct inode *inode;
    int delta;

    if (!x || !y) {
        return -ENOENT;
    }
    inode = x->inode;
    x->inode = y->inode;
    y->inode = inode;
    delta = S_ISDIR(x->inode->mode) - S_ISDIR(y->inode->mode);
    from->inode.nlink += delta;
    to->inode.nlink -= delta;
    x->inode->ctime = y->inode->ctime = clock_realtime();
    changed(from);
    changed(to);
    return 0;
}

/* The whiteout that a rename leaves behind: inode and entry. */
static int whiteout_new(struct rename_args *a, struct tmpfs_entry **e,
                        struct inode **inode)
{
    struct inode_attr attr = {.mode = S_IFCHR};
    int err = entry_new(a->from_name, a->from_len, e);

    if (!err) {
        err = tmpfs_new(a->from_dir->sb, &attr, inode);
        if (err) {
            kfree(*e);
        }
    }
    return err;
}

int tmpfs_rename(struct rename_args *a)
{
    struct tmpfs_inode *from = tmpfs_inode(a->from_dir);
    struct tmpfs_inode *to = tmpfs_inode(a->to_dir);
    struct tmpfs_entry *e, *old, *target, *white = NULL;
    struct inode *white_inode;
    int err;

    if (a->flags & RENAME_EXCHANGE) {
        return exchange(a);
    }
    old = find(from, a->from_name, a->from_len);
    target = find(to, a->to_name, a->to_len);
    if (!old) {
        return -ENOENT;
    }
    if (target && S_ISDIR(target->inode->mode) &&
        tmpfs_inode(target->inode)->entries != 0) {
        return -ENOTEMPTY;
    }
    err = entry_new(a->to_name, a->to_len, &e);
    if (!err && a->flags & RENAME_WHITEOUT) {
        err = whiteout_new(a, &white, &white_inode);
        if (err) {
            kfree(e);
        }
    }
    if (err) {
        return err;
    }
    if (target) {
        lose_name(erase(to, target));
    }
    insert(to, e, erase(from, old));
    e->inode->ctime = clock_realtime();
    if (white) {
        insert(from, white, white_inode);
    }
    return 0;
}

/* ---- the end ---- */

/* Moves dir's entries to a list linked by by_cookie.left. */
static void unhang(struct tmpfs_inode *dir, struct rb_node **todo)
{
    struct rb_node *node = rb_first(&dir->cookies), *next;

    for (; node; node = next) {
        next = rb_next(node);
        rb_erase(&dir->cookies, node);
        node->left = *todo;
        *todo = node;
    }
    dir->names = dir->cookies = RB_TREE_INIT;
}

/* Without recursion, since trees are deep and kernel stacks are not: a child
 * that goes with its last name gives its entries to the list first. */
void tmpfs_drop_names(struct tmpfs_inode *dir)
{
    struct rb_node *todo = NULL;

    unhang(dir, &todo);
    while (todo) {
        struct tmpfs_entry *e = by_cookie(todo);

        todo = todo->left;
        if (S_ISDIR(e->inode->mode) && e->inode->refs == 1) {
            unhang(tmpfs_inode(e->inode), &todo);
        }
        inode_put(e->inode);
        kfree(e);
    }
}
