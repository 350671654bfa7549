/* SPDX-License-Identifier: MIT
 *
 * The program's entry, before libc's: the pages that libc's relocations are
 * about to write are asked for in one call. Faults on them, one by one, would
 * be a twentieth of a short program's time.
 *
 * No relocation has been applied when this runs, and there is no thread block.
 */
#include "lib/types.h"
#include <elf.h>
#include <linux/mman.h>
#include <sys/syscall.h>

extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));
void start_bring_in(void);

__asm__(".globl host_start\n"
        "host_start:\n\t"
        "push %rdx\n\t" /* libc's, from the host's kernel */
        "sub $8, %rsp\n\t"
        "call start_bring_in\n\t"
        "add $8, %rsp\n\t"
        "pop %rdx\n\t"
        "jmp _start\n");

static void populate(uint64_t start, uint64_t end)
{
    long result = SYS_madvise;

    __asm__ volatile("syscall"
                     : "+a"(result)
                     : "D"(start), "S"(end - start), "d"(MADV_POPULATE_WRITE)
                     : "rcx", "r11", "memory");
}

/* Best effort: before Linux 5.14 they fault. */
void start_bring_in(void)
{
    const Elf64_Ehdr *e = &__ehdr_start;
    const Elf64_Phdr *p = (const void *)((const char *)e + e->e_phoff);

    for (unsigned i = 0; i < e->e_phnum; i++) {
        uint64_t at = (uint64_t)e + p[i].p_vaddr;
        if (p[i].p_type == PT_GNU_RELRO) {
            populate(ALIGN_DOWN(at, PAGE_SIZE),
                     ALIGN_DOWN(at + p[i].p_memsz, PAGE_SIZE));
        }
    }
}
