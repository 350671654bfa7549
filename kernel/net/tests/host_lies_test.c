/* SPDX-License-Identifier: MIT
 *
 * A host that says of sockets what is not so: results that cannot be stop the
 * instance, whatever the operation; what could be and is wrong does no harm.
 */
#include "kernel/net/tests/stand_in.h"

static unsigned error_tries;
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
    i->s.ops->getname(&i->s, NAME_OWN, (void *)back);
    host_prepare(i);
    hostio_setsockopt(host_of(i)->fd, 6, 1, back, 4);
    hostio_getsockopt(host_of(i)->fd, 6, 1, back, 4);
    hostio_sockname(host_of(i)->fd, true, back);
    l = listening_socket();
    fd = outside_client(l);
    wait_accepted(1);
    end(i);
}

static void work_datagrams(void)
{
    struct inet_socket *i = new_socket(SOCK_DGRAM);
    int fd = outside_datagram();
    struct hostio_message m = {.data = data, .len = 10};

    EXPECT_EQ(host_bind(i), 0);
    outside_send_to(fd, i->local.port, "abc", 3);
    for (int tries = 0; tries < 8; tries++) {
        fake_ring_progress();
        hostio_look();
    }
    hostio_sendmsg(host_of(i)->fd, &m, 0);
    hostio_poll(host_of(i)->fd, POLLOUT);
    host_stop(i);
}

static void expect_lie_in(void (*doing)(void), unsigned ring, int op,
                          int32_t result)
{
    const char *said;

    fresh();
    lie_ring = ring;
    lie_op = op;
    lie_result = result;
    fake_on_complete(lie);
    said = fake_stopped(doing);
    EXPECT(said && strstr(said, "a result that the request cannot have"));
    if (!said) {
        printf("ring %u, operation %d: nothing was noticed\n", ring, op);
    }
}

static void expect_lie(unsigned ring, int op, int32_t result)
{
    expect_lie_in(work, ring, op, result);
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
    expect_lie(1, HOSTOP_PEERNAME, HOSTIO_NAME_MAX + 1);
    expect_lie(1, HOSTOP_SETSOCKOPT, 1);
    expect_lie(1, HOSTOP_GETSOCKOPT, 5);
    expect_lie(0, RINGOP_ASYNC_CANCEL, 1);
    expect_lie(0, RINGOP_CLOSE, 1);
    expect_lie_in(work_datagrams, 0, RINGOP_RECVMSG, MESSAGE_MOST + 1);
    expect_lie_in(work_datagrams, 0, RINGOP_RECVMSG, INT32_MIN);
    expect_lie_in(work_datagrams, 0, RINGOP_SENDMSG, 11);
    expect_lie_in(work_datagrams, 0, RINGOP_POLL_ADD, 1 << 16);
    expect_lie_in(work_datagrams, 0, RINGOP_CLOSE, 7);
}

/* Of a receive of many. */
static uint32_t lie_flags;

static void lie_of_many(unsigned ring, const struct ring_sqe *e,
                        struct ring_cqe *c)
{
    if (ring == 0 && e->opcode == RINGOP_RECV) {
        c->res = lie_result;
        c->flags = lie_flags;
    }
}

static void expect_lie_of_many(int32_t result, uint32_t flags, const char *what)
{
    const char *said;

    fresh();
    lie_result = result;
    lie_flags = flags;
    fake_on_complete(lie_of_many);
    said = fake_stopped(work);
    EXPECT(said && strstr(said, what));
}

static void chosen_buffers_must_be_there(void)
{
    uint32_t never = 4095 << RING_BUFFER_SHIFT;

    fake_choose(true);
    expect_lie_of_many(3, RING_BUFFER | never, "a buffer that it does not");
    expect_lie_of_many(3, RING_BUFFER | UINT16_MAX << RING_BUFFER_SHIFT,
                       "a buffer that it does not");
    expect_lie_of_many(3, 0, "data in no buffer");
    expect_lie_of_many(3, RING_MORE, "data in no buffer");
    expect_lie_of_many(0, RING_MORE, "more to come");
    expect_lie_of_many(-EIO, RING_MORE, "more to come");
    expect_lie_of_many(BUFFER_SMALL + 1, RING_BUFFER, "a result that");
    fake_choose(false);
    expect_lie_of_many(3, RING_MORE, "more to come");
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
        end_connecting(i);
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
    RUN(results_must_be_possible);
    RUN(chosen_buffers_must_be_there);
    RUN(addresses_are_checked);
    RUN(message_headers_are_clamped);
    RUN(control_messages_are_checked);
    RUN(wrong_results_do_no_harm);
    return unit_result();
}
