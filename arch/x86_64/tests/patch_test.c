/* SPDX-License-Identifier: MIT
 *
 * The rewriter on hand-made code: what is found, what is left alone, what a
 * slot contains and how its RIPs map. patch_exec_test.c executes the result.
 */
#include <stdlib.h>
#include <string.h>

#include "arch/x86_64/patch.h"
#include "arch/x86_64/vcpu.h"
#include "lib/tests/unit.h"

#define ADDR 0x400000ul
#define AREA 0x10000000ul

/* Code under test: `before` bytes of ordinary code, then the case. */
struct code {
    uint8_t bytes[1024];
    size_t len, start;
};

/* push %rbx; mov %rdi,%rbx; lea 8(%rsp),%rsi; xor %edx,%edx; test %rbx,%rbx;
 * je +0: a stream that is easy to fall into. */
static const uint8_t filler[] = {0x53, 0x48, 0x89, 0xfb, 0x48, 0x8d,
                                 0x74, 0x24, 0x08, 0x31, 0xd2, 0x48,
                                 0x85, 0xdb, 0x74, 0x00};

static void put(struct code *c, const void *bytes, size_t len)
{
    memcpy(c->bytes + c->len, bytes, len);
    c->len += len;
}

static struct code around(size_t before, const void *bytes, size_t len)
{
    struct code c = {.len = 0};
    while (c.len + sizeof(filler) <= before) {
        put(&c, filler, sizeof(filler));
    }
    c.start = c.len;
    put(&c, bytes, len);
    for (int i = 0; i < 4; i++) {
        put(&c, filler, sizeof(filler));
    }
    return c;
}

#define CASE(before, string) around(before, string, sizeof(string) - 1)

static struct patch_text text_of(const struct code *c, bool neighbours)
{
    return (struct patch_text){.bytes = c->bytes,
                               .len = c->len,
                               .hi = c->len,
                               .addr = ADDR,
                               .neighbours = neighbours};
}

static int count_sites(const struct code *c, bool neighbours,
                       struct patch_site *last)
{
    struct patch_text t = text_of(c, neighbours);
    struct patch_site site;
    int count = 0;
    for (size_t pos = 0; patch_next(&t, &pos, &site); count++) {
        *last = site;
    }
    return count;
}

/* No site at all, in either tier. */
static bool is_left(struct code c)
{
    struct patch_site site;
    return count_sites(&c, true, &site) == 0 &&
           count_sites(&c, false, &site) == 0;
}

/* Exactly one site, which it returns relative to the case's start. */
static struct patch_site only_site(const struct code *c, bool neighbours)
{
    struct patch_site site = {.jump = 0};
    EXPECT_EQ(count_sites(c, neighbours, &site), 1);
    site.jump -= c->start;
    site.syscall -= c->start;
    return site;
}

#define GETPID "\xb8\x27\x00\x00\x00\x0f\x05"

static void patch_finds_mov_before_syscall(void)
{
    struct code c = CASE(400, GETPID "\xc3");
    struct patch_site site = only_site(&c, false);
    EXPECT_EQ(site.kind, PATCH_BEFORE);
    EXPECT_EQ(site.jump, 0);
    EXPECT_EQ(site.syscall, 5);
    EXPECT_EQ(site.moved, 5);
    EXPECT_EQ(site.inner, 0);
}

static void patch_leaves_false_matches(void)
{
    /* movabs $0x050f00000027b8..,%rax */
    EXPECT(is_left(CASE(400, "\x48\xb8\xb8\x27\x00\x00\x00\x0f\x05\x90")));
    EXPECT(is_left(CASE(400, "\x48\xb8\x90\xb8\x27\x00\x00\x00\x0f\x05")));
    /* add $0x50f..,%eax and lea 0x50f..(%rip),%rax, then nop */
    EXPECT(is_left(CASE(400, "\x05\x00\x00\x0f\x05\x90\x90\x90")));
    EXPECT(is_left(CASE(400, "\x48\x8d\x05\x0f\x05\x00\x01\x90\x90")));
    EXPECT(is_left(CASE(400, "\xe8\x11\x22\x0f\x05\x48\x89\xc3")));
    /* A prefix makes another instruction of the mov, or of the SYSCALL. */
    EXPECT(is_left(CASE(400, "\x31\xc0\x66\x0f\x05\x31\xc0")));
}

/* mov $1,%r8d has the mov's bytes; it is a neighbour, not a number. */
static void patch_keeps_rex_with_its_mov(void)
{
    struct code c = CASE(400, "\x41\xb8\x01\x00\x00\x00\x0f\x05\xc3");
    struct patch_site site;
    EXPECT_EQ(count_sites(&c, false, &site), 0);
    site = only_site(&c, true);
    EXPECT_EQ(site.jump, 0);
    EXPECT_EQ(site.moved, 6);
}

static void patch_leaves_data(void)
{
    struct code c = {.len = 600};
    /* Zeros, text, and small numbers around the very bytes of a site. */
    memcpy(c.bytes + 400, GETPID, 7);
    EXPECT(is_left(c));
    for (size_t i = 0; i < c.len; i++) {
        c.bytes[i] = "it is not a normal call, says the manual. "[i % 42];
    }
    memcpy(c.bytes + 400, GETPID, 7);
    EXPECT(is_left(c));
    for (size_t i = 0; i < c.len; i++) {
        c.bytes[i] = i % 4 == 0 ? i / 4 : 0;
    }
    memcpy(c.bytes + 400, GETPID, 7);
    EXPECT(is_left(c));
}

static void patch_leaves_random_data(void)
{
    static uint8_t bytes[1 << 18];
    srand(3);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = rand() >> 8;
    }
    for (size_t i = 500; i + 500 < sizeof(bytes); i += 300) {
        memcpy(bytes + i, GETPID, 7);
    }
    struct patch_text t = {.bytes = bytes,
                           .len = sizeof(bytes),
                           .hi = sizeof(bytes),
                           .neighbours = true};
    struct patch_site site;
    int count = 0;
    for (size_t pos = 0; patch_next(&t, &pos, &site);) {
        count++;
    }
    EXPECT_EQ(count, 0);
}

static void patch_leaves_large_numbers_and_restorers(void)
{
    struct code c = CASE(400, "\xb8\x27\x00\x00\x40\x0f\x05\xc3");
    struct patch_site site;
    EXPECT_EQ(count_sites(&c, false, &site), 0);
    EXPECT(is_left(CASE(400, "\x48\xc7\xc0\x0f\x00\x00\x00\x0f\x05"
                             "\x48\x3d\x01\xf0\xff\xff")));
}

static void patch_respects_chunk_edges(void)
{
    struct code c = CASE(400, GETPID "\xc3");
    for (size_t lo = c.start - 10; lo < c.start + 10; lo++) {
        for (size_t hi = lo; hi < c.start + 12; hi++) {
            struct patch_text t = text_of(&c, false);
            struct patch_site site;
            t.lo = lo;
            t.hi = hi;
            size_t pos = lo;
            bool inside = lo <= c.start && c.start + 7 <= hi;
            EXPECT_EQ(patch_next(&t, &pos, &site), inside);
        }
    }
}

static void patch_needs_context_or_an_entry(void)
{
    struct code c = CASE(64, GETPID "\xc3");
    struct patch_text t = text_of(&c, true);
    struct patch_site site;
    size_t pos = 0, entry = 0;
    EXPECT(!patch_next(&t, &pos, &site));
    t.entries = &entry;
    t.entry_count = 1;
    pos = 0;
    EXPECT(patch_next(&t, &pos, &site) && site.jump == c.start);
    /* An entry inside another instruction is in step with nothing. */
    entry = c.start - 3;
    c.bytes[entry] = 0x48;
    c.bytes[entry + 1] = 0xb8;
    pos = 0;
    EXPECT(!patch_next(&t, &pos, &site));
}

static void patch_at_knows_a_trapped_syscall(void)
{
    struct code c = CASE(64, "\x0f\x05\x48\x3d\x01\xf0\xff\xff\xc3");
    struct patch_text t = text_of(&c, true);
    struct patch_site site;
    EXPECT(!patch_at(&t, c.start, &site));
    t.entries = &c.start;
    t.entry_count = 1;
    EXPECT(patch_at(&t, c.start, &site));
    EXPECT_EQ(site.kind, PATCH_AFTER);
    EXPECT_EQ(site.jump, c.start);
}

static void patch_neighbour_one_before(void)
{
    /* mov 0x1234(%rip),%rdi; syscall */
    struct code c = CASE(400, "\x48\x8b\x3d\x34\x12\x00\x00\x0f\x05\xc3");
    struct patch_site site = only_site(&c, true);
    EXPECT_EQ(site.kind, PATCH_BEFORE);
    EXPECT_EQ(site.moved, 7);
    EXPECT_EQ(site.inner, 0);

    uint8_t slot[PATCH_SLOT];
    EXPECT(patch_slot_write(slot, AREA, &site, c.bytes + c.start, ADDR));
    int32_t disp;
    memcpy(&disp, slot + 3, 4);
    EXPECT_EQ(AREA + 7 + disp, ADDR + 7 + 0x1234);
    EXPECT_EQ(patch_slot_to_program(slot, AREA, AREA + 7), ADDR + 7);
    /* Out of the operand's reach, though in the jump's. */
    c.bytes[c.start + 6] = 0x7f;
    EXPECT(!patch_slot_write(slot, AREA, &site, c.bytes + c.start,
                             AREA + 0x40000000));
}

static void patch_neighbour_two_before(void)
{
    /* xor %edi,%edi; mov %rsp,%rsi + 1 byte more; syscall */
    struct code c = CASE(400, "\x31\xff\x48\x8d\x34\x24\x0f\x05\xc3");
    struct patch_site site = only_site(&c, true);
    EXPECT_EQ(site.kind, PATCH_BEFORE);
    EXPECT_EQ(site.jump, 0);
    EXPECT_EQ(site.moved, 6);
    EXPECT_EQ(site.inner, 1 << 2);
}

static void patch_neighbour_after(void)
{
    /* call; syscall; cmp $-4095,%rax */
    struct code c = CASE(400, "\xe8\x00\x00\x00\x00\x0f\x05"
                              "\x48\x3d\x01\xf0\xff\xff");
    struct patch_site site = only_site(&c, true);
    EXPECT_EQ(site.kind, PATCH_AFTER);
    EXPECT_EQ(site.jump, 5);
    EXPECT_EQ(site.moved, 6);
    EXPECT_EQ(site.inner, 1 << 2);
}

static void patch_neighbours_must_be_movable(void)
{
    /* call before; call, short branch, ENDBR64, RET, XGETBV behind */
    EXPECT(is_left(CASE(400, "\xe8\x00\x00\x00\x00\x0f\x05"
                             "\xe8\x00\x00\x00\x00")));
    EXPECT(is_left(CASE(400, "\xe8\x00\x00\x00\x00\x0f\x05\x74\x10")));
    EXPECT(is_left(CASE(400, "\xe8\x00\x00\x00\x00\x0f\x05"
                             "\xf3\x0f\x1e\xfa")));
    EXPECT(is_left(CASE(400, "\xe8\x00\x00\x00\x00\x0f\x05\xc3")));
    EXPECT(is_left(CASE(400, "\xe8\x00\x00\x00\x00\x0f\x05\x0f\x01\xd0")));
}

static void patch_leaves_what_branches_enter(void)
{
    /* je to the instruction behind the SYSCALL */
    EXPECT(is_left(CASE(400, "\x74\x02\x0f\x05\x48\x3d\x01\xf0\xff\xff")));
    EXPECT(!is_left(CASE(400, "\x74\x01\x0f\x05\x48\x3d\x01\xf0\xff\xff")));
    /* ... and to the second instruction before it */
    EXPECT(
        is_left(CASE(400, "\x74\x02\x31\xff\x48\x8d\x34\x24\x0f\x05\xeb\x00")));
}

static void patch_sites_do_not_overlap(void)
{
    /* syscall; mov $60,%eax; syscall: the mov belongs to the second. */
    struct code c = CASE(400, "\xe8\x00\x00\x00\x00\x0f\x05"
                              "\xb8\x3c\x00\x00\x00\x0f\x05\xc3");
    struct patch_site site = only_site(&c, true);
    EXPECT_EQ(site.syscall, 12);
    EXPECT_EQ(site.kind, PATCH_BEFORE);
    struct code two = CASE(400, GETPID GETPID "\xc3");
    EXPECT_EQ(count_sites(&two, true, &site), 2);
}

static bool is_test_slot(uint64_t addr)
{
    return addr >= AREA && addr < AREA + 0x1000000;
}

/* Code that was rewritten before has no sites, and what is right behind one
 * is not judged by the rest of a moved instruction. */
static void patch_knows_rewritten_code(void)
{
    struct code codes[] = {
        CASE(400, GETPID "\x48\x3d\x01\xf0\xff\xff\xc3"),
        CASE(400, "\x48\x8b\x3d\x34\x12\x11\x22\x0f\x05"
                  "\x48\x3d\x01\xf0\xff\xff\xc3"),
        CASE(400, "\xe8\x11\x11\x11\x11\x0f\x05\x48\x3d\x01\xf0\xff\xff"),
    };
    for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
        struct code c = codes[i];
        struct patch_text t = text_of(&c, true);
        struct patch_site site;
        size_t pos = 0;
        t.is_slot = is_test_slot;
        EXPECT(patch_next(&t, &pos, &site));
        uint64_t addr = t.addr + site.jump;
        patch_apply(c.bytes + site.jump, addr,
                    patch_slot_fit(&site, addr, AREA));
        pos = 0;
        EXPECT(!patch_next(&t, &pos, &site));
    }
}

static void patch_slot_of_mov(void)
{
    struct code c = CASE(400, GETPID "\xc3");
    struct patch_site site = only_site(&c, false);
    uint8_t slot[PATCH_SLOT], *code = c.bytes + c.start;
    static const uint8_t want[] = {
        0xb8, 0x27, 0,    0,    0,                   /* mov $39,%eax */
        0x48, 0x8d, 0x0d, 0xfb, 0xff, 0x3f, 0xf0,    /* lea ADDR+7,%rcx */
        0x65, 0xff, 0x24, 0x25, 0x20, 0,    0,    0, /* jmp *%gs:32 */
    };
    EXPECT(patch_slot_write(slot, AREA, &site, code, ADDR));
    EXPECT(memcmp(slot, want, sizeof(want)) == 0);
    EXPECT_EQ(slot[sizeof(want)], 0xcc);
    EXPECT_EQ(VCPU_SYSCALL_ENTRY, 32);

    patch_apply(code, ADDR, AREA);
    EXPECT(memcmp(code, "\xe9\xfb\xff\xbf\x0f\x0f\x05", 7) == 0);
}

static void patch_maps_rips_of_before(void)
{
    struct code c = CASE(400, "\x31\xff\x48\x8d\x34\x24\x0f\x05\xc3");
    struct patch_site site = only_site(&c, true);
    uint64_t at = patch_slot_fit(&site, ADDR, AREA);
    uint8_t slot[PATCH_SLOT];
    EXPECT(patch_slot_write(slot, at, &site, c.bytes + c.start, ADDR));
    EXPECT_EQ(patch_slot_to_program(slot, at, at), ADDR);
    EXPECT_EQ(patch_slot_to_program(slot, at, at + 2), ADDR + 2);
    EXPECT_EQ(patch_slot_to_program(slot, at, at + 6), ADDR + 6);
    EXPECT_EQ(patch_slot_to_program(slot, at, at + 13), ADDR + 6);
    EXPECT_EQ(patch_slot_to_program(slot, at, at + PATCH_SLOT), 0);
    EXPECT_EQ(patch_program_to_slot(slot, at, ADDR + 2), at + 2);
    EXPECT_EQ(patch_program_to_slot(slot, at, ADDR), 0);
    EXPECT_EQ(patch_program_to_slot(slot, at, ADDR + 6), 0);
}

static void patch_maps_rips_of_after(void)
{
    struct code c = CASE(400, "\xe8\x00\x00\x00\x00\x0f\x05"
                              "\x48\x3d\x01\xf0\xff\xff");
    struct patch_site site = only_site(&c, true);
    uint64_t at = patch_slot_fit(&site, ADDR, AREA);
    uint8_t slot[PATCH_SLOT];
    EXPECT(patch_slot_write(slot, at, &site, c.bytes + c.start + 5, ADDR));
    EXPECT_EQ(patch_slot_to_program(slot, at, at), ADDR);
    EXPECT_EQ(patch_slot_to_program(slot, at, at + 7), ADDR);
    EXPECT_EQ(patch_slot_to_program(slot, at, at + 15), ADDR + 2);
    EXPECT_EQ(patch_slot_to_program(slot, at, at + 21), ADDR + 8);
    EXPECT_EQ(patch_program_to_slot(slot, at, ADDR + 2), at + 15);
    EXPECT_EQ(patch_program_to_slot(slot, at, ADDR + 1), 0);
}

static void patch_slot_bytes_are_checked(void)
{
    uint8_t slot[PATCH_SLOT];
    srand(4);
    for (int i = 0; i < 100000; i++) {
        for (size_t k = 0; k < PATCH_SLOT; k++) {
            slot[k] = rand() >> 8;
        }
        EXPECT_EQ(patch_slot_to_program(slot, AREA, AREA + i % PATCH_SLOT), 0);
        EXPECT_EQ(patch_program_to_slot(slot, AREA, ADDR), 0);
    }
}

/* The bytes where an inner instruction began must be undefined opcodes. */
static void patch_slot_fit_chooses_traps(void)
{
    int without = 0, near = 0;
    srand(5);
    for (int i = 0; i < 2000; i++) {
        uint64_t addr = 0x7f0000000000 + ((uint64_t)rand() << 8) + rand() % 256;
        uint64_t area = addr + 0x100000 * (rand() % 64 - 2);
        area = ALIGN_DOWN(area, PAGE_SIZE);
        struct patch_site site = {.inner = 2 << rand() % 3};
        uint64_t slot = patch_slot_fit(&site, addr, area);
        uint8_t jump[5];
        if (slot == 0 && site.inner == 2) {
            without++;
            continue;
        }
        EXPECT(slot >= area && slot % PATCH_SLOT == 0);
        EXPECT(site.inner == 8 || slot < area + 0x10000);
        patch_apply(jump, addr, slot);
        uint8_t trap = jump[__builtin_ctz(site.inner)];
        if (site.inner == 8 && slot - addr - 5 >= -0x20000ul) {
            near++;
            EXPECT(trap >= 0xfe && jump[4] == 0xff);
            continue;
        }
        EXPECT(memchr("\x06\x07\x0e\x16\x17\x1e\x1f\x27\x2f\x37\x3f\x60\x61"
                      "\x82\x9a\xce\xd4\xea",
                      trap, 18));
    }
    EXPECT(without < 500);
    EXPECT(near > 2);
    struct patch_site plain = {.inner = 0};
    EXPECT_EQ(patch_slot_fit(&plain, AREA, AREA + 100), AREA + 128);
    EXPECT_EQ(patch_slot_fit(&plain, ADDR, 0), PATCH_SLOT);
    EXPECT_EQ(patch_slot_fit(&plain, ADDR, ADDR + 0x80000005), 0);
    EXPECT_EQ(patch_slot_fit(&plain, 0x100000000, 0x1000), 0x80000020);
}

/* ---- candidates ---- */

static size_t naive_candidate(const struct patch_text *t, size_t from)
{
    for (size_t i = from; i + 2 <= t->hi; i++) {
        if (t->bytes[i] == 0x0f && (t->bytes[i + 1] == 0x05 ||
                                    (t->cpuid && t->bytes[i + 1] == 0xa2))) {
            return i;
        }
    }
    return t->hi;
}

/* Exactly so many bytes: the sanitizer sees one read too many. */
static void patch_finds_every_candidate(void)
{
    static const uint8_t some[] = {0x90, 0x0f, 0x05, 0xa2, 0x0e, 0x8f};
    srand(6);
    for (int i = 0; i < 4000; i++) {
        size_t len = rand() % 200 + 1, from = rand() % len;
        uint8_t *bytes = malloc(len);
        for (size_t k = 0; k < len; k++) {
            bytes[k] = rand() % 24 ? 0x90 : some[rand() % sizeof(some)];
        }
        for (int k = rand() % 4; k < 2; k++) {
            bytes[rand() % len] = 0x0f;
        }
        struct patch_text t = {
            .bytes = bytes, .len = len, .hi = len, .cpuid = i % 2};
        EXPECT_EQ(patch_candidate(&t, from), naive_candidate(&t, from));
        free(bytes);
    }
}

int main(void)
{
    RUN(patch_finds_every_candidate);
    RUN(patch_finds_mov_before_syscall);
    RUN(patch_leaves_false_matches);
    RUN(patch_keeps_rex_with_its_mov);
    RUN(patch_leaves_data);
    RUN(patch_leaves_random_data);
    RUN(patch_leaves_large_numbers_and_restorers);
    RUN(patch_respects_chunk_edges);
    RUN(patch_needs_context_or_an_entry);
    RUN(patch_at_knows_a_trapped_syscall);
    RUN(patch_neighbour_one_before);
    RUN(patch_neighbour_two_before);
    RUN(patch_neighbour_after);
    RUN(patch_neighbours_must_be_movable);
    RUN(patch_leaves_what_branches_enter);
    RUN(patch_sites_do_not_overlap);
    RUN(patch_knows_rewritten_code);
    RUN(patch_slot_of_mov);
    RUN(patch_maps_rips_of_before);
    RUN(patch_maps_rips_of_after);
    RUN(patch_slot_bytes_are_checked);
    RUN(patch_slot_fit_chooses_traps);
    return unit_result();
}
