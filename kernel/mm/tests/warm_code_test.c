/* SPDX-License-Identifier: MIT
 *
 * Where pages are copies (an enclave): what could not be written, of a file
 * that never changes, is there for the next run of the program as it is, code
 * with its slots; and nothing else is.
 */
#include "lib/tests/unit.h"
#include "kernel/mm/tests/shown_file.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/limit.h"
#include "kernel/mm/room.h"
#include "kernel/mm/warm.h"
#include "abi/linux/errno.h"
#include "target/target.h"

enum {
    RW = PROT_READ | PROT_WRITE,
    RX = PROT_READ | PROT_EXEC,
    PAGES = 4, /* two of code, two that are only read */
    SITE = 512,
};
#define HALF (PAGES / 2 * PAGE_SIZE)

static struct mm *mm;
static struct shown_file file;
static const struct mm_kind kind = {.program = &file, .owner = 1};

static void fresh_under(uint64_t ceiling)
{
    static const uint8_t call[] = {0xb8, 39, 0, 0, 0, 0x0f, 0x05};

    support_reset();
    limit_init(ceiling);
    heap_init(support_kernel_start(), support_kernel_end(), 0, 0, 0);
    mm_init(support_user_start(), support_user_end(), 0, false);
    shown_file_init(&file, PAGES);
    memset(file.pages, 0x90, HALF);
    memset(file.pages + HALF, 'r', HALF);
    memcpy(file.pages + SITE, call, sizeof(call));
    memcpy(file.pages + PAGE_SIZE + SITE, call, sizeof(call));
}

static void fresh(void)
{
    fresh_under(0);
}

static uint64_t fixed(void)
{
    return support_user_start() + (3ul << 30);
}

static void map(uint64_t at, uint64_t len, int prot, struct vm_object *o,
                uint64_t off)
{
    int flags = MAP_PRIVATE | MAP_FIXED | (o ? 0 : MAP_ANONYMOUS);

    EXPECT_EQ(mm_map(mm, &at, len, prot, flags, o, off), 0);
}

/* Maps all of the file; how often it is read to have it. */
static unsigned map_all(uint64_t base)
{
    unsigned before = file.reads;

    map(base, HALF, RX, &file.object, 0);
    map(base + HALF, HALF, PROT_READ, &file.object, HALF);
    for (uint64_t at = base; at < base + 2 * HALF; at += PAGE_SIZE) {
        if (!resident_test(&mm->resident, at)) {
            EXPECT_EQ(mm_fault(mm, at, MEM_READ), 0);
        }
    }
    return file.reads - before;
}

/* A run begins. */
static unsigned start(uint64_t *base)
{
    EXPECT_EQ(mm_create_as(&kind, &mm), 0);
    support_set_mm(mm);
    EXPECT_EQ(mm_reserve_image(mm, 2 * HALF, PAGE_SIZE, base), 0);
    return map_all(*base);
}

/* A run of a program without a choice of addresses. */
static unsigned start_fixed(const void *program)
{
    const struct mm_kind k = {.program = program, .owner = 1, .fixed = true};
    struct span *home;

    EXPECT_EQ(mm_create_as(&k, &mm), 0);
    support_set_mm(mm);
    EXPECT_EQ(mm_take_fixed(mm, fixed(), fixed() + 2 * HALF), 0);
    EXPECT_EQ(slots_home(mm, &home), 0);
    return map_all(fixed());
}

static void end(void)
{
    mm_leave(mm);
    mm_put(mm);
}

/* The slot of the site in page i of the code, which is known as such. */
static uint64_t slot_of(uint64_t base, unsigned i)
{
    uint64_t at = base + i * PAGE_SIZE + SITE, slot, site = 0;
    int32_t rel;

    EXPECT_EQ(*(uint8_t *)at, 0xe9);
    memcpy(&rel, (void *)(at + 1), sizeof(rel));
    slot = at + 5 + (uint64_t)(int64_t)rel;
    EXPECT(mm_trampoline_rip(slot, &site));
    EXPECT_EQ(site, at);
    EXPECT_EQ(support_prot(slot), RX);
    EXPECT(resident_test(&mm->resident, ALIGN_DOWN(slot, PAGE_SIZE)));
    return slot;
}

static void is_there(uint64_t base)
{
    EXPECT(slot_of(base, 0) != slot_of(base, 1));
    EXPECT_EQ(*(char *)(base + HALF), 'r');
    for (uint64_t at = base - (1 << 20); at < base + 2 * HALF;
         at += PAGE_SIZE) {
        EXPECT_EQ(support_page_wrong(mm, at), 0);
    }
}

static void code_and_what_is_only_read_are_there_as_they_were(void)
{
    uint64_t first, base, slot;

    fresh();
    EXPECT(start(&first) > 0);
    slot = slot_of(first, 0);
    is_there(first);
    end();
    for (unsigned run = 0; run < 3; run++) {
        unsigned calls;

        EXPECT_EQ(start(&base), 0);
        EXPECT_EQ(base, first);
        EXPECT_EQ(slot_of(base, 0), slot);
        is_there(base);
        mm_started(mm);
        is_there(base);
        calls = support_calls();
        end();
        EXPECT_EQ(support_calls(), calls);
    }
    mm_forget(&file);
    EXPECT_EQ(support_committed(support_user_start(), support_user_end()), 0);
}

/* What the account has of programs. */
static uint64_t counted(void)
{
    struct heap_stats s;

    heap_get_stats(&s);
    return limit_used() - s.bytes_committed / PAGE_SIZE;
}

static uint64_t all_committed(void)
{
    return support_committed(support_user_start(), support_user_end());
}

static void under_a_ceiling_what_waits_counts(void)
{
    uint64_t base, waiting;

    fresh_under(16 << 20);
    for (unsigned run = 0; run < 3; run++) {
        unsigned reads = start(&base);

        EXPECT_EQ(reads != 0, run == 0);
        map(base + 2 * HALF, HALF, RW, NULL, 0);
        *(char *)(base + 2 * HALF) = 'w';
        EXPECT_EQ(counted(), all_committed());
        mm_started(mm);
        is_there(base);
        EXPECT_EQ(counted(), mm->resident.pages);
        end();
        waiting = all_committed();
        EXPECT(waiting > PAGES);
        EXPECT_EQ(counted(), waiting);
    }
    EXPECT_EQ(mm_create_as(&kind, &mm), 0); /* maps nothing of it */
    mm_started(mm);
    EXPECT_EQ(counted(), HALF / PAGE_SIZE); /* idle memory */
    EXPECT_EQ(mm->idle_bytes, HALF);
    EXPECT_EQ(all_committed(), HALF / PAGE_SIZE);
    end();
    EXPECT_EQ(counted(), 0);
    EXPECT_EQ(all_committed(), 0);
}

static void what_waits_goes_before_anybody_lacks_memory(void)
{
    uint64_t first, at = 0, pages = 0;

    fresh_under(16 << 20);
    start(&first);
    end();
    EXPECT(all_committed() > 0);
    EXPECT_EQ(mm_create(&mm), 0);
    support_set_mm(mm);
    while (mm_map(mm, &at, 64 << 10, RW, MAP_PRIVATE | MAP_ANONYMOUS, NULL,
                  0) == 0 &&
           mm_fault(mm, at, MEM_WRITE) == 0) {
        pages = mm->resident.pages;
        at = 0;
    }
    EXPECT_EQ(support_committed(first, first + 2 * HALF), 0);
    EXPECT_EQ(all_committed(), pages);
    EXPECT_EQ(counted(), pages);
    end();
    EXPECT_EQ(counted(), 0);
}

static void what_may_change_is_read_anew(void)
{
    uint64_t base;

    fresh();
    file.changes = true;
    start(&base);
    end();
    memset(file.pages + HALF, 'r', HALF);
    memset(file.pages + SITE, 0x90, 16);
    EXPECT(start(&base) > 0);
    EXPECT_EQ(*(uint8_t *)(base + SITE), 0x90);
    slot_of(base, 1);
    end();
}

static void what_was_written_is_read_anew(void)
{
    uint64_t base;

    fresh();
    start(&base);
    EXPECT_EQ(mm_protect(mm, base, PAGE_SIZE, RW), 0);
    EXPECT_EQ(mm_protect(mm, base + HALF, PAGE_SIZE, RW), 0);
    memset((void *)base, 'w', PAGE_SIZE);
    memset((void *)(base + HALF), 'w', PAGE_SIZE);
    EXPECT_EQ(mm_protect(mm, base, PAGE_SIZE, RX), 0);
    EXPECT_EQ(mm_protect(mm, base + HALF, PAGE_SIZE, PROT_READ), 0);
    end();
    EXPECT(start(&base) > 0);
    is_there(base);
    end();
}

static void another_part_of_the_file_is_read_anew(void)
{
    uint64_t base;

    fresh();
    start(&base);
    end();
    EXPECT_EQ(mm_create_as(&kind, &mm), 0);
    support_set_mm(mm);
    EXPECT_EQ(mm_reserve_image(mm, 2 * HALF, PAGE_SIZE, &base), 0);
    map(base, HALF, RX, &file.object, HALF);
    map(base + HALF, HALF, RX, &file.object, 0);
    for (unsigned i = 0; i < PAGES; i++) {
        EXPECT_EQ(mm_fault(mm, base + i * PAGE_SIZE, MEM_READ), 0);
    }
    EXPECT_EQ(*(char *)base, 'r');
    slot_of(base + HALF, 0);
    slot_of(base + HALF, 1);
    end();
}

/* Something lies where the slots were: the code gets others. */
static void code_whose_slots_have_no_room_is_read_anew(void)
{
    uint64_t base, slot, region;

    fresh();
    start(&base);
    slot = slot_of(base, 0);
    region = ALIGN_DOWN(slot, (uint64_t)TRAMPOLINE_SIZE);
    end();
    EXPECT_EQ(mm_create_as(&kind, &mm), 0);
    support_set_mm(mm);
    map(region, TRAMPOLINE_SIZE, RW, NULL, 0);
    memset((void *)region, 'x', PAGE_SIZE);
    map(base, HALF, RX, &file.object, 0);
    EXPECT(slot_of(base, 0) - region >= TRAMPOLINE_SIZE);
    slot_of(base, 1);
    EXPECT_EQ(*(char *)region, 'x');
    end();
}

/* Every step of the second start that can be refused is, in turn. */
static void a_target_that_refuses_leaves_what_is_right(void)
{
    for (unsigned n = 1; n < 8; n++) {
        uint64_t base;

        fresh();
        start(&base);
        end();
        EXPECT_EQ(mm_create_as(&kind, &mm), 0);
        support_set_mm(mm);
        mm_loaded(mm);
        EXPECT_EQ(mm_reserve_image(mm, 2 * HALF, PAGE_SIZE, &base), 0);
        support_fail_target(n, 1);
        map(base, 2 * HALF, PROT_READ, &file.object, 0);
        map(base, HALF, RX, &file.object, 0);
        support_fail_target(0, 0);
        for (unsigned i = 0; i < PAGES; i++) {
            EXPECT_EQ(mm_fault(mm, base + i * PAGE_SIZE, MEM_READ), 0);
        }
        is_there(base);
        end();
    }
}

/* Pages mapped after the start, of which a middle part is used. */
static uint64_t later(bool first)
{
    enum { LEN = 512 << 10, USED = 256 << 10 };
    uint64_t at = 0;

    EXPECT_EQ(mm_map(mm, &at, LEN, RW, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0),
              0);
    EXPECT_EQ(resident_test(&mm->resident, at + USED), !first);
    if (first) {
        EXPECT_EQ(mm_fault(mm, at + USED, MEM_WRITE), 0);
    }
    for (uint64_t page = at; page < at + LEN; page += PAGE_SIZE) {
        EXPECT_EQ(support_page_wrong(mm, page), 0);
        if (resident_test(&mm->resident, page)) {
            EXPECT_EQ(*(char *)page, 0);
            *(char *)page = 'w';
        }
    }
    EXPECT(!resident_test(&mm->resident, at));
    return at + USED;
}

static void what_a_program_makes_later_is_there_when_it_makes_it(void)
{
    uint64_t base, used, heap;

    fresh_under(16 << 20);
    for (unsigned run = 0; run < 3; run++) {
        start(&base);
        mm_set_brk(mm, base + 2 * HALF, false);
        heap = mm_brk(mm, 0);
        mm_started(mm);
        EXPECT_EQ(counted(), mm->resident.pages + mm->idle_bytes / PAGE_SIZE);
        used = later(run == 0);
        EXPECT_EQ(mm_brk(mm, heap + PAGE_SIZE), heap + PAGE_SIZE);
        EXPECT(resident_test(&mm->resident, heap));
        EXPECT_EQ(*(char *)heap, 0);
        *(char *)heap = 'w';
        EXPECT_EQ(mm->idle_count, 0);
        EXPECT_EQ(counted(), mm->resident.pages);
        end();
        EXPECT_EQ(counted(), all_committed());
        EXPECT_EQ(support_committed(used, used + PAGE_SIZE), 1);
        EXPECT_EQ(*(char *)used, 0); /* nothing of what was written waits */
    }
    /* One that does not make it again cannot reach it. */
    start(&base);
    mm_started(mm);
    EXPECT_EQ(support_prot(used), 0);
    EXPECT_EQ(mm_fault(mm, used, MEM_READ), -EFAULT);
    end();
    EXPECT_EQ(support_committed(used, used + PAGE_SIZE), 0);
    EXPECT_EQ(counted(), all_committed());
}

static void programs_at_fixed_addresses_find_it_there(void)
{
    struct mm *first;

    fresh();
    for (unsigned run = 0; run < 3; run++) {
        EXPECT_EQ(start_fixed(&file) != 0, run == 0);
        is_there(fixed());
        mm_started(mm);
        end();
        EXPECT(support_committed(fixed(), fixed() + 2 * HALF) > 0);
    }
    /* Who needs the place gets it. */
    EXPECT(start_fixed(&kind) > 0);
    is_there(fixed());
    end();
    /* Another one joins while a start is not over yet. */
    EXPECT_EQ(start_fixed(&kind), 0);
    first = mm;
    EXPECT_EQ(mm_create(&mm), 0);
    EXPECT_EQ(mm_take_fixed(mm, fixed(), fixed() + PAGE_SIZE), 0);
    EXPECT_EQ(first->family->count, 2);
    EXPECT(mm->family == first->family);
    EXPECT(!warm_starting(first));
}

/* One that ends before its start was over: while it goes, and afterwards. */
static void nobody_joins_what_ends_with_its_start(void)
{
    struct family *f;

    fresh();
    EXPECT(start_fixed(&file) > 0);
    end();
    EXPECT_EQ(start_fixed(&file), 0);
    f = mm->family;
    EXPECT(f->ended);
    mm->gone = true;
    mm_started(mm);
    EXPECT(!warm_starting(mm));
    EXPECT(f->ended);
    end();
    EXPECT_EQ(start_fixed(&file), 0);
    mm_started(mm);
    EXPECT(!mm->family->ended);
}

int main(void)
{
    RUN(what_a_program_makes_later_is_there_when_it_makes_it);
    RUN(nobody_joins_what_ends_with_its_start);
    RUN(programs_at_fixed_addresses_find_it_there);
    RUN(code_and_what_is_only_read_are_there_as_they_were);
    RUN(under_a_ceiling_what_waits_counts);
    RUN(what_waits_goes_before_anybody_lacks_memory);
    RUN(what_may_change_is_read_anew);
    RUN(what_was_written_is_read_anew);
    RUN(another_part_of_the_file_is_read_anew);
    RUN(code_whose_slots_have_no_room_is_read_anew);
    RUN(a_target_that_refuses_leaves_what_is_right);
    return unit_result();
}
