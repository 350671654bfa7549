/* SPDX-License-Identifier: MIT
 *
 * Names below a host directory, and their attributes: what changes a tree of
 * the host's (hostfs). Each is one entry of the second ring that the host
 * resolves without following links (abi/boundary.h); results are 0 or -errno.
 */
#include "kernel/core/hostio.h"
#include "kernel/core/hostio_ring.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/fcntl.h"
#include "abi/linux/stat.h"
#include "abi/linux/statfs.h"

enum {
    PATH_BYTES = 4096, /* PATH_MAX, with the NUL */
    STATX_BYTES = 256,
};

/* Puts text at off of b, NUL included. */
static int put_text(const struct host_buffer *b, size_t off, const char *text)
{
    size_t len = strlen(text) + 1;

    if (len > PATH_BYTES) {
        return -ENAMETOOLONG;
    }
    hostio_provide(b, off, text, len);
    return 0;
}

/* The call of sqe, whose addr will be path, and whose off `second` if that is
 * not NULL. */
static int name_call(struct ring_sqe sqe, const char *path, const char *second)
{
    struct host_buffer b = buffer_get(second ? 2 * PATH_BYTES : PATH_BYTES);
    struct request q = {.ring = RING_HOSTOP, .sqe = sqe};
    int err = put_text(&b, 0, path);

    q.sqe.addr = b.at.addr;
    if (second) {
        err = err ? err : put_text(&b, PATH_BYTES, second);
        q.sqe.off = b.at.addr + PATH_BYTES;
    }
    err = err ? err : (int)ring_call(&q);
    buffer_put(&b);
    return err;
}

/* The call of q with path at the beginning of b, and what it reads or writes
 * besides behind that. */
static int call_with_block(struct request *q, const struct host_buffer *b,
                           const char *path)
{
    int err = put_text(b, 0, path);

    q->sqe.addr = b->at.addr;
    q->sqe.off = b->at.addr + PATH_BYTES;
    return err ? err : (int)ring_call(q);
}

int hostio_open_below(int dirfd, const char *path, int flags, uint32_t mode)
{
    bool makes = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;
    const struct open_how how = {.flags = (uint32_t)flags,
                                 .mode = makes ? mode : 0,
                                 .resolve =
                                     RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    struct host_buffer b = buffer_get(PATH_BYTES + sizeof(how));
    struct request q = {
        .ring = RING_URING,
        .sqe = {.opcode = RINGOP_OPENAT2, .fd = dirfd, .len = sizeof(how)},
        .max = INT32_MAX,
    };
    int fd;

    hostio_provide(&b, PATH_BYTES, &how, sizeof(how));
    fd = call_with_block(&q, &b, path);
    buffer_put(&b);
    return fd;
}

int hostio_statx_below(int dirfd, const char *path, int flags, uint32_t mask,
                       void *statx)
{
    struct host_buffer b = buffer_get(PATH_BYTES + STATX_BYTES);
    struct request q = {
        .ring = RING_HOSTOP,
        .sqe = {.opcode = HOSTOP_STATX,
                .fd = dirfd,
                .len = mask,
                .op_flags = (uint32_t)flags},
        .max = 1,
    };
    int has = call_with_block(&q, &b, path);

    if (has >= 0) {
        hostio_receive(&b, PATH_BYTES, statx, STATX_BYTES);
    }
    buffer_put(&b);
    return has;
}

int hostio_make(int dirfd, const char *path, uint32_t mode)
{
    bool directory = S_ISDIR(mode);

    return name_call(
        (struct ring_sqe){.opcode = directory ? HOSTOP_MKDIR : HOSTOP_MKNOD,
                          .fd = dirfd,
                          .op_flags = directory ? mode & 07777 : mode},
        path, NULL);
}

int hostio_symlink(int dirfd, const char *path, const char *text)
{
    return name_call((struct ring_sqe){.opcode = HOSTOP_SYMLINK, .fd = dirfd},
                     path, text);
}

int hostio_link(int dirfd, const char *from, const char *to)
{
    return name_call((struct ring_sqe){.opcode = HOSTOP_LINK, .fd = dirfd},
                     from, to);
}

int hostio_link_file(int dirfd, int fd, const char *to)
{
    return name_call((struct ring_sqe){.opcode = HOSTOP_LINK_FILE,
                                       .fd = dirfd,
                                       .len = (uint32_t)fd},
                     to, NULL);
}

int hostio_unlink(int dirfd, const char *path, int flags)
{
    return name_call((struct ring_sqe){.opcode = HOSTOP_UNLINK,
                                       .fd = dirfd,
                                       .op_flags = (uint32_t)flags},
                     path, NULL);
}

int hostio_rename(int dirfd, const char *from, const char *to, unsigned flags)
{
    return name_call((struct ring_sqe){.opcode = HOSTOP_RENAME,
                                       .fd = dirfd,
                                       .op_flags = flags},
                     from, to);
}

int hostio_chmod(int dirfd, const char *path, uint32_t mode)
{
    return name_call((struct ring_sqe){.opcode = HOSTOP_CHMOD,
                                       .fd = dirfd,
                                       .op_flags = mode},
                     path, NULL);
}

int hostio_chown(int dirfd, const char *path, uint32_t uid, uint32_t gid)
{
    return name_call(
        (struct ring_sqe){
            .opcode = HOSTOP_CHOWN, .fd = dirfd, .len = gid, .op_flags = uid},
        path, NULL);
}

int hostio_utimes(int dirfd, const char *path, const struct host_times *times)
{
    struct host_buffer b = buffer_get(PATH_BYTES + sizeof(*times));
    struct request q = {
        .ring = RING_HOSTOP,
        .sqe = {.opcode = HOSTOP_UTIMES, .fd = dirfd},
    };
    int err;

    hostio_provide(&b, PATH_BYTES, times, sizeof(*times));
    err = call_with_block(&q, &b, path);
    buffer_put(&b);
    return err;
}

int hostio_truncate(int fd, uint64_t size)
{
    struct request q = {
        .ring = RING_HOSTOP,
        .sqe = {.opcode = HOSTOP_TRUNCATE, .fd = fd, .off = size},
    };

    return (int)ring_call(&q);
}

int hostio_fallocate(int fd, int mode, uint64_t off, uint64_t len)
{
    struct request q = {
        .ring = RING_URING,
        .sqe = {.opcode = RINGOP_FALLOCATE,
                .fd = fd,
                .off = off,
                .addr = len,
                .len = (uint32_t)mode},
    };

    return (int)ring_call(&q);
}

int hostio_statfs(int fd, struct linux_statfs *out)
{
    struct host_buffer b = buffer_get(sizeof(*out));
    struct request q = {
        .ring = RING_HOSTOP,
        .sqe = {.opcode = HOSTOP_STATFS, .fd = fd, .addr = b.at.addr},
    };
    int err = (int)ring_call(&q);

    if (!err) {
        hostio_receive(&b, 0, out, sizeof(*out));
    }
    buffer_put(&b);
    return err;
}
