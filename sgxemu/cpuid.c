/* SPDX-License-Identifier: MIT */
/*
 * CPUID as an SGX machine answers it: leaf 7 has SGX and launch control, leaf
 * 0x12 the capabilities, attributes and the EPC (SDM, "Discovering Support for
 * Intel SGX"). The instruction faults (arch_prctl ARCH_SET_CPUID, off), also
 * inside an enclave, where it is illegal and stays so. With --sgx1 RDTSC
 * faults too (PR_SET_TSC).
 */
#include "sgxemu/emu.h"

#include <cpuid.h>
#include <sys/prctl.h>

#define ARCH_SET_CPUID 0x1012
#define EPC_DEFAULT    (128ul << 20)

static bool faulting = true;

void cpuid_init(void)
{
    if (sys2(SYS_arch_prctl, ARCH_SET_CPUID, 1) != 0) {
        faulting = false;
        complain("sgxemu: WARNING: no CPUID faulting: CPUID does not show SGX "
                 "to the program, and is not #UD in enclaves\n");
    }
}

void cpuid_arm(void)
{
    if (faulting) {
        sys2(SYS_arch_prctl, ARCH_SET_CPUID, 0);
    }
    if (config.sgx1) {
        sys2(SYS_prctl, PR_SET_TSC, PR_TSC_SIGSEGV);
    }
}

static void capabilities(uint32_t sub, uint32_t r[4])
{
    uint64_t epc = config.epc_pages ? config.epc_pages * PAGE : EPC_DEFAULT;
    uint64_t xfrm = xstate_mask();

    memset(r, 0, 16);
    if (sub == 0) {
        r[0] = 1 | (config.edmm ? 2 : 0) | (config.aexnotify ? 1 << 11 : 0);
        r[1] = config.exinfo ? SGX_MISC_EXINFO : 0;
        r[3] = 0x2f1f; /* largest enclave: 2^31, in 64-bit mode 2^47 */
    } else if (sub == 1) {
        r[0] = 0x36 | (config.kss ? SGX_ATTR_KSS : 0) |
               (config.aexnotify ? SGX_ATTR_AEXNOTIFY : 0);
        r[2] = (uint32_t)xfrm;
        r[3] = (uint32_t)(xfrm >> 32);
    } else if (sub == 2) {
        r[0] = 0x40000000 | 1;
        r[1] = 1;
        r[2] = (uint32_t)(epc & 0xfffff000) | 1;
        r[3] = (uint32_t)(epc >> 32);
    }
}

static void answer(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
    if (leaf == 0x12) {
        capabilities(sub, r);
        return;
    }
    sys2(SYS_arch_prctl, ARCH_SET_CPUID, 1);
    __cpuid_count(leaf, sub, r[0], r[1], r[2], r[3]);
    sys2(SYS_arch_prctl, ARCH_SET_CPUID, 0);
    if (leaf == 0 && r[0] < 0x12) {
        r[0] = 0x12;
    } else if (leaf == 7 && sub == 0) {
        r[1] |= 1u << 2;  /* SGX */
        r[2] |= 1u << 30; /* SGX_LC */
    }
}

bool cpuid_trap(ucontext_t *uc, const uint8_t *insn)
{
    uint32_t r[4];

    if (insn[0] != 0x0f || insn[1] != 0xa2) {
        return false;
    }
    answer((uint32_t)REG(uc, RAX), (uint32_t)REG(uc, RCX), r);
    REG(uc, RAX) = r[0];
    REG(uc, RBX) = r[1];
    REG(uc, RCX) = r[2];
    REG(uc, RDX) = r[3];
    REG(uc, RIP) += 2;
    return true;
}

bool tsc_trap(ucontext_t *uc, const uint8_t *insn)
{
    bool p = insn[0] == 0x0f && insn[1] == 0x01 && insn[2] == 0xf9;
    uint32_t low, high, aux;

    if (!config.sgx1 || (!p && (insn[0] != 0x0f || insn[1] != 0x31))) {
        return false;
    }
    sys2(SYS_prctl, PR_SET_TSC, PR_TSC_ENABLE);
    __asm__ volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(aux));
    sys2(SYS_prctl, PR_SET_TSC, PR_TSC_SIGSEGV);
    REG(uc, RAX) = low;
    REG(uc, RDX) = high;
    if (p) {
        REG(uc, RCX) = aux;
    }
    REG(uc, RIP) += p ? 3 : 2;
    return true;
}
