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
#include "kernel/proc/futex/futex.h"
#include "kernel/proc/futex/futex_queue.h"
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

/* dead: the tid of an owner whose death is known, or 0. */
static int lock_pi(struct futex_key key, uint64_t deadline, bool attempt,
                   uint32_t dead)
{
    struct futex_waiter w = {
        .key = key,
        .bitset = FUTEX_BITSET_MATCH_ANY,
        .task = current_task(),
        .pi = true,
    };
    struct futex_bucket *b = futex_bucket(w.key);
    struct uptr addr = uptr(key.addr);
    int self = current_thread()->tid;
    int err = 0;

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

int futex_lock_pi(struct futex_word word, uint64_t deadline, bool attempt)
{
    int err = futex_check(word, FUTEX_WRITE);

    return err ? err : lock_pi(futex_key(word), deadline, attempt, 0);
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

int futex_unlock_pi(struct futex_word word)
{
    struct futex_key key = futex_key(word);
    struct futex_bucket *b = futex_bucket(key);
    struct uptr addr = word.addr;
    int err = futex_check(word, FUTEX_WRITE);

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

/* Wakes who waits for tid in the bucket, which is locked: it is gone. */
static void wake_orphans(struct futex_bucket *b, int tid)
{
    list_for_each_safe (pos, &b->waiters) {
        struct futex_waiter *w = list_entry(pos, struct futex_waiter, node);
        if (w->pi && w->owner == tid) {
            futex_wake_one(w);
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
        wake_orphans(b, t->tid);
        spin_unlock(&b->lock);
    }
}

/* ---- from a condition to the lock ---- */

/* What became of w, which slept with this result. */
static int requeue_result(struct futex_waiter *w, int err, uint64_t deadline)
{
    if (w->acquired) {
        return 0;
    }
    if (err) { /* once moved, it cannot be begun anew */
        return err == -EINTR && w->pi ? -EAGAIN : err;
    }
    return lock_pi(w->lock, deadline, false, (uint32_t)w->owner);
}

int futex_wait_requeue_pi(struct futex_word cond, uint32_t val,
                          struct futex_word lock, uint64_t deadline)
{
    struct futex_waiter w = {
        .key = futex_key(cond),
        .bitset = FUTEX_BITSET_MATCH_ANY,
        .task = current_task(),
        .to_pi = true,
        .lock = futex_key(lock),
    };
    int err = futex_check(lock, FUTEX_WRITE);

    err = err ? err : futex_check(cond, FUTEX_READ);
    if (!err && futex_key_equal(w.key, w.lock)) {
        err = -EINVAL;
    }
    if (!err) {
        err = futex_enqueue_if(&w, val);
    }
    return err ? err : requeue_result(&w, futex_sleep(&w, deadline), deadline);
}

struct requeue {
    struct futex_key cond, lock;
    struct futex_bucket *from, *to; /* theirs, both locked */
    uint32_t cmp;                   /* the condition's word */
    uint32_t owner;                 /* the lock's, who was marked; or 0 */
    int limit;                      /* how many at most */
};

/* Waiters of the condition up to the limit; -EINVAL when one of them does not
 * want this lock. */
static int requeue_count(const struct requeue *r)
{
    int n = 0;

    list_for_each (pos, &r->from->waiters) {
        struct futex_waiter *w = list_entry(pos, struct futex_waiter, node);
        if (!futex_key_equal(w->key, r->cond) || n == r->limit) {
            continue;
        }
        if (!w->to_pi || !futex_key_equal(w->lock, r->lock)) {
            return -EINVAL;
        }
        n++;
    }
    return n;
}

/* Moves the first waiters, `count` of them; the lock's word says that owner
 * has it and that somebody waits, if more than the new owner was moved. */
static void requeue_waiters(struct requeue *r, int count, bool free)
{
    list_for_each_safe (pos, &r->from->waiters) {
        struct futex_waiter *w = list_entry(pos, struct futex_waiter, node);
        if (!count) {
            break;
        }
        if (!futex_key_equal(w->key, r->cond) || w->pi) {
            continue;
        }
        count--;
        if (free) {
            free = false;
            r->owner = (uint32_t)w->task->thread->tid;
            atomic_store(&w->task->thread->pi_waited, 1);
            w->acquired = true;
            futex_wake_one(w);
            continue;
        }
        list_del(&w->node);
        w->key = r->lock;
        w->pi = true;
        w->to_pi = false;
        w->owner = (int)r->owner;
        list_add_tail(&r->to->waiters, &w->node);
        atomic_store_release(&w->bucket, r->to);
    }
}

static struct futex_waiter *first_of_condition(const struct requeue *r)
{
    list_for_each (pos, &r->from->waiters) {
        struct futex_waiter *w = list_entry(pos, struct futex_waiter, node);
        if (futex_key_equal(w->key, r->cond)) {
            return w;
        }
    }
    return NULL;
}

/* -EFAULT: a page is away; TRY_AGAIN: the lock changed hands. */
static int requeue_locked(struct requeue *r, int *moved)
{
    uint32_t now, val, new, old;
    int count, err = get_user32_nofault(&now, uptr(r->cond.addr));
    bool free;

    if (!err) {
        err = get_user32_nofault(&val, uptr(r->lock.addr));
    }
    if (err || now != r->cmp) {
        return err ? err : -EAGAIN;
    }
    count = requeue_count(r);
    if (count <= 0) {
        *moved = 0;
        return count;
    }
    free = (val & FUTEX_TID_MASK) == 0;
    if ((val & FUTEX_TID_MASK) != r->owner) {
        return TRY_AGAIN;
    }
    new = val | FUTEX_WAITERS;
    if (free) {
        new = (val & FUTEX_OWNER_DIED) |
              (uint32_t)first_of_condition(r)->task->thread->tid |
              (count > 1 ? FUTEX_WAITERS : 0);
    }
    err = user_cmpxchg32_nofault(uptr(r->lock.addr), val, new, &old);
    if (err || old != val) {
        return err ? err : TRY_AGAIN;
    }
    requeue_waiters(r, count, free);
    *moved = count;
    return 0;
}

/* Who owns the lock now, marked as waited for; 0: nobody. */
static int requeue_owner(struct uptr lock, uint32_t *owner)
{
    uint32_t val;
    int err;

    do {
        err = get_user32(&val, lock);
        *owner = val & FUTEX_TID_MASK;
        if (!err && *owner && !mark_owner((int)*owner)) {
            err = check_stale(lock, val);
        }
    } while (err == TRY_AGAIN);
    return err;
}

/* The owner may have gone while we moved waiters to it. */
static void requeue_check_owner(struct requeue *r)
{
    if (r->owner && !mark_owner((int)r->owner)) {
        spin_lock(&r->to->lock);
        wake_orphans(r->to, (int)r->owner);
        spin_unlock(&r->to->lock);
    }
}

int futex_requeue_pi(struct futex_word cond, struct futex_word lock, int wake,
                     int requeue, uint32_t cmp)
{
    struct requeue r = {.cond = futex_key(cond), .lock = futex_key(lock)};
    int err, moved = 0;

    if (wake != 1 || requeue < 0) {
        return -EINVAL;
    }
    err = futex_check(cond, FUTEX_READ);
    err = err ? err : futex_check(lock, FUTEX_WRITE);
    if (!err && futex_key_equal(r.cond, r.lock)) {
        err = -EINVAL;
    }
    r.from = futex_bucket(r.cond);
    r.to = futex_bucket(r.lock);
    r.cmp = cmp;
    r.limit = requeue == INT32_MAX ? requeue : requeue + 1;
    while (!err) {
        err = requeue_owner(lock.addr, &r.owner);
        if (err) {
            break;
        }
        futex_lock_two(r.from, r.to);
        err = requeue_locked(&r, &moved);
        futex_unlock_two(r.from, r.to);
        if (!err) {
            requeue_check_owner(&r);
            return moved;
        }
        if (err == -EFAULT) {
            err = get_user32(&r.cmp, cond.addr);
            r.cmp = cmp;
            err = err ? err : futex_fault_in(lock.addr);
        } else if (err == TRY_AGAIN) {
            err = 0;
        }
    }
    return err;
}
