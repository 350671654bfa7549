/* SPDX-License-Identifier: MIT
 *
 * Code on its way to becoming executable: its system calls are rewritten and
 * lead to trampolines that know where they came from; what is mapped, moved
 * or made by a JIT follows the same rules; failures leave code that traps.
 */
#include "lib/tests/unit.h"
#include "kernel/mm/tests/support.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/room.h"
#include "abi/linux/errno.h"
#include "target/target.h"

enum {
    RW = PROT_READ | PROT_WRITE,
    RX = PROT_READ | PROT_EXEC,
    ANON = MAP_PRIVATE | MAP_ANONYMOUS,
    CODE = 48 * 4096,
    SITE_EVERY = 1000,
};

static struct mm *mm;
static struct support_file file;
static uint8_t code[CODE];

/* NOPs, and `mov $39,%eax; syscall` now and then. */
static void write_code(void)
{
    static const uint8_t call[] = {0xb8, 39, 0, 0, 0, 0x0f, 0x05};

    memset(code, 0x90, sizeof(code));
    for (size_t at = 512; at + 512 < CODE; at += SITE_EVERY) {
        memcpy(code + at, call, sizeof(call));
    }
}

static void fresh(bool lazy)
{
    support_reset();
    heap_init(support_kernel_start(), support_kernel_end(), 0, 0, 0);
    mm_init(support_user_start(), support_user_end(), 0, lazy);
    EXPECT_EQ(mm_create(&mm), 0);
    support_set_mm(mm);
    write_code();
    support_file_init(&file, CODE);
    file.text = code;
    file.text_len = CODE;
}

/* Where the jump at addr leads; 0: there is none. */
static uint64_t jump_target(uint64_t addr)
{
    uint8_t bytes[5];
    int32_t rel;

    EXPECT_EQ(copy_from_user(bytes, uptr(addr), 5), 0);
    memcpy(&rel, bytes + 1, 4);
    return bytes[0] == 0xe9 ? addr + 5 + (uint64_t)(int64_t)rel : 0;
}

/* Sites of [base, base + len) that are rewritten, each checked. */
static unsigned rewritten(uint64_t base, size_t len)
{
    unsigned count = 0;

    for (size_t at = 512; at + 512 < len; at += SITE_EVERY) {
        uint64_t slot = jump_target(base + at), site = 0;
        uint8_t rest[2];
        if (!slot) {
            continue;
        }
        count++;
        EXPECT(mm_trampoline_rip(slot, &site));
        EXPECT_EQ(site, base + at);
        EXPECT(mm_trampoline_rip(slot + 5, &site));
        EXPECT_EQ(site, base + at + 5);
        EXPECT_EQ(support_prot(slot), RX);
        EXPECT_EQ(copy_from_user(rest, uptr(base + at + 5), 2), 0);
        EXPECT(rest[0] == 0x0f && rest[1] == 0x05);
    }
    return count;
}

static uint64_t map_code(uint64_t at, int prot)
{
    EXPECT_EQ(mm_map(mm, &at, CODE, prot, MAP_PRIVATE | (at ? MAP_FIXED : 0),
                     &file.object, 0),
              0);
    return at;
}

static int invariants_wrong(uint64_t base)
{
    int wrong = 0;

    for (uint64_t off = 0; off < 2 << 20; off += PAGE_SIZE) {
        wrong += support_page_wrong(mm, base - (1 << 20) + off);
    }
    return wrong;
}

static void code_from_files_is_rewritten(void)
{
    const unsigned sites = (CODE - 512 - 512 + SITE_EVERY - 1) / SITE_EVERY;
    uint64_t base, site;
    struct mm_stats s;

    fresh(true);
    base = map_code(0, RX);
    /* A site that lies across a chunk's border may be left. */
    EXPECT(rewritten(base, CODE) >= sites - 3);
    EXPECT_EQ(support_prot(base), RX);
    mm_get_stats(mm, &s);
    EXPECT(s.sites_patched >= sites - 3);
    EXPECT(!mm_trampoline_rip(base + 512, &site));
    EXPECT_EQ(invariants_wrong(base), 0);
    mm_put(mm);
}

static void data_and_writable_code_stay_as_they_are(void)
{
    uint64_t base;

    fresh(true);
    base = map_code(0, PROT_READ);
    EXPECT_EQ(rewritten(base, CODE), 0);
    base = map_code(0, RW | PROT_EXEC);
    EXPECT_EQ(rewritten(base, CODE), 0);
}

static void low_programs_have_their_trampolines_below(void)
{
    uint64_t base = support_user_start() + 0x3f0000, slot;

    fresh(true);
    base = map_code(base, RX);
    slot = jump_target(base + 512);
    EXPECT(slot && slot < base);
    mm_put(mm);
}

static void images_use_the_region_in_front_of_them(void)
{
    uint64_t base, region;

    fresh(true);
    EXPECT_EQ(mm_reserve_image(mm, CODE, PAGE_SIZE, &base), 0);
    region = vma_prev(vma_at(mm, base))->start;
    map_code(base, RX);
    EXPECT_EQ(ALIGN_DOWN(jump_target(base + 512), (uint64_t)TRAMPOLINE_SIZE),
              region);
    mm_put(mm);
    EXPECT_EQ(support_prot(region), -1);
}

static void what_a_jit_makes_is_rewritten_when_it_becomes_code(void)
{
    for (int lazy = 0; lazy < 2; lazy++) {
        uint64_t base = 0;
        fresh(lazy);
        EXPECT_EQ(mm_map(mm, &base, CODE, RW, ANON, NULL, 0), 0);
        EXPECT_EQ(copy_to_user(uptr(base), code, CODE), 0);
        EXPECT_EQ(mm_protect(mm, base, CODE, RX), 0);
        EXPECT(rewritten(base, CODE) > CODE / SITE_EVERY - 4);
        EXPECT_EQ(support_prot(base), RX);
        /* A new version of part of it. */
        EXPECT_EQ(mm_protect(mm, base, 8192, RW), 0);
        EXPECT_EQ(copy_to_user(uptr(base), code, 8192), 0);
        EXPECT_EQ(rewritten(base, 8192), 0);
        EXPECT_EQ(mm_protect(mm, base, 8192, RX), 0);
        EXPECT(rewritten(base, 8192) > 8192 / SITE_EVERY - 3);
        EXPECT_EQ(invariants_wrong(base), 0);
        mm_put(mm);
    }
}

static void many_regions_when_one_is_full(void)
{
    uint64_t base = 0, slot;
    unsigned sites = 0;

    fresh(true);
    for (int i = 0; i < 16; i++) {
        base = map_code(0, RX);
        sites += rewritten(base, CODE);
    }
    EXPECT(sites > 2048);
    EXPECT(mm->trampoline_count >= 2);
    slot = jump_target(base + 512);
    mm_put(mm);
    EXPECT(!mm_trampoline_rip(slot, &base));
}

static void slots_are_free_again_when_their_code_goes(void)
{
    uint64_t base = 0;

    fresh(true);
    for (int i = 0; i < 200; i++) {
        base = map_code(0, RX);
        EXPECT(rewritten(base, CODE) > CODE / SITE_EVERY - 4);
        if (i % 3 == 0) {
            EXPECT_EQ(mm_advise(mm, base, CODE, MADV_DONTNEED), 0);
            EXPECT(rewritten(base, CODE) > CODE / SITE_EVERY - 4);
        }
        EXPECT_EQ(mm_unmap(mm, base, CODE), 0);
    }
    EXPECT_EQ(mm_map(mm, &base, CODE, RW, ANON, NULL, 0), 0);
    for (int i = 0; i < 100; i++) {
        EXPECT_EQ(copy_to_user(uptr(base), code, CODE), 0);
        EXPECT_EQ(mm_protect(mm, base, CODE, i % 2 ? RX : PROT_NONE), 0);
        EXPECT_EQ(mm_protect(mm, base, CODE, RX), 0);
        EXPECT(rewritten(base, CODE) > CODE / SITE_EVERY - 4);
        /* Code that stays keeps its slots. */
        EXPECT_EQ(mm_protect(mm, base, CODE, PROT_READ), 0);
        EXPECT_EQ(mm_protect(mm, base, CODE, RX), 0);
        EXPECT(rewritten(base, CODE) > CODE / SITE_EVERY - 4);
        EXPECT_EQ(mm_protect(mm, base, CODE, RW), 0);
    }
    EXPECT_EQ(mm->trampoline_count, 1);
    mm_put(mm);
}

static void without_trampolines_code_traps(void)
{
    for (unsigned n = 1; n < 14; n++) {
        for (int heap = 0; heap < 2; heap++) {
            uint64_t base;
            fresh(true);
            base = map_code(0, RX);
            if (heap) {
                heap_fail_after(n);
            } else {
                support_fail_target(n, 1);
            }
            mm_fault(mm, base, MEM_EXEC);
            heap_fail_after(0);
            support_fail_target(0, 0);
            EXPECT_EQ(invariants_wrong(base), 0);
            EXPECT_EQ(mm_fault(mm, base, MEM_EXEC), 0);
            rewritten(base, CODE); /* what there is is right */
            mm_put(mm);
        }
    }
}

int main(void)
{
    RUN(code_from_files_is_rewritten);
    RUN(data_and_writable_code_stay_as_they_are);
    RUN(low_programs_have_their_trampolines_below);
    RUN(images_use_the_region_in_front_of_them);
    RUN(what_a_jit_makes_is_rewritten_when_it_becomes_code);
    RUN(many_regions_when_one_is_full);
    RUN(slots_are_free_again_when_their_code_goes);
    RUN(without_trampolines_code_traps);
    return unit_result();
}
