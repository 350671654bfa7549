/* SPDX-License-Identifier: MIT */
/*
 * Puts vdso_image.S into the process and connects its slots with the kernel's
 * own vDSO. A fault on its ENCLU goes to vdso_fixup and not to a signal,
 * except for #DB and #BP (<asm/sgx.h>). That ENCLU is a SYSCALL in disguise:
 * on this class of machine a caught one costs 1.3 us, a #UD 3.7 us, an INT3
 * 1.8 us (the hypervisor intercepts #UD). ENCLU in the program's own code and
 * in enclaves stays what it is, since those bytes can be read.
 */
#include "sgxemu/emu.h"

#include <elf.h>
#include <errno.h>
#include <sys/mman.h>

extern const uint8_t vdso_blob[], vdso_blob_end[];
uint64_t vdso_base, vdso_enclu, vdso_fixup;

static uint64_t symbol(uint64_t base, const char *name)
{
    const Elf64_Ehdr *h = (const Elf64_Ehdr *)base;
    const Elf64_Phdr *p = (const Elf64_Phdr *)(base + h->e_phoff);
    const Elf64_Sym *symbols = NULL;
    const char *strings = NULL;
    const uint32_t *hash = NULL;

    for (int i = 0; i < h->e_phnum; i++) {
        const Elf64_Dyn *d = (const Elf64_Dyn *)(base + p[i].p_offset);

        for (; p[i].p_type == PT_DYNAMIC && d->d_tag; d++) {
            /* The kernel's vDSO is linked at 0, like ours. */
            const void *at = (const void *)(base + d->d_un.d_ptr);

            symbols = d->d_tag == DT_SYMTAB ? at : symbols;
            strings = d->d_tag == DT_STRTAB ? at : strings;
            hash = d->d_tag == DT_HASH ? at : hash;
        }
    }
    for (uint32_t i = 0; symbols && strings && hash && i < hash[1]; i++) {
        if (strcmp(strings + symbols[i].st_name, name) == 0) {
            return base + symbols[i].st_value;
        }
    }
    return 0;
}

int vdso_install(uint64_t real)
{
    static const char *const names[] = {"__vdso_clock_gettime",
                                        "__vdso_gettimeofday", "__vdso_time",
                                        "__vdso_clock_getres", "__vdso_getcpu"};
    size_t size = (size_t)(vdso_blob_end - vdso_blob);
    void *at = mmap(NULL, PAGE_UP(size), PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t *slots;

    if (at == MAP_FAILED || real == 0) {
        return -ENOMEM;
    }
    memcpy(at, vdso_blob, size);
    vdso_base = (uint64_t)at;
    vdso_enclu = symbol(vdso_base, "vdso_enclu");
    vdso_fixup = symbol(vdso_base, "vdso_fixup");
    slots = (uint64_t *)symbol(vdso_base, "vdso_slots");
    for (size_t i = 0; i < 5; i++) {
        slots[i] = symbol(real, names[i]);
    }
    if (mprotect(at, PAGE_UP(size), PROT_READ | PROT_EXEC) != 0) {
        return -errno;
    }
    return vdso_enclu && vdso_fixup && slots[0] ? 0 : -ENOSYS;
}

bool vdso_take_fault(ucontext_t *uc, struct fault fault)
{
    if ((uint64_t)REG(uc, RIP) != vdso_enclu) {
        return false;
    }
    REG(uc, RDI) = fault.vector;
    REG(uc, RSI) = (long)fault.error;
    REG(uc, RDX) = (long)fault.address;
    REG(uc, RIP) = (long)vdso_fixup;
    return true;
}

/* A system call from the vDSO's ENCLU becomes that ENCLU. */
bool vdso_is_enclu(ucontext_t *uc)
{
    uint64_t r11 = 0;

    if ((uint64_t)REG(uc, RIP) != vdso_enclu + 2) {
        return false;
    }
    user_read(uc, &r11, (uint64_t)REG(uc, RBP) - 16, 8);
    REG(uc, RIP) = (long)vdso_enclu;
    REG(uc, RCX) = (long)vdso_enclu;
    REG(uc, R11) = (long)r11;
    return true;
}
