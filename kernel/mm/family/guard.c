/* SPDX-License-Identifier: MIT
 *
 * What a fork need not copy, where writes can be made to fault: pages that
 * both may write to stay where they are, among the family's common pages, and
 * are write-protected at the target. Who writes to one faults; the others get
 * copies of it and its neighbours, and it becomes everybody's own. So a child
 * that changes little costs little, however much its parent has, and what
 * nobody writes to is never exchanged.
 *
 * A fault takes as long as to copy ten pages: a small piece that holds
 * something is copied by fork all the same. The rest of what only few pages
 * hold something of is guarded, and need not be searched any more.
 *
 * When the others have gone, what is guarded still stays so until it is written
 * to: the next fork finds it as it wants it.
 */
#include "kernel/mm/family/families.h"
#include "kernel/core/log.h"
#include "abi/linux/errno.h"
#include "target/target.h"

enum {
    DENSE = 32 * PAGE_SIZE, /* holding that much, a run is guarded as a whole */
    GAP = 16 * PAGE_SIZE,   /* between what holds something: is guarded */
    /* What a fault makes the members' own. Little at first, for most children
     * write to little, and each other member gets a copy. After that many
     * faults more: the host's count of mappings is limited, and whole tables of
     * pages can be moved in an exchange. For that count's sake single pages
     * that had become common later (settle.c) are not more, either. */
    LITTLE = 4 * PAGE_SIZE,
    LITTLE_FAULTS = 64,
    SOME = 16 * PAGE_SIZE,
    SOME_FAULTS = 4096,
    TABLE = 2 << 20,
};

static bool guards;

void mm_guard_forks(bool on)
{
    guards = on;
}

bool guard_can(const struct vma *v)
{
    return guards && v->prot & PROT_WRITE && !(v->prot & PROT_EXEC) &&
           !(v->flags & (VMA_SHARED | VMA_WINDOW | VMA_FAMILY | VMA_TRAMPOLINE |
                         VMA_DONTFORK | VMA_WIPEONFORK));
}

static int set_writable(struct mm *mm, uint64_t start, uint64_t end, bool on)
{
    int err = 0;

    for (struct vma *v = vma_find(mm, start); v && v->start < end;
         v = vma_next(v)) {
        uint64_t from = MAX(start, v->start), to = MIN(end, v->end);
        int prot = prot_effective(v->prot);

        if (prot & MEM_WRITE &&
            target_mem_protect(from, to - from,
                               on ? prot : prot & ~MEM_WRITE)) {
            err = -ENOMEM;
        }
    }
    return err;
}

/* All of it or nothing: what could be written to although it is common would
 * be seen by all. */
static int allow_write(struct mm *mm, uint64_t start, uint64_t end, bool on)
{
    int err = set_writable(mm, start, end, on);

    if (err && set_writable(mm, start, end, !on)) {
        log_warn("memory at %lx keeps the wrong protection", start);
    }
    return err;
}

/* ---- fork ---- */

struct guard {
    struct family *f;
    struct mm *mm;
    struct touched touched;
};

int guard_pages(struct family *f, struct mm *mm, uint64_t start, uint64_t end)
{
    int err = resident_prepare(&f->common, start, end);

    if (!err) {
        err = allow_write(mm, start, end, false);
    }
    if (!err) {
        resident_set(&f->common, start, end);
        f->changes++;
    }
    return err;
}

static int protect(const struct guard *g, uint64_t start, uint64_t end)
{
    return guard_pages(g->f, g->mm, start, end);
}

/* Few pages of [start, end) hold something. */
static int guard_gaps(struct guard *g, uint64_t start, uint64_t end)
{
    uint64_t at = start, from, to;
    int err = 0;

    while (!err && at < end) {
        from = at;
        if (!touched_next(&g->touched, &from, end, &to)) {
            from = to = end;
        }
        if (from - at >= GAP) {
            err = protect(g, at, from);
        }
        at = to;
    }
    return err;
}

static int guard_run(struct guard *g, const struct vma *v, uint64_t start,
                     uint64_t end)
{
    uint64_t len = end - start, n;

    if (len < GAP) {
        return 0;
    }
    if (g->touched.end < end) {
        g->touched = (struct touched){.from = start, .end = v->end};
    }
    n = touched_count(&g->touched, start, end,
                      save_is_limited() ? len : (uint64_t)DENSE);
    if (n >= DENSE) {
        g->f->guarded += n;
        return protect(g, start, end);
    }
    return guard_gaps(g, start, end);
}

/* The same for what shows a file, which the target knows little of. */
static int guard_shown(struct guard *g, uint64_t start, uint64_t end)
{
    return end - start >= DENSE ? protect(g, start, end) : 0;
}

static int guard_vma(struct guard *g, const struct vma *v)
{
    uint64_t at = v->start, end, shown, stop;
    int err = 0;

    for (; !err && resident_run(&g->mm->resident, &at, v->end, &end);) {
        shown = at;
        if (!shown_next(g->mm, &shown, end, &stop)) {
            shown = stop = end;
        }
        if (at < shown) {
            err = guard_run(g, v, at, shown);
        }
        if (!err && shown < stop) {
            err = guard_shown(g, shown, stop);
        }
        at = stop;
    }
    return err;
}

int guard_all(struct family *f, struct mm *mm)
{
    struct guard g = {.f = f, .mm = mm};
    int err = 0;

    f->guarded = f->faults = f->settled_faults = 0;
    for (struct vma *v = vma_first(mm); v && guards && !err; v = vma_next(v)) {
        if (guard_can(v)) {
            err = guard_vma(&g, v);
        }
    }
    return err;
}

/* ---- writing ---- */

int guard_lift(struct mm *mm, uint64_t start, uint64_t end)
{
    return guards ? allow_write(mm, start, end, true) : 0;
}

bool guard_holds(struct mm *mm, uint64_t addr)
{
    return guards && resident_test(&mm->family->common, addr);
}

static int write_in(struct mm *mm, struct vma *v, uint64_t addr, uint64_t size)
{
    uint64_t start = ALIGN_DOWN(addr, size);

    return family_own(mm, MAX(start, v->start), MIN(start + size, v->end));
}

static uint64_t reach(struct family *f, uint64_t addr)
{
    bool alone = f->count == 1; /* then nothing is copied, but by a fork */

    if ((resident_test(&f->tried, addr) ||
         (!alone && resident_test(&f->settled, addr))) &&
        f->settled_faults < SOME_FAULTS) {
        f->settled_faults++;
        return PAGE_SIZE;
    }
    if (alone) {
        return TABLE;
    }
    f->faults++;
    if (f->faults <= LITTLE_FAULTS) {
        return LITTLE;
    }
    return f->count == 2 || f->faults > SOME_FAULTS ? TABLE : SOME;
}

int guard_fault(struct mm *mm, struct vma *v, uint64_t addr)
{
    int err = write_in(mm, v, addr, reach(mm->family, addr));

    mm->guard_faults++;
    if (err) { /* as little memory as can be, else as few mappings */
        err = write_in(mm, v, addr, PAGE_SIZE);
    }
    return err ? family_own(mm, v->start, v->end) : 0;
}
