/* SPDX-License-Identifier: MIT
 *
 * What family.c, fork.c, exchange.c and schedule.c share.
 */
#ifndef KERNEL_MM_FAMILIES_H
#define KERNEL_MM_FAMILIES_H

#include "kernel/mm/room.h"

/* mm becomes another member, resident or not. */
void family_join(struct family *f, struct mm *mm);
/* Whether a member besides `but` maps anonymous shared memory there. */
bool family_shares(struct family *f, struct mm *but, uint64_t start,
                   uint64_t end);

/* exchange.c: copies mm's own pages, which are there, to its store; with
 * note_only their addresses. -ENOMEM: the store is empty. */
int family_save(struct family *f, struct mm *mm, bool note_only);

/* schedule.c: f has several members; f ends. */
void families_watch(struct family *f);
void families_forget(struct family *f);

#endif
