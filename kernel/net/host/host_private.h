/* SPDX-License-Identifier: MIT
 *
 * What the files of the host side share: host.c (the life of a descriptor at
 * the host), host_packet.c, host_stream.c, host_send.c, host_stream_ops.c and
 * host_connect.c (connections),
 * host_listen.c (accepting), host_datagram.c, host_control.c, host_option.c.
 *
 * A host_sock is one descriptor of the host and the operations that are under
 * way on it. It outlives its socket: after the last close(2), what was written
 * is still sent, then the operations are cancelled, then the descriptor is
 * closed, then it is freed.
 *
 * h->lock guards all of it but where noted. Callbacks of operations take it;
 * sockets are woken after it is released, under a reference of their own.
 */
#ifndef KERNEL_NET_HOST_PRIVATE_H
#define KERNEL_NET_HOST_PRIVATE_H

#include "kernel/core/hostio_net.h"
#include "kernel/net/host/host.h"
#include "abi/linux/errno.h"

enum {
    HOST_ACCEPTS = 32, /* at most with the host, of a listening socket */
    HOST_NAME_AT = 0,
    HOST_NAME_LEN_AT = 128,
    HOST_RX_MOST = 512 << 10, /* bytes received ahead */
};

enum host_kind { HOST_STREAM, HOST_LISTENER, HOST_DATAGRAM };

enum host_state { HOST_NEW, HOST_CONNECTING, HOST_CONNECTED };

struct host_sock;

/* One operation at a time. */
struct host_op {
    struct hostio_op op, cancel;
    struct host_sock *h;
    struct host_buffer buf; /* size 0: none */
    struct host_buffer got; /* in done: what the host chose; else size 0 */
    bool live, canceling;
    /* Called with h->lock held, live already false unless more is to come;
     * returns the POLL* bits that came true, for readers in the low half,
     * writers in the high. */
    uint64_t (*done)(struct host_op *o, int32_t result);
};

struct host_packet {
    struct list node;
    uint32_t off, len;      /* bytes used up, and in all */
    struct host_buffer buf; /* they lie there; size 0: in data */
    uint8_t data[];
};

/* The urgent byte of a connection (host_urgent.c). */
struct host_urgent {
    uint64_t mark;    /* the position behind which it stood */
    bool there, read; /* until the mark is passed; taken by MSG_OOB; atomic */
    bool seeking;     /* the mark is not known yet: all received is before it */
    bool dry;         /* poll before asking for it again */
    uint8_t byte;
};

struct host_sock {
    struct spinlock lock;      /* LOCK_PIPE */
    struct inet_socket *owner; /* NULL: closed */
    enum host_kind kind;
    int fd;           /* of the host; -1: none */
    uint32_t pending; /* operations under way; the reason to stay */
    uint32_t *over;   /* set to 1 when it is freed; may be NULL */
    /* Its connection was undone (connect(2) to AF_UNSPEC) while others may be
     * in a call on it: it stays until its socket ends, in i->undone. */
    bool undone, ended;
    struct host_sock *undone_next;
    bool closing, aborts, lingers_not, closed, starving;

    /* streams */
    enum host_state state;
    bool told;  /* connect(2) has said that it is connected */
    bool shut;  /* after it has failed: only AF_UNSPEC lets it connect */
    bool named; /* owner->local is what the host says */
    bool rx_end, tx_end, tx_sent_end, rx_shut;
    struct mutex read_lock; /* LOCK_FS_INODE: who takes packets off rx */
    struct list rx, tx;     /* host_packet; rx: tail appended under lock */
    uint32_t rx_bytes, tx_bytes, rx_size;
    uint32_t rx_full;  /* small buffers that came full, one after the other */
    uint64_t rx_total; /* ever received */
    int64_t rx_time;   /* when the last of it came; 0: nobody asks */
    struct host_urgent urgent;
    bool rx_drained;         /* the last receive took all that was there */
    uint32_t tx_off, tx_len; /* of what tx_op's buffer holds, gathered */
    uint32_t tx_inflight;    /* bytes of the send that is under way */
    bool tx_blocked;         /* a writer found no room; atomic */
    bool tx_full;            /* the host had none, and is polled; atomic */
    struct direct *direct;   /* of host_direct.c, while tx_op is its */

    int backlog;
    int32_t error; /* datagrams: told when the error queue has been read */
    struct host_op rx_op, tx_op, control;
    struct host_op *accept_op; /* HOST_ACCEPTS, of a listener; or NULL */
    struct list starving_node; /* under host.c's own lock */
    struct hostio_later later;
};

static inline struct host_sock *host_of(struct inet_socket *i)
{
    return i->host;
}

static inline enum host_state host_state_of(struct host_sock *h)
{
    return atomic_load_acquire(&h->state);
}

#define HOST_WAKE_READ(bits)  ((uint64_t)(bits))
#define HOST_WAKE_WRITE(bits) ((uint64_t)(bits) << 32)

/* ---- host.c ---- */

/* For i, without a descriptor; i->host is set. -ENOMEM. */
int host_new(struct inet_socket *i, enum host_kind kind,
             struct host_sock **out);
/* Makes the descriptor and sets the options that i has so far. May wait. */
int host_make_fd(struct inet_socket *i);
/* As bind(2), of i->local; asks which port it became. */
int host_bind_fd(struct inet_socket *i);
/* i->local becomes what the host says. */
int host_learn_name(struct inet_socket *i);
int host_learn_name_of(struct inet_socket *i, const struct host_sock *h);
/* The socket is gone: sends what is left, then ends. abort: sends nothing and
 * resets. */
void host_close(struct host_sock *h, bool abort);
/* i->host is none from now on. Others look at it under i->s.lock. */
void host_part(struct inet_socket *i);
/* Closes a descriptor that belongs to nobody. */
void host_close_fd(int fd);

/* h and its descriptor stay until host_drop(); who ends it waits for that. */
void host_hold(struct host_sock *h);
void host_drop(struct host_sock *h);

/* A receive of a stream that waits at the host ends now, with what there is.
 * h->lock is held. */
void host_stream_call_back(struct host_sock *h);

/* Starts o, filled in but for op.done. h->lock is held. */
void host_start(struct host_op *o);
/* A buffer for o, unless it has one of len bytes. False: h will be tried again
 * (host_continue) when there may be one. h->lock is held. */
bool host_get_buffer(struct host_op *o, uint32_t len);
void host_drop_buffer(struct host_op *o);
/* Ends o, which is live, early. h->lock is held. */
void host_cancel(struct host_op *o);
/* Tries again soon what could not go on. h->lock is held. */
void host_starve(struct host_sock *h);
/* Goes on when the host is next told of what was started. h->lock is held. */
void host_later(struct host_sock *h);
/* Wakes the owner; h->lock is not held. */
void host_wake(struct inet_socket *i, uint64_t events);

/* Bytes that programs have written and the host has not taken. */
void host_count_unsent(int64_t bytes);
uint64_t host_unsent(void);

/* ---- the kinds: start what can be started. h->lock is held ---- */

void host_stream_continue(struct host_sock *h);
void host_listen_continue(struct host_sock *h);
void host_datagram_continue(struct host_sock *h);

/* ---- host_packet.c ---- */

/* Empty, in kernel memory with room for so many bytes; or the bytes from off
 * to len of b, which it takes over (then *b is none). NULL: no memory. */
struct host_packet *host_packet_new(uint32_t room);
struct host_packet *host_packet_around(struct host_buffer *b, uint32_t off,
                                       uint32_t len);
void host_packet_free(struct host_packet *p);
void host_packets_free(struct list *packets);
/* A copy in kernel memory of one that lies in a buffer. */
struct host_packet *host_packet_own(const struct host_packet *p);
/* Moves n bytes to io, those behind the next `over`, or n bytes of io behind
 * its last; as iobuf_put() and iobuf_get(). It has them, or room for them. */
long host_packet_put(const struct host_packet *p, uint32_t over,
                     struct iobuf *io, uint32_t n);
long host_packet_get(struct host_packet *p, struct iobuf *io, uint32_t n);
uint32_t host_packet_left(const struct host_packet *p);

/* ---- connections ---- */

/* Results that say nothing about the connection. */
static inline bool is_passing(int32_t result)
{
    return result == -EINTR || result == -EAGAIN || result == -ECANCELED;
}

/* The connection is no more; error 0: it is known why. Whom to wake.
 * h->lock is held, as for the next. */
uint64_t host_stream_broken(struct host_sock *h, int error);
/* Drops what the program has written; what is under way stays. */
void host_stream_drop_unsent(struct host_sock *h);
/* Queues the next bytes of io: how many. 0: there is no room. */
long host_stream_put(struct host_sock *h, struct iobuf *io);

/* Has the host take the next bytes of io from where they lie, if they are many
 * and nothing is queued: how many. 0: they are to be queued; -EAGAIN: the host
 * has no room, and the socket is woken when it has (host_direct.c). */
long host_stream_put_direct(struct host_sock *h, struct iobuf *io);
/* Waits at the host until there is room there. h->lock is held. */
void host_stream_wait_room(struct host_sock *h);

/* host_stream_ops.c, and its connect in host_connect.c */
extern const struct socket_ops host_stream_ops;
/* The connection, or what is left of a failed one, is no more, and the socket
 * is as new. */
void host_stream_undo(struct socket *s);
int host_stream_connect(struct socket *s, const struct abi_sockaddr *name,
                        uint32_t len, bool nowait);
/* Start what can be started, one way. h->lock is held. */
void host_stream_receive(struct host_sock *h);
void host_stream_send(struct host_sock *h);
/* Receives what is there; appends n bytes to what was received. */
void host_stream_take(struct host_sock *h);
void host_stream_append(struct host_sock *h, struct host_packet *p, uint32_t n);
/* Bytes that may wait to be sent; and whether a poll says that there is room
 * (false: the socket is woken when there is). */
uint32_t host_stream_tx_most(void);
bool host_stream_is_writable(struct host_sock *h);
/* A connection fd of the host becomes that of i. */
int host_stream_adopt(struct inet_socket *i, int fd);
/* Drops all packets. h->lock is held. */
void host_stream_drop(struct host_sock *h);

/* ---- host_urgent.c ---- */

/* Somebody cares: a poll comes before each receive. h->lock is held, as for
 * the next three. */
bool host_urgent_is_watched(const struct host_sock *h);
/* What that poll told: goes on from there. */
void host_urgent_polled(struct host_sock *h, int32_t bits);
/* The place of an urgent byte is looked for at once, without a poll: true. */
bool host_urgent_seek(struct host_sock *h);
/* Bytes were read: the mark may be behind. */
void host_urgent_passed(struct host_sock *h);

/* How many bytes one receive may take; what was received ends at the mark. */
uint64_t host_urgent_reach(struct host_sock *h);
bool host_urgent_at_mark(struct host_sock *h);
/* The same, for SIOCATMARK: waits until the host has said so. */
bool host_urgent_find_mark(struct host_sock *h, struct socket *s);
/* recvmsg(2) with MSG_OOB. */
long host_urgent_recv(struct host_sock *h, struct socket *s,
                      struct socket_msg *msg);

/* ---- host_option.c ---- */

/* All options that i has so far go to its new descriptor. */
int host_options_apply(struct inet_socket *i);

/* ---- control messages (host_control.c) ---- */

/* What a send to `to` asks the host for: bytes at out, which has room for
 * HOSTIO_CONTROL. */
uint32_t host_control_put(const struct inet_socket *i,
                          const struct inet_addr *to,
                          const struct inet_control *c, uint8_t *out);
/* What the host told of a datagram; what it did not is i's own address. */
void host_control_get(const struct inet_socket *i, const uint8_t *control,
                      uint32_t len, struct inet_info *out);
/* The same for a message of its error queue. False: no error. */
bool host_control_error(const uint8_t *control, uint32_t len,
                        struct inet_error *out);

/* ---- the policy's rules (host_policy.c) ---- */

/* Whether outside clients may come to i->local. */
bool host_may_listen(const struct inet_socket *i);
/* Whether i may connect or send there: -EPERM, as behind a firewall. */
int host_may_reach(const struct inet_socket *i, const struct inet_addr *to);
bool host_may_receive(const struct inet_socket *i,
                      const struct inet_addr *from);

#endif
