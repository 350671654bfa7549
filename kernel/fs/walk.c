/* SPDX-License-Identifier: MIT
 *
 * The walk (path.h). While w->section is set, w->at needs no count; w->pin is
 * what the walk counts: the start of the present section if it had to leave
 * one. Puts may free, which shuts sections out, so they happen outside.
 */
#include "kernel/fs/path.h"
#include "kernel/fs/attr.h"
#include "kernel/fs/current.h"
#include "kernel/fs/dcache.h"
#include "kernel/core/log.h"
#include "kernel/mm/heap.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "abi/linux/stat.h"
#include "abi/linux/statfs.h"

enum { LINKS_MAX = 40 };

static void enter(struct walk *w)
{
    w->section = dcache_enter();
}

static void leave(struct walk *w)
{
    if (w->section) {
        dcache_leave(w->section);
        w->section = NULL;
    }
}

/* The pin becomes `to`, counted already. Outside a section. */
static void repin(struct walk *w, struct path to)
{
    struct path old = w->pin;

    w->pin = to;
    path_put(&old);
}

int walk_pin(struct walk *w)
{
    if (!w->section) {
        return 0;
    }
    path_get(&w->at);
    leave(w);
    repin(w, w->at);
    return 0;
}

void walk_take(struct walk *w, struct path *out)
{
    walk_pin(w);
    *out = w->pin;
    w->pin = (struct path){NULL, NULL};
}

int walk_begin(struct walk *w, const struct path *start, const char *name,
               unsigned flags)
{
    w->rest = name;
    w->pin = (struct path){NULL, NULL};
    w->view = current_view();
    w->scope = NULL;
    w->flags = flags;
    w->links = 0;
    w->text = NULL;
    w->have_cred = false;
    w->section = NULL;
    if (!*name && !(flags & WALK_EMPTY)) {
        return -ENOENT;
    }
    if (*name == '/' && flags & WALK_BENEATH) {
        return -EXDEV;
    }
    enter(w);
    if (flags & (WALK_BENEATH | WALK_IN_ROOT)) {
        /* Without a descriptor the scope is the cwd, which another task may
         * change: hold it. */
        w->at = start ? *start : w->view->cwd;
        if (!start) {
            walk_pin(w);
            enter(w);
        }
        w->scope_path = w->at;
        w->scope = &w->scope_path;
    } else if (*name == '/') {
        w->at = w->view->root;
    } else {
        w->at = start ? *start : w->view->cwd;
    }
    return 0;
}

void walk_end(struct walk *w)
{
    leave(w);
    if (w->pin.mount) {
        path_put(&w->pin);
    }
    kfree(w->text);
}

static struct path root_of(struct walk *w)
{
    return w->scope ? *w->scope : w->view->root;
}

static __attribute__((noinline)) int may_search_by_cred(struct walk *w)
{
    if (!w->have_cred) {
        if (w->flags & WALK_REAL_IDS) {
            fs_real_cred(&w->cred);
        } else {
            fs_current_cred(&w->cred);
        }
        w->have_cred = true;
    }
    return inode_permission(w->at.dentry->inode, MAY_EXEC, &w->cred);
}

static inline int may_search(struct walk *w)
{
    struct inode *inode = w->at.dentry->inode, *data;

    if (!inode || !S_ISDIR(inode->mode)) {
        return -ENOTDIR;
    }
    data = atomic_load_acquire(&inode->data);
    if (likely((data->mode & 0111) == 0111 && !data->acl)) {
        return 0;
    }
    return may_search_by_cred(w);
}

/* Down into what is mounted here. */
static int cross(struct walk *w)
{
    struct path top = mount_top(w->at);

    if (top.mount != w->at.mount && w->flags & WALK_NO_XDEV) {
        return -EXDEV;
    }
    w->at = top;
    return 0;
}

/* What was moved out of the directory that its mount shows leads nowhere up:
 * not to where the mount never was, nor past a root below it. */
static bool is_shown(struct dentry *d, const struct mount *m)
{
    return m->root == m->root->parent || dentry_below(d, m->root);
}

static int go_up(struct walk *w)
{
    struct path root = root_of(w);

    for (;;) {
        struct path *at = &w->at;

        if (at->dentry == root.dentry && at->mount == root.mount) {
            return w->flags & WALK_BENEATH ? -EXDEV : 0;
        }
        if (at->dentry != at->mount->root) {
            at->dentry = at->dentry->parent;
            return is_shown(at->dentry, at->mount) ? cross(w) : -ENOENT;
        }
        if (!at->mount->parent) {
            return 0;
        }
        if (w->flags & WALK_NO_XDEV) {
            return -EXDEV;
        }
        w->at = (struct path){at->mount->parent, at->mount->point};
    }
}

/* ---- symbolic links ---- */

/* rest becomes text (len bytes, no NUL) and what is left behind it. */
static int splice_text(struct walk *w, const char *text, size_t len)
{
    size_t rest = strlen(w->rest);
    bool slash = rest > 0;
    char *joined;

    if (len == 0) {
        return -ENOENT;
    }
    if (len + slash + rest >= 2 * PATH_LENGTH_MAX) {
        return -ENAMETOOLONG;
    }
    joined = kmalloc(len + slash + rest + 1);
    if (!joined) {
        return -ENOMEM;
    }
    memcpy(joined, text, len);
    if (slash) {
        joined[len] = '/';
    }
    memcpy(joined + len + slash, w->rest, rest + 1);
    kfree(w->text);
    w->text = joined;
    w->rest = joined;
    if (*joined == '/') {
        if (w->flags & WALK_BENEATH) {
            return -EXDEV;
        }
        w->at = root_of(w);
    }
    return 0;
}

static int count_link(struct walk *w)
{
    if (w->flags & WALK_NO_LINKS || ++w->links > LINKS_MAX ||
        w->at.mount->flags & ST_NOSYMFOLLOW) {
        return -ELOOP;
    }
    return 0;
}

/* A link that leads to an object. Outside a section; at is pinned. */
static int follow_magic(struct walk *w, struct inode *inode)
{
    struct path to;
    int err;

    if (w->flags & WALK_NO_MAGIC) {
        return -ELOOP;
    }
    if (w->scope) {
        return -EXDEV;
    }
    err = inode->ops->follow(inode, &to);
    if (err) {
        return err;
    }
    if (w->flags & WALK_NO_XDEV && to.mount != w->at.mount) {
        path_put(&to);
        return -EXDEV;
    }
    repin(w, to);
    enter(w);
    w->at = to;
    return 0;
}

static int read_and_splice(struct walk *w, struct inode *inode)
{
    char *buf = kmalloc(PATH_LENGTH_MAX);
    int len;

    if (!buf) {
        return -ENOMEM;
    }
    len = inode->ops->readlink(inode, buf, PATH_LENGTH_MAX);
    enter(w);
    if (len >= 0) {
        len = splice_text(w, buf, len);
    }
    kfree(buf);
    return len;
}

/* d is counted, at is pinned, outside a section; ends in one. */
static int follow_slowly(struct walk *w, struct dentry *d)
{
    struct inode *inode = d->inode;
    const char *link = atomic_load_acquire(&inode->data)->link;

    if (inode->ops->follow) {
        return follow_magic(w, inode);
    }
    if (!link) {
        return read_and_splice(w, inode);
    }
    enter(w);
    return splice_text(w, link, strlen(link));
}

/* The put may free, which must not happen in the section. */
static int follow_and_put(struct walk *w, struct dentry *d)
{
    int err = follow_slowly(w, d);

    walk_pin(w);
    dentry_put(d);
    enter(w);
    return err;
}

int walk_follow(struct walk *w, struct dentry *d)
{
    int err = count_link(w);

    if (err) {
        dentry_put(d);
        return err;
    }
    return follow_and_put(w, d);
}

/* d, found in this section, is a link to be followed. */
static int follow(struct walk *w, struct dentry *d)
{
    struct inode *data = atomic_load_acquire(&d->inode->data);
    int err = count_link(w);

    if (err) {
        return err;
    }
    touch_link_atime(w->at.mount, d->inode);
    if (data->link && !d->inode->ops->follow) {
        return splice_text(w, data->link, strlen(data->link));
    }
    dentry_get(d);
    walk_pin(w);
    return follow_and_put(w, d);
}

/* ---- names ---- */

struct name {
    const char *text;
    size_t len;
    uint64_t hash;
    bool slash, last; /* slashes follow; nothing else follows */
};

/* Takes the next name off rest; false: there is none. */
static bool next_name(struct walk *w, struct name *n)
{
    const char *p = w->rest;
    uint64_t hash = name_hash_seed, word, end;

    while (*p == '/') {
        p++;
    }
    n->text = p;
    word = path_word(p);
    while (!name_end(word)) {
        hash = name_hash_word(hash, word);
        p += sizeof(word);
        word = path_word(p);
    }
    end = name_end(word);
    word &= ((end & -end) - 1) >> 7; /* what comes before it */
    p += (unsigned)__builtin_ctzll(end) / 8;
    n->len = p - n->text;
    n->hash = name_hash_word(hash, word);
    n->slash = *p == '/';
    while (*p == '/') {
        p++;
    }
    n->last = !*p;
    w->rest = p;
    return n->len > 0;
}

/* The cache does not know: asks the leaf. The result is pinned, in a section;
 * or a link was followed. */
static int look_slowly(struct walk *w, const struct name *n)
{
    struct inode *dir = w->at.dentry->inode;
    struct dentry *d;
    int err;

    if (w->flags & WALK_CACHED) {
        return -EAGAIN;
    }
    walk_pin(w);
    mutex_lock(&dir->lock);
    err = dentry_lookup(w->at.dentry, n->text, n->len, &d);
    mutex_unlock(&dir->lock);
    if (err) {
        return err;
    }
    if (!d->inode) {
        dentry_put(d);
        return -ENOENT;
    }
    if (S_ISLNK(d->inode->mode) &&
        (!n->last || n->slash || w->flags & WALK_FOLLOW)) {
        return walk_follow(w, d);
    }
    mount_get(w->at.mount);
    w->at.dentry = d;
    repin(w, w->at);
    enter(w);
    return cross(w);
}

static int look(struct walk *w, const struct name *n)
{
    struct dentry *d = dcache_find(w->at.dentry, n->text, n->len, n->hash);
    struct inode *inode;

    if (unlikely(!d || w->at.dentry->inode->flags & INODE_ASK_AGAIN)) {
        return look_slowly(w, n);
    }
    dentry_use(d);
    inode = atomic_load_acquire(&d->inode);
    if (!inode) {
        return -ENOENT;
    }
    if (S_ISLNK(inode->mode) &&
        (!n->last || n->slash || w->flags & WALK_FOLLOW)) {
        return follow(w, d);
    }
    w->at.dentry = d;
    return d->mounted ? cross(w) : 0;
}

static bool is_dot(const char *name, size_t len)
{
    return len == 1 && name[0] == '.';
}

static bool is_dot_dot(const char *name, size_t len)
{
    return len == 2 && name[0] == '.' && name[1] == '.';
}

static int step(struct walk *w, const struct name *n)
{
    if (n->len <= 2 && is_dot(n->text, n->len)) {
        return 0;
    }
    if (n->len <= 2 && is_dot_dot(n->text, n->len)) {
        return go_up(w);
    }
    if (n->len > NAME_LENGTH_MAX) {
        return -ENAMETOOLONG;
    }
    return look(w, n);
}

int walk_all(struct walk *w)
{
    bool directory = w->flags & WALK_DIRECTORY;
    struct name n;
    int err = 0;

    while (!err && next_name(w, &n)) {
        err = may_search(w);
        if (!err) {
            err = step(w, &n);
            directory |= n.last && n.slash;
        }
    }
    if (!err && directory && !S_ISDIR(w->at.dentry->inode->mode)) {
        err = -ENOTDIR;
    }
    return err;
}

int walk_parent(struct walk *w)
{
    struct name n = {.text = w->rest};
    int err = 0;

    w->last_len = 0;
    w->last_slash = false;
    while (!err && next_name(w, &n)) {
        err = may_search(w);
        if (!err && n.last) {
            w->last = n.text;
            w->last_len = n.len;
            w->last_slash = n.slash;
            return 0;
        }
        if (!err) {
            err = step(w, &n);
        }
    }
    return err;
}

bool walk_last_is_dots(const struct walk *w)
{
    return w->last_len == 0 || is_dot(w->last, w->last_len) ||
           is_dot_dot(w->last, w->last_len);
}

int walk_lock(struct walk *w, struct dentry **d)
{
    struct inode *dir;
    int err;

    walk_pin(w);
    dir = w->at.dentry->inode;
    mutex_lock(&dir->lock);
    err = dentry_lookup(w->at.dentry, w->last, w->last_len, d);
    if (err) {
        mutex_unlock(&dir->lock);
    }
    return err;
}

void walk_unlock(struct walk *w, struct dentry *d)
{
    mutex_unlock(&w->at.dentry->inode->lock);
    dentry_put(d);
}

int path_find(const struct path *start, const char *name, unsigned flags,
              struct path *out)
{
    struct walk w;
    int err = walk_begin(&w, start, name, flags);

    if (!err) {
        err = walk_all(&w);
        if (!err) {
            walk_take(&w, out);
        }
    }
    walk_end(&w);
    return err;
}
