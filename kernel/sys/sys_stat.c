/* SPDX-License-Identifier: MIT
 *
 * Looking at files: stat(2), statx(2), access(2), statfs(2). A path is walked
 * and looked at in one section of the dentry cache, nothing is counted but
 * where looking takes locks.
 */
#include "kernel/sys/user_path.h"
#include "kernel/proc/proc.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/mount_info.h"
#include "abi/linux/stat.h"
#include "abi/linux/statfs.h"

enum { NS = 1000000000, STATX_SYNC_BOTH = AT_STATX_SYNC_TYPE };

struct found {
    struct inode_stat st;
    uint32_t mount_id;
    bool mount_root;
};

static void look(const struct path *p, struct found *out)
{
    inode_stat(p->dentry->inode, &out->st);
    out->mount_id = p->mount->id;
    out->mount_root = p->dentry == p->mount->root;
}

static int stat_path(const struct path *start, const char *name, unsigned flags,
                     struct found *out)
{
    struct walk w;
    int err = walk_begin(&w, start, name, flags);

    if (!err) {
        err = walk_all(&w);
    }
    if (!err && w.at.dentry->inode->ops->locks_getattr) {
        err = walk_pin(&w);
    }
    if (!err) {
        look(&w.at, out);
    }
    walk_end(&w);
    return err;
}

static int stat_at(int dirfd, struct uptr path, unsigned flags,
                   struct found *out)
{
    struct user_at at;
    int err = user_at_get(&at, dirfd, path, flags);

    if (!err) {
        err = stat_path(at.start, at.path.text, flags, out);
        user_at_put(&at);
    }
    return err;
}

static int stat_fd(int n, struct found *out)
{
    struct fd fd;
    int err = fd_get(n, &fd);

    if (!err) {
        look(&fd.file->path, out);
        fd_put(&fd);
    }
    return err;
}

/* ---- struct stat ---- */

/* Seconds and the rest, of a time that may be negative. */
static int64_t split(int64_t ns, int64_t *rest)
{
    int64_t s = ns / NS;

    *rest = ns % NS;
    if (*rest < 0) {
        *rest += NS;
        s--;
    }
    return s;
}

static uint64_t seconds(int64_t ns, uint64_t *rest)
{
    int64_t r, s = split(ns, &r);

    *rest = r;
    return s;
}

static int put_stat(struct uptr to, const struct found *found)
{
    const struct inode_stat *st = &found->st;
    struct linux_stat s = {
        .st_dev = st->dev,
        .st_ino = st->ino,
        .st_nlink = st->nlink,
        .st_mode = st->mode,
        .st_uid = st->uid,
        .st_gid = st->gid,
        .st_rdev = st->rdev,
        .st_size = st->size,
        .st_blksize = st->block_size,
        .st_blocks = st->blocks,
    };

    s.st_atime = seconds(st->atime, &s.st_atime_nsec);
    s.st_mtime = seconds(st->mtime, &s.st_mtime_nsec);
    s.st_ctime = seconds(st->ctime, &s.st_ctime_nsec);
    return copy_to_user(to, &s, sizeof(s));
}

static long stat_call(int dirfd, struct uptr path, unsigned flags,
                      struct uptr to)
{
    struct found found;
    int err = stat_at(dirfd, path, flags, &found);

    return err ? err : put_stat(to, &found);
}

long sys_stat(const struct sysargs *a)
{
    return stat_call(AT_FDCWD, arg_ptr(a, 0), WALK_FOLLOW, arg_ptr(a, 1));
}

long sys_lstat(const struct sysargs *a)
{
    return stat_call(AT_FDCWD, arg_ptr(a, 0), 0, arg_ptr(a, 1));
}

long sys_fstat(const struct sysargs *a)
{
    struct found found;
    int err = stat_fd(arg_int(a, 0), &found);

    return err ? err : put_stat(arg_ptr(a, 1), &found);
}

static int stat_any(int dirfd, struct uptr path, int flags, struct found *out)
{
    if (!user_path_is_empty(path, flags)) {
        return stat_at(dirfd, path, walk_of_at(flags), out);
    }
    return dirfd == AT_FDCWD ? stat_path(NULL, "", WALK_EMPTY, out)
                             : stat_fd(dirfd, out);
}

long sys_newfstatat(const struct sysargs *a)
{
    int dirfd = arg_int(a, 0), flags = arg_int(a, 3);
    struct uptr path = arg_ptr(a, 1);
    struct found found;
    int err;

    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH |
                  AT_STATX_SYNC_TYPE)) {
        return -EINVAL;
    }
    err = stat_any(dirfd, path, flags, &found);
    return err ? err : put_stat(arg_ptr(a, 2), &found);
}

/* ---- struct statx ---- */

static struct statx_timestamp timestamp(int64_t ns)
{
    struct statx_timestamp t = {0};
    int64_t rest;

    t.tv_sec = split(ns, &rest);
    t.tv_nsec = rest;
    return t;
}

static int put_statx(struct uptr to, const struct found *found, uint32_t mask)
{
    const struct inode_stat *st = &found->st;
    struct linux_statx s = {
        .stx_mask = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID,
        .stx_blksize = st->block_size,
        .stx_nlink = st->nlink,
        .stx_uid = st->uid,
        .stx_gid = st->gid,
        .stx_mode = st->mode,
        .stx_ino = st->ino,
        .stx_size = st->size,
        .stx_blocks = st->blocks,
        .stx_attributes_mask = STATX_ATTR_MOUNT_ROOT,
        .stx_attributes = found->mount_root ? STATX_ATTR_MOUNT_ROOT : 0,
        .stx_atime = timestamp(st->atime),
        .stx_btime = timestamp(st->btime),
        .stx_ctime = timestamp(st->ctime),
        .stx_mtime = timestamp(st->mtime),
        .stx_rdev_major = dev_major(st->rdev),
        .stx_rdev_minor = dev_minor(st->rdev),
        .stx_dev_major = dev_major(st->dev),
        .stx_dev_minor = dev_minor(st->dev),
        .stx_mnt_id = found->mount_id,
    };

    if (mask & STATX_MNT_ID_UNIQUE) {
        s.stx_mask ^= STATX_MNT_ID | STATX_MNT_ID_UNIQUE;
        s.stx_mnt_id += MOUNT_ID_OFFSET;
    }
    if (!(mask & (STATX_MTIME | STATX_CTIME))) { /* as Linux does it now */
        s.stx_mask &= ~(STATX_MTIME | STATX_CTIME);
        s.stx_mtime = s.stx_ctime = (struct statx_timestamp){0};
    }
    return copy_to_user(to, &s, sizeof(s));
}

long sys_statx(const struct sysargs *a)
{
    int dirfd = arg_int(a, 0), flags = arg_int(a, 2);
    struct uptr path = arg_ptr(a, 1);
    struct found found;
    int err;

    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH |
                  AT_STATX_SYNC_TYPE) ||
        (flags & AT_STATX_SYNC_TYPE) == STATX_SYNC_BOTH ||
        arg_uint(a, 3) & STATX_RESERVED) {
        return -EINVAL;
    }
    err = stat_any(dirfd, path, flags, &found);
    return err ? err : put_statx(arg_ptr(a, 4), &found, arg_uint(a, 3));
}

/* ---- access ---- */

static int check_access(const struct path *p, unsigned may,
                        const struct fs_cred *cred)
{
    struct inode *inode = p->dentry->inode;

    if (may & MAY_EXEC && S_ISREG(inode->mode) && p->mount->flags & ST_NOEXEC) {
        return -EACCES;
    }
    if (may & MAY_WRITE && mount_writable(p->mount) &&
        (S_ISREG(inode->mode) || S_ISDIR(inode->mode) ||
         S_ISLNK(inode->mode))) {
        int err = inode_permission(inode, may, cred);

        return err ? err : -EROFS;
    }
    return may ? inode_permission(inode, may, cred) : 0;
}

static long access_call(int dirfd, struct uptr path, unsigned may, int flags)
{
    struct fs_cred cred;
    struct path p;
    int err;

    if (may & ~(unsigned)(MAY_READ | MAY_WRITE | MAY_EXEC) ||
        flags & ~(AT_SYMLINK_NOFOLLOW | AT_EACCESS | AT_EMPTY_PATH)) {
        return -EINVAL;
    }
    err = user_find(
        dirfd, path,
        walk_of_at(flags) | (flags & AT_EACCESS ? 0 : WALK_REAL_IDS), &p);
    if (err) {
        return err;
    }
    if (flags & AT_EACCESS) {
        fs_current_cred(&cred);
    } else {
        fs_real_cred(&cred);
    }
    err = check_access(&p, may, &cred);
    path_put(&p);
    return err;
}

long sys_access(const struct sysargs *a)
{
    return access_call(AT_FDCWD, arg_ptr(a, 0), arg_uint(a, 1), 0);
}

long sys_faccessat(const struct sysargs *a)
{
    return access_call(arg_int(a, 0), arg_ptr(a, 1), arg_uint(a, 2), 0);
}

long sys_faccessat2(const struct sysargs *a)
{
    return access_call(arg_int(a, 0), arg_ptr(a, 1), arg_uint(a, 2),
                       arg_int(a, 3));
}

/* ---- statfs ---- */

static long put_statfs(const struct path *p, struct uptr to)
{
    struct superblock *sb = p->dentry->inode->sb;
    struct fs_statfs st;
    int err = sb_statfs(sb, &st);
    struct linux_statfs s = {
        .f_type = sb->magic,
        .f_bsize = st.block_size,
        .f_blocks = st.blocks,
        .f_bfree = st.free,
        .f_bavail = st.available,
        .f_files = st.files,
        .f_ffree = st.files_free,
        .f_fsid = {(int32_t)sb->dev, 0},
        .f_namelen = NAME_LENGTH_MAX,
        .f_frsize = st.block_size,
        .f_flags = p->mount->flags | ST_VALID |
                   (sb->flags & SB_READ_ONLY ? ST_RDONLY : 0),
    };

    return err ? err : copy_to_user(to, &s, sizeof(s));
}

long sys_statfs(const struct sysargs *a)
{
    struct path p;
    long err = user_find(AT_FDCWD, arg_ptr(a, 0), WALK_FOLLOW, &p);

    if (!err) {
        err = put_statfs(&p, arg_ptr(a, 1));
        path_put(&p);
    }
    return err;
}

/* ustat(2), by device number. */
struct device_search {
    uint64_t dev;
    struct superblock *sb; /* counted */
};

static int find_device(struct mount *m, void *arg)
{
    struct device_search *s = arg;

    if (!s->sb && m->sb->dev == s->dev) {
        s->sb = m->sb;
        sb_get(m->sb);
    }
    return 0;
}

long sys_ustat(const struct sysargs *a)
{
    struct device_search s = {.dev = arg_uint(a, 0)};
    struct fs_statfs st;
    struct {
        int32_t free;
        uint64_t inodes;
        char name[6], pack[6];
    } out = {0};
    long err = mount_for_each(find_device, &s);

    if (err || !s.sb) {
        return err ? err : -EINVAL;
    }
    err = sb_statfs(s.sb, &st);
    sb_put(s.sb);
    out.free = (int32_t)st.free;
    out.inodes = st.files_free;
    return err ? err : copy_to_user(arg_ptr(a, 1), &out, sizeof(out));
}

long sys_fstatfs(const struct sysargs *a)
{
    struct fd fd;
    long err = fd_get(arg_int(a, 0), &fd);

    if (!err) {
        err = put_statfs(&fd.file->path, arg_ptr(a, 1));
        fd_put(&fd);
    }
    return err;
}
