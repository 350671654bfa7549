/* SPDX-License-Identifier: MIT
 *
 * Futexes with an owner (FUTEX_LOCK_PI): the word holds the owner's tid and
 * two flags. All tasks run at one priority here, so there is nothing to
 * inherit; what remains is the hand-over: the unlocker writes the next
 * waiter's tid into the word, so that nobody can slip in between.
 *
 * An owner that dies wakes all who wait for it; they find its tid in the
 * word, and the first takes the lock with FUTEX_OWNER_DIED set. A locker and
 * a dying owner could miss each other: so the locker marks the owner
 * (pi_waited) before it queues and looks again (pi_gone) after.
 */
#include "kernel/proc/futex.h"
#include "kernel/proc/futex_queue.h"
#include "kernel/proc/room.h"
#include "abi/linux/errno.h"
#include "abi/linux/futex.h"

static struct futex_waiter *first_waiter(struct futex_bucket *b,
                                         struct futex_key key)
{
    list_for_each (pos, &b->waiters) {
        struct futex_waiter *w = list_entry(pos, struct futex_waiter, node);
        if (w->pi && futex_key_equal(w->key, key)) {
            return w;
        }
    }
    return NULL;
}

/* All who wait for key wait for t now; true when somebody does. */
static bool now_owned_by(struct futex_bucket *b, struct futex_key key,
                         struct thread *t)
{
    bool any = false;

    list_for_each (pos, &b->waiters) {
        struct futex_waiter *w = list_entry(pos, struct futex_waiter, node);
        if (w->pi && futex_key_equal(w->key, key)) {
            w->owner = t->tid;
            any = true;
        }
    }
    if (any) {
        atomic_store(&t->pi_waited, 1);
    }
    return any;
}

/* Notes that somebody waits for tid. False when it is gone or going. */
static bool mark_owner(int tid)
{
    bool alive = false;

    spin_lock(&proc_lock);
    struct thread *t = thread_find(tid);
    if (t && !t->pi_gone) {
        t->pi_waited = 1;
        alive = true;
    }
    spin_unlock(&proc_lock);
    return alive;
}

enum { TRY_AGAIN = 1, QUEUED = 2 };

/* The word is free, or its owner (dead) is: makes it ours. Bucket locked. */
static int take(struct futex_bucket *b, struct futex_key key, uint32_t val)
{
    struct thread *t = current_thread();
    uint32_t new = (val & FUTEX_OWNER_DIED) | (uint32_t)t->tid, old;
    bool waited = first_waiter(b, key) != NULL;
    int err;

    if (val & FUTEX_TID_MASK) {
        new |= FUTEX_OWNER_DIED;
    }
    if (waited) {
        new |= FUTEX_WAITERS;
    }
    err = user_cmpxchg32_nofault(uptr(key.addr), val, new, &old);
    if (err) {
        return err;
    }
    if (old != val) {
        return TRY_AGAIN;
    }
    now_owned_by(b, key, t);
    return 0;
}

/* One attempt with the bucket locked. dead: tid whose death woke us, or 0.
 * 0: ours; TRY_AGAIN; QUEUED, prepared to sleep; -EFAULT: the page is away. */
static int attempt_lock(struct futex_waiter *w, struct futex_bucket *b,
                        uint32_t owner, uint32_t dead, bool attempt)
{
    struct uptr addr = uptr(w->key.addr);
    uint32_t val, old;
    int err = get_user32_nofault(&val, addr);

    if (err) {
        return err;
    }
    if ((val & FUTEX_TID_MASK) != owner) {
        return TRY_AGAIN;
    }
    if (owner == 0 || owner == dead) {
        return take(b, w->key, val);
    }
    if (!(val & FUTEX_WAITERS)) {
        err = user_cmpxchg32_nofault(addr, val, val | FUTEX_WAITERS, &old);
        if (err || old != val) {
            return err ? err : TRY_AGAIN;
        }
    }
    if (attempt) {
        return -EAGAIN; /* the word stays marked, as on Linux */
    }
    w->owner = (int)owner;
    w->acquired = false;
    futex_enqueue(w, b);
    wait_prepare();
    return QUEUED;
}

/* From QUEUED to a result: 0 ours; TRY_AGAIN, with *dead set when the owner
 * died; -ETIMEDOUT, -EINTR. */
static int sleep_for(struct futex_waiter *w, uint32_t owner, uint64_t deadline,
                     uint32_t *dead)
{
    int err;

    if (!mark_owner((int)owner)) {
        task_cancel_sleep();
        futex_dequeue(w);
        *dead = owner;
        return w->acquired ? 0 : TRY_AGAIN;
    }
    err = futex_sleep(w, deadline);
    if (w->acquired) {
        return 0;
    }
    if (!err) { /* only a dying owner wakes without a hand-over */
        *dead = owner;
        return TRY_AGAIN;
    }
    return err;
}

/* The owner that val names is no more: a lie, unless it gave the word up on
 * its way. */
static int check_stale(struct uptr addr, uint32_t val)
{
    uint32_t now;
    int err = get_user32(&now, addr);

    return err ? err : now == val ? -ESRCH : TRY_AGAIN;
}

int futex_lock_pi(struct uptr addr, uint64_t deadline, bool attempt)
{
    struct futex_waiter w = {
        .key = futex_key(addr),
        .bitset = FUTEX_BITSET_MATCH_ANY,
        .task = current_task(),
        .pi = true,
    };
    struct futex_bucket *b = futex_bucket(w.key);
    int self = current_thread()->tid;
    uint32_t dead = 0;
    int err = futex_check_addr(addr);

    while (!err || err == TRY_AGAIN) {
        uint32_t val, owner;

        err = get_user32(&val, addr);
        if (err) {
            break;
        }
        owner = val & FUTEX_TID_MASK;
        if (owner == (uint32_t)self) {
            return -EDEADLK;
        }
        if (owner && owner != dead && !mark_owner((int)owner)) {
            err = check_stale(addr, val);
            continue;
        }
        spin_lock(&b->lock);
        err = attempt_lock(&w, b, owner, dead, attempt);
        spin_unlock(&b->lock);
        if (err == 0) {
            return 0;
        }
        if (err == -EFAULT) {
            err = futex_fault_in(addr);
        } else if (err == QUEUED) {
            err = sleep_for(&w, owner, deadline, &dead);
            if (err == 0) {
                return 0;
            }
        }
    }
    return err;
}

/* Hands the word on, or frees it. Bucket locked. */
static int hand_over(struct futex_bucket *b, struct futex_key key, uint32_t val)
{
    struct futex_waiter *next = first_waiter(b, key);
    struct thread *heir = next ? next->task->thread : NULL;
    uint32_t new = heir ? (uint32_t)heir->tid | FUTEX_WAITERS : 0, old;
    int err = user_cmpxchg32_nofault(uptr(key.addr), val, new, &old);

    if (err) {
        return err;
    }
    if (old != val) {
        return TRY_AGAIN;
    }
    if (next) {
        now_owned_by(b, key, heir);
        next->acquired = true;
        futex_wake_one(next);
    }
    return 0;
}

int futex_unlock_pi(struct uptr addr)
{
    struct futex_key key = futex_key(addr);
    struct futex_bucket *b = futex_bucket(key);
    int err = futex_check_addr(addr);

    if (err) {
        return err;
    }
    for (;;) {
        uint32_t val;

        err = get_user32(&val, addr);
        if (err) {
            return err;
        }
        if ((val & FUTEX_TID_MASK) != (uint32_t)current_thread()->tid) {
            return -EPERM;
        }
        spin_lock(&b->lock);
        err = hand_over(b, key, val);
        spin_unlock(&b->lock);
        if (err == -EFAULT) {
            err = futex_fault_in(addr);
            err = err ? err : TRY_AGAIN;
        }
        if (err != TRY_AGAIN) {
            return err;
        }
    }
}

void futex_pi_owner_exit(struct thread *t)
{
    bool waited;

    spin_lock(&proc_lock);
    t->pi_gone = true;
    waited = t->pi_waited;
    spin_unlock(&proc_lock);
    for (int i = 0; i < FUTEX_BUCKETS && waited; i++) {
        struct futex_bucket *b = &futex_buckets[i];

        spin_lock(&b->lock);
        list_for_each_safe (pos, &b->waiters) {
            struct futex_waiter *w = list_entry(pos, struct futex_waiter, node);
            if (w->pi && w->owner == t->tid) {
                futex_wake_one(w);
            }
        }
        spin_unlock(&b->lock);
    }
}
