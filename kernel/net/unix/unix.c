/* SPDX-License-Identifier: MIT
 *
 * unix(7): birth and end of sockets, what poll(2) sees, options, shutdown(2).
 * unix_private.h says what is where.
 */
#include "kernel/net/unix/unix_private.h"
#include "kernel/fs/landlock/landlock.h"
#include "kernel/fs/current.h"
#include "kernel/mm/heap.h"
#include "abi/linux/diag.h"
#include "abi/linux/epoll.h"
#include "abi/linux/errno.h"
#include "abi/linux/ioctl.h"
#include "lib/string.h"

static struct spinlock all_lock = SPINLOCK_INIT(LOCK_POLL);
static struct list all_sockets = LIST_INIT(all_sockets);

void unix_for_each(void (*fn)(struct unix_socket *u, void *arg), void *arg)
{
    spin_lock(&all_lock);
    list_for_each (pos, &all_sockets) {
        fn(list_entry(pos, struct unix_socket, all), arg);
    }
    spin_unlock(&all_lock);
}

static uint32_t ino_of(struct unix_socket *u, uint32_t *uid)
{
    uint32_t ino = 0;

    spin_lock(&u->s.lock);
    if (u->s.file) {
        ino = (uint32_t)u->s.file->inode->ino;
        *uid = u->s.file->inode->uid;
    }
    spin_unlock(&u->s.lock);
    return ino;
}

/* A peer is in the list, too, and stays while that is locked. */
void unix_look_at(struct unix_socket *u, struct unix_look *out)
{
    struct unix_socket *peer = atomic_load_acquire(&u->peer);
    uint32_t state = atomic_load_acquire(&u->state), nobody;

    *out = (struct unix_look){.shut = (uint8_t)unix_shut(u),
                              .name = atomic_load_acquire(&u->name)};
    out->ino = ino_of(u, &out->uid);
    out->has_peer = peer != NULL;
    out->peer = peer ? ino_of(peer, &nobody) : 0;
    if (state == UNIX_LISTENS) {
        out->state = TCP_STATE_LISTEN;
        out->queue[0] = u->pending_count;
        out->queue[1] = u->backlog;
    } else {
        bool connected = state == UNIX_CONNECTED;

        out->state = connected ? TCP_STATE_ESTABLISHED : TCP_STATE_CLOSE;
        out->queue[0] = unix_is_stream(u) ? (uint32_t)stream_filled(&u->in)
                                          : (uint32_t)u->packet_bytes;
        out->queue[1] = (uint32_t)atomic_load_relaxed(&u->sent);
    }
}

struct unix_cred unix_current_cred(void)
{
    struct proc *p = current_proc();

    return (struct unix_cred){p->pid, p->cred.euid, p->cred.egid};
}

void unix_who_copy(struct unix_who *w, const struct unix_who *from)
{
    const struct cred groups = {.groups = from->groups};

    *w = *from;
    cred_hold(&groups);
    if (w->proc) {
        proc_get(w->proc);
    }
}

void unix_who_set_current(struct unix_who *w)
{
    const struct unix_who me = {unix_current_cred(), current_proc(),
                                current_cred()->groups};

    unix_who_copy(w, &me);
}

void unix_who_drop(const struct unix_who *w)
{
    const struct cred groups = {.groups = w->groups};

    cred_drop(&groups);
    if (w->proc) {
        proc_put(w->proc);
    }
}

/* ---- birth ---- */

int unix_new(int type, struct unix_socket **out)
{
    const struct socket_ops *ops = type == SOCK_STREAM  ? &unix_stream_ops
                                   : type == SOCK_DGRAM ? &unix_dgram_ops
                                                        : &unix_seqpacket_ops;
    struct unix_socket *u = kzalloc(sizeof(*u));

    if (!u) {
        return -ENOMEM;
    }
    socket_init(&u->s, ops, AF_UNIX, type, 0);
    stream_init(&u->in);
    list_init(&u->urgent);
    list_init(&u->packets);
    list_init(&u->pending);
    list_init(&u->queued);
    list_init(&u->watchers);
    list_init(&u->watching);
    wait_queue_init(&u->room);
    u->peer_who.ids = (struct unix_cred){0, ~0u, ~0u};
    spin_lock(&all_lock);
    list_add_tail(&all_sockets, &u->all);
    spin_unlock(&all_lock);
    *out = u;
    return 0;
}

static int check_kind(int *type, int protocol)
{
    if (protocol != 0 && protocol != AF_UNIX) {
        return -EPROTONOSUPPORT;
    }
    if (*type == SOCK_RAW) { /* an old habit of BSD's */
        *type = SOCK_DGRAM;
    }
    return *type == SOCK_STREAM || *type == SOCK_DGRAM ||
                   *type == SOCK_SEQPACKET
               ? 0
               : -ESOCKTNOSUPPORT;
}

static int unix_create(int family, int type, int protocol, struct socket **out)
{
    struct unix_socket *u;
    int err = check_kind(&type, protocol);

    if (!err) {
        err = unix_new(type, &u);
    }
    if (!err) {
        u->domain = current_landlock();
        landlock_get(u->domain);
        *out = &u->s;
    }
    return err;
}

static int unix_pair(int type, int protocol, struct socket *out[2])
{
    int err = unix_create(AF_UNIX, type, protocol, &out[0]);

    if (err) {
        return err;
    }
    err = unix_create(AF_UNIX, type, protocol, &out[1]);
    if (err) {
        unix_end(unix_of(out[0]), false);
        socket_unref(out[0]);
        return err;
    }
    unix_join(unix_of(out[0]), unix_of(out[1]));
    return 0;
}

/* ---- end ---- */

/* u's connected peer reads no more and may write no more. */
static void leave_peer(struct unix_socket *u, bool reset)
{
    struct unix_socket *peer = u->peer;

    if (u->s.type == SOCK_DGRAM) {
        return;
    }
    if (reset) {
        atomic_store_release(&peer->s.error, ECONNRESET);
    }
    stream_close(&peer->in);
    unix_add_shut(peer, SHUT_BOTH);
}

static void stop_watching(struct unix_socket *u, struct unix_socket *peer)
{
    spin_lock(&peer->s.lock);
    list_del(&u->watching);
    spin_unlock(&peer->s.lock);
}

static void wake_watchers(struct unix_socket *u)
{
    struct unix_socket *w;

    do {
        w = NULL;
        spin_lock(&u->s.lock);
        if (!list_empty(&u->watchers)) {
            w = list_entry(u->watchers.next, struct unix_socket, watching);
            list_del(&w->watching);
            socket_ref(&w->s);
        }
        spin_unlock(&u->s.lock);
        if (w) {
            socket_wake_write(&w->s, ALL_OUT);
            socket_unref(&w->s);
        }
    } while (w);
}

void unix_end(struct unix_socket *u, bool embryo)
{
    bool unread;

    unix_unbind(u);
    spin_lock(&u->s.lock);
    u->dead = true;
    spin_unlock(&u->s.lock);
    atomic_store_release(&u->shut, SHUT_BOTH);
    unix_drop_pending(u);
    unread = unix_stream_drop(u);
    unread |= unix_packets_unread(u);
    unix_packets_drop(u);
    if (u->peer) {
        leave_peer(u, unread || embryo);
        stop_watching(u, u->peer);
        socket_unref(&u->peer->s);
        u->peer = NULL;
    }
    wait_wake_all(&u->room);
    wake_watchers(u);
    landlock_put(u->domain); /* nobody finds u any more */
    u->domain = NULL;
}

static void unix_release(struct socket *s)
{
    unix_end(unix_of(s), false);
    rights_collect();
}

static void unix_free(struct socket *s)
{
    struct unix_socket *u = unix_of(s);

    spin_lock(&all_lock);
    list_del(&u->all);
    spin_unlock(&all_lock);
    unix_name_unref(u->name);
    stream_destroy(&u->in);
    unix_who_drop(&unix_of(s)->peer_who);
    socket_destroy(s);
    kfree(u);
}

/* ---- shutdown ---- */

void unix_add_shut(struct unix_socket *u, uint32_t bits)
{
    uint32_t now = atomic_fetch_or(&u->shut, bits) | bits;
    uint32_t hup = now == SHUT_BOTH ? POLLHUP : 0;

    socket_wake_read(&u->s, now & SHUT_RECV ? ALL_IN | EPOLLRDHUP | hup : hup);
    socket_wake_write(&u->s, ALL_OUT | hup);
}

static int unix_shutdown(struct socket *s, int how)
{
    static const uint8_t mine[] = {SHUT_RECV, SHUT_SEND, SHUT_BOTH};
    static const uint8_t theirs[] = {SHUT_SEND, SHUT_RECV, SHUT_BOTH};
    struct unix_socket *u = unix_of(s);

    if (u->peer && s->type != SOCK_DGRAM) {
        if (how != SHUT_WR) {
            stream_close(&u->in);
        }
        if (how != SHUT_RD) {
            stream_close(&u->peer->in);
        }
        unix_add_shut(u->peer, theirs[how]);
    }
    unix_add_shut(u, mine[how]);
    return 0;
}

/* ---- readiness ---- */

/* Linux's threshold: a quarter is in use at most. */
static bool has_room(struct unix_socket *u)
{
    uint64_t used;

    if (atomic_load_relaxed(&u->state) == UNIX_LISTENS) {
        return false;
    }
    if (unix_is_stream(u)) {
        used = u->peer ? stream_filled(&u->peer->in) : 0;
    } else {
        used = atomic_load_relaxed(&u->sent);
    }
    return used * 4 <= u->s.send_buffer;
}

static bool has_input(struct unix_socket *u)
{
    return stream_filled(&u->in) || !list_empty(&u->packets) ||
           !list_empty(&u->pending);
}

static uint32_t common_poll(struct unix_socket *u)
{
    uint32_t shut = unix_shut(u), bits = 0;

    if (shut & SHUT_RECV) {
        bits |= ALL_IN | EPOLLRDHUP | (shut == SHUT_BOTH ? POLLHUP : 0);
    }
    if (u->s.type != SOCK_DGRAM &&
        atomic_load_relaxed(&u->state) < UNIX_CONNECTED) {
        bits |= POLLHUP;
    }
    bits |= has_input(u) ? ALL_IN : 0;
    bits |= atomic_load_acquire(&u->s.error) ? POLLERR : 0;
    return bits;
}

static uint32_t stream_poll(struct socket *s)
{
    struct unix_socket *u = unix_of(s);

    return common_poll(u) | (has_room(u) ? ALL_OUT : 0) |
           (unix_has_urgent(u) ? POLLPRI : 0);
}

/* Another sender may have filled the peer's queue: then the peer tells us
 * when there is room. */
static bool peer_is_full(struct unix_socket *u)
{
    struct unix_socket *peer;
    bool full = false;

    spin_lock(&u->s.lock);
    peer = u->peer;
    if (peer) {
        socket_ref(&peer->s);
    }
    spin_unlock(&u->s.lock);
    if (!peer) {
        return false;
    }
    spin_lock(&peer->s.lock);
    full = !peer->dead && unix_packets_full(u, peer);
    if (full && list_empty(&u->watching)) {
        list_add_tail(&peer->watchers, &u->watching);
    }
    spin_unlock(&peer->s.lock);
    socket_unref(&peer->s);
    return full;
}

static uint32_t packet_poll(struct socket *s)
{
    struct unix_socket *u = unix_of(s);
    bool room = has_room(u) && !peer_is_full(u);

    return common_poll(u) | (room ? ALL_OUT : 0);
}

/* ---- options ---- */

static int unix_getname(struct socket *s, int whose, struct abi_sockaddr *out)
{
    struct unix_socket *u = unix_of(s);
    int len;

    if (whose == NAME_OWN) {
        return unix_name_put(atomic_load_acquire(&u->name), out);
    }
    spin_lock(&s->lock);
    len = u->peer ? (int)unix_name_put(atomic_load_acquire(&u->peer->name), out)
                  : -ENOTCONN;
    spin_unlock(&s->lock);
    return len;
}

/* SO_PEERGROUPS */
static int get_groups(const struct unix_who *w, void *value, uint32_t *len)
{
    uint32_t size =
        w->groups ? w->groups->count * (uint32_t)sizeof(w->groups->ids[0]) : 0;
    uint32_t room = *len;

    *len = size;
    if (!w->proc) {
        return -ENODATA;
    }
    if (room < size) {
        return -ERANGE;
    }
    if (size) {
        memcpy(value, w->groups->ids, size);
    }
    return 0;
}

/* SO_PEERPIDFD: a new descriptor. */
static int get_pidfd(const struct unix_who *w, void *value, uint32_t *len)
{
    struct file *f;
    int32_t fd;
    int err = w->proc ? fs_pidfd(w->proc, &f) : -ENODATA;

    if (err) {
        return err;
    }
    fd = fd_install(f, 0, true);
    if (fd < 0) {
        file_put(f);
        return fd;
    }
    *len = MIN(*len, (uint32_t)sizeof(fd));
    memcpy(value, &fd, *len);
    return 0;
}

/* From a copy: another listen(2) drops what was there. */
static int get_peer_option(struct unix_socket *u, int name, void *value,
                           uint32_t *len)
{
    struct unix_who w;
    int err = 0;

    spin_lock(&u->s.lock);
    unix_who_copy(&w, &u->peer_who);
    spin_unlock(&u->s.lock);
    switch (name) {
    case SO_PEERCRED:
        *len = MIN(*len, (uint32_t)sizeof(w.ids));
        memcpy(value, &w.ids, *len);
        break;
    case SO_PEERGROUPS:
        err = get_groups(&w, value, len);
        break;
    case SO_PEERPIDFD:
        err = get_pidfd(&w, value, len);
        break;
    default:
        err = -ENOPROTOOPT;
    }
    unix_who_drop(&w);
    return err;
}

static int unix_getsockopt(struct socket *s, int level, int name, void *value,
                           uint32_t *len)
{
    if (level != SOL_SOCKET) {
        return -EOPNOTSUPP;
    }
    return get_peer_option(unix_of(s), name, value, len);
}

static int unix_setsockopt(struct socket *s, int level, int name,
                           const void *value, uint32_t len)
{
    return level == SOL_SOCKET ? -ENOPROTOOPT : -EOPNOTSUPP;
}

static long unix_ioctl(struct socket *s, uint32_t cmd, struct uptr arg)
{
    struct unix_socket *u = unix_of(s);

    switch (cmd) {
    case FIONREAD:
        if (atomic_load_relaxed(&u->state) == UNIX_LISTENS) {
            return -EINVAL;
        }
        return put_user32(arg, unix_is_stream(u)
                                   ? stream_filled(&u->in) -
                                         unix_urgent_hidden(u, false)
                                   : unix_packets_size(u));
    case SIOCATMARK:
        return unix_is_stream(u) ? put_user32(arg, unix_at_mark(u))
                                 : -EOPNOTSUPP;
    case TIOCOUTQ:
        return put_user32(arg, !unix_is_stream(u) ? u->sent
                               : u->peer          ? stream_filled(&u->peer->in)
                                                  : 0);
    default:
        return -ENOTTY;
    }
}

const struct socket_ops unix_stream_ops = {
    .bind = unix_bind,
    .connect = unix_stream_connect,
    .listen = unix_listen,
    .accept = unix_accept,
    .sendmsg = unix_stream_send,
    .recvmsg = unix_stream_recv,
    .shutdown = unix_shutdown,
    .getname = unix_getname,
    .setsockopt = unix_setsockopt,
    .getsockopt = unix_getsockopt,
    .ioctl = unix_ioctl,
    .poll = stream_poll,
    .release = unix_release,
    .free = unix_free,
};

const struct socket_ops unix_dgram_ops = {
    .bind = unix_bind,
    .connect = unix_dgram_connect,
    .sendmsg = unix_dgram_send,
    .recvmsg = unix_dgram_recv,
    .shutdown = unix_shutdown,
    .getname = unix_getname,
    .setsockopt = unix_setsockopt,
    .getsockopt = unix_getsockopt,
    .ioctl = unix_ioctl,
    .poll = packet_poll,
    .release = unix_release,
    .free = unix_free,
};

const struct socket_ops unix_seqpacket_ops = {
    .bind = unix_bind,
    .connect = unix_stream_connect,
    .listen = unix_listen,
    .accept = unix_accept,
    .sendmsg = unix_seqpacket_send,
    .recvmsg = unix_seqpacket_recv,
    .shutdown = unix_shutdown,
    .getname = unix_getname,
    .setsockopt = unix_setsockopt,
    .getsockopt = unix_getsockopt,
    .ioctl = unix_ioctl,
    .poll = packet_poll,
    .release = unix_release,
    .free = unix_free,
};

const struct socket_family unix_family = {
    .family = AF_UNIX,
    .create = unix_create,
    .pair = unix_pair,
};
