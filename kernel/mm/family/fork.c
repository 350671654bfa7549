/* SPDX-License-Identifier: MIT
 *
 * fork(2)'s part of memory: the child gets copies of all mappings and becomes
 * the resident member of its parent's family; the parent's own pages are
 * copied to its store. So the child runs first, in place, and when it ends or
 * executes another program, nothing but these copies has been paid for.
 *
 * The caller closes its own gate and so stops its siblings on other vCPUs,
 * for the copy is to be of one moment. It stays closed: the parent goes on
 * when schedule.c lets it in again.
 */
#include "kernel/mm/limit.h"
#include "kernel/mm/text/trampoline.h"
#include "kernel/core/log.h"
#include "kernel/core/stats.h"
#include "kernel/mm/family/families.h"
#include "kernel/mm/warm.h"
#include "kernel/mm/heap.h"
#include "abi/linux/errno.h"
#include "lib/atomic.h"
#include "target/target.h"

/* ---- what all members have and none can write ---- */

/* Readable, since copies may be made of them (family_own). */
bool fork_keeps(const struct vma *v)
{
    return v->prot && !(v->prot & PROT_WRITE) &&
           !(v->flags &
             (VMA_WINDOW | VMA_FAMILY | VMA_DONTFORK | VMA_WIPEONFORK));
}

static int find_unwritable(struct family *f, struct mm *mm)
{
    int err = 0;

    for (struct vma *v = vma_first(mm); v && !err; v = vma_next(v)) {
        uint64_t at = v->start, end;
        if (!fork_keeps(v)) {
            continue;
        }
        for (; !err && resident_run(&mm->resident, &at, v->end, &end);
             at = end) {
            err = resident_prepare(&f->common, at, end);
            if (!err) {
                resident_set(&f->common, at, end);
            }
        }
    }
    return err;
}

/* What was guarded and is not in `new` can be written to again, so that
 * nothing is lost with `was`. */
static void lift_rest(struct mm *mm, const struct resident *was,
                      const struct resident *new)
{
    uint64_t at = arena.start, end, stop;

    for (; resident_run(was, &at, arena.end, &end); at = stop) {
        bool kept = resident_test(new, at);
        stop = resident_find(new, at, end, !kept);
        if (!kept && guard_lift(mm, at, stop)) {
            log_warn("memory at %lx keeps the wrong protection", at);
        }
    }
}

static int find_common(struct family *f, struct mm *mm)
{
    struct resident was = f->common;
    int err;

    f->common = (struct resident){.root = NULL};
    f->changes++;
    err = find_unwritable(f, mm);
    if (!err) {
        err = guard_all(f, mm);
    }
    if (!err) {
        settle_alone(f, mm, &was);
    }
    lift_rest(mm, &was, &f->common);
    resident_free(&was);
    resident_free(&f->settled);
    f->found = err ? 0 : f->changes;
    return err;
}

/* What the last fork found still holds: neither has mm changed since, nor has
 * any of its common pages become a member's own. */
static bool is_found(const struct family *f, const struct mm *mm)
{
    return atomic_load_relaxed(&mm->pieces.fresh) &&
           mm->pieces.seen == f->changes && f->found == f->changes;
}

/* ---- copies ---- */

static bool stays_behind(const struct vma *v)
{
    return v->flags & VMA_DONTFORK && !(v->flags & VMA_TRAMPOLINE);
}

static int copy_vma(struct mm *to, struct mm *from, struct vma *v)
{
    bool shared = v->flags & VMA_SHARED && !v->obj;
    struct vma *copy;
    int err = 0;

    if (shared && !(v->flags & VMA_TRAMPOLINE)) {
        atomic_store_relaxed(&from->pieces.fresh, 0);
        err = family_share(from, v);
    }
    if (err) {
        return err;
    }
    err = vma_new(to, v->start, v->end, v->prot, v->flags & ~lock_flags(true),
                  v->obj, v->off, &copy);
    if (!err) {
        if (v->flags & VMA_ALIAS) {
            alias_enlist(to);
        }
        copy->name = v->name;
        copy->policy = v->policy;
        copy->guarded = v->guarded;
        copy->written = v->written;
        copy->again = v->again;
        vma_append(to, copy);
    }
    return err;
}

static int copy_vmas(struct mm *to, struct mm *from)
{
    int err = 0;

    for (struct vma *v = vma_first(from); v && !err; v = vma_next(v)) {
        if (!stays_behind(v)) {
            err = copy_vma(to, from, v);
        } else if (v->flags & VMA_FAMILY) { /* others have it still */
            err = family_take_place(to, v);
        }
    }
    return err;
}

static int copy_resident(struct mm *to, struct mm *from)
{
    int err = resident_copy(&to->resident, &from->resident);

    for (struct vma *v = vma_first(from); v && !err; v = vma_next(v)) {
        if (v->flags & (VMA_DONTFORK | VMA_WIPEONFORK)) { /* take_away() */
            err = resident_prepare(&to->resident, v->start, v->end);
        }
        if (!err && stays_behind(v)) {
            resident_clear(&to->resident, v->start, v->end);
        }
    }
    return err;
}

static void copy_facts(struct mm *to, const struct mm *from)
{
    to->home = from->home;
    to->home_top = from->home_top;
    to->has_image = from->has_image;
    to->brk_start = from->brk_start;
    to->brk = from->brk;
    to->layout = from->layout;
    mm_inherit_mdwe(to, from);
    to->shares = from->shares;
    to->shared_seen = from->shared_seen;
    to->windows = from->windows;
    to->secrets = from->secrets;
}

/* Where the host refuses to clear, the child's next touch commits anew. */
static void wipe(struct mm *child, uint64_t start, uint64_t end)
{
    if (target_mem_clear(start, end - start)) {
        target_mem_release(start, end - start);
        pages_forget(child, start, end);
    }
}

/* What the child does not get, or gets as zero. */
static void take_away(struct mm *child, struct mm *from)
{
    for (struct vma *v = vma_first(from); v; v = vma_next(v)) {
        uint64_t at = v->start, end;
        if (!(v->flags & (VMA_DONTFORK | VMA_WIPEONFORK)) ||
            (v->flags & VMA_WINDOW && !(v->flags & VMA_ALIAS)) ||
            v->flags & VMA_FAMILY) {
            continue;
        }
        if (v->flags & VMA_ALIAS && stays_behind(v)) {
            target_mem_release(v->start, v->end - v->start);
        }
        for (; resident_run(&from->resident, &at, v->end, &end); at = end) {
            if (stays_behind(v)) {
                target_mem_release(at, end - at);
            } else {
                wipe(child, at, end);
            }
        }
    }
}

static int own_what_stays(struct mm *mm)
{
    int err = 0;

    for (struct vma *v = vma_first(mm); v && !err; v = vma_next(v)) {
        if (v->flags & (VMA_DONTFORK | VMA_WIPEONFORK)) {
            err = family_own(mm, v->start, v->end);
        }
    }
    return err;
}

/* *counts: what was charged for the child. */
static int copy_all(struct mm *child, struct mm *mm, uint64_t *counts)
{
    struct family *f = mm->family;
    int err = own_what_stays(mm);

    if (!err && f->count == 1 && (settle_forks(f) || !is_found(f, mm))) {
        err = find_common(f, mm);
    }
    copy_facts(child, mm);
    if (!err) {
        err = copy_vmas(child, mm);
    }
    if (!err) {
        err = copy_resident(child, mm);
    }
    if (!err) {
        err = shown_copy(child, mm);
    }
    if (!err) {
        err = trampolines_copy(child, mm);
    }
    if (!err) {
        *counts = family_counts(f, child);
        err = limit_charge(*counts);
    }
    return err;
}

static void drop_child(struct mm *child)
{
    mm_lock(child);
    child->resident.pages = 0; /* not charged */
    mm_empty(child);
    mm_unlock(child);
    child->gone = true; /* it has no family to leave */
    mm_put(child);      /* alias_revoke() may have another reference */
}

static int fork_stopped(struct mm *mm, struct mm *child)
{
    struct family *f = mm->family;
    uint64_t counts;
    int err;

    idle_drop(mm, arena.start, arena.end);
    apart_end(mm);
    err = copy_all(child, mm, &counts);
    if (err) {
        return err;
    }
    err = pieces_update(f, mm);
    if (!err) {
        err = family_save(f, mm, NULL, SAVE_COPY);
    }
    if (err) {
        limit_uncharge(counts);
        return err;
    }
    if (!mm->line) {
        pieces_inherit(child, mm);
    }
    take_away(child, mm);
    mm->forks++;
    mm->fork_bytes += mm->store.copied;
    stats_count(STAT_FORK);
    stats_add(STAT_FORK_BYTES, mm->store.copied);
    child->line = mm->line;
    if (mm->line) {
        child->line_key = mm->line_key;
        isolation_share_key(mm->line_key);
    }
    family_join(f, child);
    spin_lock(&f->lock);
    f->resident = child;
    f->since = clock_now();
    spin_unlock(&f->lock);
    settle_soon(f);
    return 0;
}

int mm_fork(struct mm *mm, struct mm **out)
{
    int err = mm->lost ? -ENOMEM : mm_alloc(out);

    if (err) {
        return err;
    }
    for (;;) {
        mm_lock_pieces(mm);
        if (sched_gate_close(&mm->gate)) {
            break;
        }
        mm_unlock(mm); /* our turn is over, or a sibling forks */
        task_yield();
    }
    sched_gate_drain(&mm->gate);
    warm_started(mm);
    err = fork_stopped(mm, *out);
    if (!err) {
        withdraw_enlist(*out);
        mm_unlock_pieces(mm);
        return 0;
    }
    sched_gate_open(&mm->gate);
    sched_gate_event();
    mm_unlock(mm);
    limit_report();
    drop_child(*out);
    return err;
}

void mm_fork_done(struct mm *mm)
{
    sched_gate_event();
    sched_gate_enter(&mm->gate);
}
