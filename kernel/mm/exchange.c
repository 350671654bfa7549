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
#include "kernel/mm/families.h"
#include "kernel/core/log.h"
#include "kernel/core/stats.h"
#include "kernel/core/timer.h"
#include "kernel/mm/heap.h"
#include "abi/linux/errno.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "arch/x86_64/arch.h"
#include "arch/x86_64/page.h"
#include "target/target.h"

/* ---- loading ---- */

struct cursor {
    const struct store *store;
    unsigned next;
};

static uint64_t run_end(const struct store_run *r)
{
    return r->start + (uint64_t)r->pages * PAGE_SIZE;
}

/* The next run of the store in [*start, end) that is a copy (or a note): its
 * part there. */
static const struct store_run *cursor_next(struct cursor *c, uint64_t start,
                                           uint64_t end, uint64_t *from,
                                           uint64_t *to)
{
    for (; c->next < c->store->count; c->next++) {
        const struct store_run *r = &c->store->runs[c->next];
        uint64_t r_end = run_end(r);
        if (r->start >= end) {
            return NULL;
        }
        if (r_end > start && r->kind == STORE_COPY) {
            *from = MAX(start, r->start);
            *to = MIN(end, r_end);
            return r;
        }
    }
    return NULL;
}

struct walk {
    struct family *f;
    struct mm *out, *in;
    struct cursor old, new;
    unsigned moved;   /* in new.store: the next moved run */
    unsigned traded;  /* in old.store: the next traded run */
    unsigned was, is; /* in out->pieces and in->pieces: the next */
    bool forgot;      /* in->pieces are not right any more */
    uint64_t traded_bytes;
};

/* The target refused memory, and there is no way back. What the kernel can do
 * without goes; then once more. */
static void insist(unsigned *times)
{
    if (!heap_reclaim() && *times) {
        panic("the host refuses memory in the middle of an exchange");
    }
    ++*times;
}

static void commit(uint64_t at, uint64_t len, int prot)
{
    for (unsigned times = 0; target_mem_commit(at, len, prot);) {
        insist(&times);
    }
}

static void protect(uint64_t at, uint64_t len, int prot)
{
    for (unsigned times = 0; target_mem_protect(at, len, prot);) {
        insist(&times);
    }
}

static void install(uint64_t at, const void *src, uint64_t len, int prot)
{
    for (unsigned times = 0; target_mem_install(at, src, len, prot);) {
        insist(&times);
    }
}

/* What is committed and writable can be written. */
static void copy_in(void *to, const void *from, size_t len)
{
    if (arch_user_copy(to, from, len)) {
        panic("a page is gone in the middle of an exchange");
    }
}

static void clear(void *at, size_t len)
{
    if (arch_user_zero(at, len)) {
        panic("a page is gone in the middle of an exchange");
    }
}

static void take_back(const struct store_run *r, uint64_t at, uint64_t end,
                      int prot)
{
    for (unsigned times = 0; store_return(r, at, end, prot);) {
        insist(&times);
    }
}

/* [start, end) is writable: what `in` has stored there. */
static void load(struct walk *w, uint64_t start, uint64_t end, int prot)
{
    const struct store_run *r;
    uint64_t from, to;

    for (; start < end && (r = cursor_next(&w->new, start, end, &from, &to));
         start = to) {
        const char *src = (const char *)r->buf + (from - r->start);
        if (prot & MEM_EXEC) {
            install(from, src, to - from, prot);
        } else {
            copy_in((void *)from, src, to - from);
        }
    }
}

/* What `out` had there and `in` has not reads as zero: [start, end) is
 * writable. */
static void wipe_old(struct walk *w, uint64_t start, uint64_t end)
{
    uint64_t from, to;

    for (; start < end && cursor_next(&w->old, start, end, &from, &to);
         start = to) {
        struct cursor c = w->new;
        uint64_t at = from, kept, kept_end;
        while (at < to) {
            if (!cursor_next(&c, at, to, &kept, &kept_end)) {
                kept = kept_end = to;
            }
            if (kept > at) {
                clear((void *)at, kept - at);
            }
            at = kept_end;
        }
    }
}

static void skip(struct walk *w, uint64_t end)
{
    uint64_t from, to;

    cursor_next(&w->old, end, end, &from, &to);
    cursor_next(&w->new, end, end, &from, &to);
}

static bool has_any(struct walk *w, uint64_t start, uint64_t end)
{
    struct cursor old = w->old, new = w->new;
    uint64_t from, to;

    return cursor_next(&old, start, end, &from, &to) ||
           cursor_next(&new, start, end, &from, &to);
}

static void load_fresh(struct walk *w, uint64_t at, uint64_t end, int prot)
{
    bool late = !(prot & (MEM_WRITE | MEM_EXEC));

    commit(at, end - at, late ? MEM_READ | MEM_WRITE : prot);
    load(w, at, end, prot);
    if (late) {
        protect(at, end - at, prot);
    }
}

/* Whether what `in` has stored there is what `out` had, or neither has
 * anything: true of most pages that a program cannot write to. */
static bool is_same(struct walk *w, uint64_t start, uint64_t end)
{
    struct cursor old = w->old, new = w->new;
    const struct store_run *a, *b;
    uint64_t from, to, from2, to2;

    for (; start < end; start = to) {
        a = cursor_next(&old, start, end, &from, &to);
        b = cursor_next(&new, start, end, &from2, &to2);
        if (!a || !b) {
            return !a && !b;
        }
        to = MIN(to, to2);
        if (from != from2 || !a->buf ||
            memcmp((char *)a->buf + (from - a->start),
                   (char *)b->buf + (from - b->start), to - from) != 0) {
            return false;
        }
    }
    return true;
}

/* Both show the same there, and each has saved all of it: what is equal is
 * left alone, since most of it nobody has written to. Returns the protection
 * after that. */
static int load_changed(struct walk *w, uint64_t at, uint64_t end, int prot)
{
    const struct store_run *r;
    uint64_t next = at, from, to;

    for (; next < end && (r = cursor_next(&w->new, next, end, &from, &to));
         next = from + PAGE_SIZE) {
        const char *src = (const char *)r->buf + (from - r->start);

        if (arch_page_equal((void *)from, src)) {
            continue;
        }
        if (!(prot & MEM_WRITE)) {
            prot = MEM_READ | MEM_WRITE;
            protect(at, end - at, prot);
        }
        copy_in((void *)from, src, PAGE_SIZE);
    }
    return prot;
}

/* The next traded run of out's store in [*start, end): its part there. */
static const struct store_run *traded_next(struct walk *w, uint64_t *start,
                                           uint64_t end, uint64_t *stop)
{
    const struct store *s = w->old.store;

    for (; w->traded < s->count; w->traded++) {
        const struct store_run *r = &s->runs[w->traded];
        if (r->start >= end) {
            return NULL;
        }
        if (r->kind == STORE_TRADED && run_end(r) > *start) {
            *start = MAX(*start, r->start);
            *stop = MIN(end, run_end(r));
            return r;
        }
    }
    return NULL;
}

/* A page there and one of the store change their content. */
static void trade_page(void *at, void *stored)
{
    static uint8_t page[PAGE_SIZE]; /* exchanges are one task's work */

    memcpy(page, at, PAGE_SIZE);
    memcpy(at, stored, PAGE_SIZE);
    memcpy(stored, page, PAGE_SIZE);
}

/* [at, end) has protection prot: what the two have is traded, but where it is
 * the same, as most of it is. Returns the protection after that. */
static int trade(struct walk *w, uint64_t at, uint64_t end, int prot)
{
    const struct store_run *r;
    uint64_t from = at, to;

    for (; from < end && (r = traded_next(w, &from, end, &to)); from = to) {
        char *stored = (char *)r->buf + (from - r->start);
        if (!prot) {
            prot = MEM_READ;
            protect(at, end - at, prot);
        }
        for (; from < to; from += PAGE_SIZE, stored += PAGE_SIZE) {
            if (arch_page_equal((void *)from, stored)) {
                continue;
            }
            if (!(prot & MEM_WRITE)) {
                prot = MEM_READ | MEM_WRITE;
                protect(at, end - at, prot);
            }
            trade_page((void *)from, stored);
            w->traded_bytes += PAGE_SIZE;
        }
    }
    return prot;
}

/* Both show the same, which stays there. */
static bool stays_shown(const struct piece *was, const struct piece *is)
{
    int was_prot = piece_prot(was);

    return was->own && is->own && was->shown && was->shown == is->shown &&
           was_prot && !((was_prot | piece_prot(is)) & MEM_EXEC);
}

/* Both have pages of their own there. */
static void swap_piece(struct walk *w, uint64_t at, uint64_t end,
                       const struct piece *out, const struct piece *in)
{
    uint64_t len = end - at;
    int was = piece_prot(out), now = was, prot = piece_prot(in);

    if (stays_shown(out, in)) {
        now = load_changed(w, at, end, trade(w, at, end, was));
    } else if (out->shown) {
        target_mem_release(at, len);
        load_fresh(w, at, end, prot);
        return;
    } else if (was & MEM_WRITE ? has_any(w, at, end) : !is_same(w, at, end)) {
        if ((was | prot) & MEM_EXEC) {
            target_mem_release(at, len);
            load_fresh(w, at, end, prot);
            return;
        }
        if (!(was & MEM_WRITE)) {
            now = MEM_READ | MEM_WRITE;
            protect(at, len, now);
        }
        now = trade(w, at, end, now);
        wipe_old(w, at, end);
        load(w, at, end, prot);
    } else {
        now = trade(w, at, end, was);
    }
    if (now != prot) {
        protect(at, len, prot);
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

static void shared_piece(struct walk *w, uint64_t at, uint64_t end,
                         const struct piece *was, const struct piece *is)
{
    bool leaves = w->out && w->out->gone, stays = is_shared(is);
    int prot = piece_prot(is);

    if (leaves && !stays && !family_shares(w->f, w->out, at, end)) {
        target_mem_release(at, end - at);
    } else if (piece_prot(was) != prot || is_shared(was) != stays) {
        protect(at, end - at, prot);
    }
}

/* The moved run that holds `at`, or NULL; *end is cut where that changes. */
static const struct store_run *moved_at(struct walk *w, uint64_t at,
                                        uint64_t *end)
{
    const struct store *s = w->new.store;
    const struct store_run *r = s->runs + w->moved;

    while (w->moved < s->count &&
           (r->kind != STORE_MOVED || run_end(r) <= at)) {
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
    *end = MIN(*end, run_end(r));
    return r;
}

/* What both show stays, unless it is to be taken away (alias_revoke), or the
 * one has gone already; what only `in` shows comes with its faults. */
static void alias_piece(struct walk *w, uint64_t at, uint64_t end,
                        const struct piece *was, const struct piece *is)
{
    if (is_alias(was) && is_alias(is) && !w->f->ghost &&
        piece_prot(was) == piece_prot(is) &&
        alias_source(was->vma, at) == alias_source(is->vma, at) &&
        alias_there(is->vma, at, end)) {
        return;
    }
    target_mem_release(at, end - at);
    if (is->own) {
        load_fresh(w, at, end, piece_prot(is));
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
        load_fresh(w, at, end, piece_prot(is));
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
        moved = is.own ? moved_at(w, at, &end) : NULL;
        if (moved) {
            take_back(moved, at, end, piece_prot(&is));
        } else {
            change(w, at, end, &was, &is);
        }
        if (is.own && is.shown &&
            !stays_shown(&was, &is)) { /* its store's copy is there now */
            shown_forget(w->in, at, end);
            w->forgot = true;
        }
        skip(w, end);
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
    mm_put(mm);
}

/* Somebody comes who has nothing in common with the others: what they have
 * becomes their own. `out`, whose pages are there, is saved after this. */
static int end_common(struct family *f, struct mm *in, struct mm *out)
{
    uint64_t at = arena.start, end;
    int err = 0;

    for (; resident_run(&f->common, &at, arena.end, &end) && !err; at = end) {
        list_for_each (pos, &f->members) {
            struct mm *mm = list_entry(pos, struct mm, family_node);
            if (mm != in && mm != out && !err) {
                err = store_insert(&mm->store, at, end);
            }
        }
        if (!err && out) {
            err = guard_lift(out, at, end);
        }
    }
    if (!err) {
        resident_free(&f->common);
        f->changes++;
        in->stranger = false;
    }
    return err;
}

static uint64_t copied_in(const struct store *s)
{
    uint64_t bytes = 0;

    for (unsigned i = 0; i < s->count; i++) {
        const struct store_run *r = &s->runs[i];
        bytes += r->buf && r->kind == STORE_COPY ? run_end(r) - r->start : 0;
    }
    return bytes;
}

static void count_swap(const struct walk *w)
{
    struct mm *in = w->in;
    uint64_t copied =
        copied_in(w->old.store) + copied_in(&in->store) + 2 * w->traded_bytes;

    in->swaps++;
    in->swap_bytes += copied;
    in->swap_ns += w->f->swap_ns;
    stats_count(STAT_SWAP);
    stats_add(STAT_SWAP_COPIED, copied);
    stats_add(STAT_SWAP_MOVED, in->store.moved + w->old.store->moved);
    stats_add(STAT_SWAP_NS, w->f->swap_ns);
}

/* Everything that can fail. */
static int prepare(struct family *f, struct mm *in, struct mm *out)
{
    int err = in->stranger ? end_common(f, in, out) : 0;

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
    store_free(&w->in->store, true);
    if (w->forgot) {
        atomic_store_relaxed(&w->in->pieces.fresh, 0);
    }
    if (w->f->ghost) {
        bury_ghost(w->f);
    }
}

int family_exchange(struct family *f, struct mm *in)
{
    struct mm *out = f->ghost ? f->ghost : f->resident;
    struct walk w = {.f = f, .out = out, .in = in, .new = {&in->store, 0}};
    static const struct store nothing;
    uint64_t start = clock_now();
    int err = prepare(f, in, out);

    if (err) {
        return err;
    }
    w.old.store = out ? &out->store : &nothing;
    change_all(&w);
    spin_lock(&f->lock);
    f->resident = in;
    spin_unlock(&f->lock);
    f->since = clock_now();
    f->swap_ns = f->since - start;
    count_swap(&w);
    finish(&w);
    return 0;
}
