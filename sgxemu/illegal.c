/* SPDX-License-Identifier: MIT */
/*
 * The instructions that raise #UD inside an enclave (SDM, "Illegal
 * Instructions Inside an Enclave"). Only those that ring 3 or Linux let
 * through need an eye kept on them: --single-step looks at each before it
 * runs, --scan searches executable pages, where a match may well be the
 * middle of another instruction.
 */
#include "sgxemu/enclave.h"

static bool is_prefix(uint8_t b)
{
    return b == 0x66 || b == 0x67 || b == 0xf2 || b == 0xf3 || b == 0x2e ||
           b == 0x36 || b == 0x3e || b == 0x26 || b == 0x64 || b == 0x65 ||
           b == 0xf0 || (b & 0xf0) == 0x40;
}

static const char *group_0f01(uint8_t modrm)
{
    if (modrm == 0xf9) {
        return config.sgx1 ? "RDTSCP" : NULL;
    }
    if (modrm == 0xc1 || modrm == 0xd4) {
        return "VMCALL or VMFUNC";
    }
    if (modrm >> 6 != 3) {
        static const char *const of[8] = {"SGDT", "SIDT", "LGDT", "LIDT",
                                          "SMSW", NULL,   "LMSW", NULL};

        return of[modrm >> 3 & 7];
    }
    return (modrm >> 3 & 7) == 4 ? "SMSW" : NULL;
}

static const char *two_byte(uint8_t op, uint8_t modrm)
{
    switch (op) {
    case 0x00:
        return (modrm >> 3 & 7) < 2 ? "SLDT or STR" : NULL;
    case 0x01:
        return group_0f01(modrm);
    case 0x05:
        return "SYSCALL";
    case 0x31:
        return config.sgx1 ? "RDTSC" : NULL;
    case 0x33:
        return "RDPMC";
    case 0x34:
        return "SYSENTER";
    case 0x37:
        return "GETSEC";
    case 0xa1:
    case 0xa9:
        return "POP FS or GS";
    case 0xa2:
        return "CPUID";
    case 0xb2:
    case 0xb4:
    case 0xb5:
        return "LSS, LFS or LGS";
    default:
        return NULL;
    }
}

static const char *one_byte(uint8_t op, uint8_t modrm)
{
    uint8_t reg = modrm >> 3 & 7;

    if ((op >= 0xe4 && op <= 0xe7) || (op >= 0xec && op <= 0xef) ||
        (op >= 0x6c && op <= 0x6f)) {
        return "IN, OUT, INS or OUTS";
    }
    switch (op) {
    case 0x8e:
        return "MOV to a segment register";
    case 0xca:
    case 0xcb:
        return "far RET";
    case 0xcd:
        return "INT n";
    case 0xcf:
        return "IRET";
    case 0xff:
        return (reg == 3 || reg == 5) && modrm >> 6 != 3 ? "far CALL or JMP"
                                                         : NULL;
    default:
        return NULL;
    }
}

const char *illegal_instruction(const uint8_t *insn, size_t length)
{
    size_t at = 0;

    while (at + 2 < length && is_prefix(insn[at])) {
        at++;
    }
    if (at + 2 >= length) {
        return NULL;
    }
    if (insn[at] == 0x0f) {
        return two_byte(insn[at + 1], insn[at + 2]);
    }
    return one_byte(insn[at], insn[at + 1]);
}

void scan_page(struct enclave *e, uint64_t page)
{
    const uint8_t *p = enclave_bytes(e, page * PAGE);

    for (uint64_t i = 0; i + 3 < PAGE; i++) {
        const char *name = NULL;

        if (p[i] == 0x0f) {
            name = two_byte(p[i + 1], p[i + 2]);
        } else if (p[i] == 0xcd && p[i + 1] == 0x80) {
            name = "INT 0x80";
        }
        if (name) {
            complain("sgxemu: scan: offset %x may be %s (or the middle of "
                     "another instruction)\n",
                     page * PAGE + i, name);
        }
    }
}
