/* SPDX-License-Identifier: MIT
 *
 * Where pages are copies (an enclave): what a loader does in calls that follow
 * each other costs the target less from the third run on, and any other call,
 * or a fault, in between finds everything as if it did not.
 */
#include "lib/tests/unit.h"
#include "kernel/mm/tests/shown_file.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/limit.h"
#include "kernel/mm/room.h"
#include "kernel/mm/warm.h"
#include "abi/linux/errno.h"

enum {
    RW = PROT_READ | PROT_WRITE,
    RX = PROT_READ | PROT_EXEC,
    PART = 2 * 4096, /* of three: code, what is only read, data */
    LEN = 3 * PART,
    MANY = KNOWN_FILES + 2, /* files, of a page each */
};

static struct mm *mm;
static struct shown_file library, loader, many;
static const struct mm_kind kind = {
    .program = &library, .loader = &loader, .owner = 1};
static int awaiting;
static uint64_t base, loaders_text;
static unsigned calls_before; /* of the target, when the loader begins */

static void await_call(bool on)
{
    awaiting += on ? 1 : -1;
    EXPECT(awaiting == 0 || awaiting == 1);
}

static void fresh(void)
{
    support_reset();
    limit_init(0);
    heap_init(support_kernel_start(), support_kernel_end(), 0, 0, 0);
    mm_init(support_user_start(), support_user_end(), 0, false);
    shown_file_init(&library, LEN / PAGE_SIZE);
    shown_file_init(&loader, 2);
    shown_file_init(&many, MANY);
    memset(library.pages, 0x90, PART);
    memset(library.pages + PART, 'r', PART);
    memset(library.pages + 2 * PART, 'd', PART);
    mm_await_call = await_call;
    awaiting = 0;
}

static void map(uint64_t at, uint64_t len, int prot, struct shown_file *f,
                uint64_t off)
{
    EXPECT_EQ(
        mm_map(mm, &at, len, prot, MAP_PRIVATE | MAP_FIXED, &f->object, off),
        0);
}

/* What the system call entry does, for a call of the loader's. */
static void called(enum mm_call call, uint64_t start, uint64_t len)
{
    mm_called(mm, call, start, start + len, loaders_text);
}

static void segment(uint64_t off, int prot)
{
    called(MM_CALL_MAP, base + off, PART);
    map(base + off, PART, prot, &library, off);
}

static void start(void)
{
    EXPECT_EQ(mm_create_as(&kind, &mm), 0);
    support_set_mm(mm);
    loaders_text = support_user_start() + (3ul << 30);
    map(loaders_text, PAGE_SIZE, PROT_READ, &loader, 0);
    map(loaders_text + PAGE_SIZE, PAGE_SIZE, RW, &loader, PAGE_SIZE);
    mm_loaded(mm);
    calls_before = support_calls();
    base = 0;
    EXPECT_EQ(
        mm_map(mm, &base, LEN, PROT_READ, MAP_PRIVATE, &library.object, 0), 0);
}

static void is_there(uint64_t off, char c)
{
    for (uint64_t at = base + off; at < base + off + PART; at += PAGE_SIZE) {
        if (!resident_test(&mm->resident, at)) {
            EXPECT_EQ(mm_fault(mm, at, MEM_READ), 0);
        }
        EXPECT_EQ(*(char *)at, c);
        EXPECT_EQ(support_page_wrong(mm, at), 0);
    }
}

static void all_is_there(void)
{
    is_there(0, (char)0x90);
    is_there(PART, 'r');
    is_there(2 * PART, 'd');
}

static void segments(void)
{
    segment(0, RX);
    segment(PART, PROT_READ);
    segment(2 * PART, RW);
    called(MM_CALL_OTHER, 0, 0);
    EXPECT_EQ(awaiting, 0);
    all_is_there();
}

static void protect_at(uint64_t at)
{
    called(MM_CALL_PROTECT, 0, 0);
    EXPECT_EQ(mm_protect(mm, at, PAGE_SIZE, PROT_READ), 0);
}

/* What stands for one of two libraries. */
static void protect(unsigned page)
{
    protect_at(base + 2 * PART + page * PAGE_SIZE);
}

/* The last is the loader itself. */
static void protect_own(void)
{
    protect_at(loaders_text + PAGE_SIZE);
}

static int data_prot(unsigned page)
{
    return support_prot(base + 2 * PART + page * PAGE_SIZE);
}

static void end(void)
{
    mm_leave(mm);
    mm_put(mm);
    EXPECT_EQ(awaiting, 0);
}

static void run_with(void (*last)(void))
{
    start();
    segments();
    mm_started(mm);
    all_is_there();
    protect(0);
    protect(1);
    last();
    called(MM_CALL_OTHER, 0, 0);
    EXPECT_EQ(data_prot(0), PROT_READ);
    EXPECT_EQ(data_prot(1), PROT_READ);
    all_is_there();
    end();
}

static void run(void)
{
    run_with(protect_own);
}

/* Runs as many as it takes until the next one is foreseen. */
static void learn(void)
{
    fresh();
    for (unsigned i = 0; i < 3; i++) {
        run();
    }
}

static void segments_cost_nothing_once_they_are_foreseen(void)
{
    unsigned first = 0, calls[4];

    fresh();
    run();
    for (unsigned i = 0; i < 4; i++) {
        start();
        first = support_calls() - calls_before;
        segments();
        calls[i] = support_calls() - calls_before;
        mm_started(mm);
        end();
        EXPECT(i == 0 || first == 0);
    }
    EXPECT(calls[1] < calls[0]);
    EXPECT_EQ(calls[2], calls[1]);
    EXPECT_EQ(calls[3], calls[1]);
}

/* What waits for another segment is out of reach as soon as none comes. */
static void another_call_finds_what_waits_hidden(void)
{
    learn();
    start();
    EXPECT_EQ(support_prot(base), RX);
    EXPECT_EQ(awaiting, 1);
    called(MM_CALL_OTHER, 0, 0);
    EXPECT_EQ(awaiting, 0);
    EXPECT_EQ(support_prot(base), PROT_NONE);
    EXPECT_EQ(support_prot(base + 2 * PART), PROT_NONE);
    all_is_there();
    end();
    run(); /* was no example */
    start();
    EXPECT_EQ(support_prot(base), PROT_NONE);
    segments();
    end();
}

static void a_segment_elsewhere_is_another_call(void)
{
    learn();
    start();
    called(MM_CALL_MAP, base + LEN, PAGE_SIZE);
    EXPECT_EQ(support_prot(base), PROT_NONE);
    end();
}

static void a_call_of_the_programs_own_text_is_another(void)
{
    learn();
    start();
    mm_called(mm, MM_CALL_MAP, base, base + PART, base);
    EXPECT_EQ(support_prot(base), PROT_NONE);
    end();
}

static void who_touches_it_in_between_is_no_example(void)
{
    fresh();
    run();
    for (unsigned i = 0; i < 3; i++) {
        start();
        EXPECT_EQ(support_prot(base), PROT_NONE);
        EXPECT_EQ(mm_fault(mm, base, MEM_READ), 0);
        segments();
        mm_started(mm);
        end();
    }
}

static void access_is_taken_with_the_last(void)
{
    learn();
    start();
    segments();
    mm_started(mm);
    protect(0);
    EXPECT_EQ(data_prot(0), RW);
    EXPECT_EQ(awaiting, 1);
    protect(1);
    EXPECT_EQ(data_prot(0), RW);
    protect_own();
    EXPECT_EQ(data_prot(0), PROT_READ);
    EXPECT_EQ(data_prot(1), PROT_READ);
    EXPECT_EQ(support_prot(loaders_text + PAGE_SIZE), PROT_READ);
    called(MM_CALL_OTHER, 0, 0);
    EXPECT_EQ(awaiting, 0);
    end();
}

static void protect_many(void)
{
    uint64_t at = loaders_text + 2 * PAGE_SIZE;

    map(at, MANY * PAGE_SIZE, RW, &many, 0);
    for (unsigned i = 0; i < MANY; i++) {
        protect_at(at + i * PAGE_SIZE);
        EXPECT(data_prot(0) == PROT_READ || i + 3 < KNOWN_FILES);
    }
    EXPECT_EQ(support_prot(at + (MANY - 1) * PAGE_SIZE), PROT_READ);
    protect_own();
}

static void of_too_many_those_that_there_is_room_for_are_put_off(void)
{
    fresh();
    for (unsigned i = 0; i < 3; i++) {
        run_with(protect_many);
    }
    start();
    segments();
    mm_started(mm);
    protect(0);
    EXPECT_EQ(data_prot(0), RW);
    protect(1);
    protect_many();
    called(MM_CALL_OTHER, 0, 0);
    EXPECT_EQ(awaiting, 0);
    end();
}

static void nothing_more(void)
{
}

/* Then what follows may be the program's own, through a library that is its
 * loader as well, with its code in between. */
static void a_row_without_the_loader_itself_is_no_example(void)
{
    fresh();
    for (unsigned i = 0; i < 4; i++) {
        run_with(nothing_more);
    }
    start();
    segments();
    mm_started(mm);
    protect(0);
    EXPECT_EQ(data_prot(0), PROT_READ);
    end();
}

static void who_visits_finds_everything_as_mapped(void)
{
    learn();
    start();
    EXPECT_EQ(support_prot(base), RX);
    EXPECT_EQ(mm_visit(mm), 0);
    EXPECT_EQ(support_prot(base), PROT_NONE);
    mm_visit_end(mm);
    segments();
    mm_started(mm);
    protect(0);
    EXPECT_EQ(data_prot(0), RW);
    EXPECT_EQ(mm_visit(mm), 0);
    EXPECT_EQ(data_prot(0), PROT_READ);
    mm_visit_end(mm);
    end();
}

/* And what he watches is not foreseen. */
static void nor_is_anything_put_off_before_him(void)
{
    learn();
    start();
    segments();
    mm_started(mm);
    EXPECT_EQ(mm_visit(mm), 0);
    protect(0);
    EXPECT_EQ(data_prot(0), PROT_READ);
    mm_visit_end(mm);
    end();
}

static void or_before_another_call(void)
{
    learn();
    start();
    segments();
    mm_started(mm);
    protect(0);
    called(MM_CALL_OTHER, 0, 0);
    EXPECT_EQ(data_prot(0), PROT_READ);
    EXPECT_EQ(awaiting, 0);
    protect(1);
    EXPECT_EQ(data_prot(1), PROT_READ);
    end();
}

static void or_a_fault(void)
{
    learn();
    start();
    segments();
    mm_started(mm);
    protect(0);
    EXPECT_EQ(mm_fault(mm, base + 2 * PART, MEM_WRITE), -EACCES);
    EXPECT_EQ(data_prot(0), PROT_READ);
    end();
}

static void who_ends_in_between_leaves_nothing(void)
{
    learn();
    start();
    segments();
    mm_started(mm);
    protect(0);
    end();
    EXPECT_EQ(support_committed(support_user_start(), support_user_end()), 0);
}

static void memory_that_a_target_lets_be_written_is_lost(void)
{
    learn();
    start();
    segments();
    mm_started(mm);
    protect(0);
    support_fail_target(1, 1);
    called(MM_CALL_OTHER, 0, 0);
    support_fail_target(0, 0);
    EXPECT(mm->lost);
    EXPECT_EQ(data_prot(0), -1);
    EXPECT_EQ(mm_fault(mm, base + 2 * PART, MEM_READ), -ENOMEM);
    end();
}

int main(void)
{
    RUN(segments_cost_nothing_once_they_are_foreseen);
    RUN(another_call_finds_what_waits_hidden);
    RUN(a_segment_elsewhere_is_another_call);
    RUN(a_call_of_the_programs_own_text_is_another);
    RUN(who_touches_it_in_between_is_no_example);
    RUN(access_is_taken_with_the_last);
    RUN(of_too_many_those_that_there_is_room_for_are_put_off);
    RUN(a_row_without_the_loader_itself_is_no_example);
    RUN(who_visits_finds_everything_as_mapped);
    RUN(nor_is_anything_put_off_before_him);
    RUN(or_before_another_call);
    RUN(or_a_fault);
    RUN(who_ends_in_between_leaves_nothing);
    RUN(memory_that_a_target_lets_be_written_is_lost);
    return unit_result();
}
