/* SPDX-License-Identifier: MIT
 *
 * Datagrams and records of unix(7). A packet is one piece of kernel memory in
 * the receiver's queue. It counts, with what Linux would need for it, against
 * the sender's buffer until it is received; and receivers that are not the
 * sender's own peer queue only so many.
 */
#include "kernel/net/filter.h"
#include "kernel/net/unix/unix_private.h"
#include "kernel/mm/heap.h"
#include "abi/linux/epoll.h"
#include "abi/linux/errno.h"
#include "lib/string.h"

enum { OVERHEAD = 256, TAIL = 320, COST_LEAST = 512 };

/* What Linux charges: a header, and data with its tail in a power of two. */
static uint32_t cost_of(size_t len)
{
    size_t size = COST_LEAST;

    while (size < len + TAIL) {
        size *= 2;
    }
    return size + OVERHEAD;
}

/* ---- packets ---- */

static void packet_free(struct packet *p)
{
    struct unix_socket *from = p->from;

    atomic_fetch_sub(&from->sent, p->cost);
    if (atomic_load_relaxed(&from->sent) * 4 <= from->s.send_buffer) {
        socket_wake_write(&from->s, ALL_OUT);
    }
    socket_unref(&from->s);
    rights_free(p->rights);
    kfree(p);
}

static int packet_new(struct unix_socket *u, struct socket_msg *msg,
                      struct packet **out)
{
    size_t len = msg->io->left;
    struct packet *p = kmalloc(sizeof(*p) + len);

    if (!p) {
        return -ENOBUFS;
    }
    if (iobuf_get(msg->io, p->data, len) < (long)len) {
        kfree(p);
        return -EFAULT;
    }
    p->from = u;
    socket_ref(&u->s);
    p->rights = NULL;
    p->len = len;
    p->cost = cost_of(len);
    atomic_fetch_add(&u->sent, p->cost);
    *out = p;
    return 0;
}

bool unix_packets_full(struct unix_socket *u, struct unix_socket *to)
{
    return u != to && to->peer != u && to->packet_count > DGRAM_BACKLOG;
}

/* After packets left u's queue. */
static void tell_room(struct unix_socket *u)
{
    struct unix_socket *w;

    wait_wake_all(&u->room);
    while (unlikely(!list_empty(&u->watchers))) {
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
    }
}

unsigned unix_packets_drop(struct unix_socket *u)
{
    struct list all = LIST_INIT(all);
    struct list *node;
    unsigned n = 0;

    spin_lock(&u->s.lock);
    list_splice_tail(&all, &u->packets);
    u->packet_count = 0;
    u->packet_bytes = 0;
    spin_unlock(&u->s.lock);
    while ((node = list_pop(&all)) != NULL) {
        packet_free(list_entry(node, struct packet, node));
        n++;
    }
    return n;
}

bool unix_packets_unread(struct unix_socket *u)
{
    bool any;

    spin_lock(&u->s.lock);
    any = u->packet_count > 1 || u->packet_bytes;
    spin_unlock(&u->s.lock);
    return any;
}

uint64_t unix_packets_size(struct unix_socket *u)
{
    uint64_t size = 0;

    spin_lock(&u->s.lock);
    if (u->s.type == SOCK_SEQPACKET) {
        size = u->packet_bytes;
    } else if (!list_empty(&u->packets)) {
        size = list_entry(u->packets.next, struct packet, node)->len;
    }
    spin_unlock(&u->s.lock);
    return size;
}

/* ---- sending ---- */

/* -EAGAIN: its queue is full. to->s.lock is held. */
static int may_send(struct unix_socket *u, struct unix_socket *to)
{
    if (to->dead) {
        return u->s.type == SOCK_DGRAM ? -ECONNREFUSED : -EPIPE;
    }
    if (u->s.type == SOCK_DGRAM && to->peer && to->peer != u) {
        return -EPERM;
    }
    if (unix_shut(to) & SHUT_RECV) {
        return -EPIPE;
    }
    return unix_packets_full(u, to) ? -EAGAIN : 0;
}

static int enqueue(struct unix_socket *u, struct unix_socket *to,
                   struct packet *p)
{
    int err;

    if (p->rights) {
        rights_fly(p->rights, to);
    }
    spin_lock(&to->s.lock);
    err = may_send(u, to);
    if (!err) {
        list_add_tail(&to->packets, &p->node);
        to->packet_count++;
        to->packet_bytes += p->len;
    }
    spin_unlock(&to->s.lock);
    if (err && p->rights) {
        rights_land(p->rights);
    }
    return err;
}

static bool room_at(struct unix_socket *u, struct unix_socket *to)
{
    int err;

    spin_lock(&to->s.lock);
    err = may_send(u, to);
    spin_unlock(&to->s.lock);
    return err != -EAGAIN;
}

/* Until u's own buffer takes another packet. */
static int wait_own_room(struct unix_socket *u, bool nowait, uint64_t deadline)
{
    while (atomic_load_relaxed(&u->sent) >=
           atomic_load_relaxed(&u->s.send_buffer)) {
        int err;

        if (unix_shut(u) & SHUT_SEND) {
            return -EPIPE;
        }
        if (nowait) {
            return -EAGAIN;
        }
        err = socket_wait(&u->s.can_write,
                          atomic_load_relaxed(&u->sent) <
                                  atomic_load_relaxed(&u->s.send_buffer) ||
                              unix_shut(u) & SHUT_SEND,
                          u->s.send_timeout, deadline);
        if (err) {
            return err;
        }
    }
    return 0;
}

/* The receiver's filter takes all of p, its beginning, or nothing: false. */
static bool pass_filter(struct unix_socket *to, struct packet *p)
{
    const struct bpf_data d = {
        .body = (const uint8_t *)p->data, .len = p->len, .is_packet = true};

    return socket_filter_run(&to->s, &d, 1, &p->len);
}

static long send_to(struct unix_socket *u, struct unix_socket *to,
                    struct socket_msg *msg)
{
    uint64_t deadline = socket_deadline(u->s.send_timeout);
    struct rights *rights;
    struct packet *p;
    long len = (long)msg->io->left;
    int err;

    if (unix_shut(u) & SHUT_SEND) {
        return -EPIPE;
    }
    err = rights_get(u, to, msg, &rights);
    if (!err) {
        err = wait_own_room(u, msg->nowait, deadline);
        if (!err) {
            err = packet_new(u, msg, &p);
        }
        if (err) {
            rights_free(rights);
        }
    }
    if (err) {
        return err;
    }
    p->rights = rights;
    if (socket_has_filter(&to->s) && !pass_filter(to, p)) {
        packet_free(p);
        return len;
    }
    while ((err = enqueue(u, to, p)) == -EAGAIN && !msg->nowait) {
        err =
            socket_wait(&to->room, room_at(u, to), u->s.send_timeout, deadline);
        if (err) {
            break;
        }
    }
    if (err) {
        packet_free(p);
        return err;
    }
    socket_wake_read(&to->s, ALL_IN);
    return len;
}

void unix_dgram_parted(struct unix_socket *u, struct unix_socket *old)
{
    bool tell;

    if (!unix_packets_drop(u)) {
        return;
    }
    wait_wake_all(&u->room);
    spin_lock(&old->s.lock);
    tell = !old->dead && old->peer == u;
    spin_unlock(&old->s.lock);
    if (tell) {
        socket_fail(&old->s, ECONNRESET);
    }
}

static int get_peer(struct unix_socket *u, struct unix_socket **out)
{
    spin_lock(&u->s.lock);
    *out = u->peer;
    if (*out) {
        socket_ref(&(*out)->s);
    }
    spin_unlock(&u->s.lock);
    return *out ? 0 : -ENOTCONN;
}

/* The peer is gone: from now on there is none. */
static void forget_peer(struct unix_socket *u, struct unix_socket *peer)
{
    bool was;

    spin_lock(&u->s.lock);
    was = u->peer == peer;
    if (was) {
        u->peer = NULL;
        atomic_store_release(&u->state, UNIX_IDLE);
    }
    spin_unlock(&u->s.lock);
    if (was) {
        spin_lock(&peer->s.lock);
        list_del(&u->watching);
        spin_unlock(&peer->s.lock);
        unix_dgram_parted(u, peer);
        socket_unref(&peer->s);
    }
}

long unix_dgram_send(struct socket *s, struct socket_msg *msg)
{
    struct unix_socket *u = unix_of(s), *to;
    long n = 0;

    if (msg->flags & MSG_OOB) {
        return -EOPNOTSUPP;
    }
    if (atomic_load_relaxed(&s->flags) & SOCKET_PASSES_WHO) {
        n = unix_autobind(u);
    }
    if (!n && msg->io->left > s->send_buffer - 32) {
        n = -EMSGSIZE;
    }
    if (!n) {
        n = -socket_take_error(s);
    }
    if (!n && unix_shut(u) & SHUT_SEND) {
        n = -EPIPE;
    }
    if (!n) {
        n = msg->name_len ? unix_find(u, msg->name, msg->name_len, &to)
                          : get_peer(u, &to);
    }
    if (n) {
        return n;
    }
    n = send_to(u, to, msg);
    if (n == -ECONNREFUSED && !msg->name_len) {
        forget_peer(u, to);
    }
    socket_unref(&to->s);
    return n;
}

long unix_seqpacket_send(struct socket *s, struct socket_msg *msg)
{
    struct unix_socket *u = unix_of(s);
    int err = socket_take_error(s);

    if (err) {
        return -err;
    }
    if (atomic_load_acquire(&u->state) != UNIX_CONNECTED) {
        return -ENOTCONN;
    }
    if (msg->flags & MSG_OOB) {
        return -EOPNOTSUPP;
    }
    if (msg->io->left > s->send_buffer - 32) {
        return -EMSGSIZE;
    }
    return send_to(u, u->peer, msg);
}

/* ---- receiving ---- */

static struct packet *take(struct unix_socket *u)
{
    struct packet *p = NULL;
    struct list *node;

    spin_lock(&u->s.lock);
    node = list_pop(&u->packets);
    if (node) {
        p = list_entry(node, struct packet, node);
        u->packet_count--;
        u->packet_bytes -= p->len;
    }
    spin_unlock(&u->s.lock);
    return p;
}

static void put_back(struct unix_socket *u, struct packet *p)
{
    spin_lock(&u->s.lock);
    list_add(&u->packets, &p->node);
    u->packet_count++;
    u->packet_bytes += p->len;
    spin_unlock(&u->s.lock);
}

static int wait_packet(struct unix_socket *u, bool nowait, uint64_t deadline)
{
    struct socket *s = &u->s;
    int err = socket_take_error(s);

    if (err) {
        return -err;
    }
    if (nowait) {
        return s->type == SOCK_SEQPACKET && unix_shut(u) & SHUT_RECV ? 0
                                                                     : -EAGAIN;
    }
    if (unix_shut(u) & SHUT_RECV) {
        return 0;
    }
    err = socket_wait(&s->can_read,
                      !list_empty(&u->packets) || unix_shut(u) & SHUT_RECV ||
                          atomic_load_relaxed(&s->error),
                      s->recv_timeout, deadline);
    return err ? err : 1;
}

/* Where a peek or receive begins in p: SO_PEEK_OFF. */
static size_t offset_in(struct unix_socket *u, const struct packet *p,
                        bool peek)
{
    int32_t off = u->s.peek_offset;

    return peek && off > 0 ? MIN((size_t)off, (size_t)p->len) : 0;
}

/* The sender's, which may have got it since it sent p. */
static uint32_t put_name(const struct packet *p, struct abi_sockaddr *out)
{
    struct unix_name *name = atomic_load_acquire(&p->from->name);

    return name ? unix_name_put(name, out) : 0;
}

static long fill(struct unix_socket *u, struct socket_msg *msg,
                 struct packet *p, struct rights **rights)
{
    bool peek = msg->flags & MSG_PEEK;
    size_t off = offset_in(u, p, peek);
    size_t n = MIN((uint64_t)(p->len - off), msg->io->left);
    int err = 0;

    *rights = NULL;
    if (iobuf_put(msg->io, p->data + off, n) < (long)n) {
        return -EFAULT;
    }
    if (n < p->len - off) {
        msg->result |= MSG_TRUNC;
    }
    msg->name_len = put_name(p, msg->name);
    if (p->rights && peek) {
        err = rights_copy(p->rights, rights);
    } else {
        *rights = p->rights;
        p->rights = NULL;
        if (*rights) {
            rights_land(*rights);
        }
    }
    if (peek && u->s.peek_offset >= 0) {
        u->s.peek_offset += n;
    } else if (!peek && u->s.peek_offset > 0) {
        u->s.peek_offset = MAX(u->s.peek_offset - (int32_t)p->len, 0);
    }
    if (err) {
        return err;
    }
    return msg->flags & MSG_TRUNC ? (long)(p->len - off) : (long)n;
}

long unix_dgram_recv(struct socket *s, struct socket_msg *msg)
{
    struct unix_socket *u = unix_of(s);
    uint64_t deadline = socket_deadline(s->recv_timeout);
    struct abi_sockaddr unused;
    struct rights *rights;
    struct packet *p;
    long n;

    if (msg->flags & MSG_OOB) {
        return -EOPNOTSUPP;
    }
    if (!msg->name) { /* read(2) */
        /* cppcheck-suppress autoVariables */
        msg->name = &unused;
    }
    msg->name_len = 0;
    /* The lock keeps a peek from being seen as an empty queue. */
    mutex_lock(&u->in.read_lock);
    n = socket_take_error(s);
    if (n) {
        mutex_unlock(&u->in.read_lock);
        return -n;
    }
    while ((p = take(u)) == NULL) {
        mutex_unlock(&u->in.read_lock);
        n = wait_packet(u, msg->nowait, deadline);
        if (n <= 0) {
            return n;
        }
        mutex_lock(&u->in.read_lock);
    }
    n = fill(u, msg, p, &rights);
    if (msg->flags & MSG_PEEK) {
        put_back(u, p);
    }
    mutex_unlock(&u->in.read_lock);
    if (!(msg->flags & MSG_PEEK)) {
        packet_free(p);
        tell_room(u);
    }
    if (n >= 0) {
        rights_deliver(u, msg, rights);
    }
    return n;
}

long unix_seqpacket_recv(struct socket *s, struct socket_msg *msg)
{
    return atomic_load_acquire(&unix_of(s)->state) == UNIX_CONNECTED
               ? unix_dgram_recv(s, msg)
               : -ENOTCONN;
}
