/* SPDX-License-Identifier: MIT
 *
 * Where the pages of an address space are kept while another has its
 * addresses: records by address (store.c), and the ranges of the kernel's part
 * of the arena that pages are moved to (shadow.c).
 */
#ifndef KERNEL_MM_STORE_H
#define KERNEL_MM_STORE_H

#include "lib/types.h"

/* Pages of a member that are kept elsewhere, by address. */
enum store_kind {
    STORE_COPY,   /* buf: the kernel's pages; NULL: a note without content */
    STORE_MOVED,  /* buf: in a shadow range */
    STORE_TRADED, /* in an exchange: buf has what is to go to its place yet */
    STORE_LENT,   /* in an exchange: another store has them by now */
};
enum { STORE_COPY_PAGES = 64 }; /* a copy has no more */
struct store_run {
    uint64_t start;
    uint32_t pages;
    uint32_t kind; /* enum store_kind */
    void *buf;
};
struct store {
    struct store_run *runs;
    unsigned count, room;
    uint64_t copied, moved; /* bytes, since it was empty */
};

/* ---- store.c ---- */

/* Sees to it that an array of runs, kmalloc'ed, has room for `want` of size
 * bytes each. -ENOMEM: it is as it was. */
int runs_grow(void **runs, unsigned *room, unsigned want, size_t size);
/* Copies pages [start, end) from their addresses into s. -ENOMEM: perhaps some
 * of them. */
int store_insert(struct store *s, uint64_t start, uint64_t end);
/* Copies that reach across start or end become two each. -ENOMEM. */
int store_cut(struct store *s, uint64_t start, uint64_t end);
/* Undoes store_insert() and store_put_aside(): runs inside of [start, end)
 * go. */
void store_drop(struct store *s, uint64_t start, uint64_t end);
/* s takes pages [start, end) of from's run i over, which holds them: they are
 * STORE_LENT there, and STORE_TRADED in s. -ENOMEM. */
int store_lend(struct store *from, unsigned i, uint64_t start, uint64_t end,
               struct store *s);
/* Undoes that. */
void store_reclaim(struct store *from, struct store *s);
/* The rest in order of address. Notes that pages were there, without their
 * content. -ENOMEM. */
int store_note(struct store *s, uint64_t start, uint64_t end);
/* What s has moved becomes copies, but for large runs and what there is no
 * memory for. */
void store_unmove(struct store *s);
/* Moves the pages away; they are then committed and zero. Error: untouched. */
int store_move(struct store *s, uint64_t start, uint64_t end);
/* Copies what of [start, end) may hold something to where it is moved from
 * later, with that protection. t: a search from start on. -ENOMEM. */
struct touched;
int store_put_aside(struct store *s, struct touched *t, uint64_t start,
                    uint64_t end, int prot);
/* The pages [start, end) of a moved run go to their addresses, whatever is
 * there. An error is the host's: it refused both ways to do it. */
int store_return(const struct store_run *r, uint64_t start, uint64_t end,
                 int prot);
/* returned: of the moved runs, nothing is left. */
void store_free(struct store *s, bool returned);

/* ---- shadow.c ---- */

/* False: pages put aside are always copied. */
bool shadow_exists(void);
/* Whether another range may be taken: each costs the host two mappings. */
bool shadow_has_room(void);
/* The host has no room for those that there are: fewer from now on. */
void shadow_take_less(void);
/* Where the pages of [start, end) may go, at the same place within 2 MiB; 0:
 * nowhere. */
uint64_t shadow_take(uint64_t start, uint64_t end);
/* The range is free again; empty: it has no page that takes memory. */
void shadow_give(uint64_t start, uint64_t end, bool empty);

#endif
