/* SPDX-License-Identifier: MIT
 *
 * Sending and receiving: sendto(2), sendmsg(2), sendmmsg(2) and their
 * counterparts. A struct msghdr is read once; its name, pieces and control
 * messages become kernel copies (struct socket_msg) before a socket sees them.
 */
#include "kernel/sys/sys_socket.h"
#include "kernel/sys/convert.h"
#include "kernel/sys/vecs.h"
#include "kernel/mm/heap.h"
#include "abi/linux/errno.h"
#include "abi/linux/uio.h"

enum {
    CONTROL_SMALL = 128,
    CONTROL_SEND_MOST = 131072, /* net.core.optmem_max */
    CONTROL_RECV_MOST = 4096,   /* more than all that a socket can say */
    MESSAGES_MOST = 1024,
};

long sys_sendto(const struct sysargs *a)
{
    struct abi_sockaddr name;
    struct socket_msg msg = {.flags = arg_uint(a, 3)};
    struct socket *s;
    struct iobuf io;
    struct fd fd;
    size_t len = MIN(arg_u64(a, 2), MAX_RW_COUNT);
    long n = mm_linux_range(arg_u64(a, 1), len)
                 ? user_socket_get(arg_int(a, 0), &fd, &s)
                 : -EFAULT;

    if (unlikely(n)) {
        return n;
    }
    iobuf_user(&io, arg_ptr(a, 1), len);
    msg.io = &io;
    if (arg_u64(a, 4)) {
        msg.name = &name;
        msg.name_len = arg_uint(a, 5);
        n = user_name_get(&name, arg_ptr(a, 4), msg.name_len);
    }
    if (!n) {
        n = socket_send(fd.file, &msg);
    }
    fd_put(&fd);
    return n;
}

long sys_recvfrom(const struct sysargs *a)
{
    struct abi_sockaddr name;
    struct socket_msg msg = {
        .flags = arg_uint(a, 3), .name = &name, .want_name = arg_u64(a, 4)};
    struct socket *s;
    struct iobuf io;
    struct fd fd;
    size_t len = MIN(arg_u64(a, 2), MAX_RW_COUNT);
    long n = mm_linux_range(arg_u64(a, 1), len)
                 ? user_socket_get(arg_int(a, 0), &fd, &s)
                 : -EFAULT;

    if (unlikely(n)) {
        return n;
    }
    iobuf_user(&io, arg_ptr(a, 1), len);
    msg.io = &io;
    n = socket_recv(fd.file, &msg);
    if (n >= 0 && msg.want_name) {
        int err =
            user_name_put(arg_ptr(a, 4), arg_ptr(a, 5), &name, msg.name_len);

        n = err ? err : n;
    }
    fd_put(&fd);
    return n;
}

/* ---- struct msghdr ---- */

/* A message header's kernel copies. */
struct user_msg {
    struct abi_msghdr hdr;
    struct socket_msg msg;
    struct abi_sockaddr name;
    struct vecs vecs;
    struct iobuf io;
    uint64_t small[CONTROL_SMALL / 8];
};

static void user_msg_put(struct user_msg *m)
{
    if (m->msg.control != (uint8_t *)m->small) {
        kfree(m->msg.control);
    }
    vecs_put(&m->vecs);
}

static int control_alloc(struct user_msg *m, size_t len)
{
    m->msg.control =
        len <= sizeof(m->small) ? (uint8_t *)m->small : kmalloc(len);
    return m->msg.control ? 0 : -ENOMEM;
}

/* The header and its pieces; control and name are the caller's next step. */
static int user_msg_get(struct user_msg *m, struct uptr from, uint32_t flags)
{
    int err = copy_from_user(&m->hdr, from, sizeof(m->hdr));

    if (err) {
        return err;
    }
    m->msg = (struct socket_msg){
        .io = &m->io, .flags = flags, .control = (uint8_t *)m->small};
    if (!m->hdr.name) {
        m->hdr.name_len = 0;
    }
    if ((int32_t)m->hdr.name_len < 0) {
        return -EINVAL;
    }
    m->hdr.name_len = MIN(m->hdr.name_len, (uint32_t)SOCKADDR_MAX);
    if (m->hdr.iov_count > IOV_MAX) {
        return -EMSGSIZE;
    }
    err = vecs_get_mine(&m->vecs, uptr(m->hdr.iov), m->hdr.iov_count);
    if (!err) {
        iobuf_user_vec(&m->io, m->vecs.vec, m->vecs.count);
    }
    return err;
}

/* ---- sending ---- */

static int get_send_parts(struct user_msg *m)
{
    size_t len = m->hdr.control ? m->hdr.control_len : 0;
    int err = 0;

    if (m->hdr.name_len) {
        m->msg.name = &m->name;
        m->msg.name_len = m->hdr.name_len;
        err = user_name_get(&m->name, uptr(m->hdr.name), m->hdr.name_len);
    }
    if (err || !len) {
        return err;
    }
    if (len > CONTROL_SEND_MOST) {
        return -ENOBUFS;
    }
    err = control_alloc(m, len);
    if (!err) {
        m->msg.control_len = len;
        err = copy_from_user(m->msg.control, uptr(m->hdr.control), len);
    }
    return err;
}

static long send_one(struct file *f, struct uptr from, uint32_t flags)
{
    struct user_msg m;
    long n = user_msg_get(&m, from, flags);

    if (n) {
        return n;
    }
    n = get_send_parts(&m);
    if (!n) {
        n = socket_send(f, &m.msg);
    }
    user_msg_put(&m);
    return n;
}

long sys_sendmsg(const struct sysargs *a)
{
    struct socket *s;
    struct fd fd;
    long n = user_socket_get(arg_int(a, 0), &fd, &s);

    if (!n) {
        n = send_one(fd.file, arg_ptr(a, 1), arg_uint(a, 2));
        fd_put(&fd);
    }
    return n;
}

static long put_count(struct uptr at, long n)
{
    return n < 0 ? n
                 : put_user32(uptr_add(at, offsetof(struct abi_mmsghdr, len)),
                              (uint32_t)n);
}

long sys_sendmmsg(const struct sysargs *a)
{
    unsigned count = MIN(arg_uint(a, 2), (unsigned)MESSAGES_MOST), i;
    struct socket *s;
    struct fd fd;
    long n = user_socket_get(arg_int(a, 0), &fd, &s);

    if (n) {
        return n;
    }
    for (i = 0; i < count; i++) {
        struct uptr at =
            uptr_add(arg_ptr(a, 1), i * sizeof(struct abi_mmsghdr));

        n = put_count(at, send_one(fd.file, at, arg_uint(a, 3)));
        if (n) {
            break;
        }
    }
    fd_put(&fd);
    return i ? (long)i : n;
}

/* ---- receiving ---- */

/* Everything that a message tells besides its data. */
static int put_recv_parts(struct user_msg *m, struct uptr at)
{
    int err = 0;

    if (m->hdr.name) {
        err = copy_to_user(uptr(m->hdr.name), &m->name,
                           MIN(m->hdr.name_len, m->msg.name_len));
        if (!err) {
            err =
                put_user32(uptr_add(at, offsetof(struct abi_msghdr, name_len)),
                           m->msg.name_len);
        }
    }
    if (!err) {
        err = copy_to_user(uptr(m->hdr.control), m->msg.control,
                           m->msg.control_len);
    }
    if (!err) {
        err = put_user64(uptr_add(at, offsetof(struct abi_msghdr, control_len)),
                         m->msg.control_len);
    }
    if (!err) {
        err = put_user32(uptr_add(at, offsetof(struct abi_msghdr, flags)),
                         m->msg.result);
    }
    return err;
}

static long recv_one(struct file *f, struct uptr at, uint32_t flags)
{
    struct user_msg m;
    long n = user_msg_get(&m, at, flags), err;

    if (n) {
        return n;
    }
    m.msg.name = &m.name;
    m.msg.want_name = m.hdr.name;
    m.msg.result = flags & MSG_CMSG_CLOEXEC;
    m.msg.control_room =
        m.hdr.control ? MIN(m.hdr.control_len, (uint64_t)CONTROL_RECV_MOST) : 0;
    n = control_alloc(&m, m.msg.control_room);
    if (!n) {
        n = socket_recv(f, &m.msg);
    }
    if (n >= 0) {
        err = put_recv_parts(&m, at);
        n = err ? err : n;
    }
    user_msg_put(&m);
    return n;
}

long sys_recvmsg(const struct sysargs *a)
{
    struct socket *s;
    struct fd fd;
    long n = user_socket_get(arg_int(a, 0), &fd, &s);

    if (!n) {
        n = recv_one(fd.file, arg_ptr(a, 1), arg_uint(a, 2));
        fd_put(&fd);
    }
    return n;
}

/* recvmmsg(2): the timeout is looked at after each message, and what is left
 * of it is told. An error behind the first message waits in SO_ERROR. */
static long recv_many(struct file *f, struct socket *s, const struct sysargs *a,
                      uint64_t deadline)
{
    unsigned count = MIN(arg_uint(a, 2), (unsigned)MESSAGES_MOST), i;
    uint32_t flags = arg_uint(a, 3);
    long n = -(long)socket_take_error(s);

    if (n) {
        return n;
    }
    for (i = 0; i < count; i++) {
        struct uptr at =
            uptr_add(arg_ptr(a, 1), i * sizeof(struct abi_mmsghdr));

        n = put_count(at, recv_one(f, at, flags & ~(uint32_t)MSG_WAITFORONE));
        if (n) {
            break;
        }
        if (flags & MSG_WAITFORONE) {
            flags |= MSG_DONTWAIT;
        }
        if (deadline && clock_now() >= deadline) {
            i++;
            break;
        }
    }
    if (i && n && n != -EAGAIN && n != -ERESTARTSYS && n != -EINTR) {
        atomic_store(&s->error, (int32_t)-n);
    }
    return i ? (long)i : n;
}

long sys_recvmmsg(const struct sysargs *a)
{
    uint64_t deadline = 0;
    struct socket *s;
    struct fd fd;
    int64_t ns;
    long n;

    if (arg_u64(a, 4)) {
        n = get_user_timespec(&ns, arg_ptr(a, 4));
        if (n) {
            return n;
        }
        deadline = MAX(clock_now() + (uint64_t)ns, 1ul);
    }
    n = user_socket_get(arg_int(a, 0), &fd, &s);
    if (n) {
        return n;
    }
    n = recv_many(fd.file, s, a, deadline);
    fd_put(&fd);
    if (n > 0 && deadline) {
        int64_t left = (int64_t)(deadline - clock_now());
        int err = put_user_timespec(arg_ptr(a, 4), MAX(left, 0l));

        n = err ? err : n;
    }
    return n;
}
