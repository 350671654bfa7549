/* SPDX-License-Identifier: MIT
 *
 * Forks and exchanges of two members of a family, with moves and without, and
 * with each call to the target refused in turn: whoever is there afterwards
 * has all of its pages, as it left them.
 */
#include "lib/tests/unit.h"
#include "kernel/mm/tests/support.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/limit.h"
#include "kernel/mm/room.h"
#include "abi/linux/errno.h"
#include "target/target.h"

enum { RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS };
enum { AREAS = 6, TARGET_CALLS_MAX = 400 };
#define AREA(i)     (support_user_start() + (3ul << 30) + (i) * (16ul << 20))
#define SHADOW_SIZE (1ul << 30)

/* What is at AREA(i) before the fork, and what either makes of it after. */
static const struct area {
    uint64_t pages;
    int prot, childs; /* -1: unmaps it */
} areas[AREAS] = {
    {200, RW, RW},             /* moved */
    {8, RW, RW},               /* copied */
    {5, PROT_READ, PROT_READ}, /* common */
    {70, RW, PROT_READ},       /* moved, differently protected */
    {40, RW, -1},              /* the parent's alone */
    {3, PROT_NONE, RW},
};
static struct mm *parent, *child;
static bool guards; /* forks copy little */

static void fresh(bool moves)
{
    support_reset();
    limit_init(0);
    heap_init(support_kernel_start(), support_kernel_end() - SHADOW_SIZE, 0, 0,
              0);
    mm_init(support_user_start(), support_user_end(), 0, true);
    shadow_init(support_kernel_end() - (moves ? SHADOW_SIZE : 0),
                support_kernel_end());
    mm_guard_forks(guards);
    EXPECT_EQ(mm_create(&parent), 0);
    support_set_mm(parent);
}

/* As the CPU would, with a fault if the page is guarded. */
static void store(struct mm *mm, uint64_t at, uint64_t val)
{
    if (guard_holds(mm, at & ~(PAGE_SIZE - 1))) {
        EXPECT_EQ(mm_fault(mm, at, MEM_WRITE), 0);
    }
    *(uint64_t *)at = val;
}

static uint64_t value(int who, int area, uint64_t page)
{
    return (uint64_t)who << 32 | (uint64_t)area << 16 | page | 1u << 31;
}

static int prot_of(int who, int area)
{
    return who ? areas[area].childs : areas[area].prot;
}

static void fill(struct mm *mm, int who)
{
    for (int i = 0; i < AREAS; i++) {
        uint64_t at = AREA(i), len = areas[i].pages * PAGE_SIZE;

        if (prot_of(who, i) < 0) {
            EXPECT_EQ(mm_unmap(mm, at, len), 0);
            continue;
        }
        EXPECT_EQ(mm_protect(mm, at, len, RW), 0);
        for (uint64_t p = 0; p < areas[i].pages; p++) {
            store(mm, at + p * PAGE_SIZE + 8, value(who, i, p));
        }
        EXPECT_EQ(mm_protect(mm, at, len, prot_of(who, i)), 0);
    }
}

/* How many pages are not as `who` left them. */
static int wrong(struct mm *mm, int who)
{
    int n = 0;

    for (int i = 0; i < AREAS; i++) {
        for (uint64_t p = 0; p < areas[i].pages; p++) {
            uint64_t at = AREA(i) + p * PAGE_SIZE;

            n += support_page_wrong(mm, at) != 0;
            if (prot_of(who, i) > 0) {
                n += *(uint64_t *)(at + 8) != value(who, i, p);
            }
        }
    }
    return n;
}

static void make_parent(void)
{
    for (int i = 0; i < AREAS; i++) {
        uint64_t at = AREA(i);

        EXPECT_EQ(mm_map(parent, &at, areas[i].pages * PAGE_SIZE, RW,
                         ANON | MAP_FIXED, NULL, 0),
                  0);
    }
    fill(parent, 0);
}

/* The child is there. */
static void fork_parent(bool moves)
{
    fresh(moves);
    make_parent();
    EXPECT_EQ(mm_fork(parent, &child), 0);
    support_set_mm(child);
}

/* It has made its own of everything, too. */
static void make_family(bool moves)
{
    fork_parent(moves);
    fill(child, 1);
    EXPECT_EQ(wrong(child, 1), 0);
}

static int let_in(struct mm *mm)
{
    int err = family_exchange(parent->family, mm);

    if (!err) {
        support_set_mm(mm);
    }
    return err;
}

static void turns(bool moves)
{
    make_family(moves);
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(let_in(parent), 0);
        EXPECT_EQ(wrong(parent, 0), 0);
        EXPECT_EQ(let_in(child), 0);
        EXPECT_EQ(wrong(child, 1), 0);
    }
    EXPECT_EQ(child->swap_bytes > 0, true);
    EXPECT_EQ(child->store.count, 0);
    EXPECT_EQ(parent->store.moved > 0, moves);
}

static void members_take_turns(void)
{
    turns(true);
}

static void members_take_turns_after_a_guarded_fork(void)
{
    guards = true;
    turns(true);
    guards = false;
}

/* Only AREA(0) is large enough to be guarded as a whole. */
static void what_nobody_writes_to_is_neither_copied_nor_exchanged(void)
{
    uint64_t at = AREA(0);

    guards = true;
    fork_parent(true);
    EXPECT_EQ(parent->fork_bytes < areas[0].pages * PAGE_SIZE, true);
    store(child, at + 50 * PAGE_SIZE, 77);
    EXPECT_EQ(let_in(parent), 0);
    EXPECT_EQ(*(uint64_t *)(at + 50 * PAGE_SIZE), 0);
    EXPECT_EQ(wrong(parent, 0), 0);
    EXPECT_EQ(child->store.moved, 0);
    EXPECT_EQ(child->store.count < 100, true);
    store(parent, at + 51 * PAGE_SIZE, 78);
    store(parent, at + 151 * PAGE_SIZE, 79);
    EXPECT_EQ(let_in(child), 0);
    EXPECT_EQ(*(uint64_t *)(at + 50 * PAGE_SIZE), 77);
    EXPECT_EQ(*(uint64_t *)(at + 51 * PAGE_SIZE), 0);
    EXPECT_EQ(*(uint64_t *)(at + 151 * PAGE_SIZE), 0);
    EXPECT_EQ(wrong(child, 0), 0);
    EXPECT_EQ(mm_unmap(child, at, 100 * PAGE_SIZE), 0);
    EXPECT_EQ(let_in(parent), 0);
    EXPECT_EQ(*(uint64_t *)(at + 51 * PAGE_SIZE), 78);
    EXPECT_EQ(wrong(parent, 0), 0);
    guards = false;
}

static void guarded_writes_that_fail_change_nothing(void)
{
    guards = true;
    for (unsigned n = 1; n < 12; n++) {
        uint64_t at = AREA(0) + 20 * PAGE_SIZE;
        int err;

        fork_parent(true);
        support_fail_target(n, 1);
        err = mm_fault(child, at, MEM_WRITE);
        support_fail_target(0, 0);
        EXPECT_EQ(err == 0 || err == -ENOMEM, true);
        EXPECT_EQ(wrong(child, 0), 0);
        store(child, at, 5);
        EXPECT_EQ(let_in(parent), 0);
        EXPECT_EQ(wrong(parent, 0), 0);
    }
    guards = false;
}

static void members_take_turns_by_copies(void)
{
    turns(false);
}

/* One exchange in which the target's n-th call is refused. */
static void refuse(bool moves, unsigned n)
{
    int err;

    make_family(moves);
    EXPECT_EQ(let_in(parent), 0);
    EXPECT_EQ(let_in(child), 0);
    support_fail_target(n, 1);
    err = let_in(parent);
    support_fail_target(0, 0);
    EXPECT_EQ(err == 0 || err == -ENOMEM, true);
    if (err) {
        EXPECT_EQ(wrong(child, 1), 0);
        EXPECT_EQ(let_in(parent), 0);
    }
    EXPECT_EQ(wrong(parent, 0), 0);
    EXPECT_EQ(let_in(child), 0);
    EXPECT_EQ(wrong(child, 1), 0);
}

static unsigned calls_of_exchange(bool moves)
{
    unsigned before;

    make_family(moves);
    EXPECT_EQ(let_in(parent), 0);
    EXPECT_EQ(let_in(child), 0);
    before = support_calls();
    EXPECT_EQ(let_in(parent), 0);
    return support_calls() - before;
}

static void a_host_that_refuses_takes_no_page(void)
{
    for (int moves = 0; moves < 2; moves++) {
        unsigned calls = calls_of_exchange(moves);

        EXPECT_EQ(calls > 0 && calls < TARGET_CALLS_MAX, true);
        for (unsigned n = 1; n <= calls; n++) {
            refuse(moves, n);
        }
    }
}

static void forks_that_fail_change_nothing(void)
{
    for (unsigned n = 1; n < 80; n++) {
        int err;

        guards = n >= 40;
        fresh(n & 1);
        make_parent();
        support_fail_target(n % 40 / 2 + 1, 1);
        err = mm_fork(parent, &child);
        support_fail_target(0, 0);
        if (err) {
            EXPECT_EQ(err, -ENOMEM);
            EXPECT_EQ(wrong(parent, 0), 0);
        } else {
            EXPECT_EQ(let_in(parent), 0);
            EXPECT_EQ(wrong(parent, 0), 0);
        }
    }
    guards = false;
}

/* ---- pages that are alike ---- */

enum { THREE = 3, CALM = 20, MOVED = 200, STEPS = 3000 };
static struct mm *member[THREE];
static uint64_t model[THREE][CALM];

static int wrong_words(int who)
{
    int n = 0;

    for (uint64_t p = 0; p < CALM; p++) {
        n += *(uint64_t *)(AREA(1) + p * PAGE_SIZE) != model[who][p];
        n += support_page_wrong(member[who], AREA(1) + p * PAGE_SIZE) != 0;
    }
    return n;
}

static void write_word(int who, uint64_t page, uint64_t val)
{
    store(member[who], AREA(1) + page * PAGE_SIZE, val);
    model[who][page] = val;
}

static void make_three(bool moves)
{
    const uint64_t pages[2] = {MOVED, CALM};

    guards = true;
    fresh(moves);
    for (int i = 0; i < 2; i++) {
        uint64_t at = AREA(i), len = pages[i] * PAGE_SIZE;
        EXPECT_EQ(mm_map(parent, &at, len, RW, ANON | MAP_FIXED, NULL, 0), 0);
    }
    member[0] = parent;
    for (uint64_t p = 0; p < CALM; p++) {
        write_word(0, p, 100 + p);
    }
    for (int i = 1; i < THREE; i++) {
        EXPECT_EQ(mm_fork(member[i - 1], &member[i]), 0);
        support_set_mm(member[i]);
        memcpy(model[i], model[0], sizeof(model[i]));
        for (uint64_t p = 0; p < MOVED; p++) {
            store(member[i], AREA(0) + p * PAGE_SIZE, p);
        }
    }
}

static void take_turns(unsigned turns)
{
    for (unsigned i = 0; i < turns; i++) {
        EXPECT_EQ(let_in(member[i % THREE]), 0);
        EXPECT_EQ(wrong_words(i % THREE), 0);
    }
}

/* How many copies a member that is away has, the only one at `at`. */
static unsigned copies_at(int who, uint64_t at)
{
    const struct store *s = &member[who]->store;
    unsigned n = 0;

    for (unsigned i = 0; i < s->count; i++) {
        if (s->runs[i].kind == STORE_COPY) {
            n += s->runs[i].start == at ? s->runs[i].pages : 1000;
        }
    }
    return n;
}

static void what_all_have_alike_is_exchanged_no_more(void)
{
    make_three(true);
    write_word(2, 7, 1);
    take_turns(36);
    for (int i = 0; i < 2; i++) { /* who are away */
        EXPECT_EQ(copies_at(i, AREA(1) + 7 * PAGE_SIZE), 1);
    }
    write_word(2, 9, 2);
    take_turns(36);
    write_word(2, 7, 107);
    write_word(2, 9, 109);
    take_turns(120);
    for (int i = 0; i < 2; i++) { /* page 9 was common before */
        EXPECT_EQ(copies_at(i, AREA(1) + 9 * PAGE_SIZE), 1);
    }
    guards = false;
}

static void random_turns(bool moves)
{
    uint32_t seed = 1;
    int who = THREE - 1;

    make_three(moves);
    for (int i = 0; i < STEPS; i++) {
        seed = seed * 1664525 + 1013904223;
        if (seed >> 30) {
            write_word(who, (seed >> 8) % CALM, seed >> 20 & 1);
        } else {
            who = (int)(seed >> 12) % THREE;
            EXPECT_EQ(let_in(member[who]), 0);
            EXPECT_EQ(wrong_words(who), 0);
        }
    }
    guards = false;
}

static void pages_become_alike_and_differ_again(void)
{
    random_turns(true);
    random_turns(false);
}

enum { PAGES = 10000, CUTS = 4096 };

static unsigned common_runs(void)
{
    uint64_t at = 0, end;
    unsigned n = 0;

    for (; resident_run(&parent->family->common, &at, AREA(AREAS), &end);
         at = end) {
        n++;
    }
    return n;
}

/* The child makes PAGES its own, of which those are alike that it writes 0
 * to. */
static void settle_many(bool differ)
{
    uint64_t at = AREA(0);

    fresh(false);
    EXPECT_EQ(
        mm_map(parent, &at, PAGES * PAGE_SIZE, RW, ANON | MAP_FIXED, NULL, 0),
        0);
    EXPECT_EQ(mm_fork(parent, &child), 0);
    support_set_mm(child);
    for (uint64_t p = 0; p < PAGES; p++) {
        store(child, at + p * PAGE_SIZE, differ && p & 1);
    }
    child->family->settle_in = 1;
    EXPECT_EQ(let_in(parent), 0);
}

/* The host's mappings are limited. */
static void what_is_alike_does_not_cut_too_often(void)
{
    guards = true;
    settle_many(true);
    EXPECT(common_runs() > CUTS / 2 && common_runs() <= CUTS);
    settle_many(false);
    EXPECT(common_runs() == 1);
    for (uint64_t p = 0; p < PAGES; p += 2) {
        store(parent, AREA(0) + p * PAGE_SIZE, 1);
    }
    EXPECT(common_runs() > CUTS / 2 && common_runs() <= CUTS + 64);
    guards = false;
}

/* Nobody is left to be given a copy. */
static void who_is_left_alone_faults_once(void)
{
    guards = true;
    fork_parent(true);
    child->family->settle_in = 1;
    EXPECT_EQ(let_in(parent), 0);
    EXPECT(guard_holds(parent, AREA(1)));
    EXPECT_EQ(let_in(child), 0);
    EXPECT(mm_leave(child));
    EXPECT_EQ(let_in(parent), 0);
    store(parent, AREA(1), 1);
    EXPECT(!guard_holds(parent, AREA(1) + PAGE_SIZE));
    guards = false;
}

enum { FORKS = 40 };

/* As a shell does. The child writes to page 0, the parent to page 1. */
static void fork_and_end(uint64_t turn)
{
    uint64_t at = AREA(1);

    EXPECT_EQ(mm_fork(parent, &child), 0);
    support_set_mm(child);
    EXPECT_EQ(wrong(child, 0), 0);
    store(child, at, turn + 1);
    EXPECT(mm_leave(child));
    EXPECT_EQ(let_in(parent), 0);
    sched_gate_open(&parent->gate); /* it may fork again */
    EXPECT_EQ(*(uint64_t *)(at + 8), value(0, 1, 0));
    EXPECT_EQ(*(uint64_t *)at, 0);
    EXPECT_EQ(wrong(parent, 0), 0);
    store(parent, at + PAGE_SIZE, turn);
}

static void what_nobody_writes_is_not_copied_by_each_fork(void)
{
    guards = true;
    fresh(true);
    make_parent();
    for (uint64_t i = 0; i < FORKS; i++) {
        fork_and_end(i);
    }
    for (uint64_t p = 0; p < areas[1].pages; p++) {
        EXPECT_EQ(guard_holds(parent, AREA(1) + p * PAGE_SIZE), p > 1);
    }
    EXPECT_EQ(mm_unmap(parent, AREA(1), areas[1].pages * PAGE_SIZE), 0);
    EXPECT_EQ(mm_fork(parent, &child), 0);
    EXPECT(!guard_holds(parent, AREA(1) + 2 * PAGE_SIZE));
    guards = false;
}

static void strangers_are_not_compared_in_each_exchange(void)
{
    struct mm *mms[2];
    uint64_t at = AREA(1);

    guards = true;
    fresh(true);
    mms[0] = parent;
    EXPECT_EQ(mm_create(&mms[1]), 0);
    EXPECT_EQ(family_enter(parent->family, mms[1]), 0);
    for (int i = 0; i < 2; i++) {
        EXPECT(i == 0 || let_in(mms[i]) == 0);
        EXPECT_EQ(mm_map(mms[i], &at, PAGE_SIZE, RW, ANON | MAP_FIXED, NULL, 0),
                  0);
        store(mms[i], at, 5);
    }
    for (int i = 0; i < 20; i++) {
        EXPECT_EQ(let_in(mms[i % 2]), 0);
    }
    EXPECT_EQ(parent->family->common.pages, 0);
    for (int i = 0; i < 20; i++) {
        EXPECT_EQ(let_in(mms[i % 2]), 0);
    }
    EXPECT_EQ(parent->family->common.pages, 1);
    guards = false;
}

/* ---- what only a failure or a sleeper shows ---- */

/* A task that sleeps in a fault with the lock held goes on with it. */
static void what_a_sleeper_maps_meanwhile_is_exchanged(void)
{
    uint64_t at = AREA(4);

    make_family(true);
    mm_lock(child);
    EXPECT_EQ(let_in(parent), 0);
    EXPECT_EQ(let_in(child), 0);
    EXPECT_EQ(map_locked(child, &at, PAGE_SIZE, RW, ANON | MAP_FIXED, NULL, 0),
              0);
    *(uint64_t *)at = 99;
    EXPECT_EQ(let_in(parent), 0);
    EXPECT_EQ(wrong(parent, 0), 0);
    EXPECT_EQ(let_in(child), 0);
    EXPECT_EQ(*(uint64_t *)at, 99);
    mm_unlock(child);
}

static void no_run_overlaps(const struct store *s)
{
    for (unsigned i = 1; i < s->count; i++) {
        const struct store_run *a = &s->runs[i - 1], *b = &s->runs[i];
        EXPECT_EQ(a->start + a->pages * PAGE_SIZE <= b->start, true);
    }
}

/* With a third member, which has its copies first. */
static void copies_for_others_are_all_made_or_none(void)
{
    struct mm *third;

    guards = true;
    for (unsigned n = 1; n < 12; n++) {
        uint64_t at = AREA(0) + 20 * PAGE_SIZE;
        int err;

        fork_parent(true);
        EXPECT_EQ(mm_fork(child, &third), 0);
        support_set_mm(third);
        heap_fail_after(n);
        err = mm_fault(third, at, MEM_WRITE);
        heap_fail_after(0);
        EXPECT_EQ(err == 0 || err == -ENOMEM, true);
        EXPECT_EQ(wrong(third, 0), 0);
        store(third, at, 5);
        no_run_overlaps(&parent->store);
        no_run_overlaps(&child->store);
        EXPECT_EQ(let_in(parent), 0);
        EXPECT_EQ(wrong(parent, 0), 0);
    }
    guards = false;
}

/* The parent's second allocation or request that fails, while a stranger comes
 * in for whom nothing may stay common. */
static void a_stranger_who_fails_to_come_in_changes_nothing(void)
{
    struct mm *stranger;

    guards = true;
    for (unsigned n = 1; n < 40; n++) {
        int err;

        fork_parent(true);
        EXPECT_EQ(mm_create(&stranger), 0);
        EXPECT_EQ(family_enter(parent->family, stranger), 0);
        if (n % 2) {
            heap_fail_after(n / 2 + 1);
        } else {
            support_fail_target(n / 2, 1);
        }
        err = let_in(stranger);
        heap_fail_after(0);
        support_fail_target(0, 0);
        if (err) {
            EXPECT_EQ(wrong(child, 0), 0);
            store(child, AREA(0) + 8, 7);
            store(child, AREA(0) + 8, value(0, 0, 0));
            EXPECT_EQ(let_in(stranger), 0);
        }
        no_run_overlaps(&parent->store);
        EXPECT_EQ(let_in(parent), 0);
        EXPECT_EQ(wrong(parent, 0), 0);
        EXPECT_EQ(let_in(child), 0);
        EXPECT_EQ(wrong(child, 0), 0);
    }
    guards = false;
}

/* Also where the host refuses to move pages back, so that they are copied. */
static void a_free_shadow_range_holds_nothing(void)
{
    uint64_t end = support_kernel_end();
    unsigned calls = calls_of_exchange(true);

    for (unsigned n = 1; n <= calls; n++) {
        refuse(true, n);
        EXPECT_EQ(let_in(parent), 0);
        store_free(&child->store, false);
        for (uint64_t at = end - SHADOW_SIZE; at < end - SHADOW_SIZE / 2;
             at += PAGE_SIZE) {
            if (support_prot(at) > 0) {
                EXPECT_EQ(((uint64_t *)at)[1], 0);
            }
        }
    }
}

static void what_is_wiped_for_a_child_is_so_though_the_host_refuses(void)
{
    for (unsigned n = 1; n < 30; n++) {
        uint64_t at = AREA(0);
        int err;

        fresh(true);
        make_parent();
        EXPECT_EQ(mm_advise(parent, at, 4 * PAGE_SIZE, MADV_WIPEONFORK), 0);
        support_fail_target(n, 1);
        err = mm_fork(parent, &child);
        support_fail_target(0, 0);
        if (!err) {
            support_set_mm(child);
            EXPECT_EQ(support_page_wrong(child, at), 0);
            if (!resident_test(&child->resident, at)) {
                EXPECT_EQ(mm_fault(child, at, MEM_READ), 0);
            }
            EXPECT_EQ(*(uint64_t *)(at + 8), 0);
            EXPECT_EQ(let_in(parent), 0);
        }
        EXPECT_EQ(wrong(parent, 0), 0);
    }
}

static void who_has_written_too_much_does_not_fork(void)
{
    for (int i = 0; i < 2; i++) {
        guards = i;
        fresh(true);
        make_parent();
        mm_swap_limit(100 * PAGE_SIZE);
        EXPECT_EQ(mm_fork(parent, &child), -ENOMEM);
        EXPECT_EQ(wrong(parent, 0), 0);
        mm_swap_limit(1000 * PAGE_SIZE);
        EXPECT_EQ(mm_fork(parent, &child), 0);
        mm_swap_limit(0);
    }
    guards = false;
}

int main(void)
{
    RUN(members_take_turns);
    RUN(members_take_turns_by_copies);
    RUN(members_take_turns_after_a_guarded_fork);
    RUN(what_nobody_writes_to_is_neither_copied_nor_exchanged);
    RUN(guarded_writes_that_fail_change_nothing);
    RUN(a_host_that_refuses_takes_no_page);
    RUN(what_all_have_alike_is_exchanged_no_more);
    RUN(pages_become_alike_and_differ_again);
    RUN(what_is_alike_does_not_cut_too_often);
    RUN(who_is_left_alone_faults_once);
    RUN(what_nobody_writes_is_not_copied_by_each_fork);
    RUN(strangers_are_not_compared_in_each_exchange);
    RUN(forks_that_fail_change_nothing);
    RUN(who_has_written_too_much_does_not_fork);
    RUN(what_a_sleeper_maps_meanwhile_is_exchanged);
    RUN(copies_for_others_are_all_made_or_none);
    RUN(a_stranger_who_fails_to_come_in_changes_nothing);
    RUN(a_free_shadow_range_holds_nothing);
    RUN(what_is_wiped_for_a_child_is_so_though_the_host_refuses);
    return unit_result();
}
