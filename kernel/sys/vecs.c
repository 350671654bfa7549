/* SPDX-License-Identifier: MIT
 *
 * Arrays of struct iovec (vecs.h): short ones need no allocation. Flags.
 */
#include "kernel/sys/vecs.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/mm.h"
#include "abi/linux/errno.h"
#include "abi/linux/uio.h"

static_assert(sizeof(struct iobuf_vec) == sizeof(struct linux_iovec), "iov");

void vecs_put(struct vecs *v)
{
    if (v->vec != v->small) {
        kfree(v->vec);
    }
}

/* Cuts the sum to what one call may move. */
static int check_vecs(struct vecs *v)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < v->count; i++) {
        if ((int64_t)v->vec[i].len < 0) {
            return -EINVAL;
        }
        v->vec[i].len = MIN(v->vec[i].len, MAX_RW_COUNT - total);
        total += v->vec[i].len;
    }
    return 0;
}

/* Whether they are buffers of one's own. */
static int check_range(const struct vecs *v)
{
    for (unsigned i = 0; i < v->count; i++) {
        if (!mm_linux_range(v->vec[i].base, v->vec[i].len)) {
            return -EFAULT;
        }
    }
    return 0;
}

int vecs_get_mine(struct vecs *v, struct uptr from, uint64_t count)
{
    int err = vecs_get(v, from, count);

    if (!err) {
        err = check_range(v);
        if (err) {
            vecs_put(v);
        }
    }
    return err;
}

int vecs_get(struct vecs *v, struct uptr from, uint64_t count)
{
    int err;

    if (count > IOV_MAX) {
        return -EINVAL;
    }
    v->count = count;
    v->vec = v->small;
    if (count > VECS_SMALL) {
        v->vec = kmalloc(count * sizeof(*v->vec));
        if (!v->vec) {
            return -ENOMEM;
        }
    }
    err = copy_from_user(v->vec, from, count * sizeof(*v->vec));
    if (!err) {
        err = check_vecs(v);
    }
    if (err) {
        vecs_put(v);
    }
    return err;
}

int vec_io_begin(struct vec_io *v, int fd, struct uptr vec, uint64_t count,
                 unsigned mode, bool at)
{
    int err = fd_get_io(fd, &v->fd);

    if (err) {
        return err;
    }
    if (at && !file_has_offsets(v->fd.file)) {
        err = -ESPIPE;
    } else if (mode) {
        err = file_can_move(v->fd.file, mode);
    }
    err = err ? err : vecs_get_mine(&v->vecs, vec, count);
    if (err) {
        fd_put(&v->fd);
        return err;
    }
    iobuf_user_vec(&v->io, v->vecs.vec, v->vecs.count);
    return 0;
}

void vec_io_end(struct vec_io *v)
{
    vecs_put(&v->vecs);
    fd_put(&v->fd);
}

int io_flags_of(unsigned rwf, int *flags)
{
    if (rwf & ~(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND)) {
        return -EOPNOTSUPP;
    }
    *flags = (rwf & RWF_NOWAIT ? IO_NOWAIT : 0) |
             (rwf & RWF_APPEND ? IO_APPEND : 0) |
             (rwf & (RWF_DSYNC | RWF_SYNC) ? IO_SYNC : 0);
    return 0;
}
