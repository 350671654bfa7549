/* SPDX-License-Identifier: MIT
 *
 * Verified reading of an image (abi/image.h): blocks come from an untrusted
 * source and leave only when they match the root hash.
 *
 * The volume keeps the blocks of the hash tree that it has verified; data is
 * not kept (the page cache does that). Any number of tasks may read at once.
 */
#ifndef KERNEL_FS_VERITY_H
#define KERNEL_FS_VERITY_H

#include "lib/types.h"

struct verity;

/* Where the image's 4096-byte blocks come from. */
struct verity_source {
    /* Copies blocks [block, block + count) to pages[], each of 4096 bytes of
     * our own memory. All (0) or -errno. May block. */
    int (*read)(void *ctx, uint64_t block, unsigned count, void *const pages[]);
    void *ctx;
};

enum { VERITY_BATCH = 64 }; /* blocks that one verity_read() may ask for */

/* Checks trailer, superblock and root_hash against each other. image_size in
 * bytes. *out is the caller's until verity_close(). -EINVAL: not an image;
 * -EIO: damaged, or not the image of this root hash (logged); -ENOMEM. May
 * block. */
int verity_open(const struct verity_source *source, uint64_t image_size,
                const uint8_t root_hash[32], struct verity **out);
void verity_close(struct verity *v);

/* The data blocks: 0 .. verity_blocks() - 1 can be read. */
uint64_t verity_blocks(const struct verity *v);

/* Reads data blocks [block, block + count) to pages[]; count 1..VERITY_BATCH.
 * Returns how many from the first on are verified (at least 1); the content of
 * the other pages is undefined. -EIO: the first one is not what the root hash
 * says, cannot be read or does not exist (logged); -ENOMEM. May block. */
int verity_read(struct verity *v, uint64_t block, unsigned count,
                void *const pages[]);

#endif
