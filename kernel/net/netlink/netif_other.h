/* SPDX-License-Identifier: MIT
 *
 * What is asked of interfaces besides SIOCGIF* (netif_other.c).
 */
#ifndef KERNEL_NET_NETIF_OTHER_H
#define KERNEL_NET_NETIF_OTHER_H

#include "kernel/net/netlink/netif.h"

/* inet: of sockets of IP. */
bool netif_knows_other(uint32_t cmd, bool inet);
/* Such a command; n: NULL if there is no such interface. */
long netif_other(uint32_t cmd, const struct abi_ifreq *r,
                 const struct netif *n);

#endif
