/* SPDX-License-Identifier: MIT
 *
 * The overlay: names. A name means what the upper directory says of it, be it
 * a whiteout; where that says nothing, what the lower directory says.
 *
 * An object that was copied up has no name in the upper as long as its lower
 * name serves; taking that away then is a whiteout, and the count of links is
 * corrected by hand.
 */
#include "kernel/fs/overlay/overlay.h"
#include "kernel/core/timer.h"
#include "lib/string.h"
#include "abi/linux/dirent.h"
#include "abi/linux/errno.h"
#include "abi/linux/fcntl.h"
#include "abi/linux/stat.h"

/* Cookies of the lower layer's entries have this bit. */
#define FROM_LOWER (1ull << 61)

bool overlay_is_whiteout(const struct inode *upper)
{
    return S_ISCHR(upper->mode) && upper->rdev == 0;
}

int overlay_layer_lookup(struct inode *dir, const char *name, size_t len,
                         struct inode **out)
{
    *out = NULL;
    return dir ? dir->ops->lookup(dir, name, len, out) : -ENOENT;
}

bool overlay_lower_has(struct inode *dir, const char *name, size_t len)
{
    struct inode *lower;

    if (overlay_layer_lookup(overlay_inode(dir)->lower, name, len, &lower)) {
        return false;
    }
    inode_put(lower);
    return true;
}

int overlay_lookup(struct inode *dir, const char *name, size_t len,
                   struct inode **out)
{
    struct overlay_inode *n = overlay_inode(dir);
    struct inode *found;
    int err = overlay_layer_lookup(n->upper, name, len, &found);

    if (!err && overlay_is_whiteout(found)) {
        inode_put(found);
        return -ENOENT;
    }
    if (!err) {
        return overlay_get(overlay_of(dir->sb), found, NULL, out);
    }
    if (err == -ENOENT) {
        err = overlay_layer_lookup(n->lower, name, len, &found);
    }
    return err ? err : overlay_get(overlay_of(dir->sb), NULL, found, out);
}

/* ---- listing ---- */

struct merge {
    struct dir_sink sink;
    struct dir_sink *outer;
    struct inode *upper; /* where whiteouts and hiding names are */
    bool lower, full;
};

static bool hidden(struct merge *m, const char *name, size_t len, uint8_t type)
{
    struct inode *found;
    bool white;

    if (!m->upper || (!m->lower && type != DT_CHR && type != DT_UNKNOWN)) {
        return false;
    }
    if (m->upper->ops->lookup(m->upper, name, len, &found)) {
        return false;
    }
    white = overlay_is_whiteout(found);
    inode_put(found);
    return m->lower || white;
}

static bool emit_merged(struct dir_sink *sink, const char *name, size_t len,
                        uint64_t ino, uint8_t type, uint64_t next)
{
    struct merge *m = container_of(sink, struct merge, sink);
    uint64_t cookie = next | (m->lower ? FROM_LOWER : 0);

    if (hidden(m, name, len, type)) {
        return true;
    }
    if (!m->outer->emit(m->outer, name, len, ino, type, cookie)) {
        m->full = true;
        return false;
    }
    return true;
}

int overlay_readdir(struct inode *dir, struct dir_sink *sink)
{
    struct overlay_inode *n = overlay_inode(dir);
    struct merge m = {{emit_merged, sink->pos & ~FROM_LOWER},
                      sink,
                      n->upper,
                      sink->pos & FROM_LOWER,
                      false};
    int err;

    if (!m.lower && n->upper) {
        err = n->upper->ops->readdir(n->upper, &m.sink);
        if (err || m.full) {
            sink->pos = m.sink.pos;
            return err;
        }
    }
    if (!m.lower) {
        m.sink.pos = 0;
        m.lower = true;
    }
    sink->pos = FROM_LOWER | m.sink.pos;
    if (!n->lower) {
        return 0;
    }
    err = n->lower->ops->readdir(n->lower, &m.sink);
    sink->pos = FROM_LOWER | m.sink.pos;
    return err;
}

/* ---- making ---- */

/* A name in the work directory for what is on its way to another. */
static const char staged[] = "staged";
enum { STAGED = sizeof(staged) - 1 };

/* Moves what is staged to name in upper, over a whiteout or what is to go.
 * When that fails, it is as if nothing had been staged. o->staging is held. */
static int place(struct overlay *o, struct inode *inode, struct inode *upper,
                 const char *name, size_t len, struct inode *target)
{
    struct inode *work = o->work;
    struct rename_args args = {
        .from_dir = work,
        .to_dir = upper,
        .from_name = staged,
        .from_len = STAGED,
        .to_name = name,
        .to_len = len,
        .inode = inode,
        .target = target,
        .flags = target && S_ISDIR(target->mode) ? RENAME_EXCHANGE : 0,
    };
    int err = work->ops->rename(&args);

    if (!err && args.flags) { /* what is left of it waits in its place */
        overlay_drop_whiteouts(target);
        work->ops->rmdir(work, staged, STAGED, target);
    }

    if (err && S_ISDIR(inode->mode)) {
        work->ops->rmdir(work, staged, STAGED, inode);
    } else if (err) {
        work->ops->unlink(work, staged, STAGED, inode);
    }
    return err;
}

static int make_at(struct inode *dir, const char *name, size_t len,
                   const char *target, const struct inode_attr *attr,
                   struct inode **out)
{
    return target ? dir->ops->symlink(dir, name, len, target, attr, out)
                  : dir->ops->make(dir, name, len, attr, out);
}

/* Makes an inode in the place of `old`, in one step. */
static int make_over(struct overlay *o, struct inode *upper, const char *name,
                     size_t len, const char *target,
                     const struct inode_attr *attr, struct inode *old,
                     struct inode **out)
{
    int err;

    mutex_lock(&o->staging);
    err = make_at(o->work, staged, STAGED, target, attr, out);
    if (!err) {
        err = place(o, *out, upper, name, len, old);
        if (err) {
            inode_put(*out);
        }
    }
    mutex_unlock(&o->staging);
    return err;
}

int overlay_cover(struct inode *dir, const char *name, size_t len,
                  struct inode *old)
{
    struct inode *upper = overlay_inode(dir)->upper, *white;
    struct inode_attr attr = {.mode = S_IFCHR};
    int err = old ? make_over(overlay_of(dir->sb), upper, name, len, NULL,
                              &attr, old, &white)
                  : make_at(upper, name, len, NULL, &attr, &white);

    if (!err) {
        inode_put(white);
    }
    return err;
}

static int make_in(struct inode *dir, const char *name, size_t len,
                   const char *target, const struct inode_attr *attr,
                   struct inode **out)
{
    struct inode *upper, *white, *made;
    int err = overlay_copy_up(dir, true);

    if (err) {
        return err;
    }
    if (S_ISCHR(attr->mode) && attr->rdev == 0) {
        return -EPERM; /* it would be a whiteout */
    }
    upper = overlay_inode(dir)->upper;
    err = overlay_layer_lookup(upper, name, len, &white);
    if (err == -ENOENT) {
        err = make_at(upper, name, len, target, attr, &made);
    } else if (!err) {
        err = make_over(overlay_of(dir->sb), upper, name, len, target, attr,
                        white, &made);
        inode_put(white);
    }
    return err ? err : overlay_get(overlay_of(dir->sb), made, NULL, out);
}

int overlay_make(struct inode *dir, const char *name, size_t len,
                 const struct inode_attr *attr, struct inode **out)
{
    return make_in(dir, name, len, NULL, attr, out);
}

int overlay_symlink(struct inode *dir, const char *name, size_t len,
                    const char *target, const struct inode_attr *attr,
                    struct inode **out)
{
    return make_in(dir, name, len, target, attr, out);
}

static int link_over(struct overlay *o, struct inode *upper, const char *name,
                     size_t len, struct inode *inode, struct inode *old)
{
    int err;

    mutex_lock(&o->staging);
    err = o->work->ops->link(o->work, staged, STAGED, inode);
    if (!err) {
        err = place(o, inode, upper, name, len, old);
    }
    mutex_unlock(&o->staging);
    return err;
}

int overlay_link(struct inode *dir, const char *name, size_t len,
                 struct inode *inode)
{
    struct inode *upper, *real, *white;
    int err = overlay_copy_up(dir, true);

    err = err ? err : overlay_copy_up(inode, true);
    if (err) {
        return err;
    }
    upper = overlay_inode(dir)->upper;
    real = overlay_inode(inode)->upper;
    err = overlay_layer_lookup(upper, name, len, &white);
    if (err == -ENOENT) {
        return upper->ops->link(upper, name, len, real);
    }
    if (!err) {
        err = link_over(overlay_of(dir->sb), upper, name, len, real, white);
        inode_put(white);
    }
    return err;
}
