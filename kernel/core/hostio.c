/* SPDX-License-Identifier: MIT
 *
 * Operations on host descriptors: each fills one ring entry, moves its payload
 * through a bounce buffer and waits. hostio_ring.c checks what completes;
 * what is checked here is the shape of records that the host made (directory
 * entries). What the bytes say stays untrusted.
 */
#include "kernel/core/hostio.h"
#include "kernel/core/hostio_ring.h"
#include "kernel/core/log.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

enum {
    PATH_BYTES = 4096, /* PATH_MAX, with the NUL */
    STATX_BYTES = 256,
    RESULT_NONE = 0, /* only 0 or -errno */
    RESULT_INT = INT32_MAX,
    POLL_BITS = 0xffff,
    DIRENT_RECLEN = 16, /* struct linux_dirent64, getdents64(2) */
    DIRENT_NAME = 19,
    DIRENT_MIN = 24,
};

static uint64_t bytes_in, bytes_out;

int hostio_init(void)
{
    int err = buffer_init();

    return err ? err : ring_init();
}

void hostio_get_stats(struct hostio_stats *out)
{
    out->operations = ring_operations();
    out->submits = ring_submits();
    out->bytes_in = atomic_load_relaxed(&bytes_in);
    out->bytes_out = atomic_load_relaxed(&bytes_out);
}

void hostio_count(uint64_t in, uint64_t out)
{
    atomic_fetch_add(&bytes_in, in);
    atomic_fetch_add(&bytes_out, out);
}

/* Takes len bytes of a result out of the buffer. */
void hostio_receive(const struct host_buffer *b, size_t off, void *dst,
                    size_t len)
{
    buffer_read(b, off, dst, len);
    atomic_fetch_add(&bytes_in, len);
}

void hostio_provide(const struct host_buffer *b, size_t off, const void *src,
                    size_t len)
{
    buffer_write(b, off, src, len);
    atomic_fetch_add(&bytes_out, len);
}

/* ---- descriptors ---- */

/* An operation on fd at off and up to len bytes of the buffer. */
static struct request request_of(enum ring_index ring, uint8_t opcode, int fd,
                                 int64_t off, const struct host_buffer *b,
                                 size_t len)
{
    struct request q = {.ring = ring};

    q.max = MIN(len, (size_t)b->size);
    q.sqe = (struct ring_sqe){.opcode = opcode,
                              .fd = fd,
                              .off = off,
                              .addr = b->at.addr,
                              .len = q.max};
    return q;
}

static int64_t transfer(enum ring_index ring, uint8_t opcode, int fd,
                        int64_t off, const struct host_buffer *b, size_t len)
{
    struct request q = request_of(ring, opcode, fd, off, b, len);

    return ring_call(&q);
}

static_assert((int)HOSTIO_READS <= (int)RING_CALLS_MAX, "at once");

void hostio_reads(int fd, struct hostio_read *reads, unsigned count)
{
    struct request q[HOSTIO_READS];
    int64_t results[HOSTIO_READS];

    check(count >= 1 && count <= HOSTIO_READS);
    for (unsigned i = 0; i < count; i++) {
        q[i] = request_of(RING_URING, RINGOP_READ, fd, reads[i].off,
                          &reads[i].buffer, reads[i].len);
    }
    if (count == 1) {
        results[0] = ring_call(&q[0]);
    } else {
        ring_calls(q, count, results);
    }
    for (unsigned i = 0; i < count; i++) {
        reads[i].result = results[i];
    }
}

int64_t hostio_read(int fd, void *buf, size_t len, int64_t off)
{
    struct host_buffer b = buffer_get(len);
    int64_t n = transfer(RING_URING, RINGOP_READ, fd, off, &b, len);

    if (n > 0) {
        hostio_receive(&b, 0, buf, n);
    }
    buffer_put(&b);
    return n;
}

int64_t hostio_write(int fd, const void *buf, size_t len, int64_t off)
{
    struct host_buffer b = buffer_get(len);
    int64_t n;

    hostio_provide(&b, 0, buf, MIN(len, (size_t)b.size));
    n = transfer(RING_URING, RINGOP_WRITE, fd, off, &b, len);
    buffer_put(&b);
    return n;
}

static int simple_call(uint8_t opcode, int fd)
{
    struct request q = {
        .ring = RING_URING,
        .sqe = {.opcode = opcode, .fd = fd},
        .max = RESULT_NONE,
    };

    return ring_call(&q);
}

int hostio_close(int fd)
{
    return simple_call(RINGOP_CLOSE, fd);
}

int hostio_fsync(int fd)
{
    return simple_call(RINGOP_FSYNC, fd);
}

int64_t hostio_lseek(int fd, int64_t off, int whence)
{
    struct request q = {
        .ring = RING_HOSTOP,
        .sqe = {.opcode = HOSTOP_LSEEK,
                .fd = fd,
                .off = (uint64_t)off,
                .op_flags = (uint32_t)whence},
        .max = RESULT_INT,
    };

    return ring_call(&q);
}

int hostio_poll(int fd, uint32_t events)
{
    struct request q = {
        .ring = RING_URING,
        .sqe = {.opcode = RINGOP_POLL_ADD, .fd = fd, .op_flags = events},
        .max = POLL_BITS,
        .interruptible = true,
    };

    return ring_call(&q);
}

/* in bytes go to the host, out bytes come back (both at arg). */
int hostio_ioctl(int fd, uint32_t cmd, void *arg, size_t in, size_t out)
{
    struct host_buffer b = buffer_get(MAX(in, out));
    struct request q = {.ring = RING_HOSTOP, .max = RESULT_INT};
    int64_t n;

    check(in <= b.size && out <= b.size);
    hostio_provide(&b, 0, arg, in);
    q.sqe = (struct ring_sqe){
        .opcode = HOSTOP_IOCTL, .fd = fd, .op_flags = cmd, .addr = b.at.addr};
    n = ring_call(&q);
    if (n >= 0) {
        hostio_receive(&b, 0, arg, out);
    }
    buffer_put(&b);
    return n;
}

/* ---- names ---- */

static int put_path(const struct host_buffer *b, const char *path)
{
    size_t len = strlen(path) + 1;

    if (len > PATH_BYTES) {
        return -ENAMETOOLONG;
    }
    hostio_provide(b, 0, path, len);
    return 0;
}

/* A call whose addr is a path, at the start of b. */
static int64_t path_call(const struct host_buffer *b, const char *path,
                         struct request *q)
{
    int err = put_path(b, path);

    q->sqe.addr = b->at.addr;
    return err ? err : ring_call(q);
}

int hostio_openat(int dirfd, const char *path, int flags, uint32_t mode)
{
    struct host_buffer b = buffer_get(PATH_BYTES);
    struct request q = {
        .ring = RING_URING,
        .sqe = {.opcode = RINGOP_OPENAT,
                .fd = dirfd,
                .len = mode,
                .op_flags = flags},
        .max = RESULT_INT,
    };
    int64_t fd = path_call(&b, path, &q);

    buffer_put(&b);
    return fd;
}

int hostio_statx(int dirfd, const char *path, int flags, uint32_t mask,
                 void *statx)
{
    struct host_buffer b = buffer_get(PATH_BYTES + STATX_BYTES);
    struct request q = {
        .ring = RING_URING,
        .sqe = {.opcode = RINGOP_STATX,
                .fd = dirfd,
                .len = mask,
                .op_flags = flags,
                .off = b.at.addr + PATH_BYTES},
        .max = RESULT_NONE,
    };
    int64_t err = path_call(&b, path, &q);

    if (!err) {
        hostio_receive(&b, PATH_BYTES, statx, STATX_BYTES);
    }
    buffer_put(&b);
    return err;
}

int64_t hostio_readlink(int dirfd, const char *path, char *buf, size_t len)
{
    struct host_buffer b = buffer_get(2 * PATH_BYTES);
    uint32_t max = MIN(len, (size_t)PATH_BYTES);
    struct request q = {
        .ring = RING_HOSTOP,
        .sqe = {.opcode = HOSTOP_READLINK,
                .fd = dirfd,
                .len = max,
                .off = b.at.addr + PATH_BYTES},
        .max = max,
    };
    int64_t n = path_call(&b, path, &q);

    if (n > 0) {
        hostio_receive(&b, PATH_BYTES, buf, n);
    }
    buffer_put(&b);
    return n;
}

/* The record at buf, of which left bytes are there, ends inside them. */
static bool dirent_is_sane(const uint8_t *buf, size_t left)
{
    uint16_t reclen;

    if (left < DIRENT_MIN) {
        return false;
    }
    memcpy(&reclen, buf + DIRENT_RECLEN, sizeof(reclen));
    return reclen >= DIRENT_MIN && reclen % 8 == 0 && reclen <= left &&
           memchr(buf + DIRENT_NAME, '\0', reclen - DIRENT_NAME);
}

static void check_dirents(const uint8_t *buf, size_t len)
{
    while (len) {
        uint16_t reclen;

        if (!dirent_is_sane(buf, len)) {
            host_lied("a directory entry that is none");
        }
        memcpy(&reclen, buf + DIRENT_RECLEN, sizeof(reclen));
        buf += reclen;
        len -= reclen;
    }
}

int64_t hostio_getdents(int fd, int64_t off, void *buf, size_t len)
{
    struct host_buffer b = buffer_get(MIN(len, (size_t)BUFFER_SIZE));
    int64_t n = transfer(RING_HOSTOP, HOSTOP_GETDENTS, fd, off, &b, len);

    if (n > 0) {
        hostio_receive(&b, 0, buf, n);
        check_dirents(buf, n);
    }
    buffer_put(&b);
    return n;
}
