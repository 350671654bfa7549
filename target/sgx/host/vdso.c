/* SPDX-License-Identifier: MIT
 *
 * Finds __vdso_sgx_enter_enclave, which libc does not export (vdso(7)).
 */
#include "target/sgx/host/private.h"
#include <elf.h>
#include <string.h>
#include <sys/auxv.h>

enum { VDSO_MAX = 4 * 4096 };

struct tables {
    const Elf64_Sym *symbols;
    const char *names;
    const uint32_t *hash;
};

static struct tables find_tables(uint64_t base)
{
    const Elf64_Ehdr *h = (const Elf64_Ehdr *)base;
    const Elf64_Phdr *p = (const Elf64_Phdr *)(base + h->e_phoff);
    struct tables t = {0};

    for (int i = 0; i < h->e_phnum; i++) {
        const Elf64_Dyn *d = (const Elf64_Dyn *)(base + p[i].p_offset);

        for (; p[i].p_type == PT_DYNAMIC && d->d_tag; d++) {
            const void *at = (const void *)(base + d->d_un.d_ptr);

            t.symbols = d->d_tag == DT_SYMTAB ? at : t.symbols;
            t.names = d->d_tag == DT_STRTAB ? at : t.names;
            t.hash = d->d_tag == DT_HASH ? at : t.hash;
        }
    }
    return t;
}

void *vdso_find_enter(void)
{
    uint64_t base = getauxval(AT_SYSINFO_EHDR);
    struct tables t = {0};

    if (base) {
        t = find_tables(base);
    }
    for (uint32_t i = 0; t.symbols && t.names && t.hash && i < t.hash[1]; i++) {
        if (!strcmp(t.names + t.symbols[i].st_name,
                    "__vdso_sgx_enter_enclave")) {
            return (void *)(base + t.symbols[i].st_value);
        }
    }
    return NULL;
}

bool vdso_owns(uint64_t rip)
{
    return rip - getauxval(AT_SYSINFO_EHDR) < VDSO_MAX;
}
