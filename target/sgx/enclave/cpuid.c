/* SPDX-License-Identifier: MIT
 *
 * CPUID, which an enclave may not execute: a table that the host filled in
 * before the start. A wrong word of it can make a program use an instruction
 * that this CPU does not have, which ends in SIGILL, or miss one that it has.
 * Where a wrong word could do more, sizes and places of vector state, the
 * architecture's numbers stand here and the host's are not used.
 */
#include "target/sgx/enclave/enclave.h"

enum {
    LEAF_FEATURES = 1,
    LEAF_EXTENDED = 7,
    LEAF_XSAVE = 0xd,
    ECX_OSXSAVE = 1 << 27,
    ECX_RDRAND = 1 << 30,
    ECX7_PKU = 3 << 3,
    EBX7_SGX = 1 << 2,
};

/* Bytes and offsets in an XSAVE area of the standard format (SDM vol. 1,
 * 13.4 and 13.5), for the components that an enclave may get. */
static const struct {
    uint8_t size_by_64, offset_by_64;
} components[] = {
    [2] = {4, 9},   /* AVX: 256 at 576 */
    [3] = {1, 15},  /* BNDREGS: 64 at 960 */
    [4] = {1, 16},  /* BNDCSR: 64 at 1024 */
    [5] = {1, 17},  /* opmask: 64 at 1088 */
    [6] = {8, 18},  /* upper halves: 512 at 1152 */
    [7] = {16, 26}, /* zmm16-31: 1024 at 1664 */
};

uint64_t sgx_user_xfrm;

static bool has_subleaves(uint32_t leaf)
{
    return leaf == 4 || leaf == 7 || leaf == 0xb || leaf == 0xd ||
           leaf == 0xf || leaf == 0x10 || (leaf >= 0x12 && leaf <= 0x1f) ||
           leaf == 0x8000001d;
}

static void find(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
    uint64_t want = leaf | (uint64_t)(has_subleaves(leaf) ? sub : 0) << 32;

    for (uint64_t i = 0; i < sgx.boot.cpuid_count; i++) {
        const struct sgx_boot_cpuid *c = &sgx.boot.cpuid[i];

        if (c->leaf_sub == want) {
            r[0] = c->ab;
            r[1] = c->ab >> 32;
            r[2] = c->cd;
            r[3] = c->cd >> 32;
            return;
        }
    }
    r[0] = r[1] = r[2] = r[3] = 0;
}

static uint32_t area_size(void)
{
    uint32_t size = 576;

    for (unsigned i = 2; i < ARRAY_SIZE(components); i++) {
        if (sgx.xfrm >> i & 1) {
            size = (components[i].size_by_64 + components[i].offset_by_64) * 64;
        }
    }
    return size;
}

static void xsave_leaf(uint32_t sub, uint32_t r[4])
{
    if (sub == 0) {
        r[0] = sgx.xfrm;
        r[1] = r[2] = area_size();
        r[3] = sgx.xfrm >> 32;
    } else if (sub == 1) {
        r[0] &= 7; /* XSAVEOPT, XSAVEC, XGETBV of 1 */
        r[1] = area_size();
        r[2] = r[3] = 0;
    } else {
        bool has = sub < ARRAY_SIZE(components) && sgx.xfrm >> sub & 1;

        r[0] = has ? components[sub].size_by_64 * 64 : 0;
        r[1] = has ? components[sub].offset_by_64 * 64 : 0;
        r[2] = r[3] = 0;
    }
}

void target_cpuid(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
    find(leaf, sub, r);
    if (leaf == LEAF_XSAVE) {
        xsave_leaf(sub, r);
    } else if (leaf == LEAF_EXTENDED && sub == 0) {
        r[1] &= ~(uint32_t)EBX7_SGX;
        r[2] &= ~(uint32_t)ECX7_PKU;
    }
}

void cpuid_init(void)
{
    uint32_t r[4];

    if (sgx.boot.cpuid_count > SGX_BOOT_CPUID_MAX) {
        sgx_die("the host's CPUID table is too long");
    }
    find(LEAF_FEATURES, 0, r);
    if (!(r[2] & ECX_OSXSAVE) || !(r[2] & ECX_RDRAND)) {
        sgx_die("a CPU without XSAVE and RDRAND");
    }
    sgx_user_xfrm = sgx.xfrm;
}
