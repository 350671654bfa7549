/* SPDX-License-Identifier: MIT
 *
 * Copying up: an object of the lower layer gets a twin in the upper, before
 * its first change. The overlay inode's lock is held, so it happens once.
 *
 * The twin is complete before inode->data leads to it; who read the lower's
 * pages meanwhile goes on doing so, and finds the same bytes.
 */
#include "kernel/fs/overlay/overlay.h"
#include "kernel/fs/acl.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/fcntl.h"
#include "abi/linux/stat.h"

enum { COPY_BYTES = 65536 };

int overlay_copy_data(struct inode *to, struct inode *from)
{
    char *buf = kmalloc(COPY_BYTES);
    uint64_t off = 0;
    long n = 1;

    if (!buf) {
        return -ENOMEM;
    }
    while (off < from->size && n > 0) {
        struct iobuf io;

        iobuf_kernel(&io, buf, COPY_BYTES);
        n = pagecache_read(&from->pages, &io, off, from->size);
        if (n > 0) {
            iobuf_kernel(&io, buf, n);
            n = pagecache_write(&to->pages, &io, off);
        }
        off += MAX(n, 0l);
    }
    kfree(buf);
    if (off < from->size) {
        return n < 0 ? n : -EIO;
    }
    to->size = from->size;
    return 0;
}

static int copy_xattr(struct inode *to, struct inode *from, const char *name,
                      void *value)
{
    long n = from->ops->getxattr(from, name, value, XATTR_SIZE_MAX);

    return n < 0 ? n : to->ops->setxattr(to, name, value, n, 0);
}

int overlay_copy_xattrs(struct inode *to, struct inode *from,
                        const char *private)
{
    char *names, *value;
    long len = 0;
    int err = 0;

    if (!from->ops->listxattr || !from->ops->getxattr || !to->ops->setxattr) {
        return 0;
    }
    len = from->ops->listxattr(from, NULL, 0);
    if (len <= 0) {
        return 0;
    }
    names = kmalloc(XATTR_LIST_MAX);
    value = kmalloc(XATTR_SIZE_MAX);
    if (names && value) {
        len = from->ops->listxattr(from, names, XATTR_LIST_MAX);
        for (long at = 0; at < len && !err; at += strlen(names + at) + 1) {
            bool skip =
                acl_slot(to, names + at) || /* make_twin() */
                (private && strncmp(names + at, private, strlen(private)) == 0);

            err = skip ? 0 : copy_xattr(to, from, names + at, value);
        }
    } else {
        err = -ENOMEM;
    }
    kfree(names);
    kfree(value);
    return err;
}

static void copy_attributes(struct inode *to, struct inode *from)
{
    to->ino = from->ino;
    to->nlink = from->nlink;
    to->rdev = from->rdev;
    to->atime = from->atime;
    to->mtime = from->mtime;
    to->ctime = from->ctime;
    to->btime = from->btime;
}

/* A directory or a link is made in the work directory and loses its name. */
static int make_nameless(struct overlay *o, const struct inode_attr *attr,
                         const char *target, struct inode **out)
{
    static const char name[] = "twin";
    const size_t len = sizeof(name) - 1;
    struct inode *work = o->work;
    int err;

    mutex_lock(&o->staging);
    err = target ? work->ops->symlink(work, name, len, target, attr, out)
                 : work->ops->make(work, name, len, attr, out);
    if (!err) {
        err = S_ISDIR(attr->mode) ? work->ops->rmdir(work, name, len, *out)
                                  : work->ops->unlink(work, name, len, *out);
        if (err) {
            inode_put(*out);
        }
    }
    mutex_unlock(&o->staging);
    return err;
}

static int make_link_twin(struct overlay *o, struct inode *lower,
                          const struct inode_attr *attr, struct inode **out)
{
    char *target = kzalloc(4097);
    int n, err;

    if (!target) {
        return -ENOMEM;
    }
    n = lower->link ? (int)strlcpy(target, lower->link, 4097)
                    : lower->ops->readlink(lower, target, 4096);
    err = n < 0 ? n : make_nameless(o, attr, target, out);
    kfree(target);
    return err;
}

static int make_twin_of(struct overlay *o, struct inode *lower,
                        const struct inode_attr *attr, bool with_data,
                        struct inode **out)
{
    int err;

    switch (lower->mode & S_IFMT) {
    case S_IFREG:
        err = o->work->ops->tmpfile(o->work, attr, out);
        if (!err && with_data) {
            err = overlay_copy_data(*out, lower);
            if (err) {
                inode_put(*out);
            }
        }
        return err;
    case S_IFLNK:
        return make_link_twin(o, lower, attr, out);
    default:
        return make_nameless(o, attr, NULL, out);
    }
}

static int make_twin(struct overlay *o, struct inode *lower, bool with_data,
                     struct inode **out)
{
    struct inode_attr attr = {
        .mode = lower->mode,
        .uid = lower->uid,
        .gid = lower->gid,
        .rdev = lower->rdev,
        .acl = acl_get(&lower->acl),
        .default_acl = acl_get(&lower->default_acl),
    };
    int err = make_twin_of(o, lower, &attr, with_data, out);

    attr_put(&attr);
    return err;
}

int overlay_copy_up(struct inode *inode, bool with_data)
{
    struct overlay_inode *n = overlay_inode(inode);
    struct inode *twin;
    int err;

    if (n->upper) {
        return 0;
    }
    err = make_twin(overlay_of(inode->sb), n->lower, with_data, &twin);
    if (err) {
        return err;
    }
    err = overlay_copy_xattrs(twin, n->lower, NULL);
    if (err) {
        inode_put(twin);
        return err;
    }
    copy_attributes(twin, n->lower);
    if (twin->nlink) {
        overlay_pin(inode);
    }
    atomic_store_release(&n->upper, twin);
    atomic_store_release(&inode->data, twin);
    return 0;
}
