/* SPDX-License-Identifier: MIT
 *
 * Locks. A spinlock is for short sections that never block; a tick never
 * switches tasks in kernel code, so it needs no more than that. A mutex
 * sleeps.
 *
 * The one lock order (a lock may be taken while any of a lower class is held;
 * equal classes nest only where named). Debug builds check it at run time.
 */
#ifndef KERNEL_CORE_LOCK_H
#define KERNEL_CORE_LOCK_H

#include "arch/x86_64/rarely.h"
#include "lib/types.h"
#include "lib/atomic.h"
#include "lib/list.h"

enum lock_class {
    LOCK_NONE = 0,    /* exempt from the check: tests, early boot */
    LOCK_FS_POS,      /* mutex: a file's offset */
    LOCK_FS_RENAME,   /* mutex: one rename between directories */
    LOCK_FS_TOP2_DIR, /* mutex: the next five, of a file system over those */
    LOCK_FS_TOP2,
    LOCK_FS_TOP2_COPY,
    LOCK_FS_TOP_DIR, /* mutex: the next two, of a file system over others */
    LOCK_FS_TOP,
    LOCK_FS_COPY,   /* mutex: what its changes need below */
    LOCK_FS_DIR,    /* mutex: a directory's names (parent before child) */
    LOCK_FS_INODE,  /* mutex: a file's content and size */
    LOCK_MM,        /* mutex: an address space's VMA tree */
    LOCK_TEXT,      /* mutex: a text image's slots, and its filling */
    LOCK_FS_OBJECT, /* mutex: one page-cache object or leaf's own state */
    LOCK_IO_DONE,   /* spin: the rings' consumer side, callbacks run in it */
    LOCK_PROC,      /* spin: process tree, pids */
    LOCK_SIGNAL,    /* spin: a process's signal state */
    LOCK_ACTIONS,   /* spin: handlers that processes share */
    LOCK_FILES,     /* spin: a descriptor table */
    LOCK_DENTRY,    /* spin: dentry hash, LRU, lists of text images */
    LOCK_PAGECACHE, /* spin: an object's page table */
    LOCK_FUTEX,     /* spin: a futex bucket (two: by address) */
    LOCK_POLL,      /* spin: epoll's ready list */
    LOCK_PIPE,      /* spin: a pipe, eventfd, socket buffer */
    LOCK_HOSTIO,    /* spin: the rings' producer side */
    LOCK_SLOTS,     /* spin: who owns which part of the arena */
    LOCK_FAMILIES,  /* spin: the list of families */
    LOCK_FAMILY,    /* spin: a family's members */
    LOCK_WAIT,      /* spin: a wait queue */
    LOCK_TIMER,     /* spin: the timer queue */
    LOCK_RUNQUEUE,  /* spin: one vCPU's run queue */
    LOCK_GATE,      /* spin: tasks that wait for their address space */
    LOCK_TASK_LIST, /* spin: the list of all tasks */
    LOCK_HEAP,      /* spin: kernel heap, page pools */
    LOCK_LOG,       /* spin: the log line */
    LOCK_CLASSES
};

/* Set while a single vCPU runs: the instance has no other one, or all others
 * sleep (alone.c). Kernel code is never preempted, so nobody is there for a
 * locked instruction to shut out, and it costs as much as thirty others. What
 * signal handlers or threads of the target touch, too (rings, kicks), knows
 * nothing of this. */
extern bool one_vcpu;

/* Like atomic_NAME(), between vCPUs. */
#define vcpus_cas(p, expected, new)                                            \
    ({                                                                         \
        bool done_;                                                            \
        if (one_vcpu) {                                                        \
            __typeof__(*(p)) was_ = atomic_load_relaxed(p);                    \
            done_ = was_ == *(expected);                                       \
            atomic_store_relaxed(p, done_ ? (new) : was_);                     \
            *(expected) = was_;                                                \
            atomic_compiler_fence();                                           \
        } else {                                                               \
            done_ = atomic_cas(p, expected, new);                              \
        }                                                                      \
        done_;                                                                 \
    })

/* Counts: *p += n; the new value. */
#define vcpus_add_fetch(p, n)                                                  \
    ({                                                                         \
        __typeof__(*(p)) sum_;                                                 \
        if (one_vcpu) {                                                        \
            sum_ = atomic_load_relaxed(p) + (__typeof__(*(p)))(n);             \
            atomic_store_relaxed(p, sum_);                                     \
            atomic_compiler_fence();                                           \
        } else {                                                               \
            sum_ = atomic_add_fetch(p, n);                                     \
        }                                                                      \
        sum_;                                                                  \
    })

static inline uint32_t vcpus_xchg(uint32_t *p, uint32_t v)
{
    uint32_t old;

    if (!one_vcpu) {
        return atomic_xchg(p, v);
    }
    old = atomic_load_relaxed(p);
    atomic_store_relaxed(p, v);
    atomic_compiler_fence();
    return old;
}

static inline void vcpus_fence(void)
{
    if (one_vcpu) {
        atomic_compiler_fence();
    } else {
        atomic_fence();
    }
}

struct spinlock {
    uint32_t locked;
    uint32_t lock_class;
};

#define SPINLOCK_INIT(cls)                                                     \
    {                                                                          \
        0, (cls)                                                               \
    }

/* Debug builds: panics when a lock of class cls may not be taken now. Spin
 * locks are counted per vCPU, mutexes per task. */
#ifdef ENCLOS_DEBUG
void lock_check_acquire(uint32_t cls, bool sleeps);
void lock_check_release(uint32_t cls, bool sleeps);
/* Panics when the vCPU holds a spinlock: called where tasks switch. */
void lock_check_may_sleep(void);
#else
static inline void lock_check_acquire(uint32_t cls, bool sleeps)
{
}
static inline void lock_check_release(uint32_t cls, bool sleeps)
{
}
static inline void lock_check_may_sleep(void)
{
}
#endif

/* Spins until l is free; lock.c. */
void spin_lock_slow(void *l);

static inline void spin_init(struct spinlock *l, enum lock_class cls)
{
    l->locked = 0;
    l->lock_class = cls;
}

static inline void spin_lock(struct spinlock *l)
{
    lock_check_acquire(l->lock_class, false);
    if (unlikely(vcpus_xchg(&l->locked, 1))) {
        arch_call_rarely(spin_lock_slow, l);
    }
}

static inline bool spin_trylock(struct spinlock *l)
{
    if (atomic_load_relaxed(&l->locked) || vcpus_xchg(&l->locked, 1)) {
        return false;
    }
    lock_check_acquire(l->lock_class, false);
    return true;
}

static inline void spin_unlock(struct spinlock *l)
{
    lock_check_release(l->lock_class, false);
    atomic_store_release(&l->locked, 0);
}

/* Sleeps while held by another task; not recursive. Uncontended, it costs one
 * atomic operation each way. */
enum { MUTEX_WAITERS = 1 };
struct mutex {
    uint64_t owner; /* the task, and MUTEX_WAITERS: there may be some; atomic */
    struct spinlock lock;
    struct list waiters; /* struct task.lock_node, FIFO; under lock */
    uint32_t lock_class;
};

void mutex_init(struct mutex *m, enum lock_class cls);
void mutex_lock(struct mutex *m);
void mutex_unlock(struct mutex *m);
/* For who must not sleep: waits for a holder that runs just now. False: the
 * holder sleeps. */
bool mutex_lock_if_awake(struct mutex *m);
/* For check(): the current task holds m. */
bool mutex_held(const struct mutex *m);
/* Whether some task does, at this moment. */
static inline bool mutex_taken(const struct mutex *m)
{
    return atomic_load_relaxed(&m->owner) & ~(uint64_t)MUTEX_WAITERS;
}

#endif
