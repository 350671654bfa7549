/* SPDX-License-Identifier: MIT
 *
 * Names: getdents(2), mkdir(2), unlink(2), link(2), symlink(2), readlink(2),
 * rename(2), mknod(2), and where a process stands (chdir(2), chroot(2)).
 */
#include "kernel/sys/user_path.h"
#include "kernel/fs/current.h"
#include "kernel/fs/event/watch.h"
#include "kernel/fs/attr.h"
#include "kernel/fs/names.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/cred.h"
#include "lib/string.h"
#include "abi/linux/dirent.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"

/* ---- getdents ---- */

struct user_sink {
    struct dir_sink sink;
    struct uptr to;
    size_t left, done;
    bool old; /* struct linux_dirent */
    int err;  /* what stopped it */
};

enum { RECORD_MOST = 24 + NAME_LENGTH_MAX + 8 };

/* One record in either form; returns its length. */
static size_t make_record(char *rec, bool old, const char *name, size_t len,
                          uint64_t ino, uint8_t type, uint64_t next)
{
    size_t head = old ? offsetof(struct linux_dirent, d_name)
                      : offsetof(struct linux_dirent64, d_name);
    size_t size = ALIGN_UP(head + len + 1 + old, 8ul);
    struct linux_dirent64 d = {ino, next, size, type};

    memset(rec, 0, size);
    memcpy(rec, &d, head); /* the two agree up to d_type */
    memcpy(rec + head, name, len);
    if (old) {
        rec[size - 1] = type;
    }
    return size;
}

static bool emit_user(struct dir_sink *sink, const char *name, size_t len,
                      uint64_t ino, uint8_t type, uint64_t next)
{
    struct user_sink *s = container_of(sink, struct user_sink, sink);
    char rec[RECORD_MOST];
    size_t size = make_record(rec, s->old, name, len, ino, type, next);

    if (size > s->left) {
        s->err = -EINVAL; /* matters only if it is the first */
        return false;
    }
    s->err = copy_to_user(uptr_add(s->to, s->done), rec, size);
    if (s->err) {
        return false;
    }
    s->done += size;
    s->left -= size;
    return true;
}

static long read_dir(struct file *f, struct user_sink *s)
{
    int err;

    if (!f->ops->readdir) {
        return -ENOTDIR;
    }
    mutex_lock(&f->pos_lock);
    err = f->ops->readdir(f, &s->sink);
    mutex_unlock(&f->pos_lock);
    watch_event(f->path.dentry, IN_ACCESS);
    if (s->done) {
        return s->done;
    }
    return err ? err : s->err;
}

static long getdents(const struct sysargs *a, bool old)
{
    struct user_sink s = {
        .sink = {emit_user, 0},
        .to = arg_ptr(a, 1),
        .old = old,
    };
    struct fd fd;
    long n = fd_get_io(arg_int(a, 0), &fd);

    s.left = MAX(arg_int(a, 2), 0); /* as Linux: less than 0 fits nothing */
    if (!n) {
        n = read_dir(fd.file, &s);
        fd_put(&fd);
    }
    return n;
}

long sys_getdents(const struct sysargs *a)
{
    return getdents(a, true);
}

long sys_getdents64(const struct sysargs *a)
{
    return getdents(a, false);
}

/* ---- making ---- */

static long make(int dirfd, struct uptr path, uint32_t mode, uint64_t rdev)
{
    struct user_at at;
    int err = user_at_get(&at, dirfd, path, 0);

    if (!err) {
        err = name_make(at.start, at.path.text, mode, rdev);
        user_at_put(&at);
    }
    return err;
}

long sys_mkdir(const struct sysargs *a)
{
    return make(AT_FDCWD, arg_ptr(a, 0), S_IFDIR | (arg_uint(a, 1) & 01777), 0);
}

long sys_mkdirat(const struct sysargs *a)
{
    return make(arg_int(a, 0), arg_ptr(a, 1),
                S_IFDIR | (arg_uint(a, 2) & 01777), 0);
}

static long make_node(int dirfd, struct uptr path, uint32_t mode, uint32_t dev)
{
    switch (mode & S_IFMT) {
    case 0:
        mode |= S_IFREG;
        break;
    case S_IFREG:
    case S_IFIFO:
    case S_IFSOCK:
        break;
    case S_IFCHR:
    case S_IFBLK:
        return make(
            dirfd, path, mode & (S_IFMT | 07777),
            make_dev(dev >> 8 & 0xfff, (dev & 0xff) | (dev >> 12 & 0xfff00)));
    case S_IFDIR:
        return -EPERM;
    default:
        return -EINVAL;
    }
    return make(dirfd, path, mode & (S_IFMT | 07777), 0);
}

long sys_mknod(const struct sysargs *a)
{
    return make_node(AT_FDCWD, arg_ptr(a, 0), arg_uint(a, 1), arg_uint(a, 2));
}

long sys_mknodat(const struct sysargs *a)
{
    return make_node(arg_int(a, 0), arg_ptr(a, 1), arg_uint(a, 2),
                     arg_uint(a, 3));
}

static long make_symlink(struct uptr target, int dirfd, struct uptr path)
{
    struct user_path text;
    struct user_at at;
    int err = user_path_get(&text, target);

    if (err) {
        return err;
    }
    err = *text.text ? user_at_get(&at, dirfd, path, 0) : -ENOENT;
    if (!err) {
        err = name_symlink(at.start, at.path.text, text.text);
        user_at_put(&at);
    }
    user_path_put(&text);
    return err;
}

long sys_symlink(const struct sysargs *a)
{
    return make_symlink(arg_ptr(a, 0), AT_FDCWD, arg_ptr(a, 1));
}

long sys_symlinkat(const struct sysargs *a)
{
    return make_symlink(arg_ptr(a, 0), arg_int(a, 1), arg_ptr(a, 2));
}

static long make_link(int from_fd, struct uptr from, int to_fd, struct uptr to,
                      int flags)
{
    /* Whoever got a descriptor must not give its file a name (linkat(2)). */
    bool may_empty = flags & AT_EMPTY_PATH && cred_capable(CAP_DAC_READ_SEARCH);
    unsigned walk = (flags & AT_SYMLINK_FOLLOW ? WALK_FOLLOW : 0) |
                    (may_empty ? WALK_EMPTY : 0);
    struct user_at at;
    struct path p;
    int err;

    if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) {
        return -EINVAL;
    }
    err = user_find(from_fd, from, walk, &p);
    if (err) {
        return err;
    }
    err = user_at_get(&at, to_fd, to, 0);
    if (!err) {
        err = name_link(&p, at.start, at.path.text);
        user_at_put(&at);
    }
    path_put(&p);
    return err;
}

long sys_link(const struct sysargs *a)
{
    return make_link(AT_FDCWD, arg_ptr(a, 0), AT_FDCWD, arg_ptr(a, 1), 0);
}

long sys_linkat(const struct sysargs *a)
{
    return make_link(arg_int(a, 0), arg_ptr(a, 1), arg_int(a, 2), arg_ptr(a, 3),
                     arg_int(a, 4));
}

/* ---- removing, moving ---- */

static long remove_name(int dirfd, struct uptr path, bool directory)
{
    struct user_at at;
    int err = user_at_get(&at, dirfd, path, 0);

    if (!err) {
        err = name_remove(at.start, at.path.text, directory);
        user_at_put(&at);
    }
    return err;
}

long sys_unlink(const struct sysargs *a)
{
    return remove_name(AT_FDCWD, arg_ptr(a, 0), false);
}

long sys_rmdir(const struct sysargs *a)
{
    return remove_name(AT_FDCWD, arg_ptr(a, 0), true);
}

long sys_unlinkat(const struct sysargs *a)
{
    if (arg_int(a, 2) & ~AT_REMOVEDIR) {
        return -EINVAL;
    }
    return remove_name(arg_int(a, 0), arg_ptr(a, 1),
                       arg_int(a, 2) & AT_REMOVEDIR);
}

static long rename_call(int from_fd, struct uptr from, int to_fd,
                        struct uptr to, unsigned flags)
{
    struct user_at old, new;
    int err;

    if (!name_rename_flags(flags)) {
        return -EINVAL;
    }
    err = user_at_get(&old, from_fd, from, 0);
    if (err) {
        return err;
    }
    err = user_at_get(&new, to_fd, to, 0);
    if (err == -EBADF) { /* the first path's own errors come first */
        int first = name_check_parent(old.start, old.path.text);

        err = first ? first : err;
    }
    if (!err) {
        err = name_rename(old.start, old.path.text, new.start, new.path.text,
                          flags);
        user_at_put(&new);
    }
    user_at_put(&old);
    return err;
}

long sys_rename(const struct sysargs *a)
{
    return rename_call(AT_FDCWD, arg_ptr(a, 0), AT_FDCWD, arg_ptr(a, 1), 0);
}

long sys_renameat(const struct sysargs *a)
{
    return rename_call(arg_int(a, 0), arg_ptr(a, 1), arg_int(a, 2),
                       arg_ptr(a, 3), 0);
}

long sys_renameat2(const struct sysargs *a)
{
    return rename_call(arg_int(a, 0), arg_ptr(a, 1), arg_int(a, 2),
                       arg_ptr(a, 3), arg_uint(a, 4));
}

/* ---- readlink ---- */

static long read_link(struct inode *inode, struct uptr to, size_t len)
{
    struct inode *data = atomic_load_acquire(&inode->data);
    char *buf;
    long n;

    if (!S_ISLNK(inode->mode)) {
        return -EINVAL;
    }
    if (data->link) {
        n = MIN(strlen(data->link), len);
        return copy_to_user(to, data->link, n) ? -EFAULT : n;
    }
    buf = kmalloc(PATH_LENGTH_MAX);
    if (!buf) {
        return -ENOMEM;
    }
    n = inode->ops->readlink(inode, buf, PATH_LENGTH_MAX);
    if (n >= 0) {
        n = MIN(n, (long)len);
        n = copy_to_user(to, buf, n) ? -EFAULT : n;
    }
    kfree(buf);
    return n;
}

static long readlink_call(int dirfd, struct uptr path, struct uptr to, int len)
{
    struct path p;
    long n;

    if (len <= 0) {
        return -EINVAL;
    }
    n = user_find(dirfd, path, WALK_EMPTY, &p);
    if (!n) {
        n = read_link(p.dentry->inode, to, len);
        if (n >= 0) {
            touch_link_atime(p.mount, p.dentry->inode);
        }
        if (n == -EINVAL && path.addr) {
            char first;

            if (copy_from_user(&first, path, 1) == 0 && !first) {
                n = -ENOENT; /* "" stands for a descriptor of a link only */
            }
        }
        path_put(&p);
    }
    return n;
}

long sys_readlink(const struct sysargs *a)
{
    return readlink_call(AT_FDCWD, arg_ptr(a, 0), arg_ptr(a, 1), arg_int(a, 2));
}

long sys_readlinkat(const struct sysargs *a)
{
    return readlink_call(arg_int(a, 0), arg_ptr(a, 1), arg_ptr(a, 2),
                         arg_int(a, 3));
}

/* ---- where we stand ---- */

static int enter_dir(const struct path *p)
{
    if (!S_ISDIR(p->dentry->inode->mode)) {
        return -ENOTDIR;
    }
    return inode_may(p->dentry->inode, MAY_EXEC);
}

long sys_chdir(const struct sysargs *a)
{
    struct path p;
    int err =
        user_find(AT_FDCWD, arg_ptr(a, 0), WALK_FOLLOW | WALK_DIRECTORY, &p);

    if (err) {
        return err;
    }
    err = enter_dir(&p);
    if (err) {
        path_put(&p);
        return err;
    }
    view_set_cwd(current_view(), &p);
    return 0;
}

long sys_fchdir(const struct sysargs *a)
{
    struct path p;
    struct fd fd;
    int err = fd_get(arg_int(a, 0), &fd);

    if (err) {
        return err;
    }
    err = enter_dir(&fd.file->path);
    if (!err) {
        p = fd.file->path;
        path_get(&p);
        view_set_cwd(current_view(), &p);
    }
    fd_put(&fd);
    return err;
}

long sys_chroot(const struct sysargs *a)
{
    struct fs_cred cred;
    struct path p;
    int err =
        user_find(AT_FDCWD, arg_ptr(a, 0), WALK_FOLLOW | WALK_DIRECTORY, &p);

    if (err) {
        return err;
    }
    err = enter_dir(&p);
    fs_current_cred(&cred);
    if (!err && !fs_capable(&cred, CAP_SYS_CHROOT)) {
        err = -EPERM;
    }
    if (err) {
        path_put(&p);
        return err;
    }
    view_set_root(current_view(), &p);
    return 0;
}

/* What lies outside the root is told from what lies below it. */
static long cwd_string(char *buf)
{
    static const char outside[] = "(unreachable)";
    struct path root, cwd;
    bool reached = true;
    long n;

    view_get_root(current_view(), &root);
    view_get_cwd(current_view(), &cwd);
    n = cwd.dentry->inode->flags & INODE_DEAD
            ? -ENOENT
            : path_string(&cwd, &root, buf, PATH_LENGTH_MAX, &reached);
    path_put(&cwd);
    path_put(&root);
    if (n < 0 || reached) {
        return n;
    }
    if (n + sizeof(outside) > PATH_LENGTH_MAX) {
        return -ENAMETOOLONG;
    }
    memmove(buf + sizeof(outside) - 1, buf, (size_t)n + 1);
    memcpy(buf, outside, sizeof(outside) - 1);
    return n + (long)sizeof(outside) - 1;
}

long sys_getcwd(const struct sysargs *a)
{
    char *buf = kmalloc(PATH_LENGTH_MAX);
    long n;

    if (!buf) {
        return -ENOMEM;
    }
    n = cwd_string(buf);
    if (n >= 0 && (uint64_t)n + 1 > arg_u64(a, 1)) {
        n = -ERANGE;
    }
    if (n >= 0) {
        n = copy_to_user(arg_ptr(a, 0), buf, n + 1) ? -EFAULT : n + 1;
    }
    kfree(buf);
    return n;
}

long sys_umask(const struct sysargs *a)
{
    return atomic_xchg(&current_view()->umask, arg_uint(a, 0) & 0777);
}
