/* SPDX-License-Identifier: MIT
 *
 * open(2). What exists is opened from one walk; only when the name is missing
 * and O_CREAT set, or O_EXCL asks for certainty, a second one goes by way of
 * the locked directory.
 */
#include "kernel/fs/acl.h"
#include "kernel/fs/fileattr.h"
#include "kernel/fs/names.h"
#include "kernel/fs/attr.h"
#include "kernel/fs/file.h"
#include "kernel/fs/landlock/landlock.h"
#include "kernel/fs/lease.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"
#include "abi/linux/statfs.h"

static unsigned access_of(uint32_t flags)
{
    static const uint8_t may[] = {MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE,
                                  MAY_READ | MAY_WRITE};

    return may[flags & O_ACCMODE] | (flags & O_TRUNC ? MAY_WRITE : 0);
}

static int check_type(const struct path *p, uint32_t flags)
{
    struct inode *inode = p->dentry->inode;
    bool writes = access_of(flags) & MAY_WRITE;

    switch (inode->mode & S_IFMT) {
    case S_IFLNK:
        return -ELOOP;
    case S_IFDIR:
        return writes || flags & O_CREAT ? -EISDIR : 0;
    case S_IFCHR:
    case S_IFBLK:
        return p->mount->flags & ST_NODEV ? -EACCES : 0;
    case S_IFSOCK:
        return -ENXIO;
    case S_IFREG:
        return writes ? mount_writable(p->mount) : 0;
    default:
        return 0;
    }
}

/* Everything that may refuse an existing file. made: we have just made it. */
static int check_open(const struct path *p, uint32_t flags, bool made)
{
    struct inode *inode = p->dentry->inode;
    struct fs_cred cred;
    int err;

    if (flags & O_PATH) {
        return 0;
    }
    err = check_type(p, flags);
    if (err || made) {
        return err;
    }
    fs_current_cred(&cred);
    if (flags & O_NOATIME && !fs_owns(&cred, inode)) {
        return -EPERM;
    }
    if (inode_marks(inode) & INODE_APPEND && access_of(flags) & MAY_WRITE &&
        (flags & O_TRUNC || !(flags & O_APPEND))) {
        err = inode_permission(inode, access_of(flags), &cred);
        return err ? err : -EPERM;
    }
    err = inode_permission(inode, access_of(flags), &cred);
    return !err && inode->flags & INODE_SECRET ? -ENXIO : err;
}

bool file_may_direct(const struct inode *inode)
{
    return S_ISREG(inode->mode) && !(inode->sb->flags & SB_TABLES);
}

static uint64_t landlock_rights(const struct path *p, uint32_t flags)
{
    unsigned access = access_of(flags & ~(uint32_t)O_TRUNC);

    if (S_ISDIR(p->dentry->inode->mode)) {
        return LANDLOCK_ACCESS_FS_READ_DIR;
    }
    return (access & MAY_READ ? LANDLOCK_ACCESS_FS_READ_FILE : 0) |
           (access & MAY_WRITE ? LANDLOCK_ACCESS_FS_WRITE_FILE : 0);
}

static bool is_device(const struct inode *inode)
{
    return S_ISCHR(inode->mode) || S_ISBLK(inode->mode);
}

/* Whether the file may be truncated, or a device told what to do, is decided as
 * it is opened, and asked for when it is. */
static int check_landlock(const struct path *p, uint32_t flags, bool made,
                          uint32_t *mode)
{
    int err;

    if (likely(!current_landlock()) || flags & O_PATH) {
        return 0;
    }
    err = landlock_path(p, landlock_rights(p, flags));
    if (!err && landlock_path(p, LANDLOCK_ACCESS_FS_TRUNCATE)) {
        *mode |= FILE_KEEPS_SIZE;
        err = flags & O_TRUNC && !made ? -EACCES : 0;
    }
    if (is_device(p->dentry->inode) &&
        landlock_path(p, LANDLOCK_ACCESS_FS_IOCTL_DEV)) {
        *mode |= FILE_NO_IOCTL;
    }
    return err;
}

/* p is counted and taken. */
static int open_found(struct path *p, uint32_t flags, bool made,
                      struct file **out)
{
    uint32_t mode = made ? FILE_CREATED : 0;
    int err = check_open(p, flags, made);
    struct file *f;

    err = err ? err : check_landlock(p, flags, made, &mode);

    if (!err && !made && !(flags & O_PATH)) {
        err = lease_break(p->dentry->inode, access_of(flags) & MAY_WRITE,
                          flags & O_NONBLOCK);
    }
    if (err) {
        path_put(p);
        return err;
    }
    err = file_open_path(p, flags, &f);
    if (err) {
        return err;
    }
    if (flags & O_DIRECT && !(flags & O_PATH) && !file_may_direct(f->inode)) {
        file_put(f);
        return -EINVAL;
    }
    if (flags & O_TRUNC && S_ISREG(f->inode->mode) && !made &&
        !(flags & O_PATH)) {
        err = attr_truncate(&f->path, 0);
        if (err) {
            file_put(f);
            return err;
        }
    }
    f->mode |= mode;
    *out = f;
    return 0;
}

/* ---- with O_CREAT ---- */

/* The walk stands in its last name's directory. *again: a link was followed
 * and the walk goes on. Else *out and *made. */
static int find_or_make(struct walk *w, uint32_t flags, uint32_t mode,
                        struct path *out, bool *made, bool *again)
{
    struct dentry *d;
    int err = walk_lock(w, &d);

    *again = *made = false;
    if (err) {
        return err;
    }
    if (!d->inode) {
        err = name_add(w, d, S_IFREG | (mode & 07777), 0, NULL);
        *made = !err;
    } else if (flags & O_EXCL) {
        err = -EEXIST;
    } else if (S_ISLNK(d->inode->mode) && !(flags & O_NOFOLLOW)) {
        *again = true;
    }
    mutex_unlock(&w->at.dentry->inode->lock);
    if (*again) {
        return walk_follow(w, d);
    }
    if (err) {
        dentry_put(d);
        return err;
    }
    mount_get(w->at.mount);
    *out = (struct path){w->at.mount, d};
    return 0;
}

static int open_or_make(const struct path *start, const char *name,
                        uint32_t flags, uint32_t mode, unsigned walk,
                        struct file **out)
{
    struct path p;
    struct walk w;
    bool made = false, again = true;
    int err = walk_begin(&w, start, name, walk);

    while (!err && again) {
        err = walk_parent(&w);
        if (!err && walk_last_is_dots(&w)) {
            err = flags & O_EXCL ? -EEXIST : -EISDIR;
        } else if (!err && w.last_slash) {
            err = -EISDIR; /* whatever is there */
        }
        if (!err) {
            err = find_or_make(&w, flags, mode, &p, &made, &again);
        }
    }
    walk_end(&w);
    return err ? err : open_found(&p, flags, made, out);
}

static bool ends_in_slash(const char *name)
{
    size_t len = strlen(name);

    return len && name[len - 1] == '/';
}

/* ---- O_TMPFILE ---- */

static int make_nameless(struct inode *dir, uint32_t mode, struct inode **out)
{
    struct inode_attr attr;
    int err = attr_of_new(dir, mode, 0, &attr);

    if (!err) {
        err = dir->ops->tmpfile(dir, &attr, out);
        attr_put(&attr);
    }
    return err;
}

static int open_nameless(const struct path *start, const char *name,
                         uint32_t flags, uint32_t mode, unsigned walk,
                         struct file **out)
{
    struct inode *inode;
    struct path p;
    int err;

    if (!(access_of(flags) & MAY_WRITE)) {
        return -EINVAL;
    }
    err = path_find(start, name, walk | WALK_FOLLOW | WALK_DIRECTORY, &p);
    if (err) {
        return err;
    }
    err = mount_writable(p.mount);
    if (!err) {
        err = inode_may(p.dentry->inode, MAY_WRITE | MAY_EXEC);
    }
    if (!err && !p.dentry->inode->ops->tmpfile) {
        err = -EOPNOTSUPP;
    }
    if (!err) {
        err = make_nameless(p.dentry->inode, S_IFREG | (mode & 07777), &inode);
    }
    if (!err) {
        struct path made = {.mount = p.mount};

        inode->flags |= flags & O_EXCL ? 0 : INODE_LINKABLE;
        err = dentry_detached(p.dentry, "#tmpfile", inode, &made.dentry);
        if (!err) {
            mount_get(p.mount);
            err = open_found(&made, flags, true, out);
        }
    }
    path_put(&p);
    return err;
}

/* ---- all ---- */

int name_open(const struct path *start, const char *name, uint32_t flags,
              uint32_t mode, unsigned walk, struct file **out)
{
    struct path p;
    int err;

    if ((flags & O_TMPFILE) == O_TMPFILE && !(flags & O_PATH)) {
        return open_nameless(start, name, flags, mode, walk, out);
    }
    if (flags & O_PATH) {
        flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    }
    if (flags & O_CREAT && (flags & O_EXCL || ends_in_slash(name))) {
        return open_or_make(start, name, flags, mode, walk, out);
    }
    walk |= flags & O_NOFOLLOW ? 0 : WALK_FOLLOW;
    walk |= flags & O_DIRECTORY ? WALK_DIRECTORY : 0;
    err = path_find(start, name, walk, &p);
    if (err == -ENOENT && flags & O_CREAT) {
        return open_or_make(start, name, flags, mode, walk, out);
    }
    return err ? err : open_found(&p, flags, false, out);
}
