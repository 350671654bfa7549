/* SPDX-License-Identifier: MIT
 *
 * Overlays that programs mount (mount -t overlay): directories of other file
 * systems, the lower layers, shown as one tree, and what changes goes to
 * another, the upper layer, in the form that Linux has there: whiteouts are
 * devices 0:0, and a directory with an attribute hides those below. The root of
 * the instance, whose layers nobody else sees, is the simpler overlay/.
 *
 * Layers are reached through their own operations and locks. Their mounts see
 * changes because directories of the upper layer are looked up anew each time
 * (INODE_ASK_AGAIN). What programs change in layers below our feet shows some
 * time or not at all, as on Linux.
 *
 * An inode is found by its number: that of the object in its layer, and which
 * file system that is. A copy remembers the number of its original in an
 * attribute. A file with several names in a lower layer is one for each name,
 * of which only the one that is written to is copied.
 *
 * A directory that a lower layer has, too, cannot be renamed (-EXDEV).
 */
#include "kernel/fs/layered/layered.h"
#include "kernel/fs/file.h"
#include "kernel/fs/fileattr.h"
#include "kernel/mm/heap.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"

enum { NUMBER_BITS = 56 }; /* of a layer's; above: which file system */

/* ---- inodes ---- */

/* What stands for inode in its layer now. */
static struct inode *real_of(struct inode *inode)
{
    struct inode *upper = layered_upper(inode);

    return upper ? upper : layered_inode(inode)->lower[0];
}

uint64_t layered_number(const struct layered *fs, const struct superblock *sb,
                        uint64_t ino)
{
    uint64_t at = 0;

    if (sb == fs->upper.sb) {
        return ino;
    }
    while (at < fs->lower_count && fs->lower[at].sb != sb) {
        at++;
    }
    if (fs->lower[at].sb == (fs->upper.sb ? fs->upper.sb : fs->lower[0].sb)) {
        at = 0;
    } else {
        at++;
    }
    return ino ^ at << NUMBER_BITS;
}

static uint64_t number_of(const struct layered *fs, const struct inode *real)
{
    return layered_number(fs, real->sb, real->ino);
}

/* A copy's: that of its original. */
static uint64_t number_of_upper(const struct layered *fs, struct inode *upper)
{
    uint64_t number;
    long n;

    mutex_lock(&upper->lock);
    n = upper->ops->getxattr(upper, fs->origin, &number, sizeof(number));
    mutex_unlock(&upper->lock);
    return n == sizeof(number) ? number : number_of(fs, upper);
}

static bool is_that(struct inode *inode, const struct layered_found *f)
{
    struct layered_inode *n = layered_inode(inode);
    struct inode *upper = layered_upper(inode);

    return f->lower_count ? n->lower_count && n->lower[0] == f->lower[0] &&
                                (!f->upper || f->upper == upper)
                          : f->upper == upper;
}

static void put_all(struct inode *upper, struct inode **lower, unsigned count)
{
    inode_put(upper);
    for (unsigned i = 0; i < count; i++) {
        inode_put(lower[i]);
    }
}

/* The one that there is, or NULL. *publish: it can be found by *number, if it
 * is made. */
static struct inode *find(struct layered *fs, const struct layered_found *f,
                          uint64_t *number, bool *publish)
{
    struct inode *inode;

    *number = f->lower_count ? number_of(fs, f->lower[0])
                             : number_of_upper(fs, f->upper);
    *publish = f->upper || S_ISDIR(f->lower[0]->mode) ||
               atomic_load_acquire(&f->lower[0]->data)->nlink < 2;
    inode = inode_find(&fs->sb, *number);
    if (inode && *publish && is_that(inode, f)) {
        return inode;
    }
    *publish = *publish && !inode;
    inode_put(inode);
    return NULL;
}

static int keep_name(struct layered_inode *n, const struct layered_found *f)
{
    if (f->upper || !f->parent) {
        return 0;
    }
    n->name = kmalloc(f->len);
    if (!n->name) {
        return -ENOMEM;
    }
    memcpy(n->name, f->name, f->len);
    n->name_len = (uint16_t)f->len;
    n->parent = f->parent;
    inode_get(n->parent);
    return 0;
}

static enum lock_class lock_class(const struct layered *fs, uint32_t mode)
{
    if (fs->depth > 1) {
        return S_ISDIR(mode) ? LOCK_FS_TOP2_DIR : LOCK_FS_TOP2;
    }
    return S_ISDIR(mode) ? LOCK_FS_TOP_DIR : LOCK_FS_TOP;
}

static int new_inode(struct layered *fs, struct layered_found *f,
                     uint64_t number, struct layered_inode **out)
{
    struct inode *real = f->upper ? f->upper : f->lower[0];
    struct layered_inode *n =
        kzalloc(sizeof(*n) + f->lower_count * sizeof(n->lower[0]));

    if (!n || keep_name(n, f)) {
        kfree(n);
        return -ENOMEM;
    }
    inode_init(&n->inode, &fs->sb, &layered_inode_ops, number, real->mode);
    mutex_init(&n->inode.lock, lock_class(fs, real->mode));
    n->inode.rdev = real->rdev;
    n->inode.data = atomic_load_acquire(&real->data);
    n->inode.keeps_atime = !f->upper;
    n->upper = f->upper;
    n->lower_count = f->lower_count;
    memcpy(n->lower, f->lower, f->lower_count * sizeof(n->lower[0]));
    if (n->upper && S_ISDIR(real->mode)) {
        mutex_lock(&n->upper->lock);
        n->upper->flags |= INODE_ASK_AGAIN;
        mutex_unlock(&n->upper->lock);
    }
    *out = n;
    return 0;
}

int layered_get(struct layered *fs, struct layered_found *f, struct inode **out)
{
    struct layered_inode *n;
    uint64_t number;
    bool publish;
    int err;

    *out = find(fs, f, &number, &publish);
    if (*out) {
        put_all(f->upper, f->lower, f->lower_count);
        return 0;
    }
    err = new_inode(fs, f, number, &n);
    if (err) {
        put_all(f->upper, f->lower, f->lower_count);
        return err;
    }
    *out = publish ? inode_publish(&n->inode) : &n->inode;
    return 0;
}

static void layered_free(struct inode *inode)
{
    struct layered_inode *n = layered_inode(inode);
    struct inode *parent = n->parent;

    put_all(n->upper, n->lower, n->lower_count);
    layered_list_free(n->list);
    kfree(n->name);
    inode_destroy(inode);
    kfree(n);
    inode_put(parent);
}

/* ---- attributes ---- */

static void layered_getattr(struct inode *inode, struct inode_stat *st)
{
    struct layered_inode *n = layered_inode(inode);

    if (S_ISDIR(inode->mode) && n->lower_count + !!layered_upper(inode) > 1) {
        st->nlink = 1; /* nobody counts what several layers have */
    }
}

static int layered_setattr(struct inode *inode, const struct inode_attr *attr)
{
    bool empty = attr->valid & ATTR_SIZE && attr->size == 0;
    struct inode *upper;
    int err = layered_copy_up(inode, !empty);

    if (err) {
        return err;
    }
    upper = layered_upper(inode);
    mutex_lock(&upper->lock);
    err = upper->ops->setattr(upper, attr);
    mutex_unlock(&upper->lock);
    return err;
}

static int layered_fallocate(struct inode *inode, int mode, uint64_t off,
                             uint64_t len)
{
    struct inode *upper;
    int err = layered_copy_up(inode, true);

    if (err) {
        return err;
    }
    upper = layered_upper(inode);
    mutex_lock(&upper->lock);
    err = upper->ops->fallocate(upper, mode, off, len);
    mutex_unlock(&upper->lock);
    return err;
}

static int layered_open(struct inode *inode, struct file *f)
{
    struct inode *real;
    int err = 0;

    if (!S_ISREG(inode->mode)) {
        return 0;
    }
    if (f->mode & FILE_WRITE) {
        err = layered_copy_up(inode, true);
    }
    real = real_of(inode);
    return err ? err : real->ops->open ? real->ops->open(real, f) : 0;
}

static int layered_readlink(struct inode *inode, char *buf, size_t len)
{
    struct inode *real = real_of(inode);
    size_t n;

    if (!real->link) {
        return real->ops->readlink(real, buf, len);
    }
    n = MIN(strlen(real->link), len);
    memcpy(buf, real->link, n);
    return (int)n;
}

static int layered_tmpfile(struct inode *dir, const struct inode_attr *attr,
                           struct inode **out)
{
    struct layered *fs = layered_of(dir->sb);
    struct layered_found f = {.parent = dir};
    int err =
        fs->work ? fs->work->ops->tmpfile(fs->work, attr, &f.upper) : -EROFS;

    return err ? err : layered_get(fs, &f, out);
}

/* ---- extended attributes ---- */

enum { NAME_MOST = 255, MARK = sizeof("overlay.") - 1 }; /* NUL aside */

/* What the layer calls it: names that are this file system's own there have an
 * "overlay." more, so that an overlay may be made of what is in one. room is
 * for NAME_MOST + 1 bytes. */
static int layer_name(struct inode *inode, const char **name, char *room)
{
    const char *private = layered_of(inode->sb)->private;
    size_t len = strlen(private);

    if (strncmp(*name, private, len) != 0) {
        return 0;
    }
    if (strlen(*name) + MARK > NAME_MOST) {
        return -EOPNOTSUPP;
    }
    fmt_snprintf(room, NAME_MOST + 1, "%soverlay.%s", private, *name + len);
    *name = room;
    return 0;
}

static long layered_getxattr(struct inode *inode, const char *name, void *buf,
                             size_t len)
{
    struct inode *real = real_of(inode);
    char room[NAME_MOST + 1];
    long n;

    if (!real->ops->getxattr) {
        return -EOPNOTSUPP;
    }
    n = layer_name(inode, &name, room);
    if (n) {
        return n;
    }
    mutex_lock(&real->lock);
    n = real->ops->getxattr(real, name, buf, len);
    mutex_unlock(&real->lock);
    return n;
}

/* The name of size bytes at `at` as it shows, to `to`: how many bytes. */
static size_t show_name(const char *private, char *to, const char *at,
                        size_t size)
{
    size_t len = strlen(private);

    if (strncmp(at, private, len) != 0) {
        memmove(to, at, size);
        return size;
    }
    if (strncmp(at + len, "overlay.", MARK) != 0) {
        return 0;
    }
    memmove(to, at, len);
    memmove(to + len, at + len + MARK, size - len - MARK);
    return size - MARK;
}

/* len 0 only asks, and may be told too much. */
static long layered_listxattr(struct inode *inode, char *buf, size_t len)
{
    struct inode *real = real_of(inode);
    long n = 0, kept = 0;

    if (!real->ops->listxattr) {
        return 0;
    }
    mutex_lock(&real->lock);
    n = real->ops->listxattr(real, buf, len);
    mutex_unlock(&real->lock);
    if (n <= 0 || !len) {
        return n;
    }
    for (long at = 0; at < n;) {
        size_t size = strlen(buf + at) + 1;

        kept += show_name(layered_of(inode->sb)->private, buf + kept, buf + at,
                          size);
        at += size;
    }
    return kept;
}

/* What is not there is removed without a copy. */
static int layered_setxattr(struct inode *inode, const char *name,
                            const void *value, size_t len, int flags)
{
    char room[NAME_MOST + 1];
    const char *shown = name;
    struct inode *upper;
    int err = layer_name(inode, &name, room);

    if (!err && !value && !layered_upper(inode)) {
        err = (int)MIN(layered_getxattr(inode, shown, NULL, 0), 0l);
    }
    err = err ? err : layered_copy_up(inode, true);
    if (err) {
        return err;
    }
    upper = layered_upper(inode);
    mutex_lock(&upper->lock);
    err = upper->ops->setxattr(upper, name, value, len, flags);
    mutex_unlock(&upper->lock);
    return err;
}

const struct inode_ops layered_inode_ops = {
    .free = layered_free,
    .lookup = layered_lookup,
    .readdir = layered_readdir,
    .make = layered_make,
    .symlink = layered_symlink,
    .link = layered_link,
    .unlink = layered_unlink,
    .rmdir = layered_rmdir,
    .rename = layered_rename,
    .tmpfile = layered_tmpfile,
    .readlink = layered_readlink,
    .fallocate = layered_fallocate,
    .open = layered_open,
    .getattr = layered_getattr,
    .setattr = layered_setattr,
    .getxattr = layered_getxattr,
    .setxattr = layered_setxattr,
    .listxattr = layered_listxattr,
};
