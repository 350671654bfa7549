/* SPDX-License-Identifier: MIT
 *
 * Trampoline regions of an ended run, which wait with the code that jumps into
 * them (warm.h): the next run of the program takes both as they are, and
 * searches and rewrites nothing.
 *
 * Code waits as it is only while every slot of it does: what has slots in a
 * region that goes is code to be read anew, and slots of code that goes are
 * free again.
 */
#include "kernel/mm/text/region.h"
#include "kernel/mm/warm.h"
#include "lib/hash.h"

/* The code that waits as it is at addr, or NULL. */
static struct warm_piece *code_at(struct warm *w, uint64_t addr)
{
    struct warm_piece *p = warm_piece_at(w, addr);

    return p && p->code && p->id ? p : NULL;
}

/* Whether its pages wait, all that there are. */
static bool has_pages(const struct mm *mm, struct warm *w,
                      const struct region *r)
{
    uint64_t end = r->start + TRAMPOLINE_SIZE, at = r->start;
    uint64_t there = resident_count(&mm->resident, at, end), waiting = 0;

    for (; at < end; at += PAGE_SIZE) {
        waiting += warm_piece_at(w, at) != NULL;
    }
    return there && there == waiting && !r->own.dirty && !r->image;
}

static void lose_code(struct warm *w, const struct region *r)
{
    const struct slot_set *s = &r->own;
    size_t i = bitmap_find_set(s->used, s->count, 0);

    for (; i < s->count; i = bitmap_find_set(s->used, s->count, i + 1)) {
        struct warm_piece *p = code_at(w, region_site(r, i));
        if (p) {
            p->id = 0;
        }
    }
}

/* The code that r's slots may serve. */
static uint64_t code_of(struct warm *w, const struct region *r)
{
    const struct warm_piece *p = warm_piece_from(w, r->lo);
    const struct warm_piece *end = w->pieces + w->count;
    uint64_t sum = 1;

    for (; p && p < end && p->start < r->hi; p++) {
        if (p->code && p->id) {
            sum = hash_u64(hash_u64(sum, p->id), hash_u64(p->start, p->end));
        }
    }
    return sum;
}

/* With the code that waited the last time, all slots are somebody's still. */
static void lose_slots(struct warm *w, struct region *r)
{
    uint64_t code = code_of(w, r);
    struct slot_set *s = &r->own;
    size_t i = bitmap_find_set(s->used, s->count, 0);

    if (r->waited == code) {
        return;
    }
    r->waited = code;
    r->lo = UINT64_MAX;
    r->hi = r->near = 0;
    for (; i < s->count; i = bitmap_find_set(s->used, s->count, i + 1)) {
        uint64_t site = region_site(r, i);
        if (code_at(w, site)) {
            region_note(r, site);
        } else {
            bitmap_clear(s->used, i);
        }
    }
    slots_open_free(s);
}

void trampolines_stay(struct mm *mm, struct warm *w)
{
    list_for_each_safe (pos, &mm->trampolines) {
        struct region *r = list_entry(pos, struct region, node);
        if (!has_pages(mm, w, r)) {
            lose_code(w, r);
            continue;
        }
        list_del(&r->node);
        list_add_tail(&w->trampolines, &r->node);
        table_remove(mm, r->start);
    }
    list_for_each (pos, &w->trampolines) {
        lose_slots(w, list_entry(pos, struct region, node));
    }
}

/* It is in no list. */
static bool move_in(struct mm *mm, struct region *r)
{
    uint64_t end = r->start + TRAMPOLINE_SIZE;
    struct warm_piece p;

    if (resident_prepare(&mm->resident, r->start, end) || region_map(mm, r)) {
        lose_code(mm->warm, r);
        region_free(r);
        return false;
    }
    while (warm_take(mm, r->start, end, &p)) {
        resident_set(&mm->resident, p.start, p.end);
    }
    return true;
}

struct region *trampoline_waiting(struct mm *mm, uint64_t start)
{
    if (!warm_starting(mm)) {
        return NULL;
    }
    list_for_each (pos, &mm->warm->trampolines) {
        struct region *r = list_entry(pos, struct region, node);
        if (r->start == start) {
            list_del(&r->node);
            return move_in(mm, r) ? r : NULL;
        }
    }
    return NULL;
}

void trampolines_move_in(struct mm *mm, uint64_t start, uint64_t end)
{
    list_for_each_safe (pos, &mm->warm->trampolines) {
        struct region *r = list_entry(pos, struct region, node);
        if (!region_serves(r, start, end)) {
            continue;
        }
        list_del(&r->node);
        if (trampoline_fits(mm, r->start)) {
            move_in(mm, r);
        } else {
            lose_code(mm->warm, r);
            region_free(r);
        }
    }
}

void trampolines_discard(struct warm *w)
{
    struct list *pos;

    while ((pos = list_pop(&w->trampolines)) != NULL) {
        region_free(list_entry(pos, struct region, node));
    }
}
