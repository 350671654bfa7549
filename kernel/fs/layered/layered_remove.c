/* SPDX-License-Identifier: MIT
 *
 * The layered file system: names that go or move. Where a lower layer has one,
 * a whiteout takes its place.
 */
#include "kernel/fs/layered/layered.h"
#include "kernel/fs/overlay/overlay.h"
#include "abi/linux/errno.h"
#include "abi/linux/fcntl.h"
#include "abi/linux/stat.h"

/* ---- removing ---- */

/* found, of the upper layer, has nothing left but whiteouts. */
static int empty(struct inode *found)
{
    int err = 0;

    if (S_ISDIR(found->mode)) {
        mutex_lock(&found->lock);
        err = overlay_drop_whiteouts(found);
        mutex_unlock(&found->lock);
    }
    return err;
}

static int take_away(struct layered *fs, struct inode *up, const char *name,
                     size_t len, struct inode *found, bool covers)
{
    struct inode_attr attr = {.mode = S_IFCHR};
    struct layered_new whiteout = {.attr = &attr};
    struct inode *made;
    int err;

    if (covers) {
        err = layered_place(fs, up, name, len, &whiteout, found, &made);
        if (!err) {
            inode_put(made);
        }
        return err;
    }
    return !found                 ? -ENOENT
           : S_ISDIR(found->mode) ? up->ops->rmdir(up, name, len, found)
                                  : up->ops->unlink(up, name, len, found);
}

static int remove_name(struct inode *dir, const char *name, size_t len,
                       struct inode *inode)
{
    bool covers = layered_lower_has(dir, name, len);
    struct inode *up, *found = NULL;
    int err = layered_copy_up(dir, true);

    if (err) {
        return err;
    }
    up = layered_upper(dir);
    mutex_lock(&up->lock);
    err = up->ops->lookup(up, name, len, &found);
    if (err == -ENOENT) {
        found = NULL;
        err = 0;
    }
    err = err || !found ? err : empty(found);
    err = err ? err
              : take_away(layered_of(dir->sb), up, name, len, found, covers);
    mutex_unlock(&up->lock);
    if (!err && !layered_upper(inode)) {
        layered_inode(inode)->gone = true;
    }
    inode_put(found);
    return err;
}

int layered_unlink(struct inode *dir, const char *name, size_t len,
                   struct inode *inode)
{
    return remove_name(dir, name, len, inode);
}

int layered_rmdir(struct inode *dir, const char *name, size_t len,
                  struct inode *inode)
{
    int err = layered_check_empty(inode);

    return err ? err : remove_name(dir, name, len, inode);
}

/* ---- moving ---- */

/* A directory that a lower layer has would leave its content behind. */
static bool stays(struct inode *inode)
{
    return S_ISDIR(inode->mode) && layered_inode(inode)->lower_count;
}

/* A directory hides what lower layers have where it goes. */
static int hide(struct inode *inode, struct inode *to_dir)
{
    return S_ISDIR(inode->mode) && layered_inode(to_dir)->lower_count
               ? layered_set_opaque(layered_of(inode->sb), layered_upper(inode))
               : 0;
}

static int prepare(struct rename_args *a)
{
    bool exchange = a->flags & RENAME_EXCHANGE;
    int err;

    if (stays(a->inode) || (exchange && stays(a->target))) {
        return -EXDEV;
    }
    if (a->target && !exchange && S_ISDIR(a->target->mode)) {
        err = layered_check_empty(a->target);
        if (err) {
            return err;
        }
    }
    err = layered_copy_up(a->from_dir, true);
    err = err ? err : layered_copy_up(a->to_dir, true);
    err = err ? err : layered_copy_up(a->inode, true);
    err = err || !exchange ? err : layered_copy_up(a->target, true);
    err = err ? err : hide(a->inode, a->to_dir);
    return err || !exchange ? err : hide(a->target, a->from_dir);
}

static void lock_both(struct inode *a, struct inode *b)
{
    mutex_lock(&a->lock);
    if (a != b) {
        mutex_lock(&b->lock);
    }
}

static void unlock_both(struct inode *a, struct inode *b)
{
    mutex_unlock(&a->lock);
    if (a != b) {
        mutex_unlock(&b->lock);
    }
}

static int rename_upper(struct rename_args *a, bool covers)
{
    struct rename_args up = *a;
    struct inode *target = NULL;
    int err;

    up.from_dir = layered_upper(a->from_dir);
    up.to_dir = layered_upper(a->to_dir);
    up.inode = layered_upper(a->inode);
    up.flags |= covers ? RENAME_WHITEOUT : 0;
    lock_both(up.from_dir, up.to_dir);
    err = up.to_dir->ops->lookup(up.to_dir, up.to_name, up.to_len, &target);
    if (err == -ENOENT) {
        target = NULL;
        err = 0;
    }
    up.target = target;
    if (!err && target && !(up.flags & RENAME_EXCHANGE)) {
        err = empty(target);
    }
    err = err ? err : up.from_dir->ops->rename(&up);
    unlock_both(up.from_dir, up.to_dir);
    inode_put(target);
    return err;
}

int layered_rename(struct rename_args *a)
{
    bool exchange = a->flags & RENAME_EXCHANGE;
    int err = prepare(a);

    if (!err) {
        err = rename_upper(
            a, !exchange &&
                   layered_lower_has(a->from_dir, a->from_name, a->from_len));
    }
    if (!err && a->target && !exchange && !layered_upper(a->target)) {
        layered_inode(a->target)->gone = true;
    }
    return err;
}
