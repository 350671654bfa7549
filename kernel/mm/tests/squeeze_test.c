/* SPDX-License-Identifier: MIT
 *
 * Exchanges with a host that refuses for long: who waits keeps its pages, as
 * copies if need be; only when nothing helps, who was to come is lost, and
 * nobody else.
 */
#include "lib/tests/unit.h"
#include "kernel/mm/tests/support.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/limit.h"
#include "kernel/mm/room.h"
#include "abi/linux/errno.h"
#include "target/target.h"

enum { RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS };
enum { PIECES = 8, CALLS_MAX = 400, FOR_EVER = 1 << 20 };
#define AT(i)       (support_user_start() + (3ul << 30) + (i) * (16ul << 20))
#define SHADOW_SIZE (1ul << 30)

/* Long enough to be moved, or short; the last are hidden at times. */
static uint64_t length(int i)
{
    return (i % 2 ? 70 : 5) * PAGE_SIZE;
}

static struct mm *who[3]; /* parent, child, grandchild */

/* Each unmaps one piece that its parent has. */
static bool is_absent(int k, int i)
{
    return i >= 1 && i <= k;
}

static void fill(int k)
{
    for (int i = 0; i < PIECES; i++) {
        if (is_absent(k, i)) {
            continue;
        }
        EXPECT_EQ(mm_protect(who[k], AT(i), length(i), RW), 0);
        for (uint64_t at = AT(i); at < AT(i) + length(i); at += PAGE_SIZE) {
            *(uint64_t *)at = at + (uint64_t)k;
        }
        if (i >= PIECES - 2) {
            EXPECT_EQ(mm_protect(who[k], AT(i), length(i), k ? RW : PROT_NONE),
                      0);
        }
    }
    if (k) { /* one piece that others do not have, one that only they have */
        uint64_t at = AT(PIECES + k);
        EXPECT_EQ(mm_unmap(who[k], AT(k), length(k)), 0);
        EXPECT_EQ(mm_map(who[k], &at, length(1), RW, ANON | MAP_FIXED, NULL, 0),
                  0);
        *(uint64_t *)at = (uint64_t)k;
    }
}

static int wrong(int k)
{
    int n = 0;

    for (int i = 0; i < PIECES; i++) {
        if (is_absent(k, i) || (!k && i >= PIECES - 2)) {
            continue;
        }
        for (uint64_t at = AT(i); at < AT(i) + length(i); at += PAGE_SIZE) {
            n += *(uint64_t *)at != at + (uint64_t)k;
            n += support_page_wrong(who[k], at) != 0;
        }
    }
    return n + (k && *(uint64_t *)AT(PIECES + k) != (uint64_t)k);
}

static int let_in(int k)
{
    int err = family_exchange(who[0]->family, who[k]);

    if (!err) {
        support_set_mm(who[k]);
    }
    return err;
}

static void fresh(bool moves)
{
    support_reset();
    limit_init(0);
    heap_init(support_kernel_start(), support_kernel_end() - SHADOW_SIZE, 0, 0,
              0);
    mm_init(support_user_start(), support_user_end(), 0, true);
    shadow_init(support_kernel_end() - (moves ? SHADOW_SIZE : 0),
                support_kernel_end());
    EXPECT_EQ(mm_create(&who[0]), 0);
    support_set_mm(who[0]);
}

/* The grandchild is there. */
static void make_family(bool moves)
{
    fresh(moves);
    for (int i = 0; i < PIECES; i++) {
        uint64_t at = AT(i);
        EXPECT_EQ(mm_map(who[0], &at, length(i), RW, ANON | MAP_FIXED, NULL, 0),
                  0);
    }
    fill(0);
    for (int k = 1; k < 3; k++) {
        EXPECT_EQ(mm_fork(who[k - 1], &who[k]), 0);
        support_set_mm(who[k]);
        fill(k);
    }
    for (int k = 0; k < 3; k++) {
        EXPECT_EQ(let_in(k), 0);
        EXPECT_EQ(wrong(k), 0);
    }
}

static unsigned calls_of_exchange(bool moves)
{
    unsigned before;

    make_family(moves);
    before = support_calls();
    EXPECT_EQ(let_in(0), 0);
    return support_calls() - before;
}

static unsigned moved_runs(int k)
{
    unsigned n = 0;

    for (unsigned i = 0; i < who[k]->store.count; i++) {
        n += who[k]->store.runs[i].kind == STORE_MOVED;
    }
    return n;
}

/* Refused as often as it takes until those that wait give mappings back. */
static void who_waits_gives_mappings_back(void)
{
    unsigned calls = calls_of_exchange(true), gave = 0;

    for (unsigned n = 1; n <= calls; n++) {
        int err;

        make_family(true);
        EXPECT(moved_runs(1) > 0);
        support_fail_target(n, 2);
        err = let_in(0);
        support_fail_target(0, 0);
        EXPECT_EQ(err == 0 || err == -ENOMEM, true);
        EXPECT_EQ(err ? 0 : wrong(0), 0);
        EXPECT(!who[0]->lost);
        gave += moved_runs(1) == 0;
        for (int k = 1; k < 3; k++) {
            EXPECT_EQ(let_in(k), 0);
            EXPECT_EQ(wrong(k), 0);
        }
    }
    EXPECT(gave > 0);
}

/* A host that refuses for good. */
static void refuse(bool moves, unsigned n, unsigned *lost)
{
    uint64_t addr = 0;
    int err;

    make_family(moves);
    support_fail_target(n, FOR_EVER);
    err = let_in(0);
    support_fail_target(0, 0);
    EXPECT_EQ(err == 0 || err == -ENOMEM, true);
    if (who[0]->lost) {
        ++*lost;
        EXPECT_EQ(mm_fault(who[0], AT(0), MEM_READ), -ENOMEM);
        EXPECT_EQ(mm_map(who[0], &addr, PAGE_SIZE, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, NULL, 0),
                  -ENOMEM);
        for (int i = 0; i < PIECES; i++) {
            EXPECT(support_prot(AT(i)) <= 0);
        }
    }
    for (int k = 1; k < 3; k++) {
        if (who[k]->lost) { /* not even what is there could be kept */
            continue;
        }
        EXPECT_EQ(let_in(k), 0);
        EXPECT_EQ(wrong(k), 0);
    }
    EXPECT_EQ(let_in(0), 0);
    EXPECT_EQ(who[0]->lost ? 0 : wrong(0), 0);
    EXPECT_EQ(let_in(1), 0);
    EXPECT_EQ(who[1]->lost ? 0 : wrong(1), 0);
}

static void at_worst_one_is_lost(void)
{
    for (int moves = 0; moves < 2; moves++) {
        unsigned calls = calls_of_exchange(moves), lost = 0;

        for (unsigned n = 1; n <= calls; n++) {
            refuse(moves, n, &lost);
            EXPECT(!who[1]->lost);
        }
        EXPECT(lost > 0);
    }
}

/* The host has the pages of one of them only. */
static void members_count_once(void)
{
    enum { MANY = 25000 };
    uint64_t base = AT(0);
    struct mm *other;

    fresh(true);
    for (unsigned i = 0; i < MANY; i++) {
        uint64_t at = base + i * PAGE_SIZE;
        EXPECT_EQ(mm_map(who[0], &at, PAGE_SIZE, i % 2 ? RW : PROT_READ,
                         ANON | MAP_FIXED, NULL, 0),
                  0);
    }
    for (int k = 1; k < 3; k++) {
        EXPECT_EQ(mm_fork(who[k - 1], &who[k]), 0);
        support_set_mm(who[k]);
    }
    EXPECT_EQ(who[0]->family->vmas, who[2]->vma_count);
    EXPECT_EQ(mm_unmap(who[2], base, MANY / 2 * PAGE_SIZE), 0);
    EXPECT_EQ(who[0]->family->vmas, who[0]->vma_count);
    EXPECT_EQ(mm_create(&other), 0);
    EXPECT_EQ(other->family->vmas, other->vma_count);
}

int main(void)
{
    RUN(who_waits_gives_mappings_back);
    RUN(at_worst_one_is_lost);
    RUN(members_count_once);
    return unit_result();
}
