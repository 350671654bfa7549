/* SPDX-License-Identifier: MIT
 *
 * The ceiling on memory (boot_info.memory_limit): one account of pages for
 * the kernel's heap and all programs. Without a ceiling nothing is counted.
 *
 * A page counts from when it is committed, used or not, so that a program
 * hears -ENOMEM from the call that asks for memory. Large mappings, of which
 * programs often use a part, are committed by page faults and count then, as
 * everything does in an enclave; a call is refused when its process could not,
 * at that moment, use all that it has asked for so far. What is meant to be
 * larger than its use (stacks, MAP_NORESERVE) never is. A fault cannot be
 * refused: kernel/proc/oom.h.
 *
 * Calls leave a part of the account to faults, and both leave the last part to
 * the kernel alone, so that a full one does not stop it.
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
/* Whether a call may ask for that much, which faults are to charge: 0 or
 * -ENOMEM. really: caches are taken back before it fails. */
int limit_expect(uint64_t pages, bool really);
/* Whether programs could charge that much more as it is. */
bool limit_lets_in(uint64_t pages);
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
