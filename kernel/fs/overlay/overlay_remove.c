/* SPDX-License-Identifier: MIT
 *
 * The overlay: names that go or move. Whatever the upper has under a name
 * goes as its leaf says; where the lower has one, too, a whiteout covers it.
 */
#include "kernel/fs/overlay/overlay.h"
#include "kernel/core/timer.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/fcntl.h"
#include "abi/linux/stat.h"

/* ---- emptiness ---- */

struct first {
    struct dir_sink sink;
    size_t len; /* 0: there was none */
    char name[NAME_LENGTH_MAX + 1];
};

static bool keep_first(struct dir_sink *sink, const char *name, size_t len,
                       uint64_t ino, uint8_t type, uint64_t next)
{
    struct first *f = container_of(sink, struct first, sink);

    if (f->len || len > NAME_LENGTH_MAX) {
        return false;
    }
    memcpy(f->name, name, len);
    f->len = len;
    return true;
}

static int check_empty(struct inode *dir)
{
    struct first f = {.sink = {keep_first, 0}};
    int err = overlay_readdir(dir, &f.sink);

    return err ? err : f.len ? -ENOTEMPTY : 0;
}

/* An empty directory's upper side still holds whiteouts. */
int overlay_drop_whiteouts(struct inode *upper)
{
    int err = 0;

    while (!err) {
        struct first f = {.sink = {keep_first, 0}};
        struct inode *white;

        err = upper->ops->readdir(upper, &f.sink);
        if (err || !f.len) {
            return err;
        }
        err = upper->ops->lookup(upper, f.name, f.len, &white);
        if (!err) {
            err = upper->ops->unlink(upper, f.name, f.len, white);
            inode_put(white);
        }
    }
    return err;
}

/* ---- removing ---- */

/* The upper directory's count of links began as the lower's: what the lower
 * has below is in it already, and the upper leaf does not know. */
static void uncount_subdir(struct inode *upper, struct inode *inode)
{
    if (S_ISDIR(inode->mode) && upper->nlink > 2) {
        upper->nlink--;
    }
}

static int remove_upper(struct inode *upper, const char *name, size_t len,
                        struct inode *found)
{
    int err;

    if (!S_ISDIR(found->mode)) {
        return upper->ops->unlink(upper, name, len, found);
    }
    err = overlay_drop_whiteouts(found);
    return err ? err : upper->ops->rmdir(upper, name, len, found);
}

/* Makes dir not have name any more, whoever had it. *counted: the upper had
 * it, and has counted the link away. */
static int take_away(struct inode *dir, const char *name, size_t len,
                     struct inode *inode, bool *counted)
{
    struct inode *upper, *found;
    int err = overlay_copy_up(dir, true);

    if (err) {
        return err;
    }
    upper = overlay_inode(dir)->upper;
    err = overlay_layer_lookup(upper, name, len, &found);
    *counted = !err;
    if (err == -ENOENT) {
        err = overlay_cover(dir, name, len, NULL);
        if (!err) {
            uncount_subdir(upper, inode);
        }
        return err;
    }
    if (!err) {
        err = overlay_lower_has(dir, name, len)
                  ? overlay_cover(dir, name, len, found)
                  : remove_upper(upper, name, len, found);
    }
    inode_put(found);
    return err;
}

/* The object of a removed name has one link less. */
static void lose_link(struct inode *inode, bool counted)
{
    struct inode *real = inode->data;

    if (S_ISDIR(inode->mode)) {
        real->nlink = 0;
    } else if (!counted && real->nlink) {
        real->nlink--;
        real->ctime = clock_realtime();
        if (real->nlink) {
            overlay_pin(inode); /* or the lower's count would come back */
        }
    }
    overlay_unpin(inode);
}

static int remove_name(struct inode *dir, const char *name, size_t len,
                       struct inode *inode)
{
    bool counted;
    int err = take_away(dir, name, len, inode, &counted);

    if (!err) {
        lose_link(inode, counted);
    }
    return err;
}

int overlay_unlink(struct inode *dir, const char *name, size_t len,
                   struct inode *inode)
{
    return remove_name(dir, name, len, inode);
}

int overlay_rmdir(struct inode *dir, const char *name, size_t len,
                  struct inode *inode)
{
    int err = check_empty(inode);

    return err ? err : remove_name(dir, name, len, inode);
}

/* ---- moving ---- */

static int copy_up_locked(struct inode *inode)
{
    int err = 0;

    if (!upper_of(inode)) {
        mutex_lock(&inode->lock);
        err = overlay_copy_up(inode, true);
        mutex_unlock(&inode->lock);
    }
    return err;
}

/* Gives an object whose lower name served so far the same name in the upper,
 * so that the upper can move it. Its links were counted already. */
static int name_in_upper(struct inode *dir, const char *name, size_t len,
                         struct inode *inode)
{
    struct inode *upper = overlay_inode(dir)->upper, *found;
    int err = overlay_layer_lookup(upper, name, len, &found);

    if (err != -ENOENT) {
        if (!err) {
            inode_put(found);
        }
        return err;
    }
    found = overlay_inode(inode)->upper;
    err = upper->ops->link(upper, name, len, found);
    if (!err) {
        found->nlink--;
        uncount_subdir(upper, inode);
    }
    return err;
}

static int prepare(struct rename_args *a)
{
    int err = overlay_copy_up(a->from_dir, true);

    err = err ? err : overlay_copy_up(a->to_dir, true);
    err = err ? err : copy_up_locked(a->inode);
    err = err ? err
              : name_in_upper(a->from_dir, a->from_name, a->from_len, a->inode);
    if (err || !a->target) {
        return err;
    }
    if (a->flags & RENAME_EXCHANGE) {
        err = copy_up_locked(a->target);
        return err ? err
                   : name_in_upper(a->to_dir, a->to_name, a->to_len, a->target);
    }
    return S_ISDIR(a->target->mode) ? check_empty(a->target) : 0;
}

/* The upper's rename; *target: what it had under the new name, counted. */
static int rename_upper(struct rename_args *a, struct inode **target)
{
    struct rename_args up = *a;
    int err;

    up.from_dir = overlay_inode(a->from_dir)->upper;
    up.to_dir = overlay_inode(a->to_dir)->upper;
    up.inode = overlay_inode(a->inode)->upper;
    err = overlay_layer_lookup(up.to_dir, up.to_name, up.to_len, target);
    if (err && err != -ENOENT) {
        return err;
    }
    up.target = *target;
    err = 0;
    if (!(a->flags & RENAME_EXCHANGE) &&
        overlay_lower_has(a->from_dir, a->from_name, a->from_len)) {
        up.flags |= RENAME_WHITEOUT;
    }
    if (*target && S_ISDIR((*target)->mode) && !(a->flags & RENAME_EXCHANGE)) {
        err = overlay_drop_whiteouts(*target);
    }
    return err ? err : up.from_dir->ops->rename(&up);
}

int overlay_rename(struct rename_args *a)
{
    struct inode *target = NULL;
    int err = prepare(a);

    if (!err) {
        err = rename_upper(a, &target);
    }
    if (!err && a->target && !(a->flags & RENAME_EXCHANGE)) {
        lose_link(a->target, target && !overlay_is_whiteout(target));
    }
    inode_put(target);
    return err;
}
