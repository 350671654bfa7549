/* SPDX-License-Identifier: MIT
 *
 * The kernel's own memory: small objects by size class with a per-vCPU cache
 * each, whole pages for the rest. Nothing here blocks. Memory comes from the
 * kernel's part of the arena and goes back to the target under pressure.
 * NULL means no memory: the caller returns -ENOMEM.
 */
#ifndef KERNEL_MM_HEAP_H
#define KERNEL_MM_HEAP_H

#include "lib/types.h"

/* Boot: before the first allocation. Pages of [shown, shown_end), above the
 * rest, can be seen at a second address (boot_info); shown 0: none. */
void heap_init(uint64_t start, uint64_t end, uint64_t shown, uint64_t shown_end,
               uint64_t limit);
/* Boot: each page costs the target, so few are committed ahead of their use. */
void pages_are_dear(bool are);

/* At least size bytes, aligned to 16 (64 from 64 bytes on, 4096 for page
 * multiples). kzalloc: zeroed. kfree(NULL) is nothing. */
void *kmalloc(size_t size);
void *kzalloc(size_t size);
void kfree(void *p);
char *kstrdup(const char *s);

/* count contiguous pages, page-aligned; content undefined. */
void *page_alloc(size_t count);
void page_free(void *p, size_t count);
/* count pages at p become two runs, the first of them `first` long. */
void page_split(void *p, size_t count, size_t first);

/* The same for memory that address spaces may show (mm/show.c), each page
 * counted by itself: with one reference. page_put() frees what has none. */
void *page_share_alloc(size_t count);
void page_get(const void *p, size_t count);
void page_put(void *p, size_t count);
uint32_t page_refs(const void *p); /* of one page */
/* Pages of [start, start + len) stay whoever has them: nobody counts them, and
 * page_refs() says that they are somebody's. */
void heap_set_uncounted(uint64_t start, uint64_t len);
/* Its content has changed in place; and how often that happened to pages that
 * somebody else had, too. */
void page_changed(const void *p);
uint32_t page_changes(void);

/* A kernel stack of KSTACK_SIZE with a no-access page below it. */
void *kstack_alloc(void);
void kstack_free(void *stack);

struct heap_stats {
    uint64_t bytes_used, bytes_committed, peak_committed;
};
void heap_get_stats(struct heap_stats *out);

/* Who has pages that the kernel can do without: drops up to count, returns how
 * many. Must not block. */
void heap_set_shrinker(uint64_t (*shrink)(uint64_t count));
/* Little is left below the ceiling: caches should leave it to others. */
bool heap_low(void);
/* Gives memory that is free, or can be, back to the target. False: there was
 * none. No spinlock held. */
bool heap_reclaim(void);

/* Debug: the n-th allocation from now fails (fault injection); 0: off. */
void heap_fail_after(uint64_t n);

#endif
