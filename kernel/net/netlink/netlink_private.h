/* SPDX-License-Identifier: MIT
 *
 * What the files of AF_NETLINK share: netlink.c has the sockets,
 * netlink_route.c answers NETLINK_ROUTE, netlink_diag.c NETLINK_SOCK_DIAG.
 *
 * An answer is built in a buffer, message by message, and queued in the socket
 * that asked when it is full or done.
 */
#ifndef KERNEL_NET_NETLINK_PRIVATE_H
#define KERNEL_NET_NETLINK_PRIVATE_H

#include "kernel/net/socket.h"
#include "abi/linux/netlink.h"

enum { NETLINK_MESSAGE = 1024 }; /* bytes; no message of an answer is longer */

struct netlink;

struct answer {
    struct netlink *to;
    const struct abi_nlmsghdr *request;
    const uint8_t *body; /* of the request */
    uint8_t *buf;
    size_t len, message; /* where the current message starts */
    bool ended;          /* with an error or a list's end: nothing follows */
};

void netlink_append(struct answer *a, const void *data, size_t len);
void netlink_begin(struct answer *a, uint16_t type, uint16_t flags);
void netlink_end(struct answer *a);
/* Between those two. len <= 256. */
void netlink_attribute(struct answer *a, uint16_t type, const void *data,
                       size_t len);
void netlink_attribute32(struct answer *a, uint16_t type, uint32_t value);

/* Queues what was built as one datagram. All of these: -ENOMEM, -ENOBUFS. */
int netlink_flush(struct answer *a);
/* The same, unless there is room for another message. */
int netlink_make_room(struct answer *a);
/* What ends an answer; that all went well is said without. */
int netlink_error(struct answer *a, int error);
int netlink_done(struct answer *a);

/* The value of the last attribute `type` of those at attrs; its length, 0:
 * there is none. */
size_t netlink_find(const uint8_t *attrs, size_t len, uint16_t type,
                    const uint8_t **value);

/* Requests of a protocol: body is what follows a->request, len bytes. */
int netlink_serve_route(struct answer *a, const uint8_t *body, size_t len);
int netlink_serve_diag(struct answer *a, const uint8_t *body, size_t len);

#endif
