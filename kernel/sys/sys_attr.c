/* SPDX-License-Identifier: MIT
 *
 * Changing files: chmod(2), chown(2), utimensat(2), truncate(2),
 * fallocate(2).
 */
#include "kernel/sys/user_path.h"
#include "kernel/fs/attr.h"
#include "kernel/fs/landlock/landlock.h"
#include "kernel/fs/lease.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"
#include "abi/linux/time.h"

enum { NS = 1000000000 };

/* ---- mode and owner ---- */

static long chmod_at(int dirfd, struct uptr path, uint32_t mode, int flags)
{
    struct path p;
    long err;

    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) {
        return -EINVAL;
    }
    err = user_find(dirfd, path, walk_of_at(flags), &p);
    if (!err) {
        err = attr_chmod(&p, mode);
        path_put(&p);
    }
    return err;
}

long sys_chmod(const struct sysargs *a)
{
    return chmod_at(AT_FDCWD, arg_ptr(a, 0), arg_uint(a, 1), 0);
}

long sys_fchmodat(const struct sysargs *a)
{
    return chmod_at(arg_int(a, 0), arg_ptr(a, 1), arg_uint(a, 2), 0);
}

long sys_fchmodat2(const struct sysargs *a)
{
    return chmod_at(arg_int(a, 0), arg_ptr(a, 1), arg_uint(a, 2),
                    arg_int(a, 3));
}

long sys_fchmod(const struct sysargs *a)
{
    struct fd fd;
    long err = fd_get_io(arg_int(a, 0), &fd);

    if (!err) {
        err = attr_chmod(&fd.file->path, arg_uint(a, 1));
        fd_put(&fd);
    }
    return err;
}

static long chown_at(int dirfd, struct uptr path, uint32_t uid, uint32_t gid,
                     int flags)
{
    struct path p;
    long err;

    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) {
        return -EINVAL;
    }
    err = user_find(dirfd, path, walk_of_at(flags), &p);
    if (!err) {
        err = attr_chown(&p, uid, gid);
        path_put(&p);
    }
    return err;
}

long sys_chown(const struct sysargs *a)
{
    return chown_at(AT_FDCWD, arg_ptr(a, 0), arg_uint(a, 1), arg_uint(a, 2), 0);
}

long sys_lchown(const struct sysargs *a)
{
    return chown_at(AT_FDCWD, arg_ptr(a, 0), arg_uint(a, 1), arg_uint(a, 2),
                    AT_SYMLINK_NOFOLLOW);
}

long sys_fchownat(const struct sysargs *a)
{
    return chown_at(arg_int(a, 0), arg_ptr(a, 1), arg_uint(a, 2),
                    arg_uint(a, 3), arg_int(a, 4));
}

long sys_fchown(const struct sysargs *a)
{
    struct fd fd;
    long err = fd_get_io(arg_int(a, 0), &fd);

    if (!err) {
        err = attr_chown(&fd.file->path, arg_uint(a, 1), arg_uint(a, 2));
        fd_put(&fd);
    }
    return err;
}

/* ---- times ---- */

/* ns since the epoch, or ATTR_NOW, ATTR_OMIT; cut to what 64 bits hold. */
static int time_of(const struct abi_timespec *ts, int64_t *ns)
{
    if (ts->nsec == UTIME_NOW) {
        *ns = ATTR_NOW;
        return 0;
    }
    if (ts->nsec == UTIME_OMIT) {
        *ns = ATTR_OMIT;
        return 0;
    }
    if (ts->nsec < 0 || ts->nsec >= NS) {
        return -EINVAL;
    }
    if (ts->sec > (int64_t)(INT64_MAX / NS - 1)) {
        *ns = INT64_MAX - 1;
    } else if (ts->sec < -(int64_t)(INT64_MAX / NS - 1)) {
        *ns = INT64_MIN + 1;
    } else {
        *ns = ts->sec * NS + ts->nsec;
    }
    return 0;
}

struct times {
    int64_t access, change;
    bool invalid; /* to be said when the file was found */
};

static int get_times(struct times *t, struct uptr from)
{
    struct abi_timespec ts[2];
    int err;

    *t = (struct times){ATTR_NOW, ATTR_NOW, false};
    if (!from.addr) {
        return 0;
    }
    err = copy_from_user(ts, from, sizeof(ts));
    if (!err) {
        t->invalid = time_of(&ts[0], &t->access) || time_of(&ts[1], &t->change);
    }
    return err;
}

static int get_timevals(struct times *t, struct uptr from)
{
    struct abi_timeval tv[2];
    int err;

    *t = (struct times){ATTR_NOW, ATTR_NOW, false};
    if (!from.addr) {
        return 0;
    }
    err = copy_from_user(tv, from, sizeof(tv));
    for (int i = 0; i < 2 && !err; i++) {
        struct abi_timespec ts = {tv[i].sec, tv[i].usec * 1000};

        err = tv[i].usec < 0 || tv[i].usec >= 1000000
                  ? -EINVAL
                  : time_of(&ts, i ? &t->change : &t->access);
    }
    return err;
}

static long set_times(int dirfd, struct uptr path, int flags,
                      const struct times *t)
{
    struct path p;
    long err = user_find(dirfd, path, walk_of_at(flags), &p);

    if (!err) {
        err = t->invalid ? -EINVAL : attr_times(&p, t->access, t->change);
        path_put(&p);
    }
    return err;
}

static long set_fd_times(int n, const struct times *t)
{
    struct fd fd;
    long err = fd_get_io(n, &fd);

    if (!err) {
        err = t->invalid ? -EINVAL
                         : attr_times(&fd.file->path, t->access, t->change);
        fd_put(&fd);
    }
    return err;
}

long sys_utimensat(const struct sysargs *a)
{
    int flags = arg_int(a, 3);
    struct times t;
    int err = get_times(&t, arg_ptr(a, 2));

    if (err) {
        return err;
    }
    if (!t.invalid && t.access == ATTR_OMIT && t.change == ATTR_OMIT) {
        return 0; /* nothing is looked up then */
    }
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) {
        return -EINVAL;
    }
    if (!arg_u64(a, 1) && arg_int(a, 0) != AT_FDCWD) {
        return flags ? -EINVAL : set_fd_times(arg_int(a, 0), &t);
    }
    return set_times(arg_int(a, 0), arg_ptr(a, 1), flags, &t);
}

long sys_utimes(const struct sysargs *a)
{
    struct times t;
    int err = get_timevals(&t, arg_ptr(a, 1));

    return err ? err : set_times(AT_FDCWD, arg_ptr(a, 0), 0, &t);
}

long sys_futimesat(const struct sysargs *a)
{
    struct times t;
    int err = get_timevals(&t, arg_ptr(a, 2));

    if (err) {
        return err;
    }
    if (!arg_u64(a, 1)) {
        return set_fd_times(arg_int(a, 0), &t);
    }
    return set_times(arg_int(a, 0), arg_ptr(a, 1), 0, &t);
}

long sys_utime(const struct sysargs *a)
{
    struct times t = {ATTR_NOW, ATTR_NOW, false};
    int64_t s[2];

    if (arg_u64(a, 1)) {
        if (copy_from_user(s, arg_ptr(a, 1), sizeof(s))) {
            return -EFAULT;
        }
        time_of(&(struct abi_timespec){s[0], 0}, &t.access);
        time_of(&(struct abi_timespec){s[1], 0}, &t.change);
    }
    return set_times(AT_FDCWD, arg_ptr(a, 0), 0, &t);
}

/* ---- size ---- */

static int may_truncate(const struct path *p)
{
    struct inode *inode = p->dentry->inode;
    int err;

    if (S_ISDIR(inode->mode)) {
        return -EISDIR;
    }
    if (!S_ISREG(inode->mode)) {
        return -EINVAL;
    }
    err = mount_writable(p->mount);
    err = err ? err : inode_may(inode, MAY_WRITE);
    return err ? err : inode->writers < 0 ? -ETXTBSY : 0;
}

long sys_truncate(const struct sysargs *a)
{
    struct path p;
    long err;

    if (arg_long(a, 1) < 0) {
        return -EINVAL;
    }
    err = user_find(AT_FDCWD, arg_ptr(a, 0), WALK_FOLLOW, &p);
    if (err) {
        return err;
    }
    err = may_truncate(&p);
    err = err ? err : lease_break(p.dentry->inode, true, false);
    err = err ? err : landlock_path(&p, LANDLOCK_ACCESS_FS_TRUNCATE);
    if (!err) {
        err = attr_truncate(&p, arg_u64(a, 1));
    }
    path_put(&p);
    return err;
}

static long truncate_file(struct file *f, uint64_t size)
{
    if (!S_ISREG(f->inode->mode) || !(f->mode & FILE_WRITE)) {
        return -EINVAL;
    }
    if (f->mode & FILE_KEEPS_SIZE) {
        return -EACCES;
    }
    return attr_truncate(&f->path, size);
}

long sys_ftruncate(const struct sysargs *a)
{
    struct fd fd;
    long err;

    if (arg_long(a, 1) < 0) {
        return -EINVAL;
    }
    err = fd_get_io(arg_int(a, 0), &fd);
    if (!err) {
        err = truncate_file(fd.file, arg_u64(a, 1));
        fd_put(&fd);
    }
    return err;
}

/* The modes exclude each other, and each says whether it knows KEEP_SIZE. */
static bool is_mode(int mode)
{
    bool keeps = mode & FALLOC_FL_KEEP_SIZE;

    switch (mode & ~FALLOC_FL_KEEP_SIZE) {
    case 0:
    case FALLOC_FL_UNSHARE_RANGE:
    case FALLOC_FL_ZERO_RANGE:
        return true;
    case FALLOC_FL_PUNCH_HOLE:
        return keeps;
    case FALLOC_FL_COLLAPSE_RANGE:
    case FALLOC_FL_INSERT_RANGE:
    case FALLOC_FL_WRITE_ZEROES:
        return !keeps;
    default:
        return false;
    }
}

static int check_allocate(struct file *f, int mode, int64_t off, int64_t len)
{
    int64_t end;

    if (off < 0 || len <= 0) {
        return -EINVAL;
    }
    if (!is_mode(mode)) {
        return -EOPNOTSUPP;
    }
    if (!(f->mode & FILE_WRITE)) {
        return -EBADF;
    }
    if (S_ISFIFO(f->inode->mode)) {
        return -ESPIPE;
    }
    if (S_ISDIR(f->inode->mode)) {
        return -EISDIR;
    }
    if (!S_ISREG(f->inode->mode)) {
        return -ENODEV;
    }
    return __builtin_add_overflow(off, len, &end) ? -EFBIG : 0;
}

long sys_fallocate(const struct sysargs *a)
{
    int mode = arg_int(a, 1);
    struct fd fd;
    long err = fd_get_io(arg_int(a, 0), &fd);

    if (err) {
        return err;
    }
    err = check_allocate(fd.file, mode, arg_long(a, 2), arg_long(a, 3));
    if (!err) {
        err = attr_allocate(&fd.file->path, mode, arg_u64(a, 2), arg_u64(a, 3));
    }
    fd_put(&fd);
    return err;
}
