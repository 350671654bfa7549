/* SPDX-License-Identifier: MIT
 *
 * AF_INET and AF_INET6: the family (inet.h). A socket is born here; its
 * operations before it is connected and those of listening sockets are in this
 * file, datagrams in inet_datagram.c, options in inet_option.c. What finds a
 * socket inside goes there (loop.h); everything else goes by way of the host
 * (host.h).
 *
 * What waits in a socket, connections to be accepted or datagrams, is one
 * queue under s->lock.
 */
#include "kernel/net/host/host.h"
#include "kernel/net/inet/inet_private.h"
#include "kernel/net/loop/loop.h"
#include "kernel/fs/landlock/landlock.h"
#include "kernel/fs/procfs/tunable.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/epoll.h"
#include "abi/linux/errno.h"

enum {
    CAP_NET_BIND_SERVICE_ = 10,
    ALL_IN = POLLIN | POLLRDNORM,
    ALL_OUT = POLLOUT | POLLWRNORM,
};

/* ---- all sockets, for /proc/net ---- */

static struct spinlock all_lock = SPINLOCK_INIT(LOCK_POLL);
static struct list all_sockets = LIST_INIT(all_sockets);

void inet_for_each(void (*fn)(struct inet_socket *i, void *arg), void *arg)
{
    spin_lock(&all_lock);
    list_for_each (pos, &all_sockets) {
        fn(&list_entry(pos, struct family_socket, all)->i, arg);
    }
    spin_unlock(&all_lock);
}

/* ---- life ---- */

static int new_socket(int family, int type, int protocol,
                      struct inet_socket **out)
{
    struct family_socket *f = kzalloc(sizeof(*f));
    struct abi_sockaddr_in any = {.family = AF_INET};

    if (!f) {
        return -ENOMEM;
    }
    socket_init(&f->i.s, &inet_ops, family, type, protocol);
    if (type == SOCK_STREAM) { /* the second of net.ipv4.tcp_wmem and _rmem */
        f->i.s.send_buffer = 16384;
        f->i.s.recv_buffer = 131072;
    }
    f->stamp = -1;
    mutex_init(&f->i.setup, LOCK_FS_INODE);
    list_init(&f->i.options);
    list_init(&f->arrivals);
    list_init(&f->errors);
    list_init(&f->waiting);
    list_init(&f->deferred);
    mutex_init(&f->cork_lock, LOCK_FS_INODE);
    if (family == AF_INET) {
        inet_addr_get(&f->i.local, AF_INET, (void *)&any, sizeof(any));
        f->i.peer = f->i.local;
    }
    spin_lock(&all_lock);
    list_add_tail(&all_sockets, &f->all);
    spin_unlock(&all_lock);
    *out = &f->i;
    return 0;
}

void inet_free(struct socket *s)
{
    struct inet_socket *i = inet_of(s);

    spin_lock(&all_lock);
    list_del(&family_of(i)->all);
    spin_unlock(&all_lock);
    loop_forget(i);
    host_forget(i);
    inet_drop_options(i);
    inet_datagram_end(i);
    socket_destroy(s);
    kfree(family_of(i));
}

/* The peer's, and the own as far as bind(2) has not given it. */
static void forget_names(struct inet_socket *i)
{
    memset(i->peer.ip, 0, sizeof(i->peer.ip));
    i->peer.port = 0;
    if (!i->bound_port) {
        family_of(i)->last_port = i->local.port;
        i->local.port = 0;
    }
    if (!i->bound_address) {
        memset(i->local.ip, 0, sizeof(i->local.ip));
        if (i->s.family == AF_INET) {
            i->local.ip[10] = i->local.ip[11] = 0xff;
        }
    }
    if (i->s.family == AF_INET) {
        i->peer.ip[10] = i->peer.ip[11] = 0xff;
    }
}

void inet_reborn(struct inet_socket *i)
{
    forget_names(i);
    i->s.ops = &inet_ops;
}

void inet_failed(struct inet_socket *i)
{
    struct family_socket *f = family_of(i);

    mutex_lock(&i->setup);
    f->failed = f->rx_shut = f->tx_shut = true;
    mutex_unlock(&i->setup);
}

/* The next connection begins anew. setup is held. */
static bool take_failed(struct inet_socket *i)
{
    struct family_socket *f = family_of(i);
    bool failed = f->failed;

    if (failed) {
        f->failed = f->rx_shut = f->tx_shut = false;
    }
    return failed;
}

static void inet_release(struct socket *s)
{
    inet_stop_listening(inet_of(s));
}

int inet_accepted(struct inet_socket *listener, struct inet_socket **out)
{
    struct socket *s = &listener->s;
    int err = new_socket(s->family, s->type, s->protocol, out);

    if (!err) {
        socket_inherit(&(*out)->s, s);
        (*out)->v6only = listener->v6only;
        inet_inherit_options(*out, listener);
    }
    return err;
}

/* ---- names ---- */

/* setup is held. */
static int bind_locked(struct inet_socket *i, const struct inet_addr *wanted)
{
    struct inet_addr before = i->local;
    int err;

    if (i->s.ops != &inet_ops || i->local.port) {
        return host_owns_address(wanted) ? -EINVAL : -EADDRNOTAVAIL;
    }
    if (i->s.type == SOCK_STREAM && wanted->port &&
        loop_port_taken(i, wanted)) {
        return -EADDRINUSE;
    }
    i->local = *wanted;
    i->bound_address = !inet_addr_is_any(wanted);
    i->bound_port = wanted->port != 0;
    err = host_bind(i);
    if (err) {
        i->local = before;
        i->bound_address = i->bound_port = false;
    } else if (i->s.type == SOCK_DGRAM) {
        loop_add(i);
    }
    return err;
}

static int check_landlock(const struct socket *s, unsigned port,
                          uint64_t access)
{
    return s->type == SOCK_STREAM ? landlock_port(port, access) : 0;
}

static int inet_bind(struct socket *s, const struct abi_sockaddr *name,
                     uint32_t len)
{
    struct inet_socket *i = inet_of(s);
    struct inet_addr wanted;
    int err = inet_addr_get(&wanted, s->family, name, len);

    if (err) {
        return err;
    }
    if (wanted.port && wanted.port < tunable(&tunable_plain_ports) &&
        !socket_capable(CAP_NET_BIND_SERVICE_)) {
        return -EACCES;
    }
    err = check_landlock(s, wanted.port, LANDLOCK_ACCESS_NET_BIND_TCP);
    if (err) {
        return err;
    }
    mutex_lock(&i->setup);
    err = bind_locked(i, &wanted);
    mutex_unlock(&i->setup);
    return err;
}

static int inet_getname(struct socket *s, int whose, struct abi_sockaddr *out)
{
    struct inet_socket *i = inet_of(s);
    struct inet_addr own = i->local;

    if (whose != NAME_OWN) {
        return i->peer.port ? (int)inet_addr_put(out, s->family, &i->peer)
                            : -ENOTCONN;
    }
    if (!own.port && s->type == SOCK_STREAM) {
        own.port = family_of(i)->last_port;
    }
    return (int)inet_addr_put(out, s->family, &own);
}

/* Names that bind(2) has not given are given back. */
static int disconnect_datagram(struct inet_socket *i)
{
    int err;

    if (i->local.port && !i->bound_port) {
        loop_del(i);
        if (i->host) {
            host_stop(i);
        }
        forget_names(i);
        return 0;
    }
    err = host_connect_datagram(i, NULL);
    if (!err) {
        forget_names(i);
    }
    return err;
}

/* setup is held. The port stays if bind(2) named it. */
static void end_listening(struct inet_socket *i)
{
    inet_stop_listening(i);
    forget_names(i);
    if (i->bound_port) {
        host_bind(i); /* nobody else gets it; if it fails, so be it */
    }
    socket_wake_read(&i->s, ALL_IN | POLLHUP);
}

static int disconnect(struct inet_socket *i)
{
    if (i->s.type == SOCK_DGRAM) {
        return disconnect_datagram(i);
    }
    take_failed(i);
    if (inet_listens(i)) {
        end_listening(i);
    }
    i->peer.port = 0;
    family_of(i)->rx_shut = false;
    return 0;
}

/* To a socket inside that listens there. -EAGAIN: there is none. -EINPROGRESS:
 * also when its backlog is full. */
static int connect_inside(struct inet_socket *i, const struct inet_addr *to,
                          bool nowait)
{
    struct inet_addr dest, source;
    struct inet_socket *listener;
    int err;

    loop_route(i, to, &dest, &source);
    listener = loop_find(IPPROTO_TCP, &dest, &source);
    if (!listener) {
        return -EAGAIN;
    }
    err = loop_connect(i, listener, &dest, &source, nowait);
    socket_unref(&listener->s);
    return err;
}

/* setup is held, but while the host connects. */
static int connect_stream(struct inet_socket *i, const struct inet_addr *to,
                          bool nowait)
{
    int err;

    if (inet_listens(i)) {
        return -EISCONN;
    }
    if (take_failed(i)) {
        err = socket_take_error(&i->s);
        return err ? -err : -ECONNABORTED;
    }
    err = connect_inside(i, to, nowait);
    if (err == -EAGAIN) {
        err = host_connect(i, to, nowait);
        if (err && i->s.ops == &inet_ops) {
            i->peer.port = 0;
        }
    }
    return err;
}

/* A datagram socket of IPv6 that is bound to an address keeps to its kind; one
 * that connect(2) gave an address of IPv4 does, too. */
static int check_kind_of(const struct inet_socket *i,
                         const struct inet_addr *to, bool mapped)
{
    bool v4 = inet_addr_is_v4(to), own_v4 = inet_addr_is_v4(&i->local);

    if (v4 && (i->v6only || (i->bound_address && !own_v4))) {
        return mapped ? -ENETUNREACH : -EAFNOSUPPORT;
    }
    return !v4 && own_v4 && !inet_addr_is_any(&i->local) &&
                   !inet_addr_is_any(to)
               ? -EAFNOSUPPORT
               : 0;
}

int inet_target(struct inet_socket *i, struct inet_addr *out,
                const struct abi_sockaddr *name, uint32_t len)
{
    bool v6 = i->s.family == AF_INET6 && i->s.type == SOCK_DGRAM;
    bool v4 = v6 && len >= sizeof(name->family) && name->family == AF_INET;
    int err = inet_addr_get(out, v4 ? AF_INET : i->s.family, name, len);

    return err || !v6 ? err : check_kind_of(i, out, !v4);
}

/* setup is held. */
static int connect_datagram(struct inet_socket *i, const struct inet_addr *to)
{
    int err = host_connect_datagram(i, to);

    if (!err) {
        i->peer = *to;
        loop_add(i);
    }
    return err;
}

static int inet_connect(struct socket *s, const struct abi_sockaddr *name,
                        uint32_t len, bool nowait)
{
    struct inet_socket *i = inet_of(s);
    struct inet_addr to;
    int err;

    if (len < sizeof(name->family)) {
        return -EINVAL;
    }
    if (name->family == AF_UNSPEC) {
        err = 0;
    } else {
        err = inet_target(i, &to, name, len);
        err = err ? err
                  : check_landlock(s, to.port, LANDLOCK_ACCESS_NET_CONNECT_TCP);
    }
    if (err) {
        return err;
    }
    mutex_lock(&i->setup);
    if (s->ops != &inet_ops) { /* another thread has connected it */
        mutex_unlock(&i->setup);
        return s->ops->connect(s, name, len, nowait);
    }
    if (name->family == AF_UNSPEC) {
        err = disconnect(i);
    } else if (s->type == SOCK_STREAM) {
        err = connect_stream(i, &to, nowait);
    } else {
        err = connect_datagram(i, &to);
    }
    mutex_unlock(&i->setup);
    return err == -EINPROGRESS && !nowait && loop_has(s) ? loop_wait_connect(s)
                                                         : err;
}

/* ---- the rest ---- */

long inet_fast_open(struct socket *s, struct socket_msg *msg)
{
    int err;

    if (msg->name_len >= sizeof(msg->name->family) &&
        msg->name->family == AF_UNSPEC) {
        return -EOPNOTSUPP;
    }
    err = s->ops->connect(s, msg->name, msg->name_len, msg->nowait);
    msg->flags &= ~(uint32_t)MSG_FASTOPEN;
    return err ? err : s->ops->sendmsg(s, msg);
}

static long inet_sendmsg(struct socket *s, struct socket_msg *msg)
{
    int err;

    if (s->type == SOCK_DGRAM) {
        return inet_datagram_send(s, msg);
    }
    if (msg->flags & MSG_FASTOPEN && !inet_listens(inet_of(s))) {
        return msg->name_len ? inet_fast_open(s, msg) : -EINVAL;
    }
    err = socket_take_error(s);
    return err ? -err : -EPIPE;
}

static long inet_recvmsg(struct socket *s, struct socket_msg *msg)
{
    int err;

    if (s->type == SOCK_DGRAM) {
        return inet_datagram_recv(s, msg);
    }
    if (inet_listens(inet_of(s))) {
        return -ENOTCONN;
    }
    if (msg->flags & MSG_OOB) {
        return -EINVAL;
    }
    err = socket_take_error(s);
    return err ? -err : family_of(inet_of(s))->rx_shut ? 0 : -ENOTCONN;
}

static uint32_t inet_poll(struct socket *s)
{
    struct inet_socket *i = inet_of(s);
    struct family_socket *f = family_of(i);
    uint32_t bits = atomic_load_relaxed(&s->error) ? POLLERR : 0;

    bits |= inet_has_arrival(i) ? ALL_IN : 0;
    if (atomic_load_relaxed(&f->error_count)) {
        bool urgent = atomic_load_relaxed(&s->flags) & SOCKET_SELECT_ERRORS;

        bits |= POLLERR | (urgent ? POLLPRI : 0);
    }
    if (s->type == SOCK_DGRAM) {
        bits |= ALL_OUT | POLLWRBAND;
        if (f->rx_shut) {
            bits |= ALL_IN | EPOLLRDHUP | (f->tx_shut ? POLLHUP : 0);
        }
    } else if (!inet_listens(i)) {
        bits |= ALL_OUT | POLLHUP | (f->rx_shut ? ALL_IN | EPOLLRDHUP : 0);
    }
    return bits;
}

static int shutdown_stream(struct inet_socket *i, int how)
{
    struct family_socket *f = family_of(i);
    int err = 0;

    mutex_lock(&i->setup);
    if (i->s.ops != &inet_ops) {
        err = -ENOTCONN;
    } else if (!inet_listens(i)) { /* it is shut all the same */
        err = -ENOTCONN;
        f->rx_shut |= how != SHUT_WR;
        socket_wake_read(&i->s, f->rx_shut ? ALL_IN | EPOLLRDHUP : 0);
        socket_wake_write(&i->s, ALL_OUT);
    } else if (how != SHUT_WR) {
        end_listening(i);
    }
    mutex_unlock(&i->setup);
    return err;
}

static int inet_shutdown(struct socket *s, int how)
{
    struct inet_socket *i = inet_of(s);
    struct family_socket *f = family_of(i);

    if (s->type == SOCK_STREAM) {
        return shutdown_stream(i, how);
    }
    f->rx_shut |= how != SHUT_WR;
    f->tx_shut |= how != SHUT_RD;
    socket_wake_read(s, ALL_IN | EPOLLRDHUP);
    socket_wake_write(s, ALL_OUT);
    return i->peer.port ? 0 : -ENOTCONN;
}

const struct socket_ops inet_ops = {
    .bind = inet_bind,
    .connect = inet_connect,
    .listen = inet_listen,
    .accept = inet_accept,
    .sendmsg = inet_sendmsg,
    .recvmsg = inet_recvmsg,
    .shutdown = inet_shutdown,
    .getname = inet_getname,
    .setsockopt = inet_setsockopt,
    .getsockopt = inet_getsockopt,
    .ioctl = inet_ioctl,
    .poll = inet_poll,
    .release = inet_release,
    .free = inet_free,
};

/* ---- the families ---- */

static int check_protocol(int family, int type, int protocol)
{
    int ping = family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;

    if (protocol < 0 || protocol >= IPPROTO_MAX) {
        return -EINVAL;
    }
    switch (type) {
    case SOCK_STREAM:
        return protocol && protocol != IPPROTO_TCP ? -EPROTONOSUPPORT : 0;
    case SOCK_DGRAM:
        if (protocol == ping) { /* for the groups of ping_group_range: none */
            return -EACCES;
        }
        return protocol && protocol != IPPROTO_UDP &&
                       protocol != IPPROTO_UDPLITE
                   ? -EPROTONOSUPPORT
                   : 0;
    case SOCK_RAW: /* packets of one's own making are not for programs */
        return protocol ? -EPERM : -EPROTONOSUPPORT;
    default:
        return -ESOCKTNOSUPPORT;
    }
}

static int inet_create(int family, int type, int protocol, struct socket **out)
{
    struct inet_socket *i;
    int err = check_protocol(family, type, protocol);

    if (!err) {
        if (!protocol) {
            protocol = type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
        }
        err = new_socket(family, type, protocol, &i);
    }
    if (err) {
        return err;
    }
    if (protocol == IPPROTO_UDPLITE) { /* not every host has it */
        err = host_prepare(i);
    }
    if (err) {
        i->s.ops->release(&i->s);
        socket_unref(&i->s);
        return err;
    }
    *out = &i->s;
    return 0;
}

const struct socket_family inet_family = {
    .family = AF_INET,
    .create = inet_create,
};

const struct socket_family inet6_family = {
    .family = AF_INET6,
    .create = inet_create,
};
