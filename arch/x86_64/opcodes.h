/* SPDX-License-Identifier: MIT
 *
 * The opcode maps of 64-bit mode (SDM vol. 2 appendix A, AMD APM vol. 3
 * appendix A), for decode.c alone.
 *
 * The one-byte and 0F maps are pictures, one character an opcode, that say
 * what follows it. In the other maps only the validity differs by opcode, so
 * they are bit sets: bit n is set when opcode n is defined with at least one
 * prefix, vector length and ModRM.
 */
#ifndef ARCH_X86_64_OPCODES_H
#define ARCH_X86_64_OPCODES_H

#include "lib/types.h"

/* What follows an opcode:
 *   .  nothing             m  ModRM            r  ModRM, always registers
 *   i  imm8                b  ModRM, imm8      w  imm16
 *   I  imm16/32            z  ModRM, imm16/32  v  imm16/32/64
 *   j  rel8                J  rel32            e  imm16, imm8
 *   o  64- or 32-bit address                   g  see group_operands()
 *   x  undefined, or a prefix that was taken before */
static const char map_1byte[257] =
    "mmmmiIxxmmmmiIxx" /* 00 ADD, OR */
    "mmmmiIxxmmmmiIxx" /* 10 ADC, SBB */
    "mmmmiIxxmmmmiIxx" /* 20 AND, SUB */
    "mmmmiIxxmmmmiIxx" /* 30 XOR, CMP */
    "xxxxxxxxxxxxxxxx" /* 40 REX */
    "................" /* 50 PUSH, POP */
    "xxxmxxxxIzib...." /* 60 MOVSXD, PUSH, IMUL, INS, OUTS */
    "jjjjjjjjjjjjjjjj" /* 70 Jcc */
    "bzxbmmmmmmmmgggg" /* 80 group 1, TEST, XCHG, MOV, LEA, POP */
    "..........x....." /* 90 XCHG, CBW, PUSHF, SAHF */
    "oooo....iI......" /* a0 MOV, string operations, TEST */
    "iiiiiiiivvvvvvvv" /* b0 MOV */
    "bbw.xxgge.w..ix." /* c0 shifts, RET, MOV, ENTER, INT */
    "mmmmxxx.mmmmmmmm" /* d0 shifts, XLAT, x87 */
    "jjjjiiiiJJxj...." /* e0 LOOP, IN, OUT, CALL, JMP */
    "x.xx..gg......gg" /* f0 groups 3, 4, 5 */
    ;

static const char map_0f[257] =
    "ggmmx.....x.xm.x" /* 00 SYSCALL, UD2, PREFETCHW */
    "mmmmmmmmmmmmmmmm" /* 10 MOVUPS, NOP */
    "rrrrxxxxmmmmmmmm" /* 20 MOV CR, MOVAPS */
    "......x.xxxxxxxx" /* 30 WRMSR, RDTSC, SYSENTER */
    "mmmmmmmmmmmmmmmm" /* 40 CMOVcc */
    "mmmmmmmmmmmmmmmm" /* 50 SSE */
    "mmmmmmmmmmmmmmmm" /* 60 MMX, SSE */
    "bbbbmmm.gmxxmmmm" /* 70 PSHUF, shifts, EMMS */
    "JJJJJJJJJJJJJJJJ" /* 80 Jcc */
    "mmmmmmmmmmmmmmmm" /* 90 SETcc */
    "...mbmmm...mbmmm" /* a0 CPUID, BT, SHLD */
    "mmmmmmmmmmgmmmmm" /* b0 CMPXCHG, MOVZX, POPCNT */
    "mmbmbbbm........" /* c0 XADD, SHUFPS, BSWAP */
    "mmmmmmmmmmmmmmmm" /* d0 MMX, SSE */
    "mmmmmmmmmmmmmmmm" /* e0 */
    "mmmmmmmmmmmmmmmm" /* f0 */;

struct opcode_set {
    uint64_t word[4];
};

static const struct opcode_set set_0f38 = {
    {0xffbf0f3f70b10fff, 0x3, 0x7, 0x0f630000f900bf00}};
static const struct opcode_set set_0f3a = {
    {0x0000000700f0ff00, 0x0000000f00000017, 0, 0x000100008000d000}};
static const struct opcode_set set_3dnow = {
    {0x30003000, 0, 0x88d144d144d14400, 0}};

static const struct opcode_set set_vex[] = {
    [1] = {{0x0000ff0000ff0000, 0xf0ffffffffff0ffe, 0x0000400003af0000,
            0x7fffffffffff0074}},
    [2] = {{0xffffff3f77c8ffff, 0x03000000570f0ae3, 0xffc0ffc0ffcf5000,
            0x00ec0000f8008000}},
    [3] = {{0x430f000723f0ff77, 0xff00ff0ff0001f57, 0, 0x000100008000c000}},
};

static const struct opcode_set set_evex[] = {
    [1] = {{0x0000ff0000ff0000, 0xcf7ffffffff20000, 0, 0x7f7effffff7e0074}},
    [2] = {{0xffff3fffff7f3811, 0xffef017c0f3ff0fd, 0xfff0ffcfffcfaf08,
            0x00000000f000bdd0}},
    [3] = {{0xcf0000efeff08f3b, 0x000f00c000f3001c, 0, 0x000000000000c004}},
    [5] = {{0x0000f40020030000, 0x7f004000ff020000, 0, 0}},
    [6] = {{0x0000300000080000, 0x0000000000c0f00c, 0xffc0ffc0ffc00000,
            0x0000000000c00000}},
};

/* From map 8 on. */
static const struct opcode_set set_xop[] = {
    {{0, 0, 0x0040004cc0e0c0e0, 0x0000f0000000f00f}},
    {{0x0000000000040006, 0, 0x000000000fff000f, 0x0000000e08ce08ce}},
    {{0x50000, 0, 0, 0}},
};

#endif
