/* SPDX-License-Identifier: MIT
 *
 * target.h's memory functions for the SGX1 class (fixed.c); mem.c has checked
 * the range. rights are MEM_*, 0 for no access.
 */
#ifndef TARGET_SGX_FIXED_H
#define TARGET_SGX_FIXED_H

#include "target/sgx/enclave/enclave.h"

static inline bool memory_is_fixed(void)
{
    return sgx.info->enclave_class == POLICY_CLASS_SGX1;
}

int fixed_commit(uint64_t addr, uint64_t len, uint8_t rights);
int fixed_protect(uint64_t addr, uint64_t len, uint8_t rights);
int fixed_clear(uint64_t addr, uint64_t len);
void fixed_release(uint64_t addr, uint64_t len);
int fixed_install(uint64_t addr, const void *src, uint64_t len, uint8_t rights);
unsigned fixed_touched(uint64_t *from, uint64_t to, struct mem_run *runs,
                       unsigned max);
/* Whether an access that #PF's error code describes can have faulted at addr:
 * the host says so, and nobody else. */
bool fixed_denies(uint64_t addr, uint64_t error);

#endif
