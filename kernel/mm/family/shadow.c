/* SPDX-License-Identifier: MIT
 *
 * Address space for pages that were put aside: those of members of a family
 * that are not resident, where the target can move pages (store.c). It is cut
 * into granules of what one page table of the CPU maps, and a range of pages
 * gets as many as it lies in, at the same place within: then the target moves
 * whole tables.
 *
 * Free granules may be committed; what they hold is nobody's.
 */
#include "kernel/mm/room.h"
#include "kernel/mm/heap.h"
#include "lib/atomic.h"
#include "lib/bitmap.h"
#include "lib/string.h"
#include "target/target.h"

#define GRANULE (2ull << 20)

/* Of 65,530 mappings that the host allows, each range takes two (that of the
 * gap behind it, too). Where the limit is another, or was reached for other
 * reasons, that is found out. */
enum { RANGES_MOST = 12288, RANGES_LEAST = 64 };

static struct spinlock shadow_lock = SPINLOCK_INIT(LOCK_SLOTS);
static uint64_t base, count;         /* granules; 0: there is no such space */
static uint64_t *taken;              /* a bit each; shadow_lock */
static uint64_t hint;                /* none is free below; shadow_lock */
static unsigned ranges, ranges_most; /* taken, and allowed; written under
                                        shadow_lock, atomic */

/* The map lies at the space's beginning: memory that was never touched is zero
 * and most of it never will be, while to clear it would cost the host a page
 * for every 64 GiB. */
void shadow_init(uint64_t start, uint64_t end)
{
    uint64_t size = end > start ? (end - start) / GRANULE / 8 : 0;

    size = ALIGN_UP(size + sizeof(*taken), PAGE_SIZE);
    if (taken) { /* a test begins anew */
        target_mem_release((uint64_t)taken, size);
    }
    base = ALIGN_UP(start + size, GRANULE);
    count = end > base ? (end - base) / GRANULE : 0;
    if (count && target_mem_commit(start, size, MEM_READ | MEM_WRITE)) {
        count = 0;
    }
    taken = count ? (uint64_t *)start : NULL;
    hint = 0;
    ranges = 0;
    ranges_most = RANGES_MOST;
}

bool shadow_exists(void)
{
    return count != 0;
}

bool shadow_has_room(void)
{
    return count &&
           atomic_load_relaxed(&ranges) < atomic_load_relaxed(&ranges_most);
}

void shadow_take_less(void)
{
    spin_lock(&shadow_lock);
    atomic_store_relaxed(&ranges_most, MAX(ranges / 2, (unsigned)RANGES_LEAST));
    spin_unlock(&shadow_lock);
}

/* The first of n free ones in a row, or count. */
static uint64_t find(uint64_t n)
{
    uint64_t first = bitmap_find_zero(taken, count, hint), used;

    hint = first;
    while (first + n <= count) {
        used = bitmap_find_set(taken, first + n, first);
        if (used == first + n) {
            return first;
        }
        first = bitmap_find_zero(taken, count, used);
    }
    return count;
}

/* The granules that [start, end) lies in. */
static uint64_t granules(uint64_t start, uint64_t end)
{
    return (ALIGN_UP(end, GRANULE) - ALIGN_DOWN(start, GRANULE)) / GRANULE;
}

uint64_t shadow_take(uint64_t start, uint64_t end)
{
    uint64_t n = granules(start, end), first;

    spin_lock(&shadow_lock);
    first = n <= count && ranges < ranges_most ? find(n) : count;
    if (first < count) {
        bitmap_set_range(taken, first, first + n);
        atomic_store_relaxed(&ranges, ranges + 1);
    }
    spin_unlock(&shadow_lock);
    if (first == count) {
        return 0;
    }
    /* They come back with it. */
    target_mem_key(base + first * GRANULE, n * GRANULE, slots_key(start));
    return base + first * GRANULE + start % GRANULE;
}

void shadow_give(uint64_t start, uint64_t end, bool empty)
{
    uint64_t first = (start - base) / GRANULE, n = granules(start, end);

    if (!empty) {
        target_mem_release(base + first * GRANULE, n * GRANULE);
    }
    spin_lock(&shadow_lock);
    bitmap_clear_range(taken, first, first + n);
    hint = MIN(hint, first);
    atomic_store_relaxed(&ranges, ranges - 1);
    spin_unlock(&shadow_lock);
}
