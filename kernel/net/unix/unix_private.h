/* SPDX-License-Identifier: MIT
 *
 * What the files of unix(7) share: unix.c (birth, end, options, readiness),
 * unix_name.c (names), unix_connect.c (connections), unix_stream.c and
 * unix_packet.c (data), unix_urgent.c (MSG_OOB), unix_rights.c (descriptors and
 * credentials in flight).
 *
 * A connected pair holds each other by `peer` until either's release; only
 * the owner's calls look at its own peer. A datagram socket's peer may change
 * and is looked at under s.lock.
 */
#ifndef KERNEL_NET_UNIX_PRIVATE_H
#define KERNEL_NET_UNIX_PRIVATE_H

#include "kernel/net/socket.h"
#include "kernel/net/stream.h"

enum {
    ALL_IN = POLLIN | POLLRDNORM,
    ALL_OUT = POLLOUT | POLLWRNORM | POLLWRBAND,

    UNIX_IDLE = 0, /* state */
    UNIX_CONNECTING,
    UNIX_CONNECTED,
    UNIX_LISTENS,

    SHUT_RECV = 1, /* shut */
    SHUT_SEND = 2,
    SHUT_BOTH = 3,

    DGRAM_BACKLOG = 10, /* net.unix.max_dgram_qlen */
};

/* A bound name; shared with the sockets that a listener's clients get. */
struct unix_name {
    uint32_t refs; /* atomic */
    uint32_t len;  /* of name, family included */
    struct abi_sockaddr_un name;
    char nul;         /* behind a path of full length */
    struct list node; /* abstract: in the table; unix_name.c's lock */
    struct unix_socket *owner;
    struct path path;    /* of a path name: counted, or NULLs */
    struct inode *inode; /* whose object the owner is, or NULL */
};

struct unix_cred {
    int32_t pid;
    uint32_t uid, gid;
};

/* Who a socket belonged to when it was connected or listened, for the other
 * side. */
struct unix_who {
    struct unix_cred ids;
    struct proc *proc;         /* counted, or NULL */
    struct group_list *groups; /* counted, or NULL */
};

/* A sender tells who he is. */
enum { SOCKET_PASSES_WHO = SOCKET_PASSCRED | SOCKET_PASSPIDFD };

/* Descriptors and credentials that travel with data. */
struct rights {
    struct list node;       /* of all that hold sockets; unix_rights.c's lock */
    struct unix_socket *at; /* in whose queue it is; not counted */
    struct unix_cred cred;
    struct proc
        *sender; /* counted: cred's, for who asks for a pidfd; or NULL */
    bool has_cred;
    bool has_socket; /* of unix(7), so that there may be cycles */
    unsigned count;
    struct file *files[]; /* counted */
};

/* What marks bytes of a stream. */
struct unix_mark {
    struct stream_mark m;
    struct rights *rights; /* never NULL */
};

/* A datagram or a record. */
struct packet {
    struct list node;
    struct unix_socket *from; /* counted: whose wmem it is in */
    struct rights *rights;    /* or NULL */
    uint32_t len, cost;
    char data[];
};

struct unix_socket {
    struct socket s;
    uint32_t state, shut;     /* atomic */
    struct unix_name *name;   /* counted; set once, atomic */
    struct landlock *domain;  /* of who made it: counted, or NULL */
    struct unix_socket *peer; /* counted */
    struct unix_who peer_who;
    struct stream in;   /* SOCK_STREAM */
    struct list urgent; /* of its bytes; under in.lock */
    /* s.lock guards what follows. */
    bool dead;
    struct list packets; /* received */
    uint32_t packet_count;
    uint64_t packet_bytes;
    struct list pending; /* LISTENS: sockets for accept(2), by `queued` */
    uint32_t pending_count, backlog;
    struct list queued;
    struct unix_socket *listener; /* while it is queued there */
    struct list watchers; /* senders that poll for room, by `watching` */
    /* Outside the lock. */
    struct list watching;   /* under the watched one's s.lock */
    uint64_t sent;          /* cost of packets in receivers' queues; atomic */
    struct wait_queue room; /* who waits to send to it or to connect */
    struct list all;        /* unix.c */
    uint32_t inflight;      /* how many rights hold its file; rights' lock */
    bool live;              /* unix_rights.c's collection */
};

static inline struct unix_socket *unix_of(struct socket *s)
{
    return container_of(s, struct unix_socket, s);
}

static inline bool unix_is_stream(const struct unix_socket *u)
{
    return u->s.type == SOCK_STREAM;
}

/* ---- unix.c ---- */

extern const struct socket_ops unix_stream_ops, unix_dgram_ops,
    unix_seqpacket_ops;

int unix_new(int type, struct unix_socket **out);
/* The file, or what would have become one, is gone. embryo: nobody ever
 * accepted it. */
void unix_end(struct unix_socket *u, bool embryo);
struct unix_cred unix_current_cred(void);
/* w becomes the caller, or the same as from, each with references of its own;
 * what it was before is dropped with unix_who_drop(), outside of locks. */
void unix_who_set_current(struct unix_who *w);
void unix_who_copy(struct unix_who *w, const struct unix_who *from);
void unix_who_drop(const struct unix_who *w);
/* What others are told of a socket. */
struct unix_look {
    uint8_t state, shut; /* TCP_STATE_*; 1: receiving, 2: sending */
    uint32_t ino, peer, uid, queue[2];
    struct unix_name *name; /* not counted */
    bool has_peer;
};
/* Under unix_for_each(). */
void unix_look_at(struct unix_socket *u, struct unix_look *out);

/* Calls fn for every socket, with the list locked. */
void unix_for_each(void (*fn)(struct unix_socket *u, void *arg), void *arg);

static inline uint32_t unix_shut(struct unix_socket *u)
{
    return atomic_load_acquire(&u->shut);
}
/* Sets bits and wakes. */
void unix_add_shut(struct unix_socket *u, uint32_t bits);

/* ---- unix_name.c ---- */

int unix_bind(struct socket *s, const struct abi_sockaddr *name, uint32_t len);
/* bind(2) by the kernel to a free abstract name. */
int unix_autobind(struct unix_socket *u);
/* Who, of from's type, is bound to the name, with a reference: -ECONNREFUSED,
 * -EPROTOTYPE, -EINVAL, -ENOENT, -EACCES...; -EPERM: out of scope
 * (landlock.h). */
int unix_find(struct unix_socket *from, const struct abi_sockaddr *name,
              uint32_t len, struct unix_socket **out);
void unix_name_ref(struct unix_name *n);
void unix_name_unref(struct unix_name *n); /* NULL is nothing */
/* u closes: nobody finds it any more. */
void unix_unbind(struct unix_socket *u);
/* n (NULL: none) as a struct sockaddr_un: its length. */
uint32_t unix_name_put(struct unix_name *n, struct abi_sockaddr *out);

/* ---- unix_connect.c ---- */

int unix_stream_connect(struct socket *s, const struct abi_sockaddr *name,
                        uint32_t len, bool nowait);
int unix_dgram_connect(struct socket *s, const struct abi_sockaddr *name,
                       uint32_t len, bool nowait);
int unix_listen(struct socket *s, int backlog);
int unix_accept(struct socket *s, struct socket **out, bool nowait);
/* Two sockets without names become a pair. */
void unix_join(struct unix_socket *a, struct unix_socket *b);
/* A listening socket ends: its clients learn it. */
void unix_drop_pending(struct unix_socket *u);

/* ---- unix_stream.c, unix_packet.c ---- */

long unix_stream_send(struct socket *s, struct socket_msg *msg);
long unix_stream_recv(struct socket *s, struct socket_msg *msg);
uint64_t unix_stream_drop(struct unix_socket *u);

long unix_dgram_send(struct socket *s, struct socket_msg *msg);
long unix_dgram_recv(struct socket *s, struct socket_msg *msg);
long unix_seqpacket_send(struct socket *s, struct socket_msg *msg);
long unix_seqpacket_recv(struct socket *s, struct socket_msg *msg);
/* u, a datagram socket, has another peer than old, or none: what it has not
 * received is lost, and old is told if it was connected to u. */
void unix_dgram_parted(struct unix_socket *u, struct unix_socket *old);
/* Drops what u has not received; how many packets. */
unsigned unix_packets_drop(struct unix_socket *u);
/* Whether it has not received some, as its peer is to know at its end: a single
 * empty one does not count. */
bool unix_packets_unread(struct unix_socket *u);
/* Bytes of the first packet, or of all (seqpacket). */
uint64_t unix_packets_size(struct unix_socket *u);
/* Whether a packet from u to `to` would have to wait for the queue. */
bool unix_packets_full(struct unix_socket *u, struct unix_socket *to);

/* ---- unix_urgent.c ---- */

struct unix_urgent;
/* The next byte that is written to `to`, whose write_lock is held, is urgent;
 * then whether it was written: if not, e is the caller's again. */
struct unix_urgent *unix_urgent_new(void);
void unix_urgent_free(struct unix_urgent *e);
void unix_urgent_add(struct unix_socket *to, struct unix_urgent *e);
void unix_urgent_added(struct unix_socket *to, struct unix_urgent *e,
                       bool sent);
long unix_urgent_recv(struct unix_socket *u, struct socket_msg *msg);
/* A read is at *pos: false: it ends here. Else it may go on from *pos, which
 * may have moved, up to *end, which may come nearer. read_lock is held. */
bool unix_urgent_step(struct unix_socket *u, bool peek, bool copied,
                      uint64_t *pos, uint64_t *end);
/* Bytes in the stream that no read, or no peek, will find. */
uint64_t unix_urgent_hidden(struct unix_socket *u, bool peek);
bool unix_has_urgent(struct unix_socket *u);
bool unix_at_mark(struct unix_socket *u);
void unix_urgent_drop(struct unix_socket *u);

/* ---- unix_rights.c ---- */

/* From the control messages of msg, and SO_PASSCRED of either; *out NULL:
 * nothing travels. -EINVAL, -EBADF, -EPERM, -ETOOMANYREFS. */
int rights_get(struct unix_socket *u, struct unix_socket *to,
               const struct socket_msg *msg, struct rights **out);
/* r enters at's queue, or leaves it. */
void rights_fly(struct rights *r, struct unix_socket *at);
void rights_land(struct rights *r);
/* Copies r as a peek sees it. -ENOMEM. */
int rights_copy(struct rights *r, struct rights **out);
/* The same credentials and no descriptors, for the rest of a message. */
int rights_copy_cred(const struct rights *r, struct rights **out);
/* Tells msg's control messages and frees r (NULL: nothing came). */
void rights_deliver(struct unix_socket *u, struct socket_msg *msg,
                    struct rights *r);
void rights_free(struct rights *r); /* NULL is nothing */
/* Closes sockets that only their own queues still hold. */
void rights_collect(void);

#endif
