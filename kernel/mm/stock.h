/* SPDX-License-Identifier: MIT
 *
 * The stock: what earlier runs of the same image left for this one, where a
 * file of the host can be trusted as much as this process itself, which is so
 * without a TEE alone (boot_info.stock). It has blocks of the image that were
 * checked, and code that was rewritten (text_image.h), where they can be shown
 * from: read-only pages that stay for good and that nobody counts.
 *
 * The file, in pages: the target's key, the index (struct stock_head, texts,
 * the map of blocks), all of the image's blocks in a row, then each text's code
 * and slots. What it does not have of them are holes. fs/stock_save.c writes
 * it.
 *
 * An index that contradicts itself is no stock. What the pages say is believed.
 */
#ifndef KERNEL_MM_STOCK_H
#define KERNEL_MM_STOCK_H

#include "lib/types.h"
#include "lib/bitmap.h"

#define STOCK_MAGIC 0x31306b636f747345ull /* "Estock01" */
#define STOCK_NONE  UINT64_MAX            /* no block */

enum {
    STOCK_TEXTS_MAX = 4096,
    STOCK_CHUNKS = 2048, /* of a text: text_image.c's */
    STOCK_SLOTS = 2048,
    STOCK_SLOT_BYTES = 64 << 10,
};

struct stock_text {
    uint64_t ino, off, len, distance; /* as in struct text_image */
    uint64_t at;    /* in the file: its code, and behind that its slots */
    uint64_t pages; /* bit a page of slots that there is */
    uint64_t used[BITMAP_WORDS(STOCK_SLOTS)];
    uint64_t filled[BITMAP_WORDS(STOCK_CHUNKS)];
};

struct stock_head {
    uint64_t sum; /* of all of the index behind it */
    uint64_t magic;
    uint64_t size;   /* of the file, bytes */
    uint64_t first;  /* where block 0 is */
    uint64_t blocks; /* of the image */
    uint64_t text_count;
};

/* What the index takes, and where the first block is behind it. */
static inline uint64_t stock_index_len(uint64_t blocks, uint64_t text_count)
{
    return sizeof(struct stock_head) + text_count * sizeof(struct stock_text) +
           BITMAP_WORDS(blocks) * sizeof(uint64_t);
}
static inline uint64_t stock_first(uint64_t blocks, uint64_t text_count)
{
    return PAGE_SIZE + ALIGN_UP(stock_index_len(blocks, text_count), PAGE_SIZE);
}
uint64_t stock_sum(const struct stock_head *head);
/* Whether the len bytes of a file are a stock. */
bool stock_check(const char *file, uint64_t len);

struct boot_info;
/* Boot; before anything is read. */
void stock_init(const struct boot_info *info);
/* For tests: another one. NULL: none. */
void stock_use(const char *file, uint64_t len);
/* NULL: there is none. */
const struct stock_head *stock_head(void);
const uint64_t *stock_map(void);

/* The image's blocks from `block` on that are there: where, and how many, at
 * most *count. NULL: that one is not, and *count says how many are not. */
char *stock_blocks(uint64_t block, uint64_t *count);
/* So many pages of it were shown or read; how many in all, for --stats. */
void stock_note(uint64_t pages);
uint64_t stock_noted(void);
/* The next one of a file after s, from the first on (NULL); NULL: no more. */
const struct stock_text *stock_text(const struct stock_text *s, uint64_t ino);
static inline const struct stock_text *stock_texts(void)
{
    return (const struct stock_text *)(stock_head() + 1);
}
char *stock_code(const struct stock_text *s);

#endif
