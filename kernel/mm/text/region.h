/* SPDX-License-Identifier: MIT
 *
 * A trampoline region, for trampoline.c, which makes them, and
 * trampoline_stay.c, which passes them on.
 */
#ifndef KERNEL_MM_REGION_H
#define KERNEL_MM_REGION_H

#include "kernel/mm/text/trampoline.h"

#define REGION_NEAR (64ull << 10)

struct region {
    struct list node;         /* mm->trampolines, or warm->trampolines */
    uint64_t start;           /* multiple of TRAMPOLINE_SIZE */
    struct text_image *image; /* whose slots it shows, a reference; or NULL */
    struct slot_set *set;     /* its own, or the image's */
    struct slot_set own;
    /* All sites that its own slots serve lie between lo and hi, in stretches
     * of REGION_NEAR bytes whose bits are set, by their numbers modulo 64. */
    uint64_t lo, hi, near;
    /* What waited with it when its slots were looked through for the last time
     * (trampoline_stay.c); 0: nothing, or slots were taken since. */
    uint64_t waited;
};

/* Puts r in its place, where nothing is, without its pages. -ENOMEM: it is the
 * caller's still. */
int region_map(struct mm *mm, struct region *r);
/* The region that waits at start (trampoline_stay.c), which is mm's now; NULL:
 * there is none. */
struct region *trampoline_waiting(struct mm *mm, uint64_t start);
/* Of one that is in no list and no table any more. */
void region_free(struct region *r);
/* Whether its own slots may serve sites in [start, end). */
bool region_serves(const struct region *r, uint64_t start, uint64_t end);
/* They serve site. */
void region_note(struct region *r, uint64_t site);
/* The site that its own slot i, which is taken, serves. */
uint64_t region_site(const struct region *r, size_t i);

#endif
