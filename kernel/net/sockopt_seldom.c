/* SPDX-License-Identifier: MIT
 *
 * Options of SOL_SOCKET that few programs use (socket(7), and Linux's
 * <asm/socket.h>): programs in BPF, of which there are none here, times at
 * which to send, which no queue of ours looks at, and what is only told.
 */
#include "kernel/net/filter.h"
#include "kernel/net/socket.h"
#include "abi/linux/errno.h"
#include "lib/string.h"

enum {
    REHASH_MOST = 1, /* and least: -1 */
    BUDGET_MOST = UINT16_MAX,
    CLOCK_MONOTONIC_ = 1,
    CLOCK_TAI_ = 11,
    TXTIME_KNOWN = 3, /* SOF_TXTIME_* */
    THE_NAMESPACE = 1,
};

/* struct sock_txtime */
struct txtime {
    int32_t clock;
    uint32_t flags;
};

/* The numbers of SO_MEMINFO, SK_MEMINFO_*. */
enum { RECEIVED = 0, RECEIVE_MOST, SENT, SEND_MOST, MEMINFO_COUNT = 9 };

static bool is_inet(const struct socket *s)
{
    return s->family == AF_INET || s->family == AF_INET6;
}

static bool is_tcp(const struct socket *s)
{
    return is_inet(s) && s->type == SOCK_STREAM;
}

/* No descriptor is a program here. */
static int refuse_program(int32_t fd)
{
    struct fd f;
    int err = fd_get(fd, &f);

    if (!err) {
        fd_put(&f);
    }
    return err ? err : -EINVAL;
}

static int set_txtime(struct socket *s, const void *value, uint32_t len)
{
    struct txtime t;

    if (len != sizeof(t)) {
        return -EINVAL;
    }
    memcpy(&t, value, sizeof(t));
    if (t.flags & ~(uint32_t)TXTIME_KNOWN) {
        return -EINVAL;
    }
    if (t.clock != CLOCK_TAI_ && !socket_capable(CAP_NET_ADMIN_)) {
        return -EPERM;
    }
    if (t.clock < 0 || t.clock > CLOCK_TAI_) {
        return -EINVAL;
    }
    s->txtime_clock = t.clock;
    s->txtime_flags = t.flags;
    return 0;
}

static int set_budget(struct socket *s, int32_t v)
{
    if (v > s->busy_budget && !socket_capable(CAP_NET_ADMIN_)) {
        return -EPERM;
    }
    if (v < 0 || v > BUDGET_MOST) {
        return -EINVAL;
    }
    s->busy_budget = v;
    return 0;
}

static int set_rehash(struct socket *s, int32_t v)
{
    if (!is_tcp(s)) {
        return -EOPNOTSUPP;
    }
    if (v < -REHASH_MOST || v > REHASH_MOST) {
        return -EINVAL;
    }
    s->no_rehash = !v;
    return 0;
}

int socket_set_seldom(struct socket *s, int name, const void *value,
                      uint32_t len)
{
    int32_t v;

    memcpy(&v, value, sizeof(v));
    switch (name) {
    case SO_ATTACH_BPF:
    case SO_ATTACH_REUSEPORT_EBPF:
        return len == sizeof(v) ? refuse_program(v) : -EINVAL;
    case SO_DETACH_REUSEPORT_BPF:
        return -EINVAL; /* none is attached */
    case SO_ATTACH_REUSEPORT_CBPF:
        return len == sizeof(struct bpf_program) ? -ENOPROTOOPT : -EINVAL;
    case SO_TXTIME:
        return set_txtime(s, value, len);
    case SO_BUSY_POLL_BUDGET:
        return set_budget(s, v);
    case SO_RESERVE_MEM: /* of a control group's */
        return v < 0 ? -EINVAL : -EOPNOTSUPP;
    case SO_TXREHASH:
        return set_rehash(s, v);
    case SO_DEVMEM_DONTNEED:
        return is_tcp(s) ? -EINVAL : -EBADF;
    default:
        return -ENOPROTOOPT;
    }
}

static void put(void *value, uint32_t *len, const void *from, uint32_t size)
{
    *len = MIN(*len, size);
    memcpy(value, from, *len);
}

static int get_meminfo(struct socket *s, void *value, uint32_t *len)
{
    uint32_t info[MEMINFO_COUNT] = {
        [RECEIVE_MOST] = s->recv_buffer, [SEND_MOST] = s->send_buffer};

    put(value, len, info, sizeof(info));
    return 0;
}

int socket_get_seldom(struct socket *s, int name, void *value, uint32_t *len)
{
    struct txtime t = {s->txtime_clock, s->txtime_flags};
    uint64_t cookie = THE_NAMESPACE;
    int32_t number;

    switch (name) {
    case SO_MEMINFO:
        return get_meminfo(s, value, len);
    case SO_PEERGROUPS:
    case SO_PEERPIDFD:
        return -ENODATA; /* who has a peer says so before (unix.c) */
    case SO_TXTIME:
        put(value, len, &t, sizeof(t));
        return 0;
    case SO_NETNS_COOKIE:
        if (*len != sizeof(cookie)) {
            return -EINVAL;
        }
        put(value, len, &cookie, sizeof(cookie));
        return 0;
    case SO_TXREHASH:
        number = !s->no_rehash;
        put(value, len, &number, sizeof(number));
        return is_tcp(s) ? 0 : -EOPNOTSUPP;
    default:
        return -ENOPROTOOPT;
    }
}
