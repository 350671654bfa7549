/* SPDX-License-Identifier: MIT
 *
 * Vector state straight from the registers to a signal frame, and back: a
 * kilobyte or two that would else be copied twice. User memory may be gone at
 * any of these instructions, so each has a row in the fixup table (as those of
 * usercopy.S); then, and when x87 state is in use, which plain moves do not
 * reach, the caller goes by an area of the kernel's instead.
 */
#include "arch/x86_64/fpu_fast.h"
#include "arch/x86_64/fpu_parts.h"
#include "arch/x86_64/vcpu.h"

#define ROW                                                                    \
    ".pushsection kfixup, \"a\", @progbits\n"                                  \
    ".balign 4\n"                                                              \
    ".long 1b - .\n"                                                           \
    ".long %l[fault] - .\n"                                                    \
    ".popsection\n"
#define USER_MOVE(text, addr) __asm__ goto(text ::"r"(addr) : "memory" : fault)

#define USER_SAVE_XMM(n)     "1: " SAVE_XMM(n) ROW
#define USER_LOAD_XMM(n)     "1: " LOAD_XMM(n) ROW
#define USER_SAVE_YMM(n)     "1: " SAVE_YMM(n) ROW
#define USER_LOAD_YMM(n)     "1: " LOAD_YMM(n) ROW
#define USER_SAVE_ZMM(n)     "1: " SAVE_ZMM(n) ROW
#define USER_LOAD_ZMM(n)     "1: " LOAD_ZMM(n) ROW
#define USER_SAVE_MASK(n)    "1: " SAVE_MASK(n) ROW
#define USER_LOAD_MASK(n)    "1: " LOAD_MASK(n) ROW
#define USER_SAVE_HIGH(n, i) "1: " SAVE_HIGH(n, i) ROW
#define USER_LOAD_HIGH(n, i) "1: " LOAD_HIGH(n, i) ROW

uint64_t fpu_store_user(uint64_t addr)
{
    uint64_t used;

    if (!fpu_is_fast()) {
        return 0;
    }
    used = fast_in_use() & fpu_mask();
    if ((used & (XSTATE_X87 | XSTATE_SSE)) != XSTATE_SSE) {
        return 0;
    }
    USER_MOVE(FAST_REGS(USER_SAVE_XMM), addr);
    if (used & XSTATE_AVX) {
        USER_MOVE(FAST_REGS(USER_SAVE_YMM), addr);
    }
    if (used & XSTATE_MASKS) {
        USER_MOVE(FAST_MASKS(USER_SAVE_MASK), addr);
    }
    if (used & XSTATE_ZMM) {
        USER_MOVE(FAST_REGS(USER_SAVE_ZMM), addr);
    }
    if (used & XSTATE_HIGH) {
        USER_MOVE(FAST_HIGH(USER_SAVE_HIGH), addr);
    }
    return used;
fault:
    return 0;
}

uint32_t fpu_mxcsr(void)
{
    uint32_t mxcsr;

    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    return mxcsr;
}

static void load_mxcsr(uint32_t mxcsr)
{
    if (unlikely(fpu_mxcsr() != mxcsr)) {
        __asm__ volatile("ldmxcsr %0" ::"m"(mxcsr));
    }
}

static void clear_512(uint64_t which)
{
    if (which & XSTATE_MASKS) {
        __asm__ volatile(FAST_MASKS(ZERO_MASK)::: "memory");
    }
    if (which & XSTATE_HIGH) {
        __asm__ volatile(FAST_HIGH(ZERO_HIGH)::: "memory");
    }
}

void fpu_clear(void)
{
    load_mxcsr(MXCSR_INITIAL);
    __asm__ volatile("vzeroall" ::: "memory");
    clear_512(fast_in_use());
}

bool fpu_load_user(uint64_t addr, uint64_t used, uint32_t mxcsr)
{
    if (!fpu_is_fast() || (used & (XSTATE_X87 | XSTATE_SSE)) != XSTATE_SSE ||
        (fast_in_use() & XSTATE_X87)) {
        return false;
    }
    this_vcpu()->x87_initial = 0;
    load_mxcsr(mxcsr);
    USER_MOVE(FAST_REGS(USER_LOAD_XMM), addr);
    if (used & XSTATE_AVX) {
        USER_MOVE(FAST_REGS(USER_LOAD_YMM), addr);
    }
    if (used & XSTATE_ZMM) {
        USER_MOVE(FAST_REGS(USER_LOAD_ZMM), addr);
    }
    if (used & XSTATE_MASKS) {
        USER_MOVE(FAST_MASKS(USER_LOAD_MASK), addr);
    }
    if (used & XSTATE_HIGH) {
        USER_MOVE(FAST_HIGH(USER_LOAD_HIGH), addr);
    }
    clear_512(fpu_mask() & ~used);
    return true;
fault:
    return false;
}
