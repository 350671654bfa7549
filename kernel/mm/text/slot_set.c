/* SPDX-License-Identifier: MIT
 *
 * A set of slots: which are taken, and their bytes, in pages of the kernel's
 * that come to be one by one and stay as long as the set. Whose set it is, a
 * region's (trampoline.c) or an image's (text_image.c), sees to it that the
 * program has them, too.
 */
#include "kernel/mm/text/trampoline.h"
#include "kernel/mm/heap.h"
#include "lib/atomic.h"
#include "lib/bitmap.h"
#include "lib/string.h"

#define PAGE_SLOTS ((unsigned)(PAGE_SIZE / PATCH_SLOT))

static bool is_closed(const struct slot_set *s, unsigned slot)
{
    return s->closed >> slot / PAGE_SLOTS & 1;
}

void slots_open_free(struct slot_set *s)
{
    for (unsigned i = 0; i < s->count; i += PAGE_SLOTS) {
        if (is_closed(s, i) &&
            bitmap_find_set(s->used, i + PAGE_SLOTS, i) == i + PAGE_SLOTS) {
            s->closed &= ~(1u << i / PAGE_SLOTS);
        }
    }
}

static uint8_t *page_for(struct slot_set *s, unsigned slot)
{
    unsigned i = slot / PAGE_SLOTS;
    uint8_t *page = s->pages[i];

    if (!page) {
        page = s->room ? s->room + i * PAGE_SIZE : page_alloc(1);
        if (page) {
            memset(page, 0xcc, PAGE_SIZE); /* INT3: nobody's slot */
            atomic_store_release(&s->pages[i], page);
        }
    }
    return page;
}

bool slot_origin(const struct slot_set *s, uint64_t start, uint64_t slot,
                 struct patch_origin *out)
{
    uint64_t at = slot - start;
    const uint8_t *page =
        at < s->count * PATCH_SLOT ? s->pages[at / PAGE_SIZE] : NULL;

    return page && IS_ALIGNED(slot, (uint64_t)PATCH_SLOT) &&
           patch_slot_origin(page + at % PAGE_SIZE, slot, out);
}

/* The lowest free slot of s that the site can use; s->count: none. */
static unsigned find_slot(const struct slot_set *s, uint64_t start,
                          const struct patch_site *site, uint64_t addr)
{
    unsigned i = 0;

    while (i < s->count) {
        uint64_t from = start + i * PATCH_SLOT;
        uint64_t fit = patch_slot_fit(site, addr, from);
        if (!fit || fit >= start + s->count * PATCH_SLOT) {
            return s->count;
        }
        i = (unsigned)((fit - start) / PATCH_SLOT);
        if (is_closed(s, i)) {
            i = ALIGN_DOWN(i, PAGE_SLOTS) + PAGE_SLOTS;
            continue;
        }
        if (!bitmap_test(s->used, i)) {
            return i;
        }
        i = (unsigned)bitmap_find_zero(s->used, s->count, i);
    }
    return s->count;
}

uint64_t slot_take(struct slot_set *s, uint64_t start,
                   const struct patch_site *site, const uint8_t *code,
                   uint64_t addr)
{
    unsigned i = find_slot(s, start, site, addr);
    uint64_t slot = start + i * PATCH_SLOT;
    uint8_t *page = i < s->count ? page_for(s, i) : NULL;
    uint8_t bytes[PATCH_SLOT];

    if (!page || !patch_slot_write(bytes, slot, site, code, addr)) {
        return 0;
    }
    memcpy(page + slot % PAGE_SIZE, bytes, PATCH_SLOT);
    bitmap_set(s->used, i);
    s->dirty |= 1u << i / PAGE_SLOTS;
    return slot;
}
