/* SPDX-License-Identifier: MIT
 *
 * The host side of sockets over the fake target, whose host has real sockets
 * of loopback: what works, what fails, and what a host may say that is not
 * so. The family above (inet.c) and socket.c are stood in for.
 */
#include <stdlib.h>
#include "kernel/core/hostio.h"
#include "kernel/net/host.h"
#include "kernel/net/host_private.h"
#include "kernel/net/tests/outside.h"
#include "kernel/policy.h"
#include "lib/tests/unit.h"
#include "target/fake/fake.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

/* ---- in place of socket.c and inet.c ---- */

enum { QUEUE = 64, DATA = 300000 };

static struct inet_socket *accepted[QUEUE];
static unsigned accepted_count, datagram_count, error_count, error_tries, freed;
static struct inet_info datagram_info;
static const struct inet_control plain_control = {.ttl = -1, .tos = -1};
static uint8_t datagram[70000], data[DATA], back[DATA];
static size_t datagram_len;
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

long inet_ioctl(struct socket *s, uint32_t cmd, struct uptr arg)
{
    return -ENOTTY;
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

size_t copy_to_user_part(struct uptr dst, const void *src, size_t n)
{
    return 0;
}

size_t zero_user_part(struct uptr dst, size_t n)
{
    return 0;
}

/* ---- helpers ---- */

static struct inet_addr local_port(uint16_t port)
{
    struct inet_addr a = {.port = port};
    uint8_t ip[16] = {[10] = 255, [11] = 255, [12] = 127, [15] = 1};

    memcpy(a.ip, ip, sizeof(ip));
    return a;
}

static struct inet_socket *new_socket(int type)
{
    struct inet_socket *i = malloc(sizeof(*i));

    stand_in_init(i, type);
    i->local = local_port(0);
    return i;
}

static void fresh(void)
{
    fake_init();
    fake_defer(false);
    fake_on_complete(NULL);
    accepted_count = datagram_count = freed = 0;
    EXPECT_EQ(hostio_init(), 0);
}

static long send_some(struct inet_socket *i, const void *bytes, size_t len,
                      bool nowait)
{
    struct socket_msg msg = {.nowait = nowait};
    struct iobuf io;

    iobuf_kernel(&io, (void *)bytes, len);
    msg.io = &io;
    return i->s.ops->sendmsg(&i->s, &msg);
}

static long recv_some(struct inet_socket *i, void *bytes, size_t len,
                      bool nowait)
{
    struct socket_msg msg = {.nowait = nowait};
    struct iobuf io;

    iobuf_kernel(&io, bytes, len);
    msg.io = &io;
    return i->s.ops->recvmsg(&i->s, &msg);
}

/* Ends a stream and lets the host finish with it. */
static void end(struct inet_socket *i)
{
    i->s.ops->release(&i->s);
    socket_unref(&i->s);
    host_finish();
}

static int connect_outside(struct inet_socket *i, const struct inet_addr *to,
                           bool nowait)
{
    int err;

    mutex_lock(&i->setup);
    err = host_connect(i, to, nowait);
    mutex_unlock(&i->setup);
    return err;
}

/* A connection: ours, and the outside's descriptor. */
static struct inet_socket *connected(int *fd)
{
    int listening = outside_stream();
    struct inet_socket *i = new_socket(SOCK_STREAM);
    struct inet_addr to = local_port(outside_port(listening));

    EXPECT_EQ(connect_outside(i, &to, false), 0);
    *fd = outside_accept(listening);
    outside_close(listening);
    return i;
}

/* ---- what works ---- */

static void bytes_go_both_ways(void)
{
    struct inet_socket *i;
    size_t done = 0;
    int fd;

    fresh();
    i = connected(&fd);
    EXPECT_EQ(recv_some(i, back, 10, true), -EAGAIN);
    EXPECT_EQ(outside_write(fd, "hello", 5), 5);
    EXPECT_EQ(recv_some(i, back, 3, false), 3);
    EXPECT_EQ(recv_some(i, back + 3, 10, true), 2);
    EXPECT(!memcmp(back, "hello", 5));
    while (done < DATA) {
        long n = send_some(i, data + done, DATA - done, true);
        long m = 0;

        hostio_look();
        for (long at = 0; at < n; at += m) {
            hostio_look();
            m = outside_read(fd, back + done + at, n - at);
        }
        done += MAX(n, 0l);
    }
    EXPECT(!memcmp(data, back, DATA));
    EXPECT_EQ(i->s.ops->shutdown(&i->s, SHUT_WR), 0);
    hostio_look();
    EXPECT_EQ(outside_read(fd, back, 10), 0);
    EXPECT_EQ(send_some(i, data, 1, true), -EPIPE);
    outside_close(fd);
    EXPECT_EQ(recv_some(i, back, 10, false), 0);
    end(i);
    EXPECT_EQ(freed, 1);
    EXPECT_EQ(sched_io_inflight, 0);
}

static unsigned sends;

static void count_sends(unsigned ring, const struct ring_sqe *e,
                        struct ring_cqe *c)
{
    sends += ring == 0 && e->opcode == RINGOP_SEND;
}

/* A header, a body and a bit more, in the order in which they were written. */
static void what_is_written_at_a_time_goes_together(void)
{
    static const size_t pieces[] = {200, 20, 9000, 20000, 5, 200000, 7, 300};
    struct inet_socket *i;
    size_t at = 0, got = 0;
    int fd;

    fresh();
    i = connected(&fd);
    fake_on_complete(count_sends);
    sends = 0;
    for (unsigned n = 0; n < ARRAY_SIZE(pieces); n++) {
        EXPECT_EQ(send_some(i, data + at, pieces[n], true), pieces[n]);
        at += pieces[n];
        if (n == 2) {
            hostio_look();
            EXPECT_EQ(sends, 1);
        }
    }
    while (got < at) {
        long n = outside_read_now(fd, back + got, at - got);

        got += n > 0 ? (size_t)n : 0;
        hostio_look();
        fake_ring_progress();
    }
    EXPECT(!memcmp(data, back, at));
    fake_on_complete(NULL);
    outside_close(fd);
    end(i);
    EXPECT_EQ(sched_io_inflight, 0);
}

static uint64_t received_at;

static void note_receive(unsigned ring, const struct ring_sqe *e,
                         struct ring_cqe *c)
{
    if (ring == 0 && e->opcode == RINGOP_RECV && c->res > 2000) {
        received_at = e->addr;
    }
}

/* Bytes that the program has looked at are what it reads later, whatever the
 * host does to its memory meanwhile. */
static void what_was_looked_at_stays(void)
{
    struct socket_msg peek = {.nowait = true, .flags = MSG_PEEK};
    struct inet_socket *i;
    struct iobuf io;
    int fd;

    fresh();
    i = connected(&fd);
    fake_on_complete(note_receive);
    received_at = 0;
    EXPECT_EQ(outside_write(fd, data, 4000), 4000);
    hostio_look();
    fake_ring_progress();
    hostio_look();
    EXPECT(received_at);
    iobuf_kernel(&io, back, 11);
    peek.io = &io;
    EXPECT_EQ(i->s.ops->recvmsg(&i->s, &peek), 11);
    memset((void *)received_at, 0xee, 4000);
    EXPECT_EQ(recv_some(i, back, 7, true), 7);
    EXPECT_EQ(recv_some(i, back + 7, 5000, true), 3993);
    EXPECT(!memcmp(back, data, 4000));
    fake_on_complete(NULL);
    outside_close(fd);
    end(i);
    EXPECT_EQ(sched_io_inflight, 0);
}

static void refusals_can_be_tried_again(void)
{
    struct inet_socket *i = new_socket(SOCK_STREAM);
    int listening = outside_stream();
    struct inet_addr to = local_port(outside_port(listening));
    int fd;

    outside_close(listening);
    fresh();
    EXPECT_EQ(connect_outside(i, &to, false), -ECONNREFUSED);
    listening = outside_stream();
    to = local_port(outside_port(listening));
    EXPECT_EQ(connect_outside(i, &to, false), 0);
    fd = outside_accept(listening);
    EXPECT(fd >= 0);
    outside_close(fd);
    outside_close(listening);
    end(i);
    EXPECT_EQ(sched_io_inflight, 0);
}

static struct inet_socket *listening_socket(void)
{
    struct inet_socket *l = new_socket(SOCK_STREAM);

    EXPECT_EQ(host_bind(l), 0);
    EXPECT(l->local.port != 0);
    EXPECT_EQ(host_listen(l, 10), 0);
    return l;
}

static int outside_client(struct inet_socket *l)
{
    return outside_connect(l->local.port);
}

static void wait_accepted(unsigned count)
{
    for (int tries = 0; accepted_count < count && tries < 8; tries++) {
        fake_ring_progress();
        hostio_look();
    }
}

static void clients_are_accepted_ahead(void)
{
    struct inet_socket *l;
    int fd;

    fresh();
    l = listening_socket();
    fd = outside_client(l);
    EXPECT_EQ(outside_write(fd, "first", 5), 5);
    wait_accepted(1);
    EXPECT_EQ(accepted_count, 1);
    EXPECT_EQ(recv_some(accepted[0], back, 10, false), 5);
    EXPECT_EQ(accepted[0]->peer.port, outside_port(fd));
    end(accepted[0]);
    EXPECT_EQ(outside_read(fd, back, 1), 0);
    outside_close(fd);
    host_stop(l);
    socket_unref(&l->s);
    EXPECT_EQ(sched_io_inflight, 0);
}

static void datagrams_come_and_go(void)
{
    struct inet_socket *i = new_socket(SOCK_DGRAM);
    int fd = outside_datagram();
    struct inet_addr to = local_port(outside_port(fd));
    struct socket_msg msg = {0};
    struct iobuf io;

    fresh();
    iobuf_kernel(&io, "abc", 3);
    msg.io = &io;
    EXPECT_EQ(host_send_datagram(i, &msg, &to, &plain_control), 3);
    EXPECT_EQ(outside_read(fd, back, 10), 3);
    EXPECT_EQ(outside_send_to(fd, i->local.port, data, 60000), 60000);
    for (int tries = 0; !datagram_count && tries < 8; tries++) {
        fake_ring_progress();
        hostio_look();
    }
    EXPECT_EQ(datagram_len, 60000);
    EXPECT(!memcmp(datagram, data, 60000));
    host_stop(i);
    socket_unref(&i->s);
    outside_close(fd);
    EXPECT_EQ(sched_io_inflight, 0);
}

/* ---- what fails ---- */

/* Each call of the host fails in turn: an error, or a connection that ends;
 * nothing is left behind. */
static void failures_leak_nothing(void)
{
    for (unsigned n = 1; n < 12; n++) {
        struct inet_socket *i = new_socket(SOCK_STREAM);
        int listening = outside_stream();
        struct inet_addr to = local_port(outside_port(listening));
        int err;

        fresh();
        fake_fail_after(n);
        err = connect_outside(i, &to, false);
        if (!err) {
            send_some(i, data, 1000, true);
            hostio_look();
            recv_some(i, back, 10, true);
        }
        fake_fail_after(0);
        if (i->s.ops == &host_stream_ops) {
            end(i);
        } else {
            if (i->host) {
                host_stop(i);
            }
            socket_unref(&i->s);
        }
        outside_close(listening);
        EXPECT_EQ(sched_io_inflight, 0);
    }
}

/* ---- lies ---- */

static int lie_op;
static int32_t lie_result;
static unsigned lie_ring;

static void lie(unsigned ring, const struct ring_sqe *e, struct ring_cqe *c)
{
    if (ring == lie_ring && e->opcode == lie_op) {
        c->res = lie_result;
    }
}

static void work(void)
{
    struct inet_socket *l, *i;
    int fd;

    i = connected(&fd);
    send_some(i, data, 10, true);
    outside_write(fd, "xyz", 3);
    recv_some(i, back, 10, false);
    i->s.ops->getname(&i->s, false, (void *)back);
    host_prepare(i);
    l = listening_socket();
    fd = outside_client(l);
    wait_accepted(1);
}

static void expect_lie(unsigned ring, int op, int32_t result)
{
    const char *said;

    fresh();
    lie_ring = ring;
    lie_op = op;
    lie_result = result;
    fake_on_complete(lie);
    said = fake_stopped(work);
    EXPECT(said && strstr(said, "a result that the request cannot have"));
    if (!said) {
        printf("ring %u, operation %d: nothing was noticed\n", ring, op);
    }
}

static void results_must_be_possible(void)
{
    expect_lie(0, RINGOP_RECV, BUFFER_SMALL + 1);
    expect_lie(0, RINGOP_RECV, -4096);
    expect_lie(0, RINGOP_SEND, 11);
    expect_lie(0, RINGOP_CONNECT, 1);
    expect_lie(0, RINGOP_ACCEPT, -5000);
    expect_lie(1, HOSTOP_SOCKET, INT32_MIN);
    expect_lie(1, HOSTOP_BIND, 1);
    expect_lie(1, HOSTOP_LISTEN, 7);
    expect_lie(1, HOSTOP_SOCKNAME, HOSTIO_NAME_MAX + 1);
}

/* An address that is none: the connection is not taken. */
static void wrong_peer(unsigned ring, const struct ring_sqe *e,
                       struct ring_cqe *c)
{
    static int nth;

    if (ring == 0 && e->opcode == RINGOP_ACCEPT && c->res >= 0) {
        if (nth++ % 2) {
            *(uint16_t *)e->addr = 77;
        } else {
            *(uint32_t *)e->off = 3;
        }
    }
}

static void long_peer(unsigned ring, const struct ring_sqe *e,
                      struct ring_cqe *c)
{
    if (ring == 0 && e->opcode == RINGOP_ACCEPT) {
        *(uint32_t *)e->off = UINT32_MAX;
    }
}

static void addresses_are_checked(void)
{
    struct inet_socket *l;
    int fds[3];

    fresh();
    fake_on_complete(wrong_peer);
    l = listening_socket();
    for (int i = 0; i < 2; i++) {
        fds[i] = outside_client(l);
        wait_accepted(1);
        EXPECT_EQ(accepted_count, 0);
        EXPECT_EQ(outside_read(fds[i], back, 1), 0); /* closed */
        outside_close(fds[i]);
    }
    fake_on_complete(long_peer);
    fds[2] = outside_client(l);
    wait_accepted(1);
    EXPECT_EQ(accepted_count, 1); /* what was read is in the room for it */
    end(accepted[0]);
    outside_close(fds[2]);
    host_stop(l);
    socket_unref(&l->s);
}

/* Lengths in a message's header are clamped to the room that there was. */
static void wild_header(unsigned ring, const struct ring_sqe *e,
                        struct ring_cqe *c)
{
    if (ring == 0 && e->opcode == RINGOP_RECVMSG && c->res >= 0) {
        struct abi_msghdr *h = (void *)e->addr;

        h->name_len = UINT32_MAX;
        h->control_len = UINT64_MAX;
        h->name = 0x4141414141414141;
        h->flags = UINT32_MAX;
    }
}

static void message_headers_are_clamped(void)
{
    struct inet_socket *i = new_socket(SOCK_DGRAM);
    int fd = outside_datagram();

    fresh();
    fake_on_complete(wild_header);
    EXPECT_EQ(host_bind(i), 0);
    EXPECT_EQ(outside_send_to(fd, i->local.port, "abc", 3), 3);
    for (int tries = 0; !datagram_count && tries < 8; tries++) {
        fake_ring_progress();
        hostio_look();
    }
    EXPECT_EQ(datagram_len, 3);
    host_stop(i);
    socket_unref(&i->s);
    outside_close(fd);
}

/* Control messages of any kind, length and content: what is told of them is
 * what one could be told. */
static uint64_t seed;

static uint64_t next_random(void)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return seed >> 32;
}

static void wild_control(unsigned ring, const struct ring_sqe *e,
                         struct ring_cqe *c)
{
    static const int kinds[][2] = {{0, 8},   {0, 2},   {0, 1},   {0, 11},
                                   {41, 50}, {41, 52}, {41, 67}, {41, 25}};
    uint8_t *control = (void *)(e->addr + MESSAGE_CONTROL);
    struct abi_msghdr *m = (void *)e->addr;

    if (ring == 0 && e->opcode == RINGOP_POLL_ADD && c->res > 0) {
        c->res |= POLLERR;
    }
    if (ring != 0 || e->opcode != RINGOP_RECVMSG) {
        return;
    }
    if (c->res < 0 && error_tries && next_random() % 2) {
        error_tries--;
        c->res = (int32_t)(next_random() % 100); /* of the error queue, too */
    }
    for (unsigned i = 0; i < HOSTIO_CONTROL; i++) {
        control[i] = (uint8_t)next_random();
    }
    for (unsigned at = 0; at + 64 <= HOSTIO_CONTROL; at += 48) {
        const int *kind = kinds[next_random() % 8];
        struct abi_cmsghdr h = {next_random() % 64, kind[0], kind[1]};

        h.len = next_random() % 16 ? h.len : UINT64_MAX - h.len;
        memcpy(control + at, &h, sizeof(h));
        if (next_random() % 2) { /* an error that can be */
            memset(control + at + sizeof(h), 0, 16);
            control[at + sizeof(h)] = (uint8_t)(1 + next_random() % 133);
        }
    }
    m->control_len = next_random() % (2 * HOSTIO_CONTROL);
    m->name_len = (uint32_t)(next_random() % 200);
}

static void control_messages_are_checked(void)
{
    struct inet_socket *i = new_socket(SOCK_DGRAM);
    int fd = outside_datagram();

    fresh();
    fake_on_complete(wild_control);
    error_tries = 0;
    EXPECT_EQ(host_bind(i), 0);
    for (seed = 1; seed < 400; seed++) {
        uint64_t kept = seed;

        error_tries = 3;
        datagram_info = (struct inet_info){0};
        outside_send_to(fd, i->local.port, "abc", 3);
        for (int tries = 0; tries < 6; tries++) {
            fake_ring_progress();
            hostio_look();
        }
        EXPECT(datagram_info.ttl >= 0 && datagram_info.ttl < 256);
        EXPECT(datagram_info.tos >= 0 && datagram_info.tos < 256);
        seed = kept;
    }
    EXPECT(error_count > 0);
    fake_on_complete(NULL);
    host_stop(i);
    socket_unref(&i->s);
    outside_close(fd);
    EXPECT_EQ(sched_io_inflight, 0);
}

/* Results that are possible and wrong: whatever they are, the program gets an
 * error or bytes, and everything can be ended. */
static void random_result(unsigned ring, const struct ring_sqe *e,
                          struct ring_cqe *c)
{
    next_random();
    if (ring == 0 && seed >> 62 == 0) {
        switch (e->opcode) {
        case RINGOP_RECV:
        case RINGOP_SEND:
            c->res = (int32_t)(seed >> 32 & 0xffff) % (int32_t)(e->len + 1);
            break;
        case RINGOP_CONNECT:
            c->res = -(int32_t)(seed >> 40 & 127);
            break;
        }
    } else if (ring == 0 && seed >> 60 == 5 &&
               (e->opcode == RINGOP_RECV || e->opcode == RINGOP_SEND)) {
        c->res = -(int32_t)(seed >> 40 & 127) - 1;
    }
}

static void wrong_results_do_no_harm(void)
{
    for (seed = 1; seed < 3000; seed += 1 + 97) {
        struct inet_socket *i = new_socket(SOCK_STREAM);
        int listening = outside_stream(), fd = -1;
        struct inet_addr to = local_port(outside_port(listening));

        fresh();
        fake_on_complete(random_result);
        if (connect_outside(i, &to, true) == 0) {
            fd = outside_accept(listening);
        }
        for (int n = 0; n < 20 && fd >= 0; n++) {
            send_some(i, data, n % 3 ? 3000 : 70000, true);
            outside_write(fd, data, n % 4 ? 1000 : 30000);
            hostio_look();
            fake_ring_progress();
            recv_some(i, back, 5000, true);
            outside_read_now(fd, back, sizeof(back));
            i->s.ops->poll(&i->s);
        }
        fake_on_complete(NULL);
        if (i->s.ops == &host_stream_ops) {
            end(i);
        } else {
            if (i->host) {
                host_stop(i);
            }
            socket_unref(&i->s);
        }
        outside_close(fd);
        outside_close(listening);
        EXPECT_EQ(sched_io_inflight, 0);
        seed &= 0xfff;
    }
}

int main(void)
{
    for (unsigned n = 0; n < DATA; n++) {
        data[n] = (uint8_t)(n * 31 + n / 251);
    }
    RUN(bytes_go_both_ways);
    RUN(what_is_written_at_a_time_goes_together);
    RUN(what_was_looked_at_stays);
    RUN(refusals_can_be_tried_again);
    RUN(clients_are_accepted_ahead);
    RUN(datagrams_come_and_go);
    RUN(failures_leak_nothing);
    RUN(results_must_be_possible);
    RUN(addresses_are_checked);
    RUN(message_headers_are_clamped);
    RUN(control_messages_are_checked);
    RUN(wrong_results_do_no_harm);
    return unit_result();
}
