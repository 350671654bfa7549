/* SPDX-License-Identifier: MIT
 *
 * What exchange.c (which pieces change, and how), load.c (the pages in them)
 * and squeeze.c (when the host refuses) share. Nobody else includes it. Nothing
 * here fails: where a host that refuses leaves no way around, `in` is lost.
 */
#ifndef KERNEL_MM_EXCHANGE_H
#define KERNEL_MM_EXCHANGE_H

#include "kernel/mm/family/families.h"

/* A place in a store. */
struct cursor {
    const struct store *store;
    unsigned next;
};

/* An exchange, in order of address. out: NULL if nobody is there. */
struct walk {
    struct family *f;
    struct mm *out, *in;
    struct cursor old, new;
    unsigned moved;   /* in new.store: the next moved run */
    unsigned traded;  /* in old.store: the next traded run */
    unsigned was, is; /* in out->pieces and in->pieces: the next */
    bool forgot;      /* in->pieces are not right any more */
    uint64_t traded_bytes;
    uint64_t at;       /* where it is */
    unsigned squeezed; /* what was tried since the host refused (squeeze.c) */
    bool lost;         /* all in vain: nothing of `in` comes any more */
};

static inline uint64_t store_run_end(const struct store_run *r)
{
    return r->start + (uint64_t)r->pages * PAGE_SIZE;
}

/* The target refused: whether to ask once more. */
bool exchange_insists(struct walk *w);
/* Once `in` is lost: a page of a traded run keeps its content. */
void exchange_keep(struct walk *w, const void *at, void *stored);

/* Ask the target until it does it; the second in place of what is there. */
void exchange_protect(struct walk *w, uint64_t at, uint64_t len, int prot);
void exchange_show(struct walk *w, uint64_t at, uint64_t len, uint64_t src,
                   int prot);

/* [start, end) of a moved run goes to its addresses. */
void exchange_take_back(struct walk *w, const struct store_run *r, uint64_t at,
                        uint64_t end, int prot);
/* [start, end) is writable: what `in` has stored there. */
void exchange_load(struct walk *w, uint64_t start, uint64_t end, int prot);
/* What `out` had there and `in` has not reads as zero: [start, end) is
 * writable. */
void exchange_wipe(struct walk *w, uint64_t start, uint64_t end);
/* The walk goes on at end. */
void exchange_skip(struct walk *w, uint64_t end);
/* Whether either has copies there that are not traded. */
bool exchange_has_any(struct walk *w, uint64_t start, uint64_t end);
/* Commits [at, end), where nothing is, with what `in` has stored there. */
void exchange_load_fresh(struct walk *w, uint64_t at, uint64_t end, int prot);
/* Whether what `in` has stored there is what `out` had, or neither has
 * anything: true of most pages that a program cannot write to. */
bool exchange_is_same(struct walk *w, uint64_t start, uint64_t end);
/* These return the protection after them; prot is that before. Both show the
 * same there, and each has saved all of it: what is equal is left alone, since
 * most of it nobody has written to. */
int exchange_load_changed(struct walk *w, uint64_t at, uint64_t end, int prot);
/* What the two have is traded, but where it is the same, as most of it is. */
int exchange_trade(struct walk *w, uint64_t at, uint64_t end, int prot);

#endif
