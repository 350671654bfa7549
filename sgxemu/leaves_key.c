/* SPDX-License-Identifier: MIT */
/*
 * EREPORT and EGETKEY (SDM, SGX instruction references). Which field enters
 * which key follows the table "Key Derivation".
 */
#include "sgxemu/keys.h"

static bool zero(const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    uint8_t any = 0;

    for (size_t i = 0; i < n; i++) {
        any |= p[i];
    }
    return any == 0;
}

static void fill_report(struct enclave *e, struct sgx_report *r,
                        const uint8_t *data)
{
    const struct sgx_secs *s = &e->shared->secs;

    memset(r, 0, sizeof(*r));
    memcpy(r->body.cpu_svn, machine.cpu_svn, 16);
    r->body.miscselect = s->miscselect;
    memcpy(r->body.isv_ext_prod_id, e->shared->isv_ext_prod_id, 16);
    r->body.attributes = s->attributes;
    memcpy(r->body.mrenclave, s->mrenclave, 32);
    memcpy(r->body.mrsigner, s->mrsigner, 32);
    memcpy(r->body.config_id, s->config_id, 64);
    r->body.isv_prod_id = s->isv_prod_id;
    r->body.isv_svn = s->isv_svn;
    r->body.config_svn = s->config_svn;
    memcpy(r->body.isv_family_id, e->shared->isv_family_id, 16);
    memcpy(r->body.report_data, data, 64);
    memcpy(r->key_id, machine.report_key_id, 32);
}

struct fault leaf_ereport(struct thread *t, ucontext_t *uc)
{
    struct enclave *e = t->enclave;
    uint8_t *target, *data, *out, key[16];
    struct sgx_targetinfo info;
    struct sgx_report report;
    struct fault f =
        operand(e, (uint64_t)REG(uc, RBX), 512, SGX_SECINFO_R, &target);

    if (f.vector != NO_VECTOR) {
        return f;
    }
    memcpy(&info, target, sizeof(info));
    if (!zero(info.reserved2, 8) || !zero(info.reserved3, 384) ||
        info.reserved1) {
        return GP_FAULT;
    }
    f = operand(e, (uint64_t)REG(uc, RCX), 128, SGX_SECINFO_R, &data);
    if (f.vector == NO_VECTOR) {
        f = operand(e, (uint64_t)REG(uc, RDX), 512, SGX_SECINFO_W, &out);
    }
    if (f.vector != NO_VECTOR) {
        return f;
    }
    fill_report(e, &report, data);
    key_report(&info, report.key_id, key);
    aes_cmac(key, &report.body, sizeof(report.body), report.mac);
    memcpy(out, &report, sizeof(report));
    REG(uc, RIP) += 3;
    return NO_FAULT;
}

static bool beyond(const uint8_t *wanted, const uint8_t *have)
{
    for (int i = 0; i < 16; i++) {
        if (wanted[i] > have[i]) {
            return true;
        }
    }
    return false;
}

/* SVN checks, and the fields that the request gives. */
static enum sgx_error requested(const struct sgx_secs *s,
                                const struct sgx_keyrequest *q,
                                struct key_dependencies *d)
{
    if (beyond(q->cpu_svn, machine.cpu_svn)) {
        return SGX_INVALID_CPUSVN;
    }
    if (q->isv_svn > s->isv_svn || q->config_svn > s->config_svn) {
        return SGX_INVALID_ISVSVN;
    }
    d->isv_svn = q->isv_svn;
    memcpy(d->cpu_svn, q->cpu_svn, 16);
    /* INIT and DEBUG are always part of it. */
    d->attributes.flags =
        (q->attribute_mask.flags | SGX_ATTR_INIT | SGX_ATTR_DEBUG) &
        s->attributes.flags;
    d->attributes.xfrm = q->attribute_mask.xfrm & s->attributes.xfrm;
    d->attribute_mask = q->attribute_mask;
    d->miscselect = q->miscmask & s->miscselect;
    d->miscmask = q->miscmask;
    return SGX_SUCCESS;
}

/* KEYPOLICY, for the two sealing keys. */
static void apply_policy(struct enclave *e, const struct sgx_keyrequest *q,
                         struct key_dependencies *d)
{
    const struct sgx_secs *s = &e->shared->secs;

    d->key_policy = q->key_policy;
    if (!(q->key_policy & SGX_POLICY_NOISVPRODID)) {
        d->isv_prod_id = s->isv_prod_id;
    }
    if (q->key_policy & SGX_POLICY_CONFIGID) {
        memcpy(d->config_id, s->config_id, 64);
        d->config_svn = q->config_svn;
    }
    if (q->key_policy & SGX_POLICY_ISVFAMILYID) {
        memcpy(d->isv_family_id, e->shared->isv_family_id, 16);
    }
    if (q->key_policy & SGX_POLICY_ISVEXTPRODID) {
        memcpy(d->isv_ext_prod_id, e->shared->isv_ext_prod_id, 16);
    }
}

static enum sgx_error depend(struct enclave *e, const struct sgx_keyrequest *q,
                             struct key_dependencies *d)
{
    const struct sgx_secs *s = &e->shared->secs;
    enum sgx_error error = SGX_SUCCESS;

    memset(d, 0, sizeof(*d));
    d->key_name = q->key_name;
    switch (q->key_name) {
    case SGX_KEY_REPORT:
        /* As EREPORT derives it for this enclave as target. */
        d->attributes = s->attributes;
        d->miscselect = s->miscselect;
        d->config_svn = s->config_svn;
        memcpy(d->config_id, s->config_id, 64);
        memcpy(d->mrenclave, s->mrenclave, 32);
        memcpy(d->cpu_svn, machine.cpu_svn, 16);
        memcpy(d->key_id, q->key_id, 32);
        return SGX_SUCCESS;
    case SGX_KEY_SEAL:
        error = requested(s, q, d);
        apply_policy(e, q, d);
        if (q->key_policy & SGX_POLICY_MRENCLAVE) {
            memcpy(d->mrenclave, s->mrenclave, 32);
        }
        if (q->key_policy & SGX_POLICY_MRSIGNER) {
            memcpy(d->mrsigner, s->mrsigner, 32);
        }
        memcpy(d->key_id, q->key_id, 32);
        return error;
    case SGX_KEY_PROVISION:
    case SGX_KEY_PROVISION_SEAL:
        if (!(s->attributes.flags & SGX_ATTR_PROVISION)) {
            return SGX_INVALID_ATTRIBUTE;
        }
        error = requested(s, q, d);
        if (q->key_name == SGX_KEY_PROVISION_SEAL) {
            apply_policy(e, q, d);
        } else {
            d->isv_prod_id = s->isv_prod_id;
        }
        memcpy(d->mrsigner, s->mrsigner, 32);
        return error;
    case SGX_KEY_EINITTOKEN:
        if (!(s->attributes.flags & SGX_ATTR_EINITTOKEN)) {
            return SGX_INVALID_ATTRIBUTE;
        }
        error = requested(s, q, d);
        d->isv_prod_id = s->isv_prod_id;
        memcpy(d->mrsigner, s->mrsigner, 32);
        memcpy(d->key_id, q->key_id, 32);
        return error;
    default:
        return SGX_INVALID_KEYNAME;
    }
}

struct fault leaf_egetkey(struct thread *t, ucontext_t *uc)
{
    struct enclave *e = t->enclave;
    uint64_t attributes = e->shared->secs.attributes.flags;
    struct key_dependencies d;
    struct sgx_keyrequest q;
    enum sgx_error error;
    uint8_t *request, *out, key[16];
    struct fault f =
        operand(e, (uint64_t)REG(uc, RBX), 512, SGX_SECINFO_R, &request);

    if (f.vector == NO_VECTOR) {
        f = operand(e, (uint64_t)REG(uc, RCX), 16, SGX_SECINFO_W, &out);
    }
    if (f.vector != NO_VECTOR) {
        return f;
    }
    memcpy(&q, request, sizeof(q));
    if (!zero(q.reserved2, sizeof(q.reserved2)) || q.reserved1 ||
        q.cet_attributes_mask || q.key_policy & ~0x3fu) {
        return GP_FAULT;
    }
    if (!(attributes & SGX_ATTR_KSS) &&
        (q.key_policy & SGX_POLICY_KSS || q.config_svn)) {
        return GP_FAULT;
    }
    error = depend(e, &q, &d);
    if (error == SGX_SUCCESS) {
        key_derive(&d, key);
        memcpy(out, key, 16);
    }
    leaf_done(uc, error);
    return NO_FAULT;
}
