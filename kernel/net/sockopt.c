/* SPDX-License-Identifier: MIT
 *
 * Options of SOL_SOCKET (socket(7)). What a socket stores is here; a family is
 * told of every change, and asked first when it reads (socket.h).
 */
#include "kernel/net/filter.h"
#include "kernel/net/socket.h"
#include "kernel/fs/current.h"
#include "kernel/fs/procfs/tunable.h"
#include "abi/linux/errno.h"
#include "abi/linux/time.h"
#include "lib/string.h"

enum {
    SEND_LEAST = 4608,
    RECV_LEAST = 2304,
    TIMESTAMPING_KNOWN = 0x7ffff,
};

/* ---- options that are a bit ---- */

static const struct bit {
    int name;
    uint32_t flag;
} bits[] = {
    {SO_REUSEADDR, SOCKET_REUSEADDR},
    {SO_REUSEPORT, SOCKET_REUSEPORT},
    {SO_KEEPALIVE, SOCKET_KEEPALIVE},
    {SO_BROADCAST, SOCKET_BROADCAST},
    {SO_PASSCRED, SOCKET_PASSCRED},
    {SO_OOBINLINE, SOCKET_OOBINLINE},
    {SO_DONTROUTE, SOCKET_DONTROUTE},
    {SO_TIMESTAMP, SOCKET_TIMESTAMP},
    {SO_TIMESTAMP_NEW, SOCKET_TIMESTAMP},
    {SO_TIMESTAMPNS, SOCKET_TIMESTAMPNS},
    {SO_TIMESTAMPNS_NEW, SOCKET_TIMESTAMPNS},
    {SO_DEBUG, SOCKET_DEBUG},
    {SO_RXQ_OVFL, SOCKET_RXQ_OVFL},
    {SO_NO_CHECK, SOCKET_NO_CHECK},
    {SO_PASSSEC, SOCKET_PASSSEC},
    {SO_PASSPIDFD, SOCKET_PASSPIDFD},
    {SO_SELECT_ERR_QUEUE, SOCKET_SELECT_ERRORS},
    {SO_LOCK_FILTER, SOCKET_LOCK_FILTER},
    {SO_NOFCS, SOCKET_NOFCS},
    {SO_WIFI_STATUS, SOCKET_WIFI_STATUS},
    {SO_PREFER_BUSY_POLL, SOCKET_PREFER_BUSY_POLL},
    {SO_ZEROCOPY, SOCKET_ZEROCOPY},
    {SO_RCVMARK, SOCKET_RCVMARK},
    {SO_RCVPRIORITY, SOCKET_RCVPRIORITY},
};

static uint32_t bit_of(int name)
{
    for (unsigned i = 0; i < ARRAY_SIZE(bits); i++) {
        if (bits[i].name == name) {
            return bits[i].flag;
        }
    }
    return 0;
}

static void set_bit(struct socket *s, uint32_t flag, bool on)
{
    if (on) {
        atomic_fetch_or(&s->flags, flag);
    } else {
        atomic_fetch_and(&s->flags, ~flag);
    }
}

/* ---- times ---- */

static int set_timeout(uint64_t *to, const void *value, uint32_t len)
{
    struct abi_timeval tv;

    if (len < sizeof(tv)) {
        return -EINVAL;
    }
    memcpy(&tv, value, sizeof(tv));
    if (tv.usec < 0 || tv.usec >= 1000000) {
        return -EDOM;
    }
    if (tv.sec < 0) { /* Linux: no time at all */
        *to = 1;
    } else if ((uint64_t)tv.sec > INT64_MAX / NSEC_PER_SEC / 2) {
        *to = 0;
    } else {
        *to = tv.sec * NSEC_PER_SEC + tv.usec * NSEC_PER_USEC;
    }
    return 0;
}

static uint32_t get_timeout(uint64_t ns, void *value)
{
    struct abi_timeval tv = {ns / NSEC_PER_SEC,
                             ns % NSEC_PER_SEC / NSEC_PER_USEC};

    memcpy(value, &tv, sizeof(tv));
    return sizeof(tv);
}

/* What nobody can set here, and so is what it is from the start. */
static const struct fixed {
    int name, value;
} fixed[] = {
    {SO_INCOMING_NAPI_ID, 0}, {SO_RESERVE_MEM, 0},     {SO_BSDCOMPAT, 0},
    {SO_SNDLOWAT, 1},         {SO_BPF_EXTENSIONS, 64},
};

/* ---- setting ---- */

bool socket_capable(int cap)
{
    struct fs_cred cred;

    fs_current_cred(&cred);
    return cred.caps >> cap & 1;
}

/* most: NULL where it is forced. */
static uint32_t buffer_size(int32_t value, const struct tunable *most,
                            uint32_t least)
{
    uint32_t size = (uint32_t)value;

    if (most) {
        size = MIN(size, (uint32_t)tunable(most));
    }
    size = MIN(size, (uint32_t)INT32_MAX / 2);
    return MAX(size * 2, least);
}

static int set_linger(struct socket *s, const void *value, uint32_t len)
{
    struct abi_linger l;

    if (len < sizeof(l)) {
        return -EINVAL;
    }
    memcpy(&l, value, sizeof(l));
    set_bit(s, SOCKET_LINGER, l.on);
    if (l.on) {
        s->linger = l.seconds;
    }
    return 0;
}

static int set_buffer(struct socket *s, int name, int32_t v)
{
    bool force = name == SO_SNDBUFFORCE || name == SO_RCVBUFFORCE;

    if (force && !socket_capable(CAP_NET_ADMIN_)) {
        return -EPERM;
    }
    if (name == SO_SNDBUF || name == SO_SNDBUFFORCE) {
        s->send_buffer =
            buffer_size(v, force ? NULL : &tunable_wmem_max, SEND_LEAST);
        atomic_fetch_or(&s->flags, SOCKET_SNDBUF_SET);
        socket_wake_write(s, POLLOUT | POLLWRNORM);
    } else {
        s->recv_buffer =
            buffer_size(v, force ? NULL : &tunable_rmem_max, RECV_LEAST);
        atomic_fetch_or(&s->flags, SOCKET_RCVBUF_SET);
    }
    return 0;
}

static bool is_inet(const struct socket *s)
{
    return s->family == AF_INET || s->family == AF_INET6;
}

static bool is_unix(const struct socket *s)
{
    return s->family == AF_UNIX;
}

/* What goes with messages between processes, which others have not. */
static bool is_for_processes(int name)
{
    return name == SO_PASSCRED || name == SO_PASSSEC || name == SO_PASSPIDFD ||
           name == SO_PASSRIGHTS;
}

static bool takes_of_processes(const struct socket *s, int name)
{
    return is_unix(s) ||
           (!is_inet(s) && name != SO_PASSPIDFD && name != SO_PASSRIGHTS);
}

static int set_flag(struct socket *s, uint32_t flag, int32_t v)
{
    if (flag == SOCKET_REUSEPORT && v && !is_inet(s)) {
        return -EOPNOTSUPP;
    }
    if (flag == SOCKET_ZEROCOPY && !is_inet(s)) {
        return -EOPNOTSUPP;
    }
    if (flag == SOCKET_ZEROCOPY && (v < 0 || v > 1)) {
        return -EINVAL;
    }
    if (flag == SOCKET_RCVMARK && !socket_capable(CAP_NET_RAW_) &&
        !socket_capable(CAP_NET_ADMIN_)) {
        return -EPERM;
    }
    if (flag == SOCKET_LOCK_FILTER) {
        return socket_filter_lock(s, v);
    }
    if (flag == SOCKET_PREFER_BUSY_POLL && v &&
        !socket_capable(CAP_NET_ADMIN_)) {
        return -EPERM;
    }
    if (flag & (SOCKET_TIMESTAMP | SOCKET_TIMESTAMPNS)) { /* one of them */
        set_bit(s, SOCKET_TIMESTAMP | SOCKET_TIMESTAMPNS, false);
    }
    set_bit(s, flag, v);
    if (flag == SOCKET_OOBINLINE && v) {
        socket_watch_urgent(s);
    }
    return 0;
}

static int set_busy_poll(struct socket *s, int32_t v)
{
    if (v > s->busy_poll && !socket_capable(CAP_NET_ADMIN_)) {
        return -EPERM;
    }
    if (v < 0) {
        return -EINVAL;
    }
    s->busy_poll = v;
    return 0;
}

static int set_int(struct socket *s, int name, int32_t v)
{
    uint32_t flag = bit_of(name);

    if (is_for_processes(name) && !takes_of_processes(s, name)) {
        return -EOPNOTSUPP;
    }
    if (flag) {
        return set_flag(s, flag, v);
    }
    switch (name) {
    case SO_PASSRIGHTS:
        set_bit(s, SOCKET_NO_RIGHTS, !v);
        return 0;
    case SO_BUF_LOCK:
        if (v & ~3) {
            return -EINVAL;
        }
        set_bit(s, SOCKET_SNDBUF_SET, v & 1);
        set_bit(s, SOCKET_RCVBUF_SET, v & 2);
        return 0;
    case SO_BUSY_POLL:
        return set_busy_poll(s, v);
    case SO_INCOMING_CPU:
        s->incoming_cpu = v;
        return 0;
    case SO_CNX_ADVICE: /* of routes, of which there are none */
        return 0;
    case SO_DETACH_FILTER:
        return socket_filter_detach(s);
    case SO_SNDBUF:
    case SO_RCVBUF:
    case SO_SNDBUFFORCE:
    case SO_RCVBUFFORCE:
        return set_buffer(s, name, v);
    case SO_PRIORITY:
        if ((v < 0 || v > 6) && !socket_capable(CAP_NET_ADMIN_)) {
            return -EPERM;
        }
        s->priority = v;
        return 0;
    case SO_MARK:
        if (!socket_capable(CAP_NET_ADMIN_)) {
            return -EPERM;
        }
        s->mark = v;
        return 0;
    case SO_RCVLOWAT:
        s->recv_low = v < 0 ? INT32_MAX : v ? v : 1;
        return 0;
    case SO_PEEK_OFF:
        if (s->family != AF_UNIX && !is_inet(s)) {
            return -EOPNOTSUPP;
        }
        s->peek_offset = v;
        return 0;
    case SO_BSDCOMPAT:
        return 0;
    default: /* SO_TYPE and its like included */
        return -ENOPROTOOPT;
    }
}

/* 4 bytes or 8; all ones: no limit. */
static int set_pacing(struct socket *s, const void *value, uint32_t len)
{
    uint64_t rate = 0;

    memcpy(&rate, value, len >= sizeof(rate) ? sizeof(rate) : sizeof(int32_t));
    s->pacing_rate = len < sizeof(rate) && rate == UINT32_MAX ? ~0ull : rate;
    return 0;
}

/* Nobody tells here when something was sent: to be asked for that would be to
 * be waited for in vain. Hardware tells nothing on lo of Linux, either. */
static int set_timestamping(struct socket *s, const void *value, uint32_t len)
{
    uint32_t flags;

    memcpy(&flags, value, sizeof(flags));
    if (flags & ~(uint32_t)TIMESTAMPING_KNOWN) {
        return -EINVAL;
    }
    if (!is_inet(s) || flags & TIMESTAMPING_OF_SENDS) {
        return -ENOPROTOOPT;
    }
    s->timestamping = flags;
    return 0;
}

static int attach(struct socket *s, const void *value, uint32_t len)
{
    struct bpf_program p;

    if (len != sizeof(p)) {
        return -EINVAL;
    }
    memcpy(&p, value, sizeof(p));
    return socket_filter_attach(s, &p);
}

static int set_common(struct socket *s, int name, const void *value,
                      uint32_t len)
{
    int32_t v;
    int err;

    if (name == SO_LINGER) {
        return len < sizeof(v) ? -EINVAL : set_linger(s, value, len);
    }
    if (name == SO_BINDTODEVICE) { /* a family's own */
        return -ENOPROTOOPT;
    }
    if (len < sizeof(v)) {
        return -EINVAL;
    }
    switch (name) {
    case SO_ATTACH_FILTER:
        return attach(s, value, len);
    case SO_MAX_PACING_RATE:
        return set_pacing(s, value, len);
    case SO_TIMESTAMPING:
    case SO_TIMESTAMPING_NEW:
        return set_timestamping(s, value, len);
    case SO_RCVTIMEO:
    case SO_RCVTIMEO_NEW:
        return set_timeout(&s->recv_timeout, value, len);
    case SO_SNDTIMEO:
    case SO_SNDTIMEO_NEW:
        return set_timeout(&s->send_timeout, value, len);
    default:
        memcpy(&v, value, sizeof(v));
        err = set_int(s, name, v);
        return err == -ENOPROTOOPT ? socket_set_seldom(s, name, value, len)
                                   : err;
    }
}

int socket_setsockopt(struct socket *s, int level, int name, const void *value,
                      uint32_t len)
{
    int err = 0, more = -ENOPROTOOPT;

    if (level == SOL_SOCKET) {
        err = set_common(s, name, value, len);
        if (err && err != -ENOPROTOOPT) {
            return err;
        }
    }
    if (s->ops->setsockopt) {
        more = s->ops->setsockopt(s, level, name, value, len);
    } else if (level != SOL_SOCKET) {
        more = -EOPNOTSUPP;
    }
    return level == SOL_SOCKET && more == -ENOPROTOOPT ? err : more;
}

/* ---- getting ---- */

static int get_int(struct socket *s, int name, int32_t *v)
{
    uint32_t flag = bit_of(name);

    if (is_for_processes(name) && !takes_of_processes(s, name)) {
        return -EOPNOTSUPP;
    }
    if (name == SO_PASSRIGHTS) {
        *v = !(atomic_load_relaxed(&s->flags) & SOCKET_NO_RIGHTS);
        return 0;
    }
    if (flag) {
        *v = (atomic_load_relaxed(&s->flags) & flag) != 0;
        return 0;
    }
    switch (name) {
    case SO_TYPE:
        *v = s->type;
        return 0;
    case SO_ERROR:
        *v = socket_take_error(s);
        return 0;
    case SO_DOMAIN:
        *v = s->family;
        return 0;
    case SO_PROTOCOL:
        *v = s->protocol;
        return 0;
    case SO_ACCEPTCONN:
        *v = (atomic_load_relaxed(&s->flags) & SOCKET_LISTENS) != 0;
        return 0;
    case SO_SNDBUF:
        *v = s->send_buffer;
        return 0;
    case SO_RCVBUF:
        *v = s->recv_buffer;
        return 0;
    case SO_PRIORITY:
        *v = s->priority;
        return 0;
    case SO_MARK:
        *v = s->mark;
        return 0;
    case SO_RCVLOWAT:
        *v = s->recv_low;
        return 0;
    case SO_PEEK_OFF:
        if (s->family != AF_UNIX && !is_inet(s)) {
            return -EOPNOTSUPP;
        }
        *v = s->peek_offset;
        return 0;
    case SO_BUF_LOCK:
        *v = (int32_t)(atomic_load_relaxed(&s->flags) / SOCKET_SNDBUF_SET & 3);
        return 0;
    case SO_BUSY_POLL:
        *v = s->busy_poll;
        return 0;
    case SO_INCOMING_CPU:
        *v = s->incoming_cpu;
        return 0;
    default:
        break;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(fixed); i++) {
        if (fixed[i].name == name) {
            *v = fixed[i].value;
            return 0;
        }
    }
    return -ENOPROTOOPT;
}

/* A number that no other socket has. */
uint64_t socket_cookie(struct socket *s)
{
    static uint64_t last;
    uint64_t none = 0;

    if (!atomic_load(&s->cookie)) {
        atomic_cas(&s->cookie, &none, atomic_fetch_add(&last, 1) + 1);
    }
    return atomic_load(&s->cookie);
}

static int get_peer_name(struct socket *s, void *value, uint32_t *len)
{
    struct abi_sockaddr name;
    int n = s->ops->getname(s, NAME_PEER, &name);

    if (n < 0) {
        return n;
    }
    if ((uint32_t)n < *len) {
        return -EINVAL;
    }
    memcpy(value, &name, *len);
    return 0;
}

static int get_common(struct socket *s, int name, void *value, uint32_t *len)
{
    uint8_t buf[16];
    uint32_t size = sizeof(int32_t);
    int err = 0;

    switch (name) {
    case SO_PEERNAME:
        return get_peer_name(s, value, len);
    case SO_PEERCRED: { /* a family without: nobody */
        static const int32_t nobody[3] = {0, -1, -1};

        memcpy(buf, nobody, size = sizeof(nobody));
        break;
    }
    case SO_MAX_PACING_RATE: {
        uint64_t rate = s->pacing_rate;

        size = *len < sizeof(rate) ? sizeof(uint32_t) : sizeof(rate);
        rate = size < sizeof(rate) ? MIN(rate, (uint64_t)UINT32_MAX) : rate;
        memcpy(buf, &rate, sizeof(rate));
        break;
    }
    case SO_TIMESTAMPING:
    case SO_TIMESTAMPING_NEW: { /* with the index of a clock: none */
        uint64_t flags = s->timestamping;

        memcpy(buf, &flags, size = sizeof(flags));
        break;
    }
    case SO_COOKIE: {
        uint64_t cookie = socket_cookie(s);

        if (*len < sizeof(cookie)) {
            return -EINVAL;
        }
        memcpy(buf, &cookie, size = sizeof(cookie));
        break;
    }
    case SO_RCVTIMEO:
    case SO_RCVTIMEO_NEW:
        size = get_timeout(s->recv_timeout, buf);
        break;
    case SO_SNDTIMEO:
    case SO_SNDTIMEO_NEW:
        size = get_timeout(s->send_timeout, buf);
        break;
    case SO_LINGER: {
        struct abi_linger l = {
            (atomic_load_relaxed(&s->flags) & SOCKET_LINGER) != 0, s->linger};

        memcpy(buf, &l, size = sizeof(l));
        break;
    }
    default: {
        int32_t v = 0;

        err = get_int(s, name, &v);
        if (err == -ENOPROTOOPT) {
            return socket_get_seldom(s, name, value, len);
        }
        memcpy(buf, &v, sizeof(v));
        break;
    }
    }
    if (!err) {
        *len = MIN(*len, size);
        memcpy(value, buf, *len);
    }
    return err;
}

int socket_getsockopt(struct socket *s, int level, int name, void *value,
                      uint32_t *len)
{
    int err = -ENOPROTOOPT;

    if (s->ops->getsockopt) {
        err = s->ops->getsockopt(s, level, name, value, len);
    } else if (level != SOL_SOCKET) {
        err = -EOPNOTSUPP;
    }
    return level == SOL_SOCKET && err == -ENOPROTOOPT
               ? get_common(s, name, value, len)
               : err;
}
