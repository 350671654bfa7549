/* SPDX-License-Identifier: MIT
 *
 * The hash tree: each block is read, compared with its digest in the block
 * above it (the root hash above the top level), and then kept, so that it is
 * verified once. The least recently used go when there are too many.
 *
 * A block's neighbourhood, of as many as are hashed in the time of one, at most
 * sixteen, which have one parent, is read and hashed with it: readers tend to
 * go on next door. A neighbour that does not match is left out and complained
 * of only when somebody needs it.
 */
#include "kernel/fs/erofs/verity_private.h"
#include "kernel/core/log.h"
#include "kernel/crypto/crypto.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

enum { NEIGHBOURS = 16, FANOUT_BITS = 7 };
static_assert(1 << FANOUT_BITS == IMAGE_FANOUT, "levels by shifting");
static_assert(IMAGE_FANOUT % NEIGHBOURS == 0, "neighbours share a parent");
static_assert(VERITY_KEPT_MAX > NEIGHBOURS * IMAGE_LEVELS_MAX,
              "a path from leaf to root is never its own victim");

/* ---- what is kept; v->lock is held ---- */

static struct hash_block *kept(struct verity *v, unsigned level, uint64_t i)
{
    return v->blocks[v->level_start[level] + i];
}

static void touch(struct verity *v, struct hash_block *b)
{
    list_del(&b->node);
    list_add(&v->kept, &b->node);
}

static void forget(struct verity *v, struct hash_block *b)
{
    list_del(&b->node);
    v->blocks[b->index] = NULL;
    v->kept_count--;
    page_free(b->data, 1);
    kfree(b);
}

/* Takes page. */
static int keep(struct verity *v, unsigned level, uint64_t i, uint8_t *page)
{
    struct hash_block *b = kmalloc(sizeof(*b));

    if (!b) {
        page_free(page, 1);
        return -ENOMEM;
    }
    b->index = v->level_start[level] + i;
    b->data = page;
    v->blocks[b->index] = b;
    list_add(&v->kept, &b->node);
    v->kept_count++;
    return 0;
}

void verity_tree_free(struct verity *v)
{
    while (v->kept_count) {
        forget(v, list_entry(list_first(&v->kept), struct hash_block, node));
    }
}

/* ---- fetching ---- */

static void free_pages(void **pages, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        page_free(pages[i], 1);
    }
}

static int alloc_pages(void **pages, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        pages[i] = page_alloc(1);
        if (!pages[i]) {
            free_pages(pages, i);
            return -ENOMEM;
        }
    }
    return 0;
}

/* What block i of level must hash to; its parent is kept. */
static const uint8_t *digest_of(struct verity *v, unsigned level, uint64_t i)
{
    struct hash_block *parent;

    if (level + 1 == v->levels) {
        return v->root_hash;
    }
    parent = kept(v, level + 1, i / IMAGE_FANOUT);
    check(parent);
    touch(v, parent);
    return parent->data + i % IMAGE_FANOUT * IMAGE_HASH_SIZE;
}

/* Keeps those of the pages that match; the pages are taken. */
static int keep_matching(struct verity *v, unsigned level, uint64_t first,
                         unsigned count, void **pages)
{
    uint8_t digest[NEIGHBOURS][IMAGE_HASH_SIZE];
    int err = 0;

    sha256_blocks_multi((const uint8_t *const *)pages, count, IMAGE_BLOCK,
                        v->salt, v->salt_size, digest);
    for (unsigned i = 0; i < count; i++) {
        bool match = memcmp(digest[i], digest_of(v, level, first + i),
                            IMAGE_HASH_SIZE) == 0;

        if (match && !err && !kept(v, level, first + i)) {
            err = keep(v, level, first + i, pages[i]);
        } else {
            page_free(pages[i], 1);
        }
    }
    return err;
}

/* Reads block i of level, whose parent is kept, and its neighbours. */
static int fetch(struct verity *v, unsigned level, uint64_t i)
{
    uint64_t around = MIN(sha256_lanes(), (size_t)NEIGHBOURS);
    uint64_t first = ALIGN_DOWN(i, around);
    unsigned count = MIN(around, v->level_count[level] - first);
    uint64_t at = v->tree_start + v->level_start[level];
    void *pages[NEIGHBOURS];
    int err = alloc_pages(pages, count);

    if (err) {
        return err;
    }
    if (v->source.read(v->source.ctx, at + first, count, pages) != 0) {
        free_pages(pages, count);
        verity_failed(v, "hash block", at + i, "cannot be read");
        return -EIO;
    }
    err = keep_matching(v, level, first, count, pages);
    if (err) {
        return err;
    }
    if (!kept(v, level, i)) {
        verity_failed(v, "hash block", at + i, "does not match the root hash");
        return -EIO;
    }
    touch(v, kept(v, level, i));
    while (v->kept_count > v->kept_max) {
        forget(v, list_entry(list_last(&v->kept), struct hash_block, node));
    }
    return 0;
}

/* Leaf i, verified: climbs to the lowest ancestor that is kept, then fetches
 * downwards. *out is valid until the next call. */
static int leaf(struct verity *v, uint64_t i, const uint8_t **out)
{
    unsigned level = 0;

    while (level < v->levels && !kept(v, level, i >> level * FANOUT_BITS)) {
        level++;
    }
    while (level-- > 0) {
        int err = fetch(v, level, i >> level * FANOUT_BITS);

        if (err) {
            return err;
        }
    }
    touch(v, kept(v, 0, i));
    *out = kept(v, 0, i)->data;
    return 0;
}

int verity_expect(struct verity *v, uint64_t block, unsigned count,
                  uint8_t (*expected)[IMAGE_HASH_SIZE])
{
    int err = 0;

    if (v->levels == 0) {
        memcpy(expected[0], v->root_hash, IMAGE_HASH_SIZE);
        return 0;
    }
    mutex_lock(&v->lock);
    while (count && !err) {
        uint64_t slot = block % IMAGE_FANOUT;
        unsigned n = MIN((uint64_t)count, IMAGE_FANOUT - slot);
        const uint8_t *digests;

        err = leaf(v, block / IMAGE_FANOUT, &digests);
        if (!err) {
            memcpy(expected, digests + slot * IMAGE_HASH_SIZE,
                   n * IMAGE_HASH_SIZE);
            expected += n;
            block += n;
            count -= n;
        }
    }
    mutex_unlock(&v->lock);
    return err;
}
