/* SPDX-License-Identifier: MIT
 *
 * The layered file system: what a directory lists. The names of all layers are
 * collected when a listing begins, and kept with the directory's inode: a name
 * that is still there the next time keeps its cookie, so that a listing in
 * progress is not confused by another that begins. What the upper layer has is
 * looked up for its number, which may be its original's.
 */
#include "kernel/fs/layered/layered.h"
#include "kernel/mm/heap.h"
#include "lib/list.h"
#include "lib/string.h"
#include "abi/linux/dirent.h"
#include "abi/linux/errno.h"

struct entry {
    struct rb_node by_name;
    struct list node; /* by cookie */
    uint64_t cookie, ino;
    uint32_t pass; /* the collection that has seen it */
    uint8_t type;
    bool white; /* not there, whatever lower layers say */
    bool upper;
    uint16_t len;
    char name[];
};

struct layered_list {
    struct rb_tree names;
    struct list order;
    uint64_t last_cookie;
    uint32_t pass;
};

static struct entry *entry_of(const struct rb_node *node)
{
    return rb_entry(node, struct entry, by_name);
}

static int compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int order = memcmp(a, b, MIN(a_len, b_len));

    return order ? order : a_len < b_len ? -1 : a_len > b_len;
}

static int name_order(const struct rb_node *a, const struct rb_node *b)
{
    const struct entry *x = entry_of(a), *y = entry_of(b);

    return compare(x->name, x->len, y->name, y->len);
}

static struct entry *find(struct layered_list *l, const char *name, size_t len)
{
    struct rb_node *node = l->names.root;

    while (node) {
        struct entry *e = entry_of(node);
        int order = compare(name, len, e->name, e->len);

        if (order == 0) {
            return e;
        }
        node = order < 0 ? node->left : node->right;
    }
    return NULL;
}

static struct entry *add(struct layered_list *l, const char *name, size_t len)
{
    struct entry *e = kmalloc(sizeof(*e) + len);

    if (e) {
        e->len = (uint16_t)len;
        memcpy(e->name, name, len);
        e->cookie = ++l->last_cookie;
        e->pass = 0;
        rb_insert(&l->names, &e->by_name, name_order);
        list_add_tail(&l->order, &e->node);
    }
    return e;
}

static void drop(struct layered_list *l, struct entry *e)
{
    rb_erase(&l->names, &e->by_name);
    list_del(&e->node);
    kfree(e);
}

void layered_list_free(struct layered_list *l)
{
    if (l) {
        list_for_each_safe (pos, &l->order) {
            drop(l, list_entry(pos, struct entry, node));
        }
        kfree(l);
    }
}

/* ---- collecting ---- */

struct collector {
    struct dir_sink sink;
    struct layered_list *list;
    struct inode *real;
    const struct layered *fs; /* of a lower layer; NULL: of the upper */
    bool failed;
};

static bool is_white(struct inode *real, const char *name, size_t len,
                     uint8_t type)
{
    struct inode *found;
    bool white;

    if ((type != DT_CHR && type != DT_UNKNOWN) ||
        real->ops->lookup(real, name, len, &found)) {
        return false;
    }
    white = layered_is_whiteout(found);
    inode_put(found);
    return white;
}

/* What a layer above has, or hides, has been seen in this pass. */
static bool collect(struct dir_sink *sink, const char *name, size_t len,
                    uint64_t ino, uint8_t type, uint64_t next)
{
    struct collector *c = container_of(sink, struct collector, sink);
    struct entry *e = find(c->list, name, len);

    if (e && e->pass == c->list->pass) {
        return true;
    }
    e = e ? e : add(c->list, name, len);
    if (!e) {
        c->failed = true;
        return false;
    }
    e->pass = c->list->pass;
    e->upper = !c->fs;
    e->ino = c->fs ? layered_number(c->fs, c->real->sb, ino) : ino;
    e->type = type;
    e->white = is_white(c->real, name, len, type);
    return true;
}

static int collect_layer(struct layered_list *l, struct inode *real,
                         const struct layered *fs)
{
    struct collector c = {{collect, 0}, l, real, fs, false};
    int err;

    mutex_lock(&real->lock);
    err = real->ops->readdir(real, &c.sink);
    mutex_unlock(&real->lock);
    return c.failed ? -ENOMEM : err;
}

static int make_list(struct layered_inode *n)
{
    n->list = kzalloc(sizeof(*n->list));
    if (!n->list) {
        return -ENOMEM;
    }
    n->list->names = RB_TREE_INIT;
    list_init(&n->list->order);
    return 0;
}

static int refresh(struct inode *dir)
{
    struct layered_inode *n = layered_inode(dir);
    struct inode *upper = layered_upper(dir);
    int err = n->list ? 0 : make_list(n);

    if (err) {
        return err;
    }
    n->list->pass++;
    err = upper ? collect_layer(n->list, upper, NULL) : 0;
    for (unsigned i = 0; !err && i < n->lower_count; i++) {
        err = collect_layer(n->list, n->lower[i], layered_of(dir->sb));
    }
    list_for_each_safe (pos, &n->list->order) {
        struct entry *e = list_entry(pos, struct entry, node);

        if (!err && e->pass != n->list->pass) {
            drop(n->list, e);
        }
    }
    return err;
}

/* ---- listing ---- */

static uint64_t number_of(struct inode *dir, const struct entry *e)
{
    struct inode *inode;
    uint64_t number = e->ino;

    if (e->upper && layered_lookup(dir, e->name, e->len, &inode) == 0) {
        number = inode->ino;
        inode_put(inode);
    }
    return number;
}

int layered_readdir(struct inode *dir, struct dir_sink *sink)
{
    struct layered_inode *n = layered_inode(dir);
    int err = sink->pos == 0 || !n->list ? refresh(dir) : 0;

    if (err) {
        return err;
    }
    list_for_each (pos, &n->list->order) {
        struct entry *e = list_entry(pos, struct entry, node);

        if (e->cookie <= sink->pos) {
            continue;
        }
        if (!e->white && !sink->emit(sink, e->name, e->len, number_of(dir, e),
                                     e->type, e->cookie)) {
            break;
        }
        sink->pos = e->cookie;
    }
    return 0;
}

int layered_check_empty(struct inode *dir)
{
    int err = refresh(dir);

    if (err) {
        return err;
    }
    list_for_each (pos, &layered_inode(dir)->list->order) {
        if (!list_entry(pos, struct entry, node)->white) {
            return -ENOTEMPTY;
        }
    }
    return 0;
}
