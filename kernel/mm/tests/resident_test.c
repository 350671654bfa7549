/* SPDX-License-Identifier: MIT
 *
 * Sets of pages against a plain bit map: random ranges around the borders of
 * the tree's levels, and whole terabytes that must cost nothing.
 */
#include "lib/tests/unit.h"
#include "kernel/mm/tests/support.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/resident.h"
#include "lib/bitmap.h"

enum { PAGES = 4096, STEPS = 60000 };
/* So that a border of every level lies inside. */
#define BASE ((1ull << 39) - PAGES / 2 * PAGE_SIZE - 7 * PAGE_SIZE)

static uint64_t model[BITMAP_WORDS(PAGES)];

static uint64_t at(size_t i)
{
    return BASE + i * PAGE_SIZE;
}

static void fresh(void)
{
    support_reset();
    heap_init(support_kernel_start(), support_kernel_end(), 0, 0, 0);
    memset(model, 0, sizeof(model));
}

static int differs(const struct resident *r)
{
    uint64_t start = at(0), end;
    size_t i = 0, n = 0;

    for (; resident_run(r, &start, at(PAGES), &end); start = end) {
        size_t from = bitmap_find_set(model, PAGES, i);
        i = bitmap_find_zero(model, PAGES, from);
        if (start != at(from) || end != at(i)) {
            return 1;
        }
        n += i - from;
    }
    return bitmap_find_set(model, PAGES, i) != PAGES || r->pages != n ||
           resident_count(r, at(0), at(PAGES)) != n;
}

static void random_ranges_match_a_bitmap(void)
{
    struct resident r = {.root = NULL};

    fresh();
    for (int i = 0; i < STEPS && !unit_bad; i++) {
        size_t from = support_rand() % PAGES, len = support_rand() % 8;
        len = len == 0 ? support_rand() % PAGES : len == 1 ? 512 : len;
        from = support_rand() % 8 ? from : ALIGN_DOWN(from, 512ul) + 7 + 512;
        from = MIN(from, PAGES - 1ul);
        len = MIN(len, PAGES - from);
        EXPECT_EQ(resident_prepare(&r, at(from), at(from + len)), 0);
        if (support_rand() % 2) {
            resident_set(&r, at(from), at(from + len));
            bitmap_set_range(model, from, from + len);
        } else {
            resident_clear(&r, at(from), at(from + len));
            bitmap_clear_range(model, from, from + len);
        }
        if (i % 16 == 0) {
            EXPECT(!differs(&r));
        }
        EXPECT_EQ(resident_test(&r, at(from)), bitmap_test(model, from));
    }
    resident_free(&r);
    EXPECT(!differs(&(struct resident){.root = NULL}) ==
           !bitmap_count(model, PAGES));
}

static void terabytes_cost_no_more_than_their_edges(void)
{
    const uint64_t lo = 3 * PAGE_SIZE, hi = (16ull << 40) + 5 * PAGE_SIZE;
    struct resident r = {.root = NULL};
    struct heap_stats before, after;
    uint64_t start = lo + PAGE_SIZE, end;

    fresh();
    heap_get_stats(&before);
    EXPECT_EQ(resident_prepare(&r, lo, hi), 0);
    resident_set(&r, lo, hi);
    EXPECT_EQ(r.pages, (hi - lo) / PAGE_SIZE);
    EXPECT(resident_run(&r, &start, hi + (1 << 30), &end));
    EXPECT_EQ(start, lo + PAGE_SIZE);
    EXPECT_EQ(end, hi);
    EXPECT_EQ(resident_prepare(&r, 1ull << 40, (1ull << 40) + PAGE_SIZE), 0);
    resident_clear(&r, 1ull << 40, (1ull << 40) + PAGE_SIZE);
    EXPECT_EQ(resident_find(&r, lo, hi, false), 1ull << 40);
    heap_get_stats(&after);
    EXPECT(after.bytes_used - before.bytes_used < 256 << 10);
    resident_free(&r);
    EXPECT_EQ(r.pages, 0);
}

static void no_memory_shows_before_anything_changes(void)
{
    struct resident r = {.root = NULL};

    fresh();
    for (int n = 1; n <= 3; n++) {
        EXPECT_EQ(resident_prepare(&r, 0, 1ull << 40), 0);
        resident_set(&r, 0, 1ull << 40);
        heap_fail_after(n);
        EXPECT(resident_prepare(&r, at(1), at(2)) < 0);
        heap_fail_after(0);
        EXPECT_EQ(r.pages, (1ull << 40) / PAGE_SIZE);
        EXPECT_EQ(resident_find(&r, 0, 1ull << 40, false), 1ull << 40);
        resident_free(&r);
    }
}

int main(void)
{
    RUN(random_ranges_match_a_bitmap);
    RUN(terabytes_cost_no_more_than_their_edges);
    RUN(no_memory_shows_before_anything_changes);
    return unit_result();
}
