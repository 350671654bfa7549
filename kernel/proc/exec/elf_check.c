/* SPDX-License-Identifier: MIT
 *
 * Judging ELF headers (elf(5)). The file is whoever wrote it: every number is
 * checked before it is used, so that elf.c can add and round without thinking.
 * What Linux finds out only after it gave up the old program, we refuse here.
 */
#include "kernel/proc/exec/elf.h"
#include "abi/linux/errno.h"
#include "lib/string.h"

#define ADDRESS_END (1ull << 47)

int elf_check_header(const struct elf_header *h)
{
    bool ours = memcmp(h->ident, "\177ELF", 4) == 0 &&
                h->ident[4] == ELF_CLASS64 && h->ident[5] == ELF_DATA_LSB &&
                h->machine == ELF_MACHINE_X86_64 &&
                (h->type == ELF_TYPE_EXEC || h->type == ELF_TYPE_DYN);

    if (!ours || h->phentsize != sizeof(struct elf_phdr) || h->phnum == 0 ||
        h->phnum > ELF_PHDRS_MAX || h->phoff > ADDRESS_END ||
        h->entry >= ADDRESS_END) {
        return -ENOEXEC;
    }
    return 0;
}

static bool load_is_sane(const struct elf_phdr *ph)
{
    return ph->memsz <= ADDRESS_END && ph->filesz <= ph->memsz &&
           ph->vaddr <= ADDRESS_END - ph->memsz && ph->offset <= ADDRESS_END &&
           (!ph->filesz || (ph->offset - ph->vaddr) % PAGE_SIZE == 0);
}

static void note_load(struct elf_image *img, const struct elf_phdr *ph)
{
    const struct elf_header *h = &img->header;
    uint64_t end = ALIGN_UP(ph->vaddr + ph->memsz, PAGE_SIZE);
    uint64_t phdrs_end = h->phoff + h->phnum * sizeof(struct elf_phdr);

    img->low = MIN(img->low, ALIGN_DOWN(ph->vaddr, PAGE_SIZE));
    img->high = MAX(img->high, end);
    /* Others than powers of two mean nothing, as on Linux. */
    if (ph->align > img->align && (ph->align & (ph->align - 1)) == 0) {
        img->align = ph->align;
    }
    if (ph->offset <= h->phoff && phdrs_end <= ph->offset + ph->filesz) {
        img->phdr_addr = h->phoff - ph->offset + ph->vaddr;
    }
}

int elf_check_phdrs(struct elf_image *img)
{
    img->low = ADDRESS_END;
    img->high = 0;
    img->align = PAGE_SIZE;
    img->phdr_addr = 0;
    img->interp = -1;
    img->exec_stack = false;
    img->bias = 0;
    for (int i = 0; i < img->header.phnum; i++) {
        const struct elf_phdr *ph = &img->phdrs[i];

        if (ph->type == ELF_PT_LOAD) {
            if (!load_is_sane(ph)) {
                return -ENOEXEC;
            }
            if (ph->memsz) {
                note_load(img, ph);
            }
        } else if (ph->type == ELF_PT_INTERP && img->interp < 0) {
            if (ph->filesz < 2 || ph->filesz > 4096 ||
                ph->offset > ADDRESS_END) {
                return -ENOEXEC;
            }
            img->interp = i;
        } else if (ph->type == ELF_PT_GNU_STACK) {
            img->exec_stack = ph->flags & ELF_PF_X;
        }
    }
    if (img->low >= img->high || img->align > ADDRESS_END) {
        return -ENOEXEC;
    }
    return 0;
}
