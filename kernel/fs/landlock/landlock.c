/* SPDX-License-Identifier: MIT
 *
 * Landlock's domains and what they grant (landlock.h); ruleset.c is how they
 * come to be.
 */
#include "kernel/fs/landlock/landlock_private.h"
#include "kernel/fs/dcache.h"
#include "kernel/mm/heap.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"

/* ---- domains ---- */

void landlock_get(struct landlock *l)
{
    if (l) {
        atomic_fetch_add(&l->refs, 1);
    }
}

void landlock_put(struct landlock *l)
{
    while (l && atomic_sub_fetch(&l->refs, 1) == 0) {
        struct landlock *under = l->under;

        for (unsigned i = 0; i < l->count; i++) {
            inode_put(l->rules[i].inode);
        }
        kfree(l);
        l = under;
    }
}

bool landlock_is_part(const struct landlock *part, const struct landlock *l)
{
    while (l && l != part) {
        l = l->under;
    }
    return l == part;
}

/* ---- what is granted ---- */

/* By each layer, the newest first. */
struct grants {
    uint64_t access[LANDLOCK_LAYERS_MAX];
};

static uint64_t find_rule(const struct landlock *l, uint64_t key)
{
    unsigned from = 0, to = l->count;

    while (from < to) {
        unsigned mid = (from + to) / 2;

        if (l->rules[mid].key == key) {
            return l->rules[mid].access;
        }
        if (l->rules[mid].key < key) {
            from = mid + 1;
        } else {
            to = mid;
        }
    }
    return 0;
}

static void add_grants(const struct landlock *l, uint64_t key, struct grants *g)
{
    for (unsigned i = 0; l; l = l->under, i++) {
        g->access[i] |= find_rule(l, key);
    }
}

static void add_dentry(const struct landlock *l, const struct dentry *d,
                       struct grants *g)
{
    add_grants(l, (uintptr_t)d->inode, g);
}

/* To what is above p, which what it covers is not; false: nothing is. What was
 * moved out of the directory that its mount shows lies where it is now, and in
 * the mount. */
static bool go_up(struct path *p)
{
    while (p->dentry == p->mount->root) {
        if (!p->mount->parent) {
            return false;
        }
        *p = (struct path){p->mount->parent, p->mount->point};
    }
    p->dentry =
        p->dentry->parent != p->dentry ? p->dentry->parent : p->mount->root;
    return true;
}

/* The rules of p and of all that it lies in. */
static void collect(const struct landlock *l, struct path p, struct grants *g)
{
    uint32_t *section = dcache_enter();

    do {
        add_dentry(l, p.dentry, g);
    } while (go_up(&p));
    dcache_leave(section);
}

/* Whether all layers that handle something of access grant it. */
static bool allows(const struct landlock *l, const struct grants *g,
                   uint64_t access)
{
    for (unsigned i = 0; l; l = l->under, i++) {
        if (access & l->fs & ~g->access[i]) {
            return false;
        }
    }
    return true;
}

/* What stands nowhere (pipes, memfds) is no matter of paths. */
int landlock_check_path(const struct path *p, uint64_t access)
{
    const struct landlock *l = current_landlock();
    struct grants g = {{0}};

    if (p->mount->hidden) {
        return 0;
    }
    collect(l, *p, &g);
    return allows(l, &g, access) ? 0 : -EACCES;
}

int landlock_check_port(unsigned port, uint64_t access)
{
    for (const struct landlock *l = current_landlock(); l; l = l->under) {
        if (access & l->net & ~find_rule(l, port)) {
            return -EACCES;
        }
    }
    return 0;
}

bool landlock_scopes(const struct landlock *other, uint64_t scope)
{
    for (const struct landlock *l = current_landlock(); l; l = l->under) {
        if (l->scoped & scope && !landlock_is_part(l, other)) {
            return true;
        }
    }
    return false;
}

int landlock_mounts(void)
{
    for (const struct landlock *l = current_landlock(); l; l = l->under) {
        if (l->fs) {
            return -EPERM;
        }
    }
    return 0;
}

/* ---- moving ---- */

uint64_t landlock_make(uint32_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFLNK:
        return LANDLOCK_ACCESS_FS_MAKE_SYM;
    case S_IFDIR:
        return LANDLOCK_ACCESS_FS_MAKE_DIR;
    case S_IFCHR:
        return LANDLOCK_ACCESS_FS_MAKE_CHAR;
    case S_IFBLK:
        return LANDLOCK_ACCESS_FS_MAKE_BLOCK;
    case S_IFIFO:
        return LANDLOCK_ACCESS_FS_MAKE_FIFO;
    case S_IFSOCK:
        return LANDLOCK_ACCESS_FS_MAKE_SOCK;
    default:
        return LANDLOCK_ACCESS_FS_MAKE_REG;
    }
}

static uint64_t remove_right(const struct dentry *d)
{
    return !d || !d->inode           ? 0
           : S_ISDIR(d->inode->mode) ? LANDLOCK_ACCESS_FS_REMOVE_DIR
                                     : LANDLOCK_ACCESS_FS_REMOVE_FILE;
}

/* Whether what d may be used for at `to` was possible at `from`, by each
 * layer. Its own rules come with it. */
static bool gets_no_more(const struct landlock *l, const struct dentry *d,
                         const struct grants *from, const struct grants *to)
{
    struct grants own = {{0}};
    uint64_t all =
        S_ISDIR(d->inode->mode) ? LANDLOCK_ACCESS_FS_ALL : LANDLOCK_ACCESS_FILE;

    add_dentry(l, d, &own);
    for (unsigned i = 0; l; l = l->under, i++) {
        if (to->access[i] & ~(from->access[i] | own.access[i]) & l->fs & all) {
            return false;
        }
    }
    return true;
}

int landlock_check_move(const struct landlock_move *m)
{
    const uint64_t refer = LANDLOCK_ACCESS_FS_REFER;
    const struct landlock *l = current_landlock();
    uint64_t at_from = m->exchanges ? landlock_make(m->new->inode->mode) : 0;
    uint64_t at_to = landlock_make(m->old->inode->mode);
    struct grants from = {{0}}, to = {{0}};

    if (m->removes) {
        at_from |= remove_right(m->old);
        at_to |= remove_right(m->new);
    }
    if (m->from->dentry == m->to->dentry) {
        return landlock_check_path(m->to, at_from | at_to);
    }
    collect(l, *m->from, &from);
    collect(l, *m->to, &to);
    if (!allows(l, &from, at_from) || !allows(l, &to, at_to)) {
        return -EACCES;
    }
    return allows(l, &from, refer) && allows(l, &to, refer) &&
                   gets_no_more(l, m->old, &from, &to) &&
                   (!m->exchanges || gets_no_more(l, m->new, &to, &from))
               ? 0
               : -EXDEV;
}
