/* SPDX-License-Identifier: MIT
 *
 * Moving bytes: read(2), pread(2), readv(2), preadv2(2), the same for writing,
 * and lseek(2).
 */
#include "kernel/sys/table.h"
#include "kernel/sys/vecs.h"
#include "kernel/fs/file.h"
#include "kernel/mm/mm.h"
#include "abi/linux/errno.h"
#include "abi/linux/uio.h"

typedef long move_fn(struct file *f, struct iobuf *io, int flags);
typedef long move_at_fn(struct file *f, struct iobuf *io, uint64_t *pos,
                        int flags);

static inline __attribute__((always_inline)) long
simple(const struct sysargs *a, move_fn *move, unsigned mode)
{
    size_t len = MIN(arg_u64(a, 2), MAX_RW_COUNT);
    struct iobuf io;
    struct fd fd;
    long n = fd_get_io(arg_int(a, 0), &fd);

    if (unlikely(n)) {
        return n;
    }
    if (unlikely(!mm_linux_range(arg_u64(a, 1), arg_u64(a, 2)))) {
        n = file_can_move(fd.file, mode);
        n = n ? n : -EFAULT;
    } else {
        iobuf_user(&io, arg_ptr(a, 1), len);
        n = move(fd.file, &io, 0);
    }
    fd_put(&fd);
    return n;
}

long sys_read(const struct sysargs *a)
{
    return simple(a, file_read, FILE_READ);
}

long sys_write(const struct sysargs *a)
{
    return simple(a, file_write, FILE_WRITE);
}

static inline __attribute__((always_inline)) long
positioned(const struct sysargs *a, move_at_fn *move, unsigned mode)
{
    size_t len = MIN(arg_u64(a, 2), MAX_RW_COUNT);
    uint64_t pos = arg_u64(a, 3);
    struct iobuf io;
    struct fd fd;
    long n;

    if (unlikely((int64_t)pos < 0)) {
        return -EINVAL;
    }
    n = fd_get_io(arg_int(a, 0), &fd);
    if (unlikely(n)) {
        return n;
    }
    if (unlikely(!mm_linux_range(arg_u64(a, 1), arg_u64(a, 2)))) {
        n = file_has_offsets(fd.file) ? file_can_move(fd.file, mode) : -ESPIPE;
        n = n ? n : -EFAULT;
    } else {
        iobuf_user(&io, arg_ptr(a, 1), len);
        n = move(fd.file, &io, &pos, 0);
    }
    fd_put(&fd);
    return n;
}

long sys_pread64(const struct sysargs *a)
{
    return positioned(a, file_pread, FILE_READ);
}

long sys_pwrite64(const struct sysargs *a)
{
    return positioned(a, file_pwrite, FILE_WRITE);
}

/* ---- vectors ---- */

/* Who may not, or cannot, is told so before the array is looked at; flags come
 * last, and not for nothing at all. */
static long move_begun(struct vec_io *v, move_at_fn *move, uint64_t *pos,
                       unsigned rwf)
{
    int flags, err = v->io.left ? io_flags_of(rwf, &flags) : 0;

    return err || !v->io.left ? err : move(v->fd.file, &v->io, pos, flags);
}

static long read_next(struct file *f, struct iobuf *io, uint64_t *pos,
                      int flags)
{
    return file_read(f, io, flags);
}

static long write_next(struct file *f, struct iobuf *io, uint64_t *pos,
                       int flags)
{
    return file_write(f, io, flags);
}

static long move_vecs(const struct sysargs *a, bool out, unsigned rwf)
{
    struct vec_io v;
    long n = vec_io_begin(&v, arg_int(a, 0), arg_ptr(a, 1), arg_u64(a, 2),
                          out ? FILE_WRITE : FILE_READ, false);

    if (!n) {
        n = move_begun(&v, out ? write_next : read_next, NULL, rwf);
        vec_io_end(&v);
    }
    return n;
}

static long move_vecs_at(const struct sysargs *a, bool out, unsigned rwf)
{
    uint64_t pos = arg_u64(a, 3);
    struct vec_io v;
    long n;

    if ((int64_t)pos < 0) {
        return -EINVAL;
    }
    n = vec_io_begin(&v, arg_int(a, 0), arg_ptr(a, 1), arg_u64(a, 2),
                     out ? FILE_WRITE : FILE_READ, true);
    if (!n) {
        n = move_begun(&v, out ? file_pwrite : file_pread, &pos, rwf);
        vec_io_end(&v);
    }
    return n;
}

long sys_readv(const struct sysargs *a)
{
    return move_vecs(a, false, 0);
}

long sys_writev(const struct sysargs *a)
{
    return move_vecs(a, true, 0);
}

long sys_preadv(const struct sysargs *a)
{
    return move_vecs_at(a, false, 0);
}

long sys_pwritev(const struct sysargs *a)
{
    return move_vecs_at(a, true, 0);
}

/* An offset of -1 means the file's own. */
long sys_preadv2(const struct sysargs *a)
{
    return (arg_long(a, 3) == -1 ? move_vecs : move_vecs_at)(a, false,
                                                             arg_uint(a, 5));
}

long sys_pwritev2(const struct sysargs *a)
{
    return (arg_long(a, 3) == -1 ? move_vecs : move_vecs_at)(a, true,
                                                             arg_uint(a, 5));
}

/* ---- positions ---- */

long sys_lseek(const struct sysargs *a)
{
    struct fd fd;
    long pos = fd_get_io(arg_int(a, 0), &fd);

    if (pos) {
        return pos;
    }
    pos = arg_uint(a, 2) > SEEK_HOLE
              ? -EINVAL
              : file_seek(fd.file, arg_long(a, 1), arg_int(a, 2));
    fd_put(&fd);
    return pos;
}
