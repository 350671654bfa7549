/* SPDX-License-Identifier: MIT
 *
 * Slots for rewritten system calls: regions of 64 KiB of an address space,
 * near the code they serve. mm->lock is held throughout; the lookups that
 * traps need are in mm.h and take no lock.
 */
#ifndef KERNEL_MM_TRAMPOLINE_H
#define KERNEL_MM_TRAMPOLINE_H

#include "kernel/mm/room.h"
#include "arch/x86_64/patch.h"

/* A slot for this site, written but not yet installed; 0: none in reach.
 * code: the bytes at the site's jump, at addr, as they are. */
uint64_t trampoline_take(struct mm *mm, const struct patch_site *site,
                         const uint8_t *code, uint64_t addr);

/* Installs the slots taken since the last time. -ENOMEM: none of them may be
 * jumped to. */
int trampolines_install(struct mm *mm);

/* What the slot at this address was made from; false: there is none. */
bool trampoline_origin(uint64_t slot, struct patch_origin *out);

/* The slots of sites in [start, end) are free again: all, as the code is gone,
 * or with check_code those that it does not jump to any more. */
void trampolines_release(struct mm *mm, uint64_t start, uint64_t end,
                         bool check_code);

/* from's regions become to's as well, as copies. -ENOMEM: some did. */
int trampolines_copy(struct mm *to, const struct mm *from);

#endif
