/* SPDX-License-Identifier: MIT
 *
 * sock_diag(7), NETLINK_SOCK_DIAG: requests and answers about sockets.
 */
#ifndef ABI_LINUX_DIAG_H
#define ABI_LINUX_DIAG_H

#include <stdint.h>

#define SOCK_DIAG_BY_FAMILY 20
#define SOCK_DESTROY        21

/* Attributes of a request, and tests of a filter (INET_DIAG_BC_*). */
#define INET_DIAG_REQ_BYTECODE 1
#define INET_DIAG_INFO         2
enum {
    DIAG_NOP,
    DIAG_JMP,
    DIAG_S_GE,
    DIAG_S_LE,
    DIAG_D_GE,
    DIAG_D_LE,
    DIAG_AUTO,
    DIAG_S_COND,
    DIAG_D_COND,
    DIAG_DEV_COND,
    DIAG_MARK_COND,
    DIAG_S_EQ,
    DIAG_D_EQ,
};

struct abi_inet_diag_id { /* in network order */
    uint16_t sport, dport;
    uint8_t src[16], dst[16];
    uint32_t interface;
    uint32_t cookie[2];
};
_Static_assert(sizeof(struct abi_inet_diag_id) == 48, "inet_diag_sockid");

struct abi_inet_diag_req {
    uint8_t family, protocol, ext, pad;
    uint32_t states; /* a bit each */
    struct abi_inet_diag_id id;
};
_Static_assert(sizeof(struct abi_inet_diag_req) == 56, "inet_diag_req_v2");

struct abi_inet_diag_msg {
    uint8_t family, state, timer, retrans;
    struct abi_inet_diag_id id;
    uint32_t expires, rqueue, wqueue, uid, inode;
};
_Static_assert(sizeof(struct abi_inet_diag_msg) == 72, "inet_diag_msg");

#define INET_DIAG_SKMEMINFO 7
#define INET_DIAG_SHUTDOWN  8
#define INET_DIAG_SKV6ONLY  11

struct abi_diag_memory { /* SK_MEMINFO_* */
    uint32_t rmem, rcvbuf, wmem, sndbuf, forward, queued, options, backlog;
    uint32_t drops;
};

struct abi_unix_diag_req {
    uint8_t family, protocol;
    uint16_t pad;
    uint32_t states, ino, show, cookie[2];
};
_Static_assert(sizeof(struct abi_unix_diag_req) == 24, "unix_diag_req");

struct abi_unix_diag_msg {
    uint8_t family, type, state, pad;
    uint32_t ino, cookie[2];
};
_Static_assert(sizeof(struct abi_unix_diag_msg) == 16, "unix_diag_msg");

#define UDIAG_SHOW_NAME  0x01
#define UDIAG_SHOW_PEER  0x04
#define UDIAG_SHOW_RQLEN 0x10
#define UDIAG_SHOW_UID   0x40

#define UNIX_DIAG_NAME     0
#define UNIX_DIAG_PEER     2
#define UNIX_DIAG_RQLEN    4
#define UNIX_DIAG_SHUTDOWN 6
#define UNIX_DIAG_UID      7

#define TCP_STATE_ESTABLISHED 1
#define TCP_STATE_SYN_SENT    2
#define TCP_STATE_FIN_WAIT1   4
#define TCP_STATE_FIN_WAIT2   5
#define TCP_STATE_CLOSE       7
#define TCP_STATE_CLOSE_WAIT  8
#define TCP_STATE_LAST_ACK    9
#define TCP_STATE_LISTEN      10

#endif
