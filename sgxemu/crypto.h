/* SPDX-License-Identifier: MIT */
/*
 * The three primitives of SGX: SHA-256, AES-128-CMAC and the RSA-3072 check.
 * They run inside signal handlers, so they keep no state of their own and
 * call only the leaf functions of libcrypto (no allocation, no threads).
 */
#ifndef SGXEMU_CRYPTO_H
#define SGXEMU_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

struct sha256 {
    uint64_t opaque[16];
};

void sha256_start(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *bytes, size_t n);
void sha256_end(const struct sha256 *s, uint8_t digest[32]);
void sha256_of(const void *bytes, size_t n, uint8_t digest[32]);

void aes_cmac(const uint8_t key[16], const void *bytes, size_t n,
              uint8_t mac[16]);

/* Little-endian 3072-bit numbers. True when q1 and q2 are the quotients that
 * EINIT asks for and signature^3 mod modulus is em. */
int rsa3_verify(const uint8_t modulus[384], const uint8_t signature[384],
                const uint8_t q1[384], const uint8_t q2[384],
                const uint8_t em[384]);

#endif
