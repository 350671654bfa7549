/* SPDX-License-Identifier: MIT
 *
 * Anonymous memory that the members of a family share (VMA_FAMILY), where
 * memory has one address: it stays at its place whoever is resident, so that
 * place is nobody else's. A member that does not map it has a piece without
 * access there instead. Memory that is shared by a fork gets its place in the
 * other members when they come in next; until then none of them can map
 * anything. Who maps it has the same pages of it in mm->resident, whoever
 * touched them; they count once (limit.h), and go with the last who maps them.
 *
 * Once there are several members, new memory lies in a window where it can
 * (mm_map), since the others may have something at any other place by the time
 * of the fork. With MAP_FIXED it cannot, and then fork(2) may fail.
 */
#include "kernel/mm/family/families.h"
#include "kernel/mm/limit.h"
#include "kernel/core/log.h"
#include "abi/linux/errno.h"
#include "lib/atomic.h"
#include "target/target.h"

enum { PLACE = VMA_FAMILY | VMA_TRAMPOLINE | VMA_SHARED };

/* ---- places ---- */

static bool is_mapped(const struct vma *v)
{
    return v->flags & VMA_FAMILY && !(v->flags & VMA_TRAMPOLINE);
}

/* Whether a member besides `but` has a mapping there; shared: of anonymous
 * memory that is shared, and not just its place. */
static bool others_have(struct family *f, struct mm *but, uint64_t start,
                        uint64_t end, bool shared)
{
    list_for_each (pos, &f->members) {
        struct mm *mm = list_entry(pos, struct mm, family_node);
        struct vma *v = mm == but ? NULL : vma_find(mm, start);

        for (; v && v->start < end; v = vma_next(v)) {
            if (!shared || is_mapped(v)) {
                return true;
            }
        }
    }
    return false;
}

int family_share(struct mm *mm, struct vma *v)
{
    if (v->flags & VMA_FAMILY) {
        return 0;
    }
    if (others_have(mm->family, mm, v->start, v->end, false)) {
        log_warn("fork fails: shared memory at %lx, mapped there by MAP_FIXED, "
                 "is where a relative has something else",
                 v->start);
        return -ENOMEM;
    }
    v->flags |= VMA_FAMILY;
    mm->family->shared++;
    return 0;
}

int family_take_place(struct mm *mm, const struct vma *v)
{
    uint64_t at = v->start;
    int err = 0;

    while (at < v->end && !err) {
        struct vma *mine = vma_find(mm, at), *place;
        uint64_t end = mine ? MIN(mine->start, v->end) : v->end;

        if (at < end) {
            err = vma_new(mm, at, end, 0, PLACE, NULL, 0, &place);
        }
        if (at < end && !err) {
            vma_insert(mm, place);
        }
        at = mine ? mine->end : v->end;
    }
    return err;
}

/* Others may read mm's mappings (mm_for_each), which they do without sleeping.
 * Who sleeps with the lock is a task of mm, behind its gate. */
int family_take_places(struct mm *mm)
{
    struct family *f = mm->family;
    bool locked;
    int err = 0;

    if (likely(mm->shared_seen == f->shared)) {
        return 0;
    }
    locked = mutex_lock_if_awake(&mm->lock);
    list_for_each (pos, &f->members) {
        struct mm *other = list_entry(pos, struct mm, family_node);
        struct vma *v = other == mm ? NULL : vma_first(other);

        for (; v && !err; v = vma_next(v)) {
            if (v->flags & VMA_FAMILY) {
                err = family_take_place(mm, v);
            }
        }
    }
    if (!err) {
        mm->shared_seen = f->shared;
        atomic_store_relaxed(&mm->pieces.fresh, 0);
    }
    if (locked) {
        mm_unlock(mm);
    }
    return err;
}

/* ---- who shares what ---- */

bool family_shares(struct family *f, struct mm *but, uint64_t start,
                   uint64_t end)
{
    return others_have(f, but, start, end, true);
}

/* Where the part of [at, end) that mm maps ends, or 0: it does not map `at`;
 * then *end is cut to where it does. */
static uint64_t mapped_until(struct mm *mm, uint64_t at, uint64_t *end)
{
    struct vma *v = vma_find(mm, at);

    while (v && v->start < *end && !is_mapped(v)) {
        v = vma_next(v);
    }
    if (!v || v->start >= *end) {
        return 0;
    }
    if (v->start > at) {
        *end = v->start;
        return 0;
    }
    return v->end;
}

bool family_next_alone(struct family *f, struct mm *but, uint64_t *start,
                       uint64_t end, uint64_t *stop)
{
    uint64_t at = *start, before;

    do {
        before = at;
        *stop = end;
        list_for_each (pos, &f->members) {
            struct mm *mm = list_entry(pos, struct mm, family_node);
            uint64_t until = 0;

            if (mm != but && at < end) {
                until = mapped_until(mm, at, stop);
            }
            at = MAX(at, until);
        }
    } while (at != before && at < end);
    *start = at;
    return at < end;
}

uint64_t family_counts(struct family *f, struct mm *mm)
{
    uint64_t pages = mm->resident.pages, at, stop;

    if (likely(!f || !f->shared || !limit_is_set())) {
        return pages;
    }
    for (struct vma *v = vma_first(mm); v; v = vma_next(v)) {
        if (!is_mapped(v)) {
            continue;
        }
        pages -= resident_count(&mm->resident, v->start, v->end);
        for (at = v->start; family_next_alone(f, mm, &at, v->end, &stop);
             at = stop) {
            pages += resident_count(&mm->resident, at, stop);
        }
    }
    return pages;
}

/* ---- pages ---- */

/* set: after the others' sets were prepared. */
static int note_others(struct mm *mm, uint64_t start, uint64_t end, bool set)
{
    int err = 0;

    list_for_each (pos, &mm->family->members) {
        struct mm *other = list_entry(pos, struct mm, family_node);
        struct vma *v = other == mm ? NULL : vma_find(other, start);

        for (; v && v->start < end && !err; v = vma_next(v)) {
            uint64_t from = MAX(start, v->start), to = MIN(end, v->end);
            if (is_mapped(v) && set) {
                resident_set(&other->resident, from, to);
            } else if (is_mapped(v)) {
                err = resident_prepare(&other->resident, from, to);
            }
        }
    }
    return err;
}

int family_commit(struct mm *mm, uint64_t start, uint64_t end, int prot)
{
    int err = note_others(mm, start, end, false);

    if (!err) {
        err = pages_commit(mm, start, end, prot);
    }
    return err ? err : note_others(mm, start, end, true);
}

uint64_t mm_address_space(struct mm *mm, uint64_t *addr)
{
    struct vma *v;
    uint64_t space = (uint64_t)mm;

    if (window_holds(*addr)) {
        return 0;
    }
    if (likely(!atomic_load_relaxed(&mm->shares))) {
        return space;
    }
    mm_lock(mm);
    v = vma_at(mm, *addr);
    if (v && v->flags & VMA_ALIAS) {
        space = 0;
        *addr = alias_source(v, *addr);
    } else if (v && v->flags & VMA_SHARED && !v->obj) {
        space = (uint64_t)mm->family;
    }
    mm_unlock(mm);
    return space;
}

/* While others use it, its addresses stay taken. */
void family_unmap(struct mm *mm, struct vma *v)
{
    uint64_t at = v->start, stop, alone = 0;

    if (!family_shares(mm->family, mm, v->start, v->end)) {
        pages_release(mm, v->start, v->end);
        vma_remove(mm, v);
        return;
    }
    if (target_mem_protect(v->start, v->end - v->start, 0)) {
        log_warn("memory at %lx keeps the wrong protection", v->start);
    }
    for (; family_next_alone(mm->family, mm, &at, v->end, &stop); at = stop) {
        alone += resident_count(&mm->resident, at, stop);
        pages_give_back(mm, at, stop);
    }
    limit_uncharge(alone);
    resident_clear(&mm->resident, v->start, v->end);
    mm->virtual_bytes -= v->end - v->start;
    v->flags = PLACE;
    v->prot = 0;
}
