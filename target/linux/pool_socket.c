/* SPDX-License-Identifier: MIT
 *
 * What one ring entry does with a socket. Descriptors are blocking ones (with
 * O_NONBLOCK io_uring would not wait for us, either), so what might wait is
 * tried in a way that does not.
 */
#include "target/linux/pool.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

bool pool_has_sockets = true;

static int64_t result(int64_t r)
{
    return r < 0 ? -errno : r;
}

short pool_waits(const struct ring_sqe *e)
{
    switch (e->opcode) {
    case RINGOP_ACCEPT:
    case RINGOP_RECV:
    case RINGOP_RECVMSG:
        return POLLIN;
    case RINGOP_CONNECT:
    case RINGOP_SEND:
    case RINGOP_SENDMSG:
        return POLLOUT;
    default:
        return 0;
    }
}

static bool is_ready(int fd, short events)
{
    struct pollfd p = {fd, events, 0};

    return poll(&p, 1, 0) != 0;
}

/* The socket does not wait (start_listening). */
static int64_t try_accept(const struct ring_sqe *e, void *addr)
{
    return result(
        accept4(e->fd, addr, (socklen_t *)(uintptr_t)e->off, e->op_flags));
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

static int64_t connect_now(const struct ring_sqe *e, void *addr)
{
    int flags = fcntl(e->fd, F_GETFL);
    int64_t r;

    fcntl(e->fd, F_SETFL, flags | O_NONBLOCK);
    r = result(connect(e->fd, addr, e->off));
    fcntl(e->fd, F_SETFL, flags);
    return r;
}

static int64_t try_connect(const struct ring_sqe *e, void *addr)
{
    int64_t r = connect_now(e, addr);

    return r == -EINPROGRESS ? -EAGAIN : r;
}

/* A second connect(2) tells what became of the first, and readies the socket
 * for another try, which SO_ERROR does not. */
static int64_t connect_outcome(const struct ring_sqe *e, void *addr)
{
    int64_t r = is_ready(e->fd, POLLOUT) ? connect_now(e, addr) : -EALREADY;

    return r == -EISCONN                         ? 0
           : r == -EALREADY || r == -EINPROGRESS ? -EAGAIN
                                                 : r;
}

int64_t pool_try(const struct ring_sqe *e, bool first)
{
    void *addr = (void *)(uintptr_t)e->addr;
    int flags = e->op_flags | MSG_DONTWAIT;

    switch (e->opcode) {
    case RINGOP_ACCEPT:
        return try_accept(e, addr);
    case RINGOP_CONNECT:
        return first ? try_connect(e, addr) : connect_outcome(e, addr);
    case RINGOP_SEND:
        return result(send(e->fd, addr, e->len, flags | MSG_NOSIGNAL));
    case RINGOP_RECV:
        return result(recv(e->fd, addr, e->len, flags));
    case RINGOP_SENDMSG:
        return result(sendmsg(e->fd, addr, flags | MSG_NOSIGNAL));
    default:
        return result(recvmsg(e->fd, addr, flags));
    }
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
