/* SPDX-License-Identifier: MIT */
/*
 * Calls that wait under a signal mask of their own: sigsuspend(2), ppoll(2),
 * pselect(2), epoll_pwait(2). The kernel does the waiting and takes the mask;
 * what it cannot know is that a handler runs with that mask still in force
 * (deliver.c adds it), while its frame restores the one from before, and
 * which FORCED_SIGNALS the program means to have blocked meanwhile.
 */
#include "sgxemu/emu.h"

#include <errno.h>

/* The mask's address and size, wherever the call keeps them. */
static bool find_mask(ucontext_t *uc, long nr, uint64_t *at, uint64_t *size)
{
    uint64_t pair[2];

    switch (nr) {
    case SYS_rt_sigsuspend:
        *at = (uint64_t)REG(uc, RDI);
        *size = (uint64_t)REG(uc, RSI);
        break;
    case SYS_ppoll:
        *at = (uint64_t)REG(uc, R10);
        *size = (uint64_t)REG(uc, R8);
        break;
    case SYS_pselect6:
        if (user_read(uc, pair, (uint64_t)REG(uc, R9), sizeof(pair))) {
            return false;
        }
        *at = pair[0];
        *size = pair[1];
        break;
    default:
        *at = (uint64_t)REG(uc, R8);
        *size = (uint64_t)REG(uc, R9);
    }
    return *at && *size == 8;
}

bool wait_syscall(struct thread *t, ucontext_t *uc, long nr, long *result)
{
    uint64_t at, size, mask;

    if (!find_mask(uc, nr, &at, &size) || user_read(uc, &mask, at, 8)) {
        return false; /* no mask, or the kernel's error */
    }
    t->waiting = true;
    t->wait_mask = mask;
    *result = t->held & ~mask ? -EINTR : syscall_pass(t, uc, nr);
    /* A signal that ended the wait is on its way to its handler. */
    t->waiting =
        *result == -EINTR && (t->held & ~mask || thread_head(t)->deferred);
    return true;
}
