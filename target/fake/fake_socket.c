/* SPDX-License-Identifier: MIT
 *
 * Socket operations that may wait, tried without waiting (fake_socket.h).
 * Descriptors are blocking ones.
 */
#include "target/fake/fake_socket.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

static int64_t result(int64_t r)
{
    return r < 0 ? -errno : r;
}

static bool is_ready(int fd, short events)
{
    struct pollfd p = {fd, events, 0};

    return poll(&p, 1, 0) != 0;
}

/* The socket does not wait (pool_socket.c). */
static int64_t try_accept(const struct ring_sqe *e, void *addr)
{
    return result(
        accept4(e->fd, addr, (socklen_t *)(uintptr_t)e->off, e->op_flags));
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

int64_t fake_try(const struct ring_sqe *e, bool first)
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
