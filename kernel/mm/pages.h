/* SPDX-License-Identifier: MIT
 *
 * Page runs of the kernel's range: what heap.c and kstack.c are built on.
 * Everything here is called with heap_lock held.
 *
 * The range begins with a map of chunks (2 MiB each) and one page_desc per
 * page, committed as far as chunks are. A page is known by its index; index 0
 * is never handed out, so 0 means none.
 */
#ifndef KERNEL_MM_PAGES_H
#define KERNEL_MM_PAGES_H

#include "lib/types.h"
#include "kernel/core/lock.h"
#include "kernel/mm/heap.h"

enum page_kind {
    PAGE_NONE,    /* inside a run or a free block */
    PAGE_FREE,    /* first page of a free block of 2^order pages */
    PAGE_ABSENT,  /* the same, of one that is not committed */
    PAGE_RUN,     /* first page of an allocated run of count pages */
    PAGE_SLAB,    /* every page of a slab */
    PAGE_COUNTED, /* page_share_alloc()'s; count: references, atomic */
};

/* What a page may be used for: ZONE_SHOWN can be seen in address spaces, where
 * the target can do that; else both are one. */
enum page_zone { ZONE_OWN, ZONE_SHOWN };

struct page_desc {
    uint8_t kind;
    uint8_t order; /* PAGE_FREE, PAGE_ABSENT: of the block; PAGE_SLAB: the size
                      class */
    uint16_t used; /* first page of a slab: objects handed out */
    uint32_t next, prev; /* in the list of its order or class */
    uint32_t count;      /* PAGE_RUN: pages; first of a slab: free object + 1 */
};
_Static_assert(sizeof(struct page_desc) == 16, "descriptors per page");

/* LOCK_HEAP: all of pages.c's state, and the slabs of heap.c. */
extern struct spinlock heap_lock;

/* ZONE_SHOWN is [shown, shown_end), above end; shown 0: there is none. */
void pages_init(uint64_t start, uint64_t end, uint64_t shown,
                uint64_t shown_end, uint64_t limit);

/* Whether the two zones are two. */
bool pages_can_show(void);

/* A run of count pages, its first descriptor PAGE_RUN; 0: no memory. */
uint32_t pages_take(enum page_zone zone, size_t count);
/* Few pages of ZONE_OWN are free and there will be no more chunks. A hint: no
 * lock. */
bool pages_low(void);
/* Gives what is free back to the target; returns how many pages. */
uint64_t pages_release_free(void);
/* Gives back count pages; clears nothing but their block's descriptors. */
void pages_give(uint32_t index, size_t count);

struct page_desc *pages_desc(uint32_t index);
void *pages_addr(uint32_t index);
/* The index of the page that p points into; panics outside the range. */
uint32_t pages_index(const void *p);

/* A doubly linked list through descriptors. */
void pages_list_add(uint32_t *head, uint32_t index);
void pages_list_del(uint32_t *head, uint32_t index);

void pages_stats(struct heap_stats *out);

#endif
