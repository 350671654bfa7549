/* SPDX-License-Identifier: MIT
 *
 * Vector registers by plain moves, into and out of an XSAVE area of the
 * standard format (SDM vol. 1, 13.4): on the CPUs that we know, XRSTOR takes
 * ten to fifty times as long. x87 state, which hardly any program has, is not
 * here. Offsets of components are the same on all CPUs (13.5).
 *
 * Moves of a component zero what lies above it in the registers, so loads go
 * from the lowest component to the highest.
 */
#ifndef ARCH_X86_64_FPU_FAST_H
#define ARCH_X86_64_FPU_FAST_H

#include "lib/types.h"

#define FAST_REGS(f)                                                           \
    f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7) f(8) f(9) f(10) f(11) f(12) f(13)  \
        f(14) f(15)
#define FAST_MASKS(f) f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7)
#define FAST_HIGH(f)                                                           \
    f(16, 0) f(17, 1) f(18, 2) f(19, 3) f(20, 4) f(21, 5) f(22, 6) f(23, 7)    \
        f(24, 8) f(25, 9) f(26, 10) f(27, 11) f(28, 12) f(29, 13) f(30, 14)    \
            f(31, 15)

/* xmm at 160, upper halves of ymm at 576, masks at 1088, upper halves of zmm
 * at 1152, zmm16 to zmm31 at 1664. */
#define SAVE_XMM(n) "vmovdqu %%xmm" #n ", 160 + 16 * " #n "(%0)\n"
#define LOAD_XMM(n) "vmovdqu 160 + 16 * " #n "(%0), %%xmm" #n "\n"
#define SAVE_YMM(n) "vextractf128 $1, %%ymm" #n ", 576 + 16 * " #n "(%0)\n"
#define LOAD_YMM(n)                                                            \
    "vinsertf128 $1, 576 + 16 * " #n "(%0), %%ymm" #n ", %%ymm" #n "\n"
#define SAVE_ZMM(n) "vextractf64x4 $1, %%zmm" #n ", 1152 + 32 * " #n "(%0)\n"
#define LOAD_ZMM(n)                                                            \
    "vinsertf64x4 $1, 1152 + 32 * " #n "(%0), %%zmm" #n ", %%zmm" #n "\n"
#define SAVE_MASK(n)    "kmovq %%k" #n ", 1088 + 8 * " #n "(%0)\n"
#define LOAD_MASK(n)    "kmovq 1088 + 8 * " #n "(%0), %%k" #n "\n"
#define ZERO_MASK(n)    "kxorq %%k" #n ", %%k" #n ", %%k" #n "\n"
#define SAVE_HIGH(n, i) "vmovdqu64 %%zmm" #n ", 1664 + 64 * " #i "(%0)\n"
#define LOAD_HIGH(n, i) "vmovdqu64 1664 + 64 * " #i "(%0), %%zmm" #n "\n"
#define ZERO_HIGH(n, i) "vpxord %%zmm" #n ", %%zmm" #n ", %%zmm" #n "\n"

#define FAST_MOVE(text, area)                                                  \
    __asm__ volatile(text ::"r"((area)->xsave) : "memory")

/* The components whose state is not the initial one (SDM vol. 1, 13.6). */
static inline uint64_t fast_in_use(void)
{
    uint32_t low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(1));
    return low | (uint64_t)high << 32;
}

#endif
