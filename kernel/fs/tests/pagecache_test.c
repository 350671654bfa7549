/* SPDX-License-Identifier: MIT
 *
 * The page cache over a leaf of the test's own: what is read when, what an
 * error does, what is forgotten and what is not; and its tree at odd places.
 */
#include "kernel/fs/tests/support.h"
#include "kernel/fs/pagecache/pagecache.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/stock.h"
#include <stdlib.h>
#include <string.h>

enum { PAGES = 200 };

static struct superblock sb;
static struct inode file;
static unsigned calls, pages_read, bad_page = ~0u;
static char buf[PAGES * 4096];

static void nothing(struct inode *inode)
{
}

static void no_sb(struct superblock *s)
{
}

/* Page i is full of the byte i. */
static int read_pages(struct inode *inode, uint64_t index, unsigned count,
                      void *const pages[])
{
    calls++;
    for (unsigned i = 0; i < count; i++) {
        if (index + i == bad_page) {
            return i ? (int)i : -EIO;
        }
        memset(pages[i], (int)(index + i), PAGE_SIZE);
        pages_read++;
    }
    return count;
}

static const struct superblock_ops sb_ops = {.free = no_sb};
static const struct inode_ops ops = {.free = nothing, .read_pages = read_pages};

static void fresh(void)
{
    calls = pages_read = 0;
    bad_page = ~0u;
    inode_init(&file, &sb, &ops, 1, S_IFREG);
    file.size = sizeof(buf) - 100;
}

static long read_at(uint64_t off, size_t len)
{
    struct iobuf io;

    iobuf_kernel(&io, buf, len);
    return pagecache_read(&file.pages, &io, off, file.size);
}

static void sequential_reads_come_in_batches(void)
{
    fresh();
    for (unsigned i = 0; i < PAGES - 1; i++) {
        EXPECT_EQ(read_at(i * 4096ul, 4096), 4096);
        EXPECT_EQ((uint8_t)buf[100], (uint8_t)i);
    }
    EXPECT_EQ(read_at((PAGES - 1) * 4096ul, 4096), 3996);
    EXPECT(calls < 10);
    EXPECT_EQ(pages_read, PAGES);
    inode_destroy(&file);
}

static void a_second_read_asks_nobody(void)
{
    fresh();
    read_at(0, sizeof(buf));
    calls = 0;
    EXPECT_EQ(read_at(5000, 100000), 100000);
    EXPECT_EQ(calls, 0);
    inode_destroy(&file);
}

static void what_is_read_once_is_not_kept(void)
{
    fresh();
    read_at(90 * 4096ul, 4096);
    calls = pages_read = 0;
    EXPECT_EQ(pagecache_read_once(&file.pages, 80, 16, buf), 16);
    EXPECT_EQ(pages_read, 10); /* 90 and what was read ahead are there */
    for (unsigned i = 0; i < 16; i++) {
        EXPECT_EQ((uint8_t)buf[i * 4096ul], (uint8_t)(80 + i));
    }
    EXPECT_EQ(pagecache_next(&file.pages, 0, true), 90);
    bad_page = 83;
    EXPECT_EQ(pagecache_read_once(&file.pages, 80, 16, buf), 3);
    EXPECT_EQ(pagecache_read_once(&file.pages, 83, 1, buf), -EIO);
    inode_destroy(&file);
}

static void reads_stop_before_a_bad_page(void)
{
    fresh();
    bad_page = 20;
    EXPECT_EQ(read_at(0, sizeof(buf)), 20 * 4096);
    EXPECT_EQ(read_at(20 * 4096, 10), -EIO);
    EXPECT_EQ(read_at(21 * 4096, 10), 10);
    bad_page = ~0u; /* it may get better */
    EXPECT_EQ(read_at(20 * 4096, 10), 10);
    EXPECT_EQ(buf[0], 20);
    inode_destroy(&file);
}

static void clean_pages_can_be_forgotten(void)
{
    fresh();
    read_at(0, sizeof(buf));
    EXPECT_EQ(file.pages.page_count, PAGES);
    EXPECT_EQ(pagecache_drop(&file.pages, 10, 50), 50);
    EXPECT_EQ(file.pages.page_count, PAGES - 50);
    EXPECT_EQ(read_at(20 * 4096, 1), 1);
    EXPECT_EQ(buf[0], 20);
    EXPECT(pagecache_shrink(1000) > 100);
    EXPECT_EQ(read_at(0, 4096), 4096);
    inode_destroy(&file);
    EXPECT_EQ(pagecache_shrink(1000), 0);
}

static void readahead_is_only_a_hint(void)
{
    fresh();
    pagecache_readahead(&file.pages, 50, 100);
    EXPECT_EQ(pages_read, 100);
    pagecache_readahead(&file.pages, 0, UINT64_MAX);
    EXPECT_EQ(file.pages.page_count, PAGES);
    pagecache_readahead(&file.pages, PAGES + 5, 10);
    inode_destroy(&file);
}

static void the_tree_holds_far_apart_pages(void)
{
    static const uint64_t at[] = {
        0, 1, 63, 64, 4095, 4096, 1ul << 20, (1ul << 45) - 1, 1ul << 50};
    struct inode_stat st;
    char byte;
    int fd = t_open("/sparse", O_CREAT | O_RDWR);

    for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
        byte = 'a' + i;
        EXPECT_EQ(t_pwrite(fd, &byte, 1, at[i] * 4096), 1);
    }
    for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
        EXPECT_EQ(t_pread(fd, &byte, 1, at[i] * 4096), 1);
        EXPECT_EQ(byte, 'a' + (int)i);
        EXPECT_EQ(t_seek(fd, at[i] * 4096, SEEK_DATA), at[i] * 4096);
    }
    EXPECT_EQ(t_seek(fd, 5 * 4096, SEEK_DATA), 63 * 4096);
    t_stat("/sparse", &st);
    EXPECT_EQ(st.blocks, ARRAY_SIZE(at) * 8);
    EXPECT_EQ(t_truncate(fd, 64 * 4096), 0);
    t_stat("/sparse", &st);
    EXPECT_EQ(st.blocks, 3 * 8);
    EXPECT_EQ(t_truncate(fd, 0), 0);
    fd_close(fd);
    t_unlink("/sparse");
}

static void a_limit_is_no_space(void)
{
    struct superblock *root = root_mount->sb;
    int fd = t_open("/full", O_CREAT | O_RDWR);

    root->page_limit = root->pages_used + 5;
    memset(buf, 1, sizeof(buf));
    EXPECT_EQ(t_write(fd, buf, 100000), 5 * 4096);
    EXPECT_EQ(t_write(fd, buf, 1), -ENOSPC);
    EXPECT_EQ(t_truncate(fd, 4096), 0);
    EXPECT_EQ(t_pwrite(fd, buf, 8192, 4096), 8192);
    EXPECT_EQ(t_fallocate(fd, 0, 0, 100000), -ENOSPC);
    fd_close(fd);
    t_unlink("/full");
    dcache_shrink(1000);
    EXPECT_EQ(root->pages_used, 0);
    root->page_limit = 0;
}

static void a_window_shows_the_same_bytes(void)
{
    int fd = t_open("/shared", O_CREAT | O_RDWR);
    struct vm_object *o;
    uint64_t base;
    char *p;

    t_pwrite(fd, "before", 6, 5000);
    EXPECT_EQ(file_object(t_file(fd), 3, 1, &o), 0);
    EXPECT_EQ(file_share(t_file(fd), 12288), 0);
    EXPECT_EQ(o->ops->window(o, 12288, &base), 0);
    o->ops->get(o);
    p = (char *)base;
    EXPECT(memcmp(p + 5000, "before", 6) == 0);
    t_pwrite(fd, "written", 7, 100);
    EXPECT(memcmp(p + 100, "written", 7) == 0);
    memcpy(p + 4000, "mapped", 6);
    EXPECT_EQ(t_pread(fd, buf, 6, 4000), 6);
    EXPECT(memcmp(buf, "mapped", 6) == 0);
    EXPECT_EQ(t_truncate(fd, 4003), 0);
    EXPECT_EQ(t_truncate(fd, 9000), 0);
    EXPECT_EQ(t_pread(fd, buf, 9000, 0), 9000);
    EXPECT(memcmp(buf + 4000, "map\0\0\0", 6) == 0 && buf[5000] == 0);
    EXPECT_EQ(file_share(t_file(fd), 1ul << 40), -ENOMEM);
    o->ops->put(o);
    EXPECT_EQ(file_share(t_file(fd), 1ul << 31), 0); /* moves */
    EXPECT_EQ(t_pread(fd, buf, 7, 100), 7);
    EXPECT(memcmp(buf, "written", 7) == 0);
    fd_close(fd);
    t_unlink("/shared");
}

/* The file is blocks 10 to 209 of an image, of which every second ten are in
 * the stock, full of their number and one. */
static uint64_t blocks(struct inode *inode, uint64_t index, uint64_t *count)
{
    return index + 10;
}

static bool is_stocked(uint64_t index)
{
    return index / 10 % 2;
}

static void *make_stock(void)
{
    uint64_t first = stock_first(PAGES + 10, 0);
    uint64_t size = first + (PAGES + 10) * PAGE_SIZE;
    char *stock = aligned_alloc(PAGE_SIZE, size);
    struct stock_head *h = (struct stock_head *)(stock + PAGE_SIZE);

    memset(stock, 0, size);
    *h = (struct stock_head){.magic = STOCK_MAGIC,
                             .size = size,
                             .first = first,
                             .blocks = PAGES + 10};
    for (uint64_t i = 0; i < PAGES; i++) {
        if (is_stocked(i)) {
            bitmap_set((uint64_t *)(h + 1), i + 10);
            memset(stock + first + (i + 10) * PAGE_SIZE, (int)i + 1, PAGE_SIZE);
        }
    }
    h->sum = stock_sum(h);
    stock_use(stock, size);
    EXPECT(stock_head() != NULL);
    return stock;
}

static void what_is_in_stock_is_not_read(void)
{
    static const struct inode_ops stocked = {
        .free = nothing, .read_pages = read_pages, .blocks = blocks};
    void *stock = make_stock();
    uint64_t index = 3;
    size_t count;
    char *run;

    fresh();
    file.ops = &stocked;
    pagecache_gather(&file.pages);
    EXPECT_EQ(pagecache_run(&file.pages, &index, 30, false, &run), 10);
    EXPECT_EQ(index, 10);
    EXPECT_EQ((uint8_t)run[0], 11);
    EXPECT_EQ(read_at(0, sizeof(buf)), (long)sizeof(buf) - 100);
    for (uint64_t i = 0; i < PAGES; i++) {
        EXPECT_EQ((uint8_t)buf[i * PAGE_SIZE], (uint8_t)(i + is_stocked(i)));
    }
    EXPECT_EQ(pages_read, PAGES / 2);
    index = 3; /* now this one is there as well */
    count = pagecache_run(&file.pages, &index, 30, false, &run);
    EXPECT(count >= 1 && count <= 7);
    EXPECT_EQ(index, 3);
    page_put(run, count);
    EXPECT(pagecache_drop(&file.pages, 0, PAGES) >= PAGES / 2);
    inode_destroy(&file);
    stock_use(NULL, 0);
    free(stock);
}

/* What a run has read is for the next, in whatever order; the rest it has. */
static void what_was_read_is_collected(void)
{
    static const struct inode_ops stocked = {
        .free = nothing, .read_pages = read_pages, .blocks = blocks};
    struct stock_page pages[PAGES];
    void *stock = make_stock();

    fresh();
    file.ops = &stocked;
    EXPECT_EQ(read_at(25 * PAGE_SIZE, 10 * PAGE_SIZE), 10 * (long)PAGE_SIZE);
    EXPECT_EQ(pagecache_collect(pages, PAGES), pages_read);
    for (unsigned i = 0; i < pages_read; i++) {
        EXPECT(!is_stocked(pages[i].block - 10));
        EXPECT_EQ((uint8_t)*pages[i].data, pages[i].block - 10);
        page_put(pages[i].data, 1);
    }
    EXPECT_EQ(pagecache_collect(pages, 1), 1);
    page_put(pages[0].data, 1);
    inode_destroy(&file);
    stock_use(NULL, 0);
    free(stock);
}

int main(void)
{
    world_start();
    sb_init(&sb, &sb_ops, "test", 0, 0);
    RUN(sequential_reads_come_in_batches);
    RUN(a_second_read_asks_nobody);
    RUN(what_is_read_once_is_not_kept);
    RUN(reads_stop_before_a_bad_page);
    RUN(clean_pages_can_be_forgotten);
    RUN(readahead_is_only_a_hint);
    RUN(the_tree_holds_far_apart_pages);
    RUN(a_limit_is_no_space);
    RUN(a_window_shows_the_same_bytes);
    RUN(what_is_in_stock_is_not_read);
    RUN(what_was_read_is_collected);
    return unit_result();
}
