/* SPDX-License-Identifier: MIT
 *
 * Filters of sockets: socket(7)'s SO_ATTACH_FILTER and its kin. A family asks
 * socket_has_filter() of the receiver, and then socket_filter_run() for each
 * packet, without a spinlock.
 */
#ifndef KERNEL_NET_FILTER_H
#define KERNEL_NET_FILTER_H

#include "kernel/net/socket.h"
#include "lib/bpf.h"

static inline bool socket_has_filter(const struct socket *s)
{
    return unlikely(atomic_load_relaxed(&s->filter) != NULL);
}

/* Whether s takes the packet, and how many bytes of it, at least `least`, its
 * header. */
bool socket_filter_run(struct socket *s, const struct bpf_data *data,
                       uint32_t least, uint32_t *kept);

/* -EINVAL, -EFAULT, -ENOMEM; -EPERM: SO_LOCK_FILTER. */
int socket_filter_attach(struct socket *s, const struct bpf_program *p);
int socket_filter_detach(struct socket *s); /* -ENOENT, -EPERM */
/* SO_LOCK_FILTER, for good: when it returns, neither comes any more. -EPERM: it
 * is to be undone. */
int socket_filter_lock(struct socket *s, bool on);
/* SO_GET_FILTER: how many instructions there are; with room for as many, they
 * are copied. -EINVAL, -EFAULT. */
long socket_filter_get(struct socket *s, struct uptr to, uint32_t room);

void socket_filter_inherit(struct socket *s, const struct socket *from);
void socket_filter_destroy(struct socket *s);

/* A packet of IP inside or from outside, for its receiver's filter. */
struct inet_packet {
    const struct inet_addr *from, *to;
    int32_t interface, ttl, tos;
    uint32_t len; /* bytes behind IP's header */
    uint8_t protocol;
};

enum { INET_HEADERS = 54 }; /* bytes of the two longest */

/* The headers of link and network, made up, but for checksums; and *data of
 * them: what follows, the caller adds, as it does head_len, body, payload. */
void inet_make_packet(const struct inet_packet *p, uint8_t *out,
                      struct bpf_data *data);

#endif
