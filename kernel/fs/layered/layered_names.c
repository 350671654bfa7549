/* SPDX-License-Identifier: MIT
 *
 * Names of the layered file system: what they mean, layer by layer from the
 * top, and how new ones are made in the upper layer. What is to take the place
 * of a whiteout is made under another name in the same directory, and renamed:
 * who holds that directory's lock is the only one to see it.
 */
#include "kernel/fs/layered/layered.h"
#include "kernel/fs/overlay/overlay.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/fcntl.h"
#include "abi/linux/stat.h"

static const char temp[] = "#new";
enum { TEMP = sizeof(temp) - 1 };

bool layered_is_whiteout(const struct inode *real)
{
    return S_ISCHR(real->mode) && real->rdev == 0;
}

int layered_look(struct inode *real, const char *name, size_t len,
                 struct inode **out)
{
    int err;

    mutex_lock(&real->lock);
    err = real->ops->lookup(real, name, len, out);
    mutex_unlock(&real->lock);
    return err;
}

/* ---- what a name means ---- */

static bool is_opaque(const struct layered *fs, struct inode *real)
{
    char value[2] = "";
    long n = -EOPNOTSUPP;

    if (real->ops->getxattr) {
        mutex_lock(&real->lock);
        n = real->ops->getxattr(real, fs->opaque, value, sizeof(value));
        mutex_unlock(&real->lock);
    }
    return n == 1 && value[0] == 'y';
}

/* The next layer has `found`. 1: those below do not count; -ENOENT: nor does
 * this, a whiteout. Takes found. */
static int take_found(const struct layered *fs, struct layered_found *f,
                      struct inode *found, bool upper)
{
    bool first = !f->upper && !f->lower_count;

    if (layered_is_whiteout(found) || (!S_ISDIR(found->mode) && !first)) {
        inode_put(found);
        return first ? -ENOENT : 1;
    }
    if (upper) {
        f->upper = found;
    } else {
        f->lower[f->lower_count++] = found;
    }
    return !S_ISDIR(found->mode) || is_opaque(fs, found);
}

/* 1: decided. */
static int look_in(const struct layered *fs, struct inode *real, bool upper,
                   struct layered_found *f)
{
    struct inode *found;
    int err = layered_look(real, f->name, f->len, &found);

    if (err) {
        return err == -ENOENT ? 0 : err;
    }
    if (found == fs->upper.root) { /* it lies in a lower layer */
        inode_put(found);
        return -ELOOP;
    }
    return take_found(fs, f, found, upper);
}

static int look_in_all(struct inode *dir, struct layered_found *f)
{
    struct layered *fs = layered_of(dir->sb);
    struct layered_inode *n = layered_inode(dir);
    struct inode *upper = layered_upper(dir);
    int done = upper ? look_in(fs, upper, true, f) : 0;

    for (unsigned i = 0; !done && i < n->lower_count; i++) {
        done = look_in(fs, n->lower[i], false, f);
    }
    if (done < 0) {
        return done;
    }
    return f->upper || f->lower_count ? 0 : -ENOENT;
}

int layered_lookup(struct inode *dir, const char *name, size_t len,
                   struct inode **out)
{
    struct layered_found f = {.parent = dir, .name = name, .len = len};
    int err;

    f.lower = kmalloc((layered_inode(dir)->lower_count + 1) * sizeof(*f.lower));
    if (!f.lower) {
        return -ENOMEM;
    }
    err = look_in_all(dir, &f);
    if (!err) {
        err = layered_get(layered_of(dir->sb), &f, out);
    } else {
        inode_put(f.upper);
        while (f.lower_count) {
            inode_put(f.lower[--f.lower_count]);
        }
    }
    kfree(f.lower);
    return err;
}

int layered_find(struct inode *up, const char *name, size_t len,
                 struct inode **out)
{
    int err = up->ops->lookup(up, name, len, out);

    if (err) {
        *out = NULL;
    }
    return err == -ENOENT ? 0 : err;
}

bool layered_lower_has(struct inode *dir, const char *name, size_t len)
{
    struct layered_inode *n = layered_inode(dir);

    for (unsigned i = 0; i < n->lower_count; i++) {
        struct inode *found;

        if (layered_look(n->lower[i], name, len, &found) == 0) {
            bool white = layered_is_whiteout(found);

            inode_put(found);
            return !white;
        }
    }
    return false;
}

/* ---- making ---- */

int layered_set_opaque(struct layered *fs, struct inode *upper)
{
    return upper->ops->setxattr(upper, fs->opaque, "y", 1, 0);
}

static int make_at(struct inode *up, const char *name, size_t len,
                   const struct layered_new *what, struct inode **out)
{
    int err;

    if (what->link) {
        mutex_lock(&what->link->lock);
        err = up->ops->link(up, name, len, what->link);
        mutex_unlock(&what->link->lock);
        if (!err) {
            inode_get(what->link);
            *out = what->link;
        }
        return err;
    }
    return what->target
               ? up->ops->symlink(up, name, len, what->target, what->attr, out)
               : up->ops->make(up, name, len, what->attr, out);
}

/* A directory has whiteouts left, which are to be there still if this fails: it
 * goes to the other name first, and from there without a way to fail. */
static int replace(struct inode *up, const char *name, size_t len,
                   struct inode *made, struct inode *old)
{
    struct rename_args args = {
        .from_dir = up,
        .to_dir = up,
        .from_name = temp,
        .from_len = TEMP,
        .to_name = name,
        .to_len = len,
        .inode = made,
        .target = old,
        .flags = S_ISDIR(old->mode) ? RENAME_EXCHANGE : 0,
    };
    int err = up->ops->rename(&args);

    if (!err && S_ISDIR(old->mode)) {
        overlay_drop_whiteouts(old);
        up->ops->rmdir(up, temp, TEMP, old);
    }
    return err;
}

int layered_place(struct layered *fs, struct inode *up, const char *name,
                  size_t len, const struct layered_new *what, struct inode *old,
                  struct inode **out)
{
    int err;

    if (!old) {
        return make_at(up, name, len, what, out);
    }
    err = make_at(up, temp, TEMP, what, out);
    if (err) {
        return err;
    }
    err = what->opaque ? layered_set_opaque(fs, *out) : 0;
    err = err ? err : replace(up, name, len, *out, old);
    if (err) {
        S_ISDIR((*out)->mode) ? up->ops->rmdir(up, temp, TEMP, *out)
                              : up->ops->unlink(up, temp, TEMP, *out);
        inode_put(*out);
    }
    return err;
}

/* In dir's upper directory, perhaps over a whiteout. */
static int make_in(struct inode *dir, const char *name, size_t len,
                   const struct layered_new *what, struct inode **out)
{
    struct layered *fs = layered_of(dir->sb);
    struct inode *up, *old;
    int err = layered_copy_up(dir, true);

    if (err) {
        return err;
    }
    up = layered_upper(dir);
    mutex_lock(&up->lock);
    err = layered_find(up, name, len, &old);
    if (old && !layered_is_whiteout(old)) {
        err = -EEXIST; /* somebody changed the layer under us */
    } else if (old) {
        mutex_lock(&old->lock);
        err = layered_place(fs, up, name, len, what, old, out);
        mutex_unlock(&old->lock);
    } else if (!err) {
        err = layered_place(fs, up, name, len, what, NULL, out);
    }
    mutex_unlock(&up->lock);
    inode_put(old);
    return err;
}

static int make_new(struct inode *dir, const char *name, size_t len,
                    const struct layered_new *what, struct inode **out)
{
    struct layered_found f = {.parent = dir, .name = name, .len = len};
    int err = make_in(dir, name, len, what, &f.upper);

    return err ? err : layered_get(layered_of(dir->sb), &f, out);
}

int layered_make(struct inode *dir, const char *name, size_t len,
                 const struct inode_attr *attr, struct inode **out)
{
    struct layered_new what = {.attr = attr, .opaque = S_ISDIR(attr->mode)};

    if (S_ISCHR(attr->mode) && attr->rdev == 0) {
        return -EPERM; /* it would be a whiteout */
    }
    return make_new(dir, name, len, &what, out);
}

int layered_symlink(struct inode *dir, const char *name, size_t len,
                    const char *target, const struct inode_attr *attr,
                    struct inode **out)
{
    struct layered_new what = {.attr = attr, .target = target};

    return make_new(dir, name, len, &what, out);
}

int layered_link(struct inode *dir, const char *name, size_t len,
                 struct inode *inode)
{
    struct layered_new what = {.link = NULL};
    struct inode *made;
    int err = layered_inode(inode)->gone && !layered_upper(inode)
                  ? -ENOENT
                  : layered_copy_up(inode, true);

    if (!err) {
        what.link = layered_upper(inode);
        err = make_in(dir, name, len, &what, &made);
    }
    if (!err) {
        inode_put(made);
    }
    return err;
}
