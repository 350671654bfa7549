/* SPDX-License-Identifier: MIT
 *
 * Futexes: the queue and the plain operations. The word is read under the
 * bucket's lock without faulting, so that "is it still that value" and "put me
 * to sleep" are one step against a waker; when its page is not there, the lock
 * is dropped, the page is brought in and all begins again.
 */
#include "kernel/proc/futex/futex.h"
#include "kernel/proc/futex/futex_queue.h"
#include "kernel/proc/room.h"
#include "abi/linux/errno.h"
#include "abi/linux/futex.h"

struct futex_bucket futex_buckets[FUTEX_BUCKETS];

void futex_init(void)
{
    for (int i = 0; i < FUTEX_BUCKETS; i++) {
        spin_init(&futex_buckets[i].lock, LOCK_FUTEX);
        list_init(&futex_buckets[i].waiters);
    }
}

/* ---- the queue ---- */

int futex_fault_in(struct uptr addr)
{
    uint32_t val, old;
    int err = get_user32(&val, addr);

    /* Writes what is there, if it still is: as good as nothing. */
    return err ? err : user_cmpxchg32(addr, val, val, &old);
}

/* A shared word is looked for behind its address, so it has to be there. Only
 * files may be so without being writable, and only to read. */
__attribute__((noinline)) int futex_check_shared(struct uptr addr,
                                                 enum futex_use use)
{
    uint32_t val;
    int err = get_user32(&val, addr);

    if (err || (use == FUTEX_READ && mm_maps_file(current_task()->mm, addr))) {
        return err;
    }
    return futex_fault_in(addr);
}

__attribute__((noinline)) struct futex_key futex_key_shared(uint64_t addr)
{
    uint64_t space = mm_address_space(current_task()->mm, &addr);

    return (struct futex_key){space | 1, addr};
}

void futex_enqueue(struct futex_waiter *w, struct futex_bucket *b)
{
    w->bucket = b;
    list_add_tail(&b->waiters, &w->node);
}

static inline void wake_one(struct futex_waiter *w)
{
    list_del(&w->node);
    task_wake(w->task);
    atomic_store_release(&w->bucket, NULL);
}

void futex_wake_one(struct futex_waiter *w)
{
    wake_one(w);
}

static inline int wake_matching(struct futex_bucket *b, struct futex_key key,
                                int count, uint32_t bitset)
{
    int woken = 0;

    list_for_each_safe (pos, &b->waiters) {
        struct futex_waiter *w = list_entry(pos, struct futex_waiter, node);

        if (!futex_key_equal(w->key, key) || !(w->bitset & bitset)) {
            continue;
        }
        if (w->pi || w->to_pi) {
            return -EINVAL;
        }
        wake_one(w);
        if (++woken >= count) { /* as Linux: 0 wakes one, too */
            break;
        }
    }
    return woken;
}

int futex_wake_matching(struct futex_bucket *b, struct futex_key key, int count,
                        uint32_t bitset)
{
    return wake_matching(b, key, count, bitset);
}

bool futex_lock_queued(struct futex_waiter *w)
{
    for (;;) {
        struct futex_bucket *b = atomic_load_acquire(&w->bucket);

        if (!b) {
            return false;
        }
        spin_lock(&b->lock);
        if (atomic_load_relaxed(&w->bucket) == b) {
            return true;
        }
        spin_unlock(&b->lock); /* woken or requeued meanwhile */
    }
}

bool futex_dequeue(struct futex_waiter *w)
{
    struct futex_bucket *b;

    if (!futex_lock_queued(w)) {
        return false;
    }
    b = w->bucket;
    list_del(&w->node);
    w->bucket = NULL;
    spin_unlock(&b->lock);
    return true;
}

static inline int sleep_queued(struct futex_waiter *w, uint64_t deadline)
{
    for (;;) {
        int err = wait_sleep(deadline, WAIT_INTR);

        if (err) {
            task_cancel_sleep();
            return futex_dequeue(w) ? err : 0;
        }
        if (likely(!atomic_load_acquire(&w->bucket)) || !futex_lock_queued(w)) {
            return 0;
        }
        /* Somebody else woke the task: sleep again. */
        task_prepare_sleep();
        spin_unlock(&w->bucket->lock);
    }
}

int futex_sleep(struct futex_waiter *w, uint64_t deadline)
{
    return sleep_queued(w, deadline);
}

/* ---- wait and wake ---- */

static inline int enqueue_if(struct futex_waiter *w, uint32_t val)
{
    struct futex_bucket *b = futex_bucket(w->key);
    struct uptr addr = uptr(w->key.addr);
    uint32_t now;

    for (;;) {
        spin_lock(&b->lock);
        if (get_user32_nofault(&now, addr) == 0) {
            break;
        }
        spin_unlock(&b->lock);
        int err = get_user32(&now, addr);
        if (err) {
            return err;
        }
    }
    if (now != val) {
        spin_unlock(&b->lock);
        return -EAGAIN;
    }
    futex_enqueue(w, b);
    task_prepare_sleep();
    spin_unlock(&b->lock);
    return 0;
}

int futex_enqueue_if(struct futex_waiter *w, uint32_t val)
{
    return enqueue_if(w, val);
}

int futex_wait(struct futex_word word, uint32_t val, uint64_t deadline,
               uint32_t bitset)
{
    struct futex_waiter w; /* not all of it is ours to set */
    int err = futex_check(word, FUTEX_READ);

    if (unlikely(err)) {
        return err;
    }
    w.key = futex_key(word);
    w.bitset = bitset;
    w.task = current_task();
    w.pi = w.to_pi = false;
    err = enqueue_if(&w, val);
    return err ? err : sleep_queued(&w, deadline);
}

int futex_wake(struct futex_word word, int count, uint32_t bitset)
{
    int result = futex_check(word, FUTEX_READ);
    struct futex_bucket *b;
    struct futex_key key;

    if (unlikely(result)) {
        return result;
    }
    key = futex_key(word);
    b = futex_bucket(key);
    spin_lock(&b->lock);
    result = wake_matching(b, key, count, bitset);
    spin_unlock(&b->lock);
    return result;
}

/* ---- two words at once ---- */

void futex_lock_two(struct futex_bucket *a, struct futex_bucket *b)
{
    spin_lock(a < b ? &a->lock : &b->lock);
    if (a != b) {
        spin_lock(a < b ? &b->lock : &a->lock);
    }
}

void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b)
{
    spin_unlock(&a->lock);
    if (a != b) {
        spin_unlock(&b->lock);
    }
}

static int requeue_locked(struct futex_bucket *from, struct futex_bucket *to,
                          struct futex_key key, struct futex_key new_key,
                          int wake, int requeue)
{
    struct list moved = LIST_INIT(moved);
    int done = 0;

    list_for_each_safe (pos, &from->waiters) {
        struct futex_waiter *w = list_entry(pos, struct futex_waiter, node);

        if (!futex_key_equal(w->key, key)) {
            continue;
        }
        if (w->pi || w->to_pi) {
            done = done ? done : -EINVAL;
            break;
        }
        if (done < wake) {
            futex_wake_one(w);
        } else if (done - wake < requeue) {
            list_del(&w->node);
            list_add_tail(&moved, &w->node);
            w->key = new_key;
            atomic_store_release(&w->bucket, to);
        } else {
            break;
        }
        done++;
    }
    list_splice_tail(&to->waiters, &moved);
    return done;
}

int futex_requeue(struct futex_word from, struct futex_word to, int wake,
                  int requeue, const uint32_t *cmp)
{
    struct futex_key key = futex_key(from), new_key = futex_key(to);
    struct futex_bucket *a = futex_bucket(key), *b = futex_bucket(new_key);
    int err = futex_check(from, FUTEX_READ);
    uint32_t now;
    int done;

    err = err ? err : futex_check(to, FUTEX_READ);
    if (err || wake < 0 || requeue < 0) {
        return err ? err : -EINVAL;
    }
    for (;;) {
        futex_lock_two(a, b);
        if (!cmp || get_user32_nofault(&now, from.addr) == 0) {
            break;
        }
        futex_unlock_two(a, b);
        err = get_user32(&now, from.addr);
        if (err) {
            return err;
        }
    }
    if (cmp && now != *cmp) {
        done = -EAGAIN;
    } else {
        done = requeue_locked(a, b, key, new_key, wake, requeue);
    }
    futex_unlock_two(a, b);
    return done;
}

static int32_t sign_extend_12(uint32_t v)
{
    return (int32_t)(v << 20) >> 20;
}

static bool compares(uint32_t cmp, uint32_t old_word, int32_t arg)
{
    int32_t old = (int32_t)old_word;

    switch (cmp) {
    case FUTEX_OP_CMP_EQ:
        return old == arg;
    case FUTEX_OP_CMP_NE:
        return old != arg;
    case FUTEX_OP_CMP_LT:
        return old < arg;
    case FUTEX_OP_CMP_LE:
        return old <= arg;
    case FUTEX_OP_CMP_GT:
        return old > arg;
    default:
        return old >= arg;
    }
}

int futex_wake_op(struct futex_word word1, struct futex_word word2, int wake1,
                  int wake2, uint32_t op)
{
    struct futex_key key1 = futex_key(word1), key2 = futex_key(word2);
    struct futex_bucket *a = futex_bucket(key1), *b = futex_bucket(key2);
    uint32_t kind = op >> 28 & 7, cmp = op >> 24 & 15, old;
    int32_t arg = sign_extend_12(op >> 12 & 0xfff);
    int err = futex_check(word1, FUTEX_READ), woken;

    err = err ? err : futex_check(word2, FUTEX_WRITE);
    if (err || kind > FUTEX_OP_XOR) {
        return err ? err : -ENOSYS;
    }
    if (op >> 28 & FUTEX_OP_ARG_SHIFT) {
        arg = (int32_t)(1u << (arg & 31));
    }
    static_assert((int)USER_SET == FUTEX_OP_SET &&
                      (int)USER_XOR == FUTEX_OP_XOR,
                  "the same operations in the same order");
    for (;;) {
        futex_lock_two(a, b);
        if (user_rmw32_nofault(word2.addr, (enum user_rmw)kind, (uint32_t)arg,
                               &old) == 0) {
            break;
        }
        futex_unlock_two(a, b);
        err = futex_fault_in(word2.addr);
        if (err) {
            return err;
        }
    }
    if (cmp > FUTEX_OP_CMP_GE) { /* Linux looks only now, too */
        futex_unlock_two(a, b);
        return -ENOSYS;
    }
    woken = futex_wake_matching(a, key1, wake1, FUTEX_BITSET_MATCH_ANY);
    if (woken >= 0 && compares(cmp, old, sign_extend_12(op & 0xfff))) {
        int more = futex_wake_matching(b, key2, wake2, FUTEX_BITSET_MATCH_ANY);
        woken = more < 0 ? more : woken + more;
    }
    futex_unlock_two(a, b);
    return woken;
}
