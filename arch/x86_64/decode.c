/* SPDX-License-Identifier: MIT
 *
 * The instruction decoder: prefixes, opcode map, ModRM, displacement,
 * immediate, in the order in which the CPU reads them.
 *
 * The opcode maps are in opcodes.h. Groups, whose ModRM.reg selects the
 * operation, are in group_operands(). Which instructions must stay where they
 * are is in is_pinned(). tests/decode_fuzz.c compares all of it with Zydis.
 */
#include "arch/x86_64/decode.h"
#include "arch/x86_64/opcodes.h"

enum {
    PREFIX_OPSIZE = 1,
    PREFIX_ADDRSIZE = 2,
    PREFIX_LOCK = 4,
    PREFIX_REPNE = 8,
    PREFIX_REP = 16,
    REX_W = 8,
};

enum map { MAP_1BYTE, MAP_0F, MAP_0F38, MAP_0F3A, MAP_3DNOW, MAP_VECTOR };

/* One instruction while it is decoded. */
struct decoder {
    const uint8_t *code;
    size_t avail; /* at most INSN_MAX */
    size_t pos;
    uint8_t prefixes; /* PREFIX_ */
    uint8_t rex;
    uint8_t map; /* enum map */
    uint8_t opcode;
    uint8_t modrm;
    bool bad;
    struct insn *out;
};

static bool has_opcode(const struct opcode_set *set, uint8_t opcode)
{
    return set->word[opcode / 64] >> opcode % 64 & 1;
}

static unsigned reg_of(uint8_t modrm)
{
    return modrm >> 3 & 7;
}

static bool is_memory(uint8_t modrm)
{
    return modrm < 0xc0;
}

static uint8_t peek(struct decoder *d)
{
    if (d->pos >= d->avail) {
        d->bad = true;
        return 0;
    }
    return d->code[d->pos];
}

static uint8_t next(struct decoder *d)
{
    uint8_t byte = peek(d);
    d->pos++;
    return byte;
}

static void skip(struct decoder *d, size_t count)
{
    d->pos += count;
    if (d->pos > d->avail) {
        d->bad = true;
    }
}

static void immediate(struct decoder *d)
{
    bool is_short = d->prefixes & PREFIX_OPSIZE && !(d->rex & REX_W);
    skip(d, is_short ? 2 : 4);
}

static void relative(struct decoder *d, unsigned size, enum insn_kind kind)
{
    size_t at = d->pos;
    skip(d, size);
    if (d->bad) {
        return;
    }
    uint32_t rel = (int8_t)d->code[at];
    if (size == 4) {
        rel = d->code[at] | d->code[at + 1] << 8 | d->code[at + 2] << 16 |
              (uint32_t)d->code[at + 3] << 24;
    }
    d->out->kind = kind;
    d->out->rel_size = size;
    d->out->rel = rel;
    d->out->ambiguous = d->prefixes & PREFIX_OPSIZE && !(d->rex & REX_W);
}

/* ModRM, SIB and displacement (SDM vol. 2 2.1.3 and 2.2.1.6). */
static void modrm(struct decoder *d)
{
    d->modrm = next(d);
    unsigned mod = d->modrm >> 6, rm = d->modrm & 7;
    if (!is_memory(d->modrm)) {
        return;
    }
    if (rm == 4) {
        rm = next(d) & 7; /* SIB.base: 5 without mod is disp32 as well */
    } else if (mod == 0 && rm == 5) {
        d->out->rip_disp = d->pos;
    }
    if (mod == 1) {
        skip(d, 1);
    } else if (mod == 2 || rm == 5) {
        skip(d, 4);
    }
}

static void group_5(struct decoder *d)
{
    static const uint8_t kinds[8] = {
        INSN_PLAIN,   INSN_PLAIN,   INSN_CALL_IND, INSN_CALL_IND,
        INSN_JMP_IND, INSN_JMP_IND, INSN_PLAIN,    INSN_PLAIN,
    };
    unsigned reg = reg_of(d->modrm);
    bool is_far = reg == 3 || reg == 5;
    d->out->kind = kinds[reg];
    d->bad |= reg == 7 || (is_far && !is_memory(d->modrm));
}

/* MOV, and TSX's two, which have a fixed ModRM (SDM vol. 2 XABORT, XBEGIN). */
static void group_11(struct decoder *d)
{
    bool is_tsx = d->modrm == 0xf8;
    d->bad |= reg_of(d->modrm) != 0 && !is_tsx;
    if (d->opcode == 0xc6) {
        skip(d, 1);
        d->out->kind = is_tsx ? INSN_TRAP : INSN_PLAIN;
    } else if (!is_tsx) {
        immediate(d);
    } else if (d->prefixes & PREFIX_OPSIZE && !(d->rex & REX_W)) {
        d->bad = true; /* rel16: nobody's code */
    } else {
        relative(d, 4, INSN_JCC);
    }
}

/* EXTRQ and INSERTQ (AMD) where there is a 66 or F2, else VMREAD. */
static void sse4a(struct decoder *d)
{
    if (d->prefixes & (PREFIX_OPSIZE | PREFIX_REPNE)) {
        skip(d, 2);
    } else {
        d->out->kind = INSN_PRIVILEGED;
    }
}

/* SGDT and its many neighbours: with registers, 0f 01 is a map of its own. */
static void group_7(struct decoder *d)
{
    unsigned reg = reg_of(d->modrm);
    if (is_memory(d->modrm)) {
        bool is_system = reg == 2 || reg == 3 || reg == 6 || reg == 7;
        d->out->kind = is_system ? INSN_PRIVILEGED : INSN_PLAIN;
    }
}

static void group_operands(struct decoder *d)
{
    modrm(d);
    unsigned reg = reg_of(d->modrm);
    switch (d->map << 8 | d->opcode) {
    case MAP_1BYTE << 8 | 0x8c: /* MOV of segment registers */
        d->bad |= reg > 5;
        break;
    case MAP_1BYTE << 8 | 0x8e:
        d->bad |= reg > 5 || reg == 1;
        break;
    case MAP_1BYTE << 8 | 0x8d: /* LEA */
        d->bad |= !is_memory(d->modrm);
        break;
    case MAP_1BYTE << 8 | 0x8f: /* POP */
        d->bad |= reg != 0;
        break;
    case MAP_1BYTE << 8 | 0xc6:
    case MAP_1BYTE << 8 | 0xc7:
        group_11(d);
        break;
    case MAP_1BYTE << 8 | 0xf6: /* TEST has an immediate, NOT and so on not */
        skip(d, reg < 2 ? 1 : 0);
        break;
    case MAP_1BYTE << 8 | 0xf7:
        if (reg < 2) {
            immediate(d);
        }
        break;
    case MAP_1BYTE << 8 | 0xfe: /* INC, DEC */
        d->bad |= reg > 1;
        break;
    case MAP_1BYTE << 8 | 0xff:
        group_5(d);
        break;
    case MAP_0F << 8 | 0x00: /* SLDT, STR, LLDT, LTR, VERR, VERW */
        d->bad |= reg > 5;
        d->out->kind = reg == 2 || reg == 3 ? INSN_PRIVILEGED : INSN_PLAIN;
        break;
    case MAP_0F << 8 | 0x01:
        group_7(d);
        break;
    case MAP_0F << 8 | 0x78:
        sse4a(d);
        break;
    case MAP_0F << 8 | 0xba: /* BT and its kin */
        d->bad |= reg < 4;
        skip(d, 1);
        break;
    }
}

static enum insn_kind short_branch_kind(uint8_t opcode)
{
    return opcode == 0xeb ? INSN_JMP : INSN_JCC;
}

static enum insn_kind near_branch_kind(const struct decoder *d)
{
    if (d->map == MAP_0F) {
        return INSN_JCC;
    }
    return d->opcode == 0xe8 ? INSN_CALL : INSN_JMP;
}

/* The operands that the pictures above show. */
static void operands(struct decoder *d, char what)
{
    switch (what) {
    case '.':
        break;
    case 'm':
        modrm(d);
        break;
    case 'r':
        d->modrm = next(d) | 0xc0;
        break;
    case 'b':
        modrm(d);
        skip(d, 1);
        break;
    case 'z':
        modrm(d);
        immediate(d);
        break;
    case 'i':
        skip(d, 1);
        break;
    case 'w':
        skip(d, 2);
        break;
    case 'e':
        skip(d, 3);
        break;
    case 'I':
        immediate(d);
        break;
    case 'v':
        if (d->rex & REX_W) {
            skip(d, 8);
        } else {
            immediate(d);
        }
        break;
    case 'o':
        skip(d, d->prefixes & PREFIX_ADDRSIZE ? 4 : 8);
        break;
    case 'j':
        relative(d, 1, short_branch_kind(d->opcode));
        break;
    case 'J':
        relative(d, 4, near_branch_kind(d));
        break;
    case 'g':
        group_operands(d);
        break;
    default:
        d->bad = true;
    }
}

static void kind_1byte(struct decoder *d)
{
    struct insn *out = d->out;
    switch (d->opcode) {
    case 0x90:
        /* With REX.B it is XCHG, with F3 PAUSE. */
        out->kind =
            d->rex & 1 || d->prefixes & PREFIX_REP ? INSN_PLAIN : INSN_NOP;
        break;
    case 0xc2:
    case 0xc3:
    case 0xca:
    case 0xcb:
    case 0xcf:
        out->kind = INSN_RET;
        break;
    case 0xcc:
    case 0xcd:
    case 0xf1:
        out->kind = INSN_TRAP;
        break;
    case 0x6c ... 0x6f: /* INS, OUTS */
    case 0xe4 ... 0xe7: /* IN, OUT */
    case 0xec ... 0xef:
    case 0xf4: /* HLT */
    case 0xfa: /* CLI, STI */
    case 0xfb:
        out->kind = INSN_PRIVILEGED;
        break;
    }
}

static void kind_0f(struct decoder *d)
{
    struct insn *out = d->out;
    switch (d->opcode) {
    case 0x05:
        out->kind = d->pos == 2 ? INSN_SYSCALL : INSN_TRAP;
        break;
    case 0x0b: /* UD2 */
    case 0x34: /* SYSENTER */
    case 0xb9: /* UD1 */
    case 0xff: /* UD0 */
        out->kind = INSN_TRAP;
        break;
    case 0x1f:
        out->kind = INSN_NOP;
        break;
    case 0x06 ... 0x09: /* CLTS, SYSRET, INVD, WBINVD */
    case 0x20 ... 0x23: /* MOV CR, DR */
    case 0x30:          /* WRMSR, RDMSR */
    case 0x32:
    case 0x35: /* SYSEXIT, GETSEC */
    case 0x37:
    case 0x79: /* VMWRITE */
    case 0xaa: /* RSM */
        out->kind = INSN_PRIVILEGED;
        break;
    }
    /* JMPE, unless F3 makes it POPCNT. */
    d->bad |= d->opcode == 0xb8 && !(d->prefixes & PREFIX_REP);
}

/* Instructions that are fine where they are and not elsewhere: they show
 * their own address (x87 saves it), mark an entry (ENDBR64), may trap into
 * emulation (CPUID, RDTSC), or change what the CPU makes of all others. */
static bool is_pinned(const struct decoder *d)
{
    uint8_t op = d->opcode;
    if (d->map == MAP_1BYTE) {
        return (op >= 0xd8 && op <= 0xdf) || op == 0x8e || op == 0x9b ||
               op == 0x9d || op == 0xc8;
    }
    if (d->map == MAP_0F) {
        return op <= 0x0b || (op == 0x1e && d->prefixes & PREFIX_REP) ||
               (op >= 0x30 && op <= 0x37) || op == 0xa2 || op == 0xa1 ||
               op == 0xa9 || op == 0xae || op == 0xc7;
    }
    if (d->map == MAP_0F38) {
        bool key_locker = op >= 0xd8 && d->prefixes & PREFIX_REP;
        return (op >= 0x80 && op <= 0x82) || key_locker || op >= 0xf5;
    }
    return d->map == MAP_3DNOW || (d->map == MAP_0F3A && op == 0xf0);
}

/* VEX and EVEX have an imm8 in map 3 and where the 0F map has one. */
static void vector_operands(struct decoder *d, unsigned map)
{
    modrm(d);
    uint8_t op = d->opcode;
    if (map == 3 || (map == 1 && map_0f[op] == 'b')) {
        skip(d, 1);
    }
}

static void vex(struct decoder *d, uint8_t first)
{
    unsigned map = 1;
    if (first == 0xc4) {
        map = next(d) & 0x1f;
    }
    next(d);
    d->opcode = next(d);
    d->bad |= map >= ARRAY_SIZE(set_vex);
    if (d->bad || !has_opcode(&set_vex[map], d->opcode)) {
        d->bad = true;
    } else if (map != 1 || d->opcode != 0x77) { /* VZEROUPPER is bare */
        vector_operands(d, map);
    }
}

static void evex(struct decoder *d)
{
    uint8_t p0 = next(d), p1 = next(d);
    unsigned map = p0 & 7;
    next(d);
    d->opcode = next(d);
    d->bad |= p0 & 8 || !(p1 & 4) || map >= ARRAY_SIZE(set_evex);
    if (d->bad || !has_opcode(&set_evex[map], d->opcode)) {
        d->bad = true;
    } else {
        vector_operands(d, map);
    }
}

/* AMD's; the maps from 8 on tell it from POP. */
static void xop(struct decoder *d)
{
    unsigned map = (next(d) & 0x1f) - 8;
    next(d);
    d->opcode = next(d);
    if (map >= ARRAY_SIZE(set_xop) || !has_opcode(&set_xop[map], d->opcode)) {
        d->bad = true;
        return;
    }
    modrm(d);
    static const uint8_t immediates[] = {1, 0, 4};
    skip(d, immediates[map]);
}

static void amd_3dnow(struct decoder *d)
{
    modrm(d);
    d->opcode = next(d);
    d->bad |= !has_opcode(&set_3dnow, d->opcode);
}

static void three_byte(struct decoder *d, uint8_t escape)
{
    d->map = escape == 0x38 ? MAP_0F38 : MAP_0F3A;
    d->opcode = next(d);
    d->bad |= !has_opcode(escape == 0x38 ? &set_0f38 : &set_0f3a, d->opcode);
    modrm(d);
    skip(d, escape == 0x3a ? 1 : 0);
}

static void two_byte(struct decoder *d)
{
    uint8_t op = next(d);
    if (op == 0x38 || op == 0x3a) {
        three_byte(d, op);
    } else if (op == 0x0f) {
        d->map = MAP_3DNOW;
        amd_3dnow(d);
    } else {
        d->map = MAP_0F;
        d->opcode = op;
        operands(d, map_0f[op]);
        kind_0f(d);
    }
}

/* VEX, EVEX and XOP allow no prefix that they stand for. */
static bool is_vector_prefix(struct decoder *d, uint8_t byte)
{
    if (byte == 0x8f) {
        return (peek(d) & 0x1f) >= 8;
    }
    return byte == 0x62 || byte == 0xc4 || byte == 0xc5;
}

static void vector(struct decoder *d, uint8_t first)
{
    d->map = MAP_VECTOR;
    d->bad |= d->rex || d->prefixes & ~PREFIX_ADDRSIZE;
    if (first == 0x62) {
        evex(d);
    } else if (first == 0x8f) {
        xop(d);
    } else {
        vex(d, first);
    }
}

/* Legacy prefixes in any number; a REX counts only right before the opcode.
 * Returns the byte behind them. */
static uint8_t prefixes(struct decoder *d)
{
    for (;;) {
        uint8_t byte = next(d);
        uint8_t prefix = 0;
        switch (byte) {
        case 0x66:
            prefix = PREFIX_OPSIZE;
            break;
        case 0x67:
            prefix = PREFIX_ADDRSIZE;
            break;
        case 0xf0:
            prefix = PREFIX_LOCK;
            break;
        case 0xf2:
            prefix = PREFIX_REPNE;
            break;
        case 0xf3:
            prefix = PREFIX_REP;
            break;
        case 0x26:
        case 0x2e:
        case 0x36:
        case 0x3e:
        case 0x64:
        case 0x65:
            break;
        case 0x40 ... 0x4f:
            d->rex = byte;
            continue;
        default:
            return byte;
        }
        d->prefixes |= prefix;
        d->rex = 0;
        if (d->bad) {
            return byte;
        }
    }
}

/* Necessary, not sufficient: the operand is in memory. */
static bool may_lock(const struct decoder *d)
{
    return d->map <= MAP_0F && is_memory(d->modrm);
}

int decode_insn(const uint8_t *code, size_t avail, struct insn *out)
{
    struct decoder d = {
        .code = code,
        .avail = avail < INSN_MAX ? avail : INSN_MAX,
        .modrm = 0xff,
        .out = out,
    };
    *out = (struct insn){.kind = INSN_PLAIN};
    uint8_t byte = prefixes(&d);

    if (byte == 0x0f) {
        two_byte(&d);
    } else if (is_vector_prefix(&d, byte)) {
        vector(&d, byte);
    } else {
        d.map = MAP_1BYTE;
        d.opcode = byte;
        operands(&d, map_1byte[byte]);
        kind_1byte(&d);
    }
    if (d.bad || (d.prefixes & PREFIX_LOCK && !may_lock(&d))) {
        return 0;
    }
    /* With 67, a RIP-relative operand wraps at 4 GiB. */
    bool eip = out->rip_disp && d.prefixes & PREFIX_ADDRSIZE;
    out->movable = (out->kind == INSN_PLAIN || out->kind == INSN_NOP) && !eip &&
                   !is_pinned(&d);
    out->len = d.pos;
    return out->len;
}
