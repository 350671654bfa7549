/* SPDX-License-Identifier: MIT
 *
 * Interfaces (netif.h). The host is asked by the same ioctls that programs
 * use, index by index; what it answers is checked for shape: a name of
 * printable characters, an address of the right family.
 */
#include "kernel/net/netlink/netif.h"
#include "kernel/net/netlink/netif_other.h"
#include "kernel/net/socket.h"
#include "kernel/core/hostio.h"
#include "kernel/core/hostio_net.h"
#include "kernel/core/sched.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/socket.h"

enum { INDEX_MOST = 64, QUEUE_LENGTH = 1000 };

static struct netif all[NETIF_MAX];
static unsigned count;  /* of them; 0: nobody has asked yet; atomic */
static uint32_t asking; /* somebody does; atomic */

static const struct netif loopback = {
    .name = "lo",
    .index = NETIF_LOOPBACK,
    .mtu = 65536,
    .flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING | IFF_LOWER_UP,
    .hardware_type = ARPHRD_LOOPBACK,
    .ip = {127, 0, 0, 1},
    .prefix = 8,
};

/* ---- asking the host ---- */

static bool ask(int fd, uint32_t cmd, struct abi_ifreq *r)
{
    return hostio_ioctl(fd, cmd, r, sizeof(*r), sizeof(*r)) >= 0;
}

static bool name_is_sane(const char *name)
{
    size_t len = strnlen(name, IFNAMSIZ);

    for (size_t i = 0; i < len; i++) {
        if (name[i] <= ' ' || name[i] > '~' || name[i] == '/') {
            return false;
        }
    }
    return len && len < IFNAMSIZ;
}

static uint8_t prefix_of(const uint8_t mask[4])
{
    uint8_t n = 0;

    while (n < 32 && mask[n / 8] & 0x80 >> n % 8) {
        n++;
    }
    return n;
}

static bool ask_address(int fd, uint32_t cmd, const char *name, uint8_t ip[4])
{
    struct abi_ifreq r = {0};

    memcpy(r.name, name, IFNAMSIZ);
    if (!ask(fd, cmd, &r) || r.addr.family != AF_INET) {
        return false;
    }
    memcpy(ip, r.addr.addr, 4);
    return true;
}

static bool ask_one(int fd, int index, struct netif *out)
{
    struct abi_ifreq r = {.number = index};
    uint8_t mask[4] = {255, 255, 255, 255};

    memset(out, 0, sizeof(*out));
    if (!ask(fd, SIOCGIFNAME, &r) || !name_is_sane(r.name) ||
        !ask_address(fd, SIOCGIFADDR, r.name, out->ip) || out->ip[0] == 127) {
        return false;
    }
    memcpy(out->name, r.name, IFNAMSIZ);
    ask_address(fd, SIOCGIFNETMASK, r.name, mask);
    out->prefix = prefix_of(mask);
    out->index = index;
    out->mtu = ask(fd, SIOCGIFMTU, &r) ? r.number : 1500;
    memcpy(r.name, out->name, IFNAMSIZ);
    out->flags = ask(fd, SIOCGIFFLAGS, &r) ? (uint16_t)r.flags : IFF_UP;
    out->flags &= IFF_UP | IFF_BROADCAST | IFF_RUNNING | IFF_MULTICAST;
    out->flags |= out->flags & IFF_RUNNING ? IFF_LOWER_UP : 0;
    out->hardware_type = ARPHRD_ETHER;
    memcpy(r.name, out->name, IFNAMSIZ);
    if (ask(fd, SIOCGIFHWADDR, &r) && r.hardware.family == ARPHRD_ETHER) {
        memcpy(out->hardware, r.hardware.data, sizeof(out->hardware));
    }
    return true;
}

static unsigned ask_all(void)
{
    int fd = hostio_socket(AF_INET, SOCK_DGRAM, 0);
    unsigned n = 1;

    all[0] = loopback;
    if (fd < 0) {
        return n;
    }
    for (int i = NETIF_LOOPBACK + 1; i < INDEX_MOST && n < NETIF_MAX; i++) {
        n += ask_one(fd, i, &all[n]);
    }
    hostio_close(fd);
    return n;
}

unsigned netif_all(const struct netif **out)
{
    *out = all;
    while (!atomic_load_acquire(&count)) {
        if (!atomic_xchg(&asking, 1)) {
            atomic_store_release(&count, ask_all());
        } else {
            task_prepare_sleep();
            task_sleep_until(clock_now() + NSEC_PER_MSEC);
        }
    }
    return atomic_load_relaxed(&count);
}

/* ---- ioctls ---- */

static const struct netif *find(const struct abi_ifreq *r, bool by_index)
{
    const struct netif *list;
    unsigned n = netif_all(&list);

    for (unsigned i = 0; i < n; i++) {
        if (by_index ? list[i].index == r->number
                     : !strncmp(list[i].name, r->name, IFNAMSIZ)) {
            return &list[i];
        }
    }
    return NULL;
}

static void put_ip(struct abi_ifreq *r, const uint8_t ip[4])
{
    memset(&r->addr, 0, sizeof(r->addr));
    r->addr.family = AF_INET;
    memcpy(r->addr.addr, ip, 4);
}

static void put_mask(struct abi_ifreq *r, const struct netif *n, bool broadcast)
{
    uint32_t mask = n->prefix ? ~0u << (32 - n->prefix) : 0;
    uint8_t ip[4];

    for (int i = 0; i < 4; i++) {
        uint8_t m = mask >> (24 - 8 * i);

        ip[i] = broadcast ? n->ip[i] | (uint8_t)~m : m;
    }
    put_ip(r, ip);
}

static long fill(struct abi_ifreq *r, uint32_t cmd, const struct netif *n)
{
    static const uint8_t none[4];

    switch (cmd) {
    case SIOCGIFNAME:
        memcpy(r->name, n->name, IFNAMSIZ);
        return 0;
    case SIOCGIFFLAGS:
        r->flags = (int16_t)n->flags;
        return 0;
    case SIOCGIFADDR:
    case SIOCGIFDSTADDR:
        put_ip(r, n->ip);
        return 0;
    case SIOCGIFBRDADDR:
        if (n->flags & IFF_BROADCAST) {
            put_mask(r, n, true);
        } else {
            put_ip(r, none);
        }
        return 0;
    case SIOCGIFNETMASK:
        put_mask(r, n, false);
        return 0;
    case SIOCGIFMETRIC:
        r->number = 0;
        return 0;
    case SIOCGIFMTU:
        r->number = n->mtu;
        return 0;
    case SIOCGIFHWADDR:
        memset(&r->hardware, 0, sizeof(r->hardware));
        r->hardware.family = n->hardware_type;
        memcpy(r->hardware.data, n->hardware, sizeof(n->hardware));
        return 0;
    case SIOCGIFINDEX:
        r->number = n->index;
        return 0;
    case SIOCGIFMAP:
        memset(r->room, 0, sizeof(r->room));
        return 0;
    default: /* SIOCGIFTXQLEN */
        r->number = QUEUE_LENGTH;
        return 0;
    }
}

static long get_conf(struct uptr arg)
{
    const struct netif *list;
    unsigned n = netif_all(&list), done = 0;
    struct abi_ifconf conf;
    long err = copy_from_user(&conf, arg, sizeof(conf));

    if (err) {
        return err;
    }
    for (unsigned i = 0; i < n; i++) {
        struct abi_ifreq r = {0};

        if (conf.buf && (int64_t)((done + 1) * sizeof(r)) > conf.len) {
            break;
        }
        memcpy(r.name, list[i].name, IFNAMSIZ);
        put_ip(&r, list[i].ip);
        if (conf.buf) {
            err =
                copy_to_user(uptr(conf.buf + done * sizeof(r)), &r, sizeof(r));
        }
        if (err) {
            return err;
        }
        done++;
    }
    conf.len = (int32_t)(done * sizeof(struct abi_ifreq));
    return copy_to_user(arg, &conf, sizeof(conf));
}

static bool is_known(uint32_t cmd, bool inet)
{
    switch (cmd) {
    case SIOCSIFFLAGS:
    case SIOCGIFNAME:
    case SIOCGIFFLAGS:
    case SIOCGIFMETRIC:
    case SIOCGIFMTU:
    case SIOCGIFHWADDR:
    case SIOCGIFINDEX:
    case SIOCGIFTXQLEN:
    case SIOCGIFMAP:
        return true;
    case SIOCGIFADDR:
    case SIOCGIFDSTADDR:
    case SIOCGIFBRDADDR:
    case SIOCGIFNETMASK:
        return inet;
    default:
        return netif_knows_other(cmd, inet);
    }
}

/* Nothing here can be changed. */
static long set_flags(const struct abi_ifreq *r, const struct netif *n)
{
    if (!socket_capable(CAP_NET_ADMIN_)) {
        return -EPERM;
    }
    return !n ? -ENODEV : r->flags == (int16_t)n->flags ? 0 : -EPERM;
}

long netif_ioctl(uint32_t cmd, struct uptr arg, bool inet)
{
    const struct netif *n;
    struct abi_ifreq r;
    long err;

    if (cmd == SIOCGIFCONF) {
        return get_conf(arg);
    }
    if (!is_known(cmd, inet)) {
        return -ENOTTY;
    }
    err = copy_from_user(&r, arg, sizeof(r));
    if (err) {
        return err;
    }
    if (cmd != SIOCGIFNAME) {
        r.name[IFNAMSIZ - 1] = '\0';
    }
    n = find(&r, cmd == SIOCGIFNAME);
    if (cmd == SIOCSIFFLAGS) {
        return set_flags(&r, n);
    }
    if (netif_knows_other(cmd, inet)) {
        return netif_other(cmd, &r, n);
    }
    if (!n) {
        return -ENODEV;
    }
    fill(&r, cmd, n);
    return copy_to_user(arg, &r, sizeof(r));
}
