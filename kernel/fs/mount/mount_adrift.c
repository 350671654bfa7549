/* SPDX-License-Identifier: MIT
 *
 * Trees of mounts that stand nowhere (mount_adrift.h).
 */
#include "kernel/fs/mount/mount_adrift.h"
#include "kernel/fs/mount/mount_table.h"
#include "kernel/fs/dcache.h"
#include "kernel/fs/file.h"

void mount_set_adrift(struct mount *tree)
{
    for (struct mount *m = tree; m; m = mount_next(m, tree)) {
        m->adrift = true;
    }
}

int mount_make(struct superblock *sb, uint32_t flags, struct mount **out)
{
    struct dentry *root;
    struct mount *m;
    int err = mount_alloc(&m);

    if (err) {
        sb_put(sb);
        return err;
    }
    inode_get(sb->root);
    err = dentry_root(sb->root, &root);
    if (err) {
        mount_free(m);
        sb_put(sb);
        return err;
    }
    mount_fill(m, sb, root, flags);
    m->adrift = true;
    *out = m;
    return 0;
}

/* Parents before children: what is taken out is no part of the tree. */
void mount_dissolve(struct mount *tree)
{
    struct list gone = LIST_INIT(gone);
    struct mount *m, *next;

    dcache_exclude();
    if (tree->adrift && !tree->parent) {
        for (m = tree; m; m = next) {
            next = mount_next(m, tree);
            list_add_tail(&gone, &m->node);
        }
        list_for_each (pos, &gone) {
            mount_take_off(list_entry(pos, struct mount, node));
        }
    }
    dcache_allow();
    mount_put_gone(&gone);
}

static void adrift_release(struct file *f)
{
    mount_dissolve(f->path.mount);
}

static const struct file_ops adrift_ops = {.release = adrift_release};

int mount_open_adrift(struct mount *tree, struct file **out)
{
    struct path root = {tree, tree->root};
    int err;

    path_get(&root);
    err = file_open_path(&root, O_PATH, out);
    if (err) {
        mount_dissolve(tree);
    } else {
        (*out)->ops = &adrift_ops;
    }
    return err;
}
