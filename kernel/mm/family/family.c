/* SPDX-License-Identifier: MIT
 *
 * Families: address spaces that use the same addresses, as fork(2) makes them
 * (DESIGN: section 4). The pages of one member, the resident one, are at their
 * addresses; the others have theirs in stores (store.c), and their gates are
 * closed, so that none of their tasks runs, in user code or in the kernel.
 * exchange.c puts one member in the place of another, schedule.c decides when.
 *
 * A page of the set f->common is there for all members: each has it, and none
 * may write to it (text, read-only data, trampolines) or can without a fault
 * (guard.c). All other pages are a member's own. Before a common page changes,
 * others get copies (family_own).
 *
 * Who may touch what: tasks of the resident member, its mm->lock held, or who
 * has closed its gate and drained it; nobody else looks at mappings and stores
 * of members that are not resident. f->lock guards who is a member.
 */
#include "kernel/mm/limit.h"
#include "kernel/mm/room.h"
#include "kernel/core/log.h"
#include "kernel/mm/family/families.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/warm.h"
#include "abi/linux/errno.h"
#include "lib/atomic.h"
#include "target/target.h"

struct family *family_create(struct mm *mm)
{
    struct family *f = kzalloc(sizeof(*f));

    if (f) {
        list_init(&f->spans);
        list_init(&f->members);
        families_prepare(f);
        spin_init(&f->lock, LOCK_FAMILY);
        list_add(&f->members, &mm->family_node);
        f->count = 1;
        f->resident = mm;
        f->key = isolation_take_key();
    }
    return f;
}

void family_move_in(struct family *f, struct mm *mm)
{
    spin_lock(&f->lock);
    mm->family = f;
    list_add(&f->members, &mm->family_node);
    f->count = 1;
    f->resident = mm;
    f->ended = true;
    spin_unlock(&f->lock);
    isolation_grant(mm);
}

void family_open(struct mm *mm)
{
    struct family *f = mm->family;

    spin_lock(&f->lock);
    f->ended = mm->gone; /* it may end with its start (leave_to_others) */
    spin_unlock(&f->lock);
}

static void family_free(struct family *f)
{
    isolation_drop_keys(f);
    vma_count_end(f);
    kfree(f);
}

void family_join(struct family *f, struct mm *mm)
{
    spin_lock(&f->lock);
    mm->family = f;
    list_add_tail(&f->members, &mm->family_node);
    f->count++;
    f->had_members = true;
    spin_unlock(&f->lock);
    vma_count_member(f, mm);
    isolation_grant(mm);
    families_watch(f);
}

bool family_hold(struct mm *mm)
{
    struct family *f = mm->family;

    spin_lock(&f->lock);
    while (f->exchanging) {
        spin_unlock(&f->lock);
        task_yield();
        spin_lock(&f->lock);
    }
    if (f->resident == mm) {
        return true;
    }
    spin_unlock(&f->lock);
    return false;
}

bool family_hold_now(struct mm *mm)
{
    struct family *f = mm->family;

    spin_lock(&f->lock);
    if (!f->exchanging && f->resident == mm) {
        return true;
    }
    spin_unlock(&f->lock);
    return false;
}

void family_let_go(struct mm *mm)
{
    spin_unlock(&mm->family->lock);
}

/* ---- programs without a choice ---- */

int family_enter(struct family *f, struct mm *mm)
{
    struct family *own = mm->family;
    bool ended, closed;

    spin_lock(&f->lock);
    ended = f->ended;
    if (!ended) {
        apart_begin(f, mm);
    }
    spin_unlock(&f->lock);
    if (ended) {
        return -EAGAIN;
    }
    closed = sched_gate_close(&mm->gate);
    check(closed);
    mm->stranger = true;
    list_del(&mm->family_node);
    family_join(f, mm);
    family_free(own);
    return 0;
}

/* Nobody joins a family that moved in before its start is over (warm.h), and
 * that may take a while: a debugger holds it, or the program has no such. */
static void end_start(uint64_t start, uint64_t end)
{
    struct mm *mm = slots_resident(start, end);

    if (mm) {
        mm_lock(mm);
        warm_started(mm);
        mm_unlock(mm);
        mm_put(mm);
    }
}

int mm_take_fixed(struct mm *mm, uint64_t start, uint64_t end)
{
    int err;

    for (;;) {
        mm_lock(mm);
        err = slots_claim_or_join(mm, start, end);
        mm_unlock(mm);
        if (err != -EAGAIN) {
            break;
        }
        end_start(start, end);
        task_yield();
    }
    sched_gate_enter(&mm->gate);
    return err;
}

/* ---- leaving ---- */

/* What a run of the same program finds. */
static void leave_warm(struct family *f, struct mm *mm, struct warm *w)
{
    spin_lock(&f->lock);
    list_del(&mm->family_node);
    f->count = 0;
    f->resident = NULL;
    spin_unlock(&f->lock);
    isolation_drop_keys(f);
    if (!arena.lazy) {
        limit_move_in(warm_bytes(w) / PAGE_SIZE);
    }
    warm_add(w);
}

/* The last member goes, and all with it. */
static void end_family(struct family *f, struct mm *mm)
{
    struct warm *w;

    mm_lock(mm);
    idle_drop(mm, arena.start, arena.end);
    alias_release_all(mm);
    w = warm_leave(mm);
    list_for_each (pos, &f->spans) {
        struct span *s = list_entry(pos, struct span, node);
        if (!w) {
            pages_give_back(mm, s->start, s->end);
        }
    }
    mm_empty(mm);
    resident_free(&f->common);
    resident_free(&f->settled);
    resident_free(&f->tried);
    mm->family = NULL;
    if (w) { /* before its files go, perhaps for good (mm_forget) */
        leave_warm(f, mm, w);
    }
    mm_unlock(mm);
    if (!w) {
        slots_release_all(f);
        family_free(f);
    }
}

/* True when mm was not the last; then its pages are left to the exchange that
 * follows. */
static bool leave_to_others(struct family *f, struct mm *mm)
{
    bool others;

    spin_lock(&f->lock);
    others = f->count > 1;
    f->ended = !others;
    if (others) {
        list_del(&mm->family_node);
        f->count--;
        f->resident = NULL;
        f->ghost = mm;
        mm_get(mm);
    }
    spin_unlock(&f->lock);
    return others;
}

void family_leave(struct mm *mm)
{
    struct family *f = mm->family;

    mutex_lock(&mm->lock); /* somebody else may end its start (end_start) */
    warm_next_leave(mm);
    idle_drop(mm, arena.start, arena.end);
    apart_leave(mm);
    if (mm->line) {
        atomic_store_relaxed(&mm->pieces.fresh, 0);
    }
    mutex_unlock(&mm->lock); /* its pieces are what they were */
    if (leave_to_others(f, mm)) {
        sched_gate_open(&mm->gate);
        sched_gate_event();
        return;
    }
    families_forget(f);
    end_family(f, mm);
    sched_gate_open(&mm->gate);
}

/* ---- common pages ---- */

/* Of what nobody has touched, nothing. Much goes where it can be moved from. */
static int give_touched(struct mm *to, uint64_t start, uint64_t end)
{
    enum { MUCH = 1 << 20 };
    struct touched t = {.from = start, .end = end};
    struct vma *v = vma_at(to, start);
    uint64_t from = start, stop;
    int err = 0;

    if (shadow_has_room() && v && v->end >= end &&
        touched_count(&t, start, end, MUCH) >= MUCH) {
        return store_put_aside(&to->store, &t, start, end,
                               prot_effective(v->prot));
    }
    for (; !err && touched_next(&t, &from, end, &stop); from = stop) {
        err = store_insert(&to->store, from, stop);
    }
    return err;
}

/* What is pure (piece_is_pure) is shown again. Of the rest that is shown the
 * target does not know what holds something. */
static int give_shown(struct mm *to, uint64_t start, uint64_t end)
{
    int err = 0;

    for (struct vma *v = vma_find(to, start); v && v->start < end && !err;
         v = vma_next(v)) {
        if (v->written) {
            err = store_insert(&to->store, MAX(start, v->start),
                               MIN(end, v->end));
        }
    }
    return err;
}

static int give_copy(struct mm *to, uint64_t start, uint64_t end)
{
    uint64_t shown, stop;
    int err = 0;

    for (; !err && start < end; start = stop) {
        shown = start;
        if (!shown_next(to, &shown, end, &stop)) {
            shown = stop = end;
        }
        if (start < shown) {
            err = give_touched(to, start, shown);
        }
        if (!err && shown < stop) {
            err = give_shown(to, shown, stop);
        }
    }
    return err;
}

/* A stranger has none of these pages. */
static int give_copies(struct family *f, struct mm *mm, uint64_t start,
                       uint64_t end)
{
    int err = resident_prepare(&f->common, start, end);

    list_for_each (pos, &f->members) {
        struct mm *other = list_entry(pos, struct mm, family_node);
        if (other != mm && !other->stranger && !err) {
            err = give_copy(other, start, end);
        }
    }
    return err;
}

static void take_copies(struct family *f, struct mm *mm, uint64_t start,
                        uint64_t end)
{
    list_for_each (pos, &f->members) {
        struct mm *other = list_entry(pos, struct mm, family_node);
        if (other != mm) {
            store_drop(&other->store, start, end);
        }
    }
}

int family_divide(struct family *f, struct mm *mm, uint64_t start, uint64_t end)
{
    uint64_t run_end;
    int err = 0;

    for (; !err && resident_run(&f->common, &start, end, &run_end);
         start = run_end) {
        err = give_copies(f, mm, start, run_end);
        if (!err && mm) {
            err = guard_lift(mm, start, run_end);
        }
        if (err) {
            take_copies(f, mm, start, run_end);
        } else {
            resident_clear(&f->common, start, run_end);
            f->changes++;
        }
    }
    return err;
}

int family_own(struct mm *mm, uint64_t start, uint64_t end)
{
    return likely(!mm->family->common.pages)
               ? 0
               : family_divide(mm->family, mm, start, end);
}
