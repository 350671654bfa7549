/* SPDX-License-Identifier: MIT
 *
 * Prints GB/s of sha256_blocks_multi() on 4 KiB blocks, for each set of CPU
 * features up to what this machine has and for several batch sizes. The
 * numbers in sha256_multi.c come from it.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "kernel/crypto/crypto.h"
#include "kernel/crypto/tests/stubs.h"

enum { BLOCKS = 64, LEN = 4096, ROUNDS = 60 };

static _Alignas(LEN) uint8_t data[BLOCKS][LEN];
static uint8_t out[BLOCKS][SHA256_SIZE];

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * 1e9 + t.tv_nsec;
}

static double best_ns(size_t count)
{
    const uint8_t *blocks[BLOCKS];
    double best = 1e18;

    for (size_t i = 0; i < count; i++) {
        blocks[i] = data[i];
    }
    for (int r = 0; r < ROUNDS; r++) {
        double t = now();

        sha256_blocks_multi(blocks, count, LEN, NULL, 0, out);
        t = now() - t;
        best = t < best ? t : best;
    }
    return best;
}

int main(void)
{
    static const struct {
        const char *name;
        unsigned long mask;
    } ways[] = {
        {"C", 0},
        {"SSSE3", 1},
        {"AVX", 3},
        {"AVX2", 7},
        {"AVX-512", 0x17},
        {"SHA-NI", 0xf},
        {"SHA-NI and AVX-512", 0x1f},
    };
    static const size_t counts[] = {1, 2, 4, 8, 9, 12, 16, 64};

    memset(data, 0x5a, sizeof(data));
    for (size_t w = 0; w < sizeof(ways) / sizeof(*ways); w++) {
        if ((stub_cpu_features() & ways[w].mask) != ways[w].mask) {
            continue;
        }
        crypto_init(ways[w].mask);
        printf("%-20s", ways[w].name);
        for (size_t c = 0; c < sizeof(counts) / sizeof(*counts); c++) {
            printf(" %2zu: %.2f", counts[c],
                   counts[c] * (double)LEN / best_ns(counts[c]));
        }
        printf("\n");
    }
    return 0;
}
