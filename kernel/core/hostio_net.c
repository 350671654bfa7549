/* SPDX-License-Identifier: MIT
 *
 * The operations of hostio_net.h. A message is laid out in one bounce buffer:
 * header, one iovec, name, control messages, data; the host's kernel reads the
 * header when it takes the entry and writes lengths back into it, which are
 * clamped to the room that there was.
 */
#include "kernel/core/hostio_net.h"
#include "kernel/core/hostio_ring.h"
#include "kernel/core/log.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/socket.h"

enum { HEADER_IOV = 56 }; /* the iovec stands behind struct msghdr */

struct wire_iovec {
    uint64_t base, len;
};

static int hostop(uint8_t opcode, int fd, uint32_t flags, uint64_t off,
                  uint32_t len)
{
    struct request q = {
        .ring = RING_HOSTOP,
        .sqe = {.opcode = opcode,
                .fd = fd,
                .op_flags = flags,
                .off = off,
                .len = len},
    };

    q.max = opcode == HOSTOP_SOCKET ? INT32_MAX : 0;
    return (int)ring_call(&q);
}

int hostio_socket(int family, int type, int protocol)
{
    return hostop(HOSTOP_SOCKET, family, (uint32_t)type, 0, (uint32_t)protocol);
}

int hostio_listen(int fd, int backlog)
{
    return hostop(HOSTOP_LISTEN, fd, 0, 0, (uint32_t)backlog);
}

int hostio_shutdown(int fd, int how)
{
    return hostop(HOSTOP_SHUTDOWN, fd, 0, 0, (uint32_t)how);
}

/* in bytes go to the host, what it answers (at most out) comes back. */
static int with_value(uint8_t opcode, int fd, int level, int option,
                      const void *in, size_t in_len, void *out, size_t out_len)
{
    size_t len = MAX(in_len, out_len);
    struct host_buffer b = buffer_get(len);
    struct request q = {
        .ring = RING_HOSTOP,
        .sqe = {.opcode = opcode,
                .fd = fd,
                .op_flags = (uint32_t)level,
                .off = (uint64_t)(int64_t)option,
                .addr = b.at.addr,
                .len = (uint32_t)len},
        .max = (uint32_t)out_len,
    };
    int n;

    if (in_len) {
        hostio_provide(&b, 0, in, in_len);
    }
    n = (int)ring_call(&q);
    if (n > 0) {
        hostio_receive(&b, 0, out, (size_t)n);
    }
    buffer_put(&b);
    return n;
}

int hostio_bind(int fd, const void *name, size_t len)
{
    return with_value(HOSTOP_BIND, fd, 0, 0, name, len, NULL, 0);
}

int hostio_connect(int fd, const void *name, size_t len)
{
    struct host_buffer b = buffer_get(len);
    struct request q = {
        .ring = RING_URING,
        .sqe = {.opcode = RINGOP_CONNECT,
                .fd = fd,
                .addr = b.at.addr,
                .off = len},
    };
    int err;

    buffer_write(&b, 0, name, len);
    err = (int)ring_call(&q);
    buffer_put(&b);
    return err;
}

int hostio_sockname(int fd, bool peer, void *name)
{
    return with_value(peer ? HOSTOP_PEERNAME : HOSTOP_SOCKNAME, fd, 0, 0, NULL,
                      0, name, HOSTIO_NAME_MAX);
}

int hostio_setsockopt(int fd, int level, int option, const void *value,
                      size_t len)
{
    return with_value(HOSTOP_SETSOCKOPT, fd, level, option, value, len, NULL,
                      0);
}

int hostio_getsockopt(int fd, int level, int option, void *value, size_t len)
{
    uint8_t buf[HOSTIO_OPTION_MAX];
    int n;

    check(len <= sizeof(buf));
    /* Some options read what is there before. */
    n = with_value(HOSTOP_GETSOCKOPT, fd, level, option, value, len, buf, len);
    if (n > 0) {
        memcpy(value, buf, (size_t)n);
    }
    return n;
}

/* ---- messages ---- */

static void put_header(const struct host_buffer *b, uint32_t name_len,
                       uint32_t control_len, uint32_t len)
{
    uint64_t base = b->at.addr;
    struct abi_msghdr h = {
        .name = name_len ? base + MESSAGE_NAME : 0,
        .name_len = name_len,
        .iov = base + HEADER_IOV,
        .iov_count = 1,
        .control = control_len ? base + MESSAGE_CONTROL : 0,
        .control_len = control_len,
    };
    struct wire_iovec iov = {base + MESSAGE_DATA, len};

    buffer_write(b, 0, &h, sizeof(h));
    buffer_write(b, HEADER_IOV, &iov, sizeof(iov));
}

void hostio_message_prepare(const struct host_buffer *b)
{
    put_header(b, HOSTIO_NAME_MAX, HOSTIO_CONTROL, MESSAGE_MOST);
}

void hostio_message_look(const struct host_buffer *b, uint32_t *name_len,
                         uint32_t *control_len, uint32_t *flags)
{
    struct abi_msghdr h;

    buffer_read(b, 0, &h, sizeof(h));
    *name_len = MIN(h.name_len, (uint32_t)HOSTIO_NAME_MAX);
    *control_len = (uint32_t)MIN(h.control_len, (uint64_t)HOSTIO_CONTROL);
    *flags = h.flags;
}

int64_t hostio_sendmsg(int fd, const struct hostio_message *m, int flags)
{
    struct host_buffer b = buffer_get(MESSAGE_DATA + m->len);
    struct request q = {
        .ring = RING_URING,
        .sqe = {.opcode = RINGOP_SENDMSG,
                .fd = fd,
                .op_flags = (uint32_t)flags,
                .addr = b.at.addr,
                .len = 1},
        .max = m->len,
    };
    int64_t n;

    check(m->name_len <= HOSTIO_NAME_MAX && m->control_len <= HOSTIO_CONTROL);
    if (MESSAGE_DATA + m->len > b.size) {
        buffer_put(&b);
        return -ENOBUFS;
    }
    put_header(&b, m->name_len, m->control_len, m->len);
    if (m->name_len) {
        buffer_write(&b, MESSAGE_NAME, m->name, m->name_len);
    }
    if (m->control_len) {
        buffer_write(&b, MESSAGE_CONTROL, m->control, m->control_len);
    }
    hostio_provide(&b, MESSAGE_DATA, m->data, m->len);
    n = ring_call(&q);
    buffer_put(&b);
    return n;
}
