/* SPDX-License-Identifier: MIT
 *
 * Names of unix(7): a path (an inode of type socket, whose `object` is the
 * bound socket), or abstract, in a table of our own.
 *
 * names_lock guards the table, the inodes' objects, and names' owners: who is
 * found under it is alive, because its end takes it away here first.
 */
#include "kernel/net/unix/unix_private.h"
#include "kernel/fs/current.h"
#include "kernel/fs/landlock/landlock.h"
#include "kernel/fs/names.h"
#include "kernel/fs/view.h"
#include "kernel/mm/heap.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"
#include "lib/atomic.h"
#include "lib/fmt.h"
#include "lib/string.h"

enum {
    FAMILY_SIZE = sizeof(uint16_t),
    BUCKETS = 256,
    AUTOBIND_NAMES = 1 << 20,
};

static struct spinlock names_lock = SPINLOCK_INIT(LOCK_PIPE);
static struct list table[BUCKETS]; /* zero: not yet used */
static uint32_t last_auto;

/* ---- names ---- */

void unix_name_ref(struct unix_name *n)
{
    atomic_fetch_add(&n->refs, 1);
}

void unix_name_unref(struct unix_name *n)
{
    if (n && atomic_sub_fetch(&n->refs, 1) == 0) {
        kfree(n);
    }
}

uint32_t unix_name_put(struct unix_name *n, struct abi_sockaddr *out)
{
    if (!n) {
        out->family = AF_UNIX;
        return FAMILY_SIZE;
    }
    memcpy(out, &n->name, n->len);
    return n->len;
}

static int check_name(const struct abi_sockaddr *name, uint32_t len)
{
    return len <= FAMILY_SIZE || len > sizeof(struct abi_sockaddr_un) ||
                   name->family != AF_UNIX
               ? -EINVAL
               : 0;
}

static bool is_abstract(const struct abi_sockaddr *name)
{
    return name->data[0] == 0;
}

static struct unix_name *name_new(const struct abi_sockaddr *name, uint32_t len)
{
    struct unix_name *n = kzalloc(sizeof(*n));

    if (n) {
        n->refs = 1;
        memcpy(&n->name, name, len);
        n->len = len;
        list_init(&n->node);
    }
    return n;
}

/* ---- abstract names ---- */

static struct list *bucket_of(const void *name, uint32_t len)
{
    struct list *b = &table[name_hash(name, len) % BUCKETS];

    if (!b->next) {
        list_init(b);
    }
    return b;
}

/* Names of different types do not meet. names_lock is held. */
static struct unix_name *find_abstract(const void *name, uint32_t len, int type)
{
    list_for_each (pos, bucket_of(name, len)) {
        struct unix_name *n = list_entry(pos, struct unix_name, node);

        if (n->len == len && n->owner->s.type == type &&
            memcmp(&n->name, name, len) == 0) {
            return n;
        }
    }
    return NULL;
}

/* Gives u its name, once. names_lock is held. */
static int set_name(struct unix_socket *u, struct unix_name *n)
{
    if (u->name) {
        return -EINVAL;
    }
    n->owner = u;
    atomic_store_release(&u->name, n);
    return 0;
}

static int bind_abstract(struct unix_socket *u, struct unix_name *n)
{
    int err;

    spin_lock(&names_lock);
    err = !u->name && find_abstract(&n->name, n->len, u->s.type)
              ? -EADDRINUSE
              : set_name(u, n);
    if (!err) {
        list_add_tail(bucket_of(&n->name, n->len), &n->node);
    }
    spin_unlock(&names_lock);
    return err;
}

int unix_autobind(struct unix_socket *u)
{
    struct abi_sockaddr name = {.family = AF_UNIX};
    struct unix_name *n;
    char digits[8];
    int err = -ENOSPC;

    if (atomic_load_acquire(&u->name)) {
        return 0;
    }
    n = name_new(&name, FAMILY_SIZE + 6);
    if (!n) {
        return -ENOMEM;
    }
    for (unsigned i = 0; i < AUTOBIND_NAMES; i++) {
        uint32_t number = atomic_fetch_add(&last_auto, 1) % AUTOBIND_NAMES;

        fmt_scnprintf(digits, sizeof(digits), "%05x", number);
        memcpy(n->name.path + 1, digits, 5);
        err = bind_abstract(u, n);
        if (err != -EADDRINUSE) {
            break;
        }
    }
    if (err) {
        unix_name_unref(n);
    }
    return err == -EINVAL ? 0 : err; /* somebody else was quicker */
}

/* ---- paths ---- */

static struct inode *inode_of(const struct path *path)
{
    return atomic_load_acquire(&path->dentry->inode->data);
}

/* The permissions of a name are those of the socket, which fchmod(2) may have
 * changed. */
static uint32_t mode_of(struct unix_socket *u)
{
    struct file *f = u->s.file;

    return f ? f->path.dentry->inode->mode : S_IFSOCK | 0777;
}

static int bind_path(struct unix_socket *u, struct unix_name *n)
{
    /* The umask counts even where a default list of the directory does. */
    uint32_t mode = mode_of(u) & ~atomic_load_relaxed(&current_view()->umask);
    int err = name_make_path(NULL, n->name.path, mode, 0, &n->path);

    if (err) {
        return err == -EEXIST ? -EADDRINUSE : err;
    }
    spin_lock(&names_lock);
    err = set_name(u, n);
    if (!err) {
        n->inode = inode_of(&n->path);
        n->inode->object = u;
    }
    spin_unlock(&names_lock);
    if (err) { /* bound already; Linux, too, sees it only now */
        name_remove(NULL, n->name.path, false);
        path_put(&n->path);
    }
    return err;
}

int unix_bind(struct socket *s, const struct abi_sockaddr *name, uint32_t len)
{
    struct unix_socket *u = unix_of(s);
    struct unix_name *n;
    int err;

    if (len == FAMILY_SIZE && name->family == AF_UNIX) {
        return unix_autobind(u);
    }
    err = check_name(name, len);
    if (err) {
        return err;
    }
    n = name_new(name, len);
    if (!n) {
        return -ENOMEM;
    }
    if (is_abstract(name)) {
        err = bind_abstract(u, n);
    } else {
        n->len = FAMILY_SIZE + strnlen(n->name.path, UNIX_PATH_MAX) + 1;
        err = bind_path(u, n);
    }
    if (err) {
        unix_name_unref(n);
    }
    return err;
}

void unix_unbind(struct unix_socket *u)
{
    struct unix_name *n = u->name;
    bool path;

    if (!n) {
        return;
    }
    spin_lock(&names_lock);
    path = n->owner == u && n->inode;
    if (n->owner == u) {
        list_del(&n->node);
        if (path) {
            n->inode->object = NULL;
        }
        n->owner = NULL;
    }
    spin_unlock(&names_lock);
    if (path) {
        path_put(&n->path);
    }
}

/* ---- finding ---- */

static int find_by_path(const char *name, struct unix_socket **out)
{
    struct path path;
    struct inode *inode;
    int err = path_find(NULL, name, WALK_FOLLOW, &path);

    if (err) {
        return err;
    }
    inode = inode_of(&path);
    err = inode_may(path.dentry->inode, MAY_WRITE);
    if (!err && !S_ISSOCK(inode->mode)) {
        err = -ECONNREFUSED;
    }
    if (!err) {
        spin_lock(&names_lock);
        *out = inode->object;
        if (*out) {
            socket_ref(&(*out)->s);
        }
        spin_unlock(&names_lock);
        err = *out ? 0 : -ECONNREFUSED;
    }
    path_put(&path);
    return err;
}

/* names_lock is held, so that `to` keeps its domain. */
static int check_scope(const struct unix_socket *from, struct unix_socket *to)
{
    if (likely(!current_landlock()) || from->peer == to ||
        !landlock_scopes(to->domain, LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET)) {
        return 0;
    }
    return to->s.type == SOCK_DGRAM ||
                   atomic_load_acquire(&to->state) == UNIX_LISTENS
               ? -EPERM
               : -ECONNREFUSED;
}

static int find_by_name(const struct unix_socket *from,
                        const struct abi_sockaddr *name, uint32_t len,
                        struct unix_socket **out)
{
    struct unix_name *n;
    int err;

    spin_lock(&names_lock);
    n = find_abstract(name, len, from->s.type);
    err = n ? check_scope(from, n->owner) : -ECONNREFUSED;
    if (!err) {
        *out = n->owner;
        socket_ref(&(*out)->s);
    }
    spin_unlock(&names_lock);
    return err;
}

int unix_find(struct unix_socket *from, const struct abi_sockaddr *name,
              uint32_t len, struct unix_socket **out)
{
    char text[UNIX_PATH_MAX + 1] = {0};
    int err = check_name(name, len);

    if (err) {
        return err;
    }
    if (is_abstract(name)) {
        err = find_by_name(from, name, len, out);
    } else {
        memcpy(text, name->data, len - FAMILY_SIZE);
        err = find_by_path(text, out);
    }
    if (!err && (*out)->s.type != from->s.type) {
        socket_unref(&(*out)->s);
        err = -EPROTOTYPE;
    }
    return err;
}
