/* SPDX-License-Identifier: MIT */
/*
 * RSA-3072 with exponent 3, the way EINIT does it: SIGSTRUCT brings the two
 * quotients, so that verification is four multiplications and no division
 * (SDM, EINIT: q1 = S^2 / M, q2 = (S^3 - q1 S M) / M). The comparisons make
 * sure that the quotients are the true ones: each remainder is below M.
 */
#include "sgxemu/crypto.h"

#include <string.h>

#define LIMBS 96 /* of 32 bits, little-endian */

static void multiply(const uint32_t *a, const uint32_t *b,
                     uint32_t product[2 * LIMBS])
{
    memset(product, 0, 2 * LIMBS * sizeof(*product));
    for (int i = 0; i < LIMBS; i++) {
        uint64_t carry = 0;

        for (int j = 0; j < LIMBS; j++) {
            carry += (uint64_t)a[i] * b[j] + product[i + j];
            product[i + j] = (uint32_t)carry;
            carry >>= 32;
        }
        product[i + LIMBS] = (uint32_t)carry;
    }
}

static int less(const uint32_t *a, const uint32_t *b)
{
    for (int i = LIMBS - 1; i >= 0; i--) {
        if (a[i] != b[i]) {
            return a[i] < b[i];
        }
    }
    return 0;
}

/* rest = a * b - q * m; true when 0 <= rest < m. */
static int reduce(const uint32_t *a, const uint32_t *b, const uint32_t *q,
                  const uint32_t *m, uint32_t rest[LIMBS])
{
    uint32_t ab[2 * LIMBS], qm[2 * LIMBS];
    int64_t borrow = 0;

    multiply(a, b, ab);
    multiply(q, m, qm);
    for (int i = 0; i < 2 * LIMBS; i++) {
        borrow += (int64_t)ab[i] - qm[i];
        ab[i] = (uint32_t)borrow;
        borrow >>= 32;
    }
    for (int i = LIMBS; i < 2 * LIMBS; i++) {
        if (ab[i]) {
            return 0;
        }
    }
    memcpy(rest, ab, LIMBS * sizeof(*rest));
    return borrow == 0 && less(rest, m);
}

int rsa3_verify(const uint8_t modulus[384], const uint8_t signature[384],
                const uint8_t q1[384], const uint8_t q2[384],
                const uint8_t em[384])
{
    uint32_t m[LIMBS], s[LIMBS], q[LIMBS], rest[LIMBS];

    memcpy(m, modulus, 384);
    memcpy(s, signature, 384);
    memcpy(q, q1, 384);
    if (!less(s, m) || !reduce(s, s, q, m, rest)) {
        return 0;
    }
    memcpy(q, q2, 384);
    return reduce(s, rest, q, m, rest) && memcmp(rest, em, 384) == 0;
}
