/* SPDX-License-Identifier: MIT
 *
 * What one entry of ring 1 does with a socket. Descriptors are blocking ones:
 * with O_NONBLOCK io_uring would not wait for us, either.
 */
#include "target/linux/pool.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

bool pool_has_sockets = true;

static int64_t result(int64_t r)
{
    return r < 0 ? -errno : r;
}

/* Several accepts of one socket may be tried at once: where the pool does them,
 * the socket itself must not wait. Nobody else uses it. */
static int64_t start_listening(const struct ring_sqe *e)
{
    if (pool_has_sockets && fcntl(e->fd, F_SETFL, O_RDWR | O_NONBLOCK)) {
        return -errno;
    }
    return result(listen(e->fd, e->len));
}

static int64_t name_of(const struct ring_sqe *e, void *addr)
{
    socklen_t len = e->len;
    int err = e->opcode == HOSTOP_SOCKNAME ? getsockname(e->fd, addr, &len)
                                           : getpeername(e->fd, addr, &len);

    return err ? -errno : (int64_t)MIN(len, e->len);
}

int64_t pool_socket_hostop(const struct ring_sqe *e, void *addr)
{
    socklen_t len = e->len;

    switch (e->opcode) {
    case HOSTOP_SOCKET:
        return result(socket(e->fd, e->op_flags | SOCK_CLOEXEC, e->len));
    case HOSTOP_BIND:
        return result(bind(e->fd, addr, e->len));
    case HOSTOP_LISTEN:
        return start_listening(e);
    case HOSTOP_SOCKNAME:
    case HOSTOP_PEERNAME:
        return name_of(e, addr);
    case HOSTOP_SETSOCKOPT:
        return result(setsockopt(e->fd, e->op_flags, e->off, addr, e->len));
    case HOSTOP_GETSOCKOPT:
        if (getsockopt(e->fd, e->op_flags, e->off, addr, &len)) {
            return -errno;
        }
        return MIN(len, e->len);
    case HOSTOP_SHUTDOWN:
        return result(shutdown(e->fd, e->len));
    default:
        return -EINVAL;
    }
}
