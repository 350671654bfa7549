/* SPDX-License-Identifier: MIT
 *
 * struct verity, shared by verity_open.c (the format), verity_tree.c (the
 * hash blocks) and verity.c (the data blocks); nobody else includes it.
 */
#ifndef KERNEL_FS_VERITY_PRIVATE_H
#define KERNEL_FS_VERITY_PRIVATE_H

#include "abi/image.h"
#include "kernel/core/lock.h"
#include "kernel/fs/erofs/verity.h"
#include "lib/list.h"

/* Blocks of the tree kept at most: 16 MiB, which cover 2 GiB of data. */
enum { VERITY_KEPT_MAX = 4096 };

/* A verified block of the tree. */
struct hash_block {
    struct list node; /* v->kept */
    uint64_t index;   /* in v->blocks */
    uint8_t *data;    /* one page */
};

struct verity {
    struct verity_source source;
    uint64_t data_blocks;
    uint8_t root_hash[IMAGE_HASH_SIZE];
    uint8_t salt[IMAGE_SALT_MAX];
    uint32_t salt_size;

    unsigned levels;                        /* 0: a single data block */
    uint64_t level_count[IMAGE_LEVELS_MAX]; /* blocks of level 0, 1, ... */
    uint64_t level_start[IMAGE_LEVELS_MAX]; /* their index in blocks[] */
    uint64_t tree_start;                    /* blocks[0]'s block in the file */
    uint64_t tree_blocks;

    struct mutex lock;          /* LOCK_FS_OBJECT; guards what follows */
    struct hash_block **blocks; /* [tree_blocks]; NULL: not kept */
    struct list kept;           /* the last used first */
    unsigned kept_count, kept_max;
    uint64_t failures; /* so far; changed with atomic adds */
};

/* Fills expected[] with the digests that data blocks [block, block + count)
 * must have; the blocks' digests stand in at most two leaves. 0, -EIO (logged)
 * or -ENOMEM. May block. */
int verity_expect(struct verity *v, uint64_t block, unsigned count,
                  uint8_t (*expected)[IMAGE_HASH_SIZE]);

/* Forgets all blocks of the tree. */
void verity_tree_free(struct verity *v);

/* Counts a failure; logs the first few. what: "data block", ... */
void verity_failed(struct verity *v, const char *what, uint64_t block,
                   const char *why);

#endif
