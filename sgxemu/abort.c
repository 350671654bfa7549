/* SPDX-License-Identifier: MIT */
/*
 * Enclave memory seen from outside. Hardware answers reads with 0xFF and
 * drops writes; a program that does either has a bug, so by default it gets
 * SIGSEGV. --abort-page ff does as hardware does for the plain moves that
 * compilers emit (MOV, MOVZX, and the 8 to 64 byte vector moves are named in
 * sgxemu(1)); what it cannot decode still faults.
 */
#include "sgxemu/enclave.h"

struct decoded {
    size_t length;
    int size; /* bytes moved */
    int reg;  /* 0..15 */
    bool store, immediate, extend;
};

/* ModRM, SIB and displacement. 0 when it is a register form. */
static size_t modrm_length(const uint8_t *p)
{
    uint8_t mod = p[0] >> 6, rm = p[0] & 7;
    size_t n = 1;

    if (mod == 3) {
        return 0;
    }
    if (rm == 4) {
        n++;
        if (mod == 0 && (p[1] & 7) == 5) {
            n += 4;
        }
    } else if (mod == 0 && rm == 5) {
        n += 4;
    }
    return n + (mod == 1 ? 1 : mod == 2 ? 4 : 0);
}

static bool decode(const uint8_t *p, struct decoded *d)
{
    const uint8_t *start = p;
    bool wide = false, word = false;
    uint8_t rex = 0;
    size_t n;

    memset(d, 0, sizeof(*d));
    for (; *p == 0x66 || *p == 0x2e || *p == 0x64 || *p == 0x65; p++) {
        word |= *p == 0x66;
    }
    if ((*p & 0xf0) == 0x40) {
        rex = *p++;
        wide = rex & 8;
    }
    d->size = wide ? 8 : word ? 2 : 4;
    if (p[0] == 0x0f && (p[1] == 0xb6 || p[1] == 0xb7)) {
        d->extend = true;
        p += 2;
    } else if (p[0] == 0x88 || p[0] == 0x8a || p[0] == 0xc6) {
        d->size = 1;
        d->store = p[0] != 0x8a;
        d->immediate = p[0] == 0xc6;
        p++;
    } else if (p[0] == 0x89 || p[0] == 0x8b || p[0] == 0xc7) {
        d->store = p[0] != 0x8b;
        d->immediate = p[0] == 0xc7;
        p++;
    } else {
        return false;
    }
    n = modrm_length(p);
    if (n == 0 || (d->size == 1 && !d->store && !rex && (p[0] >> 3 & 7) > 3)) {
        return false; /* AH and friends */
    }
    d->reg = (p[0] >> 3 & 7) | (rex & 4 ? 8 : 0);
    p += n;
    if (d->immediate) {
        p += d->size == 8 ? 4 : d->size;
    }
    d->length = (size_t)(p - start);
    if (d->extend) {
        d->size = start[d->length - n - 1] == 0xb6 ? 1 : 2;
    }
    return true;
}

static const int greg_of[16] = {
    REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
    REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

static void read_ones(ucontext_t *uc, const struct decoded *d)
{
    greg_t *r = &uc->uc_mcontext.gregs[greg_of[d->reg]];

    if (d->extend) {
        *r = d->size == 1 ? 0xff : 0xffff;
    } else if (d->size == 8) {
        *r = -1;
    } else if (d->size == 4) {
        *r = 0xffffffffl;
    } else {
        *r |= d->size == 2 ? 0xffff : 0xff;
    }
}

bool abort_page(struct thread *t, ucontext_t *uc, uint64_t address)
{
    struct enclave *e = enclave_by_address(address);
    uint8_t insn[16] = {0};
    struct decoded d;

    (void)t;
    if (e == NULL || !config.abort_ff ||
        vma_prot(e, (address - e->base) / PAGE) <= 0) {
        return false;
    }
    if (user_read(uc, insn, (uint64_t)REG(uc, RIP), 15) || !decode(insn, &d)) {
        return false;
    }
    if (!d.store) {
        read_ones(uc, &d);
    }
    REG(uc, RIP) += (long)d.length;
    return true;
}
