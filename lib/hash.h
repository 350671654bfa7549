/* SPDX-License-Identifier: MIT
 *
 * 64-bit hashes for hash tables: seeded, fast on short strings, good in every
 * bit. Built on the 64x64->128 multiply folded to 64 bits. Not cryptographic:
 * a table whose keys an attacker chooses needs a secret seed and must live
 * with slow, never with wrong.
 */
#ifndef LIB_HASH_H
#define LIB_HASH_H

#include "lib/string.h"

static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Odd, about half of their bits set, unrelated (digits of sqrt 2, 3, 5). */
#define HASH_K0 0x6a09e667f3bcc909ull
#define HASH_K1 0xbb67ae8584caa73bull
#define HASH_K2 0x3c6ef372fe94f82bull

static inline uint64_t hash_u64(uint64_t seed, uint64_t value)
{
    return hash_fold(hash_fold(value ^ HASH_K0, seed ^ HASH_K1), HASH_K2);
}

static inline uint64_t hash_load(const uint8_t *p, size_t len)
{
    uint64_t word = 0;
    memcpy(&word, p, len);
    return word;
}

static inline uint64_t hash_bytes(uint64_t seed, const void *data, size_t len)
{
    const uint8_t *p = data;
    uint64_t h = seed ^ HASH_K2, a = 0, b = 0;
    size_t left = len;
    for (; left > 16; left -= 16, p += 16) {
        h = hash_fold(hash_load(p, 8) ^ HASH_K0, hash_load(p + 8, 8) ^ h);
    }
    if (left >= 8) {
        a = hash_load(p, 8);
        b = hash_load(p + left - 8, 8);
    } else if (left >= 4) {
        a = hash_load(p, 4);
        b = hash_load(p + left - 4, 4);
    } else if (left > 0) {
        a = (uint64_t)p[0] << 16 | (uint64_t)p[left / 2] << 8 | p[left - 1];
    }
    return hash_fold(hash_fold(a ^ HASH_K1, b ^ h) ^ len, HASH_K0);
}

#endif
