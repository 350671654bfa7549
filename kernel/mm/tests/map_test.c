/* SPDX-License-Identifier: MIT
 *
 * The calls of memory one by one: where mappings go, what they contain, the
 * errors of the manual pages, and that nothing stays behind.
 */
#include "lib/tests/unit.h"
#include "kernel/mm/tests/support.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/limit.h"
#include "kernel/mm/room.h"
#include "abi/linux/errno.h"
#include "target/target.h"

static struct mm *mm;
static struct support_file file;

enum { RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS };

static void fresh(bool lazy)
{
    support_reset();
    heap_init(support_kernel_start(), support_kernel_end(), 0, 0, 0);
    mm_init(support_user_start(), support_user_end(), 0, lazy);
    EXPECT_EQ(mm_create(&mm), 0);
    support_set_mm(mm);
    support_file_init(&file, 10 * PAGE_SIZE + 100);
}

static uint64_t map(uint64_t hint, uint64_t len, int prot, int flags)
{
    int err = mm_map(mm, &hint, len, prot, flags, NULL, 0);

    return err ? (uint64_t)err : hint;
}

static uint64_t map_file(uint64_t len, int prot, uint64_t off)
{
    uint64_t addr = 0;
    int err = mm_map(mm, &addr, len, prot, MAP_PRIVATE, &file.object, off);

    return err ? (uint64_t)err : addr;
}

static uint64_t word(uint64_t addr)
{
    uint64_t val = 0;

    EXPECT_EQ(get_user64(&val, uptr(addr)), 0);
    return val;
}

static uint64_t low(void)
{
    return support_user_start() + (3ul << 30);
}

/* ---- placement ---- */

static void mappings_go_from_the_top_down_and_merge(void)
{
    uint64_t a, b;

    fresh(true);
    a = map(0, 5000, RW, ANON);
    b = map(0, 4096, RW, ANON);
    EXPECT_EQ(b, a - 4096);
    EXPECT_EQ(mm->vma_count, 1);
    EXPECT_EQ(map(0, 4096, PROT_READ, ANON), b - 4096);
    EXPECT_EQ(mm->vma_count, 2);
    EXPECT_EQ(mm_unmap(mm, a, 4096), 0);
    EXPECT_EQ(map(0, 4096, RW, ANON), a); /* the highest hole that fits */
}

static void hints_and_fixed_addresses(void)
{
    uint64_t at = low();

    fresh(true);
    EXPECT_EQ(map(at + 4096 + 1, 4096, RW, ANON), at + 4096);
    EXPECT(map(at + 4096, 4096, RW, ANON) != at + 4096);
    EXPECT_EQ(map(at + 4096, 4096, RW, ANON | MAP_FIXED), at + 4096);
    EXPECT_EQ(map(at, 8192, RW, ANON | MAP_FIXED_NOREPLACE), -EEXIST);
    EXPECT_EQ(map(at, 4096, RW, ANON | MAP_FIXED_NOREPLACE), at);
    EXPECT_EQ(map(at + 1, 4096, RW, ANON | MAP_FIXED), -EINVAL);
    EXPECT_EQ(map(4096, 4096, RW, ANON | MAP_FIXED), -EPERM);
    EXPECT_EQ(map(support_user_end(), 4096, RW, ANON | MAP_FIXED), -ENOMEM);
    EXPECT_EQ(map(support_user_end() - 4096, 8192, RW, ANON | MAP_FIXED),
              -ENOMEM);
    EXPECT((int64_t)map(support_user_end() + 4096, 4096, RW, ANON) > 0);
    EXPECT((int64_t)map(4096, 4096, RW, ANON) > 0);
}

static void bad_arguments(void)
{
    uint64_t addr = 0;

    fresh(true);
    EXPECT_EQ(map(0, 0, RW, ANON), -EINVAL);
    EXPECT_EQ(map(0, UINT64_MAX, RW, ANON), -ENOMEM);
    EXPECT_EQ(map(0, 1ull << 50, RW, ANON), -ENOMEM);
    EXPECT_EQ(map(0, 4096, RW, MAP_ANONYMOUS), -EINVAL);
    EXPECT_EQ(mm_map(mm, &addr, 8192, RW, MAP_PRIVATE, &file.object,
                     UINT64_MAX - 4095),
              -EOVERFLOW);
    EXPECT_EQ(map_file(4096, RW, 5), -EINVAL);
    EXPECT_EQ(mm_unmap(mm, low() + 1, 4096), -EINVAL);
    EXPECT_EQ(mm_unmap(mm, low(), 0), -EINVAL);
    EXPECT_EQ(mm_unmap(mm, low(), UINT64_MAX), -EINVAL);
    EXPECT_EQ(mm_unmap(mm, low(), 4096), 0);
    EXPECT_EQ(mm_protect(mm, low() + 1, 4096, RW), -EINVAL);
    EXPECT_EQ(mm_protect(mm, low(), 4096, 64), -EINVAL);
    EXPECT_EQ(mm_protect(mm, low(), 0, RW), 0);
    EXPECT_EQ(mm_protect(mm, low(), 4096, RW), -ENOMEM);
    EXPECT_EQ(mm_protect(mm, low(), UINT64_MAX - 4095, RW), -ENOMEM);
}

static void large_reservations_cost_nothing(void)
{
    unsigned calls;
    uint64_t a, b;

    fresh(true);
    calls = support_calls();
    a = map(0, 60ull << 30, PROT_NONE, ANON | MAP_NORESERVE);
    b = map(0, 60ull << 30, PROT_NONE, ANON | MAP_NORESERVE);
    EXPECT((int64_t)a > 0 && (int64_t)b > 0);
    EXPECT_EQ(map(0, 200ull << 30, PROT_NONE, ANON), -ENOMEM);
    EXPECT(support_calls() - calls <= 2); /* the heap's own */
    EXPECT_EQ(mm_unmap(mm, a, 60ull << 30), 0);
    EXPECT((int64_t)map(0, 60ull << 30, PROT_NONE, ANON) > 0);
    mm_put(mm);
}

static void address_spaces_do_not_overlap(void)
{
    struct mm *other;
    uint64_t a, b = 0, at = low();

    fresh(true);
    a = map(0, 1 << 20, RW, ANON);
    EXPECT_EQ(map(at, 4096, RW, ANON | MAP_FIXED), at);
    EXPECT_EQ(put_user64(uptr(a), 1), 0);
    EXPECT_EQ(mm_create(&other), 0);
    EXPECT_EQ(mm_map(other, &b, 1 << 20, RW, ANON, NULL, 0), 0);
    EXPECT(b + (1 << 20) <= a || a + (1 << 20) <= b);
    EXPECT_EQ(mm_map(other, &at, 4096, RW, ANON | MAP_FIXED, NULL, 0), -ENOMEM);
    at += 1 << 20;
    EXPECT_EQ(mm_map(other, &at, 4096, RW, ANON, NULL, 0), 0);
    EXPECT(at != low() + (1 << 20));
    mm_put(mm);
    EXPECT_EQ(support_prot(a), -1);
    at = low();
    EXPECT_EQ(mm_map(other, &at, 4096, RW, ANON | MAP_FIXED, NULL, 0), 0);
    mm_put(other);
    EXPECT_EQ(support_prot(b), -1);
}

static void sixty_thousand_mappings(void)
{
    uint64_t base = low(), end = base + 60000 * 4096ul;
    unsigned made = 0;

    fresh(true);
    while (made < 70000) {
        uint64_t at = base + made * 4096ul;
        if (map(at, 4096, made % 2 ? RW : PROT_READ, ANON | MAP_FIXED) != at) {
            break;
        }
        made++;
    }
    EXPECT(made >= 59000 && made <= 60000);
    EXPECT_EQ(map(end + 8192, 4096, PROT_READ, ANON | MAP_FIXED), -ENOMEM);
    EXPECT_EQ(mm_protect(mm, base, made * 4096ul, RW), 0);
    EXPECT_EQ(mm->vma_count, 1);
    EXPECT_EQ(mm_unmap(mm, base, made * 4096ul), 0);
    mm_put(mm);
}

static void images_leave_room_for_trampolines_and_the_heap(void)
{
    uint64_t base, second, brk;

    fresh(true);
    EXPECT_EQ(mm_reserve_image(mm, 3 << 20, 2 << 20, &base), 0);
    EXPECT(IS_ALIGNED(base, 2 << 20));
    EXPECT_EQ(vma_at(mm, base)->prot, PROT_NONE);
    EXPECT(vma_prev(vma_at(mm, base))->flags & VMA_TRAMPOLINE);
    mm_set_brk(mm, base + (3 << 20), true);
    brk = mm_brk(mm, 0);
    EXPECT(brk >= base + (3 << 20) && brk < base + (64 << 20));
    EXPECT_EQ(mm_brk(mm, brk + (100 << 20)), brk + (100 << 20));
    EXPECT_EQ(mm_reserve_image(mm, 1 << 20, 4096, &second), 0);
    EXPECT(second > brk + (200 << 20));
    EXPECT_EQ(mm_reserve_image(mm, 1 << 20, 12288, &second), -ENOMEM);
    mm_put(mm);
}

static void trampolines_stay_whatever_the_program_does(void)
{
    uint64_t base, at;

    fresh(true);
    EXPECT_EQ(mm_reserve_image(mm, 1 << 20, 4096, &base), 0);
    at = vma_prev(vma_at(mm, base))->start;
    EXPECT_EQ(map(at, 4096, RW, ANON | MAP_FIXED), -ENOMEM);
    EXPECT_EQ(mm_protect(mm, at, 4096, RW), -ENOMEM);
    EXPECT_EQ(mm_unmap(mm, at - 4096, 4 << 20), 0);
    EXPECT(vma_at(mm, at) && !vma_at(mm, base));
    EXPECT_EQ(mm_fault(mm, at, MEM_READ), -EFAULT);
    mm_put(mm);
}

/* ---- content ---- */

static void shared_and_private_anonymous_pages_start_as_zero(void)
{
    for (int lazy = 0; lazy < 2; lazy++) {
        uint64_t a, b;
        fresh(lazy);
        a = map(0, 1 << 20, RW, ANON);
        b = map(0, 1 << 20, RW, MAP_SHARED | MAP_ANONYMOUS);
        EXPECT_EQ(word(a + 4096), 0);
        EXPECT_EQ(word(b + 8192), 0);
        EXPECT_EQ(put_user64(uptr(a), 3), 0);
        EXPECT_EQ(mm_unmap(mm, a, 1 << 20), 0);
        EXPECT_EQ(map(a, 1 << 20, RW, ANON | MAP_FIXED), a);
        EXPECT_EQ(word(a), 0);
        EXPECT_EQ(support_prot(a + (1 << 20) - 4096), lazy ? RW : -1);
        mm_put(mm);
    }
}

static void what_was_just_unmapped_is_used_again(void)
{
    enum { LEN = 64 << 10 };
    unsigned calls;
    uint64_t a;

    fresh(true);
    map(0, PAGE_SIZE, PROT_NONE, ANON); /* no neighbour to merge with */
    a = map(0, LEN, RW, ANON);
    EXPECT_EQ(put_user64(uptr(a + LEN - 8), 7), 0);
    calls = support_calls();
    EXPECT_EQ(mm_unmap(mm, a, LEN), 0);
    EXPECT_EQ(put_user64(uptr(a), 7), -EFAULT);
    EXPECT_EQ(support_prot(a), 0);
    EXPECT_EQ(map(0, LEN, RW, ANON), a);
    EXPECT_EQ(support_calls() - calls, 2);
    EXPECT_EQ(word(a + LEN - 8), 0);

    /* In parts, and for other uses. */
    EXPECT_EQ(put_user64(uptr(a + LEN - 8), 7), 0);
    EXPECT_EQ(put_user64(uptr(a), 7), 0);
    EXPECT_EQ(mm_unmap(mm, a, LEN / 2), 0);
    EXPECT_EQ(mm_unmap(mm, a + LEN / 2, LEN / 2), 0);
    EXPECT_EQ(mm->idle_count, 1);
    EXPECT_EQ(map(0, PAGE_SIZE, RW, ANON), a + LEN - PAGE_SIZE);
    EXPECT_EQ(word(a + LEN - 8), 0);
    EXPECT_EQ(mm->idle_bytes, LEN - PAGE_SIZE);
    EXPECT_EQ(map(0, PAGE_SIZE, PROT_READ, ANON), a + LEN - 2 * PAGE_SIZE);
    EXPECT_EQ(mm->idle_bytes, 0);
    EXPECT_EQ(support_prot(a), -1);
    for (unsigned i = 0; i < 100; i++) {
        EXPECT_EQ(map(a, 1 << 20, RW, ANON | MAP_FIXED), a);
        EXPECT_EQ(mm_unmap(mm, a + i * 8192, 8192), 0);
        EXPECT(mm->idle_count <= IDLE_RUNS);
    }
    mm_put(mm);
    EXPECT_EQ(support_committed(a, a + (1 << 20)), 0);
}

/* The beginning of what is long stays, as far as it seems to have been used;
 * the rest goes. */
static void what_was_used_of_a_long_mapping_is_kept(void)
{
    enum { LEN = 256 << 10, USED = 3 * PAGE_SIZE };
    uint64_t a;

    fresh(true);
    map(0, PAGE_SIZE, PROT_NONE, ANON); /* no neighbour to merge with */
    a = map(0, LEN, RW, ANON);
    EXPECT_EQ(put_user64(uptr(a + USED - PAGE_SIZE), 7), 0);
    EXPECT_EQ(mm_unmap(mm, a, LEN), 0);
    EXPECT_EQ(mm->idle_bytes, USED);
    EXPECT_EQ(support_prot(a), 0);
    EXPECT_EQ(support_prot(a + USED), -1);

    EXPECT_EQ(map(a, LEN, RW, ANON | MAP_FIXED), a);
    EXPECT_EQ(mm->idle_bytes, 0);
    EXPECT_EQ(mm->resident.pages, LEN / PAGE_SIZE);
    EXPECT_EQ(word(a + USED - PAGE_SIZE), 0);
    EXPECT_EQ(word(a + LEN - 8), 0);
    EXPECT_EQ(mm_unmap(mm, a, LEN), 0); /* nothing was used */
    EXPECT_EQ(mm->idle_bytes, 0);
    EXPECT_EQ(support_prot(a), -1);
    mm_put(mm);
    EXPECT_EQ(support_committed(a, a + LEN), 0);
}

/* Maps len bytes, all zero, dirties and unmaps them; how many calls of the
 * target it took. */
static unsigned turn(uint64_t at, uint64_t len)
{
    unsigned calls = support_calls();

    EXPECT_EQ(map(0, len, RW, ANON), at);
    EXPECT_EQ(word(at + len - 8), 0);
    EXPECT_EQ(put_user64(uptr(at + len - 8), 7), 0);
    EXPECT_EQ(mm_unmap(mm, at, len), 0);
    return support_calls() - calls;
}

static void what_is_unmapped_again_and_again_stays_open(void)
{
    enum { LEN = 64 << 10 };
    uint64_t a;

    for (int lazy = 0; lazy < 2; lazy++) {
        fresh(lazy);
        map(0, PAGE_SIZE, PROT_NONE, ANON);
        a = map(0, LEN, RW, ANON);
        EXPECT_EQ(put_user64(uptr(a), 7), 0);
        EXPECT_EQ(put_user64(uptr(a + LEN - 8), 7), 0);
        EXPECT_EQ(mm_unmap(mm, a, LEN), 0);
        for (unsigned i = 0; i < 15; i++) {
            EXPECT_EQ(turn(a, LEN), 2);
            EXPECT_EQ(support_prot(a), 0);
        }
        for (unsigned i = 0; i < 3; i++) {
            turn(a, LEN);
            EXPECT_EQ(support_prot(a), lazy ? 0 : RW);
        }
        EXPECT_EQ(support_page_wrong(mm, a), 0);

        /* One touch of what is not mapped, and nothing is open any more. */
        EXPECT_EQ(put_user64(uptr(a - PAGE_SIZE), 7), -EFAULT);
        EXPECT_EQ(put_user64(uptr(a), 7), -EFAULT);
        EXPECT_EQ(map(0, LEN, RW, ANON), a);
        EXPECT_EQ(put_user64(uptr(a + LEN - 8), 7), 0);
        EXPECT_EQ(mm_unmap(mm, a, LEN), 0);
        for (unsigned i = 0; i < 20; i++) {
            turn(a, LEN);
            EXPECT(support_prot(a) <= 0);
        }
        mm_put(mm);
        EXPECT_EQ(support_committed(a, a + LEN), 0);
    }
}

static void files_are_read_around_the_fault(void)
{
    uint64_t a;

    fresh(true);
    a = map_file(20 * PAGE_SIZE, PROT_READ, 0);
    EXPECT_EQ(file.refs, 1);
    EXPECT_EQ(file.reads, 0);
    EXPECT_EQ(word(a + 4096), support_file_word(4096));
    EXPECT(file.reads == 1);
    for (uint64_t off = 0; off < 10 * PAGE_SIZE; off += PAGE_SIZE) {
        EXPECT_EQ(word(a + off), support_file_word(off));
    }
    EXPECT(file.reads <= 2);
    EXPECT_EQ(word(a + 10 * PAGE_SIZE), support_file_word(10 * PAGE_SIZE));
    EXPECT_EQ(word(a + 10 * PAGE_SIZE + 104), 0); /* behind the end */
    EXPECT_EQ(mm_fault(mm, a + 11 * PAGE_SIZE, MEM_READ), -EIO);
    EXPECT_EQ(mm_fault(mm, a, MEM_WRITE), -EACCES);
    EXPECT_EQ(mm_fault(mm, a - PAGE_SIZE, MEM_READ), -EFAULT);
    EXPECT_EQ(mm_protect(mm, a, PAGE_SIZE, RW), 0);
    EXPECT_EQ(put_user64(uptr(a), 1), 0);
    EXPECT_EQ(mm_advise(mm, a, PAGE_SIZE, MADV_DONTNEED), 0);
    EXPECT_EQ(word(a), support_file_word(0));
    mm_put(mm);
    EXPECT_EQ(file.refs, 0);
}

static void a_file_that_cannot_be_read_is_sigbus(void)
{
    uint64_t a, val;

    fresh(true);
    a = map_file(PAGE_SIZE, PROT_READ, 0);
    file.error = -EIO;
    EXPECT_EQ(mm_fault(mm, a, MEM_READ), -EIO);
    EXPECT_EQ(get_user64(&val, uptr(a)), -EFAULT);
    file.error = 0;
    EXPECT_EQ(word(a), support_file_word(0));
}

static void shared_files_without_a_window_cannot_be_written(void)
{
    uint64_t a = 0;

    fresh(true);
    EXPECT_EQ(mm_map(mm, &a, 4096, RW, MAP_SHARED, &file.object, 0), -ENODEV);
    EXPECT_EQ(mm_map(mm, &a, 4096, PROT_READ, MAP_SHARED, &file.object, 0), 0);
    EXPECT_EQ(word(a), support_file_word(0));
    EXPECT_EQ(mm_protect(mm, a, 4096, RW), -EACCES);
}

static uint64_t window_base;

static int window(struct vm_object *o, uint64_t min_len, uint64_t *base)
{
    *base = window_base;
    return 0;
}

static void shared_files_lie_in_their_window(void)
{
    struct vm_object_ops ops;
    struct mm *other;
    uint64_t a = 0, b = 0;

    fresh(true);
    ops = *file.object.ops;
    ops.window = window;
    file.object.ops = &ops;
    EXPECT_EQ(mm_window_alloc(1 << 20, &window_base), 0);
    EXPECT_EQ(target_mem_commit(window_base, 1 << 20, RW), 0);
    EXPECT_EQ(mm_map(mm, &a, 8192, RW, MAP_SHARED, &file.object, 4096), 0);
    EXPECT_EQ(a, window_base + 4096);
    EXPECT_EQ(put_user64(uptr(a), 5), 0);
    EXPECT_EQ(mm_create(&other), 0);
    EXPECT_EQ(mm_map(other, &b, 8192, RW, MAP_SHARED, &file.object, 4096), 0);
    EXPECT_EQ(b, a);
    EXPECT_EQ(mm_unmap(mm, a, 8192), 0);
    support_set_mm(other);
    EXPECT_EQ(word(b), 5);
    EXPECT_EQ(mm_fault(other, b, MEM_WRITE), -EIO);
    mm_put(other);
    mm_put(mm);
    EXPECT_EQ(support_prot(window_base), RW);
    mm_window_free(window_base, 1 << 20);
    EXPECT_EQ(support_prot(window_base), -1);
}

static int window_maps(uint64_t at)
{
    struct vma *v = vma_at(mm, window_base + at);

    return v ? v->again + 1 : 0;
}

static void a_window_is_mapped_more_than_once(void)
{
    struct vm_object_ops ops;
    uint64_t a = 0, b = 0, c = window_base;

    fresh(true);
    ops = *file.object.ops;
    ops.window = window;
    file.object.ops = &ops;
    EXPECT_EQ(mm_window_alloc(1 << 20, &window_base), 0);
    EXPECT_EQ(mm_window_commit(window_base, window_base + (1 << 20)), 0);
    EXPECT_EQ(mm_map(mm, &a, 4 * PAGE_SIZE, PROT_READ, MAP_SHARED, &file.object,
                     PAGE_SIZE),
              0);
    EXPECT_EQ(mm_map(mm, &b, 6 * PAGE_SIZE, RW, MAP_SHARED, &file.object, 0),
              0);
    EXPECT_EQ(a, b + PAGE_SIZE);
    EXPECT_EQ(window_maps(0), 1);
    EXPECT_EQ(window_maps(PAGE_SIZE), 2);
    EXPECT_EQ(vma_at(mm, a)->prot, RW);
    EXPECT_EQ(window_maps(5 * PAGE_SIZE), 1);
    EXPECT_EQ(mm_remap(mm, b, 6 * PAGE_SIZE, 8 * PAGE_SIZE, 0, &c), -EFAULT);
    EXPECT_EQ(mm_remap(mm, b + 5 * PAGE_SIZE, PAGE_SIZE, 3 * PAGE_SIZE, 0, &c),
              0);
    EXPECT_EQ(window_maps(7 * PAGE_SIZE), 1);
    EXPECT_EQ(mm_unmap(mm, b, 8 * PAGE_SIZE), 0);
    EXPECT_EQ(window_maps(0), 0);
    EXPECT_EQ(window_maps(PAGE_SIZE), 1);
    EXPECT_EQ(window_maps(4 * PAGE_SIZE), 1);
    EXPECT_EQ(window_maps(5 * PAGE_SIZE), 0);
    EXPECT_EQ(mm_unmap(mm, a, 4 * PAGE_SIZE), 0);
    EXPECT_EQ(mm->vma_count, 0);
    EXPECT_EQ(mm->virtual_bytes, 0);
    EXPECT_EQ(file.refs, 0);
    mm_put(mm);
    mm_window_release(window_base, window_base + (1 << 20));
    mm_window_free(window_base, 1 << 20);
}

static void stacks_grow_down(void)
{
    for (int lazy = 0; lazy < 2; lazy++) {
        uint64_t top, a, far;
        fresh(lazy);
        a = map(0, 2 * PAGE_SIZE, RW, ANON | MAP_GROWSDOWN);
        top = a + 2 * PAGE_SIZE;
        far = map(0, 4096, RW, ANON);
        EXPECT(far + 4096 <= top - STACK_GROWTH);
        EXPECT_EQ(put_user64(uptr(a - 100), 7), 0);
        EXPECT_EQ(put_user64(uptr(a - (1 << 20)), 8), 0);
        EXPECT_EQ(word(a - 100), 7);
        EXPECT_EQ(put_user64(uptr(top - STACK_GROWTH - 8), 8), -EFAULT);
        EXPECT_EQ(mm_protect(mm, top - PAGE_SIZE, PAGE_SIZE,
                             PROT_READ | PROT_GROWSDOWN),
                  0);
        EXPECT_EQ(put_user64(uptr(a - 100), 7), -EFAULT);
        EXPECT_EQ(mm_protect(mm, far, PAGE_SIZE, RW | PROT_GROWSDOWN), -EINVAL);
        mm_put(mm);
    }
}

static void the_heap_grows_and_shrinks(void)
{
    uint64_t base, brk;

    fresh(true);
    EXPECT_EQ(mm_reserve_image(mm, 1 << 20, 4096, &base), 0);
    mm_set_brk(mm, base + (1 << 20), true);
    brk = mm_brk(mm, 0);
    EXPECT_EQ(mm_brk(mm, brk + 100), brk + 100);
    EXPECT_EQ(put_user64(uptr(brk), 9), 0);
    EXPECT_EQ(mm_brk(mm, brk + 10000), brk + 10000);
    EXPECT_EQ(word(brk), 9);
    EXPECT_EQ(word(brk + 9992), 0);
    EXPECT_EQ(vma_at(mm, brk)->name, MM_HEAP);
    EXPECT_EQ(mm_brk(mm, brk - 1), brk + 10000);
    EXPECT_EQ(mm_brk(mm, 1ull << 50), brk + 10000);
    EXPECT_EQ(mm_brk(mm, brk), brk);
    EXPECT(!vma_at(mm, brk));
    EXPECT_EQ(map(brk + 8192, 4096, RW, ANON | MAP_FIXED), brk + 8192);
    EXPECT_EQ(mm_brk(mm, brk + 8192), brk); /* a page of distance */
    EXPECT_EQ(mm_brk(mm, brk + 4096), brk + 4096);
    EXPECT_EQ(mm_data_bytes(mm, brk + 50), 50);
}

/* ---- a host that keeps pages out of reach for a while ---- */

static void what_was_kept_is_never_found_as_it_was(void)
{
    uint64_t a;

    fresh(true);
    a = map(0, 8 * PAGE_SIZE, RW, ANON);
    EXPECT_EQ(put_user64(uptr(a), 7), 0);
    EXPECT_EQ(mm_unmap(mm, a, 8 * PAGE_SIZE), 0);
    support_lie(1);
    EXPECT_EQ(map(0, 8 * PAGE_SIZE, RW, ANON), a);
    EXPECT_EQ(word(a), 0);
    EXPECT_EQ(support_page_wrong(mm, a), 0);
}

static void what_cannot_be_moved_stays(void)
{
    uint64_t a, to = 0;

    fresh(false);
    a = map(0, 3 * PAGE_SIZE, RW, ANON);
    EXPECT_EQ(mm_protect(mm, a + 2 * PAGE_SIZE, PAGE_SIZE, PROT_NONE), 0);
    EXPECT_EQ(put_user64(uptr(a), 7), 0);
    support_lie(1);
    EXPECT_EQ(
        mm_remap(mm, a, 2 * PAGE_SIZE, 4 * PAGE_SIZE, MREMAP_MAYMOVE, &to),
        -ENOMEM);
    EXPECT_EQ(word(a), 7);
    EXPECT_EQ(
        mm_remap(mm, a, 2 * PAGE_SIZE, 4 * PAGE_SIZE, MREMAP_MAYMOVE, &to), 0);
    EXPECT_EQ(word(to), 7);
}

/* ---- mremap, marks ---- */

static void remapping(void)
{
    uint64_t a, to = 0;

    fresh(true);
    a = map(0, 1 << 20, RW, ANON);
    EXPECT_EQ(mm_unmap(mm, a + 8192, (1 << 20) - 8192), 0);
    EXPECT_EQ(put_user64(uptr(a), 1), 0);
    EXPECT_EQ(mm_remap(mm, a, 8192, 16384, 0, &to), 0);
    EXPECT_EQ(to, a);
    EXPECT_EQ(put_user64(uptr(a + 12288), 2), 0);
    EXPECT_EQ(map(a + 16384, 4096, PROT_NONE, ANON | MAP_FIXED), a + 16384);
    EXPECT_EQ(mm_remap(mm, a, 16384, 20480, 0, &to), -ENOMEM);
    EXPECT_EQ(mm_remap(mm, a, 16384, 1 << 20, MREMAP_MAYMOVE, &to), 0);
    EXPECT(to != a && !vma_at(mm, a));
    EXPECT_EQ(word(to), 1);
    EXPECT_EQ(word(to + 12288), 2);
    EXPECT_EQ(word(to + (1 << 20) - 8), 0);
    a = to; /* room was left for more */
    EXPECT_EQ(mm_remap(mm, a, 1 << 20, 2 << 20, 0, &to), 0);
    EXPECT_EQ(mm_remap(mm, a, 2 << 20, 4096, 0, &to), 0);
    EXPECT(!vma_at(mm, a + 4096));
    EXPECT_EQ(mm_remap(mm, a, 4096, 4096, 8, &to), -EINVAL);
    EXPECT_EQ(mm_remap(mm, a, 4096, 4096, MREMAP_FIXED, &to), -EINVAL);
    EXPECT_EQ(mm_remap(mm, a + 1, 4096, 4096, 0, &to), -EINVAL);
    EXPECT_EQ(mm_remap(mm, a, 4096, 0, 0, &to), -EINVAL);
    EXPECT_EQ(mm_remap(mm, a + 4096, 4096, 8192, 0, &to), -EFAULT);
    EXPECT_EQ(mm_remap(mm, a, 8192, 12288, 0, &to), -EFAULT);
    EXPECT_EQ(mm_remap(mm, a, 8192, 4096, 0, &to), 0);
    to = a;
    EXPECT_EQ(mm_remap(mm, a, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, &to),
              -EINVAL);
}

static void locking(void)
{
    struct mm_stats s;
    uint64_t a;

    fresh(false);
    a = map(0, 16 * PAGE_SIZE, RW, ANON);
    EXPECT_EQ(mm_pin(mm, a + 1, PAGE_SIZE, true, true), 0);
    mm_get_stats(mm, &s);
    EXPECT_EQ(s.locked_bytes, 2 * PAGE_SIZE);
    EXPECT(support_prot(a + PAGE_SIZE) == RW);
    EXPECT_EQ(mm_advise(mm, a, PAGE_SIZE, MADV_DONTNEED), -EINVAL);
    EXPECT_EQ(mm_pin(mm, a, 17 * PAGE_SIZE, true, false), -ENOMEM);
    mm_get_stats(mm, &s);
    EXPECT_EQ(s.locked_bytes, 16 * PAGE_SIZE);
    EXPECT_EQ(mm_sync(mm, a, PAGE_SIZE, true, true), -EBUSY);
    EXPECT_EQ(mm_sync(mm, a, PAGE_SIZE, false, true), 0);
    EXPECT_EQ(mm_sync(mm, a, 17 * PAGE_SIZE, false, true), -ENOMEM);
    EXPECT_EQ(mm_pin(mm, a, PAGE_SIZE, false, false), 0);
    EXPECT_EQ(mm_unmap(mm, a + PAGE_SIZE, PAGE_SIZE), 0);
    mm_get_stats(mm, &s);
    EXPECT_EQ(s.locked_bytes, 14 * PAGE_SIZE);
    EXPECT_EQ(mm_pin_all(mm, false, true, true), 0);
    a = map(0, 3 * PAGE_SIZE, RW, ANON);
    EXPECT_EQ(support_prot(a + 2 * PAGE_SIZE), RW);
    EXPECT_EQ(mm_pin_all(mm, false, false, false), 0);
    mm_get_stats(mm, &s);
    EXPECT_EQ(s.locked_bytes, 0);
}

static void advice(void)
{
    uint8_t vec[8];
    uint64_t a, b;

    fresh(false);
    a = map(0, 8 * PAGE_SIZE, RW, ANON);
    EXPECT_EQ(mm_advise(mm, a, 4096, 5), -EINVAL);
    EXPECT_EQ(mm_advise(mm, a, 4096, 99), -EINVAL);
    EXPECT_EQ(mm_advise(mm, a + 1, 4096, MADV_NORMAL), -EINVAL);
    EXPECT_EQ(mm_advise(mm, a, 0, MADV_DONTNEED), 0);
    EXPECT_EQ(mm_advise(mm, a, 9 * PAGE_SIZE, MADV_NORMAL), -ENOMEM);
    EXPECT_EQ(mm_advise(mm, a, PAGE_SIZE, MADV_REMOVE), -EINVAL);
    EXPECT_EQ(mm_advise(mm, a, PAGE_SIZE, MADV_FREE), 0);
    EXPECT_EQ(mm_advise(mm, a + PAGE_SIZE, PAGE_SIZE, MADV_DONTFORK), 0);
    EXPECT_EQ(mm->vma_count, 3);
    EXPECT_EQ(mm_advise(mm, a, 8 * PAGE_SIZE, MADV_DOFORK), 0);
    EXPECT_EQ(mm->vma_count, 1);
    EXPECT_EQ(mm_incore(mm, a, 8, vec), 0);
    EXPECT_EQ(vec[3], 1); /* what one fault would bring in came at once */
    b = map(0, 1 << 20, RW, ANON);
    EXPECT_EQ(mm_incore(mm, b, 8, vec), 0);
    EXPECT_EQ(vec[7], 0);
    EXPECT_EQ(mm_advise(mm, b, 8 * PAGE_SIZE, MADV_POPULATE_WRITE), 0);
    EXPECT_EQ(mm_incore(mm, b, 8, vec), 0);
    EXPECT_EQ(vec[7], 1);
    EXPECT_EQ(mm_unmap(mm, b, 1 << 20), 0);
    EXPECT_EQ(mm_advise(mm, a, 8 * PAGE_SIZE, MADV_POPULATE_WRITE), 0);
    EXPECT_EQ(mm_incore(mm, a, 8, vec), 0);
    EXPECT_EQ(vec[7], 1);
    EXPECT_EQ(mm_incore(mm, a + PAGE_SIZE, 8, vec), -ENOMEM);
    EXPECT_EQ(mm_protect(mm, a, PAGE_SIZE, PROT_READ), 0);
    EXPECT_EQ(mm_advise(mm, a, PAGE_SIZE, MADV_POPULATE_WRITE), -EINVAL);
}

static int regions;
static void count_region(const struct mm_region *r, void *arg)
{
    regions++;
    EXPECT(r->start < r->end && r->end <= support_user_end());
    if (r->dev) {
        EXPECT(!strcmp(r->path, "/file") && r->offset == PAGE_SIZE);
    } else {
        EXPECT(!strcmp(r->path, "[stack]") || !strcmp(r->path, ""));
    }
}

static void regions_are_listed_with_their_names(void)
{
    uint64_t a;

    fresh(true);
    map_file(PAGE_SIZE, PROT_READ, PAGE_SIZE);
    a = map(0, PAGE_SIZE, RW, ANON);
    mm_name(mm, a, MM_STACK);
    map(0, PAGE_SIZE, RW, ANON);
    regions = 0;
    mm_for_each(mm, false, count_region, NULL);
    EXPECT_EQ(regions, 3);
}

/* Whether pages are committed at once or by faults. */
static void under_a_ceiling(bool lazy)
{
    const uint64_t much = 64 << 20, some = 1 << 20;
    uint64_t a, b;

    limit_init(32 << 20);
    fresh(lazy);
    EXPECT_EQ(map(0, much, RW, ANON), (uint64_t)-ENOMEM);
    a = map(0, much, PROT_NONE, ANON);
    EXPECT(!((int64_t)a < 0));
    EXPECT_EQ(mm_protect(mm, a, much, RW), -ENOMEM);
    EXPECT_EQ(mm_unmap(mm, a, much), 0);
    b = map(0, much, RW, ANON | MAP_NORESERVE);
    EXPECT(!((int64_t)b < 0));
    EXPECT_EQ(mm_fault(mm, b, MEM_WRITE), 0);
    EXPECT_EQ(mm_unmap(mm, b, much), 0);
    a = map(0, some, RW, ANON);
    EXPECT_EQ(mm_fault(mm, a, MEM_WRITE), 0);
    EXPECT_EQ(mm_remap(mm, a, some, much, MREMAP_MAYMOVE, &b), -ENOMEM);
    EXPECT_EQ(mm_remap(mm, a, some, 2 * some, MREMAP_MAYMOVE, &b), 0);
    mm_set_brk(mm, a - (8ul << 30), false);
    EXPECT_EQ(mm_brk(mm, a - (8ul << 30) + much), a - (8ul << 30));
    limit_init(0);
}

static void more_than_there_is_is_refused_at_once(void)
{
    under_a_ceiling(true);
    under_a_ceiling(false);
}

int main(void)
{
    RUN(more_than_there_is_is_refused_at_once);
    RUN(mappings_go_from_the_top_down_and_merge);
    RUN(hints_and_fixed_addresses);
    RUN(bad_arguments);
    RUN(large_reservations_cost_nothing);
    RUN(address_spaces_do_not_overlap);
    RUN(sixty_thousand_mappings);
    RUN(images_leave_room_for_trampolines_and_the_heap);
    RUN(trampolines_stay_whatever_the_program_does);
    RUN(shared_and_private_anonymous_pages_start_as_zero);
    RUN(what_was_just_unmapped_is_used_again);
    RUN(what_was_used_of_a_long_mapping_is_kept);
    RUN(what_is_unmapped_again_and_again_stays_open);
    RUN(files_are_read_around_the_fault);
    RUN(a_file_that_cannot_be_read_is_sigbus);
    RUN(shared_files_without_a_window_cannot_be_written);
    RUN(shared_files_lie_in_their_window);
    RUN(a_window_is_mapped_more_than_once);
    RUN(stacks_grow_down);
    RUN(the_heap_grows_and_shrinks);
    RUN(what_was_kept_is_never_found_as_it_was);
    RUN(what_cannot_be_moved_stays);
    RUN(remapping);
    RUN(locking);
    RUN(advice);
    RUN(regions_are_listed_with_their_names);
    return unit_result();
}
