/* SPDX-License-Identifier: MIT
 *
 * Putting the pages of a family's member into its store. Long pieces are moved
 * where the target can do that, whatever they hold; of short ones, and
 * elsewhere of all, what may hold something is copied: a few pages are copied
 * faster than a mapping of the host is moved.
 *
 * fork(2) copies in any case, huge pieces to where they are moved from later.
 */
#include "kernel/mm/family/families.h"
#include "kernel/core/log.h"
#include "abi/linux/errno.h"
#include "lib/atomic.h"
#include "arch/x86_64/arch.h"
#include "target/target.h"

/* With MANY bytes that may hold something, a piece is moved; from LONG on
 * without a look, but for stacks. A fork's copy is made where it is moved from
 * if it is HUGE: for less, the heap's pages, which are there, are faster. */
enum { MANY = 24 * PAGE_SIZE, LONG = 2 << 20, HUGE = 32 << 20 };

/* To ask what may hold something takes longer than to copy this. */
enum { FEW = 16 * PAGE_SIZE, FAR = 128 << 20 };

struct save {
    struct family *f;
    struct mm *mm, *in; /* in: whose store may lend; or NULL */
    enum save_how how;
    struct touched touched;
    unsigned lender, there; /* in in->store and in->pieces: the next */
    unsigned mover;         /* in in->store: the next that was moved */
};

static uint64_t swap_limit; /* of what a fork copies, bytes; 0: none */
static uint32_t limit_told; /* atomic */

void mm_swap_limit(uint64_t bytes)
{
    swap_limit = bytes;
}

bool save_is_limited(void)
{
    return swap_limit != 0;
}

static bool is_too_much(const struct save *s)
{
    if (s->how != SAVE_COPY || !swap_limit ||
        s->mm->store.copied + s->f->guarded <= swap_limit) {
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

/* What of p `in` has a copy of, too, as ordinary pages that show the same as
 * p: its run, and its part from *start on. */
static bool lender_next(struct save *s, const struct piece *p, uint64_t *start,
                        uint64_t end, uint64_t *stop)
{
    const struct store *from = &s->in->store;

    for (; s->lender < from->count; s->lender++) {
        const struct store_run *r = &from->runs[s->lender];
        uint64_t r_end = r->start + (uint64_t)r->pages * PAGE_SIZE, at;
        struct piece is;
        if (r->start >= end) {
            return false;
        }
        at = MAX(*start, r->start);
        if (r_end <= at || r->kind != STORE_COPY) {
            continue;
        }
        is = piece_at(&s->in->pieces, &s->there, at);
        if (!is.own || piece_prot(&is) & MEM_EXEC ||
            (p->shown && p->shown + (at - p->start) != is.shown)) {
            return false;
        }
        *start = at;
        *stop = MIN(MIN(end, r_end), is.end);
        return true;
    }
    return false;
}

static int copy_run(struct save *s, const struct piece *p, uint64_t start,
                    uint64_t end)
{
    bool hidden = !piece_prot(p);
    int err;

    if (hidden && target_mem_protect(start, end - start, MEM_READ)) {
        return -ENOMEM;
    }
    err = store_insert(&s->mm->store, start, end);
    if (hidden && target_mem_protect(start, end - start, 0)) {
        log_warn("memory at %lx keeps the wrong protection", start);
    }
    return err;
}

/* Of what `in` has a copy of, too, the exchange trades the content. */
static int keep_run(struct save *s, const struct piece *p, uint64_t start,
                    uint64_t end)
{
    bool lends = s->in && !(piece_prot(p) & MEM_EXEC);
    uint64_t from, to;
    int err = 0;

    if (s->how == SAVE_NOTE) {
        return store_note(&s->mm->store, start, end);
    }
    for (; start < end && !err; start = to) {
        from = start;
        if (!lends || !lender_next(s, p, &from, end, &to)) {
            from = to = end;
        }
        if (start < from) {
            err = copy_run(s, p, start, from);
        }
        if (!err && from < to) {
            err = store_lend(&s->in->store, s->lender, from, to, &s->mm->store);
        }
    }
    return err;
}

static bool is_long(const struct piece *p)
{
    return p->end - p->start >= LONG && p->vma->name != MM_STACK &&
           shadow_exists();
}

/* How far a search that begins in the piece may look: not into what is moved,
 * nor across what takes longer to cross than to ask once more. */
static uint64_t horizon(const struct save *s, const struct piece *p)
{
    const struct piece *last = &s->mm->pieces.list[s->mm->pieces.count];
    uint64_t end = p->end;

    while (++p < last && p->start - end < FAR && !(p->own && is_long(p))) {
        end = p->end;
    }
    return end;
}

/* From p on; what was found is kept while it lasts. */
static struct touched *look_from(struct save *s, const struct piece *p)
{
    struct touched *t = &s->touched;

    if (p->start >= t->end) {
        t->next = t->count = 0;
        t->from = p->start;
        t->end = horizon(s, p);
    }
    return t;
}

static int save_short(struct save *s, const struct piece *p)
{
    struct touched *t;
    uint64_t from = p->start, to;
    int err = 0;

    if (p->end - p->start <= FEW) {
        return keep_run(s, p, p->start, p->end);
    }
    t = look_from(s, p);
    for (; !err && touched_next(t, &from, p->end, &to); from = to) {
        err = keep_run(s, p, from, to);
    }
    return err;
}

/* ---- long pieces ---- */

/* -EOPNOTSUPP: as if it were short. */
static int save_long(struct save *s, const struct piece *p)
{
    uint64_t len = p->end - p->start;
    struct touched t = {.from = p->start, .end = p->end};
    int prot = piece_prot(p), err;

    if (s->how == SAVE_NOTE && len >= HUGE) {
        err = target_mem_clear(p->start, len);
    } else if (s->how == SAVE_MOVE) {
        err = store_move(&s->mm->store, p->start, p->end);
    } else if (s->how == SAVE_COPY && prot && len >= HUGE) {
        return store_put_aside(&s->mm->store, &t, p->start, p->end, prot);
    } else {
        err = -EOPNOTSUPP;
    }
    return err ? -EOPNOTSUPP : 0;
}

/* ---- all of them ---- */

/* Whether `in` has moved something that goes to a place in p: what is copied
 * instead meets no pages when it comes back, and the host brings them in one by
 * one. */
static bool meets_moved(struct save *s, const struct piece *p)
{
    const struct store *from = s->in ? &s->in->store : NULL;

    while (from && s->mover < from->count) {
        const struct store_run *r = &from->runs[s->mover];
        if (r->start >= p->end) {
            break;
        }
        if (r->kind == STORE_MOVED &&
            r->start + (uint64_t)r->pages * PAGE_SIZE > p->start) {
            return true;
        }
        s->mover++;
    }
    return false;
}

/* To copy code means to give pages back and to install others. */
static bool is_moved(struct save *s, const struct piece *p)
{
    if (!shadow_has_room() || is_long(p)) {
        return shadow_has_room();
    }
    if (p->vma->prot & PROT_EXEC) { /* trampolines are mostly the same */
        return !(p->vma->flags & VMA_TRAMPOLINE);
    }
    return meets_moved(s, p) ||
           (p->end - p->start >= MANY &&
            touched_count(look_from(s, p), p->start, p->end, MANY) >= MANY);
}

/* Of what is shown the target knows only what was written to; the rest is not
 * zero, but content, too. */
static int save_piece(struct save *s, const struct piece *p)
{
    int err;

    if (p->shown) {
        return piece_is_pure(p) ? 0 : keep_run(s, p, p->start, p->end);
    }
    err = is_moved(s, p) ? save_long(s, p) : -EOPNOTSUPP;
    return err == -EOPNOTSUPP ? save_short(s, p) : err;
}

/* What was moved goes back. */
static void undo(struct mm *mm)
{
    for (unsigned i = 0; i < mm->store.count; i++) {
        struct store_run *r = &mm->store.runs[i];
        uint64_t end = r->start + (uint64_t)r->pages * PAGE_SIZE;
        int prot = prot_effective(vma_at(mm, r->start)->prot);

        if (r->kind == STORE_MOVED && store_return(r, r->start, end, prot)) {
            family_lose(mm);
        }
    }
    for (unsigned i = 0; mm->lost && i < mm->pieces.count; i++) {
        const struct piece *p = &mm->pieces.list[i];
        if (p->own) {
            target_mem_release(p->start, p->end - p->start);
        }
    }
}

int family_save(struct family *f, struct mm *mm, struct mm *in,
                enum save_how how)
{
    struct save s = {.f = f, .mm = mm, .in = in, .how = how};
    int err = 0;

    for (unsigned i = 0; i < mm->pieces.count && !err; i++) {
        if (mm->pieces.list[i].own) {
            err = save_piece(&s, &mm->pieces.list[i]);
        }
        err = !err && is_too_much(&s) ? -ENOMEM : err;
    }
    err = !err && is_too_much(&s) ? -ENOMEM : err;
    if (err && how == SAVE_MOVE) {
        undo(mm);
    }
    if (err && in) {
        store_reclaim(&in->store, &mm->store);
    }
    if (err) {
        store_free(&mm->store, false);
    }
    return err ? -ENOMEM : 0;
}
