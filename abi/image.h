/* SPDX-License-Identifier: MIT
 *
 * The image file: an EROFS file system, the dm-verity tree over it, and one
 * trailer block, all in blocks of 4096 bytes. docs/IMAGE.md describes every
 * byte; here is what the builder (tools/image) and the reader
 * (kernel/fs/erofs/verity*.c) share.
 *
 *     block 0 ...              EROFS, data_blocks of them
 *     block data_blocks        dm-verity superblock, zeros behind it
 *     then                     the tree, root level first, leaves last
 *     last block               struct image_trailer
 *
 * Every byte of a valid image follows from the EROFS part and the salt, so
 * the reader accepts exactly one form. Integers are little-endian.
 */
#ifndef ABI_IMAGE_H
#define ABI_IMAGE_H

#include <assert.h>
#include <stdint.h>

enum {
    IMAGE_BLOCK = 4096,
    IMAGE_HASH_SIZE = 32,
    IMAGE_SALT_MAX = 256,
    IMAGE_FANOUT = IMAGE_BLOCK / IMAGE_HASH_SIZE,
    IMAGE_LEVELS_MAX = 5, /* 128^5 blocks are more than EROFS can address */
    IMAGE_VERSION = 1,
};

/* The same in every image, so that equal trees give equal bytes. */
#define IMAGE_EROFS_UUID  "66b40f9e-5c4e-4d1a-8a5f-2f1f0c2d7a01"
#define IMAGE_VERITY_UUID "66b40f9e-5c4e-4d1a-8a5f-2f1f0c2d7a02"

/* dm-verity's own, as veritysetup(8) writes and reads it. */
struct verity_superblock {
    uint8_t signature[8]; /* "verity\0\0" */
    uint32_t version;     /* 1 */
    uint32_t hash_type;   /* 1: the salt stands before the data */
    uint8_t uuid[16];     /* IMAGE_VERITY_UUID */
    char algorithm[32];   /* "sha256", zeros behind it */
    uint32_t data_block_size, hash_block_size;
    uint64_t data_blocks;
    uint16_t salt_size;
    uint8_t pad1[6];
    uint8_t salt[IMAGE_SALT_MAX];
    uint8_t pad2[168];
};
static_assert(sizeof(struct verity_superblock) == 512, "dm-verity superblock");

#define IMAGE_MAGIC "ENCLIMG" /* with its NUL, 8 bytes */

struct image_trailer {
    uint8_t magic[8];
    uint32_t version; /* IMAGE_VERSION */
    uint32_t salt_size;
    uint64_t image_size;  /* bytes of the file, this block included */
    uint64_t data_size;   /* bytes of the EROFS part */
    uint64_t hash_offset; /* of the superblock; equals data_size */
    uint8_t root_hash[IMAGE_HASH_SIZE]; /* a claim; the policy's counts */
    uint8_t salt[IMAGE_SALT_MAX];
    uint8_t zero[3736];
    uint8_t checksum[IMAGE_HASH_SIZE]; /* SHA-256 of all bytes before it */
};
static_assert(sizeof(struct image_trailer) == IMAGE_BLOCK, "image trailer");

/* How many blocks level 0 (the leaves), 1, ... of the tree over data_blocks
 * have; returns the number of levels, 0 for a single data block. */
static inline unsigned image_tree(uint64_t data_blocks,
                                  uint64_t counts[IMAGE_LEVELS_MAX])
{
    unsigned levels = 0;

    while (data_blocks > 1 && levels < IMAGE_LEVELS_MAX) {
        data_blocks = (data_blocks + IMAGE_FANOUT - 1) / IMAGE_FANOUT;
        counts[levels++] = data_blocks;
    }
    return levels;
}

#endif
