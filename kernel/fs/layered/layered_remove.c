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

/* found, of the upper layer and locked, has nothing left but whiteouts. */
static int empty(struct inode *found)
{
    return S_ISDIR(found->mode) ? overlay_drop_whiteouts(found) : 0;
}

/* The end of lock and reference; err == 0: found, or NULL, has lost its name.
 */
static void let_go(struct inode *found, int err)
{
    if (!found) {
        return;
    }
    if (!err && S_ISDIR(found->mode)) {
        found->flags |= INODE_DEAD;
    }
    mutex_unlock(&found->lock);
    inode_put(found);
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
    err = layered_find(up, name, len, &found);
    if (found) {
        mutex_lock(&found->lock);
        err = covers ? 0 : empty(found);
    }
    err = err ? err
              : take_away(layered_of(dir->sb), up, name, len, found, covers);
    let_go(found, err);
    layered_inode(inode)->gone |= !err;
    mutex_unlock(&up->lock);
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
    struct inode *upper = layered_upper(inode);
    int err = 0;

    if (S_ISDIR(inode->mode) && layered_inode(to_dir)->lower_count) {
        mutex_lock(&upper->lock);
        err = layered_set_opaque(layered_of(inode->sb), upper);
        mutex_unlock(&upper->lock);
    }
    return err;
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

static bool is_end(const struct rename_args *up, const struct inode *inode)
{
    return inode == up->from_dir || inode == up->to_dir;
}

/* What the names stand for in the upper layer; up->target is counted. Programs
 * may have moved anything there, even one directory into the other: -ESTALE. */
static int find_ends(struct rename_args *up)
{
    struct inode *moves;
    int err = layered_find(up->from_dir, up->from_name, up->from_len, &moves);

    inode_put(moves);
    if (!err && (moves != up->inode || is_end(up, moves))) {
        err = -ESTALE;
    }
    err = err ? err
              : layered_find(up->to_dir, up->to_name, up->to_len, &up->target);
    if (!err && up->target && is_end(up, up->target)) {
        inode_put(up->target);
        err = -ESTALE;
    }
    return err;
}

static int move(struct rename_args *up)
{
    struct inode *target = up->target;
    int err = 0;

    if (up->flags & RENAME_EXCHANGE) {
        err = up->from_dir->ops->rename(up);
        inode_put(target);
        return err;
    }
    if (target) {
        mutex_lock(&target->lock);
        err = empty(target);
    }
    err = err ? err : up->from_dir->ops->rename(up);
    let_go(target, err);
    return err;
}

static int rename_upper(struct rename_args *a, bool covers)
{
    struct rename_args up = *a;
    struct inode *first, *second;
    int err;

    up.from_dir = layered_upper(a->from_dir);
    up.to_dir = layered_upper(a->to_dir);
    up.inode = layered_upper(a->inode);
    up.flags |= covers ? RENAME_WHITEOUT : 0;
    first = a->to_above ? up.to_dir : up.from_dir;
    second = a->to_above ? up.from_dir : up.to_dir;
    lock_both(first, second);
    err = find_ends(&up);
    err = err ? err : move(&up);
    if (!err && a->target && !(up.flags & RENAME_EXCHANGE)) {
        layered_inode(a->target)->gone = true;
    }
    unlock_both(first, second);
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
    return err;
}
