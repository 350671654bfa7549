/* SPDX-License-Identifier: MIT
 *
 * The memory devices (null(4), random(4), full(4)), and the table from device
 * numbers to drivers, which serves nodes on any file system. Those of terminals
 * are in kernel/tty/.
 */
#include "kernel/fs/devices.h"
#include "kernel/fs/special.h"
#include "kernel/crypto/crypto.h"
#include "kernel/tty/tty.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"

/* ---- null, zero, full ---- */

static long read_nothing(struct file *f, struct iobuf *io, uint64_t *pos,
                         int flags)
{
    return 0;
}

static long read_zeros(struct file *f, struct iobuf *io, uint64_t *pos,
                       int flags)
{
    return iobuf_put_zero(io, io->left);
}

static long write_nowhere(struct file *f, struct iobuf *io, uint64_t *pos,
                          int flags)
{
    return io->left;
}

static long write_full(struct file *f, struct iobuf *io, uint64_t *pos,
                       int flags)
{
    return -ENOSPC;
}

static int map_anonymous(struct file *f, int prot, int flags,
                         struct vm_object **out)
{
    *out = NULL;
    return 0;
}

static const struct file_ops null_ops = {
    .read = read_nothing,
    .write = write_nowhere,
    .seek = seek_nowhere,
};

static const struct file_ops zero_ops = {
    .read = read_zeros,
    .write = write_nowhere,
    .seek = seek_nowhere,
    .map = map_anonymous,
};

static const struct file_ops full_ops = {
    .read = read_zeros,
    .write = write_full,
    .seek = seek_nowhere,
};

/* ---- random ---- */

static long read_random(struct file *f, struct iobuf *io, uint64_t *pos,
                        int flags)
{
    uint8_t block[2048];
    uint64_t len = io->left;
    long done = 0, n = 0;

    while (io->left && n >= 0) {
        size_t part = MIN(io->left, (uint64_t)sizeof(block));

        random_bytes(block, part);
        n = iobuf_put(io, block, part);
        done += n > 0 ? n : 0;
        if (n < (long)part) {
            break;
        }
    }
    wipe(block, MIN(len, (uint64_t)sizeof(block)));
    return done ? done : n;
}

static long random_ioctl(struct file *f, uint32_t cmd, struct uptr arg)
{
    enum { RNDGETENTCNT = 0x80045200 };

    return cmd == (uint32_t)RNDGETENTCNT ? put_user32(arg, 256) : -ENOTTY;
}

/* Writes are accepted, and add nothing: the generator has its own seeds. */
static const struct file_ops random_ops = {
    .read = read_random,
    .write = write_nowhere,
    .seek = seek_nowhere,
    .ioctl = random_ioctl,
};

/* ---- the table ---- */

/* clang-format off: one device, one line */
const struct device devices[] = {
    {"null", 1, 3, 0666, &null_ops},
    {"zero", 1, 5, 0666, &zero_ops},
    {"full", 1, 7, 0666, &full_ops},
    {"random", 1, 8, 0666, &random_ops},
    {"urandom", 1, 9, 0666, &random_ops},
    {"tty", 5, 0, 0666, &tty_device_ops},
    {"console", 5, 1, 0600, &tty_device_ops},
    {"ptmx", 5, 2, 0666, &tty_device_ops},
    {NULL, 0, 0, 0, NULL},
};
/* clang-format on */

enum { MAJOR_PTS = 136 };

const struct file_ops *device_ops(uint64_t rdev)
{
    if (dev_major(rdev) == MAJOR_PTS) {
        return &tty_device_ops;
    }
    for (const struct device *d = devices; d->name; d++) {
        if (make_dev(d->major, d->minor) == rdev) {
            return d->ops;
        }
    }
    return NULL;
}

int special_open(struct file *f)
{
    struct inode *data = atomic_load_acquire(&f->inode->data);
    const struct file_ops *ops = NULL;

    if (S_ISFIFO(data->mode)) {
        return fifo_open(f);
    }
    if (S_ISCHR(data->mode)) {
        ops = device_ops(data->rdev);
    }
    if (!ops) {
        return -ENXIO;
    }
    f->ops = ops;
    f->mode |= FILE_NO_POS_LOCK;
    return ops == &tty_device_ops ? tty_open(f, data->rdev) : 0;
}
