/* SPDX-License-Identifier: MIT
 *
 * Reading, writing and seeking in files of any kind: modes, positions, and
 * what the absence of an operation means (file.h).
 */
#include "kernel/fs/file.h"
#include "kernel/core/sched.h"
#include "kernel/fs/event/watch.h"
#include "abi/linux/errno.h"

/* A position nobody else can see needs no lock: one descriptor, one user. */
static bool pos_is_shared(const struct file *f)
{
    return f->ops->seek && !(f->mode & FILE_NO_POS_LOCK) &&
           atomic_load_relaxed(&f->refs) != 1;
}

/* No byte lies behind offset INT64_MAX. */
static bool too_far(struct file *f, const struct iobuf *io, uint64_t pos)
{
    return f->ops->seek && (int64_t)(pos + io->left) < 0;
}

static inline long do_read(struct file *f, struct iobuf *io, uint64_t *pos,
                           int flags)
{
    long n;

    if (unlikely(!f->ops->read || too_far(f, io, *pos))) {
        return -EINVAL;
    }
    n = f->ops->read(f, io, pos, flags);
    current_task()->io.reads++;
    if (n > 0) {
        current_task()->io.bytes_read += (uint64_t)n;
        watch_event(f->path.dentry, IN_ACCESS);
    }
    return n;
}

static inline long do_write(struct file *f, struct iobuf *io, uint64_t *pos,
                            int flags)
{
    long n;

    if (unlikely(!f->ops->write || too_far(f, io, *pos))) {
        return -EINVAL;
    }
    n = f->ops->write(f, io, pos, flags);
    current_task()->io.writes++;
    if (n > 0) {
        current_task()->io.bytes_written += (uint64_t)n;
        watch_event(f->path.dentry, IN_MODIFY);
    }
    return n;
}

int file_can_move(const struct file *f, unsigned mode)
{
    bool can = mode == FILE_READ ? f->ops->read != NULL : f->ops->write != NULL;

    return !(f->mode & mode) ? -EBADF : can ? 0 : -EINVAL;
}

static __attribute__((noinline)) long read_shared(struct file *f,
                                                  struct iobuf *io, int flags)
{
    long n;

    mutex_lock(&f->pos_lock);
    n = do_read(f, io, &f->pos, flags);
    mutex_unlock(&f->pos_lock);
    return n;
}

static __attribute__((noinline)) long write_shared(struct file *f,
                                                   struct iobuf *io, int flags)
{
    long n;

    mutex_lock(&f->pos_lock);
    n = do_write(f, io, &f->pos, flags);
    mutex_unlock(&f->pos_lock);
    return n;
}

long file_read(struct file *f, struct iobuf *io, int flags)
{
    if (unlikely(!(f->mode & FILE_READ))) {
        return -EBADF;
    }
    return unlikely(pos_is_shared(f)) ? read_shared(f, io, flags)
                                      : do_read(f, io, &f->pos, flags);
}

long file_write(struct file *f, struct iobuf *io, int flags)
{
    if (unlikely(!(f->mode & FILE_WRITE))) {
        return -EBADF;
    }
    return unlikely(pos_is_shared(f)) ? write_shared(f, io, flags)
                                      : do_write(f, io, &f->pos, flags);
}

long file_pread(struct file *f, struct iobuf *io, uint64_t *pos, int flags)
{
    if (unlikely(!f->ops->seek || f->mode & FILE_NO_PREAD)) {
        return -ESPIPE;
    }
    if (unlikely(!(f->mode & FILE_READ))) {
        return -EBADF;
    }
    return do_read(f, io, pos, flags);
}

long file_pwrite(struct file *f, struct iobuf *io, uint64_t *pos, int flags)
{
    if (unlikely(!f->ops->seek || f->mode & FILE_NO_PREAD)) {
        return -ESPIPE;
    }
    if (unlikely(!(f->mode & FILE_WRITE))) {
        return -EBADF;
    }
    return do_write(f, io, pos, flags);
}

int64_t file_seek(struct file *f, int64_t off, int whence)
{
    int64_t pos;

    if (!f->ops->seek) {
        return -ESPIPE;
    }
    if (!pos_is_shared(f)) {
        return f->ops->seek(f, off, whence);
    }
    mutex_lock(&f->pos_lock);
    pos = f->ops->seek(f, off, whence);
    mutex_unlock(&f->pos_lock);
    return pos;
}

int64_t seek_in(struct file *f, int64_t off, int whence, uint64_t size)
{
    int64_t base, pos;

    switch (whence) {
    case SEEK_SET:
        base = 0;
        break;
    case SEEK_CUR:
        base = f->pos;
        break;
    case SEEK_END:
        base = size;
        break;
    case SEEK_DATA: /* all of it is data */
    case SEEK_HOLE:
        if (off < 0 || (uint64_t)off >= size) {
            return -ENXIO;
        }
        base = whence == SEEK_DATA ? 0 : size - off;
        break;
    default:
        return -EINVAL;
    }
    if (__builtin_add_overflow(base, off, &pos) || pos < 0) {
        return -EINVAL;
    }
    f->pos = pos;
    return pos;
}

int64_t seek_nowhere(struct file *f, int64_t off, int whence)
{
    return 0;
}

uint32_t file_poll(struct file *f, struct poll_table *pt)
{
    return f->ops->poll ? f->ops->poll(f, pt) : (uint32_t)POLL_ALWAYS;
}
