/* SPDX-License-Identifier: MIT
 *
 * Filters of sock_diag(7), netlink_diag_filter.c, for netlink_diag.c.
 */
#ifndef KERNEL_NET_NETLINK_DIAG_H
#define KERNEL_NET_NETLINK_DIAG_H

#include "lib/types.h"
#include "abi/linux/diag.h"

/* What a filter asks of a socket besides its message. */
struct diag_facts {
    bool bound_port; /* bind(2) named it */
    uint32_t mark;
};

/* A program that may run: 0 or -EINVAL. */
int diag_filter_check(const uint8_t *code, size_t len);
bool diag_filter_takes(const uint8_t *code, size_t len,
                       const struct abi_inet_diag_msg *m,
                       const struct diag_facts *f);

#endif
