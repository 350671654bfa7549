/* SPDX-License-Identifier: MIT
 *
 * What a program leaves for its next run: the same mappings without a call of
 * the target, nothing of what was written, and nothing that was not mapped
 * again.
 */
#include "lib/tests/unit.h"
#include "kernel/mm/tests/shown_file.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/room.h"
#include "abi/linux/errno.h"
#include "target/target.h"

enum { RW = PROT_READ | PROT_WRITE, PAGES = 8 };

static struct mm *mm;
static struct shown_file file;
static const struct mm_kind kind = {.program = &file, .owner = 1};

/* ---- runs of a program ---- */

/* What a start maps: PAGES of the file, the first half read-only; then as much
 * anonymous memory. */
struct run {
    uint64_t base;
    char *data, *bss;
};

static void fresh(void)
{
    shown_reset();
    shown_file_init(&file, PAGES);
    memset(file.pages, 'f', PAGES * PAGE_SIZE);
}

static void create(const struct mm_kind *k)
{
    EXPECT_EQ(mm_create_as(k, &mm), 0);
    support_set_mm(mm);
}

static void map(uint64_t at, uint64_t len, int prot, struct vm_object *o,
                uint64_t off)
{
    int flags = MAP_PRIVATE | MAP_FIXED | (o ? 0 : MAP_ANONYMOUS);

    EXPECT_EQ(mm_map(mm, &at, len, prot, flags, o, off), 0);
}

static struct run start(const struct mm_kind *k)
{
    const uint64_t half = PAGES / 2 * PAGE_SIZE;
    struct run r;

    create(k);
    EXPECT_EQ(mm_reserve_image(mm, 4 * half, PAGE_SIZE, &r.base), 0);
    map(r.base, half, PROT_READ, &file.object, 0);
    map(r.base + half, half, RW, &file.object, half);
    map(r.base + 2 * half, 2 * half, RW, NULL, 0);
    r.data = (char *)r.base + half;
    r.bss = (char *)r.base + 2 * half;
    return r;
}

static void end(void)
{
    mm_leave(mm);
    mm_put(mm);
}

static void is_new(const struct run *r)
{
    EXPECT_EQ(*(char *)r->base, 'f');
    for (unsigned i = 0; i < PAGES / 2; i++) {
        EXPECT_EQ(r->data[i * PAGE_SIZE], 'f');
    }
    for (unsigned i = 0; i < PAGES; i++) {
        EXPECT_EQ(r->bss[i * PAGE_SIZE], 0);
    }
}

/* Writes all over; a page of the data cannot be written any more then. */
static void use(const struct run *r)
{
    mm_started(mm);
    memset(r->data, 'd', PAGES / 2 * PAGE_SIZE);
    memset(r->bss, 'b', PAGES * PAGE_SIZE);
    EXPECT_EQ(mm_protect(mm, (uint64_t)r->data, PAGE_SIZE, PROT_READ), 0);
}

static void the_second_run_is_at_the_same_place_and_new(void)
{
    struct run a, b;
    unsigned calls;

    fresh();
    a = start(&kind);
    is_new(&a);
    use(&a);
    end();
    calls = support_calls();
    b = start(&kind);
    EXPECT_EQ(b.base, a.base);
    EXPECT_EQ(support_calls(), calls);
    is_new(&b);
    EXPECT_EQ(support_prot((uint64_t)b.data), RW);
    use(&b);
    end();
    EXPECT_EQ(page_refs(file.pages), 2); /* ours, and what waits */
}

static void what_is_not_mapped_again_is_gone_when_the_program_runs(void)
{
    struct run a;
    uint64_t base;

    fresh();
    a = start(&kind);
    use(&a);
    end();
    create(&kind);
    EXPECT_EQ(mm_reserve_image(mm, 2 * PAGES * PAGE_SIZE, PAGE_SIZE, &base), 0);
    EXPECT_EQ(base, a.base);
    map(base, PAGE_SIZE, PROT_READ, &file.object, 0);
    map((uint64_t)a.bss, 2 * PAGE_SIZE, PROT_READ, &file.object, 0);
    mm_started(mm);
    EXPECT_EQ(*(char *)base, 'f');
    EXPECT_EQ(a.bss[PAGE_SIZE], 'f');
    EXPECT_EQ(support_committed(base, base + 2 * PAGES * PAGE_SIZE), 3);
    end();
}

static void other_programs_and_users_find_nothing(void)
{
    const struct mm_kind others[] = {{.program = &mm, .owner = 1},
                                     {.program = &file, .owner = 2}};
    struct run a;

    fresh();
    a = start(&kind);
    use(&a);
    end();
    for (unsigned i = 0; i < ARRAY_SIZE(others); i++) {
        unsigned calls = support_calls();
        struct run b = start(&others[i]);

        EXPECT(support_calls() > calls + 2);
        is_new(&b);
        end();
    }
}

/* By a debugger, say. */
static void what_could_not_be_written_was_written(void)
{
    struct run a;
    int prot;

    fresh();
    a = start(&kind);
    mm_started(mm);
    EXPECT_EQ(mm_unprotect(mm, a.base, &prot), 0);
    *(char *)a.base = 'x';
    EXPECT_EQ(mm_protect(mm, a.base, PAGE_SIZE, prot), 0);
    end();
    a = start(&kind);
    is_new(&a);
    end();
}

/* There it never could be written. */
static void what_was_moved_there_was_written(void)
{
    struct run a;
    uint64_t from = 0, to;

    fresh();
    a = start(&kind);
    use(&a);
    EXPECT_EQ(
        mm_map(mm, &from, PAGE_SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0),
        0);
    *(char *)from = 'm';
    EXPECT_EQ(mm_protect(mm, from, PAGE_SIZE, PROT_READ), 0);
    to = (uint64_t)a.bss;
    EXPECT_EQ(mm_remap(mm, from, PAGE_SIZE, PAGE_SIZE,
                       MREMAP_MAYMOVE | MREMAP_FIXED, &to),
              0);
    EXPECT_EQ(*a.bss, 'm');
    end();
    a = start(&kind);
    is_new(&a);
    end();
}

static void a_file_that_was_written_meanwhile_is_as_it_is_now(void)
{
    struct run a;

    fresh();
    a = start(&kind);
    use(&a);
    end();
    memset(file.pages + PAGES / 2 * PAGE_SIZE, 'g', PAGE_SIZE);
    page_changed(file.pages + PAGES / 2 * PAGE_SIZE);
    a = start(&kind);
    EXPECT_EQ(*a.data, 'g');
    EXPECT_EQ(a.data[PAGE_SIZE], 'f');
    EXPECT_EQ(*(char *)a.base, 'f');
    end();
    EXPECT_EQ(page_refs(file.pages), 2);
}

static void what_the_cache_has_no_more_is_not_there(void)
{
    struct run a;

    fresh();
    a = start(&kind);
    use(&a);
    end();
    file.hidden = true;
    a = start(&kind);
    EXPECT_EQ(support_committed(a.base, (uint64_t)a.bss), 0);
    end();
}

static void only_the_clock_finds_its_page(void)
{
    uint64_t at, other;

    fresh();
    for (int run = 0; run < 3; run++) {
        create(&kind);
        EXPECT_EQ(mm_reserve_image(mm, 2 * PAGE_SIZE, PAGE_SIZE, &at), 0);
        other = at + PAGE_SIZE;
        EXPECT(!mm_finds(mm, other));
        EXPECT_EQ(mm_finds(mm, at), run == 1);
        map(at, PAGE_SIZE, run == 1 ? PROT_READ : RW, NULL, 0);
        if (run == 0) {
            *(char *)at = 'c';
            EXPECT_EQ(mm_protect(mm, at, PAGE_SIZE, PROT_READ), 0);
        }
        EXPECT_EQ(*(char *)at, run == 2 ? 0 : 'c');
        mm_name(mm, at, MM_VVAR);
        map(other, PAGE_SIZE, RW, NULL, 0);
        mm_started(mm);
        if (run == 1) { /* the next one has something else there */
            end();
            create(&kind);
            EXPECT_EQ(mm_reserve_image(mm, PAGE_SIZE, PAGE_SIZE, &other), 0);
            EXPECT_EQ(other, at);
            map(at, PAGE_SIZE, PROT_READ, NULL, 0);
            EXPECT_EQ(*(char *)at, 0);
        }
        end();
    }
}

static void who_needs_the_place_gets_it(void)
{
    struct run a;

    fresh();
    a = start(&kind);
    use(&a);
    end();
    EXPECT_EQ(mm_create(&mm), 0);
    support_set_mm(mm);
    map((uint64_t)a.data, PAGE_SIZE, RW, NULL, 0);
    EXPECT_EQ(*a.data, 0);
    EXPECT_EQ(support_committed(a.base, (uint64_t)a.data), 0);
    EXPECT_EQ(page_refs(file.pages), 1);
    end();
}

static void of_a_file_that_is_gone_nothing_waits(void)
{
    struct run a;

    fresh();
    a = start(&kind);
    use(&a);
    end();
    mm_forget(&mm); /* another */
    EXPECT_EQ(page_refs(file.pages), 2);
    mm_forget(kind.program);
    EXPECT_EQ(page_refs(file.pages), 1);
    EXPECT_EQ(support_committed(a.base, a.base + 2 * PAGES * PAGE_SIZE), 0);
}

static void memory_that_is_scarce_is_given_back(void)
{
    struct run a;

    fresh();
    a = start(&kind);
    use(&a);
    end();
    text_shrink(1);
    EXPECT_EQ(page_refs(file.pages), 1);
    EXPECT_EQ(support_committed(a.base, a.base + 2 * PAGES * PAGE_SIZE), 0);
}

static void a_target_that_refuses_leaves_nothing_behind(void)
{
    struct run a;

    fresh();
    a = start(&kind);
    use(&a);
    support_fail_target(1, 1);
    end();
    support_fail_target(0, 0);
    EXPECT_EQ(page_refs(file.pages), 1);
    EXPECT_EQ(support_committed(a.base, a.base + 2 * PAGES * PAGE_SIZE), 0);
    a = start(&kind);
    is_new(&a);
    end();
}

static void addresses_are_chosen_anew_at_times(void)
{
    struct run a;
    uint64_t first;
    int same = 0;

    fresh();
    a = start(&kind);
    first = a.base;
    do {
        use(&a);
        end();
        a = start(&kind);
        is_new(&a);
    } while (a.base == first && ++same < 100);
    EXPECT(same > 10 && same < 100);
    end();
}

/* A run leaves a part of the file where the next maps it from its beginning;
 * from the second page on it holds code for somebody else. */
static void another_part_is_not_seen_from_its_code_on(void)
{
    struct mm *other;
    uint64_t base, code = 0;

    fresh();
    for (int i = 0; i < PAGES; i++) {
        memset(file.pages + i * PAGE_SIZE, 'A' + i, PAGE_SIZE);
    }
    EXPECT_EQ(mm_create(&other), 0);
    EXPECT_EQ(mm_map(other, &code, PAGE_SIZE, PROT_READ | PROT_EXEC,
                     MAP_PRIVATE, &file.object, PAGE_SIZE),
              0);
    EXPECT_EQ(mm_fault(other, code, MEM_READ), 0);
    for (int run = 0; run < 2; run++) {
        create(&kind);
        EXPECT_EQ(mm_reserve_image(mm, PAGES * PAGE_SIZE, PAGE_SIZE, &base), 0);
        map(base, 4 * PAGE_SIZE, PROT_READ, &file.object,
            run ? 0 : 4 * PAGE_SIZE);
        for (unsigned i = 0; i < 4; i++) {
            uint64_t at = base + i * PAGE_SIZE;
            if (run && !resident_test(&mm->resident, at)) {
                EXPECT(support_prot(at) <= 0);
            }
            EXPECT_EQ(mm_fault(mm, at, MEM_READ), 0);
            EXPECT_EQ(*(char *)at, 'A' + (int)i + (run ? 0 : 4));
        }
        mm_started(mm);
        end();
    }
}

/* ---- where nothing is shown, and pages come one by one ---- */

static void fresh_copied(void)
{
    support_reset();
    heap_init(support_kernel_start(), support_kernel_end(), 0, 0, 0);
    mm_init(support_user_start(), support_user_end(), 0, false);
    shown_file_init(&file, PAGES);
    EXPECT(file.pages != NULL);
    memset(file.pages, 'f', PAGES * PAGE_SIZE);
}

static void touch(const struct run *r)
{
    for (unsigned i = 0; i < 2 * PAGES; i++) {
        EXPECT_EQ(mm_fault(mm, r->base + i * PAGE_SIZE, MEM_READ), 0);
    }
}

static void pages_that_wait_are_filled_anew(void)
{
    struct run a, b;

    fresh_copied();
    a = start(&kind);
    touch(&a);
    is_new(&a);
    use(&a);
    end();
    EXPECT_EQ(support_committed(a.base, a.base + 2 * PAGES * PAGE_SIZE),
              2 * PAGES);
    EXPECT_EQ(a.bss[0], 0); /* nothing of what was written waits */
    memset(file.pages, 'f', PAGES * PAGE_SIZE);
    b = start(&kind);
    EXPECT_EQ(b.base, a.base);
    EXPECT_EQ(mm->resident.pages, 2 * PAGES); /* without a fault */
    is_new(&b);
    EXPECT_EQ(support_prot((uint64_t)b.data), RW);
    EXPECT_EQ(support_prot(b.base), PROT_READ);
    use(&b);
    end();
}

static void of_pages_that_wait_only_what_is_mapped_stays(void)
{
    struct run a;
    uint64_t base;

    fresh_copied();
    a = start(&kind);
    touch(&a);
    use(&a);
    end();
    create(&kind);
    EXPECT_EQ(mm_reserve_image(mm, 2 * PAGES * PAGE_SIZE, PAGE_SIZE, &base), 0);
    map(base, PAGE_SIZE, PROT_READ, &file.object, 0);
    map((uint64_t)a.bss, PAGE_SIZE, PROT_READ, NULL, 0);
    EXPECT_EQ(a.bss[0], 0);
    mm_started(mm);
    EXPECT_EQ(support_committed(base, base + 2 * PAGES * PAGE_SIZE), 2);
    EXPECT_EQ(mm->resident.pages, 2);
    EXPECT_EQ(support_page_wrong(mm, base), 0);
    end();
}

static void pages_that_cannot_be_filled_go(void)
{
    struct run a;
    bool whole = false;

    for (unsigned n = 1; !whole; n++) {
        uint64_t len = 2 * PAGES * PAGE_SIZE, base;

        fresh_copied();
        a = start(&kind);
        touch(&a);
        use(&a);
        end();
        create(&kind);
        EXPECT_EQ(mm_reserve_image(mm, len, PAGE_SIZE, &base), 0);
        support_fail_target(n, 1);
        mm_map(mm, &base, len, RW, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS,
               NULL, 0);
        support_fail_target(0, 0);
        whole = mm->resident.pages == 2 * PAGES;
        for (uint64_t at = base; at < base + len; at += PAGE_SIZE) {
            EXPECT_EQ(support_page_wrong(mm, at), 0);
        }
        EXPECT(n < 100);
        end();
    }
}

/* The page at addr is what a fault finds there, or brings in: of the file, its
 * page i; i < 0: without content. */
static void is_mapped(uint64_t addr, int i)
{
    if (!resident_test(&mm->resident, addr)) {
        EXPECT(support_prot(addr) <= 0);
        EXPECT_EQ(mm_fault(mm, addr, MEM_READ), 0);
    }
    EXPECT_EQ(support_page_wrong(mm, addr), 0);
    EXPECT_EQ(*(uint8_t *)addr, i < 0 ? 0 : 'A' + i);
}

/* Code behind a page of data, from off on, then what was written. */
static uint64_t leave_code(uint64_t off)
{
    uint64_t base;

    fresh_copied();
    for (int i = 0; i < PAGES; i++) {
        memset(file.pages + i * PAGE_SIZE, 'A' + i, PAGE_SIZE);
    }
    create(&kind);
    EXPECT_EQ(mm_reserve_image(mm, PAGES * PAGE_SIZE, PAGE_SIZE, &base), 0);
    map(base, PAGE_SIZE, PROT_READ, &file.object, 0);
    map(base + PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_EXEC, &file.object, off);
    map(base + 2 * PAGE_SIZE, 2 * PAGE_SIZE, RW, NULL, 0);
    for (unsigned i = 0; i < 4; i++) {
        EXPECT_EQ(mm_fault(mm, base + i * PAGE_SIZE, MEM_READ), 0);
    }
    mm_started(mm);
    memset((void *)(base + 2 * PAGE_SIZE), 'w', 2 * PAGE_SIZE);
    end();
    create(&kind);
    EXPECT_EQ(mm_reserve_image(mm, PAGES * PAGE_SIZE, PAGE_SIZE, &base), 0);
    EXPECT_EQ(support_prot(base), PROT_READ); /* nobody runs there yet */
    mm_loaded(mm);
    EXPECT_EQ(support_prot(base), 0);
    return base;
}

static void code_waits_out_of_reach_for_its_segment(void)
{
    uint64_t base = leave_code(PAGE_SIZE);

    map(base, 4 * PAGE_SIZE, PROT_READ, &file.object, 0);
    EXPECT_EQ(support_prot(base), PROT_READ);
    for (unsigned i = 1; i < 4; i++) {
        EXPECT_EQ(support_prot(base + i * PAGE_SIZE), 0);
    }
    map(base + PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_EXEC, &file.object,
        PAGE_SIZE);
    EXPECT(resident_test(&mm->resident, base + PAGE_SIZE));
    for (int i = 0; i < 4; i++) {
        is_mapped(base + (uint64_t)i * PAGE_SIZE, i);
    }
    end();
}

static void another_file_is_not_seen_through_code_that_waits(void)
{
    uint64_t base = leave_code(0);

    map(base, 4 * PAGE_SIZE, PROT_READ, &file.object, 0);
    map(base + 2 * PAGE_SIZE, PAGE_SIZE, RW, &file.object, 2 * PAGE_SIZE);
    for (int i = 0; i < 4; i++) {
        is_mapped(base + (uint64_t)i * PAGE_SIZE, i);
    }
    end();
}

static void what_waits_is_not_seen_through_other_mappings(void)
{
    uint64_t base = leave_code(0), at = base;

    EXPECT_EQ(mm_map(mm, &at, PAGE_SIZE, PROT_READ,
                     MAP_PRIVATE | MAP_FIXED | MAP_LOCKED, &file.object, 0),
              0);
    map(base + PAGE_SIZE, 3 * PAGE_SIZE, PROT_NONE, NULL, 0);
    for (unsigned i = 1; i < 4; i++) {
        EXPECT(support_prot(base + i * PAGE_SIZE) <= 0);
    }
    EXPECT_EQ(mm_protect(mm, base + PAGE_SIZE, 3 * PAGE_SIZE, RW), 0);
    for (unsigned i = 0; i < 4; i++) {
        is_mapped(base + i * PAGE_SIZE, i ? -1 : 0);
    }
    end();
}

static void the_place_goes_with_all_that_waits_there(void)
{
    struct run a;

    fresh_copied();
    a = start(&kind);
    touch(&a);
    use(&a);
    end();
    mm_forget(&file);
    EXPECT_EQ(support_committed(support_user_start(), support_user_end()), 0);
}

int main(void)
{
    RUN(another_part_is_not_seen_from_its_code_on);
    RUN(pages_that_wait_are_filled_anew);
    RUN(of_pages_that_wait_only_what_is_mapped_stays);
    RUN(pages_that_cannot_be_filled_go);
    RUN(code_waits_out_of_reach_for_its_segment);
    RUN(another_file_is_not_seen_through_code_that_waits);
    RUN(what_waits_is_not_seen_through_other_mappings);
    RUN(the_place_goes_with_all_that_waits_there);
    RUN(the_second_run_is_at_the_same_place_and_new);
    RUN(what_is_not_mapped_again_is_gone_when_the_program_runs);
    RUN(other_programs_and_users_find_nothing);
    RUN(what_could_not_be_written_was_written);
    RUN(what_was_moved_there_was_written);
    RUN(a_file_that_was_written_meanwhile_is_as_it_is_now);
    RUN(what_the_cache_has_no_more_is_not_there);
    RUN(only_the_clock_finds_its_page);
    RUN(who_needs_the_place_gets_it);
    RUN(of_a_file_that_is_gone_nothing_waits);
    RUN(memory_that_is_scarce_is_given_back);
    RUN(a_target_that_refuses_leaves_nothing_behind);
    RUN(addresses_are_chosen_anew_at_times);
    return unit_result();
}
