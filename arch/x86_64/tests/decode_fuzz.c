/* SPDX-License-Identifier: MIT
 *
 * The decoder against Zydis: whatever Zydis decodes, we give the same length,
 * branch displacement and RIP-relative operand, and nothing that changes the
 * flow or the system's state counts as movable. What only we decode is
 * counted and bounded: it must not be much.
 *
 *     decode_fuzz                      what `make test` runs
 *     decode_fuzz random COUNT [SEED]  COUNT random and COUNT plausible byte
 * strings decode_fuzz file ELF...          a linear sweep over executable
 * sections
 */
#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <Zydis/Zydis.h>

#include "arch/x86_64/decode.h"
#include "lib/tests/unit.h"

struct tally {
    long same, both_fail, only_ours, wrong, common;
};

static ZydisDecoder zydis;

/* Knights Corner is dead, and XBEGIN rel16 absurd: we decline both. */
static bool may_decline(const ZydisDecodedInstruction *z)
{
    return z->mnemonic == ZYDIS_MNEMONIC_JKZD ||
           z->mnemonic == ZYDIS_MNEMONIC_JKNZD ||
           z->mnemonic == ZYDIS_MNEMONIC_XBEGIN ||
           (z->meta.isa_set >= ZYDIS_ISA_SET_KNCE &&
            z->meta.isa_set <= ZYDIS_ISA_SET_KNC_PF_HINT);
}

static bool changes_flow(const ZydisDecodedInstruction *z)
{
    switch (z->meta.category) {
    case ZYDIS_CATEGORY_CALL:
    case ZYDIS_CATEGORY_RET:
    case ZYDIS_CATEGORY_COND_BR:
    case ZYDIS_CATEGORY_UNCOND_BR:
    case ZYDIS_CATEGORY_INTERRUPT:
    case ZYDIS_CATEGORY_SYSCALL:
    case ZYDIS_CATEGORY_SYSRET:
    case ZYDIS_CATEGORY_IO:
        return true;
    default:
        return z->attributes & ZYDIS_ATTRIB_IS_PRIVILEGED ||
               z->mnemonic == ZYDIS_MNEMONIC_ENDBR64 ||
               z->mnemonic == ZYDIS_MNEMONIC_ENCLU;
    }
}

static bool relative_agrees(const struct insn *o,
                            const ZydisDecodedInstruction *z)
{
    for (int i = 0; i < 2; i++) {
        if (z->raw.imm[i].size != 0 && z->raw.imm[i].is_relative) {
            return o->rel_size * 8 == z->raw.imm[i].size &&
                   o->len - o->rel_size == z->raw.imm[i].offset &&
                   o->rel == z->raw.imm[i].value.s;
        }
    }
    return o->rel_size == 0;
}

static bool rip_agrees(const struct insn *o, const ZydisDecodedInstruction *z)
{
    bool rip = z->attributes & ZYDIS_ATTRIB_HAS_MODRM &&
               z->raw.modrm.mod == 0 && z->raw.modrm.rm == 5 &&
               z->raw.disp.size == 32;
    return o->rip_disp == (rip ? z->raw.disp.offset : 0);
}

/* Zydis counts XABORT and XEND as branches. */
static bool is_branch(const ZydisDecodedInstruction *z)
{
    switch (z->meta.category) {
    case ZYDIS_CATEGORY_CALL:
    case ZYDIS_CATEGORY_RET:
    case ZYDIS_CATEGORY_COND_BR:
    case ZYDIS_CATEGORY_UNCOND_BR:
        return z->mnemonic != ZYDIS_MNEMONIC_XABORT &&
               z->mnemonic != ZYDIS_MNEMONIC_XEND;
    default:
        return false;
    }
}

static bool kind_agrees(const struct insn *o, const ZydisDecodedInstruction *z)
{
    bool branch = o->kind >= INSN_JMP && o->kind <= INSN_RET;
    bool zydis_branch = is_branch(z);
    bool syscall = z->mnemonic == ZYDIS_MNEMONIC_SYSCALL && z->length == 2;
    bool nop = o->kind == INSN_NOP && z->mnemonic != ZYDIS_MNEMONIC_NOP;
    return branch == zydis_branch && (o->kind == INSN_SYSCALL) == syscall &&
           !(o->movable && changes_flow(z)) && !nop;
}

static void complain(const char *what, const uint8_t *code, size_t avail,
                     int ours, const ZydisDecodedInstruction *z)
{
    printf("%s: ours %d, Zydis %d (%s):", what, ours, z->length,
           ZydisMnemonicGetString(z->mnemonic));
    for (size_t i = 0; i < avail && i < INSN_MAX; i++) {
        printf(" %02x", code[i]);
    }
    printf("\n");
}

/* What decode_common() knows is what decode_insn() says, and nothing that its
 * callers must look at. */
static bool common_agrees(const uint8_t *code, size_t avail, struct tally *t)
{
    struct insn o;
    unsigned len = avail >= INSN_ROOM ? decode_common(code) : 0;
    t->common += len != 0;
    return len == 0 || (decode_insn(code, avail, &o) == (int)len &&
                        !o.ambiguous && o.kind != INSN_PRIVILEGED &&
                        !(o.kind == INSN_JMP && o.rel_size == 4));
}

/* Compares at one place; returns Zydis's length, 0 when it fails. */
static int compare(const uint8_t *code, size_t avail, struct tally *t)
{
    ZydisDecodedInstruction z;
    struct insn o;
    int len = decode_insn(code, avail, &o);
    if (!common_agrees(code, avail, t) && t->wrong++ < 20) {
        printf("common: %02x %02x %02x\n", code[0], code[1], code[2]);
    }
    if (!ZYAN_SUCCESS(
            ZydisDecoderDecodeInstruction(&zydis, NULL, code, avail, &z))) {
        t->only_ours += len != 0;
        t->both_fail += len == 0;
        return 0;
    }
    const char *what = NULL;
    if (len != z.length) {
        what = len == 0 && may_decline(&z) ? NULL : "length";
    } else if (!relative_agrees(&o, &z)) {
        what = "branch";
    } else if (!rip_agrees(&o, &z)) {
        what = "RIP-relative";
    } else if (!kind_agrees(&o, &z)) {
        what = "kind";
    }
    if (what) {
        if (t->wrong++ < 20) {
            complain(what, code, avail, len, &z);
        }
    } else {
        t->same++;
    }
    return z.length;
}

static uint64_t rng;

static uint64_t next_random(void)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return rng;
}

static void random_bytes(uint8_t code[INSN_ROOM])
{
    for (size_t i = 0; i < INSN_ROOM; i++) {
        code[i] = next_random() >> 20;
    }
}

/* Random bytes behind a plausible beginning, so that every map is reached. */
static void plausible_bytes(uint8_t code[INSN_ROOM])
{
    static const char prefixes[] = "\x66\x67\xf2\xf3\xf0\x2e\x64\x65\x48\x41";
    static const char *const starts[] = {
        "",
        "\x0f",
        "\x0f\x38",
        "\x0f\x3a",
        "\x0f\x0f",
        "\xc4\xe1\x79",
        "\xc4\xe2\x7d",
        "\xc4\xe3\xfd",
        "\xc4\xe2",
        "\xc5\xf9",
        "\xc5",
        "\x62\xf1\x7d\x48",
        "\x62\xf2\x7d\x48",
        "\x62\xf3\x7d\x48",
        "\x62\xf5\x7c\x48",
        "\x62\xf6\x7d\x48",
        "\x62\xf2",
        "\x8f\xe8\x78",
        "\x8f\xe9\x78",
        "\x8f\xea\x78",
    };
    size_t n = 0;
    random_bytes(code);
    const char *start = starts[(next_random() >> 33) % ARRAY_SIZE(starts)];
    unsigned rarity = (uint8_t)*start > 0x0f ? 16 : 3; /* VEX has its own */
    while (n < 4 && (next_random() >> 40) % rarity == 0) {
        code[n++] = prefixes[(next_random() >> 33) % (sizeof(prefixes) - 1)];
    }
    memcpy(code + n, start, strlen(start));
}

/* One string in 16 is cut short. */
static void random_strings(long count, void (*make)(uint8_t[INSN_ROOM]),
                           struct tally *t)
{
    for (long i = 0; i < count; i++) {
        uint8_t code[INSN_ROOM];
        make(code);
        size_t avail = i % 16 == 0 ? i / 16 % INSN_MAX + 1 : INSN_ROOM;
        compare(code, avail, t);
    }
}

/* Sweeps the executable sections, at most max bytes of each. */
static bool sweep_file(const char *path, size_t max, struct tally *t)
{
    int fd = open(path, O_RDONLY);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        return false;
    }
    uint8_t *file = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (file == MAP_FAILED || memcmp(file, ELFMAG, SELFMAG) != 0) {
        return false;
    }
    Elf64_Ehdr *ehdr = (Elf64_Ehdr *)file;
    Elf64_Shdr *shdr = (Elf64_Shdr *)(file + ehdr->e_shoff);
    for (int i = 0; i < ehdr->e_shnum; i++) {
        if (shdr[i].sh_type != SHT_PROGBITS ||
            !(shdr[i].sh_flags & SHF_EXECINSTR)) {
            continue;
        }
        const uint8_t *text = file + shdr[i].sh_offset;
        size_t len = shdr[i].sh_size;
        for (size_t at = 0; at < MIN(len, max);) {
            int step = compare(text + at, len - at, t);
            at += step ? step : 1;
        }
    }
    munmap(file, st.st_size);
    return true;
}

static void report(const char *name, const struct tally *t)
{
    printf("%s: %ld agree, %ld of them common, %ld undefined for both, "
           "%ld only ours, %ld wrong\n",
           name, t->same, t->common, t->both_fail, t->only_ours, t->wrong);
}

/* Undefined for Zydis alone are LOCK, prefixes and registers where they make
 * no sense. */
static void decode_agrees_on_random_bytes(void)
{
    struct tally t = {0};
    rng = 0x9e3779b97f4a7c15;
    random_strings(200000, random_bytes, &t);
    report("random", &t);
    EXPECT(t.wrong == 0 && t.same > 150000);
    EXPECT(t.only_ours < t.same / 50);
}

static void decode_agrees_on_plausible_bytes(void)
{
    struct tally t = {0};
    rng = 0x9e3779b97f4a7c15;
    random_strings(500000, plausible_bytes, &t);
    report("plausible", &t);
    EXPECT(t.wrong == 0 && t.same > 100000);
}

static void decode_agrees_on_this_program(void)
{
    struct tally t = {0};
    EXPECT(sweep_file("/proc/self/exe", SIZE_MAX, &t));
    report("this program", &t);
    EXPECT(t.wrong == 0 && t.same > 1000);
}

static void decode_agrees_on_libc(void)
{
    struct tally t = {0};
    EXPECT(sweep_file("/lib/x86_64-linux-gnu/libc.so.6", SIZE_MAX, &t));
    report("libc", &t);
    EXPECT(t.wrong == 0 && t.same > 100000);
    EXPECT(t.common > t.same / 4 * 3);
}

int main(int argc, char **argv)
{
    ZydisDecoderInit(&zydis, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    struct tally total = {0};
    if (argc > 2 && strcmp(argv[1], "random") == 0) {
        rng = argc > 3 ? strtoull(argv[3], NULL, 0) : 88172645463325252;
        random_strings(strtol(argv[2], NULL, 0), random_bytes, &total);
        random_strings(strtol(argv[2], NULL, 0), plausible_bytes, &total);
        report("random", &total);
    } else if (argc > 2 && strcmp(argv[1], "file") == 0) {
        for (int i = 2; i < argc; i++) {
            struct tally t = {0};
            if (sweep_file(argv[i], SIZE_MAX, &t)) {
                report(argv[i], &t);
                total.wrong += t.wrong;
            }
        }
    } else {
        RUN(decode_agrees_on_random_bytes);
        RUN(decode_agrees_on_plausible_bytes);
        RUN(decode_agrees_on_this_program);
        RUN(decode_agrees_on_libc);
        return unit_result();
    }
    return total.wrong != 0;
}
