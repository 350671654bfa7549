/* SPDX-License-Identifier: MIT
 *
 * Regular files in the page cache, of whatever leaf. Reads take no inode lock:
 * the size is read first and only grows behind written pages. Writes and
 * truncations hold the lock of the inode that has the data.
 */
#include "kernel/fs/regular.h"
#include "kernel/fs/attr.h"
#include "kernel/fs/current.h"
#include "kernel/core/timer.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"
#include "abi/linux/statfs.h"
#include "abi/linux/ioctl.h"

static struct inode *data_of(struct file *f)
{
    return atomic_load_acquire(&f->inode->data);
}

/* With relatime (mount(8)) a read is noted once after each change; a look
 * at the clock for "or once a day" would cost every read more than it tells. */
void touch_link_atime(const struct mount *m, struct inode *inode)
{
    struct inode *data = atomic_load_acquire(&inode->data);

    if (data->atime > data->mtime && data->atime > data->ctime &&
        m->flags & ST_RELATIME) {
        return;
    }
    if (data->sb->flags & (SB_READ_ONLY | SB_NO_ATIME) ||
        m->flags & (ST_NOATIME | ST_RDONLY) || inode->keeps_atime) {
        return;
    }
    data->atime = clock_realtime();
}

void touch_atime(struct file *f)
{
    if (!(f->flags & O_NOATIME)) {
        touch_link_atime(f->path.mount, f->inode);
    }
}

long regular_read(struct file *f, struct iobuf *io, uint64_t *pos, int flags)
{
    struct inode *data = data_of(f);
    uint64_t size = atomic_load_acquire(&data->size);
    long n = pagecache_read(&data->pages, io, *pos, size);

    if (n > 0) {
        *pos += n;
        touch_atime(f);
    }
    return n;
}

int regular_may_write(struct inode *data, struct iobuf *io, uint64_t pos)
{
    uint64_t limit = MIN(current_limit(FS_LIMIT_FSIZE), (uint64_t)INT64_MAX);

    if (data->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) {
        return -EPERM;
    }
    if (data->seals & F_SEAL_GROW && pos + io->left > data->size) {
        /* Page by page: one that would grow the file is refused whole. */
        uint64_t whole = ALIGN_DOWN(data->size, PAGE_SIZE);

        if (pos >= whole) {
            return -EPERM;
        }
        limit = MIN(limit, whole);
    }
    if (pos >= limit) {
        if (limit != INT64_MAX) {
            current_signal(25); /* SIGXFSZ */
        }
        return -EFBIG;
    }
    io->left = MIN(io->left, limit - pos);
    return 0;
}

static long regular_write(struct file *f, struct iobuf *io, uint64_t *pos,
                          int flags)
{
    struct inode *data = data_of(f);
    uint64_t cut = io->left, at = *pos;
    long n;

    if (io->left == 0) {
        return 0;
    }
    mutex_lock(&data->lock);
    if (flags & IO_APPEND || f->flags & O_APPEND) {
        at = data->size;
    }
    n = regular_may_write(data, io, at);
    cut -= io->left;
    if (n == 0) {
        n = pagecache_write(&data->pages, io, at);
    }
    if (n > 0) {
        *pos = at + n;
        if (*pos > data->size) {
            atomic_store_release(&data->size, *pos);
        }
        data->mtime = data->ctime = clock_realtime();
        if (unlikely(data->mode & (S_ISUID | S_ISGID))) {
            drop_setid(data);
        }
        drop_capabilities(data);
    }
    io->left += cut;
    mutex_unlock(&data->lock);
    return n;
}

static int64_t seek_data(struct inode *data, uint64_t off, bool hole)
{
    uint64_t size = data->size, index, at;

    if (off >= size) {
        return -ENXIO;
    }
    index = pagecache_next(&data->pages, off / PAGE_SIZE, !hole);
    at = index > size / PAGE_SIZE ? size : MAX(index * PAGE_SIZE, off);
    at = MIN(at, size);
    return !hole && at == size ? -ENXIO : (int64_t)at;
}

int64_t regular_seek(struct file *f, int64_t off, int whence)
{
    struct inode *data = data_of(f);
    int64_t pos;

    if ((whence != SEEK_DATA && whence != SEEK_HOLE) || data->ops->read_pages) {
        return seek_in(f, off, whence, atomic_load_acquire(&data->size));
    }
    if (off < 0) {
        return -ENXIO;
    }
    mutex_lock(&data->lock);
    pos = seek_data(data, off, whence == SEEK_HOLE);
    mutex_unlock(&data->lock);
    if (pos >= 0) {
        f->pos = pos;
    }
    return pos;
}

static int regular_sync(struct file *f, bool data_only)
{
    struct superblock *sb = f->inode->sb;

    return sb->ops->sync ? sb->ops->sync(sb) : 0;
}

long regular_ioctl(struct file *f, uint32_t cmd, struct uptr arg)
{
    uint64_t left;

    switch (cmd) {
    case FIONREAD:
        left = data_of(f)->size - f->pos;
        return put_user32(arg, (int64_t)left > INT32_MAX ? INT32_MAX : left);
    case FIGETBSZ:
        return put_user32(arg, PAGE_SIZE);
    case FICLONE:
        return -EOPNOTSUPP; /* no file system here shares blocks */
    default:
        return -ENOTTY;
    }
}

const struct file_ops regular_file_ops = {
    .read = regular_read,
    .write = regular_write,
    .seek = regular_seek,
    .ioctl = regular_ioctl,
    .sync = regular_sync,
};
