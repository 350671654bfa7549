/* SPDX-License-Identifier: MIT
 *
 * SHA-256: the vectors of FIPS 180, every way of hashing many blocks against
 * the C version, and odd salts and lengths.
 */
#include <stdlib.h>
#include <string.h>

#include "kernel/crypto/crypto.h"
#include "kernel/crypto/tests/stubs.h"
#include "lib/tests/unit.h"

static void hex(const uint8_t *in, char *out)
{
    for (int i = 0; i < SHA256_SIZE; i++) {
        sprintf(out + 2 * i, "%02x", in[i]);
    }
}

static bool digest_is(const void *data, size_t len, const char *want)
{
    uint8_t out[SHA256_SIZE];
    char text[2 * SHA256_SIZE + 1];

    sha256(data, len, out);
    hex(out, text);
    return strcmp(text, want) == 0;
}

static void vectors(void)
{
    char *million = malloc(1000000);

    memset(million, 'a', 1000000);
    EXPECT(digest_is("", 0,
                     "e3b0c44298fc1c149afbf4c8996fb924"
                     "27ae41e4649b934ca495991b7852b855"));
    EXPECT(digest_is("abc", 3,
                     "ba7816bf8f01cfea414140de5dae2223"
                     "b00361a396177a9cb410ff61f20015ad"));
    EXPECT(digest_is("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnop"
                     "nopq",
                     56,
                     "248d6a61d20638b8e5c026930c3e6039"
                     "a33ce45964ff2167f6ecedd419db06c1"));
    EXPECT(digest_is(million, 1000000,
                     "cdc76e5c9914fb9281a1c7e284d73e67"
                     "f1809a48a497200e046d39ccc7112cd0"));
    free(million);
}

static void c_agrees_with_vectors(void)
{
    crypto_init(0);
    vectors();
}

static void objects_agree_with_vectors(void)
{
    crypto_init(stub_cpu_features());
    vectors();
}

static void pieces_make_the_same_digest(void)
{
    uint8_t data[3000], whole[SHA256_SIZE], pieces[SHA256_SIZE];
    struct sha256 s;

    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = i * 7 + i / 251;
    }
    sha256(data, sizeof(data), whole);
    for (size_t step = 1; step < 200; step++) {
        sha256_init(&s);
        for (size_t at = 0; at < sizeof(data); at += step) {
            sha256_update(&s, data + at, MIN(step, sizeof(data) - at));
        }
        sha256_final(&s, pieces);
        EXPECT(memcmp(whole, pieces, sizeof(whole)) == 0);
    }
}

enum { BLOCKS = 35, LEN_MAX = 4096 };

static void one_multi(size_t count, size_t len, size_t salt_len)
{
    static uint8_t data[BLOCKS][LEN_MAX + 1], out[BLOCKS][SHA256_SIZE];
    const uint8_t *blocks[BLOCKS];
    uint8_t salt[256], want[SHA256_SIZE];
    struct sha256 s;
    int bad = 0;

    for (size_t i = 0; i < sizeof(salt); i++) {
        salt[i] = rand();
    }
    for (size_t i = 0; i < count; i++) {
        blocks[i] = data[i] + i % 2; /* need not be aligned */
        for (size_t j = 0; j < len; j++) {
            data[i][i % 2 + j] = rand();
        }
    }
    sha256_blocks_multi(blocks, count, len, salt_len ? salt : NULL, salt_len,
                        out);
    for (size_t i = 0; i < count; i++) {
        sha256_init(&s);
        sha256_update(&s, salt, salt_len);
        sha256_update(&s, blocks[i], len);
        sha256_final(&s, want);
        bad += memcmp(want, out[i], sizeof(want)) != 0;
    }
    if (bad) {
        printf("count %zu, len %zu, salt %zu: %d wrong\n", count, len, salt_len,
               bad);
    }
    EXPECT(!bad);
}

static void many(unsigned long features)
{
    static const size_t salts[] = {0, 1, 8, 32, 63, 64, 65, 128, 255, 256};
    static const size_t lens[] = {64, 65, 100, 119, 120, 127, 128, 1000};

    crypto_init(features);
    for (size_t count = 1; count <= BLOCKS; count++) {
        one_multi(count, 4096, 0);
        one_multi(count, 4096, 32);
    }
    for (size_t s = 0; s < ARRAY_SIZE(salts); s++) {
        one_multi(17, 4096, salts[s]);
        for (size_t l = 0; l < ARRAY_SIZE(lens); l++) {
            one_multi(9, lens[l], salts[s]);
        }
    }
}

#define MANY(name, mask)                                                       \
    static void name(void)                                                     \
    {                                                                          \
        many(stub_cpu_features() & (mask));                                    \
    }
MANY(many_blocks_in_c, 0)
MANY(many_blocks_on_avx, CRYPTO_SSSE3 | CRYPTO_AVX)
MANY(many_blocks_on_avx2, CRYPTO_SSSE3 | CRYPTO_AVX | CRYPTO_AVX2)
MANY(many_blocks_on_sha_ni,
     CRYPTO_SSSE3 | CRYPTO_AVX | CRYPTO_AVX2 | CRYPTO_SHA_NI)
MANY(many_blocks_on_avx512, ~(unsigned long)CRYPTO_SHA_NI)
MANY(many_blocks_on_everything, ~0ul)

#define RUN_IF(test, need)                                                     \
    do {                                                                       \
        if ((stub_cpu_features() & (need)) == (need)) {                        \
            RUN(test);                                                         \
        } else {                                                               \
            SKIP(test, "this CPU lacks it");                                   \
        }                                                                      \
    } while (0)

static void features_need_the_enabled_state(void)
{
    uint32_t leaf1 = 1u << 9 | 1u << 19 | 1u << 28, leaf7 = ~0u;

    EXPECT_EQ(crypto_features(leaf1, leaf7, 0xe7), 31);
    EXPECT_EQ(crypto_features(leaf1, leaf7, 7), 15);
    EXPECT_EQ(crypto_features(leaf1, leaf7, 3), CRYPTO_SSSE3 | CRYPTO_SHA_NI);
    EXPECT_EQ(crypto_features(0, leaf7, 0xe7), 0);
}

int main(void)
{
    RUN(c_agrees_with_vectors);
    RUN(objects_agree_with_vectors);
    RUN(pieces_make_the_same_digest);
    RUN(many_blocks_in_c);
    RUN_IF(many_blocks_on_avx, CRYPTO_AVX);
    RUN_IF(many_blocks_on_avx2, CRYPTO_AVX2);
    RUN_IF(many_blocks_on_sha_ni, CRYPTO_SHA_NI);
    RUN_IF(many_blocks_on_avx512, CRYPTO_AVX512);
    RUN(many_blocks_on_everything);
    RUN(features_need_the_enabled_state);
    return unit_result();
}
