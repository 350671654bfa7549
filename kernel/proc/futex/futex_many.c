/* SPDX-License-Identifier: MIT
 *
 * futex_waitv(2): one task waits on several words. Each waiter is queued on
 * its own; the task prepares to sleep once all stand, and then looks at each
 * under its lock, so that a waker either finds the task prepared or has
 * already left its mark.
 */
#include "kernel/proc/futex/futex.h"
#include "kernel/proc/futex/futex_queue.h"
#include "abi/linux/errno.h"
#include "abi/linux/futex.h"
#include "kernel/mm/heap.h"

static int enqueue_one(struct futex_waiter *w, uint32_t val)
{
    struct futex_bucket *b = futex_bucket(w->key);
    uint32_t now;
    int err = 0;

    for (;;) {
        spin_lock(&b->lock);
        if (get_user32_nofault(&now, uptr(w->key.addr)) == 0) {
            break;
        }
        spin_unlock(&b->lock);
        err = get_user32(&now, uptr(w->key.addr));
        if (err) {
            return err;
        }
    }
    if (now == val) {
        futex_enqueue(w, b);
    } else {
        err = -EAGAIN;
    }
    spin_unlock(&b->lock);
    return err;
}

/* Takes all off; the index of one that was woken, or -1. */
static int dequeue_all(struct futex_waiter *w, unsigned count)
{
    int woken = -1;

    for (unsigned i = 0; i < count; i++) {
        if (!futex_dequeue(&w[i])) {
            woken = (int)i;
        }
    }
    return woken;
}

static bool any_woken(struct futex_waiter *w, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (!futex_lock_queued(&w[i])) {
            return true;
        }
        spin_unlock(&w[i].bucket->lock);
    }
    return false;
}

static int sleep_all(struct futex_waiter *w, unsigned count, uint64_t deadline)
{
    int err = 0;

    while (!err) {
        wait_prepare();
        if (any_woken(w, count)) {
            break;
        }
        err = wait_sleep(deadline, WAIT_INTR);
    }
    task_cancel_sleep();
    return err;
}

int futex_wait_many(const struct futex_want *want, unsigned count,
                    uint64_t deadline)
{
    struct futex_waiter *w = kzalloc(count * sizeof(*w));
    unsigned queued;
    int err = 0, woken;

    if (!w) {
        return -ENOMEM;
    }
    for (queued = 0; queued < count && !err; queued++) {
        w[queued].key = futex_key(want[queued].word);
        w[queued].bitset = FUTEX_BITSET_MATCH_ANY;
        w[queued].task = current_task();
        err = futex_check(want[queued].word, FUTEX_READ);
        if (!err) {
            err = enqueue_one(&w[queued], want[queued].val);
        }
    }
    if (err) {
        queued--; /* the one that failed stands nowhere */
    } else {
        err = sleep_all(w, count, deadline);
    }
    woken = dequeue_all(w, queued);
    kfree(w);
    return woken >= 0 ? woken : err;
}
