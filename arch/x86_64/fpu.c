/* SPDX-License-Identifier: MIT
 *
 * Saving and restoring vector state (SDM vol. 1, chapter 13). Areas have the
 * standard format, because signal frames need it; what is in its initial state
 * is left out. Where the CPU says cheaply what is not (XGETBV with ECX 1),
 * plain moves do the work (fpu_fast.h), else XSAVEOPT and XRSTOR.
 */
#include "arch/x86_64/arch.h"
#include "arch/x86_64/fpu_fast.h"
#include "arch/x86_64/fpu_parts.h"
#include "lib/string.h"

enum {
    FXSAVE_FCW = 0,
    FXSAVE_MXCSR = 24,
    XSAVE_HEADER = 512,
    XSAVE_MIN = 576,
};

static uint64_t mask;
static uint32_t size;
static bool fast; /* XGETBV tells what is in use, and we know how to move it */
static struct {
    uint32_t offset, len;
} component[64]; /* those of mask above SSE */

/* Whether plain moves know all that is in mask: CPUID.(0xD,1).EAX bit 2, and
 * AVX-512BW for masks of 64 bits. */
static bool can_be_fast(void)
{
    uint32_t d1[4], leaf7[4];

    arch_cpuid(0xd, 1, d1);
    arch_cpuid(7, 0, leaf7);
    return (d1[0] >> 2 & 1) &&
           (mask == XSTATE_256 ||
            (mask == (XSTATE_256 | XSTATE_512) && (leaf7[1] >> 30 & 1)));
}

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
            component[i].len = r[0];
            component[i].offset = r[1];
            size = MAX(size, r[1] + r[0]);
        }
    }
    fast = can_be_fast();
    return size <= FPU_AREA_MAX;
}

bool fpu_is_fast(void)
{
    return fast;
}

uint64_t fpu_mask(void)
{
    return mask;
}

uint32_t fpu_size(void)
{
    return size;
}

uint32_t fpu_component(unsigned i, uint32_t *offset)
{
    *offset = component[i].offset;
    return component[i].len;
}

static uint64_t *header_of(struct fpu_area *area)
{
    return (uint64_t *)(area->xsave + XSAVE_HEADER);
}

static void xrstor(const struct fpu_area *area, uint64_t which)
{
    __asm__ volatile("xrstor64 %0" ::"m"(*area), "a"((uint32_t)which),
                     "d"((uint32_t)(which >> 32))
                     : "memory");
}

/* Returns what is in use. */
static inline uint64_t save_fast(struct fpu_area *area)
{
    uint64_t used = fast_in_use() & mask;

    if (unlikely(used & XSTATE_X87)) {
        __asm__ volatile("xsave64 %0"
                         : "+m"(*area)
                         : "a"(XSTATE_X87), "d"(0)
                         : "memory");
    }
    FAST_MOVE("stmxcsr 24(%0)\n", area);
    if (used & XSTATE_SSE) {
        FAST_MOVE(FAST_REGS(SAVE_XMM), area);
    }
    if (used & XSTATE_AVX) {
        FAST_MOVE(FAST_REGS(SAVE_YMM), area);
    }
    if (used & XSTATE_MASKS) {
        FAST_MOVE(FAST_MASKS(SAVE_MASK), area);
    }
    if (used & XSTATE_ZMM) {
        FAST_MOVE(FAST_REGS(SAVE_ZMM), area);
    }
    if (used & XSTATE_HIGH) {
        FAST_MOVE(FAST_HIGH(SAVE_HIGH), area);
    }
    *header_of(area) = used;
    return used;
}

static inline uint64_t save(struct fpu_area *area)
{
    if (likely(fast)) {
        return save_fast(area);
    }
    __asm__ volatile("xsaveopt64 %0"
                     : "+m"(*area)
                     : "a"((uint32_t)mask), "d"((uint32_t)(mask >> 32))
                     : "memory");
    return mask;
}

void fpu_prepare(struct fpu_area *area)
{
    memset(header_of(area), 0, XSAVE_MIN - XSAVE_HEADER);
}

void fpu_save(struct fpu_area *area)
{
    save(area);
}

void fpu_leave(struct fpu_area *area, uint32_t *saved)
{
    if (!*saved) {
        this_vcpu()->x87_initial = !(save(area) & XSTATE_X87);
        *saved = 1;
    }
}

static void restore_512(const struct fpu_area *area, uint64_t used)
{
    if (used & XSTATE_ZMM) {
        FAST_MOVE(FAST_REGS(LOAD_ZMM), area);
    }
    if (used & XSTATE_MASKS) {
        FAST_MOVE(FAST_MASKS(LOAD_MASK), area);
    } else {
        FAST_MOVE(FAST_MASKS(ZERO_MASK), area);
    }
    if (used & XSTATE_HIGH) {
        FAST_MOVE(FAST_HIGH(LOAD_HIGH), area);
    } else {
        FAST_MOVE(FAST_HIGH(ZERO_HIGH), area);
    }
}

/* Loading costs more than to find out that it is there already. */
static void restore_mxcsr(const struct fpu_area *area)
{
    uint32_t now, then;

    __asm__ volatile("stmxcsr %0" : "=m"(now));
    memcpy(&then, area->xsave + FXSAVE_MXCSR, sizeof(then));
    if (unlikely(now != then)) {
        FAST_MOVE("ldmxcsr 24(%0)\n", area);
    }
}

static void restore_fast(const struct fpu_area *area)
{
    uint64_t used = *header_of((struct fpu_area *)area);
    struct vcpu *v = this_vcpu();

    if (unlikely(used & XSTATE_X87) ||
        (!v->x87_initial && fast_in_use() & XSTATE_X87)) {
        xrstor(area, XSTATE_X87);
    }
    v->x87_initial = 0;
    restore_mxcsr(area);
    if (used & XSTATE_SSE) {
        FAST_MOVE(FAST_REGS(LOAD_XMM), area);
    } else {
        FAST_MOVE("vzeroall\n", area);
    }
    if (used & XSTATE_AVX) {
        FAST_MOVE(FAST_REGS(LOAD_YMM), area);
    }
    if (mask & XSTATE_512) {
        restore_512(area, used);
    }
}

void fpu_restore(const struct fpu_area *area)
{
    if (likely(fast)) {
        restore_fast(area);
    } else {
        xrstor(area, mask);
    }
}

void fpu_resumes(void)
{
    this_vcpu()->x87_initial = 0;
}

void fpu_reset(struct fpu_area *area)
{
    uint16_t fcw = 0x37f;
    uint32_t mxcsr = MXCSR_INITIAL;

    memset(area->xsave, 0, XSAVE_MIN); /* no component is in use */
    memcpy(area->xsave + FXSAVE_FCW, &fcw, sizeof(fcw));
    memcpy(area->xsave + FXSAVE_MXCSR, &mxcsr, sizeof(mxcsr));
}
