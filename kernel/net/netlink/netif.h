/* SPDX-License-Identifier: MIT
 *
 * Network interfaces as programs see them: `lo`, and the host's interfaces
 * that have an IPv4 address, with the index, name and address that the host
 * tells (which nobody should trust). The host is asked once.
 */
#ifndef KERNEL_NET_NETIF_H
#define KERNEL_NET_NETIF_H

#include "kernel/fs/file.h"
#include "abi/linux/inet.h"

enum { NETIF_MAX = 16, NETIF_LOOPBACK = 1 };

struct netif {
    char name[IFNAMSIZ]; /* with a NUL */
    int32_t index, mtu;
    uint32_t flags; /* IFF_* */
    uint16_t hardware_type;
    uint8_t hardware[6];
    uint8_t ip[4], prefix; /* IPv4 */
};

/* All of them, `lo` first. May wait. */
unsigned netif_all(const struct netif **out);

/* netdevice(7), ethtool(8); inet: of a socket of IP. -ENOTTY: another command;
 * -ENODEV, -EADDRNOTAVAIL, -EPERM. */
long netif_ioctl(uint32_t cmd, struct uptr arg, bool inet);

#endif
