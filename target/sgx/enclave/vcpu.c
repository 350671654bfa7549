/* SPDX-License-Identifier: MIT
 *
 * Virtual CPUs as seen from inside: each call here asks the host program to
 * do with its threads what target/linux does with its own. The host may do
 * less, or later; it cannot make a vCPU run what the kernel did not start.
 */
#include "target/sgx/enclave/fixed.h"
#include "abi/linux/signal.h"

void vcpu_prepare(unsigned id)
{
    struct sgx_vcpu *s = sgx_vcpu(id);
    struct vcpu *v = vcpu_by_id(id);

    s->id = id;
    s->xfrm = sgx.xfrm;
    s->exchange = sgx.boot.exchanges + id * sizeof(struct sgx_exchange);
    s->tick = UINT64_MAX;
    v->self = v;
    v->id = id;
    s->vcpu = v;
}

/* The host says that it has no thread for it. Whatever it says, it may have
 * entered: then the vCPU is there. */
static bool is_withdrawn(unsigned id)
{
    uint64_t phase = PHASE_READY;

    return atomic_cas(&sgx_vcpu(id)->phase, &phase, (uint64_t)PHASE_NEW);
}

int target_vcpu_start(unsigned id)
{
    bool fixed = memory_is_fixed();

    if (id == 0 || id >= sgx.info->vcpus) {
        return -EINVAL;
    }
    if (!fixed && !vcpu_add(id)) {
        return -ENOMEM;
    }
    vcpu_prepare(id);
    atomic_store(&sgx_vcpu(id)->phase, PHASE_READY);
    if (!sgx_call(SGX_CALL_START, id, 0, 0) || !is_withdrawn(id)) {
        return 0;
    }
    if (!fixed) {
        vcpu_remove(id);
    }
    return -ENOMEM;
}

static uint64_t from_now(uint64_t deadline)
{
    uint64_t now;

    if (deadline == UINT64_MAX) {
        return UINT64_MAX;
    }
    now = target_clock();
    return deadline > now ? deadline - now : 0;
}

void signals_poll(void)
{
    uint64_t set;

    if (likely(!outside_load(sgx.boot.signals))) {
        return;
    }
    set = outside_swap(sgx.boot.signals, 0) & SGX_SIGNALS;
    for (int signo = 1; signo <= 64; signo++) {
        if (set & SGX_SIGNAL(signo)) {
            kernel_signal(signo);
        }
    }
}

void target_vcpu_wait(uint64_t deadline)
{
    sgx_call(SGX_CALL_WAIT, deadline ? MAX(from_now(deadline), 1ull) : 0, 0, 0);
    signals_poll();
}

void target_vcpu_kick(unsigned id)
{
    if (id < sgx.info->vcpus) {
        sgx_call(SGX_CALL_KICK, id, 0, 0);
    }
}

void target_vcpu_tick(uint64_t deadline)
{
    struct sgx_vcpu *s = this_sgx_vcpu();

    if (deadline == UINT64_MAX && s->tick == UINT64_MAX) {
        return;
    }
    s->tick = deadline;
    sgx_call(SGX_CALL_TICK, from_now(deadline), 0, 0);
}

void target_suspend(void)
{
    sgx_call(SGX_CALL_SUSPEND, 0, 0, 0);
}
