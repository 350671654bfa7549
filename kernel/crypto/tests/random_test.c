/* SPDX-License-Identifier: MIT
 *
 * ChaCha20 against the vectors of RFC 8439, and the generator: seeded, never
 * the same twice, reseeded in time, nothing of what it gave out left behind.
 */
#include <stdlib.h>
#include <string.h>

#include "arch/x86_64/vcpu.h"
#include "kernel/crypto/chacha20.h"
#include "kernel/crypto/crypto.h"
#include "lib/tests/unit.h"
#include "target/target.h"

static unsigned seeds;

/* Poor entropy, on purpose: the same sequence in each run. */
void target_random(void *buf, size_t len)
{
    memset(buf, (int)++seeds, len);
}

static bool block_is(const uint8_t key[32], uint32_t counter,
                     const uint8_t nonce[12], const char *want)
{
    uint32_t k[8], n[3];
    uint8_t out[CHACHA20_BLOCK];
    char text[2 * CHACHA20_BLOCK + 1];

    memcpy(k, key, sizeof(k));
    memcpy(n, nonce, sizeof(n));
    chacha20_blocks(k, counter, n, out, 1);
    for (int i = 0; i < CHACHA20_BLOCK; i++) {
        sprintf(text + 2 * i, "%02x", out[i]);
    }
    return strcmp(text, want) == 0;
}

static void vectors(void)
{
    uint8_t key[32] = {0}, nonce[12] = {0};

    /* A.1, test vectors 1, 2 and 3 */
    EXPECT(block_is(key, 0, nonce,
                    "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc"
                    "8b770dc7da41597c5157488d7724e03fb8d84a376a43b8f41518a11c"
                    "c387b669b2ee6586"));
    EXPECT(block_is(key, 1, nonce,
                    "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e"
                    "32ee7aed29b721769ce64e43d57133b074d839d531ed1f28510afb45"
                    "ace10a1f4b794d6f"));
    key[31] = 1;
    EXPECT(block_is(key, 1, nonce,
                    "3aeb5224ecf849929b9d828db1ced4dd832025e8018b8160b82284f3"
                    "c949aa5a8eca00bbb4a73bdad192b5c42f73f2fd4e273644c8b36125"
                    "a64addeb006c13a0"));
    /* 2.3.2 */
    for (int i = 0; i < 32; i++) {
        key[i] = (uint8_t)i;
    }
    nonce[3] = 9;
    nonce[7] = 0x4a;
    EXPECT(block_is(key, 1, nonce,
                    "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9a"
                    "c3d46c4ed2826446079faa0914c2d705d98b02a2b5129cd1de164eb9"
                    "cbd083e8a2503c4e"));
}

static void many_blocks(void)
{
    uint32_t key[8] = {7}, nonce[3] = {1, 2, 3};
    uint8_t all[4 * CHACHA20_BLOCK], one[CHACHA20_BLOCK];

    chacha20_blocks(key, 5, nonce, all, 4);
    for (uint32_t i = 0; i < 4; i++) {
        chacha20_blocks(key, 5 + i, nonce, one, 1);
        EXPECT(memcmp(one, all + i * CHACHA20_BLOCK, sizeof(one)) == 0);
    }
}

static void generator(void)
{
    static struct vcpu vcpu;
    static uint8_t a[70000], b[70000];
    size_t lens[] = {1, 16, 31, 100, 479, 480, 481, 511, 512, 513, 70000};

    vcpu.self = &vcpu;
    vcpu_set_gs(&vcpu);
    random_bytes(a, 0);
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        unsigned zeros = 0;

        memset(a, 0, sizeof(a));
        memset(b, 0, sizeof(b));
        random_bytes(a, lens[i]);
        random_bytes(b, lens[i]);
        EXPECT(lens[i] < 16 || memcmp(a, b, lens[i]) != 0);
        for (size_t k = 0; k < lens[i]; k++) {
            zeros += !a[k];
        }
        EXPECT(lens[i] < 100 || zeros < lens[i] / 16);
        EXPECT(lens[i] == sizeof(a) || !a[lens[i]]); /* no byte too many */
    }
}

static void reseeding(void)
{
    static uint8_t a[8192];
    unsigned before = seeds;

    for (int i = 0; i < 3 * 128; i++) { /* 3 MiB */
        random_bytes(a, sizeof(a));
    }
    EXPECT(seeds >= before + 2 && seeds <= before + 4);
}

int main(void)
{
    RUN(vectors);
    RUN(many_blocks);
    RUN(generator);
    RUN(reseeding);
    return unit_result();
}
