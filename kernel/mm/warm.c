/* SPDX-License-Identifier: MIT
 *
 * See warm.h: what an address space finds when it starts, and leaves when it
 * ends.
 */
#include "kernel/mm/warm.h"
#include "arch/x86_64/arch.h"
#include "kernel/mm/family/families.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/limit.h"
#include "kernel/mm/text/trampoline.h"
#include "lib/string.h"
#include "target/target.h"

/* USES_MAX: how many runs one choice of addresses is good for; where another
 * one costs pages that go and others that come, DEAR times as many. RENEW_MAX:
 * bytes; as much as stays in a CPU's cache. */
enum { USES_MAX = 64, DEAR = 16, RENEW_MAX = 256 << 10 };

/* To ask what was written across more than this takes longer than to ask
 * twice; and to ask of no more than FEW, bytes, longer than to renew them all.
 */
#define FAR (128ull << 20)
#define FEW (4 * PAGE_SIZE)

/* ---- pieces ---- */

/* The first that ends above addr. */
static unsigned find(const struct warm *w, uint64_t addr)
{
    unsigned lo = 0, hi = w->count;

    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        if (w->pieces[mid].end <= addr) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

struct warm_piece *warm_piece_from(struct warm *w, uint64_t addr)
{
    unsigned i = find(w, addr);

    return i < w->count ? &w->pieces[i] : NULL;
}

struct warm_piece *warm_piece_at(struct warm *w, uint64_t addr)
{
    unsigned i = find(w, addr);

    return i < w->count && w->pieces[i].start <= addr ? &w->pieces[i] : NULL;
}

static struct warm_piece part(const struct warm_piece *p, uint64_t start,
                              uint64_t end)
{
    struct warm_piece r = *p;

    r.start = MAX(p->start, start);
    r.end = MIN(p->end, end);
    r.src += r.src ? r.start - p->start : 0;
    r.off += r.start - p->start;
    return r;
}

static void put(const struct warm_piece *p)
{
    if (p->src) {
        page_put((void *)p->src, (p->end - p->start) / PAGE_SIZE);
    }
}

static void insert(struct warm *w, unsigned at, struct warm_piece p)
{
    if (w->count == WARM_PIECES) {
        target_mem_release(p.start, p.end - p.start);
        limit_uncharge((p.end - p.start) / PAGE_SIZE);
        put(&p);
        return;
    }
    memmove(&w->pieces[at + 1], &w->pieces[at],
            (w->count - at) * sizeof(w->pieces[0]));
    w->pieces[at] = p;
    w->count++;
}

void warm_insert(struct warm *w, const struct warm_piece *p)
{
    insert(w, find(w, p->start), *p);
}

/* Takes the part of piece i that lies in [start, end) out. */
static struct warm_piece take(struct warm *w, unsigned i, uint64_t start,
                              uint64_t end)
{
    struct warm_piece p = w->pieces[i], taken = part(&p, start, end);

    w->count--;
    memmove(&w->pieces[i], &w->pieces[i + 1],
            (w->count - i) * sizeof(w->pieces[0]));
    if (taken.end < p.end) {
        insert(w, i, part(&p, taken.end, p.end));
    }
    if (p.start < taken.start) {
        insert(w, i, part(&p, p.start, taken.start));
    }
    return taken;
}

/* ---- the start ---- */

/* Whether pieces that are what src says cover [start, end). */
static bool is_covered(const struct warm *w, uint64_t start, uint64_t end,
                       uint64_t src)
{
    for (unsigned i = find(w, start); start < end; i++) {
        struct warm_piece p;

        if (i == w->count || w->pieces[i].start > start) {
            return false;
        }
        p = part(&w->pieces[i], start, end);
        if (p.src != src) {
            return false;
        }
        src += src ? p.end - start : 0;
        start = p.end;
    }
    return true;
}

static bool protect(const struct warm *w, uint64_t start, uint64_t end,
                    int prot)
{
    for (unsigned i = find(w, start); start < end; i++) {
        struct warm_piece p = part(&w->pieces[i], start, end);

        if (p.prot != (uint32_t)prot &&
            target_mem_protect(p.start, p.end - p.start, prot)) {
            return false;
        }
        start = p.end;
    }
    return true;
}

/* Not if what is shown may have changed since it was copied, nor the clock's
 * page for anything else. */
static bool is_as_new(const struct warm *w, uint64_t start, uint64_t end,
                      uint64_t src)
{
    if (src) {
        return w->changes == page_changes();
    }
    return w->clock_found || w->clock_page < start || w->clock_page >= end;
}

bool warm_claim(struct mm *mm, uint64_t start, uint64_t end, uint64_t src,
                int prot)
{
    struct warm *w = mm->warm;

    if (!warm_starting(mm) || !is_as_new(w, start, end, src) ||
        !is_covered(w, start, end, src) || !protect(w, start, end, prot)) {
        return false;
    }
    for (unsigned i = find(w, start); i < w->count && w->pieces[i].start < end;
         i = find(w, start)) {
        take(w, i, start, end);
    }
    return true;
}

/* Nothing of [start, end) waits any more; release: nor is it mapped. */
static void give_up(struct mm *mm, uint64_t start, uint64_t end, bool release)
{
    struct warm *w = mm->warm;

    if (!warm_starting(mm)) {
        return;
    }
    for (unsigned i = find(w, start); i < w->count && w->pieces[i].start < end;
         i = find(w, start)) {
        struct warm_piece p = take(w, i, start, end);

        if (release) {
            target_mem_release(p.start, p.end - p.start);
        }
        limit_uncharge((p.end - p.start) / PAGE_SIZE);
        warm_lose_slots(mm, &p);
        put(&p);
    }
}

void warm_forget(struct mm *mm, uint64_t start, uint64_t end)
{
    give_up(mm, start, end, false);
}

void warm_drop(struct mm *mm, uint64_t start, uint64_t end)
{
    give_up(mm, start, end, true);
}

uint64_t warm_code_begins(const struct mm *mm, const struct vma *v,
                          uint64_t start, uint64_t end)
{
    const struct warm *w = mm->warm;
    const void *content = warm_content(v);

    for (unsigned i = 0; warm_starting(mm) && content && i < w->count; i++) {
        const struct warm_piece *p = &w->pieces[i];
        uint64_t at = MAX(p->start, start);

        if (p->prot & PROT_EXEC && at < MIN(p->end, end) &&
            p->content == content &&
            p->off + (at - p->start) == v->off + (at - v->start)) {
            return at;
        }
    }
    return end;
}

uint64_t warm_image(const struct mm *mm)
{
    return warm_starting(mm) ? mm->warm->image : 0;
}

void warm_note_image(struct mm *mm, uint64_t at)
{
    if (warm_starting(mm)) {
        mm->warm->image = at;
    }
}

bool warm_take(struct mm *mm, uint64_t start, uint64_t end,
               struct warm_piece *out)
{
    struct warm *w = mm->warm;
    unsigned i = warm_starting(mm) ? find(w, start) : 0;

    if (!warm_starting(mm) || i == w->count || w->pieces[i].start >= end) {
        return false;
    }
    *out = take(w, i, start, end);
    return true;
}

/* The end of the pieces from i on that adjoin and are not hidden. */
static uint64_t run_end(const struct warm *w, unsigned i, uint64_t end)
{
    uint64_t stop = w->pieces[i].end;

    while (++i < w->count && w->pieces[i].start == stop &&
           !w->pieces[i].hidden) {
        stop = w->pieces[i].end;
    }
    return MIN(stop, end);
}

void warm_hide(struct mm *mm, uint64_t start, uint64_t end)
{
    struct warm *w = mm->warm;
    struct warm_piece p;

    for (unsigned i; start < end; start = p.end) {
        i = find(w, start);
        if (i == w->count || w->pieces[i].start >= end) {
            return;
        }
        p = part(&w->pieces[i], start, end);
        if (p.hidden) {
            continue;
        }
        p.end = run_end(w, i, end);
        if (target_mem_protect(p.start, p.end - p.start, 0)) {
            warm_drop(mm, p.start, p.end);
            continue;
        }
        for (uint64_t at = p.start, stop = p.end;
             at < stop && warm_take(mm, at, stop, &p); at = p.end) {
            p.hidden = true;
            insert(w, find(w, p.start), p);
        }
    }
}

uint64_t warm_heap(const struct mm *mm, uint64_t noise)
{
    struct warm *w = arena.lazy ? NULL : mm->warm;

    if (!w || w->started) {
        return noise;
    }
    w->heap = w->heap ? w->heap : noise;
    return w->heap;
}

bool mm_finds(struct mm *mm, uint64_t addr)
{
    bool found = false;

    mm_lock(mm);
    if (warm_starting(mm) && mm->warm->clock_page == addr) {
        found = is_covered(mm->warm, addr, addr + PAGE_SIZE, 0);
        mm->warm->clock_found = found;
    }
    mm_unlock(mm);
    return found;
}

/* ---- what the start made ---- */

const void *warm_content(const struct vma *v)
{
    return v->obj && v->obj->ops->content ? v->obj->ops->content(v->obj) : NULL;
}

static void note(struct warm *w, uint64_t start, uint64_t end, uint64_t src)
{
    if (w->count < WARM_PIECES) {
        w->pieces[w->count++] =
            (struct warm_piece){.start = start, .end = end, .src = src};
    }
}

static bool can_stay(const struct vma *v)
{
    return v->prot && !(v->flags & ~(VMA_TRAMPOLINE | VMA_SHOWN_ONLY));
}

/* What lies in a window can go any time. */
static void note_shown(struct warm *w, const struct mm *mm, const struct vma *v)
{
    uint64_t start = v->start, stop, src;

    for (; start < v->end; start = stop) {
        src = shown_next(mm, &start, v->end, &stop);
        if (!src) {
            break;
        }
        if (!arena_in_shown(src)) {
            note(w, start, stop, src);
        }
    }
}

void warm_started(struct mm *mm)
{
    struct warm *w = mm->warm;

    if (!warm_starting(mm)) {
        return;
    }
    if (!arena.lazy) {
        warm_keep_later(mm);
    }
    warm_drop(mm, 0, UINT64_MAX);
    trampolines_discard(w);
    mm->next.end = 0;
    w->started = true;
    for (struct vma *v = vma_first(mm); v && mm->home; v = vma_next(v)) {
        bool at_home = v->start >= mm->home->start && v->end <= mm->home->end;

        if (!can_stay(v) || (arena.lazy && !at_home)) {
            continue;
        }
        if (arena.lazy ? is_whole(v->flags, v->obj) : warm_is_copied(v)) {
            note(w, v->start, v->end, 0);
        } else {
            note_shown(w, mm, v);
        }
    }
    family_open(mm);
}

void mm_started(struct mm *mm)
{
    if (warm_starting(mm)) {
        mm_lock(mm);
        warm_started(mm);
        mm_unlock(mm);
    }
}

/* ---- the end ---- */

void mm_leave_nothing(struct mm *mm)
{
    mm_lock(mm);
    if (mm->warm) {
        mm->warm->uses = UINT32_MAX;
    }
    mm_unlock(mm);
}

static bool shows(const struct mm *mm, uint64_t start, uint64_t end,
                  uint64_t src)
{
    uint64_t at = start, stop;

    return shown_next(mm, &at, end, &stop) == src && at == start && stop == end;
}

/* What is left of p, which the start made, in the order of its VMAs. */
static void gather(struct mm *mm, const struct warm_piece *p, struct warm *left)
{
    uint64_t at = p->start, stop;

    if (!arena.lazy) {
        warm_gather_copied(mm, p, left);
        return;
    }
    for (; at < p->end && left->count < WARM_PIECES; at = stop) {
        struct warm_piece r = part(p, at, p->end);
        struct vma *v = vma_at(mm, at);

        stop = v ? MIN(v->end, p->end) : p->end;
        r.end = stop;
        if (!v || !can_stay(v) ||
            (r.src
                 ? !shows(mm, at, stop, r.src)
                 : !is_whole(v->flags, v->obj) ||
                       resident_find(&mm->resident, at, stop, false) < stop)) {
            continue;
        }
        r.prot = (uint32_t)prot_effective(v->prot);
        r.dirty = v->written;
        r.content = warm_content(v);
        r.off = v->off + (at - v->start);
        left->clock_page = v->name == MM_VVAR ? at : left->clock_page;
        left->pieces[left->count++] = r;
    }
}

/* Pages that were used are made as new in place: the next run writes to them
 * again, and the host need not bring them in once more. Of much, they go. */
static bool renew_run(const struct warm_piece *p, uint64_t start, uint64_t end,
                      uint64_t *budget)
{
    uint64_t len = end - start;

    if (len > *budget) {
        return target_mem_clear(start, len) == 0;
    }
    *budget -= len;
    if (!p->src) {
        return arch_user_zero((void *)start, len) == 0;
    }
    return arch_user_copy((void *)start,
                          (const void *)(p->src + (start - p->start)),
                          len) == 0;
}

static bool renew(struct warm_piece *p, struct touched *t, uint64_t *budget)
{
    const uint32_t prot = PROT_READ | PROT_WRITE;
    uint64_t start = p->start, stop;

    for (; touched_next(t, &start, p->end, &stop); start = stop) {
        if (p->prot != prot &&
            target_mem_protect(p->start, p->end - p->start, prot)) {
            return false;
        }
        p->prot = prot;
        if (!renew_run(p, start, stop, budget)) {
            return false;
        }
    }
    return true;
}

/* How far a search that begins in piece i may look. */
static uint64_t horizon(const struct warm *w, unsigned i)
{
    uint64_t end = w->pieces[i].end;

    while (++i < w->count && w->pieces[i].start - end < FAR) {
        end = w->pieces[i].dirty ? w->pieces[i].end : end;
    }
    return end;
}

/* Pieces from i on, before end, in which something may have been written. */
static uint64_t dirty_bytes(const struct warm *w, unsigned i, uint64_t end)
{
    uint64_t bytes = 0;

    for (; i < w->count && w->pieces[i].start < end; i++) {
        const struct warm_piece *p = &w->pieces[i];
        bytes += p->dirty ? p->end - p->start : 0;
    }
    return bytes;
}

/* Begins a search in piece i. */
static void look_from(const struct warm *w, unsigned i, struct touched *t)
{
    t->next = t->count = 0;
    t->from = w->pieces[i].start;
    t->end = horizon(w, i);
    if (arena.lazy && dirty_bytes(w, i, t->end) <= FEW) {
        t->runs[t->count++] = (struct mem_run){t->from, t->end};
        t->from = t->end;
    }
}

static bool renew_all(struct warm *left)
{
    struct touched t = {.end = 0};
    uint64_t budget = RENEW_MAX;

    for (unsigned i = 0; i < left->count; i++) {
        struct warm_piece *p = &left->pieces[i];

        if (p->dirty && p->start >= t.end) {
            look_from(left, i, &t);
        }
        if (p->dirty && !renew(p, &t, &budget)) {
            return false;
        }
    }
    return true;
}

/* What of v does not stay joins *rest, or what *rest was is given back. */
static void give_back_part(struct mm *mm, const struct vma *v,
                           const struct warm *left, struct mem_run *rest)
{
    uint64_t at = v->start;

    for (unsigned i = find(left, at); at < v->end; i++) {
        bool more = i < left->count && left->pieces[i].start < v->end;
        uint64_t stop = more ? MAX(left->pieces[i].start, at) : v->end;

        if (at < stop && at != rest->end) {
            pages_give_back(mm, rest->start, rest->end);
            rest->start = at;
        }
        rest->end = at < stop ? stop : rest->end;
        at = more ? left->pieces[i].end : v->end;
    }
}

static bool is_used(const struct warm *left, const struct span *s)
{
    unsigned i = find(left, s->start);

    return i < left->count && left->pieces[i].start < s->end;
}

/* All but what stays, and every span that has none of it but home. */
static void give_back_rest(struct mm *mm, const struct warm *left)
{
    list_for_each_safe (pos, &mm->family->spans) {
        struct span *s = list_entry(pos, struct span, node);
        struct mem_run rest = {0, 0};

        if (s != mm->home && !is_used(left, s)) {
            pages_give_back(mm, s->start, s->end);
            slots_release(s);
            continue;
        }
        for (struct vma *v = vma_find(mm, s->start); v && v->start < s->end;
             v = vma_next(v)) {
            give_back_part(mm, v, left, &rest);
        }
        pages_give_back(mm, rest.start, rest.end);
    }
}

static bool is_worth_it(const struct mm *mm, const struct warm *w)
{
    unsigned most = arena.lazy ? USES_MAX : USES_MAX * DEAR;

    return mm->home && !mm->family->had_members && w->uses < most &&
           (!arena.lazy || !limit_is_set());
}

struct warm *warm_leave(struct mm *mm)
{
    struct warm *w, *left = NULL;

    warm_started(mm);
    w = mm->warm;
    mm->warm = NULL;
    if (w && is_worth_it(mm, w)) {
        left = kzalloc(sizeof(*left));
    }
    if (left) {
        *left = (struct warm){.kind = w->kind,
                              .family = mm->family,
                              .home = mm->home,
                              .home_top = mm->home_top,
                              .image = w->image,
                              .heap = w->heap,
                              .known = w->known,
                              .trampolines = LIST_INIT(left->trampolines),
                              .clock_turn = mm->layout.clock_turn,
                              .changes = page_changes(),
                              .uses = w->uses + 1};
        for (unsigned i = 0; i < w->count; i++) {
            gather(mm, &w->pieces[i], left);
        }
        if (!arena.lazy) {
            warm_gather_later(mm, left);
        }
    }
    kfree(w);
    if (left && (!left->count || !renew_all(left))) {
        kfree(left);
        left = NULL;
    }
    if (left) {
        for (unsigned i = 0; i < left->count; i++) {
            const struct warm_piece *p = &left->pieces[i];
            if (p->src && !shown_take(mm, p->start, p->end)) {
                page_get((void *)p->src, (p->end - p->start) / PAGE_SIZE);
            }
        }
        if (!arena.lazy) {
            trampolines_stay(mm, left);
        }
        give_back_rest(mm, left);
    }
    return left;
}
