/* SPDX-License-Identifier: MIT
 *
 * Wait queues. The order that loses no wake-up: the waiter is on the queue,
 * then wait_prepare() marks its task as about to sleep, then it looks at its
 * condition; a waker changes the condition, then looks at the queue.
 */
#include "kernel/core/wait.h"
#include "kernel/core/sched.h"
#include "abi/linux/errno.h"

void wait_queue_init(struct wait_queue *q)
{
    spin_init(&q->lock, LOCK_WAIT);
    list_init(&q->entries);
}

static inline void add(struct wait_queue *q, struct wait_entry *e)
{
    spin_lock(&q->lock);
    e->queue = q;
    if (e->exclusive) {
        list_add_tail(&q->entries, &e->node);
    } else {
        list_add(&q->entries, &e->node);
    }
    spin_unlock(&q->lock);
}

void wait_add(struct wait_queue *q, struct wait_entry *e)
{
    add(q, e);
}

static inline void take_off(struct wait_entry *e)
{
    struct wait_queue *q = e->queue;

    if (q) {
        spin_lock(&q->lock);
        list_del(&e->node);
        e->queue = NULL;
        spin_unlock(&q->lock);
    }
}

void wait_remove(struct wait_entry *e)
{
    take_off(e);
}

/* True when the entry took the wake-up. */
static bool wake_one(struct wait_entry *e, uint32_t events)
{
    if (events && e->events && !(events & e->events)) {
        return false;
    }
    return e->notify ? e->notify(e, events) : task_wake(e->task);
}

static __attribute__((noinline)) unsigned
wake_entries(struct wait_queue *q, unsigned count, uint32_t events)
{
    unsigned woken = 0;

    spin_lock(&q->lock);
    list_for_each_safe (pos, &q->entries) {
        struct wait_entry *e = list_entry(pos, struct wait_entry, node);
        bool exclusive = e->exclusive;

        if (exclusive && count == 0) {
            break;
        }
        if (wake_one(e, events)) {
            woken++;
            count -= exclusive;
        }
    }
    spin_unlock(&q->lock);
    return woken;
}

unsigned wait_wake(struct wait_queue *q, unsigned count, uint32_t events)
{
    /* Pairs with the fence in task_prepare_sleep(): either we see the entry,
     * or its owner sees our change. */
    vcpus_fence();
    return list_empty(&q->entries) ? 0 : wake_entries(q, count, events);
}

void wait_begin(struct wait_entry *e, struct wait_queue *q, int flags)
{
    e->task = current_task();
    e->exclusive = flags & WAIT_EXCLUSIVE;
    e->events = 0;
    e->notify = NULL;
    add(q, e);
}

void wait_prepare(void)
{
    task_prepare_sleep();
}

int wait_sleep(uint64_t deadline, int flags)
{
    struct task *t = current_task();

    if ((flags & WAIT_INTR) && atomic_load(&t->interrupted)) {
        return -EINTR;
    }
    if (deadline == DEADLINE_NONE) {
        task_sleep();
    } else if (!task_sleep_until(deadline)) {
        return -ETIMEDOUT;
    }
    return 0;
}

void wait_end(struct wait_entry *e)
{
    task_cancel_sleep();
    take_off(e);
}

int wait_until(struct wait_queue *q, bool (*cond)(void *), void *arg,
               uint64_t deadline, int flags)
{
    return wait_event(q, cond(arg), deadline, flags);
}
