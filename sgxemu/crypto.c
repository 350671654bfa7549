/* SPDX-License-Identifier: MIT */
/*
 * SHA-256 and AES-CMAC over libcrypto's block functions. The old entry points
 * SHA256_Update and AES_encrypt are what is wanted: they are pure functions
 * of their arguments, whereas EVP allocates and locks. CMAC: RFC 4493.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "sgxemu/crypto.h"

#include <string.h>
#include <openssl/aes.h>
#include <openssl/sha.h>

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct sha256), "SHA256_CTX");

void sha256_start(struct sha256 *s)
{
    SHA256_Init((SHA256_CTX *)s);
}

void sha256_add(struct sha256 *s, const void *bytes, size_t n)
{
    SHA256_Update((SHA256_CTX *)s, bytes, n);
}

void sha256_end(const struct sha256 *s, uint8_t digest[32])
{
    struct sha256 copy = *s; /* EINIT may fail, and be tried again */

    SHA256_Final(digest, (SHA256_CTX *)&copy);
}

void sha256_of(const void *bytes, size_t n, uint8_t digest[32])
{
    struct sha256 s;

    sha256_start(&s);
    sha256_add(&s, bytes, n);
    sha256_end(&s, digest);
}

static void double_block(uint8_t block[16])
{
    uint8_t carry = block[0] >> 7;

    for (int i = 0; i < 15; i++) {
        block[i] = (uint8_t)(block[i] << 1 | block[i + 1] >> 7);
    }
    block[15] = (uint8_t)(block[15] << 1 ^ (carry ? 0x87 : 0));
}

void aes_cmac(const uint8_t key[16], const void *bytes, size_t n,
              uint8_t mac[16])
{
    const uint8_t *p = bytes;
    uint8_t subkey[16] = {0}, last[16] = {0}, state[16] = {0};
    AES_KEY schedule;
    size_t rest;

    AES_set_encrypt_key(key, 128, &schedule);
    AES_encrypt(subkey, subkey, &schedule);
    double_block(subkey);
    for (; n > 16; n -= 16, p += 16) {
        for (int i = 0; i < 16; i++) {
            state[i] ^= p[i];
        }
        AES_encrypt(state, state, &schedule);
    }
    rest = n;
    memcpy(last, p, rest);
    if (rest < 16) {
        double_block(subkey);
        last[rest] = 0x80;
    }
    for (int i = 0; i < 16; i++) {
        state[i] ^= last[i] ^ subkey[i];
    }
    AES_encrypt(state, mac, &schedule);
}
