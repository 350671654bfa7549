/* SPDX-License-Identifier: MIT
 *
 * The ChaCha20 block function, as RFC 8439 writes it down. Constant time: no
 * branch or address depends on what is secret. Little-endian machines only,
 * as all of ours are.
 */
#include "kernel/crypto/chacha20.h"
#include "lib/string.h"

static inline uint32_t rotate(uint32_t x, int n)
{
    return x << n | x >> (32 - n);
}

static inline __attribute__((always_inline)) void
quarter(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
    *a += *b;
    *d = rotate(*d ^ *a, 16);
    *c += *d;
    *b = rotate(*b ^ *c, 12);
    *a += *b;
    *d = rotate(*d ^ *a, 8);
    *c += *d;
    *b = rotate(*b ^ *c, 7);
}

static void block(const uint32_t in[16], uint8_t *out)
{
    uint32_t x[16];

    memcpy(x, in, sizeof(x));
    for (int i = 0; i < 10; i++) {
        quarter(&x[0], &x[4], &x[8], &x[12]);
        quarter(&x[1], &x[5], &x[9], &x[13]);
        quarter(&x[2], &x[6], &x[10], &x[14]);
        quarter(&x[3], &x[7], &x[11], &x[15]);
        quarter(&x[0], &x[5], &x[10], &x[15]);
        quarter(&x[1], &x[6], &x[11], &x[12]);
        quarter(&x[2], &x[7], &x[8], &x[13]);
        quarter(&x[3], &x[4], &x[9], &x[14]);
    }
    for (int i = 0; i < 16; i++) {
        x[i] += in[i];
    }
    memcpy(out, x, sizeof(x));
    wipe(x, sizeof(x));
}

void chacha20_blocks(const uint32_t key[8], uint32_t counter,
                     const uint32_t nonce[3], uint8_t *out, size_t blocks)
{
    uint32_t state[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};

    memcpy(&state[4], key, CHACHA20_KEY);
    memcpy(&state[13], nonce, 3 * sizeof(uint32_t));
    for (state[12] = counter; blocks > 0; blocks--, state[12]++) {
        block(state, out);
        out += CHACHA20_BLOCK;
    }
    wipe(state, sizeof(state));
}
