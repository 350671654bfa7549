/* SPDX-License-Identifier: MIT
 *
 * Trampoline regions. Each is a VMA of the program's, executable and never
 * writable; what is in it is written in pages of the kernel's (slot_set.c) and
 * installed page by page or in runs. trampoline_table.c finds a region by an
 * address in it.
 */
#include "kernel/mm/text/region.h"
#include "kernel/mm/limit.h"
#include "kernel/mm/warm.h"
#include "kernel/mm/heap.h"
#include "lib/atomic.h"
#include "lib/bitmap.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "arch/x86_64/arch.h"
#include "target/target.h"

enum {
    REGIONS_MAX = 256, /* of one address space */
    JUMP = 5,          /* bytes at a site */
};
/* How far region_fitting() looks: one place in 16 MiB fits at least. */
enum { FITTING = 64 << 20, FITTING_TRIES = 256 };
#define REACH (2000ull << 20) /* less than what a rel32 spans */

/* ---- regions ---- */

static struct region *region_new(uint64_t start, struct text_image *img)
{
    struct region *r = kzalloc(sizeof(*r));

    if (r) {
        r->start = start;
        r->image = img;
        r->set = img ? &img->slots : &r->own;
        r->own.count = TRAMPOLINE_SLOTS;
        r->lo = UINT64_MAX;
    }
    return r;
}

int region_map(struct mm *mm, struct region *r)
{
    struct mapping m = {.start = r->start,
                        .end = r->start + TRAMPOLINE_SIZE,
                        .prot = PROT_READ | PROT_EXEC,
                        .flags = VMA_TRAMPOLINE};

    if (mm->trampoline_count >= REGIONS_MAX ||
        table_add(mm, r->start, r->set)) {
        return -ENOMEM;
    }
    if (map_at(mm, &m)) {
        table_remove(mm, r->start);
        return -ENOMEM;
    }
    mm->trampoline_count++;
    list_add(&mm->trampolines, &r->node);
    return 0;
}

static struct region *region_at(struct mm *mm, uint64_t start,
                                struct text_image *img)
{
    struct region *r = img ? NULL : trampoline_waiting(mm, start);

    if (r) {
        return r;
    }
    r = region_new(start, img);
    if (r && region_map(mm, r)) {
        kfree(r);
        return NULL;
    }
    return r;
}

void trampoline_reserve(struct mm *mm, uint64_t addr)
{
    uint64_t start =
        ALIGN_DOWN(addr, (uint64_t)TRAMPOLINE_SIZE) - TRAMPOLINE_SIZE;

    /* Where code is shown, its slots come with it. */
    if (!arena.shown && vma_range_free(mm, start, start + TRAMPOLINE_SIZE)) {
        region_at(mm, start, NULL);
    }
}

/* Free room in [lo, hi) that is the mm's or can be, aligned; 0: none. */
static uint64_t room(struct mm *mm, uint64_t lo, uint64_t hi)
{
    uint64_t at = vma_gap(mm, MAX(lo, arena.start), MIN(hi, arena.end),
                          TRAMPOLINE_ROOM - PAGE_SIZE);

    at = ALIGN_UP(at, (uint64_t)TRAMPOLINE_SIZE);
    return at && slots_claim(mm, at, at + TRAMPOLINE_SIZE) == 0 ? at : 0;
}

/* Below addr, which for programs at 0x400000 is the lowest 4 MiB; else
 * above. */
uint64_t trampoline_place(struct mm *mm, uint64_t addr)
{
    uint64_t at = room(mm, addr - MIN(addr, (uint64_t)REACH), addr);

    return at ? at : room(mm, addr, addr + REACH);
}

static struct region *region_near(struct mm *mm, uint64_t addr)
{
    uint64_t at = trampoline_place(mm, addr);

    return at ? region_at(mm, at, NULL) : NULL;
}

/* ---- regions of images ---- */

bool trampoline_fits(struct mm *mm, uint64_t start)
{
    uint64_t end = start + TRAMPOLINE_SIZE;

    return IS_ALIGNED(start, (uint64_t)TRAMPOLINE_SIZE) &&
           start >= arena.start && mm_user_range(start, TRAMPOLINE_SIZE) &&
           vma_range_free(mm, start, end) && slots_claim(mm, start, end) == 0;
}

/* What there is of an image's slots and is not shown yet. Its pages come to be
 * one by one; who jumps to a slot in one that is not here faults. */
static void show_slots(struct mm *mm, struct region *r)
{
    struct vma *v = vma_at(mm, r->start);
    unsigned i = 0, end;

    while (i < TRAMPOLINE_PAGES) {
        uint64_t addr = r->start + i * PAGE_SIZE;
        char *slots = (char *)atomic_load_acquire(&r->set->pages[i]);

        end = i;
        while (slots && end < TRAMPOLINE_PAGES &&
               (char *)atomic_load_acquire(&r->set->pages[end]) ==
                   slots + (end - i) * PAGE_SIZE &&
               !resident_test(&mm->resident, r->start + end * PAGE_SIZE)) {
            end++;
        }
        if (end > i) {
            if (show_kept(mm, v, addr, slots, (end - i) * PAGE_SIZE)) {
                return; /* a fault tries again */
            }
            share_shown(mm, v, addr, slots, (end - i) * PAGE_SIZE, r->image,
                        r->start);
        }
        i = MAX(end, i + 1);
    }
}

int trampoline_show(struct mm *mm, uint64_t start, struct text_image *img)
{
    struct region *r = region_at(mm, start, img);

    if (!r) {
        return -ENOMEM;
    }
    show_slots(mm, r);
    return 0;
}

int trampoline_fault(struct mm *mm, uint64_t addr)
{
    uint64_t start = ALIGN_DOWN(addr, (uint64_t)TRAMPOLINE_SIZE);

    list_for_each (pos, &mm->trampolines) {
        struct region *r = list_entry(pos, struct region, node);
        if (r->start == start && r->image) {
            show_slots(mm, r);
        }
    }
    return resident_test(&mm->resident, addr) ? 0 : -EFAULT;
}

bool trampoline_shows(struct mm *mm, uint64_t start,
                      const struct text_image *img)
{
    list_for_each (pos, &mm->trampolines) {
        struct region *r = list_entry(pos, struct region, node);
        if (r->start == start) {
            return r->image == img;
        }
    }
    return false;
}

struct text_image *trampoline_image(struct mm *mm, const struct text_anchor *a,
                                    uint64_t begin, uint64_t off)
{
    list_for_each (pos, &mm->trampolines) {
        struct region *r = list_entry(pos, struct region, node);
        struct text_image *img = r->image;

        if (img && img->anchor == a && off >= img->off &&
            off < img->off + img->len &&
            r->start + img->distance == begin + img->off) {
            return img;
        }
    }
    return NULL;
}

/* A new region where the site has a slot that fits it, not far away: most of
 * the places near by do not do for moved instructions that fix a high byte of
 * the jump. */
static struct region *
region_fitting(struct mm *mm, const struct patch_site *site, uint64_t addr)
{
    uint64_t at = addr - MIN(addr, (uint64_t)FITTING);

    for (int i = 0; i < FITTING_TRIES; i++) {
        at = patch_slot_fit(site, addr, MAX(at, arena.start));
        if (!at || at > addr + FITTING) {
            break;
        }
        at = ALIGN_DOWN(at, (uint64_t)TRAMPOLINE_SIZE);
        if (trampoline_fits(mm, at)) {
            return region_at(mm, at, NULL);
        }
        at += TRAMPOLINE_SIZE;
    }
    return NULL;
}

void region_free(struct region *r)
{
    for (unsigned i = 0; i < TRAMPOLINE_PAGES; i++) {
        if (r->own.pages[i]) {
            page_free(r->own.pages[i], 1);
        }
    }
    if (r->image) {
        text_image_put(r->image);
    }
    kfree(r);
}

void trampoline_free_all(struct mm *mm)
{
    struct list *pos;

    while ((pos = list_pop(&mm->trampolines)) != NULL) {
        struct region *r = list_entry(pos, struct region, node);
        table_remove(mm, r->start);
        region_free(r);
    }
}

static struct region *copy(const struct region *from)
{
    struct region *r = kmalloc(sizeof(*r));

    if (!r) {
        return NULL;
    }
    *r = *from;
    memset(r->own.pages, 0, sizeof(r->own.pages));
    if (r->image) {
        text_image_get(r->image);
    } else {
        r->set = &r->own;
    }
    for (unsigned i = 0; i < TRAMPOLINE_PAGES; i++) {
        r->own.pages[i] = from->own.pages[i] ? page_alloc(1) : NULL;
        if (r->own.pages[i]) {
            memcpy(r->own.pages[i], from->own.pages[i], PAGE_SIZE);
        } else if (from->own.pages[i]) {
            region_free(r);
            return NULL;
        }
    }
    return r;
}

int trampolines_copy(struct mm *to, const struct mm *from)
{
    list_for_each (pos, &from->trampolines) {
        struct region *r = copy(list_entry(pos, struct region, node));
        if (!r) {
            return -ENOMEM;
        }
        if (table_add(to, r->start, r->set)) {
            region_free(r);
            return -ENOMEM;
        }
        list_add_tail(&to->trampolines, &r->node);
        to->trampoline_count++;
    }
    return 0;
}

/* ---- slots ---- */

void region_note(struct region *r, uint64_t site)
{
    r->lo = MIN(r->lo, site);
    r->hi = MAX(r->hi, site + 1);
    r->near |= 1ull << site / REGION_NEAR % 64;
}

bool region_serves(const struct region *r, uint64_t start, uint64_t end)
{
    uint64_t first = start / REGION_NEAR, last = (end - 1) / REGION_NEAR;

    if (r->lo >= end || start >= r->hi) {
        return false;
    }
    while (first < last && !(r->near >> first % 64 & 1)) {
        first++;
    }
    return r->near >> first % 64 & 1;
}

static uint64_t take_in(struct region *r, const struct patch_site *site,
                        const uint8_t *code, uint64_t addr)
{
    uint64_t slot =
        r->image ? 0 : slot_take(&r->own, r->start, site, code, addr);

    if (slot) {
        region_note(r, addr);
        r->waited = 0;
    }
    return slot;
}

uint64_t trampoline_take(struct mm *mm, const struct patch_site *site,
                         const uint8_t *code, uint64_t addr)
{
    struct region *fresh;

    list_for_each (pos, &mm->trampolines) {
        struct region *r = list_entry(pos, struct region, node);
        uint64_t slot = take_in(r, site, code, addr);
        if (slot) {
            return slot;
        }
    }
    fresh = site->inner >> 3 ? region_fitting(mm, site, addr)
                             : region_near(mm, addr);
    return fresh ? take_in(fresh, site, code, addr) : 0;
}

/* Whether the code at site still jumps to slot, as far as can be seen. */
static bool is_in_use(uint64_t site, uint64_t slot)
{
    uint8_t now[JUMP], want[JUMP];

    patch_apply(want, site, slot);
    return arch_user_copy(now, (const void *)site, JUMP) ||
           memcmp(now, want, JUMP) == 0;
}

uint64_t region_site(const struct region *r, size_t i)
{
    uint64_t slot = r->start + i * PATCH_SLOT;
    const uint8_t *page = r->own.pages[i * PATCH_SLOT / PAGE_SIZE];

    return patch_slot_to_program(page + slot % PAGE_SIZE, slot, slot);
}

static void release_slots(struct region *r, uint64_t start, uint64_t end,
                          bool check_code)
{
    struct slot_set *s = &r->own;
    size_t i = bitmap_find_set(s->used, s->count, 0);

    for (; i < s->count; i = bitmap_find_set(s->used, s->count, i + 1)) {
        uint64_t slot = r->start + i * PATCH_SLOT, site = region_site(r, i);
        if (site >= start && site < end &&
            !(check_code && is_in_use(site, slot))) {
            bitmap_clear(s->used, i);
        }
    }
    slots_open_free(s);
}

void trampolines_release(struct mm *mm, uint64_t start, uint64_t end,
                         bool check_code)
{
    list_for_each (pos, &mm->trampolines) {
        struct region *r = list_entry(pos, struct region, node);
        if (region_serves(r, start, end)) {
            release_slots(r, start, end, check_code);
        }
    }
}

static int install_from(struct mm *mm, uint64_t addr, const void *src,
                        uint64_t len)
{
    bool taken = warm_take_all(mm, addr, addr + len);
    uint64_t charged;
    int err = family_own(mm, addr, addr + len)
                  ? -ENOMEM
                  : pages_charge(mm, addr, addr + len, &charged);

    if (!err && target_mem_install(addr, src, len, MEM_READ | MEM_EXEC)) {
        limit_uncharge(charged);
        err = -ENOMEM;
    }
    if (!err) {
        resident_set(&mm->resident, addr, addr + len);
    } else if (taken) {
        warm_release_rest(mm, addr, addr + len);
    }
    return err ? -ENOMEM : 0;
}

/* The first dirty pages, as many as adjoin, in one call of the target: where
 * text has to be given back before it comes anew, each call leaves the
 * enclave twice. */
static int install_run(struct mm *mm, struct region *r, bool close)
{
    unsigned first = (unsigned)__builtin_ctz(r->own.dirty);
    unsigned count =
        (unsigned)__builtin_ctzll(~((uint64_t)r->own.dirty >> first));
    char *copy = count > 1 ? page_alloc(count) : NULL;
    const char *src = copy;
    uint32_t pages;
    int err;

    if (!copy) {
        count = 1;
        src = (const char *)r->own.pages[first];
    }
    for (unsigned i = 0; copy && i < count; i++) {
        memcpy(copy + i * PAGE_SIZE, r->own.pages[first + i], PAGE_SIZE);
    }
    err =
        install_from(mm, r->start + first * PAGE_SIZE, src, count * PAGE_SIZE);
    if (copy) {
        page_free(copy, count);
    }
    pages = (uint32_t)(((1ull << count) - 1) << first);
    if (!err) {
        r->own.dirty &= ~pages;
        r->own.closed |= close ? pages : 0;
    }
    return err;
}

int trampolines_install(struct mm *mm, bool close)
{
    int err = 0;

    list_for_each (pos, &mm->trampolines) {
        struct region *r = list_entry(pos, struct region, node);
        while (r->own.dirty && !err) {
            err = install_run(mm, r, close && !arena.lazy);
        }
    }
    return err;
}
