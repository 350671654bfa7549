/* SPDX-License-Identifier: MIT */
/*
 * The XSAVE area: of a signal frame (the kernel's software bytes at 464 say
 * how large it is) and of an SSA frame. Both use the standard format, so a
 * component lies at the same offset in both (SDM volume 1, chapter 13).
 */
#include "sgxemu/emu.h"

#include <cpuid.h>

#define PKRU_COMPONENT 9
/* With AMX, since XCR0 shows it and XGETBV cannot be caught. The kernel grants
 * its state on request only, so in an enclave it is always initial. */
#define FRAME_MAGIC   0x46505853u /* FP_XSTATE_MAGIC1 */
#define XFRM_POSSIBLE 0x602e7ull

static uint64_t mask;
static uint32_t offset[64], size[64];

void xstate_init(void)
{
    uint32_t a, b, c, d, low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    mask = ((uint64_t)high << 32 | low) & XFRM_POSSIBLE;
    for (uint32_t i = 2; i < 63; i++) {
        if (mask >> i & 1) { /* each CPUID is an exit to the hypervisor */
            __cpuid_count(0xd, i, a, b, c, d);
            size[i] = a;
            offset[i] = b;
        }
    }
}

uint64_t xstate_mask(void)
{
    return mask;
}

uint32_t xstate_offset(int component, uint32_t *bytes)
{
    *bytes = size[component];
    return offset[component];
}

uint32_t xstate_size(uint64_t xfrm)
{
    uint32_t end = 576;

    for (int i = 2; i < 63; i++) {
        if (xfrm >> i & 1 && offset[i] + size[i] > end) {
            end = offset[i] + size[i];
        }
    }
    return end;
}

uint32_t frame_xstate_size(ucontext_t *uc)
{
    const uint8_t *fp = (const uint8_t *)uc->uc_mcontext.fpregs;
    uint32_t magic, bytes;

    memcpy(&magic, fp + 464, 4);
    memcpy(&bytes, fp + 468, 4);
    return magic == FRAME_MAGIC ? bytes : 512;
}

/* The components that the frame has room for. */
uint64_t frame_xfeatures(ucontext_t *uc)
{
    const uint8_t *fp = (const uint8_t *)uc->uc_mcontext.fpregs;
    uint64_t features;

    memcpy(&features, fp + 472, 8);
    return features;
}

uint32_t frame_pkru(ucontext_t *uc)
{
    const uint8_t *fp = (const uint8_t *)uc->uc_mcontext.fpregs;
    uint64_t bv;
    uint32_t value;

    if (key_state < 0) {
        return 0;
    }
    memcpy(&bv, fp + 512, 8);
    memcpy(&value, fp + offset[PKRU_COMPONENT], 4);
    return bv >> PKRU_COMPONENT & 1 ? value : 0;
}

void frame_set_pkru(ucontext_t *uc, uint32_t value)
{
    uint8_t *fp = (uint8_t *)uc->uc_mcontext.fpregs;
    uint64_t bv;

    if (key_state < 0) {
        return;
    }
    memcpy(&bv, fp + 512, 8);
    bv |= 1ul << PKRU_COMPONENT;
    memcpy(fp + 512, &bv, 8);
    memcpy(fp + offset[PKRU_COMPONENT], &value, 4);
}

/* The kernel calls x87 in use in every frame and loads it from there, so that
 * it is in use from then on. Neither an exit nor a leaf inside does that: what
 * was initial stays so, and programs that ask XGETBV what to save see it. */
void frame_keep_initial(ucontext_t *uc)
{
    static const uint8_t initial[24] = {0x7f, 0x03}, registers[128];
    uint8_t *fp = (uint8_t *)uc->uc_mcontext.fpregs;

    if (frame_xstate_size(uc) > 512 && !memcmp(fp, initial, sizeof(initial)) &&
        !memcmp(fp + 32, registers, sizeof(registers))) {
        fp[512] &= (uint8_t)~1;
    }
}
