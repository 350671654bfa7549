/* SPDX-License-Identifier: MIT
 *
 * The index of a stock: what it says is found, and one that is wrong in any
 * way is none.
 */
#include "lib/tests/unit.h"
#include "kernel/mm/stock.h"
#include "kernel/mm/heap.h"
#include "kernel/kernel.h"
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 100, TEXTS = 3 };
#define TEXT_LEN (2 * (uint64_t)STOCK_SLOT_BYTES)

static char *file;
static uint64_t len;

static struct stock_head *head(void)
{
    return (struct stock_head *)(file + PAGE_SIZE);
}

static struct stock_text *texts(void)
{
    return (struct stock_text *)(head() + 1);
}

static uint64_t *map(void)
{
    return (uint64_t *)(texts() + TEXTS);
}

/* Blocks 10 to 19 and 99; files 7, 8 and 7 have texts. */
static void make(void)
{
    uint64_t first = stock_first(BLOCKS, TEXTS), at;

    free(file);
    at = first + BLOCKS * PAGE_SIZE;
    len = at + TEXTS * (TEXT_LEN + STOCK_SLOT_BYTES);
    file = aligned_alloc(PAGE_SIZE, len);
    memset(file, 0, len);
    *head() = (struct stock_head){.magic = STOCK_MAGIC,
                                  .size = len,
                                  .first = first,
                                  .blocks = BLOCKS,
                                  .text_count = TEXTS};
    for (int i = 0; i < TEXTS; i++) {
        texts()[i] = (struct stock_text){
            .ino = 7 + i % 2, .len = TEXT_LEN, .distance = 4096, .at = at};
        at += TEXT_LEN + STOCK_SLOT_BYTES;
    }
    bitmap_set_range(map(), 10, 20);
    bitmap_set(map(), 99);
    head()->sum = stock_sum(head());
}

static bool is_good(void)
{
    head()->sum = stock_sum(head());
    return stock_check(file, len);
}

static void blocks_are_found(void)
{
    uint64_t count = 1000;

    make();
    stock_use(file, len);
    EXPECT(stock_blocks(0, &count) == NULL);
    EXPECT_EQ(count, 10);
    count = 1000;
    EXPECT(stock_blocks(12, &count) == file + head()->first + 12 * PAGE_SIZE);
    EXPECT_EQ(count, 8);
    count = 3;
    EXPECT(stock_blocks(12, &count) != NULL);
    EXPECT_EQ(count, 3);
    count = 1000;
    EXPECT(stock_blocks(99, &count) != NULL);
    EXPECT_EQ(count, 1);
    count = 5;
    EXPECT(stock_blocks(BLOCKS, &count) == NULL);
    EXPECT_EQ(count, 5);
}

static void texts_are_found(void)
{
    const struct stock_text *s;

    make();
    stock_use(file, len);
    s = stock_text(NULL, 7);
    EXPECT(s == texts());
    EXPECT(stock_code(s) == file + s->at);
    s = stock_text(s, 7);
    EXPECT(s == texts() + 2);
    EXPECT(stock_text(s, 7) == NULL);
    EXPECT(stock_text(NULL, 9) == NULL);
    EXPECT(stock_text(NULL, 0) == NULL);
}

static void its_pages_are_nobodys_to_count(void)
{
    make();
    stock_use(file, len);
    page_get(file + PAGE_SIZE, 2);
    page_put(file + PAGE_SIZE, 2);
    page_put(file + PAGE_SIZE, 2);
    EXPECT_EQ(page_refs(file + PAGE_SIZE), 2);
}

static void a_changed_index_is_none(void)
{
    for (uint64_t at = PAGE_SIZE;
         at < PAGE_SIZE + stock_index_len(BLOCKS, TEXTS); at += 8) {
        make();
        EXPECT(stock_check(file, len));
        *(uint64_t *)(file + at) ^= 1;
        EXPECT(!stock_check(file, len));
    }
}

/* The sum is right: somebody meant it. */
static void an_index_that_contradicts_itself_is_none(void)
{
    static const uint64_t odd[] = {0,          1,          PAGE_SIZE,
                                   1ull << 32, 1ull << 50, 1ull << 63,
                                   UINT64_MAX, -PAGE_SIZE};

    for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
        make();
        texts()[1].at = odd[i];
        EXPECT(!is_good());
        make();
        texts()[1].len = odd[i];
        EXPECT_EQ(is_good(), odd[i] == PAGE_SIZE);
        make();
        head()->first = odd[i];
        EXPECT(!is_good());
        make();
        head()->size = odd[i];
        EXPECT(!is_good());
    }
    make();
    texts()[2].at += PAGE_SIZE; /* over the end */
    EXPECT(!is_good());
    make();
    texts()[0].ino = 0;
    EXPECT(!is_good());
    make();
    bitmap_set(map(), BLOCKS);
    EXPECT(!is_good());
    make();
    EXPECT(!stock_check(file, PAGE_SIZE));
    EXPECT(!stock_check(file, len - PAGE_SIZE));
    head()->blocks = UINT64_MAX;
    EXPECT(!stock_check(file, len));
    make();
    head()->text_count = UINT64_MAX;
    EXPECT(!stock_check(file, len));
}

static void under_a_ceiling_there_is_none(void)
{
    struct boot_info info = {.memory_limit = 1};

    make();
    stock_use(NULL, 0);
    info.stock = (uint64_t)file;
    info.stock_len = len;
    stock_init(&info);
    EXPECT(stock_head() == NULL);
    info.memory_limit = 0;
    stock_init(&info);
    EXPECT(stock_head() == head());
    stock_use(NULL, 0);
}

int main(void)
{
    RUN(blocks_are_found);
    RUN(texts_are_found);
    RUN(its_pages_are_nobodys_to_count);
    RUN(a_changed_index_is_none);
    RUN(an_index_that_contradicts_itself_is_none);
    RUN(under_a_ceiling_there_is_none);
    return unit_result();
}
