/* SPDX-License-Identifier: MIT
 *
 * The radix tree of cached pages (pagetree.h), and the pages themselves.
 */
#include "kernel/fs/pagecache/pagetree.h"
#include "kernel/fs/vfs.h"
#include "kernel/core/readers.h"
#include "kernel/mm/heap.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

enum { BITS = 6, WIDTH = 1 << BITS, HEIGHT_MAX = 9 };
enum { TOP_HEIGHT = 15 }; /* below the alignment of nodes and pages */

struct node {
    uint32_t used; /* slots in use */
    void *slots[WIDTH];
};

/* ---- pages ---- */

bool page_charge(struct superblock *sb)
{
    uint64_t before = atomic_fetch_add(&sb->pages_used, 1);
    bool fits = sb->page_limit == 0 || before < sb->page_limit;

    if (!fits) {
        atomic_fetch_sub(&sb->pages_used, 1);
    }
    return fits;
}

void page_uncharge(struct superblock *sb)
{
    atomic_fetch_sub(&sb->pages_used, 1);
}

int cpage_borrow(struct pagecache *pc, char *data, struct cpage **out)
{
    struct superblock *sb = pc->inode->sb;
    bool counted = pc->inode->ops->read_pages == NULL;
    struct cpage *page = kmalloc(sizeof(*page));

    if (!page) {
        return -ENOMEM;
    }
    if (counted && !page_charge(sb)) {
        kfree(page);
        return -ENOSPC;
    }
    page->data = data;
    page->refs = 1;
    page->state = PAGE_LOADING;
    page->used = 0;
    page->borrowed = true;
    page->charged = counted ? sb : NULL;
    *out = page;
    return 0;
}

/* Under a ceiling the cache leaves something to the rest of the kernel, whose
 * memory may be another than what pages are taken from: then only whole chunks
 * help, which go back to the target. */
static void make_room(void)
{
    enum { TRIES = 8 };

    for (int i = 0; i < TRIES && heap_low() && heap_reclaim(); i++) {
    }
}

int cpage_alloc(struct pagecache *pc, char *data, struct cpage **out)
{
    struct cpage *page;
    int err = cpage_borrow(pc, NULL, &page);

    if (err) {
        return err;
    }
    make_room();
    if (heap_low() && pagecache_shrink(PAGECACHE_BATCH) == 0) {
        cpage_put(page);
        return -ENOMEM;
    }
    page->data = data ? data : page_share_alloc(1);
    if (!page->data && pagecache_shrink(PAGECACHE_BATCH) > 0) {
        page->data = page_share_alloc(1);
    }
    if (!page->data) {
        cpage_put(page);
        return -ENOMEM;
    }
    page->borrowed = false;
    *out = page;
    return 0;
}

void cpage_put(struct cpage *page)
{
    if (atomic_sub_fetch(&page->refs, 1) != 0) {
        return;
    }
    readers_wait();
    if (page->charged) {
        page_uncharge(page->charged);
    }
    if (!page->borrowed) {
        page_put(page->data, 1);
    }
    kfree(page);
}

/* ---- the tree ---- */

static uint64_t capacity(uint32_t height)
{
    return height * BITS >= 64 ? UINT64_MAX : 1ull << height * BITS;
}

static unsigned slot_at(uint64_t index, uint32_t level)
{
    return index >> level * BITS & (WIDTH - 1);
}

/* pagecache.top is what the tree begins with and the height above it in one
 * word, so that who reads without the lock gets both from one moment. */
static void *top_of(uint64_t top)
{
    return (void *)(top & ~(uint64_t)TOP_HEIGHT);
}

static uint32_t height_of(uint64_t top)
{
    return top & TOP_HEIGHT;
}

/* To a slot, or where that is NULL the top's. */
static void put(struct pagecache *pc, void **slot, void *at)
{
    if (slot) {
        atomic_store_release(slot, at);
    } else {
        atomic_store_release(&pc->top, (uint64_t)at | height_of(pc->top));
    }
}

bool tree_is_empty(const struct pagecache *pc)
{
    return !top_of(pc->top);
}

struct cpage *tree_find(struct pagecache *pc, uint64_t index)
{
    uint64_t top = atomic_load_acquire(&pc->top);
    void *at = top_of(top);

    if (index >= capacity(height_of(top))) {
        return NULL;
    }
    for (uint32_t level = height_of(top); level > 0 && at; level--) {
        at = atomic_load_acquire(
            &((struct node *)at)->slots[slot_at(index, level - 1)]);
    }
    return at;
}

/* Makes the tree high enough for index. */
static int grow(struct pagecache *pc, uint64_t index)
{
    uint32_t height;

    while (index >= capacity(height = height_of(pc->top))) {
        struct node *node = NULL;

        if (!tree_is_empty(pc)) {
            node = kzalloc(sizeof(*node));
            if (!node) {
                return -ENOMEM;
            }
            node->slots[0] = top_of(pc->top);
            node->used = 1;
        }
        atomic_store_release(&pc->top, (uint64_t)node | (height + 1));
    }
    return 0;
}

/* Frees empty nodes on the way to index, bottom up, after a removal or a
 * failed insertion. */
static void prune(struct pagecache *pc, uint64_t index)
{
    struct node *path[HEIGHT_MAX + 2];
    void *at = top_of(pc->top);
    uint32_t height = height_of(pc->top), level = height, depth = 0;

    for (; level > 0 && at; level--) {
        path[depth++] = at;
        at = ((struct node *)at)->slots[slot_at(index, level - 1)];
    }
    while (depth > 0 && path[depth - 1]->used == 0) {
        struct node *empty = path[--depth];

        if (depth > 0) {
            path[depth - 1]->used--;
            put(pc, &path[depth - 1]->slots[slot_at(index, height - depth)],
                NULL);
        } else {
            atomic_store_release(&pc->top, 0);
        }
        readers_wait();
        kfree(empty);
    }
}

int tree_insert(struct pagecache *pc, uint64_t index, struct cpage *page)
{
    int err = grow(pc, index);
    void **slot = NULL, *at = top_of(pc->top);
    struct node *parent = NULL;

    for (uint32_t level = height_of(pc->top); level > 0 && !err; level--) {
        if (!at) {
            at = kzalloc(sizeof(struct node));
            if (!at) {
                err = -ENOMEM;
                break;
            }
            put(pc, slot, at);
            if (parent) {
                parent->used++;
            }
        }
        parent = at;
        slot = &parent->slots[slot_at(index, level - 1)];
        at = *slot;
    }
    if (err) {
        prune(pc, index);
        return err;
    }
    put(pc, slot, page);
    if (parent) {
        parent->used++;
    }
    pc->page_count++;
    return 0;
}

/* Where the page at index hangs: a slot of *parent, or NULL, the top itself.
 * *page: what is there, or NULL. */
static void **place_of(struct pagecache *pc, uint64_t index,
                       struct node **parent, struct cpage **page)
{
    void **slot = NULL, *at = top_of(pc->top);

    *parent = NULL;
    for (uint32_t level = height_of(pc->top); level > 0 && at; level--) {
        *parent = at;
        slot = &(*parent)->slots[slot_at(index, level - 1)];
        at = *slot;
    }
    *page = at;
    return slot;
}

struct cpage *tree_swap(struct pagecache *pc, uint64_t index,
                        struct cpage *page)
{
    struct node *parent;
    struct cpage *old;
    void **slot = place_of(pc, index, &parent, &old);

    put(pc, slot, page);
    return old;
}

struct cpage *tree_remove(struct pagecache *pc, uint64_t index)
{
    struct node *parent;
    struct cpage *page;
    void **slot;

    if (index >= capacity(height_of(pc->top))) {
        return NULL;
    }
    slot = place_of(pc, index, &parent, &page);
    if (!page) {
        return NULL;
    }
    put(pc, slot, NULL);
    pc->page_count--;
    if (parent && --parent->used == 0) {
        prune(pc, index);
    }
    return page;
}

struct cpage *tree_next(struct pagecache *pc, uint64_t *index)
{
    uint64_t i = *index;

    while (!tree_is_empty(pc) && i < capacity(height_of(pc->top))) {
        void *at = top_of(pc->top);
        uint32_t level = height_of(pc->top);

        while (level > 0 && at) {
            level--;
            at = ((struct node *)at)->slots[slot_at(i, level)];
        }
        if (at) {
            *index = i;
            return at;
        }
        /* Nothing below this slot: on to the next one of its level. */
        i = ((i >> level * BITS) + 1) << level * BITS;
        if (i == 0) {
            break;
        }
    }
    return NULL;
}
