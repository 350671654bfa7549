/* SPDX-License-Identifier: MIT
 *
 * Acting on descriptors: fcntl(2), flock(2), ioctl(2), fsync(2) and relatives.
 */
#include "kernel/sys/table.h"
#include "kernel/sys/fileattr.h"
#include "kernel/fs/current.h"
#include "kernel/fs/file.h"
#include "kernel/fs/fileattr.h"
#include "kernel/fs/landlock/landlock.h"
#include "kernel/fs/event/dnotify.h"
#include "kernel/fs/lease.h"
#include "kernel/fs/locks.h"
#include "kernel/fs/tmpfs/memfd.h"
#include "kernel/fs/pagecache/pagecache.h"
#include "kernel/fs/path.h"
#include "kernel/fs/pipe/pipe.h"
#include "kernel/proc/peer.h"
#include "abi/linux/errno.h"
#include "abi/linux/fileattr.h"
#include "abi/linux/ioctl.h"
#include "abi/linux/stat.h"

/* ---- flags ---- */

enum { SETTABLE = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | O_ASYNC };

/* fd: what SIGIO names, when it is this that asks for it. */
static long set_flags(struct file *f, int fd, uint32_t flags)
{
    uint32_t old = atomic_load_relaxed(&f->flags), new;
    struct fs_cred cred;

    flags &= SETTABLE;
    if (flags & O_ASYNC) {
        if (f->mode & FILE_TELLS_OWNER) {
            f->owner_fd = old & O_ASYNC ? f->owner_fd : fd;
        } else {
            flags &= ~(uint32_t)O_ASYNC;
        }
    }
    if (flags & O_DIRECT && !S_ISFIFO(f->inode->mode) &&
        !file_may_direct(f->inode)) {
        return -EINVAL;
    }
    if (old & ~flags & O_APPEND && inode_marks(f->inode) & INODE_APPEND) {
        return -EPERM;
    }
    if (flags & ~old & O_NOATIME) {
        fs_current_cred(&cred);
        if (!fs_owns(&cred, f->inode)) {
            return -EPERM;
        }
    }
    if (f->ops->set_flags) {
        int err = f->ops->set_flags(f, flags);

        if (err) {
            return err;
        }
    }
    do {
        new = (old & ~(uint32_t)SETTABLE) | flags;
    } while (!atomic_cas(&f->flags, &old, new));
    return 0;
}

static long dup_above(struct file *f, uint64_t min, bool cloexec)
{
    long fd;

    if (min >= current_limit(FS_LIMIT_NOFILE)) {
        return -EINVAL;
    }
    file_ref(f);
    fd = fd_install(f, min, cloexec);
    if (fd < 0) {
        file_put(f);
    }
    return fd;
}

/* ---- locks ---- */

static long lock_call(struct file *f, enum lock_kind kind, struct uptr arg,
                      int what)
{
    struct flock64 fl;
    int err = copy_from_user(&fl, arg, sizeof(fl));

    if (err) {
        return err;
    }
    if (kind == LOCK_KIND_OFD && fl.l_pid) {
        return -EINVAL;
    }
    if (what != F_GETLK) {
        return lock_set(f, kind, &fl, what == F_SETLKW);
    }
    err = lock_test(f, kind, &fl);
    return err ? err : copy_to_user(arg, &fl, sizeof(fl));
}

/* ---- owners ---- */

static bool owner_exists(int type, int pid)
{
    struct thread *t;
    bool exists;

    if (type == F_OWNER_PGRP) {
        return proc_getpgid(pid) >= 0;
    }
    spin_lock(&proc_lock);
    t = thread_find(pid);
    exists = t && (type == F_OWNER_TID || t->proc->pid == pid);
    spin_unlock(&proc_lock);
    return exists;
}

struct scope {
    int pgid;
    bool left;
};

static void look_at_member(struct proc *p, void *arg)
{
    struct scope *s = arg;

    s->left |= p->pgid == s->pgid && !proc_in_scope_locked(p);
}

/* Whether the owner, or one of it, is out of the thread's scope (landlock(7)).
 * That is asked now, about who is there, and not when there is a signal. */
static bool owner_out_of_scope(int type, int pid)
{
    struct scope s = {pid, false};
    struct thread *t;

    if (likely(!current_landlock())) {
        return false;
    }
    if (type == F_OWNER_PGRP) {
        proc_for_each(look_at_member, &s);
        return s.left;
    }
    spin_lock(&proc_lock);
    t = thread_find(pid);
    s.left = t && !proc_in_scope_locked(t->proc);
    spin_unlock(&proc_lock);
    return s.left;
}

static long set_owner(struct file *f, int type, int pid)
{
    bool muted = owner_out_of_scope(type, pid);

    if (pid && !owner_exists(type, pid)) {
        return -ESRCH;
    }
    spin_lock(&f->lock);
    f->owner_type = type;
    f->owner_pid = pid;
    f->owner_muted = muted;
    spin_unlock(&f->lock);
    return 0;
}

/* A group's number is negative (fcntl(2), socket(7)). */
static long set_owner_by_sign(struct file *f, int pid)
{
    if (pid == INT32_MIN) {
        return -EINVAL;
    }
    return pid < 0 ? set_owner(f, F_OWNER_PGRP, -pid)
                   : set_owner(f, F_OWNER_PID, pid);
}

static int owner_by_sign(const struct file *f)
{
    return f->owner_type == F_OWNER_PGRP ? -f->owner_pid : f->owner_pid;
}

static long set_owner_ex(struct file *f, struct uptr arg)
{
    struct f_owner_ex o;
    int err = copy_from_user(&o, arg, sizeof(o));

    if (err) {
        return err;
    }
    return o.type < F_OWNER_TID || o.type > F_OWNER_PGRP
               ? -EINVAL
               : set_owner(f, o.type, o.pid);
}

static long get_owner_ex(struct file *f, struct uptr arg)
{
    struct f_owner_ex o = {f->owner_type, f->owner_pid};

    return copy_to_user(arg, &o, sizeof(o));
}

static long set_signal(struct file *f, uint64_t signo)
{
    if (signo > NSIG) {
        return -EINVAL;
    }
    f->owner_signal = signo;
    return 0;
}

/* ---- fcntl ---- */

static long pipe_call(struct file *f, int cmd, uint64_t arg)
{
    struct pipe *p = pipe_of(f);

    if (!p) {
        return -EBADF;
    }
    return cmd == F_GETPIPE_SZ ? pipe_size(p) : pipe_resize(p, (uint32_t)arg);
}

static long owner_call(struct file *f, int cmd, uint64_t arg)
{
    if (cmd == F_SETOWN || cmd == F_SETOWN_EX) {
        file_expect_urgent(f);
    }
    switch (cmd) {
    case F_SETOWN:
        return set_owner_by_sign(f, (int)arg);
    case F_GETOWN:
        return owner_by_sign(f);
    case F_SETOWN_EX:
        return set_owner_ex(f, uptr(arg));
    case F_GETOWN_EX:
        return get_owner_ex(f, uptr(arg));
    case F_SETSIG:
        return set_signal(f, arg);
    default: /* F_GETSIG */
        return f->owner_signal;
    }
}

static long is_same_file(struct file *f, int other)
{
    struct fd fd;
    long same = fd_get(other, &fd);

    if (!same) {
        same = fd.file == f;
        fd_put(&fd);
    }
    return same;
}

static long io_fcntl(struct file *f, int fd, int cmd, uint64_t arg)
{
    switch (cmd) {
    case F_SETFL:
        return set_flags(f, fd, arg);
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
        return lock_call(f, LOCK_KIND_POSIX, uptr(arg), cmd);
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
        return lock_call(f, LOCK_KIND_OFD, uptr(arg),
                         cmd - F_OFD_GETLK + F_GETLK);
    case F_SETOWN:
    case F_GETOWN:
    case F_SETOWN_EX:
    case F_GETOWN_EX:
    case F_SETSIG:
    case F_GETSIG:
        return owner_call(f, cmd, arg);
    case F_SETPIPE_SZ:
    case F_GETPIPE_SZ:
        return pipe_call(f, cmd, arg);
    case F_ADD_SEALS:
        return memfd_add_seals(f, arg);
    case F_GET_SEALS:
        return memfd_get_seals(f);
    case F_SETLEASE:
        return lease_set(f, fd, (int)arg);
    case F_GETLEASE:
        return lease_get(f);
    case F_DUPFD_QUERY:
        return is_same_file(f, (int)arg);
    case F_CREATED_QUERY:
        return f->mode & FILE_CREATED ? 1 : 0;
    case F_NOTIFY:
        return dnotify_set(f, fd, (uint32_t)arg);
    default:
        return -EINVAL;
    }
}

/* The few that work on O_PATH descriptors, too. */
static long fcntl_file(struct file *f, int fd, int cmd, uint64_t arg)
{
    switch (cmd) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return dup_above(f, arg, cmd == F_DUPFD_CLOEXEC);
    case F_GETFD:
        return fd_get_cloexec(fd);
    case F_SETFD:
        return fd_set_cloexec(fd, arg & FD_CLOEXEC);
    case F_GETFL:
        return atomic_load_relaxed(&f->flags);
    default:
        return f->flags & O_PATH ? -EBADF : io_fcntl(f, fd, cmd, arg);
    }
}

long sys_fcntl(const struct sysargs *a)
{
    int n = arg_int(a, 0);
    struct fd fd;
    long result = fd_get(n, &fd);

    if (!result) {
        result = fcntl_file(fd.file, n, arg_int(a, 1), arg_u64(a, 2));
        fd_put(&fd);
    }
    return result;
}

long sys_flock(const struct sysargs *a)
{
    int what = arg_int(a, 1) & ~LOCK_NB;
    struct fd fd;
    long err;

    if (what != LOCK_SH && what != LOCK_EX && what != LOCK_UN) {
        return -EINVAL;
    }
    err = fd_get_io(arg_int(a, 0), &fd);
    if (!err) {
        err = lock_flock(fd.file, arg_int(a, 1));
        fd_put(&fd);
    }
    return err;
}

/* ---- ioctl ---- */

static long set_nonblock(struct file *f, int fd, struct uptr arg, uint32_t bit)
{
    uint32_t on;
    int err = get_user32(&on, arg);

    if (err) {
        return err;
    }
    return set_flags(f, fd, on ? f->flags | bit : f->flags & ~bit);
}

static long owner_ioctl(struct file *f, uint32_t cmd, struct uptr arg)
{
    uint32_t pid;

    if (cmd == FIOGETOWN || cmd == SIOCGPGRP) {
        return put_user32(arg, (uint32_t)owner_by_sign(f));
    }
    file_expect_urgent(f);
    return get_user32(&pid, arg) ? -EFAULT : set_owner_by_sign(f, (int)pid);
}

static bool has_size(struct file *f)
{
    uint32_t mode = f->inode->mode;

    return S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode);
}

/* What is no matter of the device. */
static bool is_common(uint32_t cmd)
{
    static const uint32_t common[] = {FIOCLEX,          FIONCLEX,
                                      FIONBIO,          FIOASYNC,
                                      FIOQSIZE,         FIFREEZE,
                                      FITHAW,           FS_IOC_FIEMAP,
                                      FIGETBSZ,         FICLONE,
                                      FICLONERANGE,     FIDEDUPERANGE,
                                      FS_IOC_GETFSUUID, FS_IOC_GETFSSYSFSPATH};

    for (size_t i = 0; i < ARRAY_SIZE(common); i++) {
        if (cmd == common[i]) {
            return true;
        }
    }
    return false;
}

static long ioctl_file(struct file *f, int fd, uint32_t cmd, struct uptr arg)
{
    if (unlikely(f->mode & FILE_NO_IOCTL) && !is_common(cmd)) {
        return -EACCES;
    }
    switch (cmd) {
    case FIOCLEX:
    case FIONCLEX:
        return fd_set_cloexec(fd, cmd == FIOCLEX);
    case FIONBIO:
        return set_nonblock(f, fd, arg, O_NONBLOCK);
    case FIOASYNC:
        return set_nonblock(f, fd, arg, O_ASYNC);
    case FIOSETOWN:
    case SIOCSPGRP:
    case FIOGETOWN:
    case SIOCGPGRP:
        return S_ISSOCK(f->inode->mode) ? owner_ioctl(f, cmd, arg) : -ENOTTY;
    case FS_IOC_GETFLAGS:
    case FS_IOC_SETFLAGS:
    case FS_IOC_FSGETXATTR:
    case FS_IOC_FSSETXATTR:
        return fileattr_ioctl(f, cmd, arg);
    case FIOQSIZE:
        return has_size(f) ? put_user64(arg, file_size(f)) : -ENOTTY;
    default:
        return f->ops->ioctl ? f->ops->ioctl(f, cmd, arg) : -ENOTTY;
    }
}

long sys_ioctl(const struct sysargs *a)
{
    int n = arg_int(a, 0);
    struct fd fd;
    long result = fd_get_io(n, &fd);

    if (!result) {
        result = ioctl_file(fd.file, n, arg_uint(a, 1), arg_ptr(a, 2));
        fd_put(&fd);
    }
    return result;
}

/* ---- syncing ---- */

static long sync_file(int n, bool data_only)
{
    struct fd fd;
    long err = fd_get_io(n, &fd);

    if (!err) {
        err = fd.file->ops->sync ? fd.file->ops->sync(fd.file, data_only)
                                 : -EINVAL;
        fd_put(&fd);
    }
    return err;
}

long sys_fsync(const struct sysargs *a)
{
    return sync_file(arg_int(a, 0), false);
}

long sys_fdatasync(const struct sysargs *a)
{
    return sync_file(arg_int(a, 0), true);
}

long sys_sync_file_range(const struct sysargs *a)
{
    int64_t end;
    struct fd fd;
    long err = fd_get_io(arg_int(a, 0), &fd);

    if (err) {
        return err;
    }
    if (arg_uint(a, 3) > 7 || arg_long(a, 1) < 0 || arg_long(a, 2) < 0 ||
        __builtin_add_overflow(arg_long(a, 1), arg_long(a, 2), &end)) {
        err = -EINVAL;
    } else if (!has_size(fd.file) && !S_ISBLK(fd.file->inode->mode)) {
        err = -ESPIPE;
    } else if (fd.file->ops->sync) {
        err = fd.file->ops->sync(fd.file, true);
    }
    fd_put(&fd);
    return err;
}

long sys_sync(const struct sysargs *a)
{
    fs_sync();
    return 0;
}

long sys_syncfs(const struct sysargs *a)
{
    struct fd fd;
    long err = fd_get_io(arg_int(a, 0), &fd);

    if (!err) {
        struct superblock *sb = fd.file->inode->sb;

        err = sb->ops->sync ? sb->ops->sync(sb) : 0;
        fd_put(&fd);
    }
    return err;
}

/* ---- advice ---- */

static long advise(struct file *f, uint64_t off, uint64_t len, int advice)
{
    struct inode *data = atomic_load_acquire(&f->inode->data);
    uint64_t first = off / PAGE_SIZE;
    uint64_t count = len ? (len + PAGE_SIZE - 1) / PAGE_SIZE : UINT64_MAX / 2;

    if (S_ISFIFO(data->mode)) {
        return -ESPIPE;
    }
    switch (advice) {
    case POSIX_FADV_WILLNEED:
        pagecache_readahead(&data->pages, first, count);
        return 0;
    case POSIX_FADV_DONTNEED:
        pagecache_drop(&data->pages, first, count);
        return 0;
    case POSIX_FADV_NORMAL:
    case POSIX_FADV_RANDOM:
    case POSIX_FADV_SEQUENTIAL:
    case POSIX_FADV_NOREUSE:
        return 0;
    default:
        return -EINVAL;
    }
}

long sys_fadvise64(const struct sysargs *a)
{
    struct fd fd;
    long err = fd_get_io(arg_int(a, 0), &fd);

    if (!err) {
        err = arg_long(a, 2) < 0 ? (pipe_of(fd.file) ? -ESPIPE : -EINVAL)
                                 : advise(fd.file, arg_u64(a, 1), arg_u64(a, 2),
                                          arg_int(a, 3));
        fd_put(&fd);
    }
    return err;
}

long sys_readahead(const struct sysargs *a)
{
    struct fd fd;
    long err = fd_get_io(arg_int(a, 0), &fd);

    if (err) {
        return err;
    }
    if (!(fd.file->mode & FILE_READ)) {
        err = -EBADF;
    } else if (!S_ISREG(fd.file->inode->mode)) {
        err = -EINVAL;
    } else {
        err = advise(fd.file, arg_u64(a, 1), MAX(arg_u64(a, 2), 1ul),
                     POSIX_FADV_WILLNEED);
    }
    fd_put(&fd);
    return err;
}
