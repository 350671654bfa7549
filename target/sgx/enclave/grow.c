/* SPDX-License-Identifier: MIT
 *
 * vCPUs that are added at run time: with EDMM all but the first. The pages of
 * a block come by EACCEPT, zeroed. The TCS is written before its page becomes
 * one, which the host does (EMODT) and the EACCEPT that follows confirms (SDM,
 * EMODT, EACCEPT): from there on nobody can write to it. What the host can do
 * with it is enter, at sgx_entry, which refuses until target_vcpu_start() has
 * prepared the vCPU.
 *
 * A host that refuses a step, or only says that it took it, gets an instance
 * with fewer vCPUs. A block that failed goes back; pages that the host does not
 * take stay, of no use to anyone.
 */
#include "target/sgx/enclave/enclave.h"

static const struct sgx_secinfo new_page = {
    .flags = SGX_SECINFO_PT(SGX_PT_REG) | SGX_SECINFO_R | SGX_SECINFO_W |
             SGX_SECINFO_PENDING};
static const struct sgx_secinfo tcs_page = {
    .flags = SGX_SECINFO_PT(SGX_PT_TCS) | SGX_SECINFO_MODIFIED};
static const struct sgx_secinfo trimmed_page = {
    .flags = SGX_SECINFO_PT(SGX_PT_TRIM) | SGX_SECINFO_MODIFIED};

/* The first page that cannot be had, or the block's end. */
static uint64_t add_pages(uint64_t block)
{
    for (unsigned i = 0; i < SGX_BLOCK_PARTS; i++) {
        uint64_t end = block + sgx_block_parts[i].to;

        for (uint64_t at = block + sgx_block_parts[i].from; at < end;
             at += PAGE_SIZE) {
            if (leaf_eaccept(&new_page, at)) {
                return at;
            }
        }
    }
    return block + SGX_BLOCK_SIZE;
}

static void give_back(uint64_t from, uint64_t end)
{
    if (sgx_call(SGX_CALL_TRIM, from, end - from, 0)) {
        return;
    }
    for (uint64_t at = from; at < end; at += PAGE_SIZE) {
        if (leaf_eaccept(&trimmed_page, at)) {
            return;
        }
    }
    sgx_call(SGX_CALL_REMOVE, from, end - from, 0);
}

/* The pages of the block that lie below end. */
static void remove_pages(uint64_t block, uint64_t end)
{
    for (unsigned i = 0; i < SGX_BLOCK_PARTS; i++) {
        uint64_t from = block + sgx_block_parts[i].from;
        uint64_t to = MIN(block + sgx_block_parts[i].to, end);

        if (from < to) {
            give_back(from, to);
        }
    }
}

bool vcpu_add(unsigned id)
{
    uint64_t block = sgx_block(id), reached = add_pages(block);

    if (reached == block + SGX_BLOCK_SIZE) {
        sgx_layout_tcs((struct sgx_tcs *)block, block, (uint64_t)sgx_entry);
        if (!sgx_call(SGX_CALL_MAKE_TCS, block, 0, 0) &&
            !leaf_eaccept(&tcs_page, block)) {
            return true;
        }
    }
    remove_pages(block, reached);
    return false;
}

void vcpu_remove(unsigned id)
{
    remove_pages(sgx_block(id), sgx_block(id) + SGX_BLOCK_SIZE);
}
