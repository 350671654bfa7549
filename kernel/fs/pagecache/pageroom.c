/* SPDX-License-Identifier: MIT
 *
 * Room for a file's pages in one piece, set aside when the file is mapped for
 * the first time: then a mapping of it is one mapping of the target's, however
 * its pages came in. It takes addresses, and memory only for what is read.
 *
 * Under a ceiling, where addresses of the kernel's are counted as memory,
 * there is none; nor for files that are very large.
 */
#include "kernel/fs/pagecache/pagetree.h"
#include "kernel/fs/vfs.h"
#include "kernel/core/readers.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/limit.h"
#include "lib/atomic.h"
#include "lib/bitmap.h"
#include "lib/string.h"

#define ROOM_MAX (64ull << 20)

/* Pages that were there before move in, unless somebody has them. */
static void move_in(struct pagecache *pc)
{
    uint64_t index = 0;
    struct cpage *page;

    while ((page = tree_next(pc, &index)) && index < pc->room_pages) {
        char *to = pc->room + index * PAGE_SIZE, *from;

        if (page->refs == 1 && page->state == PAGE_READY && !page->borrowed &&
            page_refs(page->data) == 1 && bitmap_test(pc->room_free, index)) {
            bitmap_clear(pc->room_free, index);
            from = page->data;
            memcpy(to, from, PAGE_SIZE);
            atomic_store_release(&page->data, to);
            readers_wait();
            page_put(from, 1);
        }
        index++;
    }
}

void pagecache_gather(struct pagecache *pc)
{
    uint64_t size = ALIGN_UP(atomic_load_acquire(&pc->inode->size), PAGE_SIZE);
    uint64_t pages = size / PAGE_SIZE;
    uint64_t stocked = pages, *map;
    char *room;

    if (atomic_load_relaxed(&pc->room) || !pc->inode->ops->read_pages ||
        pages < 2 || size > ROOM_MAX || limit_is_set()) {
        return;
    }
    if (stock_pages(pc, 0, &stocked) && stocked + 1 >= pages) {
        return; /* and they lie so */
    }
    map = kmalloc(BITMAP_WORDS(pages) * sizeof(*map));
    room = map ? page_share_alloc(pages) : NULL;
    if (!room) {
        kfree(map);
        return;
    }
    memset(map, 0, BITMAP_WORDS(pages) * sizeof(*map));
    bitmap_set_range(map, 0, pages);
    spin_lock(&pc->lock);
    if (!pc->room) {
        pc->room_pages = pages;
        pc->room_free = map;
        atomic_store_relaxed(&pc->room, room);
        move_in(pc);
        room = NULL;
    }
    spin_unlock(&pc->lock);
    if (room) { /* somebody else was faster */
        page_put(room, pages);
        kfree(map);
    }
}

char *room_take(struct pagecache *pc, uint64_t index)
{
    char *page = NULL;

    if (!atomic_load_relaxed(&pc->room)) {
        return NULL;
    }
    spin_lock(&pc->lock);
    if (index < pc->room_pages && bitmap_test(pc->room_free, index)) {
        bitmap_clear(pc->room_free, index);
        page = pc->room + index * PAGE_SIZE;
    }
    spin_unlock(&pc->lock);
    return page;
}

void room_free(struct pagecache *pc)
{
    for (uint64_t i = 0; i < pc->room_pages; i++) {
        if (bitmap_test(pc->room_free, i)) {
            page_put(pc->room + i * PAGE_SIZE, 1);
        }
    }
    kfree(pc->room_free);
    pc->room = NULL;
    pc->room_pages = 0;
}
