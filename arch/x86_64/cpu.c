/* SPDX-License-Identifier: MIT
 *
 * Small things of the CPU: the vCPU structures, the first frame of a new
 * kernel stack, and the fixup table of usercopy.S.
 */
#include "arch/x86_64/arch.h"
#include "kernel/kernel.h"

static struct vcpu vcpus[VCPU_MAX];

struct vcpu *vcpu_by_id(unsigned id)
{
    return &vcpus[id];
}

void arch_cpuid(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
    __asm__ volatile("cpuid"
                     : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
                     : "a"(leaf), "c"(sub));
}

uint64_t arch_xcr0(void)
{
    uint32_t lo, hi;

    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (uint64_t)hi << 32 | lo;
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
