/* SPDX-License-Identifier: MIT
 *
 * Options of IPPROTO_IP, IPV6, TCP, UDP and UDPLITE (ip(7) and its kin),
 * and the ioctls that ask for what waits. A table has the values that each
 * option takes, so that a bad one is refused whether there is a host socket
 * yet or not. What was set is kept, for getsockopt(2) and for the host socket
 * that may come later; what joins and leaves groups is done at once.
 *
 * The list of options is guarded by s->lock.
 */
#include "kernel/net/host.h"
#include "kernel/net/inet_private.h"
#include "kernel/net/netif.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/ioctl.h"

enum { OPTION_MOST = 256 };

enum {
    SWITCH = 1,    /* on or off */
    AT_ONCE = 2,   /* done by the host now, and not kept */
    BYTES = 4,     /* no number */
    GET_ONLY = 8,  /* the host is asked */
    DATAGRAM = 16, /* streams refuse it */
    NO_BYTE = 32,  /* an int, no less */
};

struct row {
    int16_t level, name, flags;
    int32_t least, most;
    uint32_t wants; /* of family_socket */
};

#define ANY INT32_MIN, INT32_MAX

static const struct row rows[] = {
    {IPPROTO_IP, IP_TOS, 0, ANY, 0},
    {IPPROTO_IP, IP_TTL, 0, -1, 255, 0},
    {IPPROTO_IP, IP_RECVOPTS, SWITCH, ANY, 0},
    {IPPROTO_IP, IP_RETOPTS, SWITCH, ANY, 0},
    {IPPROTO_IP, IP_PKTINFO, SWITCH, ANY, WANTS_PKTINFO},
    {IPPROTO_IP, IP_MTU_DISCOVER, 0, 0, 5, 0},
    {IPPROTO_IP, IP_RECVERR, SWITCH, ANY, WANTS_ERRORS},
    {IPPROTO_IP, IP_RECVTTL, SWITCH, ANY, WANTS_TTL},
    {IPPROTO_IP, IP_RECVTOS, SWITCH, ANY, WANTS_TOS},
    {IPPROTO_IP, IP_MTU, GET_ONLY, ANY, 0},
    {IPPROTO_IP, IP_FREEBIND, SWITCH, ANY, 0},
    {IPPROTO_IP, IP_RECVORIGDSTADDR, SWITCH, ANY, WANTS_DESTINATION},
    {IPPROTO_IP, IP_MINTTL, 0, 0, 255, 0},
    {IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, SWITCH, ANY, 0},
    {IPPROTO_IP, IP_MULTICAST_IF, BYTES, ANY, 0},
    {IPPROTO_IP, IP_MULTICAST_TTL, DATAGRAM, -1, 255, 0},
    {IPPROTO_IP, IP_MULTICAST_LOOP, SWITCH, ANY, 0},
    {IPPROTO_IP, IP_MULTICAST_ALL, 0, 0, 1, 0},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, NO_BYTE, -1, 255, 0},
    {IPPROTO_IPV6, IPV6_MULTICAST_IF, NO_BYTE | DATAGRAM, ANY, 0},
    {IPPROTO_IPV6, IPV6_MULTICAST_HOPS, NO_BYTE | DATAGRAM, -1, 255, 0},
    {IPPROTO_IPV6, IPV6_MULTICAST_LOOP, NO_BYTE, 0, 1, 0},
    {IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, AT_ONCE, ANY, 0},
    {IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP, AT_ONCE, ANY, 0},
    {IPPROTO_IPV6, IPV6_MTU_DISCOVER, NO_BYTE, 0, 5, 0},
    {IPPROTO_IPV6, IPV6_MTU, NO_BYTE, 1280, INT32_MAX, 0},
    {IPPROTO_IPV6, IPV6_RECVERR, SWITCH | NO_BYTE, ANY, WANTS_ERRORS6},
    {IPPROTO_IPV6, IPV6_RECVPKTINFO, SWITCH | NO_BYTE, ANY, WANTS_PKTINFO6},
    {IPPROTO_IPV6, IPV6_RECVHOPLIMIT, SWITCH | NO_BYTE, ANY, WANTS_HOPS6},
    {IPPROTO_IPV6, IPV6_RECVTCLASS, SWITCH | NO_BYTE, ANY, WANTS_CLASS6},
    {IPPROTO_IPV6, IPV6_TCLASS, NO_BYTE, -1, 255, 0},
    {IPPROTO_TCP, TCP_NODELAY, SWITCH, ANY, 0},
    {IPPROTO_TCP, TCP_MAXSEG, 0, 88, 32767, 0},
    {IPPROTO_TCP, TCP_CORK, SWITCH, ANY, 0},
    {IPPROTO_TCP, TCP_KEEPIDLE, 0, 1, 32767, 0},
    {IPPROTO_TCP, TCP_KEEPINTVL, 0, 1, 32767, 0},
    {IPPROTO_TCP, TCP_KEEPCNT, 0, 1, 127, 0},
    {IPPROTO_TCP, TCP_SYNCNT, 0, 1, 127, 0},
    {IPPROTO_TCP, TCP_LINGER2, 0, ANY, 0},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT, AT_ONCE, ANY, 0},
    {IPPROTO_TCP, TCP_WINDOW_CLAMP, 0, ANY, 0},
    {IPPROTO_TCP, TCP_INFO, GET_ONLY, ANY, 0},
    {IPPROTO_TCP, TCP_QUICKACK, SWITCH, ANY, 0},
    {IPPROTO_TCP, TCP_CONGESTION, AT_ONCE | BYTES, ANY, 0},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, 0, 0, INT32_MAX, 0},
    {IPPROTO_TCP, TCP_FASTOPEN, 0, 0, INT32_MAX, 0},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT, 0, ANY, 0},
    {IPPROTO_UDPLITE, UDPLITE_SEND_CSCOV, 0, ANY, 0},
    {IPPROTO_UDPLITE, UDPLITE_RECV_CSCOV, 0, ANY, 0},
};

/* Joining and leaving: IPv4's by number, and those of either family. */
static bool is_membership(int level, int name)
{
    return (name >= MCAST_JOIN_GROUP && name <= MCAST_LEAVE_SOURCE_GROUP) ||
           (level == IPPROTO_IP && name >= IP_ADD_MEMBERSHIP &&
            name <= IP_DROP_SOURCE_MEMBERSHIP);
}

static const struct row *find_row(int level, int name)
{
    static const struct row membership = {0, 0, AT_ONCE | BYTES, ANY, 0};

    if (level != IPPROTO_TCP && is_membership(level, name)) {
        return &membership;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].level == level && rows[i].name == name) {
            return &rows[i];
        }
    }
    return NULL;
}

/* ---- what was set ---- */

/* s->lock is held. */
static struct inet_option *find_option(struct inet_socket *i, int level,
                                       int name)
{
    list_for_each (pos, &i->options) {
        struct inet_option *o = list_entry(pos, struct inet_option, node);

        if (o->level == level && o->name == name) {
            return o;
        }
    }
    return NULL;
}

static int keep_option(struct inet_socket *i, int level, int name,
                       const void *value, uint32_t len)
{
    struct inet_option *o = kmalloc(sizeof(*o) + len), *old;

    if (!o) {
        return -ENOMEM;
    }
    o->level = level;
    o->name = name;
    o->len = len;
    memcpy(o->value, value, len);
    spin_lock(&i->s.lock);
    old = find_option(i, level, name);
    if (old) {
        list_del(&old->node);
    }
    list_add_tail(&i->options, &o->node);
    spin_unlock(&i->s.lock);
    kfree(old);
    return 0;
}

/* Its length; 0: it was not set. */
static uint32_t kept_option(struct inet_socket *i, int level, int name,
                            void *value, uint32_t room)
{
    struct inet_option *o;
    uint32_t len = 0;

    spin_lock(&i->s.lock);
    o = find_option(i, level, name);
    if (o) {
        len = MIN(o->len, room);
        memcpy(value, o->value, len);
    }
    spin_unlock(&i->s.lock);
    return len;
}

int32_t inet_option_number(struct inet_socket *i, int level, int name,
                           int32_t other)
{
    int32_t v;

    if (list_empty(&i->options) ||
        kept_option(i, level, name, &v, sizeof(v)) != sizeof(v)) {
        return other;
    }
    return v;
}

void inet_drop_options(struct inet_socket *i)
{
    while (!list_empty(&i->options)) {
        kfree(list_entry(list_pop(&i->options), struct inet_option, node));
    }
}

/* The nth option as a copy; false: there are no more. */
static bool copy_option(struct inet_socket *i, unsigned n,
                        struct inet_option *out)
{
    bool found = false;

    spin_lock(&i->s.lock);
    list_for_each (pos, &i->options) {
        if (n-- == 0) {
            struct inet_option *o = list_entry(pos, struct inet_option, node);

            memcpy(out, o, sizeof(*o) + o->len);
            found = true;
            break;
        }
    }
    spin_unlock(&i->s.lock);
    return found;
}

void inet_option_for_each(struct inet_socket *i,
                          void (*fn)(void *arg, int level, int name,
                                     const void *value, uint32_t len),
                          void *arg)
{
    uint64_t room[(sizeof(struct inet_option) + OPTION_MOST) / 8];
    struct inet_option *o = (struct inet_option *)room;

    for (unsigned n = 0; copy_option(i, n, o); n++) {
        fn(arg, o->level, o->name, o->value, o->len);
    }
}

static void inherit_one(void *arg, int level, int name, const void *value,
                        uint32_t len)
{
    keep_option(arg, level, name, value, len);
}

void inet_inherit_options(struct inet_socket *i, struct inet_socket *from)
{
    family_of(i)->wants = atomic_load_relaxed(&family_of(from)->wants);
    if (!list_empty(&from->options)) {
        inet_option_for_each(from, inherit_one, i);
    }
}

/* ---- setting ---- */

static bool level_fits(const struct socket *s, int level)
{
    return level == IPPROTO_IP ||
           (level == IPPROTO_IPV6 && s->family == AF_INET6) ||
           (level == IPPROTO_TCP && s->type == SOCK_STREAM) ||
           (level == IPPROTO_UDP && s->type == SOCK_DGRAM) ||
           (level == IPPROTO_UDPLITE && s->protocol == IPPROTO_UDPLITE);
}

/* A connected IPv6 socket that speaks IPv4 becomes an IPv4 socket. */
static int set_family(struct inet_socket *i, int32_t number)
{
    int err = 0;

    if (number != AF_INET) {
        return -EINVAL;
    }
    if (!i->peer.port) {
        return -ENOTCONN;
    }
    if (i->v6only || !inet_addr_is_v4(&i->peer)) {
        return -EADDRNOTAVAIL;
    }
    if (i->host) {
        err = host_option(i, IPPROTO_IPV6, IPV6_ADDRFORM, &number,
                          sizeof(number));
    }
    if (!err) {
        i->s.family = AF_INET;
    }
    return err;
}

static int set_v6only(struct inet_socket *i, int32_t number)
{
    if (i->local.port) {
        return -EINVAL;
    }
    i->v6only = number != 0;
    return 0;
}

static void set_wants(struct inet_socket *i, uint32_t bit, bool on)
{
    if (on) {
        atomic_fetch_or(&family_of(i)->wants, bit);
    } else {
        atomic_fetch_and(&family_of(i)->wants, ~bit);
    }
}

static int set_bytes(struct inet_socket *i, const struct row *row, int level,
                     int name, const void *value, uint32_t len)
{
    int err;

    if (len > OPTION_MOST) {
        return -EINVAL;
    }
    if (row->flags & AT_ONCE) {
        err = host_prepare(i);
        return err ? err : host_option(i, level, name, value, len);
    }
    err = host_option(i, level, name, value, len);
    return err ? err : keep_option(i, level, name, value, len);
}

static int set_number(struct inet_socket *i, const struct row *row,
                      int32_t number)
{
    int err;

    if (row->flags & DATAGRAM && i->s.type != SOCK_DGRAM) {
        return row->level == IPPROTO_IP ? -EINVAL : -ENOPROTOOPT;
    }
    if (row->flags & SWITCH) {
        number = number != 0;
    }
    if ((number < row->least || number > row->most ||
         (row->name == IP_TTL && row->level == IPPROTO_IP && !number)) &&
        /* 0: whatever the path says */
        !(number == 0 && (row->name == TCP_MAXSEG || row->name == IPV6_MTU) &&
          row->level != IPPROTO_IP)) {
        return -EINVAL;
    }
    if (row->flags & AT_ONCE) {
        return set_bytes(i, row, row->level, row->name, &number,
                         sizeof(number));
    }
    err = host_option(i, row->level, row->name, &number, sizeof(number));
    if (!err) {
        err = keep_option(i, row->level, row->name, &number, sizeof(number));
    }
    if (!err && row->wants) {
        set_wants(i, row->wants, number);
    }
    return err;
}

static int set_udp(struct inet_socket *i, int name, int32_t number)
{
    if (name != UDP_CORK) {
        return -ENOPROTOOPT;
    }
    family_of(i)->corked = number != 0;
    return number ? 0 : (int)MIN(inet_datagram_uncork(i), 0l);
}

/* Of a checksum, in bytes: all, or at least the header (RFC 3828). */
static int32_t coverage(int32_t number)
{
    return !number ? 0 : MIN(MAX(number, 8), 65535);
}

/* An int, where no less will do; IPv4 takes a byte, and mostly nothing. */
static uint32_t least_size(const struct row *row, int level, int name)
{
    if (level != IPPROTO_IP || (row && row->flags & NO_BYTE)) {
        return sizeof(int32_t);
    }
    return name == IP_TTL || name == IP_MULTICAST_TTL ||
           name == IP_MULTICAST_LOOP;
}

/* SO_BINDTODEVICE: the host does it, with an interface that we know. */
static int bind_to_device(struct inet_socket *i, const void *value,
                          uint32_t len)
{
    char name[IFNAMSIZ] = {0};
    const struct netif *list;
    unsigned n = netif_all(&list);
    int err;

    memcpy(name, value, MIN(len, (uint32_t)sizeof(name) - 1));
    if (!name[0] && !i->host) {
        return 0;
    }
    for (unsigned k = 0; k < n; k++) {
        if (!name[0] || !strcmp(list[k].name, name)) {
            err = host_prepare(i);
            return err ? err
                       : host_option(i, SOL_SOCKET, SO_BINDTODEVICE, name,
                                     sizeof(name));
        }
    }
    return -ENODEV;
}

int inet_setsockopt(struct socket *s, int level, int name, const void *value,
                    uint32_t len)
{
    struct inet_socket *i = inet_of(s);
    const struct row *row = find_row(level, name);
    int32_t number = 0;

    if (level == SOL_SOCKET && name == SO_BINDTODEVICE) {
        return bind_to_device(i, value, len);
    }
    if (level == SOL_SOCKET) {
        return i->host ? host_option(i, level, name, value, len) : -ENOPROTOOPT;
    }
    if (!level_fits(s, level)) {
        return -ENOPROTOOPT;
    }
    if (level == IPPROTO_TCP && name == TCP_ULP) {
        return len ? -ENOENT : -EINVAL; /* no module of that name */
    }
    if (row && row->flags & BYTES) {
        return len ? set_bytes(i, row, level, name, value, len) : -EINVAL;
    }
    if (len < least_size(row, level, name)) {
        return -EINVAL;
    }
    memcpy(&number, value,
           len < sizeof(number) ? MIN(len, 1u) : (uint32_t)sizeof(number));
    if (level == IPPROTO_UDPLITE && row) {
        return set_number(i, row, coverage(number));
    }
    if (level == IPPROTO_UDP || level == IPPROTO_UDPLITE) {
        return set_udp(i, name, number);
    }
    if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY) {
        return set_v6only(i, number);
    }
    if (level == IPPROTO_IPV6 && name == IPV6_ADDRFORM) {
        return set_family(i, number);
    }
    if (!row || row->flags & GET_ONLY) {
        return -ENOPROTOOPT;
    }
    if (level == IPPROTO_IPV6 && row->flags & AT_ONCE) {
        return set_bytes(i, row, level, name, value, len);
    }
    return set_number(i, row, number);
}

/* ---- getting ---- */

static int put_number(void *value, uint32_t *len, int32_t number)
{
    *len = MIN(*len, (uint32_t)sizeof(number));
    memcpy(value, &number, *len);
    return 0;
}

/* -1 stands for what the host has as default: it is asked. */
static bool is_default(const struct row *row, const void *value, uint32_t len)
{
    int32_t number = 0;

    memcpy(&number, value, MIN(len, (uint32_t)sizeof(number)));
    return row && !(row->flags & BYTES) && row->least == -1 && number == -1;
}

int inet_getsockopt(struct socket *s, int level, int name, void *value,
                    uint32_t *len)
{
    const struct row *row = find_row(level, name);
    struct inet_socket *i = inet_of(s);
    uint32_t n;
    int err;

    if (level == SOL_SOCKET && name == SO_BINDTODEVICE && !i->host) {
        *len = 0;
        return 0;
    }
    if (level == SOL_SOCKET) {
        return name == SO_BINDTODEVICE
                   ? host_get_option(i, level, name, value, len)
                   : -ENOPROTOOPT;
    }
    if (!level_fits(s, level)) {
        return s->family == AF_INET ? -EOPNOTSUPP : -ENOPROTOOPT;
    }
    if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY) {
        return put_number(value, len, i->v6only);
    }
    if (level == IPPROTO_UDP || (level == IPPROTO_UDPLITE && !row)) {
        return name == UDP_CORK ? put_number(value, len, family_of(i)->corked)
                                : -ENOPROTOOPT;
    }
    n = kept_option(i, level, name, value, *len);
    if (n && !is_default(row, value, n)) {
        *len = n;
        return 0;
    }
    if (row && row->wants) {
        return put_number(value, len, 0);
    }
    if (level == IPPROTO_IP && name == IP_MTU && !i->peer.port) {
        return -ENOTCONN;
    }
    err = host_prepare(i);
    return err ? err : host_get_option(i, level, name, value, len);
}

long inet_ioctl(struct socket *s, uint32_t cmd, struct uptr arg)
{
    struct inet_socket *i = inet_of(s);
    struct family_socket *f = family_of(i);
    uint32_t len = 0;

    switch (cmd) {
    case FIONREAD:
        if (s->type != SOCK_DGRAM) {
            return -EINVAL;
        }
        spin_lock(&s->lock);
        if (!list_empty(&f->arrivals)) {
            len =
                list_entry(list_first(&f->arrivals), struct arrival, node)->len;
        }
        spin_unlock(&s->lock);
        return put_user32(arg, len);
    case TIOCOUTQ:
        if (f->backlog) {
            return -EINVAL;
        }
        return put_user32(arg, 0);
    case SIOCATMARK:
        return s->type == SOCK_STREAM ? put_user32(arg, 0) : -ENOTTY;
    default:
        return -ENOTTY;
    }
}
