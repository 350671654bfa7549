/* SPDX-License-Identifier: MIT
 *
 * Netlink messages (netlink(7)) and those of routing (rtnetlink(7)).
 */
#ifndef ABI_LINUX_NETLINK_H
#define ABI_LINUX_NETLINK_H

#include <stdint.h>

#define NETLINK_ROUTE          0
#define NETLINK_SOCK_DIAG      4
#define NETLINK_KOBJECT_UEVENT 15

struct abi_sockaddr_nl {
    uint16_t family, pad;
    uint32_t pid, groups;
};
_Static_assert(sizeof(struct abi_sockaddr_nl) == 12, "struct sockaddr_nl");

struct abi_nlmsghdr {
    uint32_t len; /* with this header */
    uint16_t type, flags;
    uint32_t seq, pid;
};
_Static_assert(sizeof(struct abi_nlmsghdr) == 16, "struct nlmsghdr");

#define NLMSG_NOOP  1
#define NLMSG_ERROR 2
#define NLMSG_DONE  3

#define NLM_F_REQUEST 1
#define NLM_F_MULTI   2
#define NLM_F_ACK     4
#define NLM_F_CAPPED  0x100 /* of NLMSG_ERROR: the request's header only */
#define NLM_F_ROOT    0x100
#define NLM_F_MATCH   0x200
#define NLM_F_DUMP    (NLM_F_ROOT | NLM_F_MATCH)

#define RTM_NEWLINK  16
#define RTM_GETLINK  18
#define RTM_NEWADDR  20
#define RTM_GETADDR  22
#define RTM_NEWROUTE 24
#define RTM_GETROUTE 26
#define RTM_GETNEIGH 30
#define RTM_GETRULE  34
#define RTM_LAST     123

struct abi_rtattr {
    uint16_t len, type;
};

struct abi_ifinfomsg {
    uint8_t family, pad;
    uint16_t type;
    int32_t index;
    uint32_t flags, change;
};

struct abi_ifaddrmsg {
    uint8_t family, prefix, flags, scope;
    uint32_t index;
};

struct abi_rtmsg {
    uint8_t family, dst_len, src_len, tos, table, protocol, scope, type;
    uint32_t flags;
};

#define IFLA_ADDRESS   1
#define IFLA_BROADCAST 2
#define IFLA_IFNAME    3
#define IFLA_MTU       4
#define IFLA_QDISC     6
#define IFLA_TXQLEN    13
#define IFLA_OPERSTATE 16
#define IFLA_LINKMODE  17

#define IFA_ADDRESS   1
#define IFA_LOCAL     2
#define IFA_LABEL     3
#define IFA_BROADCAST 4
#define IFA_FLAGS     8

#define IFA_F_PERMANENT 0x80

#define RTA_DST       1
#define RTA_OIF       4
#define RTA_PREFSRC   7
#define RTA_CACHEINFO 12
#define RTA_TABLE     15
#define RTA_UID       25

#define RT_TABLE_MAIN     254
#define RT_TABLE_LOCAL    255
#define RTPROT_KERNEL     2
#define RT_SCOPE_UNIVERSE 0
#define RT_SCOPE_LINK     253
#define RT_SCOPE_HOST     254
#define RTN_UNICAST       1
#define RTN_LOCAL         2
#define RTM_F_CLONED      0x200
#define RTCF_LOCAL        0x80000000u

#define SOL_NETLINK 270

#define NETLINK_ADD_MEMBERSHIP   1
#define NETLINK_DROP_MEMBERSHIP  2
#define NETLINK_PKTINFO          3
#define NETLINK_NO_ENOBUFS       5
#define NETLINK_LISTEN_ALL_NSID  8
#define NETLINK_LIST_MEMBERSHIPS 9
#define NETLINK_CAP_ACK          10
#define NETLINK_GET_STRICT_CHK   12

#endif
