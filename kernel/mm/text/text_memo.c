/* SPDX-License-Identifier: MIT
 *
 * See text_memo.h. A table of one entry a slot; what comes later takes the
 * place of what was there. Keys are 128 bits of a hash with secret seeds:
 * nobody can make two pieces of code with the same one on purpose.
 */
#include "kernel/mm/text/text_memo.h"
#include "kernel/core/lock.h"
#include "kernel/mm/heap.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "target/target.h"

enum { SLOTS = 1024, SITES_MAX = 2048, SITES_IN_ALL = 1 << 16, LANES = 4 };

struct memo {
    struct text_key key;
    unsigned count;
    struct patch_site sites[];
};

static struct spinlock lock = SPINLOCK_INIT(LOCK_SLOTS);
static struct memo *memos[SLOTS]; /* under lock */
static unsigned sites_total;      /* under lock */
static uint64_t seeds[2];         /* under lock until they are set */

void text_memo_init(void)
{
    memset(memos, 0, sizeof(memos));
    sites_total = 0;
}

static void need_seeds(void)
{
    spin_lock(&lock);
    if (!seeds[0]) {
        target_random(seeds, sizeof(seeds));
        seeds[0] |= 1;
    }
    spin_unlock(&lock);
}

/* A library's code is a megabyte or two, at each start of a program: lanes
 * that do not wait for each other, each of them hashed in two ways. */
struct text_key text_key(const struct patch_text *text)
{
    uint64_t lanes[2][LANES] = {{0}};
    const uint8_t *p = text->bytes;
    size_t left = text->len;
    struct text_key key;

    need_seeds();
    for (; left >= LANES * 16; left -= LANES * 16, p += LANES * 16) {
        for (unsigned i = 0; i < LANES; i++) {
            uint64_t a = hash_load(p + 16 * i, 8);
            uint64_t b = hash_load(p + 16 * i + 8, 8);

            lanes[0][i] = hash_fold(lanes[0][i] ^ a, seeds[0] ^ b);
            lanes[1][i] = hash_fold(lanes[1][i] ^ b, seeds[1] ^ a);
        }
    }
    for (unsigned n = 0; n < 2; n++) {
        uint64_t h = hash_bytes(seeds[n], p, left);

        for (unsigned i = 0; i < LANES; i++) {
            h = hash_u64(h, lanes[n][i]);
        }
        key.word[n] = hash_u64(h, text->lo << 32 | text->hi);
    }
    return key;
}

static struct memo **slot_of(const struct text_key *key)
{
    return &memos[key->word[0] % SLOTS];
}

bool text_recall(const struct text_key *key, struct patch_site **sites,
                 unsigned *count)
{
    struct patch_site *copy = NULL;
    struct memo *m;
    bool found;

    spin_lock(&lock);
    m = *slot_of(key);
    found = m && memcmp(&m->key, key, sizeof(*key)) == 0;
    if (found) {
        *count = m->count;
        copy = kmalloc(MAX(m->count, 1u) * sizeof(*copy));
        found = copy != NULL;
    }
    if (found) {
        memcpy(copy, m->sites, m->count * sizeof(*copy));
    }
    spin_unlock(&lock);
    *sites = copy;
    return found;
}

void text_remember(const struct text_key *key, const struct patch_site *sites,
                   unsigned count)
{
    struct memo *m = NULL, *old;

    if (count <= SITES_MAX) {
        m = kmalloc(sizeof(*m) + count * sizeof(*sites));
    }
    if (!m) {
        return;
    }
    m->key = *key;
    m->count = count;
    if (count) {
        memcpy(m->sites, sites, count * sizeof(*sites));
    }
    spin_lock(&lock);
    old = *slot_of(key);
    sites_total -= old ? old->count : 0;
    *slot_of(key) = NULL;
    if (sites_total + count <= SITES_IN_ALL) {
        sites_total += count;
        *slot_of(key) = m;
        m = NULL;
    }
    spin_unlock(&lock);
    kfree(old);
    kfree(m);
}
