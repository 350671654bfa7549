/* SPDX-License-Identifier: MIT
 *
 * The host's rings and its bounce buffers: addresses that it named at the
 * start, of which only the place is checked here, that nothing of them lies
 * in the enclave. What the rings hold is kernel/core/hostio's to doubt.
 */
#include "target/sgx/enclave/enclave.h"
#include "abi/boundary.h"

enum { ENTRIES_MAX = 65536 };

static bool is_outside(uint64_t addr, uint64_t len)
{
    return IS_ALIGNED(addr, 4) && outside_range(ALIGN_DOWN(addr, 8), len + 8);
}

int target_ring_setup(unsigned index, struct target_ring *out)
{
    const struct sgx_boot_ring *r;

    if (index >= TARGET_RINGS) {
        return -EINVAL;
    }
    r = &sgx.boot.rings[index];
    if (r->sq_entries > ENTRIES_MAX || r->cq_entries > ENTRIES_MAX ||
        r->buffer_entries > ENTRIES_MAX || !is_outside(r->sq_head, 4) ||
        !is_outside(r->sq_tail, 4) ||
        (r->sq_array && !is_outside(r->sq_array, r->sq_entries * 4)) ||
        (r->sq_flags && !is_outside(r->sq_flags, 4)) ||
        !is_outside(r->sqes, r->sq_entries * sizeof(struct ring_sqe)) ||
        !is_outside(r->cq_head, 4) || !is_outside(r->cq_tail, 4) ||
        !is_outside(r->cqes, r->cq_entries * sizeof(struct ring_cqe)) ||
        (r->buffers &&
         !is_outside(r->buffers,
                     r->buffer_entries * sizeof(struct ring_buffer))) ||
        !IS_ALIGNED(r->buffers, 8) || !IS_ALIGNED(r->sqes, 8) ||
        !IS_ALIGNED(r->cqes, 8)) {
        sgx_die("the host's rings are not outside the enclave");
    }
    *out = (struct target_ring){
        .sq_head.addr = r->sq_head,
        .sq_tail.addr = r->sq_tail,
        .sqes.addr = r->sqes,
        .sq_array.addr = r->sq_array,
        .sq_flags.addr = r->sq_flags,
        .cq_head.addr = r->cq_head,
        .cq_tail.addr = r->cq_tail,
        .cqes.addr = r->cqes,
        .buffers.addr = r->buffers,
        .sq_entries = r->sq_entries,
        .cq_entries = r->cq_entries,
        .buffer_entries = r->buffer_entries,
    };
    return 0;
}

void target_ring_submit(unsigned index, unsigned count)
{
    sgx_call(SGX_CALL_SUBMIT, index, count, 0);
}

int target_bounce(struct hptr *base, uint64_t *len)
{
    if (!outside_range(sgx.boot.bounce, sgx.boot.bounce_size)) {
        sgx_die("the host's buffers are not outside the enclave");
    }
    base->addr = sgx.boot.bounce;
    *len = sgx.boot.bounce_size;
    return 0;
}
