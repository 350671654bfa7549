/* SPDX-License-Identifier: MIT
 *
 * What else is asked of interfaces by ioctl(2): to change them, addresses or
 * routes is refused as in a container without CAP_NET_ADMIN, before anybody
 * looks whether there is such an interface (netdevice(7)); what only a driver
 * could answer has the answer of `lo`: EOPNOTSUPP, but for whether there is a
 * link (ethtool(8)).
 */
#include "kernel/net/netlink/netif_other.h"
#include "kernel/mm/uaccess.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/socket.h"

enum verdict {
    UNKNOWN,
    REFUSED, /* whatever interface */
    INVALID,
    ABSENT,  /* a part of the kernel that is not there */
    PACKAGE, /* another one */
    DRIVER,  /* the interface has none that could */
    NOT_OF_THIS_KIND,
};

static const struct row {
    uint16_t first, last;
    uint8_t verdict;
} all[] =
    {
        {0x891e, 0x891e, REFUSED},          /* SIOCSIFMETRIC */
        {0x8922, 0x8924, REFUSED},          /* SIOCSIFMTU, NAME, HWADDR */
        {0x8929, 0x8929, NOT_OF_THIS_KIND}, /* SIOCGIFSLAVE */
        {0x8930, 0x8932,
         REFUSED}, /* SIOCSIFSLAVE, SIOCADDMULTI, SIOCDELMULTI */
        {0x8937, 0x8937, REFUSED}, /* SIOCSIFHWBROADCAST */
        {0x8940, 0x8941, ABSENT},  /* SIOCGIFBR, SIOCSIFBR */
        {0x8943, 0x8943, REFUSED}, /* SIOCSIFTXQLEN */
        {0x8947, 0x8949, REFUSED}, /* SIOCGMIIPHY, SIOCGMIIREG, SIOCSMIIREG */
        {0x894a, 0x894a, DRIVER},  /* SIOCWANDEV */
        {0x894c, 0x894c, REFUSED}, /* SIOCGSKNS */
        {0x8971, 0x8971, REFUSED}, /* SIOCSIFMAP */
        {0x8982, 0x8983, PACKAGE}, /* SIOCGIFVLAN, SIOCSIFVLAN */
        {0x8990, 0x8992, REFUSED}, /* SIOCBONDENSLAVE, RELEASE, SETHWADDR */
        {0x8993, 0x8994, DRIVER},  /* SIOCBONDSLAVEINFOQUERY, INFOQUERY */
        {0x8995, 0x8995, REFUSED}, /* SIOCBONDCHANGEACTIVE */
        {0x89a0, 0x89a3, REFUSED}, /* SIOCBRADDBR, DELBR, ADDIF, DELIF */
        {0x89b0, 0x89b0, REFUSED}, /* SIOCSHWTSTAMP */
        {0x89b1, 0x89b1, DRIVER},  /* SIOCGHWTSTAMP */
        {0x89f0, 0x89ff, DRIVER},  /* SIOCDEVPRIVATE */
},
  inets[] = {
      {0x890b, 0x890c, REFUSED}, /* SIOCADDRT, SIOCDELRT */
      {0x890d, 0x890d, INVALID}, /* SIOCRTMSG */
      {0x8916, 0x8916, REFUSED}, /* SIOCSIFADDR */
      {0x8918, 0x8918, REFUSED}, /* SIOCSIFDSTADDR */
      {0x891a, 0x891a, REFUSED}, /* SIOCSIFBRDADDR */
      {0x891c, 0x891c, REFUSED}, /* SIOCSIFNETMASK */
      {0x8934, 0x8935, INVALID}, /* SIOCSIFENCAP, SIOCGIFENCAP */
      {0x8953, 0x8953, REFUSED}, /* SIOCDARP */
      {0x8955, 0x8955, REFUSED}, /* SIOCSARP */
};

static enum verdict look_up(const struct row *rows, size_t n, uint32_t cmd)
{
    for (size_t i = 0; i < n; i++) {
        if (cmd >= rows[i].first && cmd <= rows[i].last) {
            return rows[i].verdict;
        }
    }
    return UNKNOWN;
}

static long answer(enum verdict v, const struct netif *n)
{
    switch (v) {
    case REFUSED:
        return -EPERM;
    case INVALID:
        return -EINVAL;
    case ABSENT:
        return -EOPNOTSUPP;
    case PACKAGE:
        return -ENOPKG;
    case DRIVER:
        return n ? -EOPNOTSUPP : -ENODEV;
    case NOT_OF_THIS_KIND:
        return n ? -EINVAL : -ENODEV;
    default:
        return -ENOTTY;
    }
}

/* Nothing is kept of who is near. */
static long get_arp(const struct abi_ifreq *r)
{
    uint16_t family;

    memcpy(&family, r, sizeof(family)); /* of struct arpreq.arp_pa */
    return family == AF_INET ? -ENXIO : -EPFNOSUPPORT;
}

/* Commands that anybody may give: they ask (linux/ethtool.h). */
static bool ethtool_asks(uint32_t cmd)
{
    static const uint64_t asks[2] = {
        1ull << 0x01 | 1ull << 0x03 | 1ull << 0x07 | 1ull << 0x0a |
            1ull << 0x0e | 1ull << 0x10 | 1ull << 0x12 | 1ull << 0x14 |
            1ull << 0x16 | 1ull << 0x18 | 1ull << 0x1b | 1ull << 0x1d |
            1ull << 0x1e | 1ull << 0x20 | 1ull << 0x21 | 1ull << 0x23 |
            1ull << 0x25 | 1ull << 0x27 | 1ull << 0x29 | 1ull << 0x2b |
            1ull << 0x2d | 1ull << 0x2e | 1ull << 0x2f | 1ull << 0x30 |
            1ull << 0x37 | 1ull << 0x38 | 1ull << 0x3a | 1ull << 0x3c,
        1ull << 0x01 | 1ull << 0x04 | 1ull << 0x06 | 1ull << 0x08 |
            1ull << 0x0a | 1ull << 0x0c | 1ull << 0x0e | 1ull << 0x10,
    };

    return cmd < 128 && asks[cmd / 64] >> cmd % 64 & 1;
}

static long ethtool(const struct abi_ifreq *r, const struct netif *n)
{
    enum { GET_LINK = 0x0a };
    struct uptr arg = uptr(r->room[0]);
    uint32_t cmd, link;
    int err;

    if (!n) {
        return -ENODEV;
    }
    err = get_user32(&cmd, arg);
    if (err || cmd != GET_LINK) {
        return err ? err : ethtool_asks(cmd) ? -EOPNOTSUPP : -EPERM;
    }
    link = (n->flags & IFF_RUNNING) != 0;
    return put_user32(uptr(arg.addr + sizeof(cmd)), link);
}

bool netif_knows_other(uint32_t cmd, bool inet)
{
    return cmd == SIOCETHTOOL || (inet && cmd == SIOCGARP) ||
           look_up(all, sizeof(all) / sizeof(all[0]), cmd) ||
           (inet && look_up(inets, sizeof(inets) / sizeof(inets[0]), cmd));
}

long netif_other(uint32_t cmd, const struct abi_ifreq *r, const struct netif *n)
{
    enum verdict v = look_up(all, sizeof(all) / sizeof(all[0]), cmd);

    if (cmd == SIOCETHTOOL) {
        return ethtool(r, n);
    }
    if (cmd == SIOCGARP) {
        return get_arp(r);
    }
    return answer(v ? v : look_up(inets, sizeof(inets) / sizeof(inets[0]), cmd),
                  n);
}
