/* SPDX-License-Identifier: MIT */
/*
 * Intel SGX as facts: the structures, bits and numbers that an enclave, its
 * host program, its driver and its CPU share. Source: Intel SDM volume 3D,
 * "Enclave Data Structures" and the SGX instruction reference, and the
 * kernel's <asm/sgx.h> for the ioctls. Freestanding; nothing here is policy.
 * Names are the SDM's in lower case.
 */
#ifndef ENCLOS_ABI_SGX_H
#define ENCLOS_ABI_SGX_H

#include <stddef.h>
#include <stdint.h>

#define SGX_PAGE_SIZE 4096u

/* ENCLU leaf functions (SDM, SGX instruction references). */
enum sgx_enclu {
    SGX_EREPORT = 0,
    SGX_EGETKEY = 1,
    SGX_EENTER = 2,
    SGX_ERESUME = 3,
    SGX_EEXIT = 4,
    SGX_EACCEPT = 5,
    SGX_EMODPE = 6,
    SGX_EACCEPTCOPY = 7,
    SGX_EDECCSSA = 9,
};

/* Error codes in RAX (SDM table "Error or Information Codes"). */
enum sgx_error {
    SGX_SUCCESS = 0,
    SGX_INVALID_SIG_STRUCT = 1,
    SGX_INVALID_ATTRIBUTE = 2,
    SGX_INVALID_MEASUREMENT = 4,
    SGX_INVALID_SIGNATURE = 8,
    SGX_INVALID_EINITTOKEN = 16,
    SGX_PAGE_ATTRIBUTES_MISMATCH = 19,
    SGX_PAGE_NOT_MODIFIABLE = 20,
    SGX_INVALID_CPUSVN = 32,
    SGX_INVALID_ISVSVN = 64,
    SGX_UNMASKED_EVENT = 128,
    SGX_INVALID_KEYNAME = 256,
};

/* Page types: EPCM.PT, SECINFO.FLAGS bits 15:8. */
enum sgx_page_type {
    SGX_PT_SECS = 0,
    SGX_PT_TCS = 1,
    SGX_PT_REG = 2,
    SGX_PT_VA = 3,
    SGX_PT_TRIM = 4,
};

#define SGX_SECINFO_R        0x01u
#define SGX_SECINFO_W        0x02u
#define SGX_SECINFO_X        0x04u
#define SGX_SECINFO_RWX      0x07u
#define SGX_SECINFO_PENDING  0x08u
#define SGX_SECINFO_MODIFIED 0x10u
#define SGX_SECINFO_PR       0x20u
#define SGX_SECINFO_PT(type) ((uint64_t)(type) << 8)

#define SGX_ATTR_INIT       (1ull << 0)
#define SGX_ATTR_DEBUG      (1ull << 1)
#define SGX_ATTR_MODE64BIT  (1ull << 2)
#define SGX_ATTR_PROVISION  (1ull << 4)
#define SGX_ATTR_EINITTOKEN (1ull << 5)
#define SGX_ATTR_CET        (1ull << 6)
#define SGX_ATTR_KSS        (1ull << 7)
#define SGX_ATTR_AEXNOTIFY  (1ull << 10)

#define SGX_MISC_EXINFO 1u

#define SGX_TCS_DBGOPTIN  (1ull << 0)
#define SGX_TCS_AEXNOTIFY (1ull << 1)

struct sgx_secinfo {
    uint64_t flags;
    uint8_t reserved[56];
} __attribute__((aligned(64)));

struct sgx_attributes {
    uint64_t flags;
    uint64_t xfrm;
};

struct sgx_secs {
    uint64_t size;
    uint64_t base;
    uint32_t ssa_frame_size; /* pages */
    uint32_t miscselect;
    uint8_t cet_reserved[24];
    struct sgx_attributes attributes;
    uint8_t mrenclave[32];
    uint8_t reserved2[32];
    uint8_t mrsigner[32];
    uint8_t reserved3[32];
    uint8_t config_id[64];
    uint16_t isv_prod_id;
    uint16_t isv_svn;
    uint16_t config_svn;
    uint8_t reserved4[3834];
};

struct sgx_tcs {
    uint64_t state;
    uint64_t flags;
    uint64_t ossa;
    uint32_t cssa;
    uint32_t nssa;
    uint64_t oentry;
    uint64_t aep;
    uint64_t ofs_base;
    uint64_t ogs_base;
    uint32_t fs_limit;
    uint32_t gs_limit;
    uint8_t reserved[4024];
};

/* The end of an SSA frame. */
struct sgx_gpr {
    uint64_t rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rflags, rip;
    uint64_t ursp, urbp; /* the outside's, from EENTER or ERESUME */
    uint32_t exitinfo;
    uint8_t reserved[3];
    uint8_t aexnotify; /* bit 0 */
    uint64_t fs_base, gs_base;
};

#define SGX_EXITINFO_VALID    0x80000000u
#define SGX_EXITINFO_HARDWARE (3u << 8)
#define SGX_EXITINFO_SOFTWARE (6u << 8)

/* MISC region, just below struct sgx_gpr, with SGX_MISC_EXINFO. */
struct sgx_exinfo {
    uint64_t maddr;
    uint32_t errcd;
    uint32_t reserved;
};

#define SGX_PF_SGX 0x8000u /* page-fault error code: the EPCM refused */

struct sgx_sigstruct {
    uint8_t header[16];
    uint32_t vendor;
    uint32_t date;
    uint8_t header2[16];
    uint32_t swdefined;
    uint8_t reserved1[84];
    uint8_t modulus[384];
    uint32_t exponent;
    uint8_t signature[384];
    uint32_t miscselect;
    uint32_t miscmask;
    uint8_t cet_attributes;
    uint8_t cet_attributes_mask;
    uint8_t reserved2[2];
    uint8_t isv_family_id[16];
    struct sgx_attributes attributes;
    struct sgx_attributes attribute_mask;
    uint8_t enclave_hash[32];
    uint8_t reserved3[16];
    uint8_t isv_ext_prod_id[16];
    uint16_t isv_prod_id;
    uint16_t isv_svn;
    uint8_t reserved4[12];
    uint8_t q1[384];
    uint8_t q2[384];
} __attribute__((packed));

struct sgx_targetinfo {
    uint8_t measurement[32];
    struct sgx_attributes attributes;
    uint8_t cet_attributes;
    uint8_t reserved1;
    uint16_t config_svn;
    uint32_t miscselect;
    uint8_t reserved2[8];
    uint8_t config_id[64];
    uint8_t reserved3[384];
} __attribute__((aligned(512)));

/* The 384 bytes that the MAC covers; also the body of a quote. */
struct sgx_report_body {
    uint8_t cpu_svn[16];
    uint32_t miscselect;
    uint8_t cet_attributes;
    uint8_t reserved1[11];
    uint8_t isv_ext_prod_id[16];
    struct sgx_attributes attributes;
    uint8_t mrenclave[32];
    uint8_t reserved2[32];
    uint8_t mrsigner[32];
    uint8_t reserved3[32];
    uint8_t config_id[64];
    uint16_t isv_prod_id;
    uint16_t isv_svn;
    uint16_t config_svn;
    uint8_t reserved4[42];
    uint8_t isv_family_id[16];
    uint8_t report_data[64];
};

struct sgx_report {
    struct sgx_report_body body;
    uint8_t key_id[32];
    uint8_t mac[16];
};

enum sgx_key_name {
    SGX_KEY_EINITTOKEN = 0,
    SGX_KEY_PROVISION = 1,
    SGX_KEY_PROVISION_SEAL = 2,
    SGX_KEY_REPORT = 3,
    SGX_KEY_SEAL = 4,
};

#define SGX_POLICY_MRENCLAVE    0x01u
#define SGX_POLICY_MRSIGNER     0x02u
#define SGX_POLICY_NOISVPRODID  0x04u
#define SGX_POLICY_CONFIGID     0x08u
#define SGX_POLICY_ISVFAMILYID  0x10u
#define SGX_POLICY_ISVEXTPRODID 0x20u
#define SGX_POLICY_KSS          0x3cu

struct sgx_keyrequest {
    uint16_t key_name;
    uint16_t key_policy;
    uint16_t isv_svn;
    uint8_t cet_attributes_mask;
    uint8_t reserved1;
    uint8_t cpu_svn[16];
    struct sgx_attributes attribute_mask;
    uint8_t key_id[32];
    uint32_t miscmask;
    uint16_t config_svn;
    uint8_t reserved2[434];
} __attribute__((aligned(512)));

/* What the driver of Linux takes (uapi <asm/sgx.h>); all of type 0xA4. */
#define SGX_IOCTL_TYPE        0xA4u
#define SGX_IOCTL_CREATE      0x4008A400u
#define SGX_IOCTL_ADD_PAGES   0xC030A401u
#define SGX_IOCTL_INIT        0x4008A402u
#define SGX_IOCTL_PROVISION   0x4008A403u
#define SGX_IOCTL_RESTRICT    0xC028A405u
#define SGX_IOCTL_MODIFY_TYPE 0xC028A406u
#define SGX_IOCTL_REMOVE      0xC018A407u
#define SGX_ADD_MEASURE       1u

struct sgx_ioctl_add {
    uint64_t src, offset, length, secinfo, flags, count;
};

struct sgx_ioctl_modify { /* RESTRICT (permissions) and MODIFY_TYPE (type) */
    uint64_t offset, length, value, result, count;
};

struct sgx_ioctl_remove {
    uint64_t offset, length, count;
};

_Static_assert(sizeof(struct sgx_secinfo) == 64, "SECINFO");
_Static_assert(sizeof(struct sgx_secs) == 4096, "SECS");
_Static_assert(offsetof(struct sgx_secs, mrsigner) == 128, "SECS.MRSIGNER");
_Static_assert(offsetof(struct sgx_secs, isv_prod_id) == 256, "SECS.ISVPRODID");
_Static_assert(sizeof(struct sgx_tcs) == 4096, "TCS");
_Static_assert(sizeof(struct sgx_gpr) == 184, "GPRSGX");
_Static_assert(offsetof(struct sgx_gpr, exitinfo) == 160, "GPRSGX.EXITINFO");
_Static_assert(sizeof(struct sgx_sigstruct) == 1808, "SIGSTRUCT");
_Static_assert(offsetof(struct sgx_sigstruct, q1) == 1040, "SIGSTRUCT.Q1");
_Static_assert(sizeof(struct sgx_targetinfo) == 512, "TARGETINFO");
_Static_assert(sizeof(struct sgx_report_body) == 384, "REPORT body");
_Static_assert(sizeof(struct sgx_report) == 432, "REPORT");
_Static_assert(sizeof(struct sgx_keyrequest) == 512, "KEYREQUEST");

#endif
