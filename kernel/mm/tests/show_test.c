/* SPDX-License-Identifier: MIT
 *
 * Where the target can give a page a second address: private mappings show an
 * object's pages and keep them, shared ones lie anywhere, code is rewritten
 * once for all; what fails leaves mappings that copy.
 */
#include "lib/tests/unit.h"
#include "kernel/mm/tests/shown_file.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/room.h"
#include "abi/linux/errno.h"
#include "target/target.h"

enum {
    RW = PROT_READ | PROT_WRITE,
    RX = PROT_READ | PROT_EXEC,
    PAGES = 8,
    SITE = 600, /* `mov $39,%eax; syscall` in each page */
};

static struct mm *mm;
static struct shown_file file;

static void write_code(void)
{
    static const uint8_t call[] = {0xb8, 39, 0, 0, 0, 0x0f, 0x05};

    memset(file.pages, 0x90, PAGES * PAGE_SIZE);
    for (unsigned i = 0; i < PAGES; i++) {
        memcpy(file.pages + i * PAGE_SIZE + SITE, call, sizeof(call));
    }
}

static void fresh(void)
{
    shown_reset();
    EXPECT_EQ(mm_create(&mm), 0);
    support_set_mm(mm);
    shown_file_init(&file, PAGES);
    for (unsigned i = 0; i < PAGES; i++) {
        memset(file.pages + i * PAGE_SIZE, 'a' + (int)i, PAGE_SIZE);
    }
}

static char *map(int prot, int flags)
{
    uint64_t addr = 0;
    int err =
        mm_map(mm, &addr, PAGES * PAGE_SIZE, prot, flags, &file.object, 0);

    EXPECT_EQ(err, 0);
    return (char *)addr;
}

static void refs_are(uint32_t want, unsigned from, unsigned to)
{
    for (; from < to; from++) {
        EXPECT_EQ(page_refs(file.pages + from * PAGE_SIZE), want);
    }
}

/* ---- private mappings ---- */

static void a_private_mapping_is_the_page_until_written(void)
{
    char *p;

    fresh();
    p = map(RW, MAP_PRIVATE);
    EXPECT_EQ(p[3 * PAGE_SIZE], 'd');
    EXPECT_EQ(file.reads, 0);
    refs_are(2, 0, PAGES);
    file.pages[0] = 'X';
    EXPECT_EQ(p[0], 'X');
    p[0] = 'y';
    EXPECT_EQ(file.pages[0], 'X');
    EXPECT_EQ(mm_unmap(mm, (uint64_t)p, PAGES * PAGE_SIZE), 0);
    refs_are(1, 0, PAGES);
    EXPECT_EQ(file.refs, 0);
}

static void what_is_unmapped_is_let_go(void)
{
    char *p;

    fresh();
    p = map(PROT_READ, MAP_PRIVATE);
    EXPECT_EQ(mm_unmap(mm, (uint64_t)p + 2 * PAGE_SIZE, 3 * PAGE_SIZE), 0);
    refs_are(2, 0, 2);
    refs_are(1, 2, 5);
    refs_are(2, 5, PAGES);
    EXPECT_EQ(p[6 * PAGE_SIZE], 'g');
    EXPECT_EQ(support_prot((uint64_t)p + 2 * PAGE_SIZE), -1);
    mm_leave(mm);
    mm_put(mm);
    refs_are(1, 0, PAGES);
}

static void a_target_that_refuses_is_no_memory_lost(void)
{
    for (unsigned n = 1; n < 6; n++) {
        uint64_t addr = 0;

        fresh();
        support_fail_target(n, 1);
        if (mm_map(mm, &addr, PAGES * PAGE_SIZE, PROT_READ, MAP_PRIVATE,
                   &file.object, 0) == 0) {
            support_fail_target(0, 0);
            EXPECT_EQ(mm_unmap(mm, addr, PAGES * PAGE_SIZE), 0);
        }
        support_fail_target(0, 0);
        refs_are(1, 0, PAGES);
        EXPECT_EQ(file.refs, 0);
    }
}

/* ---- code ---- */

static int32_t distance(const char *site)
{
    int32_t rel;

    EXPECT_EQ((uint8_t)site[0], 0xe9);
    memcpy(&rel, site + 1, sizeof(rel));
    return rel;
}

static void code_is_rewritten_once(void)
{
    char *first, *second;
    unsigned reads;
    uint64_t site;

    fresh();
    write_code();
    first = map(RX, MAP_PRIVATE);
    EXPECT_EQ(mm_fault(mm, (uint64_t)first, MEM_READ), 0);
    reads = file.reads;
    second = map(RX, MAP_PRIVATE);
    EXPECT_EQ(file.reads, reads);
    EXPECT(first != second);
    for (unsigned i = 0; i < PAGES; i++) {
        char *a = first + i * PAGE_SIZE + SITE;
        char *b = second + i * PAGE_SIZE + SITE;

        EXPECT_EQ(distance(a), distance(b));
        EXPECT(mm_trampoline_rip((uint64_t)b + 5 + distance(b), &site));
        EXPECT_EQ(site, (uint64_t)b);
    }
    EXPECT_EQ((uint8_t)file.pages[SITE], 0xb8);
}

/* What a loader maps first; it is all there nevertheless. */
static void a_library_is_shown_up_to_its_code(void)
{
    uint64_t addr = 0;
    char *p;

    fresh();
    EXPECT_EQ(mm_map(mm, &addr, 2 * PAGE_SIZE, RX, MAP_PRIVATE, &file.object,
                     3 * PAGE_SIZE),
              0);
    p = map(PROT_READ, MAP_PRIVATE);
    refs_are(2, 0, 3);
    refs_are(1, 3, PAGES);
    EXPECT_EQ(support_prot((uint64_t)p + 3 * PAGE_SIZE), -1);
    EXPECT_EQ(mm_fault(mm, (uint64_t)p + 6 * PAGE_SIZE, MEM_READ), 0);
    EXPECT_EQ(p[6 * PAGE_SIZE], 'g');
    EXPECT_EQ(p[3 * PAGE_SIZE], 'd');
    EXPECT_EQ(mm_unmap(mm, (uint64_t)p, PAGES * PAGE_SIZE), 0);
    refs_are(1, 0, PAGES);
}

/* ---- relatives ---- */

static char *shown_at(struct mm *at, uint64_t addr)
{
    uint64_t start = addr, stop;

    return (char *)shown_next(at, &start, addr + PAGE_SIZE, &stop);
}

static struct mm *fork_there(void)
{
    struct mm *child;

    EXPECT_EQ(mm_fork(mm, &child), 0);
    support_set_mm(child);
    return child;
}

static void come_in(struct mm *in)
{
    EXPECT_EQ(family_exchange(mm->family, in), 0);
    support_set_mm(in);
}

/* With every protection on either side. */
static void what_two_show_and_wrote_to_is_each_ones(void)
{
    static const int prots[] = {0, PROT_READ, RW, RX};

    for (unsigned i = 0; i < 16; i++) {
        int hers = prots[i / 4], his = prots[i % 4];
        struct mm *child;
        char *p;

        fresh();
        p = map(RW, MAP_PRIVATE);
        memset(p, 'P', PAGE_SIZE);
        child = fork_there();
        memset(p + PAGE_SIZE, 'C', PAGE_SIZE);
        mm_protect(child, (uint64_t)p, PAGES * PAGE_SIZE, hers);
        come_in(mm);
        EXPECT_EQ(p[9], 'P');
        EXPECT_EQ(p[PAGE_SIZE], 'b');
        EXPECT_EQ(p[2 * PAGE_SIZE], 'c');
        mm_protect(mm, (uint64_t)p, PAGES * PAGE_SIZE, his);
        come_in(child);
        mm_protect(child, (uint64_t)p, PAGES * PAGE_SIZE, PROT_READ);
        EXPECT_EQ(p[9], 'P');
        EXPECT_EQ(p[PAGE_SIZE], 'C');
        EXPECT_EQ(p[2 * PAGE_SIZE], 'c');
        come_in(mm);
        mm_protect(mm, (uint64_t)p, PAGES * PAGE_SIZE, PROT_READ);
        EXPECT_EQ(p[9], 'P');
        EXPECT_EQ(p[PAGE_SIZE], 'b');
    }
}

/* A page that the file had not got when the mapping was made. */
static void what_one_shows_late_the_others_get(void)
{
    for (int unmapped = 0; unmapped < 2; unmapped++) {
        uint64_t addr = support_user_start() + (3ul << 30);
        struct mm *child;

        fresh();
        file.hidden = true;
        EXPECT_EQ(mm_map(mm, &addr, 2 * PAGE_SIZE, PROT_READ,
                         MAP_PRIVATE | MAP_FIXED, &file.object, 0),
                  0);
        EXPECT_EQ(resident_test(&mm->resident, addr), false);
        if (unmapped) {
            child = fork_there();
            come_in(mm);
            EXPECT_EQ(mm_unmap(mm, addr, PAGE_SIZE), 0);
            come_in(child);
        } else {
            child = fork_there();
        }
        file.hidden = false;
        EXPECT_EQ(mm_fault(child, addr, MEM_READ), 0);
        EXPECT_EQ(resident_test(&child->resident, addr), true);
        EXPECT_EQ(resident_test(&mm->resident, addr), !unmapped);
        EXPECT_EQ(resident_test(&mm->family->common, addr), !unmapped);
        refs_are(unmapped ? 2 : 3, 0, 1);
        come_in(mm);
        EXPECT_EQ(support_page_wrong(mm, addr), 0);
        if (!unmapped) {
            EXPECT_EQ(*(char *)addr, 'a');
            EXPECT_EQ(mm_unmap(mm, addr, PAGE_SIZE), 0);
        }
        come_in(child);
        EXPECT_EQ(*(char *)addr, 'a');
        refs_are(2, 0, 1);
    }
}

/* A copy would miss what is added for code that is filled later. */
static void slots_and_code_are_shown_again(void)
{
    uint64_t addr = support_user_start() + (3ul << 30), slot;
    struct mm *child;

    fresh();
    write_code();
    child = fork_there();
    EXPECT_EQ(mm_map(child, &addr, PAGES * PAGE_SIZE, RX,
                     MAP_PRIVATE | MAP_FIXED, &file.object, 0),
              0);
    EXPECT_EQ(mm_fault(child, addr, MEM_READ), 0);
    slot =
        ALIGN_DOWN(addr + SITE + 5 + distance((char *)addr + SITE), PAGE_SIZE);
    EXPECT_EQ(mm_fault(child, slot, MEM_EXEC), 0);
    come_in(mm);
    EXPECT_EQ(support_prot(slot), -1);
    EXPECT_EQ(child->store.copied, 0);
    come_in(child);
    EXPECT_EQ(support_page_wrong(child, slot), 0);
    EXPECT_EQ(support_page_wrong(child, addr), 0);
    EXPECT_EQ(*(uint8_t *)(addr + SITE), 0xe9);
    EXPECT(shown_at(child, slot));
    if (shown_at(child, slot)) {
        *shown_at(child, slot) = 'N';
        EXPECT_EQ(*(char *)slot, 'N');
    }
}

/* ---- shared mappings ---- */

static void make_window(unsigned pages)
{
    EXPECT_EQ(mm_window_alloc(PAGES * PAGE_SIZE, &file.window), 0);
    EXPECT_EQ(mm_window_commit(file.window, file.window + pages * PAGE_SIZE),
              0);
}

static void a_shared_page_is_seen_at_any_address(void)
{
    uint64_t fixed;
    char *a, *b;

    fresh();
    make_window(PAGES);
    a = map(RW, MAP_SHARED);
    b = map(PROT_READ, MAP_SHARED);
    EXPECT(a != b);
    a[0] = 'S';
    EXPECT_EQ(b[0], 'S');
    EXPECT_EQ(support_prot((uint64_t)a), RW);
    EXPECT_EQ(support_prot((uint64_t)b), PROT_READ);
    fixed = support_user_start() + (3ul << 30);
    EXPECT_EQ(mm_map(mm, &fixed, PAGE_SIZE, RW, MAP_SHARED | MAP_FIXED,
                     &file.object, PAGE_SIZE),
              0);
    *(char *)fixed = 'F';
    EXPECT_EQ(b[PAGE_SIZE], 'F');
    EXPECT_EQ(mm_unmap(mm, (uint64_t)a, PAGES * PAGE_SIZE), 0);
    EXPECT_EQ(support_prot((uint64_t)a), -1);
    EXPECT_EQ(b[0], 'S');
}

static void what_the_window_loses_is_gone_everywhere(void)
{
    char *a;

    fresh();
    make_window(2);
    a = map(RW, MAP_SHARED);
    a[PAGE_SIZE] = 'x';
    EXPECT_EQ(mm_fault(mm, (uint64_t)a + 2 * PAGE_SIZE, MEM_READ), -EIO);
    mm_window_release(file.window + PAGE_SIZE, file.window + 2 * PAGE_SIZE);
    EXPECT_EQ(support_prot((uint64_t)a + PAGE_SIZE), -1);
    EXPECT_EQ(mm_fault(mm, (uint64_t)a + PAGE_SIZE, MEM_WRITE), -EIO);
    EXPECT_EQ(
        mm_window_commit(file.window + PAGE_SIZE, file.window + 3 * PAGE_SIZE),
        0);
    EXPECT_EQ(mm_fault(mm, (uint64_t)a + PAGE_SIZE, MEM_WRITE), 0);
    EXPECT_EQ(a[PAGE_SIZE], 0);
}

static void anonymous_shared_memory_maps_twice(void)
{
    uint64_t a = 0, b = 0;

    fresh();
    EXPECT_EQ(
        mm_map(mm, &a, 2 * PAGE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS, NULL, 0),
        0);
    *(char *)a = 'a';
    EXPECT_EQ(mm_remap(mm, a, 0, 2 * PAGE_SIZE, MREMAP_MAYMOVE, &b), 0);
    EXPECT(a != b);
    EXPECT_EQ(*(char *)b, 'a');
    EXPECT_EQ(mm_unmap(mm, a, 2 * PAGE_SIZE), 0);
    EXPECT_EQ(*(char *)b, 'a');
}

/* With as many records as there is room for: to cut one takes memory. */
static char *map_until_full(void)
{
    char *p;

    do {
        p = map(PROT_READ, MAP_PRIVATE);
    } while (mm->shown.count < mm->shown.room);
    return p;
}

static void what_is_unmapped_is_not_shown_though_memory_is_short(void)
{
    unsigned failed = 0;

    for (unsigned n = 1; n < 12; n++) {
        uint64_t start, stop;
        char *p;
        int err;

        fresh();
        p = map_until_full();
        start = (uint64_t)p + 3 * PAGE_SIZE;
        heap_fail_after(n);
        err = mm_unmap(mm, start, PAGE_SIZE);
        heap_fail_after(0);
        EXPECT(err == 0 || err == -ENOMEM);
        failed += err != 0;
        EXPECT_EQ(shown_next(mm, &start, start + PAGE_SIZE, &stop) != 0,
                  err != 0);
        EXPECT_EQ(page_refs(file.pages + 3 * PAGE_SIZE) + !err,
                  page_refs(file.pages));
    }
    EXPECT(failed > 1 && failed < 11);
}

/* ---- what is withdrawn ---- */

static void withdraw_end(void)
{
    mm_withdraw(&file, 6 * PAGE_SIZE, UINT64_MAX, true);
}

static void what_is_withdrawn_is_not_shown_though_memory_is_short(void)
{
    unsigned failed = 0;

    for (unsigned n = 1; n < 12; n++) {
        uint64_t start, stop;
        char *p;
        bool gone;

        fresh();
        p = map_until_full();
        start = (uint64_t)p + 3 * PAGE_SIZE;
        heap_fail_after(n);
        mm_withdraw(&file, 3 * PAGE_SIZE, 4 * PAGE_SIZE, false);
        heap_fail_after(0);
        gone = !resident_test(&mm->resident, start);
        failed += !gone;
        EXPECT_EQ(shown_next(mm, &start, start + PAGE_SIZE, &stop) == 0, gone);
    }
    EXPECT(failed > 0 && failed < 11);
}

/* As a task on another vCPU may, that has been with the parent already. */
static void withdraw_meanwhile(void)
{
    file.on_get = NULL;
    mutex_unlock(&mm->lock);
    withdraw_end();
    mutex_lock(&mm->lock);
}

static void withdraw_at_second(void)
{
    file.on_get = withdraw_meanwhile;
}

static void a_child_is_asked_for_pages_once_it_is_whole(void)
{
    struct mm *child;
    uint64_t end;

    fresh();
    map(PROT_READ, MAP_PRIVATE);
    end = (uint64_t)map(RW, MAP_PRIVATE) + 6 * PAGE_SIZE;
    file.on_get = withdraw_at_second;
    child = fork_there();
    EXPECT(!file.on_get && !list_empty(&child->all_node));
    EXPECT(!resident_test(&child->resident, end));
    EXPECT(resident_test(&child->resident, end - PAGE_SIZE));
}

/* Behind the file's end nobody has anything; in front of it both have. */
static void only_relatives_with_such_pages_are_visited(void)
{
    uint64_t addr = 0;
    unsigned before;

    fresh();
    EXPECT_EQ(mm_map(mm, &addr, (PAGES + 4) * PAGE_SIZE, RW, MAP_PRIVATE,
                     &file.object, 0),
              0);
    EXPECT(!resident_test(&mm->resident, addr + (PAGES + 1) * PAGE_SIZE));
    fork_there();
    before = support_gate_entries();
    mm_withdraw(&file, PAGES * PAGE_SIZE, UINT64_MAX, true);
    EXPECT_EQ(support_gate_entries(), before);
    mm_withdraw(&file, (PAGES - 1) * PAGE_SIZE, UINT64_MAX, true);
    EXPECT_EQ(support_gate_entries() - before, 2); /* there and back */
}

int main(void)
{
    RUN(a_private_mapping_is_the_page_until_written);
    RUN(what_is_unmapped_is_let_go);
    RUN(a_target_that_refuses_is_no_memory_lost);
    RUN(code_is_rewritten_once);
    RUN(a_library_is_shown_up_to_its_code);
    RUN(what_two_show_and_wrote_to_is_each_ones);
    RUN(what_one_shows_late_the_others_get);
    RUN(slots_and_code_are_shown_again);
    RUN(a_shared_page_is_seen_at_any_address);
    RUN(what_the_window_loses_is_gone_everywhere);
    RUN(anonymous_shared_memory_maps_twice);
    RUN(what_is_unmapped_is_not_shown_though_memory_is_short);
    RUN(what_is_withdrawn_is_not_shown_though_memory_is_short);
    RUN(a_child_is_asked_for_pages_once_it_is_whole);
    RUN(only_relatives_with_such_pages_are_visited);
    return unit_result();
}
