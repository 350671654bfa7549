/* SPDX-License-Identifier: MIT
 *
 * The lock order, checked at run time; linked into debug builds only. A lock
 * may be taken when everything held is of a lower class, or of the same one
 * where the order within it is given by lock.h (parent before child, lower
 * address first). Counting is enough: nobody needs to know which lock.
 */
#include "kernel/core/lock.h"
#include "kernel/core/log.h"
#include "kernel/core/sched.h"

static uint8_t spin_held[VCPU_MAX][LOCK_CLASSES];

static bool may_nest(uint32_t cls)
{
    return cls == LOCK_FS_DIR || cls == LOCK_FS_INODE ||
           cls == LOCK_FS_TOP_DIR || cls == LOCK_FS_TOP ||
           cls == LOCK_FS_TOP2_DIR || cls == LOCK_FS_TOP2 ||
           cls == LOCK_FUTEX || cls == LOCK_POLL || cls == LOCK_WAIT ||
           cls == LOCK_PIPE || cls == LOCK_RUNQUEUE || cls == LOCK_FS_OBJECT;
}

static uint32_t highest(const uint8_t *held)
{
    for (uint32_t cls = LOCK_CLASSES - 1; cls > 0; cls--) {
        if (held[cls]) {
            return cls;
        }
    }
    return LOCK_NONE;
}

void lock_check_acquire(uint32_t cls, bool sleeps)
{
    uint8_t *spins = spin_held[this_vcpu()->id];
    uint8_t *mutexes = current_task()->mutexes_held;
    uint32_t top = MAX(highest(spins), highest(mutexes));

    if (cls == LOCK_NONE) {
        return;
    }
    if (sleeps && highest(spins)) {
        panic("mutex of class %u taken under a spinlock of class %u", cls,
              highest(spins));
    }
    if (top > cls || (top == cls && !may_nest(cls))) {
        panic("lock of class %u taken under one of class %u", cls, top);
    }
    if (sleeps) {
        mutexes[cls]++;
    } else {
        spins[cls]++;
    }
}

void lock_check_release(uint32_t cls, bool sleeps)
{
    uint8_t *held =
        sleeps ? current_task()->mutexes_held : spin_held[this_vcpu()->id];

    if (cls == LOCK_NONE) {
        return;
    }
    check(held[cls] > 0);
    held[cls]--;
}

void lock_check_may_sleep(void)
{
    uint32_t top = highest(spin_held[this_vcpu()->id]);

    if (top) {
        panic("a task sleeps under a spinlock of class %u", top);
    }
}
