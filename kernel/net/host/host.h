/* SPDX-License-Identifier: MIT
 *
 * The outside half of AF_INET and AF_INET6, as inet.c calls it. Addresses of
 * i->local and of arguments were checked; -errno as the call would give it.
 * i->setup is held where a name or a descriptor is given: in host_bind(),
 * host_listen(), host_connect(), which lets it go while it waits, and
 * host_connect_datagram(); the others take it.
 */
#ifndef KERNEL_NET_HOST_H
#define KERNEL_NET_HOST_H

#include "kernel/net/inet/inet.h"

/* bind(2): i->local is wanted (port 0: any) and free inside. Reserves it at
 * the host when sockets outside are to reach it; may choose the port. 0 also
 * when there is nothing to do. -EADDRINUSE, -EADDRNOTAVAIL, -EACCES. */
int host_bind(struct inet_socket *i);

/* listen(2) of a bound stream socket: from here on outside clients come by
 * inet_listener_push(). Called again when the backlog changes. */
int host_listen(struct inet_socket *i, int backlog);

/* connect(2) of a stream to where nobody inside listens; i may be bound. Takes
 * the socket over (inet.h) and waits unless nowait. On loopback addresses,
 * -ECONNREFUSED when the policy keeps us off the host's own services. */
int host_connect(struct inet_socket *i, const struct inet_addr *to,
                 bool nowait);

/* A datagram to where no socket inside is; i is bound already. Bytes sent. */
long host_send_datagram(struct inet_socket *i, struct socket_msg *msg,
                        const struct inet_addr *to,
                        const struct inet_control *control);
/* connect(2) of a datagram socket to an outside address; to NULL: undone. */
int host_connect_datagram(struct inet_socket *i, const struct inet_addr *to);

/* An option of any level was set, to a value that it can have; the host is told
 * if it has a part in it and there is a host socket (i->host). SOL_SOCKET:
 * -ENOPROTOOPT when it has not. */
int host_option(struct inet_socket *i, int level, int name, const void *value,
                uint32_t len);

/* Makes i a descriptor at the host, if it has none yet: to ask it. */
int host_prepare(struct inet_socket *i);
/* getsockopt(2) of what the host knows, likewise: at most *len bytes, *len
 * becomes the length. -ENOPROTOOPT. */
int host_get_option(struct inet_socket *i, int level, int name, void *value,
                    uint32_t *len);

/* shutdown(2) of a listening socket, and the end of a socket that is not the
 * host's for good; i->host is not NULL. */
void host_stop(struct inet_socket *i);

/* connect(2) to AF_UNSPEC: i->host's connection ends by a reset, at once. What
 * others may still look at goes with host_forget(), when nobody can. */
void host_undo(struct inet_socket *i);
void host_forget(struct inet_socket *i);

/* i, which is the host's for good, as inet_look_at(). */
void host_look_at(struct inet_socket *i, struct inet_look *out);
/* i is, and the host has given it a name that nobody has asked for: asks. */
bool host_lacks_name(struct inet_socket *i);
void host_ask_name(struct inet_socket *i);

/* Whether a is an address of this machine that a program may bind. */
bool host_owns_address(const struct inet_addr *a);

/* At boot: the rules of a bundle's policy hold from now on; NULL: none. */
struct policy;
void host_set_policy(const struct policy *p);

/* The instance is about to end: waits, for a while, until the host has what
 * programs have written and closed. */
void host_finish(void);

#endif
