/* SPDX-License-Identifier: MIT
 *
 * The alternate signal stack (sigaltstack(2)), private to its thread. With
 * SS_AUTODISARM it is gone while a handler runs on it, and sigreturn brings
 * it back from the frame.
 */
#include "kernel/signal/room.h"
#include "kernel/proc/proc.h"
#include "abi/linux/errno.h"

bool altstack_holds(const struct thread_signals *ts, uint64_t sp)
{
    return sp > ts->alt_sp && sp - ts->alt_sp <= ts->alt_size;
}

uint32_t altstack_state(const struct thread_signals *ts, uint64_t sp)
{
    if (!ts->alt_size) {
        return SS_DISABLE;
    }
    if (ts->alt_flags & SS_AUTODISARM) {
        return 0;
    }
    return altstack_holds(ts, sp) ? SS_ONSTACK : 0;
}

void altstack_disarm(struct thread_signals *ts)
{
    if (ts->alt_flags & SS_AUTODISARM) {
        ts->alt_sp = 0;
        ts->alt_size = 0;
        ts->alt_flags = SS_DISABLE;
    }
}

static int set_altstack(struct thread_signals *ts, const struct linux_stack *ss)
{
    uint32_t mode = ss->flags & ~SS_AUTODISARM;

    if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0) {
        return -EINVAL;
    }
    if (ss->sp == ts->alt_sp && ss->size == ts->alt_size &&
        ss->flags == ts->alt_flags) {
        return 0; /* whatever it is */
    }
    if (mode != SS_DISABLE && ss->size < MINSIGSTKSZ) {
        return -ENOMEM;
    }
    ts->alt_sp = mode == SS_DISABLE ? 0 : ss->sp;
    ts->alt_size = mode == SS_DISABLE ? 0 : ss->size;
    ts->alt_flags = ss->flags;
    return 0;
}

int signal_altstack(const struct linux_stack *ss, struct linux_stack *old,
                    uint64_t rsp)
{
    struct thread_signals *ts = &current_thread()->signals;
    uint32_t state = altstack_state(ts, rsp);

    if (old) {
        *old = (struct linux_stack){
            .sp = ts->alt_sp,
            .flags = state | (ts->alt_flags & SS_AUTODISARM),
            .size = ts->alt_size,
        };
    }
    if (!ss) {
        return 0;
    }
    return state == SS_ONSTACK ? -EPERM : set_altstack(ts, ss);
}
