/* SPDX-License-Identifier: MIT
 *
 * Extended attributes below a host directory, and what else hostfs asks of its
 * descriptors: where data lies, locks. Values are the host's to make up.
 */
#include "kernel/core/hostio.h"
#include "kernel/core/hostio_ring.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/fcntl.h"

enum {
    NAME_BYTES = 256,
    VALUE_AT = HOSTOP_NAME_AT + NAME_BYTES,
    VALUE_MAX = 65536, /* XATTR_SIZE_MAX, XATTR_LIST_MAX */
};

/* The call of q by path and name (or NULL), with room for a value. */
static int64_t attr_call(struct request *q, const struct host_buffer *b,
                         const char *path, const char *name)
{
    size_t path_len = strlen(path) + 1, name_len = name ? strlen(name) + 1 : 0;

    if (path_len > HOSTOP_NAME_AT) {
        return -ENAMETOOLONG;
    }
    if (name_len > NAME_BYTES) {
        return -ERANGE;
    }
    if (b->size < VALUE_AT + q->sqe.len) {
        return -ENOMEM; /* no large buffer is free */
    }
    hostio_provide(b, 0, path, path_len);
    hostio_provide(b, HOSTOP_NAME_AT, name ? name : "", name_len);
    q->ring = RING_HOSTOP;
    q->sqe.addr = b->at.addr;
    q->sqe.off = b->at.addr + VALUE_AT;
    return ring_call(q);
}

/* What may come is at most len bytes; of 0, their number alone. */
static int64_t receive_attr(uint8_t opcode, int dirfd, const char *path,
                            const char *name, void *buf, size_t len)
{
    uint32_t room = MIN(len, (size_t)VALUE_MAX);
    struct host_buffer b = buffer_get(VALUE_AT + room);
    struct request q = {
        .sqe = {.opcode = opcode, .fd = dirfd, .len = room},
        .max = room ? room : VALUE_MAX,
    };
    int64_t n = attr_call(&q, &b, path, name);

    if (n > 0 && room) {
        hostio_receive(&b, VALUE_AT, buf, n);
    }
    buffer_put(&b);
    return n;
}

int64_t hostio_getxattr(int dirfd, const char *path, const char *name,
                        void *buf, size_t len)
{
    return receive_attr(HOSTOP_GETXATTR, dirfd, path, name, buf, len);
}

int64_t hostio_listxattr(int dirfd, const char *path, char *buf, size_t len)
{
    return receive_attr(HOSTOP_LISTXATTR, dirfd, path, NULL, buf, len);
}

int hostio_setxattr(int dirfd, const char *path, const char *name,
                    const void *value, size_t len, int flags)
{
    struct host_buffer b = buffer_get(VALUE_AT + len);
    struct request q = {
        .sqe = {.opcode = value ? HOSTOP_SETXATTR : HOSTOP_REMOVEXATTR,
                .fd = dirfd,
                .len = value ? (uint32_t)len : 0,
                .op_flags = (uint32_t)flags},
    };
    int err = 0;

    if (value && b.size >= VALUE_AT + len) {
        hostio_provide(&b, VALUE_AT, value, len);
    }
    err = (int)attr_call(&q, &b, path, name);
    buffer_put(&b);
    return err;
}

/* ---- descriptors ---- */

/* An operation on fd that reads and writes len bytes of arg. */
static int call_with(uint8_t opcode, int fd, uint32_t flags, void *arg,
                     size_t len)
{
    struct host_buffer b = buffer_get(len);
    struct request q = {
        .ring = RING_HOSTOP,
        .sqe = {
            .opcode = opcode, .fd = fd, .addr = b.at.addr, .op_flags = flags}};
    int err;

    hostio_provide(&b, 0, arg, len);
    err = (int)ring_call(&q);
    if (!err) {
        hostio_receive(&b, 0, arg, len);
    }
    buffer_put(&b);
    return err;
}

int hostio_seek(int fd, int64_t *off, int whence)
{
    return call_with(HOSTOP_SEEK, fd, (uint32_t)whence, off, sizeof(*off));
}

int hostio_lock(int fd, bool test, struct flock64 *lock)
{
    return call_with(HOSTOP_LOCK, fd, test ? F_OFD_GETLK : F_OFD_SETLK, lock,
                     sizeof(*lock));
}

int hostio_flock(int fd, int operation)
{
    struct request q = {.ring = RING_HOSTOP,
                        .sqe = {.opcode = HOSTOP_FLOCK,
                                .fd = fd,
                                .op_flags = (uint32_t)operation}};

    return (int)ring_call(&q);
}
