/* SPDX-License-Identifier: MIT */
/*
 * SIGSTRUCT: its fixed headers and its RSA signature (SDM, "Enclave Signature
 * Structure" and EINIT). What it says of attributes and identity is EINIT's
 * business (leaves_build.c).
 */
#include "sgxemu/enclave.h"

static const uint8_t header[16] = {6, 0, 0, 0, 0xe1, 0, 0, 0, 0, 0, 1, 0};
static const uint8_t header2[16] = {1,    1, 0, 0, 0x60, 0, 0, 0,
                                    0x60, 0, 0, 0, 1,    0, 0, 0};

static bool all_zero(const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    uint8_t any = 0;

    for (size_t i = 0; i < n; i++) {
        any |= p[i];
    }
    return any == 0;
}

static bool well_formed(const struct sgx_sigstruct *s)
{
    return memcmp(s->header, header, 16) == 0 &&
           (s->vendor == 0 || s->vendor == 0x8086) &&
           memcmp(s->header2, header2, 16) == 0 && s->exponent == 3 &&
           all_zero(s->reserved1, sizeof(s->reserved1)) &&
           all_zero(s->reserved2, sizeof(s->reserved2)) &&
           all_zero(s->reserved3, sizeof(s->reserved3)) &&
           all_zero(s->reserved4, sizeof(s->reserved4));
}

/* PKCS #1 v1.5 (RFC 8017, 9.2), little-endian as SIGSTRUCT is. */
static void encoded_message(const struct sgx_sigstruct *s, uint8_t em[384])
{
    static const uint8_t digest_info[] = {
        0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
        0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
    uint8_t signed_part[256], digest[32], big[384];
    size_t info_at = 384 - 32 - sizeof(digest_info);

    /* The two signed runs: everything before the key, everything after. */
    memcpy(signed_part, s, 128);
    memcpy(signed_part + 128, &s->miscselect, 128);
    sha256_of(signed_part, sizeof(signed_part), digest);
    memset(big, 0xff, sizeof(big));
    big[0] = 0;
    big[1] = 1;
    big[info_at - 1] = 0;
    memcpy(big + info_at, digest_info, sizeof(digest_info));
    memcpy(big + 384 - 32, digest, 32);
    for (int i = 0; i < 384; i++) {
        em[i] = big[383 - i];
    }
}

enum sgx_error sigstruct_verify(const struct sgx_sigstruct *s)
{
    uint8_t em[384];

    if (!well_formed(s)) {
        return SGX_INVALID_SIG_STRUCT;
    }
    encoded_message(s, em);
    if (!rsa3_verify(s->modulus, s->signature, s->q1, s->q2, em)) {
        return SGX_INVALID_SIGNATURE;
    }
    return SGX_SUCCESS;
}
