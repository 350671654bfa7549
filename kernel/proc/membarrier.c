/* SPDX-License-Identifier: MIT
 *
 * membarrier(2): every vCPU passes through the kernel once before the call
 * returns. That is a full barrier and, since leaving the kernel after a kick
 * is a return from a host signal or an enclave resume, serialises the core as
 * SYNC_CORE asks.
 */
#include "kernel/proc/membarrier.h"
#include "kernel/proc/proc.h"
#include "abi/linux/errno.h"
#include "abi/linux/sched.h"

enum {
    PRIVATE = MEMBARRIER_CMD_PRIVATE_EXPEDITED,
    SYNC_CORE = MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE,
    GLOBAL_EXPEDITED = MEMBARRIER_CMD_GLOBAL_EXPEDITED,
    SUPPORTED = MEMBARRIER_CMD_GLOBAL | GLOBAL_EXPEDITED | PRIVATE | SYNC_CORE |
                MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED |
                MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED |
                MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE,
};

static int barrier_if_registered(uint32_t command)
{
    if (!(atomic_load(&current_proc()->membarriers) & command)) {
        return -EPERM;
    }
    sched_barrier();
    return 0;
}

static int enlist(uint32_t command)
{
    atomic_fetch_or(&current_proc()->membarriers, command);
    return 0;
}

int membarrier(int command, unsigned flags)
{
    if (flags) {
        return -EINVAL;
    }
    switch (command) {
    case MEMBARRIER_CMD_QUERY:
        return SUPPORTED;
    case MEMBARRIER_CMD_GLOBAL:
    case GLOBAL_EXPEDITED:
        sched_barrier();
        return 0;
    case PRIVATE:
    case SYNC_CORE:
        return barrier_if_registered((uint32_t)command);
    case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
        return enlist(PRIVATE);
    case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
        return enlist(SYNC_CORE);
    case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
        return enlist(GLOBAL_EXPEDITED);
    default:
        return -EINVAL;
    }
}
