/* SPDX-License-Identifier: MIT
 *
 * The exchange of two members of a family: the own pages of the one go to its
 * store (save.c), those of the other come from its. Nobody's tasks run
 * meanwhile, and nothing here blocks. Mappings stay as they are; what changes
 * is which pages are committed, their protection and their content.
 *
 * Both members' address spaces are walked together, in pieces in which
 * neither changes its state. Most pieces are the same in both, as fork(2)
 * left them: then long ones are moved, and of short ones the bytes, without
 * asking the target.
 */
#include "kernel/mm/family/exchange.h"
#include "kernel/core/stats.h"
#include "kernel/core/timer.h"
#include "abi/linux/errno.h"
#include "lib/atomic.h"
#include "target/target.h"

/* Both show the same, which stays there. */
static bool stays_shown(const struct piece *was, const struct piece *is)
{
    return was->own && is->own && was->shown && was->shown == is->shown &&
           !((piece_prot(was) | piece_prot(is)) & MEM_EXEC);
}

/* Nothing of `in` is there. */
static void bring(struct walk *w, uint64_t at, uint64_t end,
                  const struct piece *in)
{
    if (piece_is_pure(in)) {
        exchange_show(w, at, end - at, in->shown, piece_prot(in));
    } else {
        exchange_load_fresh(w, at, end, piece_prot(in));
    }
}

static void swap_pure(struct walk *w, uint64_t at, uint64_t end,
                      const struct piece *out, const struct piece *in)
{
    if (!piece_is_pure(out) || out->shown != in->shown) {
        exchange_show(w, at, end - at, in->shown, piece_prot(in));
    } else if (piece_prot(out) != piece_prot(in)) {
        exchange_protect(w, at, end - at, piece_prot(in));
    }
}

/* Both have pages of their own there. */
static void swap_piece(struct walk *w, uint64_t at, uint64_t end,
                       const struct piece *out, const struct piece *in)
{
    uint64_t len = end - at;
    int was = piece_prot(out), now = was, prot = piece_prot(in);

    if (piece_is_pure(in)) {
        swap_pure(w, at, end, out, in);
        return;
    }
    if (stays_shown(out, in)) {
        now =
            exchange_load_changed(w, at, end, exchange_trade(w, at, end, was));
    } else if (out->shown) {
        target_mem_release(at, len);
        exchange_load_fresh(w, at, end, prot);
        return;
    } else if (was & MEM_WRITE ? exchange_has_any(w, at, end)
                               : !exchange_is_same(w, at, end)) {
        if ((was | prot) & MEM_EXEC) {
            target_mem_release(at, len);
            exchange_load_fresh(w, at, end, prot);
            return;
        }
        if (!(was & MEM_WRITE)) {
            now = MEM_READ | MEM_WRITE;
            exchange_protect(w, at, len, now);
        }
        now = exchange_trade(w, at, end, now);
        exchange_wipe(w, at, end);
        exchange_load(w, at, end, prot);
    } else {
        now = exchange_trade(w, at, end, was);
    }
    if (now != prot) {
        exchange_protect(w, at, len, prot);
    }
}

static bool is_alias(const struct piece *p)
{
    return p->vma && p->vma->flags & VMA_ALIAS;
}

static bool is_shared(const struct piece *p)
{
    return p->vma && p->vma->flags & VMA_FAMILY && !is_alias(p);
}

/* `out` was lost as it came in: what was not its own is perhaps not as it was
 * to be for it. */
static bool is_unsure(const struct walk *w)
{
    return w->out && w->out->lost;
}

static void shared_piece(struct walk *w, uint64_t at, uint64_t end,
                         const struct piece *was, const struct piece *is)
{
    bool leaves = w->out && w->out->gone, stays = is_shared(is);
    int prot = piece_prot(is);
    uint64_t stop;

    if (piece_prot(was) != prot || is_shared(was) != stays || is_unsure(w)) {
        exchange_protect(w, at, end - at, prot);
    }
    for (; leaves && !stays && family_next_alone(w->f, w->out, &at, end, &stop);
         at = stop) {
        target_mem_release(at, stop - at);
    }
}

/* The moved run that holds `at`, or NULL; *end is cut where that changes. */
static const struct store_run *moved_at(struct walk *w, uint64_t at,
                                        uint64_t *end)
{
    const struct store *s = w->new.store;
    const struct store_run *r = s->runs + w->moved;

    while (w->moved < s->count &&
           (r->kind != STORE_MOVED || store_run_end(r) <= at)) {
        w->moved++;
        r++;
    }
    if (w->moved == s->count || r->start >= *end) {
        return NULL;
    }
    if (r->start > at) {
        *end = r->start;
        return NULL;
    }
    *end = MIN(*end, store_run_end(r));
    return r;
}

/* What both show stays, unless it is to be taken away (alias_revoke), or the
 * one has gone already; what only `in` shows comes with its faults. */
static void alias_piece(struct walk *w, uint64_t at, uint64_t end,
                        const struct piece *was, const struct piece *is)
{
    if (is_alias(was) && is_alias(is) && !w->f->ghost && !is_unsure(w) &&
        piece_prot(was) == piece_prot(is) &&
        alias_source(was->vma, at) == alias_source(is->vma, at) &&
        alias_there(is->vma, at, end)) {
        return;
    }
    target_mem_release(at, end - at);
    if (is->own) {
        bring(w, at, end, is);
    }
}

static void change(struct walk *w, uint64_t at, uint64_t end,
                   const struct piece *was, const struct piece *is)
{
    if (is_alias(was) || is_alias(is)) {
        alias_piece(w, at, end, was, is);
    } else if (is_shared(was) || is_shared(is)) {
        shared_piece(w, at, end, was, is);
    } else if (was->own && is->own) {
        swap_piece(w, at, end, was, is);
    } else if (was->own) {
        target_mem_release(at, end - at);
    } else if (is->own) {
        bring(w, at, end, is);
    }
}

/* `in` is lost: what `out` was to trade there stays its own, and nothing that
 * can be touched is left. Shared memory is not the one's to lose. */
static void lose_piece(struct walk *w, uint64_t at, uint64_t end,
                       const struct piece *was, const struct piece *is)
{
    if (is_shared(was) || is_shared(is)) {
        shared_piece(w, at, end, was, is);
        return;
    }
    exchange_trade(w, at, end, piece_prot(was));
    if (was->vma || is->vma) {
        target_mem_release(at, end - at);
    }
}

/* So much of the piece at which that came about has been changed already. */
static void lose_changed(struct walk *w, uint64_t at, uint64_t end,
                         const struct piece *is)
{
    if (w->lost && is->own) {
        target_mem_release(at, end - at);
    }
}

/* What one of them has, and what it stands for, in order of address. */
static void change_all(struct walk *w)
{
    static const struct pieces none;
    const struct pieces *out = w->out ? &w->out->pieces : &none;
    uint64_t at = arena.start, end;

    while (at < arena.end) {
        struct piece was = piece_at(out, &w->was, at);
        struct piece is = piece_at(&w->in->pieces, &w->is, at);
        const struct store_run *moved;

        end = MIN(was.end, is.end);
        w->at = at;
        moved = is.own ? moved_at(w, at, &end) : NULL;
        if (w->lost) {
            lose_piece(w, at, end, &was, &is);
        } else if (moved) {
            exchange_take_back(w, moved, at, end, piece_prot(&is));
            lose_changed(w, at, end, &is);
        } else {
            change(w, at, end, &was, &is);
            lose_changed(w, at, end, &is);
        }
        if (is.own && is.shown && !piece_is_pure(&is) &&
            !stays_shown(&was, &is)) { /* its store's copy is there now */
            shown_forget(w->in, at, end);
            w->forgot = true;
        }
        exchange_skip(w, end);
        at = end;
    }
}

static void bury_ghost(struct family *f)
{
    struct mm *mm = f->ghost;

    f->ghost = NULL;
    store_free(&mm->store, false);
    mm_lock(mm);
    mm_empty(mm);
    mm_unlock(mm);
    apart_bury(f, mm);
    mm_put(mm);
}

/* Somebody comes who has nothing in common with the others: what they have
 * becomes their own. `out`, whose pages are there, is saved after this. */
static int end_common(struct family *f, struct mm *in, struct mm *out)
{
    int err = family_divide(f, out, arena.start, arena.end);

    if (!err) {
        resident_free(&f->common);
        in->stranger = false;
        settle_soon(f);
    }
    return err;
}

static uint64_t copied_in(const struct store *s)
{
    uint64_t bytes = 0;

    for (unsigned i = 0; i < s->count; i++) {
        const struct store_run *r = &s->runs[i];
        bytes +=
            r->buf && r->kind == STORE_COPY ? store_run_end(r) - r->start : 0;
    }
    return bytes;
}

static void count_bytes(const struct walk *w)
{
    struct mm *in = w->in;
    uint64_t moved = in->store.moved + w->old.store->moved;
    uint64_t copied =
        copied_in(w->old.store) + copied_in(&in->store) + 2 * w->traded_bytes;

    in->swap_bytes += copied;
    in->moved_bytes += moved;
    stats_add(STAT_SWAP_COPIED, copied);
    stats_add(STAT_SWAP_MOVED, moved);
}

/* From `start` on, and what came after it (settle.c) is part of it. */
static void count_swap(const struct walk *w, uint64_t start)
{
    struct family *f = w->f;

    f->since = clock_now();
    f->swap_ns = f->since - start;
    w->in->swaps++;
    w->in->swap_ns += f->swap_ns;
    stats_count(STAT_SWAP);
    stats_add(STAT_SWAP_NS, f->swap_ns);
}

/* Everything that can fail. */
static int prepare(struct family *f, struct mm *in, struct mm *out)
{
    int err = in->stranger ? end_common(f, in, out) : 0;

    if (!err) {
        err = family_take_places(in);
    }
    if (!err && out && !f->ghost) {
        apart_look(f, in, out);
    }
    if (!err) {
        err = pieces_update(f, in);
    }
    if (err || !out) {
        return err;
    }
    idle_drop(out, arena.start, arena.end);
    err = pieces_update(f, out);
    return err ? err
               : family_save(f, out, in, f->ghost ? SAVE_NOTE : SAVE_MOVE);
}

static void finish(struct walk *w)
{
    struct store *old = w->out ? &w->out->store : NULL;

    for (unsigned i = 0; old && i < old->count; i++) {
        if (old->runs[i].kind == STORE_TRADED) {
            old->runs[i].kind = STORE_COPY;
        }
    }
    store_free(&w->in->store, !w->in->lost);
    if (w->forgot) {
        atomic_store_relaxed(&w->in->pieces.fresh, 0);
    }
    if (w->f->ghost) {
        bury_ghost(w->f);
    } else if (w->out) {
        settle(w->f, w->in, w->out);
    }
}

static void set_exchanging(struct family *f, bool on)
{
    spin_lock(&f->lock);
    f->exchanging = on;
    spin_unlock(&f->lock);
}

int family_exchange(struct family *f, struct mm *in)
{
    struct mm *out = f->ghost ? f->ghost : f->resident;
    struct walk w = {.f = f, .out = out, .in = in, .new = {&in->store, 0}};
    static const struct store nothing;
    uint64_t start = clock_now();
    int err;

    set_exchanging(f, true);
    err = prepare(f, in, out);
    if (err) {
        set_exchanging(f, false);
        return err;
    }
    w.old.store = out ? &out->store : &nothing;
    change_all(&w);
    spin_lock(&f->lock);
    f->resident = in;
    f->exchanging = false;
    spin_unlock(&f->lock);
    count_bytes(&w);
    finish(&w);
    count_swap(&w, start);
    return 0;
}
