/* SPDX-License-Identifier: MIT
 *
 * SHA-256, one message at a time (FIPS 180-4), and the choice of what the
 * objects may use.
 *
 * Short messages are hashed in C: saving the program's vector registers costs
 * more than the vector code gains on them.
 */
#include "kernel/crypto/crypto.h"
#include "kernel/crypto/backend.h"
#include "arch/x86_64/fpu.h"
#include "lib/string.h"

/* From this many bytes on the object is faster, save and all. */
enum { VECTOR_MIN = 1024 };

uint64_t crypto_cpu;
uint32_t OPENSSL_ia32cap_P[4];

const uint32_t sha256_iv[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                               0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotr(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

static uint32_t load_be32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return __builtin_bswap32(v);
}

static uint32_t expand(const uint32_t w[16], unsigned i)
{
    uint32_t a = w[(i + 1) % 16], b = w[(i + 14) % 16];

    return w[i % 16] + w[(i + 9) % 16] + (rotr(a, 7) ^ rotr(a, 18) ^ a >> 3) +
           (rotr(b, 17) ^ rotr(b, 19) ^ b >> 10);
}

/* One round; instead of moving eight variables, the callers rename them. */
#define ROUND(a, b, c, d, e, f, g, h, i)                                       \
    do {                                                                       \
        uint32_t t_ = h + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) +           \
                      (g ^ (e & (f ^ g))) + K[i] + w[(i) % 16];                \
                                                                               \
        d += t_;                                                               \
        h = t_ + (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) +                    \
            ((a & b) | (c & (a | b)));                                         \
    } while (0)

static void compress_one(uint32_t s[8], const uint8_t *data)
{
    uint32_t a = s[0], b = s[1], c = s[2], d = s[3];
    uint32_t e = s[4], f = s[5], g = s[6], h = s[7];
    uint32_t w[16] = {0};

    for (unsigned i = 0; i < 64; i += 8) {
        for (unsigned j = i; j < i + 8; j++) {
            w[j % 16] = j < 16 ? load_be32(data + 4 * j) : expand(w, j);
        }
        ROUND(a, b, c, d, e, f, g, h, i);
        ROUND(h, a, b, c, d, e, f, g, i + 1);
        ROUND(g, h, a, b, c, d, e, f, i + 2);
        ROUND(f, g, h, a, b, c, d, e, i + 3);
        ROUND(e, f, g, h, a, b, c, d, i + 4);
        ROUND(d, e, f, g, h, a, b, c, i + 5);
        ROUND(c, d, e, f, g, h, a, b, i + 6);
        ROUND(b, c, d, e, f, g, h, a, i + 7);
    }
    s[0] += a;
    s[1] += b;
    s[2] += c;
    s[3] += d;
    s[4] += e;
    s[5] += f;
    s[6] += g;
    s[7] += h;
}

void sha256_compress_c(uint32_t h[8], const void *data, size_t blocks)
{
    const uint8_t *p = data;

    for (; blocks; blocks--, p += SHA256_BLOCK) {
        compress_one(h, p);
    }
}

void sha256_compress(uint32_t h[8], const void *data, size_t blocks)
{
    if (crypto_cpu) {
        sha256_block_data_order(h, data, blocks);
    } else {
        sha256_compress_c(h, data, blocks);
    }
}

static void compress_some(uint32_t h[8], const void *data, size_t blocks)
{
    if (!crypto_cpu || blocks < VECTOR_MIN / SHA256_BLOCK) {
        sha256_compress_c(h, data, blocks);
        return;
    }
    crypto_vector_begin();
    sha256_block_data_order(h, data, blocks);
    crypto_vector_end();
}

void sha256_init(struct sha256 *s)
{
    memcpy(s->h, sha256_iv, sizeof(s->h));
    s->len = 0;
}

void sha256_update(struct sha256 *s, const void *data, size_t len)
{
    const uint8_t *p = data;
    size_t have = s->len % SHA256_BLOCK;

    s->len += len;
    if (have) {
        size_t n = MIN(len, SHA256_BLOCK - have);

        memcpy(s->buf + have, p, n);
        if (have + n < SHA256_BLOCK) {
            return;
        }
        compress_some(s->h, s->buf, 1);
        p += n;
        len -= n;
    }
    compress_some(s->h, p, len / SHA256_BLOCK);
    if (len % SHA256_BLOCK) {
        memcpy(s->buf, p + len / SHA256_BLOCK * SHA256_BLOCK,
               len % SHA256_BLOCK);
    }
}

void sha256_store(const uint32_t *h, size_t stride, uint8_t *out)
{
    for (unsigned i = 0; i < 8; i++) {
        uint32_t v = __builtin_bswap32(h[i * stride]);

        memcpy(out + 4 * i, &v, sizeof(v));
    }
}

void sha256_final(struct sha256 *s, uint8_t out[SHA256_SIZE])
{
    static const uint8_t pad[SHA256_BLOCK] = {0x80};
    uint64_t bits = __builtin_bswap64(s->len * 8);
    size_t have = s->len % SHA256_BLOCK;

    sha256_update(s, pad, have < 56 ? 56 - have : 120 - have);
    sha256_update(s, &bits, sizeof(bits));
    sha256_store(s->h, 1, out);
}

void sha256(const void *data, size_t len, uint8_t out[SHA256_SIZE])
{
    struct sha256 s;

    sha256_init(&s);
    sha256_update(&s, data, len);
    sha256_final(&s, out);
}
