/* SPDX-License-Identifier: MIT
 *
 * Pages of their own that all members of a family have alike become common
 * again: exchanges look at them no more. They come about when a fault makes the
 * neighbours of what was written the members' own (guard.c), by what a fork
 * copies because it is little, and between runs of one program.
 *
 * That is tried after some exchanges, more and more rarely while nothing is
 * found. What can be written to is write-protected for it, where that can be;
 * who writes to it all the same makes it everybody's own for long: to be common
 * costs a fault each time, to be own a comparison in each exchange.
 *
 * A shell's children end before any exchange looks at them, and each of its
 * forks copies the same pages, most of which neither writes to. So it is tried
 * after some forks as well, when nobody but the parent is there.
 */
#include "kernel/mm/family/families.h"
#include "kernel/mm/heap.h"
#include "arch/x86_64/page.h"
#include "lib/bitmap.h"

/* Exchanges until the next look: by then to compare a page has cost about what
 * it costs to protect it, and to be wrong. MEMBERS_MOST: more hardly agree.
 * RUNS_MOST: of common pages; each costs the host two mappings, which are
 * limited. */
enum { SOON = 32, LATE = 1024, MEMBERS_MOST = 64, RUNS_MOST = 4096 };

/* Forks until the next look; of no more runs at once, each of which is a call
 * of the host. */
enum { FORKS_SOON = 16, FORKS_LATE = 1024, TRIED_MOST = 64 };

struct settle {
    struct family *f;
    struct mm *in, *out;
    uint64_t *alike; /* for each run of out's store, a bit for each page */
    unsigned room;   /* for runs of common pages */
};

enum { PAGES = STORE_COPY_PAGES }; /* of such a run, at most */
_Static_assert(PAGES == 64, "they are bits of a word");

/* Where a search in order of address is in what a member has. */
struct place {
    unsigned piece, run;
};

static uint64_t run_end(const struct store_run *r)
{
    return r->start + (uint64_t)r->pages * PAGE_SIZE;
}

/* What m has stored of the page, or NULL. */
static const void *stored_page(const struct mm *m, struct place *p, uint64_t at)
{
    const struct store *s = &m->store;
    const struct store_run *r;

    while (p->run < s->count && run_end(&s->runs[p->run]) <= at) {
        p->run++;
    }
    r = &s->runs[p->run];
    return p->run < s->count && r->start <= at && r->kind == STORE_COPY &&
                   r->buf
               ? (const char *)r->buf + (at - r->start)
               : NULL;
}

/* Both may have the page in common, if it holds the same. */
static bool fits(const struct piece *a, const struct piece *b)
{
    const struct vma *v = a->vma, *w = b->vma;

    return a->own && b->own && piece_prot(a) & MEM_READ &&
           (guard_can(v) || fork_keeps(v)) && v->prot == w->prot &&
           !((v->flags ^ w->flags) & ~lock_flags(true)) &&
           a->shown == b->shown && v->written == w->written;
}

static bool is_alike(const struct settle *s, const struct mm *m,
                     struct place *p, unsigned *there, uint64_t at)
{
    struct piece is = piece_at(&s->in->pieces, there, at);
    struct piece other = piece_at(&m->pieces, &p->piece, at);
    const void *page = stored_page(m, p, at);

    return page && !resident_test(&s->f->settled, at) && fits(&is, &other) &&
           arch_page_equal((void *)at, page);
}

/* Of the pages that are alike so far, those that m, too, has like that. */
static void narrow(struct settle *s, const struct mm *m)
{
    const struct store *out = &s->out->store;
    struct place place = {0, 0};
    unsigned there = 0;

    for (unsigned i = 0; i < out->count; i++) {
        const struct store_run *r = &out->runs[i];
        uint64_t *alike = &s->alike[i];
        size_t page = bitmap_find_set(alike, PAGES, 0);

        for (; page < PAGES; page = bitmap_find_set(alike, PAGES, page + 1)) {
            if (!is_alike(s, m, &place, &there, r->start + page * PAGE_SIZE)) {
                bitmap_clear(alike, page);
            }
        }
    }
}

/* Runs that are copies, with all of their pages; none other. */
static void begin(struct settle *s)
{
    const struct store *out = &s->out->store;

    for (unsigned i = 0; i < out->count; i++) {
        const struct store_run *r = &out->runs[i];
        s->alike[i] =
            r->kind == STORE_COPY && r->buf ? ~0ull >> (PAGES - r->pages) : 0;
    }
}

/* False: no memory; nothing changed. */
static bool settle_pages(struct settle *s, uint64_t start, uint64_t end)
{
    struct family *f = s->f;
    int err = resident_prepare(&f->settled, start, end);

    list_for_each (pos, &f->members) {
        struct mm *m = list_entry(pos, struct mm, family_node);
        if (!err && m != s->in) {
            err = store_cut(&m->store, start, end);
        }
    }
    if (err || guard_pages(f, s->in, start, end)) {
        return false;
    }
    list_for_each (pos, &f->members) {
        store_drop(&list_entry(pos, struct mm, family_node)->store, start, end);
    }
    resident_set(&f->settled, start, end);
    return true;
}

static unsigned room_for_runs(const struct family *f)
{
    uint64_t at = arena.start, end;
    unsigned room = RUNS_MOST;

    for (; room && resident_run(&f->common, &at, arena.end, &end); at = end) {
        room--;
    }
    return room;
}

/* From the last run on: those before keep their places in the store. */
static uint64_t settle_all(struct settle *s)
{
    uint64_t pages = 0;

    for (unsigned i = s->out->store.count; i-- > 0;) {
        struct store_run r = s->out->store.runs[i];
        const uint64_t *alike = &s->alike[i];
        size_t end, at = bitmap_find_set(alike, PAGES, 0);

        for (; s->room && at < PAGES; at = bitmap_find_set(alike, PAGES, end)) {
            end = bitmap_find_zero(alike, PAGES, at);
            if (settle_pages(s, r.start + at * PAGE_SIZE,
                             r.start + end * PAGE_SIZE)) {
                pages += end - at;
                s->room--;
            }
        }
    }
    return pages;
}

/* Nobody's mappings are in the middle of a change, and all are known. */
static bool is_quiet(struct settle *s)
{
    if (s->f->count > MEMBERS_MOST) {
        return false;
    }
    list_for_each (pos, &s->f->members) {
        struct mm *m = list_entry(pos, struct mm, family_node);
        if (m->stranger || mutex_taken(&m->lock) || pieces_update(s->f, m)) {
            return false;
        }
    }
    return true;
}

static uint64_t look(struct settle *s)
{
    uint64_t pages;

    if (!is_quiet(s)) {
        return 0;
    }
    s->room = room_for_runs(s->f);
    s->alike = kmalloc(s->out->store.count * sizeof(*s->alike));
    if (!s->alike) {
        return 0;
    }
    begin(s);
    list_for_each (pos, &s->f->members) {
        struct mm *m = list_entry(pos, struct mm, family_node);
        if (m != s->in) {
            narrow(s, m);
        }
    }
    pages = settle_all(s);
    kfree(s->alike);
    return pages;
}

void settle_soon(struct family *f)
{
    f->settle_in = f->settle_every = SOON;
}

void settle(struct family *f, struct mm *in, struct mm *out)
{
    struct settle s = {.f = f, .in = in, .out = out};

    if (f->settle_in-- > 1) {
        return;
    }
    if (look(&s)) {
        settle_soon(f);
    } else if (f->settle_every >= LATE) { /* what was written may be calm now */
        resident_free(&f->settled);
        settle_soon(f);
    } else {
        f->settle_in = f->settle_every *= 2;
    }
}

/* ---- forks ---- */

/* The next part of [*start, end) that is in neither set. */
static bool next_untried(const struct family *f, uint64_t *start, uint64_t end,
                         uint64_t *stop)
{
    uint64_t at = *start, before;

    do {
        before = at;
        at = resident_find(&f->common, at, end, false);
        at = resident_find(&f->tried, at, end, false);
    } while (at != before);
    *start = at;
    *stop = MIN(resident_find(&f->common, at, end, true),
                resident_find(&f->tried, at, end, true));
    return at < end;
}

/* What fork would copy of [at, end). Where that fails, it does. */
static void try_run(struct family *f, struct mm *mm, uint64_t at, uint64_t end,
                    unsigned *room)
{
    uint64_t stop;

    for (; *room && next_untried(f, &at, end, &stop); at = stop) {
        if (!resident_prepare(&f->tried, at, stop) &&
            !guard_pages(f, mm, at, stop)) {
            resident_set(&f->tried, at, stop);
        }
        --*room;
    }
}

/* Of [at, end), what was tried and has not been written to. */
static void keep_run(struct family *f, const struct resident *was, uint64_t at,
                     uint64_t end)
{
    uint64_t stop;

    for (; resident_run(was, &at, end, &stop); at = stop) {
        bool tried = resident_test(&f->tried, at);

        stop = resident_find(&f->tried, at, stop, !tried);
        if (tried && !resident_prepare(&f->common, at, stop)) {
            resident_set(&f->common, at, stop);
        }
    }
}

void settle_alone(struct family *f, struct mm *mm, const struct resident *was)
{
    unsigned room = f->forks_in ? 0 : TRIED_MOST;
    uint64_t at, end;

    for (struct vma *v = vma_first(mm); v; v = vma_next(v)) {
        if (!guard_can(v)) {
            continue;
        }
        keep_run(f, was, v->start, v->end);
        at = v->start;
        for (; room && resident_run(&mm->resident, &at, v->end, &end);
             at = end) {
            try_run(f, mm, at, end, &room);
        }
    }
}

bool settle_forks(struct family *f)
{
    if (!f->forks_every) {
        f->forks_in = f->forks_every = FORKS_SOON;
    }
    if (f->forks_in) {
        f->forks_in--;
        return f->forks_in == 0;
    }
    if (f->forks_every >= FORKS_LATE) { /* what was written may be calm now */
        resident_free(&f->tried);
        f->forks_every = FORKS_SOON / 2;
    }
    f->forks_in = f->forks_every *= 2;
    return false;
}
