/* SPDX-License-Identifier: MIT
 *
 * Options of IPPROTO_IP, IPV6, TCP, UDP and UDPLITE (ip(7) and its kin),
 * and the ioctls that ask for what waits. A table (inet_option.h) has the
 * values that each option takes, so that a bad one is refused whether there is
 * a host socket yet or not. What was set is kept, for getsockopt(2) and for the
 * host socket that may come later; what joins and leaves groups is done at
 * once.
 *
 * The list of options is guarded by s->lock.
 */
#include "kernel/net/inet/inet_option.h"
#include "kernel/net/host/host.h"
#include "kernel/net/inet/inet_private.h"
#include "kernel/net/netlink/netif.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/ioctl.h"

enum { OPTION_MOST = 256 };

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

static void forget_option(struct inet_socket *i, int level, int name)
{
    struct inet_option *o;

    spin_lock(&i->s.lock);
    o = find_option(i, level, name);
    if (o) {
        list_del(&o->node);
    }
    spin_unlock(&i->s.lock);
    kfree(o);
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

/* Of a listener alone. */
static bool is_defer(int level, int name)
{
    return level == IPPROTO_TCP && name == TCP_DEFER_ACCEPT;
}

static void inherit_one(void *arg, int level, int name, const void *value,
                        uint32_t len)
{
    if (!is_defer(level, name)) {
        keep_option(arg, level, name, value, len);
    }
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

static int set_bytes(struct inet_socket *i, const struct inet_option_row *row,
                     int level, int name, const void *value, uint32_t len)
{
    int err;

    if (len > OPTION_MOST) {
        return -EINVAL;
    }
    err = row->flags & (AT_ONCE | ASK) ? host_prepare(i) : 0;
    err = err ? err : host_option(i, level, name, value, len);
    return err || row->flags & AT_ONCE
               ? err
               : keep_option(i, level, name, value, len);
}

static bool is_allowed(const struct inet_option_row *row, int32_t number)
{
    if (row->flags & SWITCH || (row->flags & ZERO_RESETS && !number)) {
        return true;
    }
    if (row->level == IPPROTO_IP && row->name == IP_TTL && !number) {
        return false;
    }
    return number >= row->least && number <= row->most;
}

static int set_number(struct inet_socket *i, const struct inet_option_row *row,
                      int32_t number)
{
    bool stream = i->s.type == SOCK_STREAM;
    int err = 0;

    if (row->flags & DATAGRAM && stream) {
        return row->level == IPPROTO_IP ? -EINVAL : -ENOPROTOOPT;
    }
    if (!is_allowed(row, number)) {
        return -EINVAL;
    }
    number = inet_option_settle(row, stream, number);
    if (row->flags & CLOSED && i->peer.port) {
        return -EINVAL;
    }
    if (row->flags & (AT_ONCE | ASK)) {
        return set_bytes(i, row, row->level, row->name, &number,
                         sizeof(number));
    }
    if (!(row->flags & LOCAL)) {
        err = host_option(i, row->level, row->name, &number, sizeof(number));
    }
    if (!err && row->flags & ZERO_RESETS && !number) {
        forget_option(i, row->level, row->name);
    } else if (!err) {
        err = keep_option(i, row->level, row->name, &number, sizeof(number));
    }
    if (!err && row->wants) {
        set_wants(i, row->wants, number);
    }
    if (!err && is_defer(row->level, row->name)) {
        atomic_store_relaxed(&family_of(i)->defer, (uint32_t)number);
    }
    return err;
}

static int set_cork(struct inet_socket *i, int32_t number)
{
    family_of(i)->corked = number != 0;
    return number ? 0 : (int)MIN(inet_datagram_uncork(i), 0l);
}

/* An int, where no less will do; IPv4 takes a byte, and mostly nothing, and so
 * do two switches of IPv6. */
static uint32_t least_size(const struct inet_option_row *row, int level)
{
    bool may_be_less = level == IPPROTO_IP ||
                       (level == IPPROTO_IPV6 && row && row->flags == SWITCH);

    if (!may_be_less || (row && row->flags & NO_BYTE)) {
        return sizeof(int32_t);
    }
    return row && row->flags & NOT_EMPTY;
}

/* The host does it, with an interface that we know. name: "" none. */
static int bind_to(struct inet_socket *i, const char *name)
{
    int err = !name[0] && !i->host ? 0 : host_prepare(i);

    if (!err && i->host) {
        err = host_option(i, SOL_SOCKET, SO_BINDTODEVICE, name, IFNAMSIZ);
    }
    return err;
}

/* SO_BINDTODEVICE */
static int bind_to_device(struct inet_socket *i, const void *value,
                          uint32_t len)
{
    char name[IFNAMSIZ] = {0};
    const struct netif *list;
    unsigned n = netif_all(&list);

    memcpy(name, value, MIN(len, (uint32_t)sizeof(name) - 1));
    for (unsigned k = 0; name[0] && k < n; k++) {
        if (!strcmp(list[k].name, name)) {
            return bind_to(i, name);
        }
    }
    return name[0] ? -ENODEV : bind_to(i, name);
}

/* SO_BINDTOIFINDEX */
static int bind_to_index(struct inet_socket *i, const void *value, uint32_t len)
{
    char name[IFNAMSIZ] = {0};
    const struct netif *list;
    unsigned n = netif_all(&list);
    int32_t index;

    if (len < sizeof(index)) {
        return -EINVAL;
    }
    memcpy(&index, value, sizeof(index));
    for (unsigned k = 0; index && k < n; k++) {
        if ((int32_t)list[k].index == index) {
            memcpy(name, list[k].name, sizeof(name) - 1);
            return bind_to(i, name);
        }
    }
    return index < 0 ? -EINVAL : index ? -ENODEV : bind_to(i, name);
}

static int set_socket(struct inet_socket *i, int name, const void *value,
                      uint32_t len)
{
    switch (name) {
    case SO_BINDTODEVICE:
        return bind_to_device(i, value, len);
    case SO_BINDTOIFINDEX:
        return bind_to_index(i, value, len);
    default:
        return i->host ? host_option(i, SOL_SOCKET, name, value, len)
                       : -ENOPROTOOPT;
    }
}

/* Repair mode may be left. */
static bool is_no_repair(int level, int name, const void *value)
{
    int32_t number;

    memcpy(&number, value, sizeof(number));
    return level == IPPROTO_TCP && name == TCP_REPAIR &&
           (number == 0 || number == -1);
}

static int refuse(const struct inet_refusal *r, const void *value, uint32_t len)
{
    if (len < r->least) {
        return -EINVAL;
    }
    return r->least && is_no_repair(r->level, r->name, value) ? 0 : r->set;
}

/* Whether s has that option of IPv6, whatever the value. */
static bool is_for(const struct socket *s, const struct inet_option_row *row,
                   int name)
{
    return row ? !(row->flags & DATAGRAM) || s->type != SOCK_STREAM
               : name == IPV6_V6ONLY || name == IPV6_ADDRFORM;
}

/* What is no row of the table. */
static int set_other(struct inet_socket *i, int level, int name, int32_t number)
{
    if (level == IPPROTO_UDP && name == UDP_CORK) {
        return set_cork(i, number);
    }
    if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY) {
        return set_v6only(i, number);
    }
    if (level == IPPROTO_IPV6 && name == IPV6_ADDRFORM) {
        return set_family(i, number);
    }
    if (level == IPPROTO_UDP && name == UDP_ENCAP && !number) {
        return 0; /* none, as before */
    }
    return -ENOPROTOOPT;
}

int inet_setsockopt(struct socket *s, int level, int name, const void *value,
                    uint32_t len)
{
    struct inet_socket *i = inet_of(s);
    const struct inet_option_row *row = inet_option_row(level, name);
    const struct inet_refusal *refusal = inet_refusal(level, name);
    int32_t number = 0;

    if (level == SOL_SOCKET) {
        return set_socket(i, name, value, len);
    }
    if (!level_fits(s, level)) {
        return -ENOPROTOOPT;
    }
    if (refusal) {
        return refuse(refusal, value, len);
    }
    if (level == IPPROTO_TCP && name == TCP_ULP) {
        return len ? -ENOENT : -EINVAL; /* no module of that name */
    }
    if (level == IPPROTO_IP && name == IP_OPTIONS && !len) {
        return 0; /* none, as before */
    }
    if (row && row->flags & BYTES) {
        if (row->flags & DATAGRAM && s->type == SOCK_STREAM) {
            return -EINVAL;
        }
        return len ? set_bytes(i, row, level, name, value, len) : -EINVAL;
    }
    if (level == IPPROTO_IPV6 && !is_for(s, row, name)) {
        return -ENOPROTOOPT;
    }
    if (len < least_size(row, level)) {
        return -EINVAL;
    }
    memcpy(&number, value,
           len < sizeof(number) ? MIN(len, 1u) : (uint32_t)sizeof(number));
    if (!row) {
        return set_other(i, level, name, number);
    }
    if (row->flags & GET_ONLY) { /* to be set by who repairs a connection */
        return level == IPPROTO_TCP && name == TCP_TIMESTAMP ? -EPERM
                                                             : -ENOPROTOOPT;
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
static bool is_default(const struct inet_option_row *row, const void *value,
                       uint32_t len)
{
    int32_t number = 0;

    memcpy(&number, value, MIN(len, (uint32_t)sizeof(number)));
    return row && !(row->flags & BYTES) && row->least == -1 && number == -1;
}

static int get_socket(struct inet_socket *i, int name, void *value,
                      uint32_t *len)
{
    switch (name) {
    case SO_BINDTODEVICE:
        if (!i->host) {
            *len = 0;
            return 0;
        }
        return host_get_option(i, SOL_SOCKET, name, value, len);
    case SO_BINDTOIFINDEX:
        return i->host ? host_get_option(i, SOL_SOCKET, name, value, len)
                       : put_number(value, len, 0);
    default:
        return -ENOPROTOOPT;
    }
}

/* What needs no row. -ENOPROTOOPT: it has one. */
static int get_other(struct inet_socket *i, int level, int name, void *value,
                     uint32_t *len)
{
    if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY) {
        return put_number(value, len, i->v6only);
    }
    if (level == IPPROTO_UDP && name == UDP_CORK) {
        return put_number(value, len, family_of(i)->corked);
    }
    if ((level == IPPROTO_TCP && name == TCP_IS_MPTCP) ||
        (level == IPPROTO_UDP && name == UDP_ENCAP)) {
        return put_number(value, len, 0);
    }
    if (level == IPPROTO_IPV6 && name == IPV6_ADDRFORM) {
        return i->peer.port ? put_number(value, len, i->s.family) : -ENOTCONN;
    }
    if (level == IPPROTO_TCP && (name == TCP_ULP || name == TCP_SAVED_SYN)) {
        *len = 0;
        return 0;
    }
    return -ENOPROTOOPT;
}

static int get_refused(const struct inet_refusal *r, bool stream, void *value,
                       uint32_t *len)
{
    if (r->level == IPPROTO_IP && r->name == IP_PKTOPTIONS && !stream) {
        return -ENOPROTOOPT;
    }
    if (r->get == READS_EMPTY) {
        *len = 0;
    }
    return r->get < 0 ? r->get : put_number(value, len, 0);
}

/* A number of IPv4 for which there is no room becomes a byte, if it is one. */
static int get_less(struct socket *s, int name, void *value, uint32_t *len)
{
    int32_t number = 0;
    uint32_t whole = sizeof(number);
    int err = inet_getsockopt(s, IPPROTO_IP, name, &number, &whole);

    if (!err) {
        *len = number >= 0 && number <= UINT8_MAX ? 1 : *len;
        memcpy(value, &number, *len);
    }
    return err;
}

int inet_getsockopt(struct socket *s, int level, int name, void *value,
                    uint32_t *len)
{
    const struct inet_option_row *row = inet_option_row(level, name);
    const struct inet_refusal *refusal = inet_refusal(level, name);
    struct inet_socket *i = inet_of(s);
    uint32_t n;
    int err;

    if (level == SOL_SOCKET) {
        return get_socket(i, name, value, len);
    }
    if (!level_fits(s, level)) {
        return s->family == AF_INET ? -EOPNOTSUPP : -ENOPROTOOPT;
    }
    if (refusal) {
        return get_refused(refusal, s->type == SOCK_STREAM, value, len);
    }
    if (!row) {
        return get_other(i, level, name, value, len);
    }
    if (level == IPPROTO_IP && !(row->flags & BYTES) && *len &&
        *len < sizeof(int32_t)) {
        return get_less(s, name, value, len);
    }
    n = kept_option(i, level, name, value, *len);
    if (n && !is_default(row, value, n)) {
        *len = n;
        return 0;
    }
    if (level == IPPROTO_IP && name == IP_OPTIONS) {
        *len = 0;
        return 0;
    }
    if (row->wants || row->flags & LOCAL) {
        return put_number(value, len, 0);
    }
    if (level == IPPROTO_IP && name == IP_MTU && !i->peer.port) {
        return -ENOTCONN;
    }
    err = host_prepare(i);
    return err ? err : host_get_option(i, level, name, value, len);
}

/* SIOCGSTAMP, SIOCGSTAMPNS: a second in so many parts. */
static long get_stamp(struct family_socket *f, struct uptr arg, int64_t parts)
{
    int64_t ns = atomic_load_relaxed(&f->stamp);
    int64_t pair[2] = {ns / NSEC_PER_SEC,
                       ns % NSEC_PER_SEC / (NSEC_PER_SEC / parts)};

    return ns < 0 ? -ENOENT : copy_to_user(arg, pair, sizeof(pair));
}

long inet_ioctl(struct socket *s, uint32_t cmd, struct uptr arg)
{
    struct inet_socket *i = inet_of(s);
    struct family_socket *f = family_of(i);
    uint32_t len = 0;

    switch (cmd) {
    case FIONREAD:
        if (f->backlog) {
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
    case SIOCGSTAMP:
    case SIOCGSTAMP_NEW:
        return get_stamp(f, arg, NSEC_PER_SEC / NSEC_PER_USEC);
    case SIOCGSTAMPNS:
    case SIOCGSTAMPNS_NEW:
        return get_stamp(f, arg, NSEC_PER_SEC);
    case SIOCATMARK:
        return s->type == SOCK_STREAM ? put_user32(arg, 0) : -ENOTTY;
    default:
        return -ENOTTY;
    }
}
