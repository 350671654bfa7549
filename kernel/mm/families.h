/* SPDX-License-Identifier: MIT
 *
 * What family.c, fork.c, pieces.c, save.c, exchange.c and schedule.c share.
 */
#ifndef KERNEL_MM_FAMILIES_H
#define KERNEL_MM_FAMILIES_H

#include "kernel/mm/room.h"

/* mm becomes another member, resident or not. */
void family_join(struct family *f, struct mm *mm);
/* Whether a member besides `but` maps anonymous shared memory there. */
bool family_shares(struct family *f, struct mm *but, uint64_t start,
                   uint64_t end);

/* ---- pieces.c ---- */

/* A part of an address space in which nothing changes: pages of its own, or
 * what an exchange has to change without having been there (aliases, anonymous
 * shared memory). Anything else is a gap, whose vma is NULL. */
struct piece {
    uint64_t start, end;
    struct vma *vma; /* borrowed from the tree */
    uint64_t shown;  /* perhaps pages of a file: which; 0: none */
    bool own;        /* committed, with content of its own */
};

static inline int piece_prot(const struct piece *p)
{
    return p->vma ? prot_effective(p->vma->prot) : 0;
}

/* Brings mm->pieces up to date; nobody's tasks run. -ENOMEM. */
int pieces_update(const struct family *f, struct mm *mm);
/* The piece or gap that begins at `at` or holds it, from there on. *next: 0 at
 * the start, for calls in order of address. */
struct piece piece_at(const struct pieces *p, unsigned *next, uint64_t at);

/* ---- save.c ---- */

/* mm's own pages, which are there, go to its store; mm->pieces are up to
 * date. -ENOMEM: nothing did, and the store is empty. */
enum save_how {
    SAVE_MOVE, /* they may leave their addresses */
    SAVE_COPY, /* they stay */
    SAVE_NOTE, /* nobody needs them: the store says what is to be wiped */
};
/* in: who comes instead, or NULL. Pages of its store that mm has, too, become
 * part of mm's: STORE_TRADED there, STORE_LENT in its own. */
int family_save(struct family *f, struct mm *mm, struct mm *in,
                enum save_how how);

/* schedule.c: f has several members; f ends. */
void families_watch(struct family *f);
void families_forget(struct family *f);

#endif
