/* SPDX-License-Identifier: MIT
 *
 * Control messages to and from the host. What goes is laid out here from what
 * the program asked for (struct inet_control), never passed on as it is. What
 * comes is read from a copy, with the length that the host gave it clamped to
 * what there is; a message of another kind, or of a wrong length, is not
 * there.
 */
#include "kernel/net/host/host_private.h"
#include "kernel/core/timer.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/inet.h"

enum { V4_AT = 12, ERRNO_MOST = 133 };

/* ---- to the host ---- */

static uint32_t add(uint8_t *out, uint32_t at, int level, int type,
                    const void *data, size_t len)
{
    struct abi_cmsghdr h = {sizeof(h) + len, level, type};

    memset(out + at, 0, ALIGN_UP(h.len, 8ul));
    memcpy(out + at, &h, sizeof(h));
    memcpy(out + at + sizeof(h), data, len);
    return at + (uint32_t)ALIGN_UP(h.len, 8ul);
}

uint32_t host_control_put(const struct inet_socket *i,
                          const struct inet_addr *to,
                          const struct inet_control *c, uint8_t *out)
{
    bool v4 = i->s.family == AF_INET || inet_addr_is_v4(to);
    struct abi_in_pktinfo four = {.interface = c->interface};
    struct abi_in6_pktinfo six = {.interface = (uint32_t)c->interface};
    uint32_t at = 0;

    if (c->interface || !inet_addr_is_any(&c->source)) {
        memcpy(four.local, c->source.ip + V4_AT, sizeof(four.local));
        memcpy(six.to, c->source.ip, sizeof(six.to));
        at = v4 ? add(out, at, IPPROTO_IP, IP_PKTINFO, &four, sizeof(four))
                : add(out, at, IPPROTO_IPV6, IPV6_PKTINFO, &six, sizeof(six));
    }
    if (c->ttl >= 0) {
        at = add(out, at, v4 ? IPPROTO_IP : IPPROTO_IPV6,
                 v4 ? IP_TTL : IPV6_HOPLIMIT, &c->ttl, sizeof(c->ttl));
    }
    if (c->tos >= 0) {
        at = add(out, at, v4 ? IPPROTO_IP : IPPROTO_IPV6,
                 v4 ? IP_TOS : IPV6_TCLASS, &c->tos, sizeof(c->tos));
    }
    return at;
}

/* ---- from the host ---- */

struct message {
    int level, type;
    const uint8_t *data;
    uint64_t len;
};

static bool next(const uint8_t *control, uint32_t len, uint32_t *at,
                 struct message *out)
{
    struct abi_cmsghdr h;

    if (len - *at < sizeof(h)) {
        return false;
    }
    memcpy(&h, control + *at, sizeof(h));
    if (h.len < sizeof(h) || h.len > len - *at) {
        return false;
    }
    *out = (struct message){h.level, h.type, control + *at + sizeof(h),
                            h.len - sizeof(h)};
    *at += (uint32_t)MIN(ALIGN_UP(h.len, 8ul), (uint64_t)(len - *at));
    return true;
}

static bool take(const struct message *m, int level, int type, void *to,
                 size_t len)
{
    if (m->level != level || m->type != type || m->len < len) {
        return false;
    }
    memcpy(to, m->data, len);
    return true;
}

static void look_at(const struct message *m, struct inet_info *out)
{
    struct abi_in_pktinfo four;
    struct abi_in6_pktinfo six;
    uint8_t byte;
    int32_t number;

    if (take(m, IPPROTO_IP, IP_PKTINFO, &four, sizeof(four))) {
        out->interface = four.interface;
        memset(out->to.ip, 0, sizeof(out->to.ip));
        out->to.ip[10] = out->to.ip[11] = 0xff;
        memcpy(out->to.ip + V4_AT, four.to, sizeof(four.to));
        memcpy(out->own, four.local, sizeof(out->own));
    } else if (take(m, IPPROTO_IPV6, IPV6_PKTINFO, &six, sizeof(six))) {
        out->interface = (int32_t)six.interface;
        memcpy(out->to.ip, six.to, sizeof(six.to));
    } else if (take(m, IPPROTO_IP, IP_TTL, &number, sizeof(number)) ||
               take(m, IPPROTO_IPV6, IPV6_HOPLIMIT, &number, sizeof(number))) {
        out->ttl = number & 0xff;
    } else if (take(m, IPPROTO_IPV6, IPV6_TCLASS, &number, sizeof(number))) {
        out->tos = number & 0xff;
    } else if (take(m, IPPROTO_IP, IP_TOS, &byte, sizeof(byte))) {
        out->tos = byte;
    }
}

void host_control_get(const struct inet_socket *i, const uint8_t *control,
                      uint32_t len, struct inet_info *out)
{
    struct message m;
    uint32_t at = 0;

    *out = (struct inet_info){.to = i->local, .time = clock_realtime()};
    while (next(control, len, &at, &m)) {
        look_at(&m, out);
    }
}

bool host_control_error(const uint8_t *control, uint32_t len,
                        struct inet_error *out)
{
    struct abi_extended_err e;
    struct message m;
    uint32_t at = 0;

    while (next(control, len, &at, &m)) {
        struct abi_sockaddr name = {0};
        uint64_t left;

        if (!take(&m, IPPROTO_IP, IP_RECVERR, &e, sizeof(e)) &&
            !take(&m, IPPROTO_IPV6, IPV6_RECVERR, &e, sizeof(e))) {
            continue;
        }
        if (!e.error || e.error > ERRNO_MOST) {
            return false;
        }
        *out = (struct inet_error){.error = e.error,
                                   .origin = e.origin,
                                   .type = e.type,
                                   .code = e.code,
                                   .info = e.info};
        left = MIN(m.len - sizeof(e), (uint64_t)sizeof(name));
        memcpy(&name, m.data + sizeof(e), left);
        if (inet_addr_get(&out->offender, name.family, &name, (uint32_t)left)) {
            memset(&out->offender, 0, sizeof(out->offender));
        }
        out->offender.port = 0;
        return true;
    }
    return false;
}
