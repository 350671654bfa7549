/* SPDX-License-Identifier: MIT
 *
 * Page runs: a buddy allocator inside chunks of 2 MiB, which are committed
 * and released whole. Runs of more than a chunk take consecutive chunks that
 * are not committed yet. A run need not be a power of two: its tail goes back
 * at once, and giving back splits it into aligned blocks.
 *
 * What became free stays committed up to a share of the whole, so that a load
 * that swings does not pay the target each time. The rest goes back, the
 * largest blocks first: chunks, then blocks of chunks of which a part is in use
 * still, for what survives a load is scattered over all that it used. Such
 * absent blocks have lists of their own; absent buddies become one, until the
 * chunk is gone. All that is free goes back when the limit is reached.
 *
 * Where each page costs the target (pages_are_dear), a chunk begins as absent
 * blocks, and of an absent block no more is brought in than is asked for.
 *
 * Where the target can show pages at a second address (target_mem_map), the
 * top of the range is a zone of its own for pages that may be shown; it is
 * memory of another kind there, and costs more to commit.
 */
#include "kernel/mm/pages.h"
#include "kernel/core/log.h"
#include "kernel/mm/limit.h"
#include "abi/linux/errno.h"
#include "lib/bitmap.h"
#include "lib/string.h"
#include "target/target.h"

enum { CHUNK_ORDER = 9, CHUNK_PAGES = 1 << CHUNK_ORDER };
#define CHUNK_SIZE (CHUNK_PAGES * PAGE_SIZE)
#define CHUNKS_MAX                                                             \
    (1ull << (32 - CHUNK_ORDER)) /* page indices have 32 bits                  \
                                  */

/* Free pages kept committed: at least KEEP_MIN, or one in KEEP_SHARE; and how
 * many more there may be before something is done. */
enum { KEEP_MIN = 8 * CHUNK_PAGES, KEEP_SHARE = 8, KEEP_SLACK = CHUNK_PAGES };

/* Smaller blocks are not worth a request to the target. It may have to cut a
 * mapping for each, and has so many and no more. */
enum { ABSENT_ORDER = 4, ABSENT_MAX = 4096 };

/* Under a ceiling, what the page cache leaves to everybody else. */
enum { LOW_PAGES = 256 };

struct spinlock heap_lock = SPINLOCK_INIT(LOCK_HEAP);

static uint64_t range_base;      /* address of page 0 */
static uint32_t chunk_count;     /* in the range */
static uint64_t committed;       /* pages */
static uint64_t committed_limit; /* pages */
static uint64_t committed_peak;  /* pages */
static uint64_t *chunk_map;      /* bit set: committed, or a part of it */
static struct page_desc *descs;
static uint32_t absent_blocks;
static bool dear; /* pages_are_dear() */

static struct zone {
    uint32_t end;  /* of its chunks */
    uint32_t hint; /* no uncommitted chunk below it */
    uint32_t free_list[CHUNK_ORDER + 1];
    uint32_t absent_list[CHUNK_ORDER]; /* from ABSENT_ORDER on */
    uint64_t free_pages;               /* in free_list */
} zones[2];

static struct zone *zone_of(uint32_t index)
{
    return &zones[index / CHUNK_PAGES >= zones[ZONE_OWN].end];
}

struct page_desc *pages_desc(uint32_t index)
{
    return &descs[index];
}

void *pages_addr(uint32_t index)
{
    return (void *)(range_base + index * PAGE_SIZE);
}

uint32_t pages_index(const void *p)
{
    uint64_t index = ((uint64_t)p - range_base) / PAGE_SIZE;

    check(index < (uint64_t)chunk_count * CHUNK_PAGES && index != 0);
    return (uint32_t)index;
}

void pages_list_add(uint32_t *head, uint32_t index)
{
    descs[index].next = *head;
    descs[index].prev = 0;
    if (*head) {
        descs[*head].prev = index;
    }
    *head = index;
}

void pages_list_del(uint32_t *head, uint32_t index)
{
    struct page_desc *d = &descs[index];

    if (d->prev) {
        descs[d->prev].next = d->next;
    } else {
        *head = d->next;
    }
    if (d->next) {
        descs[d->next].prev = d->prev;
    }
}

static void block_link(uint32_t index, unsigned order)
{
    struct zone *z = zone_of(index);

    descs[index].kind = PAGE_FREE;
    descs[index].order = (uint8_t)order;
    pages_list_add(&z->free_list[order], index);
    z->free_pages += 1u << order;
}

static void block_unlink(uint32_t index)
{
    unsigned order = descs[index].order;
    struct zone *z = zone_of(index);

    pages_list_del(&z->free_list[order], index);
    descs[index].kind = PAGE_NONE;
    z->free_pages -= 1u << order;
}

static void absent_link(uint32_t index, unsigned order)
{
    descs[index].kind = PAGE_ABSENT;
    descs[index].order = (uint8_t)order;
    pages_list_add(&zone_of(index)->absent_list[order], index);
    absent_blocks++;
}

static void absent_unlink(uint32_t index)
{
    pages_list_del(&zone_of(index)->absent_list[descs[index].order], index);
    descs[index].kind = PAGE_NONE;
    absent_blocks--;
}

/* Whether there is a block of that kind beside one that is of that order. */
static bool has_buddy(uint32_t index, unsigned order, enum page_kind kind)
{
    const struct page_desc *buddy = &descs[index ^ 1u << order];

    return order < CHUNK_ORDER && buddy->kind == kind && buddy->order == order;
}

/* The descriptors of a chunk fill whole pages. */
_Static_assert(CHUNK_PAGES * sizeof(struct page_desc) % PAGE_SIZE == 0,
               "descriptor pages belong to one chunk");

/* To the limits' accounts, and at the target. */
static int commit(uint64_t addr, uint64_t pages)
{
    int err = committed + pages <= committed_limit ? limit_charge_kernel(pages)
                                                   : -ENOMEM;

    if (err) {
        return err;
    }
    err = target_mem_commit(addr, pages * PAGE_SIZE, MEM_READ | MEM_WRITE);
    if (err) {
        limit_uncharge(pages);
        return err;
    }
    committed += pages;
    committed_peak = MAX(committed_peak, committed);
    return 0;
}

/* The descriptors of n chunks, and of their pages as many as are wanted. */
static int chunks_commit(uint32_t first, uint32_t n, uint64_t pages)
{
    struct page_desc *d = &descs[(uint64_t)first * CHUNK_PAGES];
    uint64_t size = n * CHUNK_PAGES * sizeof(*d);
    int err = target_mem_commit((uint64_t)d, size, MEM_READ | MEM_WRITE);

    if (!err && pages) {
        err = commit(range_base + first * CHUNK_SIZE, pages);
    }
    if (err) {
        return err;
    }
    memset(d, 0, size);
    bitmap_set_range(chunk_map, first, first + n);
    return 0;
}

/* ---- giving back to the target ---- */

static void chunk_gone(uint32_t index)
{
    uint32_t chunk = index / CHUNK_PAGES;
    struct zone *z = zone_of(index);

    bitmap_clear(chunk_map, chunk);
    z->hint = MIN(z->hint, chunk);
}

/* A free block becomes absent. */
static void block_release(uint32_t index)
{
    unsigned order = descs[index].order;
    uint64_t pages = 1ul << order;

    block_unlink(index);
    target_mem_release((uint64_t)pages_addr(index), pages * PAGE_SIZE);
    limit_uncharge(pages);
    committed -= pages;
    for (; has_buddy(index, order, PAGE_ABSENT); order++) {
        absent_unlink(index ^ 1u << order);
        index &= ~(1u << order);
    }
    if (order == CHUNK_ORDER) {
        chunk_gone(index);
    } else {
        absent_link(index, order);
    }
}

/* The largest free block that may go; 0: none. */
static uint32_t find_largest(void)
{
    unsigned least =
        absent_blocks < ABSENT_MAX ? ABSENT_ORDER : (unsigned)CHUNK_ORDER;

    for (unsigned order = CHUNK_ORDER; order >= least; order--) {
        for (int i = 0; i < 2; i++) {
            if (zones[i].free_list[order]) {
                return zones[i].free_list[order];
            }
        }
    }
    return 0;
}

static uint64_t free_pages(void)
{
    return zones[ZONE_OWN].free_pages + zones[ZONE_SHOWN].free_pages;
}

static void release_above(uint64_t keep)
{
    uint32_t index;

    while (free_pages() > keep && (index = find_largest()) != 0) {
        block_release(index);
    }
}

uint64_t pages_release_free(void)
{
    uint64_t before = committed;

    release_above(0);
    return before - committed;
}

/* ---- blocks ---- */

/* The first of n consecutive chunks that are not committed; z->end: there
 * are none. The range may be terabytes, so nothing looks at all of it. */
static uint32_t find_uncommitted(const struct zone *z, uint32_t n)
{
    size_t first = bitmap_find_zero(chunk_map, z->end, z->hint);

    while (first + n <= z->end) {
        size_t used = bitmap_find_set(chunk_map, first + n, first);
        if (used == first + n) {
            return (uint32_t)first;
        }
        first = bitmap_find_zero(chunk_map, z->end, used);
    }
    return z->end;
}

static void note_taken(struct zone *z, uint32_t first, uint32_t n)
{
    if (first == z->hint) {
        z->hint = first + n;
    }
}

/* Commits n consecutive chunks; the first page's index, or 0. */
static uint32_t chunks_take(struct zone *z, uint32_t n)
{
    for (int attempt = 0; attempt < 2; attempt++) {
        uint32_t first = find_uncommitted(z, n);
        if (first < z->end && chunks_commit(first, n, n * CHUNK_PAGES) == 0) {
            note_taken(z, first, n);
            return first * CHUNK_PAGES;
        }
        pages_release_free();
    }
    return 0;
}

/* A chunk that is all absent. */
static bool chunk_open(struct zone *z)
{
    uint32_t first = find_uncommitted(z, 1), index = first * CHUNK_PAGES;

    if (first == z->end || chunks_commit(first, 1, 0)) {
        return false;
    }
    note_taken(z, first, 1);
    absent_link(index, CHUNK_ORDER - 1);
    absent_link(index + CHUNK_PAGES / 2, CHUNK_ORDER - 1);
    return true;
}

static void block_give(uint32_t index, unsigned order)
{
    for (; has_buddy(index, order, PAGE_FREE); order++) {
        block_unlink(index ^ 1u << order);
        index &= ~(1u << order);
    }
    block_link(index, order);
}

void pages_give(uint32_t index, size_t count)
{
    uint64_t keep;

    descs[index].kind = PAGE_NONE;
    while (count) {
        unsigned order = index ? (unsigned)__builtin_ctz(index) : CHUNK_ORDER;
        order = MIN(order, 63u - (unsigned)__builtin_clzll(count));
        order = MIN(order, (unsigned)CHUNK_ORDER);
        block_give(index, order);
        index += 1u << order;
        count -= 1u << order;
    }
    keep = MAX((uint64_t)KEEP_MIN, committed / KEEP_SHARE);
    if (free_pages() > keep + KEEP_SLACK) {
        release_above(keep);
    }
}

/* The smallest absent block that is large enough; 0: none. */
static uint32_t absent_find(const struct zone *z, unsigned order)
{
    for (order = MAX(order, (unsigned)ABSENT_ORDER); order < CHUNK_ORDER;
         order++) {
        if (z->absent_list[order]) {
            return z->absent_list[order];
        }
    }
    return 0;
}

/* Brings back an absent block, or where pages are dear as much of its start as
 * is asked for: its first page, its order in *have; 0: none. */
static uint32_t absent_take(struct zone *z, unsigned order, unsigned *have)
{
    uint32_t index = absent_find(z, order);
    unsigned whole, part;

    if (!index && dear && order < CHUNK_ORDER && chunk_open(z)) {
        index = absent_find(z, order);
    }
    whole = index ? descs[index].order : 0;
    part = dear ? MAX(order, (unsigned)ABSENT_ORDER) : whole;
    if (!index || commit((uint64_t)pages_addr(index), 1ul << part)) {
        return 0;
    }
    absent_unlink(index);
    while (whole > part) {
        whole--;
        absent_link(index + (1u << whole), whole);
    }
    *have = part;
    return index;
}

/* A block of 2^order pages; what is split off goes to the free lists. */
static uint32_t block_take(struct zone *z, unsigned order)
{
    unsigned have = order;
    uint32_t index;

    while (have <= CHUNK_ORDER && !z->free_list[have]) {
        have++;
    }
    if (have <= CHUNK_ORDER) {
        index = z->free_list[have];
        block_unlink(index);
    } else if ((index = absent_take(z, order, &have)) == 0) {
        index = chunks_take(z, 1);
        have = CHUNK_ORDER;
    }
    while (index && have > order) {
        have--;
        block_link(index + (1u << have), have);
    }
    return index;
}

void pages_are_dear(bool are)
{
    dear = are;
}

bool pages_can_show(void)
{
    return zones[ZONE_OWN].end != chunk_count;
}

uint32_t pages_take(enum page_zone zone, size_t count)
{
    struct zone *z = &zones[zone];
    size_t taken;
    uint32_t index;

    if (!pages_can_show()) {
        z = &zones[ZONE_OWN]; /* there is no other */
    }

    if (count > CHUNK_PAGES) {
        size_t chunks = (count + CHUNK_PAGES - 1) / CHUNK_PAGES;
        index = chunks <= chunk_count ? chunks_take(z, (uint32_t)chunks) : 0;
        taken = chunks * CHUNK_PAGES;
    } else {
        unsigned order =
            count > 1 ? 64u - (unsigned)__builtin_clzll(count - 1) : 0;
        index = block_take(z, order);
        taken = 1ul << order;
    }
    if (!index) {
        return 0;
    }
    if (taken > count) {
        pages_give(index + (uint32_t)count, taken - count);
    }
    descs[index].kind = PAGE_RUN;
    descs[index].count = (uint32_t)count;
    return index;
}

static uint32_t chunk_at(uint64_t addr)
{
    uint64_t chunk = (addr - range_base) / CHUNK_SIZE;

    return (uint32_t)MIN(chunk, CHUNKS_MAX);
}

static void zones_init(uint64_t end, uint64_t shown, uint32_t first)
{
    memset(zones, 0, sizeof(zones));
    zones[ZONE_OWN].hint = first;
    zones[ZONE_OWN].end = zones[ZONE_SHOWN].end = chunk_count;
    if (shown) {
        zones[ZONE_OWN].end = chunk_at(end);
        zones[ZONE_SHOWN].hint = chunk_at(ALIGN_UP(shown, CHUNK_SIZE));
        check(chunk_at(end) <= zones[ZONE_SHOWN].hint &&
              zones[ZONE_SHOWN].hint < chunk_count);
    }
    check(first < zones[ZONE_OWN].end);
}

void pages_init(uint64_t start, uint64_t end, uint64_t shown,
                uint64_t shown_end, uint64_t limit)
{
    uint64_t map_size, desc_size, head, head_chunks;

    range_base = ALIGN_UP(start, CHUNK_SIZE);
    check(range_base < end);
    chunk_count = chunk_at(shown ? shown_end : end);
    map_size = ALIGN_UP(BITMAP_WORDS((uint64_t)chunk_count) * 8, PAGE_SIZE);
    desc_size = (uint64_t)chunk_count * CHUNK_PAGES * sizeof(*descs);
    head = map_size + desc_size;
    head_chunks = (head + CHUNK_SIZE - 1) / CHUNK_SIZE;

    chunk_map = (uint64_t *)range_base;
    descs = (struct page_desc *)(range_base + map_size);
    if (target_mem_commit(range_base, map_size, MEM_READ | MEM_WRITE)) {
        panic("no memory for the kernel's heap");
    }
    bitmap_set_range(chunk_map, 0, head_chunks);
    zones_init(end, shown, (uint32_t)head_chunks);
    committed = committed_peak = absent_blocks = 0;
    committed_limit = UINT64_MAX;
    if (limit) {
        committed_limit = MAX(limit / CHUNK_SIZE, 1ul) * CHUNK_PAGES;
    }
}

bool pages_low(void)
{
    return zones[ZONE_OWN].free_pages < LOW_PAGES &&
           (committed + CHUNK_PAGES > committed_limit ||
            !limit_has_room(CHUNK_PAGES));
}

void pages_stats(struct heap_stats *out)
{
    out->bytes_committed = committed * PAGE_SIZE;
    out->peak_committed = committed_peak * PAGE_SIZE;
    out->bytes_used = out->bytes_committed - free_pages() * PAGE_SIZE;
}
