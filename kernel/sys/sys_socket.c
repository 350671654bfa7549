/* SPDX-License-Identifier: MIT
 *
 * Sockets: socketpair(2) and what works on its ends. Calls for sockets that
 * do not exist yet still tell a descriptor that is none (-EBADF, -ENOTSOCK):
 * programs find out with them what their standard input is.
 */
#include "kernel/sys/table.h"
#include "kernel/net/net.h"
#include "abi/linux/errno.h"
#include "abi/linux/socket.h"
#include "abi/linux/uio.h"

static int get_socket(int n, struct fd *fd)
{
    int err = fd_get_io(n, fd);

    if (!err && !socket_is(fd->file)) {
        fd_put(fd);
        err = -ENOTSOCK;
    }
    return err;
}

/* A call whose first argument is a socket and that is not there yet. */
long sys_socket_none(const struct sysargs *a)
{
    struct fd fd;
    int err = get_socket(arg_int(a, 0), &fd);

    if (err) {
        return err;
    }
    fd_put(&fd);
    return sys_none(a);
}

static long install_ends(struct file *f[2], bool cloexec, struct uptr to)
{
    int32_t fds[2] = {fd_install(f[0], 0, cloexec), -1};
    long err;

    if (fds[0] < 0) {
        file_put(f[0]);
        file_put(f[1]);
        return fds[0];
    }
    fds[1] = fd_install(f[1], 0, cloexec);
    if (fds[1] < 0) {
        fd_close(fds[0]);
        file_put(f[1]);
        return fds[1];
    }
    err = copy_to_user(to, fds, sizeof(fds));
    if (err) {
        fd_close(fds[0]);
        fd_close(fds[1]);
    }
    return err;
}

long sys_socketpair(const struct sysargs *a)
{
    uint32_t type = arg_uint(a, 1), flags = type & ~(uint32_t)SOCK_TYPE_MASK;
    int protocol = arg_int(a, 2);
    struct file *f[2];
    int err;

    if (flags & ~(uint32_t)(O_CLOEXEC | O_NONBLOCK)) {
        return -EINVAL;
    }
    if (arg_int(a, 0) != AF_UNIX) {
        return sys_none(a);
    }
    if (protocol != 0 && protocol != AF_UNIX) {
        return -EPROTONOSUPPORT;
    }
    switch (type & SOCK_TYPE_MASK) {
    case SOCK_STREAM:
        break;
    case SOCK_DGRAM:
    case SOCK_RAW:
    case SOCK_SEQPACKET:
        return sys_none(a);
    default:
        return -ESOCKTNOSUPPORT;
    }
    err = pair_open(flags & O_NONBLOCK, &f[0], &f[1]);
    return err ? err : install_ends(f, flags & O_CLOEXEC, arg_ptr(a, 3));
}

long sys_sendto(const struct sysargs *a)
{
    struct iobuf io;
    struct fd fd;
    long n = get_socket(arg_int(a, 0), &fd);

    if (n) {
        return n;
    }
    iobuf_user(&io, arg_ptr(a, 1), MIN(arg_u64(a, 2), MAX_RW_COUNT));
    n = arg_u64(a, 4) && arg_uint(a, 5)
            ? -EISCONN
            : socket_send(fd.file, &io, arg_uint(a, 3));
    fd_put(&fd);
    return n;
}

long sys_recvfrom(const struct sysargs *a)
{
    struct iobuf io;
    struct fd fd;
    long n = get_socket(arg_int(a, 0), &fd);

    if (n) {
        return n;
    }
    iobuf_user(&io, arg_ptr(a, 1), MIN(arg_u64(a, 2), MAX_RW_COUNT));
    n = socket_recv(fd.file, &io, arg_uint(a, 3));
    fd_put(&fd);
    if (n >= 0 && arg_u64(a, 4)) { /* the sender has no name */
        int err = put_user32(arg_ptr(a, 5), 0);

        n = err ? err : n;
    }
    return n;
}

long sys_shutdown(const struct sysargs *a)
{
    struct fd fd;
    long err = get_socket(arg_int(a, 0), &fd);

    if (!err) {
        err = socket_shutdown(fd.file, arg_int(a, 1));
        fd_put(&fd);
    }
    return err;
}

/* ---- what it is ---- */

/* The user's buffer and its length, which becomes what there was (names), or
 * what fitted (options). */
static long put_value(struct uptr to, struct uptr len_at, const void *value,
                      uint32_t size, bool name)
{
    uint32_t len, fits;
    long err = get_user32(&len, len_at);

    if (err) {
        return err;
    }
    if ((int32_t)len < 0) {
        return -EINVAL;
    }
    fits = MIN(len, size);
    err = copy_to_user(to, value, fits);
    return err ? err : put_user32(len_at, name ? size : fits);
}

/* Both ends have a family and no name. */
static long put_name(const struct sysargs *a)
{
    uint16_t family = AF_UNIX;
    struct fd fd;
    long err = get_socket(arg_int(a, 0), &fd);

    if (err) {
        return err;
    }
    fd_put(&fd);
    return put_value(arg_ptr(a, 1), arg_ptr(a, 2), &family, sizeof(family),
                     true);
}

long sys_getsockname(const struct sysargs *a)
{
    return put_name(a);
}

long sys_getpeername(const struct sysargs *a)
{
    return put_name(a);
}

static int option(struct file *f, int level, int name, int32_t *value)
{
    if (level != SOL_SOCKET) {
        return -EOPNOTSUPP;
    }
    switch (name) {
    case SO_TYPE:
        *value = SOCK_STREAM;
        return 0;
    case SO_ERROR:
        *value = socket_take_error(f);
        return 0;
    case SO_DOMAIN:
        *value = AF_UNIX;
        return 0;
    case SO_PROTOCOL:
    case SO_ACCEPTCONN:
        *value = 0;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

long sys_getsockopt(const struct sysargs *a)
{
    int32_t value;
    struct fd fd;
    long err = get_socket(arg_int(a, 0), &fd);

    if (err) {
        return err;
    }
    err = option(fd.file, arg_int(a, 1), arg_int(a, 2), &value);
    fd_put(&fd);
    if (err) {
        return err;
    }
    return put_value(arg_ptr(a, 3), arg_ptr(a, 4), &value, sizeof(value),
                     false);
}
