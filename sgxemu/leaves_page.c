/* SPDX-License-Identifier: MIT */
/*
 * EACCEPT, EACCEPTCOPY, EMODPE: the enclave's half of dynamic memory (SDM,
 * SGX instruction references). An EACCEPT of a page that is not there raises
 * #PF on hardware, the driver adds the page (EAUG) and the instruction runs
 * again; here that is one step.
 */
#include "sgxemu/enclave.h"

static bool secinfo_reserved(const struct sgx_secinfo *s)
{
    uint8_t any = 0;

    for (size_t i = 0; i < sizeof(s->reserved); i++) {
        any |= s->reserved[i];
    }
    return any || s->flags & ~0xff3ful;
}

static struct fault read_secinfo(struct enclave *e, uint64_t address,
                                 struct sgx_secinfo *info)
{
    uint8_t *bytes;
    struct fault f = operand(e, address, 64, SGX_SECINFO_R, &bytes);

    if (f.vector != NO_VECTOR) {
        return f;
    }
    memcpy(info, bytes, sizeof(*info));
    return secinfo_reserved(info) ? GP_FAULT : NO_FAULT;
}

/* The page as an EPC page: mapped, and there, or added now. */
static struct fault resolve(struct enclave *e, uint64_t address)
{
    uint64_t page = (address - e->base) / PAGE;
    struct fault f = pf_fault(address, SGX_SECINFO_W);
    int prot;

    if (address % PAGE || address - e->base >= e->size) {
        return GP_FAULT;
    }
    prot = vma_prot(e, page);
    if (prot < 0 || !(prot & SGX_SECINFO_R)) {
        f.error = prot < 0 ? 6 : 7;
        return f;
    }
    enclave_lock(e);
    if (!(epcm_get(e, page) & EPCM_VALID)) {
        sgx2_augment(e, page);
    }
    enclave_unlock(e);
    if (!(epcm_get(e, page) & EPCM_VALID)) {
        f.error = 6;
        return f;
    }
    return NO_FAULT;
}

static bool combination_legal(uint64_t flags)
{
    uint64_t type = flags >> 8 & 0xff;

    if (type == SGX_PT_REG) {
        return flags & (SGX_SECINFO_PR | SGX_SECINFO_PENDING) &&
               !(flags & SGX_SECINFO_MODIFIED);
    }
    return (type == SGX_PT_TCS || type == SGX_PT_TRIM) &&
           !(flags & (SGX_SECINFO_PR | SGX_SECINFO_PENDING)) &&
           flags & SGX_SECINFO_MODIFIED;
}

static bool tcs_ready(const struct sgx_tcs *t)
{
    uint8_t any = 0;

    for (size_t i = 0; i < sizeof(t->reserved); i++) {
        any |= t->reserved[i];
    }
    return !any && !(t->flags & SGX_TCS_DBGOPTIN) && t->cssa < t->nssa &&
           t->aep == 0 && t->state == 0;
}

static bool matches(epcm_t entry, uint64_t flags)
{
    uint32_t compared = EPCM_RWX | EPCM_PENDING | EPCM_MODIFIED;

    return (entry & compared) == (flags & compared) &&
           EPCM_TYPE(entry) == (flags >> 8 & 0xff);
}

/* Where only EPCM_PR goes, the page table says so already. */
static void accept(struct enclave *e, uint64_t page)
{
    epcm_t before = epcm_get(e, page);
    epcm_t after = before & ~(EPCM_PENDING | EPCM_MODIFIED | EPCM_PR);

    epcm_set(e, page, after);
    if (epcm_access(before) != epcm_access(after)) {
        vma_apply(e, page, page + 1);
    }
}

struct fault leaf_eaccept(struct thread *t, ucontext_t *uc)
{
    struct enclave *e = t->enclave;
    uint64_t address = (uint64_t)REG(uc, RCX);
    uint64_t page = (address - e->base) / PAGE;
    enum sgx_error error = SGX_SUCCESS;
    struct sgx_secinfo info;
    struct fault f = read_secinfo(e, (uint64_t)REG(uc, RBX), &info);

    if (f.vector != NO_VECTOR) {
        return f;
    }
    if (address % PAGE || address - e->base >= e->size ||
        !combination_legal(info.flags)) {
        return GP_FAULT;
    }
    f = resolve(e, address);
    if (f.vector != NO_VECTOR) {
        return f;
    }
    enclave_lock(e);
    if (!matches(epcm_get(e, page), info.flags)) {
        error = SGX_PAGE_ATTRIBUTES_MISMATCH;
    } else if ((info.flags >> 8 & 0xff) == SGX_PT_TCS &&
               !tcs_ready((struct sgx_tcs *)enclave_bytes(e, page * PAGE))) {
        f = GP_FAULT;
    } else {
        accept(e, page);
    }
    enclave_unlock(e);
    if (f.vector == NO_VECTOR) {
        leaf_done(uc, error);
    }
    return f;
}

struct fault leaf_emodpe(struct thread *t, ucontext_t *uc)
{
    struct enclave *e = t->enclave;
    uint64_t address = (uint64_t)REG(uc, RCX);
    uint64_t page = (address - e->base) / PAGE;
    struct sgx_secinfo info;
    epcm_t entry;
    struct fault f;

    if (REG(uc, RBX) % 64 || address % PAGE || address - e->base >= e->size) {
        return GP_FAULT;
    }
    f = read_secinfo(e, (uint64_t)REG(uc, RBX), &info);
    if (f.vector != NO_VECTOR) {
        return f;
    }
    if (vma_prot(e, page) < 0) {
        f = pf_fault(address, SGX_SECINFO_W);
        f.error = 6;
        return f;
    }
    enclave_lock(e);
    entry = epcm_get(e, page);
    if (!(entry & EPCM_VALID) || entry & (EPCM_PENDING | EPCM_MODIFIED) ||
        EPCM_TYPE(entry) != SGX_PT_REG) {
        f = pf_fault(address, SGX_SECINFO_W);
    } else if (!(entry & SGX_SECINFO_R) && !(info.flags & SGX_SECINFO_R) &&
               info.flags & SGX_SECINFO_W) {
        f = GP_FAULT;
    } else {
        epcm_set(e, page, entry | (info.flags & EPCM_RWX));
        vma_apply(e, page, page + 1);
        if (config.scan && info.flags & SGX_SECINFO_X) {
            scan_page(e, page);
        }
        REG(uc, RIP) += 3;
    }
    enclave_unlock(e);
    return f;
}

struct fault leaf_eacceptcopy(struct thread *t, ucontext_t *uc)
{
    struct enclave *e = t->enclave;
    uint64_t to = (uint64_t)REG(uc, RCX), from = (uint64_t)REG(uc, RDX);
    uint64_t page = (to - e->base) / PAGE;
    enum sgx_error error = SGX_SUCCESS;
    struct sgx_secinfo info;
    uint8_t *source;
    epcm_t entry;
    struct fault f;

    if (REG(uc, RBX) % 64 || to % PAGE || from % PAGE ||
        to - e->base >= e->size || from - e->base >= e->size) {
        return GP_FAULT;
    }
    f = read_secinfo(e, (uint64_t)REG(uc, RBX), &info);
    if (f.vector != NO_VECTOR) {
        return f;
    }
    if ((info.flags & 3) == SGX_SECINFO_W ||
        (info.flags >> 8 & 0xff) != SGX_PT_REG) {
        return GP_FAULT;
    }
    f = operand(e, from, PAGE, SGX_SECINFO_R, &source);
    if (f.vector == NO_VECTOR) {
        f = resolve(e, to);
    }
    if (f.vector != NO_VECTOR) {
        return f;
    }
    enclave_lock(e);
    entry = epcm_get(e, page);
    if (!(entry & EPCM_PENDING) || entry & EPCM_MODIFIED ||
        EPCM_TYPE(entry) != SGX_PT_REG || (entry & EPCM_RWX) != 3) {
        error = SGX_PAGE_ATTRIBUTES_MISMATCH;
    } else {
        memcpy(enclave_bytes(e, page * PAGE), source, PAGE);
        epcm_set(e, page,
                 (entry & ~(EPCM_RWX | EPCM_PENDING)) |
                     (info.flags & EPCM_RWX));
        vma_apply(e, page, page + 1);
        if (config.scan && info.flags & SGX_SECINFO_X) {
            scan_page(e, page);
        }
    }
    enclave_unlock(e);
    leaf_done(uc, error);
    return NO_FAULT;
}
