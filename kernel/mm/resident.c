/* SPDX-License-Identifier: MIT
 *
 * Sets of pages (resident.h). Four levels of 9 bits above the page offset, as
 * in x86's tables: three of entries, then the leaf, 512 bits. An entry is NULL
 * (no page of the subtree is in the set), ALL (every one is) or a child. Nearly
 * all are NULL: a table's bit map says which are not, and nothing else is
 * looked at, not even to clear a new table.
 *
 * Locking is the caller's: mm->lock.
 */
#include "kernel/mm/resident.h"
#include "kernel/core/log.h"
#include "kernel/mm/heap.h"
#include "lib/bitmap.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

enum { FANOUT = 512, FANOUT_BITS = 9, TOP = 3 };
#define ALL ((void *)1)

struct table {
    uint64_t used[FANOUT / 64]; /* a bit each: the entry is not NULL */
    void *entry[FANOUT];        /* only those are valid */
};

/* Bytes that one entry of a table at this level stands for. Level 0 is the
 * leaf, whose entries are bits. */
static uint64_t span(unsigned level)
{
    return 1ull << (PAGE_SHIFT + FANOUT_BITS * level);
}

static unsigned slot(uint64_t addr, unsigned level)
{
    return addr >> (PAGE_SHIFT + FANOUT_BITS * level) & (FANOUT - 1);
}

static bool is_child(const void *entry)
{
    return entry != NULL && entry != ALL;
}

static void *get(const struct table *t, unsigned i)
{
    return bitmap_test(t->used, i) ? t->entry[i] : NULL;
}

static void put(struct table *t, unsigned i, void *entry)
{
    t->entry[i] = entry;
    if (entry) {
        bitmap_set(t->used, i);
    } else {
        bitmap_clear(t->used, i);
    }
}

/* The first entry from i on that is not NULL, or FANOUT. */
static unsigned next_used(const struct table *t, unsigned i)
{
    return (unsigned)bitmap_find_set(t->used, FANOUT, i);
}

/* A child for a table's entry at `level`, holding what the entry said. A leaf
 * is no more than a table's map. */
static void *split(void *entry, unsigned level)
{
    struct table *child;

    child = kmalloc(level > 1 ? sizeof(*child) : sizeof(child->used));
    if (!child) {
        return NULL;
    }
    memset(child->used, entry ? 0xff : 0, sizeof(child->used));
    for (unsigned i = 0; entry && level > 1 && i < FANOUT; i++) {
        child->entry[i] = ALL;
    }
    return child;
}

/* Makes sure that no entry lies on both sides of addr. */
static int prepare_edge(struct resident *r, uint64_t addr)
{
    struct table *table = r->root;

    for (unsigned level = TOP; level > 0; level--) {
        void *entry = get(table, slot(addr, level));

        if (IS_ALIGNED(addr, span(level))) {
            return 0;
        }
        if (!is_child(entry)) {
            entry = split(entry, level);
            if (!entry) {
                return -ENOMEM;
            }
            put(table, slot(addr, level), entry);
        }
        table = entry;
    }
    return 0;
}

int resident_prepare(struct resident *r, uint64_t start, uint64_t end)
{
    int err;

    if (!r->root) {
        r->root = split(NULL, TOP + 1);
        if (!r->root) {
            return -ENOMEM;
        }
    }
    err = prepare_edge(r, start);
    return err ? err : prepare_edge(r, end);
}

/* Frees an entry's subtree; returns how many pages of the set it held. */
static uint64_t drop(void *entry, unsigned level)
{
    struct table *child = entry;
    uint64_t n = 0;

    if (!is_child(entry)) {
        return entry ? span(level) / PAGE_SIZE : 0;
    }
    if (level == 1) {
        n = bitmap_count(entry, FANOUT);
    } else {
        for (unsigned i = next_used(child, 0); i < FANOUT;
             i = next_used(child, i + 1)) {
            n += drop(child->entry[i], level - 1);
        }
    }
    kfree(entry);
    return n;
}

/* The bits [from, to) of a leaf become `in`; returns how many were. */
static uint64_t change_leaf(uint64_t *leaf, unsigned from, unsigned to, bool in)
{
    uint64_t were = 0;

    for (unsigned i = from; i < to; i = (i / 64 + 1) * 64) {
        uint64_t mask = bitmap_mask(i, to);
        were += __builtin_popcountll(leaf[i / 64] & mask);
        leaf[i / 64] = in ? leaf[i / 64] | mask : leaf[i / 64] & ~mask;
    }
    return were;
}

/* [start, end) lies in table's part; returns how many were in the set. */
static uint64_t change(void *part, unsigned level, uint64_t start, uint64_t end,
                       bool in)
{
    struct table *table = part;
    void *want = in ? ALL : NULL;
    uint64_t were = 0, next;

    if (level == 0) {
        unsigned from = slot(start, 0);
        return change_leaf(part, from,
                           from + (unsigned)((end - start) / PAGE_SIZE), in);
    }
    for (unsigned i = slot(start, level); start < end; i++, start = next) {
        void *entry = get(table, i);
        next = MIN(ALIGN_DOWN(start, span(level)) + span(level), end);
        if (entry == want) {
            were += in ? (next - start) / PAGE_SIZE : 0;
        } else if (next - start == span(level)) {
            were += drop(entry, level);
            put(table, i, want);
        } else {
            check(is_child(entry)); /* else: not prepared */
            were += change(entry, level - 1, start, next, in);
        }
    }
    return were;
}

void resident_set(struct resident *r, uint64_t start, uint64_t end)
{
    check(r->root);
    r->pages += (end - start) / PAGE_SIZE;
    r->pages -= change(r->root, TOP, start, end, true);
    r->most = MAX(r->most, r->pages);
}

void resident_clear(struct resident *r, uint64_t start, uint64_t end)
{
    if (r->root) {
        r->pages -= change(r->root, TOP, start, end, false);
    }
}

bool resident_test(const struct resident *r, uint64_t addr)
{
    return resident_find(r, addr, addr + PAGE_SIZE, true) == addr;
}

static uint64_t find_in_leaf(const uint64_t *leaf, uint64_t start, uint64_t end,
                             bool in)
{
    size_t from = slot(start, 0), to = from + (end - start) / PAGE_SIZE;
    size_t bit =
        in ? bitmap_find_set(leaf, to, from) : bitmap_find_zero(leaf, to, from);

    return start + (bit - from) * PAGE_SIZE;
}

/* The same for [start, end) in table's part. */
static uint64_t find(const struct table *table, unsigned level, uint64_t start,
                     uint64_t end, bool in)
{
    uint64_t base = ALIGN_DOWN(start, span(level + 1)), next, found;
    unsigned i = slot(start, level);

    for (; start < end; start = MAX(start, base + i * span(level))) {
        void *entry = get(table, i);
        if (!entry && in) {
            i = next_used(table, i);
            continue;
        }
        if (!entry || entry == ALL) {
            if (in || !entry) {
                return start;
            }
            i++;
            continue;
        }
        next = MIN(base + (i + 1) * span(level), end);
        found = level == 1 ? find_in_leaf(entry, start, next, in)
                           : find(entry, level - 1, start, next, in);
        if (found < next) {
            return found;
        }
        i++;
    }
    return end;
}

uint64_t resident_find(const struct resident *r, uint64_t start, uint64_t end,
                       bool in)
{
    if (!r->root) {
        return in ? end : start;
    }
    return find(r->root, TOP, start, end, in);
}

bool resident_run(const struct resident *r, uint64_t *start, uint64_t end,
                  uint64_t *run_end)
{
    *start = resident_find(r, *start, end, true);
    *run_end = resident_find(r, *start, end, false);
    return *start < end;
}

uint64_t resident_count(const struct resident *r, uint64_t start, uint64_t end)
{
    uint64_t n = 0, run_end;

    for (; resident_run(r, &start, end, &run_end); start = run_end) {
        n += (run_end - start) / PAGE_SIZE;
    }
    return n;
}

/* A copy of the table behind an entry at `level`, or NULL. */
static void *copy(const struct table *from, unsigned level)
{
    struct table *to = split(NULL, level);

    if (!to) {
        return NULL;
    }
    if (level == 1) {
        memcpy(to->used, from->used, sizeof(to->used));
        return to;
    }
    for (unsigned i = next_used(from, 0); i < FANOUT;
         i = next_used(from, i + 1)) {
        void *entry = from->entry[i];

        if (is_child(entry)) {
            entry = copy(entry, level - 1);
            if (!entry) {
                drop(to, level);
                return NULL;
            }
        }
        put(to, i, entry);
    }
    return to;
}

int resident_copy(struct resident *to, const struct resident *from)
{
    to->root = from->root ? copy(from->root, TOP + 1) : NULL;
    to->most = to->pages = to->root ? from->pages : 0;
    return from->root && !to->root ? -ENOMEM : 0;
}

void resident_free(struct resident *r)
{
    if (r->root) {
        drop(r->root, TOP + 1);
    }
    r->root = NULL;
    r->pages = 0;
}
