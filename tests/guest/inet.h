/* SPDX-License-Identifier: MIT
 *
 * What the tests of internet sockets share: names of both families, bound
 * sockets, what poll says.
 */
#ifndef TESTS_GUEST_INET_H
#define TESTS_GUEST_INET_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include "tests/guest/show.h"

union name {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static inline socklen_t len_of(const union name *n)
{
    return n->any.sa_family == AF_INET ? sizeof(n->v4) : sizeof(n->v6);
}

/* A socket bound to a port of ip (IPv6 with colons), and its name. */
static inline int bound(const char *ip, int type, union name *n)
{
    int family = strchr(ip, ':') ? AF_INET6 : AF_INET;
    int s = socket(family, type, 0);
    socklen_t len = sizeof(*n);

    memset(n, 0, sizeof(*n));
    n->any.sa_family = family;
    inet_pton(family, ip,
              family == AF_INET ? (void *)&n->v4.sin_addr
                                : (void *)&n->v6.sin6_addr);
    if (bind(s, &n->any, len_of(n))) {
        printf("bind %s: %s\n", ip, strerrorname_np(errno));
    }
    getsockname(s, &n->any, &len);
    return s;
}

/* Prints what poll says of fd. What crosses the loopback takes a moment
 * natively. */
static inline void bits(const char *what, int fd)
{
    struct pollfd p = {fd, 0x3fff & ~(POLLRDBAND | POLLWRBAND), 0};

    usleep(20000);
    poll(&p, 1, 0);
    printf("%s: %x\n", what, p.revents & ~(POLLRDBAND | POLLWRBAND));
}

#endif
