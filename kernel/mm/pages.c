/* SPDX-License-Identifier: MIT
 *
 * Page runs: a buddy allocator inside chunks of 2 MiB, which are committed
 * and released whole. Runs of more than a chunk take consecutive chunks that
 * are not committed yet. A run need not be a power of two: its tail goes back
 * at once, and giving back splits it into aligned blocks.
 *
 * Chunks that became free stay committed up to a share of the whole, so that
 * a load that swings does not pay the target each time; the rest goes back,
 * and all of it when the limit is reached.
 *
 * Where the target can show pages at a second address (target_mem_map), the
 * top of the range is a zone of its own for pages that may be shown; it is
 * memory of another kind there, and costs more to commit.
 */
#include "kernel/mm/pages.h"
#include "kernel/core/log.h"
#include "kernel/mm/limit.h"
#include "lib/bitmap.h"
#include "lib/string.h"
#include "target/target.h"

enum { CHUNK_ORDER = 9, CHUNK_PAGES = 1 << CHUNK_ORDER };
#define CHUNK_SIZE (CHUNK_PAGES * PAGE_SIZE)
#define CHUNKS_MAX                                                             \
    (1ull << (32 - CHUNK_ORDER)) /* page indices have 32 bits                  \
                                  */

/* Free chunks kept committed: at least KEEP_MIN, or one in KEEP_SHARE. */
enum { KEEP_MIN = 8, KEEP_SHARE = 8 };

/* Under a ceiling, what the page cache leaves to everybody else. */
enum { LOW_PAGES = 256 };

struct spinlock heap_lock = SPINLOCK_INIT(LOCK_HEAP);

static uint64_t range_base;      /* address of page 0 */
static uint32_t chunk_count;     /* in the range */
static uint32_t committed;       /* chunks */
static uint32_t committed_limit; /* chunks */
static uint64_t *chunk_map;      /* bit set: committed */
static struct page_desc *descs;
static uint32_t committed_peak;

static struct zone {
    uint32_t end;  /* of its chunks */
    uint32_t hint; /* no uncommitted chunk below it */
    uint32_t free_list[CHUNK_ORDER + 1];
    uint32_t free_chunks; /* length of free_list[CHUNK_ORDER] */
    uint64_t free_pages;  /* in all lists */
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
    z->free_chunks += order == CHUNK_ORDER;
}

static void block_unlink(uint32_t index)
{
    unsigned order = descs[index].order;
    struct zone *z = zone_of(index);

    pages_list_del(&z->free_list[order], index);
    descs[index].kind = PAGE_NONE;
    z->free_pages -= 1u << order;
    z->free_chunks -= order == CHUNK_ORDER;
}

/* The descriptors of a chunk fill whole pages. */
_Static_assert(CHUNK_PAGES * sizeof(struct page_desc) % PAGE_SIZE == 0,
               "descriptor pages belong to one chunk");

static int chunks_commit(uint32_t first, uint32_t n)
{
    uint64_t addr = range_base + first * CHUNK_SIZE;
    struct page_desc *d = &descs[(uint64_t)first * CHUNK_PAGES];
    int err = limit_charge_kernel((uint64_t)n * CHUNK_PAGES);

    if (err) {
        return err;
    }
    err = target_mem_commit((uint64_t)d, n * CHUNK_PAGES * sizeof(*d),
                            MEM_READ | MEM_WRITE);
    if (!err) {
        err = target_mem_commit(addr, n * CHUNK_SIZE, MEM_READ | MEM_WRITE);
    }
    if (err) {
        limit_uncharge((uint64_t)n * CHUNK_PAGES);
        return err;
    }
    memset(d, 0, n * CHUNK_PAGES * sizeof(*d));
    bitmap_set_range(chunk_map, first, first + n);
    committed += n;
    committed_peak = MAX(committed_peak, committed);
    return 0;
}

static void chunk_release(uint32_t first_page)
{
    uint32_t chunk = first_page / CHUNK_PAGES;
    struct zone *z = zone_of(first_page);

    target_mem_release((uint64_t)pages_addr(first_page), CHUNK_SIZE);
    limit_uncharge(CHUNK_PAGES);
    bitmap_clear(chunk_map, chunk);
    z->hint = MIN(z->hint, chunk);
    committed--;
}

uint32_t pages_release_free(void)
{
    uint32_t n = 0, index;

    for (int i = 0; i < 2; i++) {
        while ((index = zones[i].free_list[CHUNK_ORDER]) != 0) {
            block_unlink(index);
            chunk_release(index);
            n++;
        }
    }
    return n;
}

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

/* Commits n consecutive chunks; the first page's index, or 0. */
static uint32_t chunks_take(struct zone *z, uint32_t n)
{
    if (n > committed_limit) {
        return 0;
    }
    for (int attempt = 0; attempt < 2; attempt++) {
        uint32_t first = find_uncommitted(z, n);
        if (first < z->end && committed + n <= committed_limit &&
            chunks_commit(first, n) == 0) {
            if (first == z->hint) {
                z->hint = first + n;
            }
            return first * CHUNK_PAGES;
        }
        pages_release_free();
    }
    return 0;
}

static void block_give(uint32_t index, unsigned order)
{
    while (order < CHUNK_ORDER) {
        uint32_t buddy = index ^ 1u << order;
        if (descs[buddy].kind != PAGE_FREE || descs[buddy].order != order) {
            break;
        }
        block_unlink(buddy);
        index &= ~(1u << order);
        order++;
    }
    if (order == CHUNK_ORDER &&
        zone_of(index)->free_chunks >=
            MAX((uint32_t)KEEP_MIN, committed / KEEP_SHARE)) {
        chunk_release(index);
        return;
    }
    block_link(index, order);
}

void pages_give(uint32_t index, size_t count)
{
    descs[index].kind = PAGE_NONE;
    while (count) {
        unsigned order = index ? (unsigned)__builtin_ctz(index) : CHUNK_ORDER;
        order = MIN(order, 63u - (unsigned)__builtin_clzll(count));
        order = MIN(order, (unsigned)CHUNK_ORDER);
        block_give(index, order);
        index += 1u << order;
        count -= 1u << order;
    }
}

/* A block of 2^order pages; what is split off goes to the free lists. */
static uint32_t block_take(struct zone *z, unsigned order)
{
    unsigned have = order;
    uint32_t index;

    while (have <= CHUNK_ORDER && !z->free_list[have]) {
        have++;
    }
    if (have > CHUNK_ORDER) {
        index = chunks_take(z, 1);
        have = CHUNK_ORDER;
    } else {
        index = z->free_list[have];
        block_unlink(index);
    }
    while (index && have > order) {
        have--;
        block_link(index + (1u << have), have);
    }
    return index;
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
    committed = committed_peak = 0;
    committed_limit = chunk_count;
    if (limit) {
        limit = MAX(limit / CHUNK_SIZE, (uint64_t)1);
        committed_limit = (uint32_t)MIN(limit, (uint64_t)chunk_count);
    }
}

bool pages_low(void)
{
    return zones[ZONE_OWN].free_pages < LOW_PAGES &&
           (committed >= committed_limit || !limit_has_room(CHUNK_PAGES));
}

void pages_stats(struct heap_stats *out)
{
    out->bytes_committed = committed * CHUNK_SIZE;
    out->peak_committed = committed_peak * CHUNK_SIZE;
    out->bytes_used =
        out->bytes_committed -
        (zones[ZONE_OWN].free_pages + zones[ZONE_SHOWN].free_pages) * PAGE_SIZE;
}
