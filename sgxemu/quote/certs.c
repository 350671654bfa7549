/* SPDX-License-Identifier: MIT */
/*
 * Certificates and CRLs of the emulated platform, shaped as Intel's ("SGX PCK
 * Certificate and Certificate Revocation List Profile Specification"): root,
 * processor CA, TCB signing, and a PCK certificate with the SGX extension
 * 1.2.840.113741.1.13.1. Every subject says EMULATED, NOT A TEE.
 */
#include "sgxemu/quote/platform.h"
#include "sgxemu/emu.h"

#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const subjects[] = {
    EMULATED ": SGX Root CA", EMULATED ": SGX PCK Processor CA",
    EMULATED ": SGX TCB Signing", EMULATED ": SGX PCK Certificate"};

static enum platform_key issuer_of(enum platform_key which)
{
    return which == KEY_PCK ? KEY_CA : KEY_ROOT;
}

/* ---- DER, by hand ---- */
struct der {
    uint8_t bytes[1024];
    size_t n;
};

static void der_put(struct der *d, uint8_t tag, const void *bytes, size_t n)
{
    d->bytes[d->n++] = tag;
    if (n >= 256) {
        d->bytes[d->n++] = 0x82;
        d->bytes[d->n++] = (uint8_t)(n >> 8);
    } else if (n >= 128) {
        d->bytes[d->n++] = 0x81;
    }
    d->bytes[d->n++] = (uint8_t)n;
    memcpy(d->bytes + d->n, bytes, n);
    d->n += n;
}

/* SEQUENCE { 1.2.840.113741.1.13.1.a[.b], value } */
static void der_item(struct der *d, int a, int b, uint8_t tag,
                     const void *value, size_t n)
{
    static const uint8_t base[] = {0x2a, 0x86, 0x48, 0x86, 0xf8,
                                   0x4d, 0x01, 0x0d, 0x01};
    uint8_t oid[11];
    struct der inner = {.n = 0};

    memcpy(oid, base, 9);
    oid[9] = (uint8_t)a;
    oid[10] = (uint8_t)b;
    der_put(&inner, 6, oid, b ? 11 : 10);
    der_put(&inner, tag, value, n);
    der_put(d, 0x30, inner.bytes, inner.n);
}

static void sgx_extension(struct der *d)
{
    static const uint8_t pce_id[2] = {0, 0}, type[1] = {0};
    struct der items = {.n = 0}, tcb = {.n = 0};
    uint8_t ppid[16], pce_svn = PCE_SVN;

    platform_ppid(ppid);
    der_item(&items, 1, 0, 4, ppid, 16);
    for (int i = 0; i < 16; i++) {
        der_item(&tcb, 2, 1 + i, 2, &machine.cpu_svn[i], 1);
    }
    der_item(&tcb, 2, 17, 2, &pce_svn, 1);
    der_item(&tcb, 2, 18, 4, machine.cpu_svn, 16);
    der_item(&items, 2, 0, 0x30, tcb.bytes, tcb.n);
    der_item(&items, 3, 0, 4, pce_id, 2);
    der_item(&items, 4, 0, 4, platform_fmspc(), 6);
    der_item(&items, 5, 0, 10, type, 1);
    d->n = 0;
    der_put(d, 0x30, items.bytes, items.n);
}

static void add_sgx_extension(X509 *x)
{
    ASN1_OBJECT *oid = OBJ_txt2obj("1.2.840.113741.1.13.1", 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension;
    struct der d;

    sgx_extension(&d);
    ASN1_OCTET_STRING_set(value, d.bytes, (int)d.n);
    extension = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, value);
    X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(oid);
}

/* ---- certificates ---- */
static void set_name(X509_NAME *name, enum platform_key which)
{
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               (const uint8_t *)subjects[which], -1, -1, 0);
    X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC,
                               (const uint8_t *)"sgxemu, " EMULATED, -1, -1, 0);
}

static void add_extension(X509 *x, X509 *issuer, int nid, const char *text)
{
    X509_EXTENSION *extension;
    X509V3_CTX ctx;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, text);
    if (extension) {
        X509_add_ext(x, extension, -1);
        X509_EXTENSION_free(extension);
    }
}

/* X509_sign() and then, in place of its random signature, one that is a
 * function of the content. */
static void sign(X509 *x, EVP_PKEY *key, enum platform_key issuer)
{
    const ASN1_BIT_STRING *made;
    uint8_t *body = NULL, *der;
    int n, size;

    if (!X509_sign(x, key, EVP_sha256())) {
        fprintf(stderr, "sgxemu: cannot sign a certificate\n");
        exit(1);
    }
    size = i2d_re_X509_tbs(x, &body);
    n = platform_sign_der(issuer, body, (size_t)size, &der);
    X509_get0_signature(&made, NULL, x);
    ASN1_BIT_STRING_set((ASN1_BIT_STRING *)made, der, n);
    OPENSSL_free(body);
    OPENSSL_free(der);
}

X509 *platform_certificate(enum platform_key which)
{
    bool ca = which == KEY_ROOT || which == KEY_CA;
    EVP_PKEY *key = platform_key(which);
    EVP_PKEY *signer = platform_key(issuer_of(which));
    X509 *x = X509_new();
    X509_NAME *issuer = X509_NAME_new();
    X509 *parent =
        which == KEY_ROOT ? x : platform_certificate(issuer_of(which));

    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 0x5e000001 + which);
    ASN1_TIME_set_string(X509_getm_notBefore(x), "20200101000000Z");
    ASN1_TIME_set_string(X509_getm_notAfter(x), "20491231235959Z");
    X509_set_pubkey(x, key);
    set_name(X509_get_subject_name(x), which);
    set_name(issuer, issuer_of(which));
    X509_set_issuer_name(x, issuer);
    add_extension(x, parent, NID_basic_constraints,
                  ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    add_extension(x, parent, NID_key_usage,
                  ca ? "critical,keyCertSign,cRLSign"
                     : "critical,digitalSignature,nonRepudiation");
    add_extension(x, parent, NID_subject_key_identifier, "hash");
    add_extension(x, parent, NID_authority_key_identifier, "keyid:always");
    if (which == KEY_PCK) {
        add_sgx_extension(x);
    }
    sign(x, signer, issuer_of(which));
    if (parent != x) {
        X509_free(parent);
    }
    X509_NAME_free(issuer);
    EVP_PKEY_free(key);
    EVP_PKEY_free(signer);
    return x;
}

X509_CRL *platform_crl(enum platform_key issuer)
{
    EVP_PKEY *key = platform_key(issuer);
    X509 *parent = platform_certificate(issuer);
    X509_CRL *crl = X509_CRL_new();
    X509_NAME *name = X509_NAME_new();
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    ASN1_TIME *now = ASN1_TIME_set(NULL, time(NULL));
    ASN1_TIME *next = ASN1_TIME_set(NULL, time(NULL) + 30 * 86400);

    set_name(name, issuer);
    X509_CRL_set_version(crl, 1);
    X509_CRL_set_issuer_name(crl, name);
    X509_CRL_set1_lastUpdate(crl, now);
    X509_CRL_set1_nextUpdate(crl, next);
    ASN1_INTEGER_set(number, 1);
    X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0);
    X509_CRL_sign(crl, key, EVP_sha256());
    ASN1_INTEGER_free(number);
    ASN1_TIME_free(now);
    ASN1_TIME_free(next);
    X509_NAME_free(name);
    X509_free(parent);
    EVP_PKEY_free(key);
    return crl;
}

char *platform_chain(enum platform_key leaf)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *data, *copy;
    long n;

    for (;; leaf = issuer_of(leaf)) {
        X509 *x = platform_certificate(leaf);

        PEM_write_bio_X509(out, x);
        X509_free(x);
        if (leaf == KEY_ROOT) {
            break;
        }
    }
    n = BIO_get_mem_data(out, &data);
    copy = malloc((size_t)n + 1);
    memcpy(copy, data, (size_t)n);
    copy[n] = 0;
    BIO_free(out);
    return copy;
}
