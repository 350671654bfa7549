/* SPDX-License-Identifier: MIT
 *
 * Options of host descriptors. A table says which go to the host: those that
 * change how packets look or when they are sent, and harm nobody. Others stay
 * what socket.c and inet.c have stored.
 *
 * What a connection is asked most often (OFTEN) is not waited for: the value
 * was checked here, and the host has no reason to refuse it.
 */
#include "kernel/net/host/host_private.h"
#include "kernel/core/hostio.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/inet.h"

enum {
    OFTEN = 1,
    LOCAL = 2,
    GET = 4,
    ANY_SIZE = 8,
    DESTINATION = 16, /* what it wants the host tells with PKTINFO */
};

static const struct row {
    int level, name, flags;
} rows[] = {
    {SOL_SOCKET, SO_REUSEADDR, 0},
    {SOL_SOCKET, SO_REUSEPORT, 0},
    {SOL_SOCKET, SO_KEEPALIVE, OFTEN},
    {SOL_SOCKET, SO_BROADCAST, 0},
    {SOL_SOCKET, SO_DONTROUTE, 0},
    {SOL_SOCKET, SO_SNDBUF, 0},
    {SOL_SOCKET, SO_RCVBUF, 0},
    {SOL_SOCKET, SO_BINDTODEVICE, GET | ANY_SIZE},
    {SOL_SOCKET, SO_BINDTOIFINDEX, GET},
    {SOL_SOCKET, SO_MAX_PACING_RATE, ANY_SIZE},
    {IPPROTO_TCP, TCP_NODELAY, OFTEN | GET},
    {IPPROTO_TCP, TCP_MAXSEG, GET},
    {IPPROTO_TCP, TCP_CORK, LOCAL},
    {IPPROTO_TCP, TCP_KEEPIDLE, OFTEN | GET},
    {IPPROTO_TCP, TCP_KEEPINTVL, OFTEN | GET},
    {IPPROTO_TCP, TCP_KEEPCNT, OFTEN | GET},
    {IPPROTO_TCP, TCP_SYNCNT, GET},
    {IPPROTO_TCP, TCP_LINGER2, GET},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT, GET},
    {IPPROTO_TCP, TCP_WINDOW_CLAMP, GET},
    {IPPROTO_TCP, TCP_INFO, GET | ANY_SIZE},
    {IPPROTO_TCP, TCP_QUICKACK, OFTEN | GET},
    {IPPROTO_TCP, TCP_CONGESTION, GET | ANY_SIZE},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, OFTEN | GET},
    {IPPROTO_TCP, TCP_FASTOPEN, GET},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT, GET},
    {IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, GET},
    {IPPROTO_TCP, TCP_TIMESTAMP, GET},
    {IPPROTO_TCP, TCP_CC_INFO, GET | ANY_SIZE},
    {IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, GET},
    {IPPROTO_TCP, TCP_RTO_MAX_MS, GET},
    {IPPROTO_TCP, TCP_RTO_MIN_US, GET},
    {IPPROTO_TCP, TCP_DELACK_MAX_US, GET},
    {IPPROTO_UDP, UDP_NO_CHECK6_TX, GET},
    {IPPROTO_UDP, UDP_NO_CHECK6_RX, GET},
    {IPPROTO_IP, IP_TOS, OFTEN | GET},
    {IPPROTO_IP, IP_TTL, GET},
    {IPPROTO_IP, IP_MTU_DISCOVER, GET},
    {IPPROTO_IP, IP_MTU, GET},
    {IPPROTO_IP, IP_MULTICAST_IF, ANY_SIZE | GET},
    {IPPROTO_IP, IP_MULTICAST_TTL, ANY_SIZE | GET},
    {IPPROTO_IP, IP_MULTICAST_LOOP, ANY_SIZE | GET},
    {IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, GET},
    {IPPROTO_IP, IP_PKTINFO, 0},
    {IPPROTO_IP, IP_RECVERR, 0},
    {IPPROTO_IP, IP_RECVTTL, 0},
    {IPPROTO_IP, IP_RECVTOS, 0},
    {IPPROTO_IP, IP_RECVORIGDSTADDR, DESTINATION},
    {IPPROTO_IP, IP_FREEBIND, GET},
    {IPPROTO_IP, IP_TRANSPARENT, GET},
    {IPPROTO_IP, IP_LOCAL_PORT_RANGE, GET},
    {IPPROTO_IP, IP_UNICAST_IF, GET},
    {IPPROTO_IP, IP_OPTIONS, GET | ANY_SIZE},
    {IPPROTO_IP, IP_MINTTL, GET},
    {IPPROTO_IP, IP_MULTICAST_ALL, GET},
    {IPPROTO_IPV6, IPV6_V6ONLY, 0},
    {IPPROTO_IPV6, IPV6_ADDRFORM, 0},
    {IPPROTO_IPV6, IPV6_RECVERR, 0},
    {IPPROTO_IPV6, IPV6_RECVPKTINFO, 0},
    {IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 0},
    {IPPROTO_IPV6, IPV6_RECVTCLASS, 0},
    {IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, DESTINATION},
    {IPPROTO_IPV6, IPV6_MULTICAST_ALL, GET},
    {IPPROTO_IPV6, IPV6_DONTFRAG, GET},
    {IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, GET},
    {IPPROTO_IPV6, IPV6_ADDR_PREFERENCES, GET},
    {IPPROTO_IPV6, IPV6_MINHOPCOUNT, GET},
    {IPPROTO_IPV6, IPV6_TRANSPARENT, GET},
    {IPPROTO_IPV6, IPV6_FREEBIND, GET},
    {IPPROTO_IPV6, IPV6_UNICAST_IF, GET},
    {IPPROTO_IPV6, IPV6_TCLASS, OFTEN | GET},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, GET},
    {IPPROTO_IPV6, IPV6_MTU_DISCOVER, GET},
    {IPPROTO_IPV6, IPV6_MTU, GET},
    {IPPROTO_IPV6, IPV6_MULTICAST_IF, GET},
    {IPPROTO_IPV6, IPV6_MULTICAST_HOPS, GET},
    {IPPROTO_IPV6, IPV6_MULTICAST_LOOP, GET},
    {IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, ANY_SIZE},
    {IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP, ANY_SIZE},
};

static const struct row *find(int level, int name)
{
    static const struct row group = {0, 0, ANY_SIZE};

    if ((level == IPPROTO_IP && name >= IP_ADD_MEMBERSHIP &&
         name <= IP_DROP_SOURCE_MEMBERSHIP) ||
        ((level == IPPROTO_IP || level == IPPROTO_IPV6) &&
         name >= MCAST_JOIN_GROUP && name <= MCAST_LEAVE_SOURCE_GROUP)) {
        return &group;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].level == level && rows[i].name == name) {
            return &rows[i];
        }
    }
    return NULL;
}

/* ---- setting without waiting ---- */

struct later {
    struct hostio_op op;
    struct host_buffer buf;
};

static void later_done(struct hostio_op *op, int32_t result)
{
    struct later *l = container_of(op, struct later, op);

    buffer_put(&l->buf);
    kfree(l);
}

/* False: it must be waited for after all. */
static bool set_later(int fd, int level, int name, const void *value,
                      uint32_t len)
{
    struct later *l = kzalloc(sizeof(*l));

    if (!l) {
        return false;
    }
    if (!buffer_try(len, &l->buf)) {
        kfree(l);
        return false;
    }
    hostio_provide(&l->buf, 0, value, len);
    l->op.sqe = (struct ring_sqe){.opcode = HOSTOP_SETSOCKOPT,
                                  .fd = fd,
                                  .op_flags = (uint32_t)level,
                                  .off = (uint32_t)name,
                                  .addr = l->buf.at.addr,
                                  .len = len};
    l->op.ring = RING_HOSTOP;
    l->op.done = later_done;
    hostio_start(&l->op);
    return true;
}

/* Taking it back could take from IP_PKTINFO, and too much harms nobody. */
static int ask_destination(struct host_sock *h, int level, const void *value)
{
    int name = level == IPPROTO_IP ? IP_PKTINFO : IPV6_RECVPKTINFO;
    int32_t on;

    memcpy(&on, value, sizeof(on));
    return on ? hostio_setsockopt(h->fd, level, name, &on, sizeof(on)) : 0;
}

static int set(struct host_sock *h, const struct row *row, int level, int name,
               const void *value, uint32_t len)
{
    if (row->flags & LOCAL) {
        return 0;
    }
    if (len > HOSTIO_OPTION_MAX) {
        return -EINVAL;
    }
    if (row->flags & DESTINATION) {
        return ask_destination(h, level, value);
    }
    if (row->flags & OFTEN && len == 4 &&
        set_later(h->fd, level, name, value, len)) {
        return 0;
    }
    return hostio_setsockopt(h->fd, level, name, value, len);
}

int host_option(struct inet_socket *i, int level, int name, const void *value,
                uint32_t len)
{
    const struct row *row = find(level, name);
    struct host_sock *h;
    int err;

    mutex_lock(&i->setup);
    h = host_of(i);
    if (!row || !h || h->fd < 0) {
        err = level == SOL_SOCKET ? -ENOPROTOOPT : 0;
    } else if (!(row->flags & ANY_SIZE) && len < 4) {
        err = -EINVAL;
    } else {
        err = set(h, row, level, name, value, len);
    }
    mutex_unlock(&i->setup);
    return err;
}

int host_get_option(struct inet_socket *i, int level, int name, void *value,
                    uint32_t *len)
{
    const struct row *row = find(level, name);
    uint32_t room = MIN(*len, (uint32_t)HOSTIO_OPTION_MAX);
    struct host_sock *h;
    int n = -ENOPROTOOPT;

    mutex_lock(&i->setup);
    h = host_of(i);
    if (row && row->flags & GET && h && h->fd >= 0) {
        n = hostio_getsockopt(h->fd, level, name, value, room);
    }
    mutex_unlock(&i->setup);
    if (n < 0) {
        return n;
    }
    *len = (uint32_t)n;
    return 0;
}

/* ---- all at once ---- */

struct apply {
    struct inet_socket *i;
    int err;
};

static void apply_one(void *arg, int level, int name, const void *value,
                      uint32_t len)
{
    const struct row *row = find(level, name);
    struct apply *a = arg;

    if (row && !a->err && row->flags & DESTINATION) {
        a->err = ask_destination(host_of(a->i), level, value);
    } else if (row && !a->err && !(row->flags & LOCAL)) {
        a->err = hostio_setsockopt(host_of(a->i)->fd, level, name, value, len);
    }
}

static void apply_flag(struct apply *a, uint32_t flag, int name)
{
    int32_t one = 1;

    if (atomic_load_relaxed(&a->i->s.flags) & flag) {
        apply_one(a, SOL_SOCKET, name, &one, sizeof(one));
    }
}

int host_options_apply(struct inet_socket *i)
{
    struct apply a = {i, 0};
    int32_t only = i->v6only;

    apply_flag(&a, SOCKET_REUSEADDR, SO_REUSEADDR);
    apply_flag(&a, SOCKET_REUSEPORT, SO_REUSEPORT);
    apply_flag(&a, SOCKET_KEEPALIVE, SO_KEEPALIVE);
    apply_flag(&a, SOCKET_BROADCAST, SO_BROADCAST);
    if (i->s.family == AF_INET6) {
        apply_one(&a, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
    }
    inet_option_for_each(i, apply_one, &a);
    return a.err;
}
