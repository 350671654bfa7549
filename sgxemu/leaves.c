/* SPDX-License-Identifier: MIT */
/*
 * ENCLU: which leaf, and the ones that change modes: EENTER, ERESUME, EEXIT,
 * EDECCSSA (SDM, SGX instruction references). A thread is in enclave mode
 * while thread.enclave is set. The checks come in the SDM's order.
 */
#include "sgxemu/enclave.h"

#define TF 0x100

struct fault pf_fault(uint64_t address, int access)
{
    return (struct fault){
        .vector = VEC_PF,
        .error = SGX_PF_SGX | 5u | (access & SGX_SECINFO_W ? 2u : 0) |
                 (access & SGX_SECINFO_X ? 16u : 0),
        .address = address,
    };
}

struct fault operand(struct enclave *e, uint64_t address, uint64_t align,
                     int access, uint8_t **bytes)
{
    uint64_t page = (address - e->base) / PAGE;
    int prot;

    if (address % align || address - e->base >= e->size) {
        return GP_FAULT;
    }
    prot = vma_prot(e, page);
    if (prot < 0 || (prot & access) != access) {
        struct fault f = pf_fault(address, access);

        f.error &= prot < 0 ? ~(SGX_PF_SGX | 1u) : ~SGX_PF_SGX;
        return f;
    }
    if ((epcm_access(epcm_get(e, page)) & access) != access) {
        return pf_fault(address, access);
    }
    *bytes = enclave_bytes(e, address - e->base);
    return *bytes ? NO_FAULT : pf_fault(address, access);
}

void leaf_done(ucontext_t *uc, enum sgx_error error)
{
    REG(uc, EFL) &= ~0x8d5l; /* CF PF AF ZF SF OF */
    REG(uc, EFL) |= error ? 0x40 : 0;
    REG(uc, RAX) = error;
    REG(uc, RIP) += 3;
}

/* ---- EENTER and ERESUME ---- */
static struct fault find_tcs(uint64_t address, struct enclave **found,
                             struct sgx_tcs **tcs)
{
    struct enclave *e = enclave_by_address(address);
    epcm_t entry;

    if (address % PAGE) {
        return GP_FAULT;
    }
    if (e == NULL || vma_prot(e, (address - e->base) / PAGE) < 0) {
        struct fault f = pf_fault(address, SGX_SECINFO_W);

        f.error = 6;
        return f;
    }
    entry = epcm_get(e, (address - e->base) / PAGE);
    if (!(entry & EPCM_VALID) || entry & (EPCM_PENDING | EPCM_MODIFIED) ||
        EPCM_TYPE(entry) != SGX_PT_TCS) {
        return pf_fault(address, SGX_SECINFO_W);
    }
    *found = e;
    *tcs = (struct sgx_tcs *)enclave_bytes(e, address - e->base);
    return NO_FAULT;
}

static bool tcs_acceptable(struct enclave *e, const struct sgx_tcs *tcs)
{
    uint64_t notify = config.aexnotify ? SGX_TCS_AEXNOTIFY : 0;
    uint64_t want =
        e->shared->secs.attributes.flags & SGX_ATTR_AEXNOTIFY ? 1 : 0;

    if (!e->shared->initialized || tcs->ossa % PAGE || tcs->ofs_base % PAGE ||
        tcs->ogs_base % PAGE || tcs->flags & ~(SGX_TCS_DBGOPTIN | notify)) {
        return false;
    }
    return tcs->flags & SGX_TCS_DBGOPTIN ||
           (tcs->flags & SGX_TCS_AEXNOTIFY ? 1u : 0u) == want;
}

static struct fault start(struct thread *t, ucontext_t *uc, struct enclave *e,
                          struct sgx_tcs *tcs, uint32_t frame)
{
    struct sgx_gpr *g = ssa_gpr(e, tcs, frame);
    uint64_t target = e->base + tcs->oentry;

    if (target >> 47 || (e->base + tcs->ofs_base) >> 47 ||
        (e->base + tcs->ogs_base) >> 47) {
        return GP_FAULT;
    }
    g->ursp = (uint64_t)REG(uc, RSP);
    g->urbp = (uint64_t)REG(uc, RBP);
    REG(uc, RAX) = frame;
    REG(uc, RCX) = REG(uc, RIP) + 3;
    REG(uc, RIP) = (long)target;
    frame_set_pkru(uc, pkru_inside(t, frame_pkru(uc)));
    write_fs(e->base + tcs->ofs_base);
    write_gs(e->base + tcs->ogs_base);
    return NO_FAULT;
}

/* With the TCS taken: the SSA, then the entry itself. */
static struct fault enter(struct thread *t, ucontext_t *uc, struct enclave *e,
                          struct sgx_tcs *tcs, bool resume)
{
    uint32_t cssa = tcs->cssa;
    struct fault f;

    if (resume ? cssa == 0 : cssa >= tcs->nssa) {
        return GP_FAULT;
    }
    f = ssa_check(e, tcs, resume ? cssa - 1 : cssa);
    if (f.vector != NO_VECTOR) {
        return f;
    }
    if (!resume) {
        return start(t, uc, e, tcs, cssa);
    }
    if (tcs->flags & SGX_TCS_AEXNOTIFY &&
        ssa_gpr(e, tcs, cssa - 1)->aexnotify & 1) {
        /* AEX-Notify: the enclave's handler instead of where it was. */
        if (cssa >= tcs->nssa) {
            return GP_FAULT;
        }
        f = ssa_check(e, tcs, cssa);
        return f.vector != NO_VECTOR ? f : start(t, uc, e, tcs, cssa);
    }
    f = ssa_restore(t, uc, cssa - 1);
    if (f.vector == NO_VECTOR) {
        tcs->cssa = cssa - 1;
    }
    return f;
}

struct fault leaf_eenter(struct thread *t, ucontext_t *uc, bool resume)
{
    uint64_t address = (uint64_t)REG(uc, RBX), aep = (uint64_t)REG(uc, RCX);
    uint64_t fs = read_fs(), gs = read_gs(), idle = 0;
    bool tf = REG(uc, EFL) & TF;
    struct enclave *e;
    struct sgx_tcs *tcs;
    struct fault f = find_tcs(address, &e, &tcs);

    if (f.vector != NO_VECTOR) {
        return f;
    }
    if (aep >> 47 || !tcs_acceptable(e, tcs) ||
        !__atomic_compare_exchange_n(&tcs->state, &idle, 1, false,
                                     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
        return GP_FAULT; /* a busy TCS among them */
    }
    f = enter(t, uc, e, tcs, resume);
    if (f.vector != NO_VECTOR) {
        __atomic_store_n(&tcs->state, 0, __ATOMIC_RELEASE);
        return f;
    }
    /* Opt-out: debug traps see the enclave as one instruction. */
    t->host_tf = !(tcs->flags & SGX_TCS_DBGOPTIN) && tf;
    if (t->host_tf) {
        REG(uc, EFL) &= ~(long)TF;
    }
    tcs->aep = aep;
    t->host_fs = fs;
    t->host_gs = gs;
    t->tcs = address;
    t->enclave = e;
    return NO_FAULT;
}

struct fault leaf_eexit(struct thread *t, ucontext_t *uc)
{
    struct enclave *e = t->enclave;
    struct sgx_tcs *tcs = (struct sgx_tcs *)enclave_bytes(e, t->tcs - e->base);

    if ((uint64_t)REG(uc, RBX) >> 47) {
        return GP_FAULT;
    }
    REG(uc, RIP) = REG(uc, RBX);
    REG(uc, RCX) = (long)tcs->aep;
    if (!(tcs->flags & SGX_TCS_DBGOPTIN)) {
        REG(uc, EFL) &= ~(long)TF; /* of step.c */
        REG(uc, EFL) |= t->host_tf ? TF : 0;
    }
    frame_set_pkru(uc, pkru_outside(t, frame_pkru(uc)));
    write_fs(t->host_fs);
    write_gs(t->host_gs);
    step_exit(t);
    t->enclave = NULL;
    __atomic_store_n(&tcs->state, 0, __ATOMIC_RELEASE);
    return NO_FAULT;
}

struct fault leaf_edeccssa(struct thread *t, ucontext_t *uc)
{
    struct enclave *e = t->enclave;
    struct sgx_tcs *tcs = (struct sgx_tcs *)enclave_bytes(e, t->tcs - e->base);
    struct fault f;

    if (tcs->cssa == 0) {
        return GP_FAULT;
    }
    f = ssa_check(e, tcs, tcs->cssa - 1);
    if (f.vector == NO_VECTOR) {
        /* The frame that an AEX will now use keeps its own URSP and URBP. */
        tcs->cssa--;
        REG(uc, RIP) += 3;
    }
    return f;
}

static void count(uint64_t leaf)
{
    static const enum counter of[] = {
        [SGX_EREPORT] = STAT_EREPORT,   [SGX_EGETKEY] = STAT_EGETKEY,
        [SGX_EENTER] = STAT_EENTER,     [SGX_ERESUME] = STAT_ERESUME,
        [SGX_EEXIT] = STAT_EEXIT,       [SGX_EACCEPT] = STAT_EACCEPT,
        [SGX_EMODPE] = STAT_EMODPE,     [SGX_EACCEPTCOPY] = STAT_EACCEPTCOPY,
        [SGX_EDECCSSA] = STAT_EDECCSSA,
    };

    stat_add(of[leaf]);
}

static bool leaf_exists(uint32_t leaf)
{
    if (leaf >= SGX_EACCEPT && leaf <= SGX_EACCEPTCOPY) {
        return config.edmm;
    }
    return leaf <= SGX_EEXIT || (leaf == SGX_EDECCSSA && config.aexnotify);
}

struct fault leaf_enclu(struct thread *t, ucontext_t *uc)
{
    uint32_t leaf = (uint32_t)REG(uc, RAX);
    bool outside_leaf = leaf == SGX_EENTER || leaf == SGX_ERESUME;

    if (!leaf_exists(leaf) || outside_leaf != (t->enclave == NULL)) {
        return GP_FAULT;
    }
    count(leaf);
    if (config.trace) {
        trace("sgxemu: %d ENCLU[%d] rip %x rbx %x rcx %x\n", t->tid, leaf,
              REG(uc, RIP), REG(uc, RBX), REG(uc, RCX));
    }
    switch (leaf) {
    case SGX_EENTER:
    case SGX_ERESUME:
        return leaf_eenter(t, uc, leaf == SGX_ERESUME);
    case SGX_EEXIT:
        return leaf_eexit(t, uc);
    case SGX_EREPORT:
        return leaf_ereport(t, uc);
    case SGX_EGETKEY:
        return leaf_egetkey(t, uc);
    case SGX_EACCEPT:
        return leaf_eaccept(t, uc);
    case SGX_EMODPE:
        return leaf_emodpe(t, uc);
    case SGX_EACCEPTCOPY:
        return leaf_eacceptcopy(t, uc);
    default:
        return leaf_edeccssa(t, uc);
    }
}
