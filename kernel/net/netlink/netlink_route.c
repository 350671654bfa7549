/* SPDX-License-Identifier: MIT
 *
 * NETLINK_ROUTE (rtnetlink(7)): what getifaddrs(3), ip(8) and the runtimes of
 * Go, node and java ask. Links, addresses and routes are listed from netif.c,
 * which knows the interfaces, but no gateways; everything that would change
 * something is -EPERM, what does not exist here is an empty list.
 */
#include "kernel/net/netlink/netif.h"
#include "kernel/net/netlink/netlink_private.h"
#include "kernel/fs/current.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/ioctl.h"

enum { OPERSTATE_UNKNOWN = 0, OPERSTATE_UP = 6 };

/* ---- what there is ---- */

static void put_link(struct answer *a, const struct netif *n, uint16_t multi)
{
    struct abi_ifinfomsg m = {
        .type = n->hardware_type, .index = n->index, .flags = n->flags};
    uint8_t state =
        n->index == NETIF_LOOPBACK ? OPERSTATE_UNKNOWN : OPERSTATE_UP;
    uint8_t all_ones[6], mode = 0;

    memset(all_ones, n->index == NETIF_LOOPBACK ? 0 : 0xff, sizeof(all_ones));
    netlink_begin(a, RTM_NEWLINK, multi);
    netlink_append(a, &m, sizeof(m));
    netlink_attribute(a, IFLA_IFNAME, n->name, strlen(n->name) + 1);
    netlink_attribute32(a, IFLA_TXQLEN, 1000);
    netlink_attribute(a, IFLA_OPERSTATE, &state, 1);
    netlink_attribute(a, IFLA_LINKMODE, &mode, 1);
    netlink_attribute32(a, IFLA_MTU, (uint32_t)n->mtu);
    netlink_attribute(a, IFLA_ADDRESS, n->hardware, sizeof(n->hardware));
    netlink_attribute(a, IFLA_BROADCAST, all_ones, sizeof(all_ones));
    netlink_attribute(a, IFLA_QDISC, "noqueue", 8);
    netlink_end(a);
}

static void put_address(struct answer *a, const struct netif *n)
{
    bool lo = n->index == NETIF_LOOPBACK;
    struct abi_ifaddrmsg m = {.family = AF_INET,
                              .prefix = n->prefix,
                              .flags = IFA_F_PERMANENT,
                              .scope = lo ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE,
                              .index = (uint32_t)n->index};
    uint32_t ip, mask = n->prefix ? ~0u << (32 - n->prefix) : 0;

    memcpy(&ip, n->ip, 4);
    netlink_begin(a, RTM_NEWADDR, NLM_F_MULTI);
    netlink_append(a, &m, sizeof(m));
    netlink_attribute(a, IFA_ADDRESS, &ip, 4);
    netlink_attribute(a, IFA_LOCAL, &ip, 4);
    if (n->flags & IFF_BROADCAST) {
        netlink_attribute32(a, IFA_BROADCAST, ip | ~__builtin_bswap32(mask));
    }
    netlink_attribute(a, IFA_LABEL, n->name, strlen(n->name) + 1);
    netlink_attribute32(a, IFA_FLAGS, IFA_F_PERMANENT);
    netlink_end(a);
}

static void put_address6(struct answer *a)
{
    struct abi_ifaddrmsg m = {.family = AF_INET6,
                              .prefix = 128,
                              .flags = IFA_F_PERMANENT,
                              .scope = RT_SCOPE_HOST,
                              .index = NETIF_LOOPBACK};
    uint8_t ip[16] = {[15] = 1};

    netlink_begin(a, RTM_NEWADDR, NLM_F_MULTI);
    netlink_append(a, &m, sizeof(m));
    netlink_attribute(a, IFA_ADDRESS, ip, sizeof(ip));
    netlink_attribute32(a, IFA_FLAGS, IFA_F_PERMANENT);
    netlink_end(a);
}

/* The route to the network that the interface is on. */
static void put_route(struct answer *a, const struct netif *n)
{
    bool lo = n->index == NETIF_LOOPBACK;
    struct abi_rtmsg m = {.family = AF_INET,
                          .dst_len = n->prefix,
                          .table = lo ? RT_TABLE_LOCAL : RT_TABLE_MAIN,
                          .protocol = RTPROT_KERNEL,
                          .scope = lo ? RT_SCOPE_HOST : RT_SCOPE_LINK,
                          .type = lo ? RTN_LOCAL : RTN_UNICAST};
    uint32_t ip, mask = n->prefix ? ~0u << (32 - n->prefix) : 0;

    memcpy(&ip, n->ip, 4);
    netlink_begin(a, RTM_NEWROUTE, NLM_F_MULTI);
    netlink_append(a, &m, sizeof(m));
    netlink_attribute32(a, RTA_TABLE, m.table);
    netlink_attribute32(a, RTA_DST, ip & __builtin_bswap32(mask));
    netlink_attribute(a, RTA_PREFSRC, &ip, 4);
    netlink_attribute32(a, RTA_OIF, (uint32_t)n->index);
    netlink_end(a);
}

static void put_all(struct answer *a, uint16_t type, uint8_t family)
{
    const struct netif *list;
    unsigned n = netif_all(&list);

    for (unsigned i = 0; i < n; i++) {
        if (type == RTM_GETLINK) {
            put_link(a, &list[i], NLM_F_MULTI);
        } else if (family != AF_INET6) {
            if (type == RTM_GETADDR) {
                put_address(a, &list[i]);
            } else {
                put_route(a, &list[i]);
            }
        }
    }
    if (type == RTM_GETADDR && family != AF_INET) {
        put_address6(a);
    }
}

/* ---- the way to one address ---- */

static bool is_in(const struct netif *n, const uint8_t *ip)
{
    uint32_t mask = n->prefix ? ~0u << (32 - n->prefix) : 0, a, b;

    memcpy(&a, n->ip, 4);
    memcpy(&b, ip, 4);
    return !((a ^ b) & __builtin_bswap32(mask));
}

/* The interface by which ip is reached; *local: it is this machine. NULL:
 * there is none. Which one has a gateway nobody says: it is the first. */
static const struct netif *way_to(const uint8_t *ip, bool *local)
{
    const struct netif *list, *found = NULL;
    unsigned n = netif_all(&list);

    *local = false;
    for (unsigned i = 0; i < n; i++) {
        if (!memcmp(list[i].ip, ip, 4) || (!i && is_in(&list[i], ip))) {
            *local = true;
            return &list[0];
        }
        if (is_in(&list[i], ip)) {
            found = &list[i];
        }
    }
    return found ? found : n > 1 ? &list[1] : NULL;
}

static int put_way(struct answer *a, const uint8_t *ip)
{
    static const uint8_t unused[32]; /* struct rta_cacheinfo */
    bool local;
    const struct netif *n = way_to(ip, &local);
    struct abi_rtmsg m = {.family = AF_INET,
                          .dst_len = 32,
                          .table = RT_TABLE_MAIN,
                          .type = local ? RTN_LOCAL : RTN_UNICAST,
                          .flags = RTM_F_CLONED | (local ? RTCF_LOCAL : 0)};

    if (!n) {
        return netlink_error(a, -ENETUNREACH);
    }
    netlink_begin(a, RTM_NEWROUTE, 0);
    netlink_append(a, &m, sizeof(m));
    netlink_attribute32(a, RTA_TABLE, m.table);
    netlink_attribute(a, RTA_DST, ip, 4);
    netlink_attribute32(a, RTA_OIF, (uint32_t)n->index);
    netlink_attribute(a, RTA_PREFSRC, local && !is_in(n, ip) ? ip : n->ip, 4);
    netlink_attribute32(a, RTA_UID, current_proc()->cred.uid);
    netlink_attribute(a, RTA_CACHEINFO, unused, sizeof(unused));
    netlink_end(a);
    return netlink_flush(a);
}

/* RTM_GETROUTE without NLM_F_DUMP. */
static int one_route(struct answer *a, const uint8_t *body, size_t len)
{
    struct abi_rtmsg m;
    const uint8_t *ip;
    size_t n;

    if (len < sizeof(m)) {
        return netlink_error(a, -EINVAL);
    }
    memcpy(&m, body, sizeof(m));
    if (m.family == AF_INET6) {
        return netlink_error(a, -ENETUNREACH);
    }
    if (m.family != AF_INET) {
        return netlink_error(a, -EOPNOTSUPP);
    }
    n = netlink_find(body + sizeof(m), len - sizeof(m), RTA_DST, &ip);
    if (n < 4) { /* to any address: as connect(2) takes it */
        static const uint8_t loopback[] = {127, 0, 0, 1};

        return n ? netlink_error(a, -EINVAL) : put_way(a, loopback);
    }
    return put_way(a, ip);
}

/* ---- requests ---- */

static bool lists(uint16_t type)
{
    return type == RTM_GETLINK || type == RTM_GETADDR || type == RTM_GETROUTE;
}

/* RTM_GETLINK of one: by index, or by the attribute IFLA_IFNAME. */
static int one_link(struct answer *a, const uint8_t *body, size_t len)
{
    const struct netif *list;
    unsigned n = netif_all(&list);
    struct abi_ifinfomsg m;
    const uint8_t *value = body;
    size_t n_len;
    char name[IFNAMSIZ] = "";

    if (len < sizeof(m)) {
        return netlink_error(a, -EINVAL);
    }
    memcpy(&m, body, sizeof(m));
    n_len =
        netlink_find(body + sizeof(m), len - sizeof(m), IFLA_IFNAME, &value);
    memcpy(name, value, MIN(n_len, sizeof(name) - 1));
    for (unsigned i = 0; i < n; i++) {
        if (m.index > 0 ? list[i].index == m.index
                        : name[0] && !strcmp(list[i].name, name)) {
            put_link(a, &list[i], 0);
            return netlink_flush(a);
        }
    }
    return netlink_error(a, -ENODEV);
}

/* RTM_NEWLINK that asks for an interface to be up that is so. */
static bool is_up_already(const uint8_t *body, size_t len)
{
    const struct netif *list;
    unsigned count = netif_all(&list);
    struct abi_ifinfomsg m;

    if (len < sizeof(m)) {
        return false;
    }
    memcpy(&m, body, sizeof(m));
    if (m.change & ~(uint32_t)IFF_UP || !(m.flags & IFF_UP)) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        if (list[i].index == m.index) {
            return list[i].flags & IFF_UP;
        }
    }
    return false;
}

int netlink_serve_route(struct answer *a, const uint8_t *body, size_t len)
{
    const struct abi_nlmsghdr *h = a->request;

    if (h->type > RTM_LAST) {
        return netlink_error(a, -EOPNOTSUPP);
    }
    if ((h->type & 3) != 2) { /* not a GET: it would change something */
        if (h->type == RTM_NEWLINK && is_up_already(body, len)) {
            return 0;
        }
        return netlink_error(a, -EPERM);
    }
    if (h->flags & NLM_F_DUMP) {
        if (lists(h->type)) {
            put_all(a, h->type, len ? body[0] : AF_UNSPEC);
        }
        return netlink_done(a);
    }
    switch (h->type) {
    case RTM_GETLINK:
        return one_link(a, body, len);
    case RTM_GETROUTE:
        return one_route(a, body, len);
    default:
        return netlink_error(a, -EOPNOTSUPP);
    }
}
