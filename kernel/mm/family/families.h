/* SPDX-License-Identifier: MIT
 *
 * What the files that deal with families share (room.h has their list).
 */
#ifndef KERNEL_MM_FAMILIES_H
#define KERNEL_MM_FAMILIES_H

#include "kernel/mm/room.h"
#include "target/target.h"

/* mm becomes another member, resident or not. */
void family_join(struct family *f, struct mm *mm);
/* What is common in [start, end) becomes everybody's own, whose pages are there
 * (NULL: nobody's) and the others'. -ENOMEM: some of it, perhaps. */
int family_divide(struct family *f, struct mm *mm, uint64_t start,
                  uint64_t end);

/* ---- family_share.c: anonymous shared memory ---- */

/* By a fork of mm, which is stopped, v becomes shared. -ENOMEM: another member
 * has something there. */
int family_share(struct mm *mm, struct vma *v);
/* mm gets a place for v, which is VMA_FAMILY; where it shares that, or has its
 * place, is nothing to do. -ENOMEM. */
int family_take_place(struct mm *mm, const struct vma *v);
/* Before mm comes in: what others share by now has its place in mm. -ENOMEM. */
int family_take_places(struct mm *mm);
/* Whether a member besides `but` maps anonymous shared memory there. */
bool family_shares(struct family *f, struct mm *but, uint64_t start,
                   uint64_t end);

/* The next part of [*start, end) where no member but `but` does: sets *start
 * and *stop. */
bool family_next_alone(struct family *f, struct mm *but, uint64_t *start,
                       uint64_t end, uint64_t *stop);

/* ---- apart.c ---- */

/* mm comes into f by its start, not by a fork: f->lock held. */
void apart_begin(struct family *f, struct mm *mm);
/* Before the pages of out go: what nobody else can have places in stays. */
void apart_look(struct family *f, const struct mm *in, struct mm *out);
/* Before a fork of mm, and at its end: then they go. mm's lock is held. */
void apart_end(struct mm *mm);
void apart_leave(struct mm *mm);
/* mm, the last of its line, is not f's any more. */
void apart_bury(struct family *f, const struct mm *mm);

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

/* Whether it shows its pages of a file still, and has changed none: then they
 * need not be kept to show them again. Slots of an image must not be: copies
 * would miss those that are added for code that is filled later. */
static inline bool piece_is_pure(const struct piece *p)
{
    return p->shown && !p->vma->written;
}

/* Brings mm->pieces up to date; nobody's tasks run. -ENOMEM. */
int pieces_update(const struct family *f, struct mm *mm);
/* What child, which mm has just forked, has is what mm has, whose pieces are up
 * to date: so are the child's then. */
void pieces_inherit(struct mm *child, const struct mm *mm);
/* The piece or gap that begins at `at` or holds it, from there on. *next: 0 at
 * the start, for calls in order of address. */
struct piece piece_at(const struct pieces *p, unsigned *next, uint64_t at);

/* ---- touched.c ---- */

/* A search for what may hold something: .from, where it begins, and .end;
 * .written as for target_mem_touched(). */
enum { TOUCHED_BATCH = 32 };
struct touched {
    struct mem_run runs[TOUCHED_BATCH];
    unsigned next, count;
    uint64_t from, end;
    bool written;
};
/* The next part of [*start, end): sets *start and *stop. In ascending order
 * only. */
bool touched_next(struct touched *t, uint64_t *start, uint64_t end,
                  uint64_t *stop);
/* Bytes of [start, end) that may; does not count on beyond enough. The search
 * can go on from start. */
uint64_t touched_count(struct touched *t, uint64_t start, uint64_t end,
                       uint64_t enough);

/* ---- fork.c ---- */

/* Whether what v has and others, too, can stay where it is: nobody writes to
 * it. */
bool fork_keeps(const struct vma *v);

/* ---- settle.c ---- */

/* After an exchange: what all members have alike becomes common, if it is time
 * to look for that. */
void settle(struct family *f, struct mm *in, struct mm *out);
/* It soon is: much has changed. */
void settle_soon(struct family *f);
/* mm, the only member, forks: whether it is time to look at what its forks
 * copy; settle_alone() does so then. */
bool settle_forks(struct family *f);
/* Of what was common, what became so by that stays; what fork would copy, and
 * has not been tried, joins it if it is time. */
void settle_alone(struct family *f, struct mm *mm, const struct resident *was);

/* ---- guard.c ---- */

/* Whether writes to what v has can be made to fault. */
bool guard_can(const struct vma *v);
/* Pages of mm, which are there, join the common ones. -ENOMEM. */
int guard_pages(struct family *f, struct mm *mm, uint64_t start, uint64_t end);
/* The first fork of mm: what it need not copy joins the common pages.
 * -ENOMEM. */
int guard_all(struct family *f, struct mm *mm);
/* [start, end), all common and there, can be written to again where its
 * mappings say so. -ENOMEM. */
int guard_lift(struct mm *mm, uint64_t start, uint64_t end);

/* ---- save.c ---- */

/* Whether there is a limit on what a fork may cost. */
bool save_is_limited(void);

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

/* squeeze.c: mm's memory is lost; it says so. */
void family_lose(struct mm *mm);

/* schedule.c: f has several members; f ends. */
void families_prepare(struct family *f); /* a new one */
void families_watch(struct family *f);
void families_forget(struct family *f);

#endif
