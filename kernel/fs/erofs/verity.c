/* SPDX-License-Identifier: MIT
 *
 * Verified reading of data blocks. The blocks are read into the caller's
 * pages first, then hashed sixteen at a time (all lanes of sha256_multi.c),
 * then compared with their leaves of the tree. The lock is held only for the
 * leaves, so that tasks read and hash side by side.
 *
 * The source writes to our own memory once; nothing is read from it again
 * after the comparison.
 */
#include "kernel/fs/erofs/verity_private.h"
#include "kernel/core/log.h"
#include "kernel/crypto/crypto.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

enum { HASH_BATCH = 16, FAILURES_LOGGED = 16 };

void verity_failed(struct verity *v, const char *what, uint64_t block,
                   const char *why)
{
    uint64_t n = atomic_fetch_add(&v->failures, 1);

    if (n < FAILURES_LOGGED) {
        log_error("image: %s %llu %s", what, (unsigned long long)block, why);
    }
}

uint64_t verity_blocks(const struct verity *v)
{
    return v->data_blocks;
}

/* One batch: how many from the first on are good, or -errno. */
static int verify(struct verity *v, uint64_t block, unsigned count,
                  void *const pages[])
{
    uint8_t expected[HASH_BATCH][IMAGE_HASH_SIZE];
    uint8_t digest[HASH_BATCH][IMAGE_HASH_SIZE];
    unsigned good = 0;
    int err = verity_expect(v, block, count, expected);

    if (err) {
        return err;
    }
    sha256_blocks_multi((const uint8_t *const *)pages, count, IMAGE_BLOCK,
                        v->salt, v->salt_size, digest);
    while (good < count &&
           memcmp(digest[good], expected[good], IMAGE_HASH_SIZE) == 0) {
        good++;
    }
    return good;
}

int verity_read(struct verity *v, uint64_t block, unsigned count,
                void *const pages[])
{
    unsigned done = 0;

    check(count >= 1 && count <= VERITY_BATCH);
    if (block >= v->data_blocks) {
        verity_failed(v, "data block", block, "is past the end");
        return -EIO;
    }
    count = MIN((uint64_t)count, v->data_blocks - block);
    if (v->source.read(v->source.ctx, block, count, pages) != 0) {
        /* Reading ahead may have met what nobody needs yet. */
        count = 1;
        if (v->source.read(v->source.ctx, block, count, pages) != 0) {
            verity_failed(v, "data block", block, "cannot be read");
            return -EIO;
        }
    }
    while (done < count) {
        unsigned n = MIN(count - done, (unsigned)HASH_BATCH);
        int good = verify(v, block + done, n, pages + done);

        if (good < 0) {
            return done ? (int)done : good;
        }
        done += good;
        if ((unsigned)good < n) {
            break;
        }
    }
    if (done == 0) {
        verity_failed(v, "data block", block, "does not match the root hash");
        return -EIO;
    }
    return done;
}
