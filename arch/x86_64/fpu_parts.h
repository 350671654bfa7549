/* SPDX-License-Identifier: MIT
 *
 * What fpu.c and fpu_user.c share: the components of the state by their bits
 * (SDM vol. 1, 13.1), and whether plain moves know all of them.
 */
#ifndef ARCH_X86_64_FPU_PARTS_H
#define ARCH_X86_64_FPU_PARTS_H

#include "arch/x86_64/fpu.h"

enum {
    XSTATE_X87 = 1,
    XSTATE_SSE = 2,
    XSTATE_AVX = 4,
    XSTATE_MASKS = 1 << 5,
    XSTATE_ZMM = 1 << 6,
    XSTATE_HIGH = 1 << 7,
    XSTATE_512 = XSTATE_MASKS | XSTATE_ZMM | XSTATE_HIGH,
    XSTATE_256 = XSTATE_X87 | XSTATE_SSE | XSTATE_AVX,
    XSTATE_AMX = 3 << 17,
    XSTATE_PKRU = 1 << 9,
};

/* Otherwise XSAVE and XRSTOR are for everything. */
bool fpu_is_fast(void);

#endif
