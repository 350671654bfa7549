/* SPDX-License-Identifier: MIT */
/*
 * Asynchronous exit and its inverse (SDM, "Enclave Exiting Events"): the SSA
 * frame gets the interrupted state, the processor the synthetic state of
 * table "GPR, x87 Synthetic States on Asynchronous Enclave Exit". ERESUME
 * checks the XSAVE image as XRSTOR does before it loads it.
 */
#include "sgxemu/enclave.h"

#define SYNTHETIC_FLAGS 0x108d5 /* CF PF AF ZF SF OF RF */
#define TF              0x100
#define RESTORED_FLAGS  0x244cd5l /* what POPF restores, but TF */
#define MXCSR_RESERVED  0xffff0000u

static uint64_t ssa_offset(struct enclave *e, const struct sgx_tcs *tcs,
                           uint32_t frame)
{
    return tcs->ossa + (uint64_t)frame * e->shared->secs.ssa_frame_size * PAGE;
}

struct sgx_gpr *ssa_gpr(struct enclave *e, const struct sgx_tcs *tcs,
                        uint32_t frame)
{
    uint64_t end = ssa_offset(e, tcs, frame) +
                   (uint64_t)e->shared->secs.ssa_frame_size * PAGE;

    return (struct sgx_gpr *)(enclave_bytes(e, end - PAGE) + PAGE -
                              sizeof(struct sgx_gpr));
}

/* Every page of the frame must be a readable, writable PT_REG page. */
struct fault ssa_check(struct enclave *e, const struct sgx_tcs *tcs,
                       uint32_t frame)
{
    uint64_t at = e->base + ssa_offset(e, tcs, frame);

    for (uint32_t i = 0; i < e->shared->secs.ssa_frame_size; i++) {
        uint8_t *bytes;
        struct fault f = operand(e, at + i * PAGE, PAGE,
                                 SGX_SECINFO_R | SGX_SECINFO_W, &bytes);

        if (f.vector != NO_VECTOR) {
            return f.vector == VEC_GP ? pf_fault(at + i * PAGE, 2) : f;
        }
    }
    return NO_FAULT;
}

/* ---- vector state ---- */
static void save_vectors(struct enclave *e, ucontext_t *uc, uint8_t *ssa)
{
    const uint8_t *fp = (const uint8_t *)uc->uc_mcontext.fpregs;
    uint64_t xfrm = e->shared->secs.attributes.xfrm, bv;
    uint64_t features = frame_xfeatures(uc);

    memcpy(ssa, fp, 464);
    memset(ssa + 464, 0, 48); /* the kernel's, not the CPU's */
    memcpy(&bv, fp + 512, 8);
    bv &= xfrm;
    memset(ssa + 512, 0, 64);
    memcpy(ssa + 512, &bv, 8);
    for (int i = 2; i < 63; i++) {
        uint32_t size, at = xstate_offset(i, &size);

        if (xfrm >> i & 1 && features >> i & 1) {
            memcpy(ssa + at, fp + at, size);
        } else if (xfrm >> i & 1) {
            memset(ssa + at, 0, size);
        }
    }
}

static struct fault check_vectors(struct enclave *e, const uint8_t *ssa)
{
    uint64_t bv, header[2];
    uint32_t mxcsr;

    memcpy(&bv, ssa + 512, 8);
    memcpy(header, ssa + 520, 16);
    memcpy(&mxcsr, ssa + 24, 4);
    if (bv & ~e->shared->secs.attributes.xfrm || header[0] || header[1] ||
        mxcsr & MXCSR_RESERVED) {
        return GP_FAULT;
    }
    return NO_FAULT;
}

static void load_vectors(struct enclave *e, ucontext_t *uc, const uint8_t *ssa)
{
    uint8_t *fp = (uint8_t *)uc->uc_mcontext.fpregs;
    uint64_t xfrm = e->shared->secs.attributes.xfrm, bv, host;

    memcpy(fp, ssa, 464);
    memcpy(&bv, ssa + 512, 8);
    bv &= frame_xfeatures(uc);
    memcpy(&host, fp + 512, 8);
    host = (host & ~xfrm) | (bv & xfrm);
    memcpy(fp + 512, &host, 8);
    for (int i = 2; i < 63; i++) {
        uint32_t size, at = xstate_offset(i, &size);

        if (bv >> i & 1) {
            memcpy(fp + at, ssa + at, size);
        }
    }
}

static void init_vectors(struct enclave *e, ucontext_t *uc, int vector)
{
    uint8_t *fp = (uint8_t *)uc->uc_mcontext.fpregs;
    uint64_t bv;
    uint32_t mxcsr = 0x1f80;
    uint16_t fcw = 0x37f;

    memcpy(&bv, fp + 512, 8);
    bv &= ~e->shared->secs.attributes.xfrm;
    memset(fp, 0, 416);
    /* On #MF and #XM the condition stays visible outside, unmasked. */
    if (vector == 16) {
        uint16_t status[2] = {0x8081, 0};

        fcw = 0x37e;
        memcpy(fp + 2, status, 2);
        bv |= 1;
    } else if (vector == 19) {
        mxcsr = 0x1f01;
        bv |= 2;
    }
    memcpy(fp + 512, &bv, 8);
    memcpy(fp, &fcw, 2);
    memcpy(fp + 24, &mxcsr, 4);
}

/* ---- the exit ---- */
static uint32_t exit_info(uint32_t misc, const struct fault *f, bool software)
{
    bool always = f->vector == 0 || f->vector == 1 || f->vector == 3 ||
                  f->vector == 5 || f->vector == 6 || f->vector == 16 ||
                  f->vector == 17 || f->vector == 19;
    bool with_misc = f->vector == VEC_GP || f->vector == VEC_PF;

    if (!always && !(with_misc && misc & SGX_MISC_EXINFO)) {
        return 0;
    }
    return SGX_EXITINFO_VALID | (uint32_t)f->vector |
           (software ? SGX_EXITINFO_SOFTWARE : SGX_EXITINFO_HARDWARE);
}

static void save_gprs(ucontext_t *uc, struct sgx_gpr *g)
{
    g->rax = (uint64_t)REG(uc, RAX);
    g->rcx = (uint64_t)REG(uc, RCX);
    g->rdx = (uint64_t)REG(uc, RDX);
    g->rbx = (uint64_t)REG(uc, RBX);
    g->rsp = (uint64_t)REG(uc, RSP);
    g->rbp = (uint64_t)REG(uc, RBP);
    g->rsi = (uint64_t)REG(uc, RSI);
    g->rdi = (uint64_t)REG(uc, RDI);
    g->r8 = (uint64_t)REG(uc, R8);
    g->r9 = (uint64_t)REG(uc, R9);
    g->r10 = (uint64_t)REG(uc, R10);
    g->r11 = (uint64_t)REG(uc, R11);
    g->r12 = (uint64_t)REG(uc, R12);
    g->r13 = (uint64_t)REG(uc, R13);
    g->r14 = (uint64_t)REG(uc, R14);
    g->r15 = (uint64_t)REG(uc, R15);
    g->rflags = (uint64_t)REG(uc, EFL) & ~(uint64_t)TF;
    g->rip = (uint64_t)REG(uc, RIP);
    g->fs_base = read_fs();
    g->gs_base = read_gs();
}

static void load_gprs(ucontext_t *uc, const struct sgx_gpr *g)
{
    REG(uc, RAX) = (long)g->rax;
    REG(uc, RCX) = (long)g->rcx;
    REG(uc, RDX) = (long)g->rdx;
    REG(uc, RBX) = (long)g->rbx;
    REG(uc, RSP) = (long)g->rsp;
    REG(uc, RBP) = (long)g->rbp;
    REG(uc, RSI) = (long)g->rsi;
    REG(uc, RDI) = (long)g->rdi;
    REG(uc, R8) = (long)g->r8;
    REG(uc, R9) = (long)g->r9;
    REG(uc, R10) = (long)g->r10;
    REG(uc, R11) = (long)g->r11;
    REG(uc, R12) = (long)g->r12;
    REG(uc, R13) = (long)g->r13;
    REG(uc, R14) = (long)g->r14;
    REG(uc, R15) = (long)g->r15;
    REG(uc, EFL) =
        (REG(uc, EFL) & ~RESTORED_FLAGS) | ((long)g->rflags & RESTORED_FLAGS);
    REG(uc, RIP) = (long)g->rip;
}

static void synthetic_gprs(struct thread *t, ucontext_t *uc,
                           const struct sgx_tcs *tcs, const struct sgx_gpr *g)
{
    static const int cleared[] = {REG_RDX, REG_RSI, REG_RDI, REG_R8,
                                  REG_R9,  REG_R10, REG_R11, REG_R12,
                                  REG_R13, REG_R14, REG_R15};

    for (size_t i = 0; i < sizeof(cleared) / sizeof(*cleared); i++) {
        uc->uc_mcontext.gregs[cleared[i]] = 0;
    }
    REG(uc, RAX) = SGX_ERESUME;
    REG(uc, RBX) = (long)t->tcs;
    REG(uc, RCX) = (long)tcs->aep;
    REG(uc, RIP) = (long)tcs->aep;
    REG(uc, RSP) = (long)g->ursp;
    REG(uc, RBP) = (long)g->urbp;
    REG(uc, EFL) &= ~(long)(SYNTHETIC_FLAGS | TF);
    REG(uc, EFL) |= t->host_tf ? TF : 0;
}

static void count(const struct fault *f)
{
    switch (f->vector) {
    case VEC_DE:
        stat_add(STAT_AEX_DE);
        break;
    case VEC_DB:
        stat_add(STAT_AEX_DB);
        break;
    case VEC_BP:
        stat_add(STAT_AEX_BP);
        break;
    case VEC_UD:
        stat_add(STAT_AEX_UD);
        break;
    case VEC_GP:
        stat_add(STAT_AEX_GP);
        break;
    case VEC_PF:
        stat_add(STAT_AEX_PF);
        break;
    case NO_VECTOR:
        break;
    default:
        stat_add(STAT_AEX_OTHER);
    }
}

void aex(struct thread *t, ucontext_t *uc, struct fault fault, bool software)
{
    struct enclave *e = t->enclave;
    struct sgx_tcs *tcs = (struct sgx_tcs *)enclave_bytes(e, t->tcs - e->base);
    struct sgx_gpr *g = ssa_gpr(e, tcs, tcs->cssa);
    uint32_t misc = e->shared->secs.miscselect;
    uint64_t xfrm = e->shared->secs.attributes.xfrm;
    uint32_t inside = frame_pkru(uc);

    count(&fault);
    save_vectors(e, uc, enclave_bytes(e, ssa_offset(e, tcs, tcs->cssa)));
    save_gprs(uc, g);
    g->exitinfo = exit_info(misc, &fault, software);
    if (misc & SGX_MISC_EXINFO &&
        (fault.vector == VEC_GP || fault.vector == VEC_PF)) {
        struct sgx_exinfo *x = (struct sgx_exinfo *)g - 1;

        x->maddr = fault.vector == VEC_PF ? fault.address : 0;
        x->errcd = fault.error;
        x->reserved = 0;
    }
    synthetic_gprs(t, uc, tcs, g);
    init_vectors(e, uc, fault.vector);
    frame_set_pkru(uc, pkru_outside(t, xfrm >> 9 & 1 ? 0 : inside));
    write_fs(t->host_fs);
    write_gs(t->host_gs);
    t->enclave = NULL;
    tcs->cssa++;
    __atomic_store_n(&tcs->state, 0, __ATOMIC_RELEASE);
}

/* ERESUME's half. The frame has passed ssa_check(). */
struct fault ssa_restore(struct thread *t, ucontext_t *uc, uint32_t frame)
{
    struct enclave *e = enclave_by_address((uint64_t)REG(uc, RBX));
    struct sgx_tcs *tcs =
        (struct sgx_tcs *)enclave_bytes(e, (uint64_t)REG(uc, RBX) - e->base);
    const uint8_t *ssa = enclave_bytes(e, ssa_offset(e, tcs, frame));
    struct sgx_gpr *g = ssa_gpr(e, tcs, frame);
    struct fault fault = check_vectors(e, ssa);
    uint32_t outside = frame_pkru(uc);

    if (fault.vector != NO_VECTOR || g->rip >> 47 || g->fs_base >> 47 ||
        g->gs_base >> 47) {
        return GP_FAULT;
    }
    load_vectors(e, uc, ssa);
    if (e->shared->secs.attributes.xfrm >> 9 & 1) {
        frame_set_pkru(uc, pkru_inside(NULL, frame_pkru(uc)));
    } else {
        frame_set_pkru(uc, pkru_inside(t, outside));
    }
    g->ursp = (uint64_t)REG(uc, RSP);
    g->urbp = (uint64_t)REG(uc, RBP);
    load_gprs(uc, g);
    write_fs(g->fs_base);
    write_gs(g->gs_base);
    return NO_FAULT;
}
