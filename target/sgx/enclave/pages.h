/* SPDX-License-Identifier: MIT
 *
 * What the enclave knows of each page (pages.c); mem.c changes it.
 */
#ifndef TARGET_SGX_PAGES_H
#define TARGET_SGX_PAGES_H

#include "target/sgx/enclave/enclave.h"

enum {
    PAGE_RIGHTS = MEM_READ | MEM_WRITE | MEM_EXEC, /* as the EPCM has them */
    PAGE_COMMITTED = 8,
    PAGE_HIDDEN = 16, /* no access by the host's page table; EPCM as before */
};

/* 0 for a page that is not committed. */
uint8_t pages_state(uint64_t addr);
/* Makes room for the states of a range. False: no memory. */
bool pages_prepare(uint64_t addr, uint64_t len);
/* After pages_prepare(). */
void pages_set(uint64_t addr, uint8_t state);

#endif
