/* SPDX-License-Identifier: MIT */
/* Keys of the emulated platform, and what its quoting enclave is. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "sgxemu/quote/platform.h"
#include "sgxemu/emu.h"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const labels[] = {"root", "ca", "tcb", "pck", "attest"};

static void derive(const char *label, uint8_t digest[32])
{
    uint8_t message[32 + 16];

    memset(message, 0, sizeof(message));
    memcpy(message, machine.root_key, 32);
    memcpy(message + 32, label, strlen(label));
    SHA256(message, sizeof(message), digest);
}

static EC_KEY *ec_key(enum platform_key which)
{
    EC_KEY *key = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
    const EC_GROUP *group = EC_KEY_get0_group(key);
    EC_POINT *point = EC_POINT_new(group);
    BIGNUM *d, *limit = BN_dup(EC_GROUP_get0_order(group));
    BN_CTX *ctx = BN_CTX_new();
    uint8_t digest[32];

    derive(labels[which], digest);
    d = BN_bin2bn(digest, 32, NULL);
    BN_sub_word(limit, 1);
    BN_mod(d, d, limit, ctx);
    BN_add_word(d, 1);
    EC_POINT_mul(group, point, d, NULL, NULL, ctx);
    if (!EC_KEY_set_private_key(key, d) || !EC_KEY_set_public_key(key, point)) {
        fprintf(stderr, "sgxemu: cannot make the platform's keys\n");
        exit(1);
    }
    EC_POINT_free(point);
    BN_free(d);
    BN_free(limit);
    BN_CTX_free(ctx);
    return key;
}

EVP_PKEY *platform_key(enum platform_key which)
{
    EVP_PKEY *pkey = EVP_PKEY_new();

    EVP_PKEY_assign_EC_KEY(pkey, ec_key(which));
    return pkey;
}

/* The nonce is a function of key and message, so that a platform's
 * certificates are the same bytes whenever they are made. */
static ECDSA_SIG *sign_digest(EC_KEY *key, const uint8_t digest[32])
{
    const EC_GROUP *group = EC_KEY_get0_group(key);
    const BIGNUM *order = EC_GROUP_get0_order(group);
    EC_POINT *point = EC_POINT_new(group);
    BIGNUM *limit = BN_dup(order), *r = BN_new(), *inverse, *k;
    BN_CTX *ctx = BN_CTX_new();
    uint8_t seed[64], nonce[32];
    ECDSA_SIG *sig;

    BN_bn2binpad(EC_KEY_get0_private_key(key), seed, 32);
    memcpy(seed + 32, digest, 32);
    SHA256(seed, sizeof(seed), nonce);
    k = BN_bin2bn(nonce, 32, NULL);
    BN_sub_word(limit, 1);
    BN_mod(k, k, limit, ctx);
    BN_add_word(k, 1);
    EC_POINT_mul(group, point, k, NULL, NULL, ctx);
    EC_POINT_get_affine_coordinates(group, point, r, NULL, ctx);
    BN_mod(r, r, order, ctx);
    inverse = BN_mod_inverse(NULL, k, order, ctx);
    sig = ECDSA_do_sign_ex(digest, 32, inverse, r, key);
    EC_POINT_free(point);
    BN_free(limit);
    BN_free(r);
    BN_free(inverse);
    BN_free(k);
    BN_CTX_free(ctx);
    return sig;
}

int platform_sign_der(enum platform_key which, const void *bytes, size_t n,
                      uint8_t **der)
{
    EC_KEY *key = ec_key(which);
    uint8_t digest[32];
    ECDSA_SIG *sig;
    int size;

    SHA256(bytes, n, digest);
    sig = sign_digest(key, digest);
    *der = NULL;
    size = i2d_ECDSA_SIG(sig, der);
    ECDSA_SIG_free(sig);
    EC_KEY_free(key);
    return size;
}

void platform_sign(enum platform_key which, const void *bytes, size_t n,
                   uint8_t signature[64])
{
    EC_KEY *key = ec_key(which);
    uint8_t digest[32];
    const BIGNUM *r, *s;
    ECDSA_SIG *sig;

    SHA256(bytes, n, digest);
    sig = sign_digest(key, digest);
    ECDSA_SIG_get0(sig, &r, &s);
    BN_bn2binpad(r, signature, 32);
    BN_bn2binpad(s, signature + 32, 32);
    ECDSA_SIG_free(sig);
    EC_KEY_free(key);
}

void platform_public(enum platform_key which, uint8_t point[64])
{
    EC_KEY *key = ec_key(which);
    uint8_t octets[65];

    EC_POINT_point2oct(EC_KEY_get0_group(key), EC_KEY_get0_public_key(key),
                       POINT_CONVERSION_UNCOMPRESSED, octets, 65, NULL);
    memcpy(point, octets + 1, 64);
    EC_KEY_free(key);
}

const uint8_t *platform_fmspc(void)
{
    return (const uint8_t *)"\x00\x90\x6e\x00\x00\x00"; /* nobody's */
}

void platform_ppid(uint8_t ppid[16])
{
    uint8_t digest[32];

    derive("ppid", digest);
    memcpy(ppid, digest, 16);
}

/* ---- the quoting enclave: it has an identity, and no code ---- */
void platform_qe_report(struct sgx_report_body *body)
{
    static const char code[] = "sgxemu quoting enclave: " EMULATED;
    static const char signer[] = "sgxemu: " EMULATED;

    memset(body, 0, sizeof(*body));
    memcpy(body->cpu_svn, machine.cpu_svn, 16);
    body->attributes.flags = SGX_ATTR_INIT | SGX_ATTR_MODE64BIT;
    body->attributes.xfrm = 3;
    SHA256((const uint8_t *)code, sizeof(code) - 1, body->mrenclave);
    SHA256((const uint8_t *)signer, sizeof(signer) - 1, body->mrsigner);
    body->isv_prod_id = QE_PROD;
    body->isv_svn = QE_SVN;
}

void platform_qe_target(struct sgx_targetinfo *target)
{
    struct sgx_report_body body;

    platform_qe_report(&body);
    memset(target, 0, sizeof(*target));
    memcpy(target->measurement, body.mrenclave, 32);
    target->attributes = body.attributes;
}
