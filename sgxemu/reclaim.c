/* SPDX-License-Identifier: MIT */
/*
 * --epc SIZE: an EPC smaller than the enclave. Beyond the limit one resident
 * page leaves for every page that comes; its content stays where it is, in
 * the memfd, but it faults until it is loaded again. What a program can see
 * of EWB and ELDU is just that: time. Callers hold enclave_lock().
 */
#include "sgxemu/enclave.h"

/* Pages of all the enclaves that this process has. */
static uint64_t resident(void)
{
    uint64_t count = 0;

    for (int i = 0; i < ENCLAVE_MAX; i++) {
        struct enclave *e = enclave_at(i);

        count += e ? e->shared->resident_count : 0;
    }
    return count;
}

void reclaim_make_room(struct enclave *e)
{
    uint64_t pages = e->size / PAGE, hand = e->shared->reclaim_hand;

    if (config.epc_pages == 0 || resident() <= config.epc_pages) {
        return;
    }
    for (uint64_t tried = 0; tried <= e->shared->page_count; tried++) {
        epcm_t entry;

        hand = epcm_next(e, hand, pages);
        if (hand == pages) {
            hand = epcm_next(e, 0, pages);
        }
        entry = epcm_get(e, hand);
        /* Only what plain loads and stores can bring back goes. */
        if (epcm_access(entry) && !(entry & EPCM_RECLAIMED)) {
            epcm_set(e, hand, entry | EPCM_RECLAIMED);
            vma_apply(e, hand, hand + 1);
            e->shared->reclaim_hand = hand + 1;
            stat_add(STAT_RECLAIM);
            return;
        }
        hand++;
    }
}

void reclaim_reload(struct enclave *e, uint64_t page)
{
    epcm_t entry = epcm_get(e, page);

    if (entry & EPCM_RECLAIMED) {
        epcm_set(e, page, entry & ~EPCM_RECLAIMED);
        stat_add(STAT_RELOAD);
        reclaim_make_room(e);
        vma_apply(e, page, page + 1);
    }
}
