/* SPDX-License-Identifier: MIT
 *
 * Any bytes as the index of a stock. Its magic, size, place and sum are made
 * right first, since nothing would come of most inputs otherwise. What is found
 * in one that is accepted lies in the file.
 */
#include <stdlib.h>
#include <string.h>

#include "kernel/mm/stock.h"
#include "kernel/mm/heap.h"
#include "kernel/core/log.h"
#include "tests/fuzz/fuzz.h"

enum { PAGES_MAX = 64 };

void heap_set_uncounted(uint64_t start, uint64_t len)
{
}

void log_line(enum log_level level, const char *fmt, ...)
{
}

static void make_right(struct stock_head *h, uint64_t len)
{
    h->magic = STOCK_MAGIC;
    h->size = len;
    if (h->blocks <= len / PAGE_SIZE && h->text_count <= STOCK_TEXTS_MAX) {
        h->first = stock_first(h->blocks, h->text_count);
        if (h->first <= len) {
            h->sum = stock_sum(h);
        }
    }
}

static void look(const char *file, uint64_t len)
{
    const struct stock_head *h = stock_head();
    const struct stock_text *s;
    uint64_t count;

    for (uint64_t at = 0; at < h->blocks; at += count) {
        const char *p = stock_blocks(at, (count = UINT64_MAX, &count));

        fuzz_expect(count > 0 && count <= h->blocks - at);
        fuzz_expect(!p || (p > file &&
                           (uint64_t)(p - file) + count * PAGE_SIZE <= len));
    }
    for (uint64_t i = 0; i < h->text_count; i++) {
        s = stock_text(NULL, stock_texts()[i].ino);
        fuzz_expect(s && s->len + STOCK_SLOT_BYTES <=
                             len - (uint64_t)(stock_code(s) - file));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t pages = size ? 2 + data[0] % PAGES_MAX : 2;
    char *file = aligned_alloc(PAGE_SIZE, pages * PAGE_SIZE);

    memset(file, 0, pages * PAGE_SIZE);
    if (size) {
        size = size - 1 < (pages - 1) * PAGE_SIZE ? size - 1
                                                  : (pages - 1) * PAGE_SIZE;
        memcpy(file + PAGE_SIZE, data + 1, size);
    }
    make_right((struct stock_head *)(file + PAGE_SIZE), pages * PAGE_SIZE);
    stock_use(file, pages * PAGE_SIZE);
    if (stock_head()) {
        look(file, pages * PAGE_SIZE);
    }
    free(file);
    return 0;
}
