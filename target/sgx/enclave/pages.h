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
    PAGE_KEPT = 32,   /* not committed, but there, with old content: kept.c */
    PAGE_GOING = 64,  /* was kept; on its way to the host */
};

/* 0 for a page that is not there. */
uint8_t pages_state(uint64_t addr);
/* Makes room for the states of a range. False: no memory. */
bool pages_prepare(uint64_t addr, uint64_t len);
/* After pages_prepare(). */
void pages_set(uint64_t addr, uint8_t state);
/* How many are committed. */
uint64_t pages_committed(void);

/* The end of the run from addr on in whose pages (state & mask) == want. */
uint64_t pages_run_end(uint64_t addr, uint64_t end, uint8_t mask, uint8_t want);

/* ---- rights.c; 0 or -ENOMEM ---- */

/* No access at all to [addr, end), or that again which the EPCM has. */
int rights_hide(uint64_t addr, uint64_t end);
void rights_unhide(uint64_t addr, uint64_t end);
/* A new page, with content unless that is NULL. */
int rights_add(uint64_t addr, uint8_t rights, const void *content);
/* More rights for a page that is there. */
void rights_extend(uint64_t addr, uint8_t rights);
/* These rights for committed pages; W and X stay where both were. */
int rights_set(uint64_t addr, uint64_t end, uint8_t rights);
/* Several runs of pages lose W, with one call of the host. False: they did not,
 * or some have other rights than R and W. */
bool rights_take_write(const struct mem_run *runs, unsigned count);
/* Gives [addr, end), which is there as a whole, to the host. */
void pages_remove(uint64_t addr, uint64_t end);

/* ---- kept.c ---- */

/* Keeps committed pages. False: they are too many. */
bool kept_put(uint64_t addr, uint64_t end);
/* Those from addr on that are kept are committed again, with the content and
 * rights that they had, hidden as they were. Returns their end. */
uint64_t kept_take(uint64_t addr, uint64_t end);
/* Before so many new pages come: what is kept counts under the ceiling. */
void kept_make_room(uint64_t pages);

#endif
