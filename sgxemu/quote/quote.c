/* SPDX-License-Identifier: MIT */
/*
 * A version 3 quote ("Intel SGX ECDSA QuoteLibReference", appendix A): header
 * and report body signed by the attestation key, which the quoting enclave's
 * report binds, which the PCK signed; then the PCK certificate chain.
 */
#include "sgxemu/quote/platform.h"
#include "sgxemu/keys.h"

#include <openssl/sha.h>
#include <stdlib.h>

struct quote_header {
    uint16_t version;
    uint16_t key_type; /* 2: ECDSA over P-256 */
    uint32_t tee_type;
    uint16_t qe_svn;
    uint16_t pce_svn;
    uint8_t vendor[16];
    uint8_t user_data[20];
};
_Static_assert(sizeof(struct quote_header) == 48, "quote header");

struct quote_signature {
    uint8_t signature[64];
    uint8_t public[64];
    struct sgx_report_body qe;
    uint8_t qe_signature[64];
    uint16_t auth_size;
    uint8_t auth[32];
    uint16_t data_type; /* 5: PCK chain, PEM */
    uint32_t data_size;
} __attribute__((packed));

static const uint8_t vendor[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c,
                                   0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3,
                                   0x95, 0x7f, 0x06, 0x07};

/* Was the report made for our quoting enclave, on this machine? */
static bool report_valid(const struct sgx_report *report)
{
    struct sgx_targetinfo target;
    uint8_t key[16], mac[16];

    platform_qe_target(&target);
    key_report(&target, report->key_id, key);
    aes_cmac(key, &report->body, sizeof(report->body), mac);
    return memcmp(mac, report->mac, 16) == 0;
}

static void certify(struct quote_signature *s)
{
    uint8_t bound[64 + 32], digest[32];
    struct sgx_report_body qe;

    platform_public(KEY_ATTEST, s->public);
    s->auth_size = 32;
    memset(s->auth, 0, 32);
    memcpy(s->auth, EMULATED, sizeof(EMULATED) - 1);
    platform_qe_report(&qe);
    s->qe = qe;
    memcpy(bound, s->public, 64);
    memcpy(bound + 64, s->auth, 32);
    SHA256(bound, sizeof(bound), digest);
    memcpy(s->qe.report_data, digest, 32);
    platform_sign(KEY_PCK, &s->qe, sizeof(s->qe), s->qe_signature);
}

size_t quote_make(const struct sgx_report *report, uint8_t *out, size_t size)
{
    struct quote_header header = {
        .version = 3, .key_type = 2, .qe_svn = QE_SVN, .pce_svn = PCE_SVN};
    size_t signed_size = sizeof(header) + sizeof(report->body), need;
    struct quote_signature s;
    uint32_t length;
    char *chain;

    if (!report_valid(report)) {
        return 0;
    }
    memset(&s, 0, sizeof(s));
    memcpy(header.vendor, vendor, 16);
    platform_ppid(header.user_data);
    chain = platform_chain(KEY_PCK);
    s.data_type = 5;
    s.data_size = (uint32_t)strlen(chain) + 1;
    length = (uint32_t)sizeof(s) + s.data_size;
    need = signed_size + 4 + length;
    if (need <= size) {
        memcpy(out, &header, sizeof(header));
        memcpy(out + sizeof(header), &report->body, sizeof(report->body));
        platform_sign(KEY_ATTEST, out, signed_size, s.signature);
        certify(&s);
        memcpy(out + signed_size, &length, 4);
        memcpy(out + signed_size + 4, &s, sizeof(s));
        memcpy(out + signed_size + 4 + sizeof(s), chain, s.data_size);
    }
    free(chain);
    return need <= size ? need : 0;
}
