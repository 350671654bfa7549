/* SPDX-License-Identifier: MIT */
/*
 * The EPCM: one 32-bit entry a page of ELRANGE, sparse, shared by every
 * process that has the enclave. Two levels of counts above it let a walk over
 * an ELRANGE of 2^46 skip what is empty. Writers hold enclave_lock(); readers
 * may not, and see each entry whole.
 */
#include "sgxemu/enclave.h"

#include <sys/mman.h>

#define MID_PAGES 512ul           /* 2 MiB */
#define TOP_PAGES (512ul * 512ul) /* 1 GiB */

epcm_t epcm_get(struct enclave *e, uint64_t page)
{
    return __atomic_load_n(&e->epcm[page], __ATOMIC_ACQUIRE);
}

static bool is_resident(epcm_t entry)
{
    return (entry & (EPCM_VALID | EPCM_RECLAIMED)) == EPCM_VALID;
}

void epcm_set(struct enclave *e, uint64_t page, epcm_t entry)
{
    int was = !!(e->epcm[page] & EPCM_VALID);
    int is = !!(entry & EPCM_VALID);

    e->shared->resident_count +=
        (uint64_t)(is_resident(entry) - is_resident(e->epcm[page]));
    __atomic_store_n(&e->epcm[page], entry, __ATOMIC_RELEASE);
    if (is != was) {
        e->epcm_mid[page / MID_PAGES] += (uint32_t)(is - was);
        e->epcm_top[page / TOP_PAGES] += (uint32_t)(is - was);
        e->shared->page_count += (uint64_t)(is - was);
    }
}

uint64_t epcm_next(struct enclave *e, uint64_t page, uint64_t end)
{
    while (page < end) {
        if (e->epcm_top[page / TOP_PAGES] == 0) {
            page = (page / TOP_PAGES + 1) * TOP_PAGES;
        } else if (e->epcm_mid[page / MID_PAGES] == 0) {
            page = (page / MID_PAGES + 1) * MID_PAGES;
        } else if (!(epcm_get(e, page) & EPCM_VALID)) {
            page++;
        } else {
            return page;
        }
    }
    return end;
}

int epcm_access(epcm_t entry)
{
    if (!(entry & EPCM_VALID) || EPCM_TYPE(entry) != SGX_PT_REG ||
        entry & (EPCM_PENDING | EPCM_MODIFIED)) {
        return PROT_NONE;
    }
    return (int)(entry & EPCM_RWX); /* SECINFO's bits are PROT_*'s */
}
