/* SPDX-License-Identifier: MIT
 *
 * The exchange of two members of a family: the own pages of the one go to its
 * store, those of the other come from its. Nobody's tasks run meanwhile, and
 * nothing here blocks. Mappings stay as they are; what changes is which pages
 * are committed, their protection and their content.
 *
 * Both members' address spaces are walked together, in pieces in which
 * neither changes its state. Most pieces are the same in both, as fork(2)
 * left them: then only bytes move, and the target is not asked.
 */
#include "kernel/mm/families.h"
#include "kernel/core/log.h"
#include "kernel/core/timer.h"
#include "kernel/mm/heap.h"
#include "abi/linux/errno.h"
#include "arch/x86_64/arch.h"
#include "target/target.h"

/* ---- saving ---- */

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

static int save_run(struct store *s, const struct vma *v, uint64_t start,
                    uint64_t end, bool note_only)
{
    bool hidden = !prot_effective(v->prot);
    int err;

    if (note_only) {
        return store_note(s, start, end);
    }
    if (hidden && target_mem_protect(start, end - start, MEM_READ)) {
        return -ENOMEM;
    }
    err = store_add(s, start, end);
    if (hidden && target_mem_protect(start, end - start, 0)) {
        log_warn("memory at %lx keeps the wrong protection", start);
    }
    return err;
}

static int save_vma(struct family *f, struct mm *mm, struct vma *v,
                    struct touched *t, bool note_only)
{
    uint64_t at = v->start, run_end, own, own_end, from, to;
    int err = 0;

    for (; resident_run(&mm->resident, &at, v->end, &run_end); at = run_end) {
        own = resident_find(&f->common, at, run_end, false);
        for (; own < run_end && !err;
             own = resident_find(&f->common, own_end, run_end, false)) {
            own_end = resident_find(&f->common, own, run_end, true);
            for (from = own; !err && touched_next(t, &from, own_end, &to);
                 from = to) {
                err = save_run(&mm->store, v, from, to, note_only);
            }
        }
    }
    return err;
}

int family_save(struct family *f, struct mm *mm, bool note_only)
{
    struct vma *last = vma_last(mm);
    struct touched t = {.next = 0, .end = last ? last->end : 0};
    int err = 0;

    for (struct vma *v = vma_first(mm); v && !err; v = vma_next(v)) {
        if (!(v->flags & (VMA_WINDOW | VMA_FAMILY))) {
            err = save_vma(f, mm, v, &t, note_only);
        }
    }
    if (err) {
        store_free(&mm->store);
    }
    return err ? -ENOMEM : 0;
}

/* ---- walking ---- */

struct piece {
    uint64_t end; /* up to here nothing changes */
    bool own;     /* committed, with content of its own */
    bool shared;  /* VMA_FAMILY */
    int prot;     /* effective */
};

static struct piece piece_at(struct family *f, struct mm *mm, uint64_t at)
{
    struct piece p = {.end = arena.end};
    struct vma *v = mm ? vma_find(mm, at) : NULL;
    bool in;

    if (!v || v->start > at) {
        p.end = v ? v->start : arena.end;
        return p;
    }
    p.end = v->end;
    if (v->flags & VMA_WINDOW) {
        return p;
    }
    p.prot = prot_effective(v->prot);
    if (v->flags & VMA_FAMILY) {
        p.shared = true;
        return p;
    }
    in = resident_test(&mm->resident, at);
    p.end = resident_find(&mm->resident, at, v->end, !in);
    if (in) {
        bool common = resident_test(&f->common, at);
        p.own = !common;
        p.end = resident_find(&f->common, at, p.end, !common);
    }
    return p;
}

/* ---- loading ---- */

struct cursor {
    const struct store *store;
    unsigned next;
};

/* The next run of the store in [*start, end): its part there. */
static const struct store_run *cursor_next(struct cursor *c, uint64_t start,
                                           uint64_t end, uint64_t *from,
                                           uint64_t *to)
{
    for (; c->next < c->store->count; c->next++) {
        const struct store_run *r = &c->store->runs[c->next];
        uint64_t r_end = r->start + (uint64_t)r->pages * PAGE_SIZE;
        if (r->start >= end) {
            return NULL;
        }
        if (r_end > start) {
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
};

static void must(int err)
{
    if (err) {
        panic("the host refuses memory in the middle of an exchange: %d", err);
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
            must(target_mem_install(from, src, to - from, prot));
        } else {
            must(arch_user_copy((void *)from, src, to - from) ? -EFAULT : 0);
        }
    }
}

/* What `out` had there and `in` has not reads as zero: [start, end) is
 * writable. */
static void wipe(struct walk *w, uint64_t start, uint64_t end)
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
                must(arch_user_zero((void *)at, kept - at) ? -EFAULT : 0);
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

    must(target_mem_commit(at, end - at, late ? MEM_READ | MEM_WRITE : prot));
    load(w, at, end, prot);
    if (late) {
        must(target_mem_protect(at, end - at, prot));
    }
}

/* Both have pages of their own there. */
static void swap_piece(struct walk *w, uint64_t at, uint64_t end, int was,
                       int prot)
{
    uint64_t len = end - at;
    int now = was;

    if (has_any(w, at, end)) {
        if ((was | prot) & MEM_EXEC) {
            target_mem_release(at, len);
            load_fresh(w, at, end, prot);
            return;
        }
        if (!(was & MEM_WRITE)) {
            now = MEM_READ | MEM_WRITE;
            must(target_mem_protect(at, len, now));
        }
        wipe(w, at, end);
        load(w, at, end, prot);
    }
    if (now != prot) {
        must(target_mem_protect(at, len, prot));
    }
}

static void shared_piece(struct walk *w, uint64_t at, uint64_t end,
                         const struct piece *was, const struct piece *is)
{
    bool leaves = w->out && w->out->gone;

    if (leaves && !is->shared && !family_shares(w->f, w->out, at, end)) {
        target_mem_release(at, end - at);
    } else if (was->prot != is->prot || was->shared != is->shared) {
        must(target_mem_protect(at, end - at, is->prot));
    }
}

static void change(struct walk *w, uint64_t at, uint64_t end,
                   const struct piece *was, const struct piece *is)
{
    if (was->shared || is->shared) {
        shared_piece(w, at, end, was, is);
    } else if (was->own && is->own) {
        swap_piece(w, at, end, was->prot, is->prot);
    } else if (was->own) {
        target_mem_release(at, end - at);
    } else if (is->own) {
        load_fresh(w, at, end, is->prot);
    }
}

/* What one of them has, and what it stands for, in order of address. */
static void change_all(struct walk *w)
{
    uint64_t at = arena.start, end;

    while (at < arena.end) {
        struct piece was = piece_at(w->f, w->out, at);
        struct piece is = piece_at(w->f, w->in, at);

        end = MIN(was.end, is.end);
        change(w, at, end, &was, &is);
        skip(w, end);
        at = end;
    }
}

static void bury_ghost(struct family *f)
{
    struct mm *mm = f->ghost;

    f->ghost = NULL;
    store_free(&mm->store);
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
    }
    if (!err) {
        resident_free(&f->common);
        in->stranger = false;
    }
    return err;
}

int family_exchange(struct family *f, struct mm *in)
{
    struct mm *out = f->ghost ? f->ghost : f->resident;
    struct walk w = {.f = f, .out = out, .in = in, .new = {&in->store, 0}};
    static const struct store nothing;
    uint64_t start = clock_now();

    w.old.store = out ? &out->store : &nothing;
    if (in->stranger) {
        int err = end_common(f, in, out);
        if (err) {
            return err;
        }
    }
    if (out) {
        int err;
        idle_drop(out, arena.start, arena.end);
        err = family_save(f, out, f->ghost != NULL);
        if (err) {
            return err;
        }
    }
    change_all(&w);
    store_free(&in->store);
    spin_lock(&f->lock);
    f->resident = in;
    spin_unlock(&f->lock);
    f->since = clock_now();
    f->swap_ns = f->since - start;
    if (f->ghost) {
        bury_ghost(f);
    }
    return 0;
}
