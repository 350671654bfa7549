/* SPDX-License-Identifier: MIT
 *
 * Lengths of common instructions from two tables. Whatever needs a second
 * look (most prefixes, AVX, system instructions, jumps that may be ours) is
 * not here: decode.c. tests/decode_fuzz.c compares the two.
 */
#include "arch/x86_64/decode.h"

/* What follows an opcode: a ModRM byte and so on, and bytes of immediate. */
enum {
    KNOWN = 0x80,
    MODRM = 0x40,
    GROUP = 0x20, /* ModRM.reg tells more: see group() */
    BARE = 0x10,  /* not behind 66, F2 or F3 */
    IMM = 0x0f,
};
/* As the pictures of opcodes.h; capitals are groups, _ is left to others. */
enum {
    _ = 0,
    o = KNOWN,
    m = KNOWN | MODRM,
    b = m | 1,
    z = m | BARE | 4,
    i = KNOWN | BARE | 1,
    w = KNOWN | BARE | 4,
    G = m | BARE | GROUP,
};

static const uint8_t one_byte[256] = {
    _, m, m, m, i, w, _, _, m, m, m, m, i, w, _, _, /* 00 ADD, OR */
    m, m, m, m, i, w, _, _, m, m, m, m, i, w, _, _, /* 10 ADC, SBB */
    m, m, m, m, i, w, _, _, m, m, m, m, i, w, _, _, /* 20 AND, SUB */
    m, m, m, m, i, w, _, _, m, m, m, m, i, w, _, _, /* 30 XOR, CMP */
    _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, /* 40 REX */
    o, o, o, o, o, o, o, o, o, o, o, o, o, o, o, o, /* 50 PUSH, POP */
    _, _, _, m, _, _, _, _, w, z, i, b, _, _, _, _, /* 60 MOVSXD, PUSH, IMUL */
    i, i, i, i, i, i, i, i, i, i, i, i, i, i, i, i, /* 70 Jcc */
    b, z, _, b, m, m, m, m, m, m, m, m, _, G, _, _, /* 80 TEST, MOV, LEA */
    o, o, o, o, o, o, o, o, o, o, _, o, o, o, o, o, /* 90 XCHG, CBW, PUSHF */
    _, _, _, _, o, o, o, o, i, w, o, o, o, o, o, o, /* a0 strings, TEST */
    i, i, i, i, i, i, i, i, G, G, G, G, G, G, G, G, /* b0 MOV */
    b, b, _, o, _, _, G, G, _, o, _, _, o, _, _, _, /* c0 shifts, RET, MOV */
    m, m, m, m, _, _, _, _, m, m, m, m, m, m, m, m, /* d0 shifts, x87 */
    _, _, i, i, _, _, _, _, w, _, _, i, _, _, _, _, /* e0 LOOP, CALL, JMP */
    _, _, _, _, _, o, G, G, o, o, _, _, o, o, G, G, /* f0 groups 3, 4, 5 */
};

static const uint8_t behind_0f[256] = {
    _, _, _, _, _, o, _, _, _, _, _, o, _, m, _, _, /* 00 SYSCALL, UD2 */
    m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, /* 10 MOVUPS, NOP */
    _, _, _, _, _, _, _, _, m, m, m, m, m, m, m, m, /* 20 MOVAPS */
    _, o, _, _, _, _, _, _, _, _, _, _, _, _, _, _, /* 30 RDTSC */
    m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, /* 40 CMOVcc */
    m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, /* 50 SSE */
    m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, /* 60 MMX, SSE */
    b, b, b, b, m, m, m, o, _, _, _, _, m, m, m, m, /* 70 PSHUF, shifts */
    w, w, w, w, w, w, w, w, w, w, w, w, w, w, w, w, /* 80 Jcc */
    m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, /* 90 SETcc */
    o, o, o, m, b, m, m, m, o, o, _, m, b, m, m, m, /* a0 CPUID, BT, SHLD */
    m, m, m, m, m, m, m, m, _, m, _, m, m, m, m, m, /* b0 CMPXCHG, MOVZX */
    m, m, b, m, b, b, b, m, o, o, o, o, o, o, o, o, /* c0 XADD, BSWAP */
    m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, /* d0 MMX, SSE */
    m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, /* e0 */
    m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, /* f0 */
};

/* ModRM, SIB and displacement, by mod and rm; SIB.base may add four. */
static const uint8_t modrm_lengths[32] = {
    1, 1, 1, 1, 2, 5, 1, 1, 2, 2, 2, 2, 3, 2, 2, 2,
    5, 5, 5, 5, 6, 5, 5, 5, 1, 1, 1, 1, 1, 1, 1, 1,
};

static unsigned modrm_length(const uint8_t *p)
{
    unsigned at = p[0] >> 6 << 3 | (p[0] & 7);
    unsigned len = modrm_lengths[at];

    return at == 4 && (p[1] & 7) == 5 ? len + 4 : len;
}

/* Behind the opcode at p. 0: something odd. */
static unsigned group(const uint8_t *p, bool wide)
{
    unsigned reg = p[1] >> 3 & 7, len = modrm_length(p + 1);

    switch (p[0]) {
    case 0x8d: /* LEA */
        return p[1] < 0xc0 ? len : 0;
    case 0xc6: /* MOV */
        return reg == 0 ? len + 1 : 0;
    case 0xc7:
        return reg == 0 ? len + 4 : 0;
    case 0xf6: /* TEST has an immediate, NOT and so on have none */
        return reg < 2 ? len + 1 : len;
    case 0xf7:
        return reg < 2 ? len + 4 : len;
    case 0xfe: /* INC, DEC */
        return reg < 2 ? len : 0;
    case 0xff: /* CALL and JMP, but not the far ones */
        return reg == 3 || reg == 5 || reg == 7 ? 0 : len;
    default: /* b8 MOV: the immediate may have eight bytes */
        return wide ? 0 : 4;
    }
}

unsigned decode_common(const uint8_t *code)
{
    const uint8_t *p = code;
    bool bare = true, wide = false;
    uint8_t what;
    unsigned len;

    for (int n = 0; n < 2; n++) {
        if (*p == 0x66 || *p == 0xf2 || *p == 0xf3) {
            bare = false;
        } else if (*p != 0x64 && *p != 0x2e) {
            break;
        }
        p++;
    }
    if ((*p & 0xf0) == 0x40) {
        wide = *p++ & 8;
    }
    if (*p == 0x0f) {
        p++;
        what = behind_0f[*p];
    } else {
        what = one_byte[*p];
    }
    if (!what || (what & BARE && !bare)) {
        return 0;
    }
    if (what & GROUP) {
        len = group(p, wide);
    } else {
        len = (what & IMM) + (what & MODRM ? modrm_length(p + 1) : 0);
    }
    if (!len && what & GROUP) {
        return 0;
    }
    return (unsigned)(p + 1 - code) + len;
}
