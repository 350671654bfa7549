/* SPDX-License-Identifier: MIT
 *
 * Prints GB/s of verity_read() over an image in memory, by what the CPU may
 * use and by how many blocks are asked for at once. Not a test.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "abi/image.h"
#include "kernel/crypto/crypto.h"
#include "kernel/crypto/tests/stubs.h"
#include "kernel/fs/tests/image_file.h"

static _Alignas(4096) uint8_t memory[VERITY_BATCH][IMAGE_BLOCK];
static void *pages[VERITY_BATCH];

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * 1e9 + t.tv_nsec;
}

static double best(struct image_file *f, unsigned step)
{
    double shortest = 1e18;
    uint64_t blocks = 0;

    for (int round = 0; round < 5; round++) {
        struct verity *v;
        double t = now();

        if (verity_open(&f->source, f->size, f->root_hash, &v)) {
            abort();
        }
        blocks = verity_blocks(v);
        for (uint64_t b = 0; b < blocks;) {
            b += (uint64_t)verity_read(v, b, step, pages);
        }
        verity_close(v);
        t = now() - t;
        shortest = t < shortest ? t : shortest;
    }
    return (double)blocks * IMAGE_BLOCK / shortest;
}

int main(void)
{
    static const unsigned long masks[] = {0, 1, 7, 0xf, 0x17, 0x1f};
    static const unsigned steps[] = {1, 8, 16, 64};
    struct image_file f;

    for (unsigned i = 0; i < VERITY_BATCH; i++) {
        pages[i] = memory[i];
    }
    if (!test_shell("mkdir b; head -c 64000000 /dev/urandom > b/f") ||
        !image_file_make(&f, "b", "b.img")) {
        return 1;
    }
    for (unsigned m = 0; m < sizeof(masks) / sizeof(*masks); m++) {
        if ((stub_cpu_features() & masks[m]) != masks[m]) {
            continue;
        }
        crypto_init(masks[m]);
        printf("features %#4lx:", masks[m]);
        for (unsigned s = 0; s < 4; s++) {
            printf("  %2u blocks %.2f", steps[s], best(&f, steps[s]));
        }
        printf(" GB/s\n");
    }
    image_file_free(&f);
    return 0;
}
