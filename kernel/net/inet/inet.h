/* SPDX-License-Identifier: MIT
 *
 * AF_INET and AF_INET6: what the family's files share. inet.c is the family:
 * names, options that both sides have, and the one decision, taken at bind,
 * listen, connect and send: does it stay inside (loop.h: 127.0.0.0/8, ::1 and
 * own addresses with a socket of ours behind the port), or does it go to the
 * host (host.h)?
 *
 * A socket is born inside. A stream that connects outside becomes the host's
 * for good: inet.c calls host_connect(), which sets i->s.ops to its own table
 * and i->host to its own state; no call goes through inet.c from then on. A
 * listening socket stays inside and serves both: host_listen() lets the host
 * side queue connections with inet_listener_push(). A datagram socket stays
 * inside, too: host_send_datagram() sends what leaves, inet_datagram_push()
 * queues what comes, so that there is one receive queue and one poll.
 */
#ifndef KERNEL_NET_INET_H
#define KERNEL_NET_INET_H

#include "kernel/net/socket.h"

/* Always in IPv6 form: IPv4 is ::ffff:a.b.c.d. */
struct inet_addr {
    uint8_t ip[16];
    uint16_t port;  /* host order */
    uint32_t scope; /* sin6_scope_id */
};

enum { DATAGRAM_MOST = 65507 }; /* bytes */

/* What is told of a datagram besides its data. */
struct inet_info {
    struct inet_addr to; /* where it was sent; the port is the receiver's */
    uint8_t own[4];      /* IPv4: of a group's, the interface's; 0: as `to` */
    int32_t interface;   /* that it came by */
    int32_t ttl, tos;    /* hop limit and traffic class of IPv6 */
    int64_t time;        /* ns since the epoch */
};

/* What one send asks for, besides what options say. */
struct inet_control {
    struct inet_addr source; /* any: no matter which */
    int32_t interface;       /* 0: no matter which */
    int32_t ttl, tos;        /* -1: as the options say */
    uint32_t segment;        /* bytes of each datagram; 0: as the option says */
};

/* struct sock_extended_err and who sent it, of ip(7)'s error queue. */
struct inet_error {
    uint32_t error; /* an errno; 0: none */
    uint8_t origin, type, code;
    uint32_t info;
    struct inet_addr offender;
};

struct loop; /* loop.c: where sockets inside find it */
struct side; /* loop_stream.c: its end of a connection inside */

struct inet_socket {
    struct socket s;
    /* LOCK_FS_INODE, within cork_lock: held while a name is given, while host,
     * loop or side come or go, and s.ops with them. Not while data moves. */
    struct mutex setup;
    struct inet_addr local; /* port 0: not bound */
    struct inet_addr peer;  /* port 0: not connected */
    bool bound_address;     /* bind(2) named an address (or any) itself */
    bool bound_port;        /* bind(2) named the port itself */
    bool v6only;            /* IPV6_V6ONLY */
    /* Options of IPPROTO_TCP, IP, IPV6 as set so far: the host side applies
     * them when it takes the socket over (inet_option_for_each). */
    struct list options;
    void *host;        /* host.c's own, or NULL */
    void *undone;      /* the same */
    struct loop *loop; /* or NULL */
    struct side *side; /* or NULL */
};

static inline struct inet_socket *inet_of(struct socket *s)
{
    return container_of(s, struct inet_socket, s);
}

/* ops->free of every table of the family: frees the socket and its options. */
void inet_free(struct socket *s);
/* A stream whose connection was undone is what it was before; what bind(2) has
 * named stays, and so does SO_ERROR. */
void inet_reborn(struct inet_socket *i);
/* Such a one has failed to connect, which the next connect(2) says. */
void inet_failed(struct inet_socket *i);
/* FIONREAD, TIOCOUTQ, SIOCATMARK before a stream is connected, and of
 * datagrams. -ENOTTY. */
long inet_ioctl(struct socket *s, uint32_t cmd, struct uptr arg);

/* sendmsg(2) with MSG_FASTOPEN and a name (tcp(7)): without a cookie from an
 * earlier connection, it connects and then sends. */
long inet_fast_open(struct socket *s, struct socket_msg *msg);

/* SO_TIMESTAMP and SO_TIMESTAMPNS of a stream: bytes have come, if anybody asks
 * when (0: nobody); what a receive tells of the last of them. */
static inline int64_t inet_stamp(const struct socket *s)
{
    const uint32_t wants = SOCKET_TIMESTAMP | SOCKET_TIMESTAMPNS;

    return unlikely(atomic_load_relaxed(&s->flags) & wants || s->timestamping)
               ? clock_realtime()
               : 0;
}
void inet_put_time(struct socket *s, struct socket_msg *msg, int64_t time);

/* TCP_INQ was set; a receive tells that so many bytes are left, and that no
 * more come. */
bool inet_tells_left(struct inet_socket *i);
void inet_put_left(struct socket_msg *msg, uint64_t left, bool ended);

/* setsockopt(2) and getsockopt(2) of every table of the family. */
int inet_setsockopt(struct socket *s, int level, int name, const void *value,
                    uint32_t len);
int inet_getsockopt(struct socket *s, int level, int name, void *value,
                    uint32_t *len);

/* What others are told of a socket (inet_look.c). */
struct inet_look {
    uint8_t state;   /* TCP_STATE_* */
    uint8_t shut;    /* 1: receiving, 2: sending */
    uint32_t rx, tx; /* bytes, or connections that wait and may */
    uint32_t drops, uid;
    uint64_t ino, cookie;
};
/* Under inet_for_each(). */
void inet_look_at(struct inet_socket *i, struct inet_look *out);
/* Before it: connections to outside have the names that the host gave them.
 * May wait. */
void inet_learn_names(void);
/* Calls fn for each socket there is, with a spinlock held. */
void inet_for_each(void (*fn)(struct inet_socket *i, void *arg), void *arg);

/* ---- addresses (inet_addr.c) ---- */

/* sockaddr_in or sockaddr_in6 as bind(2) and connect(2) of a socket of
 * `family` take it. -EINVAL, -EAFNOSUPPORT. */
int inet_addr_get(struct inet_addr *out, int family,
                  const struct abi_sockaddr *name, uint32_t len);
/* The name of family's kind; its length. */
uint32_t inet_addr_put(struct abi_sockaddr *name, int family,
                       const struct inet_addr *addr);
bool inet_addr_is_v4(const struct inet_addr *a);
bool inet_addr_is_any(const struct inet_addr *a);      /* 0.0.0.0, :: */
bool inet_addr_is_loopback(const struct inet_addr *a); /* 127/8, ::1 */
bool inet_addr_is_multicast(const struct inet_addr *a);
bool inet_addr_equal(const struct inet_addr *a, const struct inet_addr *b);

/* ---- for the host side (host.h) ---- */

/* A connected stream socket of the family and options of `listener`, one
 * reference, no file; local and peer are the caller's to fill, as are s.ops
 * and host. */
int inet_accepted(struct inet_socket *listener, struct inet_socket **out);
/* Queues it for accept(2), takes the reference; the caller has seen that there
 * was room. -EAGAIN: the listener is closed; then the reference stays the
 * caller's. No spinlock is held. */
int inet_listener_push(struct inet_socket *listener, struct inet_socket *conn);
/* The same of a connection inside. Unless it was taken, it is told
 * (loop_established, loop_refused) when it is or never will be: it waits for
 * room in the backlog, or, with TCP_DEFER_ACCEPT, until inet_listener_ready().
 */
enum inet_offer { OFFER_TAKEN, OFFER_WAITS, OFFER_DEFERRED };
int inet_listener_offer(struct inet_socket *listener, struct inet_socket *conn,
                        enum inet_offer *out);
/* conn, which was deferred, may be accepted as soon as there is room. */
void inet_listener_ready(struct inet_socket *listener,
                         struct inet_socket *conn);
/* For how long listener defers those that bring nothing, in seconds. */
uint32_t inet_listener_defers(struct inet_socket *listener);
/* conn no longer waits: true, and its reference is the caller's; false: it did
 * not any more. */
bool inet_listener_withdraw(struct inet_socket *listener,
                            struct inet_socket *conn);
/* How many wait to be accepted, and how many more the backlog takes now. */
unsigned inet_listener_count(struct inet_socket *listener);
unsigned inet_listener_room(struct inet_socket *listener);

/* A datagram from outside: a copy of data is queued. -ENOBUFS: no room, it is
 * lost. No spinlock is held. */
int inet_datagram_push(struct inet_socket *i, const struct inet_addr *from,
                       const struct inet_info *info, const void *data,
                       size_t len);
/* The host tells what became of a datagram that went to `to`; data is its
 * beginning. No spinlock is held. */
void inet_error_push(struct inet_socket *i, const struct inet_addr *to,
                     const struct inet_error *error, const void *data,
                     size_t len);

/* Calls fn for each option that was set, oldest first. */
void inet_option_for_each(struct inet_socket *i,
                          void (*fn)(void *arg, int level, int name,
                                     const void *value, uint32_t len),
                          void *arg);

#endif
