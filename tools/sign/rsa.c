/* SPDX-License-Identifier: MIT
 *
 * RSA-3072 with exponent 3 through libcrypto: keys, signatures and the two
 * quotients that let EINIT verify without dividing (SDM, EINIT). SIGSTRUCT
 * holds numbers with the lowest byte first, OpenSSL with the highest.
 */
#include "tools/sign/sign.h"
#include "tools/image/util.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BITS = 3072, BYTES = BITS / 8 };

/* ---- keys ---- */

int sign_keygen(const char *path)
{
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    BIGNUM *three = BN_new();
    EVP_PKEY *key = NULL;
    FILE *f = NULL;
    int fd, err = -1;

    if (!c || !three || !BN_set_word(three, 3) || EVP_PKEY_keygen_init(c) < 1 ||
        EVP_PKEY_CTX_set_rsa_keygen_bits(c, BITS) < 1 ||
        EVP_PKEY_CTX_set1_rsa_keygen_pubexp(c, three) < 1 ||
        EVP_PKEY_generate(c, &key) < 1) {
        image_error("cannot make a key: libcrypto refused");
        goto out;
    }
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!f) {
        image_error("cannot write %s: %s%s", path, strerror(errno),
                    errno == EEXIST ? "; a key is never replaced" : "");
        goto out;
    }
    if (PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) < 1 ||
        fflush(f) || fsync(fileno(f))) {
        image_error("cannot write %s: %s", path, strerror(errno));
        unlink(path); /* half a key would be in the way of the next try */
        goto out;
    }
    err = 0;
out:
    if (f) {
        fclose(f);
    }
    EVP_PKEY_free(key);
    BN_free(three);
    EVP_PKEY_CTX_free(c);
    return err;
}

static BIGNUM *key_number(const EVP_PKEY *key, const char *name)
{
    BIGNUM *n = NULL;

    EVP_PKEY_get_bn_param(key, name, &n);
    return n;
}

/* A private key, or a public one. The modulus goes into s. */
static EVP_PKEY *read_key(const char *path, bool private,
                          struct sgx_sigstruct *s)
{
    FILE *f = fopen(path, "re");
    EVP_PKEY *key = NULL;
    BIGNUM *n = NULL, *e = NULL;
    bool good;

    if (!f) {
        image_error("cannot read the key %s: %s", path, strerror(errno));
        return NULL;
    }
    key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
    if (!key && !private) {
        rewind(f);
        key = PEM_read_PUBKEY(f, NULL, NULL, NULL);
    }
    fclose(f);
    if (key && EVP_PKEY_is_a(key, "RSA")) {
        n = key_number(key, OSSL_PKEY_PARAM_RSA_N);
        e = key_number(key, OSSL_PKEY_PARAM_RSA_E);
    }
    good = n && e && BN_num_bits(n) == BITS && BN_is_word(e, 3) &&
           BN_bn2lebinpad(n, s->modulus, BYTES) == BYTES;
    BN_free(n);
    BN_free(e);
    if (good) {
        return key;
    }
    image_error("%s: no %s key of RSA-3072 with exponent 3 in PEM; `enclos "
                "keygen` makes one",
                path, private ? "private" : "public");
    EVP_PKEY_free(key);
    return NULL;
}

/* ---- the quotients ---- */

/* q1 = s^2 / m, q2 = s * (s^2 mod m) / m. */
static bool quotients(const struct sgx_sigstruct *s, uint8_t q1[BYTES],
                      uint8_t q2[BYTES])
{
    BN_CTX *c = BN_CTX_new();
    BIGNUM *m = BN_lebin2bn(s->modulus, BYTES, NULL);
    BIGNUM *sig = BN_lebin2bn(s->signature, BYTES, NULL);
    BIGNUM *product = BN_new(), *q = BN_new(), *rest = BN_new();
    bool good = c && m && sig && product && q && rest && !BN_is_zero(m) &&
                BN_cmp(sig, m) < 0 && BN_sqr(product, sig, c) &&
                BN_div(q, rest, product, m, c) &&
                BN_bn2lebinpad(q, q1, BYTES) == BYTES &&
                BN_mul(product, sig, rest, c) &&
                BN_div(q, NULL, product, m, c) &&
                BN_bn2lebinpad(q, q2, BYTES) == BYTES;

    BN_free(m);
    BN_free(sig);
    BN_free(product);
    BN_free(q);
    BN_free(rest);
    BN_CTX_free(c);
    return good;
}

/* ---- checking ---- */

static EVP_PKEY *key_in(const struct sgx_sigstruct *s)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    BIGNUM *n = BN_lebin2bn(s->modulus, BYTES, NULL), *e = BN_new();
    OSSL_PARAM *params = NULL;
    EVP_PKEY *key = NULL;

    if (build && c && n && e && BN_set_word(e, s->exponent) &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) &&
        (params = OSSL_PARAM_BLD_to_param(build)) != NULL &&
        EVP_PKEY_fromdata_init(c) > 0) {
        EVP_PKEY_fromdata(c, &key, EVP_PKEY_PUBLIC_KEY, params);
    }
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(c);
    BN_free(n);
    BN_free(e);
    return key;
}

static void reverse(uint8_t *to, const uint8_t *from)
{
    for (int i = 0; i < BYTES; i++) {
        to[i] = from[BYTES - 1 - i];
    }
}

bool sign_is_valid(const struct sgx_sigstruct *s)
{
    uint8_t data[SIGN_DATA], sig[BYTES], q1[BYTES], q2[BYTES];
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    EVP_PKEY *key = key_in(s);
    bool good;

    sign_data(s, data);
    reverse(sig, s->signature);
    good = c && key && s->exponent == 3 &&
           EVP_DigestVerifyInit(c, NULL, EVP_sha256(), NULL, key) > 0 &&
           EVP_DigestVerify(c, sig, BYTES, data, sizeof(data)) == 1 &&
           quotients(s, q1, q2) && !memcmp(q1, s->q1, BYTES) &&
           !memcmp(q2, s->q2, BYTES);
    EVP_PKEY_free(key);
    EVP_MD_CTX_free(c);
    return good;
}

/* ---- signing ---- */

static int finish(struct sgx_sigstruct *s, const uint8_t big_endian[BYTES])
{
    reverse(s->signature, big_endian);
    if (!quotients(s, s->q1, s->q2) || !sign_is_valid(s)) {
        return image_error("the signature does not fit the data and the key");
    }
    return 0;
}

int sign_with_key(struct sgx_sigstruct *s, const char *path)
{
    EVP_PKEY *key = read_key(path, true, s);
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    uint8_t data[SIGN_DATA], sig[BYTES];
    size_t len = sizeof(sig);
    int err = -1;

    if (key) {
        sign_data(s, data);
        err = c && EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, key) > 0 &&
                      EVP_DigestSign(c, sig, &len, data, sizeof(data)) > 0 &&
                      len == BYTES
                  ? finish(s, sig)
                  : image_error("cannot sign: libcrypto refused");
    }
    EVP_MD_CTX_free(c);
    EVP_PKEY_free(key);
    return err;
}

int sign_with_signature(struct sgx_sigstruct *s, const char *path,
                        const char *signature)
{
    EVP_PKEY *key = read_key(path, false, s);
    FILE *f = key ? fopen(signature, "re") : NULL;
    uint8_t sig[BYTES + 1];
    int err = -1;

    if (key && !f) {
        image_error("cannot read the signature %s: %s", signature,
                    strerror(errno));
    } else if (key) {
        err = fread(sig, 1, sizeof(sig), f) == BYTES
                  ? finish(s, sig)
                  : image_error("%s: a signature has 384 bytes", signature);
    }
    if (f) {
        fclose(f);
    }
    EVP_PKEY_free(key);
    return err;
}
