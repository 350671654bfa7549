/* SPDX-License-Identifier: MIT
 *
 * Which pages of an address space are committed: a set of page addresses,
 * kept apart from the VMAs so that splitting and merging those never touches
 * it. A tree of the shape of x86's page tables whose leaves are bit maps of
 * 2 MiB; a subtree that is wholly in or out of the set takes no memory, so
 * a committed terabyte costs what a page does.
 *
 * Changing a range: resident_prepare() first, which may fail and changes
 * nothing that shows; set and clear of that range then cannot fail.
 */
#ifndef KERNEL_MM_RESIDENT_H
#define KERNEL_MM_RESIDENT_H

#include "lib/types.h"

struct resident {
    void *root;           /* NULL: empty, and nothing was prepared */
    uint64_t pages, most; /* most: at any time */
};

/* Addresses are page-aligned, below 2^48; ranges are [start, end). */

/* -ENOMEM. Holds until the next change of an overlapping range. */
int resident_prepare(struct resident *r, uint64_t start, uint64_t end);
void resident_set(struct resident *r, uint64_t start, uint64_t end);
void resident_clear(struct resident *r, uint64_t start, uint64_t end);

bool resident_test(const struct resident *r, uint64_t addr);

/* The first address in [start, end) that is in the set (or not); end: none. */
uint64_t resident_find(const struct resident *r, uint64_t start, uint64_t end,
                       bool in);

/* The next run of the set within [*start, end): sets both. False: none. */
bool resident_run(const struct resident *r, uint64_t *start, uint64_t end,
                  uint64_t *run_end);

/* Pages of the set in [start, end). */
uint64_t resident_count(const struct resident *r, uint64_t start, uint64_t end);

/* to, which is empty, becomes the same set. -ENOMEM: it is empty. */
int resident_copy(struct resident *to, const struct resident *from);

/* Frees everything; r is empty. */
void resident_free(struct resident *r);

#endif
