/* SPDX-License-Identifier: MIT
 *
 * Small things of the CPU: the vCPU structures, the first frame of a new
 * kernel stack, and the fixup table (fixup.h).
 */
#include "arch/x86_64/arch.h"
#include "kernel/kernel.h"
#include "target/target.h"

enum { LEAF_XSAVE = 0xd };

static _Alignas(PAGE_SIZE) struct vcpu vcpus[VCPU_MAX];
_Static_assert(sizeof(vcpus) % PAGE_SIZE == 0, "pages of a key of their own");

struct vcpu *vcpu_by_id(unsigned id)
{
    return &vcpus[id];
}

void arch_cpuid(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
    target_cpuid(leaf, sub, r);
}

uint64_t arch_xcr0(void)
{
    uint32_t r[4];

    target_cpuid(LEAF_XSAVE, 0, r);
    return (uint64_t)r[3] << 32 | r[0];
}

uint64_t arch_hwcap(void)
{
    uint32_t r[4];

    target_cpuid(1, 0, r);
    return r[3];
}

extern char arch_stack_start[];

uint64_t arch_stack_init(uint64_t top, void (*fn)(void *), void *arg)
{
    uint64_t *sp = (uint64_t *)top;

    *--sp = (uint64_t)arch_stack_start; /* runs with RSP = top, aligned */
    *--sp = 0;                          /* rbp */
    *--sp = (uint64_t)fn;               /* rbx */
    *--sp = (uint64_t)arg;              /* r12 */
    *--sp = 0;
    *--sp = 0;
    *--sp = 0;
    return (uint64_t)sp;
}

/* A row: the faulting address and the fixup's, each relative to itself. */
struct fixup {
    int32_t at, to;
};

extern const struct fixup __start_kfixup[], __stop_kfixup[];

uint64_t arch_fixup_find(uint64_t rip)
{
    for (const struct fixup *f = __start_kfixup; f < __stop_kfixup; f++) {
        if ((uint64_t)&f->at + f->at == rip) {
            return (uint64_t)&f->to + f->to;
        }
    }
    return 0;
}
