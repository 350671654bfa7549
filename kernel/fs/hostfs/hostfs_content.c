/* SPDX-License-Identifier: MIT
 *
 * hostfs: content. Pages are read through a host descriptor that is made when
 * it is needed. A bounded number of inodes keeps theirs; one that is open for
 * writing, or has lost its name while it is open, always does.
 *
 * A write goes to the host first, then into the pages that are there: they are
 * never newer than the host's, and may be forgotten at any time. Files that are
 * mapped shared and writable are another matter (hostfs_inside.c).
 */
#include "kernel/fs/hostfs/hostfs.h"
#include "kernel/fs/attr.h"
#include "kernel/fs/file.h"
#include "kernel/fs/regular.h"
#include "kernel/core/hostio.h"
#include "kernel/core/log.h"
#include "kernel/core/timer.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/mman.h"

enum {
    KEPT_OPEN = 200,
    CHUNK = 64 << 10,
    SHIFTS = FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE,
    ZEROES =
        FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE | FALLOC_FL_WRITE_ZEROES,
};

static uint32_t kept_open; /* atomic */

/* ---- descriptors; n->lock is held ---- */

static void keep(struct hostfs_inode *n, int fd, bool writes)
{
    if (n->fd >= 0) {
        hostio_close(n->fd);
        atomic_fetch_sub(&kept_open, 1);
    }
    n->fd = fd;
    n->fd_writes = writes;
    if (fd >= 0) {
        atomic_fetch_add(&kept_open, 1);
    }
}

static bool must_keep(struct hostfs_inode *n)
{
    return n->writers || (n->opens && (n->inode.data->nlink == 0 || !n->path));
}

/* A descriptor to read from, or to write to; *close: it is not kept. */
static int descriptor(struct hostfs_inode *n, bool writes, bool *close)
{
    int fd;

    *close = false;
    if (n->fd >= 0 && (n->fd_writes || !writes)) {
        return n->fd;
    }
    fd = hostfs_open_again(n, writes ? O_RDWR : O_RDONLY);
    if (fd < 0) {
        return fd;
    }
    *close = atomic_load_relaxed(&kept_open) >= KEPT_OPEN && !must_keep(n);
    if (!*close) {
        keep(n, fd, writes);
    }
    return fd;
}

static void done_with(int fd, bool close)
{
    if (close) {
        hostio_close(fd);
    }
}

void hostfs_keep(struct hostfs_inode *n, int fd)
{
    mutex_lock(&n->lock);
    keep(n, fd, true);
    mutex_unlock(&n->lock);
}

void hostfs_hold(struct hostfs_inode *n)
{
    bool close = false, writes = false;
    int fd = -1;

    mutex_lock(&n->lock);
    if (S_ISREG(n->inode.mode) && n->opens) {
        writes = (fd = descriptor(n, true, &close)) >= 0;
        fd = writes ? fd : descriptor(n, false, &close);
    }
    if (fd >= 0 && close) {
        keep(n, fd, writes);
    }
    mutex_unlock(&n->lock);
}

/* ---- reading ---- */

static int read_some(int fd, uint64_t index, unsigned count,
                     void *const pages[])
{
    for (unsigned i = 0; i < count; i++) {
        size_t done = 0;

        while (done < PAGE_SIZE) {
            int64_t n =
                hostio_read(fd, (char *)pages[i] + done, PAGE_SIZE - done,
                            (index + i) * PAGE_SIZE + done);

            if (n < 0) {
                return i ? (int)i : (int)n;
            }
            if (n == 0) {
                break;
            }
            done += n;
        }
        memset((char *)pages[i] + done, 0, PAGE_SIZE - done);
    }
    return count;
}

/* All pages in one go through a buffer. */
static int read_batch(int fd, uint64_t index, unsigned count,
                      void *const pages[])
{
    size_t len = count * PAGE_SIZE, done = 0;
    char *buf = count > 1 ? page_alloc(count) : NULL;
    int64_t n = 1;

    if (!buf) {
        return read_some(fd, index, count, pages);
    }
    while (done < len && n > 0) {
        n = hostio_read(fd, buf + done, len - done, index * PAGE_SIZE + done);
        done += MAX(n, (int64_t)0);
    }
    memset(buf + done, 0, len - done);
    hostio_pages_due(pages, count);
    for (unsigned i = 0; i < count; i++) {
        memcpy(pages[i], buf + i * PAGE_SIZE, PAGE_SIZE);
    }
    page_free(buf, count);
    if (n < 0 && done < PAGE_SIZE) {
        return n;
    }
    return n < 0 ? (int)(done / PAGE_SIZE) : (int)count;
}

int hostfs_read_pages(struct inode *inode, uint64_t index, unsigned count,
                      void *const pages[])
{
    struct hostfs_inode *n = hostfs_inode(inode);
    bool close;
    int fd, good;

    mutex_lock(&n->lock);
    fd = descriptor(n, false, &close);
    good = fd < 0 ? fd : read_batch(fd, index, count, pages);
    done_with(fd, fd >= 0 && close);
    mutex_unlock(&n->lock);
    return good < 0 ? -EIO : good;
}

/* ---- writing; the inode's lock is held ---- */

static long write_all(int fd, const char *buf, size_t len, uint64_t off)
{
    size_t done = 0;

    while (done < len) {
        int64_t n = hostio_write(fd, buf + done, len - done, off + done);

        if (n <= 0) {
            return done ? (long)done : n ? n : -EIO;
        }
        done += n;
    }
    return done;
}

/* len bytes of buf to the host and into the pages. How many, or -errno. */
static long write_through(struct hostfs_inode *n, char *buf, size_t len,
                          uint64_t off)
{
    struct inode *data = n->inode.data;
    struct iobuf io;
    bool close;
    long done;
    int fd;

    mutex_lock(&n->lock);
    n->writing = true;
    fd = descriptor(n, true, &close);
    done = fd < 0 ? fd : write_all(fd, buf, len, off);
    done_with(fd, fd >= 0 && close);
    mutex_unlock(&n->lock);
    if (done > 0 && data == &n->inode) {
        pagecache_update(&data->pages, buf, done, off);
    } else if (done > 0) {
        iobuf_kernel(&io, buf, done);
        done = pagecache_write(&data->pages, &io, off);
    }
    atomic_store_release(&n->writing, false);
    if (done > 0) {
        n->written = true;
        data->mtime = data->ctime = clock_realtime();
        if (off + done > data->size) {
            atomic_store_release(&data->size, off + done);
        }
    }
    return done;
}

static long write_pieces(struct inode *inode, struct iobuf *io, uint64_t off)
{
    size_t room = MIN(io->left, (uint64_t)CHUNK);
    char *buf = kmalloc(room);
    long done = 0, n = 0;

    if (!buf) {
        return -ENOMEM;
    }
    while (io->left) {
        long got = iobuf_get(io, buf, MIN(io->left, (uint64_t)room));

        n = got > 0 ? write_through(hostfs_inode(inode), buf, got, off + done)
                    : got;
        done += MAX(n, 0l);
        if (n < got || got <= 0) {
            break;
        }
    }
    kfree(buf);
    return done ? done : n;
}

static long hostfs_write(struct file *f, struct iobuf *io, uint64_t *pos,
                         int flags)
{
    struct inode *inode = f->inode;
    uint64_t cut = io->left;
    long n;

    if (io->left == 0) {
        return 0;
    }
    mutex_lock(&inode->lock);
    if (flags & IO_APPEND || f->flags & O_APPEND) {
        hostfs_look_again(inode); /* the host may have appended, too */
        *pos = inode->data->size;
    }
    n = regular_may_write(inode->data, io, *pos);
    cut -= io->left;
    n = n ? n : write_pieces(inode, io, *pos);
    if (n > 0) {
        *pos += n;
        hostfs_drop_setid(inode);
    }
    io->left += cut;
    mutex_unlock(&inode->lock);
    if (n > 0 && (flags & IO_SYNC || f->flags & O_DSYNC)) {
        hostfs_file_ops.sync(f, false);
    }
    return n;
}

/* By way of a descriptor for writing: op of it. */
static int with_descriptor(struct hostfs_inode *n, bool writes,
                           int (*op)(int fd, int mode, uint64_t a, uint64_t b),
                           int mode, uint64_t a, uint64_t b)
{
    bool close;
    int fd, err;

    mutex_lock(&n->lock);
    fd = descriptor(n, writes, &close);
    err = fd < 0 ? fd : op(fd, mode, a, b);
    done_with(fd, fd >= 0 && close);
    mutex_unlock(&n->lock);
    return err;
}

static int truncate_op(int fd, int mode, uint64_t size, uint64_t unused)
{
    return hostio_truncate(fd, size);
}

/* Not of n->lock: windows grow under LOCK_MM. What has lost its name keeps its
 * descriptor, which none for writing can replace. */
int hostfs_reload(struct inode *inode, uint64_t size)
{
    struct hostfs_inode *n = hostfs_inode(inode);
    struct inode *data = inode->data;
    int fd = hostfs_open_again(n, O_RDONLY);
    bool kept = fd == -ESTALE && n->fd >= 0;
    int err;

    fd = kept ? n->fd : fd;
    if (fd < 0) {
        return fd;
    }
    if (size < data->size) {
        atomic_store_release(&data->size, size);
        pagecache_truncate(&data->pages, size);
    }
    err = hostfs_load(data, fd, size);
    done_with(fd, !kept);
    return err;
}

/* Shorter here before there, and longer there before here: hostfs_store() must
 * not bring back what was cut off. */
int hostfs_resize(struct inode *inode, uint64_t size)
{
    struct hostfs_inode *n = hostfs_inode(inode);
    struct inode *data = inode->data;
    uint64_t old = data->size;
    int err = size > old ? pagecache_extend(&data->pages, size) : 0;

    if (err) {
        return err;
    }
    if (size < old) {
        atomic_store_release(&data->size, size);
    }
    err = with_descriptor(n, true, truncate_op, 0, size, 0);
    if (err) {
        atomic_store_release(&data->size, old);
        return err;
    }
    n->written = true;
    atomic_store_release(&data->size, size);
    if (size < old) {
        pagecache_truncate(&data->pages, size);
    }
    return 0;
}

/* Content moved along the file: all of it is another. */
static int follow_shift(struct inode *inode, int mode, uint64_t len)
{
    struct inode *data = inode->data;
    uint64_t size = mode & FALLOC_FL_INSERT_RANGE
                        ? data->size + len
                        : data->size - MIN(data->size, len);
    int err = 0;

    if (data != inode) {
        err = size > data->size ? pagecache_extend(&data->pages, size) : 0;
        err = err ? err : hostfs_reload(inode, size);
    } else {
        pagecache_truncate(&data->pages, 0);
    }
    atomic_store_release(&data->size, size);
    return err;
}

/* What the pages say that are here, after the host has done it. */
static int follow_fallocate(struct inode *inode, int mode, uint64_t off,
                            uint64_t len)
{
    struct inode *data = inode->data;
    uint64_t size = data->size;

    if (mode & SHIFTS) {
        return follow_shift(inode, mode, len);
    }
    if (mode & ZEROES && data == inode) { /* they are read again */
        pagecache_truncate(&data->pages, ALIGN_DOWN(off, PAGE_SIZE));
    } else if (mode & ZEROES && off < size) {
        pagecache_punch(&data->pages, off, MIN(len, size - off));
    }
    if (!(mode & FALLOC_FL_KEEP_SIZE) && off + len > size) {
        atomic_store_release(&data->size, off + len);
    }
    return 0;
}

int hostfs_fallocate(struct inode *inode, int mode, uint64_t off, uint64_t len)
{
    struct inode *data = inode->data;
    bool grows =
        !(mode & (FALLOC_FL_KEEP_SIZE | SHIFTS)) && off + len > data->size;
    int err;

    err = mode & SHIFTS ? hostfs_write_back(hostfs_inode(inode)) : 0;
    if (err) {
        return err;
    }
    err = grows ? pagecache_extend(&data->pages, off + len) : 0;
    err = err ? err
              : with_descriptor(hostfs_inode(inode), true, hostio_fallocate,
                                mode, off, len);
    if (!err) {
        hostfs_inode(inode)->written = true;
        err = follow_fallocate(inode, mode, off, len);
        hostfs_look_again(inode);
    }
    return err;
}

/* ---- open files ---- */

/* The descriptor is had right now: the host may refuse it, and its name may go
 * or be another file's later. n->lock is held. */
static int count_open(struct hostfs_inode *n, bool writes)
{
    bool close;
    int fd;

    n->opens++;
    n->writers += writes;
    fd = descriptor(n, writes, &close);
    if (fd < 0) {
        n->opens--;
        n->writers -= writes;
    } else {
        done_with(fd, close);
    }
    return MIN(fd, 0);
}

int hostfs_open(struct inode *inode, struct file *f)
{
    struct hostfs_inode *n = hostfs_inode(inode);
    bool writes = f->mode & FILE_WRITE;
    int err = hostfs_refresh(inode);

    if (f->ops != &hostfs_file_ops) { /* a removed directory has no names */
        return err == -ESTALE && inode->data->nlink == 0 ? 0 : err;
    }
    mutex_lock(&n->lock);
    if (err == -ESTALE && n->fd >= 0 && (n->fd_writes || !writes)) {
        err = 0; /* its name is gone; the descriptor is that file's */
    }
    err = err ? err : count_open(n, writes);
    mutex_unlock(&n->lock);
    return err;
}

/* The host gets what mappings wrote; n->lock is held. */
static int store(struct hostfs_inode *n)
{
    int err = n->fd >= 0 && n->fd_writes ? hostfs_store(n, n->fd) : 0;

    if (err) {
        log_warn("hostfs: what was mapped of a file of the host could not be "
                 "written: error %d",
                 -err);
    }
    return err;
}

static void hostfs_release(struct file *f)
{
    struct hostfs_inode *n = hostfs_inode(f->inode);

    mutex_lock(&n->lock);
    if (n->mapped && f->mode & FILE_WRITE &&
        atomic_load(&n->inode.data->pages.writable_maps) == 0) {
        store(n);
    }
    n->opens--;
    n->writers -= f->mode & FILE_WRITE ? 1 : 0;
    if (!must_keep(n) && (atomic_load_relaxed(&kept_open) > KEPT_OPEN ||
                          (!n->opens && n->fd_writes && !n->mapped))) {
        keep(n, -1, false); /* for the host, too, nobody writes to it now */
    }
    mutex_unlock(&n->lock);
}

int hostfs_write_back(struct hostfs_inode *n)
{
    int err;

    mutex_lock(&n->lock);
    err = store(n);
    mutex_unlock(&n->lock);
    return err;
}

bool hostfs_is_ours(struct hostfs_inode *n)
{
    return n->mapped || atomic_load(&n->inode.data->pages.maps);
}

/* What we wrote is the host's by now: its own changes show from here on. */
static int hostfs_flush(struct file *f)
{
    struct inode *inode = f->inode;

    mutex_lock(&inode->lock);
    if (hostfs_inode(inode)->written) {
        hostfs_look_again(inode);
    }
    mutex_unlock(&inode->lock);
    return 0;
}

static int hostfs_sync(struct file *f, bool data_only)
{
    struct hostfs_inode *n = hostfs_inode(f->inode);
    bool close;
    int fd, err;

    mutex_lock(&n->lock);
    err = store(n);
    fd = descriptor(n, false, &close);
    err = err ? err : fd < 0 ? fd : hostio_fsync(fd);
    done_with(fd, fd >= 0 && close);
    mutex_unlock(&n->lock);
    return err;
}

/* Where data lies the host knows, once it has what mappings wrote. */
static int64_t hostfs_seek(struct file *f, int64_t off, int whence)
{
    struct hostfs_inode *n = hostfs_inode(f->inode);
    bool close;
    int fd, err;

    if (whence != SEEK_DATA && whence != SEEK_HOLE) {
        return regular_seek(f, off, whence);
    }
    mutex_lock(&n->lock);
    err = store(n);
    fd = descriptor(n, false, &close);
    err = err ? err : fd < 0 ? fd : hostio_seek(fd, &off, whence);
    done_with(fd, fd >= 0 && close);
    mutex_unlock(&n->lock);
    if (err || off < 0) {
        return err ? err : -EIO;
    }
    f->pos = off;
    return off;
}

/* n->fd stays: f is open for writing. */
static int map_shared(struct hostfs_inode *n)
{
    int err;

    mutex_lock(&n->inode.lock);
    err = hostfs_move_inside(&n->inode, n->fd);
    if (!err) {
        n->mapped = true;
    }
    mutex_unlock(&n->inode.lock);
    return err;
}

static int hostfs_map(struct file *f, int prot, int flags,
                      struct vm_object **out)
{
    struct hostfs_inode *n = hostfs_inode(f->inode);
    bool shared = (flags & MAP_TYPE) != MAP_PRIVATE;
    int err = shared && f->mode & FILE_WRITE ? map_shared(n) : 0;

    *out = shared && n->inode.data != &n->inode ? &f->shared : &f->object;
    return err;
}

const struct file_ops hostfs_file_ops = {
    .read = regular_read,
    .write = hostfs_write,
    .seek = hostfs_seek,
    .ioctl = regular_ioctl,
    .sync = hostfs_sync,
    .flush = hostfs_flush,
    .map = hostfs_map,
    .release = hostfs_release,
    .lock = hostfs_lock,
};
