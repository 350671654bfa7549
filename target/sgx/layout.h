/* SPDX-License-Identifier: MIT
 *
 * What an enclave consists of: the one place that decides which page goes
 * where, with which rights and content, in which order. The loader adds the
 * pages that this names, `enclos measure` hashes them, and the enclave finds
 * its own parts by the same constants, so that the three cannot disagree.
 * The result depends on the arguments alone. docs/IMAGE.md has the bytes.
 *
 * All offsets are addresses: ELRANGE starts at 0. Its size is 2^46 (EDMM) or
 * 2^36 (SGX1). The last 4 GiB hold everything that is added at build:
 *
 *     SGX_INFO_AT     struct sgx_info, one page, read-only
 *     SGX_POLICY_AT   the compiled policy (abi/policy.h), read-only
 *     SGX_VCPU_AT     a block a vCPU: TCS, SSA, stacks. With EDMM only the
 *                     first is added at build, the others at run time
 *     SGX_KERNEL_AT   the segments of the kernel's ELF, relocated
 */
#ifndef TARGET_SGX_LAYOUT_H
#define TARGET_SGX_LAYOUT_H

#define SGX_TOP       0x100000000 /* the built part is that far below the end */
#define SGX_INFO_AT   0x0
#define SGX_POLICY_AT 0x1000
#define SGX_VCPU_AT   0x100000
#define SGX_KERNEL_AT 0x1000000

/* A vCPU's block. Pages in between are not there: guards. */
#define SGX_BLOCK_SHIFT    17
#define SGX_BLOCK_SIZE     (1 << SGX_BLOCK_SHIFT)
#define SGX_BLOCK_TCS      0x0
#define SGX_BLOCK_SSA      0x1000 /* SGX_NSSA frames of one page */
#define SGX_BLOCK_STATE    0x4000 /* struct sgx_vcpu, enclave.h */
#define SGX_BLOCK_FPU      0x5000 /* vector state while outside */
#define SGX_BLOCK_TRAP     0x7000 /* the stack of entries with CSSA = 1 */
#define SGX_BLOCK_TRAP_END 0x9000
#define SGX_BLOCK_BOOT     0xa000 /* the stack that a vCPU starts on */
#define SGX_BLOCK_BOOT_END 0x12000
#define SGX_NSSA           3

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/policy.h"
#include "abi/sgx.h"

/* ELRANGE of the two classes. */
#define SGX_EDMM_SIZE (1ull << 46)
#define SGX_SGX1_SIZE (1ull << 36)

#define SGX_INFO_MAGIC "ENCLSGX"

/* What is there of a block: its first page becomes the TCS. */
struct sgx_part {
    uint32_t from, to;
};
enum { SGX_BLOCK_PARTS = 3 };
static const struct sgx_part sgx_block_parts[SGX_BLOCK_PARTS] = {
    {SGX_BLOCK_TCS, SGX_BLOCK_FPU + SGX_PAGE_SIZE},
    {SGX_BLOCK_TRAP, SGX_BLOCK_TRAP_END},
    {SGX_BLOCK_BOOT, SGX_BLOCK_BOOT_END},
};

/* The enclave's own map, measured like everything else. Ends are exclusive.
 * On the SGX1 class all three are added at build. */
struct sgx_info {
    uint8_t magic[8];
    uint32_t version;
    uint32_t enclave_class; /* enum policy_class */
    uint32_t vcpus;         /* with EDMM the most, else what there is */
    uint32_t policy_size;
    uint64_t elrange_size;
    uint64_t user_start, user_end; /* programs */
    uint64_t heap_start, heap_end; /* the kernel's heap */
    uint64_t meta_start, meta_end; /* the enclave's record of its pages */
    uint64_t memory;               /* bytes, SGX1; 0 with EDMM */
    uint8_t reserved[40];
};
_Static_assert(sizeof(struct sgx_info) == 128, "struct sgx_info");

struct sgx_layout {
    const void *kernel; /* the kernel's ELF file */
    size_t kernel_size;
    const struct policy *policy; /* checked; class, vCPUs and memory */
    struct sgx_info info;        /* filled by sgx_layout_init() */
};

/* A page to add. content is valid during the callback only. */
struct sgx_page {
    uint64_t offset;
    uint64_t secinfo; /* SECINFO.FLAGS: rights and type */
    const uint8_t *content;
    bool measured; /* EEXTENDed; else zero, and the enclave clears it */
};

/* Fills l->info and checks the ELF. 0, or -EINVAL and *why says what. */
int sgx_layout_init(struct sgx_layout *l, const char **why);

/* SECS as ECREATE gets it: size, SSA frame, MISCSELECT and attributes. xfrm
 * is what the policy allows at most: the loader clears what the CPU has not;
 * it is no part of the measurement. */
void sgx_layout_secs(const struct sgx_layout *l, struct sgx_secs *secs);

/* Calls add() for every page, in the order of EADD. Stops at the first result
 * that is not 0 and returns it. */
int sgx_layout_pages(const struct sgx_layout *l,
                     int (*add)(void *ctx, const struct sgx_page *page),
                     void *ctx);

/* How many vCPUs are added at build: ids below that. */
static inline unsigned sgx_layout_vcpus(const struct sgx_info *info)
{
    return info->enclave_class == POLICY_CLASS_SGX1 ? info->vcpus : 1;
}

/* Writes the TCS of a block onto a page of zeros; entry is OENTRY. */
static inline void sgx_layout_tcs(struct sgx_tcs *tcs, uint64_t block,
                                  uint64_t entry)
{
    tcs->ossa = block + SGX_BLOCK_SSA;
    tcs->nssa = SGX_NSSA;
    tcs->oentry = entry;
    tcs->ofs_base = block + SGX_BLOCK_STATE;
    tcs->ogs_base = block + SGX_BLOCK_STATE;
    tcs->fs_limit = 0xffffffff;
    tcs->gs_limit = 0xffffffff;
}

/* Maps for the loader, page-aligned: everything between two of them that is
 * not listed stays unmapped. The dynamic ranges are to be mapped RWX. */
static inline uint64_t sgx_layout_top(const struct sgx_layout *l)
{
    return l->info.elrange_size - SGX_TOP;
}

#endif
#endif
