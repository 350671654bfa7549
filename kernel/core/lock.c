/* SPDX-License-Identifier: MIT
 *
 * Locks: the contended paths. A mutex's word holds its owner; bit 0 says that
 * its list of waiters must be looked at. A release wakes the first waiter and
 * leaves the mutex free, so that whoever runs first takes it: handing it over
 * would make every other task wait for a switch. Who finds it taken by a task
 * that runs just now, on another vCPU, first waits a little without sleeping:
 * that is shorter than to wake an idle vCPU.
 */
#include "kernel/core/lock.h"
#include "kernel/core/sched.h"
#include "kernel/core/log.h"

enum { SPINS = 200 /* some us */ };

_Alignas(64) bool one_vcpu;

void spin_lock_slow(void *lock)
{
    struct spinlock *l = lock;

    do {
        while (atomic_load_relaxed(&l->locked)) {
            cpu_relax();
        }
    } while (atomic_xchg_acquire(&l->locked, 1));
}

void mutex_init(struct mutex *m, enum lock_class cls)
{
    m->owner = 0;
    spin_init(&m->lock, LOCK_WAIT);
    list_init(&m->waiters);
    m->lock_class = cls;
}

/* Takes a free mutex, or marks it as waited for. m->lock is held. */
static bool take_or_mark(struct mutex *m, uint64_t self)
{
    uint64_t owner = atomic_load(&m->owner);

    for (;;) {
        uint64_t mark = list_empty(&m->waiters) ? 0 : MUTEX_WAITERS;
        bool taken = (owner & ~(uint64_t)MUTEX_WAITERS) == 0;
        uint64_t next = taken ? self | mark : owner | MUTEX_WAITERS;

        if (atomic_cas(&m->owner, &owner, next)) {
            return taken;
        }
    }
}

/* The owner may be gone already, so nothing of it is looked at. */
static bool runs(uint64_t owner)
{
    for (unsigned id = 0; id < sched_vcpu_count(); id++) {
        if ((uint64_t)atomic_load_relaxed(&vcpu_by_id(id)->task) == owner) {
            return true;
        }
    }
    return false;
}

static bool taken_by_waiting(struct mutex *m, uint64_t self)
{
    for (int i = 0; i < SPINS; i++) {
        uint64_t word = atomic_load_relaxed(&m->owner);
        uint64_t mark = word & MUTEX_WAITERS;

        if (word == mark && atomic_cas_acquire(&m->owner, &word, self | mark)) {
            return true;
        }
        if (word != mark && !runs(word & ~(uint64_t)MUTEX_WAITERS)) {
            return false;
        }
        cpu_relax();
    }
    return false;
}

/* owner: who had it. */
static __attribute__((noinline)) void lock_contended(struct mutex *m,
                                                     uint64_t owner)
{
    struct task *t = current_task();

    check((owner & ~(uint64_t)MUTEX_WAITERS) != (uint64_t)t);
    if (taken_by_waiting(m, (uint64_t)t)) {
        return;
    }
    spin_lock(&m->lock);
    while (!take_or_mark(m, (uint64_t)t)) {
        list_add_tail(&m->waiters, &t->lock_node);
        task_prepare_sleep();
        spin_unlock(&m->lock);
        task_sleep();
        spin_lock(&m->lock);
        list_del(&t->lock_node);
    }
    spin_unlock(&m->lock);
}

void mutex_lock(struct mutex *m)
{
    uint64_t owner = 0;

    lock_check_acquire(m->lock_class, true);
    if (unlikely(!vcpus_cas(&m->owner, &owner, (uint64_t)current_task()))) {
        lock_contended(m, owner);
    }
}

bool mutex_lock_if_awake(struct mutex *m)
{
    uint64_t self = (uint64_t)current_task(), owner;

    while (!taken_by_waiting(m, self)) {
        owner = atomic_load(&m->owner) & ~(uint64_t)MUTEX_WAITERS;
        if (owner && !runs(owner)) {
            return false;
        }
    }
    lock_check_acquire(m->lock_class, true);
    return true;
}

static __attribute__((noinline)) void unlock_contended(struct mutex *m,
                                                       uint64_t owner)
{
    struct list *first;

    check(owner == ((uint64_t)current_task() | MUTEX_WAITERS));
    spin_lock(&m->lock);
    first = list_first(&m->waiters);
    atomic_store_release(&m->owner, first ? MUTEX_WAITERS : 0);
    if (first) {
        task_wake(list_entry(first, struct task, lock_node));
    }
    spin_unlock(&m->lock);
}

void mutex_unlock(struct mutex *m)
{
    uint64_t owner = (uint64_t)current_task();

    lock_check_release(m->lock_class, true);
    if (unlikely(!vcpus_cas(&m->owner, &owner, 0ul))) {
        unlock_contended(m, owner);
    }
}

bool mutex_held(const struct mutex *m)
{
    uint64_t owner = atomic_load_relaxed(&m->owner);

    return (owner & ~(uint64_t)MUTEX_WAITERS) == (uint64_t)current_task();
}
