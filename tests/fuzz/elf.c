/* SPDX-License-Identifier: MIT
 *
 * Any bytes as the headers of a program. What elf.h promises of headers that
 * were accepted must hold: no sum of theirs overflows, and all lies below
 * 2^47.
 */
#include <string.h>

#include "kernel/proc/exec/elf.h"
#include "tests/fuzz/fuzz.h"

#define END (1ull << 47)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct elf_image img;
    size_t room;

    memset(&img, 0, sizeof(img));
    if (size < sizeof(img.header)) {
        return 0;
    }
    memcpy(&img.header, data, sizeof(img.header));
    if (elf_check_header(&img.header)) {
        return 0;
    }
    fuzz_expect(img.header.phnum <= ELF_PHDRS_MAX);
    room = img.header.phnum * sizeof(struct elf_phdr);
    data += sizeof(img.header);
    size -= sizeof(img.header);
    memcpy(img.phdrs, data, size < room ? size : room);
    if (elf_check_phdrs(&img)) {
        return 0;
    }
    fuzz_expect(img.low < img.high && img.high <= END + PAGE_SIZE);
    fuzz_expect(img.low % PAGE_SIZE == 0 && img.high % PAGE_SIZE == 0);
    fuzz_expect((img.align & (img.align - 1)) == 0 && img.align >= PAGE_SIZE);
    fuzz_expect(img.interp < img.header.phnum);
    for (int i = 0; i < img.header.phnum; i++) {
        const struct elf_phdr *p = &img.phdrs[i];

        if (p->type == ELF_PT_LOAD && p->memsz) {
            fuzz_expect(p->filesz <= p->memsz);
            fuzz_expect(p->vaddr >= img.low && p->vaddr + p->memsz <= img.high);
            fuzz_expect(p->offset + p->filesz >= p->offset);
        }
    }
    return 0;
}
