/* SPDX-License-Identifier: MIT
 *
 * What all sockets share: references, the file in front, waking, control
 * messages. Options of SOL_SOCKET are in sockopt.c.
 *
 * s->lock guards s->file against the file's end: a peer that wakes us may
 * want to send SIGIO to the file's owner.
 */
#include "kernel/net/socket.h"
#include "kernel/net/filter.h"
#include "kernel/net/netlink/netif.h"
#include "kernel/fs/async.h"
#include "kernel/fs/current.h"
#include "kernel/fs/procfs/tunable.h"
#include "abi/linux/epoll.h"
#include "abi/linux/errno.h"
#include "abi/linux/ioctl.h"
#include "abi/linux/stat.h"
#include "lib/string.h"

enum { SIGPIPE_ = 13 };

static const struct file_ops socket_file_ops;

/* ---- references ---- */

void socket_init(struct socket *s, const struct socket_ops *ops, int family,
                 int type, int protocol)
{
    memset(s, 0, sizeof(*s));
    s->ops = ops;
    s->refs = 1;
    s->family = family;
    s->type = type;
    s->protocol = protocol;
    s->recv_buffer = (uint32_t)tunable(&tunable_rmem_default);
    s->send_buffer = (uint32_t)tunable(&tunable_wmem_default);
    s->recv_low = 1;
    s->peek_offset = -1;
    s->incoming_cpu = -1;
    s->pacing_rate = ~0ull;
    wait_queue_init(&s->can_read);
    wait_queue_init(&s->can_write);
    spin_init(&s->lock, LOCK_PIPE);
}

void socket_destroy(struct socket *s)
{
    socket_filter_destroy(s);
}

void socket_ref(struct socket *s)
{
    atomic_fetch_add(&s->refs, 1);
}

void socket_unref(struct socket *s)
{
    if (atomic_sub_fetch(&s->refs, 1) == 0) {
        s->ops->free(s);
    }
}

void socket_inherit(struct socket *s, const struct socket *from)
{
    s->flags = atomic_load_relaxed(&from->flags) & ~(uint32_t)SOCKET_LISTENS;
    s->recv_timeout = from->recv_timeout;
    s->send_timeout = from->send_timeout;
    s->recv_buffer = from->recv_buffer;
    s->send_buffer = from->send_buffer;
    s->linger = from->linger;
    s->priority = from->priority;
    s->mark = from->mark;
    s->recv_low = from->recv_low;
    socket_filter_inherit(s, from);
}

/* ---- waking ---- */

static void tell_owner(struct socket *s, uint32_t events)
{
    struct io_owner owner = {0};

    spin_lock(&s->lock);
    if (s->file && atomic_load_relaxed(&s->file->flags) & O_ASYNC) {
        io_owner_get(s->file, &owner);
    }
    spin_unlock(&s->lock);
    if (owner.pid) {
        io_owner_signal(&owner, events);
    }
}

static void wake(struct socket *s, struct wait_queue *q, unsigned count,
                 uint32_t events)
{
    struct file *f = atomic_load_relaxed(&s->file);

    wait_wake(q, count, events);
    /* A stale look at a file is harmless: their memory stays files' (file.h).
     */
    if (unlikely(f && atomic_load_relaxed(&f->flags) & O_ASYNC)) {
        tell_owner(s, events);
    }
}

void socket_wake_read(struct socket *s, uint32_t events)
{
    wake(s, &s->can_read, events & (POLLHUP | POLLERR | EPOLLRDHUP) ? ~0u : 1,
         events);
}

void socket_wake_write(struct socket *s, uint32_t events)
{
    wake(s, &s->can_write, events & (POLLHUP | POLLERR) ? ~0u : 1, events);
}

void socket_urgent(struct socket *s)
{
    struct io_owner owner = {0};

    spin_lock(&s->lock);
    if (s->file) {
        io_owner_get(s->file, &owner);
    }
    spin_unlock(&s->lock);
    if (owner.pid) {
        io_owner_urgent(&owner);
    }
    socket_wake_read(s, POLLPRI | POLLIN | POLLRDNORM);
}

void socket_watch_urgent(struct socket *s)
{
    const uint32_t watched = SOCKET_URGENT_WATCHED;

    if (!(atomic_fetch_or(&s->flags, watched) & watched) &&
        s->ops->watch_urgent) {
        s->ops->watch_urgent(s);
    }
}

void socket_fail(struct socket *s, int error)
{
    atomic_store_release(&s->error, error);
    socket_wake_read(s, POLLIN | POLLRDNORM | POLLERR | POLLHUP | EPOLLRDHUP);
    socket_wake_write(s, POLLOUT | POLLWRNORM | POLLERR | POLLHUP);
}

int socket_take_error(struct socket *s)
{
    if (likely(!atomic_load_relaxed(&s->error))) {
        return 0;
    }
    return __atomic_exchange_n(&s->error, 0, __ATOMIC_SEQ_CST);
}

/* ---- control messages ---- */

void socket_put_control(struct socket_msg *msg, int level, int type,
                        const void *data, size_t len)
{
    struct abi_cmsghdr h = {sizeof(h) + len, level, type};
    size_t left = msg->control_room - msg->control_len;

    if (left < sizeof(h)) {
        msg->result |= MSG_CTRUNC;
        return;
    }
    if (left < h.len) {
        msg->result |= MSG_CTRUNC;
        h.len = left;
    }
    memcpy(msg->control + msg->control_len, &h, sizeof(h));
    memcpy(msg->control + msg->control_len + sizeof(h), data,
           h.len - sizeof(h));
    left -= MIN(left, ALIGN_UP(h.len, 8ul));
    memset(msg->control + msg->control_len + h.len, 0,
           msg->control_room - left - msg->control_len - h.len);
    msg->control_len = msg->control_room - left;
}

bool socket_next_control(const struct socket_msg *msg, size_t *pos,
                         struct abi_cmsghdr *out, const uint8_t **data,
                         int *err)
{
    size_t left;

    *err = 0;
    if (*pos >= msg->control_len || msg->control_len - *pos < sizeof(*out)) {
        return false;
    }
    left = msg->control_len - *pos;
    memcpy(out, msg->control + *pos, sizeof(*out));
    if (out->len < sizeof(*out) || out->len > left) {
        *err = -EINVAL;
        return false;
    }
    *data = msg->control + *pos + sizeof(*out);
    *pos += ALIGN_UP(out->len, 8ul);
    return true;
}

/* ---- moving data ---- */

long socket_send(struct file *f, struct socket_msg *msg)
{
    struct socket *s = f->private;
    long n;

    msg->nowait = msg->flags & MSG_DONTWAIT || file_nonblock(f, 0);
    n = s->ops->sendmsg(s, msg);
    if (unlikely(msg->flags & MSG_ZEROCOPY) && n > 0) {
        socket_zerocopy_sent(s);
    }
    if (unlikely(n == -EPIPE) && !(msg->flags & MSG_NOSIGNAL) &&
        s->type == SOCK_STREAM) {
        current_signal(SIGPIPE_);
    }
    return n;
}

long socket_recv(struct file *f, struct socket_msg *msg)
{
    struct socket *s = f->private;

    msg->nowait = msg->flags & MSG_DONTWAIT || file_nonblock(f, 0);
    if (unlikely(msg->flags & MSG_ERRQUEUE) && socket_zerocopy_tells(s) &&
        socket_zerocopy_recv(s, msg) == 0) {
        return 0;
    }
    return s->ops->recvmsg(s, msg);
}

static long socket_read(struct file *f, struct iobuf *io, uint64_t *pos,
                        int flags)
{
    struct socket_msg msg = {.io = io,
                             .flags = flags & IO_NOWAIT ? MSG_DONTWAIT : 0};

    return io->left ? socket_recv(f, &msg) : 0;
}

static long socket_write(struct file *f, struct iobuf *io, uint64_t *pos,
                         int flags)
{
    struct socket *s = f->private;
    struct socket_msg msg = {.io = io,
                             .flags = flags & IO_NOWAIT ? MSG_DONTWAIT : 0};

    if (s->type == SOCK_SEQPACKET) {
        msg.flags |= MSG_EOR;
    }
    return socket_send(f, &msg);
}

int socket_shutdown(struct socket *s, int how)
{
    if (how < SHUT_RD || how > SHUT_RDWR) {
        return -EINVAL;
    }
    return s->ops->shutdown ? s->ops->shutdown(s, how) : -EOPNOTSUPP;
}

/* ---- the file ---- */

struct socket *socket_of(struct file *f)
{
    return f->ops == &socket_file_ops ? f->private : NULL;
}

static uint32_t socket_poll(struct file *f, struct poll_table *pt)
{
    struct socket *s = f->private;

    poll_wait(pt, &s->can_read);
    poll_wait(pt, &s->can_write);
    return s->ops->poll(s) |
           (unlikely(socket_zerocopy_tells(s)) ? POLLERR : 0u);
}

static long socket_ioctl(struct file *f, uint32_t cmd, struct uptr arg)
{
    struct socket *s = f->private;

    long err = s->ops->ioctl ? s->ops->ioctl(s, cmd, arg) : -ENOTTY;

    return err == -ENOTTY
               ? netif_ioctl(cmd, arg,
                             s->family == AF_INET || s->family == AF_INET6)
               : err;
}

static void socket_expect_urgent(struct file *f)
{
    socket_watch_urgent(f->private);
}

static void socket_release(struct file *f)
{
    struct socket *s = f->private;

    spin_lock(&s->lock);
    atomic_store_release(&s->file, NULL);
    spin_unlock(&s->lock);
    if (s->ops->release) {
        s->ops->release(s);
    }
    socket_unref(s);
}

static const struct file_ops socket_file_ops = {
    .read = socket_read,
    .write = socket_write,
    .poll = socket_poll,
    .ioctl = socket_ioctl,
    .expect_urgent = socket_expect_urgent,
    .release = socket_release,
};

int socket_open_file(struct socket *s, uint32_t flags, struct file **out)
{
    struct inode *inode;
    int err = sock_inode(&inode);

    if (!err) {
        err = file_open_inode("socket", inode, O_RDWR | flags, out);
    }
    if (err) {
        if (s->ops->release) {
            s->ops->release(s);
        }
        socket_unref(s);
        return err;
    }
    (*out)->ops = &socket_file_ops;
    (*out)->private = s;
    (*out)->mode |= FILE_NO_POS_LOCK | FILE_TELLS_OWNER;
    atomic_store_release(&s->file, *out);
    return 0;
}
