/* SPDX-License-Identifier: MIT
 *
 * Requests that a task waits for (hostio_ring.h), made of operations that
 * nobody has to (hostio_op.h): the callback wakes the task.
 */
#include "kernel/core/hostio_ring.h"
#include "kernel/core/log.h"
#include "kernel/core/sched.h"
#include "kernel/core/wait.h"
#include "abi/linux/errno.h"

enum { CANCELED_TRIES = 1000 };

struct call {
    struct hostio_op op;
    struct wait_queue wake;
    int32_t result;
    uint32_t stage; /* atomic: 1 there is a result, 2 nobody looks at this */
};

static void call_done(struct hostio_op *op, int32_t result)
{
    struct call *c = container_of(op, struct call, op);

    c->result = result;
    atomic_store_release(&c->stage, 1);
    wait_wake_all(&c->wake);
    atomic_store_release(&c->stage, 2);
}

static bool is_done(const struct call *c)
{
    return atomic_load_acquire(&c->stage) != 0;
}

static void call_begin(struct call *c)
{
    c->op.done = call_done;
    c->op.state = HOSTIO_IDLE;
    c->stage = 0;
    wait_queue_init(&c->wake);
}

static int call_wait(struct call *c, int flags)
{
    return wait_event(&c->wake, is_done(c), DEADLINE_NONE, flags);
}

/* The waker is at work on another vCPU: it takes no time. */
static int32_t call_end(struct call *c)
{
    while (atomic_load_acquire(&c->stage) != 2) {
        cpu_relax();
    }
    return c->result;
}

/* Ends a poll that the task no longer waits for. The host may complete it
 * first all the same; either way it completes. */
static void cancel(struct call *c)
{
    while (!is_done(c)) {
        struct call with;

        call_begin(&with);
        hostio_cancel(&c->op, &with.op);
        hostio_look();
        call_wait(&with, 0);
        if (call_end(&with) == 0) {
            call_wait(c, 0);
        } else {
            task_yield();
        }
    }
}

static int64_t call_once(const struct request *q)
{
    struct call c = {.op = {.sqe = q->sqe, .max = q->max, .ring = q->ring}};
    int32_t result;
    int err;

    call_begin(&c);
    c.op.parked = q->sqe.opcode == RINGOP_POLL_ADD;
    hostio_start(&c.op);
    hostio_look();
    err = call_wait(&c, q->interruptible ? WAIT_INTR : 0);
    if (err) {
        cancel(&c);
    }
    result = call_end(&c);
    return err && result < 0 ? -EINTR : result;
}

static uint64_t fail_countdown;

void ring_fail_after(uint64_t n)
{
    fail_countdown = n;
}

bool ring_fails(void)
{
    return unlikely(fail_countdown) && --fail_countdown == 0;
}

/* io_uring gives an operation that it was about to hand to a worker thread
 * back as -ECANCELED, not begun, when signals keep it from making the worker;
 * and our ticks are signals. */
int64_t ring_call(const struct request *q)
{
    int64_t result = -ECANCELED;

    if (ring_fails()) {
        return -EIO;
    }
    for (int i = 0; i < CANCELED_TRIES && result == -ECANCELED; i++) {
        result = call_once(q);
    }
    return result == -ECANCELED ? -EIO : result;
}

void ring_calls(const struct request *q, unsigned count, int64_t *results)
{
    struct call c[RING_CALLS_MAX];

    check(count <= RING_CALLS_MAX);
    for (unsigned i = 0; i < count; i++) {
        c[i].op = (struct hostio_op){
            .sqe = q[i].sqe, .max = q[i].max, .ring = q[i].ring};
        call_begin(&c[i]);
        hostio_start(&c[i].op);
    }
    hostio_look();
    for (unsigned i = 0; i < count; i++) {
        call_wait(&c[i], 0);
        results[i] = call_end(&c[i]);
    }
}
