/* SPDX-License-Identifier: MIT
 *
 * Which pages are there, as programs see it (mincore(2), /proc/PID/pagemap and
 * smaps), and how they come to be (mlock(2), MAP_POPULATE, MADV_POPULATE_*).
 * Where the target commits lazily, mm->resident is what may be used, not what
 * is: a page is there once somebody touched it, which the target knows. What
 * it says decides nothing.
 */
#include "kernel/mm/family/families.h"
#include "kernel/mm/room.h"
#include "kernel/mm/uaccess.h"
#include "kernel/mm/userfault.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

/* Takes [start, end) of what was looked for as there. */
struct look {
    uint8_t *vec; /* NULL: they are counted, no more */
    uint64_t base, pages;
};

static void found(struct look *l, uint64_t start, uint64_t end)
{
    l->pages += (end - start) / PAGE_SIZE;
    for (; l->vec && start < end; start += PAGE_SIZE) {
        l->vec[(start - l->base) / PAGE_SIZE] |= MM_THERE;
    }
}

/* What was touched of [from, from + len), which is [to, to + len) for who
 * looks. */
static void look_touched(struct look *l, uint64_t to, uint64_t from,
                         uint64_t len)
{
    struct touched t = {.from = from, .end = from + len};
    uint64_t at = from, stop;

    for (; touched_next(&t, &at, from + len, &stop); at = stop) {
        found(l, to + (at - from), to + (stop - from));
    }
}

static void look_resident(struct look *l, struct mm *mm, uint64_t start,
                          uint64_t end, bool here)
{
    uint64_t stop;

    for (; resident_run(&mm->resident, &start, end, &stop); start = stop) {
        if (here) {
            look_touched(l, start, start, stop - start);
        } else {
            found(l, start, stop);
        }
    }
}

/* Pages of files that are in memory, though not in this mapping yet. */
static void look_cached(struct look *l, struct mm *mm, uint64_t start,
                        uint64_t end)
{
    uint64_t stop, src;

    for (; start < end && (src = shown_next(mm, &start, end, &stop)) != 0;
         start = stop) {
        look_touched(l, start, src, stop - start);
    }
}

/* [start, end) is v's; here: mm's pages are at their addresses. */
static void look_vma(struct look *l, struct mm *mm, struct vma *v,
                     uint64_t start, uint64_t end, bool here, bool cached)
{
    if (v->flags & VMA_ALIAS && cached) {
        uint64_t src = alias_source(v, start);

        end = MIN(end, alias_end(v));
        if (src && start < end) {
            look_touched(l, start, src, end - start);
        }
    } else if (v->flags & VMA_ALIAS && here) {
        look_touched(l, start, start, end - start);
    } else if (v->flags & VMA_WINDOW) {
        found(l, start, end);
    } else {
        look_resident(l, mm, start, end, here);
        if (v->obj && cached) {
            look_cached(l, mm, start, end);
        }
    }
}

static bool can_be_here(const struct mm *mm)
{
    return !mm->gone && mm->family;
}

void mm_look(struct mm *mm, uint64_t addr, uint64_t pages, bool cached,
             uint8_t *vec)
{
    uint64_t end = addr + pages * PAGE_SIZE;
    struct look l = {.vec = vec, .base = addr};
    bool here;

    memset(vec, 0, pages);
    mm_lock(mm);
    here = can_be_here(mm) && family_hold(mm);
    for (struct vma *v = vma_find(mm, addr); v && v->start < end;
         v = vma_next(v)) {
        uint64_t from = MAX(addr, v->start), to = MIN(end, v->end);

        if (!(v->flags & VMA_TRAMPOLINE)) {
            memset(vec + (from - addr) / PAGE_SIZE,
                   MM_MAPPED |
                       (userfault_protects(v) && v->flags & VMA_PROTECTED
                            ? MM_PROTECTED
                            : 0),
                   (to - from) / PAGE_SIZE);
            look_vma(&l, mm, v, from, to, here, cached);
        }
    }
    if (here) {
        family_let_go(mm);
    }
    mm_unlock(mm);
}

int mm_incore(struct mm *mm, uint64_t addr, uint64_t pages, uint8_t *vec)
{
    int err = 0;

    mm_look(mm, addr, pages, true, vec);
    for (uint64_t i = 0; i < pages && !err; i++) {
        err = vec[i] & MM_MAPPED ? 0 : -ENOMEM;
        vec[i] &= MM_THERE;
    }
    return err;
}

uint64_t there_bytes(struct mm *mm, struct vma *v)
{
    struct look l = {.vec = NULL};
    bool here = can_be_here(mm) && family_hold_now(mm);

    look_vma(&l, mm, v, v->start, v->end, here, false);
    if (here) {
        family_let_go(mm);
    }
    return l.pages * PAGE_SIZE;
}

uint64_t mm_there_bytes(struct mm *mm)
{
    struct look l = {.vec = NULL};
    bool here;

    mm_lock(mm);
    here = can_be_here(mm) && family_hold(mm);
    for (struct vma *v = vma_first(mm); v; v = vma_next(v)) {
        look_vma(&l, mm, v, v->start, v->end, here, false);
    }
    if (here) {
        family_let_go(mm);
    }
    mm_unlock(mm);
    return l.pages * PAGE_SIZE;
}

/* ---- touching ---- */

enum { TOUCH_MANY = 1024 }; /* pages; then others may run */

/* The first part of [*start, end) that can be touched. write: as the caller
 * wants it, or where what is written is private. */
static bool next_to_touch(struct mm *mm, uint64_t *start, uint64_t end,
                          uint64_t *stop, bool *write)
{
    struct vma *v;

    mm_lock(mm);
    v = vma_find(mm, *start);
    while (
        v && v->start < end &&
        (!v->prot || v->server || v->flags & (VMA_TRAMPOLINE | VMA_GUARDED))) {
        v = vma_next(v);
    }
    if (v && v->start < end) {
        *start = MAX(*start, v->start);
        *stop = MIN(end, v->end);
        *write = v->prot & PROT_WRITE && (*write || !(v->flags & VMA_SHARED));
    } else {
        v = NULL;
    }
    mm_unlock(mm);
    return v != NULL;
}

/* Other threads may write to it meanwhile. */
static int touch(uint64_t addr, bool write)
{
    uint32_t was;

    return write ? user_rmw32(uptr(addr), USER_OR, 0, &was)
                 : get_user32(&was, uptr(addr));
}

void mm_touch(struct mm *mm, uint64_t start, uint64_t end, bool write)
{
    uint64_t stop;
    bool writes = write;
    int err = 0;

    if (!arena.lazy || mm != current_task()->mm) {
        return;
    }
    while (!err && start < end &&
           next_to_touch(mm, &start, end, &stop, &writes)) {
        for (unsigned n = 1; start < stop && !err; start += PAGE_SIZE, n++) {
            err = touch(start, writes);
            if (n % TOUCH_MANY == 0 && !err) {
                task_yield();
                err = task_is_killed(current_task()) ? -EINTR : 0;
            }
        }
        writes = write;
    }
}
