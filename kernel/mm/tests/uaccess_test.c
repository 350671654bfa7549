/* SPDX-License-Identifier: MIT
 *
 * User memory: copies that meet missing pages, holes, the ends of the arena;
 * strings; atomic operations; cursors over pieces.
 */
#include "lib/tests/unit.h"
#include "kernel/mm/tests/support.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/room.h"
#include "abi/linux/errno.h"
#include "target/target.h"

static struct mm *mm;
static uint64_t base; /* four pages, then a hole */
static char buf[5 * 4096], want[5 * 4096];
enum { LEN = 4 * 4096 };

static void fresh(bool lazy)
{
    support_reset();
    heap_init(support_kernel_start(), support_kernel_end(), 0, 0, 0);
    mm_init(support_user_start(), support_user_end(), 0, lazy);
    EXPECT_EQ(mm_create(&mm), 0);
    support_set_mm(mm);
    base = support_user_start() + (1ul << 33);
    EXPECT_EQ(mm_map(mm, &base, LEN, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0),
              0);
    for (size_t i = 0; i < sizeof(want); i++) {
        want[i] = (char)(i * 7 + i / 251 + 1);
    }
}

static void copies_bring_missing_pages_in(void)
{
    static const size_t sizes[] = {1,   3,   4,   7,    8,    12,
                                   31,  32,  33,  40,   63,   64,
                                   100, 255, 256, 4096, 5000, 12000};

    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        for (int shift = -9; shift <= 9; shift++) {
            struct uptr at = uptr(base + 4096 + (uint64_t)shift);
            fresh(false);
            EXPECT_EQ(copy_to_user(at, want, sizes[i]), 0);
            EXPECT_EQ(copy_from_user(buf, at, sizes[i]), 0);
            EXPECT(!memcmp(buf, want, sizes[i]));
            EXPECT_EQ(zero_user(at, sizes[i]), 0);
            EXPECT_EQ(copy_from_user(buf, at, sizes[i]), 0);
            EXPECT(buf[0] == 0 && buf[sizes[i] - 1] == 0);
        }
    }
}

static void a_hole_ends_a_copy_at_the_byte(void)
{
    for (int lazy = 0; lazy < 2; lazy++) {
        fresh(lazy);
        EXPECT_EQ(copy_to_user(uptr(base), want, LEN), 0);
        for (size_t n = 1; n < 600; n++) {
            struct uptr at = uptr(base + LEN - n);
            EXPECT_EQ(copy_from_user(buf, at, n + 5), -EFAULT);
            EXPECT_EQ(copy_from_user_part(buf, at, n + 5), n);
            EXPECT_EQ(copy_from_user_part(buf, at, n + 50), n);
            EXPECT(!memcmp(buf, want + LEN - n, n));
            EXPECT_EQ(copy_to_user(at, want, n + 1), -EFAULT);
            EXPECT_EQ(copy_to_user_part(at, want + LEN - n, n + 700), n);
        }
        EXPECT_EQ(copy_from_user(buf, uptr(base), LEN), 0);
        EXPECT(!memcmp(buf, want, LEN));
    }
}

static void permissions_count(void)
{
    fresh(true);
    EXPECT_EQ(put_user64(uptr(base), 5), 0);
    EXPECT_EQ(mm_protect(mm, base, 4096, PROT_READ), 0);
    EXPECT_EQ(put_user32(uptr(base), 6), -EFAULT);
    EXPECT_EQ(copy_to_user(uptr(base + 4090), want, 20), -EFAULT);
    EXPECT_EQ(copy_from_user(buf, uptr(base), 8), 0);
    EXPECT_EQ(buf[0], 5);
    EXPECT_EQ(mm_protect(mm, base, 4096, PROT_NONE), 0);
    EXPECT_EQ(copy_from_user(buf, uptr(base), 8), -EFAULT);
}

static void addresses_outside_never_are_touched(void)
{
    uint64_t end = support_user_end(), val;

    fresh(true);
    EXPECT_EQ(get_user64(&val, uptr(0)), -EFAULT);
    EXPECT_EQ(get_user64(&val, uptr(support_user_start() - 4)), -EFAULT);
    EXPECT_EQ(get_user64(&val, uptr(end - 4)), -EFAULT);
    EXPECT_EQ(get_user64(&val, uptr(end)), -EFAULT);
    EXPECT_EQ(get_user64(&val, uptr(UINT64_MAX - 3)), -EFAULT);
    EXPECT_EQ(copy_to_user(uptr(support_kernel_start()), &val, 8), -EFAULT);
    EXPECT_EQ(copy_from_user(buf, uptr(base), UINT64_MAX), -EFAULT);
    EXPECT_EQ(copy_from_user(buf, uptr(end), 0), 0);
    EXPECT(mm_user_range(support_user_start(), end - support_user_start()));
    EXPECT(!mm_user_range(support_user_start() + 1, UINT64_MAX));
}

static void strings_end_at_nul_hole_or_limit(void)
{
    fresh(false);
    EXPECT_EQ(copy_to_user(uptr(base + 4090), "0123456789", 11), 0);
    EXPECT_EQ(strncpy_from_user(buf, uptr(base + 4090), 100), 10);
    EXPECT(!strcmp(buf, "0123456789"));
    EXPECT_EQ(strncpy_from_user(buf, uptr(base + 4090), 11), 10);
    EXPECT_EQ(strncpy_from_user(buf, uptr(base + 4090), 10), -ENAMETOOLONG);
    EXPECT_EQ(copy_to_user(uptr(base + LEN - 4), "abc", 4), 0);
    EXPECT_EQ(strncpy_from_user(buf, uptr(base + LEN - 4), 100), 3);
    EXPECT_EQ(copy_to_user(uptr(base + LEN - 1), "x", 1), 0);
    EXPECT_EQ(strncpy_from_user(buf, uptr(base + LEN - 4), 100), -EFAULT);
    EXPECT_EQ(strncpy_from_user(buf, uptr(base + LEN), 100), -EFAULT);
    EXPECT_EQ(strncpy_from_user(buf, uptr(8), 100), -EFAULT);
    EXPECT_EQ(strncpy_from_user(buf, uptr(support_user_end() - 2), 100),
              -EFAULT);
}

/* Every length and place of the end within a word, before a hole. */
static void strings_of_all_lengths_before_a_hole(void)
{
    char text[64];

    for (int lazy = 0; lazy < 2; lazy++) {
        fresh(lazy);
        for (long n = 0; n < 40; n++) {
            for (long behind = 0; behind < 10; behind++) {
                uint64_t at = base + LEN - behind - n - 1;

                memcpy(text, want, (size_t)n);
                text[n] = '\0';
                EXPECT_EQ(copy_to_user(uptr(at), text, (size_t)n + 1), 0);
                EXPECT_EQ(strncpy_from_user(buf, uptr(at), 64), n);
                EXPECT(!strcmp(buf, text));
            }
        }
    }
}

static void atomic_operations_bring_pages_in(void)
{
    struct uptr word = uptr(base + 4096);
    uint32_t old = 9, now = 9;

    fresh(false);
    EXPECT_EQ(user_cmpxchg32(word, 0, 12, &old), 0);
    EXPECT_EQ(old, 0);
    EXPECT_EQ(user_cmpxchg32(word, 1, 13, &old), 0);
    EXPECT_EQ(old, 12);
    EXPECT_EQ(user_rmw32(word, USER_ADD, 4, &old), 0);
    EXPECT_EQ(user_rmw32(word, USER_OR, 3, &old), 0);
    EXPECT_EQ(old, 16);
    EXPECT_EQ(user_rmw32(word, USER_ANDN, 2, &old), 0);
    EXPECT_EQ(user_rmw32(word, USER_XOR, 0x81, &old), 0);
    EXPECT_EQ(old, 17);
    EXPECT_EQ(user_rmw32(word, USER_SET, 77, &old), 0);
    EXPECT_EQ(old, 0x90);
    EXPECT_EQ(get_user32(&now, word), 0);
    EXPECT_EQ(now, 77);
    EXPECT_EQ(user_rmw32(uptr(base + LEN), USER_SET, 1, &old), -EFAULT);
    EXPECT_EQ(user_cmpxchg32(uptr(4), 0, 1, &old), -EFAULT);
}

static void a_cursor_of_the_kernel(void)
{
    struct iobuf io, copy;
    char a[32] = "", out[32] = "";

    iobuf_kernel(&io, a, 10);
    EXPECT_EQ(iobuf_put(&io, "abcdef", 6), 6);
    EXPECT_EQ(iobuf_put(&io, "ghijkl", 6), 4);
    EXPECT_EQ(iobuf_put(&io, "x", 1), 0);
    EXPECT(!strcmp(a, "abcdefghij"));
    iobuf_kernel(&io, a, 10);
    iobuf_skip(&io, 2);
    copy = io; /* by value */
    EXPECT_EQ(iobuf_get(&copy, out, 3), 3);
    EXPECT(!strcmp(out, "cde"));
    EXPECT_EQ(io.left, 8);
    EXPECT_EQ(iobuf_put_zero(&io, 100), 8);
    EXPECT_EQ(a[9], 0);
}

static void a_cursor_over_pieces(void)
{
    struct iobuf_vec vec[] = {{0, 0}, {0, 3}, {0, 0}, {0, 5000}, {0, 0}};
    struct iobuf io;

    fresh(false);
    vec[1].base = base;
    vec[3].base = base + 5000;
    iobuf_user_vec(&io, vec, 5);
    EXPECT_EQ(io.left, 5003);
    EXPECT_EQ(iobuf_put(&io, want, 2), 2);
    EXPECT_EQ(iobuf_put(&io, want + 2, 4000), 4000);
    EXPECT_EQ(iobuf_put(&io, want + 4002, 9000), 1001);
    EXPECT_EQ(io.left, 0);
    iobuf_user_vec(&io, vec, 5);
    iobuf_skip(&io, 1);
    EXPECT_EQ(iobuf_get(&io, buf, 9000), 5002);
    EXPECT(!memcmp(buf, want + 1, 5002));
}

static void a_cursor_stops_at_a_fault(void)
{
    struct iobuf_vec vec[] = {{0, 10}, {0, 10}};
    struct iobuf io;

    fresh(false);
    vec[0].base = base + LEN - 4;
    vec[1].base = base;
    iobuf_user_vec(&io, vec, 2);
    EXPECT_EQ(iobuf_put(&io, want, 20), 4);
    EXPECT_EQ(iobuf_put(&io, want, 20), -EFAULT);
    EXPECT_EQ(io.left, 16);
    iobuf_user(&io, uptr(12), 10);
    EXPECT_EQ(iobuf_get(&io, buf, 0), 0);
    EXPECT_EQ(iobuf_get(&io, buf, 1), -EFAULT);
}

int main(void)
{
    fresh(false);
    RUN(copies_bring_missing_pages_in);
    RUN(a_hole_ends_a_copy_at_the_byte);
    RUN(permissions_count);
    RUN(addresses_outside_never_are_touched);
    RUN(strings_end_at_nul_hole_or_limit);
    RUN(strings_of_all_lengths_before_a_hole);
    RUN(atomic_operations_bring_pages_in);
    RUN(a_cursor_of_the_kernel);
    RUN(a_cursor_over_pieces);
    RUN(a_cursor_stops_at_a_fault);
    return unit_result();
}
