/* SPDX-License-Identifier: MIT
 *
 * UFFDIO_WRITEPROTECT: pages that userfaultfd(2) keeps from being written to.
 * They are VMAs of their own, VMA_PROTECTED, which lack PROT_WRITE; `guarded`
 * is what their mapping allows. Whoever splits, copies or exchanges VMAs need
 * know no more. /proc shows them as what they are part of (mm.c).
 *
 * One that nobody serves any more, in a child or after its descriptor was
 * closed, becomes as it was when it is written to.
 */
#include "kernel/mm/userfault.h"
#include "kernel/mm/family/families.h"
#include "kernel/mm/room.h"
#include "abi/linux/errno.h"
#include "abi/linux/userfaultfd.h"

bool userfault_protects(const struct vma *v)
{
    return userfault_has(v, UFFDIO_REGISTER_MODE_WP);
}

/* [start, end) of one VMA. */
static int change(struct mm *mm, uint64_t start, uint64_t end, bool on)
{
    struct vma *v = vma_at(mm, start);
    uint8_t was = v->prot;
    int err;

    if (!!(v->flags & VMA_PROTECTED) == on || v->flags & VMA_GUARDED) {
        return 0; /* a guard is more, and is what it is to both of them */
    }
    err = vma_split_range(mm, start, end);
    v = vma_at(mm, start);
    if (!err) {
        err = protect_vma(mm, v, on ? was & ~PROT_WRITE : v->guarded);
    }
    if (!err) {
        v->flags ^= VMA_PROTECTED;
        v->guarded = on ? was : 0;
    }
    vma_merge(mm, v);
    return err;
}

/* Whether b, behind a, is part of the same but for the protection of one. */
static bool goes_on(const struct vma *a, const struct vma *b)
{
    const struct vma *kept = a->flags & VMA_PROTECTED ? a : b;
    const struct vma *free = kept == a ? b : a;

    return a->end == b->start && (a->flags ^ b->flags) == VMA_PROTECTED &&
           kept->guarded == free->prot && a->name == b->name &&
           a->server == b->server && a->serves == b->serves &&
           a->policy == b->policy;
}

uint64_t userfault_end(struct vma *v)
{
    struct vma *next = vma_next(v);

    for (; next && goes_on(v, next); next = vma_next(v)) {
        v = next;
    }
    return v->end;
}

int userfault_lift(struct mm *mm, uint64_t start, uint64_t end)
{
    int err = 0;

    while (!err && start < end) {
        struct vma *v = vma_find(mm, start);
        uint64_t stop = v ? MIN(v->end, end) : end;

        if (v && v->flags & VMA_PROTECTED && v->start < end) {
            err = change(mm, MAX(start, v->start), stop, false);
        }
        start = stop;
    }
    return err;
}

/* The next part of [*start, end), which is v's, that is there. */
static bool next_there(struct mm *mm, struct touched *t, uint64_t *start,
                       uint64_t end, uint64_t *stop)
{
    return arena.lazy ? touched_next(t, start, end, stop)
                      : resident_run(&mm->resident, start, end, stop);
}

int userfault_protect_page(struct mm *mm, uint64_t addr)
{
    return change(mm, addr, addr + PAGE_SIZE, true);
}

static int protect_there(struct mm *mm, uint64_t start, uint64_t end)
{
    struct touched t = {.from = start, .end = end};
    uint64_t stop;
    int err = 0;

    for (; !err && next_there(mm, &t, &start, end, &stop); start = stop) {
        err = change(mm, start, stop, true);
    }
    return err;
}

static int protect_locked(struct userfault *u, uint64_t start, uint64_t end,
                          bool on)
{
    struct mm *mm = u->mm;
    struct vma *v = vma_find(mm, start);
    uint64_t at = start;
    int err = v && v->start < end ? 0 : -ENOENT;

    while (!err && v && v->start < end) {
        uint64_t from = MAX(at, v->start), to = MIN(end, v->end);

        if (v->flags & VMA_TRAMPOLINE) {
            v = vma_next(v);
            continue;
        }
        if (v->server != u || !(v->serves & UFFDIO_REGISTER_MODE_WP)) {
            return -ENOENT;
        }
        err = !on              ? userfault_lift(mm, from, to)
              : u->unpopulated ? change(mm, from, to, true)
                               : protect_there(mm, from, to);
        at = to;
        v = at < end ? vma_find(mm, at) : NULL;
    }
    return err;
}

int userfault_protect(struct userfault *u, uint64_t start, uint64_t len,
                      bool on)
{
    struct mm *home = current_task()->mm;
    int err = userfault_enter(u->mm);

    if (err) {
        return err;
    }
    mm_lock(u->mm);
    err = u->mm->gone ? -ESRCH : protect_locked(u, start, start + len, on);
    mm_unlock(u->mm);
    userfault_leave(home);
    return err;
}
