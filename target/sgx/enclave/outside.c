/* SPDX-License-Identifier: MIT
 *
 * The host's memory as the enclave touches it: whole aligned words only, so
 * that a read cannot bring stale data of a buffer along and a write leaves
 * nothing of ours in one (Intel's guidance on MMIO stale data, INTEL-SA-00615
 * and -00657). Besides kernel/core/hostio*.c the only code that does.
 */
#include "target/sgx/enclave/enclave.h"

#define USER_SPACE_END (1ull << 47)

bool outside_range(uint64_t addr, uint64_t len)
{
    return addr >= sgx.info->elrange_size && addr < USER_SPACE_END &&
           len <= USER_SPACE_END - addr;
}

void outside_read(void *dst, uint64_t addr, uint64_t len)
{
    uint64_t words = len / 8;

    __asm__ volatile("rep movsq"
                     : "+D"(dst), "+S"(addr), "+c"(words)
                     :
                     : "memory");
    __asm__ volatile("lfence" ::: "memory");
}

void outside_write(uint64_t addr, const void *src, uint64_t len)
{
    uint64_t words = len / 8;

    __asm__ volatile("rep movsq"
                     : "+D"(addr), "+S"(src), "+c"(words)
                     :
                     : "memory");
}
