/* SPDX-License-Identifier: MIT
 *
 * How often things happened, for /proc/net/snmp and netstat (proc_snmp.c).
 * Nobody counts packets here, and so not all that RFC 4022 and 4113 name.
 */
#ifndef KERNEL_NET_COUNT_H
#define KERNEL_NET_COUNT_H

#include "lib/atomic.h"
#include "lib/types.h"

enum net_count {
    TCP_ACTIVE_OPENS,
    TCP_PASSIVE_OPENS,
    TCP_ATTEMPT_FAILS,
    TCP_ESTAB_RESETS,
    TCP_OUT_RSTS,
    UDP_IN,
    UDP_NO_PORTS,
    UDP_OUT,
    UDP_RECV_ERRORS,
    NET_COUNTS,
};

extern uint64_t net_counts[NET_COUNTS]; /* atomic */

static inline void net_count(enum net_count what)
{
    atomic_fetch_add(&net_counts[what], 1);
}

#endif
