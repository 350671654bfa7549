/* SPDX-License-Identifier: MIT
 *
 * sendfile(2), splice(2), tee(2), vmsplice(2), copy_file_range(2): offsets in,
 * offsets out; the moving is fs/splice.c.
 */
#include "kernel/sys/table.h"
#include "kernel/fs/pipe/pipe.h"
#include "kernel/fs/splice.h"
#include "kernel/proc/proc.h"
#include "kernel/sys/vecs.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"
#include "abi/linux/uio.h"

enum {
    SPLICE_FLAGS =
        SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT,
};

/* Two files for one call. */
struct pair {
    struct fd in, out;
};

static int pair_get(struct pair *p, int in, int out)
{
    int err = fd_get_io(in, &p->in);

    if (err) {
        return err;
    }
    err = fd_get_io(out, &p->out);
    if (err) {
        fd_put(&p->in);
    }
    return err;
}

static void pair_put(struct pair *p)
{
    fd_put(&p->in);
    fd_put(&p->out);
}

/* An offset that the program keeps, or none. */
struct user_pos {
    struct uptr at;
    uint64_t value;
};

static int pos_get(struct user_pos *p, struct uptr at)
{
    p->at = at;
    p->value = 0;
    if (!at.addr) {
        return 0;
    }
    return get_user64(&p->value, at) ? -EFAULT : 0;
}

static int pos_check(const struct user_pos *p)
{
    return (int64_t)p->value < 0 ? -EINVAL : 0;
}

static uint64_t *pos_ptr(struct user_pos *p)
{
    return p->at.addr ? &p->value : NULL;
}

/* n is the call's result. Written back when it is at least `least`: calls
 * differ there, and who cannot be told is -EFAULT also when nothing moved. */
static long pos_put(struct user_pos *p, long n, long least)
{
    bool tell = p->at.addr && n >= least;

    return tell && put_user64(p->at, p->value) ? -EFAULT : n;
}

/* Written to at its end, whatever is asked: a pipe has no other place. */
static bool is_appended(const struct file *f)
{
    return f->flags & O_APPEND && !S_ISFIFO(f->inode->mode);
}

long sys_sendfile(const struct sysargs *a)
{
    size_t len = MIN(arg_u64(a, 3), MAX_RW_COUNT);
    struct user_pos pos;
    struct pair p;
    long n = pos_get(&pos, arg_ptr(a, 2));

    n = n ? n : fd_get_io(arg_int(a, 1), &p.in);
    if (n) {
        return n;
    }
    if (!(p.in.file->mode & FILE_READ)) {
        n = -EBADF;
    } else if (pos.at.addr && !file_has_offsets(p.in.file)) {
        n = -ESPIPE;
    } else {
        n = pos_check(&pos);
    }
    n = n ? n : fd_get_io(arg_int(a, 0), &p.out);
    if (n) {
        fd_put(&p.in);
        return n;
    }
    if (!(p.out.file->mode & FILE_WRITE)) {
        n = -EBADF;
    } else if (is_appended(p.out.file) || !p.in.file->ops->seek) {
        n = -EINVAL; /* pipes, sockets, terminals */
    } else if (arg_long(a, 3) < 0) {
        n = -EINVAL;
    } else {
        n = splice_copy(p.in.file, pos_ptr(&pos), p.out.file, NULL, len);
    }
    pair_put(&p);
    return pos_put(&pos, n, INT64_MIN);
}

/* splice and copy_file_range take the same arguments. too_low: what a negative
 * offset gives; least: see pos_put(). */
typedef long between(struct pair *p, uint64_t *in, uint64_t *out, size_t len,
                     unsigned flags);

static long call_between(const struct sysargs *a, between *fn, int too_low,
                         long least, unsigned flags)
{
    size_t len = MIN(arg_u64(a, 4), MAX_RW_COUNT);
    struct user_pos in, out;
    struct pair p;
    long n = pair_get(&p, arg_int(a, 0), arg_int(a, 2));

    if (n) {
        return n;
    }
    n = pos_get(&in, arg_ptr(a, 1));
    n = n ? n : pos_get(&out, arg_ptr(a, 3));
    n = n ? n : arg_uint(a, 5) & ~flags ? -EINVAL : 0;
    if (!n && (pos_check(&in) || pos_check(&out))) {
        n = too_low;
    }
    if (!n) {
        n = fn(&p, pos_ptr(&in), pos_ptr(&out), len, arg_uint(a, 5));
        n = pos_put(&in, n, least);
        n = pos_put(&out, n, least);
    }
    pair_put(&p);
    return n;
}

static long do_splice(struct pair *p, uint64_t *in, uint64_t *out, size_t len,
                      unsigned flags)
{
    return splice_files(p->in.file, in, p->out.file, out, len,
                        flags & SPLICE_F_NONBLOCK);
}

long sys_splice(const struct sysargs *a)
{
    if (arg_u64(a, 4) == 0) {
        return 0;
    }
    if (arg_uint(a, 5) & ~(unsigned)SPLICE_FLAGS) {
        return -EINVAL;
    }
    return call_between(a, do_splice, -EINVAL, 0, SPLICE_FLAGS);
}

static long do_copy(struct pair *p, uint64_t *in, uint64_t *out, size_t len,
                    unsigned flags)
{
    return splice_range(p->in.file, in, p->out.file, out, len);
}

long sys_copy_file_range(const struct sysargs *a)
{
    return call_between(a, do_copy, -EOVERFLOW, 1, 0);
}

long sys_tee(const struct sysargs *a)
{
    struct pair p;
    long n;

    if (arg_uint(a, 3) & ~(unsigned)SPLICE_FLAGS) {
        return -EINVAL;
    }
    if (arg_u64(a, 2) == 0) {
        return 0;
    }
    n = pair_get(&p, arg_int(a, 0), arg_int(a, 1));
    if (!n) {
        n = splice_tee(p.in.file, p.out.file, MIN(arg_u64(a, 2), MAX_RW_COUNT),
                       arg_uint(a, 3) & SPLICE_F_NONBLOCK);
        pair_put(&p);
    }
    return n;
}

/* What there is room for now; when there is none, it waits for that first. */
static long splice_in(struct vec_io *v, struct pipe *to, bool nonblock)
{
    long n = file_write(v->fd.file, &v->io, IO_NOWAIT);

    while (n == -EAGAIN && !nonblock && !file_nonblock(v->fd.file, 0)) {
        n = pipe_wait_writable(to);
        n = n ? n : file_write(v->fd.file, &v->io, IO_NOWAIT);
    }
    return n;
}

/* Secret memory (memfd_secret(2)) cannot be lent: only what lies before it. */
static uint64_t open_bytes(const struct vecs *v)
{
    struct mm *mm = current_task()->mm;
    uint64_t n = 0;

    for (unsigned i = 0; i < v->count; i++) {
        size_t open = mm_open_part(mm, v->vec[i].base, v->vec[i].len);

        n += open;
        if (open < v->vec[i].len) {
            break;
        }
    }
    return n;
}

static long lend(struct vec_io *v, struct pipe *to, bool nonblock)
{
    v->io.left = MIN(v->io.left, open_bytes(&v->vecs));
    return v->io.left ? splice_in(v, to, nonblock) : -EFAULT;
}

/* Pages are copied, not given: what the program does with them later does not
 * show in the pipe. */
long sys_vmsplice(const struct sysargs *a)
{
    bool nonblock = arg_uint(a, 3) & SPLICE_F_NONBLOCK;
    struct vec_io v;
    struct pipe *pipe;
    long n;

    if (arg_uint(a, 3) & ~(unsigned)SPLICE_FLAGS) {
        return -EINVAL;
    }
    n = vec_io_begin(&v, arg_int(a, 0), arg_ptr(a, 1), arg_u64(a, 2), 0, false);
    if (n) {
        return n;
    }
    pipe = pipe_of(v.fd.file);
    if (!v.io.left) {
        n = 0;
    } else if (!pipe) {
        n = -EBADF;
    } else if (v.fd.file->mode & FILE_WRITE) {
        n = lend(&v, pipe, nonblock);
    } else {
        n = file_read(v.fd.file, &v.io, nonblock ? IO_NOWAIT : 0);
    }
    vec_io_end(&v);
    return n;
}
