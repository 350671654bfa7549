/* SPDX-License-Identifier: MIT */
/*
 * Enclave memory seen from outside. Hardware answers reads with 0xFF and
 * drops writes (SDM, "Abort Page Semantics"); a program that does either has
 * a bug, so by default it gets SIGSEGV. --abort-page ff does as hardware: the
 * register that the address is based on is moved by as much as it takes to
 * point into a buffer of ones, the instruction runs there under the trap
 * flag, and the register gets its value back. Anything that comes between
 * undoes the move, and the instruction faults again. String instructions are
 * done here. What is neither (no base register, gathers, PUSH, SCAS) still
 * faults; sgxemu(1) says so.
 */
#include "sgxemu/enclave.h"

#define TF          0x100
#define BUFFER_AT   1024 /* in the first page of the alternate stack */
#define BUFFER_SIZE (PAGE - BUFFER_AT)

static const int greg_of[16] = {
    REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
    REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

struct prefixes {
    bool operand16, rep, rex_w, x, b; /* X and B extend index and base */
};

/* Past the prefixes and REX, at the opcode. */
static const uint8_t *skip_prefixes(const uint8_t *p, struct prefixes *x)
{
    memset(x, 0, sizeof(*x));
    for (int i = 0; i < 4; i++, p++) {
        if (*p == 0x66) {
            x->operand16 = true;
        } else if (*p == 0xf2 || *p == 0xf3) {
            x->rep = true;
        } else if (*p != 0x2e && *p != 0x36 && *p != 0x3e && *p != 0x26 &&
                   *p != 0x64 && *p != 0x65 && *p != 0xf0) {
            break;
        }
    }
    if ((*p & 0xf0) == 0x40) {
        x->rex_w = *p & 8;
        x->x = *p & 2;
        x->b = *p & 1;
        p++;
    }
    return p;
}

static bool one_byte_has_modrm(uint8_t op)
{
    return (op < 0x40 && (op & 7) < 4) || op == 0x63 || op == 0x69 ||
           op == 0x6b || (op >= 0x80 && op <= 0x8f) || op == 0xc0 ||
           op == 0xc1 || op == 0xc6 || op == 0xc7 ||
           (op >= 0xd0 && op <= 0xd3) || (op >= 0xd8 && op <= 0xdf) ||
           op == 0xf6 || op == 0xf7 || op == 0xfe || op == 0xff;
}

/* VSIB: every lane has an address of its own. */
static bool is_gather(int map, uint8_t op)
{
    return map == 2 && ((op >= 0x90 && op <= 0x93) || (op & 0xfc) == 0xa0);
}

/* The ModRM byte of a legacy, VEX or EVEX instruction, or NULL. */
static const uint8_t *find_modrm(const uint8_t *p, struct prefixes *x)
{
    int map = 1;

    if (*p == 0xc5) {
        return p + 3;
    }
    if (*p == 0xc4 || *p == 0x62) {
        map = p[1] & (*p == 0xc4 ? 31 : 7);
        x->x = !(p[1] >> 6 & 1);
        x->b = !(p[1] >> 5 & 1);
        p += *p == 0xc4 ? 3 : 4;
        return is_gather(map, *p) ? NULL : p + 1;
    }
    if (*p != 0x0f) {
        return one_byte_has_modrm(*p) ? p + 1 : NULL;
    }
    return p + (p[1] == 0x38 || p[1] == 0x3a ? 3 : 2);
}

/* The register that can be moved: added once to the address; or -1. */
static int base_register(const uint8_t *modrm, const struct prefixes *x)
{
    int mod = *modrm >> 6, rm = *modrm & 7, index, base;

    if (mod == 3 || (mod == 0 && rm == 5)) {
        return -1; /* a register, or RIP-relative */
    }
    if (rm != 4) {
        return greg_of[rm | x->b << 3];
    }
    index = (modrm[1] >> 3 & 7) | x->x << 3;
    base = (modrm[1] & 7) | x->b << 3;
    if ((base & 7) == 5 && mod == 0) {
        return index != 4 && modrm[1] >> 6 == 0 ? greg_of[index] : -1;
    }
    return base == 4 || base == index ? -1 : greg_of[base];
}

static bool move_base(struct thread *t, ucontext_t *uc, int reg,
                      uint64_t address)
{
    uint8_t *buffer = (uint8_t *)thread_head(t) + BUFFER_AT;

    memset(buffer, 0xff, BUFFER_SIZE);
    t->abort_was = (uint64_t)REG(uc, EFL);
    t->abort_base = (uint64_t)uc->uc_mcontext.gregs[reg];
    t->abort_moved = t->abort_base + (uint64_t)buffer + address % 64 - address;
    t->abort_register = reg + 1;
    uc->uc_mcontext.gregs[reg] = (long)t->abort_moved;
    REG(uc, EFL) |= TF;
    return true;
}

/* What the instruction left in the register that was moved: its own result,
 * whole or in the low bytes, or the base, which comes back. */
static uint64_t settled(const struct thread *t, uint64_t now)
{
    uint64_t changed = now ^ t->abort_moved;
    uint64_t low = changed == 0        ? 0
                   : changed <= 0xff   ? 0xff
                   : changed <= 0xffff ? 0xffff
                                       : ~0ul;

    return (t->abort_base & ~low) | (now & low);
}

bool abort_finish(struct thread *t, ucontext_t *uc, const siginfo_t *info)
{
    greg_t *reg = &uc->uc_mcontext.gregs[t->abort_register - 1];
    bool done = info->si_signo == SIGTRAP && REG(uc, TRAPNO) == VEC_DB;

    *reg = (long)(done ? settled(t, (uint64_t)*reg) : t->abort_base);
    t->abort_register = 0;
    if (!(t->abort_was & TF)) {
        REG(uc, EFL) &= ~(long)TF;
    }
    return done && !(t->abort_was & TF);
}

/* MOVS, STOS and LODS, as far as the page goes. */
static bool string_instruction(ucontext_t *uc, const struct prefixes *x,
                               const uint8_t *op, uint64_t address,
                               const uint8_t *start)
{
    uint64_t size = !(*op & 1) ? 1 : x->rex_w ? 8 : x->operand16 ? 2 : 4;
    uint64_t room = (PAGE - address % PAGE) / size;
    uint64_t want = x->rep ? (uint64_t)REG(uc, RCX) : 1;
    uint64_t n = want < room ? want : room;
    bool moves = (*op & 0xfe) == 0xa4, stores = (*op & 0xfe) == 0xaa;
    uint8_t ones[PAGE];

    if ((!moves && !stores && (*op & 0xfe) != 0xac) || n == 0 ||
        REG(uc, EFL) & 0x400) {
        return false; /* DF: backwards */
    }
    memset(ones, 0xff, sizeof(ones));
    if (moves && address == (uint64_t)REG(uc, RSI) &&
        enclave_by_address((uint64_t)REG(uc, RDI)) == NULL &&
        user_write(uc, (uint64_t)REG(uc, RDI), ones, n * size)) {
        return false;
    }
    if (!moves && !stores) {
        memcpy(&REG(uc, RAX), ones, size == 4 ? 8 : size);
        REG(uc, RAX) &= size == 4 ? 0xffffffffl : -1l;
    }
    REG(uc, RSI) += stores ? 0 : (long)(n * size);
    REG(uc, RDI) += moves || stores ? (long)(n * size) : 0;
    REG(uc, RCX) -= x->rep ? (long)n : 0;
    if (!x->rep || REG(uc, RCX) == 0) {
        REG(uc, RIP) += op + 1 - start;
    }
    return true;
}

bool abort_page(struct thread *t, ucontext_t *uc, uint64_t address)
{
    struct enclave *e = enclave_by_address(address);
    const uint8_t *op, *modrm;
    uint8_t insn[32] = {0};
    struct prefixes x;
    int reg;

    if (e == NULL || !config.abort_ff ||
        vma_prot(e, (address - e->base) / PAGE) <= 0 ||
        user_read(uc, insn, (uint64_t)REG(uc, RIP), 15)) {
        return false;
    }
    op = skip_prefixes(insn, &x);
    if (*op >= 0xa4 && *op <= 0xaf) {
        return string_instruction(uc, &x, op, address, insn);
    }
    modrm = find_modrm(op, &x);
    reg = modrm ? base_register(modrm, &x) : -1;
    return reg >= 0 && move_base(t, uc, reg, address);
}
