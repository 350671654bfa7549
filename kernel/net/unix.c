/* SPDX-License-Identifier: MIT
 *
 * unix(7). So far connected pairs of streams.
 */
#include "kernel/net/socket.h"
#include "kernel/net/stream.h"
#include "kernel/mm/heap.h"
#include "abi/linux/epoll.h"
#include "abi/linux/errno.h"
#include "abi/linux/ioctl.h"

enum {
    ALL_IN = POLLIN | POLLRDNORM,
    ALL_OUT = POLLOUT | POLLWRNORM,
};

struct unix_socket {
    struct socket s;
    struct unix_socket *peer; /* counted */
    struct stream in;
};

static struct unix_socket *unix_of(struct socket *s)
{
    return container_of(s, struct unix_socket, s);
}

static long recv_now(struct unix_socket *u, struct iobuf *io, bool peek)
{
    struct stream *st = &u->in;
    bool ended = stream_is_closed(st);
    uint64_t n;
    long moved = 0;

    mutex_lock(&st->read_lock);
    n = MIN(stream_filled(st), io->left);
    if (n) {
        moved = stream_copy(st, st->tail, io, n);
        if (moved > 0 && !peek) {
            stream_skip(st, st->tail + moved);
        }
    }
    mutex_unlock(&st->read_lock);
    if (moved > 0 && !peek) {
        socket_wake_write(&u->peer->s, ALL_OUT);
    }
    if (!n) {
        int err = socket_take_error(&u->s);

        return err ? -err : ended ? 0 : -EAGAIN;
    }
    return moved;
}

static long unix_recvmsg(struct socket *s, struct socket_msg *msg)
{
    struct unix_socket *u = unix_of(s);
    bool all = msg->flags & MSG_WAITALL && !(msg->flags & MSG_PEEK);
    uint64_t deadline = socket_deadline(s->recv_timeout);
    long done = 0;

    if (msg->flags & MSG_OOB) {
        return -EOPNOTSUPP;
    }
    while (msg->io->left) {
        long n = recv_now(u, msg->io, msg->flags & MSG_PEEK);

        if (n > 0) {
            done += n;
            if (all) {
                continue;
            }
            break;
        }
        if (n != -EAGAIN || msg->nowait) {
            return done ? done : n;
        }
        n = socket_wait(&s->can_read,
                        stream_filled(&u->in) || stream_is_closed(&u->in) ||
                            atomic_load_relaxed(&s->error),
                        s->recv_timeout, deadline);
        if (n) {
            return done ? done : n;
        }
    }
    return done;
}

static long unix_sendmsg(struct socket *s, struct socket_msg *msg)
{
    struct unix_socket *u = unix_of(s);
    struct stream *st = &u->peer->in;
    uint64_t deadline = socket_deadline(s->send_timeout);
    long done = 0, n;

    if (msg->flags & MSG_OOB) {
        return -EOPNOTSUPP;
    }
    if (msg->name_len) {
        return -EISCONN;
    }
    for (;;) {
        mutex_lock(&st->write_lock);
        n = st->closed ? -EPIPE : stream_put(st, msg->io, s->send_buffer, NULL);
        mutex_unlock(&st->write_lock);
        if (n > 0) {
            socket_wake_read(&u->peer->s, ALL_IN);
            done += n;
        }
        if (n < 0 || !msg->io->left) {
            break;
        }
        if (msg->nowait) {
            n = -EAGAIN;
            break;
        }
        n = socket_wait(&s->can_write,
                        stream_filled(st) < s->send_buffer ||
                            stream_is_closed(st),
                        s->send_timeout, deadline);
        if (n) {
            break;
        }
    }
    return done ? done : n;
}

static void shut(struct unix_socket *u, struct stream *st,
                 struct unix_socket *reader, struct unix_socket *writer)
{
    stream_close(st);
    socket_wake_read(&reader->s, ALL_IN | POLLHUP | EPOLLRDHUP);
    socket_wake_write(&writer->s, ALL_OUT | POLLHUP);
}

static int unix_shutdown(struct socket *s, int how)
{
    struct unix_socket *u = unix_of(s);

    if (how != SHUT_WR) {
        shut(u, &u->in, u, u->peer);
    }
    if (how != SHUT_RD) {
        shut(u, &u->peer->in, u->peer, u);
    }
    return 0;
}

static int unix_getname(struct socket *s, bool peer, struct abi_sockaddr *out)
{
    out->family = AF_UNIX;
    return sizeof(out->family);
}

static uint32_t unix_poll(struct socket *s)
{
    struct unix_socket *u = unix_of(s);
    struct stream *in = &u->in, *out = &u->peer->in;
    uint32_t bits = 0;

    if (stream_is_closed(in)) {
        bits |= ALL_IN | EPOLLRDHUP | (stream_is_closed(out) ? POLLHUP : 0);
    }
    bits |= stream_filled(in) ? ALL_IN : 0;
    bits |= stream_filled(out) * 4 <= s->send_buffer ? ALL_OUT : 0;
    bits |= atomic_load_acquire(&s->error) ? POLLERR : 0;
    return bits;
}

static long unix_ioctl(struct socket *s, uint32_t cmd, struct uptr arg)
{
    struct unix_socket *u = unix_of(s);

    switch (cmd) {
    case FIONREAD:
        return put_user32(arg, stream_filled(&u->in));
    case TIOCOUTQ:
        return put_user32(arg, stream_filled(&u->peer->in));
    default:
        return -ENOTTY;
    }
}

static void unix_release(struct socket *s)
{
    struct unix_socket *u = unix_of(s), *peer = u->peer;

    if (!peer) {
        return;
    }
    if (stream_discard(&u->in)) {
        atomic_store_release(&peer->s.error, ECONNRESET);
    }
    stream_close(&peer->in);
    socket_wake_read(&peer->s, ALL_IN | POLLHUP | EPOLLRDHUP);
    socket_wake_write(&peer->s, ALL_OUT | POLLHUP);
    socket_unref(&peer->s);
}

static void unix_free(struct socket *s)
{
    struct unix_socket *u = unix_of(s);

    stream_destroy(&u->in);
    socket_destroy(s);
    kfree(u);
}

static const struct socket_ops unix_ops = {
    .sendmsg = unix_sendmsg,
    .recvmsg = unix_recvmsg,
    .shutdown = unix_shutdown,
    .getname = unix_getname,
    .ioctl = unix_ioctl,
    .poll = unix_poll,
    .release = unix_release,
    .free = unix_free,
};

static int unix_create(int family, int type, int protocol, struct socket **out)
{
    struct unix_socket *u;

    if (protocol != 0 && protocol != AF_UNIX) {
        return -EPROTONOSUPPORT;
    }
    if (type != SOCK_STREAM) {
        return -ESOCKTNOSUPPORT;
    }
    u = kzalloc(sizeof(*u));
    if (!u) {
        return -ENOMEM;
    }
    socket_init(&u->s, &unix_ops, AF_UNIX, type, 0);
    stream_init(&u->in);
    *out = &u->s;
    return 0;
}

static int unix_pair(int type, int protocol, struct socket *out[2])
{
    int err = unix_create(AF_UNIX, type, protocol, &out[0]);

    if (err) {
        return err;
    }
    err = unix_create(AF_UNIX, type, protocol, &out[1]);
    if (err) {
        socket_unref(out[0]);
        return err;
    }
    for (int i = 0; i < 2; i++) {
        unix_of(out[i])->peer = unix_of(out[!i]);
        socket_ref(out[!i]);
    }
    return 0;
}

static int not_yet(int family, int type, int protocol, struct socket **out)
{
    int err = unix_create(family, type, protocol, out);

    if (!err) {
        socket_unref(*out);
        err = -ENOSYS;
    }
    return err;
}

const struct socket_family unix_family = {
    .family = AF_UNIX,
    .create = not_yet,
    .pair = unix_pair,
};
