/* SPDX-License-Identifier: MIT
 *
 * What an address space has at its addresses, as a list of pieces in which
 * nothing changes: what an exchange has to look at (families.h). It is made
 * from mappings and sets of pages, which takes longer than to exchange what
 * two small processes differ in; so it is kept until somebody takes the lock
 * of the address space (mm_lock), or the family's common pages change. Who had
 * the lock when it was made, asleep within a fault, may change more: then it is
 * made again.
 */
#include "kernel/mm/family/families.h"
#include "lib/atomic.h"
#include "abi/linux/errno.h"

static int add(struct pieces *p, struct piece piece)
{
    int err =
        runs_grow((void **)&p->list, &p->room, p->count + 1, sizeof(*p->list));

    if (!err) {
        p->list[p->count++] = piece;
    }
    return err;
}

/* [start, end) of v is mm's own: cut where it begins or ends to be shown. */
static int add_own(struct mm *mm, struct vma *v, uint64_t start, uint64_t end)
{
    int err = 0;

    while (start < end && !err) {
        uint64_t shown = start, stop;
        uint64_t src = shown_next(mm, &shown, end, &stop);

        if (!src) {
            shown = stop = end;
        }
        if (start < shown) {
            err = add(&mm->pieces, (struct piece){start, shown, v, 0, true});
        }
        if (!err && src) {
            err = add(&mm->pieces, (struct piece){shown, stop, v, src, true});
        }
        start = stop;
    }
    return err;
}

/* What of [at, stop) of v is there and not the others', too. */
static int add_part(const struct family *f, struct mm *mm, struct vma *v,
                    uint64_t at, uint64_t stop)
{
    uint64_t end, own, own_end;
    int err = 0;

    if (v->flags & (VMA_ALIAS | VMA_FAMILY)) {
        return add(&mm->pieces, (struct piece){at, stop, v, 0, false});
    }
    if (v->flags & VMA_WINDOW || mm->lost) {
        return 0;
    }
    for (; resident_run(&mm->resident, &at, stop, &end); at = end) {
        own = resident_find(&f->common, at, end, false);
        for (; own < end && !err;
             own = resident_find(&f->common, own_end, end, false)) {
            own_end = resident_find(&f->common, own, end, true);
            err = add_own(mm, v, own, own_end);
        }
    }
    return err;
}

/* What lies apart is no part of an exchange. */
static int add_vma(const struct family *f, struct mm *mm, struct vma *v)
{
    uint64_t at = v->start, stop;
    int err = 0;

    for (; at < v->end && !err; at = stop) {
        if (!slots_apart(at, v->end, &stop)) {
            err = add_part(f, mm, v, at, stop);
        }
    }
    return err;
}

int pieces_update(const struct family *f, struct mm *mm)
{
    struct pieces *p = &mm->pieces;
    int err = 0;

    if (atomic_load_relaxed(&p->fresh) && p->seen == f->changes) {
        return 0;
    }
    p->count = 0;
    for (struct vma *v = vma_first(mm); v && !err; v = vma_next(v)) {
        err = add_vma(f, mm, v);
    }
    p->seen = f->changes;
    atomic_store_relaxed(&p->fresh, !err && !mutex_taken(&mm->lock));
    return err;
}

/* Whether v is what `of` was copied to by a fork, and has what that has. */
static bool is_copy(const struct vma *v, const struct piece *of)
{
    return v && v->start <= of->start && v->end >= of->end &&
           v->prot == of->vma->prot &&
           !((v->flags ^ of->vma->flags) & ~lock_flags(true)) &&
           !(v->flags & VMA_WIPEONFORK);
}

void pieces_inherit(struct mm *child, const struct mm *mm)
{
    const struct pieces *from = &mm->pieces;
    struct pieces *to = &child->pieces;
    struct vma *v = vma_first(child);

    if (runs_grow((void **)&to->list, &to->room, from->count,
                  sizeof(*to->list))) {
        return;
    }
    for (unsigned i = 0; i < from->count; i++) {
        struct piece p = from->list[i];

        while (v && v->end <= p.start) {
            v = vma_next(v);
        }
        if (!is_copy(v, &p)) {
            return;
        }
        p.vma = v;
        to->list[i] = p;
    }
    to->count = from->count;
    to->seen = from->seen;
    atomic_store_relaxed(&to->fresh, 1);
}

struct piece piece_at(const struct pieces *p, unsigned *next, uint64_t at)
{
    struct piece gap = {.start = at, .end = arena.end};
    const struct piece *piece;

    while (*next < p->count && p->list[*next].end <= at) {
        ++*next;
    }
    if (*next == p->count) {
        return gap;
    }
    piece = &p->list[*next];
    if (piece->start > at) {
        gap.end = piece->start;
        return gap;
    }
    return (struct piece){at, piece->end, piece->vma,
                          piece->shown ? piece->shown + (at - piece->start) : 0,
                          piece->own};
}
