/* SPDX-License-Identifier: MIT
 *
 * See warm.h: what a run leaves where pages have one address and are committed
 * one by one. They stay committed, without content of the ended run where it
 * could write, and whoever maps something at the same place fills them at once:
 * before that nobody relies on what they hold.
 */
#include "kernel/mm/warm.h"
#include "kernel/mm/limit.h"
#include "kernel/mm/text/trampoline.h"
#include "abi/linux/errno.h"
#include "arch/x86_64/arch.h"
#include "target/target.h"

/* Of one place. */
#define COPIED_MAX (16ull << 20)
/* Pieces with what came after the start: some room is left for cuts. */
enum { LATER_PIECES = WARM_PIECES - 16 };

bool warm_is_copied(const struct vma *v)
{
    const int both = PROT_WRITE | PROT_EXEC;

    return v->prot && !(v->flags & ~VMA_TRAMPOLINE) && (v->prot & both) != both;
}

/* The number of v's content if its pages have it as it is. */
static uint64_t id_of(const struct vma *v)
{
    struct text_anchor *a;
    uint64_t size;

    if (!v->obj || v->written || !v->obj->ops->texts) {
        return 0;
    }
    a = v->obj->ops->texts(v->obj, &size);
    return a ? text_id(a) : 0;
}

/* ---- the end of a run ---- */

uint64_t warm_bytes(const struct warm *w)
{
    uint64_t bytes = 0;

    for (unsigned i = 0; i < w->count; i++) {
        bytes += w->pieces[i].end - w->pieces[i].start;
    }
    return bytes;
}

/* What cannot be cleared does not stay. */
static bool is_clear(const struct vma *v, uint64_t start, uint64_t end)
{
    return !(v->prot & PROT_WRITE) ||
           arch_user_zero((void *)start, end - start) == 0;
}

static void gather_of(struct mm *mm, const struct vma *v, uint64_t start,
                      uint64_t end, struct warm *left)
{
    uint64_t stop;

    for (; resident_run(&mm->resident, &start, end, &stop); start = stop) {
        if (left->count == WARM_PIECES ||
            warm_bytes(left) + (stop - start) > COPIED_MAX ||
            !is_clear(v, start, stop)) {
            continue;
        }
        left->pieces[left->count++] =
            (struct warm_piece){.start = start,
                                .end = stop,
                                .content = warm_content(v),
                                .off = v->off + (start - v->start),
                                .id = id_of(v),
                                .code = is_text(v),
                                .prot = (uint32_t)prot_effective(v->prot)};
        if (v->name == MM_VVAR && !v->written) {
            left->clock_page = start;
        }
    }
}

void warm_gather_copied(struct mm *mm, const struct warm_piece *p,
                        struct warm *left)
{
    for (struct vma *v = vma_find(mm, p->start); v && v->start < p->end;
         v = vma_next(v)) {
        if (warm_is_copied(v)) {
            gather_of(mm, v, MAX(v->start, p->start), MIN(v->end, p->end),
                      left);
        }
    }
}

static bool is_later(const struct mm *mm, const struct vma *v)
{
    bool near = v->name == MM_HEAP ||
                (v->start >= mm->home->start && v->end <= mm->home->end);

    return near && !v->obj && !v->flags && v->prot == (PROT_READ | PROT_WRITE);
}

void warm_gather_later(struct mm *mm, struct warm *left)
{
    struct warm_piece p = {.prot = PROT_READ | PROT_WRITE};
    uint64_t at, stop;

    for (struct vma *v = vma_first(mm); v; v = vma_next(v)) {
        at = is_later(mm, v) ? v->start : v->end;
        for (; resident_run(&mm->resident, &at, v->end, &stop); at = p.end) {
            const struct warm_piece *next = warm_piece_from(left, at);

            if (next && next->start <= at) {
                p.end = next->end;
                continue;
            }
            p.start = at;
            p.end = next ? MIN(stop, next->start) : stop;
            if (left->count < LATER_PIECES &&
                warm_bytes(left) + (p.end - at) <= COPIED_MAX &&
                is_clear(v, at, p.end)) {
                warm_insert(left, &p);
            }
        }
    }
}

/* ---- the next start ---- */

/* Those that lie in no mapping. */
void warm_keep_later(struct mm *mm)
{
    const struct warm_piece *next;
    struct warm_piece p;
    uint64_t at = 0, kept;

    for (; (next = warm_piece_from(mm->warm, at)) != NULL; at = p.end) {
        p = *next;
        if (p.content || p.id || p.hidden || p.start == mm->warm->clock_page ||
            p.prot != (PROT_READ | PROT_WRITE) ||
            !vma_range_free(mm, p.start, p.end)) {
            continue;
        }
        warm_take(mm, p.start, p.end, &p);
        limit_uncharge((p.end - p.start) / PAGE_SIZE);
        kept = idle_keep(mm, p.start, p.end);
        if (kept < p.end) {
            target_mem_release(kept, p.end - kept);
        }
    }
}

static int clear(struct mm *mm, const struct vma *v, const struct warm_piece *p)
{
    const int rw = PROT_READ | PROT_WRITE;
    uint64_t len = p->end - p->start, charged;
    int err = pages_charge(mm, p->start, p->end, &charged);

    if (!err && !(p->prot & PROT_WRITE)) {
        err = p->prot & PROT_EXEC ? -ENOMEM
                                  : target_mem_protect(p->start, len, rw);
        err = err ? err : arch_user_zero((void *)p->start, len);
    }
    if (!err) {
        err = target_mem_protect(p->start, len, prot_effective(v->prot));
    }
    if (!err) {
        resident_set(&mm->resident, p->start, p->end);
    } else {
        limit_uncharge(charged);
    }
    return err;
}

/* Of taken pieces: what was not filled goes, and faults bring it in. */
void warm_release_rest(struct mm *mm, uint64_t at, uint64_t end)
{
    while ((at = resident_find(&mm->resident, at, end, false)) < end) {
        uint64_t stop = resident_find(&mm->resident, at, end, true);

        target_mem_release(at, stop - at);
        at = stop;
    }
}

/* Whether p, which waits where v is mapped, has what v has. */
static bool is_as_it_was(const struct mm *mm, const struct vma *v,
                         const struct warm_piece *p)
{
    const struct warm *w = mm->warm;

    if (!v->obj && p->start == w->clock_page) {
        return w->clock_found && p->prot == (uint32_t)prot_effective(v->prot);
    }
    return p->id && p->id == id_of(v) && p->code == is_text(v) &&
           p->prot == (uint32_t)prot_effective(v->prot) &&
           p->off == v->off + (p->start - v->start);
}

void warm_lose_slots(struct mm *mm, const struct warm_piece *p)
{
    if (p->id && p->code) {
        trampolines_release(mm, p->start, p->end, false);
    }
}

/* Whether p may be seen before somebody takes it: v is about to, or what is
 * mapped there now has the same, or its file has ended there and p is zero. */
static bool may_be_seen(struct mm *mm, const struct vma *v,
                        const struct warm_piece *p)
{
    const struct vma *now = vma_at(mm, p->start);
    uint64_t size;

    if (!now || now->end < p->end) {
        return false;
    }
    return now == v || is_as_it_was(mm, now, p) ||
           (!p->content && id_of(now) &&
            now->obj->ops->texts(now->obj, &size) &&
            now->off + (p->start - now->start) >= size);
}

/* p, which v takes, is in reach again, and what comes behind it as far as that
 * may be: in an enclave each time is an exit. */
static bool show(struct mm *mm, const struct vma *v, const struct warm_piece *p)
{
    uint64_t end = p->end;
    struct warm_piece *next;

    while ((next = warm_piece_at(mm->warm, end)) != NULL && next->hidden &&
           may_be_seen(mm, v, next)) {
        end = next->end;
    }
    if (target_mem_protect(p->start, end - p->start, MEM_BACK)) {
        return target_mem_protect(p->start, p->end - p->start, (int)p->prot) ==
               0;
    }
    for (uint64_t at = p->end; at < end; at = next->end) {
        next = warm_piece_at(mm->warm, at);
        next->hidden = false;
    }
    return true;
}

static void fill(struct mm *mm, struct vma *v, const struct warm_piece *p)
{
    bool there = !p->hidden || show(mm, v, p);

    if (there && is_as_it_was(mm, v, p) &&
        !resident_prepare(&mm->resident, p->start, p->end)) {
        resident_set(&mm->resident, p->start, p->end);
        return;
    }
    limit_uncharge((p->end - p->start) / PAGE_SIZE);
    warm_lose_slots(mm, p);
    if (there && v->obj) {
        fault_fill(mm, v, p->start, p->end);
    } else if (there) {
        clear(mm, v, p);
    }
    warm_release_rest(mm, p->start, p->end);
}

bool warm_take_all(struct mm *mm, uint64_t start, uint64_t end)
{
    struct warm_piece p;
    bool any = false;

    while (!arena.lazy && warm_take(mm, start, end, &p)) {
        limit_uncharge((p.end - p.start) / PAGE_SIZE);
        any = true;
    }
    return any;
}

void warm_fill(struct mm *mm, uint64_t start, uint64_t end)
{
    struct vma *v = arena.lazy || !warm_starting(mm) ? NULL : vma_at(mm, start);
    struct warm_piece p;
    uint64_t stop = end;

    if (!v || v->flags & VMA_TRAMPOLINE) {
        return;
    }
    if (v->prot && (v->flags || !warm_is_copied(v))) {
        warm_drop(mm, start, end);
        return;
    }
    if (is_text(v)) {
        trampolines_move_in(mm, start, end);
    }
    if (!v->prot) {
        stop = start;
    } else if (v->obj && !is_text(v)) {
        stop = warm_code_begins(mm, v, start, end);
    }
    while (warm_take(mm, start, stop, &p)) {
        fill(mm, v, &p);
    }
    if (!mm->loading && stop < end && !warm_next_takes(mm, stop, end)) {
        warm_hide(mm, stop, end);
    }
}

/* While nothing of the program runs, nothing is hidden that the next segment
 * takes: each would be two exits. */
void mm_loaded(struct mm *mm)
{
    mm_lock(mm);
    mm->loading = false;
    if (!arena.lazy && warm_starting(mm)) {
        for (struct vma *v = vma_first(mm); v; v = vma_next(v)) {
            warm_hide(mm, v->start, v->end);
        }
    }
    mm_unlock(mm);
}
