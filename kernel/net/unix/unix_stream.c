/* SPDX-License-Identifier: MIT
 *
 * Streams of unix(7): sending and receiving. Bytes that came with descriptors
 * or credentials are marked (stream.h); a receive never mixes the descriptors
 * of two sends, nor, with SO_PASSCRED, two senders' credentials.
 */
#include "kernel/net/unix/unix_private.h"
#include "kernel/mm/heap.h"
#include "abi/linux/epoll.h"
#include "abi/linux/errno.h"
#include "lib/string.h"

static struct unix_mark *mark_of(struct stream_mark *m)
{
    return container_of(m, struct unix_mark, m);
}

/* ---- sending ---- */

static bool same_cred(const struct rights *a, const struct rights *b)
{
    return a->has_cred == b->has_cred &&
           memcmp(&a->cred, &b->cred, sizeof(a->cred)) == 0;
}

/* The last mark goes on with what r says. write_lock is held. */
static bool joins_last(struct stream *st, const struct rights *r)
{
    struct stream_mark *last;
    bool joins = false;

    spin_lock(&st->lock);
    if (!r->count && !list_empty(&st->marks)) {
        last = list_entry(st->marks.prev, struct stream_mark, node);
        joins = last->end == st->head && !mark_of(last)->rights->count &&
                same_cred(mark_of(last)->rights, r);
        if (joins) {
            last->end = UINT64_MAX;
        }
    }
    spin_unlock(&st->lock);
    return joins;
}

static void end_last(struct stream *st)
{
    spin_lock(&st->lock);
    if (!list_empty(&st->marks)) {
        list_entry(st->marks.prev, struct stream_mark, node)->end = st->head;
    }
    spin_unlock(&st->lock);
}

/* *rights: what goes along; NULL afterwards when it has gone. */
static long put_marked(struct unix_socket *to, struct iobuf *io, uint64_t limit,
                       struct rights **rights)
{
    struct stream *st = &to->in;
    struct unix_mark *mark = NULL;
    bool joined = joins_last(st, *rights);
    long n;

    if (!joined) {
        mark = kzalloc(sizeof(*mark));
        if (!mark) {
            return -ENOMEM;
        }
        mark->rights = *rights;
        mark->m.end = UINT64_MAX;
        rights_fly(*rights, to);
    }
    n = stream_put(st, io, limit, mark ? &mark->m : NULL);
    if (n > 0) {
        if (joined) {
            rights_free(*rights);
        }
        *rights = NULL;
    } else if (mark) {
        rights_land(*rights);
        kfree(mark);
    }
    if (n > 0 || joined) {
        end_last(st);
    }
    return n;
}

static long put(struct unix_socket *to, struct iobuf *io, uint64_t limit,
                struct rights **rights, const struct rights *cred,
                struct unix_urgent *urgent)
{
    struct stream *st = &to->in;
    long n = 0;

    if (cred && !*rights) { /* the rest of a long message */
        n = rights_copy_cred(cred, rights);
    }
    if (n) {
        return n;
    }
    mutex_lock(&st->write_lock);
    if (unlikely(st->closed)) {
        mutex_unlock(&st->write_lock);
        return -EPIPE;
    }
    if (unlikely(urgent)) {
        unix_urgent_add(to, urgent);
    }
    if (likely(!*rights)) {
        n = stream_put(st, io, limit, NULL);
    } else {
        n = put_marked(to, io, limit, rights);
    }
    if (unlikely(urgent)) {
        unix_urgent_added(to, urgent, n > 0);
    }
    mutex_unlock(&st->write_lock);
    return n;
}

static long send_all(struct unix_socket *u, struct socket_msg *msg,
                     struct rights **rights, const struct rights *cred,
                     struct unix_urgent *urgent)
{
    struct unix_socket *to = u->peer;
    uint64_t deadline = socket_deadline(u->s.send_timeout);
    uint32_t limit;
    long done = 0, n;

    while (msg->io->left) {
        limit = atomic_load_relaxed(&u->s.send_buffer);
        n = put(to, msg->io, limit, rights, cred, urgent);
        if (n > 0) {
            done += n;
            socket_wake_read(&to->s, ALL_IN);
        }
        if (n < 0) {
            return done ? done : n;
        }
        if (!msg->io->left) {
            break;
        }
        if (msg->nowait) {
            return done ? done : -EAGAIN;
        }
        n = socket_wait(&u->s.can_write,
                        stream_filled(&to->in) <
                                MIN(limit, (uint32_t)STREAM_MOST) ||
                            stream_is_closed(&to->in),
                        u->s.send_timeout, deadline);
        if (n) {
            return done ? done : n;
        }
    }
    return done;
}

/* The last byte is urgent. */
static long send_urgent(struct unix_socket *u, struct socket_msg *msg,
                        struct rights **rights, const struct rights *cred)
{
    struct iobuf *whole = msg->io, rest = *whole;
    struct unix_urgent *urgent;
    long n = 0, last;

    rest.left = whole->left - 1;
    if (rest.left) {
        msg->io = &rest;
        n = send_all(u, msg, rights, cred, NULL);
        msg->io = whole;
        if (n < 0 || (uint64_t)n < whole->left - 1) {
            return n;
        }
        iobuf_skip(whole, (size_t)n);
    }
    urgent = unix_urgent_new();
    if (!urgent) {
        return n ? n : -ENOMEM;
    }
    last = send_all(u, msg, rights, cred, urgent);
    if (last <= 0) {
        unix_urgent_free(urgent);
        return n ? n : last;
    }
    socket_urgent(&u->peer->s);
    return n + last;
}

long unix_stream_send(struct socket *s, struct socket_msg *msg)
{
    struct unix_socket *u = unix_of(s);
    bool connected = atomic_load_acquire(&u->state) == UNIX_CONNECTED;
    struct rights *rights, cred;
    long n;

    if (unlikely(msg->flags & MSG_OOB) && !msg->io->left) {
        return -EOPNOTSUPP;
    }
    if (unlikely(msg->name_len)) {
        return connected ? -EISCONN : -EOPNOTSUPP;
    }
    if (unlikely(!connected)) {
        return -ENOTCONN;
    }
    if (unlikely(unix_shut(u) & SHUT_SEND)) {
        return -EPIPE;
    }
    n = rights_get(u, u->peer, msg, &rights);
    if (unlikely(n)) {
        return n;
    }
    if (rights) {
        cred = *rights;
    }
    n = unlikely(msg->flags & MSG_OOB)
            ? send_urgent(u, msg, &rights, rights ? &cred : NULL)
            : send_all(u, msg, &rights, rights ? &cred : NULL, NULL);
    rights_free(rights);
    return n;
}

/* ---- receiving ---- */

/* What one receive has gathered. */
struct gather {
    struct unix_socket *u;
    struct socket_msg *msg;
    bool peek, pass_cred;
    bool has_first;        /* first is the credentials to go on with */
    struct rights *rights; /* owned; NULL: nothing came along */
    long done;
    bool stop;
};

/* Whether bytes under mark may follow what was gathered. */
static bool goes_on(struct gather *g, struct unix_mark *mark)
{
    if (!g->has_first) {
        return true;
    }
    if (!mark) {
        return !g->rights || !g->rights->has_cred;
    }
    return g->rights ? same_cred(g->rights, mark->rights)
                     : !mark->rights->has_cred;
}

static int gather_mark(struct gather *g, struct unix_mark *mark)
{
    struct rights *r = NULL;
    bool has_files = mark->rights->count;
    int err;

    if (!has_files && (g->rights || !g->pass_cred)) {
        return 0;
    }
    if (g->peek || !has_files) {
        err = g->peek ? rights_copy(mark->rights, &r)
                      : rights_copy_cred(mark->rights, &r);
    } else { /* the files leave the mark, the credentials stay */
        err = rights_copy_cred(mark->rights, &r);
        if (!err) {
            struct rights *old = mark->rights;

            spin_lock(&g->u->in.lock); /* joins_last() looks */
            mark->rights = r;
            spin_unlock(&g->u->in.lock);
            rights_land(old);
            r = old;
        }
    }
    if (err) {
        return err;
    }
    rights_free(g->rights);
    g->rights = r;
    g->stop = has_files;
    return 0;
}

/* One stretch of bytes under one mark, from pos on and before `most`; returns
 * how many. */
static long gather_some(struct gather *g, uint64_t pos, uint64_t most)
{
    struct stream *st = &g->u->in;
    struct stream_mark *m;
    uint64_t end;
    long n;

    m = stream_mark_at(st, pos, &end);
    if (unlikely(g->pass_cred && !goes_on(g, m ? mark_of(m) : NULL))) {
        g->stop = true;
        return 0;
    }
    end = MIN(end, most);
    n = stream_copy(st, pos, g->msg->io, MIN(end - pos, g->msg->io->left));
    if (n <= 0) {
        g->stop = true;
        return n;
    }
    g->has_first = true;
    if (unlikely(m)) {
        int err = gather_mark(g, mark_of(m));

        if (err && !g->done) {
            return err;
        }
    }
    if (!g->peek) {
        stream_skip(st, pos + n);
        if (unlikely(m) && stream_mark_drop(st, m, pos + n)) {
            rights_free(mark_of(m)->rights);
            kfree(mark_of(m));
        }
    }
    return n;
}

static uint64_t start_of(struct gather *g)
{
    struct stream *st = &g->u->in;
    int32_t off = g->u->s.peek_offset;

    return g->peek && off > 0
               ? MIN(st->tail + off, atomic_load_acquire(&st->head))
               : st->tail;
}

static void move_peek_offset(struct gather *g, long n)
{
    struct socket *s = &g->u->s;

    if (s->peek_offset >= 0 && n > 0) {
        s->peek_offset =
            g->peek ? s->peek_offset + n : MAX(s->peek_offset - n, 0l);
    }
}

/* Past an urgent byte that nobody wanted, and what came with it. */
static void pass_over(struct unix_socket *u, uint64_t pos)
{
    struct stream_mark *m;

    stream_skip(&u->in, pos);
    while ((m = stream_mark_first(&u->in)) != NULL &&
           stream_mark_drop(&u->in, m, pos)) {
        rights_free(mark_of(m)->rights);
        kfree(mark_of(m));
    }
}

/* False: this read ends here. *pos: where it goes on, until *end. */
static bool find_stretch(struct gather *g, uint64_t *pos, uint64_t *end)
{
    uint64_t before = *pos;

    *end = atomic_load_acquire(&g->u->in.head);
    if (likely(list_empty(&g->u->urgent))) {
        return *pos != *end;
    }
    if (!unix_urgent_step(g->u, g->peek, g->done, pos, end)) {
        g->stop = true;
        return false;
    }
    if (*pos != before && !g->peek) {
        pass_over(g->u, *pos);
    }
    return *pos < *end;
}

/* Who asks for no bytes gets what came with the next one. */
static long gather_nothing(struct gather *g, uint64_t pos)
{
    uint64_t end;
    struct stream_mark *m = stream_mark_at(&g->u->in, pos, &end);

    g->has_first = true;
    return m ? gather_mark(g, mark_of(m)) : 0;
}

/* What is there now; read_lock is taken. */
static long gather_now(struct gather *g)
{
    struct stream *st = &g->u->in;
    uint64_t pos, end;
    long before = g->done, n = 0;

    mutex_lock(&st->read_lock);
    pos = start_of(g);
    if (unlikely(!g->msg->io->left && !g->done) &&
        find_stretch(g, &pos, &end)) {
        n = gather_nothing(g, pos);
    }
    while (!g->stop && g->msg->io->left && find_stretch(g, &pos, &end)) {
        n = gather_some(g, pos, end);
        if (n < 0) {
            break;
        }
        g->done += n;
        pos += n;
    }
    mutex_unlock(&st->read_lock);
    if (unlikely(g->u->s.peek_offset >= 0)) {
        move_peek_offset(g, g->done - before);
    }
    if (g->done > before && !g->peek) {
        struct unix_socket *peer = g->u->peer;

        if (stream_filled(st) * 4 <= peer->s.send_buffer) {
            socket_wake_write(&peer->s, ALL_OUT);
        }
    }
    return g->done > before ? g->done - before : n;
}

static bool may_have_bytes(struct gather *g)
{
    struct stream *st = &g->u->in;
    int32_t off = g->peek ? MAX(g->u->s.peek_offset, 0) : 0;
    uint64_t hidden = g->peek ? unix_urgent_hidden(g->u, true) : 0;

    return stream_filled(st) > (uint64_t)off + hidden;
}

static long wait_bytes(struct gather *g, uint64_t deadline)
{
    struct socket *s = &g->u->s;

    return socket_wait(&s->can_read,
                       may_have_bytes(g) || unix_shut(g->u) & SHUT_RECV ||
                           stream_is_closed(&g->u->in) ||
                           atomic_load_relaxed(&s->error),
                       s->recv_timeout, deadline);
}

/* Until at least `least` bytes are there. */
static long gather_all(struct gather *g, long least, uint64_t deadline)
{
    struct unix_socket *u = g->u;
    long n;

    for (;;) {
        bool ended = stream_is_closed(&u->in) || unix_shut(u) & SHUT_RECV;

        n = gather_now(g);
        if (n < 0 || g->done >= least || g->stop || (g->done && g->peek)) {
            return n < 0 ? n : 0;
        }
        if (n == 0 && !may_have_bytes(g)) {
            int err = socket_take_error(&u->s);

            if (err || ended) {
                return -err;
            }
            if (g->msg->nowait) {
                return -EAGAIN;
            }
            n = wait_bytes(g, deadline);
            if (n) {
                return n;
            }
        }
        if (n == 0 && !g->msg->io->left) {
            return 0; /* asked for nothing, and something is there */
        }
    }
}

long unix_stream_recv(struct socket *s, struct socket_msg *msg)
{
    struct unix_socket *u = unix_of(s);
    struct gather g = {
        .u = u,
        .msg = msg,
        .peek = msg->flags & MSG_PEEK,
        .pass_cred = atomic_load_relaxed(&s->flags) & SOCKET_PASSES_WHO,
    };
    long least, n;

    if (unlikely(atomic_load_acquire(&u->state) != UNIX_CONNECTED)) {
        return -EINVAL;
    }
    if (unlikely(msg->flags & MSG_OOB)) {
        return unix_urgent_recv(u, msg);
    }
    least = msg->flags & MSG_WAITALL
                ? (long)msg->io->left
                : MIN((long)msg->io->left, (long)s->recv_low);
    n = gather_all(&g, MAX(least, 1l), socket_deadline(s->recv_timeout));
    msg->name_len = 0;
    if (msg->want_name && g.has_first) {
        struct unix_name *name = atomic_load_acquire(&u->peer->name);

        msg->name_len = name ? unix_name_put(name, msg->name) : 0;
    }
    if (unlikely(g.pass_cred || g.rights)) {
        if (g.has_first) {
            rights_deliver(u, msg, g.rights);
        } else {
            rights_free(g.rights);
        }
    }
    return g.done ? g.done : n;
}

uint64_t unix_stream_drop(struct unix_socket *u)
{
    uint64_t holes = unix_urgent_hidden(u, false);
    uint64_t left = stream_discard(&u->in);
    struct stream_mark *m;

    while ((m = stream_mark_first(&u->in)) != NULL) {
        stream_mark_drop(&u->in, m, UINT64_MAX);
        rights_free(mark_of(m)->rights);
        kfree(mark_of(m));
    }
    unix_urgent_drop(u);
    return left - MIN(left, holes);
}
