/* SPDX-License-Identifier: MIT
 *
 * lib/hash.h: every input bit and the seed matter, and similar keys spread.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/hash.h"
#include "lib/tests/unit.h"

static void hash_every_bit_avalanches(void)
{
    char *key = malloc(40);
    for (size_t len = 1; len <= 40; len++) {
        memset(key, 'k', len);
        uint64_t base = hash_bytes(1, key, len);
        for (size_t bit = 0; bit < len * 8; bit++) {
            key[bit / 8] ^= 1 << bit % 8;
            int changed = __builtin_popcountll(base ^ hash_bytes(1, key, len));
            EXPECT(changed >= 12 && changed <= 52);
            key[bit / 8] ^= 1 << bit % 8;
        }
        EXPECT(base != hash_bytes(2, key, len));
        EXPECT(base != hash_bytes(1, key, len - 1));
    }
    free(key);
}

/* Counted names and page numbers into 4096 buckets: none holds many. */
static void hash_spreads_similar_keys(void)
{
    enum { BUCKETS = 4096, KEYS = 4 * BUCKETS };
    static int names[BUCKETS], pages[BUCKETS];
    int worst = 0;
    for (int i = 0; i < KEYS; i++) {
        char name[20];
        snprintf(name, sizeof(name), "file%d.txt", i);
        int a = ++names[hash_bytes(7, name, strlen(name)) % BUCKETS];
        int b = ++pages[hash_u64(7, (uint64_t)i * 4096) % BUCKETS];
        worst = MAX(worst, MAX(a, b));
    }
    EXPECT(worst <= 20);
}

int main(void)
{
    RUN(hash_every_bit_avalanches);
    RUN(hash_spreads_similar_keys);
    return unit_result();
}
