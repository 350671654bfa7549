/* SPDX-License-Identifier: MIT
 *
 * Bytes from file to file (splice.h), through a buffer: pages of the cache
 * have one owner. From a pipe, data is shown first and taken only when the
 * other side has accepted it, so that nothing is lost on an error.
 */
#include "kernel/fs/splice.h"
#include "kernel/fs/pipe.h"
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

/* One chunk; *moved grows. What could not be written is read again later. */
static long copy_chunk(struct file *in, uint64_t *in_pos, struct file *out,
                       uint64_t *out_pos, void *buf, size_t len, int flags,
                       size_t *moved)
{
    struct pipe *pipe = pipe_of(in);
    long n, w;

    n = pipe ? pipe_peek(pipe, buf, len, file_nonblock(in, flags))
             : read_at(in, buf, len, in_pos, flags);
    if (n <= 0) {
        return n;
    }
    w = write_at(out, buf, n, out_pos, flags);
    if (pipe && w > 0) {
        pipe_skip(pipe, w);
    } else if (!pipe && w < n) {
        move_back(in, in_pos, n - MAX(w, 0l));
    }
    *moved += MAX(w, 0l);
    return w < n && w >= 0 ? 0 : w;
}

/* /dev/null has nothing that could be spliced out of it. */
static bool is_null(struct file *f)
{
    return S_ISCHR(f->inode->mode) && f->inode->rdev == make_dev(1, 3);
}

long splice_copy(struct file *in, uint64_t *in_pos, struct file *out,
                 uint64_t *out_pos, size_t len, int flags)
{
    size_t size = MIN(len, (size_t)CHUNK), moved = 0;
    bool from_pipe = pipe_of(in);
    void *buf;
    long n = 1;

    if (!(in->mode & FILE_READ) || !(out->mode & FILE_WRITE)) {
        return -EBADF;
    }
    if (S_ISDIR(in->inode->mode) || !in->ops->read || is_null(in)) {
        return -EINVAL;
    }
    if (len == 0) {
        return 0;
    }
    buf = kmalloc(size);
    if (!buf) {
        return -ENOMEM;
    }
    while (moved < len && n > 0) {
        n = copy_chunk(in, in_pos, out, out_pos, buf, MIN(size, len - moved),
                       flags, &moved);
        if (from_pipe) {
            flags |= IO_NOWAIT; /* what waits now, not more */
        }
    }
    kfree(buf);
    return moved ? (long)moved : n;
}

/* From a file into a pipe: waits for room once, then takes what fits. */
static long fill_pipe(struct file *in, uint64_t *in_pos, struct file *out,
                      size_t len, int flags)
{
    return splice_copy(in, in_pos, out, NULL,
                       MIN(len, (size_t)pipe_size(pipe_of(out))), flags);
}

long splice_files(struct file *in, uint64_t *in_pos, struct file *out,
                  uint64_t *out_pos, size_t len, bool nowait)
{
    struct pipe *from = pipe_of(in), *to = pipe_of(out);
    int flags = nowait ? IO_NOWAIT : 0;

    if (!(in->mode & FILE_READ) || !(out->mode & FILE_WRITE)) {
        return -EBADF;
    }
    if ((from && in_pos) || (to && out_pos)) {
        return -ESPIPE;
    }
    if ((!from && !to) || (from && from == to)) {
        return -EINVAL;
    }
    if (!to && out->flags & O_APPEND) {
        return -EINVAL;
    }
    if (to && !from) {
        return fill_pipe(in, in_pos, out, len, flags);
    }
    return splice_copy(in, in_pos, out, out_pos, len, flags);
}

long splice_tee(struct file *in, struct file *out, size_t len, bool nowait)
{
    struct pipe *from = pipe_of(in), *to = pipe_of(out);
    size_t size;
    void *buf;
    long n;

    if (!(in->mode & FILE_READ) || !(out->mode & FILE_WRITE)) {
        return -EBADF;
    }
    if (!from || !to || from == to) {
        return -EINVAL;
    }
    size = MIN(len, (size_t)pipe_size(from));
    if (size == 0) {
        return 0;
    }
    buf = kmalloc(size);
    if (!buf) {
        return -ENOMEM;
    }
    n = pipe_peek(from, buf, size, nowait || file_nonblock(in, 0));
    if (n > 0) {
        n = write_at(out, buf, n, NULL, nowait ? IO_NOWAIT : 0);
    }
    kfree(buf);
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
    return err ? err : splice_copy(in, in_pos, out, out_pos, len, 0);
}
