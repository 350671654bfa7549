/* SPDX-License-Identifier: MIT
 *
 * The family above (inet.c) and socket.c, stood in for, and what the tests of
 * the host side do most often.
 */
#include <stdlib.h>
#include "kernel/net/count.h"
#include "kernel/net/tests/stand_in.h"

struct inet_socket *accepted[QUEUE];
unsigned accepted_count, datagram_count, error_count, freed;
struct inet_info datagram_info;
uint8_t datagram[70000], data[DATA], back[DATA];
size_t datagram_len;
static const struct socket_ops plain_ops;

static void stand_in_init(struct inet_socket *i, int type)
{
    struct socket *s = &i->s;

    memset(i, 0, sizeof(*i));
    s->ops = &plain_ops;
    s->refs = 1;
    s->family = AF_INET;
    s->type = type;
    wait_queue_init(&s->can_read);
    wait_queue_init(&s->can_write);
    spin_init(&s->lock, LOCK_PIPE);
    mutex_init(&i->setup, LOCK_FS_INODE);
    list_init(&i->options);
}

void socket_ref(struct socket *s)
{
    s->refs++;
}

void socket_unref(struct socket *s)
{
    if (--s->refs == 0) {
        s->ops->free(s);
    }
}

void socket_wake_read(struct socket *s, uint32_t events)
{
    wait_wake(&s->can_read, ~0u, events);
}

uint64_t net_counts[NET_COUNTS];

long inet_fast_open(struct socket *s, struct socket_msg *msg)
{
    return -EOPNOTSUPP;
}

void inet_put_time(struct socket *s, struct socket_msg *msg, int64_t time)
{
}

void socket_urgent(struct socket *s)
{
    socket_wake_read(s, POLLPRI);
}

void socket_watch_urgent(struct socket *s)
{
    atomic_fetch_or(&s->flags, SOCKET_URGENT_WATCHED);
    if (s->ops->watch_urgent) {
        s->ops->watch_urgent(s);
    }
}

void socket_wake_write(struct socket *s, uint32_t events)
{
    wait_wake(&s->can_write, ~0u, events);
}

int socket_take_error(struct socket *s)
{
    int err = s->error;

    s->error = 0;
    return err;
}

void inet_free(struct socket *s)
{
    freed++;
    free(inet_of(s));
}

void inet_reborn(struct inet_socket *i)
{
    i->s.ops = &plain_ops;
}

void inet_failed(struct inet_socket *i)
{
}

long inet_ioctl(struct socket *s, uint32_t cmd, struct uptr arg)
{
    return -ENOTTY;
}

int socket_check_control(const struct socket_msg *msg)
{
    return 0;
}

bool mm_user_range(uint64_t addr, uint64_t len)
{
    return false;
}

int put_user32(struct uptr dst, uint32_t val)
{
    return -EFAULT;
}

int inet_accepted(struct inet_socket *listener, struct inet_socket **out)
{
    *out = malloc(sizeof(**out));
    stand_in_init(*out, SOCK_STREAM);
    return 0;
}

int inet_listener_push(struct inet_socket *listener, struct inet_socket *conn)
{
    if (accepted_count == QUEUE) {
        return -EAGAIN;
    }
    accepted[accepted_count++] = conn;
    return 0;
}

unsigned inet_listener_count(struct inet_socket *listener)
{
    return 0;
}

unsigned inet_listener_room(struct inet_socket *listener)
{
    return QUEUE - accepted_count;
}

int inet_datagram_push(struct inet_socket *i, const struct inet_addr *from,
                       const struct inet_info *info, const void *bytes,
                       size_t len)
{
    memcpy(datagram, bytes, len);
    datagram_len = len;
    datagram_info = *info;
    datagram_count++;
    return 0;
}

void inet_error_push(struct inet_socket *i, const struct inet_addr *to,
                     const struct inet_error *error, const void *bytes,
                     size_t len)
{
    EXPECT(error->error > 0 && error->error < 134);
    error_count++;
}

int inet_setsockopt(struct socket *s, int level, int name, const void *value,
                    uint32_t len)
{
    return -ENOPROTOOPT;
}

int inet_getsockopt(struct socket *s, int level, int name, void *value,
                    uint32_t *len)
{
    return -ENOPROTOOPT;
}

void inet_option_for_each(struct inet_socket *i,
                          void (*fn)(void *arg, int level, int name,
                                     const void *value, uint32_t len),
                          void *arg)
{
}

/* There is no policy. */
bool policy_allows(const struct policy *p, bool listen, unsigned protocol,
                   unsigned family, const uint8_t *address, unsigned port)
{
    return true;
}

static const struct socket_ops plain_ops = {.free = inet_free};

/* Only kernel memory is moved here. */
size_t copy_from_user_part(void *dst, struct uptr src, size_t n)
{
    return 0;
}

size_t copy_to_user_part_nofault(struct uptr dst, const void *src, size_t n)
{
    return 0;
}

void user_bring_in(struct uptr addr)
{
}

size_t copy_to_user_part(struct uptr dst, const void *src, size_t n)
{
    return 0;
}

size_t zero_user_part(struct uptr dst, size_t n)
{
    return 0;
}

/* ---- helpers ---- */

struct inet_addr local_port(uint16_t port)
{
    struct inet_addr a = {.port = port};
    uint8_t ip[16] = {[10] = 255, [11] = 255, [12] = 127, [15] = 1};

    memcpy(a.ip, ip, sizeof(ip));
    return a;
}

struct inet_socket *new_socket(int type)
{
    struct inet_socket *i = malloc(sizeof(*i));

    stand_in_init(i, type);
    i->local = local_port(0);
    return i;
}

void fresh(void)
{
    fake_init();
    fake_defer(false);
    fake_on_complete(NULL);
    accepted_count = datagram_count = freed = 0;
    EXPECT_EQ(hostio_init(), 0);
}

long send_some(struct inet_socket *i, const void *bytes, size_t len,
               bool nowait)
{
    struct socket_msg msg = {.nowait = nowait};
    struct iobuf io;

    iobuf_kernel(&io, (void *)bytes, len);
    msg.io = &io;
    return i->s.ops->sendmsg(&i->s, &msg);
}

long recv_some(struct inet_socket *i, void *bytes, size_t len, bool nowait)
{
    struct socket_msg msg = {.nowait = nowait};
    struct iobuf io;

    iobuf_kernel(&io, bytes, len);
    msg.io = &io;
    return i->s.ops->recvmsg(&i->s, &msg);
}

/* Ends a stream and lets the host finish with it. */
void end(struct inet_socket *i)
{
    i->s.ops->release(&i->s);
    socket_unref(&i->s);
    host_finish();
}

void end_connecting(struct inet_socket *i)
{
    if (i->s.ops == &host_stream_ops) {
        end(i);
        return;
    }
    if (i->host) {
        host_stop(i);
    }
    socket_unref(&i->s);
}

int connect_outside(struct inet_socket *i, const struct inet_addr *to,
                    bool nowait)
{
    int err;

    mutex_lock(&i->setup);
    err = host_connect(i, to, nowait);
    mutex_unlock(&i->setup);
    return err;
}

/* A connection: ours, and the outside's descriptor. */
struct inet_socket *connected(int *fd)
{
    int listening = outside_stream();
    struct inet_socket *i = new_socket(SOCK_STREAM);
    struct inet_addr to = local_port(outside_port(listening));

    EXPECT_EQ(connect_outside(i, &to, false), 0);
    *fd = outside_accept(listening);
    outside_close(listening);
    return i;
}

struct inet_socket *listening_socket(void)
{
    struct inet_socket *l = new_socket(SOCK_STREAM);

    EXPECT_EQ(host_bind(l), 0);
    EXPECT(l->local.port != 0);
    EXPECT_EQ(host_listen(l, 10), 0);
    return l;
}

int outside_client(struct inet_socket *l)
{
    return outside_connect(l->local.port);
}

bool inet_tells_left(struct inet_socket *i)
{
    return false;
}

void inet_put_left(struct socket_msg *msg, uint64_t left, bool ended)
{
}

void wait_accepted(unsigned count)
{
    for (int tries = 0; accepted_count < count && tries < 8; tries++) {
        fake_ring_progress();
        hostio_look();
    }
}
