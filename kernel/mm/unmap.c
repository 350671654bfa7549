/* SPDX-License-Identifier: MIT
 *
 * munmap(2), and giving pages back to the target. What remains of a VMA that
 * is cut stays in the tree; our own trampolines stay whole whatever the
 * program unmaps around them.
 */
#include "kernel/mm/limit.h"
#include "kernel/mm/text/trampoline.h"
#include "kernel/mm/warm.h"
#include "abi/linux/errno.h"
#include "target/target.h"

bool pages_give_back(struct mm *mm, uint64_t start, uint64_t end)
{
    uint64_t at = start, run_end, first = end, last = start;
    bool one_by_one = !arena.lazy || !mm_user_range(start, end - start);

    for (; resident_run(&mm->resident, &at, end, &run_end); at = run_end) {
        first = MIN(first, at);
        last = run_end;
        if (one_by_one) {
            target_mem_release(at, run_end - at);
        }
    }
    if (!one_by_one && first < last) { /* what is not committed does not mind */
        target_mem_release(first, last - first);
        warm_forget(mm, first, last);
    }
    return first < last;
}

int pages_prepare_forget(struct mm *mm, uint64_t start, uint64_t end)
{
    int err = resident_prepare(&mm->resident, start, end);

    /* Cut in the middle, a record becomes two. */
    return !err && mm->shown.count ? shown_make_room(mm) : err;
}

void pages_forget(struct mm *mm, uint64_t start, uint64_t end)
{
    uint64_t were = mm->resident.pages;

    resident_clear(&mm->resident, start, end);
    shown_forget(mm, start, end);
    limit_uncharge(were - mm->resident.pages);
}

void pages_release(struct mm *mm, uint64_t start, uint64_t end)
{
    if (start < end && pages_give_back(mm, start, end)) {
        trampolines_release(mm, start, end, false);
        pages_forget(mm, start, end);
    }
}

/* The most common case: a range inside one plain anonymous mapping. */
static bool keep_idle(struct mm *mm, uint64_t start, uint64_t end)
{
    struct vma *v = vma_at(mm, start);
    uint64_t kept;

    if (!v || v->end != end || v->obj || v->flags & ~(uint32_t)VMA_SHOWN_ONLY ||
        v->prot != (PROT_READ | PROT_WRITE) ||
        resident_find(&mm->resident, start, end, false) < end) {
        return false;
    }
    kept = idle_keep(mm, start, end);
    if (kept == start) {
        return false;
    }
    if (kept < end) {
        pages_give_back(mm, kept, end);
    }
    pages_forget(mm, start, end);
    trampolines_release(mm, start, end, false);
    vma_remove(mm, v);
    if (kept < end) {
        slots_trim(mm, kept, end);
    }
    return true;
}

/* VMAs that go by themselves, or not at all. */
static bool stands_alone(const struct vma *v)
{
    return v->flags & (VMA_TRAMPOLINE | VMA_WINDOW | VMA_FAMILY);
}

/* What is taken out of the set below: all pieces between such VMAs. */
static int prepare_pieces(struct mm *mm, uint64_t start, uint64_t end)
{
    int err = pages_prepare_forget(mm, start, end);

    for (struct vma *v = vma_find(mm, start); !err && v && v->start < end;
         v = vma_next(v)) {
        if (stands_alone(v)) {
            err = resident_prepare(&mm->resident, v->start, v->end);
        }
    }
    return err;
}

int unmap_locked(struct mm *mm, uint64_t start, uint64_t end)
{
    struct vma *v = vma_find(mm, start), *next;
    int err;

    if (!v || v->start >= end || start >= end) {
        return 0;
    }
    err = family_own(mm, start, end);
    if (!err) {
        err = vma_split_range(mm, start, end);
    }
    if (!err) {
        err = prepare_pieces(mm, start, end);
    }
    if (err) {
        return err;
    }
    if (keep_idle(mm, start, end)) {
        return 0;
    }
    for (v = vma_find(mm, start); v && v->start < end; v = next) {
        next = vma_next(v);
        if (v->flags & VMA_TRAMPOLINE) {
            pages_release(mm, start, v->start);
            start = v->end;
            continue;
        }
        if (v->flags & VMA_WINDOW) { /* not our pages */
            pages_release(mm, start, v->start);
            start = v->end;
            unmap_window(mm, v);
            continue;
        }
        if (v->flags & VMA_FAMILY) { /* not only ours */
            pages_release(mm, start, v->start);
            start = v->end;
            family_unmap(mm, v);
            continue;
        }
        vma_remove(mm, v);
    }
    if (start < end) {
        pages_release(mm, start, end);
        slots_trim(mm, start, end);
    }
    return 0;
}

int mm_unmap(struct mm *mm, uint64_t addr, uint64_t len)
{
    uint64_t size = ALIGN_UP(len, PAGE_SIZE);
    int err;

    if (!IS_ALIGNED(addr, PAGE_SIZE) || !len || size < len ||
        addr > MM_LINUX_END || size > MM_LINUX_END - addr) {
        return -EINVAL;
    }
    mm_lock(mm);
    err = seal_refuses(mm, addr, addr + size);
    if (!err) {
        err = unmap_locked(mm, MAX(addr, arena.start),
                           MIN(addr + size, arena.end));
    }
    mm_unlock(mm);
    return err;
}
