/* SPDX-License-Identifier: MIT
 *
 * Who waits for which futex: what futex.c, futex_many.c and futex_pi.c
 * share.
 *
 * A waiter is on one bucket's list, or its bucket is NULL: then it was woken.
 * Everything about it is guarded by its bucket's lock, except that its owner
 * may see the NULL without. A waker takes it off the list, wakes its task and
 * last stores the NULL, all under the lock: whoever reads NULL may go, whoever
 * does not and wants to sleep (again) takes the lock first.
 */
#ifndef KERNEL_PROC_FUTEX_QUEUE_H
#define KERNEL_PROC_FUTEX_QUEUE_H

#include "kernel/proc/proc.h"
#include "abi/linux/errno.h"
#include "lib/hash.h"

enum { FUTEX_BUCKETS = 256 };

struct futex_bucket {
    struct spinlock lock;
    struct list waiters; /* FIFO */
} __attribute__((aligned(64)));

struct futex_key {
    uint64_t space; /* whose addresses; bit 0 set: a shared name */
    uint64_t addr;
};

struct futex_waiter {
    struct list node;
    struct futex_bucket *bucket; /* NULL: woken */
    struct futex_key key;
    uint32_t bitset;
    struct task *task;
    bool pi;       /* waits to own it */
    bool acquired; /* pi: the unlocker made us the owner */
    bool to_pi;    /* waits to be requeued to `lock`, and then for it */
    int owner;     /* pi: tid of whom we wait for */
    struct futex_key lock;
};

extern struct futex_bucket futex_buckets[FUTEX_BUCKETS];

struct futex_key futex_key_shared(uint64_t addr);

static inline struct futex_key futex_key(struct futex_word word)
{
    return unlikely(word.shared) ? futex_key_shared(word.addr.addr)
                                 : (struct futex_key){
                                       (uint64_t)current_task()->mm,
                                       word.addr.addr,
                                   };
}

static inline bool futex_key_equal(struct futex_key a, struct futex_key b)
{
    return a.space == b.space && a.addr == b.addr;
}

static inline struct futex_bucket *futex_bucket(struct futex_key key)
{
    /* One of hash_u64()'s two steps: enough for so few. */
    uint64_t h = hash_fold(key.addr ^ HASH_K0, key.space ^ HASH_K1);

    return &futex_buckets[h % FUTEX_BUCKETS];
}

/* 0, -EINVAL (unaligned) or -EFAULT: no address of programs or, of a shared
 * word, not there (FUTEX_WRITE: or not writable). May block. */
enum futex_use { FUTEX_READ, FUTEX_WRITE };
int futex_check_shared(struct uptr addr, enum futex_use use);

static inline int futex_check(struct futex_word word, enum futex_use use)
{
    uint64_t addr = word.addr.addr;

    if (unlikely(addr % sizeof(uint32_t))) {
        return -EINVAL;
    }
    if (unlikely(addr >= MM_LINUX_END)) {
        return -EFAULT;
    }
    return unlikely(word.shared) ? futex_check_shared(word.addr, use) : 0;
}

/* Brings the word's page in for writing, where blocking is allowed. */
int futex_fault_in(struct uptr addr);

/* The bucket's lock is held for the next three. Puts w on its key's bucket. */
void futex_enqueue(struct futex_waiter *w, struct futex_bucket *b);
void futex_wake_one(struct futex_waiter *w);
int futex_wake_matching(struct futex_bucket *b, struct futex_key key, int count,
                        uint32_t bitset);

/* Queues w on its key's bucket and prepares to sleep if the word there is val;
 * -EAGAIN if not, -EFAULT. */
int futex_enqueue_if(struct futex_waiter *w, uint32_t val);

void futex_lock_two(struct futex_bucket *a, struct futex_bucket *b);
void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b);

/* Locks the bucket that w stands in; false when w was woken. */
bool futex_lock_queued(struct futex_waiter *w);

/* Takes w off; false when it was woken before. */
bool futex_dequeue(struct futex_waiter *w);

/* Sleeps until w, which is queued by a caller that prepared to sleep under
 * its lock, is woken: 0; or -ETIMEDOUT, -EINTR: then it is off the queue. */
int futex_sleep(struct futex_waiter *w, uint64_t deadline);

#endif
