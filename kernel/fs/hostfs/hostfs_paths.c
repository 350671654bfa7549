/* SPDX-License-Identifier: MIT
 *
 * hostfs: the paths that inodes know, below the root. sb->lock guards them; who
 * asks the host by one copies it first. A rename changes all that lie below
 * what moved, and who was on the way with an old one asks again
 * (hostfs_moved()).
 */
#include "kernel/fs/hostfs/hostfs.h"
#include "kernel/core/timer.h"
#include "kernel/mm/heap.h"
#include "lib/atomic.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

/* ---- copies ---- */

/* A copy of n's path with room for more; "" and NULL differ. */
static int copy_path(struct hostfs_inode *n, size_t more, char **out)
{
    struct spinlock *lock = &n->inode.sb->lock;
    char *buf = kmalloc(PATH_LENGTH_MAX);
    int err = -ESTALE;

    if (!buf) {
        return -ENOMEM;
    }
    spin_lock(lock);
    if (n->path) {
        err = strlcpy(buf, n->path, PATH_LENGTH_MAX) + more < PATH_LENGTH_MAX
                  ? 0
                  : -ENAMETOOLONG;
    }
    spin_unlock(lock);
    if (err) {
        kfree(buf);
        return err;
    }
    *out = buf;
    return 0;
}

int hostfs_path(struct hostfs_inode *n, char **out)
{
    return copy_path(n, 0, out);
}

int hostfs_child_path(struct inode *dir, const char *name, size_t len,
                      char **out)
{
    int err = copy_path(hostfs_inode(dir), len + 1, out);
    size_t at;

    if (!err) {
        at = strlen(*out);
        fmt_snprintf(*out + at, PATH_LENGTH_MAX - at, "%s%.*s", at ? "/" : "",
                     (int)len, name);
    }
    return err == -ESTALE ? -ENOENT : err;
}

uint32_t hostfs_moves(struct hostfs *h)
{
    return atomic_load_acquire(&h->moves);
}

bool hostfs_moved(struct hostfs *h, uint32_t seen, int err)
{
    if (err == -ENOENT) {
        wait_event(&h->moved, !atomic_load_acquire(&h->moving), DEADLINE_NONE,
                   0);
    }
    return (!err || err == -ENOENT) && hostfs_moves(h) != seen;
}

/* ---- names that move, and go ---- */

/* Whether path is at or below top; *rest: what follows. */
static bool is_below(const char *path, const char *top, const char **rest)
{
    size_t len = strlen(top);

    if (strncmp(path, top, len) || (path[len] && path[len] != '/')) {
        return false;
    }
    *rest = path + len;
    return true;
}

/* n's path becomes to and rest, or is lost without memory. The lock is held. */
static void repath(struct hostfs_inode *n, const char *to, const char *rest)
{
    size_t len = strlen(to) + strlen(rest) + 1;
    char *path = kmalloc(len);

    if (path) {
        fmt_snprintf(path, len, "%s%s", to, rest);
    }
    kfree(n->path);
    n->path = path;
}

static void move_path(struct hostfs_inode *n, const char *from, const char *to,
                      bool exchange)
{
    const char *rest;

    if (!n->path) {
        return;
    }
    if (is_below(n->path, from, &rest)) {
        repath(n, to, rest);
    } else if (exchange && is_below(n->path, to, &rest)) {
        repath(n, from, rest);
    }
}

void hostfs_move_paths(struct hostfs *h, const char *from, const char *to,
                       bool exchange)
{
    spin_lock(&h->sb.lock);
    for (size_t i = 0; i < ARRAY_SIZE(h->sb.inodes); i++) {
        list_for_each (pos, &h->sb.inodes[i]) {
            move_path(hostfs_inode(list_entry(pos, struct inode, hash_node)),
                      from, to, exchange);
        }
    }
    atomic_fetch_add(&h->moves, 1);
    spin_unlock(&h->sb.lock);
}

void hostfs_lost_name(struct inode *inode, const char *path)
{
    struct hostfs_inode *n = hostfs_inode(inode);
    struct inode *data = inode->data;
    char *old = NULL;

    data->nlink -= S_ISDIR(inode->mode) ? data->nlink : MIN(data->nlink, 1u);
    spin_lock(&inode->sb->lock);
    if (n->path && (data->nlink == 0 || !strcmp(n->path, path))) {
        old = n->path;
        n->path = NULL;
    }
    spin_unlock(&inode->sb->lock);
    kfree(old);
    if (data->nlink == 0) {
        inode_retire(inode);
    }
}
