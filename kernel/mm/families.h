/* SPDX-License-Identifier: MIT
 *
 * What family.c, fork.c, save.c, exchange.c and schedule.c share.
 */
#ifndef KERNEL_MM_FAMILIES_H
#define KERNEL_MM_FAMILIES_H

#include "kernel/mm/room.h"

/* mm becomes another member, resident or not. */
void family_join(struct family *f, struct mm *mm);
/* Whether a member besides `but` maps anonymous shared memory there. */
bool family_shares(struct family *f, struct mm *but, uint64_t start,
                   uint64_t end);

/* save.c: mm's own pages, which are there, go to its store. -ENOMEM: nothing
 * did, and the store is empty. */
enum save_how {
    SAVE_MOVE, /* they may leave their addresses */
    SAVE_COPY, /* they stay */
    SAVE_NOTE, /* nobody needs them: the store says what is to be wiped */
};
int family_save(struct family *f, struct mm *mm, enum save_how how);

/* schedule.c: f has several members; f ends. */
void families_watch(struct family *f);
void families_forget(struct family *f);

#endif
