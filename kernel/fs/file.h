/* SPDX-License-Identifier: MIT
 *
 * Open file descriptions (struct file) and what a kind of file implements.
 * Leaves use it for devices; pipes, epoll, sockets and the like live by it.
 *
 * A file is counted: by descriptors, by calls in progress, by mappings. Its
 * memory is only ever reused for files, so that a descriptor lookup may try
 * to count one that is being closed (fdtable.c).
 */
#ifndef KERNEL_FS_FILE_H
#define KERNEL_FS_FILE_H

#include "kernel/fs/dentry.h"
#include "kernel/fs/poll.h"
#include "kernel/mm/mm.h"
#include "lib/atomic.h"
#include "abi/linux/fcntl.h"

enum {
    IO_NOWAIT = 1, /* -EAGAIN rather than wait; O_NONBLOCK or RWF_NOWAIT */
    IO_APPEND = 2, /* at the end, whatever *pos says */
    IO_SYNC = 4,
};

/* All optional; absence is named. io is not empty. */
struct file_ops {
    /* Moves bytes and, where there are positions, *pos. -EAGAIN, -ERESTARTSYS
     * while waiting. Absent: -EINVAL. */
    long (*read)(struct file *f, struct iobuf *io, uint64_t *pos, int flags);
    long (*write)(struct file *f, struct iobuf *io, uint64_t *pos, int flags);
    /* lseek(2): the new offset; f->pos_lock is held. Absent: -ESPIPE, and
     * there are no positions: pread is -ESPIPE, too. */
    int64_t (*seek)(struct file *f, int64_t off, int whence);
    /* f->pos in and out; pos_lock is held. Absent: -ENOTDIR. */
    int (*readdir)(struct file *f, struct dir_sink *sink);
    /* Absent: always ready (POLL_ALWAYS), and epoll refuses it. */
    uint32_t (*poll)(struct file *f, struct poll_table *pt);
    /* Absent: -ENOTTY. */
    long (*ioctl)(struct file *f, uint32_t cmd, struct uptr arg);
    /* Absent: -EINVAL. */
    int (*sync)(struct file *f, bool data_only);
    /* Absent: by the inode, or -ENODEV. *out NULL: as anonymous memory. */
    int (*map)(struct file *f, int prot, int flags, struct vm_object **out);
    /* Each close(2) of a descriptor; its result is close's. */
    int (*flush)(struct file *f);
    /* The last reference is gone. Takes no mutex below LOCK_MM. */
    void (*release)(struct file *f);
    /* Lines of /proc/PID/fdinfo/FD behind the common ones. */
    size_t (*fdinfo)(struct file *f, char *buf, size_t len);
    /* Somebody polls for POLLPRI, or an owner was named (SIGURG). */
    void (*expect_urgent)(struct file *f);
    /* F_SETFL changed O_* bits: -errno refuses. */
    int (*set_flags)(struct file *f, uint32_t flags);
    /* Locks of all our processes together, as those of the host see them
     * (locks_outside.c): fl's range, LOCK_KIND_FLOCK or another kind, without
     * waiting; test: F_GETLK. fl NULL: none of any kind is left. Absent: the
     * host has nothing to do with f. */
    int (*lock)(struct file *f, unsigned kind, struct flock64 *fl, bool test);
};

enum {
    FILE_READ = 1, /* in mode */
    FILE_WRITE = 2,
    FILE_WRITER = 4,       /* counted in inode->writers */
    FILE_EXECUTES = 8,     /* counted there the other way */
    FILE_NO_POS_LOCK = 16, /* has no position worth a lock */
    FILE_NO_PREAD = 32,    /* lseek(2) works, pread(2) does not */
    FILE_TELLS_OWNER = 64, /* O_ASYNC works (async.h) */
    FILE_CREATED = 128,    /* this open(2) made it */
    FILE_KEEPS_SIZE = 256, /* ftruncate(2) is not allowed (landlock.h) */
    FILE_NO_IOCTL = 512,   /* nor ioctl(2)'s of the device */
};

struct file {
    const struct file_ops *ops;
    uint32_t refs;       /* atomic; 0: free */
    uint32_t flags;      /* O_* as F_GETFL shows them; atomic */
    uint32_t mode;       /* FILE_* */
    uint32_t watched;    /* epoll instances look at it (epoll.c); atomic */
    struct path path;    /* counted */
    struct inode *inode; /* path.dentry's */
    void *private;       /* the kind's own */
    uint64_t pos;
    struct mutex pos_lock;   /* guards pos and readdir's state */
    struct vm_object object; /* what mmap maps: private and read-only */
    struct vm_object shared; /* and shared, at the pages' window */
    struct list epolls;      /* epoll.c */
    struct spinlock lock;    /* LOCK_POLL: epolls and owner */
    int32_t owner_type, owner_pid, owner_signal; /* F_SETOWN_EX, F_SETSIG */
    bool owner_muted;       /* who named it may not signal it (landlock.h) */
    int32_t owner_fd;       /* by which O_ASYNC was set (async.c) */
    struct list async_node; /* in the kind's async_list, or empty */
};

/* One on path (taken, also on failure) with one reference. flags: O_*;
 * inode->ops->open is asked. Permissions were checked. */
int file_open_path(const struct path *path, uint32_t flags, struct file **out);

/* The same without asking the inode: for kinds that open their own. */
int file_make(const struct path *path, uint32_t flags, struct file **out);

/* A file of no file system: pipe ends, eventfd... name as /proc shows it
 * ("anon_inode:[eventfd]"). Nothing is released on failure. */
int file_open_anon(const char *name, const struct file_ops *ops, void *private,
                   uint32_t flags, struct file **out);
/* The same on an inode of its own (taken, also on failure). */
int file_open_inode(const char *name, struct inode *inode, uint32_t flags,
                    struct file **out);

/* A new inode of the nameless file system: mode with S_IFMT. reopen: what
 * open(2) of /proc/PID/fd/N does; NULL: -ENXIO. */
int anon_inode(uint32_t mode, int (*reopen)(struct file *f),
               struct inode **out);
/* The same for a pipe, for a socket. */
int pipe_inode(int (*reopen)(struct file *f), struct inode **out);
int sock_inode(struct inode **out);
/* What a link of /proc/PID/ns leads to: a file of nsfs with that name and
 * number. */
int ns_path(const char *name, uint64_t ino, struct path *out);
/* Its CLONE_NEW*; 0: f is no such file. */
uint32_t ns_kind(const struct file *f);

/* Whether O_DIRECT can be asked of it: of what is stored, no more. */
bool file_may_direct(const struct inode *inode);

static inline bool file_nonblock(struct file *f, int io_flags)
{
    return (io_flags & IO_NOWAIT) ||
           (__atomic_load_n(&f->flags, __ATOMIC_RELAXED) & O_NONBLOCK);
}

/* ---- using files: what sys_*.c calls (rw.c) ---- */

/* read(2) and write(2) at f's own position. */
/* Whether pread(2) and pwrite(2) make sense: else -ESPIPE. */
static inline bool file_has_offsets(const struct file *f)
{
    return f->ops->seek && !(f->mode & FILE_NO_PREAD);
}
/* Before a single buffer is looked at: -EBADF, -EINVAL. mode: FILE_READ or
 * FILE_WRITE. */
int file_can_move(const struct file *f, unsigned mode);
long file_read(struct file *f, struct iobuf *io, int flags);
long file_write(struct file *f, struct iobuf *io, int flags);
/* At *pos. -ESPIPE without positions. */
long file_pread(struct file *f, struct iobuf *io, uint64_t *pos, int flags);
long file_pwrite(struct file *f, struct iobuf *io, uint64_t *pos, int flags);
int64_t file_seek(struct file *f, int64_t off, int whence);
uint32_t file_poll(struct file *f, struct poll_table *pt);
static inline void file_expect_urgent(struct file *f)
{
    if (f->ops->expect_urgent) {
        f->ops->expect_urgent(f);
    }
}
/* lseek(2) for files whose positions run from 0 to size. */
int64_t seek_in(struct file *f, int64_t off, int whence, uint64_t size);
/* ops->seek of files that accept any position and ignore it (/dev/null). */
int64_t seek_nowhere(struct file *f, int64_t off, int whence);

/* ---- descriptors (fdtable.c) ---- */

/* A descriptor's file for the length of one call. When nobody shares the
 * table, the table's own reference is enough. */
struct fd {
    struct file *file;
    bool counted;
};
int fd_get(int fd, struct fd *out);    /* -EBADF; O_PATH ones, too */
int fd_get_io(int fd, struct fd *out); /* not O_PATH ones */
static inline void fd_put(struct fd *fd)
{
    if (fd->counted) {
        file_put(fd->file);
    }
}

/* Takes a number before there is a file for it (open(2) does, so that no
 * other call gets it meanwhile); fd_fill() with the file, or NULL to give it
 * back. -EMFILE. */
int fd_reserve(bool cloexec);
void fd_fill(int fd, struct file *f);

int files_new(struct files **out);
/* Boot: fd_install() into a table that no task has yet. */
int files_install_first(struct files *files, struct file *f);
/* dup2(2), dup3(2): 0 or -EBADF, -EMFILE, -EBUSY. Takes no reference. */
int fd_install_at(struct file *f, int fd, bool cloexec);
int fd_close(int fd); /* -EBADF, or what flush says */
int fd_get_cloexec(int fd);
int fd_set_cloexec(int fd, bool on);
/* close_range(2) on [first, last]. */
void fd_range_close(unsigned first, unsigned last);
void fd_range_cloexec(unsigned first, unsigned last);
/* A table's file with a reference (procfs); NULL: none. *cloexec may be
 * NULL. next: the first used descriptor >= fd, or -1. */
struct file *files_peek(struct files *files, int fd, bool *cloexec);
int files_next(struct files *files, int fd);

#endif
