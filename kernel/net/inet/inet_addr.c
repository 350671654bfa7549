/* SPDX-License-Identifier: MIT
 *
 * Internet addresses (inet.h): always kept in IPv6 form, IPv4 mapped, so that
 * nobody else has to tell the two apart.
 */
#include "kernel/net/inet/inet.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/inet.h"

enum { IN6_LEAST = 24 }; /* without the scope, as RFC 2133 had it */

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
static const uint8_t zeros[16];

bool inet_addr_is_v4(const struct inet_addr *a)
{
    return !memcmp(a->ip, mapped, sizeof(mapped));
}

bool inet_addr_is_any(const struct inet_addr *a)
{
    return !memcmp(a->ip, zeros, 16) ||
           (inet_addr_is_v4(a) && !memcmp(a->ip + 12, zeros, 4));
}

bool inet_addr_is_loopback(const struct inet_addr *a)
{
    return inet_addr_is_v4(a) ? a->ip[12] == 127
                              : !memcmp(a->ip, zeros, 15) && a->ip[15] == 1;
}

bool inet_addr_is_multicast(const struct inet_addr *a)
{
    return inet_addr_is_v4(a) ? (a->ip[12] & 0xf0) == 0xe0 : a->ip[0] == 0xff;
}

bool inet_addr_equal(const struct inet_addr *a, const struct inet_addr *b)
{
    return a->port == b->port && !memcmp(a->ip, b->ip, sizeof(a->ip));
}

static int get_v4(struct inet_addr *out, const struct abi_sockaddr *name,
                  uint32_t len)
{
    struct abi_sockaddr_in in;

    if (len < sizeof(in)) {
        return -EINVAL;
    }
    memcpy(&in, name, sizeof(in));
    /* AF_UNSPEC with no address is what old programs bind to. */
    if (in.family != AF_INET &&
        (in.family != AF_UNSPEC || memcmp(in.addr, zeros, 4))) {
        return -EAFNOSUPPORT;
    }
    memcpy(out->ip, mapped, sizeof(mapped));
    memcpy(out->ip + 12, in.addr, 4);
    out->port = __builtin_bswap16(in.port);
    return 0;
}

static int get_v6(struct inet_addr *out, const struct abi_sockaddr *name,
                  uint32_t len)
{
    struct abi_sockaddr_in6 in = {0};

    if (len < IN6_LEAST) {
        return -EINVAL;
    }
    memcpy(&in, name, MIN(len, (uint32_t)sizeof(in)));
    if (in.family != AF_INET6) {
        return -EAFNOSUPPORT;
    }
    memcpy(out->ip, in.addr, 16);
    out->port = __builtin_bswap16(in.port);
    out->scope = in.scope_id;
    return 0;
}

int inet_addr_get(struct inet_addr *out, int family,
                  const struct abi_sockaddr *name, uint32_t len)
{
    memset(out, 0, sizeof(*out));
    return family == AF_INET ? get_v4(out, name, len) : get_v6(out, name, len);
}

uint32_t inet_addr_put(struct abi_sockaddr *name, int family,
                       const struct inet_addr *addr)
{
    struct abi_sockaddr_in6 in6 = {.family = AF_INET6, .scope_id = addr->scope};
    struct abi_sockaddr_in in = {.family = AF_INET};

    if (family == AF_INET) {
        in.port = __builtin_bswap16(addr->port);
        memcpy(in.addr, addr->ip + 12, 4);
        memcpy(name, &in, sizeof(in));
        return sizeof(in);
    }
    in6.port = __builtin_bswap16(addr->port);
    memcpy(in6.addr, addr->ip, 16);
    memcpy(name, &in6, sizeof(in6));
    return sizeof(in6);
}
