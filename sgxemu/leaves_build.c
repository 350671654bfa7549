/* SPDX-License-Identifier: MIT */
/*
 * ENCLS as far as a program can see it: ECREATE, EADD, EEXTEND, EINIT, EMODPR
 * and EMODT (SDM, SGX instruction references). The driver's own checks are in
 * device.c and sgx2.c. Callers hold enclave_lock(). Each returns 0, -vector
 * for a fault, or the error code that hardware leaves in RAX.
 */
#include "sgxemu/enclave.h"

#define FAULT_GP (-VEC_GP)
#define FAULT_PF (-VEC_PF)

static bool zero(const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    uint8_t any = 0;

    for (size_t i = 0; i < n; i++) {
        any |= p[i];
    }
    return any == 0;
}

uint64_t attributes_known(void)
{
    return SGX_ATTR_INIT | SGX_ATTR_DEBUG | SGX_ATTR_MODE64BIT |
           SGX_ATTR_PROVISION | SGX_ATTR_EINITTOKEN |
           (config.kss ? SGX_ATTR_KSS : 0) |
           (config.aexnotify ? SGX_ATTR_AEXNOTIFY : 0);
}

uint32_t misc_known(void)
{
    return config.exinfo ? SGX_MISC_EXINFO : 0;
}

static bool secs_valid(const struct sgx_secs *s)
{
    uint64_t misc_size = s->miscselect & SGX_MISC_EXINFO ? 16 : 0;
    uint64_t need =
        xstate_size(s->attributes.xfrm) + sizeof(struct sgx_gpr) + misc_size;

    if (s->size < 2 * PAGE || s->size & (s->size - 1) || s->size > 1ul << 47 ||
        s->base & (s->size - 1)) {
        return false;
    }
    if (s->attributes.flags & ~attributes_known() ||
        s->attributes.flags & SGX_ATTR_INIT ||
        !(s->attributes.flags & SGX_ATTR_MODE64BIT)) {
        return false; /* no 32-bit enclaves: see sgxemu(1) */
    }
    if ((s->attributes.xfrm & 3) != 3 || s->attributes.xfrm & ~xstate_mask() ||
        (s->attributes.xfrm >> 5 & 7) % 7 != 0 ||
        (s->attributes.xfrm >> 17 & 3) % 3 != 0) {
        return false; /* AVX-512 and AMX state come whole or not at all */
    }
    if (s->miscselect & ~misc_known()) {
        return false;
    }
    if (!(s->attributes.flags & SGX_ATTR_KSS) &&
        (!zero(s->config_id, 64) || s->config_svn)) {
        return false;
    }
    return (uint64_t)s->ssa_frame_size * PAGE >= need &&
           s->ssa_frame_size < 256 && zero(s->cet_reserved, 24) &&
           zero(s->reserved2, 32) && zero(s->reserved3, 32) &&
           zero(s->reserved4, sizeof(s->reserved4));
}

int leaf_ecreate(struct enclave *e, const struct sgx_secs *secs)
{
    if (!secs_valid(secs)) {
        return FAULT_GP;
    }
    e->shared->secs = *secs;
    memset(e->shared->secs.mrenclave, 0, 32);
    memset(e->shared->secs.mrsigner, 0, 32);
    e->shared->secs.isv_prod_id = 0;
    e->shared->secs.isv_svn = 0;
    measure_ecreate(e->shared);
    buildlog_ecreate(&e->shared->secs);
    return 0;
}

/* What EADD and, for a page of EMODT's, EACCEPT check of a TCS. */
static bool tcs_valid(const struct sgx_tcs *t)
{
    uint64_t flags = config.aexnotify ? SGX_TCS_AEXNOTIFY : 0;

    return zero(t->reserved, sizeof(t->reserved)) &&
           !(t->flags & ~(flags | SGX_TCS_DBGOPTIN)) && !(t->ossa % PAGE) &&
           !(t->ofs_base % PAGE) && !(t->ogs_base % PAGE);
}

int leaf_eadd(struct enclave *e, uint64_t page, const struct sgx_secinfo *info,
              const uint8_t *bytes)
{
    enum sgx_page_type type = info->flags >> 8 & 0xff;
    uint32_t perm = info->flags & SGX_SECINFO_RWX;
    uint8_t *to = enclave_bytes(e, page * PAGE);

    if (epcm_get(e, page) & EPCM_VALID || to == NULL) {
        return FAULT_PF;
    }
    memcpy(to, bytes, PAGE);
    if (type == SGX_PT_TCS) {
        struct sgx_tcs *t = (struct sgx_tcs *)to;

        if (!tcs_valid(t)) {
            memset(to, 0, PAGE);
            return FAULT_GP;
        }
        t->flags &= ~SGX_TCS_DBGOPTIN;
        t->cssa = 0;
        t->aep = 0;
        t->state = 0;
        perm = 0;
    }
    /* The driver's ceiling for mmap: a TCS is mapped R+W. */
    epcm_set(e, page, EPCM_MAKE(type, perm, type == SGX_PT_TCS ? 3 : perm));
    measure_eadd(e->shared, page * PAGE, info->flags);
    buildlog_eadd(page * PAGE, info);
    return 0;
}

int leaf_eextend(struct enclave *e, uint64_t page)
{
    const uint8_t *bytes = enclave_bytes(e, page * PAGE);

    for (uint64_t at = 0; at < PAGE; at += 256) {
        measure_eextend(e->shared, page * PAGE + at, bytes + at);
        buildlog_eextend(page * PAGE + at, bytes + at);
    }
    return 0;
}

static enum sgx_error attributes_check(const struct sgx_secs *secs,
                                       const struct sgx_sigstruct *sig)
{
    const struct sgx_attributes mask = sig->attribute_mask;

    if (!zero(sig->isv_family_id, 16) &&
        !(secs->attributes.flags & SGX_ATTR_KSS)) {
        return SGX_INVALID_SIG_STRUCT;
    }
    if ((secs->attributes.flags & mask.flags) !=
            (sig->attributes.flags & mask.flags) ||
        (secs->attributes.xfrm & mask.xfrm) !=
            (sig->attributes.xfrm & mask.xfrm) ||
        (secs->miscselect & sig->miscmask) !=
            (sig->miscselect & sig->miscmask)) {
        return SGX_INVALID_ATTRIBUTE;
    }
    return SGX_SUCCESS;
}

int leaf_einit(struct enclave *e, const struct sgx_sigstruct *sig)
{
    struct sgx_secs *secs = &e->shared->secs;
    uint8_t mrenclave[32];
    enum sgx_error error = sigstruct_verify(sig);

    measure_final(e->shared, mrenclave);
    if (!error && memcmp(mrenclave, sig->enclave_hash, 32) != 0) {
        error = SGX_INVALID_MEASUREMENT;
    }
    if (!error) {
        error = attributes_check(secs, sig);
    }
    buildlog_einit(mrenclave, error);
    if (error) {
        return error;
    }
    /* IA32_SGXLEPUBKEYHASH: the driver writes MRSIGNER there, so launch
     * control lets every signer through (flexible launch control). */
    memcpy(secs->mrenclave, mrenclave, 32);
    sha256_of(sig->modulus, 384, secs->mrsigner);
    secs->isv_prod_id = sig->isv_prod_id;
    secs->isv_svn = sig->isv_svn;
    memcpy(e->shared->isv_family_id, sig->isv_family_id, 16);
    memcpy(e->shared->isv_ext_prod_id, sig->isv_ext_prod_id, 16);
    secs->attributes.flags |= SGX_ATTR_INIT;
    return 0;
}

int leaf_emodpr(struct enclave *e, uint64_t page, uint32_t perm)
{
    epcm_t entry = epcm_get(e, page);

    if (!(entry & EPCM_VALID) || EPCM_TYPE(entry) != SGX_PT_REG) {
        return FAULT_PF;
    }
    if (entry & (EPCM_PENDING | EPCM_MODIFIED)) {
        return SGX_PAGE_NOT_MODIFIABLE;
    }
    epcm_set(e, page, (entry & ~(EPCM_RWX & ~perm)) | EPCM_PR);
    return 0;
}

int leaf_emodt(struct enclave *e, uint64_t page, enum sgx_page_type type)
{
    epcm_t entry = epcm_get(e, page);

    if (!(entry & EPCM_VALID) ||
        (EPCM_TYPE(entry) != SGX_PT_REG && EPCM_TYPE(entry) != SGX_PT_TCS)) {
        return FAULT_PF;
    }
    if (entry & (EPCM_PENDING | EPCM_MODIFIED)) {
        return SGX_PAGE_NOT_MODIFIABLE;
    }
    /* EMODT clears R, W and X and leaves the page to be accepted. */
    epcm_set(e, page,
             EPCM_MAKE(type, 0, EPCM_MAX(entry)) | EPCM_MODIFIED |
                 (entry & EPCM_RECLAIMED));
    return 0;
}
