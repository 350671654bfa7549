/* SPDX-License-Identifier: MIT
 *
 * Copying up (layered.c): before its first change an object of a lower layer
 * gets a twin in the upper one, at the same place, so that the directories on
 * the way go first. A twin gets its name when it is complete, and inode->data
 * leads to it afterwards.
 */
#include "kernel/fs/layered/layered.h"
#include "kernel/fs/acl.h"
#include "kernel/fs/overlay/overlay.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"

static const char twin_name[] = "#twin";
enum { TWIN = sizeof(twin_name) - 1, TARGET_MAX = 4096 };

/* What is no file is made in the work directory and loses its name. */
static int make_nameless(struct inode *work, const struct inode_attr *attr,
                         const char *target, struct inode **out)
{
    int err;

    mutex_lock(&work->lock);
    err = target ? work->ops->symlink(work, twin_name, TWIN, target, attr, out)
                 : work->ops->make(work, twin_name, TWIN, attr, out);
    if (!err) {
        S_ISDIR(attr->mode) ? work->ops->rmdir(work, twin_name, TWIN, *out)
                            : work->ops->unlink(work, twin_name, TWIN, *out);
    }
    mutex_unlock(&work->lock);
    return err;
}

static int make_link(struct inode *work, struct inode *lower,
                     const struct inode_attr *attr, struct inode **out)
{
    char *target = kzalloc(TARGET_MAX + 1);
    int n, err;

    if (!target) {
        return -ENOMEM;
    }
    n = lower->link ? (int)strlcpy(target, lower->link, TARGET_MAX + 1)
                    : lower->ops->readlink(lower, target, TARGET_MAX);
    err = n < 0 ? n : make_nameless(work, attr, target, out);
    kfree(target);
    return err;
}

static int make_file(struct inode *work, struct inode *data,
                     const struct inode_attr *attr, bool with_data,
                     struct inode **out)
{
    int err = work->ops->tmpfile(work, attr, out);

    if (!err && with_data) {
        err = overlay_copy_data(*out, data);
        if (err) {
            inode_put(*out);
        }
    }
    return err;
}

static int make_twin(struct inode *work, struct inode *lower, bool with_data,
                     struct inode **out)
{
    struct inode *data = atomic_load_acquire(&lower->data);
    struct inode_attr attr = {
        .mode = data->mode,
        .uid = data->uid,
        .gid = data->gid,
        .rdev = data->rdev,
        .acl = acl_get(&data->acl),
        .default_acl = acl_get(&data->default_acl),
    };
    int err;

    switch (data->mode & S_IFMT) {
    case S_IFREG:
        err = make_file(work, data, &attr, with_data, out);
        break;
    case S_IFLNK:
        err = make_link(work, lower, &attr, out);
        break;
    default:
        err = make_nameless(work, &attr, NULL, out);
    }
    attr_put(&attr);
    return err;
}

/* Attributes, and whose copy it is; not where the original has other names,
 * which stay what they are. */
static int mark_twin(struct layered *fs, struct inode *inode,
                     struct inode *lower, struct inode *twin)
{
    uint64_t number = inode->ino;
    int err;

    mutex_lock(&lower->lock);
    err = overlay_copy_xattrs(twin, lower, fs->private);
    mutex_unlock(&lower->lock);
    if (err || S_ISDIR(inode->mode) || lower->data->nlink > 1) {
        return err;
    }
    return twin->ops->setxattr(twin, fs->origin, &number, sizeof(number), 0);
}

static void copy_times(struct inode *to, const struct inode *from)
{
    to->atime = from->atime;
    to->mtime = from->mtime;
    to->ctime = from->ctime;
}

/* The name that inode has in its directory, up, whose times do not change. */
static int link_twin(struct inode *up, struct layered_inode *n,
                     struct inode *twin)
{
    struct inode *there, was;
    int err = layered_find(up, n->name, n->name_len, &there);

    if (there) { /* somebody changed the layer under us */
        err = layered_is_whiteout(there) ? 0 : -EIO;
        inode_put(there);
    } else if (!err) {
        was.atime = up->atime;
        was.mtime = up->mtime;
        was.ctime = up->ctime;
        err = up->ops->link(up, n->name, n->name_len, twin);
        copy_times(up, &was);
        if (!err && S_ISDIR(twin->mode)) {
            twin->nlink = 2;
            twin->flags |= INODE_ASK_AGAIN;
        }
    }
    return err;
}

/* Unless it has lost it meanwhile. */
static int name_twin(struct layered_inode *n, struct inode *twin)
{
    struct inode *up = layered_upper(n->parent);
    int err;

    mutex_lock(&up->lock);
    err = n->gone ? 0 : link_twin(up, n, twin);
    mutex_unlock(&up->lock);
    return err;
}

static int copy_one(struct layered *fs, struct inode *inode, bool with_data)
{
    struct layered_inode *n = layered_inode(inode);
    struct inode *lower = n->lower[0], *twin;
    int err = make_twin(fs->work, lower, with_data, &twin);

    if (err) {
        return err;
    }
    err = mark_twin(fs, inode, lower, twin);
    if (!err && !n->gone) {
        err = name_twin(n, twin);
    }
    if (err) {
        inode_put(twin);
        return err;
    }
    copy_times(twin, atomic_load_acquire(&lower->data));
    atomic_store_release(&n->upper, twin);
    atomic_store_release(&inode->data, twin);
    inode->keeps_atime = false;
    return 0;
}

/* inode, or the topmost directory above it that has no copy yet. */
static struct inode *first_to_copy(struct inode *inode)
{
    struct inode *parent;

    while ((parent = layered_inode(inode)->parent) != NULL &&
           !layered_upper(parent) && !layered_inode(inode)->gone) {
        inode = parent;
    }
    return inode;
}

int layered_copy_up(struct inode *inode, bool with_data)
{
    struct layered *fs = layered_of(inode->sb);
    int err = 0;

    if (layered_upper(inode)) {
        return 0;
    }
    if (!fs->work) {
        return -EROFS;
    }
    mutex_lock(&fs->copying);
    while (!err && !layered_upper(inode)) {
        struct inode *next = first_to_copy(inode);

        err = copy_one(fs, next, with_data || next != inode);
    }
    mutex_unlock(&fs->copying);
    return err;
}
