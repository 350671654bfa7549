/* SPDX-License-Identifier: MIT
 *
 * What one ring entry does, as the system call that io_uring_enter(2) names
 * for its opcode. Blocks as that call does. The entry was copied; what it
 * points to is the kernel's to keep still.
 */
#include "target/linux/pool.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { FSYNC_DATASYNC = 1 };

static int64_t result(int64_t r)
{
    return r < 0 ? -errno : r;
}

static int64_t op_read(const struct ring_sqe *e, void *buf)
{
    if (e->off == UINT64_MAX) {
        return result(read(e->fd, buf, e->len));
    }
    return result(pread(e->fd, buf, e->len, e->off));
}

static int64_t op_write(const struct ring_sqe *e, const void *buf)
{
    if (e->off == UINT64_MAX) {
        return result(write(e->fd, buf, e->len));
    }
    return result(pwrite(e->fd, buf, e->len, e->off));
}

static int64_t op_vector(const struct ring_sqe *e, const struct iovec *vec)
{
    bool in = e->opcode == RINGOP_READV;

    if (e->off == UINT64_MAX) {
        return result(in ? readv(e->fd, vec, e->len)
                         : writev(e->fd, vec, e->len));
    }
    return result(in ? preadv(e->fd, vec, e->len, e->off)
                     : pwritev(e->fd, vec, e->len, e->off));
}

static int64_t op_path(const struct ring_sqe *e, const char *path)
{
    if (e->opcode == RINGOP_OPENAT) {
        return result(openat(e->fd, path, e->op_flags, e->len));
    }
    if (e->opcode == RINGOP_OPENAT2) {
        return result(syscall(SYS_openat2, e->fd, path, e->off, e->len));
    }
    return result(syscall(SYS_statx, e->fd, path, e->op_flags, e->len, e->off));
}

int64_t pool_op(const struct ring_sqe *e)
{
    void *addr = (void *)(uintptr_t)e->addr;

    switch (e->opcode) {
    case RINGOP_NOP:
        return 0;
    case RINGOP_READ:
        return op_read(e, addr);
    case RINGOP_WRITE:
        return op_write(e, addr);
    case RINGOP_READV:
    case RINGOP_WRITEV:
        return op_vector(e, addr);
    case RINGOP_FSYNC:
        return result(e->op_flags & FSYNC_DATASYNC ? fdatasync(e->fd)
                                                   : fsync(e->fd));
    case RINGOP_FALLOCATE:
        return result(fallocate(e->fd, e->len, e->off, e->addr));
    case RINGOP_OPENAT:
    case RINGOP_OPENAT2:
    case RINGOP_STATX:
        return op_path(e, addr);
    case RINGOP_CLOSE:
        return result(close(e->fd));
    case RINGOP_SHUTDOWN:
        return result(shutdown(e->fd, e->len));
    default:
        return -EINVAL;
    }
}

/* The seek and the read of one descriptor's position belong together. */
static int64_t getdents_at(const struct ring_sqe *e, void *buf)
{
    static pthread_mutex_t position = PTHREAD_MUTEX_INITIALIZER;
    int64_t r;

    pthread_mutex_lock(&position);
    r = lseek(e->fd, e->off, SEEK_SET);
    if (r >= 0) {
        r = syscall(SYS_getdents64, e->fd, buf, e->len);
    }
    r = result(r);
    pthread_mutex_unlock(&position);
    return r;
}

static int64_t seek(const struct ring_sqe *e, int64_t *off)
{
    int64_t r = lseek(e->fd, *off, (int)e->op_flags);

    *off = r;
    return r < 0 ? -errno : 0;
}

int64_t pool_hostop(const struct ring_sqe *e)
{
    void *addr = (void *)(uintptr_t)e->addr;

    switch (e->opcode) {
    case HOSTOP_GETDENTS:
        return getdents_at(e, addr);
    case HOSTOP_READLINK:
        return result(
            readlinkat(e->fd, addr, (char *)(uintptr_t)e->off, e->len));
    case HOSTOP_IOCTL:
        return result(ioctl(e->fd, e->op_flags, addr));
    case HOSTOP_STATFS:
        return result(fstatfs(e->fd, addr));
    case HOSTOP_LSEEK:
        return result(lseek(e->fd, e->off, e->op_flags));
    case HOSTOP_TRUNCATE:
        return result(ftruncate(e->fd, e->off));
    case HOSTOP_SEEK:
        return seek(e, addr);
    case HOSTOP_LOCK:
        return e->op_flags == F_OFD_SETLK || e->op_flags == F_OFD_GETLK
                   ? result(fcntl(e->fd, (int)e->op_flags, addr))
                   : -EINVAL;
    case HOSTOP_FLOCK:
        return result(flock(e->fd, (int)e->op_flags | LOCK_NB));
    default:
        return e->opcode < HOSTOP_SOCKET ? pool_name_op(e)
                                         : pool_socket_hostop(e, addr);
    }
}
