/* SPDX-License-Identifier: MIT
 *
 * The life of a host descriptor (host_private.h): made when bind(2),
 * connect(2) or a datagram needs it, kept while operations are under way on
 * it, closed when the program has closed it and all that it wrote is with the
 * host.
 *
 * What cannot go on for want of a bounce buffer or of room in a backlog waits
 * in one list and is tried again by a timer.
 */
#include "kernel/net/host/host_private.h"
#include "kernel/fs/procfs/tunable.h"
#include "kernel/core/hostio.h"
#include "kernel/core/sched.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/inet.h"

enum {
    STARVE_NS = 500 * 1000,
    EXIT_NS = 1000 * 1000 * 1000, /* without progress, at the instance's end */
};
#define PORTS_DEFAULT (60999u << 16 | 32768u) /* last and first */

/* What a descriptor had in common: how many hold back the instance's end. */
static uint64_t unsent; /* atomic */
static uint32_t closing_count;

/* Who waits in close_now(). */
static struct wait_queue ended;
static uint32_t ended_ready; /* atomic: 2 when it may be used */

static struct spinlock starving_lock = SPINLOCK_INIT(LOCK_HOSTIO);
static struct list starving = LIST_INIT(starving);
static struct timer starving_timer;
static bool timer_ready;

static void try_again(struct timer *t);

/* ---- operations ---- */

/* Whether h can be freed now. h->lock is held. */
static bool end_step(struct host_sock *h);

static void host_free(struct host_sock *h)
{
    uint32_t *over = h->over;

    atomic_fetch_sub(&closing_count, 1);
    host_drop_buffer(&h->rx_op);
    host_drop_buffer(&h->tx_op);
    host_drop_buffer(&h->control);
    for (int i = 0; h->accept_op && i < HOST_ACCEPTS; i++) {
        host_drop_buffer(&h->accept_op[i]);
    }
    kfree(h->accept_op);
    kfree(h);
    if (over) {
        atomic_store_release(over, 1);
        wait_wake_all(&ended);
    }
}

void host_wake(struct inet_socket *i, uint64_t events)
{
    if (unlikely((uint32_t)events & POLLPRI)) {
        socket_urgent(&i->s);
    } else if ((uint32_t)events) {
        socket_wake_read(&i->s, (uint32_t)events);
    }
    if (events >> 32) {
        socket_wake_write(&i->s, events >> 32);
    }
}

/* Leaves h, whose lock is held, and wakes its owner. */
static void leave(struct host_sock *h, uint64_t events)
{
    struct inet_socket *i = h->owner;
    bool over = end_step(h);

    h->ended = over;
    over = over && !h->undone;
    if (i && events) {
        socket_ref(&i->s);
    }
    spin_unlock(&h->lock);
    if (i && events) {
        host_wake(i, events);
        socket_unref(&i->s);
    }
    if (over) {
        host_free(h);
    }
}

static void op_done(struct hostio_op *op, int32_t result)
{
    struct host_op *o = container_of(op, struct host_op, op);
    struct host_sock *h = o->h;
    uint64_t events;

    spin_lock(&h->lock);
    if (!op->more) {
        o->live = false;
        h->pending--;
    }
    o->got = op->got;
    events = o->done(o, result);
    if (o->got.size) {
        hostio_give_back(&o->got);
    }
    leave(h, events);
}

void host_hold(struct host_sock *h)
{
    spin_lock(&h->lock);
    h->pending++;
    spin_unlock(&h->lock);
}

void host_drop(struct host_sock *h)
{
    spin_lock(&h->lock);
    h->pending--;
    leave(h, 0);
}

void host_start(struct host_op *o)
{
    o->op.done = op_done;
    o->live = true;
    o->h->pending++;
    hostio_start(&o->op);
}

/* The host may be asked to cancel what it has not looked at yet. */
static void cancel_done(struct hostio_op *op, int32_t result)
{
    struct host_op *o = container_of(op, struct host_op, cancel);
    struct host_sock *h = o->h;

    spin_lock(&h->lock);
    h->pending--;
    o->canceling = false;
    if (result < 0) {
        host_cancel(o);
    }
    leave(h, 0);
}

void host_cancel(struct host_op *o)
{
    if (o->live && !o->canceling) {
        o->canceling = true;
        o->cancel.done = cancel_done;
        o->h->pending++;
        hostio_cancel(&o->op, &o->cancel);
    }
}

void host_stream_call_back(struct host_sock *h)
{
    if (h->kind == HOST_STREAM) {
        host_cancel(&h->rx_op);
    }
}

bool host_get_buffer(struct host_op *o, uint32_t len)
{
    if (o->buf.size >= len) {
        return true;
    }
    host_drop_buffer(o);
    if (buffer_try(len, &o->buf)) {
        return true;
    }
    host_starve(o->h);
    return false;
}

void host_drop_buffer(struct host_op *o)
{
    if (o->buf.size) {
        buffer_put(&o->buf);
        o->buf.size = 0;
    }
}

/* ---- trying again ---- */

void host_starve(struct host_sock *h)
{
    if (h->starving) {
        return;
    }
    h->starving = true;
    h->pending++;
    spin_lock(&starving_lock);
    list_add_tail(&starving, &h->starving_node);
    if (!timer_ready) {
        timer_ready = true;
        timer_init(&starving_timer, try_again);
    }
    if (!starving_timer.armed) {
        timer_arm(&starving_timer, clock_now() + STARVE_NS);
    }
    spin_unlock(&starving_lock);
}

static void go_on(struct host_sock *h)
{
    switch (h->kind) {
    case HOST_STREAM:
        host_stream_continue(h);
        break;
    case HOST_LISTENER:
        host_listen_continue(h);
        break;
    case HOST_DATAGRAM:
        host_datagram_continue(h);
        break;
    }
}

static void run_later(struct hostio_later *l)
{
    struct host_sock *h = container_of(l, struct host_sock, later);

    spin_lock(&h->lock);
    h->pending--;
    go_on(h);
    leave(h, 0);
}

void host_later(struct host_sock *h)
{
    if (hostio_later(&h->later)) {
        h->pending++;
    }
}

static void try_again(struct timer *t)
{
    struct list todo = LIST_INIT(todo);

    spin_lock(&starving_lock);
    list_splice_tail(&todo, &starving);
    spin_unlock(&starving_lock);
    while (!list_empty(&todo)) {
        struct host_sock *h =
            list_entry(list_pop(&todo), struct host_sock, starving_node);

        spin_lock(&h->lock);
        h->starving = false;
        h->pending--;
        go_on(h);
        leave(h, 0);
    }
}

/* ---- the beginning ---- */

static void op_init(struct host_sock *h, struct host_op *o)
{
    o->h = h;
}

int host_new(struct inet_socket *i, enum host_kind kind, struct host_sock **out)
{
    struct host_sock *h = kzalloc(sizeof(*h));

    if (!h) {
        return -ENOMEM;
    }
    spin_init(&h->lock, LOCK_PIPE);
    mutex_init(&h->read_lock, LOCK_FS_INODE);
    list_init(&h->rx);
    list_init(&h->tx);
    list_init(&h->starving_node);
    h->owner = i;
    h->kind = kind;
    h->fd = -1;
    h->rx_size = BUFFER_SMALL;
    h->later.run = run_later;
    op_init(h, &h->rx_op);
    op_init(h, &h->tx_op);
    op_init(h, &h->control);
    i->host = h;
    *out = h;
    return 0;
}

/* The host picks ports that nobody names from its own range; of that, from
 * ours, where its Linux can (6.3) and ours was changed. */
static void narrow_ports(int fd)
{
    int64_t first = tunable(&tunable_port_first);
    int64_t last = tunable(&tunable_port_last);
    uint32_t range = (uint32_t)(last << 16 | first);

    if (range != PORTS_DEFAULT) {
        hostio_setsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &range,
                          sizeof(range));
    }
}

int host_make_fd(struct inet_socket *i)
{
    enum host_kind kind = i->s.type == SOCK_DGRAM ? HOST_DATAGRAM : HOST_STREAM;
    struct host_sock *h = host_of(i);
    int fd, err;

    if (!h) {
        err = host_new(i, kind, &h);
        if (err) {
            return err;
        }
    }
    if (h->fd >= 0) {
        return 0;
    }
    fd = hostio_socket(i->s.family, i->s.type, i->s.protocol);
    if (fd < 0) {
        return fd;
    }
    h->fd = fd;
    narrow_ports(fd);
    return host_options_apply(i);
}

int host_prepare(struct inet_socket *i)
{
    int err;

    mutex_lock(&i->setup);
    err = host_make_fd(i);
    mutex_unlock(&i->setup);
    return err;
}

int host_learn_name(struct inet_socket *i)
{
    return host_learn_name_of(i, host_of(i));
}

int host_learn_name_of(struct inet_socket *i, const struct host_sock *h)
{
    struct abi_sockaddr name;
    struct inet_addr a;
    int len = hostio_sockname(h->fd, false, &name);

    if (len < 0) {
        return len;
    }
    if (inet_addr_get(&a, i->s.family, &name, (uint32_t)len)) {
        return -EIO;
    }
    spin_lock(&i->s.lock);
    if (i->host == h) { /* else it has another name by now, or none */
        i->local = a;
    }
    spin_unlock(&i->s.lock);
    return 0;
}

int host_bind_fd(struct inet_socket *i)
{
    struct abi_sockaddr name;
    uint32_t len = inet_addr_put(&name, i->s.family, &i->local);
    int err = hostio_bind(host_of(i)->fd, &name, len);

    if (!err && !i->local.port) {
        err = host_learn_name(i);
    }
    return err;
}

int host_bind(struct inet_socket *i)
{
    int err = host_make_fd(i);

    if (!err) {
        err = host_bind_fd(i);
    }
    if (err) {
        if (i->host) {
            host_stop(i);
        }
        return err;
    }
    if (host_of(i)->kind == HOST_DATAGRAM) {
        struct host_sock *h = host_of(i);

        spin_lock(&h->lock);
        host_datagram_continue(h);
        spin_unlock(&h->lock);
    }
    return 0;
}

/* An address is ours when the host lets a socket have it. */
bool host_owns_address(const struct inet_addr *a)
{
    int family = inet_addr_is_v4(a) ? AF_INET : AF_INET6;
    struct inet_addr any_port = *a;
    struct abi_sockaddr name;
    uint32_t len;
    int fd, err;

    if (inet_addr_is_any(a) || inet_addr_is_loopback(a)) {
        return true;
    }
    fd = hostio_socket(family, SOCK_DGRAM, 0);
    if (fd < 0) {
        return false;
    }
    any_port.port = 0;
    len = inet_addr_put(&name, family, &any_port);
    err = hostio_bind(fd, &name, len);
    host_close_fd(fd);
    return !err;
}

/* ---- the end ---- */

static uint64_t closed_done(struct host_op *o, int32_t result)
{
    o->h->closed = true;
    return 0;
}

static void start_close(struct host_sock *h)
{
    h->control.op = (struct hostio_op){
        .sqe = {.opcode = RINGOP_CLOSE, .fd = h->fd}, .ring = RING_URING};
    h->control.done = closed_done;
    h->fd = -1;
    host_start(&h->control);
}

static uint64_t linger_done(struct host_op *o, int32_t result)
{
    return 0;
}

/* With SO_LINGER of no time, close(2) resets the connection. */
static bool start_reset(struct host_sock *h)
{
    struct abi_linger now = {1, 0};

    h->lingers_not = true;
    if (!host_get_buffer(&h->control, sizeof(now))) {
        return false;
    }
    hostio_provide(&h->control.buf, 0, &now, sizeof(now));
    h->control.op = (struct hostio_op){.sqe = {.opcode = HOSTOP_SETSOCKOPT,
                                               .fd = h->fd,
                                               .op_flags = SOL_SOCKET,
                                               .off = SO_LINGER,
                                               .addr = h->control.buf.at.addr,
                                               .len = sizeof(now)},
                                       .ring = RING_HOSTOP};
    h->control.done = linger_done;
    host_start(&h->control);
    return true;
}

static bool end_step(struct host_sock *h)
{
    if (!h->closing || h->pending) {
        return false;
    }
    if (h->closed || h->fd < 0) {
        return true;
    }
    if (!h->aborts || h->lingers_not || !start_reset(h)) {
        start_close(h);
    }
    return false;
}

static void cancel_all(struct host_sock *h)
{
    host_cancel(&h->rx_op);
    if (h->state == HOST_CONNECTING) {
        host_cancel(&h->control);
    }
    if (h->aborts || !h->tx_bytes) { /* it waits for room, for nothing */
        host_cancel(&h->tx_op);
    }
    for (int i = 0; h->accept_op && i < HOST_ACCEPTS; i++) {
        host_cancel(&h->accept_op[i]);
    }
}

void host_close(struct host_sock *h, bool abort)
{
    spin_lock(&h->lock);
    atomic_fetch_add(&closing_count, 1);
    h->owner = NULL;
    h->closing = true;
    h->aborts = abort;
    host_stream_drop(h);
    cancel_all(h);
    leave(h, 0);
}

/* What has a name must give it up before close(2) returns. */
static void close_now(struct host_sock *h)
{
    uint32_t over = 0, none = 0;

    if (atomic_cas(&ended_ready, &none, 1)) {
        wait_queue_init(&ended);
        atomic_store(&ended_ready, 2);
    }
    while (atomic_load(&ended_ready) != 2) {
        cpu_relax();
    }
    /* cppcheck-suppress autoVariables */
    h->over = &over; /* told before this returns */
    host_close(h, false);
    hostio_look();
    wait_event(&ended, atomic_load_acquire(&over), DEADLINE_NONE, 0);
    hostio_settle();
}

void host_part(struct inet_socket *i)
{
    spin_lock(&i->s.lock);
    atomic_store_release(&i->host, NULL);
    spin_unlock(&i->s.lock);
}

void host_stop(struct inet_socket *i)
{
    struct host_sock *h = host_of(i);

    host_part(i);
    close_now(h);
}

void host_undo(struct inet_socket *i)
{
    struct host_sock *h = host_of(i);

    spin_lock(&h->lock);
    h->undone = true;
    h->undone_next = i->undone;
    h->rx_end = h->tx_end = true;
    h->state = HOST_NEW; /* who waits on it sees that */
    spin_unlock(&h->lock);
    i->undone = h;
    host_part(i);
    host_close(h, true);
}

void host_forget(struct inet_socket *i)
{
    struct host_sock *h = i->undone, *next;
    bool over;

    for (; h; h = next) {
        next = h->undone_next;
        spin_lock(&h->lock);
        over = h->ended;
        h->undone = false;
        spin_unlock(&h->lock);
        if (over) {
            host_free(h);
        }
    }
}

static void orphan_closed(struct hostio_op *op, int32_t result)
{
    kfree(op);
}

void host_close_fd(int fd)
{
    struct hostio_op *op = kzalloc(sizeof(*op));

    if (op) { /* else it stays open: a leak at the host, nothing worse */
        op->sqe = (struct ring_sqe){.opcode = RINGOP_CLOSE, .fd = fd};
        op->done = orphan_closed;
        hostio_start(op);
    }
}

/* ---- the instance's end ---- */

uint64_t host_unsent(void)
{
    return atomic_load_relaxed(&unsent);
}

void host_count_unsent(int64_t bytes)
{
    atomic_fetch_add(&unsent, (uint64_t)bytes);
}

void host_finish(void)
{
    uint64_t before = UINT64_MAX, until = 0;

    for (;;) {
        uint64_t now = clock_now(), left = atomic_load(&unsent);

        if (left != before) {
            before = left;
            until = now + EXIT_NS;
        }
        if ((!left && !atomic_load(&closing_count)) || now >= until) {
            return;
        }
        hostio_look();
        task_prepare_sleep();
        task_sleep_until(now + NSEC_PER_MSEC / 4);
    }
}
