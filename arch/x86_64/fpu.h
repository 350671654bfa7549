/* SPDX-License-Identifier: MIT
 *
 * The vector state of user code. The kernel uses no vector register, so the
 * program's stay live while a system call runs; they are saved only when the
 * task leaves the vCPU, when user code was interrupted (the trap saved them
 * already), for a signal frame, and around the kernel's own vector crypto.
 */
#ifndef ARCH_X86_64_FPU_H
#define ARCH_X86_64_FPU_H

#include "lib/types.h"

/* Room for x87, SSE, AVX and AVX-512; AMX is off. */
enum { FPU_AREA_MAX = 4096 - 64 };

struct fpu_area {
    _Alignas(64) uint8_t xsave[FPU_AREA_MAX];
};

/* Offsets and bits in the area, SDM vol. 1, 10.5.1 and 13.4. */
enum {
    LEGACY_FCW = 0,
    LEGACY_FSW = 2,
    LEGACY_MXCSR = 24,
    LEGACY_MXCSR_MASK = 28,
    LEGACY_ST = 32,
    LEGACY_XMM = 160,
    LEGACY_SOFT = 416, /* for software to use */
    LEGACY_SIZE = 512,
    XSAVE_BV = 512,
    XSAVE_COMP_BV = 520,
    XSAVE_HEADER_END = 576,
    MXCSR_VALID = 0xffff,
    MXCSR_INITIAL = 0x1f80,
    BV_X87 = 1,
    BV_SSE = 2,
};

/* Reads CPUID 0xD and fixes mask and size; once, at boot. False: this CPU's
 * state does not fit FPU_AREA_MAX. */
bool fpu_init(void);

/* The XCR0 bits that are saved, and the bytes an area of the standard format
 * takes (at most FPU_AREA_MAX). */
uint64_t fpu_mask(void);
uint32_t fpu_size(void);
/* Where component i of the mask (2 or above) lies, and its length. */
uint32_t fpu_component(unsigned i, uint32_t *offset);

/* Before anything else is done with an area: XSAVE writes the first word of its
 * header only, and XRSTOR faults unless the others are zero. */
void fpu_prepare(struct fpu_area *area);

/* The registers to memory (standard format, all of fpu_mask()), and back. */
void fpu_save(struct fpu_area *area);
void fpu_restore(const struct fpu_area *area);

/* Saves unless *saved says that it is done; says so. User code then comes back
 * by fpu_restore(), or by the target after fpu_resumes(). */
void fpu_leave(struct fpu_area *area, uint32_t *saved);
/* The target loads all of the state, on this vCPU. */
void fpu_resumes(void);

/* The state of a new program: everything at its reset value. What is not in
 * use according to the area's header keeps its old bytes. */
void fpu_reset(struct fpu_area *area);

/* fpu_user.c: live registers to and from an area in user memory, of fpu_size()
 * bytes and checked to be the program's, without its header and what lies
 * below XMM0. Nothing blocks.
 * Returns which components are in use; the others are not written. 0: not
 * possible, go by fpu_save(). */
uint64_t fpu_store_user(uint64_t addr);
/* used: what the area holds, of fpu_mask(); the others become initial. mxcsr
 * is valid. False: not possible, go by an area and fpu_restore(), which is
 * needed now, for the registers may hold anything. */
bool fpu_load_user(uint64_t addr, uint64_t used, uint32_t mxcsr);
/* Live registers, but for x87's, to their initial state. */
void fpu_clear(void);
uint32_t fpu_mxcsr(void);

/* Whether an area that says to have x87 state has the initial one, as signal
 * frames mostly do. It need not be loaded then: that is slow, and makes every
 * save and restore after it slow. */
static inline bool fpu_x87_is_initial(const uint8_t *xsave)
{
    const uint64_t *words = (const uint64_t *)xsave;
    uint64_t any = (words[0] ^ 0x37f) | words[1] | words[2];

    for (unsigned i = 4; i < 20; i++) { /* ST0 to ST7 */
        any |= words[i];
    }
    return !any;
}

/* Brackets kernel code that uses vector registers (kernel/core/vector.c).
 * Between them the caller must not block. */
void crypto_vector_begin(void);
void crypto_vector_end(void);

#endif
