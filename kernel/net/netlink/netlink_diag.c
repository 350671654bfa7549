/* SPDX-License-Identifier: MIT
 *
 * NETLINK_SOCK_DIAG (sock_diag(7)): the sockets of AF_INET, AF_INET6 and
 * AF_UNIX, all that are in given states, or one by its name. What ss(8) asks.
 * Filters in byte code are netlink_diag_filter.c. Killing a socket is
 * EOPNOTSUPP, as without CONFIG_INET_DIAG_DESTROY.
 *
 * Sockets are looked at under their family's lock, where nothing can be queued:
 * so what is told of them is noted first.
 */
#include "kernel/net/inet/inet.h"
#include "kernel/net/loop/loop.h"
#include "kernel/net/netlink/netlink_diag.h"
#include "kernel/net/netlink/netlink_private.h"
#include "kernel/net/unix/unix_private.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/diag.h"
#include "abi/linux/errno.h"
#include "abi/linux/inet.h"

enum { SPARE = 64 }; /* sockets that may come while they are counted */

/* ---- AF_INET and AF_INET6 ---- */

struct inet_note {
    struct abi_inet_diag_msg msg;
    struct abi_diag_memory memory;
    struct abi_tcp_info info;
    bool has_info; /* of a connection inside; others are the host's to know */
    uint8_t shut;
    bool v6only;
};

struct inet_query {
    const struct abi_inet_diag_req *q;
    struct inet_note *notes; /* NULL: they are counted */
    unsigned count, room;
    bool by_name;
    const uint8_t *filter; /* filter_len bytes; NULL: none */
    size_t filter_len;
};

static void put_name(struct abi_inet_diag_id *id, const struct inet_socket *i,
                     int family)
{
    unsigned skip = family == AF_INET ? 12 : 0;

    id->sport = __builtin_bswap16(i->local.port);
    id->dport = __builtin_bswap16(i->peer.port);
    memcpy(id->src, i->local.ip + skip, sizeof(i->local.ip) - skip);
    memcpy(id->dst, i->peer.ip + skip, sizeof(i->peer.ip) - skip);
}

static bool is_meant(const struct inet_query *query,
                     const struct abi_inet_diag_msg *m)
{
    const struct abi_inet_diag_id *id = &query->q->id;
    unsigned n = m->family == AF_INET ? 4 : 16;

    if (!query->by_name) {
        return (!id->sport || id->sport == m->id.sport) &&
               (!id->dport || id->dport == m->id.dport) &&
               query->q->states >> m->state & 1;
    }
    return id->sport == m->id.sport && id->dport == m->id.dport &&
           !memcmp(id->src, m->id.src, n) && !memcmp(id->dst, m->id.dst, n);
}

static void note_inet(struct inet_socket *i, void *arg)
{
    struct inet_query *query = arg;
    struct inet_look look;
    struct inet_note *n;
    struct inet_note note = {.msg = {.family = (uint8_t)i->s.family}};
    struct diag_facts facts;

    if (i->s.family != query->q->family ||
        i->s.protocol != query->q->protocol || !i->local.port) {
        return;
    }
    inet_look_at(i, &look);
    if (i->s.type == SOCK_STREAM && look.state == TCP_STATE_CLOSE) {
        return; /* it has a name and does nothing */
    }
    note.msg.state = look.state;
    note.msg.rqueue = look.rx;
    note.msg.wqueue = look.tx;
    note.msg.uid = look.uid;
    note.msg.inode = (uint32_t)look.ino;
    note.shut = look.shut;
    note.v6only = i->v6only;
    note.memory = (struct abi_diag_memory){.rmem = look.rx,
                                           .rcvbuf = i->s.recv_buffer,
                                           .wmem = look.tx,
                                           .sndbuf = i->s.send_buffer,
                                           .drops = look.drops};
    put_name(&note.msg.id, i, i->s.family);
    memcpy(note.msg.id.cookie, &look.cookie, sizeof(look.cookie));
    facts = (struct diag_facts){i->bound_port, (uint32_t)i->s.mark};
    if (!is_meant(query, &note.msg) ||
        (query->filter && !diag_filter_takes(query->filter, query->filter_len,
                                             &note.msg, &facts))) {
        return;
    }
    note.has_info = query->q->ext >> (INET_DIAG_INFO - 1) & 1 &&
                    loop_tell_info(i, &note.info);
    if (query->count < query->room) {
        n = &query->notes[query->count];
        *n = note;
    }
    query->count++;
}

static int put_inet(struct answer *a, const struct inet_note *n, uint8_t wanted,
                    uint16_t flags)
{
    int err = netlink_make_room(a);

    if (err) {
        return err;
    }
    netlink_begin(a, SOCK_DIAG_BY_FAMILY, flags);
    netlink_append(a, &n->msg, sizeof(n->msg));
    netlink_attribute(a, INET_DIAG_SHUTDOWN, &n->shut, sizeof(n->shut));
    if (n->msg.family == AF_INET6) {
        uint8_t only = n->v6only;

        netlink_attribute(a, INET_DIAG_SKV6ONLY, &only, sizeof(only));
    }
    if (wanted >> (INET_DIAG_SKMEMINFO - 1) & 1) {
        netlink_attribute(a, INET_DIAG_SKMEMINFO, &n->memory,
                          sizeof(n->memory));
    }
    if (n->has_info) {
        netlink_attribute(a, INET_DIAG_INFO, &n->info, sizeof(n->info));
    }
    netlink_end(a);
    return 0;
}

/* All that the query is about: their notes, for kfree(). -ENOMEM. */
static int collect(struct inet_query *query)
{
    inet_learn_names();
    inet_for_each(note_inet, query);
    query->room = query->count + SPARE;
    query->notes = kmalloc(query->room * sizeof(*query->notes));
    if (!query->notes) {
        return -ENOMEM;
    }
    query->count = 0;
    inet_for_each(note_inet, query);
    query->count = MIN(query->count, query->room);
    return 0;
}

static int serve_inet(struct answer *a, const uint8_t *body, size_t len)
{
    struct abi_inet_diag_req q;
    struct inet_query query = {.q = &q};
    bool dump = a->request->flags & NLM_F_DUMP;
    int err;

    if (len < sizeof(q)) {
        return netlink_error(a, -EINVAL);
    }
    memcpy(&q, body, sizeof(q));
    if (q.protocol != IPPROTO_TCP && q.protocol != IPPROTO_UDP &&
        q.protocol != IPPROTO_UDPLITE) {
        return dump ? netlink_done(a) : netlink_error(a, -ENOENT);
    }
    query.by_name = !dump;
    query.filter_len = netlink_find(body + sizeof(q), len - sizeof(q),
                                    INET_DIAG_REQ_BYTECODE, &query.filter);
    if (!dump || !query.filter_len) {
        query.filter = NULL;
    } else if (diag_filter_check(query.filter, query.filter_len)) {
        return netlink_error(a, -EINVAL);
    }
    err = collect(&query);
    for (unsigned i = 0; !err && i < query.count && (dump || !i); i++) {
        err = put_inet(a, &query.notes[i], q.ext, dump ? NLM_F_MULTI : 0);
    }
    kfree(query.notes);
    if (err || dump) {
        return err ? err : netlink_done(a);
    }
    return query.count ? netlink_flush(a) : netlink_error(a, -ENOENT);
}

/* ---- AF_UNIX ---- */

struct unix_note {
    struct abi_unix_diag_msg msg;
    struct unix_name *name; /* counted, or NULL */
    uint32_t peer, uid, queue[2];
    bool has_peer;
    uint8_t shut;
};

struct unix_query {
    const struct abi_unix_diag_req *q;
    struct unix_note *notes;
    unsigned count, room;
    bool by_name;
};

static void note_unix(struct unix_socket *u, void *arg)
{
    struct unix_query *query = arg;
    struct unix_note note = {.msg = {.family = AF_UNIX}};
    struct unix_look look;

    unix_look_at(u, &look);
    note.msg.type = (uint8_t)u->s.type;
    note.msg.state = look.state;
    note.msg.ino = look.ino;
    if (!look.ino) { /* nobody has accepted it */
        return;
    }
    if (query->by_name ? look.ino != query->q->ino
                       : !(query->q->states >> look.state & 1)) {
        return;
    }
    if (query->count < query->room) {
        note.name = look.name;
        note.peer = look.peer;
        note.has_peer = look.has_peer;
        note.uid = look.uid;
        note.shut = look.shut;
        memcpy(note.queue, look.queue, sizeof(note.queue));
        if (note.name) {
            unix_name_ref(note.name);
        }
        query->notes[query->count] = note;
    }
    query->count++;
}

static int put_unix(struct answer *a, const struct unix_note *n, uint32_t show,
                    uint16_t flags)
{
    int err = netlink_make_room(a);

    if (err) {
        return err;
    }
    netlink_begin(a, SOCK_DIAG_BY_FAMILY, flags);
    netlink_append(a, &n->msg, sizeof(n->msg));
    if (show & UDIAG_SHOW_NAME && n->name) {
        netlink_attribute(a, UNIX_DIAG_NAME, n->name->name.path,
                          n->name->len - sizeof(n->name->name.family));
    }
    if (show & UDIAG_SHOW_PEER && n->has_peer) {
        netlink_attribute32(a, UNIX_DIAG_PEER, n->peer);
    }
    if (show & UDIAG_SHOW_RQLEN) {
        netlink_attribute(a, UNIX_DIAG_RQLEN, n->queue, sizeof(n->queue));
    }
    if (show & UDIAG_SHOW_UID) {
        netlink_attribute32(a, UNIX_DIAG_UID, n->uid);
    }
    netlink_attribute(a, UNIX_DIAG_SHUTDOWN, &n->shut, sizeof(n->shut));
    netlink_end(a);
    return 0;
}

static int collect_unix(struct unix_query *query)
{
    unix_for_each(note_unix, query);
    query->room = query->count + SPARE;
    query->notes = kmalloc(query->room * sizeof(*query->notes));
    if (!query->notes) {
        query->room = query->count = 0;
        return -ENOMEM;
    }
    query->count = 0;
    unix_for_each(note_unix, query);
    query->count = MIN(query->count, query->room);
    return 0;
}

static int serve_unix(struct answer *a, const uint8_t *body, size_t len)
{
    struct abi_unix_diag_req q;
    struct unix_query query = {.q = &q};
    bool dump = a->request->flags & NLM_F_DUMP;
    int err;

    if (len < sizeof(q)) {
        return netlink_error(a, -EINVAL);
    }
    memcpy(&q, body, sizeof(q));
    if (!dump && !q.ino) {
        return netlink_error(a, -EINVAL);
    }
    query.by_name = !dump;
    err = collect_unix(&query);
    for (unsigned i = 0; i < query.count; i++) {
        if (!err && (dump || !i)) {
            err = put_unix(a, &query.notes[i], q.show, dump ? NLM_F_MULTI : 0);
        }
        unix_name_unref(query.notes[i].name);
    }
    kfree(query.notes);
    if (err || dump) {
        return err ? err : netlink_done(a);
    }
    return query.count ? netlink_flush(a) : netlink_error(a, -ENOENT);
}

/* ---- requests ---- */

int netlink_serve_diag(struct answer *a, const uint8_t *body, size_t len)
{
    if (a->request->type == SOCK_DESTROY) {
        return netlink_error(a, -EOPNOTSUPP);
    }
    if (a->request->type != SOCK_DIAG_BY_FAMILY) {
        return netlink_error(a, -EINVAL);
    }
    if (len < 2) { /* struct sock_diag_req */
        return netlink_error(a, -EINVAL);
    }
    switch (body[0]) {
    case AF_UNIX:
        return serve_unix(a, body, len);
    case AF_INET:
    case AF_INET6:
        return serve_inet(a, body, len);
    default: /* none of that family has anything to tell */
        return netlink_error(a, body[0] < AF_MAX ? -ENOENT : -EINVAL);
    }
}
