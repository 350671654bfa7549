/* SPDX-License-Identifier: MIT
 *
 * Lengths and a rough kind of x86-64 instructions, for whoever rewrites code
 * (patch.c) or looks at what trapped. Not a disassembler: operands are known
 * only as far as moving an instruction elsewhere needs it.
 *
 * Knows 64-bit mode only: legacy, VEX, EVEX, XOP and 3DNow! encodings (SDM
 * vol. 2 chapter 2 and appendix A, AMD APM vol. 3). What it does not know (it
 * is undefined, or newer) does not decode: whoever rewrites then leaves the
 * code alone.
 */
#ifndef ARCH_X86_64_DECODE_H
#define ARCH_X86_64_DECODE_H

#include "lib/types.h"

enum { INSN_MAX = 15 };

enum insn_kind {
    INSN_PLAIN,   /* execution goes on behind it */
    INSN_NOP,     /* the same, and it does nothing; INT3 is not one */
    INSN_SYSCALL, /* 0f 05, without prefixes */
    INSN_JMP,     /* relative; so are the next two */
    INSN_JCC,     /* conditional, also LOOP, JRCXZ and XBEGIN */
    INSN_CALL,
    INSN_JMP_IND, /* through a register or memory, also far */
    INSN_CALL_IND,
    INSN_RET,        /* also far and IRET */
    INSN_TRAP,       /* INT n, INT3, UD2, SYSENTER and the like */
    INSN_PRIVILEGED, /* a program cannot execute it: it decodes data */
};

struct insn {
    uint8_t len;
    uint8_t kind;     /* enum insn_kind */
    uint8_t rip_disp; /* offset of the disp32 of a RIP-relative operand; 0 */
    uint8_t rel_size; /* 1 or 4: the last bytes are a branch displacement */
    int32_t rel;      /* that displacement, from the instruction's end */
    /* The same bytes do the same at any other address, once a RIP-relative
     * disp32 is adjusted. Never true for what changes the flow. */
    bool movable;
    /* CPU vendors differ in its length: 66 before a near branch. */
    bool ambiguous;
};

/* Decodes the instruction at code, of which avail bytes may be read. Returns
 * its length, or 0 when it is undefined, unknown or cut off; *out is then not
 * set. */
int decode_insn(const uint8_t *code, size_t avail, struct insn *out);

/* The length of one of the many instructions that compilers emit most: plain
 * ones, calls and conditional or short branches. 0: it is not among them, and
 * decode_insn() tells. Several times as fast; code has INSN_ROOM bytes. */
enum { INSN_ROOM = 16 };
unsigned decode_common(const uint8_t *code);

#endif
