/* SPDX-License-Identifier: MIT
 *
 * Bind mounts, open_tree(2): of one mount, or of a tree of them, which comes to
 * stand as a whole. It is counted in a section, then there is memory for so
 * many mounts, then it is copied with sections shut out; when it grew
 * meanwhile, again.
 */
#include "kernel/fs/mount/mount_table.h"
#include "kernel/fs/mount/mount_adrift.h"
#include "kernel/fs/dcache.h"
#include "abi/linux/errno.h"

/* -EAGAIN: more spares are needed. */
static int try_copy(const struct path *from, bool recursive, struct spares *s,
                    struct mount **out)
{
    struct mount *m = from->mount;
    int err = 0;

    dcache_exclude();
    if ((!m->standing && !m->adrift) || m->unbindable) {
        err = -EINVAL;
    }
    if (!err) {
        s->wanted = mount_tree_size(from, recursive);
        err = mounts_full(s->wanted) ? -ENOSPC
              : s->count < s->wanted ? -EAGAIN
                                     : 0;
    }
    if (!err) {
        *out = mount_copy_tree(from, recursive, COPY_PEER, s);
        mount_set_adrift(*out);
    }
    dcache_allow();
    return err;
}

int mount_copy(const struct path *from, bool recursive, struct mount **out)
{
    struct spares s = {LIST_INIT(s.list), 0, 1};
    int err;

    do {
        err = spares_get(&s);
        err = err ? err : try_copy(from, recursive, &s, out);
    } while (err == -EAGAIN);
    spares_put(&s);
    return err;
}

int mount_bind(const struct path *from, const struct path *at, uint32_t flags,
               bool recursive)
{
    struct mount *tree;
    int err = mount_copy(from, recursive, &tree);

    if (err) {
        return err;
    }
    tree->flags = flags;
    err = mount_attach(tree, at);
    if (err) {
        mount_dissolve(tree);
    }
    return err;
}
