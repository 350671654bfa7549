/* SPDX-License-Identifier: MIT
 *
 * The pages of an exchange (exchange.c): what who comes has in its store goes
 * to its addresses, and what the two have in common changes places.
 */
#include "kernel/mm/family/exchange.h"
#include "kernel/core/log.h"
#include "lib/string.h"
#include "arch/x86_64/arch.h"
#include "arch/x86_64/page.h"
#include "target/target.h"

/* The next run of the store in [*start, end) that is a copy (or a note): its
 * part there. */
static const struct store_run *cursor_next(struct cursor *c, uint64_t start,
                                           uint64_t end, uint64_t *from,
                                           uint64_t *to)
{
    for (; c->next < c->store->count; c->next++) {
        const struct store_run *r = &c->store->runs[c->next];
        uint64_t r_end = store_run_end(r);
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

static void commit(struct walk *w, uint64_t at, uint64_t len, int prot)
{
    while (target_mem_commit(at, len, prot) && exchange_insists(w)) {
    }
}

void exchange_protect(struct walk *w, uint64_t at, uint64_t len, int prot)
{
    while (target_mem_protect(at, len, prot) && exchange_insists(w)) {
    }
}

void exchange_show(struct walk *w, uint64_t at, uint64_t len, uint64_t src,
                   int prot)
{
    while (target_mem_show(at, src, len, prot, false) && exchange_insists(w)) {
    }
}

static void install(struct walk *w, uint64_t at, const void *src, uint64_t len,
                    int prot)
{
    while (target_mem_install(at, src, len, prot) && exchange_insists(w)) {
    }
}

/* What is committed and writable can be written. */
static void copy_in(const struct walk *w, void *to, const void *from,
                    size_t len)
{
    if (!w->lost && arch_user_copy(to, from, len)) {
        panic("a page is gone in the middle of an exchange");
    }
}

static void clear(const struct walk *w, void *at, size_t len)
{
    if (!w->lost && arch_user_zero(at, len)) {
        panic("a page is gone in the middle of an exchange");
    }
}

void exchange_take_back(struct walk *w, const struct store_run *r, uint64_t at,
                        uint64_t end, int prot)
{
    while (store_return(r, at, end, prot) && exchange_insists(w)) {
    }
}

void exchange_load(struct walk *w, uint64_t start, uint64_t end, int prot)
{
    const struct store_run *r;
    uint64_t from, to;

    for (; start < end && (r = cursor_next(&w->new, start, end, &from, &to));
         start = to) {
        const char *src = (const char *)r->buf + (from - r->start);
        if (prot & MEM_EXEC) {
            install(w, from, src, to - from, prot);
        } else {
            copy_in(w, (void *)from, src, to - from);
        }
    }
}

void exchange_wipe(struct walk *w, uint64_t start, uint64_t end)
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
                clear(w, (void *)at, kept - at);
            }
            at = kept_end;
        }
    }
}

void exchange_skip(struct walk *w, uint64_t end)
{
    uint64_t from, to;

    cursor_next(&w->old, end, end, &from, &to);
    cursor_next(&w->new, end, end, &from, &to);
}

bool exchange_has_any(struct walk *w, uint64_t start, uint64_t end)
{
    struct cursor old = w->old, new = w->new;
    uint64_t from, to;

    return cursor_next(&old, start, end, &from, &to) ||
           cursor_next(&new, start, end, &from, &to);
}

void exchange_load_fresh(struct walk *w, uint64_t at, uint64_t end, int prot)
{
    bool late = !(prot & (MEM_WRITE | MEM_EXEC));

    commit(w, at, end - at, late ? MEM_READ | MEM_WRITE : prot);
    exchange_load(w, at, end, prot);
    if (late) {
        exchange_protect(w, at, end - at, prot);
    }
}

bool exchange_is_same(struct walk *w, uint64_t start, uint64_t end)
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

static int make_readable(struct walk *w, uint64_t at, uint64_t end, int prot)
{
    if (!prot) {
        prot = MEM_READ;
        exchange_protect(w, at, end - at, prot);
    }
    return prot;
}

int exchange_load_changed(struct walk *w, uint64_t at, uint64_t end, int prot)
{
    const struct store_run *r;
    uint64_t next = at, from, to;

    for (; next < end && (r = cursor_next(&w->new, next, end, &from, &to));
         next = from + PAGE_SIZE) {
        const char *src = (const char *)r->buf + (from - r->start);

        prot = make_readable(w, at, end, prot);
        if (w->lost) {
            break;
        }
        if (arch_page_equal((void *)from, src)) {
            continue;
        }
        if (!(prot & MEM_WRITE)) {
            prot = MEM_READ | MEM_WRITE;
            exchange_protect(w, at, end - at, prot);
        }
        copy_in(w, (void *)from, src, PAGE_SIZE);
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
        if (r->kind == STORE_TRADED && store_run_end(r) > *start) {
            *start = MAX(*start, r->start);
            *stop = MIN(end, store_run_end(r));
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

int exchange_trade(struct walk *w, uint64_t at, uint64_t end, int prot)
{
    const struct store_run *r;
    uint64_t from = at, to;

    for (; from < end && (r = traded_next(w, &from, end, &to)); from = to) {
        char *stored = (char *)r->buf + (from - r->start);
        prot = make_readable(w, at, end, prot);
        for (; from < to; from += PAGE_SIZE, stored += PAGE_SIZE) {
            if (!w->lost && arch_page_equal((void *)from, stored)) {
                continue;
            }
            if (!w->lost && !(prot & MEM_WRITE)) {
                prot = MEM_READ | MEM_WRITE;
                exchange_protect(w, at, end - at, prot);
            }
            if (w->lost) {
                exchange_keep(w, (void *)from, stored);
                continue;
            }
            trade_page((void *)from, stored);
            w->traded_bytes += PAGE_SIZE;
        }
    }
    return prot;
}
