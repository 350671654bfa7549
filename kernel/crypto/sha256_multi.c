/* SPDX-License-Identifier: MIT
 *
 * SHA-256 of many equally long blocks at once, one block a lane, for verity.
 *
 * A lane hashes salt || block || padding. What lies whole inside the block is
 * hashed in place; the pieces that straddle an edge (an odd salt's end with
 * the block's beginning, the block's end with the padding) are put together
 * in a small buffer. With no salt, or one of a multiple of 64 bytes, only the
 * padding remains, and all lanes share it.
 *
 * Which way for how many blocks is decided by measurement (GB/s of 4 KiB
 * blocks on a 2 GHz Sapphire Rapids core): ipsec-mb's sixteen lanes 3.1,
 * OpenSSL's pairs with SHA-NI 1.8, one with SHA-NI 1.3, OpenSSL's eight lanes
 * on AVX2 1.2, its four on AVX 0.6, one on AVX2 0.38. A batch that is not full
 * costs as much as a full one, hence the smallest count from which each pays.
 */
#include "kernel/crypto/crypto.h"
#include "kernel/crypto/backend.h"
#include "kernel/core/log.h"
#include "arch/x86_64/fpu.h"
#include "lib/string.h"

enum { LANES_MAX = 16 };

struct method {
    unsigned lanes; /* blocks of a full batch */
    unsigned min;   /* from this many on it is the best */
    /* Adds `blocks` (at least 1) 64-byte blocks of data[lane] to h[lane]. */
    void (*run)(uint32_t (*h)[8], const uint8_t *const *data, unsigned lanes,
                size_t blocks);
};

static void run_x16(uint32_t (*h)[8], const uint8_t *const *data,
                    unsigned lanes, size_t blocks)
{
    struct ipsec_lanes l;

    for (unsigned i = 0; i < 16; i++) {
        unsigned from = i < lanes ? i : 0; /* idle lanes repeat the first */

        l.data[i] = data[from];
        for (unsigned k = 0; k < 8; k++) {
            l.h[k][i] = h[from][k];
        }
    }
    call_sha256_x16_avx512_from_c(&l, blocks);
    for (unsigned i = 0; i < lanes; i++) {
        for (unsigned k = 0; k < 8; k++) {
            h[i][k] = l.h[k][i];
        }
    }
}

static void run_x8(uint32_t (*h)[8], const uint8_t *const *data, unsigned lanes,
                   size_t blocks)
{
    struct ossl_input input[8] = {0};
    struct ossl_lanes l;

    for (unsigned i = 0; i < lanes; i++) {
        input[i].data = data[i];
        input[i].blocks = blocks;
        for (unsigned k = 0; k < 8; k++) {
            l.h[k][i] = h[i][k];
        }
    }
    sha256_multi_block(&l, input, lanes > 4 ? 2 : 1);
    for (unsigned i = 0; i < lanes; i++) {
        for (unsigned k = 0; k < 8; k++) {
            h[i][k] = l.h[k][i];
        }
    }
}

static void run_x1(uint32_t (*h)[8], const uint8_t *const *data, unsigned lanes,
                   size_t blocks)
{
    for (unsigned i = 0; i < lanes; i++) {
        sha256_compress(h[i], data[i], blocks);
    }
}

/* The ways for this CPU, the widest first; the last takes what is left. */
static struct method methods[3] = {{1, 1, run_x1}};
static unsigned lanes_idle = 1; /* of the way for a single block, pairs at
                                   least where there is SHA-NI */

void crypto_init(uint64_t features)
{
    struct method *m = methods;
    bool ni = features & CRYPTO_SHA_NI;

    crypto_cpu = features;
    /* Bit positions: SDM vol. 2, CPUID; EDX bit 30 is OpenSSL's for Intel. */
    OPENSSL_ia32cap_P[0] = 1u << 30 | 1u << 25 | 1u << 26 | 1u << 24;
    OPENSSL_ia32cap_P[1] = (features & CRYPTO_SSSE3 ? 1u << 9 : 0) |
                           (features & CRYPTO_AVX ? 1u << 28 | 1u << 27 : 0);
    OPENSSL_ia32cap_P[2] =
        (features & CRYPTO_AVX2 ? 1u << 5 : 0) | (ni ? 1u << 29 : 0);
    if (features & CRYPTO_AVX512) {
        *m++ = (struct method){16, ni ? 9 : 2, run_x16};
    }
    if (ni || features & CRYPTO_AVX2) {
        *m++ = (struct method){8, ni ? 2 : 3, run_x8};
    } else if (features & CRYPTO_AVX) {
        *m++ = (struct method){4, 3, run_x8};
    }
    *m = (struct method){1, 1, run_x1};
    lanes_idle = ni ? 2 : methods[0].lanes;
}

size_t sha256_lanes(void)
{
    return lanes_idle;
}

uint64_t crypto_features(uint32_t leaf1_ecx, uint32_t leaf7_ebx, uint64_t xcr0)
{
    bool avx = (xcr0 & 6) == 6 && leaf1_ecx & 1u << 28;
    bool avx512 = avx && (xcr0 & 0xe0) == 0xe0;
    uint32_t f_bw_vl = 1u << 16 | 1u << 30 | 1u << 31;
    uint64_t f = 0;

    f |= leaf1_ecx & 1u << 9 ? CRYPTO_SSSE3 : 0;
    f |= avx ? CRYPTO_AVX : 0;
    f |= avx && leaf7_ebx & 1u << 5 ? CRYPTO_AVX2 : 0;
    f |= leaf7_ebx & 1u << 29 && leaf1_ecx & 1u << 19 ? CRYPTO_SHA_NI : 0;
    f |= avx512 && (leaf7_ebx & f_bw_vl) == f_bw_vl ? CRYPTO_AVX512 : 0;
    return f;
}

/* What all lanes of one call have in common. */
struct message {
    size_t len;         /* of a block */
    uint32_t h[8];      /* the state after the salt's whole 64-byte blocks */
    const uint8_t *odd; /* the rest of the salt ... */
    size_t odd_len;     /* ... 0 to 63 bytes */
    uint64_t bits_be;   /* length of salt and block in bits, big-endian */
    uint8_t tail[2 * SHA256_BLOCK]; /* padding when nothing is odd */
};

/* Appends the padding at p + used; returns the number of 64-byte blocks. */
static size_t pad(const struct message *m, uint8_t *p, size_t used)
{
    size_t size = used < 56 ? SHA256_BLOCK : 2 * SHA256_BLOCK;

    memset(p + used, 0, size - used);
    p[used] = 0x80;
    memcpy(p + size - 8, &m->bits_be, 8);
    return size / SHA256_BLOCK;
}

static void message_init(struct message *m, size_t len, const void *salt,
                         size_t salt_len)
{
    const uint8_t *bytes = salt_len ? salt : (const void *)"";
    size_t whole = salt_len / SHA256_BLOCK;

    m->len = len;
    memcpy(m->h, sha256_iv, sizeof(m->h));
    sha256_compress_c(m->h, bytes, whole);
    m->odd = bytes + whole * SHA256_BLOCK;
    m->odd_len = salt_len % SHA256_BLOCK;
    m->bits_be = __builtin_bswap64((uint64_t)(salt_len + len) * 8);
}

/* Everything 64-byte aligned within the message. */
static void run_even(const struct method *way, struct message *m,
                     uint32_t (*h)[8], const uint8_t *const *blocks,
                     unsigned lanes)
{
    const uint8_t *data[LANES_MAX] = {0};
    size_t tail = pad(m, m->tail, 0);

    way->run(h, blocks, lanes, m->len / SHA256_BLOCK);
    for (unsigned i = 0; i < lanes; i++) {
        data[i] = m->tail;
    }
    way->run(h, data, lanes, tail);
}

static __attribute__((noinline)) void
run_odd(const struct method *way, const struct message *m, uint32_t (*h)[8],
        const uint8_t *const *blocks, unsigned lanes)
{
    uint8_t edge[LANES_MAX][2 * SHA256_BLOCK];
    const uint8_t *at_edge[LANES_MAX] = {0}, *data[LANES_MAX] = {0};
    size_t first = m->odd_len ? SHA256_BLOCK - m->odd_len : 0;
    size_t inside = (m->len - first) / SHA256_BLOCK;
    size_t last = (m->len - first) % SHA256_BLOCK;
    size_t tail = 0;

    for (unsigned i = 0; i < lanes; i++) {
        memcpy(edge[i], m->odd, m->odd_len);
        memcpy(edge[i] + m->odd_len, blocks[i], first);
        at_edge[i] = edge[i];
        data[i] = blocks[i] + first;
    }
    if (first) {
        way->run(h, at_edge, lanes, 1);
    }
    if (inside) {
        way->run(h, data, lanes, inside);
    }
    for (unsigned i = 0; i < lanes; i++) {
        memcpy(edge[i], data[i] + inside * SHA256_BLOCK, last);
        tail = pad(m, edge[i], last);
    }
    way->run(h, at_edge, lanes, tail);
}

static const struct method *method_for(size_t count)
{
    const struct method *m = methods;

    while (count < m->min) {
        m++;
    }
    return m;
}

void sha256_blocks_multi(const uint8_t *const blocks[], size_t count,
                         size_t len, const void *salt, size_t salt_len,
                         uint8_t (*out)[SHA256_SIZE])
{
    uint32_t h[LANES_MAX][8];
    struct message m;

    check(len >= SHA256_BLOCK);
    message_init(&m, len, salt, salt_len);
    crypto_vector_begin();
    while (count) {
        const struct method *way = method_for(count);
        unsigned lanes = MIN(count, (size_t)way->lanes);

        for (unsigned i = 0; i < lanes; i++) {
            memcpy(h[i], m.h, sizeof(m.h));
        }
        if (m.odd_len || len % SHA256_BLOCK) {
            run_odd(way, &m, h, blocks, lanes);
        } else {
            run_even(way, &m, h, blocks, lanes);
        }
        for (unsigned i = 0; i < lanes; i++) {
            sha256_store(h[i], 1, out[i]);
        }
        blocks += lanes;
        out += lanes;
        count -= lanes;
    }
    crypto_vector_end();
}
