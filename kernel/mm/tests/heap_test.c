/* SPDX-License-Identifier: MIT
 *
 * The kernel's heap over a piece of ordinary memory: alignment, no overlap,
 * giving everything back, the limit, and a target that refuses.
 */
#include "lib/tests/unit.h"
#include "kernel/mm/tests/support.h"
#include "kernel/mm/heap.h"
#include "arch/x86_64/arch.h"

enum { LIVE = 4000, STEPS = 400000 };

static void fresh(uint64_t limit)
{
    support_reset();
    heap_init(support_kernel_start(), support_kernel_end(), 0, 0, limit);
}

static uint64_t used(void)
{
    struct heap_stats s;

    heap_get_stats(&s);
    return s.bytes_used;
}

static size_t some_size(void)
{
    switch (support_rand() % 8) {
    case 0:
        return support_rand() % 9000;
    case 1:
        return PAGE_SIZE * (support_rand() % 20);
    case 2:
        return support_rand() % 2000;
    default:
        return support_rand() % 200;
    }
}

static void every_size_is_aligned_and_writable(void)
{
    fresh(0);
    for (size_t size = 0; size <= 20000; size++) {
        char *p = kmalloc(size);
        size_t align = size % PAGE_SIZE == 0 && size ? PAGE_SIZE
                       : size >= 64                  ? 64
                                                     : 16;
        EXPECT(p && IS_ALIGNED((uint64_t)p, align));
        memset(p, 0x5a, size);
        kfree(p);
    }
    kfree(NULL);
}

struct live {
    unsigned char *p;
    size_t size;
    unsigned char mark;
};

static bool intact(const struct live *l)
{
    for (size_t i = 0; i < l->size; i++) {
        if (l->p[i] != l->mark) {
            return false;
        }
    }
    return true;
}

static void objects_never_overlap_and_all_come_back(void)
{
    static struct live live[LIVE];
    int bad = 0;

    fresh(0);
    for (int i = 0; i < STEPS; i++) {
        struct live *l = &live[support_rand() % LIVE];
        support_set_vcpu(support_rand() % 4);
        if (l->p) {
            bad += !intact(l);
            kfree(l->p);
            l->p = NULL;
            continue;
        }
        l->size = some_size();
        l->mark = (unsigned char)i;
        l->p = kmalloc(l->size);
        bad += !l->p;
        memset(l->p, l->mark, l->size);
    }
    for (int i = 0; i < LIVE; i++) {
        kfree(live[i].p);
        live[i].p = NULL;
    }
    EXPECT_EQ(bad, 0);
    /* What stays are the caches of four vCPUs and a slab a class. */
    EXPECT(used() < 4u << 20);
}

static void large_runs_and_their_tails(void)
{
    void *runs[40];

    fresh(0);
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < 40; i++) {
            size_t count = 1 + support_rand() % 1500;
            runs[i] = page_alloc(count);
            EXPECT(runs[i] && IS_ALIGNED((uint64_t)runs[i], PAGE_SIZE));
            memset(runs[i], (int)i, count * PAGE_SIZE);
            if (i % 2) {
                page_free(runs[i], count);
                runs[i] = NULL;
            }
        }
        for (int i = 0; i < 40; i++) {
            kfree(runs[i]);
        }
    }
    EXPECT(used() < 1u << 20);
}

static void the_limit_holds(void)
{
    struct heap_stats s;
    void *first = NULL;
    size_t count = 0;

    fresh(16 << 20);
    for (void **p; (p = page_alloc(3)) != NULL; count++) {
        *p = first;
        first = p;
    }
    heap_get_stats(&s);
    EXPECT_EQ(s.bytes_committed, 16 << 20);
    EXPECT(count * 3 >= 3000);
    EXPECT(!kmalloc(1 << 20));
    while (first) {
        void *next = *(void **)first;
        page_free(first, 3);
        first = next;
    }
    EXPECT(!page_alloc(5000));
    first = page_alloc(4096); /* all of it, so free chunks were given back */
    EXPECT(first != NULL);
    page_free(first, 4096);
    EXPECT(!page_alloc((size_t)1 << 40));
    EXPECT(!kmalloc(SIZE_MAX));
}

static void memory_goes_back_to_the_target(void)
{
    struct heap_stats s;
    void *p;

    fresh(0);
    p = page_alloc(64 * 512);
    page_free(p, 64 * 512);
    heap_get_stats(&s);
    EXPECT(s.bytes_committed <= 32 << 20);
    EXPECT(s.peak_committed >= 64ull << 21);
}

/* One run of RUN_PAGES in every SURVIVORS is left of many, wherever it lies. */
static void what_survives_does_not_hold_the_rest(void)
{
    enum { RUNS = 8000, RUN_PAGES = 5, SURVIVORS = 100 };
    static unsigned char *runs[RUNS];
    struct heap_stats s;
    int bad = 0;

    fresh(0);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < RUNS; i++) {
            if (!runs[i]) {
                runs[i] = page_alloc(RUN_PAGES);
                memset(runs[i], i % 251, RUN_PAGES * PAGE_SIZE);
            }
        }
        for (int i = 0; i < RUNS; i++) {
            for (int j = 0; j < RUN_PAGES * PAGE_SIZE; j += 1023) {
                bad += runs[i][j] != i % 251;
            }
            if (i % SURVIVORS) {
                page_free(runs[i], RUN_PAGES);
                runs[i] = NULL;
            }
        }
        heap_get_stats(&s);
        EXPECT_EQ(s.bytes_used, (RUNS / SURVIVORS) * RUN_PAGES * PAGE_SIZE);
        EXPECT(s.peak_committed > 150u << 20);
        EXPECT(s.bytes_committed - s.bytes_used <= 18u << 20);
    }
    EXPECT_EQ(bad, 0);
    heap_reclaim();
    heap_get_stats(&s);
    EXPECT(s.bytes_committed - s.bytes_used <= 8u << 20);
    for (int i = 0; i < RUNS; i += SURVIVORS) {
        page_free(runs[i], RUN_PAGES);
        runs[i] = NULL;
    }
    heap_reclaim();
    heap_get_stats(&s);
    EXPECT_EQ(s.bytes_committed, 0);
}

static void what_went_back_may_be_refused(void)
{
    enum { RUNS = 4000 };
    static void *runs[RUNS];
    unsigned failed = 0;

    fresh(64 << 20);
    for (int i = 0; i < RUNS; i++) {
        runs[i] = page_alloc(4);
    }
    for (int i = 0; i < RUNS; i++) {
        if (i % 64) {
            page_free(runs[i], 4);
        }
    }
    heap_reclaim();
    support_fail_target(1, 1000000);
    for (int i = 0; i < RUNS; i++) {
        if (i % 64) {
            runs[i] = page_alloc(4);
            failed += !runs[i];
        }
    }
    support_fail_target(0, 0);
    EXPECT(failed > RUNS / 2);
    for (int i = 0; i < RUNS; i++) {
        runs[i] = runs[i] ? runs[i] : page_alloc(4);
        EXPECT(runs[i] != NULL);
    }
}

static void a_refusing_target_is_no_memory(void)
{
    fresh(0);
    for (unsigned i = 1; i <= 2; i++) {
        support_fail_target(i, 4);
        EXPECT(!page_alloc(600));
        support_fail_target(0, 0);
    }
    EXPECT(page_alloc(600) != NULL);
    heap_fail_after(2);
    EXPECT(kmalloc(10) != NULL);
    EXPECT(kmalloc(10) == NULL);
    EXPECT(kmalloc(10) != NULL);
}

static void kernel_stacks_have_a_guard(void)
{
    char *stacks[600];

    fresh(0);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 600; i++) {
            stacks[i] = kstack_alloc();
            EXPECT(stacks[i] && IS_ALIGNED((uint64_t)stacks[i], PAGE_SIZE));
            memset(stacks[i], i, KSTACK_SIZE);
            EXPECT_EQ(support_prot((uint64_t)stacks[i] - 1), 0);
            EXPECT_EQ(support_prot((uint64_t)stacks[i]), 3);
        }
        for (int i = 0; i < 600; i++) {
            kstack_free(stacks[i]);
        }
    }
    kstack_free(NULL);
}

static void dear_pages_come_when_they_are_used(void)
{
    enum { RUNS = 2000 };
    static void *runs[RUNS];
    struct heap_stats s;

    fresh(0);
    pages_are_dear(true);
    for (size_t pages = 1; pages <= 512; pages *= 2) {
        void *p = page_alloc(pages);

        EXPECT(p != NULL);
        heap_get_stats(&s);
        EXPECT(s.bytes_committed - s.bytes_used <= 16 * PAGE_SIZE);
        memset(p, 0x5a, pages * PAGE_SIZE);
        page_free(p, pages);
        heap_reclaim();
        heap_get_stats(&s);
        EXPECT_EQ(s.bytes_committed, 0);
    }
    for (size_t i = 0; i < RUNS; i++) {
        runs[i] = page_alloc(1 + i % 24);
        EXPECT(runs[i] != NULL);
    }
    heap_get_stats(&s);
    EXPECT(s.bytes_committed - s.bytes_used <= s.bytes_used / 3);
    for (size_t i = 0; i < RUNS; i++) {
        page_free(runs[i], 1 + i % 24);
    }
    heap_reclaim();
    heap_get_stats(&s);
    EXPECT_EQ(s.bytes_committed, 0);
}

static void all_of_it(void)
{
    RUN(every_size_is_aligned_and_writable);
    RUN(objects_never_overlap_and_all_come_back);
    RUN(large_runs_and_their_tails);
    RUN(the_limit_holds);
    RUN(memory_goes_back_to_the_target);
    RUN(what_survives_does_not_hold_the_rest);
    RUN(what_went_back_may_be_refused);
    RUN(a_refusing_target_is_no_memory);
}

int main(void)
{
    pages_are_dear(false);
    all_of_it();
    pages_are_dear(true);
    all_of_it();
    RUN(dear_pages_come_when_they_are_used);
    RUN(kernel_stacks_have_a_guard);
    return unit_result();
}
