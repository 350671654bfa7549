/* SPDX-License-Identifier: MIT
 *
 * Sockets: what every kind has (struct socket), what a family implements
 * (struct socket_ops), and what kernel/sys/sys_socket.c and sys_message.c
 * call. Families are rows of the table in family.c; each embeds a struct
 * socket in its own.
 *
 * Lifetime: socket_init() gives one reference, the file's. The file's end
 * calls ops->release (the program has closed it) and puts that reference; the
 * last one calls ops->free. Peers may hold references beyond a release.
 *
 * Waiting: a socket has two queues, one for readers and acceptors, one for
 * writers and connectors. Who changes a socket's state calls socket_wake_*()
 * with no spinlock held; that also sends SIGIO. Data of a program is moved by
 * its own task, inside sendmsg and recvmsg, through msg->io.
 *
 * Blocking: operations wait themselves, with socket_wait(), when msg->nowait
 * (or the argument of that name) is false.
 */
#ifndef KERNEL_NET_SOCKET_H
#define KERNEL_NET_SOCKET_H

#include "kernel/core/timer.h"
#include "kernel/fs/file.h"
#include "abi/linux/socket.h"

struct socket;

/* One send or receive, all in kernel memory but the data. */
struct socket_msg {
    struct iobuf *io;
    uint32_t flags; /* MSG_* as given */
    bool nowait;    /* MSG_DONTWAIT or O_NONBLOCK */
    /* Send: where to, name_len 0: nowhere in particular. Receive: the source;
     * the operation sets name_len, 0 when there is none to tell. */
    struct abi_sockaddr *name;
    uint32_t name_len;
    bool want_name; /* receive: somebody will look at name */
    /* Send: control messages as the program laid them out, len bytes.
     * Receive: room for socket_put_control(), which moves len. */
    uint8_t *control;
    size_t control_len, control_room;
    uint32_t result; /* receive: MSG_TRUNC, MSG_CTRUNC, MSG_EOR, MSG_OOB... */
};

/* All optional but sendmsg, recvmsg, getname, poll and free; the absence of
 * others is -EOPNOTSUPP. Names are copies; len was checked to be at most
 * SOCKADDR_MAX, nothing else. */
struct socket_ops {
    int (*bind)(struct socket *s, const struct abi_sockaddr *name,
                uint32_t len);
    /* May wait: -ERESTARTSYS, -EINPROGRESS with nowait, -EALREADY. */
    int (*connect)(struct socket *s, const struct abi_sockaddr *name,
                   uint32_t len, bool nowait);
    int (*listen)(struct socket *s, int backlog);
    /* *out: a new connected socket with one reference and no file. */
    int (*accept)(struct socket *s, struct socket **out, bool nowait);
    /* Bytes moved, or -errno; -EPIPE becomes SIGPIPE in socket.c. */
    long (*sendmsg)(struct socket *s, struct socket_msg *msg);
    long (*recvmsg)(struct socket *s, struct socket_msg *msg);
    int (*shutdown)(struct socket *s, int how); /* how is valid */
    /* The name of NAME_*: its length. -ENOTCONN. */
    int (*getname)(struct socket *s, int whose, struct abi_sockaddr *out);
    /* value is a kernel copy. SOL_SOCKET: socket.c has stored what it knows,
     * and -ENOPROTOOPT leaves it at that; anything else is the result. */
    int (*setsockopt)(struct socket *s, int level, int name, const void *value,
                      uint32_t len);
    /* At most *len bytes, *len becomes the length, which may be more than there
     * was room for (all of which is filled, then). SOL_SOCKET: asked first,
     * -ENOPROTOOPT lets socket.c answer. */
    int (*getsockopt)(struct socket *s, int level, int name, void *value,
                      uint32_t *len);
    long (*ioctl)(struct socket *s, uint32_t cmd, struct uptr arg);
    /* POLL* bits that hold now; the queues are registered already. */
    uint32_t (*poll)(struct socket *s);
    /* From now on it matters when urgent bytes come. */
    void (*watch_urgent)(struct socket *s);
    /* The file is gone. Takes no mutex below LOCK_MM. May wait (SO_LINGER). */
    void (*release)(struct socket *s);
    /* The last reference is gone: frees what embeds s, after
     * socket_destroy(). */
    void (*free)(struct socket *s);
};

/* Whose name getname tells: accept(2) wants the peer's whatever became of it.
 */
enum { NAME_OWN, NAME_PEER, NAME_ACCEPTED };

enum { /* socket.flags: options that are a bit */
       SOCKET_REUSEADDR = 1 << 0,
       SOCKET_REUSEPORT = 1 << 1,
       SOCKET_KEEPALIVE = 1 << 2,
       SOCKET_BROADCAST = 1 << 3,
       SOCKET_PASSCRED = 1 << 4,
       SOCKET_OOBINLINE = 1 << 5,
       SOCKET_DONTROUTE = 1 << 6,
       SOCKET_LINGER = 1 << 7,
       SOCKET_TIMESTAMP = 1 << 8,
       SOCKET_TIMESTAMPNS = 1 << 9,
       SOCKET_DEBUG = 1 << 10,
       SOCKET_RXQ_OVFL = 1 << 11,
       SOCKET_NO_CHECK = 1 << 12,
       SOCKET_PASSSEC = 1 << 13,
       SOCKET_ZEROCOPY = 1 << 14,
       SOCKET_LISTENS = 1 << 15,    /* SO_ACCEPTCONN; set by the family */
       SOCKET_SNDBUF_SET = 1 << 16, /* they do not grow by themselves */
       SOCKET_RCVBUF_SET = 1 << 17,
       SOCKET_SELECT_ERRORS = 1 << 18,
       SOCKET_LOCK_FILTER = 1 << 19,
       SOCKET_NOFCS = 1 << 20,
       SOCKET_WIFI_STATUS = 1 << 21,
       SOCKET_PREFER_BUSY_POLL = 1 << 22,
       SOCKET_RCVMARK = 1 << 24,
       SOCKET_RCVPRIORITY = 1 << 25,
       SOCKET_PASSPIDFD = 1 << 26,
       SOCKET_NO_RIGHTS = 1 << 27,      /* SO_PASSRIGHTS is off */
       SOCKET_URGENT_WATCHED = 1 << 23, /* since socket_watch_urgent() */
};

/* SO_TIMESTAMPING's flags for what comes, both of which it takes, and for what
 * is sent. */
enum {
    TIMESTAMPING_SOFTWARE = 1 << 3 | 1 << 4,
    TIMESTAMPING_OF_SENDS = 0x40302
};

struct socket {
    const struct socket_ops *ops; /* a family may change it (inet.c) */
    uint32_t refs;                /* atomic */
    uint32_t flags;               /* SOCKET_*; atomic */
    int32_t family, type, protocol;
    int32_t error; /* SO_ERROR, a positive errno; atomic */
    uint64_t recv_timeout, send_timeout;      /* ns; 0: none */
    uint32_t recv_buffer, send_buffer;        /* as SO_RCVBUF shows them */
    int32_t linger, priority, mark, recv_low; /* seconds; ...; SO_RCVLOWAT */
    int32_t peek_offset;                      /* SO_PEEK_OFF; -1: off */
    int32_t busy_poll, incoming_cpu;          /* stored, no more */
    uint32_t timestamping;                    /* TIMESTAMPING_* */
    uint64_t pacing_rate; /* SO_MAX_PACING_RATE; the host keeps to it */
    uint64_t cookie;      /* SO_COOKIE; 0: nobody has asked; atomic */
    struct wait_queue can_read, can_write;
    struct spinlock lock; /* LOCK_PIPE: file; a family's own small state */
    struct file *file;    /* not counted; NULL once it is closed */
    struct socket_filter *filter; /* or NULL (filter.h) */
    /* Sends with MSG_ZEROCOPY, counted: all before _told have been told of
     * (zerocopy.c). Under lock; read without. */
    uint32_t zerocopy_sent, zerocopy_told;
    /* Of sockopt_seldom.c: stored, no more. */
    int32_t txtime_clock, busy_budget;
    uint32_t txtime_flags;
    bool no_rehash;
};

/* ---- for families ---- */

void socket_init(struct socket *s, const struct socket_ops *ops, int family,
                 int type, int protocol);
void socket_destroy(struct socket *s);
void socket_ref(struct socket *s);
void socket_unref(struct socket *s);

/* What a new socket takes over from the listening one it comes from. */
void socket_inherit(struct socket *s, const struct socket *from);

/* POLL* bits that came true. No spinlock is held. */
void socket_wake_read(struct socket *s, uint32_t events);
void socket_wake_write(struct socket *s, uint32_t events);
/* An urgent byte has come: SIGURG to the file's owner, and POLLPRI. */
void socket_urgent(struct socket *s);
/* Somebody waits for such bytes, or would look for the mark. */
void socket_watch_urgent(struct socket *s);
/* Sets SO_ERROR and wakes all. */
void socket_fail(struct socket *s, int error);
/* Options of SOL_SOCKET that few use; value has 4 bytes at least. */
int socket_set_seldom(struct socket *s, int name, const void *value,
                      uint32_t len);
int socket_get_seldom(struct socket *s, int name, void *value, uint32_t *len);
/* SO_COOKIE */
uint64_t socket_cookie(struct socket *s);
/* The caller has capability `cap`. */
enum { CAP_NET_ADMIN_ = 12, CAP_NET_RAW_ = 13 };
bool socket_capable(int cap);
/* SO_ERROR: the pending error, as a positive errno, and forgets it. */
int socket_take_error(struct socket *s);

/* SO_PEEK_OFF of a stream: where a receive begins, and that it moved n bytes.
 */
static inline uint64_t socket_peek_start(const struct socket *s, uint32_t flags)
{
    int32_t off = atomic_load_relaxed(&s->peek_offset);

    return likely(!(flags & MSG_PEEK)) || off < 0 ? 0 : (uint64_t)off;
}
static inline void socket_peek_moved(struct socket *s, uint32_t flags, long n)
{
    int32_t off = atomic_load_relaxed(&s->peek_offset);

    if (unlikely(off >= 0) && n > 0) {
        atomic_store_relaxed(&s->peek_offset, flags & MSG_PEEK
                                                  ? off + (int32_t)n
                                                  : MAX(off - (int32_t)n, 0));
    }
}

/* A send with MSG_ZEROCOPY has moved something. */
void socket_zerocopy_sent(struct socket *s);
/* What MSG_ERRQUEUE tells of such sends. -EAGAIN: nothing is new. */
long socket_zerocopy_recv(struct socket *s, struct socket_msg *msg);
static inline bool socket_zerocopy_tells(const struct socket *s)
{
    return atomic_load_relaxed(&s->zerocopy_sent) !=
           atomic_load_relaxed(&s->zerocopy_told);
}

/* Until condition; timeout is s->recv_timeout or send_timeout. 0, or -EAGAIN
 * (it passed), -ERESTARTSYS, -EINTR as signal(7) says. deadline: from
 * socket_deadline(), taken once a call. */
static inline uint64_t socket_deadline(uint64_t timeout)
{
    return timeout ? clock_now() + timeout : DEADLINE_NONE;
}
static inline int socket_wait_error(int err, uint64_t timeout)
{
    return err == 0 ? 0 : err == -110 ? -11 : timeout ? -4 : -512;
}
#define socket_wait(queue, condition, timeout, deadline)                       \
    socket_wait_error(wait_event((queue), (condition), (deadline), WAIT_INTR), \
                      (timeout))

/* Receive: adds a control message; what does not fit sets MSG_CTRUNC. */
void socket_put_control(struct socket_msg *msg, int level, int type,
                        const void *data, size_t len);
/* Send, internet sockets: a control message of level SOL_SOCKET is well-formed
 * and allowed; nothing of it changes what is sent. -EINVAL, -EPERM. */
int socket_check_one(const struct abi_cmsghdr *h, const uint8_t *data);
/* The same of all that come with data for a stream: -EINVAL. */
int socket_check_control(const struct socket_msg *msg);
/* Send: the control message at *pos, or false at the end. -EINVAL in *err
 * when they are laid out wrongly. data points behind the header. */
bool socket_next_control(const struct socket_msg *msg, size_t *pos,
                         struct abi_cmsghdr *out, const uint8_t **data,
                         int *err);

/* ---- families (family.c) ---- */

struct socket_family {
    int family;
    /* type without flags. -ESOCKTNOSUPPORT, -EPROTONOSUPPORT... */
    int (*create)(int family, int type, int protocol, struct socket **out);
    /* socketpair(2). NULL: -EOPNOTSUPP. */
    int (*pair)(int type, int protocol, struct socket *out[2]);
};

extern const struct socket_family unix_family, inet_family, inet6_family,
    netlink_family;

/* ---- for system calls ---- */

/* socket(2), socketpair(2): one reference each. -EAFNOSUPPORT... */
int socket_create(int family, int type, int protocol, struct socket **out);
int socket_pair(int family, int type, int protocol, struct socket *out[2]);

/* A file for s; takes its reference, also on failure. flags: O_NONBLOCK. */
int socket_open_file(struct socket *s, uint32_t flags, struct file **out);

/* The socket of f; NULL: it is none. */
struct socket *socket_of(struct file *f);

long socket_send(struct file *f, struct socket_msg *msg);
long socket_recv(struct file *f, struct socket_msg *msg);
int socket_shutdown(struct socket *s, int how);
int socket_setsockopt(struct socket *s, int level, int name, const void *value,
                      uint32_t len);
int socket_getsockopt(struct socket *s, int level, int name, void *value,
                      uint32_t *len);

#endif
