/* SPDX-License-Identifier: MIT
 *
 * The host side of sockets over the fake target, whose host has real sockets
 * of loopback: what works, and what fails. host_lies_test.c is a host that says
 * what is not so.
 */
#include "kernel/net/tests/stand_in.h"

static const struct inet_control plain_control = {.ttl = -1, .tos = -1};

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

static unsigned direct_sends;

static void count_direct(unsigned ring, const struct ring_sqe *e,
                         struct ring_cqe *c)
{
    direct_sends += ring == 0 && e->opcode == RINGOP_SEND &&
                    e->addr - (uint64_t)data < DATA && c->res > 0;
}

/* In pieces that the host's buffers cannot hold altogether. */
static void large_writes_go_from_where_they_lie(void)
{
    struct inet_socket *i;
    size_t done = 0, got = 0;
    int fd;

    fresh();
    hostio_reads_memory(true);
    fake_on_complete(count_direct);
    i = connected(&fd);
    while (got < DATA) {
        long n = send_some(i, data + done, DATA - done, true);
        long m;

        EXPECT(n >= 0 || n == -EAGAIN);
        /* Who is told nothing but this waits for an event. */
        EXPECT(n != -EAGAIN || host_of(i)->tx_blocked);
        EXPECT(n >= 0 || !(i->s.ops->poll(&i->s) & POLLOUT));
        done += MAX(n, 0l);
        hostio_look();
        m = outside_read_now(fd, back + got, DATA - got);
        got += MAX(m, 0l);
        fake_ring_progress();
        hostio_look();
    }
    EXPECT(!memcmp(data, back, DATA));
    EXPECT(direct_sends > 0);
    EXPECT(i->s.ops->poll(&i->s) & POLLOUT);
    outside_close(fd);
    end(i);
    hostio_reads_memory(false);
    EXPECT_EQ(sched_io_inflight, 0);
}

/* Its connection is reset when the host is shown the bytes. */
static void reset_direct(unsigned ring, const struct ring_sqe *e,
                         struct ring_cqe *c)
{
    if (ring == 0 && e->opcode == RINGOP_SEND) {
        c->res = -ECONNRESET;
    }
}

static void a_large_write_says_why_it_fails(void)
{
    struct inet_socket *i;
    int fd;

    fresh();
    hostio_reads_memory(true);
    i = connected(&fd);
    fake_on_complete(reset_direct);
    EXPECT_EQ(send_some(i, data, 64 << 10, true), -ECONNRESET);
    EXPECT_EQ(i->s.error, 0);
    EXPECT_EQ(send_some(i, data, 64 << 10, true), -EPIPE);
    outside_close(fd);
    end(i);
    hostio_reads_memory(false);
    EXPECT_EQ(sched_io_inflight, 0);
}

enum { FIRST = 100 << 10, SECOND = 40 << 10 };

static struct inet_socket *written_twice;
static long second_result;

/* The host is with an operation of its other ring: a vCPU that takes what has
 * completed, and writes. */
static void write_second(unsigned ring, const struct ring_sqe *e,
                         struct ring_cqe *c)
{
    if (ring == RING_HOSTOP) {
        hostio_look();
        second_result = send_some(written_twice, data + FIRST, SECOND, true);
    }
}

static void nothing(struct hostio_op *op, int32_t result)
{
}

/* The second begins when the first is over and its writer has not looked. */
static void two_large_writes_at_once_get_their_own_results(void)
{
    struct hostio_op op = {
        .sqe = {.opcode = HOSTOP_LSEEK, .fd = -1},
        .ring = RING_HOSTOP,
        .done = nothing,
    };
    size_t got = 0;
    int fd;

    fresh();
    hostio_reads_memory(true);
    written_twice = connected(&fd);
    fake_on_complete(write_second);
    hostio_start(&op);
    EXPECT_EQ(send_some(written_twice, data, FIRST, true), FIRST);
    EXPECT_EQ(second_result, SECOND);
    fake_on_complete(NULL);
    while (got < FIRST + SECOND) {
        long n = outside_read(fd, back + got, FIRST + SECOND - got);

        if (n <= 0) {
            break;
        }
        got += (size_t)n;
    }
    EXPECT_EQ(got, FIRST + SECOND);
    EXPECT(!memcmp(data, back, FIRST + SECOND));
    EXPECT(outside_read_now(fd, back, 1) < 0);
    outside_close(fd);
    end(written_twice);
    hostio_reads_memory(false);
    EXPECT_EQ(sched_io_inflight, 0);
}

static uint32_t poll_after_look(struct inet_socket *i)
{
    for (int tries = 0; tries < 4; tries++) {
        fake_ring_progress();
        hostio_look();
    }
    return i->s.ops->poll(&i->s);
}

static void the_low_mark_holds(void)
{
    struct inet_socket *i;
    int fd;

    fresh();
    i = connected(&fd);
    i->s.recv_low = 4;
    EXPECT_EQ(outside_write(fd, "ab", 2), 2);
    EXPECT_EQ(poll_after_look(i) & POLLIN, 0);
    EXPECT_EQ(recv_some(i, back, 1, true), 1);
    EXPECT_EQ(outside_write(fd, "cde", 3), 3);
    EXPECT_EQ(poll_after_look(i) & POLLIN, POLLIN);
    EXPECT_EQ(recv_some(i, back, 10, false), 4);
    EXPECT_EQ(outside_write(fd, "f", 1), 1);
    outside_close(fd);
    EXPECT_EQ(poll_after_look(i) & POLLIN, POLLIN);
    EXPECT_EQ(recv_some(i, back, 10, false), 1);
    EXPECT_EQ(recv_some(i, back, 10, false), 0);
    end(i);
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

static struct inet_socket *undone;

/* Another thread, while the host connects. */
static void undo_connection(unsigned ring, const struct ring_sqe *e,
                            struct ring_cqe *c)
{
    if (ring == 0 && e->opcode == RINGOP_CONNECT) {
        fake_on_complete(NULL);
        host_stream_undo(&undone->s);
    }
}

static void what_connects_may_be_undone(void)
{
    int listening = outside_stream();
    struct inet_addr to = local_port(outside_port(listening));

    fresh();
    undone = new_socket(SOCK_STREAM);
    fake_defer(true);
    fake_on_complete(undo_connection);
    EXPECT_EQ(connect_outside(undone, &to, false), -ECONNRESET);
    EXPECT(!undone->host && undone->undone);
    fake_defer(false);
    host_finish();
    host_forget(undone);
    end_connecting(undone);
    outside_close(listening);
    EXPECT_EQ(freed, 1);
    EXPECT_EQ(sched_io_inflight, 0);
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

/* ---- where the host chooses the buffers of receives ---- */

static unsigned receives, ended;

static void count_receives(unsigned ring, const struct ring_sqe *e,
                           struct ring_cqe *c)
{
    if (ring == 0 && e->opcode == RINGOP_RECV && e->flags & RING_SELECTS) {
        ended += !(c->flags & RING_MORE);
    } else if (ring == 0 && e->opcode == RINGOP_RECV) {
        receives += c->res > 0;
    }
}

/* Everything that has come, as far as it may be received ahead. */
static void settle(void)
{
    for (int idle = 0; idle < 3; idle++) {
        hostio_look();
        idle = fake_ring_progress() ? 0 : idle;
        hostio_look();
    }
}

/* More pieces than there are buffers, of connections that nobody reads, and
 * then of one. */
static void chosen_buffers_come_back(void)
{
    enum { CONNS = 4, PIECES = 40 };
    struct inet_socket *i[CONNS];
    int fd[CONNS];

    fresh();
    fake_on_complete(count_receives);
    receives = ended = 0;
    for (unsigned n = 0; n < CONNS; n++) {
        i[n] = connected(&fd[n]);
    }
    for (unsigned piece = 0; piece < PIECES; piece++) {
        for (unsigned n = 0; n < CONNS; n++) {
            size_t len = piece % 2 ? 3000 : 100;

            EXPECT_EQ(outside_write(fd[n], data + piece, len), len);
        }
        settle();
    }
    EXPECT_EQ(receives, 0);
    for (unsigned n = 0; n < CONNS; n++) {
        for (unsigned piece = 0; piece < PIECES; piece++) {
            long len = piece % 2 ? 3000 : 100;

            EXPECT_EQ(recv_some(i[n], back, (size_t)len, true), len);
            EXPECT(!memcmp(back, data + piece, (size_t)len));
        }
        EXPECT_EQ(recv_some(i[n], back, 1, true), -EAGAIN);
        outside_close(fd[n]);
        end(i[n]);
    }
    fake_on_complete(NULL);
    EXPECT_EQ(sched_io_inflight, 0);
}

/* Much at a time: larger buffers take over, and what nobody reads stays with
 * the host at last. */
static void much_goes_into_larger_buffers(void)
{
    struct inet_socket *i;
    size_t sent = 0, got = 0;
    int fd;

    fresh();
    fake_on_complete(count_receives);
    receives = ended = 0;
    i = connected(&fd);
    for (int turn = 0; turn < 64; turn++) {
        long n = outside_write(fd, data, DATA);

        sent += n > 0 ? (size_t)n : 0;
        settle();
    }
    EXPECT(receives);
    EXPECT(ended);
    EXPECT(host_of(i)->rx_bytes >= HOST_RX_MOST);
    EXPECT(host_of(i)->rx_bytes < HOST_RX_MOST + BUFFER_LARGE);
    while (got < sent) {
        long n = recv_some(i, back, DATA, true);

        got += n > 0 ? (size_t)n : 0;
        settle();
    }
    EXPECT_EQ(got, sent);
    outside_close(fd);
    EXPECT_EQ(recv_some(i, back, 1, false), 0);
    fake_on_complete(NULL);
    end(i);
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
        end_connecting(i);
        outside_close(listening);
        EXPECT_EQ(sched_io_inflight, 0);
    }
}

static void run_all(void)
{
    RUN(bytes_go_both_ways);
    RUN(large_writes_go_from_where_they_lie);
    RUN(a_large_write_says_why_it_fails);
    RUN(two_large_writes_at_once_get_their_own_results);
    RUN(what_is_written_at_a_time_goes_together);
    RUN(the_low_mark_holds);
    RUN(what_was_looked_at_stays);
    RUN(refusals_can_be_tried_again);
    RUN(what_connects_may_be_undone);
    RUN(clients_are_accepted_ahead);
    RUN(datagrams_come_and_go);
    RUN(failures_leak_nothing);
}

int main(void)
{
    for (unsigned n = 0; n < DATA; n++) {
        data[n] = (uint8_t)(n * 31 + n / 251);
    }
    run_all();
    fake_choose(true);
    run_all();
    RUN(chosen_buffers_come_back);
    RUN(much_goes_into_larger_buffers);
    return unit_result();
}
