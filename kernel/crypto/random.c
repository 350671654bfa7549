/* SPDX-License-Identifier: MIT
 *
 * random_bytes(): a generator a vCPU, so that nobody waits for anybody. Each
 * is ChaCha20 with fast key erasure: a refill of the pool begins with the next
 * key, and bytes are wiped as they leave, so what was given out cannot be
 * computed from what is in memory now. Fresh bits of the target are mixed into
 * the key every RESEED_BYTES, and at each start.
 *
 * Kernel code stays on its vCPU as long as it does not sleep, and nothing
 * here does; no interruption asks for random bytes.
 */
#include "arch/x86_64/vcpu.h"
#include "kernel/crypto/chacha20.h"
#include "kernel/crypto/crypto.h"
#include "kernel/kernel.h"
#include "lib/string.h"
#include "target/target.h"

enum {
    POOL_BLOCKS = 8,
    POOL_SIZE = POOL_BLOCKS * CHACHA20_BLOCK,
    RESEED_BYTES = 1 << 20,
};

struct generator {
    uint32_t key[8];
    uint8_t pool[POOL_SIZE]; /* the last `left` bytes are good */
    size_t left;
    size_t until_reseed; /* bytes; 0: now, and never seeded */
} __attribute__((aligned(64)));

static struct generator generators[VCPU_MAX];
static const uint32_t no_nonce[3];

static void reseed(struct generator *g)
{
    uint32_t fresh[8];

    target_random(fresh, sizeof(fresh));
    for (int i = 0; i < 8; i++) {
        g->key[i] ^= fresh[i];
    }
    wipe(fresh, sizeof(fresh));
    g->until_reseed = RESEED_BYTES;
}

static void refill(struct generator *g)
{
    if (!g->until_reseed) {
        reseed(g);
    }
    chacha20_blocks(g->key, 0, no_nonce, g->pool, POOL_BLOCKS);
    memcpy(g->key, g->pool, CHACHA20_KEY);
    wipe(g->pool, CHACHA20_KEY);
    g->left = POOL_SIZE - CHACHA20_KEY;
    g->until_reseed -= MIN(g->until_reseed, (size_t)POOL_SIZE);
}

static void take(struct generator *g, uint8_t *out, size_t len)
{
    while (len) {
        size_t n = MIN(len, g->left);

        memcpy(out, g->pool + POOL_SIZE - g->left, n);
        wipe(g->pool + POOL_SIZE - g->left, n);
        g->left -= n;
        out += n;
        len -= n;
        if (len) {
            refill(g);
        }
    }
}

/* With a key of its own, which nobody keeps. */
static void stream(struct generator *g, uint8_t *out, size_t blocks)
{
    size_t bytes = blocks * CHACHA20_BLOCK;
    uint32_t key[8];

    take(g, (uint8_t *)key, sizeof(key));
    chacha20_blocks(key, 0, no_nonce, out, blocks);
    wipe(key, sizeof(key));
    g->until_reseed -= MIN(g->until_reseed, bytes);
}

void random_bytes(void *buf, size_t len)
{
    struct generator *g = &generators[this_vcpu()->id];
    uint8_t *out = buf;

    if (!g->until_reseed) {
        g->left = 0;
    }
    while (len >= POOL_SIZE) {
        size_t blocks = MIN(len, (size_t)RESEED_BYTES) / CHACHA20_BLOCK;

        stream(g, out, blocks);
        out += blocks * CHACHA20_BLOCK;
        len -= blocks * CHACHA20_BLOCK;
    }
    take(g, out, len);
}
