/* SPDX-License-Identifier: MIT
 *
 * AF_INET and AF_INET6 inside the instance (inet.h): who listens or receives
 * here (loop.c), and connections that are two byte streams and no packets
 * (loop_stream.c). The host chose and holds the ports; no data passes it.
 */
#ifndef KERNEL_NET_LOOP_H
#define KERNEL_NET_LOOP_H

#include "kernel/net/inet/inet.h"
#include "kernel/net/stream.h"

struct loop {
    struct list node;      /* among those with the same hash; loop.c's lock */
    struct inet_socket *i; /* not counted */
};

/* i listens, or receives datagrams, at i->local: sockets inside find it until
 * loop_del(). Again: after i->local changed. */
void loop_add(struct inet_socket *i);
void loop_del(struct inet_socket *i);

/* The socket of `protocol` that what goes from `from` to `to` reaches, with a
 * reference; NULL: none inside. A datagram socket that is connected takes
 * only what its peer sends. */
struct inet_socket *loop_find(int protocol, const struct inet_addr *to,
                              const struct inet_addr *from);

/* Where `to` leads and, when i->local is any, whence: 0.0.0.0 is 127.0.0.1. */
void loop_route(const struct inet_socket *i, const struct inet_addr *to,
                struct inet_addr *dest, struct inet_addr *source);

/* connect(2) of a stream that found `listener`: from here on i's operations
 * are loop_stream.c's. -EINPROGRESS: with nowait, or its backlog is full, which
 * loop_wait_connect() waits for; -EAGAIN: it listens no more; -ENOMEM. */
int loop_connect(struct inet_socket *i, struct inet_socket *listener,
                 const struct inet_addr *dest, const struct inet_addr *source,
                 bool nowait);

/* bind(2) of i to `wanted`: a connection inside has that port, without
 * SO_REUSEADDR on both sides. The host knows nothing of it. */
bool loop_port_taken(struct inet_socket *i, const struct inet_addr *wanted);

bool loop_has(const struct socket *s); /* since loop_connect() */
void loop_look_at(struct inet_socket *i, struct inet_look *out);
/* TCP_INFO of a connection inside. False: i is none. */
struct abi_tcp_info;
bool loop_tell_info(struct inet_socket *i, struct abi_tcp_info *out);
int loop_wait_connect(struct socket *s);
/* conn, which waited in its listener's backlog, may be accepted, or never will
 * be: whose other end it is learns it. */
void loop_established(struct inet_socket *conn);
void loop_refused(struct inet_socket *conn);

/* The end of i, which nobody finds any more: connections inside that it had are
 * forgotten. */
void loop_forget(struct inet_socket *i);

#endif
