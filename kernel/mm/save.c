/* SPDX-License-Identifier: MIT
 *
 * Putting the pages of a family's member into its store. Long pieces are moved
 * where the target can do that, whatever they hold; of short ones, and
 * elsewhere of all, what may hold something is copied: a few pages are copied
 * faster than a mapping of the host is moved.
 *
 * fork(2) copies in any case, huge pieces to where they are moved from later.
 */
#include "kernel/mm/families.h"
#include "kernel/core/log.h"
#include "abi/linux/errno.h"
#include "lib/atomic.h"
#include "arch/x86_64/arch.h"
#include "target/target.h"

/* With MANY bytes that may hold something, a piece is moved; from LONG on
 * without a look, but for stacks. A fork's copy is made where it is moved from
 * if it is HUGE: for less, the heap's pages, which are there, are faster. */
enum { MANY = 64 * PAGE_SIZE, LONG = 2 << 20, HUGE = 32 << 20 };

/* What may hold something, found ahead in batches. */
enum { BATCH = 32 };
struct touched {
    struct mem_run runs[BATCH];
    unsigned next, count;
    uint64_t from, end; /* where the search goes on, and ends */
};

/* The next part of [*start, end): sets *start and *stop. In ascending order
 * only. */
static bool touched_next(struct touched *t, uint64_t *start, uint64_t end,
                         uint64_t *stop)
{
    while (*start < end) {
        while (t->next < t->count) {
            struct mem_run *r = &t->runs[t->next];
            if (r->start >= end) {
                return false;
            }
            if (r->end > *start) {
                *start = MAX(*start, r->start);
                *stop = MIN(end, r->end);
                return true;
            }
            t->next++;
        }
        t->from = MAX(t->from, *start);
        if (t->from >= end) {
            return false;
        }
        t->next = 0;
        t->count = target_mem_touched(&t->from, t->end, t->runs, BATCH);
    }
    return false;
}

struct save {
    struct family *f;
    struct mm *mm;
    enum save_how how;
    struct touched touched;
};

static uint64_t swap_limit; /* of what a fork copies, bytes; 0: none */
static uint32_t limit_told; /* atomic */

void mm_swap_limit(uint64_t bytes)
{
    swap_limit = bytes;
}

static bool is_too_much(const struct save *s)
{
    if (s->how != SAVE_COPY || !swap_limit ||
        s->mm->store.copied <= swap_limit) {
        return false;
    }
    if (!atomic_xchg(&limit_told, 1)) {
        log_warn("fork: a process has written more than %lu MiB, which it and "
                 "its child would exchange; --swap-memory (swap_memory in a "
                 "policy) raises the limit",
                 swap_limit >> 20);
    }
    return true;
}

/* ---- short pieces ---- */

static int copy_run(struct store *s, const struct vma *v, uint64_t start,
                    uint64_t end)
{
    bool hidden = !prot_effective(v->prot);
    int err;

    if (hidden && target_mem_protect(start, end - start, MEM_READ)) {
        return -ENOMEM;
    }
    err = store_insert(s, start, end);
    if (hidden && target_mem_protect(start, end - start, 0)) {
        log_warn("memory at %lx keeps the wrong protection", start);
    }
    return err;
}

static bool is_long(const struct vma *v, uint64_t start, uint64_t end)
{
    return end - start >= LONG && v->name != MM_STACK && shadow_exists();
}

/* How far a search that begins in v may look: not into what is moved. */
static uint64_t horizon(struct vma *v)
{
    uint64_t end = v->end;

    while (!is_long(v, v->start, v->end) && (v = vma_next(v)) != NULL) {
        end = is_long(v, v->start, v->end) ? end : v->end;
    }
    return end;
}

/* From start on, in v; what was found is kept while it lasts. */
static struct touched *look_from(struct save *s, struct vma *v, uint64_t start)
{
    struct touched *t = &s->touched;

    if (start >= t->end) {
        t->next = t->count = 0;
        t->from = start;
        t->end = horizon(v);
    }
    return t;
}

static int save_short(struct save *s, struct vma *v, uint64_t start,
                      uint64_t end)
{
    struct touched *t = look_from(s, v, start);
    uint64_t from = start, to;
    int err = 0;

    for (; !err && touched_next(t, &from, end, &to); from = to) {
        err = s->how == SAVE_NOTE ? store_note(&s->mm->store, from, to)
                                  : copy_run(&s->mm->store, v, from, to);
    }
    return err;
}

/* ---- long pieces ---- */

/* Bytes that may hold something; does not count on beyond enough. */
static uint64_t count_touched(const struct touched *found, uint64_t start,
                              uint64_t end, uint64_t enough)
{
    struct touched t = *found;
    uint64_t n = 0, to;

    for (; n < enough && touched_next(&t, &start, end, &to); start = to) {
        n += to - start;
    }
    return n;
}

/* [start, end) can be read. */
static int copy_aside(struct store *s, uint64_t start, uint64_t end, int prot)
{
    struct touched t = {.next = 0, .end = end};
    uint64_t half = (end - start) / 2;
    bool dense = count_touched(&t, start, end, half) >= half;
    uint64_t from = start, to, shadow;
    int err = store_shadow(s, start, end, dense, &shadow);

    for (; !err && touched_next(&t, &from, end, &to); from = to) {
        void *at = (void *)(shadow + (from - start));
        s->copied += to - from;
        err = arch_user_copy(at, (void *)from, to - from) ? -EFAULT : 0;
    }
    if (!err && prot != (MEM_READ | MEM_WRITE)) {
        err = target_mem_protect(shadow, end - start, prot);
    }
    return err;
}

/* -EOPNOTSUPP: as if it were short. */
static int save_long(struct save *s, struct vma *v, uint64_t start,
                     uint64_t end)
{
    int prot = prot_effective(v->prot), err;

    if (s->how == SAVE_NOTE && end - start >= HUGE) {
        err = target_mem_clear(start, end - start);
    } else if (s->how == SAVE_MOVE) {
        err = store_move(&s->mm->store, start, end);
    } else if (prot && end - start >= HUGE) {
        return copy_aside(&s->mm->store, start, end, prot);
    } else {
        err = -EOPNOTSUPP;
    }
    return err ? -EOPNOTSUPP : 0;
}

/* ---- all of them ---- */

/* To copy code means to give pages back and to install others. */
static bool is_moved(struct save *s, struct vma *v, uint64_t start,
                     uint64_t end)
{
    if (!shadow_exists() || is_long(v, start, end)) {
        return shadow_exists();
    }
    if (v->prot & PROT_EXEC) {
        return !(v->flags & VMA_TRAMPOLINE); /* which are mostly the same */
    }
    return end - start >= MANY &&
           count_touched(look_from(s, v, start), start, end, MANY) >= MANY;
}

static int save_piece(struct save *s, struct vma *v, uint64_t start,
                      uint64_t end)
{
    int err =
        is_moved(s, v, start, end) ? save_long(s, v, start, end) : -EOPNOTSUPP;

    return err == -EOPNOTSUPP ? save_short(s, v, start, end) : err;
}

/* Of what is shown the target knows only what was written to; the rest is not
 * zero, but content, too. */
static int save_shown(struct save *s, struct vma *v, uint64_t start,
                      uint64_t end)
{
    return s->how == SAVE_NOTE ? store_note(&s->mm->store, start, end)
                               : copy_run(&s->mm->store, v, start, end);
}

static int save_own(struct save *s, struct vma *v, uint64_t start, uint64_t end)
{
    uint64_t shown, shown_end;
    int err = 0;

    for (; start < end && !err; start = shown_end) {
        shown = start;
        if (!shown_next(s->mm, &shown, end, &shown_end)) {
            shown = shown_end = end;
        }
        if (start < shown) {
            err = save_piece(s, v, start, shown);
        }
        if (!err && shown < shown_end) {
            err = save_shown(s, v, shown, shown_end);
        }
    }
    return err;
}

/* What of v is there and not the others', too. */
static int save_vma(struct save *s, struct vma *v)
{
    const struct resident *common = &s->f->common;
    uint64_t at = v->start, end, own, own_end;
    int err = 0;

    for (; resident_run(&s->mm->resident, &at, v->end, &end); at = end) {
        own = resident_find(common, at, end, false);
        for (; own < end && !err;
             own = resident_find(common, own_end, end, false)) {
            own_end = resident_find(common, own, end, true);
            err = save_own(s, v, own, own_end);
        }
    }
    return err;
}

/* What was moved goes back. */
static void undo(struct mm *mm)
{
    for (unsigned i = 0; i < mm->store.count; i++) {
        struct store_run *r = &mm->store.runs[i];
        uint64_t end = r->start + (uint64_t)r->pages * PAGE_SIZE;
        int prot = prot_effective(vma_at(mm, r->start)->prot);

        if (r->moved && store_return(r, r->start, end, prot)) {
            panic("the host neither moves nor copies a program's pages");
        }
    }
}

int family_save(struct family *f, struct mm *mm, enum save_how how)
{
    struct save s = {.f = f, .mm = mm, .how = how};
    int err = 0;

    for (struct vma *v = vma_first(mm); v && !err; v = vma_next(v)) {
        if (!(v->flags & (VMA_WINDOW | VMA_FAMILY))) {
            err = save_vma(&s, v);
        }
        err = !err && is_too_much(&s) ? -ENOMEM : err;
    }
    if (err && how == SAVE_MOVE) {
        undo(mm);
    }
    if (err) {
        store_free(&mm->store, false);
    }
    return err ? -ENOMEM : 0;
}
