/* SPDX-License-Identifier: MIT
 *
 * What the files of the family share (inet.h): inet.c has sockets,
 * inet_listen.c their queue, inet_datagram.c sends and receives,
 * inet_control.c is control messages, inet_option.c options.
 */
#ifndef KERNEL_NET_INET_PRIVATE_H
#define KERNEL_NET_INET_PRIVATE_H

#include "kernel/net/inet/inet.h"
#include "abi/linux/inet.h"

/* family_socket.wants: what the program asked to be told with each datagram */
enum {
    WANTS_PKTINFO = 1 << 0,
    WANTS_TTL = 1 << 1,
    WANTS_TOS = 1 << 2,
    WANTS_DESTINATION = 1 << 3,
    WANTS_ERRORS = 1 << 4,
    WANTS_PKTINFO6 = 1 << 5,
    WANTS_HOPS6 = 1 << 6,
    WANTS_CLASS6 = 1 << 7,
    WANTS_ERRORS6 = 1 << 8,
    WANTS_DESTINATION6 = 1 << 9,
    WANTS_LEFT = 1 << 10, /* TCP_INQ, of a stream */
};

struct inet_option {
    struct list node;
    int level, name;
    uint32_t len;
    uint8_t value[];
};

/* A connection or a datagram that waits; or one that an error is about. */
struct arrival {
    struct list node;
    uint32_t refs;            /* atomic: the queue's, and of who looks at it */
    struct inet_socket *conn; /* with its reference; NULL: a datagram */
    struct inet_addr from;
    struct inet_info info;
    struct inet_error error;
    uint32_t dropped; /* how many had been lost before */
    bool deferred;    /* counted in deferred_count */
    uint32_t len;
    uint8_t data[];
};

struct family_socket {
    struct inet_socket i;
    struct list all;      /* of all sockets; under inet.c's lock */
    struct list arrivals; /* this and the next seven: under i.s.lock */
    struct list errors;
    /* Connections inside that the backlog has no room for, and that are
     * deferred (inet_listen.c). */
    struct list waiting, deferred;
    uint32_t deferred_count; /* also those of them that wait for room by now */
    uint32_t count, bytes;
    uint32_t dropped, error_count;
    uint32_t backlog; /* 0: does not listen */
    uint32_t defer;   /* TCP_DEFER_ACCEPT, seconds; atomic */
    uint32_t wants;   /* WANTS_* */
    bool rx_shut, tx_shut;
    bool failed;        /* inet_failed(); under setup */
    uint16_t last_port; /* a stream says it on, though it is given up */
    int64_t stamp; /* SIOCGSTAMP: when what was read last came, ns; -1: none */
    /* A datagram that is put together by several sends (udp(7), UDP_CORK). */
    struct mutex cork_lock; /* LOCK_FS_INODE */
    bool corked;            /* the option; the next: under cork_lock */
    uint8_t *cork;          /* DATAGRAM_MOST bytes; NULL: none is begun */
    uint32_t cork_len;
    struct inet_addr cork_to;
};

static inline struct family_socket *family_of(struct inet_socket *i)
{
    return container_of(i, struct family_socket, i);
}

/* ---- inet.c ---- */

/* What a socket does that is not connected, or listens, or sends datagrams. */
extern const struct socket_ops inet_ops;

/* ---- inet_listen.c ---- */

/* The first that waits, with a reference, NULL: none. It stays with `peek`. */
struct arrival *inet_take_arrival(struct inet_socket *i, bool peek);
void inet_put_arrival(struct arrival *a);
/* Queues a; false: there is no room, and a is still the caller's. */
bool inet_queue_arrival(struct inet_socket *i, struct arrival *a);
bool inet_has_arrival(struct inet_socket *i);
/* A datagram was lost before it was queued. */
void inet_count_dropped(struct inet_socket *i);

bool inet_listens(struct inet_socket *i);
void inet_stop_listening(struct inet_socket *i);
int inet_listen(struct socket *s, int backlog);
int inet_accept(struct socket *s, struct socket **out, bool nowait);

/* ---- inet.c ---- */

/* A name to connect or send to, as inet_addr_get(): IPv6 datagram sockets take
 * IPv4's, too, unless IPV6_V6ONLY or their own address is against it:
 * -EAFNOSUPPORT, -ENETUNREACH. */
int inet_target(struct inet_socket *i, struct inet_addr *out,
                const struct abi_sockaddr *name, uint32_t len);

/* ---- inet_filter.c ---- */

/* As inet_queue_arrival(), of a datagram that to's filter takes, maybe only its
 * beginning. False: it is lost, and still the caller's. */
bool inet_hand_over(struct inet_socket *to, struct arrival *a);

/* ---- inet_datagram.c ---- */

long inet_datagram_send(struct socket *s, struct socket_msg *msg);
long inet_datagram_recv(struct socket *s, struct socket_msg *msg);
/* UDP_CORK was taken off: what was gathered is sent. */
long inet_datagram_uncork(struct inet_socket *i);
void inet_datagram_end(struct inet_socket *i);

/* ---- inet_control.c ---- */

/* What control messages of a send ask for. -EINVAL, -EPERM. */
int inet_control_get(struct inet_socket *i, const struct socket_msg *msg,
                     struct inet_control *out);
/* Adds to msg all that s wants to be told of a. */
void inet_control_put(struct inet_socket *i, struct socket_msg *msg,
                      const struct arrival *a);
/* The same for a taken from the error queue. */
void inet_control_put_error(struct inet_socket *i, struct socket_msg *msg,
                            const struct arrival *a);

/* ---- inet_option.c ---- */

void inet_drop_options(struct inet_socket *i);
/* A connection has the options of the listening socket. */
void inet_inherit_options(struct inet_socket *i, struct inet_socket *from);
/* A number that was set, or `other`. */
int32_t inet_option_number(struct inet_socket *i, int level, int name,
                           int32_t other);

#endif
