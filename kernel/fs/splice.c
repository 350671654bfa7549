/* SPDX-License-Identifier: MIT
 *
 * Bytes from file to file (splice.h), through a buffer: pages of the cache
 * have one owner. From a pipe, data is borrowed and taken only as far as the
 * other side has accepted it, so that nothing is lost on an error; into a pipe
 * goes what there is room for, so that who fills and empties it by turns never
 * waits for itself.
 */
#include "kernel/fs/splice.h"
#include "kernel/fs/pipe/pipe.h"
#include "kernel/mm/heap.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"

enum { CHUNK = 65536 };

static long read_at(struct file *f, void *buf, size_t len, uint64_t *pos,
                    int flags)
{
    struct iobuf io;

    iobuf_kernel(&io, buf, len);
    return pos ? file_pread(f, &io, pos, flags) : file_read(f, &io, flags);
}

static long write_at(struct file *f, const void *buf, size_t len, uint64_t *pos,
                     int flags)
{
    struct iobuf io;

    iobuf_kernel(&io, (void *)buf, len);
    return pos ? file_pwrite(f, &io, pos, flags) : file_write(f, &io, flags);
}

/* Where reading goes on: *pos, or the file's own position. */
static void move_back(struct file *in, uint64_t *pos, size_t bytes)
{
    if (pos) {
        *pos -= bytes;
    } else if (in->ops->seek) {
        file_seek(in, -(int64_t)bytes, SEEK_CUR);
    }
}

/* A move in progress. */
struct way {
    struct file *in, *out;
    uint64_t *in_pos, *out_pos;
    int in_flags, out_flags; /* IO_* */
};

/* One chunk; *moved grows. What could not be written is read again later. */
static long copy_chunk(const struct way *w, void *buf, size_t len,
                       size_t *moved)
{
    struct pipe *pipe = pipe_of(w->in);
    long n =
        pipe ? pipe_borrow(pipe, buf, len, file_nonblock(w->in, w->in_flags))
             : read_at(w->in, buf, len, w->in_pos, w->in_flags);
    long written;

    if (n <= 0) {
        return n;
    }
    written = write_at(w->out, buf, n, w->out_pos, w->out_flags);
    if (pipe) {
        pipe_return(pipe, MAX(written, 0l));
    } else if (written < n) {
        move_back(w->in, w->in_pos, n - MAX(written, 0l));
    }
    *moved += MAX(written, 0l);
    return written < n && written >= 0 ? 0 : written;
}

static long copy(struct way *w, size_t len)
{
    size_t size = MIN(len, (size_t)CHUNK), moved = 0;
    void *buf = kmalloc(size);
    long n = 1;

    if (!buf) {
        return -ENOMEM;
    }
    while (moved < len && n > 0) {
        n = copy_chunk(w, buf, MIN(size, len - moved), &moved);
        w->in_flags |= IO_NOWAIT; /* what is there now, not more */
    }
    kfree(buf);
    return moved ? (long)moved : n;
}

/* Into a pipe: waits for room once, then moves what fits. Of what comes from
 * elsewhere than a pipe, nothing may be left over, so that another writer that
 * was quicker to take the room is waited for. */
static long copy_into_pipe(struct way *w, size_t len, bool nowait)
{
    struct pipe *from = pipe_of(w->in), *to = pipe_of(w->out);
    bool waits = !nowait && !file_nonblock(w->out, 0);
    long n;

    w->out_flags = from ? IO_NOWAIT : 0;
    do {
        n = pipe_room(to);
        while (!n && waits) {
            n = pipe_wait_writable(to);
            n = n ? n : pipe_room(to);
        }
        if (n <= 0) {
            return n ? n : -EAGAIN;
        }
        n = copy(w, MIN(len, (size_t)n));
    } while (n == -EAGAIN && waits && !file_nonblock(w->in, 0));
    return n;
}

/* /dev/null has nothing that could be spliced out of it. */
static bool is_null(struct file *f)
{
    return S_ISCHR(f->inode->mode) && f->inode->rdev == make_dev(1, 3);
}

static long copy_way(struct way *w, size_t len, bool nowait)
{
    struct file *in = w->in;

    if (!(in->mode & FILE_READ) || !(w->out->mode & FILE_WRITE)) {
        return -EBADF;
    }
    if (S_ISDIR(in->inode->mode) || !in->ops->read || is_null(in)) {
        return -EINVAL;
    }
    if (len == 0) {
        return 0;
    }
    w->in_flags = nowait ? IO_NOWAIT : 0;
    return pipe_of(w->out) ? copy_into_pipe(w, len, nowait) : copy(w, len);
}

long splice_copy(struct file *in, uint64_t *in_pos, struct file *out,
                 uint64_t *out_pos, size_t len)
{
    struct way w = {in, out, in_pos, out_pos, 0, 0};

    return copy_way(&w, len, false);
}

/* Events, timers and others without a type in their mode take and give single
 * values, no stream. */
static bool is_nameless(const struct file *f)
{
    return !(f->inode->mode & S_IFMT);
}

long splice_files(struct file *in, uint64_t *in_pos, struct file *out,
                  uint64_t *out_pos, size_t len, bool nowait)
{
    struct pipe *from = pipe_of(in), *to = pipe_of(out);
    struct way w = {in, out, in_pos, out_pos, 0, 0};

    if ((from && in_pos) || (to && out_pos)) {
        return -ESPIPE;
    }
    if (!(in->mode & FILE_READ) || !(out->mode & FILE_WRITE)) {
        return -EBADF;
    }
    if ((in_pos && !file_has_offsets(in)) ||
        (out_pos && !file_has_offsets(out))) {
        return -EINVAL;
    }
    if ((!from && !to) || (from && from == to)) {
        return -EINVAL;
    }
    if ((!to && out->flags & O_APPEND) || is_nameless(in) || is_nameless(out)) {
        return -EINVAL;
    }
    return copy_way(&w, len, nowait);
}

/* As much as there is room for, and as waits. */
static long tee(struct pipe *from, struct pipe *to, struct file *out,
                size_t len, bool nowait)
{
    void *buf;
    long n;

    len = MIN(len, (size_t)MIN(pipe_size(from), pipe_room(to)));
    if (!len) {
        return -EAGAIN;
    }
    buf = kmalloc(len);
    if (!buf) {
        return -ENOMEM;
    }
    n = pipe_peek(from, buf, len, nowait);
    if (n > 0) {
        n = write_at(out, buf, n, NULL, IO_NOWAIT);
    }
    kfree(buf);
    return n;
}

long splice_tee(struct file *in, struct file *out, size_t len, bool nowait)
{
    struct pipe *from = pipe_of(in), *to = pipe_of(out);
    bool in_waits = !nowait && !file_nonblock(in, 0);
    bool out_waits = !nowait && !file_nonblock(out, 0);
    long n;

    if (!(in->mode & FILE_READ) || !(out->mode & FILE_WRITE)) {
        return -EBADF;
    }
    if (!from || !to || from == to) {
        return -EINVAL;
    }
    if (!len) {
        return 0;
    }
    while ((n = tee(from, to, out, len, !in_waits)) == -EAGAIN && in_waits &&
           out_waits) {
        n = pipe_wait_writable(to);
        if (n) {
            break;
        }
    }
    return n;
}

static int check_range(struct file *in, uint64_t in_pos, struct file *out,
                       uint64_t out_pos, size_t len)
{
    if (S_ISDIR(in->inode->mode) || S_ISDIR(out->inode->mode)) {
        return -EISDIR;
    }
    if (!S_ISREG(in->inode->mode) || !S_ISREG(out->inode->mode)) {
        return -EINVAL;
    }
    if (!(in->mode & FILE_READ) || !(out->mode & FILE_WRITE) ||
        out->flags & O_APPEND) {
        return -EBADF;
    }
    if (in->inode->sb != out->inode->sb) {
        return -EXDEV;
    }
    if (in_pos + len < in_pos || (int64_t)(out_pos + len) < 0) {
        return -EOVERFLOW;
    }
    if (in->inode == out->inode && in_pos < out_pos + len &&
        out_pos < in_pos + len) {
        return -EINVAL;
    }
    return 0;
}

long splice_range(struct file *in, uint64_t *in_pos, struct file *out,
                  uint64_t *out_pos, size_t len)
{
    uint64_t size = file_size(in);
    uint64_t from = in_pos ? *in_pos : in->pos;
    int err;

    if (from < size) {
        len = MIN((uint64_t)len, size - from);
    } else {
        len = 0;
    }
    err = check_range(in, from, out, out_pos ? *out_pos : out->pos, len);
    return err ? err : splice_copy(in, in_pos, out, out_pos, len);
}
