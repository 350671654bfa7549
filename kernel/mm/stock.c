/* SPDX-License-Identifier: MIT
 *
 * See stock.h. Nothing here changes after the boot but the count.
 */
#include "kernel/mm/stock.h"
#include "kernel/kernel.h"
#include "kernel/core/log.h"
#include "kernel/mm/heap.h"
#include "lib/atomic.h"
#include "lib/hash.h"

static const char *stock; /* the file; NULL: none */
static uint64_t noted;    /* atomic */

static const struct stock_head *head_of(const char *file)
{
    return (const struct stock_head *)(file + PAGE_SIZE);
}

static const uint64_t *map_of(const struct stock_head *h)
{
    const struct stock_text *texts = (const struct stock_text *)(h + 1);

    return (const uint64_t *)(texts + h->text_count);
}

uint64_t stock_sum(const struct stock_head *h)
{
    return hash_bytes(STOCK_MAGIC, &h->magic,
                      stock_index_len(h->blocks, h->text_count) -
                          sizeof(h->sum));
}

static bool text_is_good(const struct stock_text *s, uint64_t from,
                         uint64_t size)
{
    uint64_t room = size - STOCK_SLOT_BYTES;

    return IS_ALIGNED(s->off | s->len | s->at, PAGE_SIZE) && s->len &&
           s->len <= (STOCK_CHUNKS - 1) * (uint64_t)STOCK_SLOT_BYTES &&
           s->off < 1ull << 48 && s->distance < 1ull << 32 &&
           size >= STOCK_SLOT_BYTES && s->at >= from && s->at <= room &&
           s->len <= room - s->at && s->ino;
}

bool stock_check(const char *file, uint64_t len)
{
    const struct stock_head *h = head_of(file);
    const struct stock_text *texts = (const struct stock_text *)(h + 1);
    uint64_t end;

    if (len < 2 * PAGE_SIZE || h->magic != STOCK_MAGIC || h->size != len ||
        h->blocks > len / PAGE_SIZE || h->text_count > STOCK_TEXTS_MAX ||
        h->first != stock_first(h->blocks, h->text_count) || h->first > len ||
        h->blocks > (len - h->first) / PAGE_SIZE || h->sum != stock_sum(h)) {
        return false;
    }
    end = h->first + h->blocks * PAGE_SIZE;
    for (uint64_t i = 0; i < h->text_count; i++) {
        if (!text_is_good(&texts[i], end, len)) {
            return false;
        }
    }
    return h->blocks % 64 == 0 ||
           map_of(h)[h->blocks / 64] >> h->blocks % 64 == 0;
}

void stock_use(const char *file, uint64_t len)
{
    stock = file && stock_check(file, len) ? file : NULL;
    heap_set_uncounted((uint64_t)stock, stock ? len : 0);
}

/* Under a ceiling what is shown counts for who shows it, and nothing is set
 * aside: there all is as without one. */
void stock_init(const struct boot_info *info)
{
    if (info->stock && !info->memory_limit) {
        stock_use((const char *)info->stock, info->stock_len);
        if (!stock) {
            log_info("what an earlier run left is of no use");
        }
    }
}

const struct stock_head *stock_head(void)
{
    return stock ? head_of(stock) : NULL;
}

const uint64_t *stock_map(void)
{
    return map_of(head_of(stock));
}

char *stock_blocks(uint64_t block, uint64_t *count)
{
    const struct stock_head *h = stock_head();
    const uint64_t *map;
    uint64_t end;

    if (!h || block >= h->blocks) {
        return NULL;
    }
    map = map_of(h);
    end = block + MIN(*count, h->blocks - block);
    if (!bitmap_test(map, block)) {
        *count = bitmap_find_set(map, end, block) - block;
        return NULL;
    }
    *count = bitmap_find_zero(map, end, block) - block;
    return (char *)stock + h->first + block * PAGE_SIZE;
}

void stock_note(uint64_t pages)
{
    atomic_add_fetch_relaxed(&noted, pages);
}

uint64_t stock_noted(void)
{
    return atomic_load_relaxed(&noted);
}

const struct stock_text *stock_text(const struct stock_text *s, uint64_t ino)
{
    const struct stock_head *h = stock_head();
    const struct stock_text *end;

    if (!h || !ino) {
        return NULL;
    }
    end = stock_texts() + h->text_count;
    for (s = s ? s + 1 : stock_texts(); s < end; s++) {
        if (s->ino == ino) {
            return s;
        }
    }
    return NULL;
}

char *stock_code(const struct stock_text *s)
{
    return (char *)stock + s->at;
}
