/* SPDX-License-Identifier: MIT
 *
 * ELF headers, good and hostile: what passes elf_read() must map within its
 * span and without overflow, whatever the file says. Files and address spaces
 * are recorded here; this program's own file is a good example to break.
 */
#include <stdlib.h>
#include "lib/tests/unit.h"
#include "abi/linux/errno.h"
#include "abi/linux/mman.h"
#include "kernel/fs/fs.h"
#include "kernel/mm/mm.h"
#include "kernel/proc/exec/elf.h"
#include "lib/string.h"

#define ADDRESS_END (1ull << 47)
#define BASE        0x10000000000ull

struct file {
    uint8_t *bytes;
    size_t size;
};

static unsigned maps, bad_maps;
static uint64_t mapped_low, mapped_high;

long file_pread_kernel(struct file *f, void *buf, size_t len, uint64_t off)
{
    size_t n = off < f->size ? MIN(f->size - off, len) : 0;

    if (off > ADDRESS_END) {
        bad_maps++;
    } else if (n) {
        memcpy(buf, f->bytes + off, n);
    }
    return (long)n;
}

int file_object(struct file *f, int prot, int flags, struct vm_object **out)
{
    *out = (struct vm_object *)f;
    return 0;
}

/* Nobody else is at the program's fixed addresses. */
int mm_take_fixed(struct mm *mm, uint64_t start, uint64_t end)
{
    return 0;
}

int mm_reserve_image(struct mm *mm, uint64_t len, uint64_t align,
                     uint64_t *base)
{
    if (len > ADDRESS_END / 2 || align > ADDRESS_END / 4) {
        return -ENOMEM;
    }
    *base = ALIGN_UP(BASE, align);
    return 0;
}

int mm_map(struct mm *mm, uint64_t *addr, uint64_t len, int prot, int flags,
           struct vm_object *obj, uint64_t off)
{
    maps++;
    if (*addr % PAGE_SIZE || len % PAGE_SIZE || len == 0 || off % PAGE_SIZE ||
        *addr + len < *addr || *addr + len > 2 * ADDRESS_END) {
        bad_maps++;
    }
    mapped_low = MIN(mapped_low, *addr);
    mapped_high = MAX(mapped_high, *addr + len);
    return 0;
}

int zero_user(struct uptr dst, size_t n)
{
    if (n >= PAGE_SIZE || dst.addr < mapped_low || dst.addr + n > mapped_high) {
        bad_maps++;
    }
    return 0;
}

/* ---- a small good file ---- */

static struct elf_image built;

static void build(uint16_t type)
{
    struct elf_header *h = &built.header;

    memset(&built, 0, sizeof(built));
    memcpy(h->ident, "\177ELF\2\1\1", 7);
    h->type = type;
    h->machine = ELF_MACHINE_X86_64;
    h->phoff = sizeof(*h);
    h->phentsize = sizeof(struct elf_phdr);
    h->phnum = 2;
    h->entry = 0x401000;
    built.phdrs[0] = (struct elf_phdr){
        .type = ELF_PT_LOAD,
        .flags = ELF_PF_R | ELF_PF_X,
        .vaddr = 0x400000,
        .filesz = 0x1234,
        .memsz = 0x1234,
        .align = 0x1000,
    };
    built.phdrs[1] = (struct elf_phdr){
        .type = ELF_PT_LOAD,
        .flags = ELF_PF_R | ELF_PF_W,
        .offset = 0x1e10,
        .vaddr = 0x402e10,
        .filesz = 0x100,
        .memsz = 0x3000,
        .align = 0x1000,
    };
}

static void good_headers_pass(void)
{
    build(ELF_TYPE_EXEC);
    EXPECT_EQ(elf_check_header(&built.header), 0);
    EXPECT_EQ(elf_check_phdrs(&built), 0);
    EXPECT_EQ(built.low, 0x400000);
    EXPECT_EQ(built.high, 0x406000);
    EXPECT_EQ(built.phdr_addr, 0x400040);
    EXPECT_EQ(built.interp, -1);
}

static void foreign_files_are_refused(void)
{
    struct elf_header *h = &built.header;

    build(ELF_TYPE_EXEC);
    h->ident[0] = 0;
    EXPECT_EQ(elf_check_header(h), -ENOEXEC);
    build(ELF_TYPE_EXEC);
    h->ident[4] = 1; /* 32-bit */
    EXPECT_EQ(elf_check_header(h), -ENOEXEC);
    build(1); /* an object file */
    EXPECT_EQ(elf_check_header(h), -ENOEXEC);
    build(ELF_TYPE_EXEC);
    h->machine = 183; /* AArch64 */
    EXPECT_EQ(elf_check_header(h), -ENOEXEC);
    build(ELF_TYPE_EXEC);
    h->phnum = ELF_PHDRS_MAX + 1;
    EXPECT_EQ(elf_check_header(h), -ENOEXEC);
    build(ELF_TYPE_EXEC);
    h->phentsize = 32;
    EXPECT_EQ(elf_check_header(h), -ENOEXEC);
}

static void hostile_segments_are_refused(void)
{
    struct elf_phdr *ph = &built.phdrs[1];

    build(ELF_TYPE_EXEC);
    ph->filesz = ph->memsz + 1;
    EXPECT_EQ(elf_check_phdrs(&built), -ENOEXEC);
    build(ELF_TYPE_EXEC);
    ph->memsz = ~0ull;
    EXPECT_EQ(elf_check_phdrs(&built), -ENOEXEC);
    build(ELF_TYPE_EXEC);
    ph->vaddr = ~0xfffull + 0xe10;
    EXPECT_EQ(elf_check_phdrs(&built), -ENOEXEC);
    build(ELF_TYPE_EXEC);
    ph->offset++; /* not the offset in the page that vaddr has */
    EXPECT_EQ(elf_check_phdrs(&built), -ENOEXEC);
    build(ELF_TYPE_EXEC);
    built.phdrs[0].type = ph->type = ELF_PT_DYNAMIC; /* nothing to load */
    EXPECT_EQ(elf_check_phdrs(&built), -ENOEXEC);
    build(ELF_TYPE_EXEC);
    ph->type = ELF_PT_INTERP;
    ph->filesz = 5000;
    EXPECT_EQ(elf_check_phdrs(&built), -ENOEXEC);
}

static void only_an_asked_for_stack_is_executable(void)
{
    build(ELF_TYPE_DYN);
    EXPECT_EQ(elf_check_phdrs(&built), 0);
    EXPECT(!built.exec_stack);
    built.header.phnum = 3;
    built.phdrs[2].type = ELF_PT_GNU_STACK;
    built.phdrs[2].flags = ELF_PF_R | ELF_PF_W | ELF_PF_X;
    EXPECT_EQ(elf_check_phdrs(&built), 0);
    EXPECT(built.exec_stack);
}

/* ---- mapping ---- */

static int load(struct file *f)
{
    static struct elf_image img;
    char *path = malloc(4096);
    int err;

    memset(&img, 0xa5, sizeof(img));
    maps = 0;
    mapped_low = ~0ull;
    mapped_high = 0;
    err = elf_read(f, &img);
    if (!err && img.interp >= 0) {
        err = elf_interp_path(f, &img, path);
    }
    if (!err) {
        err = elf_map(NULL, f, &img);
    }
    if (!err && (mapped_low != img.low + img.bias ||
                 mapped_high != img.high + img.bias)) {
        bad_maps++;
    }
    free(path);
    return err;
}

static struct file read_self(void)
{
    struct file f = {.size = 0};
    FILE *in = fopen("/proc/self/exe", "r");

    f.bytes = malloc(16 << 20);
    f.size = fread(f.bytes, 1, 16 << 20, in);
    fclose(in);
    return f;
}

static void a_real_program_maps(void)
{
    struct file f = read_self();

    bad_maps = 0;
    EXPECT_EQ(load(&f), 0);
    EXPECT(maps >= 4);
    EXPECT_EQ(bad_maps, 0);
    free(f.bytes);
}

static void a_cut_file_is_refused(void)
{
    struct file f = read_self();

    bad_maps = 0;
    for (size_t size = 0; size < 1024; size++) {
        struct file cut = {.bytes = malloc(size + 1), .size = size};
        memcpy(cut.bytes, f.bytes, size);
        EXPECT(load(&cut) <= 0);
        free(cut.bytes);
    }
    EXPECT_EQ(bad_maps, 0);
    free(f.bytes);
}

static uint64_t random_state = 42;

static uint64_t next_random(void)
{
    random_state = random_state * 6364136223846793005ull + 1442695040888963407;
    return random_state >> 16;
}

/* Values that break careless arithmetic are likelier than others. */
static uint64_t nasty(void)
{
    static const uint64_t values[] = {
        0,
        1,
        0xfff,
        0x1000,
        ~0ull,
        ~0xfffull,
        1ull << 63,
        ADDRESS_END,
        ADDRESS_END - 1,
        ADDRESS_END - 0x1000,
        1ull << 32,
        0x7fffffffffffffff,
    };
    uint64_t r = next_random();

    return r % 4 ? values[r / 4 % ARRAY_SIZE(values)] : r;
}

static void broken_headers_never_break_us(void)
{
    struct file f = read_self(), copy = {.size = f.size};
    unsigned passed = 0;

    copy.bytes = malloc(f.size);
    memcpy(copy.bytes, f.bytes, f.size);
    bad_maps = 0;
    for (int round = 0; round < 20000; round++) {
        memcpy(copy.bytes, f.bytes, 1024);
        for (uint64_t n = next_random() % 4; n < 4; n++) {
            uint64_t value = nasty();
            size_t width = 1ull << next_random() % 4;
            size_t at = next_random() % 800;
            memcpy(copy.bytes + at, &value, width);
        }
        passed += load(&copy) == 0;
    }
    EXPECT_EQ(bad_maps, 0);
    EXPECT(passed > 100); /* or the test only tries what is refused */
    free(copy.bytes);
    free(f.bytes);
}

int main(void)
{
    RUN(good_headers_pass);
    RUN(foreign_files_are_refused);
    RUN(hostile_segments_are_refused);
    RUN(only_an_asked_for_stack_is_executable);
    RUN(a_real_program_maps);
    RUN(a_cut_file_is_refused);
    RUN(broken_headers_never_break_us);
    return unit_result();
}
