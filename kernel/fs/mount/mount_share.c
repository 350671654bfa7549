/* SPDX-License-Identifier: MIT
 *
 * Propagation (mount_namespaces(7)): peer groups and their slaves. A mount is
 * in at most one group and a slave of at most one; all members of a group have
 * the same master. A group ends with its last member, whose master becomes
 * that of its slaves. All of it changes with sections shut out, so groups are
 * never allocated there: each mount brings the memory for one. What was a group
 * once comes first when one is wanted, with its number.
 */
#include "kernel/fs/mount/mount_table.h"
#include "kernel/fs/dcache.h"
#include "kernel/core/log.h"
#include "kernel/mm/heap.h"
#include "lib/atomic.h"
#include "abi/linux/errno.h"
#include "abi/linux/statfs.h"

static struct list unused =
    LIST_INIT(unused);   /* groups, by queue; dcache_lock */
static uint32_t last_id; /* dcache_lock */

static struct peer_group *group_of(struct list *queue)
{
    return list_entry(queue, struct peer_group, queue);
}

int share_reserve(void)
{
    struct peer_group *g = kzalloc(sizeof(*g));

    if (!g) {
        return -ENOMEM;
    }
    list_init(&g->members);
    list_init(&g->slaves);
    spin_lock(&dcache_lock);
    list_add_tail(&unused, &g->queue);
    spin_unlock(&dcache_lock);
    return 0;
}

void share_unreserve(void)
{
    struct list *pos;

    spin_lock(&dcache_lock);
    pos = list_last(&unused);
    check(pos);
    list_del(pos);
    spin_unlock(&dcache_lock);
    kfree(group_of(pos));
}

/* ---- groups ---- */

void share_set_master(struct mount *m, struct peer_group *master)
{
    list_del(&m->slave);
    m->master = master;
    if (master) {
        list_add_tail(&master->slaves, &m->slave);
    }
}

void share_join(struct mount *m, struct peer_group *g)
{
    m->group = g;
    m->unbindable = false;
    list_add_tail(&g->members, &m->peer);
}

void share_new(struct mount *m)
{
    struct list *pos = list_pop(&unused);

    check(pos);
    if (!group_of(pos)->id) {
        group_of(pos)->id = ++last_id;
    }
    share_join(m, group_of(pos));
}

/* Out of its group; what that was, or NULL when nobody is left in it. */
static struct peer_group *leave(struct mount *m)
{
    struct peer_group *g = m->group;
    struct list *pos;

    list_del(&m->peer);
    m->group = NULL;
    if (!list_empty(&g->members)) {
        return g;
    }
    while ((pos = list_first(&g->slaves)) != NULL) {
        share_set_master(list_entry(pos, struct mount, slave), m->master);
    }
    list_add(&unused, &g->queue);
    return NULL;
}

void share_change(struct mount *m, uint64_t type)
{
    struct peer_group *old;

    if (type == MS_SHARED) {
        if (!m->group) {
            share_new(m);
        }
        return;
    }
    old = m->group ? leave(m) : NULL;
    if (type != MS_SLAVE) {
        share_set_master(m, NULL);
        m->unbindable = type == MS_UNBINDABLE;
    } else if (old) {
        share_set_master(m, old);
    }
}

/* ---- who receives ---- */

static void enqueue(struct list *queue, struct peer_group *g)
{
    if (list_empty(&g->queue)) {
        list_add_tail(queue, &g->queue);
    }
}

/* Of the members of g and of what are slaves without a group; the groups of
 * other slaves come later. Members that fn adds do not stand yet. */
static void each_of(struct peer_group *g, const struct mount *but,
                    struct list *queue, void (*fn)(struct mount *, void *),
                    void *arg)
{
    list_for_each (pos, &g->members) {
        struct mount *m = list_entry(pos, struct mount, peer);

        if (m != but && m->standing) {
            fn(m, arg);
        }
    }
    list_for_each (pos, &g->slaves) {
        struct mount *m = list_entry(pos, struct mount, slave);

        if (m->group) {
            enqueue(queue, m->group);
        } else if (m->standing) {
            fn(m, arg);
        }
    }
}

void share_each(struct mount *m, void (*fn)(struct mount *to, void *arg),
                void *arg)
{
    struct list queue = LIST_INIT(queue);

    if (!m->group) {
        return;
    }
    enqueue(&queue, m->group);
    list_for_each (pos, &queue) {
        each_of(group_of(pos), m, &queue, fn, arg);
    }
    while (list_pop(&queue)) {
    }
}

/* ---- asked for ---- */

/* Shut out. */
static bool may_change(const struct path *at)
{
    const struct mount *m = at->mount;

    return path_is_mounted(at) && (m->standing || (m->adrift && !m->parent));
}

int mount_propagate(const struct path *at, uint64_t type, bool recursive)
{
    struct mount *top = at->mount;
    bool may;

    dcache_exclude();
    may = may_change(at);
    for (struct mount *m = may ? top : NULL; m;
         m = recursive ? mount_next(m, top) : NULL) {
        share_change(m, type);
    }
    dcache_allow();
    mount_changed();
    return may ? 0 : -EINVAL;
}

/* Whoever has a file open for writing keeps a mount from being read-only. */
static bool is_busy(struct mount *m, uint32_t set)
{
    return set & ~m->flags & ST_RDONLY && atomic_load(&m->writers);
}

int mount_set_flags(const struct path *at, uint32_t clear, uint32_t set,
                    bool recursive)
{
    struct mount *top = at->mount;
    int err;

    dcache_exclude();
    err = may_change(at) ? 0 : -EINVAL;
    for (struct mount *m = top; m && !err;
         m = recursive ? mount_next(m, top) : NULL) {
        err = is_busy(m, set) ? -EBUSY : 0;
    }
    for (struct mount *m = top; m && !err;
         m = recursive ? mount_next(m, top) : NULL) {
        atomic_store(&m->flags, (m->flags & ~clear) | set);
    }
    dcache_allow();
    mount_changed();
    return err;
}

int mount_change_flags(struct mount *mount, uint32_t flags, bool alone)
{
    int err = 0;

    dcache_exclude();
    if (alone) {
        err = is_busy(mount, flags) ? -EBUSY : 0;
    } else if (flags & ~mount->flags & ST_RDONLY) {
        list_for_each (pos, &mounts) {
            struct mount *m = list_entry(pos, struct mount, node);

            err = m->sb == mount->sb && atomic_load(&m->writers) ? -EBUSY : err;
        }
    }
    if (!err) {
        atomic_store(&mount->flags, flags);
    }
    dcache_allow();
    return err;
}

void mount_get_sharing(struct mount *m, struct mount_sharing *out)
{
    uint32_t *section = dcache_enter();

    out->group = m->group ? m->group->id : 0;
    out->master = m->master ? m->master->id : 0;
    out->unbindable = m->unbindable;
    dcache_leave(section);
}
