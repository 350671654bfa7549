/* SPDX-License-Identifier: MIT
 *
 * AF_NETLINK: its sockets, and building answers, which are queued as datagrams
 * in the socket that asked, under s->lock. What is answered is in
 * netlink_route.c and netlink_diag.c. There are no events: joining a group is
 * accepted and nothing ever comes, which is also all that there is of
 * NETLINK_KOBJECT_UEVENT.
 */
#include "kernel/net/filter.h"
#include "kernel/net/netlink/netlink.h"
#include "kernel/net/netlink/netlink_private.h"
#include "kernel/net/socket.h"
#include "kernel/fs/current.h"
#include "kernel/core/log.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/ioctl.h"
#include "abi/linux/netlink.h"

enum {
    REQUEST_MOST = 4096,
    ANSWER_MOST = 16384, /* a page of links; NETIF_MAX of them fit */
    QUEUE_MOST = 64,
    GROUPS = 64, /* one more than there may be, from 1 on */
    ATTRIBUTE_MOST = 256,
    NLMSG_MIN_TYPE = 16,
};

struct datagram {
    struct list node;
    uint32_t refs; /* atomic: the queue's, and of who looks at it */
    size_t len;
    uint8_t data[];
};

struct netlink {
    struct socket s;
    uint32_t pid;      /* its own address; 0: not bound */
    bool has_groups;   /* it was told of some; never taken back */
    uint64_t groups;   /* a bit each, from 1 on; under s.lock, as the next */
    uint32_t options;  /* a bit for each NETLINK_* that is set */
    struct list queue; /* datagrams; under s.lock */
    unsigned queued;
    struct list all; /* of all sockets; under all_lock */
};

static const struct socket_ops netlink_ops;
/* all_lock guards the list and who has which pid. */
static struct spinlock all_lock = SPINLOCK_INIT(LOCK_POLL);
static struct list all_sockets = LIST_INIT(all_sockets);
static uint32_t next_pid = (uint32_t)-4097;

static struct netlink *netlink_of(struct socket *s)
{
    return container_of(s, struct netlink, s);
}

/* What the socket's filter takes of an answer: false, nothing. */
static bool pass_filter(struct netlink *n, const void *bytes, size_t *len)
{
    const struct bpf_data d = {
        .body = bytes, .len = (uint32_t)*len, .is_packet = true};
    uint32_t kept;
    bool taken = socket_filter_run(&n->s, &d, 1, &kept);

    *len = kept;
    return taken;
}

static int post(struct netlink *n, const void *bytes, size_t len)
{
    struct datagram *d;
    bool full;

    if (socket_has_filter(&n->s) && !pass_filter(n, bytes, &len)) {
        return 0;
    }
    d = kmalloc(sizeof(*d) + len);
    if (!d) {
        return -ENOMEM;
    }
    d->refs = 1;
    d->len = len;
    memcpy(d->data, bytes, len);
    spin_lock(&n->s.lock);
    full = n->queued == QUEUE_MOST;
    if (!full) {
        list_add_tail(&n->queue, &d->node);
        n->queued++;
    }
    spin_unlock(&n->s.lock);
    if (full) {
        kfree(d);
        return -ENOBUFS;
    }
    socket_wake_read(&n->s, POLLIN | POLLRDNORM);
    return 0;
}

/* ---- building answers ---- */

void netlink_append(struct answer *a, const void *data, size_t len)
{
    size_t room = ALIGN_UP(len, 4ul);
    uint8_t *at = a->buf + a->len;

    check(a->len + room <= ANSWER_MOST);
    memset(at, 0, room);
    memcpy(at, data, len);
    a->len += room;
}

void netlink_begin(struct answer *a, uint16_t type, uint16_t flags)
{
    struct abi_nlmsghdr h = {.type = type,
                             .flags = flags,
                             .seq = a->request->seq,
                             .pid = a->to->pid};

    a->message = a->len;
    netlink_append(a, &h, sizeof(h));
}

void netlink_end(struct answer *a)
{
    uint32_t len = (uint32_t)(a->len - a->message);

    memcpy(a->buf + a->message, &len, sizeof(len));
}

void netlink_attribute(struct answer *a, uint16_t type, const void *data,
                       size_t len)
{
    struct abi_rtattr h = {(uint16_t)(sizeof(h) + len), type};
    uint8_t both[sizeof(h) + ATTRIBUTE_MOST];

    check(len <= ATTRIBUTE_MOST);
    memcpy(both, &h, sizeof(h));
    memcpy(both + sizeof(h), data, len);
    netlink_append(a, both, sizeof(h) + len);
}

void netlink_attribute32(struct answer *a, uint16_t type, uint32_t value)
{
    netlink_attribute(a, type, &value, sizeof(value));
}

int netlink_flush(struct answer *a)
{
    size_t len = a->len;

    a->len = 0;
    return post(a->to, a->buf, len);
}

int netlink_make_room(struct answer *a)
{
    return a->len + NETLINK_MESSAGE > ANSWER_MOST ? netlink_flush(a) : 0;
}

int netlink_error(struct answer *a, int error)
{
    bool capped = !error || a->to->options >> NETLINK_CAP_ACK & 1;
    int32_t code = error;

    a->ended = true;
    netlink_begin(a, NLMSG_ERROR, capped ? NLM_F_CAPPED : 0);
    netlink_append(a, &code, sizeof(code));
    netlink_append(a, a->request, sizeof(*a->request));
    if (!capped) {
        netlink_append(a, a->body, a->request->len - sizeof(*a->request));
    }
    netlink_end(a);
    return netlink_flush(a);
}

int netlink_done(struct answer *a)
{
    int32_t zero = 0;
    int err = a->len ? netlink_flush(a) : 0;

    a->ended = true;
    if (!err) {
        netlink_begin(a, NLMSG_DONE, NLM_F_MULTI);
        netlink_append(a, &zero, sizeof(zero));
        netlink_end(a);
        err = netlink_flush(a);
    }
    return err;
}

size_t netlink_find(const uint8_t *attrs, size_t len, uint16_t type,
                    const uint8_t **value)
{
    struct abi_rtattr h;
    size_t found = 0;

    for (size_t at = 0; at < len && len - at >= sizeof(h);
         at += ALIGN_UP(h.len, 4ul)) {
        memcpy(&h, attrs + at, sizeof(h));
        if (h.len < sizeof(h) || h.len > len - at) {
            break;
        }
        if (h.type == type) {
            *value = attrs + at + sizeof(h);
            found = h.len - sizeof(h);
        }
    }
    return found;
}

/* ---- requests ---- */

static int serve_one(struct answer *a)
{
    const struct abi_nlmsghdr *h = a->request;
    size_t len = h->len - sizeof(*h);

    if (!(h->flags & NLM_F_REQUEST) || h->type < NLMSG_MIN_TYPE) {
        return 0;
    }
    switch (a->to->s.protocol) {
    case NETLINK_ROUTE:
        return netlink_serve_route(a, a->body, len);
    case NETLINK_SOCK_DIAG:
        return netlink_serve_diag(a, a->body, len);
    default:
        return netlink_error(a, -EPERM);
    }
}

static int serve(struct netlink *n, const struct abi_nlmsghdr *h,
                 const uint8_t *body, uint8_t *buf)
{
    struct answer a = {.to = n, .request = h, .body = body, .buf = buf};
    int err = serve_one(&a);

    return !err && h->flags & NLM_F_ACK && !a.ended ? netlink_error(&a, 0)
                                                    : err;
}

static int serve_all(struct netlink *n, const uint8_t *data, size_t len)
{
    uint8_t *buf = kmalloc(ANSWER_MOST);
    struct abi_nlmsghdr h;
    int err = buf ? 0 : -ENOMEM;

    for (size_t at = 0; !err && len - at >= sizeof(h);) {
        memcpy(&h, data + at, sizeof(h));
        if (h.len < sizeof(h) || h.len > len - at) {
            break;
        }
        err = serve(n, &h, data + at + sizeof(h), buf);
        at += MIN(ALIGN_UP(h.len, 4ul), len - at);
    }
    kfree(buf);
    return err;
}

/* ---- the socket ---- */

/* all_lock is held. */
static bool is_taken(const struct netlink *n, uint32_t pid)
{
    list_for_each (pos, &all_sockets) {
        const struct netlink *other = list_entry(pos, struct netlink, all);

        if (other != n && other->pid == pid &&
            other->s.protocol == n->s.protocol) {
            return true;
        }
    }
    return false;
}

/* The process's own number for its first socket, others for more. */
static void give_pid(struct netlink *n)
{
    uint32_t pid = (uint32_t)current_proc()->pid;

    spin_lock(&all_lock);
    while (!n->pid && is_taken(n, pid)) {
        pid = next_pid--;
    }
    n->pid = n->pid ? n->pid : pid;
    spin_unlock(&all_lock);
}

static int take_pid(struct netlink *n, uint32_t pid)
{
    int err = 0;

    spin_lock(&all_lock);
    if (n->pid && n->pid != pid) {
        err = -EINVAL;
    } else if (is_taken(n, pid)) {
        err = -EADDRINUSE;
    } else {
        n->pid = pid;
    }
    spin_unlock(&all_lock);
    return err;
}

static int netlink_bind(struct socket *s, const struct abi_sockaddr *name,
                        uint32_t len)
{
    struct netlink *n = netlink_of(s);
    struct abi_sockaddr_nl nl;

    if (len < sizeof(nl) || name->family != AF_NETLINK) {
        return -EINVAL;
    }
    memcpy(&nl, name, sizeof(nl));
    if (nl.pid) {
        int err = take_pid(n, nl.pid);

        if (err) {
            return err;
        }
    }
    spin_lock(&s->lock);
    n->groups = (n->groups & ~(uint64_t)UINT32_MAX) | nl.groups;
    n->has_groups |= nl.groups != 0;
    spin_unlock(&s->lock);
    give_pid(n);
    return 0;
}

static int netlink_connect(struct socket *s, const struct abi_sockaddr *name,
                           uint32_t len, bool nowait)
{
    if (len < sizeof(struct abi_sockaddr_nl) || name->family != AF_NETLINK) {
        return -EINVAL;
    }
    give_pid(netlink_of(s));
    return 0;
}

static long netlink_sendmsg(struct socket *s, struct socket_msg *msg)
{
    struct netlink *n = netlink_of(s);
    size_t len = msg->io->left;
    struct abi_sockaddr_nl to = {.family = AF_NETLINK};
    uint8_t *data;
    long done;

    if (msg->name_len) {
        if (msg->name_len < sizeof(to)) {
            return -EINVAL;
        }
        memcpy(&to, msg->name, sizeof(to));
    }
    if (to.family != AF_NETLINK) {
        return -EINVAL;
    }
    if (to.pid || to.groups) {
        return to.groups ? -EPERM : -ECONNREFUSED;
    }
    if (len > REQUEST_MOST) {
        return -EMSGSIZE;
    }
    data = kmalloc(MAX(len, 1ul));
    if (!data) {
        return -ENOMEM;
    }
    give_pid(n);
    done = iobuf_get(msg->io, data, len);
    if (done == (long)len) {
        int err = serve_all(n, data, len);

        done = err ? err : done;
    } else if (done >= 0) {
        done = -EFAULT;
    }
    kfree(data);
    return done;
}

static void put_datagram(struct datagram *d)
{
    if (atomic_sub_fetch(&d->refs, 1) == 0) {
        kfree(d);
    }
}

/* The first datagram, with a reference, off the queue unless only looked at;
 * NULL: none. */
static struct datagram *next(struct netlink *n, bool peek)
{
    struct datagram *d = NULL;

    spin_lock(&n->s.lock);
    if (!list_empty(&n->queue)) {
        d = list_entry(list_first(&n->queue), struct datagram, node);
        if (peek) {
            atomic_fetch_add(&d->refs, 1);
        } else {
            list_del(&d->node);
            n->queued--;
        }
    }
    spin_unlock(&n->s.lock);
    return d;
}

static bool has_input(struct netlink *n)
{
    return atomic_load_relaxed(&n->queued) != 0;
}

static long netlink_recvmsg(struct socket *s, struct socket_msg *msg)
{
    struct netlink *n = netlink_of(s);
    uint64_t deadline = socket_deadline(s->recv_timeout);
    struct abi_sockaddr_nl from = {.family = AF_NETLINK};
    bool peek = msg->flags & MSG_PEEK;
    struct datagram *d;
    size_t fits;
    long moved;

    if (msg->flags & (MSG_OOB | MSG_ERRQUEUE)) {
        return msg->flags & MSG_OOB ? -EOPNOTSUPP : -EAGAIN;
    }
    for (d = next(n, peek); !d; d = next(n, peek)) {
        int err = msg->nowait ? -EAGAIN
                              : socket_wait(&s->can_read, has_input(n),
                                            s->recv_timeout, deadline);

        if (err) {
            return err;
        }
    }
    fits = MIN(d->len, msg->io->left);
    moved = iobuf_put(msg->io, d->data, fits);
    if (d->len > fits) {
        msg->result |= MSG_TRUNC;
    }
    if (moved >= 0 && msg->flags & MSG_TRUNC) {
        moved = (long)d->len;
    }
    if (msg->want_name) {
        memcpy(msg->name, &from, sizeof(from));
        msg->name_len = sizeof(from);
    }
    if (moved >= 0 && atomic_load_relaxed(&s->flags) & SOCKET_PASSCRED) {
        static const struct abi_ucred kernel;

        socket_put_control(msg, SOL_SOCKET, SCM_CREDENTIALS, &kernel,
                           sizeof(kernel));
    }
    put_datagram(d);
    return moved;
}

static int netlink_getname(struct socket *s, int whose,
                           struct abi_sockaddr *out)
{
    struct netlink *n = netlink_of(s);
    struct abi_sockaddr_nl nl = {.family = AF_NETLINK};

    if (whose == NAME_OWN) {
        nl.pid = n->pid;
        nl.groups = (uint32_t)n->groups;
    }
    memcpy(out, &nl, sizeof(nl));
    return sizeof(nl);
}

/* ---- options: kept, and there is nothing that they could change ---- */

static int set_group(struct netlink *n, uint32_t group, bool in)
{
    if (!group || group >= GROUPS) {
        return -EINVAL;
    }
    spin_lock(&n->s.lock);
    n->has_groups = true;
    n->groups &= ~(1ull << (group - 1));
    n->groups |= (uint64_t)in << (group - 1);
    spin_unlock(&n->s.lock);
    return 0;
}

static bool is_switch(int name)
{
    return (name >= NETLINK_PKTINFO && name <= NETLINK_NO_ENOBUFS) ||
           (name >= NETLINK_CAP_ACK && name <= NETLINK_GET_STRICT_CHK);
}

static int netlink_setsockopt(struct socket *s, int level, int name,
                              const void *value, uint32_t len)
{
    struct netlink *n = netlink_of(s);
    uint32_t number = 0;

    if (level != SOL_NETLINK) {
        return -ENOPROTOOPT;
    }
    memcpy(&number, value, len < sizeof(number) ? 0 : sizeof(number));
    if (name == NETLINK_ADD_MEMBERSHIP || name == NETLINK_DROP_MEMBERSHIP) {
        return set_group(n, number, name == NETLINK_ADD_MEMBERSHIP);
    }
    if (!is_switch(name)) {
        return name == NETLINK_LISTEN_ALL_NSID ? -EPERM : -ENOPROTOOPT;
    }
    spin_lock(&s->lock);
    n->options &= ~(1u << name);
    n->options |= (uint32_t)(number != 0) << name;
    spin_unlock(&s->lock);
    return 0;
}

/* What there is room for; *len: what there would be. */
static int list_groups(struct netlink *n, void *value, uint32_t *len)
{
    uint64_t groups = n->groups;
    uint32_t size = n->s.protocol == NETLINK_ROUTE ? sizeof(groups) : 4;

    size = n->has_groups ? size : 0;
    memcpy(value, &groups, MIN(*len, size));
    *len = size;
    return 0;
}

static int netlink_getsockopt(struct socket *s, int level, int name,
                              void *value, uint32_t *len)
{
    struct netlink *n = netlink_of(s);
    int32_t number;

    if (level != SOL_NETLINK) {
        return -ENOPROTOOPT;
    }
    if (name == NETLINK_LIST_MEMBERSHIPS) {
        return list_groups(n, value, len);
    }
    if (!is_switch(name)) {
        return -ENOPROTOOPT;
    }
    if (*len < sizeof(number)) {
        return -EINVAL;
    }
    number = n->options >> name & 1;
    memcpy(value, &number, *len = sizeof(number));
    return 0;
}

static uint32_t netlink_poll(struct socket *s)
{
    uint32_t bits = POLLOUT | POLLWRNORM;

    return bits | (has_input(netlink_of(s)) ? POLLIN | POLLRDNORM : 0);
}

static void netlink_free(struct socket *s)
{
    struct netlink *n = netlink_of(s);

    spin_lock(&all_lock);
    list_del(&n->all);
    spin_unlock(&all_lock);
    while (!list_empty(&n->queue)) {
        kfree(list_entry(list_pop(&n->queue), struct datagram, node));
    }
    socket_destroy(s);
    kfree(n);
}

static const struct socket_ops netlink_ops = {
    .bind = netlink_bind,
    .connect = netlink_connect,
    .sendmsg = netlink_sendmsg,
    .recvmsg = netlink_recvmsg,
    .getname = netlink_getname,
    .setsockopt = netlink_setsockopt,
    .getsockopt = netlink_getsockopt,
    .poll = netlink_poll,
    .free = netlink_free,
};

bool netlink_is(struct file *f)
{
    struct socket *s = socket_of(f);

    return s && s->ops == &netlink_ops;
}

int netlink_post(struct file *f, const void *bytes, size_t len)
{
    return post(netlink_of(socket_of(f)), bytes, len);
}

static int netlink_create(int family, int type, int protocol,
                          struct socket **out)
{
    struct netlink *n;

    if (type != SOCK_RAW && type != SOCK_DGRAM) {
        return -ESOCKTNOSUPPORT;
    }
    if (protocol != NETLINK_ROUTE && protocol != NETLINK_SOCK_DIAG &&
        protocol != NETLINK_KOBJECT_UEVENT) {
        return -EPROTONOSUPPORT;
    }
    n = kzalloc(sizeof(*n));
    if (!n) {
        return -ENOMEM;
    }
    socket_init(&n->s, &netlink_ops, family, type, protocol);
    list_init(&n->queue);
    spin_lock(&all_lock);
    list_add_tail(&all_sockets, &n->all);
    spin_unlock(&all_lock);
    *out = &n->s;
    return 0;
}

const struct socket_family netlink_family = {
    .family = AF_NETLINK,
    .create = netlink_create,
};
