/* SPDX-License-Identifier: MIT
 *
 * Saving and restoring vector state (SDM vol. 1, chapter 13). Areas have the
 * standard format, because signal frames need it; XSAVEOPT leaves out what is
 * in its initial state.
 */
#include "arch/x86_64/arch.h"
#include "lib/string.h"

enum {
    XSTATE_AMX = 3 << 17,
    XSTATE_PKRU = 1 << 9,
    FXSAVE_FCW = 0,
    FXSAVE_MXCSR = 24,
    XSAVE_HEADER = 512,
    XSAVE_MIN = 576,
};

static uint64_t mask;
static uint32_t size;

bool fpu_init(void)
{
    uint32_t r[4];

    /* PKRU is the kernel's to set, not a task's, and costs a sixth of a
     * switch. */
    mask = arch_xcr0() & ~(uint64_t)(XSTATE_AMX | XSTATE_PKRU);
    size = XSAVE_MIN;
    for (unsigned i = 2; i < 32; i++) {
        if (mask & (1u << i)) {
            arch_cpuid(0xd, i, r);
            size = MAX(size, r[1] + r[0]);
        }
    }
    return size <= FPU_AREA_MAX;
}

uint64_t fpu_mask(void)
{
    return mask;
}

uint32_t fpu_size(void)
{
    return size;
}

void fpu_save(struct fpu_area *area)
{
    uint64_t *header = (uint64_t *)(area->xsave + XSAVE_HEADER);

    /* XSAVE writes the first word of its header only, XRSTOR faults unless
     * the others are zero, and the area may be fresh memory. */
    for (unsigned i = 1; i < (XSAVE_MIN - XSAVE_HEADER) / 8; i++) {
        header[i] = 0;
    }
    __asm__ volatile("xsaveopt64 %0"
                     : "+m"(*area)
                     : "a"((uint32_t)mask), "d"((uint32_t)(mask >> 32))
                     : "memory");
}

void fpu_restore(const struct fpu_area *area)
{
    __asm__ volatile("xrstor64 %0" ::"m"(*area), "a"((uint32_t)mask),
                     "d"((uint32_t)(mask >> 32))
                     : "memory");
}

void fpu_reset(struct fpu_area *area)
{
    uint16_t fcw = 0x37f;
    uint32_t mxcsr = 0x1f80;

    memset(area->xsave, 0, size);
    memcpy(area->xsave + FXSAVE_FCW, &fcw, sizeof(fcw));
    memcpy(area->xsave + FXSAVE_MXCSR, &mxcsr, sizeof(mxcsr));
}
