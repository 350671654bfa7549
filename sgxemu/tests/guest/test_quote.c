/* SPDX-License-Identifier: MIT */
/*
 * A v3 quote from the quoting service, by AESM's protocol, and its signatures
 * as a verifier checks them: attestation key, QE report, PCK chain.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "sgxemu/tests/guest/builder.h"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static uint8_t answer[65536];

/* One exchange. Returns the answer's length; 0: refused. */
static size_t ask(const uint8_t *request, uint32_t n)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX,
                            .sun_path = "/var/run/aesmd/aesm.socket"};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    uint32_t length = 0;
    size_t have = 0;

    if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0 &&
        write(fd, &n, 4) == 4 && write(fd, request, n) == (ssize_t)n &&
        read(fd, &length, 4) == 4 && length <= sizeof(answer)) {
        while (have < length) {
            ssize_t r = read(fd, answer + have, length - have);

            if (r <= 0) {
                break;
            }
            have += (size_t)r;
        }
    }
    close(fd);
    return have;
}

/* The bytes of field 2 of the message in the answer, and its error code. */
static const uint8_t *field2(size_t n, uint64_t *size, uint64_t *error)
{
    const uint8_t *p = answer, *end = answer + n;

    *error = 99;
    for (int depth = 0; p < end; depth++) {
        uint64_t tag = 0, value = 0;

        for (int s = 0; p < end; s += 7) {
            tag |= (uint64_t)(*p & 0x7f) << s;
            if (!(*p++ & 0x80)) {
                break;
            }
        }
        for (int s = 0; p < end; s += 7) {
            value |= (uint64_t)(*p & 0x7f) << s;
            if (!(*p++ & 0x80)) {
                break;
            }
        }
        if (depth == 0) {
            continue; /* into the one message */
        }
        if (tag == (1 << 3)) {
            *error = value;
        } else if (tag == (2 << 3 | 2)) {
            *size = value;
            return p;
        } else if ((tag & 7) == 2) {
            p += value;
        }
    }
    return NULL;
}

static bool verified(EC_KEY *key, const void *bytes, size_t n,
                     const uint8_t signature[64])
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    uint8_t digest[32];
    bool good;

    SHA256(bytes, n, digest);
    ECDSA_SIG_set0(sig, BN_bin2bn(signature, 32, NULL),
                   BN_bin2bn(signature + 32, 32, NULL));
    good = ECDSA_do_verify(digest, 32, sig, key) == 1;
    ECDSA_SIG_free(sig);
    return good;
}

static EC_KEY *point_key(const uint8_t point[64])
{
    EC_KEY *key = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
    BIGNUM *x = BN_bin2bn(point, 32, NULL),
           *y = BN_bin2bn(point + 32, 32, NULL);

    EC_KEY_set_public_key_affine_coordinates(key, x, y);
    BN_free(x);
    BN_free(y);
    return key;
}

/* For sgxemu/tests/quote.py. */
static void save(const uint8_t *q, uint64_t size)
{
    const char *path = getenv("SGXEMU_QUOTE");
    FILE *f = path ? fopen(path, "w") : NULL;

    if (f) {
        fwrite(q, 1, size, f);
        fclose(f);
    }
}

static void check(const uint8_t *q, const struct sgx_report *report)
{
    const uint8_t *s = q + 48 + 384 + 4; /* signature data */
    uint8_t bound[96], digest[32];
    BIO *pem = BIO_new_mem_buf(s + 64 + 64 + 384 + 64 + 2 + 32 + 6, -1);
    X509 *pck = PEM_read_bio_X509(pem, NULL, NULL, NULL);
    X509 *ca = PEM_read_bio_X509(pem, NULL, NULL, NULL);
    X509 *root = PEM_read_bio_X509(pem, NULL, NULL, NULL);
    char name[256] = "";

    ok(q[0] == 3 && q[1] == 0 && q[2] == 2, "quote",
       "version 3, ECDSA over P-256");
    ok(memcmp(q + 48, &report->body, 384) == 0, "quote",
       "carries the report's body");
    ok(verified(point_key(s + 64), q, 48 + 384, s), "quote",
       "the attestation key signed it");
    memcpy(bound, s + 64, 64);
    memcpy(bound + 64, s + 64 + 64 + 384 + 64 + 2, 32);
    SHA256(bound, 96, digest);
    ok(memcmp(s + 128 + 320, digest, 32) == 0, "quote",
       "the QE's report binds that key");
    ok(pck && ca && root &&
           verified(EVP_PKEY_get1_EC_KEY(X509_get_pubkey(pck)), s + 128, 384,
                    s + 128 + 384),
       "quote", "the PCK signed the QE's report");
    ok(pck && ca && root && X509_verify(pck, X509_get_pubkey(ca)) == 1 &&
           X509_verify(ca, X509_get_pubkey(root)) == 1 &&
           X509_verify(root, X509_get_pubkey(root)) == 1,
       "quote", "the chain leads to the root");
    X509_NAME_oneline(X509_get_subject_name(pck), name, sizeof(name));
    ok(strstr(name, "EMULATED, NOT A TEE") != NULL, "quote",
       "the certificate says what it is");
}

void test_quote(void)
{
    static const uint8_t init[] = {15 << 3 | 2, 2, 3 << 3, 0};
    uint8_t request[4 + 3 + 432 + 4];
    uint64_t size, error;
    struct enclave_under_test t;
    struct sgx_targetinfo target;
    struct sgx_report report;
    const uint8_t *p;
    struct op op;

    p = field2(ask(init, sizeof(init)), &size, &error);
    ok(p && error == 0 && size == sizeof(target), "AESM",
       "gives the quoting enclave's TARGETINFO");
    if (p == NULL) {
        return;
    }
    memcpy(&target, p, sizeof(target));
    build(&t);
    put(&t, ADDRESS(&t, DATA_AT), &target, sizeof(target));
    do_enclu(&t, &op, SGX_EREPORT, ADDRESS(&t, DATA_AT),
             ADDRESS(&t, DATA_AT + 1), ADDRESS(&t, DATA_AT + 2));
    get(&t, &report, ADDRESS(&t, DATA_AT + 2), sizeof(report));

    /* getQuoteExReq { report, buf_size = 8192 } */
    memcpy(request, "\x8a\x01\xb6\x03\x0a\xb0\x03", 7);
    memcpy(request + 7, &report, 432);
    memcpy(request + 7 + 432, "\x20\x80\x40", 3);
    p = field2(ask(request, 7 + 432 + 3), &size, &error);
    ok(p && error == 0, "AESM", "quotes a report made for it");
    if (p) {
        save(p, size);
        check(p, &report);
    }
    request[7 + 330] ^= 1;
    p = field2(ask(request, 7 + 432 + 3), &size, &error);
    ok(p == NULL && error != 0, "AESM", "refuses a report with a bit changed");
    build_drop(&t);
}
