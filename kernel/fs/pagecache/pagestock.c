/* SPDX-License-Identifier: MIT
 *
 * The page cache and the stock (mm/stock.h): what is there needs no page of
 * ours. Mappings show it as it is; who reads it gets a page in the tree whose
 * data lies there. And what a run has in its pages, for the next one's stock.
 */
#include "kernel/fs/pagecache/pagetree.h"
#include "kernel/fs/vfs.h"
#include "kernel/mm/stock.h"
#include "abi/linux/errno.h"

static uint64_t block_of(struct pagecache *pc, uint64_t index, uint64_t *count)
{
    return pc->inode->ops->blocks
               ? pc->inode->ops->blocks(pc->inode, index, count)
               : STOCK_NONE;
}

char *stock_pages(struct pagecache *pc, uint64_t index, uint64_t *count)
{
    uint64_t block = stock_head() ? block_of(pc, index, count) : STOCK_NONE;

    return block == STOCK_NONE ? NULL : stock_blocks(block, count);
}

int stock_insert(struct pagecache *pc, uint64_t index, char *data,
                 struct cpage **out)
{
    struct cpage *page;
    int err = cpage_borrow(pc, data, &page);

    if (err) {
        return err;
    }
    page->borrowed = false; /* nothing can take it away */
    page->state = PAGE_READY;
    page->refs = 2;
    spin_lock(&pc->lock);
    err = tree_find(pc, index) ? -EEXIST : tree_insert(pc, index, page);
    spin_unlock(&pc->lock);
    if (err) {
        page->refs = 1;
        cpage_put(page);
    }
    stock_note(!err);
    *out = err ? NULL : page;
    return err;
}

size_t stock_run(struct pagecache *pc, uint64_t *index, uint64_t end, bool load,
                 char **run)
{
    uint64_t at = *index, last = at + 1;

    if (!stock_head() || !pc->inode->ops->blocks) {
        return 0;
    }
    if (!load) { /* what is in the tree may come first */
        last = pagecache_next(pc, at, true);
        last = last < end ? last + 1 : end;
    }
    while (at < last) {
        uint64_t count = end - at;
        char *found = stock_pages(pc, at, &count);

        if (found) {
            *index = at;
            *run = found;
            stock_note(count);
            return count;
        }
        at += count;
    }
    return 0;
}

size_t stock_collect(struct pagecache *pc, struct stock_page *pages,
                     size_t room)
{
    uint64_t index = 0;
    struct cpage *page;
    size_t n = 0;

    spin_lock(&pc->lock);
    while (n < room && (page = tree_next(pc, &index))) {
        uint64_t count = 1, block = block_of(pc, index++, &count);

        if (block != STOCK_NONE && page->state == PAGE_READY &&
            !page->borrowed && !stock_blocks(block, &count)) {
            page_get(page->data, 1);
            pages[n++] = (struct stock_page){block, page->data};
        }
    }
    spin_unlock(&pc->lock);
    return n;
}
