/* SPDX-License-Identifier: MIT
 *
 * The ceiling on memory (boot_info.memory_limit): one account of pages for
 * the kernel's heap and all programs. Without a ceiling nothing is counted.
 *
 * A page counts from when it is committed, used or not, so that a program
 * hears -ENOMEM from the call that asks for memory; what is meant to be larger
 * than its use (stacks, MAP_NORESERVE) is committed by page faults, and counts
 * then. Where all is (an enclave), a call that asks for more than there is room
 * for at that moment is refused. The last part of the account is the kernel's
 * alone, so that a full one does not stop it.
 */
#ifndef KERNEL_MM_LIMIT_H
#define KERNEL_MM_LIMIT_H

#include "lib/types.h"

/* Boot: before the first charge. bytes 0: no ceiling. */
void limit_init(uint64_t bytes);
bool limit_is_set(void);
uint64_t limit_ceiling(void); /* pages; 0: none */

/* For programs; mm->lock may be held, no spinlock. Takes caches back from the
 * kernel before it fails. 0 or -ENOMEM. */
int limit_charge(uint64_t pages);
/* For the kernel's heap; under its lock. */
int limit_charge_kernel(uint64_t pages);
/* Whether the kernel could charge that much more. */
bool limit_has_room(uint64_t pages);
/* Whether one part in n of the ceiling is free. */
bool limit_has_share(unsigned n);
/* What is there already and changes hands: cannot fail. */
void limit_move_in(uint64_t pages);
void limit_uncharge(uint64_t pages);

/* The operator is told once; a caller that saw its last resort fail, too,
 * calls this. */
void limit_report(void);

/* Pages counted now and at most so far; 0 without a ceiling. */
uint64_t limit_used(void);
uint64_t limit_peak(void);

#endif
