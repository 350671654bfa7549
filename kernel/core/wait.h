/* SPDX-License-Identifier: MIT
 *
 * Wait queues: the one model of "wake me when it changes" for every room,
 * poll and epoll included.
 *
 * A waiter puts an entry on one or more queues, checks its condition, sleeps
 * with task_sleep() and looks again. A waker changes the state, then calls
 * wait_wake(). An entry may have a callback instead of a task (epoll): it runs
 * under the queue's lock and must not block.
 *
 * A waker never touches the sleeper's user memory: results wait in kernel
 * objects.
 */
#ifndef KERNEL_CORE_WAIT_H
#define KERNEL_CORE_WAIT_H

#include "lib/types.h"
#include "lib/list.h"
#include "kernel/core/lock.h"

struct task;

struct wait_queue {
    struct spinlock lock; /* guards the list */
    struct list entries;
};

struct wait_entry {
    struct list node;
    struct wait_queue *queue; /* where it stands, or NULL */
    struct task *task;        /* woken when there is no callback */
    bool exclusive;           /* wait_wake() stops after `count` of these */
    uint32_t events;          /* poll bits of interest; 0: all */
    /* Returns true when it consumed an exclusive wake-up. */
    bool (*notify)(struct wait_entry *e, uint32_t events);
};

void wait_queue_init(struct wait_queue *q);

/* Puts e on q (at the tail when exclusive). e must stay valid until removed. */
void wait_add(struct wait_queue *q, struct wait_entry *e);
void wait_remove(struct wait_entry *e);

/* Wakes every non-exclusive entry and at most `count` exclusive ones, in
 * order. events: the poll bits that came true; 0 means "anything". Returns
 * the number of tasks woken. Any vCPU, any context. */
unsigned wait_wake(struct wait_queue *q, unsigned count, uint32_t events);
static inline void wait_wake_all(struct wait_queue *q)
{
    wait_wake(q, ~0u, 0);
}

enum {
    WAIT_INTR = 1,      /* end with -EINTR when a signal is pending */
    WAIT_EXCLUSIVE = 2, /* one wake-up, one waiter */
};

/* Sleeps until cond(arg) is true. deadline in ns of clock_now() (0: none).
 * 0, -EINTR (only with WAIT_INTR; the caller turns it into a restart code
 * where signal(7) says so) or -ETIMEDOUT. cond runs without locks held. */
int wait_until(struct wait_queue *q, bool (*cond)(void *), void *arg,
               uint64_t deadline, int flags);

/* The same in place: `condition` is an expression. */
#define wait_event(q, condition, deadline, flags)                              \
    ({                                                                         \
        struct wait_entry we_;                                                 \
        int wr_ = 0;                                                           \
        if (!(condition)) {                                                    \
            wait_begin(&we_, (q), (flags));                                    \
            for (;;) {                                                         \
                wait_prepare();                                                \
                if (condition) {                                               \
                    break;                                                     \
                }                                                              \
                wr_ = wait_sleep((deadline), (flags));                         \
                if (wr_) {                                                     \
                    if (condition) {                                           \
                        wr_ = 0;                                               \
                    }                                                          \
                    break;                                                     \
                }                                                              \
            }                                                                  \
            wait_end(&we_);                                                    \
        }                                                                      \
        wr_;                                                                   \
    })

/* The steps of wait_event(), for waits on several queues. */
void wait_begin(struct wait_entry *e, struct wait_queue *q, int flags);
void wait_prepare(void); /* from here on a wake-up is not lost */
int wait_sleep(uint64_t deadline, int flags);
void wait_end(struct wait_entry *e);

#endif
